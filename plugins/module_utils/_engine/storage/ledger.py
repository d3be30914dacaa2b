# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this collection last did where the vendor cannot be asked."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Protocol

from ..._api.client import Client
from ..._api.errors import CakewalkError
from ..._api.operations import Key
from ..._api.text import printable
from .private_file import PrivateFile

#: The version of the form that files have.
FORMAT = 1
#: How many apps a ledger knows its tenant by.
ANCHORS = 3

_REBUILD = "Move it away: the next run begins a new one, and as that knows of nothing, everything counts as changed."


class WrongTenant(CakewalkError):
    """A ledger is about another tenant than the one that answers; C(path) is the ledger."""

    kind = "wrong_tenant"


class Ledger(Protocol):
    """Remembers what steps brought about; only applying a plan changes it."""

    def forget(self, keys: Collection[Key], client: Client) -> None:
        """Forget what is remembered under these keys, before steps replace it."""

    def keep(self, entries: Mapping[Key, Mapping[str, Any]], client: Client) -> None:
        """Remember what steps brought about."""


@dataclass(frozen=True)
class LedgerEntry:
    """What is remembered, and since when."""

    value: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True)
class LedgerDocument:
    """All that a ledger holds, and the tenant that it is about.

    The host is the same for all tenants of the vendor, so that the address alone tells nothing: some of its apps do.

    :param anchors: ids of apps, in lower case; none where the tenant had no apps.
    """

    base_url: str
    anchors: tuple[str, ...] = ()
    entries: Mapping[Key, LedgerEntry] = field(default_factory=dict)

    def as_text(self) -> str:
        """Return it as the JSON that files hold, sorted, so that two versions can be compared by eye."""
        entries = [
            {"key": list(key), "value": dict(entry.value), "at": entry.at.isoformat()}
            for key, entry in sorted(self.entries.items())
        ]
        document = {"format": FORMAT, "base_url": self.base_url, "anchors": list(self.anchors), "entries": entries}
        return json.dumps(document, indent=2) + "\n"

    @classmethod
    def of_text(cls, text: str) -> LedgerDocument:
        """Return what a file holds.

        :raises ValueError: it is no ledger of this format; the message says why.
        """
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            raise ValueError("it is no JSON, so it is damaged") from None
        version = document.get("format") if isinstance(document, dict) else None
        if isinstance(version, bool) or not isinstance(version, int):
            raise ValueError("it is no ledger, or damaged")
        if version != FORMAT:
            raise ValueError(f"it has the format {version}, and this version of the collection knows {FORMAT} only")
        try:
            rows = _list(document["entries"])
            entries = {_key(row["key"]): _entry(row["value"], row["at"]) for row in rows}
            page = cls(_text(document["base_url"]), tuple(map(_text, _list(document["anchors"]))), entries)
        except (KeyError, TypeError, ValueError):
            raise ValueError("it is damaged: something in it is missing or has another form than a ledger's") from None
        if len(entries) < len(rows):
            raise ValueError("it is damaged: it holds two entries with the same key")
        return page


class FileLedger:
    """A ledger in a file where the module runs.

    C(read) is for planning: it writes nothing and takes no lock. C(forget) and C(keep) read the file again under its
    lock, so that runs side by side lose nothing of each other's.

    :param app_ids: the ids of all apps of the tenant, in lower case.
    """

    def __init__(self, file: PrivateFile, base_url: str, app_ids: frozenset[str]) -> None:
        self._file = file
        self._base_url = base_url
        self._app_ids = app_ids
        self._page = self._read()

    @classmethod
    def read(cls, path: str, base_url: str, app_ids: Iterable[str]) -> FileLedger:
        """Read the ledger at C(path), which need not exist yet.

        :param base_url: the address of the tenant.
        :param app_ids: the ids of all apps of the tenant.
        :raises FileRefused: it cannot be read, must not be trusted, or is damaged.
        :raises WrongTenant: it is about another tenant.
        """
        file = PrivateFile(path, "the ledger", _REBUILD)
        return cls(file, base_url.rstrip("/"), frozenset(one.lower() for one in app_ids))

    @property
    def is_new(self) -> bool:
        """Whether there was no ledger when it was read."""
        return self._page is None

    def get(self, key: Key) -> LedgerEntry | None:
        """Return what was remembered under this key when the ledger was read."""
        return self._page.entries.get(key) if self._page else None

    def entries(self, kind: str) -> list[tuple[Key, LedgerEntry]]:
        """Return all that was remembered of a kind, which is how its keys begin, sorted by its keys."""
        found = self._page.entries if self._page else {}
        return [(key, found[key]) for key in sorted(found) if key[0] == kind]

    def forget(self, keys: Collection[Key], client: Client) -> None:
        """Forget these keys, and see that the file can be written before anything hangs on it.

        :raises CakewalkError: see C(read).
        """
        self._change(forgotten=keys)

    def keep(self, entries: Mapping[Key, Mapping[str, Any]], client: Client) -> None:
        """Remember this, as of now.

        :raises CakewalkError: see C(read).
        """
        now = datetime.now(timezone.utc).replace(microsecond=0)
        self._change(kept={key: LedgerEntry(value, now) for key, value in entries.items()})

    def _change(self, forgotten: Collection[Key] = (), kept: Mapping[Key, LedgerEntry] | None = None) -> None:
        with self._file.locked():
            page = self._read() or LedgerDocument(self._base_url)
            left = {key: entry for key, entry in page.entries.items() if key not in forgotten}
            self._file.write(LedgerDocument(self._base_url, self._anchors(page), {**left, **(kept or {})}).as_text())

    def _anchors(self, page: LedgerDocument) -> tuple[str, ...]:
        """Return apps to know the tenant by: those of C(page) that are still there, filled up with others."""
        still_there = [one for one in page.anchors if one in self._app_ids]
        return tuple(dict.fromkeys([*still_there, *sorted(self._app_ids)]))[:ANCHORS]

    def _read(self) -> LedgerDocument | None:
        text = self._file.read()
        if text is None:
            return None
        try:
            page = LedgerDocument.of_text(text)
        except ValueError as error:
            raise self._file.damaged(str(error)) from None
        self._check_tenant(page)
        return page

    def _check_tenant(self, page: LedgerDocument) -> None:
        differences = []
        if page.base_url != self._base_url:
            differences.append(
                f"it was begun at {printable(page.base_url)}, and this run is at {printable(self._base_url)}"
            )
        if page.anchors and self._app_ids.isdisjoint(page.anchors):
            differences.append(f"at {printable(self._base_url)} is none of the apps by which it knows its tenant")
        if not differences:
            return
        raise WrongTenant(
            f"use the ledger {printable(self._file.path)!r}",
            f"it is about another tenant: {'; '.join(differences)}",
            "Give each tenant a ledger of its own (ledger_path). If this is the same tenant after all, move the ledger "
            "away: the next run begins a new one.",
            path=self._file.path,
        )


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError
    return value


def _key(value: Any) -> Key:
    if not all(isinstance(part, str) for part in _list(value)):
        raise ValueError
    return tuple(value)


def _entry(value: Any, at: Any) -> LedgerEntry:
    since = datetime.fromisoformat(_text(at))
    if not isinstance(value, dict) or since.tzinfo is None:
        raise ValueError
    return LedgerEntry(value, since)
