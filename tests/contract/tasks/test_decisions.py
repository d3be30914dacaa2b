# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deciding tasks: how many requests it takes, what changes meanwhile, lost answers, and what the service may speak."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import CakewalkError
from ansible_collections.cakewalk.access.plugins.module_utils._api.operations import Phase
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.apply import apply
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.plan import (
    ApplyFailed,
    ApplyResult,
    Plan,
    StepStatus,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.tenant import Tenant
from ansible_collections.cakewalk.access.plugins.modules import cakewalk_task
from contract.fixtures import CONFIRM_DELAYS, MAX, OLGA, received, validated, writes
from sandbox.known import request_id, task_id
from sandbox.process import Sandbox
from unit.core.results import steps

PETRA = "petra.pending@example.com"
READ, APPROVE, DECLINE = "getTask", "approveTask", "declineTask"
ACTION, REMOVAL, REVIEW = (task_id(name) for name in ("action", "removal", "review"))
Clients = Callable[..., Client]
Data = dict[str, Any]

#: What the known tasks are about, by their names.
EXPECT: dict[str, Data] = {
    "action": {"request_type": "grant_access", "app": "GitHub", "permission_level": "Write", "user": PETRA},
    "removal": {"request_type": "remove_access", "app": "Google Workspace", "user": PETRA},
    "review": {"request_type": "grant_access", "app": "Figma", "user": PETRA},
    "snoozed": {"request_type": "grant_access", "app": "Salesforce", "permission_level": "Standard", "user": PETRA},
    "autoprovisioning": {"request_type": "grant_access", "app": "AWS", "permission_level": "ReadOnly", "user": PETRA},
    "standalone": {"user": PETRA},
}
KIND = {"review": "review", "standalone": "standalone"}


def approving(tenant: Sandbox, *names: str, **given: Any) -> Data:
    """Return the parameters of a task that approves known tasks, as Ansible passes them."""
    entries = [
        {"task": task_id(name), "expect": EXPECT[name], "decide": KIND.get(name, "action"), "state": "approved"}
        for name in names
    ]
    return validated(cakewalk_task.SPEC, tenant, {"acting_user": tenant.acting_user, "decisions": entries, **given})


def declining(tenant: Sandbox, name: str, **given: Any) -> Data:
    """Return the parameters of a task that declines a known task."""
    options = {"task": task_id(name), "state": "declined", "decide": KIND.get(name, "action")}
    return validated(cakewalk_task.SPEC, tenant, {"acting_user": tenant.acting_user, **options, **given})


def planned(client: Client, params: Data) -> Plan:
    """Return the plan of a task, from a fresh look at the tenant."""
    return cakewalk_task.plan(params, Tenant(client, params["known_statuses"]))


def run(client: Client, params: Data) -> ApplyResult:
    """Plan a task and carry it out."""
    return apply(planned(client, params), client, CONFIRM_DELAYS)


def failed(plan: Plan, client: Client) -> ApplyFailed:
    """Carry out a plan that fails."""
    with pytest.raises(ApplyFailed) as caught:
        apply(plan, client, CONFIRM_DELAYS)
    return caught.value


def refused(client: Client, params: Data) -> CakewalkError:
    """Return why nothing is planned."""
    with pytest.raises(CakewalkError) as caught:
        planned(client, params)
    return caught.value


def status(tenant: Sandbox, name: str) -> str:
    """Return the status of a known task."""
    return next(row["status"] for row in tenant.state("tasks")["tasks"] if row["id"] == task_id(name))


def statuses(tenant: Sandbox, *names: str) -> list[str]:
    """Return the statuses of known tasks."""
    return [status(tenant, name) for name in names]


def told(error: ApplyFailed) -> tuple[int, int, int]:
    """Return how many steps were done, failed and were not tried."""
    return tuple(len(error.result.having(each)) for each in (StepStatus.DONE, StepStatus.FAILED, StepStatus.PENDING))


def test_a_decision_takes_a_reading_before_and_one_after(tenant: Sandbox, client: Client) -> None:
    github = tenant.find("apps", "GitHub")
    level = next(row["id"] for row in github["levels"] if row["name"] == "Write")
    user = tenant.find("users", PETRA)["id"]
    expect = {"request_type": "grant_access", "user": user, "app": github["id"], "permission_level": level}
    params = validated(cakewalk_task.SPEC, tenant, {"task": ACTION, "state": "approved", "expect": expect})
    plan = planned(client, params)
    assert [entry["operation"] for entry in tenant.log()] == [READ]
    assert steps(apply(plan, client, CONFIRM_DELAYS)) == list(plan.steps)
    assert [entry["operation"] for entry in tenant.log()] == [READ, READ, APPROVE, READ]
    assert tenant.log(operation=APPROVE)[0]["body"] is None
    tenant.clear_log()
    assert planned(client, params).steps == ()
    assert [entry["operation"] for entry in tenant.log()] == [READ]


def test_names_are_looked_up_once_each(tenant: Sandbox, client: Client) -> None:
    names = ("action", "removal", "review", "standalone")
    assert len(steps(run(client, approving(tenant, *names)))) == 4
    assert Counter(entry["operation"] for entry in tenant.log()) == {
        READ: 12,
        APPROVE: 4,
        "listUsers": 1,
        "listWorkApps": 1,
        "listWorkAppPermissionLevels": 1,
    }
    assert statuses(tenant, *names) == ["Approved"] * 4


def test_levels_are_found_in_the_app_of_each_task(tenant: Sandbox, client: Client) -> None:
    tenant.change("snooze_task", task=task_id("snoozed"), until="2020-01-01T00:00:00Z")
    params = approving(tenant, "action", "snoozed", "autoprovisioning", allow_autoprovisioning=True)
    plan = planned(client, params)
    assert [one["permission_level"] for one in plan.result["decisions"]] == ["Write", "Standard", "ReadOnly"]
    assert received(tenant, "listWorkAppPermissionLevels") == [200] * 3


def test_removals_are_approved_last(tenant: Sandbox, connect: Clients) -> None:
    client = connect(concurrency=1)
    plan = planned(client, approving(tenant, "removal", "action"))
    assert [step.phase for step in plan.steps] == [Phase.REMOVALS, Phase.ADDITIONS]
    apply(plan, client, CONFIRM_DELAYS)
    assert [path.split("/")[-2] for _method, path in writes(tenant)] == [ACTION, REMOVAL]


@pytest.mark.parametrize(
    ("change", "member"),
    [
        ({"change": "decide_task", "verdict": "approve"}, "status"),
        ({"change": "decide_task", "verdict": "decline"}, "status"),
        ({"change": "snooze_task", "until": "2099-01-01T00:00:00Z"}, "snoozedTill"),
        ({"change": "cancel_request", "request": request_id("action"), "user": PETRA}, "request.cancelledByUserId"),
    ],
)
def test_a_task_that_changes_after_planning_is_not_touched(
    tenant: Sandbox, connect: Clients, change: Data, member: str
) -> None:
    client = connect(concurrency=1)
    about = {} if "request" in change else {"task": ACTION}
    tenant.change(**change, **about, after=2, operation=READ)
    plan = planned(client, approving(tenant, "action", "removal"))
    changed = status(tenant, "action")
    error = failed(plan, client)
    assert error.kind == "moved"
    assert member in error.facts()["members"]
    assert f"Could not approve the task {ACTION}" in str(error)
    assert "It was not touched. Run again" in str(error)
    assert "Of 2 steps, 0 done, 1 failed, 1 not tried" in str(error)
    assert not writes(tenant)
    assert statuses(tenant, "action", "removal") == [changed, "Pending"]


def test_what_was_decided_before_a_task_that_changed_is_told(tenant: Sandbox, connect: Clients) -> None:
    client = connect(concurrency=1)
    tenant.change("decide_task", task=REMOVAL, verdict="decline", after=2, operation=READ)
    error = failed(planned(client, approving(tenant, "removal", "action")), client)
    assert (error.kind, told(error)) == ("moved", (1, 1, 0))
    assert error.result.changed
    assert statuses(tenant, "action", "removal") == ["Approved", "Declined"]
    assert refused(client, approving(tenant, "removal", "action")).facts()["problems"] == [
        {"task": REMOVAL, "reason": "decided", "message": "it is declined already"}
    ]


@pytest.mark.parametrize(("verdict", "done"), [("approve", True), ("decline", False)])
def test_a_change_that_no_reading_can_catch_is_told_by_the_task(
    tenant: Sandbox, client: Client, verdict: str, done: bool
) -> None:
    tenant.change("decide_task", task=ACTION, verdict=verdict, after=2, operation=READ)
    plan = planned(client, approving(tenant, "action"))
    if done:
        outcome = apply(plan, client, CONFIRM_DELAYS)
        assert (steps(outcome, StepStatus.ALREADY), steps(outcome), outcome.changed) == (list(plan.steps), [], False)
    else:
        error = failed(plan, client)
        assert error.facts()["status"] == 409
        words = f"reading the task {ACTION} does not show it as done (its status is 'Declined')"
        assert words in str(error)
    assert received(tenant, APPROVE) == [409]


@pytest.mark.parametrize(
    ("fault", "more"),
    [
        ("drop_after", {}),
        ("500", {"after": True}),
        ("503", {"after": True}),
        ("html", {"after": True}),
    ],
)
@pytest.mark.parametrize("operation", [APPROVE, DECLINE])
def test_a_decision_that_was_made_but_not_answered_is_made(
    tenant: Sandbox, client: Client, operation: str, fault: str, more: Data
) -> None:
    tenant.fault(operation, fault, **more)
    params = approving(tenant, "action") if operation == APPROVE else declining(tenant, "action")
    assert len(steps(run(client, params))) == 1
    assert len(received(tenant, operation)) == 1
    assert status(tenant, "action") == ("Approved" if operation == APPROVE else "Declined")


@pytest.mark.parametrize("fault", ["drop_before", "500", "502", "503", "504", "html"])
def test_a_decision_that_was_not_made_is_unknown_and_not_sent_again(
    tenant: Sandbox, client: Client, fault: str
) -> None:
    tenant.fault(APPROVE, fault)
    params = approving(tenant, "action")
    error = failed(planned(client, params), client)
    assert error.kind == "outcome_unknown"
    words = f"reading the task {ACTION} again did not show it as done (its status is 'Pending'): outcome unknown"
    assert words in str(error)
    assert len(received(tenant, APPROVE)) == 1
    assert status(tenant, "action") == "Pending"
    assert len(steps(run(client, params))) == 1
    assert status(tenant, "action") == "Approved"
    assert planned(client, params).steps == ()


def test_a_decision_is_not_believed_until_the_task_shows_it(tenant: Sandbox, client: Client) -> None:
    plan = planned(client, approving(tenant, "action"))
    tenant.fault(READ, "truncated", skip=1)
    assert len(steps(apply(plan, client, CONFIRM_DELAYS))) == 1
    assert received(tenant, READ) == [200] * 4, "the reading that could not be used is repeated"


def test_a_task_that_cannot_be_read_any_more_is_not_decided(tenant: Sandbox, client: Client) -> None:
    plan = planned(client, approving(tenant, "action"))
    tenant.fault(READ, "500", count=2)
    error = failed(plan, client)
    assert (error.kind, told(error)) == ("server_error", (0, 1, 0))
    assert not writes(tenant)


def test_a_task_that_does_not_exist_is_named(tenant: Sandbox, client: Client) -> None:
    nothing = "00000000-0000-4000-8000-000000000000"
    params = validated(cakewalk_task.SPEC, tenant, {"task": nothing, "state": "declined"})
    error = refused(client, params)
    assert error.kind == "not_found"
    assert f"Could not read the task {nothing}: the server answered 404" in str(error)


def test_a_read_only_key_plans_but_cannot_decide(tenant: Sandbox, connect: Clients) -> None:
    client = connect(api_key=tenant.read_only_key, api_secret=tenant.read_only_secret, concurrency=1)
    error = failed(planned(client, approving(tenant, "action", "removal")), client)
    assert (error.kind, told(error)) == ("forbidden", (0, 1, 1))
    assert statuses(tenant, "action", "removal") == ["Pending", "Pending"]


OTHER = {"actionable": ["AwaitingDecision"]}


def test_words_that_nobody_listed_are_refused_by_name(tenant: Sandbox, client: Client) -> None:
    tenant.configure(status_words="other")
    error = refused(client, approving(tenant, "action"))
    assert [one["reason"] for one in error.facts()["problems"]] == ["unknown_status"] * 2
    assert "its status 'AwaitingDecision' is not in `known_statuses.task`" in str(error)
    assert "the status 'AwaitingDecision' of its request is not in `known_statuses.request`" in str(error)
    known = {"task": OTHER, "request": {"open": ["AwaitingDecision"], "granted": ["Fulfilled"]}}
    params = approving(tenant, "action", known_statuses=known)
    assert len(steps(run(client, params))) == 1
    assert planned(client, params).steps == ()


def test_a_decision_that_shows_as_an_unknown_word_names_it(tenant: Sandbox, client: Client) -> None:
    tenant.configure(status_words="other")
    known = {"task": OTHER, "request": {"open": ["AwaitingDecision"], "declined": ["Rejected"]}}
    error = failed(planned(client, declining(tenant, "action", known_statuses=known)), client)
    assert error.kind == "not_as_sent"
    words = "its status is 'Rejected'; if that counts as such, list it under `known_statuses.task.declined`"
    assert words in str(error)
    known["task"] = {**OTHER, "declined": ["REJECTED"]}
    assert planned(client, declining(tenant, "action", known_statuses=known)).steps == ()
    assert len(steps(run(client, declining(tenant, "removal", known_statuses=known)))) == 1


def test_the_case_of_words_does_not_count(tenant: Sandbox, client: Client) -> None:
    tenant.configure(status_words="upper")
    names = ("action", "removal", "review", "standalone")
    plan = planned(client, approving(tenant, *names))
    assert {one["status"] for one in plan.result["decisions"]} == {"PENDING"}
    assert len(steps(apply(plan, client, CONFIRM_DELAYS))) == 4
    assert planned(client, approving(tenant, *names)).steps == ()


@pytest.mark.parametrize("dialect", ["hidden", "null"])
def test_what_may_be_the_action_step_or_a_review_is_refused(tenant: Sandbox, client: Client, dialect: str) -> None:
    tenant.configure(action_step=dialect)
    error = refused(client, approving(tenant, "action", "review", "standalone"))
    assert [(one["task"], one["reason"]) for one in error.facts()["problems"]] == [
        (ACTION, "unclear"),
        (REVIEW, "unclear"),
    ]
    assert "isActionStep is not shown" in str(error)
    assert len(steps(run(client, approving(tenant, "standalone")))) == 1


def test_values_that_nobody_knows_are_refused(tenant: Sandbox, client: Client) -> None:
    tenant.configure(unknown_values="all")
    error = refused(client, approving(tenant, "action", acting_user=None))
    assert "its status 'Hibernating' is not in `known_statuses.task`" in str(error)


@pytest.mark.parametrize("agent", ["idle", "carries_out", "falls_back"])
def test_a_review_is_approved_whatever_the_agent_does_then(tenant: Sandbox, client: Client, agent: str) -> None:
    tenant.configure(agent=agent)
    tenant.change("open_request", kind="grant", app="AWS", user="erin.engineer@example.com", level="PowerUser")
    for reviewer in (MAX, OLGA):
        task = tenant.open_task("erin.engineer@example.com", "AWS")
        expect = {"request_type": "grant_access", "app": "AWS", "permission_level": "PowerUser"}
        options = {
            "task": task["id"],
            "decide": "review",
            "state": "approved",
            "expect": {**expect, "user": "erin.engineer@example.com"},
            "acting_user": reviewer,
        }
        assert len(steps(run(client, validated(cakewalk_task.SPEC, tenant, options)))) == 1
    requests = tenant.state("requests")["requests"]
    mine = next(row for row in requests if task["id"] in row["task_ids"])
    assert mine["status"] == ("Approved" if agent == "carries_out" else "Pending")
    options |= {"task": mine["task_ids"][-1], "decide": "action"}
    plan = planned(client, validated(cakewalk_task.SPEC, tenant, options))
    outcome = "autoprovisioning" if agent == "idle" else "approved"
    assert plan.result["decisions"][0]["outcome"] == outcome
    assert len(plan.steps) == (agent == "falls_back")


@pytest.mark.parametrize(
    "dialect",
    [
        {"links": "absolute", "record_next": "link"},
        {"record_next": "absent", "extra_fields": "some"},
        {"write_status": "200", "write_body": "envelope"},
        {"write_status": "201", "write_body": "none"},
        {"access_delay": "late", "cursor_name": "page[cursor]", "next": "absent"},
    ],
    ids=str,
)
def test_tasks_are_decided_in_any_form_of_answers(tenant: Sandbox, client: Client, dialect: Data) -> None:
    tenant.configure(**dialect)
    names = ("action", "removal", "review", "standalone")
    assert len(steps(run(client, approving(tenant, *names)))) == 4
    assert statuses(tenant, *names) == ["Approved"] * 4
    assert planned(client, approving(tenant, *names)).steps == ()
