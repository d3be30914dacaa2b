# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of C(cakewalk_access_as_code) on the controller: code, plans, exports and journals."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from ansible.module_utils.common.validation import check_type_path
from ansible.module_utils.parsing.convert_bool import boolean

from ..module_utils._api.errors import CakewalkError, ConfigurationError
from ..module_utils._api.text import parse_json, pluralize, printable, summarize
from ..module_utils._engine.access_as_code.expiry_report import is_plan_or_report
from ..module_utils._engine.access_as_code.plan_markdown import is_markdown, refusal
from ..module_utils._engine.access_as_code.roster_changes import RosterCopy
from ..module_utils._engine.core.lookup import is_uuid
from ..module_utils._engine.storage.journal import Journal
from ..module_utils._engine.storage.paths import check_distinct
from ..module_utils._engine.storage.private_file import PrivateFile
from . import _code_reader
from ._controller import collection_version

_COPY = "roster_copy_path"
_FILES = ("plan_path", "expiry_report_path", "inverse_path", "journal_path", "ledger_path", _COPY)
_PATHS = ("folder", "proof_dir", *_FILES)
_JOURNAL = "Set `journal_path` (`access_as_code_record_path` in the role) to the absolute path of a file."
#: The options whose files a mode replaces as a whole.
_REPLACED_BY = {
    "plan": ("plan_path", "expiry_report_path"),
    **dict.fromkeys(("apply", "drift", "expire"), ("expiry_report_path",)),
}
#: The options that a mode needs, and where to find their values.
_NEEDED = {
    "apply": {
        "plan_hash": "Set `plan_hash` (`access_as_code_plan_hash` in the role) to the hash of the approved plan.",
        "journal_path": _JOURNAL,
    },
    "expire": {
        "code_digest": "Set `code_digest` (`access_as_code_code_digest` in the role) to that of the approved plan.",
        "journal_path": _JOURNAL,
    },
}
#: The name of a proof holds its day, after the id of the person.
_PROOF = re.compile(r"leaver-[0-9a-f-]{36}-(\d{4})-?(\d\d)-?(\d\d).*")


