# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger: what this collection wrote last, where the API lists nothing."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any, Protocol, TypeVar

from ..._api.catalog import address_of
from ..._api.client import Client
from ..._api.errors import CakewalkError
from ..._api.operations import Key
from ..._api.text import parse_json, printable, summarize
from .paths import RUNS
from .private_file import PrivateFile

#: The version of the file format.
FORMAT = 1
#: The number of apps that identify the tenant of a ledger.
ANCHORS = 3

Value = TypeVar("Value")
#: By key of an entry, the runs that deleted the entry to replace it, and did not store it yet.
Marks = Mapping[Key, tuple[str, ...]]

_REBUILD = "Move it away: the next run begins a new ledger, and reports everything as changed once."

_INSTEAD = ", or a ledger of policies in a custom field of the apps (`ledger_field`)"


class WrongTenant(CakewalkError):
    """A file belongs to another tenant than the credentials; C(path) is the file."""

    kind = "wrong_tenant"


class ClaimedByAnotherRun(CakewalkError):
    """Another run wrote, or is writing, what must be written once only; C(path) is the ledger."""

    kind = "moved"


class Ledger(Protocol):
    """Stores what steps wrote; only applying a plan changes it.

    No read shows which of two concurrent writes the service carried out last. So an entry that two runs replace at the
    same time is stored by neither.

    :cvar changed: whether this run changed the tenant by writing the ledger.
    """

    changed: bool

    def forget(self, entries: Mapping[Key, Mapping[str, Any]], client: Client) -> None:
        """Delete the entries that steps will replace, and mark them as this run's.

        :param entries: what the steps will write.
        """

    def keep(self, entries: Mapping[Key, Mapping[str, Any]], client: Client) -> None:
        """Store what steps wrote, where only this run marked the entry.

        :param entries: those of the steps that are done; every other entry that was forgotten stays unknown.
        """

    def close(self) -> None:
        """End the run, so that the next run does not count it as under way, whatever the result of its steps."""


@dataclass(frozen=True)
class LedgerEntry:
    """A stored value, and the time since when it is stored."""

    value: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True)
class LedgerDocument:
    """The content of a ledger, and the tenant that it belongs to.

    All tenants of the vendor share one address, so some apps of the tenant identify it.

    :param base_url: as C(address_of) returns it.
    :param anchors: ids of apps, in lower case; empty if the tenant had no apps.
    """

    base_url: str
    anchors: tuple[str, ...] = ()
    entries: Mapping[Key, LedgerEntry] = field(default_factory=dict)
    marks: Marks = field(default_factory=dict)

    def as_text(self) -> str:
        """Return the document as sorted JSON, so that people can compare two versions."""
        entries = [
            {"key": list(key), "value": dict(entry.value), "at": entry.at.isoformat()}
            for key, entry in sorted(self.entries.items())
        ]
        document = {"format": FORMAT, "base_url": self.base_url, "anchors": list(self.anchors), "entries": entries}
        if self.marks:
            document["marks"] = [{"key": list(key), "runs": list(runs)} for key, runs in sorted(self.marks.items())]
        return json.dumps(document, indent=2) + "\n"

    @classmethod
    def of_text(cls, text: str) -> LedgerDocument:
        """Parse the text of a ledger, or raise C(ValueError) that says why it is not a ledger of this format."""
        try:
            document = parse_json(text)
        except ValueError:
            raise ValueError("it is not JSON, so it is damaged") from None
        version = document.get("format") if isinstance(document, dict) else None
        if isinstance(version, bool) or not isinstance(version, int):
            raise ValueError("it is not a ledger, or damaged")
        if version != FORMAT:
            raise ValueError(f"it has the format {version}, and this version of the collection knows {FORMAT} only")
        try:
            rows = _require(document["entries"], list)
            entries = dict(map(_entry, rows))
            anchors = _texts(document["anchors"])
            marks = dict(map(_mark, _require(document.get("marks", []), list)))
            parsed = cls(address_of(_require(document["base_url"], str)), anchors, entries, marks)
        except (KeyError, TypeError, ValueError):
            raise ValueError("it is damaged: something in it is missing or has another form than a ledger's") from None
        if len(entries) < len(rows):
            raise ValueError("it is damaged: it holds two entries with the same key")
        return parsed


