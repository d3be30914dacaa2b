# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps that are held against the tenant before and after, that a ledger remembers, or after which a run waits."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api import catalog, writes
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import CakewalkError, OutcomeUnknown
from ansible_collections.cakewalk.access.plugins.module_utils._api.operations import Key, Listing, Phase, Resource, Step
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.apply import apply, dry_run
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.plan import (
    ApplyFailed,
    ApplyInterrupted,
    GoalNotReached,
    Plan,
    StepStatus,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.wait import Wait, WaitTimedOut, wait_for
from contract.fixtures import CONFIRM_DELAYS, received
from sandbox.known import task_id
from sandbox.process import Sandbox
from unit.core.results import steps

APPROVE = "approveTask"
TROUBLE = CakewalkError("reach it", "it is out of reach", "Reach further.")


@pytest.fixture
def approval(client: Client) -> Step:
    """The approval of Petra's task, as the tenant shows it now."""
    row = client.record(catalog.task(task_id("action")))
    return writes.decide_task(row, "approved", catalog.TASK_STATUSES, "for Petra")


def failed(plan: Plan, client: Client) -> ApplyFailed:
    """Carry out a plan that fails."""
    with pytest.raises(ApplyFailed) as caught:
        apply(plan, client, CONFIRM_DELAYS)
    return caught.value


def test_a_guarded_step_is_read_before_and_after(tenant: Sandbox, client: Client, approval: Step) -> None:
    tenant.clear_log()
    assert steps(apply(Plan(steps=(approval,)), client, CONFIRM_DELAYS)) == [approval]
    assert [entry["operation"] for entry in tenant.log()] == ["getTask", APPROVE, "getTask"]


@pytest.mark.parametrize(
    ("change", "more", "member"),
    [
        ("decide_task", {"verdict": "decline"}, "status"),
        ("snooze_task", {"until": "2099-01-01T00:00:00Z"}, "snoozedTill"),
    ],
)
def test_what_somebody_else_touched_is_not(
    tenant: Sandbox, client: Client, approval: Step, change: str, more: dict[str, str], member: str
) -> None:
    tenant.change(change, task=task_id("action"), **more)
    error = failed(Plan(steps=(approval,)), client)
    assert (error.kind, received(tenant, APPROVE)) == ("moved", [])
    assert member in error.facts()["members"]


def test_what_was_accepted_but_does_not_show_is_no_success(client: Client, approval: Step) -> None:
    proof = writes.TaskHasState(catalog.task(task_id("action")), "declined", catalog.TASK_STATUSES)
    hollow = replace(approval, postcondition=proof)
    error = failed(Plan(steps=(hollow,)), client)
    assert error.kind == "not_as_sent"
    assert "the server accepted it, but reading the task" in str(error)
    assert not steps(error.result)


def test_a_refusal_that_does_no_harm_fails_nothing(tenant: Sandbox, client: Client) -> None:
    ada = tenant.find("users", tenant.acting_user)
    step = writes.start_review("Spring", None, "manager", "2099-01-01T00:00:00Z", None, ada, None)
    apply(Plan(steps=(step,)), client, CONFIRM_DELAYS)
    outcome = apply(Plan(steps=(step,)), client, CONFIRM_DELAYS)
    assert steps(outcome, StepStatus.REFUSED) == [step]
    assert (steps(outcome), outcome.changed) == ([], False)


@dataclass
class Notebook:
    """A ledger in memory that writes down what is asked of it, and cannot do what C(broken) names."""

    broken: str = ""
    calls: list[tuple[str, list[Key]]] = field(default_factory=list)
    changed: bool = False

    def forget(self, entries: Mapping[Key, Mapping[str, Any]], client: Client) -> None:
        """Write it down."""
        self._note("forget", entries)

    def keep(self, entries: Mapping[Key, Mapping[str, Any]], client: Client) -> None:
        """Write it down."""
        self._note("keep", entries)

    def close(self) -> None:
        """Write it down."""
        self._note("close", [])

    def _note(self, what: str, keys: Collection[Key]) -> None:
        self.calls.append((what, list(keys)))
        if what == self.broken:
            raise TROUBLE


def assignments(tenant: Sandbox) -> tuple[Step, ...]:
    """Return two assignments, of a policy and of one that does not exist, each with an entry."""
    policy, app = tenant.state("policies")["policies"][0], tenant.find("apps", "GitHub")
    wrong = {"id": "00000000-0000-4000-8000-000000000000"}
    return tuple(
        writes.assign_policy(app, None, "grant_access", one, True, ((name,), {"id": one["id"]}))
        for name, one in (("right", policy), ("wrong", wrong))
    )


def test_a_ledger_forgets_before_and_keeps_what_was_done(tenant: Sandbox, connect: Any) -> None:
    notebook = Notebook()
    error = failed(Plan(steps=assignments(tenant), ledger=notebook), connect(concurrency=1))
    assert notebook.calls == [("forget", [("right",), ("wrong",)]), ("keep", [("right",)]), ("close", [])]
    assert error.facts()["status"] == 404


def test_nothing_is_sent_where_the_ledger_cannot_forget(tenant: Sandbox, client: Client) -> None:
    planned = assignments(tenant)
    error = failed(Plan(steps=planned, ledger=Notebook("forget")), client)
    assert steps(error.result, StepStatus.PENDING) == list(planned)
    assert TROUBLE.cause in str(error)
    assert received(tenant, "setWorkAppPolicy") == []


def test_a_ledger_that_cannot_keep_fails_the_run_and_hides_nothing(tenant: Sandbox, client: Client) -> None:
    step, _wrong = assignments(tenant)
    error = failed(Plan(steps=(step,), ledger=Notebook("keep")), client)
    assert steps(error.result) == [step]
    assert error.result.changed
    assert TROUBLE.cause in str(error)


def test_what_stays_unsolved_fails_the_task_after_its_steps(tenant: Sandbox, client: Client) -> None:
    step, _wrong = assignments(tenant)
    plan = Plan(steps=(step,), unmet=TROUBLE)
    with pytest.raises(GoalNotReached) as foreseen:
        dry_run(plan)
    assert steps(foreseen.value.result, StepStatus.PENDING) == [step]
    assert received(tenant, "setWorkAppPolicy") == []
    with pytest.raises(GoalNotReached) as caught:
        apply(plan, client, CONFIRM_DELAYS)
    assert steps(caught.value.result) == [step]
    assert received(tenant, "setWorkAppPolicy") == [204]


@dataclass
class Membership(Wait):
    """Waits until somebody is, or no longer is, in a group."""

    sources: Sequence[Listing | Resource]
    person: str
    proves_absence: bool = False
    timeout: int = 5
    action: str = "see it"
    pauses: Sequence[float] = (0.01,)

    def missing(self, found: Sequence[Any]) -> list[str]:
        """Return who is awaited."""
        is_there = any(row["id"] == self.person for row in found[0])
        return [self.person] if is_there is self.proves_absence else []


@pytest.mark.parametrize(("is_absence", "change"), [(False, "add_member"), (True, "remove_member")])
def test_a_run_waits_until_the_tenant_shows_it(tenant: Sandbox, client: Client, is_absence: bool, change: str) -> None:
    group, person = tenant.find("groups", "Contractors"), "connor.contractor@example.com"
    tenant.change("remove_member" if change == "add_member" else "add_member", group="Contractors", user=person)
    tenant.change(change, group="Contractors", user=person, operation="listUsersGroupUsers", after=2)
    wait = Membership([catalog.members(group)], tenant.find("users", person)["id"], is_absence)
    wait_for(wait, client)
    assert len(received(tenant, "listUsersGroupUsers")) == 3


def test_waiting_ends_with_what_is_still_missing(tenant: Sandbox, client: Client) -> None:
    wait = Membership([catalog.members(tenant.find("groups", "Contractors"))], "nobody", timeout=0)
    with pytest.raises(GoalNotReached, match="Could not see it within 0 seconds: nobody") as caught:
        apply(Plan(wait=wait), client)
    assert caught.value.facts() == {"kind": WaitTimedOut.kind, "waiting_for": ["nobody"]}


def test_a_defect_in_the_middle_tells_what_was_done_until_then(tenant: Sandbox, connect: Any) -> None:
    client = connect(concurrency=1)
    right, _wrong = assignments(tenant)
    last = replace(right, action="never", body={"policyId": object()})
    removal = replace(right, action="later", phase=Phase.REMOVALS)
    with pytest.raises(ApplyInterrupted) as caught:
        apply(Plan(steps=(right, last, removal)), client, CONFIRM_DELAYS)
    assert isinstance(caught.value.__cause__, TypeError)
    assert caught.value.result.changed
    lists = caught.value.result.as_result()
    assert [len(lists[name]) for name in ("done", "errors", "pending")] == [1, 1, 1]
    assert lists["errors"][0]["kind"] == OutcomeUnknown.kind
    assert "interrupted while it was being sent" in lists["errors"][0]["msg"]
    assert received(tenant, "setWorkAppPolicy") == [204]


def test_a_defect_stops_the_other_steps(tenant: Sandbox, connect: Any) -> None:
    right, _wrong = assignments(tenant)
    tenant.configure(latency=0.2)
    defect = replace(right, action="defect", body={"policyId": object()})
    with pytest.raises(ApplyInterrupted) as caught:
        apply(Plan(steps=(right, defect, *[right] * 30)), connect(concurrency=2), CONFIRM_DELAYS)
    assert len(received(tenant, "setWorkAppPolicy")) == 1
    assert len(caught.value.result.having(StepStatus.PENDING)) == 30


def test_a_defect_while_an_accepted_write_is_confirmed_counts_as_changed(client: Client, approval: Step) -> None:
    class Defect(writes.TaskHasState):
        def holds(self, result: Any) -> bool:
            raise TypeError("a defect")

    broken = Defect(catalog.task(task_id("action")), "approved", catalog.TASK_STATUSES)
    with pytest.raises(ApplyInterrupted) as caught:
        apply(Plan(steps=(replace(approval, postcondition=broken),)), client, CONFIRM_DELAYS)
    assert caught.value.result.changed