class CodeStorage:
    """The files of one task.

    :param options: the options of the task, as they were given.
    :param check_mode: whether no file is written.
    """

    def __init__(self, options: Mapping[str, Any], check_mode: bool) -> None:
        self._options = options
        self._check_mode = check_mode
        self._mode = options.get("mode", "plan")
        self._is_writing = self._mode in ("apply", "expire")
        #: The options whose files this run may replace or remove, and has not replaced yet.
        self._replaceable: set[str] = set()
        self._paths: dict[str, str] = {name: check_type_path(options[name]) for name in _PATHS if options.get(name)}

    def source(self) -> dict[str, Any]:
        """Return what the module must know about the files.

        :raises CodeRefused: the files do not hold valid code.
        :raises ConfigurationError: a task passes data in place of the files, or leaves out a file that it needs.
        :raises FileRefused: a file could not be written at the end.
        """
        _code_reader.check_options(self._options)
        self._check_needed()
        self._check_paths()
        source: dict[str, Any] = {"version": collection_version(), "proofs": self._proofs()}
        if self._mode == "export":
            self._exported_file("tenant.yml").check_writable()
            return source
        source |= _code_reader.source_of(self._paths["folder"])
        return {**source, "roster_before": self._roster_before()} if "roster" in source else source

    def _check_needed(self) -> None:
        """Refuse a mode without the options that it needs, since the argument spec accepts blank ones.

        :raises ConfigurationError: with all that are missing.
        """
        missing = [name for name in _NEEDED.get(self._mode, {}) if not self._options.get(name)]
        if missing:
            are = "is" if len(missing) == 1 else "are"
            raise ConfigurationError(
                f"run `mode: {self._mode}`",
                f"{' and '.join(f'`{name}`' for name in missing)} {are} missing or blank",
                " ".join(_NEEDED[self._mode][name] for name in missing),
                option=missing[0],
            )

    def _roster_before(self) -> dict[str, Any] | None:
        """Return the copy of the roster that was last applied, C(None) before the first time.

        :raises ConfigurationError: a run would apply the roster, and nothing shows how many people it may lack.
        :raises FileRefused: the copy is damaged, or must not be trusted.
        """
        if _COPY not in self._paths:
            if self._mode != "apply":
                return None
            raise ConfigurationError(
                "apply the roster",
                f"`{_COPY}` is missing, and nothing shows whether the roster shrank",
                "Give the absolute path of a file that outlives the run. The first run begins it.",
                option=_COPY,
            )
        file = self._file(_COPY)
        if self._mode == "apply":
            file.check_writable()
        text = file.read()
        if text is None:
            return None
        try:
            copy: dict[str, Any] = parse_json(text)
        except ValueError:
            raise file.damaged("it is not JSON") from None
        try:
            RosterCopy.of(copy)
        except ValueError as error:
            raise file.damaged(str(error)) from None
        return copy

    def _proofs(self) -> list[dict[str, Any]]:
        """Return the people that the proofs of the role C(leaver) are about, sorted by the day of the proof.

        :raises ConfigurationError: there is no such folder, where a typing error must not end what the proofs are for.
        :raises FileRefused: a proof is damaged, or must not be trusted.
        """
        if "proof_dir" not in self._paths:
            return []
        folder = Path(self._paths["proof_dir"])
        if not folder.is_absolute() or not folder.is_dir():
            raise ConfigurationError(
                f"read the proofs in {printable(folder)!r}",
                "there is no such folder" if folder.is_absolute() else "the path is relative",
                "Give the absolute path of the folder that the role leaver writes to, or make it.",
                option="proof_dir",
            )
        proofs = [_proof(path) for path in folder.glob("leaver-*.json")]
        # A run that was cut off, or could not read what is left, leaves a file that proves nothing.
        proofs = [proof for proof in proofs if proof.pop("is_proved")]
        return sorted(proofs, key=lambda proof: (proof["date"], proof["file"]))

    def _check_paths(self) -> None:
        """Refuse files that mean two things, that the next run would read as code, or that must not be replaced.

        :raises ConfigurationError: a path is refused.
        :raises FileRefused: a path is relative, or a file to replace holds something else, or cannot be written.
        """
        paths = {name: self._paths[name] for name in _FILES if name in self._paths}
        for name, path in sorted(paths.items()):
            self._file(name)
            _code_reader.refuse_code_file(self._paths["folder"], name, path, _what(name))
        check_distinct(paths)
        for name in _REPLACED_BY.get(self._mode, ()):
            if name in paths:
                self._file(name).check_replaceable(is_plan_or_report, "a plan or report of `cakewalk_access_as_code`")
                self._replaceable.add(name)

    @contextmanager
    def begun(self) -> Iterator[None]:
        """Hold the lock of the journal for the length of the block.

        Without the lock, two runs of one plan would both find that it fits, and write everything twice.

        :raises FileRefused: the journal cannot be locked, or another run does not end.
        """
        is_locked = self._is_writing and not self._check_mode
        with Journal(self._paths["journal_path"]).locked() if is_locked else nullcontext():
            yield

    def kept(self, result: dict[str, Any]) -> dict[str, Any]:
        """Write the files that the module returned, and return the rest of the result.

        :raises CakewalkError: a file could not be written.
        """
        result.get("invocation", {}).get("module_args", {}).pop("source", None)
        names = ("plan_text", "expiry_text", "files", "roster_copy")
        plan, expiry, files, copy = (result.pop(name, None) for name in names)
        if expiry is not None:
            self._replaceable.discard("expiry_report_path")
            if not self._check_mode:
                self._write("expiry_report_path", expiry)
        if copy is not None:
            self._file(_COPY).write(json.dumps(copy, indent=1) + "\n")
        if plan is not None and "plan_path" in self._paths and not self._check_mode:
            self._write("plan_path", plan)
            result["stats"] |= {
                "access_as_code_plan_path": self._file("plan_path").path,
                "access_as_code_plan_sha256": hashlib.sha256(plan.encode()).hexdigest(),
            }
        if files is not None:
            # Ansible shows the result without -v then, as it does for debug.
            shown = {"_ansible_verbose_always": True}
            written = self._export(files)
            be = " would be" if self._check_mode else ""
            result |= {
                "changed": bool(written),
                "msg": f"{len(written)} of {pluralize(len(files), 'file', 'files')}{be} written.",
                "files": sorted(files),
                "stats": {"access_as_code_complete": not (written and self._check_mode)},
                **shown,
            }
        return result

    def explain(self, result: Mapping[str, Any]) -> None:
        """Write why there is no plan, in place of a plan in Markdown, and remove an earlier report.

        Otherwise, these could be taken for those of this run.

        :param result: the result of the failed task, without secrets.
        """
        if self._check_mode:
            return
        # The task has failed already, and that is the failure to report.
        with suppress(CakewalkError):
            if "plan_path" in self._replaceable and is_markdown(self._paths["plan_path"]):
                self._write("plan_path", refusal(result))
        with suppress(CakewalkError):
            if "expiry_report_path" in self._replaceable:
                self._file("expiry_report_path").remove()

    def _write(self, option: str, text: str) -> None:
        file = self._file(option)
        if file.read() != text:
            file.write(text)

    def _export(self, files: Mapping[str, str]) -> list[str]:
        """Write the files of an export that differ from those in the folder, and return their names.

        :raises ConfigurationError: the folder holds other files of code, or others of these names.
        """
        folder = Path(self._paths["folder"])
        present = (
            [str(path.relative_to(folder)) for path in _code_reader.files_in(str(folder))] if folder.is_dir() else []
        )
        targets = {name: self._exported_file(name) for name in files}
        differing = [name for name, file in targets.items() if file.read() != files[name]]
        # Before ansible-core 2.19, a template returns a boolean as text.
        overwrite = boolean(self._options.get("overwrite", False))
        taken = [name for name in present if name not in files or (name in differing and not overwrite)]
        if taken:
            raise ConfigurationError(
                f"export into {printable(folder)}",
                f"it holds other code: {summarize(map(printable, taken))}",
                "Export into a new folder, and compare. With overwrite: true files of an earlier export are replaced.",
                option="folder",
            )
        for name in differing:
            if not self._check_mode:
                targets[name].write(files[name])
        return differing

    def _exported_file(self, name: str) -> PrivateFile:
        path = str(Path(self._paths["folder"]) / name)
        return PrivateFile(path, "the code", "Export it again into another folder.")

    def _file(self, option: str) -> PrivateFile:
        return PrivateFile(self._paths[option], _what(option), "Move it away, or give another path.")


def _proof(path: Path) -> dict[str, Any]:
    file = PrivateFile(str(path), "the proof", "Restore it, or move it away if it should keep nobody out.")
    try:
        document = parse_json(file.read() or "")
        proof = {name: str(document["user"][name]) for name in ("id", "email")}
        is_proved = document["after"] is not None
    except (ValueError, LookupError, TypeError):
        raise file.damaged("it is not a proof about a person") from None
    if not is_uuid(proof["id"]):
        raise file.damaged("the id of its person is not an id")
    day = _PROOF.fullmatch(path.name)
    return {**proof, "file": path.name, "is_proved": is_proved, "date": "-".join(day.groups()) if day else ""}


def _what(option: str) -> str:
    """Return the name that messages use for the file of an option."""
    return f"the {option.removesuffix('_path').replace('_', ' ')}"
