# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a large company costs: requests are counted, so these are promises and no measurements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from math import ceil
from typing import Any

import pytest
import yaml
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.tenant import Tenant
from ansible_collections.cakewalk.access.plugins.modules import cakewalk_access_as_code
from contract.fixtures import planned, run, task, validated
from sandbox.process import Sandbox
from unit.core.results import steps

_PAGE = 100


@pytest.fixture
def company(tenant: Sandbox) -> Iterator[Callable[..., Sandbox]]:
    """A maker of companies of other sizes; the next test has a small one again."""

    def make(**sizes: int) -> Sandbox:
        tenant.reset(**sizes)
        return tenant

    yield make
    tenant.reset()


def reads(tenant: Sandbox) -> Counter[str]:
    """Return how many requests each operation took."""
    return Counter(entry["operation"] for entry in tenant.log())


def twice(rows: int) -> int:
    """Return the requests for a list whose readings must agree: a list that fits one page is one reading."""
    pages = max(1, ceil(rows / _PAGE))
    return pages if pages == 1 else 2 * pages


def test_a_thousand_people_join_a_group_in_one_request(
    company: Callable[..., Sandbox], connect: Callable[..., Client]
) -> None:
    tenant = company(users=10_000)
    client = connect(requests_per_minute=0)
    state = tenant.state("users", "groups")
    target = next(row for row in state["groups"] if row["name"] == "Engineering")
    for member in target["members"]:
        tenant.change("remove_member", group=target["id"], user=member)
    people = [row["email"] for row in state["users"] if row["status"] == "Active"][-1_000:]
    params = task(tenant, group="Engineering", users=people, state="exact", allow_empty=True)
    tenant.clear_log()

    outcome = run(client, params)
    assert len(steps(outcome)) == 1
    assert reads(tenant) == {
        "listUsersGroups": 1,
        "listUsersGroupUsers": 1 + ceil(1_000 / _PAGE),
        "listUsers": ceil(10_000 / _PAGE),
        "listUsersGroupDefaultWorkApps": 1,
        "addUsersToGroup": 1,
    }
    assert len(tenant.find("groups", "Engineering")["members"]) == 1_000

    tenant.clear_log()
    assert planned(client, params).steps == ()
    assert reads(tenant) == {"listUsersGroups": 1, "listUsersGroupUsers": twice(1_000)}


def test_two_hundred_converged_groups_cost_their_member_pages_those_of_several_twice(
    company: Callable[..., Sandbox], connect: Callable[..., Client]
) -> None:
    tenant = company(users=400, groups=210, apps=0)
    client = connect(requests_per_minute=0)
    state = tenant.state("users", "groups")
    emails = {row["id"]: row["email"] for row in state["users"]}
    names = Counter(row["name"] for row in state["groups"])
    entries = [
        {"group": row["name"], "users": [emails[one] for one in row["members"]], "state": "exact"}
        for row in state["groups"]
        if names[row["name"]] == 1 and row["members"]
    ][:200]
    assert len(entries) == 200
    tenant.clear_log()
    plan = planned(client, task(tenant, *entries))
    assert plan.steps == ()
    assert plan.result["memberships"] == []
    assert plan.result["summary"]["unchanged"] == 200
    assert reads(tenant) == {
        "listUsersGroups": twice(210),
        "listUsersGroupUsers": sum(twice(len(entry["users"])) for entry in entries),
    }


def test_a_large_tenant_as_code_costs_each_list_once_and_an_export_agrees(
    company: Callable[..., Sandbox], connect: Callable[..., Client]
) -> None:
    tenant = company(users=150, groups=120, apps=30)
    client = connect(requests_per_minute=0)

    def told(**options: Any) -> dict[str, Any]:
        tenant.clear_log()
        given = {"acting_user": tenant.acting_user, "folder": "/code", "purpose": "As reviewed", **options}
        params = validated(cakewalk_access_as_code.SPEC, tenant, given)
        return dict(cakewalk_access_as_code.plan(params, Tenant(client)).result)

    files = told(mode="export")["files"]
    cost = reads(tenant)
    code = {name: section for text in files.values() for name, section in yaml.safe_load(text).items()}
    edited = [entry for entry in code["groups"] if entry["mode"] == "additive"]
    holders = Counter(app["id"] for app in tenant.state("apps")["apps"] for _holder in app["accesses"])
    assert cost["listUsers"] == twice(150)
    assert cost["listUsersGroups"] == twice(120)
    assert cost["listUsersGroupUsers"] == sum(twice(len(entry["members"])) for entry in edited)
    assert cost["listWorkAppAccesses"] == sum(map(twice, holders.values())) + 30 - len(holders)
    assert cost["listWorkAppCustomFields"] == cost["listWorkAppPermissionLevels"] == 30

    planned_so = told(source={"version": "1", "positions": {}, "code": code})
    assert planned_so["summary"] == {"steps": 0, "removals": 0, "expired": 0}
    assert reads(tenant)["listUsers"] == ceil(150 / _PAGE)
    assert reads(tenant)["listUsersGroups"] == twice(120)
    assert all(reads(tenant)[operation] <= number for operation, number in cost.items())
    assert set(reads(tenant)) <= set(cost)
