# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports that no single list of the API gives, and the filter of requests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ..._api.catalog import REQUEST_TYPES, StatusTable, folded, person
from ..._api.operations import member
from ..._api.text import printable, summarize
from ..core.lookup import Row, label
from ..core.timestamps import moment

Rows = Sequence[Row]


def add_footprints(
    users: list[dict[str, Any]], groups: Rows, apps: Rows, found: Sequence[Rows]
) -> list[dict[str, Any]]:
    """Add to each user C(groups) and C(accesses), in the order of the lists.

    :param found: the members of all groups of the tenant, and then the access rows of all its apps.
    """
    groups_of, accesses_of = defaultdict(list), defaultdict(list)
    for group, members in zip(groups, found, strict=False):
        for user in members:
            groups_of[user["id"].lower()].append({"id": group["id"], "name": label(group)})
    for app, rows in zip(apps, found[len(groups) :], strict=True):
        for row in rows:
            accesses_of[row["user"]["id"].lower()].append(
                {
                    "app": label(app),
                    "app_id": app["id"],
                    "permission_level": row.get("permissionLevel"),
                    "is_owner": row.get("isOwner"),
                }
            )
    for user in users:
        identifier = user["id"].lower()
        user |= {"groups": groups_of[identifier], "accesses": accesses_of[identifier]}
    return users


def ownerless(apps: Iterable[Row]) -> list[dict[str, Any]]:
    """Return the apps without an owner, sorted by name.

    C(owner_shown) is false for those whose full record does not show owners.
    """
    rows = [
        {"app": label(app), "app_id": app["id"], "status_name": app.get("statusName"), "owner_shown": "owner" in app}
        for app in apps
        if app.get("owner") is None
    ]
    return _sorted(rows, "app", "app_id")


def privileged(apps: Rows, found: Sequence[Rows]) -> list[dict[str, Any]]:
    """Return the access rows with a privileged level, or with a level that does not show whether it is privileged.

    They are sorted by app, level and person.

    :param found: the access rows of each app.
    """
    held = [
        {
            "app": label(app),
            "app_id": app["id"],
            "user": person(row["user"]),
            "user_id": row["user"]["id"],
            "permission_level": level.get("name") or level.get("id"),
            "is_privileged": level.get("isPrivileged"),
        }
        for app, rows in zip(apps, found, strict=True)
        for row in rows
        for level in [row.get("permissionLevel")]
        if isinstance(level, Mapping) and level.get("isPrivileged") is not False
    ]
    return _sorted(held, "app", "app_id", "permission_level", "user", "user_id")


def _sorted(rows: list[dict[str, Any]], *columns: str) -> list[dict[str, Any]]:
    """Return rows in the order of the columns, without regard to case."""
    return sorted(rows, key=lambda row: [str(row[column] or "").lower() for column in columns])


def select_requests(
    requests: Iterable[Row], options: Mapping[str, Any], users: Collection[str] | None, apps: Collection[str] | None
) -> list[Row]:
    """Return the requests that the options ask for; the API's own filters are inferred, so none is used.

    A request without a time of its last update is kept.

    :param options: the options of C(requests).
    :param users: ids of users, in lower case; C(None) for all.
    :param apps: ids of apps, likewise.
    """
    types = options["request_types"]
    wire_types = None if types is None else [REQUEST_TYPES[name] for name in types]
    since = moment(options["updated_since"])
    return [
        request
        for request in requests
        for updated in [moment(request.get("updatedAt"))]
        if has_status(request, "requestStatus", options["statuses"])
        and (wire_types is None or request.get("requestType") in wire_types)
        and (since is None or updated is None or updated >= since)
        and _has_id(request, "targetUserId", users)
        and _has_id(request, "workAppId", apps)
    ]


def has_status(row: Row, name: str, words: Iterable[str] | None) -> bool:
    """Return whether the member C(name) of a row is one of the status words, by ASCII case; C(None) allows all."""
    word = member(row, name)
    return words is None or (isinstance(word, str) and folded(word) in map(folded, words))


def unknown_statuses(
    rows_name: str, rows: Iterable[Row], name: str, words: Iterable[str] | None, known: StatusTable
) -> list[str]:
    """Return a warning about status words that no row has and no table knows, which may be typing errors.

    :param rows_name: what the rows are.
    :param name: the member with the status.
    """
    occurring = sorted({str(word) for row in rows if (word := member(row, name)) is not None})
    found = set(map(folded, occurring))
    unknown = [word for word in words or () if folded(word) not in found and known.class_of(word) is None]
    if not unknown:
        return []
    shown = summarize(repr(printable(word)) for word in unknown)
    known_words = summarize(repr(printable(word)) for word in occurring) or "none"
    return [f"No {rows_name} have the status {shown}. Check the spelling. Statuses that occur: {known_words}."]


def _has_id(row: Row, name: str, ids: Collection[str] | None) -> bool:
    identifier = row.get(name)
    return ids is None or (isinstance(identifier, str) and identifier.lower() in ids)
