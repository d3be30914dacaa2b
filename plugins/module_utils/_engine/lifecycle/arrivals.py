# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for people whom a directory is to bring, and for accesses that somebody is to get."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

from ..._api.catalog import REQUESTS, USERS, StatusTable, accesses, named
from ..._api.operations import Listing, Resource
from ..._api.text import printable
from ..core.access_requests import CHANGE, GRANT, Requests, of_type
from ..core.lookup import Index, Resolver, Row, ids_of, person
from ..core.wait import PAUSES


class UserAppears:
    """Waits until somebody is in the directory; a part of C(waiting.Wait).

    C(who) is the person once the wait is over. The vendor's directory syncs every two hours (the help page on joiners),
    so after some quick looks there is time between them.
    """

    action = "see the person in the directory"
    pauses = (1.0, 5.0, 15.0, 30.0, 60.0)
    needs_second_read = False

    def __init__(self, reference: str, timeout: int) -> None:
        self.timeout = timeout
        self.sources: Sequence[Listing | Resource] = [USERS.listing]
        self.who: Row | None = None
        self._reference = reference

    def missing(self, found: Sequence[Any]) -> list[str]:
        """Return who is not there yet.

        :raises LookupFailed: several have the address.
        """
        register = Index(USERS, found[0])
        if not register.matches(self._reference):
            return [f"nobody has the address or id {printable(self._reference)!r}"]
        finder = Resolver()
        self.who = finder.find(self._reference, register)
        finder.check()
        return []


class AccessAppears:
    """Waits until the lists show that somebody has access to each of some apps, at whatever level."""

    action = "see the new accesses"
    pauses = PAUSES
    needs_second_read = False

    def __init__(self, who: Row, apps: Sequence[Row], timeout: int, statuses: StatusTable) -> None:
        self.timeout = timeout
        self.sources: Sequence[Listing | Resource] = [REQUESTS, *map(accesses, apps)]
        self._who, self._apps, self._statuses = who, apps, statuses

    def missing(self, found: Sequence[Any]) -> list[str]:
        """Return the apps to which there is no access yet, with the request that is to bring it."""
        requests = Requests(found[0], self._statuses, datetime.now(timezone.utc))
        return [
            self._words(app, requests)
            for app, rows in zip(self._apps, found[1:], strict=True)
            if self._who["id"].lower() not in ids_of(row["user"] for row in rows)
        ]

    def _words(self, app: Row, requests: Requests) -> str:
        asked = of_type(requests.about(self._who, app), (GRANT, CHANGE))
        status = "no request is listed"
        if asked:
            status = f"the request {printable(asked[-1]['id'])} is {printable(asked[-1].get('requestStatus'))}"
        return f"{printable(person(self._who))} and {named(app)}: {status}"
