# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of the role are killed, or lose the network, at each point, and one sweep makes up for all of them.

C(test_closed_loop.py) does the same to ansible-rulebook, for the points before a run begins.
"""

from __future__ import annotations

import fcntl
import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from events.killing import kill
from events.sources import until
from roles.fulfilment_env import FulfilmentEnv, outcomes
from sandbox.known import task_id

PETRA, GRANT = "petra.pending@example.com", task_id("action")

#: For how long the service keeps a run waiting that is to be killed meanwhile, in seconds.
_HELD = 10
_PATIENCE = 60
#: A run reads a task when it looks for it, takes it, rehearses its approval, plans it, directly before, and after it.
_TAKEN, _DIRECTLY_BEFORE, _AFTER = 1, 4, 5


@dataclass(frozen=True)
class Point:
    """What ends a run at a point, and how things stand then.

    :param end: ends a run that is at this task.
    :param recorded: the last line of the record about the task.
    :param is_approved: whether the service has the approval.
    :param works: how often the handler worked in the end.
    """

    end: Callable[[FulfilmentEnv, str], None]
    recorded: str
    is_approved: bool = False
    works: int = 2


def killed_by(**parts: str) -> Callable[[FulfilmentEnv, str], None]:
    """Have a part of the route kill the run."""

    def end(stage: FulfilmentEnv, task: str) -> None:
        assert stage.run(routes=[stage.route("GitHub", **parts)], task=task).status == -signal.SIGKILL

    return end


def killed_while(operation: str, **fault: int | bool) -> Callable[[FulfilmentEnv, str], None]:
    """Kill the run, and all that it started, while the service keeps a request waiting, before or after doing it."""

    def end(stage: FulfilmentEnv, task: str) -> None:
        stage.tenant.fault(operation, "slow", seconds=_HELD, **fault)
        with ThreadPoolExecutor(1) as pool:
            run = pool.submit(stage.run, routes=[stage.route("GitHub")], task=task)
            until(lambda: not stage.tenant.faults(), _PATIENCE)
            until(lambda: not fault.get("after") or stage.status(task) == "Approved")
            kill(stage.lock(task)["pid"])
            assert run.result().status == -signal.SIGKILL

    return end


def cut_off(*faults: tuple[str, str, int, int]) -> Callable[[FulfilmentEnv, str], None]:
    """Have connections fail: the operation, how, how many of these requests still get through, how many then fail."""

    def end(stage: FulfilmentEnv, task: str) -> None:
        for operation, kind, skip, count in faults:
            stage.tenant.fault(operation, kind, skip=skip, count=count)
        run = stage.run(routes=[stage.route("GitHub")], task=task, environment={"CAKEWALK_MAX_RETRIES": "0"})
        assert (run.status, stage.tenant.faults()) == (2, [])

    return end


POINTS = {
    "in the handler, before its work": Point(killed_by(handler="kill.yml"), "begun", works=1),
    "in the handler, after its work": Point(killed_by(handler="grant_and_kill.yml"), "begun"),
    "in verify, before the proof": Point(killed_by(verify="kill.yml"), "begun"),
    "in verify, after the proof": Point(killed_by(verify="verify_and_kill.yml"), "begun"),
    "directly before the approval": Point(killed_while("getTask", skip=_DIRECTLY_BEFORE), "verified"),
    "after the approval was sent, before its answer": Point(
        killed_while("approveTask", after=True), "verified", is_approved=True, works=1
    ),
    "after the answer, before the record is closed": Point(
        killed_while("getTask", skip=_AFTER), "verified", is_approved=True, works=1
    ),
    "no network when the task is taken": Point(cut_off(("getTask", "drop_before", _TAKEN, 1)), "not_begun", works=1),
    "no network when the approval is sent": Point(cut_off(("approveTask", "drop_before", 0, 1)), "approval_failed"),
    "no network from the approval's answer on": Point(
        cut_off(("approveTask", "drop_after", 0, 1), ("getTask", "drop_before", _AFTER, 1)),
        "approval_failed",
        is_approved=True,
        works=1,
    ),
}


@pytest.mark.slow
def test_whatever_ends_a_run_one_sweep_makes_up_for_it(stage: FulfilmentEnv) -> None:
    people = dict(zip(POINTS, (user["email"] for user in stage.strangers("GitHub")), strict=False))
    tasks = {name: stage.task(people[name], "GitHub", level="Write") for name in POINTS}
    for name, point in POINTS.items():
        point.end(stage, tasks[name])
        last = [line["outcome"] for line in stage.lines() if line["task"] == tasks[name]][-1]
        is_approved = stage.status(tasks[name]) == "Approved"
        assert (name, last, is_approved) == (name, point.recorded, point.is_approved)
        assert stage.unproved() == []

    run = stage.sweep(routes=[stage.route("GitHub")], max_tasks=2 * len(POINTS)).succeeded()

    came_of = outcomes(run)
    assert {name: came_of.get(tasks[name]) for name in POINTS} == {
        name: None if point.is_approved else "approved" for name, point in POINTS.items()
    }
    assert {name: stage.status(tasks[name]) for name in POINTS} == dict.fromkeys(POINTS, "Approved")
    assert Counter(stage.approvals()) == dict.fromkeys([GRANT, *tasks.values()], 1)
    assert stage.unproved() == []
    write = stage.ids["level_id"]["GitHub"]["Write"]
    assert stage.accounts() == dict.fromkeys([PETRA, *people.values()], write)
    worked = Counter(user for _verb, user in stage.calls())
    assert {name: worked[people[name]] for name in POINTS} == {name: point.works for name, point in POINTS.items()}


@pytest.mark.slow
def test_a_handler_that_outlives_its_run_keeps_the_task_to_itself(stage: FulfilmentEnv) -> None:
    """What the handler returns to nobody is more than a pipe holds, which must not keep the task for ever."""
    enough = Path(f"{stage.database}.enough")
    route = stage.route("GitHub")
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(stage.run, routes=[stage.route("GitHub", handler="wait.yml")], task=GRANT)
        until(lambda: stage.record.exists() and [line["outcome"] for line in stage.lines()] == ["begun"], _PATIENCE)
        time.sleep(1)
        os.kill(stage.lock(GRANT)["pid"], signal.SIGKILL)

        assert outcomes(stage.run(routes=[route], task=GRANT).succeeded()) == {GRANT: "locked"}
        assert stage.calls() == []

        # Before ansible-core 2.19, the worker has the output of the run, so that this ends only now.
        enough.touch()
        assert run.result().status == -signal.SIGKILL

    until(lambda: not held(stage.locks / f"{GRANT}.json.lock"), _PATIENCE)
    assert outcomes(stage.run(routes=[route], task=GRANT).succeeded()) == {GRANT: "approved"}
    assert stage.calls() == [("grant", PETRA)]
    assert not list(stage.locks.iterdir())


def held(lock: Path) -> bool:
    """Return whether a process has a lock."""
    with lock.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
