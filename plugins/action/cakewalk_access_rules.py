# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read access rules from files for the module of this name, and write what the module returns to files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.module_utils.common.validation import check_type_path

from ..module_utils._engine.access_rules.entries import asks_for_roster
from ..module_utils._engine.storage.private_file import PrivateFile
from ..plugin_utils._code_reader import check_options, refuse_code_file, source_of
from ..plugin_utils._controller import FileKeepingAction

#: The names that messages use for the files.
_FILES = {"json": "the results as JSON", "junit": "the results as JUnit XML"}


class ActionModule(FileKeepingAction):
    """The action of C(cakewalk_access_rules), which gets the content of the files as data, never as a template."""

    def keep_files(self, options: Mapping[str, Any], run_module: Callable[..., dict[str, Any]]) -> dict[str, Any]:
        check_options(options)
        folder = check_type_path(options["folder"])
        files = {}
        for name, words in _FILES.items():
            option = f"{name}_path"
            if options.get(option):
                path = check_type_path(options[option])
                files[name] = PrivateFile(path, words, "Move it away, or give another path.")
                refuse_code_file(folder, option, path, words)
                files[name].check_writable()
        source = source_of(folder, needs_roster=asks_for_roster)
        result = run_module(source=source)
        result.get("invocation", {}).get("module_args", {}).pop("source", None)
        texts = {name: result.pop(f"{name}_text", None) for name in _FILES}
        for name, file in files.items():
            if texts[name] is not None and not self._task.check_mode:
                file.write(texts[name])
        # Ansible shows the result without -v then, as it does for debug.
        return {**result, "_ansible_verbose_always": True}
