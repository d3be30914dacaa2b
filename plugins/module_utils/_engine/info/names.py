# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names next to the ids of requests and tasks, from what a query reads anyway."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..._api.catalog import APPS, GROUPS, USERS
from ..._api.operations import Listing, Resource
from ..core.lookup import Index, Row, id_in

#: The members of requests that hold the id of a person, and those that hold the id of something else.
_PEOPLE = ("targetUser", "requestedByUser", "cancelledByUser")
_THINGS = ("workApp", "permissionLevel", "source")


class Names:
    """The names of everything that a query read, by id.

    :param indexes: the users, groups and apps, by the name of the type.
    :param read: everything else that was read, by its source.
    """

    def __init__(self, indexes: Mapping[str, Index], read: Mapping[Listing | Resource, Any]) -> None:
        known = {name: index.by_id for name, index in indexes.items()}
        self._users, groups, apps = (known.get(kind.name, {}) for kind in (USERS, GROUPS, APPS))
        self._things = {**groups, **apps, **{level["id"].lower(): level for level in _levels(read)}}

    def with_names(self, request: Row) -> dict[str, Any]:
        """Return a request with names next to its ids, C(None) for what was not read; its own members stay."""
        names: dict[str, Any] = {}
        for member in _PEOPLE:
            user = self._users.get(id_in(request, f"{member}Id"), {})
            names |= {f"{member}Name": user.get("name"), f"{member}Email": user.get("email")}
        for member in _THINGS:
            names[f"{member}Name"] = self._things.get(id_in(request, f"{member}Id"), {}).get("name")
        return {**names, **request}

    def of_task(self, task: Row) -> Row:
        """Return a task with names in its request, if its record shows one."""
        request = task.get("request")
        return {**task, "request": self.with_names(request)} if isinstance(request, Mapping) else task


def _levels(read: Mapping[Listing | Resource, Any]) -> Iterator[Row]:
    """Yield the permission levels of lists of levels, and of lists of access."""
    for source, rows in read.items():
        if isinstance(source, Listing):
            are_levels = source.path.endswith("/PermissionLevels")
            yield from _with_id(rows if are_levels else (row.get("permissionLevel") for row in rows))


def _with_id(rows: Iterable[Any]) -> Iterator[Row]:
    return (row for row in rows if isinstance(row, Mapping) and isinstance(row.get("id"), str))
