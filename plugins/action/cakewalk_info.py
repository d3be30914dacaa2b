# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the files of access as code for the module of this name, if it explains access with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.module_utils.common.validation import check_type_dict, check_type_path

from ..module_utils._api.errors import ConfigurationError
from ..plugin_utils._code_reader import source_of
from ..plugin_utils._controller import FileKeepingAction
from ..plugin_utils._in_process import InProcessAction


class ActionModule(FileKeepingAction):
    """The action of C(cakewalk_info), which gets the content of the files as data, never as a template."""

    def run_with(self, options: dict[str, Any], tmp: str | None, task_vars: dict[str, Any] | None) -> dict[str, Any]:
        if "source" in options or _folder(options):
            return super().run_with(options, tmp, task_vars)
        return InProcessAction.run_with(self, options, tmp, task_vars)

    def keep_files(self, options: Mapping[str, Any], run_module: Callable[..., dict[str, Any]]) -> dict[str, Any]:
        if "source" in options:
            raise ConfigurationError("use source", "it is read from folder, and nowhere else", "Leave it out.")
        result = run_module(source=source_of(check_type_path(_folder(options))))
        result.get("invocation", {}).get("module_args", {}).pop("source", None)
        return result


def _folder(options: Mapping[str, Any]) -> str | None:
    """Return the folder of the code that a task names, C(None) without one; the module refuses what is no mapping."""
    try:
        folder = check_type_dict(options.get("explain") or {}).get("folder")
    except TypeError:
        return None
    return str(folder) if folder else None
