# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that a time limit or a signal ends: what it wrote is reported, or at least in its journal, and it stops."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playbooks.harness import MEMBERS, Data, Playbooks, play, task
from sandbox.process import Sandbox

pytestmark = pytest.mark.every_core

REMOVE = "removeUserFromGroup"
SALES, CONTRACTORS = "Sales", "Contractors"
#: How long the tenant is watched for writes that should not come any more, in seconds.
_WATCHED = 3
_PATIENCE = 60
Leave = Callable[..., Data]


@pytest.fixture
def leave(tenant: Sandbox, playbooks: Playbooks) -> Leave:
    """Return a task that removes 40 people from a group, which is filled with them."""
    people = [user["email"] for user in tenant.state("users")["users"] if user["status"] == "Active"]
    people = [email for email in people if email != tenant.acting_user and people.count(email) == 1][:40]

    def leave(group: str, **keywords: object) -> Data:
        for email in people:
            tenant.change("add_member", group=group, user=email)
        options = {"group": group, "users": people, "state": "absent", "journal_path": str(journal(playbooks, group))}
        return task(group, MEMBERS, options, ignore_errors=True, **keywords)

    return leave


def journal(playbooks: Playbooks, group: str) -> Path:
    """Return the journal of the task of a group."""
    return playbooks.folder / f"{group}.jsonl"


def recorded(playbooks: Playbooks, group: str, *statuses: str) -> list[str]:
    """Return the paths in the lines of a journal that have these statuses; an empty path for lines without one."""
    # Two lines that are added at once may have an empty line between them.
    lines = map(json.loads, filter(None, journal(playbooks, group).read_text(encoding="utf-8").splitlines()))
    return sorted(line.get("path", "") for line in lines if line["status"] in statuses)


def received(tenant: Sandbox, group: str, *statuses: int) -> list[str]:
    """Return the paths of the removals from a group that the tenant received, or that it answered so."""
    entries = [entry for entry in tenant.log(operation=REMOVE) if not statuses or entry["status"] in statuses]
    return sorted(entry["path"] for entry in entries if tenant.find("groups", group)["id"] in entry["path"])


@pytest.mark.parametrize("way", ["true", pytest.param("false", marks=pytest.mark.slow)])
def test_a_time_limit_loses_no_write_and_lets_no_more_leave(
    playbooks: Playbooks, tenant: Sandbox, leave: Leave, way: str
) -> None:
    reading = {"group": "Engineering", "users": ["owen.onboarding@example.com"], "requests_per_minute": 1}
    plays = play(
        task("reading", MEMBERS, reading, timeout=4, ignore_errors=True),
        leave(SALES),
        # That of an asynchronous task is its own.
        leave(CONTRACTORS, **{"async": 12, "poll": 1}),
    )
    tenant.fault(REMOVE, "slow", count=80, seconds=3)
    start = time.monotonic()
    run = playbooks.run(plays, CAKEWALK_IN_PROCESS=way, ANSIBLE_TASK_TIMEOUT="6").succeeded()
    assert time.monotonic() - start < 50, "it waited until it might send more"
    time.sleep(_WATCHED)

    nothing = run["reading"].data
    assert (nothing["error"], nothing["changed"]) == ({"kind": "cut_off"}, False)
    assert nothing["msg"] == "The time limit of the task ended the run. Nothing was changed."
    for group in (SALES, CONTRACTORS):
        result = run[group]
        assert (result.failed, result.changed) == (True, True), result.data
        assert result.data["error"] == {"kind": "cut_off"}
        done = sorted(step["path"] for step in result.steps["done"])
        assert 0 < len(done) < 40
        assert (len(done) + len(result.steps["pending"]), result.steps["errors"]) == (40, [])
        assert received(tenant, group) == received(tenant, group, 204) == done, "no write leaves after the result"
        assert recorded(playbooks, group, "sending") == recorded(playbooks, group, "done") == done
        assert len(recorded(playbooks, group, "not_tried")) == 40 - len(done)
        assert recorded(playbooks, group, "cut_off") == [""]


def processes_of(playbooks: Playbooks) -> list[int]:
    """Return the process of ansible-playbook, and that of its task."""
    listed = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,ppid=,args="], stdout=subprocess.PIPE, text=True, check=True
    )
    rows = [line.split(None, 2) for line in listed.stdout.splitlines()]
    parents = {int(pid): int(parent) for pid, parent, args in rows if f"{playbooks.folder}/input/playbook" in args}
    (main,) = (pid for pid, parent in parents.items() if parent not in parents)
    return [main, *(pid for pid, parent in parents.items() if parent == main)]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("victim", [0, 1], ids=["ansible-playbook", "its worker"])
@pytest.mark.parametrize("way", ["true", "false"])
def test_a_signal_loses_no_write(
    playbooks: Playbooks, tenant: Sandbox, leave: Leave, way: str, victim: int, number: int
) -> None:
    plays = play(leave(SALES))
    tenant.fault(REMOVE, "slow", count=40, seconds=0.3)
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(playbooks.run, plays, CAKEWALK_IN_PROCESS=way)
        end = time.monotonic() + _PATIENCE
        while len(received(tenant, SALES)) < 9:
            assert time.monotonic() < end
        os.kill(processes_of(playbooks)[victim], number)
        assert run.result().status != 0
    time.sleep(_WATCHED)
    log = received(tenant, SALES)
    assert set(log) <= set(recorded(playbooks, SALES, "sending"))
    assert set(recorded(playbooks, SALES, "done")) <= set(received(tenant, SALES, 204))
    if way == "true":
        # A process of its own does not notice that nobody waits for it.
        assert len(log) <= 24, "no write leaves after Ansible has ended"
    again = playbooks.run(play(leave(SALES)), "--check").succeeded()
    has_ended = recorded(playbooks, SALES, "ended", "cut_off") == [""]
    assert [warning.startswith("An earlier run did not end") for warning in again[SALES].warnings] == [True] * (
        not has_ended
    )
