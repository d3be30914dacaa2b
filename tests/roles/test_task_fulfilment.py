# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role task_fulfilment: what is approved was done and proved, and whatever goes wrong leaves a task open."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.cakewalk.access.plugins.module_utils._engine.fulfilment.task_lock import LEASE, TaskLock
from playbooks.harness import Data, task, writes
from roles.fulfilment_env import HANDLERS_SECRET, LAST, TARGETS, FulfilmentEnv, is_private, outcomes, report, told
from roles.people import custom_stats
from sandbox.known import request_id, task_id

pytestmark = pytest.mark.every_core

PETRA, CONNOR, ERIN, SALLY = (
    f"{name}@example.com" for name in ("petra.pending", "connor.contractor", "erin.engineer", "sally.sales")
)
GRACE = "grace.general@example.com"
GRANT, REMOVAL = task_id("action"), task_id("removal")


def test_a_grant_is_foreseen_then_carried_out_once(stage: FulfilmentEnv) -> None:
    routes = [stage.route("GitHub", level="Write")]
    before = stage.tenant.state()

    foreseen = stage.run("--check", routes=routes, task=GRANT).succeeded()
    assert outcomes(foreseen) == {GRANT: "would_run"}
    assert any(result.changed for result in foreseen.results)
    assert stage.tenant.state() == before
    assert (stage.calls(), stage.record.exists(), stage.locks.exists()) == ([], False, False)

    done = stage.run(routes=routes, task=GRANT).succeeded()
    write = stage.ids["level_id"]["GitHub"]["Write"]
    assert outcomes(done) == {GRANT: "approved"}
    assert stage.accounts() == {PETRA: write}
    assert stage.status(GRANT) == "Approved"
    assert {"user_id": stage.ids["person_id"][PETRA], "level_id": write} in stage.app("GitHub")["accesses"]
    begun, verified, approved = stage.lines()
    assert is_private(stage.record)
    assert [line["outcome"] for line in stage.lines()] == ["begun", "verified", "approved"]
    assert begun["run"] == verified["run"] == approved["run"]
    assert approved["actor"] == "ada.admin@example.com"
    assert approved["route"] == {name: routes[0][name] for name in ("app", "permission_level", "request_type")}
    proof = approved["proof"]
    assert (proof["task"], proof["user"], proof["observed"], proof["permission_level"]) == (
        GRANT,
        PETRA,
        "present",
        write,
    )
    assert verified["proof"] == proof
    (approval,) = stage.tenant.log("POST", "approveTask")
    moments = (begun["time"], proof["time"], verified["time"], approval["time"], approved["time"])
    assert sorted(moments, key=datetime.fromisoformat) == list(moments)

    stage.tenant.clear_log()
    again = stage.run(routes=routes, task=GRANT).succeeded()
    assert outcomes(again) == {GRANT: "done"}
    assert not any(result.changed for result in again.results)
    assert not writes(stage.tenant.log())
    assert len(stage.calls()) == 1
    assert len(stage.lines()) == 3
    assert not list(stage.locks.iterdir())


def test_a_sweep_takes_what_is_due_and_two_bad_ones_do_not_stop_a_third(stage: FulfilmentEnv) -> None:
    failing, unproved = stage.task(CONNOR, "Figma"), stage.task(CONNOR, "Salesforce", level="Standard")
    change = stage.task(ERIN, "GitHub", "change", level="Admin")
    unroutable = stage.task(SALLY, "GitHub", level="Read")
    routes = [
        {**stage.route("GitHub", level="Write"), "handler": stage.part(role="account_granted")},
        stage.route("GitHub", "change_permission"),
        stage.route("Google Workspace", "remove_access", "remove.yml"),
        stage.route("Figma", handler="failing.yml"),
        stage.route("Salesforce", level="Standard", verify="failing.yml"),
        stage.route("AWS"),
    ]

    run = stage.sweep(routes=routes)

    assert run.status == 2
    came_of = outcomes(run)
    wanted = {
        GRANT: "approved",
        REMOVAL: "approved",
        change: "approved",
        failing: "handler_failed",
        unproved: "verify_failed",
        unroutable: "unroutable",
        task_id("snoozed"): "snoozed",
        task_id("autoprovisioning"): "autoprovisioning",
    }
    assert wanted.items() <= came_of.items()
    assert task_id("review") not in came_of
    assert set(came_of.values()) <= set(wanted.values())
    assert "assigned to nobody" in report(run).data["msg"]
    assert sorted(stage.decisions()) == sorted([GRANT, REMOVAL, change])
    assert {stage.status(task) for task in (failing, unproved, unroutable)} == {"Pending"}
    assert {CONNOR, ERIN} <= stage.accounts().keys()
    assert {("grant", PETRA), ("remove", PETRA)} <= set(stage.calls())
    ended = {line["task"]: line["outcome"] for line in stage.lines()}
    assert ended == {task: wanted[task] for task in (GRANT, REMOVAL, change, failing, unproved)}
    kept = stage.record.read_text()
    for secret in (HANDLERS_SECRET, stage.tenant.api_key, stage.tenant.api_secret):
        assert secret not in kept
    assert stage.tenant.api_secret not in run.output

    stage.tenant.clear_log()
    again = outcomes(stage.sweep(routes=routes[:3]).succeeded())
    assert {task: again[task] for task in (failing, unproved)} == dict.fromkeys((failing, unproved), "unroutable")
    assert not writes(stage.tenant.log())


