# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking for access: lost answers, what others do meanwhile, and waiting for what was asked for in the same run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.apply import apply
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.plan import (
    ApplyFailed,
    ApplyResult,
    Plan,
    StepStatus,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.tenant import Tenant
from ansible_collections.cakewalk.access.plugins.modules import cakewalk_app_access
from contract.fixtures import CONFIRM_DELAYS, CONNOR, ERIN, received, validated
from sandbox.known import request_id
from sandbox.process import Sandbox
from sandbox.state import identifier
from unit.core.results import steps

Data = dict[str, Any]
PETRA = "petra.pending@example.com"
ASK = {"app": "Figma", "users": [CONNOR], "purpose": "Work"}
RETRY = {"app": "Orphan Wiki", "users": [PETRA], "purpose": "Work", "retry_declined": True}
GRANT = "createGrantAccessRequest"


@pytest.fixture
def client(connect: Callable[..., Client]) -> Client:
    """A client that repeats nothing."""
    return connect(max_retries=0)


def planned(tenant: Sandbox, client: Client, options: Data) -> Plan:
    """Return the plan of a task, from a fresh look at the tenant."""
    params = validated(cakewalk_app_access.SPEC, tenant, {"acting_user": tenant.acting_user, **options})
    plan: Plan = cakewalk_app_access.plan(params, Tenant(client))
    return plan


def run(tenant: Sandbox, client: Client, options: Data) -> ApplyResult:
    """Plan a task and carry it out."""
    return apply(planned(tenant, client, options), client, CONFIRM_DELAYS)


def requests_about(tenant: Sandbox, email: str, app: str) -> list[Data]:
    """Return the requests about a person and an app."""
    about = (tenant.find("users", email)["id"], tenant.find("apps", app)["id"])
    return [one for one in tenant.state("requests")["requests"] if (one["target_id"], one["app_id"]) == about]


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("drop_after", {}),
        ("truncated", {}),
        ("500", {"after": True}),
        ("504", {"after": True}),
        ("html", {"after": True}),
    ],
)
def test_a_request_whose_answer_was_lost_is_found_and_not_opened_twice(
    tenant: Sandbox, client: Client, fault: str, options: Data
) -> None:
    tenant.fault(GRANT, fault, **options)
    assert len(steps(run(tenant, client, ASK))) == 1
    assert len(received(tenant, GRANT)) == len(requests_about(tenant, CONNOR, "Figma")) == 1
    assert planned(tenant, client, ASK).steps == ()


@pytest.mark.parametrize("fault", ["500", "503", "drop_before"])
def test_a_request_that_is_not_found_is_left_to_the_next_run(tenant: Sandbox, client: Client, fault: str) -> None:
    tenant.fault(GRANT, fault)
    with pytest.raises(ApplyFailed) as failed:
        run(tenant, client, ASK)
    assert failed.value.kind == "outcome_unknown"
    assert len(received(tenant, GRANT)) == 1
    run(tenant, client, ASK)
    assert len(requests_about(tenant, CONNOR, "Figma")) == 1


def test_an_earlier_request_does_not_pass_for_one_that_was_lost(tenant: Sandbox, client: Client) -> None:
    """Petra asked for the same before and was declined."""
    tenant.fault(GRANT, "drop_before")
    with pytest.raises(ApplyFailed) as failed:
        run(tenant, client, RETRY)
    assert failed.value.kind == "outcome_unknown"


@pytest.mark.parametrize("word", ["409", "400"])
@pytest.mark.parametrize("level", ["Write", "Read"])
def test_only_the_very_same_request_of_somebody_else_will_do(
    tenant: Sandbox, client: Client, word: str, level: str
) -> None:
    tenant.configure(duplicate_request=word)
    ask = {**ASK, "app": "GitHub", "permission_level": "Write"}
    tenant.change(
        "open_request", kind="grant", app="GitHub", user=CONNOR, level=level, operation="listRequests", after=1
    )
    if level == "Write":
        outcome = run(tenant, client, ask)
        assert (len(outcome.having(StepStatus.ALREADY)), outcome.changed) == (1, False)
    else:
        with pytest.raises(ApplyFailed, match="answered 400" if word == "400" else "does not show it as done"):
            run(tenant, client, ask)
    assert len(requests_about(tenant, CONNOR, "GitHub")) == 1


