# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Approval tasks in memory to test with, and what a task of Ansible decides about them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

from ansible_collections.cakewalk.access.plugins.module_utils._api.catalog import (
    APPS,
    REQUEST_STATUSES,
    TASK_STATUSES,
    USERS,
    permission_levels_of,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.lookup import Index, Row
from ansible_collections.cakewalk.access.plugins.module_utils._engine.tasks.evaluation import (
    TaskAssessment,
    TaskState,
    assess,
    entries_of_task,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.tasks.expectations import (
    NameLookup,
    check,
    expected_names,
    levels_to_read,
    users_to_read,
)
from ansible_collections.cakewalk.access.plugins.modules import cakewalk_task
from unit.people import MemoryTenant, filled, uid, user

NOW = datetime(2026, 6, 1, 12, tzinfo=timezone.utc)
PAST, FUTURE = "2026-06-01T11:59:59Z", "2026-06-01T12:00:01.1234567Z"

ADA, BEN, EVE = user(1, "ada@example.com"), user(2, "ben@example.com"), user(3, "eve@example.com")
TWINS = [user(4, "twin@example.com"), user(5, "Twin@example.com")]
GITHUB, FIGMA = {"id": uid(50), "name": "GitHub"}, {"id": uid(51), "name": "Figma"}
TWIN_APPS = [{"id": uid(number), "name": "Twin App"} for number in (52, 53)]
READ, WRITE, ADMIN = ({"id": uid(60 + number), "name": name} for number, name in enumerate(("Read", "Write", "Admin")))
EDITOR = {"id": uid(70), "name": "Editor"}

PEOPLE = [ADA, BEN, EVE, *TWINS]
ALL_APPS = [GITHUB, FIGMA, *TWIN_APPS]
LEVELS = {GITHUB["id"]: [READ, WRITE, ADMIN], FIGMA["id"]: [EDITOR]}

#: What an approval of C(a_task()) must expect.
EXPECTED = {
    "request_type": "grant_access",
    "user": "ben@example.com",
    "app": "GitHub",
    "permission_level": "Write",
}


def a_task(number: int = 1, request: dict[str, Any] | None = None, **members: Any) -> dict[str, Any]:
    """Return an action step that can be decided: access for Ben to GitHub at the level Write, asked for by Eve.

    :param request: members of the request that are different.
    :param members: members of the task that are different.
    """
    return {
        "id": uid(900 + number),
        "status": "Pending",
        "type": "GrantAccessActionTask",
        "isActionStep": True,
        "isAutoprovisioning": False,
        "snoozedTill": None,
        "assignedUser": {"id": EVE["id"], "email": EVE["email"]},
        "request": {
            "id": uid(800 + number),
            "requestType": "GrantAccessRequest",
            "requestStatus": "Pending",
            "requestedByUserId": EVE["id"],
            "cancelledByUserId": None,
            "targetUserId": BEN["id"],
            "workAppId": GITHUB["id"],
            "permissionLevelId": WRITE["id"],
            **(request or {}),
        },
        **members,
    }


def standalone(number: int = 1, **members: Any) -> dict[str, Any]:
    """Return a task without a request, assigned to Eve."""
    return {**a_task(number), "request": None, "isActionStep": None, "type": "StandAloneOffboardingTask", **members}


def without(row: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a record that does not show one of its members."""
    return {member: value for member, value in row.items() if member != name}


def options(**given: Any) -> dict[str, Any]:
    """Return the parameters of a cakewalk_task task: those given, defaults for the rest."""
    return filled(cakewalk_task.SPEC, given)


def decision(row: Row, **given: Any) -> dict[str, Any]:
    """Return an entry of the option decisions."""
    return {"state": None, "expect": None, "decide": None, **given, "task": row["id"]}


def judged(rows: Sequence[Row], params: dict[str, Any]) -> list[TaskAssessment]:
    """Return what becomes of tasks by what they show; the rows are in the order in which the options name them."""
    tasks = [TaskState(entry, row) for entry, row in zip(entries_of_task(params), rows, strict=True)]
    return [assess(task, TASK_STATUSES, REQUEST_STATUSES, NOW, params["allow_autoprovisioning"]) for task in tasks]


def looked_up(assessments: list[TaskAssessment], params: dict[str, Any]) -> NameLookup:
    """Return what is known once everything that is asked for was looked up, and nothing else."""
    people = Index(USERS, PEOPLE if users_to_read(assessments, params) else [])
    apps = Index(APPS, ALL_APPS if expected_names(assessments, "app") else [])
    levels = {
        app: Index(permission_levels_of({"id": app}), LEVELS.get(app, [])) for app in levels_to_read(assessments, apps)
    }
    return NameLookup(people, apps, levels)


def decided(rows: Sequence[Row], params: dict[str, Any]) -> list[TaskAssessment]:
    """Return what becomes of tasks, held against what is expected and every rail."""
    assessments = judged(rows, params)
    levels = {permission_levels_of(app).listing: LEVELS.get(app["id"], []) for app in ALL_APPS}
    tenant = MemoryTenant([], rows={APPS.listing: ALL_APPS, **levels})
    check(assessments, looked_up(assessments, params), params, tenant)
    return assessments
