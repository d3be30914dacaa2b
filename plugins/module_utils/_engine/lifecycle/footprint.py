# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The footprint of a person in the lists of a tenant: groups, apps, apps owned, requests and tasks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
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
from ..._api.operations import Listing, Resource
from ..access.evaluation import AccessDecision, AccessEntry, AccessEvaluator, AppState
from ..core.access_requests import CHANGE, GRANT, Requests, of_type
from ..core.lookup import Index, Row, ids_of, label
from ..core.tenant import Tenant
from ..core.timestamps import now

Entry = dict[str, Any]

#: Why the removal of access cannot be requested, besides the outcomes of C(AccessDecision).
NOT_MANAGED, UNCLEAR = "not_managed", "unclear_request"


@dataclass(frozen=True)
class Footprint:
    """Everything that the lists show about a person: ids and names, sorted by id, so that two reads can be compared.

    Each of C(accesses) has the C(outcome) of requesting its removal, and the request that this depends on.

    :param groups: C(synced) says whether another directory decides about the membership.
    :param ownerships: apps that the person owns. C(is_only_owner) says whether nobody else owns the app,
        and is C(None) if that is not shown.
    :param unseen_ownerships: apps of which it is not shown whether the person owns them.
    :param requests: requests about access that are undecided or may be. C(is_decided) marks a recent grant that does
        not show yet. C(is_known) is false if a record does not show its meaning or its person.
    :param tasks: tasks of the person that are undecided or may be.
    """

    groups: list[Entry]
    accesses: list[Entry]
    ownerships: list[Entry]
    unseen_ownerships: list[Entry]
    requests: list[Entry]
    tasks: list[Entry]


@dataclass(frozen=True)
class Holdings:
    """One read of every list that can show a person, for several people.

    :param groups: the groups, each with the ids of its members.
    :param apps: the apps with the people who have access, and their requests.
    :param requests: the rows of all requests.
    :param indexed: the same requests by person and app.
    :param tasks: the tasks of each person, by the id of the person; C(None) if the service knows the person no more.
    :param retry_declined: whether declined removals are requested again.
    :param read: the number of memberships and access rows read, of all people.
    :param looked_from: when the read began, in UTC.
    :param looked_until: when it ended.
    """

    groups: Sequence[tuple[Row, set[str]]]
    apps: Sequence[AppState]
    requests: Sequence[Row]
    tasks: Mapping[str, Sequence[Row] | None]
    indexed: Requests
    task_statuses: StatusTable
    retry_declined: bool
    read: int
    looked_from: str
    looked_until: str

    def with_requests(self, requests: Sequence[Row], indexed: Requests) -> Holdings:
        """Return the same holdings with the requests of a later read."""
        apps = [app_state.with_requests(indexed) for app_state in self.apps]
        return replace(self, apps=apps, requests=requests, indexed=indexed)

    def groups_of(self, user: Row) -> list[Row]:
        """Return the groups that the person is a member of."""
        return [group for group, ids in self.groups if user["id"].lower() in ids]

    def removals_of(self, user: Row) -> list[AccessDecision]:
        """Return the decisions to remove all access of a person to managed apps, as C(cakewalk_app_access) has them."""
        decisions = [self._decision(app_state, user) for app_state in self.apps if is_managed(app_state.app)]
        return [decision for decision in decisions if decision]

    def footprint_of(self, user: Row) -> Footprint:
        """Return the footprint of a person."""
        user_id = user["id"].lower()
        held = [app_state for app_state in self.apps if app_state.held_by(user)]
        levels = {app_state.app["id"].lower(): app_state.held_by(user) for app_state in held}
        levels_held = (level for app_state in self.apps for level in app_state.levels_held.values())
        names = {row["id"].lower(): label(row) for row in [*levels_held, *(app_state.app for app_state in self.apps)]}
        return Footprint(
            groups=_sorted({**_named(group), "synced": is_synced(group)} for group in self.groups_of(user)),
            accesses=_sorted(_access(app_state, user, self._decision(app_state, user)) for app_state in held),
            ownerships=_sorted(
                {**_named(app_state.app), "is_only_owner": app_state.is_owned_only_by(user)}
                for app_state in self.apps
                if user_id in app_state.owners
            ),
            unseen_ownerships=_sorted(
                _named(app_state.app) for app_state in self.apps if app_state.is_owned_by(user) is None
            ),
            requests=requests_of(user, self.requests, self.indexed, levels, names),
            tasks=_sorted(_task(row, self.task_statuses) for row in self.tasks[user_id] or ()),
        )

    def _decision(self, app_state: AppState, user: Row) -> AccessDecision | None:
        """Return the decision to remove the access of a person; C(None) without access, or if a request is unclear."""
        if not app_state.held_by(user):
            return None
        evaluator = AccessEvaluator(direct=False, retry=self.retry_declined)
        entry = AccessEntry(app_state.app["id"], (user["id"],), None, "absent")
        decisions, _unknown = evaluator.evaluate(app_state, [entry], Index(app_state.holders.kind, [user]))
        return decisions[0] if decisions else None


