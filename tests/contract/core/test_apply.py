# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carrying out a plan: the order of steps, what stops it, and how doubts are settled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._api.operations import Phase, Step
from ansible_collections.cakewalk.access.plugins.module_utils._api.writes import add_members, remove_members
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.apply import apply
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.plan import ApplyFailed, Plan, StepStatus
from contract.fixtures import (
    CONFIRM_DELAYS,
    CONNOR,
    ERIN,
    GRACE,
    MAX,
    OLGA,
    leavers,
    members,
    planned,
    received,
    run,
    task,
    writes,
)
from contract.wire import Request, Wire, answer, detour
from sandbox.process import Sandbox
from unit.core.results import steps

ADD, REMOVE = "addUsersToGroup", "removeUserFromGroup"
Clients = Callable[..., Client]


def failed(plan: Plan, client: Client, settling: tuple[float, ...] = CONFIRM_DELAYS) -> ApplyFailed:
    """Carry out a plan that fails."""
    with pytest.raises(ApplyFailed) as caught:
        apply(plan, client, settling)
    return caught.value


def join(tenant: Sandbox, name: str, *emails: str, **options: Any) -> dict[str, Any]:
    """Return a task that adds people to a group."""
    return task(tenant, group=name, users=list(emails), **options)


def leave(tenant: Sandbox, name: str, *emails: str) -> dict[str, Any]:
    """Return a task that removes people from a group."""
    return task(tenant, group=name, users=list(emails), state="absent")


def actions(steps: list[dict[str, Any]]) -> list[str]:
    """Return what steps of a result say that they do."""
    return [step["action"] for step in steps]


def lists(error: ApplyFailed) -> dict[str, list[str]]:
    """Return what each list of steps names."""
    return {name: actions(steps) for name, steps in error.result.as_result().items()}


def exchange_plan(tenant: Sandbox, client: Client) -> Plan:
    """Return a plan of two additions and six removals in two groups."""
    changes = [
        {"group": name, "users": users, "state": state}
        for name, joiner in (("Engineering", CONNOR), ("Sales", CONNOR))
        for state, users in (("absent", leavers(tenant, name, 3)), ("present", [joiner]))
    ]
    return planned(client, task(tenant, *changes))


@pytest.mark.parametrize("concurrency", [1, 8])
def test_additions_come_before_removals(tenant: Sandbox, connect: Clients, concurrency: int) -> None:
    client = connect(concurrency=concurrency)
    plan = exchange_plan(tenant, client)
    assert [step.method for step in plan.steps] == ["POST", *["DELETE"] * 3] * 2
    outcome = apply(plan, client, CONFIRM_DELAYS)
    assert [method for method, _path in writes(tenant)] == ["POST"] * 2 + ["DELETE"] * 6
    assert steps(outcome) == list(plan.steps)
    assert not outcome.having(StepStatus.FAILED, StepStatus.PENDING)
    assert all(entry["status"] in (201, 204) for entry in tenant.log() if entry["method"] != "GET")


def test_a_plan_without_steps_sends_nothing(tenant: Sandbox, client: Client) -> None:
    assert apply(Plan(), client).as_result() == {"done": [], "errors": [], "pending": []}
    assert tenant.log() == []


def test_a_failed_addition_starts_nothing_new(tenant: Sandbox, connect: Clients) -> None:
    client = connect(concurrency=1)
    plan = exchange_plan(tenant, client)
    tenant.fault(ADD, 429, count=9, retry_after=0)
    error = failed(plan, client)
    assert lists(error)["done"] == []
    assert lists(error)["errors"] == ["add 1 person to the group 'Engineering'"]
    assert len(lists(error)["pending"]) == 7
    assert received(tenant, ADD) == [429, 429]
    assert received(tenant, REMOVE) == []
    assert error.kind == "rate_limited"
    assert "Of 8 steps, 0 done, 1 failed, 7 not tried; 'steps' names each." in str(error)


