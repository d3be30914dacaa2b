# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the files of access as code for the module of this name, and write what the module returns to files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..plugin_utils._code_storage import CodeStorage
from ..plugin_utils._controller import FileKeepingAction
from ..plugin_utils._in_process import option_of


class ActionModule(FileKeepingAction):
    """The action of C(cakewalk_access_as_code), which gets the content of the files as data, never as a template."""

    _files: CodeStorage | None = None

    def run_with(self, options: dict[str, Any], tmp: str | None, task_vars: dict[str, Any] | None) -> dict[str, Any]:
        result = super().run_with(options, tmp, task_vars)
        if result.get("failed") and self._files:
            self._files.explain(result)
        return result

    def keep_files(self, options: Mapping[str, Any], run_module: Callable[..., dict[str, Any]]) -> dict[str, Any]:
        # The ledger can be named by the environment of the module, and no other file may be the same.
        ledger = option_of(self, "ledger_path", "CAKEWALK_LEDGER")
        self._files = files = CodeStorage({**options, "ledger_path": ledger}, self._task.check_mode)
        source = files.source()
        with files.begun():
            return files.kept(run_module(source=source))