def read_holdings(tenant: Tenant, users: Sequence[Row], retry_declined: bool = False) -> Holdings:
    """Read every list that can show these people, once, whatever was read before.

    The record of each app is read, too, because an owner need not have access.
    """
    looked_from = now()
    tenant.forget()
    groups, apps, requests = tenant.read([GROUPS.listing, APPS.listing, REQUESTS])
    sources: list[Listing | Resource] = [
        *map(members, groups),
        *map(accesses, apps),
        *(APPS.record(app["id"]) for app in apps),
    ]
    reads = iter(tenant.read(sources))
    member_lists, holders, records = ([next(reads) for _row in rows] for rows in (groups, apps, apps))
    tasks = tenant.read_found(map(tasks_of, users))
    indexed = Requests(requests, tenant.request_statuses, tenant.time_or_none())
    return Holdings(
        groups=[(group, ids_of(rows)) for group, rows in zip(groups, member_lists, strict=True)],
        apps=[AppState(app, rows, [], indexed) for app, rows in zip(records, holders, strict=True)],
        requests=requests,
        tasks={user["id"].lower(): rows for user, rows in zip(users, tasks, strict=True)},
        indexed=indexed,
        task_statuses=tenant.task_statuses,
        retry_declined=retry_declined,
        read=sum(map(len, [*member_lists, *holders])),
        looked_from=looked_from,
        looked_until=now(),
    )


@dataclass
class StableFootprints:
    """The footprints of people on which two reads in a row agree, by the id of the person.

    :param unstable: the ids of the people about whose footprint no two reads in a row agree.
    :param looked_from: when the earlier of the last two reads began.
    :param holdings: the last read.
    """

    footprints: dict[str, Footprint]
    unstable: set[str]
    looked_from: str
    holdings: Holdings


def read_until_stable(
    tenant: Tenant, users: Sequence[Row], retry_declined: bool, first: Holdings | None = None
) -> StableFootprints:
    """Read until two reads in a row agree about each person, because a list that moves may skip a row without a trace.

    :param first: an earlier read that counts, if nothing was written since.
    """
    last = first or read_holdings(tenant, users, retry_declined)
    for _attempt in range(REREADINGS):
        before, last = last, read_holdings(tenant, users, retry_declined)
        footprints = {user["id"].lower(): last.footprint_of(user) for user in users}
        unstable = {user["id"].lower() for user in users if before.footprint_of(user) != footprints[user["id"].lower()]}
        if not unstable:
            break
    return StableFootprints(footprints, unstable, before.looked_from, last)


def _named(row: Row) -> Entry:
    return {"id": row["id"].lower(), "name": label(row)}


def _access(app_state: AppState, user: Row, decision: AccessDecision | None) -> Entry:
    """Return the access of a person to an app, with the outcome that C(cakewalk_app_access) has for its removal."""
    request = decision.request if decision else None
    outcome = decision.outcome if decision else UNCLEAR
    return {
        **_named(app_state.app),
        "levels": sorted(label(level) for level in app_state.held_by(user).values() if level),
        "outcome": outcome if is_managed(app_state.app) else NOT_MANAGED,
        "to_request": is_managed(app_state.app) and bool(decision and decision.step),
        "request_id": request["id"] if request else None,
        "request_status": request.get("requestStatus") if request else None,
        "since": request.get("createdAt") if request else None,
    }


def requests_of(
    user: Row,
    requests: Iterable[Row],
    indexed: Requests,
    held: Mapping[str, Collection[str]],
    names: Mapping[str, str],
) -> list[Entry]:
    """Return the requests that may still take effect for a person.

    Requests of an unknown status or type count, and requests to give access that do not show their person.

    :param indexed: the same requests by person and app.
    :param held: the levels that the person holds, by app.
    :param names: the names of the apps, and of the levels that people hold, by id.
    """

    def entry(row: Row) -> Entry | None:
        app_id = str(row.get("workAppId") or "").lower()
        found = _request(row, indexed, held.get(app_id, ()))
        if not found:
            return None
        level = names.get(str(row.get("permissionLevelId") or "").lower())
        return {**found, "app": names.get(app_id), "permission_level": level}

    return _sorted(entry(row) for row in requests if _may_be_about(user, row))


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
        "since": row.get("createdAt"),
        "updated_at": row.get("updatedAt"),
        "app_id": row.get("workAppId"),
        "permission_level_id": row.get("permissionLevelId"),
    }


def _task(row: Row, statuses: StatusTable) -> Entry | None:
    if statuses.class_of(row.get("status")) not in ("actionable", "open", None):
        return None
    return {"id": row["id"].lower(), "type": row.get("type"), "status": row.get("status")}


def _sorted(entries: Iterable[Entry | None]) -> list[Entry]:
    return sorted((entry for entry in entries if entry), key=lambda entry: str(entry["id"]))