def test_a_failed_removal_starts_nothing_new(tenant: Sandbox, connect: Clients) -> None:
    client = connect(concurrency=1)
    people = leavers(tenant, "Engineering", 5)
    plan = planned(client, leave(tenant, "Engineering", *people))
    tenant.fault(REMOVE, 500, count=2, skip=1)
    error = failed(plan, client)
    words = [f"remove {email} from the group 'Engineering'" for email in people]
    assert lists(error) == {"done": words[:1], "errors": words[1:2], "pending": words[2:]}
    assert received(tenant, REMOVE) == [204, 500, 500]
    (told,) = error.result.as_result()["errors"]
    assert (told["kind"], told["status"], told["method"]) == ("outcome_unknown", 500, "DELETE")
    assert told["path"].endswith(tenant.find("users", people[1])["id"])
    assert "again did not show it as done: outcome unknown" in told["msg"]
    assert set(people) & set(members(tenant, "Engineering")) == set(people[1:])
    assert len(steps(run(client, leave(tenant, "Engineering", *people)))) == 4
    assert not set(people) & set(members(tenant, "Engineering"))


def test_steps_under_way_finish_after_a_failure(tenant: Sandbox, connect: Clients) -> None:
    client = connect(concurrency=4, max_retries=0)
    people = leavers(tenant, "Engineering", 12)
    plan = planned(client, leave(tenant, "Engineering", *people))
    tenant.configure(latency=0.1)
    tenant.fault(REMOVE, 429, retry_after=0)
    error = failed(plan, client)
    found = lists(error)
    assert len(found["errors"]) == 1
    assert len(found["done"]) <= 6
    assert len(found["done"]) + len(found["pending"]) == 11
    assert sorted(received(tenant, REMOVE)) == [204] * len(found["done"]) + [429]
    still = set(members(tenant, "Engineering")) & set(people)
    assert len(still) == len(found["pending"]) + 1


def test_a_post_that_was_done_but_not_answered_is_done(tenant: Sandbox, client: Client) -> None:
    tenant.fault(ADD, "drop_after")
    outcome = run(client, join(tenant, "Engineering", CONNOR, GRACE))
    assert actions(outcome.as_result()["done"]) == ["add 2 people to the group 'Engineering'"]
    assert received(tenant, ADD) == [None]
    assert {CONNOR, GRACE} <= set(members(tenant, "Engineering"))


@pytest.mark.parametrize("fault", ["drop_before", 500, 502, 503, 504, "html"])
def test_a_post_that_was_not_done_is_unknown_and_not_sent_again(
    tenant: Sandbox, client: Client, fault: str | int
) -> None:
    params = join(tenant, "Engineering", CONNOR)
    tenant.fault(ADD, fault)
    error = failed(planned(client, params), client)
    assert error.kind == "outcome_unknown"
    assert "outcome unknown" in str(error)
    assert "Look at the members of the group 'Engineering' after a while, or run again" in str(error)
    assert lists(error)["errors"] == ["add 1 person to the group 'Engineering'"]
    assert len(received(tenant, ADD)) == 1
    assert CONNOR not in members(tenant, "Engineering")

    assert len(steps(run(client, params))) == 1
    assert CONNOR in members(tenant, "Engineering")
    assert planned(client, params).steps == ()


@pytest.mark.parametrize("fault", [500, 502, 503, 504, "html"])
def test_a_post_that_was_done_although_the_answer_says_otherwise_is_done(
    tenant: Sandbox, client: Client, fault: str | int
) -> None:
    tenant.fault(ADD, fault, after=True)
    assert len(steps(run(client, join(tenant, "Engineering", CONNOR)))) == 1
    assert len(received(tenant, ADD)) == 1


def test_a_slow_post_is_looked_for_until_it_shows(tenant: Sandbox, connect: Clients) -> None:
    client = connect(timeout=1)
    plan = planned(client, join(tenant, "Engineering", CONNOR))
    tenant.fault(ADD, "slow", seconds=1.3)
    tenant.clear_log()
    assert len(steps(apply(plan, client, (0.0, 0.6)))) == 1
    assert [entry["method"] for entry in tenant.log()] == ["POST", "GET", "GET"]


