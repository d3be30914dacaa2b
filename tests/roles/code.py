# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder of code for a tenant, and runs of the role access_as_code with it."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from playbooks.harness import ROOT, Data, Playbooks, Result, Run, play, task, writes
from roles.people import Staff
from sandbox.process import Sandbox

TASK = "Compare the tenant with its files"
ROLE = "access_as_code"
MODULE = "cakewalk.access.cakewalk_access_as_code"


def body(lines: list[str]) -> list[str]:
    """Return the lines of a plan below its header."""
    return lines[lines.index("") + 1 :]


def of_module(options: Data, **keywords: Any) -> Data:
    """Return a play with one task, of the module itself.

    :param keywords: of the task.
    """
    task = {"name": TASK, MODULE: options, **keywords}
    return {"hosts": "localhost", "gather_facts": False, "tasks": [task]}


class CodeFolder(Staff):
    """The role with its folder of code; what runs keep is beside it."""

    def __init__(self, tenant: Sandbox, playbooks: Playbooks) -> None:
        super().__init__(ROLE, tenant, playbooks)
        self.folder = playbooks.folder / "code"
        self.folder.mkdir()

    def paths(self) -> dict[str, Path]:
        """Return the files that runs keep, by option."""
        names = {"plan_path": "plan.txt", "inverse_path": "back/inverse.yml", "record_path": "writes.jsonl"}
        return {option: self.kept / name for option, name in names.items()}

    def write(self, name: str, text: str) -> None:
        """Write a file of code as it stands."""
        (self.folder / name).write_text(text, encoding="utf-8")

    def said(self, **sections: Any) -> dict[str, str]:
        """Return files that hold sections of code, one each, and the anchors of the tenant."""
        anchors = sorted(app["id"] for app in self.tenant.state("apps")["apps"])[:3]
        return {
            f"{name}.yml": yaml.safe_dump({name: section}, allow_unicode=True, sort_keys=False)
            for name, section in {"tenant": {"anchors": anchors}, **sections}.items()
        }

    def say(self, **sections: Any) -> None:
        """Write sections of code, one file each, and the anchors of the tenant."""
        for name, text in self.said(**sections).items():
            self.write(name, text)

    def copied(self, name: str, **files: str) -> Path:
        """Return a copy of the folder, beside it, in which files say something else."""
        copy = self.folder.parent / name
        shutil.copytree(self.folder, copy)
        for file, text in files.items():
            (copy / file).write_text(text, encoding="utf-8")
        return copy

    def hold(self, mode: str, *options: str, **given: Any) -> Run:
        """Run the role in a mode."""
        return self.run(*options, **self._options(mode, **given))

    def argument_names(self) -> list[str]:
        """Return the options of the role, without their prefix."""
        spec = yaml.safe_load((ROOT / "roles" / ROLE / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
        return [name.removeprefix(f"{ROLE}_") for name in spec["argument_specs"]["main"]["options"]]

    def result(self, run: Run) -> Result:
        """Return the result of the one task of the role."""
        return run[f"cakewalk.access.{ROLE} : {TASK}"]

    def planned(self, *options: str, **given: Any) -> Data:
        """Plan, and return the result."""
        return self.result(self.hold("plan", *options, **given).succeeded()).data

    def applied(self, *options: str, **given: Any) -> Data:
        """Plan, have it approved, apply it, all in one run of Ansible, and return the result."""
        steps = {"plan": {}, "apply": {"plan_hash": f"{{{{ {ROLE}_result.plan_hash }}}}"}}
        tasks = []
        for mode, more in steps.items():
            variables = {f"{ROLE}_{name}": value for name, value in self._options(mode, **given, **more).items()}
            tasks.append(
                task(mode, "ansible.builtin.include_role", {"name": f"cakewalk.access.{ROLE}"}, vars=variables)
            )
        run = self._playbooks.run(play(*tasks), *options).succeeded()
        planned, applied = (result for result in run.results if result.task == f"cakewalk.access.{ROLE} : {TASK}")
        assert planned.data["plan_hash"] == applied.data["plan_hash"]
        return applied.data

    def failure(self, mode: str, **given: Any) -> Data:
        """Return the failure of a run that refused before its first write."""
        return self.refused(self.hold(mode, **given))

    def refusals_by_mode(
        self, cases: Mapping[str, tuple[str, Data]], changes: Mapping[str, Data] | None = None
    ) -> dict[str, Data]:
        """Return what C(refusals) returns, where a case is a mode and its options."""
        return self.refusals({case: self._options(mode, **given) for case, (mode, given) in cases.items()}, changes)

    def failures(self, cases: Mapping[str, Mapping[str, str]], **given: Any) -> dict[str, Data]:
        """Plan each case by the module, all in one run, since starting Ansible takes longer than that; return failures.

        :param cases: by name the files of the case.
        :param given: the options of the module.
        """
        tasks = []
        for number, (name, files) in enumerate(cases.items()):
            folder = self.folder / str(number)
            folder.mkdir()
            for file, text in files.items():
                (folder / file).write_text(text, encoding="utf-8")
            tasks.append(task(name, MODULE, {"folder": str(folder), **given}, ignore_errors=True))
        run = self._playbooks.run(play(*tasks))
        assert not writes(self.tenant.log())
        assert "Traceback" not in run.output
        return {result.task: result.data for result in run.results if result.failed}

    def lines(self) -> list[Data]:
        """Return the record."""
        text = self.paths()["record_path"].read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]

    def statuses(self) -> Counter[str]:
        """Return how many lines of the journal have each status; an outcome comes after the line of its write."""
        sent: set[int] = set()
        for line in self.lines():
            if line["status"] == "sending":
                sent.add(line["number"])
            assert line["status"] in ("begun", "sending", "not_tried", "ended") or line["number"] in sent
        return Counter(line["status"] for line in self.lines())

    def members(self, group: str) -> set[str]:
        """Return who is in a group, by e-mail address."""
        state = self.tenant.state("users", "groups")
        emails = {user["id"]: user["email"] for user in state["users"]}
        return {emails[one] for row in state["groups"] if row["name"] == group for one in row["members"]}

    def _options(self, mode: str, **given: Any) -> Data:
        kept = {option: str(path) for option, path in self.paths().items()}
        return {"mode": mode, "folder": str(self.folder), **kept, **given}
