# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role leaver: what is foreseen is done once, what is left is told, and what must not happen does not begin."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from playbooks.harness import Data, Playbooks, pages
from playbooks.module_contract import foreseeable
from roles.people import CONNOR, ERIN, OLGA, PETRA, SALLY, SAM, Staff, approving, is_private, show, stays
from sandbox.process import Sandbox

PUBLISHED = "Publish the outcome, success or failure, for later nodes of a workflow"
TASK = "Remove memberships and access, and prove what is left"


@pytest.fixture
def leaver(tenant: Sandbox, playbooks: Playbooks) -> Staff:
    """The role, in a tenant in which Erin is in no group of another directory."""
    tenant.change("remove_member", group="Okta Everyone", user=ERIN)
    return Staff("leaver", tenant, playbooks)


def options(leaver: Staff, user: str = ERIN, **given: Any) -> Data:
    """Return the options of a run for somebody who is named by address."""
    return {"user": user, "confirm": user, "proof_dir": str(leaver.kept), **given}


def proofs(leaver: Staff) -> list[Data]:
    """Return the proofs of all runs, in their order."""
    found = sorted(leaver.kept.glob("leaver-*.json"), key=lambda path: path.stat().st_mtime_ns)
    assert all(map(is_private, found))
    return [json.loads(path.read_text(encoding="utf-8")) for path in found]


def left(data: Data) -> list[tuple[str, str]]:
    """Return what is left of the only person, by what it is and its name."""
    (entry,) = data.get("people", [data])
    return sorted((one["what"], one["name"]) for one in [*entry["waiting"], *entry["by_hand"]])


def test_a_leaver_is_foreseen_then_taken_out_once_and_nothing_is_left(
    leaver: Staff, capsys: pytest.CaptureFixture[str]
) -> None:
    before = leaver.tenant.state()
    foreseen = leaver.run("--check", "--diff", **options(leaver)).succeeded()
    assert (leaver.written(), leaver.tenant.state(), leaver.kept.exists()) == ([], before, False)

    leaver.tenant.clear_log()
    with approving(leaver.tenant):
        done = leaver.run("--diff", **options(leaver, wait_timeout=60)).succeeded()
    told = [leaver.told(run, TASK) for run in (foreseen, done)]
    assert told[0]["diff"] == told[1]["diff"] != []
    assert told[0]["steps"]["pending"] == foreseeable(told[1]["steps"]["done"]) != []
    assert told[0]["plan"] == told[1]["plan"]
    assert told[0]["complete"] is told[1]["complete"] is True
    assert stays(leaver.tenant, ERIN) == {"groups": [], "apps": []}
    assert len(leaver.written()) == 3
    show("leaver, with two accesses", leaver.cost(), capsys)

    (proof,) = proofs(leaver)
    assert (proof["complete"], left(proof), proof["actor"]) == (True, [], leaver.tenant.acting_user)
    (kept,) = told[1]["proofs"]
    assert hashlib.sha256(Path(kept["path"]).read_bytes()).hexdigest() == kept["sha256"]
    assert proof["statement"] == f"As Cakewalk listed at {proof['after']['looked_until']}."
    assert [one["name"] for one in proof["before"]["groups"]] == ["Engineering"]
    held = {one["name"]: one["levels"] for one in proof["before"]["accesses"]}
    assert held == {"GitHub": ["Read", "Write"], "Google Workspace": []}
    assert (proof["after"]["groups"], proof["after"]["accesses"], proof["after"]["looks"]) == ([], [], 2)
    assert proof["before"]["looked_from"] <= proof["before"]["looked_until"] <= proof["after"]["looked_from"]
    lines = leaver.record()
    statuses = Counter(line["status"] for line in lines)
    assert statuses == {"begun": 1, "sending": 3, "done": 3, "ended": 1}
    assert {(line["run"], line["actor"]) for line in lines} == {(proof["run"], leaver.tenant.acting_user)}
    assert [write["status"] for write in proof["writes"]] == ["done"] * 3
    assert is_private(leaver.kept / "writes.jsonl")

    after = leaver.tenant.state()
    leaver.tenant.clear_log()
    again = leaver.run("--diff", **options(leaver)).succeeded()
    assert not any(result.changed for result in again.results)
    assert (leaver.written(), leaver.tenant.state()) == ([], after)
    assert leaver.record()[len(lines) :] == []


