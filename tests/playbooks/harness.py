# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs real C(ansible-playbook) against a sandbox tenant and holds the runs against each other.

CAKEWALK_TEST_CORE_BIN names the folder of the ansible-core to run, CAKEWALK_TEST_COLLECTIONS where the collection is
installed, so that the same tests serve every version.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from sandbox.known import REQUESTS, STANDALONE, TWIN_GROUP, task_id
from sandbox.process import Sandbox

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
CORE_BIN = Path(os.environ.get("CAKEWALK_TEST_CORE_BIN", Path(sys.executable).parent))
COLLECTIONS = Path(os.environ.get("CAKEWALK_TEST_COLLECTIONS", ROOT / ".build" / "collections"))

MEMBERS = "cakewalk.access.cakewalk_group_member"
INFO = "cakewalk.access.cakewalk_info"
POLICY = "cakewalk.access.cakewalk_app_policy"
ACCESS = "cakewalk.access.cakewalk_app_access"
TASK = "cakewalk.access.cakewalk_task"
FIELD = "cakewalk.access.cakewalk_app_custom_field"
REVIEW = "cakewalk.access.cakewalk_access_review"

Data = dict[str, Any]

_SIDES = 3
_PAGE = 100

#: Results of Ansible's own making, or different in check mode on purpose.
_NOT_OURS = ("invocation", "steps", "msg", "warnings", "failed", "exception")


@dataclass(frozen=True)
class Result:
    """What a task returned; C(status) is ok, failed, skipped or unreachable, C(seconds) is how long it took.

    C(args) are the options that callbacks see.
    """

    task: str
    status: str
    data: Data
    seconds: float
    args: Data

    @property
    def failed(self) -> bool:
        """Whether the task failed, ignored or not."""
        return self.status == "failed"

    @property
    def changed(self) -> bool:
        """Whether the task says that it changed something, or would."""
        return bool(self.data.get("changed"))

    @property
    def warnings(self) -> list[str]:
        """The warnings of the task."""
        return list(self.data.get("warnings", []))

    @property
    def steps(self) -> Data:
        """The writes of the task by what became of them."""
        return dict(self.data.get("steps", {"done": [], "errors": [], "pending": []}))

    @property
    def told(self) -> Data:
        """What the module itself returned that is the same in check mode: predictions, diff, memberships."""
        return {
            name: value
            for name, value in self.data.items()
            if name not in _NOT_OURS and not name.startswith(("_ansible", "ansible_"))
        }


@dataclass(frozen=True)
class Run:
    """One run of ansible-playbook: its exit status, all that it printed, and what its tasks returned."""

    status: int
    output: str
    results: Sequence[Result]

    def __getitem__(self, task: str) -> Result:
        """Return the result of the task with this name."""
        found = [result for result in self.results if result.task == task]
        assert len(found) == 1, f"{len(found)} results of the task {task!r}\n{self.output}"
        return found[0]

    def of_modules(self) -> list[Result]:
        """Return the results of the tasks that can change the tenant or fail at it."""
        return [result for result in self.results if {"memberships", "error", "not_found"} & result.data.keys()]

    def succeeded(self) -> Run:
        """Return the run itself after holding that all of it went well."""
        assert self.status == 0, self.output
        return self

    def warned_of(self) -> set[str]:
        """Return all warnings of all tasks, after holding that nothing else was warned of, such as deprecations."""
        warnings = {warning for result in self.results for warning in result.warnings}
        assert self.output.count("[WARNING]: ") == len(warnings), self.output
        assert "[DEPRECATION WARNING]" not in self.output, self.output
        return warnings


