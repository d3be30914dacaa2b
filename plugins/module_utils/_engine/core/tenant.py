# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tenant as a plan sees it: reads only, and each list at most once."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from ..._api.catalog import REQUEST_STATUSES, TASK_STATUSES, USERS, ResourceType, UserStatuses
from ..._api.client import Client
from ..._api.errors import CakewalkError, Forbidden, Unauthorized
from ..._api.operations import Listing, Resource
from .lookup import Index, is_uuid


class Tenant:
    """What a plan reads from, and where it leaves its warnings.

    :param known_statuses: the option of this name: more words for the status tables, by kind.
    :raises ConfigurationError: one of these words would mean two things.
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
        """Return a register in which each of the C(references) can be found if it exists; by default all rows.

        A few ids are read one by one. Anything else needs the whole list: only that shows whether a name is unique.
        """
        ids = list(dict.fromkeys(reference.lower() for reference in references or ()))
        if kind.listing not in self._whole and references is not None and self._few_ids(kind, ids):
            found = self._client.each(self._client.record_or_none, [kind.record(one) for one in ids])
            if None not in found:
                return Index(kind, [row for row in found if row is not None], complete=False)
        if kind.listing not in self._whole:
            self._whole[kind.listing] = Index(kind, self._client.rows(kind.listing))
        return self._whole[kind.listing]

    def indexes(self, wanted: Iterable[tuple[ResourceType, Collection[str] | None]]) -> list[Index]:
        """Return what C(register) returns for each kind and its references, read side by side."""
        return self._client.each(lambda pair: self.index(*pair), wanted)

    def read(self, wanted: Iterable[Listing | Resource]) -> list[Any]:
        """Read lists and records side by side; return rows of lists, and records, in the order asked for."""
        return self._client.each(self._client.read, wanted)

    def read_stable(self, listings: Iterable[Listing]) -> list[list[dict[str, Any]]]:
        """Read lists side by side, each until two readings agree on what is there and so on what is not."""
        return self._client.each(self._client.stable_rows, listings)

    def scrubbed(self, text: str) -> str:
        """Return C(text) without the credentials, see C(Client.scrubbed)."""
        return self._client.scrubbed(text)

    def pages_of(self, listing: Listing) -> int:
        """Return how many pages were read of a list, over all readings."""
        return self._client.pages.get(listing, 0)

    def read_those_readable(self, records: Iterable[Resource]) -> list[dict[str, Any] | CakewalkError | None]:
        """Read records side by side; C(None) for each that does not exist, the error for each that cannot be read.

        :raises CakewalkError: none can be read, or the credentials are refused.
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

    def read_those_there(self, records: Iterable[Resource]) -> list[dict[str, Any] | None]:
        """Read records side by side; C(None) for each that the service says does not exist."""
        return self._client.each(self._client.record_or_none, records)

    def people(self, references: Collection[str]) -> Index:
        """Return a register in which these people can be found, with their statuses; without references an empty one.

        The list need not tell statuses (the contract lets them out), a single record must.
        """
        if not references:
            return Index(USERS, [], complete=False)
        register = self.index(USERS, references)
        meant = {row["id"]: row for reference in references for row in register.matches(reference)}
        lacking = [row for row in meant.values() if not row.get("statusName")]
        return register.replacing(self.read(USERS.record(row["id"]) for row in lacking)) if lacking else register

    @staticmethod
    def _few_ids(kind: ResourceType, references: Collection[str]) -> bool:
        return len(references) <= kind.single_reads and all(map(is_uuid, references))
