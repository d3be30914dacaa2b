# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run of a role is killed or cut off at any of its writes: the journal shows them, and the next run finishes it."""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from events.killing import below, kill
from events.sources import until
from playbooks.harness import Data, Playbooks, Run
from roles.people import CONNOR, ERIN, OWEN, SALLY, Staff, stays
from sandbox.process import Sandbox

_LIMIT, _PATIENCE = 5, 120
#: How a run ends, and for how long the tenant holds its request: a signal for all of its processes at once, one for
#: ansible-playbook, or the time limit of the task.
ENDS = {"SIGKILL": 3, "SIGTERM": 3, "time limit": 7}
_ALONE = "SIGKILL of ansible-playbook alone"


@dataclass(frozen=True)
class Job:
    """A role with something to do.

    :param options: without their prefix, from the folder that the run may write to.
    :param journal: the name of the journal in this folder.
    :param writes: how many of each operation.
    :param reading: an operation by which it reads before its first write.
    :param is_done: returns whether all is as wanted, from the tenant.
    :param changes: what changes in the tenant before.
    """

    options: Callable[[Path], Data]
    journal: str
    writes: dict[str, int]
    reading: str
    is_done: Callable[[Sandbox], bool]
    changes: tuple[Data, ...] = ()


def _members(tenant: Sandbox, group: str) -> set[str]:
    (found,) = [row for row in tenant.state("groups")["groups"] if row["name"] == group]
    users = {user["id"]: user["email"] for user in tenant.state("users")["users"]}
    return {users[member] for member in found["members"]}


def _code(folder: Path) -> Data:
    return {
        "mode": "apply",
        "folder": str(folder.parent / "code"),
        "purpose": "As the code says",
        "enforce": "on_change",
        "ledger_path": str(folder / "ledger.json"),
        "record_path": str(folder / "journal.jsonl"),
        "inverse_path": str(folder / "inverse.yml"),
    }


#: The code of all sections, in which each has something to do.
CODE: Data = {
    "groups": [{"group": "Contractors", "members": [ERIN], "absent": [CONNOR]}],
    "accesses": [
        {"app": "GitHub", "permission_level": "Read", "users": [CONNOR]},
        {"app": "Google Workspace", "users": [SALLY], "state": "absent"},
    ],
    "custom_fields": [{"app": "Figma", "fields": {"Cost Center": "0815"}}],
    "policies": [
        {"app": "GitHub", "permission_level": "Admin", "request_type": "grant_access", "policy": "Two approvals"}
    ],
}
JOBS = {
    "leaver": Job(
        lambda folder: {
            "user": ERIN,
            "confirm": ERIN,
            "proof_dir": str(folder),
            "wait_timeout": 0,
            "fail_on_left": False,
            "max_removal_percent": 100,
        },
        "writes.jsonl",
        {"removeUserFromGroup": 3, "createRemoveAccessRequest": 2},
        "listWorkAppAccesses",
        lambda tenant: stays(tenant, ERIN)["groups"] == [],
        (
            {"change": "remove_member", "group": "Okta Everyone", "user": ERIN},
            {"change": "add_member", "group": "Contractors", "user": ERIN},
            {"change": "add_member", "group": "Sales", "user": ERIN},
        ),
    ),
    "joiner": Job(
        lambda folder: {
            "user": OWEN,
            "groups": ["Engineering", "Sales"],
            "accesses": "Orphan Wiki\nAWS: ReadOnly",
            "record_path": str(folder / "journal.jsonl"),
        },
        "journal.jsonl",
        {"addUsersToGroup": 2, "createGrantAccessRequest": 2},
        "listUsersGroupDefaultWorkApps",
        lambda tenant: stays(tenant, OWEN)["groups"] == ["Engineering", "Sales"],
    ),
    "mover": Job(
        lambda folder: {
            "user": ERIN,
            "joins": ["Sales", "Contractors"],
            "leaves": ["Engineering"],
            "wait": False,
            "record_path": str(folder / "journal.jsonl"),
        },
        "journal.jsonl",
        {"addUsersToGroup": 2, "removeUserFromGroup": 1},
        "listUsersGroupDefaultWorkApps",
        lambda tenant: stays(tenant, ERIN)["groups"] == ["Contractors", "Okta Everyone", "Sales"],
    ),
    "access_as_code": Job(
        _code,
        "journal.jsonl",
        dict.fromkeys(
            (
                *("addUsersToGroup", "removeUserFromGroup", "createGrantAccessRequest", "createRemoveAccessRequest"),
                *("updateWorkAppCustomFields", "setPermissionLevelPolicy"),
            ),
            1,
        ),
        "listUsersGroupUsers",
        lambda tenant: ERIN in (there := _members(tenant, "Contractors")) and CONNOR not in there,
    ),
}


class Rehearsed(Staff):
    """A role that is run again and again; for access as code, each run is planned before."""

    def go(self, environment: Data | None = None, **given: Any) -> Run:
        """Run the role."""
        if self.role == "access_as_code":
            given["plan_hash"] = self.hash(**given)
        return self.run(**given, environment=environment)

    def hash(self, **given: Any) -> str:
        """Return the hash of the plan."""
        without = {name: value for name, value in given.items() if name not in ("record_path", "inverse_path")}
        planned = self.run(**{**without, "mode": "plan"}).succeeded()
        (plan,) = [result.data["plan_hash"] for result in planned.results if "plan_hash" in result.data]
        return str(plan)


