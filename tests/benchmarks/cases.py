# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pieces of work, each to be done in three ways: by a task of this collection, by the floor, by C(uri) in a loop."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from json import dumps, loads
from os import environ
from pathlib import Path
from typing import Any

from playbooks.harness import INFO, MEMBERS, POLICY, Data, Playbooks, Run, play, task
from sandbox.process import Sandbox
from sandbox.records import ARCHIVE, CHANGE, GRANT, NEW_APP, REMOVE

GROUP, POLICY_NAME = "Contractors", "Two approvals"
#: The request types of the service, by how options call them.
_TYPES = {
    "grant_access": GRANT,
    "remove_access": REMOVE,
    "archive_app": ARCHIVE,
    "change_permission": CHANGE,
    "add_app": NEW_APP,
}
_PACKAGE_ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Work:
    """A piece of work in a tenant.

    :param module: the module that does it, with C(options).
    :param floor: the method of the floor that does it, with C(arguments).
    :param request: the options of C(uri) that do a part of it, for each of the C(items).
    :param prepare: what has to be done in a tenant that was reset, so that there is something to do.
    """

    module: str
    options: Data
    floor: str
    arguments: Data
    request: Data
    items: list[Any]
    prepare: Callable[[], None] | None = None

    def by_us(self, playbooks: Playbooks, **options: Any) -> Run:
        """Have a task of the collection do it, with some more options."""
        return _run(playbooks, task("work", self.module, {**self.options, **options}))

    def by_nothing(self, playbooks: Playbooks, **keywords: Any) -> Run:
        """Have a task of the collection do nothing, with some more keywords."""
        return _run(playbooks, task("nothing", INFO, {"gather": []}, **keywords))

    def by_the_floor(self, tenant: Sandbox) -> Data:
        """Have the floor do it; return what that took it."""
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.floor"],
            input=dumps([self.floor, self.arguments]),
            env={**environ, **tenant.env, "PYTHONPATH": str(_PACKAGE_ROOT)},
            text=True,
            stdout=subprocess.PIPE,
            check=True,
        )
        told: Data = loads(done.stdout)
        return told

    def by_a_loop(self, playbooks: Playbooks, tenant: Sandbox, number: int) -> Run:
        """Have C(uri) in a loop do it for so many of the items."""
        headers = {"X-API-KEY": tenant.api_key, "X-API-SECRET": tenant.api_secret}
        request = {**self.request, "url": f"{tenant.url}/api/v1{self.request['url']}", "headers": headers}
        return _run(playbooks, task("loop", "ansible.builtin.uri", request, loop=self.items[:number]))


@dataclass(frozen=True)
class Case:
    """What is measured: C(work) of C(number) things in a company of C(sizes).

    :param goal: how many times the floor it may take beside one start.
    :param faster: how many times faster than the loop it has to be.
    :param parallel: how many times faster than one request at a time, where that is asked for.
    """

    title: str
    sizes: Mapping[str, int]
    number: int
    work: Callable[[Sandbox, int], Work]
    parallel: float | None = None

    goal = 1.25
    faster = 20


def fill(tenant: Sandbox, number: int) -> Work:
    """Add so many people to a group."""
    people = _people(tenant, number)
    group = tenant.find("groups", GROUP)["id"]
    acting = tenant.find("users", tenant.acting_user)["id"]
    emails = [row["email"] for row in people]
    return Work(
        MEMBERS,
        {"group": GROUP, "users": emails},
        "fill",
        {"group": GROUP, "users": emails},
        _uri("POST", f"/UsersGroups/{group}/Users", 201, _addition(["{{ item }}"], acting)),
        [row["id"] for row in people],
    )


def converged(tenant: Sandbox, number: int) -> Work:
    """Find that so many groups are as they should be."""
    state = tenant.state("users", "groups")
    emails = {row["id"]: row["email"] for row in state["users"]}
    # Neither those with one name, nor the one of everybody, whose pages follow each other.
    usual = [row for row in state["groups"] if 0 < len(row["members"]) <= 100][:number]
    assert len({row["name"] for row in usual}) == number
    memberships = {row["name"]: [emails[one] for one in row["members"]] for row in usual}
    return Work(
        MEMBERS,
        {"memberships": [{"group": group, "users": users, "state": "exact"} for group, users in memberships.items()]},
        "converged",
        {"memberships": memberships},
        _uri("GET", "/UsersGroups/{{ item }}/Users", 200),
        [row["id"] for row in usual],
    )