def test_a_lost_addition_that_is_settled_lets_the_rest_go_on(tenant: Sandbox, connect: Clients) -> None:
    client = connect(concurrency=1)
    plan = exchange_plan(tenant, client)
    tenant.fault(ADD, "drop_after")
    tenant.clear_log()
    assert len(steps(apply(plan, client, CONFIRM_DELAYS))) == 8
    methods = [entry["method"] for entry in tenant.log()]
    assert methods == ["POST", "GET", "POST", "GET", *["DELETE"] * 6, "GET", "GET"], "the lost one is read first"


def test_a_lost_step_whose_list_cannot_be_read_is_not_done(tenant: Sandbox, client: Client) -> None:
    plan = planned(client, join(tenant, "Engineering", CONNOR))
    tenant.fault(ADD, "drop_after")
    tenant.fault("listUsersGroupUsers", "truncated", count=9)
    error = failed(plan, client)
    assert error.kind == "outcome_unknown"
    assert received(tenant, ADD) == [None]
    assert CONNOR in members(tenant, "Engineering"), "that is why it is unknown rather than failed"


def test_a_lost_step_without_proof_stays_unknown(tenant: Sandbox, client: Client) -> None:
    path = f"/api/v1/UsersGroups/{tenant.find('groups', 'Engineering')['id']}/Users/{tenant.find('users', ERIN)['id']}"
    tenant.fault(REMOVE, "drop_after", count=2)
    error = failed(
        Plan(steps=(Step("remove Erin", "DELETE", path), Step("never", "DELETE", path, phase=Phase.REMOVALS))), client
    )
    assert (error.kind, lists(error)["errors"], lists(error)["pending"]) == (
        "outcome_unknown",
        ["remove Erin"],
        ["never"],
    )


@pytest.mark.parametrize("non_member", ["204", "404"])
@pytest.mark.parametrize("fault", ["drop_after", 503, "html"])
def test_a_removal_that_was_done_but_not_answered_well_is_done(
    tenant: Sandbox, client: Client, fault: str | int, non_member: str
) -> None:
    tenant.configure(remove_non_member=non_member)
    tenant.fault(REMOVE, fault, **({} if fault == "drop_after" else {"after": True}))
    assert len(steps(run(client, leave(tenant, "Engineering", ERIN)))) == 1
    assert ERIN not in members(tenant, "Engineering")


@pytest.mark.parametrize("non_member", ["204", "404"])
def test_removing_somebody_who_just_left_is_done(tenant: Sandbox, client: Client, non_member: str) -> None:
    tenant.configure(remove_non_member=non_member)
    plan = planned(client, leave(tenant, "Engineering", ERIN, MAX))
    tenant.change("remove_member", group="Engineering", user=ERIN)
    tenant.clear_log()
    outcome = apply(plan, client, CONFIRM_DELAYS)
    by_erin = [step for step in plan.steps if step.users == (ERIN,)]
    assert steps(outcome, StepStatus.ALREADY) == (by_erin if non_member == "404" else [])
    assert sorted(map(id, steps(outcome, StepStatus.ALREADY, StepStatus.DONE))) == sorted(map(id, plan.steps))
    assert {result.error for result in outcome.steps} == {None}, "what is as it should be has no error"
    assert sorted(received(tenant, REMOVE)) == sorted([int(non_member), 204])
    assert len(received(tenant, "listUsersGroupUsers")) == 1


@pytest.mark.parametrize(("status", "tried"), [(404, 3), (400, 1), (409, 1)])
def test_a_service_that_refuses_every_removal_is_not_believed(
    tenant: Sandbox, connect: Clients, status: int, tried: int
) -> None:
    def refuse(request: Request) -> bytes | None:
        return answer(status, {"title": "Gone", "status": status}) if request.method == "DELETE" else None

    people = leavers(tenant, "Engineering", 3)
    with Wire(detour(tenant.url, refuse)) as wire:
        client = connect(base_url=wire.url, concurrency=1)
        error = failed(planned(client, leave(tenant, "Engineering", *people)), client)
    told = error.result.as_result()
    assert [one["status"] for one in told["errors"]] == [status] * tried
    assert (len(told["done"]), len(told["pending"])) == (0, 3 - tried)
    unseen = "and reading the members of the group 'Engineering' does not show it as done"
    assert all((unseen in one["msg"]) == (status not in (400, 403)) for one in told["errors"])
    assert f"the server answered {status} Gone" in str(error)
    assert ("(2 more failed)" in str(error)) == (tried == 3)
    assert set(people) <= set(members(tenant, "Engineering"))


