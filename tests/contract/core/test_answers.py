# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of write, answered in every way, carried out or not: no result claims what is not so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._api.operations import ReadResult, RowsPresent
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.apply import apply
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.plan import ApplyFailed, ApplyInterrupted
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.tenant import Tenant
from ansible_collections.cakewalk.access.plugins.modules import (
    cakewalk_access_review,
    cakewalk_app_access,
    cakewalk_app_custom_field,
    cakewalk_app_policy,
    cakewalk_group_member,
    cakewalk_task,
)
from contract.fixtures import CONNOR, ERIN, leavers, members, planned, received, task, validated
from contract.scenarios import SMALL, Data, Scenario, shape
from sandbox.known import task_id
from sandbox.process import Sandbox

_PURPOSE = {"purpose": "Project Aurora"}
_EXPECTED = {
    "user": "petra.pending@example.com",
    "app": "GitHub",
    "permission_level": "Write",
    "request_type": "grant_access",
}


def write(module: ModuleType, **options: Any) -> Scenario:
    """Return a task that sends one write."""
    return Scenario("one write", module, lambda _tenant, _folder: options)


#: By the operation: its task, and whether what it does can be read.
WRITES = {
    "addUsersToGroup": (write(cakewalk_group_member, group="Contractors", users=[ERIN]), True),
    "removeUserFromGroup": (
        write(cakewalk_group_member, group="Engineering", users=[ERIN], state="absent"),
        True,
    ),
    "createGrantAccessRequest": (
        write(cakewalk_app_access, app="GitHub", users=[CONNOR], permission_level="Write", **_PURPOSE),
        True,
    ),
    "createRemoveAccessRequest": (
        write(cakewalk_app_access, app="Google Workspace", users=[ERIN], state="absent", **_PURPOSE),
        True,
    ),
    "createWorkAppAccesses": (
        write(
            cakewalk_app_access,
            app="Figma",
            users=[CONNOR],
            method="direct",
            bypass_approval=True,
            bypass_reason="Import",
        ),
        True,
    ),
    "updateWorkAppCustomFields": (
        write(cakewalk_app_custom_field, app="GitHub", fields={"Cost Center": "4711"}),
        True,
    ),
    "approveTask": (
        write(
            cakewalk_task,
            state="approved",
            decisions=[{"task": task_id("action"), "expect": _EXPECTED}],
        ),
        True,
    ),
    "setWorkAppPolicy": (
        write(cakewalk_app_policy, app="Figma", request_type="remove_access", policy="Admins"),
        False,
    ),
    "createAccessReview": (
        write(
            cakewalk_access_review,
            name="Spring",
            reviewer="manager",
            due_date="2099-12-31",
            apps=["GitHub"],
        ),
        False,
    ),
}
ACCEPTED: list[Data] = [{"kind": kind} for kind in (200, 201, 204)]
QUEUED: list[Data] = [{"kind": 202}, {"kind": 202, "body": {"status": "queued"}}]
PROBLEMS: list[Data] = [{"kind": 200, "body": {"status": 403, "title": "Forbidden"}}]
SILENT: list[Data] = [{"kind": kind} for kind in (303, 406, 408, 410, 499, 500, 503, "early", "cut", "html")]
REFUSED: list[Data] = [{"kind": kind} for kind in (400, 403, 404, 405, 409, 413, 415, 422)]
#: Answers for which nothing is read, since a reading would be answered alike.
UNREAD: list[Data] = [{"kind": 401}, {"kind": 429, "retry_after": 0}]


@pytest.fixture
def client(connect: Callable[..., Client]) -> Client:
    """A client that repeats nothing, so that each answer counts."""
    return connect(max_retries=0, requests_per_minute=0)


def test_the_table_is_large_enough() -> None:
    assert len(WRITES) >= 7
    assert len({str(fault["kind"]) for fault in (*ACCEPTED, *QUEUED, *PROBLEMS, *SILENT, *REFUSED, *UNREAD)}) >= 12


