# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lists that show why people have access to apps: access, groups that give it, requests and their tasks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..._api import catalog
from ..._api.catalog import REQUESTS, permission_levels, person, tasks_of
from ..._api.operations import member
from ..access.approvers import likely_deciders
from ..access.evaluation import AppState
from ..core.access_requests import Requests
from ..core.lookup import Index, Row, id_in, ids_of
from ..core.tenant import Tenant
from ..core.timestamps import moment

#: At most so many tasks are read.
_MOST_TASKS = 200


@dataclass(frozen=True)
class AccessSources:
    """Everything that the lists show about some apps.

    :param states: the people with access, the levels and the requests, by the id of the app.
    :param giving: the groups that give an app, each with the ids of its members, by the id of the app.
    """

    states: Mapping[str, AppState]
    giving: Mapping[str, Sequence[tuple[Row, set[str]]]]
    requests: Sequence[Row]

    def people_of(self, app: Row, users: Index) -> list[Row]:
        """Return the people who have access to an app, get it from a group, or have asked for it."""
        app_id = app["id"].lower()
        ids = {*self.states[app_id].holders.by_id, *(one for _group, ids in self.giving[app_id] for one in ids)}
        ids |= {id_in(row, "targetUserId") for row in self.requests if id_in(row, "workAppId") == app_id}
        known = {**self.states[app_id].holders.by_id, **users.by_id}
        return [known.get(one, {"id": one}) for one in ids - {""}]


def read_sources(apps: Sequence[Row], groups: Sequence[Row], tenant: Tenant) -> AccessSources:
    """Read lists until they prove what they do not show, since an explanation rests on that, too."""
    wanted = [REQUESTS, *map(catalog.accesses, apps), *map(catalog.default_apps, groups)]
    requests, *lists = tenant.read_stable(wanted)
    holders, given = lists[: len(apps)], lists[len(apps) :]
    app_ids = ids_of(apps)
    gives = [(group, ids) for group, rows in zip(groups, given, strict=True) if (ids := app_ids & ids_of(rows))]
    members = tenant.read_stable(catalog.members(group) for group, _ids in gives)
    levels = tenant.read(map(permission_levels, apps))
    giving: dict[str, list[tuple[Row, set[str]]]] = defaultdict(list)
    for (group, ids), rows in zip(gives, members, strict=True):
        for app_id in ids:
            giving[app_id].append((group, ids_of(rows)))
    indexed = Requests(requests, tenant.request_statuses)
    states = {
        app["id"].lower(): AppState(*of_app, indexed)
        for of_app in zip(apps, holders, levels, strict=True)
        for app in of_app[:1]
    }
    return AccessSources(states, giving, requests)


def read_decisions(
    named: Sequence[Row], about: Sequence[tuple[Row, Row, Sequence[Row]]], tenant: Tenant
) -> dict[str, list[dict[str, Any]]]:
    """Return what tasks show about the decisions of requests, by the id of the request.

    No list shows the tasks of a request, because tasks are listed by person, and only single tasks show the request. So
    the tasks of C(likely_deciders) are read, the newest first.

    :param named: more people who may have decided.
    :param about: people, apps and their requests.
    """
    created = [moment(row.get("createdAt")) for _user, _app, requests in about for row in requests]
    if not created:
        return {}
    users, apps = ([*{row["id"]: row for row in rows}.values()] for rows in list(zip(*about, strict=True))[:2])
    deciders = {row["id"].lower(): row for row in [*named, *likely_deciders(tenant, users, apps)]}
    listed = {row["id"]: row for rows in tenant.read(map(tasks_of, deciders.values())) for row in rows}
    # A task is not older than its request.
    since = min((time for time in created if time), default=None)
    recent = [row for row in listed.values() if _is_since(row, since)]
    recent.sort(key=lambda row: str(row.get("createdAt")), reverse=True)
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for task in filter(None, tenant.read_existing(catalog.task(row["id"]) for row in recent[:_MOST_TASKS])):
        found[id_in(task, "request.id")].append(
            {
                "task_id": task["id"],
                "status": task.get("status"),
                "is_action_step": task.get("isActionStep"),
                "decided_by": _person(member(task, "executedByUser")),
                "assigned_to": _person(member(task, "assignedUser")),
                "updated_at": task.get("lastUpdatedAt"),
            }
        )
    return {request: sorted(tasks, key=lambda one: str(one["updated_at"])) for request, tasks in found.items()}


def _is_since(task: Row, since: datetime | None) -> bool:
    time = moment(task.get("createdAt"))
    return since is None or time is None or time >= since


def _person(user: object) -> str | None:
    return person(user) if isinstance(user, Mapping) else None