def test_somebody_whom_a_moving_list_skips_does_not_pass_for_removed(tenant: Sandbox, connect: Clients) -> None:
    def refuse(request: Request) -> bytes | None:
        return answer(404, {"title": "Gone"}) if request.method == "DELETE" else None

    tenant.configure(page_size=5)
    emails = {row["id"]: row["email"] for row in tenant.state("users")["users"]}
    listed = [emails[identifier] for identifier in tenant.find("groups", "Engineering")["members"]]
    first, staying = listed[0], listed[5]
    with Wire(detour(tenant.url, refuse)) as wire:
        client = connect(base_url=wire.url)
        plan = planned(client, leave(tenant, "Engineering", staying))
        tenant.change("remove_member", after=1, operation="listUsersGroupUsers", group="Engineering", user=first)
        error = failed(plan, client)
    assert error.kind == "not_found"
    assert staying in members(tenant, "Engineering")
    assert first not in members(tenant, "Engineering"), "the list did move"


@pytest.mark.parametrize("status", ["400", "403", "409"])
def test_a_refused_addition_starts_nothing_new_in_any_dialect(tenant: Sandbox, connect: Clients, status: str) -> None:
    tenant.configure(read_only_group=status)
    outsider = next(
        row["email"] for row in tenant.state("users")["users"] if row["email"] not in members(tenant, "Okta Everyone")
    )
    client = connect(concurrency=1)
    entries = [{"group": "Okta Everyone", "users": [outsider]}, {"group": "Sales", "users": [CONNOR]}]
    error = failed(planned(client, task(tenant, *entries, allow_inactive=True)), client)
    assert received(tenant, ADD) == [int(status)]
    assert lists(error)["pending"] == ["add 1 person to the group 'Sales'"]


def test_a_removal_that_finds_no_group_settles_nothing(tenant: Sandbox, client: Client) -> None:
    plan = planned(client, leave(tenant, "Engineering", ERIN))
    tenant.change("delete_group", group="Engineering")
    error = failed(plan, client)
    assert error.kind == "not_found"
    assert lists(error)["done"] == []


@pytest.mark.parametrize("dialect", ["201", "400", "409"])
def test_adding_those_who_just_joined_is_done(tenant: Sandbox, client: Client, dialect: str) -> None:
    tenant.configure(readd_member=dialect)
    plan = planned(client, join(tenant, "Engineering", CONNOR, GRACE))
    for email in (CONNOR, GRACE):
        tenant.change("add_member", group="Engineering", user=email)
    outcome = apply(plan, client, CONFIRM_DELAYS)
    assert (steps(outcome), steps(outcome, StepStatus.ALREADY)) == (
        (list(plan.steps), []) if dialect == "201" else ([], list(plan.steps))
    )
    assert outcome.changed == (dialect == "201")
    assert received(tenant, ADD) == [int(dialect)]


@pytest.mark.parametrize("dialect", ["400", "409"])
def test_adding_some_who_just_joined_fails_and_a_new_plan_adds_the_others(
    tenant: Sandbox, client: Client, dialect: str
) -> None:
    tenant.configure(readd_member=dialect)
    params = join(tenant, "Engineering", CONNOR, GRACE)
    plan = planned(client, params)
    tenant.change("add_member", group="Engineering", user=CONNOR)
    error = failed(plan, client)
    assert error.facts()["status"] == int(dialect)
    unseen = "reading the members of the group 'Engineering' does not show it as done"
    assert (unseen in str(error)) == (dialect == "409")
    assert GRACE not in members(tenant, "Engineering")
    assert len(steps(run(client, params))) == 1
    assert {CONNOR, GRACE} <= set(members(tenant, "Engineering"))


