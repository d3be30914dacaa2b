# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Locks for approval tasks, and the processes that hold them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._engine.fulfilment.processes import Process
from ansible_collections.cakewalk.access.plugins.module_utils._engine.fulfilment.task_lock import (
    TaskLockRefused,
    TaskLocks,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.storage.private_file import FileRefused

TASK, OTHER, SINCE = "task-1", "task-2", "2026-06-01T12:00:00+00:00"


@pytest.fixture
def other() -> Iterator[Process]:
    """Another process, which runs."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        found = Process.running(child.pid)
        assert found
        yield found


def of(owner: Process, folder: Path, run: str = "run-1") -> TaskLocks:
    return TaskLocks(str(folder / "turns"), owner, run)


@pytest.fixture
def mine(tmp_path: Path) -> TaskLocks:
    """The locks of this process."""
    owner = Process.running(os.getpid())
    assert owner
    return of(owner, tmp_path)


def verifying(locks: TaskLocks) -> str:
    """Take a task up to where it is to be proved, and return the token that the proof must name."""
    assert locks.take(TASK, SINCE)
    locks.enter(TASK, "handler", after="taken", item={"task_id": TASK})
    return locks.ask(TASK)


def test_a_process_is_told_from_others_and_from_those_that_had_its_number(other: Process) -> None:
    assert other.is_running
    assert not other.is_elsewhere
    others = (replace(other, pid=os.getpid()), replace(other, started="1"), replace(other, boot="another"))
    assert not any(one.is_running for one in others)
    away = replace(other, host="elsewhere")
    assert away.is_elsewhere
    assert not away.is_running


def test_a_process_that_ended_runs_no_more() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        found = Process.running(child.pid)
    assert found
    assert not found.is_running
    assert Process.running(child.pid) is None


def test_a_process_that_was_killed_runs_no_more_even_where_nobody_takes_note() -> None:
    """In containers often nothing waits for orphans, which then keep their number for ever."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        found = Process.running(child.pid)
        assert found
        assert found.is_running
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert not found.is_running
        assert Process.running(child.pid) is None


def test_one_run_at_a_time_has_a_task(mine: TaskLocks, tmp_path: Path, other: Process) -> None:
    assert of(other, tmp_path).take(TASK, SINCE)

    assert not mine.take(TASK, SINCE)
    assert mine.take(OTHER, SINCE)
    assert mine.of(TASK) is None
    mine.end(TASK)
    assert of(other, tmp_path).of(TASK)
    of(other, tmp_path).end(TASK)
    assert mine.take(TASK, SINCE)
    assert not mine.take(TASK, SINCE)


def test_runs_of_the_same_process_are_told_apart(mine: TaskLocks, tmp_path: Path) -> None:
    """As those of two hosts in one play are."""
    token, another = verifying(mine), of(mine.owner, tmp_path, "run-2")
    assert not another.take(TASK, SINCE)
    assert another.of(TASK) is None
    another.end(TASK)
    with pytest.raises(TaskLockRefused):
        another.prove(TASK, token, {})
    assert mine.of(TASK)


def test_the_turn_of_a_process_that_ended_is_over(mine: TaskLocks, tmp_path: Path, other: Process) -> None:
    assert of(replace(other, started="1"), tmp_path).take(TASK, SINCE)
    assert mine.take(TASK, SINCE)


def test_what_a_run_elsewhere_has_is_not_taken_and_not_forgotten(
    mine: TaskLocks, tmp_path: Path, other: Process
) -> None:
    assert of(replace(other, host="elsewhere"), tmp_path).take(TASK, SINCE)
    assert mine.take(OTHER, SINCE)
    with pytest.raises(TaskLockRefused, match=r"since 2026-06-01.* on the machine elsewhere .*remove .*turns\.json"):
        mine.take(TASK, SINCE)


def test_a_task_goes_through_its_phases_in_their_order(mine: TaskLocks) -> None:
    token = verifying(mine)
    mine.prove(TASK, token, {"observed": "present"})
    lock = mine.enter(TASK, "approve", after="verify")
    assert (lock.item, lock.proof, lock.token) == ({"task_id": TASK}, {"observed": "present"}, None)
    mine.end(TASK)
    assert mine.of(TASK) is None
    for phase in ("taken", "handler", "verify", "approve"):
        with pytest.raises(TaskLockRefused, match="not this run's"):
            mine.enter(TASK, "approve", after=phase)


def test_the_file_stays_as_other_versions_of_the_collection_read_it(mine: TaskLocks, tmp_path: Path) -> None:
    token = verifying(mine)
    written = json.loads((tmp_path / "turns" / "turns.json").read_text())
    assert written == {
        TASK: {
            "owner": asdict(mine.owner),
            "run": "run-1",
            "since": SINCE,
            "phase": "verify",
            "item": {"task_id": TASK},
            "route": None,
            "proof": None,
            "nonce": token,
        }
    }


def test_no_phase_is_left_out(mine: TaskLocks) -> None:
    assert mine.take(TASK, SINCE)
    with pytest.raises(TaskLockRefused, match="in the phase taken, and should be this run's in the phase handler"):
        mine.ask(TASK)
    with pytest.raises(TaskLockRefused):
        mine.enter(TASK, "approve", after="verify")


@pytest.mark.parametrize("token", ["", "another", "ä"])
def test_a_proof_names_what_was_asked_for(mine: TaskLocks, token: str) -> None:
    verifying(mine)
    with pytest.raises(TaskLockRefused, match="not the one that a proof is asked for"):
        mine.prove(TASK, token, {})
    lock = mine.of(TASK)
    assert lock
    assert lock.proof is None


def test_a_proof_is_made_by_the_run_that_asked_and_while_it_asks(
    mine: TaskLocks, tmp_path: Path, other: Process
) -> None:
    token = verifying(mine)
    with pytest.raises(TaskLockRefused):
        of(other, tmp_path).prove(TASK, token, {})
    mine.enter(TASK, "unproved", after="verify")
    with pytest.raises(TaskLockRefused):
        mine.prove(TASK, token, {})
    mine.end(TASK)
    assert verifying(mine) != token
    with pytest.raises(TaskLockRefused):
        mine.prove(TASK, token, {})


@pytest.mark.parametrize(
    "text", ["[]", "{", "[" * 100_000, '{"task-1": 1}', '{"task-1": {"owner": {}}}', '{"task-1": {}}']
)
def test_a_damaged_file_is_an_error_that_says_what_to_do(mine: TaskLocks, tmp_path: Path, text: str) -> None:
    (tmp_path / "turns").mkdir(mode=0o700)
    (tmp_path / "turns" / "turns.json").write_text(text)
    with pytest.raises(FileRefused, match=r"does not hold turns of tasks.*remove the file"):
        mine.take(TASK, SINCE)
