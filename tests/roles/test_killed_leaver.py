# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run of a role that is killed at any of its writes: the journal shows them, and the next run makes up for it."""

from __future__ import annotations

import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from events.killing import below, kill
from events.sources import until
from playbooks.harness import Data, Playbooks
from roles.people import ERIN, Staff, stays
from sandbox.process import Sandbox

_HELD, _PATIENCE = 5, 60
#: The writes of a leaver who is in three groups and has access to two apps.
_WRITES = [("removeUserFromGroup", number) for number in range(3)]
_WRITES += [("createRemoveAccessRequest", number) for number in range(2)]


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True], ids=["before it is carried out", "after it is carried out"])
@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM], ids=lambda sent: sent.name)
def test_a_leaver_who_is_killed_at_any_write_leaves_a_journal_and_a_proof(
    playbooks: Playbooks, tenant: Sandbox, tmp_path: Path, sent: signal.Signals, after: bool
) -> None:
    leaver = Staff("leaver", tenant, playbooks)
    for operation, number in _WRITES:
        tenant.reset()
        tenant.change("remove_member", group="Okta Everyone", user=ERIN)
        for group in ("Contractors", "Sales"):
            tenant.change("add_member", group=group, user=ERIN)
        folder = tmp_path / f"{operation}-{number}"
        given = {"user": ERIN, "confirm": ERIN, "proof_dir": str(folder), "wait_timeout": 0, "fail_on_left": False}
        given |= {"max_removal_percent": 100}
        tenant.clear_log()
        tenant.fault(operation, "slow", seconds=_HELD, skip=number, after=after)
        with ThreadPoolExecutor(1) as pool:
            run = pool.submit(leaver.run, **given, environment={"CAKEWALK_CONCURRENCY": "1"})
            until(lambda: not tenant.faults(), _PATIENCE)
            _end(sent)
            assert run.result().status != 0
        received = [path for _method, path in leaver.written()]
        lines = _lines(folder)
        sending = [line["path"] for line in lines if line["status"] == "sending"]
        done = [line["path"] for line in lines if line["status"] == "done"]
        assert sorted(received) <= sorted(sending)
        assert set(done) <= set(received)
        (proof,) = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("leaver-*.json")]
        assert proof["complete"] is False

        again = leaver.run(**given).succeeded()
        is_unended = lines[-1]["status"] != "cut_off"
        assert any("did not end" in warning for warning in again.warned_of()) == is_unended
        assert not any("did not end" in warning for warning in leaver.run(**given).succeeded().warned_of())
        assert stays(tenant, ERIN)["groups"] == []
        requests = [row for row in tenant.state("requests")["requests"] if row["type"] == "RemoveAccessRequest"]
        erin = tenant.find("users", ERIN)["id"]
        asked = [row["app_id"] for row in requests if row["target_id"] == erin]
        assert len(asked) == len(set(asked)) == 2


def _end(sent: signal.Signals) -> None:
    """End the run: all of it at once, or as an operator who stops ansible-playbook."""
    (main,) = [pid for pid in below(os.getpid()) if _is_ansible(pid)][:1]
    if sent is signal.SIGKILL:
        kill(main)
    else:
        os.kill(main, sent)


def _is_ansible(pid: int) -> bool:
    try:
        return b"ansible-playbook" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _lines(folder: Path) -> list[Data]:
    return [json.loads(line) for line in (folder / "writes.jsonl").read_text(encoding="utf-8").splitlines()]
