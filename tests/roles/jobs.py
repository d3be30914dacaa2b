# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs jobs as AWX does: C(ansible-runner) sends a project to a worker, whose container is thrown away after the job.

Nothing is mocked but the container: the worker is a process of its own, in an environment as hostile as containers are.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

import ansible_runner
from playbooks.harness import COLLECTIONS, CORE_BIN, Data
from sandbox.process import Sandbox

#: No user of this machine, as in OpenShift, where the group is root's.
STRANGER, GROUP = 54321, 0
#: What C(ansible-runner) itself writes with the environment of the job in it. AWX deletes it with the job.
WITH_ENVIRONMENT = "command"
_PLAYBOOK, _HOSTS = (
    "job.yml",
    "localhost ansible_connection=local ansible_python_interpreter={{ansible_playbook_python}}\n",
)
#: What AWX gives to every job, and facts of earlier nodes of a workflow.
_FROM_AWX = {
    **{f"{prefix}_job_id": 19 for prefix in ("awx", "tower")},
    **{f"{prefix}_user_email": "awx.operator@example.com" for prefix in ("awx", "tower")},
    **{
        f"{role}_complete": False
        for role in ("access_as_code", "controller_setup", "evidence", "joiner", "leaver", "mover")
    },
    "task_fulfilment_complete": False,
}


class Unavailable(Exception):
    """This machine cannot run jobs in such surroundings; the message says why."""


@dataclass(frozen=True)
class Surroundings:
    """What a worker finds around it.

    :param home: the mode of the folder C(HOME), which is the worker's own unless it is read-only; C(None) if the
        variable is unset.
    :param project: the mode of the folder of the project, and of what the worker makes without asking for a mode.
    :param is_stranger: whether only a user without an entry in C(/etc/passwd) meets this.
    """

    home: int | None = 0o700
    project: int = 0o755
    is_stranger: bool = False


#: All of them run as a user without an entry if the tests run as root, who may become anybody.
SURROUNDINGS = {
    "no passwd entry": Surroundings(is_stranger=True),
    "HOME read-only": Surroundings(home=0o555),
    "HOME unset": Surroundings(home=None),
    "project of mode 0777": Surroundings(project=0o777),
}


