# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The footprint of a person in the lists of a tenant: groups, apps, apps owned, requests and tasks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from ..._api.catalog import (
    APPS,
    GROUPS,
    REQUEST_TYPES,
    REQUESTS,
    StatusTable,
    accesses,
    is_managed,
    is_synced,
    members,
    person,
    tasks_of,
)
from ..._api.client import REREADINGS
from ..._api.errors import ListMoved
from ..._api.operations import Listing, Resource, member
from ..._api.text import printable
from ..access.evaluation import AccessEntry, AccessEvaluator, AppState
from ..core.access_requests import CHANGE, GRANT, Requests, of_type
from ..core.lookup import Index, Row, ids_of, label
from ..core.tenant import Tenant

Entry = dict[str, Any]

#: Why the removal of access cannot be requested, besides the outcomes of C(AccessDecision).
NOT_MANAGED, UNCLEAR = "not_managed", "unclear_request"


@dataclass(frozen=True)
class Footprint:
    """Everything that the lists show about a person: ids and names, sorted by id, so that two reads can be compared.

    Each of C(accesses) has the C(outcome) of requesting its removal, and the request that this depends on.

    :param groups: C(synced) says whether another directory decides about the membership.
    :param ownerships: apps that the person owns.
    :param requests: requests about access that are undecided or may be. C(is_decided) marks a recent grant that does
        not show yet. C(is_known) is false if a record does not show its meaning or its person.
    :param tasks: tasks of the person that are undecided or may be.
    :param read: the number of memberships and access rows read, of all people.
    """

    groups: list[Entry]
    accesses: list[Entry]
    ownerships: list[Entry]
    requests: list[Entry]
    tasks: list[Entry]
    read: int = field(default=0, compare=False)


def read_footprint(tenant: Tenant, user: Row, retry_declined: bool = False) -> Footprint:
    """Read every list that can show a person, once.

    The record of each app is read, too, because an owner need not have access.
    """
    groups, apps, requests, tasks = tenant.read([GROUPS.listing, APPS.listing, REQUESTS, tasks_of(user)])
    sources: list[Listing | Resource] = [
        *map(members, groups),
        *map(accesses, apps),
        *(APPS.record(app["id"]) for app in apps),
    ]
    reads = iter(tenant.read(sources))
    member_lists, holders, records = ([next(reads) for _row in rows] for rows in (groups, apps, apps))
    indexed = Requests(requests, tenant.request_statuses, datetime.now(timezone.utc))
    with_holders = list(zip(records, holders, strict=True))
    app_states = [AppState(app, rows, [], indexed) for app, rows in with_holders]
    held = {state.app["id"].lower(): state.held_by(user) for state in app_states}
    return Footprint(
        groups=_sorted(_group(group) for group, rows in zip(groups, member_lists, strict=True) if _is_in(user, rows)),
        accesses=_sorted(_access(state, user, retry_declined) for state in app_states if state.held_by(user)),
        ownerships=_sorted(_named(app) for app, rows in with_holders if _owns(user, app, rows)),
        requests=requests_of(user, requests, indexed, held),
        tasks=_sorted(_task(row, tenant.task_statuses) for row in tasks),
        read=sum(map(len, [*member_lists, *holders])),
    )


def read_until_stable(read: Callable[[], Footprint]) -> Footprint:
    """Read footprints until two in a row agree, because a list that moves may skip a row without a trace.

    :raises ListMoved: no two footprints in a row agree.
    """
    last = read()
    for _attempt in range(REREADINGS):
        newer = read()
        if newer == last:
            return newer
        last = newer
    raise ListMoved(
        "look at what the person has",
        "each look showed something else than the one before",
        "Somebody, or a sync, is changing it. Run again after a while.",
    )


def _is_in(user: Row, rows: Iterable[Row]) -> bool:
    return user["id"].lower() in ids_of(rows)


def _owns(user: Row, app: Row, rows: Iterable[Row]) -> bool:
    own = [row for row in rows if row.get("isOwner") and _is_in(user, [row["user"]])]
    return bool(own) or str(member(app, "owner.id") or "").lower() == user["id"].lower()


