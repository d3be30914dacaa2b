# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tasks of a tenant a machine may carry out: named ones and those of people, and what the service may speak."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import CakewalkError, ServerError
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.tenant import Tenant
from ansible_collections.cakewalk.access.plugins.modules import cakewalk_task_route_info
from contract.fixtures import OLGA, validated
from sandbox.known import REQUESTS, task_id
from sandbox.process import Sandbox

Clients = Callable[..., Client]
NOBODYS = "00000000-0000-4000-8000-000000000000"
OTHER_WORDS = {
    "task": {"actionable": ["AwaitingDecision"], "declined": ["Rejected"], "cancelled": ["Withdrawn"]},
    "request": {"open": ["AwaitingDecision"], "declined": ["Rejected"], "granted": ["Fulfilled"]},
}


def found(client: Client, tenant: Sandbox, **given: Any) -> dict[str, str]:
    """Return the outcome of each task: by its name where it is a known one, else by its id."""
    apps = [tenant.find("apps", name)["id"] for name in ("GitHub", "Google Workspace", "AWS", "Salesforce")]
    types = ("grant_access", "remove_access")
    routes = [{"app": app, "permission_level": "any", "request_type": one} for app in apps for one in types]
    params = validated(cakewalk_task_route_info.SPEC, tenant, {"routes": routes, **given})
    plan = cakewalk_task_route_info.plan(params, Tenant(client, params["known_statuses"]))
    assert (plan.steps, plan.before) == ((), None)
    names = {task_id(name): name for name in REQUESTS}
    return {names.get(entry["task_id"], entry["task_id"]): entry["outcome"] for entry in plan.result["tasks"]}


def test_named_tasks_are_all_told_of(client: Client, tenant: Sandbox) -> None:
    tasks = [*(task_id(name).upper() for name in REQUESTS), task_id("standalone"), NOBODYS, task_id("action")]

    assert found(client, tenant, tasks=tasks) == {
        "action": "due",
        "removal": "due",
        "review": "not_an_action",
        "snoozed": "snoozed",
        "autoprovisioning": "autoprovisioning",
        "declined": "not_an_action",
        task_id("standalone"): "not_an_action",
        NOBODYS: "not_found",
    }
    assert {entry["operation"] for entry in tenant.log()} == {"getTask", "getUser"}


def test_tasks_that_fit_a_route_are_named_for_people_if_the_names_can_be_read(
    connect: Clients, tenant: Sandbox
) -> None:
    app = tenant.find("apps", "GitHub")
    route = {"app": app["id"], "permission_level": "any", "request_type": "grant_access"}
    given = {"tasks": [task_id("action"), task_id("removal")], "routes": [route], "with_names": True}
    client = connect(max_retries=0)

    def subjects() -> list[str]:
        params = validated(cakewalk_task_route_info.SPEC, tenant, given)
        plan = cakewalk_task_route_info.plan(params, Tenant(client, params["known_statuses"]))
        return sorted(entry["subject"] for entry in plan.result["tasks"])

    person = "for petra.pending@example.com"
    assert subjects() == ["", f"grant_access of the level 'Write' of the app 'GitHub' {person}"]
    tenant.fault("getWorkApp", 500)
    (level,) = (level["id"] for level in app["levels"] if level["name"] == "Write")
    assert subjects() == ["", f"grant_access of the level {level} of the app {app['id']} {person}"]


def test_a_task_that_cannot_be_read_does_not_hide_the_others(connect: Clients, tenant: Sandbox) -> None:
    client = connect(max_retries=0)
    tenant.fault("getTask", 500)

    outcomes = found(client, tenant, assignees=[OLGA])

    assert Counter(outcomes.values())["unreadable"] == 1
    assert "due" in outcomes.values()
    tenant.fault("getTask", 500, 100)
    with pytest.raises(ServerError):
        found(client, tenant, assignees=[OLGA])


def test_of_people_only_the_open_action_steps_are_told_of(client: Client, tenant: Sandbox) -> None:
    outcomes = found(client, tenant, assignees=[OLGA, OLGA.upper()])

    known = {"action": "due", "removal": "due", "snoozed": "snoozed", "autoprovisioning": "autoprovisioning"}
    assert {name: outcomes[name] for name in known} == known
    others = outcomes.keys() - known
    tasks = {row["id"]: row for row in tenant.state("tasks")["tasks"]}
    assert all(tasks[one]["is_action"] and tasks[one]["status"] == "Pending" for one in others)
    read = [tasks[entry["path"].split("/")[-1]] for entry in tenant.log(operation="getTask")]
    assert all(row["status"] == "Pending" and row["is_action"] is not False for row in read)


def test_tasks_of_nobody_are_not_found(client: Client, tenant: Sandbox) -> None:
    tenant.change("open_request", kind="grant", app="Orphan Wiki", user="erin.engineer@example.com")
    assert all(tenant.state("tasks")["tasks"][-1]["id"] != one for one in found(client, tenant, assignees=[OLGA]))


@pytest.mark.parametrize(
    ("dialect", "given", "outcome"),
    [
        ({"status_words": "upper"}, {}, "due"),
        ({"filters": "ignored"}, {}, "due"),
        ({"status_words": "other"}, {}, "unclear"),
        ({"status_words": "other"}, {"known_statuses": OTHER_WORDS}, "due"),
        ({"action_step": "hidden"}, {}, "unclear"),
        ({"action_step": "null"}, {}, "unclear"),
        ({"extra_fields": "some", "record_next": "link", "links": "absolute"}, {}, "due"),
    ],
)
@pytest.mark.parametrize("how", ["tasks", "assignees"])
def test_what_the_service_leaves_open_is_unclear_until_it_is_known(
    client: Client, tenant: Sandbox, dialect: dict[str, str], given: dict[str, Any], outcome: str, how: str
) -> None:
    tenant.configure(**dialect)
    which = {"tasks": [task_id("action"), task_id("removal")], "assignees": [OLGA]}
    outcomes = found(client, tenant, **{how: which[how]}, **given)
    assert (outcomes["action"], outcomes["removal"]) == (outcome, outcome)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"tasks": ["the first one"]}, "'the first one': this is not an id"),
        ({"assignees": ["nobody@example.com"]}, "the assignee 'nobody@example.com' does not exist"),
        ({"assignees": [OLGA], "apps": ["GitHub"]}, "'GitHub': this is not an id"),
        ({"assignees": [OLGA], "max_due": -1}, "it is -1"),
    ],
)
def test_what_cannot_be_meant_is_an_error(client: Client, tenant: Sandbox, given: dict[str, Any], words: str) -> None:
    with pytest.raises(CakewalkError, match=words):
        found(client, tenant, **given)