#: What happens to a task between the first reading of it and the second, and what comes of it.
BETWEEN = {
    "approved": ({"change": "decide_task", "task": GRANT, "verdict": "approve"}, "done"),
    "declined": ({"change": "decide_task", "task": GRANT, "verdict": "decline"}, "declined"),
    "snoozed": ({"change": "snooze_task", "task": GRANT, "until": "2099-12-31T00:00:00Z"}, "snoozed"),
    "withdrawn": ({"change": "cancel_request", "request": request_id("action"), "user": PETRA}, "cancelled"),
}


@pytest.mark.parametrize("readings", [1, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "case", ["declined", *(pytest.param(case, marks=pytest.mark.slow) for case in BETWEEN if case != "declined")]
)
def test_a_task_that_is_no_longer_due_when_it_is_read_again_is_no_failure(
    stage: FulfilmentEnv, case: str, readings: int
) -> None:
    change, outcome = BETWEEN[case]
    stage.tenant.change(**change, operation="getTask", after=readings)
    run = stage.run(routes=[stage.route("GitHub", level="Write")], task=GRANT).succeeded()
    assert outcomes(run) == {GRANT: outcome}
    assert stage.calls() == []
    assert not list(stage.locks.iterdir())


#: What somebody does to the task after how many readings of it, and what comes of it.
MEANWHILE = {
    "declined while the handler runs": ("decline", 3, "done_not_approved", "Declined"),
    "declined directly before its approval": ("decline", 4, "done_not_approved", "Declined"),
    "approved while the handler runs": ("approve", 3, "done", "Approved"),
}


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, marks=pytest.mark.slow) if case.startswith("declined while") else case for case in MEANWHILE],
)
def test_somebody_decides_the_task_meanwhile(stage: FulfilmentEnv, case: str) -> None:
    verdict, after, outcome, status = MEANWHILE[case]
    stage.tenant.change("decide_task", task=GRANT, verdict=verdict, operation="getTask", after=after)

    run = stage.run(routes=[stage.route("GitHub")], task=GRANT)

    assert (run.status, outcomes(run)) == (0 if outcome == "done" else 2, {GRANT: outcome})
    assert list(stage.accounts()) == [PETRA]
    assert (stage.decisions(), stage.status(GRANT)) == ([], status)
    assert stage.lines()[-1]["outcome"] == outcome


@pytest.mark.slow
def test_the_person_who_asked_withdraws_the_request_meanwhile(stage: FulfilmentEnv) -> None:
    stage.tenant.change("cancel_request", request=request_id("removal"), user=PETRA, operation="getTask", after=3)

    run = stage.run(routes=[stage.route("Google Workspace", "remove_access", "remove.yml")], task=REMOVAL)

    assert (run.status, outcomes(run)) == (2, {REMOVAL: "done_not_approved"})
    assert stage.decisions() == []


@pytest.mark.slow
def test_what_the_handler_notifies_is_over_before_the_work_is_verified(stage: FulfilmentEnv) -> None:
    user = stage.strangers("GitHub")[0]["email"]
    task = stage.task(user, "GitHub", level="Write")
    route = {**stage.route("GitHub", level="Write"), "handler": stage.part(role="notifying")}
    run = stage.run(routes=[route], task=task)
    assert (run.status, stage.status(task)) == (2, "Pending"), run.output
    assert [line["outcome"] for line in stage.lines() if line["task"] == task][-1] != "approved"
    assert outcomes(stage.run(routes=[stage.route("GitHub")], task=task).succeeded()) == {task: "approved"}


