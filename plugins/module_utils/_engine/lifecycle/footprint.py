# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that the lists of a tenant show of one person: groups, accesses, apps owned, requests and tasks."""

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
    tasks_of,
)
from ..._api.client import REREADINGS
from ..._api.errors import ListMoved
from ..._api.operations import Listing, Resource, member
from ..._api.text import printable
from ..access.evaluation import AccessDecision, AccessEntry, AccessEvaluator, AppState
from ..core.access_requests import CHANGE, GRANT, Requests, of_type
from ..core.lookup import Index, Row, ids_of, label, person
from ..core.tenant import Tenant

Entry = dict[str, Any]

#: What keeps the removal of an access from being asked for, beside the outcomes of cases.
NOT_MANAGED, UNCLEAR = "not_managed", "unclear_request"


@dataclass(frozen=True)
class Footprint:
    """What the lists showed of a person. Entries hold ids and names, sorted by id, so that two looks can be compared.

    :param groups: with C(synced), whether another directory decides about the membership.
    :param accesses: with the C(outcome) that asking for the removal would have, and the request that it hangs on.
    :param ownerships: apps whose owner the person is.
    :param requests: those about the person's access that are not decided, or may be, or were granted a moment ago and
        do not show yet (C(is_decided)); C(is_known) is false where the record does not tell what a request is, or whom
        it is about.
    :param tasks: those assigned to the person that are not decided, likewise.
    :param read: how many memberships and accesses of anybody were read.
    """

    groups: list[Entry]
    accesses: list[Entry]
    ownerships: list[Entry]
    requests: list[Entry]
    tasks: list[Entry]
    read: int = field(default=0, compare=False)


def read_footprint(tenant: Tenant, who: Row, retry_declined: bool = False) -> Footprint:
    """Read every list that can show something of a person, once.

    An app's own record is read too: its owner need not be among those who have access.
    """
    groups, apps, requests, tasks = tenant.read([GROUPS.listing, APPS.listing, REQUESTS, tasks_of(who)])
    sources: list[Listing | Resource] = [
        *map(members, groups),
        *map(accesses, apps),
        *(APPS.record(app["id"]) for app in apps),
    ]
    found = iter(tenant.read(sources))
    rosters, holders, records = ([next(found) for _thing in things] for things in (groups, apps, apps))
    asked = Requests(requests, tenant.request_statuses, datetime.now(timezone.utc))
    held = list(zip(records, holders, strict=True))
    estates = [AppState(app, rows, [], asked) for app, rows in held]
    return Footprint(
        groups=_sorted(_group(group) for group, rows in zip(groups, rosters, strict=True) if _is_in(who, rows)),
        accesses=_sorted(_access(estate, who, retry_declined) for estate in estates if estate.held_by(who)),
        ownerships=_sorted(_named(app) for app, rows in held if _owns(who, app, rows)),
        requests=requests_of(who, requests, asked, {one.app["id"].lower(): one.held_by(who) for one in estates}),
        tasks=_sorted(_task(row, tenant.task_statuses) for row in tasks),
        read=sum(map(len, [*rosters, *holders])),
    )


def read_until_stable(see: Callable[[], Footprint]) -> Footprint:
    """Look until two looks in a row agree: a list that moves may skip a row, and leaves no trace of it.

    :raises ListMoved: no two agreed.
    """
    seen = see()
    for _again in range(REREADINGS):
        newer = see()
        if newer == seen:
            return newer
        seen = newer
    raise ListMoved(
        "look at what the person has",
        "each look showed something else than the one before",
        "Somebody, or a sync, is changing it. Run again after a while.",
    )


def _is_in(who: Row, rows: Iterable[Row]) -> bool:
    return who["id"].lower() in ids_of(rows)


def _owns(who: Row, app: Row, rows: Iterable[Row]) -> bool:
    own = [row for row in rows if row.get("isOwner") and _is_in(who, [row["user"]])]
    return bool(own) or str(member(app, "owner.id") or "").lower() == who["id"].lower()


def _named(thing: Row) -> Entry:
    return {"id": thing["id"].lower(), "name": label(thing)}


def _group(group: Row) -> Entry:
    return {**_named(group), "synced": is_synced(group)}


def _access(estate: AppState, who: Row, retry_declined: bool) -> Entry:
    """Return what is held of an app, judged as C(cakewalk_app_access) judges it when the access is to go."""
    evaluator = AccessEvaluator(direct=False, retry=retry_declined)
    entry = AccessEntry(estate.app["id"], (who["id"],), None, "absent")
    decisions, _unknown = evaluator.evaluate(estate, [entry], Index(estate.holders.kind, [who]))
    decision = decisions[0] if decisions else None
    levels = [label(level) for level in estate.held_by(who).values() if level]
    return {**_named(estate.app), "levels": sorted(levels), **_removal_status(estate.app, decision)}


def _removal_status(app: Row, case: AccessDecision | None) -> Entry:
    request = case.request if case else None
    outcome = case.outcome if case else UNCLEAR
    return {
        "outcome": outcome if is_managed(app) else NOT_MANAGED,
        "to_request": is_managed(app) and bool(case and case.step),
        "request_id": request["id"] if request else None,
        "request_status": request.get("requestStatus") if request else None,
    }


def requests_of(who: Row, requests: Iterable[Row], asked: Requests, held: Mapping[str, Collection[str]]) -> list[Entry]:
    """Return the requests that may still come to something for a person, also those of which nobody knows what they
    ask for, and those that would give something to somebody whom they do not show.

    :param asked: the same requests, by what they are about.
    :param held: by app the levels that the person holds.
    """
    return _sorted(
        _request(row, asked, held.get(str(row.get("workAppId") or "").lower(), ()))
        for row in requests
        if _may_be_about(who, row)
    )


def _may_be_about(who: Row, request: Row) -> bool:
    target = str(request.get("targetUserId") or "").lower()
    return target == who["id"].lower() or bool(not target and of_type([request], (GRANT, CHANGE)))


def _request(row: Row, asked: Requests, held: Collection[str]) -> Entry | None:
    known, gives = asked.class_of(row), bool(of_type([row], (GRANT, CHANGE)))
    is_late = known == "granted" and gives and bool(asked.under_way([row], held))
    if known not in ("open", None) and not is_late:
        return None
    is_of_known_type = row.get("requestType") in REQUEST_TYPES.values()
    return {
        "id": row["id"].lower(),
        "request_type": row.get("requestType"),
        "status": row.get("requestStatus"),
        "is_known": bool(known and is_of_known_type and row.get("targetUserId")),
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


def lines(who: Row, footprint: Footprint) -> list[str]:
    """Return a footprint for people to read: a line for each thing, in which nothing of the tenant makes another."""

    def access(entry: Entry) -> str:
        levels = f" ({', '.join(entry['levels'])})" if entry["levels"] else ""
        outlook = "its removal is to be requested" if entry["to_request"] else entry["outcome"]
        return f"access to {entry['name']}{levels}: {outlook}"

    told = [
        *(f"member of {one['name']}{' (synced)' if one['synced'] else ''}" for one in footprint.groups),
        *(access(one) for one in footprint.accesses),
        *(f"owner of {one['name']}" for one in footprint.ownerships),
        *(f"request {one['id']}: {one['request_type']}, {one['status']}" for one in footprint.requests),
        *(f"task {one['id']}: {one['type']}, {one['status']}" for one in footprint.tasks),
    ]
    return [f"{printable(person(who))}: {printable(one)}" for one in told or ["nothing"]]
