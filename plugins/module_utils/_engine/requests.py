# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the requests of a tenant say about a person and an app."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

from .._api.catalog import REQUEST_TYPES, REQUESTS, StatusTable
from .._api.paging import broken
from .references import Row

GRANT, CHANGE, REMOVE = (REQUEST_TYPES[name] for name in ("grant_access", "change_permission", "remove_access"))
_ABOUT = {"targetUserId", "workAppId"}


class Requests:
    """All requests of a tenant, by whom and what they are about.

    :param rows: the requests, whatever their type and status.
    :param statuses: what their status words mean.
    :raises ProtocolError: they do not tell whom and what they are about, which is only inferred; what is open could not
        be seen then, and would be asked for again.
    """

    def __init__(self, rows: Iterable[Row], statuses: StatusTable) -> None:
        self._statuses = statuses
        self._about: dict[tuple[str, str], list[Row]] = defaultdict(list)
        rows = sorted(rows, key=lambda row: str(row.get("createdAt") or ""))
        self.ids = frozenset(str(row["id"]).lower() for row in rows)
        asking = of_type(rows, (GRANT, CHANGE, REMOVE))
        if asking and not any(row.keys() >= _ABOUT for row in asking):
            raise broken(REQUESTS.what, f"none of them has {' and '.join(sorted(_ABOUT))}")
        for row in rows:
            self._about[_lower(row.get("targetUserId")), _lower(row.get("workAppId"))].append(row)

    def about(self, person: Row, app: Row) -> list[Row]:
        """Return the requests about a person and an app, the newest last."""
        return self._about.get((person["id"].lower(), app["id"].lower()), [])

    def class_of(self, request: Row) -> str | None:
        """Return what the status of a request means: open, granted, declined, cancelled, C(None) where nobody knows."""
        return self._statuses.class_of(request.get("requestStatus"))

    def are_open(self, requests: Iterable[Row]) -> list[Row]:
        """Return those that are not decided yet."""
        return [request for request in requests if self.class_of(request) == "open"]

    def unknown(self, requests: Iterable[Row]) -> list[Row]:
        """Return those of which nobody knows whether they are decided."""
        return [request for request in requests if self.class_of(request) is None]


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
