# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the requests of a tenant say about a person and an app."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from ..._api.catalog import REQUEST_TYPES, StatusTable
from .lookup import Row
from .timestamps import moment

GRANT, CHANGE, REMOVE = (REQUEST_TYPES[name] for name in ("grant_access", "change_permission", "remove_access"))
#: How long what was approved may take to show in the accesses. How long it does is not documented; a request that is
#: older and shows no effect is taken for one whose effect was undone since.
_GRACE = timedelta(minutes=15)


class Requests:
    """All requests of a tenant, by whom and what they are about.

    :param rows: the requests, whatever their type and status.
    :param statuses: what their status words mean.
    :param now: the time, by which fresh ones are told.
    """

    def __init__(self, rows: Iterable[Row], statuses: StatusTable, now: datetime) -> None:
        self._statuses = statuses
        self._now = now
        self._about: dict[tuple[str, str], list[Row]] = defaultdict(list)
        # One that does not tell when it was made is taken for the newest.
        rows = sorted(rows, key=lambda row: (row.get("createdAt") is None, str(row.get("createdAt"))))
        self.ids = frozenset(str(row["id"]).lower() for row in rows)
        for row in rows:
            self._about[_lower(row.get("targetUserId")), _lower(row.get("workAppId"))].append(row)

    def about(self, person: Row, app: Row) -> list[Row]:
        """Return the requests about a person and an app, the newest last; before them those that are not decided and
        do not show the person or the app, so that they may be about these."""
        who, what = person["id"].lower(), app["id"].lower()
        hidden = [row for place in (("", ""), ("", what), (who, "")) for row in self._about.get(place, ())]
        return [row for row in hidden if self._is_hiding(row)] + self._about.get((who, what), [])

    def class_of(self, request: Row) -> str | None:
        """Return what the status of a request means: open, granted, declined, cancelled, C(None) where nobody knows."""
        return self._statuses.class_of(request.get("requestStatus"))

    def under_way(self, requests: Sequence[Row], held: Collection[str]) -> list[Row]:
        """Return those that are not decided yet, or were approved a moment ago and do not show in what is held.

        :param held: the ids of the levels held, in lower case, an empty one for an app without levels.
        """
        return [one for one in requests if self.class_of(one) == "open" or self._is_about_to_show(one, held)]

    def unknown(self, requests: Iterable[Row]) -> list[Row]:
        """Return those of which nobody knows whether they are decided, or what they ask for while they are not."""
        return [
            request
            for request in requests
            if self.class_of(request) is None
            or (self.class_of(request) == "open" and request.get("requestType") not in REQUEST_TYPES.values())
            or self._is_hiding(request)
        ]

    def _is_hiding(self, request: Row) -> bool:
        """Tell whether a request about somebody's access is not decided, and does not show whose, or to what."""
        return (
            not (request.get("targetUserId") and request.get("workAppId"))
            and request.get("requestType") in (GRANT, CHANGE, REMOVE)
            and self.class_of(request) in ("open", None)
        )

    def _is_about_to_show(self, request: Row, held: Collection[str]) -> bool:
        updated = moment(request.get("updatedAt"))
        about = self._about[_lower(request.get("targetUserId")), _lower(request.get("workAppId"))]
        if self.class_of(request) != "granted" or updated is None or request is not about[-1]:
            return False
        shows = not held if request.get("requestType") == REMOVE else level_of(request) in held
        return not shows and self._now - updated < _GRACE


def level_of(request: Row) -> str:
    """Return the id of the level that a request is for, in lower case, empty where it is for none."""
    return _lower(request.get("permissionLevelId"))


def of_type(requests: Iterable[Row], types: Collection[str], level_id: str | None = None) -> list[Row]:
    """Return the requests of these types, only those for one level where it is given (empty for none)."""
    return [
        request
        for request in requests
        if request.get("requestType") in types and (level_id is None or level_of(request) == level_id)
    ]


def _lower(value: object) -> str:
    return value.lower() if isinstance(value, str) else ""