def snapshot(tenant: Sandbox, number: int) -> Work:
    """Read so many apps, all there are, with all that hangs on them."""
    apps = tenant.state("apps")["apps"]
    assert len(apps) == number
    lists = ("Accesses", "PermissionLevels", "CustomFields")
    return Work(
        INFO,
        {"gather": ["apps"], "include": ["accesses", "permission_levels", "custom_fields"]},
        "snapshot",
        {},
        _uri("GET", "/WorkApps/{{ item }}", 200),
        [f"{app['id']}/{name}" for app, name in product(apps, lists)],
    )


def slots(tenant: Sandbox, number: int) -> Work:
    """Assign policies to so many slots."""
    state = tenant.state("apps", "policies")
    policies = {row["request_type"]: row["id"] for row in state["policies"] if row["name"] == POLICY_NAME}
    items = [
        {"app": app["id"], "type": one, "policy": policies[one]} for app, one in product(state["apps"], _TYPES.values())
    ]
    assert len(items) == number
    return Work(
        POLICY,
        {
            "assignments": [{"select": {"all": True}, "request_type": one, "policy": POLICY_NAME} for one in _TYPES],
            "max_assignments": number,
        },
        "slots",
        {"request_types": list(_TYPES.values()), "policy": POLICY_NAME},
        _uri("PUT", "/WorkApps/{{ item.app }}/Policies/{{ item.type }}", 204, {"policyId": "{{ item.policy }}"}),
        items,
    )


def removals(tenant: Sandbox, number: int) -> Work:
    """Remove so many people from a group."""
    people = _people(tenant, number)
    group = tenant.find("groups", GROUP)["id"]
    acting = tenant.find("users", tenant.acting_user)["id"]
    emails, ids = [row["email"] for row in people], [row["id"] for row in people]

    def prepare() -> None:
        tenant.call("POST", f"/api/v1/UsersGroups/{group}/Users", json=_addition(ids, acting)).raise_for_status()

    return Work(
        MEMBERS,
        {"group": GROUP, "users": emails, "state": "absent"},
        "removals",
        {"group": GROUP, "users": emails},
        _uri("DELETE", f"/UsersGroups/{group}/Users/{{{{ item }}}}", 204),
        ids,
        prepare,
    )


#: By name. The latency is that of each.
CASES = {
    "fill": Case("1,000 people join a group, from a directory of 10,000", {"users": 10_000}, 1_000, fill),
    "converged": Case("200 groups are as they should be", {"users": 1_000, "groups": 210}, 200, converged),
    "snapshot": Case(
        "500 apps with accesses, levels and fields", {"users": 1_000, "apps": 500}, 500, snapshot, parallel=6
    ),
    "slots": Case("300 policies for 60 apps", {"apps": 60}, 300, slots),
    "removals": Case("500 people leave a group", {"users": 1_000}, 500, removals),
}


def _people(tenant: Sandbox, number: int) -> list[Data]:
    """Return people who may be added to and removed from the group: of no fixed name, and in it by nothing else."""
    active = [row for row in tenant.state("users")["users"] if row["status"] == "Active"]
    return active[-number:]


def _addition(users: Sequence[str], acting_user: str) -> Data:
    return {"userIds": users, "triggeredByUserId": acting_user, "implicitlyApproveRequests": False}


def _uri(method: str, path: str, status: int, body: Data | None = None) -> Data:
    return {
        "method": method,
        "url": path,
        "status_code": status,
        **({"body_format": "json", "body": body} if body else {}),
    }


def _run(playbooks: Playbooks, *tasks: Data) -> Run:
    """Run tasks as users do: with no callback but the one that prints."""
    return playbooks.run(play(*tasks), ANSIBLE_CALLBACKS_ENABLED="ansible.builtin.default").succeeded()
