# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module runs in the process of the controller where that is its host, and by a process of its own elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from playbooks.harness import CORE_BIN, INFO, ROOT, Data, Playbooks, play, task
from playbooks.ways import STARTED


def test_a_process_is_started_where_a_play_sets_an_environment(playbooks: Playbooks) -> None:
    asked = play(task("read", INFO, {"groups": ["Engineering"]}), environment={"CAKEWALK_TIMEOUT": "20"})
    assert STARTED.search(playbooks.run(asked, "-vvv").succeeded().output)


@pytest.mark.parametrize(
    ("keywords", "variables", "environment"),
    [
        ({}, {"cakewalk_in_process": False}, {}),
        ({}, {"cakewalk_in_process": "{{ 1 > 2 }}"}, {}),
        ({}, {"cakewalk_in_process": False}, {"CAKEWALK_IN_PROCESS": "yes"}),
        ({}, {}, {"CAKEWALK_IN_PROCESS": "no"}),
        ({"environment": {"CAKEWALK_TIMEOUT": "20"}}, {}, {}),
        ({"async": 30, "poll": 1}, {}, {}),
        ({"become": True, "become_method": "ansible.builtin.su", "become_user": "nobody"}, {}, {}),
    ],
    ids=[
        "variable",
        "template",
        "variable before environment",
        "environment variable",
        "environment",
        "async",
        "become",
    ],
)
def test_a_process_is_started_where_that_is_asked_for(
    playbooks: Playbooks, keywords: Data, variables: Data, environment: dict[str, str]
) -> None:
    asked = play(task("read", INFO, {"groups": ["Engineering"]}, ignore_errors=True, **keywords))
    output = playbooks.run(asked, "-vvv", variables=variables, **environment).output
    assert STARTED.search(output)
    assert f"{INFO} runs by a process of its own, because of {next(iter(keywords), 'cakewalk_in_process')}" in output


@pytest.mark.parametrize("variables", [{"cakewalk_in_process": "maybe"}, {"cakewalk_in_process": ""}, {}])
def test_a_switch_that_is_neither_on_nor_off_is_refused(playbooks: Playbooks, variables: Data) -> None:
    read = play(task("read", INFO, {"groups": ["Engineering"]}, ignore_errors=True))
    message = playbooks.run(read, variables=variables, CAKEWALK_IN_PROCESS="perhaps")["read"].data["msg"]
    value = variables.get("cakewalk_in_process", "perhaps")
    assert f"CAKEWALK_IN_PROCESS in the environment: it is {value!r}. Set true or false." in message


def test_an_empty_variable_of_the_environment_is_none(playbooks: Playbooks) -> None:
    read = play(task("read", INFO, {"groups": ["Engineering"]}))
    assert f"{INFO} runs in the process of Ansible" in playbooks.run(read, "-vvv", CAKEWALK_IN_PROCESS="").output


def test_no_process_is_started_otherwise(playbooks: Playbooks) -> None:
    asked = play(task("read", INFO, {"groups": ["Engineering"]}), task("ping", "ansible.builtin.ping"))
    output = playbooks.run(asked, "-vvv").succeeded().output
    before, after = output.split("TASK [ping]")
    assert not STARTED.search(before)
    assert STARTED.search(after)


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


def test_a_process_is_started_on_another_host(playbooks: Playbooks, elsewhere: Data) -> None:
    read = task("read", INFO, {"groups": ["Engineering"]})
    there = playbooks.run(play(read, vars=elsewhere), "-vvv").succeeded()
    assert STARTED.search(there.output)
    assert there["read"].data["groups"] == playbooks.run(play(read)).succeeded()["read"].data["groups"]


def test_what_is_delegated_runs_where_the_delegate_is(playbooks: Playbooks, elsewhere: Data) -> None:
    settings = " ".join(f"{name}={value}" for name, value in elsewhere.items())
    hosts = playbooks.folder / "input" / "hosts"
    hosts.write_text(f"elsewhere {settings}\nhere ansible_connection=ansible.builtin.local\n", encoding="utf-8")
    read = task("read", INFO, {"groups": ["Engineering"]})
    for host, delegate in (("elsewhere", "here"), ("here", "elsewhere")):
        plays = play({**read, "delegate_to": delegate}, hosts=host)
        output = playbooks.run(plays, "-vvv", "-i", str(hosts)).succeeded().output
        assert bool(STARTED.search(output)) == (delegate == "elsewhere")


_INSIDE = """
from ansible.plugins.connection.local import DOCUMENTATION, Connection as Local


class Connection(Local):
    pass
"""


def test_a_process_is_started_where_a_connection_is_only_like_a_local_one(playbooks: Playbooks) -> None:
    (playbooks.folder / "inside.py").write_text(_INSIDE, encoding="utf-8")
    read = task("read", INFO, {"groups": ["Engineering"]}, vars={"ansible_connection": "inside"})
    plugins = {"ANSIBLE_CONNECTION_PLUGINS": str(playbooks.folder)}
    assert "own, because of the connection" in playbooks.run(play(read), "-vvv", **plugins).succeeded().output


@pytest.mark.parametrize(
    ("python", "way"),
    [
        ("{{ ansible_playbook_python }}", "in the process"),
        ("auto_silent", "in the process"),
        ("{{ playbook_dir }}/python", "because of ansible_python_interpreter"),
    ],
)
def test_a_process_is_started_for_another_python(playbooks: Playbooks, python: str, way: str) -> None:
    (playbooks.folder / "input" / "python").symlink_to(CORE_BIN / "python")
    named = {"vars": {"ansible_python_interpreter": python}, "ignore_errors": True}
    assert way in playbooks.run(play(task("read", INFO, {"groups": ["Engineering"]}, **named)), "-vvv").output


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
        "import urllib.request; sys.platform = 'darwin'",
        "sys.modules['requests'] = None",
        f"sys.meta_path.insert(0, {_BROKEN})",
    ],
    ids=["macOS", "no requests", "requests that break"],
)
def test_a_process_is_started_where_the_controller_cannot(playbooks: Playbooks, statement: str) -> None:
    (playbooks.folder / "sitecustomize.py").write_text(_SITE.format(statement=statement), encoding="utf-8")
    asked = play(task("read", INFO, {"groups": ["Engineering"]}))
    assert STARTED.search(playbooks.run(asked, "-vvv", PYTHONPATH=str(playbooks.folder)).succeeded().output)


def test_each_module_can_run_in_the_process() -> None:
    documented = {path.stem: path.read_text(encoding="utf-8") for path in _plugins("modules")}
    in_process = re.compile(r"class ActionModule\((InProcess|FileKeeping)Action\)")
    own = {path.stem for path in _plugins("action") if in_process.search(path.read_text(encoding="utf-8"))}
    routing = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))["plugin_routing"]["modules"]
    assert own | routing.keys() == {name for name, text in documented.items() if "run_module(" in text}


def _plugins(kind: str) -> list[Path]:
    return list((ROOT / "plugins" / kind).glob("*.py"))
