# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module runs in the process of the controller where that is its host, and by a process of its own elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from playbooks.harness import CORE_BIN, INFO, ROOT, Data, Playbooks, Run, play, task
from playbooks.ways import STARTED

pytestmark = pytest.mark.every_core

READ = {INFO: {"groups": ["Engineering"]}, "ignore_errors": True}
HERE = f"{INFO} runs in the process of Ansible"


def printed(run: Run) -> dict[str, str]:
    """Return what was printed for each task."""
    parts = re.split(r"^TASK \[(.+)\] \**$", run.output, flags=re.MULTILINE)
    assert len(parts[1::2]) == len(run.results), run.output
    return dict(zip(parts[1::2], parts[2::2], strict=True))


_INSIDE = """
from ansible.plugins.connection.local import DOCUMENTATION, Connection as Local


class Connection(Local):
    pass
"""
#: Keywords of a task that make it run by a process, and what the module names as the reason.
BY_A_PROCESS: dict[str, tuple[Data, str]] = {
    "variable": ({"vars": {"cakewalk_in_process": False}}, "cakewalk_in_process"),
    "template": ({"vars": {"cakewalk_in_process": "{{ 1 > 2 }}"}}, "cakewalk_in_process"),
    "environment": ({"environment": {"CAKEWALK_TIMEOUT": "20"}}, "environment"),
    "async": ({"async": 30, "poll": 1}, "async"),
    "become": ({"become": True, "become_method": "ansible.builtin.su", "become_user": "nobody"}, "become"),
    "a connection that is only like a local one": ({"vars": {"ansible_connection": "inside"}}, "the connection"),
    "another Python": (
        {"vars": {"ansible_python_interpreter": "{{ playbook_dir }}/python"}},
        "ansible_python_interpreter",
    ),
}
#: Keywords of a task that do not.
IN_THE_PROCESS: dict[str, Data] = {
    "nothing": {},
    "the same Python": {"vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}},
    "a Python that is found": {"vars": {"ansible_python_interpreter": "auto_silent"}},
}


def test_a_process_is_started_where_that_is_asked_for_and_not_otherwise(playbooks: Playbooks) -> None:
    (playbooks.folder / "inside.py").write_text(_INSIDE, encoding="utf-8")
    (playbooks.folder / "input" / "python").symlink_to(CORE_BIN / "python")
    keywords = {**IN_THE_PROCESS, **{name: given for name, (given, _why) in BY_A_PROCESS.items()}}
    plays = play(*({"name": name, **READ, **given} for name, given in keywords.items()))
    plays += play({"name": "environment of the play", **READ}, environment={"CAKEWALK_TIMEOUT": "20"})
    plays += play(task("ping", "ansible.builtin.ping"))
    # What a variable says counts before what the environment says.
    given = {"CAKEWALK_IN_PROCESS": "yes", "ANSIBLE_CONNECTION_PLUGINS": str(playbooks.folder)}

    shown = printed(playbooks.run(plays, "-vvv", **given))

    assert {name for name, text in shown.items() if not STARTED.search(text)} == IN_THE_PROCESS.keys()
    assert {name for name, text in shown.items() if HERE in text} == IN_THE_PROCESS.keys()
    for name, (_given, why) in BY_A_PROCESS.items():
        assert f"{INFO} runs by a process of its own, because of {why}" in shown[name], name


@pytest.mark.parametrize("value", ["", pytest.param("no", marks=pytest.mark.slow)])
def test_the_environment_says_how_modules_run(playbooks: Playbooks, value: str) -> None:
    output = playbooks.run(play({"name": "read", **READ}), "-vvv", CAKEWALK_IN_PROCESS=value).succeeded().output
    assert (HERE in output, bool(STARTED.search(output))) == ((True, False) if not value else (False, True))


def test_a_switch_that_is_neither_on_nor_off_is_refused(playbooks: Playbooks) -> None:
    values = {"maybe": {"cakewalk_in_process": "maybe"}, "": {"cakewalk_in_process": ""}, "perhaps": {}}
    plays = play(*({"name": f"is {value!r}", **READ, "vars": given} for value, given in values.items()))
    run = playbooks.run(plays, CAKEWALK_IN_PROCESS="perhaps")
    for value in values:
        message = run[f"is {value!r}"].data["msg"]
        assert f"CAKEWALK_IN_PROCESS in the environment: it is {value!r}. Set true or false." in message


@pytest.fixture
def elsewhere(tmp_path: Path) -> Data:
    """Variables of a host that Ansible reaches by SSH, as it thinks: the client runs here what it should run there."""
    client = tmp_path / "ssh"
    client.write_text('#!/bin/sh\nfor command; do :; done\nexec sh -c "$command"\n', encoding="utf-8")
    client.chmod(0o755)
    return {
        "ansible_connection": "ssh",
        "ansible_ssh_executable": str(client),
        "ansible_ssh_pipelining": True,
        "ansible_python_interpreter": str(CORE_BIN / "python"),
    }


def test_a_process_is_started_on_another_host_and_where_a_delegate_is(playbooks: Playbooks, elsewhere: Data) -> None:
    settings = " ".join(f"{name}={value}" for name, value in elsewhere.items())
    hosts = playbooks.folder / "input" / "hosts"
    hosts.write_text(f"elsewhere {settings}\nhere ansible_connection=ansible.builtin.local\n", encoding="utf-8")
    delegates = {"elsewhere": "here", "here": "elsewhere"}
    plays = [one for host in delegates for one in play({"name": host, **READ}, hosts=host)]
    for host, delegate in delegates.items():
        plays += play({"name": f"to {delegate}", **READ, "delegate_to": delegate}, hosts=host)

    run = playbooks.run(plays, "-vvv", "-i", str(hosts)).succeeded()

    started = {name for name, text in printed(run).items() if STARTED.search(text)}
    assert started == {"elsewhere", "to elsewhere"}
    assert run["elsewhere"].data["groups"] == run["here"].data["groups"]


_BROKEN = "type('', (), {'find_spec': staticmethod(lambda name, *_: 1 / 0 if name == 'requests' else None)})"
_SITE = """
import sys
from pathlib import Path

if any(Path(word).name == "ansible-playbook" for word in sys.orig_argv):
    {statement}
"""


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("import urllib.request; sys.platform = 'darwin'", id="macOS", marks=pytest.mark.slow),
        pytest.param("sys.modules['requests'] = None", id="no requests"),
        pytest.param(f"sys.meta_path.insert(0, {_BROKEN})", id="requests that break", marks=pytest.mark.slow),
    ],
)
def test_a_process_is_started_where_the_controller_cannot(playbooks: Playbooks, statement: str) -> None:
    (playbooks.folder / "sitecustomize.py").write_text(_SITE.format(statement=statement), encoding="utf-8")
    asked = play({"name": "read", **READ})
    assert STARTED.search(playbooks.run(asked, "-vvv", PYTHONPATH=str(playbooks.folder)).succeeded().output)


def test_each_module_can_run_in_the_process() -> None:
    documented = {path.stem: path.read_text(encoding="utf-8") for path in _plugins("modules")}
    in_process = re.compile(r"class ActionModule\((InProcess|FileKeeping)Action\)")
    own = {path.stem for path in _plugins("action") if in_process.search(path.read_text(encoding="utf-8"))}
    routing = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))["plugin_routing"]["modules"]
    assert own | routing.keys() == {name for name, text in documented.items() if "run_module(" in text}


def _plugins(kind: str) -> list[Path]:
    return list((ROOT / "plugins" / kind).glob("*.py"))
