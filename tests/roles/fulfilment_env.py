# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tenant with tasks to carry out, a target system for them, and runs of the role between both."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from playbooks.harness import Data, Playbooks, Result, Run, names, play, task
from roles.cases import Case, case_by_case
from sandbox.process import Sandbox

TARGETS = Path(__file__).parent / "targets"
ROLE = "cakewalk.access.task_fulfilment"
#: The task that reports all others.
LAST = "Report the outcomes of all tasks"
OLGA = "olga.owner@example.com"
#: In the variables of every handler; must get nowhere.
HANDLERS_SECRET = "correct-horse-battery-staple"


class FulfilmentEnv:
    """One target system: the SQLite tables of C(targets/accounts.py), and what the role keeps beside it."""

    def __init__(self, folder: Path, tenant: Sandbox, playbooks: Playbooks) -> None:
        folder.mkdir()
        self.tenant = tenant
        self._playbooks = playbooks
        self.database, self.record, self.locks = folder / "accounts", folder / "kept" / "record", folder / "locks"
        self.ids = names(tenant)

    def route(
        self,
        app: str,
        request_type: str = "grant_access",
        handler: str = "grant.yml",
        verify: str = "verify.yml",
        level: str | None = None,
    ) -> Data:
        """Return a route for an app by name, with files of C(targets)."""
        return {
            "app": self.ids["app_id"][app],
            "permission_level": self.ids["level_id"][app][level] if level else "any",
            "request_type": request_type,
            "handler": self.part(tasks=str(TARGETS / handler)),
            "verify": self.part(tasks=str(TARGETS / verify)),
        }

    def part(self, **which: str) -> Data:
        """Return a handler or what verifies."""
        own = {"program": str(TARGETS / "accounts.py"), "database": str(self.database), "secret": HANDLERS_SECRET}
        return {**which, "vars": {**own, "locks": str(self.locks)}}

    def task(self, user: str, app: str, kind: str = "grant", **options: Any) -> str:
        """Have somebody ask for something, have it reviewed, and return the id of the action step."""
        return self.tenant.reviewed_request(user, app, kind, **options)

    def options(self, **given: Any) -> Data:
        """Return options of the role as its variables; the record and the locks are those of the stage."""
        kept = {"record_path": str(self.record), "lock_dir": str(self.locks)}
        return {f"task_fulfilment_{option}": value for option, value in {**kept, **given}.items()}

    def run(self, *options: str, routes: list[Data], environment: Data | None = None, **variables: Any) -> Run:
        """Run the role; the variables are its options, without their prefix."""
        given = self.options(routes=routes, **variables)
        name = "sweep_tasks" if "assignees" in variables else "fulfil_task"
        return self._playbooks.run(
            f"cakewalk.access.{name}",
            *options,
            variables=given,
            ANSIBLE_ROLES_PATH=str(TARGETS / "roles"),
            **(environment or {}),
        )

    def run_each(self, cases: Mapping[str, Data], *options: str) -> dict[str, Case]:
        """Run the role for each case, all in one run; a case is its options, without their prefix."""
        given = {case: self.options(**variables) for case, variables in cases.items()}
        return case_by_case(self._playbooks, ROLE, given, None, *options)

    def one_after_another(self, *given: Data) -> Run:
        """Run the role several times in one play, each with options of its own."""
        tasks = [
            task(f"Run {number}", "ansible.builtin.include_role", {"name": ROLE}, vars=self.options(**options))
            for number, options in enumerate(given)
        ]
        return self._playbooks.run(play(*tasks))

    def in_a_play(self, variables: Data, *options: str, environment: Data) -> Run:
        """Run the role in a play that sets its options, so that none is an extra variable."""
        role = task("Run", "ansible.builtin.include_role", {"name": ROLE}, vars=variables)
        return self._playbooks.run(play(role), *options, **environment)

    def under_keywords(self, cases: Mapping[str, tuple[Data, Data, Data]], *options: str) -> dict[str, list[Result]]:
        """Run the role in a play for each case, and return the results of its report, and of a task after the role.

        :param cases: by name the keywords of the play, those of the role, and its options, without their prefix.
        """
        plays = []
        for name, (of_play, of_role, given) in cases.items():
            role = task("Run", "ansible.builtin.import_role", {"name": ROLE}, vars=self.options(**given), **of_role)
            plays += play(role, task(name, "ansible.builtin.debug"), **of_play)
        run = self._playbooks.run(plays, *options).succeeded()
        results = [result for result in run.results if result.task in cases or result.task.endswith(LAST)]
        return {second.task: [first, second] for first, second in zip(results[::2], results[1::2], strict=True)}

    def on_two_hosts(self, strategy: str, **options: Any) -> Run:
        """Run the role for two hosts of one play, both this machine."""
        role = task("Run", "ansible.builtin.include_role", {"name": ROLE}, vars=self.options(**options))
        here = {"ansible_connection": "ansible.builtin.local", "ansible_python_interpreter": sys.executable}
        playbook = play(role, hosts="one,other", strategy=strategy, vars=here)
        return self._playbooks.run(playbook, "--inventory", "one,other,", ANSIBLE_SHOW_CUSTOM_STATS="1")

    def app(self, name: str) -> Data:
        """Return what the tenant knows of an app."""
        return next(app for app in self.tenant.state("apps")["apps"] if app["id"] == self.ids["app_id"][name])

    def strangers(self, app: str) -> list[Data]:
        """Return active people who have to do with an app neither as users nor as those who decide and act."""
        found, state = self.app(app), self.tenant.state("users", "requests")
        taken = {row["target_id"] for row in state["requests"] if row["app_id"] == found["id"]}
        taken |= {access["user_id"] for access in found["accesses"]}
        taken |= {self.ids["person_id"][email] for email in (OLGA, self.tenant.acting_user)}
        return [user for user in state["users"] if user["status"] == "Active" and user["id"] not in taken]

    def sweep(self, *options: str, **given: Any) -> Run:
        """Run the role for the tasks of Olga."""
        return self.run(*options, assignees=[OLGA], **given)

    def accounts(self) -> dict[str, str]:
        """Return who has an account, with its level."""
        return dict(self._rows("accounts"))

    def calls(self) -> list[tuple[str, str]]:
        """Return what handlers did."""
        return list(self._rows("calls"))

    def lines(self) -> list[Data]:
        """Return the record."""
        return [json.loads(line) for line in self.record.read_text(encoding="utf-8").splitlines()]

    def lock(self, task: str) -> Data:
        """Return the lock of a task that a run carries out."""
        return dict(json.loads((self.locks / f"{task}.json").read_text(encoding="utf-8")))

    def status(self, task: str) -> str:
        """Return the status of a task in the tenant."""
        return next(str(row["status"]) for row in self.tenant.state("tasks")["tasks"] if row["id"] == task)

    def decisions(self) -> list[str]:
        """Return the ids of the tasks for which an approval or refusal was sent, and accepted."""
        return [
            _task_of(entry)
            for entry in self.tenant.log("POST")
            if "/Tasks/" in entry["path"] and entry["status"] and entry["status"] < 300
        ]

    def approvals(self) -> list[str]:
        """Return the ids of the tasks whose approval reached the service, answered or not, after holding that none was
        refused."""
        arrived = [entry for entry in self._approvals_sent() if entry["fault"] != "drop_before"]
        assert {entry["status"] for entry in arrived} <= {204, None}, arrived
        return [_task_of(entry) for entry in arrived]

    def unproved(self) -> list[str]:
        """Return the ids of the tasks whose approval was sent before the record told what proves them."""
        proved: dict[str, datetime] = {}
        for line in self.lines():
            if line["outcome"] == "verified" and line["proof"]["task"] == line["task"]:
                proved.setdefault(line["task"], datetime.fromisoformat(line["time"]))
        return [
            _task_of(entry)
            for entry in self._approvals_sent()
            if _task_of(entry) not in proved or datetime.fromisoformat(entry["time"]) < proved[_task_of(entry)]
        ]

    def _approvals_sent(self) -> list[Data]:
        return self.tenant.log("POST", "approveTask")

    def _rows(self, table: str) -> Iterator[tuple[str, str]]:
        if not self.database.exists():
            return
        with closing(sqlite3.connect(self.database)) as database:
            yield from database.execute(f"SELECT * FROM {table}").fetchall()


def _task_of(entry: Data) -> str:
    return str(entry["path"].split("/")[-2])


def report(run: Run) -> Result:
    """Return the report at the end of a run."""
    return run[f"{ROLE} : {LAST}"]


def told(result: Result) -> dict[str, str]:
    """Return what a report tells of each task."""
    return dict(line.partition(":")[0].split() for line in result.data["tasks"])


def outcomes(run: Run) -> dict[str, str]:
    """Return what a run tells of each task."""
    return told(report(run))


def is_private(path: Path) -> bool:
    """Tell whether nobody else may read a file."""
    return (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
