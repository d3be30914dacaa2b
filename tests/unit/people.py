# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""People, groups and a tenant in memory to test with, and the options of a task as Ansible hands them over."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple
from uuid import UUID

from ansible_collections.cakewalk.access.plugins.module_utils._api.catalog import (
    GROUPS,
    USERS,
    ResourceType,
)
from ansible_collections.cakewalk.access.plugins.module_utils._api.catalog import members as members_of
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import CakewalkError
from ansible_collections.cakewalk.access.plugins.module_utils._api.operations import Listing, Resource
from ansible_collections.cakewalk.access.plugins.module_utils._api.transport import Connection, Response
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.lookup import Index, Row
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.tenant import Tenant
from ansible_collections.cakewalk.access.plugins.module_utils._engine.groups.membership import (
    MembershipChange,
    entries_of_task,
    plan_memberships,
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


class PlannedMemberships(NamedTuple):
    """What a task about members plans."""

    changes: list[MembershipChange]
    actor: Row | None
    warnings: list[str]


class MemoryTenant(Tenant):
    """A tenant in memory: everybody in it, its groups, by group id the members, and rows of other lists.

    C(looked_up) are the people that were looked up last.
    """

    def __init__(
        self,
        users: list[Row],
        groups: Iterable[Row] = (),
        members: dict[str, list[Row]] | None = None,
        rows: Mapping[Listing | Resource, Any] | None = None,
    ) -> None:
        super().__init__(Client(connection()))
        self.users, self.groups, self.members = users, list(groups), members or {}
        self.rows = rows or {}
        self.looked_up: list[str] = []

    def index(
        self,
        kind: ResourceType,
        references: Collection[str] | None = None,
        is_whole: bool = False,
        is_stable: bool = False,
    ) -> Index:
        rows = {USERS: self.users, GROUPS: self.groups}.get(kind) or self.rows[kind.listing]
        found = {row["id"]: row for reference in references or () for row in Index(kind, rows).matches(reference)}
        if (
            references
            and not (is_whole or is_stable)
            and self._few_ids(kind, references)
            and len(found) == len({one.lower() for one in references})
        ):
            return Index(kind, found.values(), complete=False)
        return Index(kind, rows)

    def read(self, wanted: Iterable[Listing | Resource]) -> list[Any]:
        members = {members_of(group): self.members.get(group["id"], []) for group in self.groups}
        return [{**members, **self.rows}[source] for source in wanted]

    def read_stable(self, listings: Iterable[Listing]) -> list[list[dict[str, Any]]]:
        return self.read(listings)

    def read_visible(self, listings: Iterable[Listing]) -> list[list[dict[str, Any]] | CakewalkError]:
        return self.read(listings)

    def people(self, references: Collection[str]) -> Index:
        self.looked_up = list(references)
        return super().people(references)

    def decide(self, params: dict[str, Any]) -> PlannedMemberships:
        """Return what a task plans here."""
        return PlannedMemberships(*plan_memberships(entries_of_task(params), params, self))

    def apply(self, plan: PlannedMemberships) -> None:
        """Carry out a plan."""
        for change in plan.changes:
            gone = {row["id"] for row in change.removed}
            stay = [row for row in self.members.get(change.group["id"], []) if row["id"] not in gone]
            self.members[change.group["id"]] = [*stay, *change.added]