@pytest.mark.slow
def test_the_routes_of_the_start_hold_for_the_whole_run(stage: FulfilmentEnv, tmp_path: Path) -> None:
    users = [user["email"] for user in stage.strangers("GitHub")[:2]]
    tasks = [stage.task(user, "GitHub", level="Write") for user in users]
    grant, removing = tmp_path / "grant", tmp_path / "removing"
    for file, handler in ((grant, "grant.yml"), (removing, "remove.yml")):
        file.write_text(json.dumps([stage.route("GitHub", level="Write", handler=handler)]), encoding="utf-8")
    # The list is another one once an account was created.
    later = f"('{grant}' if '{stage.database}' is not exists else '{removing}')"
    run = stage.sweep(routes=f"{{{{ lookup('ansible.builtin.file', {later}) | from_json }}}}")
    assert dict.fromkeys(tasks, "approved").items() <= outcomes(run).items()


@pytest.mark.slow
def test_a_machine_that_cannot_be_reached_ends_the_run_and_nothing_is_approved(stage: FulfilmentEnv) -> None:
    assert stage.run(routes=[stage.route("GitHub", handler="unreachable.yml")], task=GRANT).status == 4
    assert stage.decisions() == []

    assert outcomes(stage.run(routes=[stage.route("GitHub")], task=GRANT).succeeded()) == {GRANT: "approved"}


@pytest.mark.slow
def test_the_next_run_makes_up_for_one_that_a_handler_ended_unseen(stage: FulfilmentEnv) -> None:
    ended = stage.run(routes=[stage.route("GitHub", handler="ending_by_template.yml")], task=GRANT).succeeded()
    assert [line["outcome"] for line in stage.lines()] == ["begun"]
    assert not any(result.task.endswith(LAST) for result in ended.results)

    run = stage.run(routes=[stage.route("GitHub")], task=GRANT).succeeded()

    assert outcomes(run) == {GRANT: "approved"}
    (warning,) = run.warned_of()
    assert f"The task {GRANT} is taken again" in warning


@pytest.mark.slow
def test_an_approval_that_fails_is_made_up_for_by_the_next_run(stage: FulfilmentEnv) -> None:
    routes = [stage.route("GitHub")]
    reading = {"CAKEWALK_API_KEY": stage.tenant.read_only_key, "CAKEWALK_API_SECRET": stage.tenant.read_only_secret}
    failed = stage.run(routes=routes, task=GRANT, environment=reading)
    assert (failed.status, outcomes(failed)) == (2, {GRANT: "approval_failed"})
    assert list(stage.accounts()) == [PETRA]

    stage.tenant.fault("approveTask", "drop_after")
    run = stage.run(routes=routes, task=GRANT).succeeded()

    assert outcomes(run) == {GRANT: "approved"}
    assert list(stage.accounts()) == [PETRA]
    assert len(stage.tenant.log("POST", "approveTask")) == 2


@pytest.mark.slow
def test_what_a_run_on_another_machine_has_is_left_to_it_until_its_lease_expires(stage: FulfilmentEnv) -> None:
    lock = TaskLock("run", "another boot", "elsewhere", 7, "2026-06-01T12:00:00+00:00")
    stage.locks.mkdir(mode=0o700)
    for suffix, text in ((".json", json.dumps(asdict(lock))), (".json.lock", "")):
        (stage.locks / f"{GRANT}{suffix}").write_text(text)
        (stage.locks / f"{GRANT}{suffix}").chmod(0o600)
    run = stage.run(routes=[stage.route("GitHub")], task=GRANT).succeeded()
    assert outcomes(run) == {GRANT: "locked"}
    assert "a run on elsewhere (process 7) has it" in run.output
    assert (stage.calls(), stage.decisions()) == ([], [])

    expired = time.time() - LEASE
    os.utime(stage.locks / f"{GRANT}.json.lock", (expired, expired))
    run = stage.run(routes=[stage.route("GitHub")], task=GRANT).succeeded()
    assert outcomes(run) == {GRANT: "approved"}
    assert not list(stage.locks.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["linear", "free"])