@pytest.mark.parametrize("operation", WRITES)
def test_no_answer_makes_a_result_lie(tenant: Sandbox, client: Client, tmp_path: Path, operation: str) -> None:
    scenario, is_readable = WRITES[operation]
    tenant.reset(**SMALL)
    before = shape(tenant.state())
    plan = scenario.plan(tenant, client, tmp_path)
    assert len(plan.steps) == 1
    assert apply(plan, client, (0.0,)).changed
    wanted = shape(tenant.state())
    assert wanted != before
    for fault in (*ACCEPTED, *QUEUED, *PROBLEMS, *SILENT, *REFUSED, *UNREAD):
        for is_carried_out in (True, False):
            case = f"{operation}: {fault}, carried out: {is_carried_out}"
            tenant.reset(**SMALL)
            tenant.fault(operation, **fault, after=is_carried_out)
            tenant.clear_log()
            kind, message = "", ""
            try:
                result = apply(plan, client, (0.0,))
            except ApplyFailed as error:
                result, kind, message = error.result, error.kind, str(error)
            (step,) = result.steps
            assert tenant.faults() == [], case
            assert shape(tenant.state()) == (wanted if is_carried_out else before), case
            if not kind:
                assert is_carried_out or not is_readable, case
                is_ignored = step.status.value == "refused"
                assert step.as_result().get("verified", True) is (is_readable or is_ignored), case
                assert result.changed is (fault not in REFUSED), case
                continue
            is_believed = fault in UNREAD or (fault in REFUSED and not is_readable)
            assert not is_carried_out or not is_readable or is_believed, case
            is_unknown = kind in ("outcome_unknown", "not_as_sent")
            assert is_unknown is (fault in (*ACCEPTED, *QUEUED, *PROBLEMS, *SILENT)), case
            assert result.changed is (kind == "not_as_sent"), case
            assert not is_carried_out or is_believed or "Correct what the server names" not in message, case
            is_unproved = fault in REFUSED and not is_readable
            assert ("The API does not show whether it was carried out" in message) is is_unproved, case
            readings = [entry for entry in tenant.log() if entry["method"] == "GET"]
            assert bool(readings) is (is_readable and not is_believed) or operation == "approveTask", case


@pytest.mark.parametrize(("body", "readings"), [("documented", 0), ("envelope", 0), ("none", 1)])
def test_the_id_of_a_new_request_is_in_the_result_and_saves_the_reading(
    tenant: Sandbox, client: Client, body: str, readings: int
) -> None:
    tenant.configure(write_body=body)
    params = validated(
        cakewalk_app_access.SPEC,
        tenant,
        {
            "acting_user": tenant.acting_user,
            "accesses": [
                {"app": "GitHub", "users": [CONNOR], "permission_level": "Write"},
                {"app": "Google Workspace", "users": [ERIN, CONNOR], "state": "absent"},
            ],
            **_PURPOSE,
        },
    )
    before = {row["id"] for row in tenant.state("requests")["requests"]}
    plan = cakewalk_app_access.plan(params, Tenant(client))
    tenant.clear_log()
    applied = apply(plan, client, (0.0,))
    opened = {row["id"] for row in tenant.state("requests")["requests"]} - before
    assert len(opened) == len(plan.steps) > 1
    assert {step["request_id"] for step in applied.as_result()["done"]} == opened
    users = [user for entry in plan.report(applied)["accesses"] for user in entry["users"]]
    assert {user["request_id"] for user in users} == opened
    # Additions and removals are read for themselves.
    assert len(received(tenant, "listRequests")) == readings * 2
    assert not any("verified" in step for step in applied.as_result()["done"])


@pytest.mark.parametrize("kind", [201, 202, 303, 404, 500])
def test_all_writes_of_a_phase_share_one_reading(tenant: Sandbox, connect: Callable[..., Client], kind: int) -> None:
    client = connect(max_retries=0, concurrency=1)
    people = leavers(tenant, "Engineering", 6)
    plan = planned(client, task(tenant, group="Engineering", users=people, state="absent"))
    tenant.fault("removeUserFromGroup", kind, count=6, after=True)
    tenant.clear_log()
    assert len(apply(plan, client, (0.0,)).steps) == 6
    assert not set(people) & set(members(tenant, "Engineering"))
    methods = [entry["method"] for entry in tenant.log()]
    assert methods == (["DELETE"] * 6 + ["GET"] if kind in (201, 202, 404) else ["DELETE", "GET"] * 6)


def test_a_phase_whose_writes_do_not_show_ends_the_run(tenant: Sandbox, client: Client) -> None:
    exchange = [
        {"group": "Contractors", "users": [ERIN]},
        {"group": "Engineering", "users": [ERIN], "state": "absent"},
    ]
    plan = planned(client, task(tenant, *exchange))
    tenant.fault("addUsersToGroup", 204)
    with pytest.raises(ApplyFailed) as caught:
        apply(plan, client, (0.0,))
    assert caught.value.kind == "not_as_sent"
    assert [result.status.value for result in caught.value.result.steps] == ["errors", "pending"]
    assert ERIN in members(tenant, "Engineering"), "nobody leaves a group who did not join the other"