class Playbooks:
    """Runs playbooks with a home and a working directory below C(folder), and a temporary folder of their own."""

    def __init__(self, folder: Path, tenant: Sandbox) -> None:
        self.folder = folder
        self._tenant = tenant
        self._record = folder / "record.jsonl"
        # Short, since Ansible puts a socket there, whose absolute path may have 107 bytes (unix(7)).
        self._temporary = TemporaryDirectory(prefix="cakewalk-")
        for name in ("home", "work", "input"):
            (folder / name).mkdir(parents=True)

    def run(
        self,
        playbook: str | Sequence[Data],
        *options: str,
        variables: Data | None = None,
        within: Sequence[str] = (),
        **environment: str,
    ) -> Run:
        """Run a playbook.

        :param playbook: a path, the name of one in a collection, or plays as data.
        :param variables: extra variables.
        :param within: a command that runs the one whose words follow its own.
        :param environment: what stands beside or in place of the variables that point at the tenant.
        """
        if not isinstance(playbook, str):
            playbook = self._written("playbook.yml", list(playbook))
        extra = self._written("variables.yml", variables or {})
        self._record.write_text("", encoding="utf-8")
        done = subprocess.run(
            [*within, str(CORE_BIN / "ansible-playbook"), playbook, "-e", f"@{extra}", *options],
            cwd=self.folder / "work",
            env={**self.environment(), "CAKEWALK_TEST_TENANT": self._tenant.url, **self._tenant.env, **environment},
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        lines = self._record.read_text(encoding="utf-8").splitlines()
        return Run(done.returncode, done.stdout, [Result(**json.loads(line)) for line in lines])

    def environment(self) -> dict[str, str]:
        """Return the variables of a run but those of the tenant; nothing of the caller's but the language gets in."""
        return {
            "PATH": f"{CORE_BIN}{os.pathsep}{os.environ['PATH']}",
            "LANG": "C.UTF-8",
            "HOME": str(self.folder / "home"),
            "TMPDIR": self._temporary.name,
            "ANSIBLE_REMOTE_TEMP": str(self.folder / "home" / ".ansible" / "tmp"),
            "ANSIBLE_ASYNC_DIR": str(self.folder / "home" / ".ansible_async"),
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback_plugins"),
            "ANSIBLE_ACTION_PLUGINS": str(HERE / "action_plugins"),
            "ANSIBLE_CALLBACKS_ENABLED": "record",
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            "ANSIBLE_NOCOLOR": "true",
            "CAKEWALK_TEST_RECORD": str(self._record),
        }

    def left_behind(self) -> list[Path]:
        """Return the files that runs left in home, temporary folder and working directory."""
        places = [self.folder / "home", self.folder / "work", Path(self._temporary.name)]
        return [path for place in places for path in place.rglob("*") if path.is_file()]

    def _written(self, name: str, content: Any) -> str:
        path = self.folder / "input" / name
        path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")
        return str(path)


def side_by_side(folder: Path, cases: Sequence[Sequence[Data]], **settings: Any) -> Run:
    """Run the tasks of each case, dealt to a few tenants of their own: most of a run with faults is waiting.

    :param settings: of the tenants.
    :return: all their results, as if it had been one run.
    """

    def run(number: int) -> Run:
        with Sandbox(rate_limit=0, **settings) as tenant:
            tasks = [task for case in cases[number::_SIDES] for task in case]
            return Playbooks(folder / str(number), tenant).run(play(*tasks), variables=names(tenant)).succeeded()

    with ThreadPoolExecutor(_SIDES) as pool:
        runs = list(pool.map(run, range(min(_SIDES, len(cases)))))
    return Run(0, "".join(run.output for run in runs), [result for run in runs for result in run.results])


def play(*tasks: Data, **keywords: Any) -> list[Data]:
    """Return a playbook of one play on this machine."""
    return [{"name": "Test", "hosts": "localhost", "gather_facts": False, **keywords, "tasks": list(tasks)}]


def task(name: str, module: str, options: Data | None = None, **keywords: Any) -> Data:
    """Return a task; its name is how a test finds its result."""
    return {"name": name, module: options or {}, **keywords}


def scenario(name: str) -> list[Data]:
    """Return the plays of a file in C(scenarios)."""
    plays: list[Data] = yaml.safe_load((HERE / "scenarios" / f"{name}.yml").read_text(encoding="utf-8"))
    return plays


def writes(log: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return method and path of each write in a log of the tenant."""
    return [(entry["method"], entry["path"]) for entry in log if entry["method"] != "GET"]


def pages(rows: int) -> int:
    """Return how many pages a list takes in a tenant of the usual page size; an empty one takes one, too."""
    return max(1, ceil(rows / _PAGE))


def stable_pages(rows: int) -> int:
    """Return how many requests prove what a list does not show: two readings that agree, if they take several pages."""
    return 2 * pages(rows) if pages(rows) > 1 else 1


def members(state: Data) -> dict[str, set[str]]:
    """Return who is in which group: e-mail addresses by the group's id."""
    emails = {user["id"]: user["email"] for user in state["users"]}
    return {group["id"]: {emails[one] for one in group["members"]} for group in state["groups"]}


def names(tenant: Sandbox) -> Data:
    """Return variables by which a playbook can name people and things by id."""
    state = tenant.state("users", "groups", "apps", "policies")
    return {
        "app_id": {app["name"]: app["id"] for app in state["apps"]},
        "level_id": {app["name"]: {level["name"]: level["id"] for level in app["levels"]} for app in state["apps"]},
        "policy_id": {f"{one['name']} ({one['request_type']})": one["id"] for one in state["policies"]},
        "person_id": {user["email"]: user["id"] for user in state["users"]},
        "group_id": {group["name"]: group["id"] for group in state["groups"]},
        "task_id": {name: task_id(name) for name in (*REQUESTS, STANDALONE)},
        "twin_groups": [group["id"] for group in state["groups"] if group["name"] == TWIN_GROUP],
    }


def listed(tenant: Sandbox, folder: Path) -> Data:
    """Return variables with which the scenario of queries compares what it is told.

    :param folder: becomes a folder of code, with a hostile roster that would leave a file there.
    """
    department = f"{{{{ lookup('pipe', 'touch {folder}/executed') }}}}"
    sections = {
        "tenant": {"anchors": [tenant.find("apps", "GitHub")["id"]]},
        "groups": [{"group": "Engineering", "members_where": {"department": department}}],
        "roster": {"file": "people.csv"},
    }
    folder.mkdir()
    (folder / "code.yml").write_text(yaml.safe_dump(sections, width=1000), encoding="utf-8")
    people = f'email;department\nerin.engineer@example.com;"{department}"\n'
    (folder / "people.csv").write_text(people, encoding="utf-8")
    state = tenant.state("users", "groups")
    (engineering,) = (group for group in state["groups"] if group["name"] == "Engineering")
    return {
        "code_folder": str(folder),
        "expected_users": sorted(user["id"] for user in state["users"]),
        "expected_groups": sorted(group["id"] for group in state["groups"]),
        "expected_members": sorted(engineering["members"]),
    }
