# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger: what this collection wrote last, where the API lists nothing."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

from ..._api.client import Client
from ..._api.errors import CakewalkError
from ..._api.operations import Key
from ..._api.text import printable
from .private_file import PrivateFile, parse_json

#: The version of the file format.
FORMAT = 1
#: The number of apps that identify the tenant of a ledger.
ANCHORS = 3

Value = TypeVar("Value")

_REBUILD = "Move it away: the next run begins a new one, and as that knows of nothing, everything counts as changed."


class WrongTenant(CakewalkError):
    """A ledger belongs to another tenant than the credentials; C(path) is the ledger."""

    kind = "wrong_tenant"


class Ledger(Protocol):
    """Stores what steps wrote; only applying a plan changes it."""

    def forget(self, keys: Collection[Key], client: Client) -> None:
        """Delete the entries that steps will replace."""

    def keep(self, entries: Mapping[Key, Mapping[str, Any]], client: Client) -> None:
        """Store what steps wrote."""


@dataclass(frozen=True)
class LedgerEntry:
    """A stored value, and the time since when it is stored."""

    value: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True)
class LedgerDocument:
    """The content of a ledger, and the tenant that it belongs to.

    All tenants of the vendor share one address, so some apps of the tenant identify it.

    :param base_url: as C(_address) returns it.
    :param anchors: ids of apps, in lower case; empty if the tenant had no apps.
    """

    base_url: str
    anchors: tuple[str, ...] = ()
    entries: Mapping[Key, LedgerEntry] = field(default_factory=dict)

    def as_text(self) -> str:
        """Return the document as sorted JSON, so that people can compare two versions."""
        entries = [
            {"key": list(key), "value": dict(entry.value), "at": entry.at.isoformat()}
            for key, entry in sorted(self.entries.items())
        ]
        document = {"format": FORMAT, "base_url": self.base_url, "anchors": list(self.anchors), "entries": entries}
        return json.dumps(document, indent=2) + "\n"

    @classmethod
    def of_text(cls, text: str) -> LedgerDocument:
        """Parse the text of a ledger, or raise C(ValueError) that says why it is not a ledger of this format."""
        try:
            document = parse_json(text)
        except ValueError:
            raise ValueError("it is no JSON, so it is damaged") from None
        version = document.get("format") if isinstance(document, dict) else None
        if isinstance(version, bool) or not isinstance(version, int):
            raise ValueError("it is no ledger, or damaged")
        if version != FORMAT:
            raise ValueError(f"it has the format {version}, and this version of the collection knows {FORMAT} only")
        try:
            rows = _require(document["entries"], list)
            entries = dict(map(_entry, rows))
            anchors = tuple(_require(anchor, str) for anchor in _require(document["anchors"], list))
            parsed = cls(_address(_require(document["base_url"], str)), anchors, entries)
        except (KeyError, TypeError, ValueError):
            raise ValueError("it is damaged: something in it is missing or has another form than a ledger's") from None
        if len(entries) < len(rows):
            raise ValueError("it is damaged: it holds two entries with the same key")
        return parsed


class FileLedger:
    """A ledger in a file on the machine that runs the module.

    A plan reads it without a lock. C(forget) and C(keep) read the file again under its lock, so that concurrent runs
    keep each other's entries.

    :param app_ids: the ids of all apps of the tenant, in lower case.
    :raises CakewalkError: in every method that reads the file, see C(read).
    """

    def __init__(self, file: PrivateFile, base_url: str, app_ids: frozenset[str]) -> None:
        self._file = file
        self._base_url = base_url
        self._app_ids = app_ids
        self._document = self._read()

    @classmethod
    def read(cls, path: str, base_url: str, app_ids: Iterable[str]) -> FileLedger:
        """Read the ledger at C(path), which need not exist yet.

        :raises FileRefused: the file cannot be read, must not be trusted, or is damaged.
        :raises WrongTenant: the ledger belongs to another tenant.
        """
        file = PrivateFile(path, "the ledger", _REBUILD)
        return cls(file, _address(base_url), frozenset(app_id.lower() for app_id in app_ids))

    def get(self, key: Key) -> LedgerEntry | None:
        """Return the entry that the key had when the ledger was read."""
        return self._document.entries.get(key) if self._document else None

    def entries(self, kind: str) -> list[tuple[Key, LedgerEntry]]:
        """Return all entries whose keys begin with C(kind), sorted by key."""
        entries = self._document.entries if self._document else {}
        return [(key, entries[key]) for key in sorted(entries) if key[:1] == (kind,)]

    def forget(self, keys: Collection[Key], client: Client) -> None:
        """Delete these entries, which also proves that the file can be written."""
        self._change(deleted=keys)

    def keep(self, entries: Mapping[Key, Mapping[str, Any]], client: Client) -> None:
        """Store these values with the current time."""
        now = datetime.now(timezone.utc).replace(microsecond=0)
        self._change(stored={key: LedgerEntry(value, now) for key, value in entries.items()})

    def _change(self, deleted: Collection[Key] = (), stored: Mapping[Key, LedgerEntry] | None = None) -> None:
        with self._file.locked():
            document = self._read() or LedgerDocument(self._base_url)
            entries = {key: entry for key, entry in document.entries.items() if key not in deleted}
            entries |= stored or {}
            self._file.write(LedgerDocument(self._base_url, self._anchors(document), entries).as_text())

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

    def _check_tenant(self, document: LedgerDocument) -> None:
        differences = []
        ours, theirs = printable(self._base_url), printable(document.base_url)
        if document.base_url != self._base_url:
            differences.append(f"it was begun at {theirs}, and this run is at {ours}")
        if document.anchors and self._app_ids.isdisjoint(document.anchors):
            differences.append(f"at {ours} is none of the apps by which it knows its tenant")
        if not differences:
            return
        raise WrongTenant(
            f"use the ledger {printable(self._file.path)!r}",
            f"it is about another tenant: {'; '.join(differences)}",
            "Give each tenant a ledger of its own (ledger_path). If this is the same tenant after all, move the ledger "
            "away: the next run begins a new one.",
            path=self._file.path,
        )


def _address(base_url: str) -> str:
    """Return a base URL in the one spelling in which addresses are compared: scheme and host in lower case."""
    parts = urlsplit(base_url.rstrip("/"))
    return parts._replace(netloc=parts.netloc.lower()).geturl()


def _entry(row: Mapping[str, Any]) -> tuple[Key, LedgerEntry]:
    since = datetime.fromisoformat(row["at"])
    if since.tzinfo is None:
        raise ValueError
    key = tuple(_require(part, str) for part in _require(row["key"], list))
    return key, LedgerEntry(_require(row["value"], dict), since)


def _require(value: Any, kind: type[Value]) -> Value:
    if not isinstance(value, kind):
        raise ValueError
    return value