class Volume:
    """A folder that outlives jobs, C(folder), and jobs that use it; C(project) is where they find their project.

    :param environment: more variables that AWX gives to jobs, as those of a credential.
    """

    def __init__(
        self, tenant: Sandbox, around: Surroundings, environment: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """
        :raises Unavailable: jobs cannot run so here.
        """
        if around.is_stranger and os.geteuid() != 0:
            raise Unavailable("only root can become a user without an entry in /etc/passwd")
        self._tenant, self._around = tenant, around
        given = {"ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "ANSIBLE_NOCOLOR": "1"}
        self._environment = {**tenant.env, **given, **environment}
        # Not below a folder of pytest, which others cannot enter.
        self._outer = TemporaryDirectory(prefix="cakewalk-", dir="/tmp")
        self._base = Path(self._outer.name)
        self._base.chmod(0o755)
        self.folder, self.project = self._folder("volume", 0o700), self._base / "runner" / "project"

    def own(self) -> None:
        """Give all files of the volume to the user of the jobs."""
        for path in (self.folder, *self.folder.rglob("*")):
            _give(path)

    def run(self, playbook: str, variables: Data, *options: str, project: Mapping[str, str] | None = None) -> JobRun:
        """Run a job, and throw its container away.

        :param playbook: the text of the playbook.
        :param variables: the extra variables, such as answers of a survey.
        :param project: further files of the project by name.
        """
        control = self._folder("control")
        _write(control, {"inventory/hosts": _HOSTS, "env/extravars": json.dumps({**_FROM_AWX, **variables})})
        _write(control / "project", {_PLAYBOOK: playbook, **(project or {})})
        (control / "project").chmod(self._around.project)
        with TemporaryDirectory() as streams:
            sent, got = Path(streams, "sent"), Path(streams, "got")
            with sent.open("wb") as stream:
                ansible_runner.run(
                    streamer="transmit",
                    _output=stream,
                    private_data_dir=str(control),
                    playbook=_PLAYBOOK,
                    inventory="inventory/hosts",
                    cmdline=" ".join(options),
                    ident="job",
                    envvars=self._environment,
                    settings={"suppress_ansible_output": True},
                    suppress_env_files=True,
                )
            left = self._work(sent, got)
            with got.open("rb") as stream:
                artifacts = control / "artifacts"
                artifacts.mkdir()
                done = ansible_runner.run(
                    streamer="process", _input=stream, private_data_dir=str(control), ident="job", quiet=True
                )
        events = sorted(
            (artifacts / "job" / "job_events").glob("*.json"), key=lambda path: int(path.name.split("-")[0])
        )
        printed = (artifacts / "job" / "stdout").read_text(encoding="utf-8")
        return JobRun(
            done.status,
            [path.read_text(encoding="utf-8") for path in events],
            printed.replace(str(COLLECTIONS), "/runner/requirements_collections").splitlines(),
            left | _texts(control, self.folder),
        )

    def _work(self, sent: Path, got: Path) -> dict[str, str]:
        """Run the job in a container, and return the files that were in it at the end."""
        around = self._around
        container = {name: self._folder(name) for name in ("runner", "home", "tmp", "etc")}
        environment = {
            "PATH": f"{CORE_BIN}{os.pathsep}{os.environ['PATH']}",
            "LANG": "C.UTF-8",
            "TMPDIR": str(container["tmp"]),
        }
        if around.home is not None:
            environment["HOME"] = str(container["home"])
            container["home"].chmod(around.home)
        if around.home is None or around.home & stat.S_IWUSR == 0:
            # Without them, Ansible itself ends in a traceback, or cannot run modules.
            environment |= dict.fromkeys(("ANSIBLE_HOME", "ANSIBLE_REMOTE_TEMP"), str(container["tmp"] / "ansible"))
        with sent.open("rb") as source, got.open("wb") as target:
            worker = [sys.executable, "-m", "ansible_runner", "worker", "--private-data-dir", str(container["runner"])]
            ended = subprocess.run(
                [*_as_stranger(), *worker],
                stdin=source,
                stdout=target,
                stderr=subprocess.PIPE,
                env=environment,
                cwd="/",
                umask=0o777 & ~around.project,
                check=False,
            )
        assert ended.stderr == b"", ended.stderr.decode()
        left = _texts(*container.values())
        for folder in container.values():
            shutil.rmtree(folder)
        return left

    def _folder(self, name: str, mode: int = 0o755) -> Path:
        """Return an empty folder of the user of the jobs."""
        folder = self._base / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        _give(folder)
        folder.chmod(mode)
        return folder

    def __enter__(self) -> Volume:
        return self

    def __exit__(self, *_facts: object) -> None:
        self._outer.cleanup()


@dataclass(frozen=True)
class JobRun:
    """What came of a job.

    :param status: C(successful) or C(failed).
    :param events: the events of the job as AWX gets them, as JSON, in their order.
    :param lines: what people see of the job, as if the collection were where AWX installs it.
    :param files: the text of every file that there was at the end, in the container and outside of it, by its path.
    """

    status: str
    events: list[str]
    lines: list[str]
    files: Mapping[str, str]

    @cached_property
    def facts(self) -> Data:
        """What the job hands on to the next nodes of a workflow."""
        found: Data = {}
        for event in map(json.loads, self.events):
            found |= event.get("event_data", {}).get("artifact_data", {})
        return found

    @cached_property
    def messages(self) -> list[str]:
        """The messages of failed tasks."""
        events = map(json.loads, self.events)
        return [event["event_data"]["res"]["msg"] for event in events if event["event"] == "runner_on_failed"]


def _give(path: Path) -> None:
    if os.geteuid() == 0:
        os.chown(path, STRANGER, GROUP)


def _write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _texts(*folders: Path) -> dict[str, str]:
    return {
        f"{folder.name}/{path.relative_to(folder)}": path.read_text(encoding="utf-8", errors="replace")
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file()
    }


@lru_cache
def _as_stranger() -> tuple[str, ...]:
    """Return the command under which a program runs as a user without an entry, empty if that takes root.

    If Python or the collection is in a folder that others cannot enter, the user may read everything, and write no more
    than others.

    :raises Unavailable: not even so.
    """
    if os.geteuid() != 0:
        return ()
    command = ("setpriv", "--reuid", str(STRANGER), "--regid", str(GROUP), "--clear-groups", "--bounding-set=-all")
    may_read = ("--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search")
    tries = [(*command, "--inh-caps=-all"), (*command[:-1], "--bounding-set=-all,+dac_read_search", *may_read)]
    for words in tries:
        # By a shell, since setpriv itself still has the rights of root when it starts a program.
        probe = [*words, "sh", "-c", f"ls {COLLECTIONS} && {sys.executable} -c 'import ansible_runner'"]
        if subprocess.run(probe, cwd="/", capture_output=True, check=False).returncode == 0:
            return words
    raise Unavailable("no other user can run the Python of the tests")


def tenants_people(tenant: Sandbox) -> Iterator[str]:
    """Yield the names, e-mail addresses and ids of all people of a tenant."""
    for user in tenant.state("users")["users"]:
        yield from (user["email"], user["id"], user["name"])


def strings(value: Any) -> Iterator[str]:
    """Yield all texts in nested data."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from strings([*value, *value.values()])
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
