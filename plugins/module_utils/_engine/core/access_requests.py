# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The access requests of a tenant, by person and app."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta, timezone

from ..._api.catalog import REQUEST_TYPES, StatusTable, named, person
from ..._api.text import printable
from .lookup import Row, id_in
from .timestamps import moment

GRANT, CHANGE, REMOVE = (REQUEST_TYPES[name] for name in ("grant_access", "change_permission", "remove_access"))
#: How long after its approval a request may take to show an effect; the real time is not documented. The
#: effect of an older request was probably undone since.
_GRACE = timedelta(minutes=15)
_BEFORE_ALL = datetime.min.replace(tzinfo=timezone.utc)


class Requests:
    """All requests of a tenant, by person and app.

    :param rows: the requests of any type and status.
    :param statuses: the meaning of their status words.
    :param time: the time of the service, to recognize recent requests; without it, any request may be recent.
    """

    def __init__(self, rows: Iterable[Row], statuses: StatusTable, time: datetime | None = None) -> None:
        self._statuses = statuses
        self._time = time
        self._about: dict[tuple[str, str], list[Row]] = defaultdict(list)
        # A request without a usable creation time is taken for the oldest, so that it decides nothing.
        rows = sorted(rows, key=lambda row: moment(row.get("createdAt")) or _BEFORE_ALL)
        self.ids = frozenset(str(row["id"]).lower() for row in rows)
        for row in rows:
            self._about[id_in(row, "targetUserId"), id_in(row, "workAppId")].append(row)

    def about(self, person: Row, app: Row) -> list[Row]:
        """Return the requests for a person and an app, the newest last.

        Undecided requests that do not show their person or app come first, because they may be for these.
        """
        person_id, app_id = person["id"].lower(), app["id"].lower()
        keys = (("", ""), ("", app_id), (person_id, ""))
        hidden = [row for key in keys for row in self._about.get(key, ()) if self._is_hiding(row)]
        return hidden + self._about.get((person_id, app_id), [])

    def class_of(self, request: Row) -> str | None:
        """Return the class of a request's status: open, granted, declined, cancelled, or C(None) if unknown."""
        return self._statuses.class_of(request.get("requestStatus"))

    def under_way(self, requests: Sequence[Row], held: Collection[str]) -> list[Row]:
        """Return the requests that are undecided, or may have been approved recently and show no effect yet.

        :param held: the ids of the levels held, in lower case; an empty id for an app without levels.
        """
        return [row for row in requests if self.class_of(row) == "open" or self._is_about_to_show(row, held)]

    def unknown(self, requests: Iterable[Row]) -> list[Row]:
        """Return the requests of an unknown status, and the undecided requests of an unknown type or subject."""
        return [
            request
            for request in requests
            if self.class_of(request) is None
            or (self.class_of(request) == "open" and request.get("requestType") not in REQUEST_TYPES.values())
            or self._is_hiding(request)
        ]

    def _is_hiding(self, request: Row) -> bool:
        """Return whether an undecided request about access does not show its person or app."""
        return (
            not (request.get("targetUserId") and request.get("workAppId"))
            and request.get("requestType") in (GRANT, CHANGE, REMOVE)
            and self.class_of(request) in ("open", None)
        )

    def _is_about_to_show(self, request: Row, held: Collection[str]) -> bool:
        about = self._about[id_in(request, "targetUserId"), id_in(request, "workAppId")]
        is_newest = request is about[-1] or moment(request.get("createdAt")) is None
        if self.class_of(request) != "granted" or not is_newest:
            return False
        shows = not held if request.get("requestType") == REMOVE else level_of(request) in held
        return not shows and self._may_be_recent(request)

    def _may_be_recent(self, request: Row) -> bool:
        updated = moment(request.get("updatedAt"))
        return updated is None or self._time is None or self._time - updated < _GRACE


def level_of(request: Row) -> str:
    """Return the id of the requested level, in lower case; empty for a request without a level."""
    return id_in(request, "permissionLevelId")


def progress_of(user: Row, app: Row, request: Row | None) -> str:
    """Return the user, the app, and the status of the request, for messages."""
    status = "no request is listed"
    if request:
        status = f"the request {printable(request['id'])} is {printable(request.get('requestStatus'))}"
    return f"{printable(person(user))} and {named(app)}: {status}"


def of_type(requests: Iterable[Row], types: Collection[str], level_id: str | None = None) -> list[Row]:
    """Return the requests of these types, and of a level if it is given (empty: without a level)."""
    return [
        request
        for request in requests
        if request.get("requestType") in types and (level_id is None or level_of(request) == level_id)
    ]