def _write_code(tenant: Sandbox, folder: Path) -> None:
    folder.mkdir()
    anchors = sorted(app["id"] for app in tenant.state("apps")["apps"])[:1]
    (folder / "tenant.yml").write_text(yaml.safe_dump({"tenant": {"anchors": anchors}, **CODE}), encoding="utf-8")


def _ended(staff: Rehearsed, end: str, fault: Data, given: Data) -> Run:
    """Run the role, which is ended while the tenant holds a request back, and return the run."""
    environment = {"CAKEWALK_CONCURRENCY": "1"}
    if end == "time limit":
        environment["ANSIBLE_TASK_TIMEOUT"] = str(_LIMIT)
    with ThreadPoolExecutor(1) as pool:
        if staff.role == "access_as_code":
            given = {**given, "plan_hash": staff.hash(**given)}
        staff.tenant.clear_log()
        staff.tenant.fault(**fault)
        run = pool.submit(staff.run, **given, environment=environment)
        until(lambda: not staff.tenant.faults(), _PATIENCE)
        main = next((pid for pid in below(os.getpid()) if _is_ansible(pid)), 0)
        if end == "SIGKILL":
            kill(main)
        elif end != "time limit":
            os.kill(main, signal.SIGTERM if end == "SIGTERM" else signal.SIGKILL)
        assert run.result().status != 0
    return run.result()


def _is_ansible(pid: int) -> bool:
    try:
        return b"ansible-playbook" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _lines(journal: Path) -> list[Data]:
    if not journal.exists():
        return []
    return [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines() if line]


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True], ids=["before it is carried out", "after it is carried out"])
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("role", JOBS)
def test_a_run_that_ends_at_any_write_leaves_a_journal_and_the_next_finishes_it(
    playbooks: Playbooks, tenant: Sandbox, tmp_path: Path, role: str, end: str, after: bool
) -> None:
    job, staff = JOBS[role], Rehearsed(role, tenant, playbooks)
    _write_code(tenant, tmp_path / "code")
    moments = [(operation, number) for operation, count in job.writes.items() for number in range(count)]
    for operation, number in [*moments, *([] if after else [(job.reading, 0)])]:
        tenant.reset()
        for change in job.changes:
            tenant.change(**change)
        asked_before = _requests(tenant)
        folder = tmp_path / f"{operation}-{number}"
        fault = {"operation": operation, "kind": "slow", "seconds": ENDS[end], "skip": number, "after": after}

        run = _ended(staff, end, fault, given := job.options(folder))

        lines = _lines(folder / job.journal)
        # Until then, the service may carry out what it held back.
        time.sleep(1 if after else ENDS[end])
        assert _lines(folder / job.journal) == lines, "nothing goes on"
        received = Counter(staff.written())
        sending = Counter((line["method"], line["path"]) for line in lines if line["status"] == "sending")
        done = Counter((line["method"], line["path"]) for line in lines if line["status"] == "done")
        assert (operation, number, received - sending, done - received) == (operation, number, Counter(), Counter())
        if operation == job.reading:
            assert (sending, received) == (Counter(), Counter())
        if end == "time limit":
            _tells_no_lie(run, role, done)
        if role == "leaver" and lines:
            (proof,) = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("leaver-*.json")]
            assert proof["complete"] is False
        if role == "access_as_code" and lines:
            assert yaml.safe_load((folder / "inverse.yml").read_text(encoding="utf-8"))["tenant"]["anchors"]

        again = staff.go(**given).succeeded()

        is_unended = bool(lines) and lines[-1]["status"] not in ("ended", "cut_off")
        assert any("did not end" in warning for warning in again.warned_of()) == is_unended
        assert (operation, number, job.is_done(tenant)) == (operation, number, True)
        asked = _requests(tenant) - asked_before
        assert set(asked.values()) == ({1} if asked else set())
        assert sum(asked.values()) >= sum(count for name, count in job.writes.items() if name.startswith("create"))
    tenant.clear_log()
    assert not any("did not end" in warning for warning in staff.go(**given).succeeded().warned_of())
    assert staff.written() == []


@pytest.mark.slow
def test_a_run_that_reads_while_ansible_playbook_ends_writes_nothing(
    playbooks: Playbooks, tenant: Sandbox, tmp_path: Path
) -> None:
    _write_code(tenant, tmp_path / "code")
    for role, job in JOBS.items():
        tenant.reset()
        for change in job.changes:
            tenant.change(**change)
        staff, folder = Rehearsed(role, tenant, playbooks), tmp_path / role
        _ended(staff, _ALONE, {"operation": job.reading, "kind": "slow", "seconds": 3}, job.options(folder))
        time.sleep(3)
        sending = [line for line in _lines(folder / job.journal) if line["status"] == "sending"]
        assert (role, staff.written(), sending) == (role, [], [])


def _tells_no_lie(run: Run, role: str, done: Counter[tuple[str, str]]) -> None:
    """Hold that the result of a run that a time limit ended lists what the journal lists."""
    (failed,) = [result for result in run.results if result.failed]
    assert failed.data["error"]["kind"] == "cut_off"
    assert Counter((step["method"], step["path"]) for step in failed.steps["done"]) == done
    assert failed.changed is bool(done)
    published = [result.data["ansible_stats"]["data"] for result in run.results if "ansible_stats" in result.data]
    assert published[-1][f"{role}_complete"] is False


def _requests(tenant: Sandbox) -> Counter[tuple[str, str, str]]:
    rows = tenant.state("requests")["requests"]
    return Counter((row["type"], row["app_id"], row["target_id"]) for row in rows)