def test_a_bulk_recording_that_was_lost_is_found_in_the_accesses(tenant: Sandbox, client: Client) -> None:
    record = {
        "accesses": [{"app": "Figma", "users": [CONNOR, ERIN]}],
        **{"method": "direct", "bypass_approval": True, "bypass_reason": "Import"},
    }
    tenant.fault("createWorkAppAccesses", "drop_after")
    outcome = run(tenant, client, record)
    assert [step.users for step in steps(outcome)] == [(CONNOR, ERIN)]
    assert received(tenant, "createWorkAppAccesses") == [None]
    again = planned(tenant, client, record)
    assert (again.steps, again.result["summary"]["granted"]) == ((), 2)


def next_request(tenant: Sandbox) -> str:
    """Return the id that the next request will have; a fresh tenant makes the same ids in the same order."""
    tenant.change("open_request", kind="grant", app="Figma", user=ERIN)
    identifier_of_it: str = tenant.state("requests")["requests"][-1]["id"]
    tenant.reset()
    return identifier_of_it


def decide_at_once(tenant: Sandbox, verdicts: list[str], operation: str) -> None:
    """Have the steps of the next request decided as soon as it was opened."""
    request = next_request(tenant)
    for number, verdict in enumerate(verdicts):
        task = identifier(1, "task", request, number)
        tenant.change("decide_task", task=task, verdict=verdict, operation=operation, after=1)


@pytest.mark.parametrize("delay", ["none", "late"])
def test_what_was_asked_for_is_waited_for_in_the_same_run(tenant: Sandbox, client: Client, delay: str) -> None:
    decide_at_once(tenant, ["approve"] * 3, GRANT)
    tenant.configure(access_delay=delay)
    plan = planned(tenant, client, {**ASK, "wait": True, "wait_timeout": 30})
    outcome = apply(plan, client, CONFIRM_DELAYS)
    (user,) = plan.report(outcome)["accesses"][0]["users"]
    assert (user["outcome"], user["request_status"]) == ("granted", None)
    assert user["request_id"] == tenant.state("requests")["requests"][-1]["id"]
    assert [user["outcome"] for user in plan.result["accesses"][0]["users"]] == ["requested"]
    again = planned(tenant, client, ASK)
    assert (again.steps, again.result["summary"]["granted"]) == ((), 1)


def test_a_removal_is_proved_by_two_readings_of_several_pages(tenant: Sandbox, client: Client) -> None:
    decide_at_once(tenant, ["approve"] * 2, "createRemoveAccessRequest")
    tenant.configure(page_size=7)
    gone = {"app": "Google Workspace", "users": [ERIN], "state": "absent", "purpose": "Work", "wait": True}
    assert len(steps(run(tenant, client, gone))) == 1
    readings = [entry for entry in tenant.log(operation="listWorkAppAccesses") if not entry["query"]]
    assert len(readings) == 1 + 2


def test_an_earlier_decline_does_not_end_the_wait_for_the_new_request(tenant: Sandbox, client: Client) -> None:
    """Petra was declined before; the new request is at its first review."""
    plan = planned(tenant, client, {**RETRY, "wait": True, "wait_timeout": 0})
    with pytest.raises(ApplyFailed) as failed:
        apply(plan, client, CONFIRM_DELAYS)
    assert failed.value.kind == "wait_timed_out"
    new = requests_about(tenant, PETRA, "Orphan Wiki")[-1]["id"]
    assert new != request_id("declined")
    state = tenant.state()
    task = requests_about(tenant, PETRA, "Orphan Wiki")[-1]["task_ids"][-1]
    assigned = next(one["assigned_id"] for one in state["tasks"] if one["id"] == task)
    approver = next(one["email"] for one in state["users"] if one["id"] == assigned)
    entry = plan.report(failed.value.result)["accesses"][0]["users"][0]
    assert (entry["request_id"], entry["request_status"]) == (
        new,
        requests_about(tenant, PETRA, "Orphan Wiki")[-1]["status"],
    )
    assert f"access to 'Orphan Wiki' still waits for approval by {approver} (request {new}, status " in str(
        failed.value
    )


def test_a_wait_for_nothing_reads_nothing(tenant: Sandbox, client: Client) -> None:
    held = {"app": "Google Workspace", "users": [ERIN], "wait": True}
    plan = planned(tenant, client, held)
    tenant.clear_log()
    apply(plan, client, CONFIRM_DELAYS)
    assert tenant.log() == []
