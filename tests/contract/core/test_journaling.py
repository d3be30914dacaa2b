# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal of runs that are killed, refused, or have no room for lines, held against what the tenant received."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api import catalog
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._api.operations import Resource
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.apply import apply
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.plan import (
    ApplyFailed,
    ApplyInterrupted,
    Plan,
    StepStatus,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.storage.journal import RunJournal
from contract.fixtures import CONFIRM_DELAYS, leavers, planned, task
from sandbox.known import task_id
from sandbox.process import Sandbox

REMOVE = "removeUserFromGroup"
WRITES = 6
Clients = Callable[..., Client]
_FORK = multiprocessing.get_context("fork")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The journal."""
    return tmp_path / "journal"


def plan_of(tenant: Sandbox, client: Client, **changes: Any) -> Plan:
    """Return a plan of removals."""
    people = leavers(tenant, "Engineering", WRITES)
    plan = planned(client, task(tenant, group="Engineering", users=people, state="absent"))
    return replace(plan, **changes)


def journaled(path: Path, plan: Plan, client: Client) -> Any:
    """Apply a plan with a journal, and return its result, that of a failure, too."""
    journal = RunJournal(str(path), module="m")
    with journal.opened(is_dry_run=False):
        try:
            return apply(plan, client, CONFIRM_DELAYS, journal)
        except (ApplyFailed, ApplyInterrupted) as error:
            return error.result


def lines(path: Path) -> list[dict[str, Any]]:
    """Return the whole lines of the journal."""
    whole = []
    for line in path.read_text().splitlines():
        with suppress(ValueError):
            whole.append(json.loads(line))
    return whole


def paths(path: Path, *statuses: str) -> list[str]:
    """Return the paths of the writes with these statuses in the journal."""
    return sorted(line["path"] for line in lines(path) if line["status"] in statuses and "path" in line)


def received(tenant: Sandbox, *statuses: int) -> list[str]:
    """Return the paths of the writes that the tenant received, all or those that it answered with these statuses."""
    log = [entry for entry in tenant.log() if entry["method"] != "GET"]
    return sorted(entry["path"] for entry in log if not statuses or entry["status"] in statuses)


def in_child(job: Callable[[], object]) -> Any:
    """Start a process of its own that does a job."""
    child = _FORK.Process(target=job)
    child.start()
    return child


@pytest.mark.parametrize("concurrency", [1, 3])
def test_a_run_that_is_killed_at_any_write_has_recorded_each_write_that_left(
    tenant: Sandbox, connect: Clients, tmp_path: Path, concurrency: int
) -> None:
    for number in range(1, WRITES + 1):
        tenant.reset()
        client, path = connect(concurrency=concurrency), tmp_path / f"journal-{number}"
        plan = plan_of(tenant, client)
        tenant.fault(REMOVE, "slow", count=WRITES, seconds=0.05, after=bool(number % 2))
        child = in_child(partial(journaled, path, plan, client))
        while len(received(tenant)) < number:
            time.sleep(0.005)
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        time.sleep(0.1)
        log = received(tenant)
        assert set(log) <= set(paths(path, "sending")), number
        assert set(paths(path, "done")) <= set(received(tenant, 204)), number
        assert len(log) < number + concurrency, "a write leaves when it is recorded, not all at once"
        unsettled = len(paths(path, "sending")) - len(paths(path, "done"))
        for told in ([1], []):
            with RunJournal(str(path)).opened(is_dry_run=False) as warnings:
                assert [1] * len(warnings) == told
                assert sum(warning.count("remove ") for warning in warnings) == (unsettled if told else 0)


@pytest.mark.parametrize("carries_on", [True, False])
def test_each_write_has_an_outcome_and_the_run_an_end(
    tenant: Sandbox, connect: Clients, path: Path, carries_on: bool
) -> None:
    client = connect(concurrency=1, max_retries=0)
    plan = plan_of(tenant, client, carries_on=carries_on)
    tenant.fault(REMOVE, "drop_before", skip=1)
    tenant.fault(REMOVE, 429, skip=2)
    result = journaled(path, plan, client)
    assert received(tenant) == paths(path, "sending")
    assert received(tenant, 204) == paths(path, "done")
    outcomes = [line["status"] for line in lines(path) if line["status"] != "sending"]
    tried = ["done", "unknown", "done", "refused"] if carries_on else ["done", "unknown"]
    untried = ["not_tried"] * (WRITES - len(tried))
    # What a read has to decide is known after the writes that need no read.
    assert sorted(outcomes) == sorted(["begun", *tried, *untried, "ended"])
    assert (outcomes[0], outcomes[-1], lines(path)[-1]["changed"]) == ("begun", "ended", True)
    assert len(result.having(StepStatus.PENDING)) == len(untried)


@pytest.mark.parametrize("carries_on", [True, False])
@pytest.mark.parametrize("concurrency", [1, 3])
def test_where_a_line_has_no_room_nothing_more_is_sent_and_what_was_done_is_told(
    tenant: Sandbox, connect: Clients, tmp_path: Path, concurrency: int, carries_on: bool
) -> None:
    whole = tmp_path / "whole"
    client = connect(concurrency=1)
    journaled(whole, plan_of(tenant, client), client)
    room = [0]
    for line in whole.read_bytes().splitlines(keepends=True)[:-1]:
        room.append(room[-1] + len(line))
    results = _FORK.SimpleQueue()
    # One byte less than a line needs: before each line of the run, and within it.
    for number, size in enumerate(room):
        tenant.reset()
        path = tmp_path / f"journal-{number}"
        client = connect(concurrency=concurrency)
        plan = plan_of(tenant, client, carries_on=carries_on)

        def run(path: Path = path, plan: Plan = plan, client: Client = client, size: int = size) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, size + 20))
            results.put([(step.status.value, step.step.path) for step in journaled(path, plan, client).steps])

        tenant.clear_log()
        child = in_child(run)
        child.join(30)
        assert child.exitcode == 0
        steps = results.get()
        done = sorted(where for status, where in steps if status == "done")
        assert received(tenant) == received(tenant, 204) == done, "what was done is told"
        assert set(done) <= set(paths(path, "sending"))
        if concurrency == 1:
            assert len(done) == min(max(number - 1, 0), WRITES), "nothing is sent that has no line"
            assert ("errors" in dict(steps)) is (1 <= number <= WRITES)


@dataclass(frozen=True)
class Mode:
    """A precondition that always holds, and first sets the mode of a file."""

    resource: Resource
    path: Path
    mode: int

    def violations(self, _record: Any) -> dict[str, Any]:
        """Return none."""
        self.path.chmod(self.mode)
        return {}


def test_nothing_is_sent_after_a_line_that_failed_although_the_next_would_not(
    tenant: Sandbox, connect: Clients, path: Path
) -> None:
    client = connect(concurrency=1)
    plan = plan_of(tenant, client, carries_on=True)
    record = catalog.task(task_id("action"))
    modes = [Mode(record, path, mode) for mode in (0o600, 0o666, *[0o600] * 4)]
    guarded = [replace(step, precondition=mode) for step, mode in zip(plan.steps, modes, strict=True)]
    result = journaled(path, replace(plan, steps=tuple(guarded)), client)
    assert [step.status.value for step in result.steps] == ["done", "errors", *["pending"] * 4]
    assert len(received(tenant)) == 1


def test_nothing_is_sent_where_the_journal_cannot_be_begun(tenant: Sandbox, client: Client, path: Path) -> None:
    plan = plan_of(tenant, client)
    journal = RunJournal(str(path), module="m")
    with journal.opened(is_dry_run=False):
        path.unlink()
        path.mkdir()
        with pytest.raises(ApplyFailed, match="the journal") as caught:
            apply(plan, client, CONFIRM_DELAYS, journal)
    assert received(tenant) == []
    assert len(caught.value.result.having(StepStatus.PENDING)) == WRITES


def test_a_run_that_ansible_no_longer_waits_for_sends_nothing_more(
    tenant: Sandbox, connect: Clients, path: Path
) -> None:
    client = connect(concurrency=2)
    plan = plan_of(tenant, client)
    tenant.fault(REMOVE, "slow", count=WRITES, seconds=0.3)

    def ansible() -> None:
        in_child(lambda: journaled(path, plan, client)).join()

    parent = in_child(ansible)
    while len(received(tenant)) < 2:
        time.sleep(0.01)
    os.kill(parent.pid, signal.SIGKILL)
    parent.join()
    while not path.exists() or lines(path)[-1]["status"] not in ("ended", "cut_off"):
        time.sleep(0.02)
    assert (len(received(tenant)), lines(path)[-1]["status"]) == (2, "cut_off")
    assert received(tenant, 204) == paths(path, "done")
    assert len(paths(path, "not_tried")) == WRITES - 2