def _named(row: Row) -> Entry:
    return {"id": row["id"].lower(), "name": label(row)}


def _group(group: Row) -> Entry:
    return {**_named(group), "synced": is_synced(group)}


def _access(state: AppState, user: Row, retry_declined: bool) -> Entry:
    """Return the access of a person to an app, with the outcome that C(cakewalk_app_access) has for its removal."""
    evaluator = AccessEvaluator(direct=False, retry=retry_declined)
    entry = AccessEntry(state.app["id"], (user["id"],), None, "absent")
    decisions, _unknown = evaluator.evaluate(state, [entry], Index(state.holders.kind, [user]))
    decision = decisions[0] if decisions else None
    request = decision.request if decision else None
    outcome = decision.outcome if decision else UNCLEAR
    return {
        **_named(state.app),
        "levels": sorted(label(level) for level in state.held_by(user).values() if level),
        "outcome": outcome if is_managed(state.app) else NOT_MANAGED,
        "to_request": is_managed(state.app) and bool(decision and decision.step),
        "request_id": request["id"] if request else None,
        "request_status": request.get("requestStatus") if request else None,
    }


def requests_of(
    user: Row, requests: Iterable[Row], indexed: Requests, held: Mapping[str, Collection[str]]
) -> list[Entry]:
    """Return the requests that may still take effect for a person.

    Requests of an unknown status or type count, and requests to give access that do not show their person.

    :param indexed: the same requests by person and app.
    :param held: the levels that the person holds, by app.
    """
    return _sorted(
        _request(row, indexed, held.get(str(row.get("workAppId") or "").lower(), ()))
        for row in requests
        if _may_be_about(user, row)
    )


def _may_be_about(user: Row, request: Row) -> bool:
    target = str(request.get("targetUserId") or "").lower()
    return target == user["id"].lower() or bool(not target and of_type([request], (GRANT, CHANGE)))


def _request(row: Row, indexed: Requests, held: Collection[str]) -> Entry | None:
    status, gives = indexed.class_of(row), bool(of_type([row], (GRANT, CHANGE)))
    is_late = status == "granted" and gives and bool(indexed.under_way([row], held))
    if status not in ("open", None) and not is_late:
        return None
    is_of_known_type = row.get("requestType") in REQUEST_TYPES.values()
    return {
        "id": row["id"].lower(),
        "request_type": row.get("requestType"),
        "status": row.get("requestStatus"),
        "is_known": bool(status and is_of_known_type and row.get("targetUserId")),
        "is_decided": is_late,
        "gives": gives,
        "app_id": row.get("workAppId"),
        "permission_level_id": row.get("permissionLevelId"),
    }


def _task(row: Row, statuses: StatusTable) -> Entry | None:
    if statuses.class_of(row.get("status")) not in ("actionable", "open", None):
        return None
    return {"id": row["id"].lower(), "type": row.get("type"), "status": row.get("status")}


def _sorted(entries: Iterable[Entry | None]) -> list[Entry]:
    return sorted((entry for entry in entries if entry), key=lambda entry: str(entry["id"]))


def lines(user: Row, footprint: Footprint) -> list[str]:
    """Return a footprint for people, one line for each entry, whatever the names of the tenant hold."""

    def access(entry: Entry) -> str:
        levels = f" ({', '.join(entry['levels'])})" if entry["levels"] else ""
        outcome = "its removal is to be requested" if entry["to_request"] else entry["outcome"]
        return f"access to {entry['name']}{levels}: {outcome}"

    parts = [
        *(f"member of {group['name']}{' (synced)' if group['synced'] else ''}" for group in footprint.groups),
        *map(access, footprint.accesses),
        *(f"owner of {app['name']}" for app in footprint.ownerships),
        *(f"request {row['id']}: {row['request_type']}, {row['status']}" for row in footprint.requests),
        *(f"task {task['id']}: {task['type']}, {task['status']}" for task in footprint.tasks),
    ]
    return [f"{printable(person(user))}: {printable(part)}" for part in parts or ["nothing"]]