def test_of_two_hosts_in_a_play_one_carries_a_task_out(stage: FulfilmentEnv, strategy: str) -> None:
    user = stage.strangers("GitHub")[0]["email"]
    task = stage.task(user, "GitHub", level="Write")
    run = stage.on_two_hosts(strategy, routes=[stage.route("GitHub")], task=task)
    assert run.status == 0, run.output
    assert custom_stats(run) == run.results[-1].data["ansible_stats"]["data"], "the last run counts, and no sum of both"
    assert sorted(told(result)[task] for result in run.results if result.task.endswith(LAST)) == ["approved", "locked"]
    assert [line["outcome"] for line in stage.lines()] == ["begun", "verified", "approved"]
    assert (stage.decisions().count(task), stage.calls()) == (1, [("grant", user)])


#: By name the keywords of the play, those of the role, the parts of the route, and what comes of the task.
KEYWORDS: dict[str, tuple[Data, Data, Data, str]] = {
    "ignore_errors, handler": ({}, {"ignore_errors": True}, {"handler": "failing.yml"}, "handler_failed"),
    "ignore_errors, verify": ({}, {"ignore_errors": True}, {"verify": "failing.yml"}, "verify_failed"),
    "ignore_errors, proof": ({}, {"ignore_errors": True}, {"verify": "nothing.yml"}, "not_verified"),
    "any_errors_fatal": ({"any_errors_fatal": True}, {}, {}, "approved"),
    "run_once": ({}, {"run_once": True}, {}, "approved"),
    "free": ({"strategy": "free"}, {}, {}, "approved"),
    "no_log": ({}, {"no_log": True}, {}, "approved"),
    # They count for what approves, also if the environment names somebody else.
    "module_defaults": (
        {"module_defaults": {"group/cakewalk.access.write": {"acting_user": GRACE}}},
        {},
        {},
        "approved",
    ),
    "check_mode": ({}, {"check_mode": True}, {}, "would_run"),
    "check": ({}, {}, {}, "would_run"),
    "check, and not in this role": ({}, {"check_mode": False}, {}, "approved"),
}


@pytest.mark.slow
def test_what_a_play_says_about_errors_and_modes_changes_no_promise(stage: FulfilmentEnv) -> None:
    people = dict(zip(KEYWORDS, (user["email"] for user in stage.strangers("GitHub")), strict=False))
    tasks = {case: stage.task(person, "GitHub", level="Write") for case, person in people.items()}
    cases = {
        case: (of_play, of_role, {"task": tasks[case], "routes": [stage.route("GitHub", **parts)]})
        for case, (of_play, of_role, parts, _outcome) in KEYWORDS.items()
    }
    in_check_mode = [case for case in cases if case.startswith("check,") or case == "check"]

    came_of = stage.under_keywords({case: cases[case] for case in cases if case not in in_check_mode})
    came_of |= stage.under_keywords({case: cases[case] for case in in_check_mode}, "--check")

    outcome_of = {case: outcome for case, (*_options, outcome) in KEYWORDS.items()}
    for case, (last, _after) in came_of.items():
        assert case == "no_log" or told(last) == {tasks[case]: outcome_of[case]}
    approved = [tasks[case] for case, outcome in outcome_of.items() if outcome == "approved"]
    assert sorted(stage.approvals()) == sorted(approved)
    assert stage.unproved() == []
    assert {case for case, (last, _after) in came_of.items() if last.failed} == {
        case for case in KEYWORDS if case.startswith("ignore_errors")
    }
    actors = {line["task"]: line["actor"] for line in stage.lines()}
    assert {case for case, task in tasks.items() if actors.get(task) == GRACE} == {"module_defaults"}
    worked = {user for _verb, user in stage.calls()}
    ran = [case for case, outcome in outcome_of.items() if outcome not in ("would_run", "handler_failed")]
    assert worked == {people[case] for case in ran}


SECRET = "S3CR3T-hunter2"
_HIDDEN = "A step failed, and its output is hidden (`no_log`)."


def failing(said: Any, **keywords: Any) -> list[Data]:
    """Return tasks that fail as handlers do."""
    return [task("Fail", "ansible.builtin.fail", {"msg": said}, **keywords)]


def including(kind: str, **what: Any) -> list[Data]:
    """Return tasks that include a file or a role."""
    return [task("Include", f"ansible.builtin.include_{kind}", what)]


