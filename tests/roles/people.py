# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of the roles joiner, mover and leaver, and people who approve meanwhile."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from playbooks.harness import Data, Playbooks, Run, writes
from roles.cases import case_by_case
from sandbox.process import Sandbox

CONNOR, ERIN, SALLY, PETRA, SAM = (
    f"{name}@example.com" for name in ("connor.contractor", "erin.engineer", "sally.sales", "petra.pending", "sam.twin")
)
OLGA, OWEN = "olga.owner@example.com", "owen.onboarding@example.com"


class Staff:
    """One role, run against a tenant; what it keeps is in C(kept)."""

    def __init__(self, role: str, tenant: Sandbox, playbooks: Playbooks) -> None:
        self.role, self.tenant, self._playbooks = role, tenant, playbooks
        self.kept = playbooks.folder / "kept"

    def run(self, *options: str, environment: Data | None = None, **given: Any) -> Run:
        """Run the role; what is given are its options, without their prefix."""
        variables = {f"{self.role}_{name}": value for name, value in given.items()}
        return self._playbooks.run(f"cakewalk.access.{self.role}", *options, variables=variables, **(environment or {}))

    def refusals(self, cases: Mapping[str, Data], changes: Mapping[str, Data] | None = None) -> dict[str, Data]:
        """Return the failure of each case, all of which the role refused before its first write, all in one run.

        :param cases: by name the options of the role, without their prefix.
        :param changes: by case what changes in the tenant before it; it stays changed.
        """
        variables = {
            case: {f"{self.role}_{name}": value for name, value in given.items()} for case, given in cases.items()
        }
        came_of = case_by_case(self._playbooks, f"cakewalk.access.{self.role}", variables, changes)
        failures = {case: came.failure for case, came in came_of.items()}
        assert not writes(self.tenant.log())
        return failures

    def refuses(self, options: Data, refused: Mapping[str, tuple[Data, str | None, str]]) -> None:
        """Hold that the role refuses each case before its first write, and says why.

        :param options: with which it would not.
        :param refused: by case what is wrong, the kind of error if a module tells it, and words of the message.
        """
        failures = self.refusals({case: {**options, **given} for case, (given, *_rest) in refused.items()})
        for case, (_given, kind, words) in refused.items():
            assert (case, failures[case].get("error", {}).get("kind")) == (case, kind), failures[case]["msg"]
            assert words in failures[case]["msg"], case

    def told(self, run: Run, title: str) -> Data:
        """Return what the task of this title returned."""
        return run[f"cakewalk.access.{self.role} : {title}"].data

    def refused(self, run: Run) -> Data:
        """Return the failure of a run that refused before its first write."""
        (failed,) = [result for result in run.results if result.failed]
        assert run.status == 2, run.output
        assert not writes(self.tenant.log())
        assert "Traceback" not in run.output
        return failed.data

    def record(self) -> list[Data]:
        """Return the lines of the record."""
        return [json.loads(line) for line in (self.kept / "writes.jsonl").read_text(encoding="utf-8").splitlines()]

    def written(self) -> list[tuple[str, str]]:
        """Return the writes that the tenant received."""
        return writes(self.tenant.log())

    def cost(self) -> Counter[str]:
        """Return how many requests of each operation the tenant received."""
        return Counter(entry["operation"] for entry in self.tenant.log())


def custom_stats(run: Run) -> Data:
    """Return the custom stats of a run, which AWX passes to the next node of a workflow as extra variables."""
    (line,) = [line for line in run.output.splitlines() if line.startswith("\tRUN: ")]
    return dict(yaml.safe_load(line.removeprefix("\tRUN: ")))


def is_private(path: Path) -> bool:
    """Tell whether nobody else may read a file."""
    return path.stat().st_mode & 0o777 == 0o600


@contextmanager
def approving(tenant: Sandbox) -> Iterator[None]:
    """Have people approve and carry out every open request while the block runs."""
    over = threading.Event()

    def approve() -> None:
        while not over.wait(0.1):
            tables = tenant.state("requests", "tasks")
            at = [request["task_ids"][-1] for request in tables["requests"] if request["status"] == "Pending"]
            for task in at:
                with suppress(ValueError):
                    tenant.change("decide_task", task=task, verdict="approve")

    thread = threading.Thread(target=approve)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def stays(tenant: Sandbox, email: str) -> dict[str, list[str]]:
    """Return what somebody has in the tenant: groups and apps by name."""
    state = tenant.state("groups", "apps")
    identifier = next(user["id"] for user in tenant.state("users")["users"] if user["email"] == email)
    return {
        "groups": sorted(group["name"] for group in state["groups"] if identifier in group["members"]),
        "apps": sorted(
            {app["name"] for app in state["apps"] for access in app["accesses"] if access["user_id"] == identifier}
        ),
    }


def show(title: str, cost: Counter[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Print how many requests a run took, past the capture of pytest."""
    with capsys.disabled():
        print(f"\n{title}: {sum(cost.values())} requests, {dict(sorted(cost.items()))}")