def test_the_requests_of_an_idle_run_are_two_looks(leaver: Staff, capsys: pytest.CaptureFixture[str]) -> None:
    """None can be saved: nothing in the API lists what one person has, so a look reads the members of each group,
    and of each app the accesses and the record, which alone names an owner without access. Absence needs two looks
    that agree; where nothing is written, the first look is one of them. The directory shows whether the address has one
    account only, which two readings prove as well."""
    user = "oscar.offboarding@example.com"
    leaver.tenant.change("remove_member", group="Contractors", user=user)
    state = leaver.tenant.state()
    leaver.tenant.clear_log()

    leaver.run(**options(leaver, user)).succeeded()

    assert leaver.cost() == {
        "listUsers": 2 * pages(len(state["users"])),
        "listUsersGroups": 2 * pages(len(state["groups"])),
        "listWorkApps": 2 * pages(len(state["apps"])),
        "listRequests": 2 * pages(len(state["requests"])),
        "listTasks": 2,
        "listUsersGroupUsers": 2 * sum(pages(len(group["members"])) for group in state["groups"]),
        "listWorkAppAccesses": 2 * sum(pages(len(app["accesses"])) for app in state["apps"]),
        "getWorkApp": 2 * len(state["apps"]),
    }
    show("leaver, idle", leaver.cost(), capsys)


@pytest.mark.slow
def test_whatever_is_left_is_told_and_fails_the_run(leaver: Staff) -> None:
    leaver.tenant.change("add_access", app="Sauer", user=CONNOR)
    leaver.tenant.change("open_request", kind="grant", app="Figma", user=CONNOR)

    foreseen = leaver.run("--check", **options(leaver, CONNOR))
    run = leaver.run(**options(leaver, CONNOR, wait_timeout=0))

    by_hand = [
        ("open_grant", "request for access to Figma (Pending)"),
        ("ownership", "Allen, Cook and Scott"),
        ("synced_membership", "Okta Everyone"),
        ("unmanaged_access", "Sauer (Basic)"),
    ]
    assert (foreseen.status, run.status) == (0, 2)
    assert left(leaver.told(foreseen, TASK)) == sorted([*by_hand, ("access", "Google Workspace")])
    told = leaver.told(run, TASK)
    assert left(told) == sorted([*by_hand, ("access", "Google Workspace")])
    assert (told["complete"], told["error"]) == (False, {"kind": "left", "waiting": 1, "by_hand": 4})
    assert "Name another owner of 'Allen, Cook and Scott' in Cakewalk: the person is the only one." in told["msg"]
    (waiting,) = told["people"][0]["waiting"]
    request = next(one for one in leaver.tenant.state("requests")["requests"] if one["id"] == waiting["request_id"])
    tasks = {one["id"]: one for one in leaver.tenant.state("tasks")["tasks"]}
    users = {one["id"]: one["email"] for one in leaver.tenant.state("users")["users"]}
    assert waiting["waits_for"] == [users[tasks[request["task_ids"][-1]]["assigned_id"]]]
    (proof,) = proofs(leaver)
    assert (proof["complete"], left(proof)) == (False, left(told))
    assert stays(leaver.tenant, CONNOR)["groups"] == ["Okta Everyone"]

    leaver.tenant.clear_log()
    again = leaver.run(**options(leaver, CONNOR, wait_timeout=1))
    assert (again.status, leaver.written()) == (2, [])
    assert left(leaver.told(again, TASK)) == left(told)
    green = leaver.run(**options(leaver, CONNOR, wait_timeout=0, fail_on_left=False)).succeeded()
    assert left(leaver.told(green, TASK)) == left(told)


