# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tenant as a plan sees it: reads only, and each list as often as it takes to prove what the plan rests on."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from ..._api.catalog import (
    KNOWN_STATUSES,
    REQUEST_STATUSES,
    TASK_STATUSES,
    USERS,
    ResourceType,
    UserStatuses,
    check_known_statuses,
)
from ..._api.client import Client
from ..._api.errors import CakewalkError, Forbidden, NotFound, Unauthorized
from ..._api.operations import Listing, Resource
from ..._api.paging import Reading
from ..._api.text import Value
from .clock import checked_time
from .lookup import Index, is_uuid

_Key = tuple[str, tuple[tuple[str, str], ...]]
_NO_TIME = (
    "The service sends no `Date`, so its time is unknown. Approved requests without an effect count as recent, and no "
    "snooze counts as over. See whether a proxy removes this header."
)


class _CachedList:
    """A list of the tenant, and what was read of it so far; only one thread at a time reads it."""

    def __init__(self, listing: Listing) -> None:
        self._listing = listing
        self._lock = threading.Lock()
        self._reading: Reading | None = None

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows that were read so far."""
        return self._reading.rows if self._reading else []

    def read(self, client: Client, is_stable: bool) -> Reading:
        """Return the reading so far, after reading as often as it takes."""
        with self._lock:
            reading = self._reading or client.reading(self._listing)
            # Kept even if no two readings agree, since other threads may not need that.
            self._reading = reading
            if is_stable:
                self._reading = client.stable_reading(self._listing, reading)
            return self._reading


class Tenant:
    """The tenant as a plan sees it: its lists and records, its status words, and the warnings of the plan.

    Each list is read once, and kept until C(forget). A list of several pages is read again, until two readings agree,
    where the plan rests on what is not listed.

    :param is_dry_run: whether nothing will be written.
    :param known_statuses: the option of this name: more words for the status tables, by kind.
    :raises ConfigurationError: C(known_statuses) has another form, or a word would be in two classes.
    """

    def __init__(self, client: Client, known_statuses: dict[str, Any] | None = None, is_dry_run: bool = False) -> None:
        self._client = client
        #: By path and query, since the words about a list change with the name of its group or app.
        self._lists: dict[_Key, _CachedList] = {}
        self._indexes: dict[_Key, tuple[Reading, Index]] = {}
        check_known_statuses(known_statuses, KNOWN_STATUSES)
        known = known_statuses or {}
        self.user_statuses = UserStatuses().extended(known.get("user") or {})
        self.task_statuses = TASK_STATUSES.extended(known.get("task") or {})
        self.request_statuses = REQUEST_STATUSES.extended(known.get("request") or {})
        self.warnings: list[str] = []
        self._is_dry_run = is_dry_run
        #: Whether everything rests on what is not listed, as an export does.
        self.rests_on_absence = False

    def refuse(self, error: CakewalkError) -> None:
        """Raise an error, or warn of it in a dry run, which does not need what is missing."""
        if not self._is_dry_run:
            raise error
        warning = f"{error} Without check mode, the task fails before its first write."
        self.warnings += [] if warning in self.warnings else [warning]

    def index(
        self,
        kind: ResourceType,
        references: Collection[str] | None = None,
        is_whole: bool = False,
        is_stable: bool = False,
    ) -> Index:
        """Return an index that holds every existing row that C(references) mean, by default all rows.

        A few ids are read one by one. Names need the whole list, because only that shows whether a name is unique. If
        the list lacks a reference, it is read until it proves that.

        :param is_whole: whether to index all rows, whatever is referred to.
        :param is_stable: whether the list must prove what is not listed, whatever is referred to.
        """
        ids = list(dict.fromkeys(reference.lower() for reference in references or ()))
        needs_list = is_whole or is_stable or references is None or _key(kind.listing) in self._lists
        if not needs_list and self._few_ids(kind, ids):
            found = self._client.each(self._client.record_or_none, [kind.record(one) for one in ids])
            if None not in found:
                return Index(kind, [row for row in found if row is not None], complete=False)
        # A second holder of a name may be on no page. Of people this is not proved: see the notes of the modules.
        has_names = references is None or not all(map(is_uuid, references))
        index = self._index(kind, is_stable or (has_names and kind is not USERS))
        if all(index.matches(reference) for reference in references or ()):
            return index
        return self._index(kind, is_stable=True)

    def forget(self, listings: Iterable[Listing] | None = None) -> None:
        """Forget lists, by default all that were read so far, so that a later stage reads them again."""
        for key in list(self._lists) if listings is None else map(_key, listings):
            self._lists.pop(key, None)
            self._indexes.pop(key, None)

    def indexes(
        self, wanted: Iterable[tuple[ResourceType, Collection[str] | None] | tuple[ResourceType, list[str], bool]]
    ) -> list[Index]:
        """Return an index for each of these parameters of C(index), read concurrently."""
        return self._client.each(lambda parameters: self.index(*parameters), wanted)

    def read(self, wanted: Iterable[Listing | Resource]) -> list[Any]:
        """Read lists and records concurrently; return rows of lists, and records, in the given order."""
        return self._client.each(self._read, wanted)

    def read_stable(self, listings: Iterable[Listing]) -> list[list[dict[str, Any]]]:
        """Read lists concurrently, each until it proves what is not listed, see C(Client.stable_reading)."""
        return self._client.each(lambda listing: self._rows(listing, is_stable=True), listings)

    def names(self) -> dict[str, str]:
        """Return the name, and the e-mail address of people, of each row that was read in a list, by id."""
        found: dict[str, str] = {}
        for row in [row for cached in self._lists.values() for row in cached.rows]:
            name = ", ".join(str(row[key]) for key in ("name", "email") if row.get(key))
            if name and isinstance(row.get("id"), str):
                # Several lists show a person. Which of them is read first must not decide.
                found[row["id"].lower()] = max(found.get(row["id"].lower(), ""), name, key=lambda one: (len(one), one))
        return found

    def scrubbed(self, value: Value) -> Value:
        """Return a text, or JSON, without the credentials, see C(Client.scrubbed)."""
        return self._client.scrubbed(value)

    def time(self) -> datetime:
        """Return the time by the last answer of the service, see C(checked_time)."""
        return checked_time(self._client.clock)

    def time_or_none(self) -> datetime | None:
        """Return the time by the last answer of the service, whatever the clock of this machine says.

        What the service wrote down is as old as its own clock says, so a clock that is wrong here need not end a run.

        :returns: C(None), with a warning, if the service does not show its time.
        """
        clock = self._client.clock
        self.warnings += [] if clock or _NO_TIME in self.warnings else [_NO_TIME]
        return clock.time if clock else None

    def queries(self) -> list[dict[str, Any]]:
        """Return the C(path) of each list and record that was read, its C(rows), and its C(pages) over all reads."""
        rows = {path: len(cached.rows) for (path, _query), cached in self._lists.items()}
        pages = sorted(self._client.pages.items())
        return [{"path": path, "rows": rows.get(path, 1), "pages": number} for path, number in pages]

    def read_readable(self, records: Iterable[Resource]) -> list[dict[str, Any] | CakewalkError | None]:
        """Read records concurrently; C(None) for each that does not exist, an error for each that cannot be read.

        :raises CakewalkError: no record can be read, or the credentials are refused.
        """
        found = self._client.each(self._readable, records)
        failures = [row for row in found if isinstance(row, CakewalkError)]
        refusals = [error for error in failures if isinstance(error, (Unauthorized, Forbidden))]
        if refusals or (failures and len(failures) == len(found)):
            raise (refusals or failures)[0]
        return found

    def _readable(self, record: Resource) -> dict[str, Any] | CakewalkError | None:
        try:
            return self._client.record_or_none(record)
        except CakewalkError as error:
            return error

    def read_found(self, listings: Iterable[Listing]) -> list[list[dict[str, Any]] | None]:
        """Read lists concurrently; C(None) for each that the service does not know."""

        def rows(listing: Listing) -> list[dict[str, Any]] | None:
            try:
                return self._rows(listing)
            except NotFound:
                return None

        return self._client.each(rows, listings)

    def read_visible(self, listings: Iterable[Listing]) -> list[list[dict[str, Any]] | CakewalkError]:
        """Read lists concurrently until they are stable; an error for each that the service does not show or know."""

        def rows(listing: Listing) -> list[dict[str, Any]] | CakewalkError:
            try:
                return self._rows(listing, is_stable=True)
            except (Forbidden, NotFound) as error:
                return error

        return self._client.each(rows, listings)

    def read_existing(self, records: Iterable[Resource]) -> list[dict[str, Any] | None]:
        """Read records concurrently; C(None) for each that does not exist."""
        return self._client.each(self._client.record_or_none, records)

    def people(self, references: Collection[str]) -> Index:
        """Return an index of these people, with their statuses; without references an empty one.

        The list may lack statuses (they are optional in the contract); a single record must have one.
        """
        if not references:
            return Index(USERS, [], complete=False)
        index = self.index(USERS, references)
        meant = {row["id"]: row for reference in references for row in index.matches(reference)}
        lacking = [row for row in meant.values() if not row.get("statusName")]
        return index.replacing(self.read(USERS.record(row["id"]) for row in lacking)) if lacking else index

    def _read(self, what: Listing | Resource) -> list[dict[str, Any]] | dict[str, Any]:
        return self._rows(what) if isinstance(what, Listing) else self._client.record(what)

    def _rows(self, listing: Listing, is_stable: bool = False) -> list[dict[str, Any]]:
        return self._reading(listing, is_stable).rows

    def _index(self, kind: ResourceType, is_stable: bool) -> Index:
        """Return the index of a whole list, the same one until the list is read again."""
        reading = self._reading(kind.listing, is_stable)
        cached = self._indexes.get(_key(kind.listing))
        if cached is None or cached[0] is not reading:
            cached = self._indexes[_key(kind.listing)] = (reading, Index(kind, reading.rows))
        return cached[1]

    def _reading(self, listing: Listing, is_stable: bool) -> Reading:
        cached = self._lists.setdefault(_key(listing), _CachedList(listing))
        return cached.read(self._client, is_stable or self.rests_on_absence)

    @staticmethod
    def _few_ids(kind: ResourceType, references: Collection[str]) -> bool:
        return len(references) <= kind.single_reads and all(map(is_uuid, references))


def _key(listing: Listing) -> _Key:
    return listing.path, listing.query
