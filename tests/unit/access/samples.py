# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene for tests of access: people, two apps, and the options of a task."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timezone
from typing import Any

from ansible_collections.cakewalk.access.plugins.module_utils._api.catalog import (
    REQUEST_STATUSES,
)
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import CakewalkError
from ansible_collections.cakewalk.access.plugins.module_utils._api.operations import Step
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access.evaluation import (
    AppState,
    entries_of_task,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access.planning import (
    AccessPlan,
    AppEntries,
    check_options,
    plan_access,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.access_requests import (
    Requests,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.lookup import Row
from ansible_collections.cakewalk.access.plugins.modules import cakewalk_app_access
from unit.people import MemoryTenant, filled, uid, user

ADA, BEN, CAT, DAN = (user(number, f"{name}@example.com") for number, name in enumerate(("ada", "ben", "cat", "dan")))
GONE = user(9, "gone@example.com", "Offboarding")
GITHUB, FIGMA = {"id": uid(50), "name": "GitHub"}, {"id": uid(51), "name": "Figma"}
READ, WRITE = {"id": uid(60), "name": "Read"}, {"id": uid(61), "name": "Write"}
NOW = datetime(2026, 2, 1, tzinfo=timezone.utc)
DIRECT = {"method": "direct", "bypass_approval": True, "bypass_reason": "Import"}


def request(number: int, who: Row, app: Row, kind: str, level: Row | None = None, status: str = "Pending") -> Row:
    """Return a request as the service lists it; the higher the number, the newer."""
    return {
        "id": uid(100 + number),
        "requestType": kind,
        "requestStatus": status,
        "targetUserId": who["id"],
        "workAppId": app["id"],
        "permissionLevelId": level["id"] if level else None,
        "createdAt": f"2026-01-{number + 1:02}T00:00:00Z",
    }


class Scene:
    """Ben reads in GitHub and has Figma, Cat writes in GitHub; with requests, everybody in the directory."""

    def __init__(self, *asked: Row, **given: Any) -> None:
        self.params = filled(
            cakewalk_app_access.SPEC, {"acting_user": ADA["email"], "purpose": "Work", "state": "present", **given}
        )
        requests = Requests(asked, REQUEST_STATUSES, NOW)
        github = [{"user": BEN, "permissionLevel": READ}, {"user": CAT, "permissionLevel": WRITE}]
        app_states = {
            "GitHub": AppState(GITHUB, github, [READ, WRITE], requests),
            "Figma": AppState(FIGMA, [{"user": BEN, "permissionLevel": None}], [], requests),
        }
        entries = entries_of_task(self.params)
        self.apps: list[AppEntries] = [
            (state, its) for name, state in app_states.items() if (its := [one for one in entries if one.app == name])
        ]
        self.tenant = MemoryTenant([ADA, BEN, CAT, DAN, GONE])

    def decide(self) -> AccessPlan:
        """Return what the task plans."""
        check_options(self.params)
        return plan_access(self.apps, self.params, self.tenant)

    def looked_up(self) -> list[str]:
        """Return who is looked up for the task, which may be refused afterwards."""
        with suppress(CakewalkError):
            self.decide()
        return self.tenant.looked_up

    def steps(self) -> list[Step]:
        """Return the steps of the task."""
        return self.decide().steps(self.params["purpose"])

    def outcomes(self) -> list[tuple[str, str]]:
        """Return the outcome for each user."""
        return [(decision.user["id"], decision.outcome) for decision in self.decide().decisions]


def one(app: str, *people: Row | str, **given: Any) -> dict[str, Any]:
    """Return the options that name people in an app, by e-mail unless they are written out."""
    users = [person if isinstance(person, str) else person["email"] for person in people]
    return {"app": app, "users": users, "permission_level": None, "state": None, **given}