@pytest.mark.slow
def test_what_is_in_the_way_of_a_removal_does_not_stop_the_others(leaver: Staff) -> None:
    """The change of a level, which would come after the removal, and can only be cancelled in the interface."""
    leaver.tenant.change("open_request", kind="change", app="GitHub", user=ERIN, level="Admin")

    run = leaver.run(**options(leaver, wait_timeout=0))

    assert left(leaver.told(run, TASK)) == [
        ("access", "GitHub (Read, Write)"),
        ("access", "Google Workspace"),
        ("open_grant", "request for another level of GitHub (Admin, Pending)"),
    ]
    (entry,) = leaver.told(run, TASK)["people"]
    why = {one["name"]: one["why"] for one in [*entry["waiting"], *entry["by_hand"]]}
    assert "asks for the opposite" in why["GitHub (Read, Write)"]
    assert "is Pending" in why["Google Workspace"]
    assert Counter(line["status"] for line in leaver.record()) == {"begun": 1, "sending": 2, "done": 2, "ended": 1}


@pytest.mark.slow
def test_a_group_that_refuses_does_not_stop_the_others(leaver: Staff) -> None:
    """The record of the group does not show that another directory decides about it."""
    groups = {group["name"]: group["type"] for group in leaver.tenant.state("groups")["groups"]}
    for group in groups:
        leaver.tenant.change("add_member", group=group, user=ERIN)
    leaver.tenant.configure(group_kind="bare")
    try:
        run = leaver.run(**options(leaver, wait_timeout=0), environment={"CAKEWALK_CONCURRENCY": "1"})
    finally:
        leaver.tenant.configure(group_kind="type")

    refusing = sorted(name for name, kind in groups.items() if kind != "Managed")
    assert "cannot be edited" in leaver.told(run, TASK)["msg"]
    assert [name for what, name in left(leaver.told(run, TASK)) if what == "membership"] == refusing
    assert stays(leaver.tenant, ERIN)["groups"] == refusing
    (proof,) = proofs(leaver)
    done = [line["path"] for line in proof["writes"] if line["status"] == "done" and line["method"] == "DELETE"]
    assert len(done) == len(set(done)) == len(groups) - len(set(refusing))


@pytest.mark.slow
def test_no_removal_is_raised_twice(leaver: Staff) -> None:
    """Where the service opens removals itself when somebody leaves a group, and where one is open already."""
    leaver.tenant.configure(removal_requests="open")
    leaver.tenant.change("open_request", kind="remove", app="Google Workspace", user=ERIN)
    try:
        run = leaver.run(**options(leaver, wait_timeout=0))
    finally:
        leaver.tenant.configure(removal_requests="none")

    assert run.status == 2
    assert [method for method, _path in leaver.written()] == ["DELETE"]
    erin = leaver.tenant.find("users", ERIN)["id"]
    asked = [one["type"] for one in leaver.tenant.state("requests")["requests"] if one["target_id"] == erin]
    assert asked == ["RemoveAccessRequest"] * 2

    foreseen = leaver.told(leaver.run("--check", **options(leaver)).succeeded(), TASK)
    assert (foreseen["changed"], foreseen["complete"], foreseen["summary"]["waiting"]) == (False, True, 2)
    assert foreseen["stats"]["leaver_complete"] is False