@pytest.mark.parametrize("kind", [400, 503])
def test_a_list_that_cannot_be_read_afterwards_proves_nothing(tenant: Sandbox, client: Client, kind: int) -> None:
    plan = planned(client, task(tenant, group="Contractors", users=[ERIN]))
    tenant.fault("addUsersToGroup", kind, after=True)
    tenant.fault("listUsersGroupUsers", 500, count=9)
    with pytest.raises(ApplyFailed, match="could not be read to see whether it was carried out") as caught:
        apply(plan, client, (0.0,))
    assert "Correct what the server names" not in str(caught.value)
    assert not caught.value.result.changed


@pytest.mark.parametrize("carries_on", [False, True])
def test_accepted_writes_whose_list_cannot_be_read_are_done_and_the_run_fails(
    tenant: Sandbox, client: Client, carries_on: bool
) -> None:
    exchange = [
        {"group": "Contractors", "users": [ERIN]},
        {"group": "Engineering", "users": [ERIN], "state": "absent"},
    ]
    plan = replace(planned(client, task(tenant, *exchange)), carries_on=carries_on)
    tenant.fault("listUsersGroupUsers", 500)
    with pytest.raises(ApplyFailed, match="read the members of the group 'Contractors'") as e:
        apply(plan, client, (0.0,))
    assert (e.value.kind, e.value.result.changed) == ("server_error", True)
    joined, *left = e.value.result.steps
    assert joined.as_result()["verified"] is False
    assert "The writes to it are in `steps` with `verified: false`" in str(e.value)
    assert [result.status.value for result in left] == (["done"] if carries_on else ["pending"])


def test_the_reason_of_a_failure_is_not_hidden_by_reads_that_fail_for_it(tenant: Sandbox, client: Client) -> None:
    people = leavers(tenant, "Engineering", 4)
    plan = planned(client, task(tenant, group="Engineering", users=people, state="absent"))
    tenant.fault("removeUserFromGroup", 401, skip=2)
    tenant.fault("listUsersGroupUsers", 401, count=9)
    with pytest.raises(ApplyFailed) as caught:
        apply(plan, client, (0.0,))
    steps = caught.value.result.as_result()
    assert caught.value.kind == "unauthorized"
    assert [step["kind"] for step in steps["errors"]] == ["unauthorized"]
    assert [step["verified"] for step in steps["done"]] == [False] * received(tenant, "removeUserFromGroup").count(204)


@pytest.mark.parametrize("kind", [204, 500])
@pytest.mark.parametrize("fault", ["drop_before", 401])
def test_a_service_that_is_out_of_reach_afterwards_is_not_waited_for(
    tenant: Sandbox, client: Client, kind: int, fault: str | int
) -> None:
    plan = planned(client, task(tenant, group="Contractors", users=[ERIN]))
    tenant.fault("addUsersToGroup", kind, after=True)
    tenant.fault("listUsersGroupUsers", fault, count=9)
    tenant.clear_log()
    with pytest.raises(ApplyFailed) as caught:
        apply(plan, client)
    assert len(received(tenant, "listUsersGroupUsers")) == 1
    assert caught.value.kind == ("outcome_unknown" if kind == 500 else {401: "unauthorized"}.get(fault, "transport"))


@dataclass(frozen=True)
class Broken(RowsPresent):
    """A postcondition with a defect."""

    def holds(self, result: ReadResult) -> bool:
        """Fail."""
        raise ZeroDivisionError


@pytest.mark.parametrize(("kind", "status"), [(204, "done"), (500, "errors")])
def test_a_defect_while_reading_back_hides_nothing(tenant: Sandbox, client: Client, kind: int, status: str) -> None:
    plan = planned(client, task(tenant, group="Contractors", users=[ERIN]))
    (step,) = plan.steps
    assert step.postcondition is not None
    broken = replace(plan, steps=(replace(step, postcondition=Broken(step.postcondition.source)),))
    tenant.fault("addUsersToGroup", kind, after=True)
    with pytest.raises(ApplyInterrupted) as caught:
        apply(broken, client, (0.0,))
    steps = caught.value.result.as_result()
    assert [name for name, entries in steps.items() if entries] == [status]
    assert caught.value.result.changed is (kind == 204)
    assert steps[status][0].get("verified") is (False if kind == 204 else None)
