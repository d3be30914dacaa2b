# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of C(cakewalk_access_as_code): the code that it reads, and the plans, exports and journals that it keeps.

They are on the controller, wherever the module runs.
"""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager
from pathlib import Path

from ansible.module_utils.common.validation import check_type_path
from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import ConfigurationError
from ansible_collections.cakewalk.access.plugins.module_utils._api.text import printable, summarize
from ansible_collections.cakewalk.access.plugins.module_utils._engine.storage.journal import Journal, lines_of
from ansible_collections.cakewalk.access.plugins.module_utils._engine.storage.private_file import PrivateFile
from ansible_collections.cakewalk.access.plugins.plugin_utils import _code_reader
from ansible_collections.cakewalk.access.plugins.plugin_utils._controller import collection_version

_PATHS = ("folder", "plan_path", "inverse_path", "record_path")


class CodeStorage:
    """The files of one task.

    :param options: of the task, as they were given.
    :param foreseen: whether nothing is to be written, as in check mode.
    :param actor: who is to act, as far as the controller can tell.
    """

    def __init__(self, options, foreseen, actor):
        self._options = options
        self._foreseen = foreseen
        self._actor = actor
        self._mode = options.get("mode", "plan")
        self._paths = {name: check_type_path(options[name]) for name in _PATHS if options.get(name)}
        self._run = secrets.token_hex(8)

    def source(self):
        """Return what the module is to know of the files.

        :raises CodeRefused: the code is none.
        :raises ConfigurationError: a task brings data of its own, past the files, or leaves out a file that it needs.
        """
        if "source" in self._options:
            raise ConfigurationError("use source", "it is read from folder, and nowhere else", "Leave it out.")
        # To the argument spec what is blank or null is there.
        for name in ("folder", "record_path") if self._mode == "apply" else ("folder",):
            if name not in self._paths:
                raise ConfigurationError(f"use {name}", "it is missing or blank", "Give a whole path.", option=name)
        self._refuse_what_is_in_the_way()
        if self._mode == "export":
            return {"version": collection_version()}
        code, positions = _code_reader.read(self._paths["folder"])
        return {"version": collection_version(), "code": code, "positions": positions}

    def _refuse_what_is_in_the_way(self):
        """Refuse files that would take the place of each other, or of code.

        :raises ConfigurationError: there are such.
        :raises FileRefused: a path is relative.
        """
        folder = Path(os.path.normpath(self._paths["folder"]))
        seen = {}
        for name in sorted(self._paths.keys() - {"folder"}):
            self._kept(name)
            path = Path(os.path.normpath(self._paths[name]))
            why = ""
            if path in seen:
                why = f"{_what(seen[path])} and {_what(name)} would be one file"
            elif folder in path.parents and path.suffix in _code_reader.SUFFIXES:
                why = "it is in the folder of the code, and the next run would read it as code"
            if why:
                raise ConfigurationError(f"keep {_what(name)}", why, "Give another path.", option=name)
            seen[path] = name

    @contextmanager
    def begun(self):
        """Begin the record, so that nothing is written that it does not tell of, and keep others from it meanwhile:
        two runs of one plan would both find that it fits, and write everything twice.

        :raises FileRefused: it cannot be kept, nor what takes back the run, or another run does not end.
        """
        if not self._is_recorded():
            yield
            return
        with Journal(self._paths["record_path"]).locked():
            if "inverse_path" in self._paths:
                self._kept("inverse_path").read()
            self._record([{"status": "begun", "plan_hash": self._options.get("plan_hash")}])
            yield

    def kept(self, result):
        """Keep what the module returned for files, and return the rest as the task is to show it.

        :raises CakewalkError: a file could not be written.
        """
        result.get("invocation", {}).get("module_args", {}).pop("source", None)
        plan, files = result.pop("plan_text", None), result.pop("files", None)
        if self._is_recorded():
            # A module that died says neither what it had done nor what went wrong.
            ended = [{"status": "ended"}] if result.keys() & {"steps", "error"} else []
            self._record([*lines_of(result), *ended])
        if "inverse" in result and "inverse_path" in self._paths:
            self._write_inverse(result["inverse"]["text"])
        if plan is not None and "plan_path" in self._paths:
            self._write("plan_path", plan)
        exported = {"changed": self._exported(files), "files": sorted(files)} if files is not None else {}
        # Shown without -v too, as what debug shows.
        return {**result, **exported, "_ansible_verbose_always": True}

    def _exported(self, files):
        """Write the files of an export, and tell whether there was anything new in them.

        :raises ConfigurationError: there are other files of code, or others of these names.
        """
        folder = Path(self._paths["folder"])
        there = (
            {str(path.relative_to(folder)): path for path in _code_reader.files_in(folder)} if folder.is_dir() else {}
        )
        kept = {
            name: PrivateFile(str(folder / name), "the code", "Export it anew into another folder.") for name in files
        }
        differing = [name for name, file in kept.items() if file.read() != files[name]]
        # Before ansible-core 2.19 templates make texts of booleans.
        overwrite = boolean(self._options.get("overwrite", False))
        taken = [name for name in there if name not in files or (name in differing and not overwrite)]
        if taken:
            raise ConfigurationError(
                f"export into {printable(folder)}",
                f"it holds other code: {summarize(map(printable, taken))}",
                "Export into a new folder, and compare. With overwrite: true files of an earlier export are replaced.",
                option="folder",
            )
        for name in differing:
            if not self._foreseen:
                kept[name].write(files[name])
        return bool(differing)

    def _write_inverse(self, text):
        """Write what takes back this run; what takes back an earlier one is not lost by that, but kept beside it."""
        earlier = self._kept("inverse_path").read()
        if earlier not in (None, text):
            path = f"{self._paths['inverse_path']}.before-{self._run}"
            PrivateFile(path, "the earlier inverse", "Move it away.").write(earlier)
        self._write("inverse_path", text)

    def _write(self, option, text):
        file = self._kept(option)
        if not self._foreseen and file.read() != text:
            file.write(text)

    def _kept(self, option):
        return PrivateFile(self._paths[option], _what(option), "Move it away.")

    def _is_recorded(self):
        return self._mode == "apply" and not self._foreseen

    def _record(self, lines):
        for line in lines:
            Journal(self._paths["record_path"]).add(run=self._run, role="access_as_code", actor=self._actor, **line)


def _what(option):
    """Return what is kept, in words, by the option that says where."""
    return f"the {option.removesuffix('_path')}"