#: Which options differ, the kind of error, words of the message.
REFUSED: dict[str, tuple[Data, str | None, str]] = {
    "the address typed wrongly": (
        {"confirm": "erin.enginer@example.com"},
        "configuration",
        "(`leaver_confirm` in the role)",
    ),
    "somebody who does not exist": ({"user": "erin.enginer@example.com"}, "lookup_failed", "did you mean"),
    "an address of two accounts": ({"user": SAM, "confirm": SAM}, "lookup_failed", "2 users have the address"),
    "a display name": ({"user": "Erin Engineer"}, "lookup_failed", "never by display name"),
    "a protected person": ({"protected_users": [ERIN.upper()]}, "rail", "protected: erin.engineer@example.com"),
    "the acting user": ({"user": "ada.admin@example.com", "confirm": "ada.admin@example.com"}, "rail", "protected"),
    "the acting user, who is another now": ({"acting_user": ERIN}, "rail", "protected"),
    "a protected person who was renamed": (
        {"protected_users": ["gone@example.com"]},
        "lookup_failed",
        "another address",
    ),
    "an actor who may not act": ({"acting_user": "oscar.offboarding@example.com"}, "configuration", "Offboarding"),
    "more removals than allowed": ({"max_removals": 2}, "rail", "carry out 3 removals"),
    "a larger share than allowed": ({"max_removal_percent": 0}, "rail", "`max_removal_percent` allows 0 %"),
    "a share that is none": ({"max_removal_percent": 101}, "configuration", "Give 0 to 100"),
    "a purpose that is too long": ({"purpose": "x" * 1025}, "configuration", "purpose"),
    "a blank in the address": ({"user": "erin.engineer @example.com"}, "configuration", "holds a blank"),
    "a blank folder": ({"proof_dir": " "}, None, "missing required arguments: proof_dir"),
    "nobody": ({"user": "", "confirm": ""}, "configuration", "neither `leaver_user` nor `leaver_people` is set"),
    "nobody in a list": ({"user": None, "confirm": None, "people": []}, "configuration", "people is empty"),
    "a person twice": (
        {"user": None, "confirm": None, "people": [{"user": ERIN, "confirm": ERIN}] * 2},
        "configuration",
        "named twice",
    ),
    "one of several": (
        {
            "user": None,
            "confirm": None,
            "people": [{"user": ERIN, "confirm": ERIN}, {"user": SALLY, "confirm": "sally@example.com"}],
        },
        "configuration",
        "must repeat sally.sales@example.com",
    ),
    "less than no time": ({"wait_timeout": -1}, "configuration", "wait_timeout"),
    "a relative folder": ({"proof_dir": "proofs"}, "file", "the path is relative"),
    "no second address": ({"confirm": None}, "configuration", "(`leaver_confirm` in the role)"),
}


def test_what_cannot_be_meant_is_refused_before_the_first_write(leaver: Staff) -> None:
    leaver.refuses(options(leaver), REFUSED)


@pytest.mark.slow
def test_one_of_two_accounts_is_named_by_id(leaver: Staff) -> None:
    twins = [user for user in leaver.tenant.state("users")["users"] if user["email"] == SAM]
    active, other = sorted(twins, key=lambda user: user["status"])
    leaver.tenant.change("add_member", group="Contractors", user=other["id"])

    run = leaver.run(**options(leaver, active["id"], confirm=SAM.upper(), wait_timeout=0))

    assert any(other["id"] in warning for warning in run.warned_of())
    (proof,) = proofs(leaver)
    assert (proof["tenant"], proof["user"]["id"]) == (leaver.tenant.url, active["id"])
    assert [one["id"] for one in proof["other_accounts"]] == [other["id"]]
    members = {group["name"]: group["members"] for group in leaver.tenant.state("groups")["groups"]}
    assert other["id"] in members["Contractors"]
    assert active["id"] not in members["Ebern Team 3"]


@pytest.mark.slow
@pytest.mark.parametrize("in_process", ["true", "false"])
def test_a_time_limit_leaves_the_history_of_all_writes_and_a_proof(leaver: Staff, in_process: str) -> None:
    for group in leaver.tenant.state("groups")["groups"]:
        if group["type"] == "Managed":
            leaver.tenant.change("add_member", group=group["id"], user=ERIN)
    leaver.tenant.fault("removeUserFromGroup", "slow", count=50, seconds=1.5)
    limits = {"ANSIBLE_TASK_TIMEOUT": "8", "CAKEWALK_CONCURRENCY": "1", "CAKEWALK_IN_PROCESS": in_process}

    run = leaver.run(**options(leaver, max_removal_percent=100), environment=limits)

    told = leaver.told(run, TASK)
    assert (run.status, told["error"]["kind"], told["changed"]) == (2, "cut_off", True)
    received = [path for method, path in leaver.written() if method == "DELETE"]
    (proof,) = proofs(leaver)
    assert (proof["complete"], proof["after"]) == (False, None)
    sent = [write["path"] for write in proof["writes"] if write["status"] in ("done", "failed")]
    assert sorted(sent) == sorted(received) != []
    lines = leaver.record()
    assert sorted(line["path"] for line in lines if line["status"] == "sending") == sorted(received)
    assert lines[-1]["status"] == "cut_off"
    assert leaver.told(run, PUBLISHED)["ansible_stats"]["data"] == {"leaver_complete": False}


