# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits until a person is in the directory, and until requests have brought access."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

from ..._api.catalog import REQUESTS, USERS, StatusTable, accesses
from ..._api.operations import Listing, Resource
from ..._api.text import printable
from ..core.access_requests import CHANGE, GRANT, Requests, of_type, progress_of
from ..core.lookup import Index, Resolver, Row, ids_of
from ..core.wait import PAUSES


class UserAppears:
    """A C(Wait) until a person is in the directory; C(user) is the person once the wait is over.

    The vendor's directory syncs every two hours (the help page on joiners), so the pauses grow to a minute.
    """

    action: str = "see the person in the directory"
    pauses: Sequence[float] = (1.0, 5.0, 15.0, 30.0, 60.0)
    needs_second_read: bool = False

    def __init__(self, reference: str, timeout: int) -> None:
        self.timeout = timeout
        self.sources: Sequence[Listing | Resource] = [USERS.listing]
        self.user: Row | None = None
        self._reference = reference

    def missing(self, found: Sequence[Any]) -> list[str]:
        """Return a line if the person is missing.

        :raises LookupFailed: several people have the address.
        """
        directory = Index(USERS, found[0])
        if not directory.matches(self._reference):
            return [f"nobody has the address or id {printable(self._reference)!r}"]
        resolver = Resolver()
        self.user = resolver.find(self._reference, directory)
        resolver.check()
        return []


class AccessAppears:
    """A C(Wait) until the lists show that a person has access to each of some apps, at any level."""

    action: str = "see the new accesses"
    pauses: Sequence[float] = PAUSES
    needs_second_read: bool = False

    def __init__(self, user: Row, apps: Sequence[Row], timeout: int, statuses: StatusTable) -> None:
        self.timeout = timeout
        self.sources: Sequence[Listing | Resource] = [REQUESTS, *map(accesses, apps)]
        self._user, self._apps, self._statuses = user, apps, statuses

    def missing(self, found: Sequence[Any]) -> list[str]:
        """Return a line for each app without access, with the request that should bring it."""
        requests = Requests(found[0], self._statuses, datetime.now(timezone.utc))
        lines = []
        for app, rows in zip(self._apps, found[1:], strict=True):
            if self._user["id"].lower() not in ids_of(row["user"] for row in rows):
                granting = of_type(requests.about(self._user, app), (GRANT, CHANGE))
                lines.append(progress_of(self._user, app, granting[-1] if granting else None))
        return lines
