# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tenant as a plan sees it: reads only, and each list at most once."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from ..._api.catalog import REQUEST_STATUSES, TASK_STATUSES, USERS, ResourceType, UserStatuses
from ..._api.client import Client
from ..._api.errors import CakewalkError, Forbidden, NotFound, Unauthorized
from ..._api.operations import Listing, Resource
from .lookup import Index, is_uuid


class Tenant:
    """The tenant as a plan sees it: its lists and records, its status words, and the warnings of the plan.

    :param known_statuses: the option of this name: more words for the status tables, by kind.
    :raises ConfigurationError: a word would be in two classes.
    """

    def __init__(self, client: Client, known_statuses: dict[str, Any] | None = None) -> None:
        self._client = client
        self._whole: dict[Listing, Index] = {}
        known = known_statuses or {}
        self.user_statuses = UserStatuses().extended(known.get("user") or {})
        self.task_statuses = TASK_STATUSES.extended(known.get("task") or {})
        self.request_statuses = REQUEST_STATUSES.extended(known.get("request") or {})
        self.warnings: list[str] = []

    def index(self, kind: ResourceType, references: Collection[str] | None = None) -> Index:
        """Return an index that holds every existing row that C(references) mean, by default all rows.

        A few ids are read one by one. Names need the whole list, because only that shows whether a name is unique.
        """
        ids = list(dict.fromkeys(reference.lower() for reference in references or ()))
        if kind.listing not in self._whole and references is not None and self._few_ids(kind, ids):
            found = self._client.each(self._client.record_or_none, [kind.record(one) for one in ids])
            if None not in found:
                return Index(kind, [row for row in found if row is not None], complete=False)
        if kind.listing not in self._whole:
            self._whole[kind.listing] = Index(kind, self._client.rows(kind.listing))
        return self._whole[kind.listing]

    def forget(self) -> None:
        """Forget the lists read so far, so that a later stage reads them again."""
        self._whole.clear()

    def indexes(self, wanted: Iterable[tuple[ResourceType, Collection[str] | None]]) -> list[Index]:
        """Return an index for each pair of resource type and references, read concurrently."""
        return self._client.each(lambda pair: self.index(*pair), wanted)

    def read(self, wanted: Iterable[Listing | Resource]) -> list[Any]:
        """Read lists and records concurrently; return rows of lists, and records, in the given order."""
        return self._client.each(self._client.read, wanted)

    def read_stable(self, listings: Iterable[Listing]) -> list[list[dict[str, Any]]]:
        """Read lists concurrently, each until two reads agree, which proves absence, too."""
        return self._client.each(self._client.stable_rows, listings)

    def scrubbed(self, text: str) -> str:
        """Return C(text) without the credentials, see C(Client.scrubbed)."""
        return self._client.scrubbed(text)

    def pages_of(self, listing: Listing) -> int:
        """Return the number of pages read of a list, over all reads."""
        return self._client.pages.get(listing, 0)

    def read_readable(self, records: Iterable[Resource]) -> list[dict[str, Any] | CakewalkError | None]:
        """Read records concurrently; C(None) for each that does not exist, an error for each that cannot be read.

        :raises CakewalkError: no record can be read, or the credentials are refused.
        """
        found = self._client.each(self._readable, records)
        failures = [one for one in found if isinstance(one, CakewalkError)]
        if failures and (len(failures) == len(found) or isinstance(failures[0], (Unauthorized, Forbidden))):
            raise failures[0]
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
                return self._client.rows(listing)
            except NotFound:
                return None

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

    @staticmethod
    def _few_ids(kind: ResourceType, references: Collection[str]) -> bool:
        return len(references) <= kind.single_reads and all(map(is_uuid, references))
