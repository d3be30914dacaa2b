# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Locks for approval tasks, and the keepers that hold them."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._engine.fulfilment.task_lock import (
    LEASE,
    TaskLockRefused,
    TaskLocks,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.storage.private_file import FileRefused

TASK, OTHER, SINCE = "task-1", "task-2", "2026-06-01T12:00:00+00:00"
_PATIENCE = 20


@dataclass
class Run:
    """A run with the pipe of its results, which is closed when all its processes have ended."""

    locks: TaskLocks
    pipe: list[int]

    def take(self, task: str = TASK) -> str | None:
        return self.locks.take(task, SINCE, self.pipe[0])

    def die(self) -> None:
        os.close(self.pipe.pop())


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[[str], Run]]:
    """Runs that share a folder of locks."""
    runs: list[Run] = []

    def started(name: str) -> Run:
        runs.append(Run(TaskLocks(str(tmp_path / "locks"), name), list(os.pipe())))
        return runs[-1]

    yield started
    for descriptor in (descriptor for one in runs for descriptor in one.pipe):
        os.close(descriptor)


@pytest.fixture
def mine(run: Callable[[str], Run]) -> Run:
    return run("run-1")


def verifying(run: Run) -> str:
    """Take a task up to where it is to be proved, and return the token that the proof must name."""
    assert run.take() is None
    run.locks.enter(TASK, "handler", after="taken", item={"task_id": TASK})
    return run.locks.ask(TASK)


def until_taken(run: Run) -> None:
    deadline = time.monotonic() + _PATIENCE
    while run.take() is not None:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_one_run_at_a_time_has_a_task(mine: Run, run: Callable[[str], Run]) -> None:
    other = run("run-2")
    token = verifying(other)

    assert f"since {SINCE} a run on" in str(mine.take())
    assert mine.take(OTHER) is None
    assert mine.locks.of(TASK) is None
    mine.locks.end(TASK)
    with pytest.raises(TaskLockRefused):
        mine.locks.prove(TASK, token, {})
    assert other.locks.of(TASK)
    other.locks.end(TASK)
    assert mine.take() is None
    lock = mine.locks.of(TASK)
    assert lock and lock.interrupted is None
    assert mine.take() is not None


def test_the_lock_lasts_as_long_as_any_process_of_the_run(mine: Run, run: Callable[[str], Run]) -> None:
    other = run("run-2")
    assert other.take() is None
    worker = os.dup(other.pipe[1])
    other.die()
    # Longer than it takes a keeper to look again.
    time.sleep(2.5)
    assert mine.take() is not None
    os.close(worker)
    until_taken(mine)
    lock = mine.locks.of(TASK)
    assert (lock and lock.phase, other.locks.of(TASK)) == ("taken", None)
    assert f"(process {os.getppid()}) took it at {SINCE}" in str(lock and lock.interrupted)


@pytest.mark.parametrize("age", [0, LEASE + 1])
def test_the_lock_of_another_machine_holds_until_it_expires(mine: Run, tmp_path: Path, age: float) -> None:
    assert mine.take() is None
    file = tmp_path / "locks" / f"{TASK}.json"
    left = {**json.loads(file.read_text()), "machine": "another", "host": "elsewhere"}
    mine.locks.end(TASK)
    file.write_text(json.dumps(left))
    file.chmod(0o600)
    lock = file.with_name(f"{file.name}.lock")
    lock.touch(mode=0o600)
    os.utime(lock, (time.time() - age, time.time() - age))
    holder = mine.take()
    assert (holder is None) == bool(age)
    assert age or "a run on elsewhere" in str(holder)
    assert age or "it expires at" in str(holder)


def test_nothing_is_left_where_nothing_is_taken(mine: Run, tmp_path: Path) -> None:
    mine.locks.check()
    assert not (tmp_path / "locks").exists()
    assert mine.take("../a task") is None
    assert [path.parent for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / "locks"] * 2
    mine.locks.check()
    mine.locks.end("../a task")
    assert not list((tmp_path / "locks").iterdir())


@pytest.mark.parametrize("folder", ["/proc/locks", "/dev/null/locks", "~/.cakewalk", "locks"])
def test_a_folder_that_cannot_keep_locks_is_refused(folder: str) -> None:
    with pytest.raises(FileRefused):
        TaskLocks(folder, "run").check()


def test_a_task_goes_through_its_phases_in_their_order(mine: Run) -> None:
    token = verifying(mine)
    mine.locks.prove(TASK, token, {"observed": "present"})
    lock = mine.locks.enter(TASK, "approve", after="verify")
    assert (lock.item, lock.proof, lock.token) == ({"task_id": TASK}, {"observed": "present"}, None)
    mine.locks.end(TASK)
    assert mine.locks.of(TASK) is None
    for phase in ("taken", "handler", "verify", "approve"):
        with pytest.raises(TaskLockRefused, match="not this run's"):
            mine.locks.enter(TASK, "approve", after=phase)


def test_no_phase_is_left_out(mine: Run) -> None:
    assert mine.take() is None
    with pytest.raises(TaskLockRefused, match="in the phase taken, and should be this run's in the phase handler"):
        mine.locks.ask(TASK)
    with pytest.raises(TaskLockRefused):
        mine.locks.enter(TASK, "approve", after="verify")


@pytest.mark.parametrize("token", ["", "another", "ä"])
def test_a_proof_names_what_was_asked_for(mine: Run, token: str) -> None:
    verifying(mine)
    with pytest.raises(TaskLockRefused, match="no proof is expected for this task now"):
        mine.locks.prove(TASK, token, {})
    lock = mine.locks.of(TASK)
    assert lock
    assert lock.proof is None


def test_a_proof_is_made_while_it_is_asked_for(mine: Run) -> None:
    token = verifying(mine)
    mine.locks.enter(TASK, "unproved", after="verify")
    with pytest.raises(TaskLockRefused):
        mine.locks.prove(TASK, token, {})
    mine.locks.end(TASK)
    assert verifying(mine) != token
    with pytest.raises(TaskLockRefused):
        mine.locks.prove(TASK, token, {})


@pytest.mark.parametrize("text", ["[]", "{", "[" * 100_000, "1", '{"run": 1}'])
def test_a_damaged_file_is_an_error_that_says_what_to_do(mine: Run, tmp_path: Path, text: str) -> None:
    (tmp_path / "locks").mkdir(mode=0o700)
    (tmp_path / "locks" / f"{TASK}.json").write_text(text)
    with pytest.raises(FileRefused, match=r"does not hold the lock of a task.*remove the file"):
        mine.take()
