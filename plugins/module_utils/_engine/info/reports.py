# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers that no single list of the service gives: put together from several, without a request."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ..._api.catalog import REQUEST_TYPES, folded
from ..._api.errors import ConfigurationError
from ..._api.operations import member
from ..._api.text import printable
from ..core.lookup import Row, label, person
from ..core.timestamps import moment

#: A thing, and the rows of a list of its own.
Listed = tuple[Row, Sequence[Row]]


class Footprints:
    """Who is in which groups and has which accesses, over the whole tenant."""

    def __init__(self, groups: Iterable[Listed], apps: Iterable[Listed]) -> None:
        self._groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._accesses: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for group, members in groups:
            for one in members:
                self._groups[one["id"].lower()].append({"id": group["id"], "name": label(group)})
        for app, rows in apps:
            for row in rows:
                self._accesses[row["user"]["id"].lower()].append(
                    {
                        "app": label(app),
                        "app_id": app["id"],
                        "permission_level": row.get("permissionLevel"),
                        "is_owner": row.get("isOwner"),
                    }
                )

    def of(self, who: Row) -> dict[str, list[dict[str, Any]]]:
        """Return the groups and accesses of a person, in the order of the lists."""
        identifier = who["id"].lower()
        return {"groups": self._groups.get(identifier, []), "accesses": self._accesses.get(identifier, [])}


def ownerless(apps: Iterable[Row]) -> list[dict[str, Any]]:
    """Return the apps without owner, and, marked, those whose full record does not tell."""
    return [
        {
            "app": label(app),
            "app_id": app["id"],
            "status_name": app.get("statusName"),
            "owner_shown": "owner" in app,
        }
        for app in apps
        if app.get("owner") is None
    ]


def privileged(apps: Iterable[Listed]) -> list[dict[str, Any]]:
    """Return the accesses at a privileged level; a level that does not tell whether it is one counts as privileged."""
    return [
        {
            "app": label(app),
            "app_id": app["id"],
            "user": person(row["user"]),
            "user_id": row["user"]["id"],
            "permission_level": label(row["permissionLevel"]),
            "is_privileged": row["permissionLevel"].get("isPrivileged"),
        }
        for app, rows in apps
        for row in rows
        if isinstance(row.get("permissionLevel"), Mapping) and row["permissionLevel"].get("isPrivileged") is not False
    ]


class RequestFilter:
    """Which requests are asked for: by status word, by type as options call it, by the time of the last update.

    The service's own filters are only inferred, so this is where they are applied. What does not tell is kept.

    :raises ConfigurationError: the time is none.
    """

    def __init__(self, wanted: Mapping[str, Any]) -> None:
        self._statuses = wanted["statuses"]
        types = wanted["request_types"]
        self._types = None if types is None else {REQUEST_TYPES[one] for one in types}
        self._since = moment(wanted["updated_since"])
        if wanted["updated_since"] is not None and self._since is None:
            raise ConfigurationError(
                "use requests.updated_since",
                f"{printable(wanted['updated_since'])!r} is no time",
                "Give a time in ISO form, such as 2026-01-31T00:00:00Z.",
                option="requests",
            )

    def keeps(self, request: Row) -> bool:
        """Tell whether a request is asked for."""
        updated = moment(request.get("updatedAt"))
        return (
            has_status(request, "requestStatus", self._statuses)
            and (self._types is None or request.get("requestType") in self._types)
            and (self._since is None or updated is None or updated >= self._since)
        )


def has_status(row: Row, name: str, words: Iterable[str] | None) -> bool:
    """Tell whether the member C(name) of a row is one of these status words, of any ASCII case; none means any."""
    word = member(row, name)
    return words is None or (isinstance(word, str) and folded(word) in map(folded, words))


def is_about(request: Row, users: Collection[str] | None, apps: Collection[str] | None) -> bool:
    """Tell whether a request is about one of these people and apps, by ids in lower case; C(None) means any."""
    about = ((request.get("targetUserId"), users), (request.get("workAppId"), apps))
    return all(wanted is None or (isinstance(one, str) and one.lower() in wanted) for one, wanted in about)