#: What handlers do, and what the report tells of it. More of it is in C(tests/unit/plugin_utils/test_failed_step.py).
SAID: dict[str, tuple[list[Data], str]] = {
    "a list": (failing(["it is locked", "call the desk"]), "['it is locked', 'call the desk']"),
    "a date": (failing(date(2026, 1, 31)), "2026-01-31"),
    "a template": (failing("{% raw %}{{ unknown }} {% if %}{% endraw %}"), "{{ unknown }} {% if %}"),
    "nothing, after others": (including("tasks", file="{{ playbook_dir }}/nowhere.yml"), "A step failed."),
    "no_log": ([task("Assert", "ansible.builtin.assert", {"that": False, "fail_msg": SECRET}, no_log=True)], _HIDDEN),
    "no_log, by a template": (failing(SECRET, no_log="{{ task_fulfilment_item.task_id != '' }}"), _HIDDEN),
    "no_log, which is false": (failing("It is locked.", no_log="{{ 1 == 2 }}"), "It is locked."),
    "no_log, of an item": (failing("{{ item }}", loop=[SECRET], no_log="{{ item != '' }}"), _HIDDEN),
    "no_log, around a file": (including("tasks", file=str(TARGETS / "failing.yml"), apply={"no_log": True}), _HIDDEN),
    "no_log, in a role": (including("role", name="hiding"), _HIDDEN),
    "no_log, ignored, and then another": (
        failing(SECRET, no_log=True, ignore_errors=True) + failing("It is locked."),
        "It is locked.",
    ),
}


@pytest.mark.slow
def test_whatever_a_handler_says_is_told_as_text_unless_it_is_hidden(stage: FulfilmentEnv, tmp_path: Path) -> None:
    people = [user["email"] for user in stage.strangers("GitHub")]
    tasks = {case: stage.task(person, "GitHub", level="Read") for case, person in zip(SAID, people, strict=False)}
    assert tasks.keys() == SAID.keys()
    handler = stage.part(tasks=str(TARGETS / "by_task.yml"))
    handler["vars"]["folder"] = str(tmp_path)
    for case, (steps, _told) in SAID.items():
        (tmp_path / f"{tasks[case]}.yml").write_text(yaml.safe_dump(steps), encoding="utf-8")
    routes = [{**stage.route("GitHub", level="Read"), "handler": handler}, stage.route("GitHub", level="Write")]

    run = stage.sweep(routes=routes, max_tasks=len(SAID) + 1)

    came_of = outcomes(run)
    assert {GRANT: "approved", **dict.fromkeys(tasks.values(), "handler_failed")}.items() <= came_of.items()
    why = {outcome["task_id"]: outcome["why"] for outcome in report(run).data["outcomes"]}
    failed = "the handler failed; it may have done a part of the work: "
    assert {case: why[tasks[case]] for case in SAID} == {case: f"{failed}{told}" for case, (_do, told) in SAID.items()}
    assert SECRET not in json.dumps([report(run).data, stage.lines()])
    ended = {line["task"]: line["outcome"] for line in stage.lines()}
    assert ended == {GRANT: "approved", **dict.fromkeys(tasks.values(), "handler_failed")}
    assert not list(stage.locks.iterdir())


def test_a_refusal_that_is_ignored_lets_the_play_go_on_and_does_nothing(stage: FulfilmentEnv) -> None:
    given = {"task": GRANT, "routes": []}
    last, after = stage.under_keywords({"refused": ({}, {"ignore_errors": True}, given)})["refused"]
    assert (last.failed, after.failed, stage.tenant.log()) == (True, False, [])
    assert last.data["facts"]["task_fulfilment_complete"] is False


@pytest.mark.slow
def test_a_run_takes_no_more_than_it_may(stage: FulfilmentEnv) -> None:
    routes = [stage.route("GitHub"), stage.route("Google Workspace", "remove_access", "remove.yml")]

    first = outcomes(stage.sweep(routes=routes, max_tasks=1).succeeded())
    assert sorted(first[task] for task in (GRANT, REMOVAL)) == ["approved", "left_for_later"]
    assert len(stage.decisions()) == 1

    stage.sweep(routes=routes, max_tasks=1).succeeded()
    assert sorted(stage.decisions()) == sorted([GRANT, REMOVAL])