@pytest.mark.parametrize("status", ["400", "403", "409"])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_synced_group_refuses_with_nothing_changed(tenant: Sandbox, client: Client, status: str, state: str) -> None:
    tenant.configure(read_only_group=status)
    before = members(tenant, "Okta Everyone")
    outsiders = [row["email"] for row in tenant.state("users")["users"] if row["email"] not in before]
    users = outsiders[:2] if state == "present" else leavers(tenant, "Okta Everyone", 2)
    params = task(tenant, group="Okta Everyone", users=users, state=state, allow_inactive=True)
    error = failed(planned(client, params), client)
    assert error.facts()["status"] == int(status)
    assert "The group Okta Everyone is synced and cannot be edited" in str(error)
    assert lists(error)["done"] == []
    assert members(tenant, "Okta Everyone") == before


def test_a_read_only_key_plans_but_cannot_write(tenant: Sandbox, connect: Clients) -> None:
    client = connect(api_key=tenant.read_only_key, api_secret=tenant.read_only_secret, concurrency=1)
    before = tenant.state("groups")
    plan = exchange_plan(tenant, client)
    error = failed(plan, client)
    assert (error.kind, error.facts()["status"]) == ("forbidden", 403)
    assert received(tenant, ADD) == [403]
    assert received(tenant, REMOVE) == []
    assert tenant.state("groups") == before


def test_the_order_of_the_lists_is_that_of_the_plan(tenant: Sandbox, connect: Clients) -> None:
    client = connect(concurrency=4)
    people = leavers(tenant, "Engineering", 8)
    plan = planned(client, leave(tenant, "Engineering", *people))
    tenant.fault(REMOVE, "slow", seconds=0.3)
    outcome = apply(plan, client, CONFIRM_DELAYS)
    assert actions(outcome.as_result()["done"]) == [f"remove {email} from the group 'Engineering'" for email in people]
    assert outcome.as_result()["done"][0].keys() == {"action", "method", "path", "users"}


@pytest.mark.parametrize("body", ["documented", "none", "envelope"])
@pytest.mark.parametrize("status", ["documented", "200", "201", "204"])
def test_every_way_to_answer_a_write_is_success(tenant: Sandbox, client: Client, status: str, body: str) -> None:
    tenant.configure(write_status=status, write_body=body)
    plan = planned(client, task(tenant, group="Engineering", users=[OLGA, CONNOR], state="exact", max_removals=99))
    tenant.clear_log()
    outcome = apply(plan, client, CONFIRM_DELAYS)
    assert steps(outcome) == list(plan.steps)
    assert members(tenant, "Engineering") == next(iter(plan.after.values()))
    methods = [entry["method"] for entry in tenant.log()]
    removals = len(plan.steps) - 1
    assert methods == ["POST", "GET", *["DELETE"] * removals, "GET"], "each phase is read once"


@pytest.mark.parametrize("done", [True, False])
def test_a_page_instead_of_an_answer_is_settled_by_reading(tenant: Sandbox, client: Client, done: bool) -> None:
    plan = planned(client, join(tenant, "Engineering", CONNOR))
    tenant.fault(ADD, "html", after=done)
    if done:
        assert len(steps(apply(plan, client, CONFIRM_DELAYS))) == 1
    else:
        error = failed(plan, client)
        assert error.kind == "outcome_unknown"
        assert "the server answered 200 without JSON (text/html, " in str(error)
    assert received(tenant, ADD) == [200]


def test_writing_is_over_when_applying_is(tenant: Sandbox, client: Client) -> None:
    run(client, join(tenant, "Engineering", CONNOR))
    step = remove_members(tenant.find("groups", "Engineering"), [tenant.find("users", CONNOR)])[0]
    with pytest.raises(Exception, match="may only read"):
        client.send(step)
    assert received(tenant, REMOVE) == []


def test_implicit_approval_is_always_sent_as_it_was_asked_for(tenant: Sandbox, client: Client) -> None:
    actor = tenant.find("users", tenant.acting_user)
    for approve in (False, True):
        step = add_members(tenant.find("groups", "Sales"), [tenant.find("users", CONNOR)], actor, approve)
        with client.writing():
            client.send(step)
    assert [entry["body"]["implicitlyApproveRequests"] for entry in tenant.log(operation=ADD)] == [False, True]
    assert {entry["body"]["triggeredByUserId"] for entry in tenant.log(operation=ADD)} == {actor["id"]}