@pytest.mark.slow
def test_an_interrupted_run_is_made_up_for_by_the_next(leaver: Staff) -> None:
    """The second removal is lost in the service, then the look after it fails; the next run does what is left."""
    leaver.tenant.fault("createRemoveAccessRequest", 500, skip=1)
    first = leaver.run(**options(leaver, wait_timeout=0))
    assert first.status == 2
    assert "outcome unknown" in leaver.told(first, TASK)["msg"]
    assert "unknown" in [line["status"] for line in leaver.record()]

    leaver.tenant.fault("listTasks", "html", skip=1)
    second = leaver.run(**options(leaver, wait_timeout=0))
    assert second.status == 2
    assert "could not be read" in proofs(leaver)[1]["statement"]
    assert leaver.tenant.faults() == []

    with approving(leaver.tenant):
        leaver.run(**options(leaver, wait_timeout=60)).succeeded()
    assert [proof["complete"] for proof in proofs(leaver)] == [False, False, True]
    asked = Counter(path for _method, path in leaver.written())
    assert asked["/api/v1/Requests/RemoveAccess"] == 3


def test_nothing_that_people_write_in_the_tenant_is_executed(leaver: Staff, tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    words = f"{{{{ lookup('ansible.builtin.pipe', 'touch {marker}') }}}} {{% set x = 1 %}} $(touch {marker}) \u202e\n"
    change = leaver.tenant.change
    change("rename_user", user=ERIN, name=words)
    change("rename_group", group="Engineering", name=words)
    change("rename_app", app="Google Workspace", name=words)
    change("rename_level", app="GitHub", level="Write", name=words)
    change("add_member", group="Okta Everyone", user=ERIN)
    change("rename_group", group="Okta Everyone", name=f"{words} too")

    foreseen = leaver.run("--check", "--diff", **options(leaver))
    run = leaver.run("--diff", **options(leaver, wait_timeout=0))

    assert not marker.exists()
    names = [("access", f"GitHub (Read, {words})"), ("access", words), ("synced_membership", f"{words} too")]
    assert left(leaver.told(foreseen, TASK)) == left(leaver.told(run, TASK)) == names
    (proof,) = proofs(leaver)
    assert [one["name"] for one in proof["before"]["groups"] if not one["synced"]] == [words]
    assert stays(leaver.tenant, ERIN)["groups"] == [f"{words} too"]


@pytest.mark.slow
@pytest.mark.parametrize("user", [SALLY, OLGA, PETRA])
def test_whoever_leaves_the_proof_tells_what_the_tenant_holds(leaver: Staff, user: str) -> None:
    """Held against the tenant itself, before and after, for people with much of everything."""
    had = stays(leaver.tenant, user)
    leaver.run(**options(leaver, user, wait_timeout=0))

    (proof,) = proofs(leaver)
    for moment, expected in (("before", had), ("after", stays(leaver.tenant, user))):
        assert sorted(one["name"] for one in proof[moment]["groups"]) == expected["groups"]
        assert sorted(one["name"] for one in proof[moment]["accesses"]) == expected["apps"]
    identifier = proof["user"]["id"]
    state = leaver.tenant.state("apps", "tasks", "requests")
    assert {one["id"] for one in proof["after"]["ownerships"]} == {
        app["id"] for app in state["apps"] if app["owner_id"] == identifier
    }
    assert {one["id"] for one in proof["after"]["tasks"]} == {
        task["id"] for task in state["tasks"] if task["assigned_id"] == identifier and task["status"] == "Pending"
    }
    assert {one["id"] for one in proof["after"]["requests"]} == {
        one["id"] for one in state["requests"] if one["target_id"] == identifier and one["status"] == "Pending"
    }
