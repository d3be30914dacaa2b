# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""People, groups and a tenant in memory to test with, and the options of a task as Ansible hands them over."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from ansible_collections.cakewalk.access.plugins.module_utils._api.catalog import GROUPS, USERS, UserStatuses
from ansible_collections.cakewalk.access.plugins.module_utils._api.transport import Connection, Response
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.lookup import Index, Row
from ansible_collections.cakewalk.access.plugins.module_utils._engine.groups.membership import (
    DesiredMembers,
    MembershipLookups,
    MembershipPlan,
    decide,
    desired_members,
    entries_of_task,
)
from ansible_collections.cakewalk.access.plugins.modules import cakewalk_group_member

BASE_URL = "https://tenant.example.com"
KEY = "canary-key"
SECRET = "canary-secret"


def uid(number: int) -> str:
    """Return a UUID; each number has its own, with letters in it so that case shows."""
    return str(UUID(int=(0xABCDEF << 104) + number, version=4))


def user(number: int, email: str | None = None, status: str | None = "Active", **members: Any) -> dict[str, Any]:
    """Return a user as the service lists it."""
    return {"id": uid(number), "email": email or f"p{number}@example.com", "statusName": status, **members}


def group(number: int, name: str | None = None, **members: Any) -> dict[str, Any]:
    """Return a group as the service lists it."""
    return {"id": uid(1000 + number), "name": name or f"Group {number}", **members}


def users(*rows: Row, complete: bool = True) -> Index:
    """Return a register of people."""
    return Index(USERS, rows, complete)


def options(**given: Any) -> dict[str, Any]:
    """Return the parameters of a cakewalk_group_member task: those given, defaults for the rest."""
    return filled(cakewalk_group_member.SPEC, given)


def filled(spec: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of a module's task: those given, defaults for the rest."""
    known = spec["argument_spec"]
    assert given.keys() <= known.keys(), "an option that the module does not have"
    return {name: given.get(name, option.get("default")) for name, option in known.items()}


def membership(the_group: Row, references: Iterable[str], state: str | None = None) -> dict[str, Any]:
    """Return an entry of the option memberships."""
    return {"group": the_group["id"], "users": list(references), "state": state}


def connection(base_url: str = BASE_URL, **changed: Any) -> Connection:
    """Return a connection with defaults for what is not given."""
    return Connection(**{"base_url": base_url, "api_key": KEY, "api_secret": SECRET, **changed})


def reply(status: int = 200, body: Any = b"", **headers: str) -> Response:
    """Return an answer; a C(body) that is not bytes goes as JSON, underscores in header names as hyphens."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, content)


@dataclass
class MemoryTenant:
    """A tenant in memory: everybody in it, its groups, and by group id who is a member."""

    users: list[Row]
    groups: list[Row]
    members: dict[str, list[Row]] = field(default_factory=dict)

    def rosters(self, wishes: Iterable[DesiredMembers]) -> list[Index]:
        """Return the members of the groups that are wished for."""
        return [users(*self.members.get(wish.group["id"], [])) for wish in wishes]

    def questions(self, params: dict[str, Any]) -> MembershipLookups:
        """Return what a task leaves open once the rosters are read."""
        wishes = desired_members(entries_of_task(params), Index(GROUPS, self.groups))
        return MembershipLookups(wishes, self.rosters(wishes), params)

    def decide(self, params: dict[str, Any], statuses: UserStatuses | None = None) -> MembershipPlan:
        """Return what a task decides here; the directory is known to it only where it asks for somebody."""
        wishes = desired_members(entries_of_task(params), Index(GROUPS, self.groups))
        rosters = self.rosters(wishes)
        questions = MembershipLookups(wishes, rosters, params)
        people = users(*self.users) if questions.references else users(complete=False)
        known = people.assuming(questions.assumed)
        return decide(wishes, rosters, known, questions, params, statuses or UserStatuses())

    def apply(self, decision: MembershipPlan) -> None:
        """Carry out a decision."""
        for edit in decision.edits:
            gone = {row["id"] for row in edit.removed}
            stay = [row for row in self.members.get(edit.group["id"], []) if row["id"] not in gone]
            self.members[edit.group["id"]] = [*stay, *edit.added]