class FileLedger:
    """A ledger in a file on the machine that runs the module.

    A plan reads it without a lock. C(forget) and C(keep) read the file again under its lock, so that concurrent runs
    keep each other's entries. Between the two, a run also holds a file with the suffix C(.runs). So a run that holds
    that file alone knows that the marks of all others are left of runs that ended.

    :param app_ids: the ids of all apps of the tenant, in lower case.
    :param is_exclusive: whether C(forget) refuses entries that another run stored or marked meanwhile.
    :raises CakewalkError: in every method that reads the file, see C(read).
    """

    changed = False

    def __init__(self, file: PrivateFile, base_url: str, app_ids: frozenset[str], is_exclusive: bool) -> None:
        self._file = file
        self._base_url = base_url
        self._app_ids = app_ids
        self._is_exclusive = is_exclusive
        self._run = secrets.token_hex(8)
        self._hold = ExitStack()
        self._document = self._read()

    @classmethod
    def read(cls, path: str, base_url: str, app_ids: Iterable[str], is_exclusive: bool = False) -> FileLedger:
        """Read the ledger at C(path), which need not exist yet.

        :raises FileRefused: the file cannot be read, must not be trusted, or is damaged.
        :raises WrongTenant: the ledger belongs to another tenant.
        """
        file = PrivateFile(path, "the ledger", _REBUILD, _INSTEAD)
        return cls(file, address_of(base_url), frozenset(app_id.lower() for app_id in app_ids), is_exclusive)

    def get(self, key: Key) -> LedgerEntry | None:
        """Return the entry that the key had when the ledger was read."""
        return self._document.entries.get(key) if self._document else None

    def entries(self, kind: str) -> list[tuple[Key, LedgerEntry]]:
        """Return all entries whose keys begin with C(kind), sorted by key."""
        entries = self._document.entries if self._document else {}
        return [(key, entries[key]) for key in sorted(entries) if key[:1] == (kind,)]

    def forget(self, entries: Mapping[Key, Mapping[str, Any]], client: Client) -> None:
        """Delete these entries and mark them, which also proves that the file can be written.

        :raises ClaimedByAnotherRun: the ledger is exclusive, and another run stored or marked an entry.
        """
        ended: list[bool] = []
        runs = replace(self._file, path=self._file.path + RUNS)
        with self._file.locked():
            self._hold.enter_context(runs.held(lambda: ended.append(True), create=True))
            document = self._read() or LedgerDocument(self._base_url)
            marks = {} if ended else document.marks
            claimed = [key for key in entries if key in document.entries or key in marks]
            if self._is_exclusive and claimed:
                raise self._claimed(claimed)
            left = {key: entry for key, entry in document.entries.items() if key not in entries}
            self._write(document, left, {**marks, **{key: (*marks.get(key, ()), self._run) for key in entries}})

    def keep(self, entries: Mapping[Key, Mapping[str, Any]], client: Client) -> None:
        """Store these values with the current time, and forget those that another run marked, too."""
        now = datetime.now(timezone.utc).replace(microsecond=0)
        with self._hold, self._file.locked():
            document = self._read() or LedgerDocument(self._base_url)
            own = {key for key, runs in document.marks.items() if runs == (self._run,)}
            left = {key: entry for key, entry in document.entries.items() if key not in entries}
            left |= {key: LedgerEntry(value, now) for key, value in entries.items() if key in own}
            self._write(document, left, {key: runs for key, runs in document.marks.items() if key not in own})

    def close(self) -> None:
        """Close the file that shows that this run is under way."""
        self._hold.close()

    def _write(self, document: LedgerDocument, entries: Mapping[Key, LedgerEntry], marks: Marks) -> None:
        self._file.write(LedgerDocument(self._base_url, self._anchors(document), entries, marks).as_text())

    def _anchors(self, document: LedgerDocument) -> tuple[str, ...]:
        """Return the anchors of the document that still exist, and other apps up to the number of anchors."""
        existing = [anchor for anchor in document.anchors if anchor in self._app_ids]
        return tuple(dict.fromkeys([*existing, *sorted(self._app_ids)]))[:ANCHORS]

    def _read(self) -> LedgerDocument | None:
        text = self._file.read()
        if text is None:
            return None
        try:
            document = LedgerDocument.of_text(text)
        except ValueError as error:
            raise self._file.damaged(str(error)) from None
        self._check_tenant(document)
        return document

    def _claimed(self, keys: Collection[Key]) -> ClaimedByAnotherRun:
        return ClaimedByAnotherRun(
            f"use the ledger {printable(self._file.path)!r}",
            f"another run wrote, or is writing, {summarize(repr(printable(key[-1])) for key in keys)} meanwhile",
            "Nothing was sent. Run again once that run has ended.",
            path=self._file.path,
        )

    def _check_tenant(self, document: LedgerDocument) -> None:
        check_tenant(
            (document.base_url, document.anchors),
            (self._base_url, self._app_ids),
            f"use the ledger {printable(self._file.path)!r}",
            "Give each tenant a ledger of its own (`ledger_path`). If this is the same tenant after all, move the "
            "ledger away: the next run begins a new one.",
            self._file.path,
        )


def check_tenant(
    theirs: tuple[str, Collection[str]], ours: tuple[str, Collection[str]], action: str, hint: str, path: str
) -> None:
    """Refuse a file that belongs to another tenant than the credentials.

    :param theirs: the address and the ids of apps that the file names, in lower case; without ids the address decides.
    :param ours: the address of the run, and the ids of all apps of its tenant.
    :param action: what is attempted with the file, for the message.
    :raises WrongTenant: the address differs, or the tenant has none of the apps.
    """
    differences = []
    (begun_at, anchors), (base_url, app_ids) = theirs, ours
    if begun_at != base_url:
        differences.append(f"it was begun at {printable(begun_at)}, and this run is at {printable(base_url)}")
    if anchors and set(anchors).isdisjoint(app_ids):
        differences.append(f"{printable(base_url)} has none of the apps that identify its tenant")
    if differences:
        raise WrongTenant(action, f"it is about another tenant: {'; '.join(differences)}", hint, path=path)


def _entry(row: Mapping[str, Any]) -> tuple[Key, LedgerEntry]:
    since = datetime.fromisoformat(row["at"])
    if since.tzinfo is None:
        raise ValueError
    return _texts(row["key"]), LedgerEntry(_require(row["value"], dict), since)


def _mark(row: Mapping[str, Any]) -> tuple[Key, tuple[str, ...]]:
    return _texts(row["key"]), _texts(row["runs"])


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(_require(part, str) for part in _require(value, list))


def _require(value: Any, kind: type[Value]) -> Value:
    if not isinstance(value, kind):
        raise ValueError
    return value
