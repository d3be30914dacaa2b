# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""C(module_defaults) hold for an option that comes to nothing as they hold for one that is not named."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml
from playbooks.harness import CORE_BIN, MEMBERS, Data, Playbooks, Result, play, task
from sandbox.process import Sandbox

pytestmark = pytest.mark.every_core

ERIN, CONNOR, OLGA = "erin.engineer@example.com", "connor.contractor@example.com", "olga.owner@example.com"
MAX = "max.manager@example.com"
#: Ways in which a task names an option and gives nothing for it; first the one that Ansible itself handles.
NOTHING = {
    "unnamed": None,
    "omit": "{{ not_set | default(omit) }}",
    "null": "{{ none }}",
    "blank": "",
    "template": "{{ ' ' }}",
}
ALL, WRITE = "group/cakewalk.access.all", "group/cakewalk.access.write"
#: Options that the tasks name. What they come to is told by C(invocation).
SEEN = ("timeout", "max_retries", "max_removals", "acting_user", "protected_users", "concurrency", "state")
OF_PLAY = {
    ALL: {"timeout": 41, "max_retries": 1, "concurrency": "{{ how_many }}"},
    WRITE: {
        "timeout": 42,
        "acting_user": "{{ admin }}",
        "protected_users": "{{ whom }}",
        "state": "{{ not_set | default(omit) }}",
        "max_removals": "{{ not_set | default('') }}",
    },
    MEMBERS: {"max_retries": 2},
}
#: What must come of them.
PLAIN: Data = {
    "timeout": 42,
    "max_retries": 2,
    "concurrency": 3,
    "acting_user": "ada.admin@example.com",
    "protected_users": [CONNOR],
    "max_removals": None,
    "state": "present",
}


def member(way: str, **options: object) -> Data:
    """Return a task that changes nothing, and gives nothing for any option in C(SEEN)."""
    nothing = {} if way == "unnamed" else dict.fromkeys(SEEN, NOTHING[way])
    return task(way, MEMBERS, {"group": "Engineering", "users": [ERIN], **nothing, **options})


def cases(way: str) -> dict[str, tuple[Data, Data]]:
    """Return tasks and blocks by name, and what differs from C(PLAIN) for their options."""
    mine = [{MEMBERS: {"max_removals": 9, "timeout": 43}}, {WRITE: {"max_removals": 10, "concurrency": 4}}]
    return {
        "plain": (member(way), {}),
        "given": (
            member(way, timeout=50, max_removals=0, protected_users=f"{OLGA}\n{CONNOR}", state="present"),
            {"timeout": 50, "max_removals": 0, "protected_users": [CONNOR, OLGA]},
        ),
        "of the task": (
            {**member(way), "module_defaults": mine},
            {
                "max_removals": 9,
                "timeout": 43,
                "acting_user": None,
                # Ansible would take away what the play protects.
                "protected_users": [CONNOR],
                "max_retries": 1,
                "concurrency": 4,
            },
        ),
        "of a block": (
            {"block": [member(way)], "module_defaults": {MEMBERS: {"protected_users": [OLGA], "max_removals": 8}}},
            {"max_removals": 8, "protected_users": [OLGA, CONNOR], "max_retries": 1},
        ),
        "in a loop": (
            {
                **member(way),
                "loop": [5],
                "module_defaults": {MEMBERS: {"max_removals": "{{ item }}"}},
            },
            {"max_removals": 5, "max_retries": 1},
        ),
        "by a short name": (
            {"name": way, **{"cakewalk_group_member": member(way)[MEMBERS]}, "collections": ["cakewalk.access"]},
            {},
        ),
        "by action": ({"name": way, "action": MEMBERS, "args": member(way)[MEMBERS]}, {}),
        "in an included role": (
            {
                "ansible.builtin.include_role": {
                    "name": f"inner_{way}",
                    "apply": {"module_defaults": {MEMBERS: {"max_removals": 7}}},
                }
            },
            {"max_removals": 7, "max_retries": 1},
        ),
        "in an imported role": (
            {
                "ansible.builtin.import_role": {"name": f"inner_{way}"},
                "module_defaults": {MEMBERS: {"max_removals": 6}},
            },
            {"max_removals": 6, "max_retries": 1},
        ),
        "in an included file": (
            {
                "ansible.builtin.include_tasks": {
                    "file": f"roles/inner_{way}/tasks/main.yml",
                    "apply": {"module_defaults": {MEMBERS: {"max_removals": 4}}},
                }
            },
            {"max_removals": 4, "max_retries": 1},
        ),
    }


def seen(result: Result) -> Data:
    """Return what the options of a task came to."""
    data = result.data["results"][0] if "results" in result.data else result.data
    return {name: data["invocation"]["module_args"][name] for name in SEEN}


@pytest.mark.parametrize("way", ["true", pytest.param("false", marks=pytest.mark.slow)])
def test_defaults_hold_for_what_comes_to_nothing(playbooks: Playbooks, tenant: Sandbox, way: str) -> None:
    for form in NOTHING:
        tasks = playbooks.folder / "input" / "roles" / f"inner_{form}" / "tasks"
        tasks.mkdir(parents=True)
        (tasks / "main.yml").write_text(yaml.safe_dump([member(form)]), encoding="utf-8")
    tasks = [one for form in NOTHING for one, _differs in cases(form).values()]
    variables = {"how_many": 3, "admin": tenant.acting_user, "whom": [CONNOR]}
    plays = play(*tasks, module_defaults=OF_PLAY)
    # Since ansible-core 2.20, results hold the options only if asked.
    environment = {"CAKEWALK_IN_PROCESS": way, "CAKEWALK_ACTING_USER": "", "ANSIBLE_INJECT_INVOCATION": "true"}
    run = playbooks.run(plays, variables=variables, **environment).succeeded()
    results = iter([result for result in run.results if {"invocation", "results"} & result.data.keys()])
    came_of = {form: {name: seen(next(results)) for name in cases(form)} for form in NOTHING}
    assert came_of["unnamed"] == {name: {**PLAIN, **differs} for name, (_task, differs) in cases("unnamed").items()}
    for form in NOTHING:
        assert came_of[form] == came_of["unnamed"], form


def test_a_key_that_stays_on_the_controller_does_so_as_a_default(playbooks: Playbooks, tmp_path: Path) -> None:
    defaults = {"cakewalk.access.cakewalk_evidence": {"mask_key": "k" * 64}}
    plays = play(task("mask", "cakewalk.access.cakewalk_evidence", {"folder": str(tmp_path)}), module_defaults=defaults)
    masked = playbooks.run(plays, "--check", ANSIBLE_INJECT_INVOCATION="true").succeeded()["mask"]
    assert masked.data["invocation"]["module_args"]["mask_key"] is None


_VAULTED = """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: vaulted
      cakewalk.access.cakewalk_group_member:
        group: Engineering
        users: [erin.engineer@example.com]
        protected_users: {vaulted}
"""


def test_a_vaulted_text_is_a_list_too(playbooks: Playbooks) -> None:
    password, file = playbooks.folder / "password", playbooks.folder / "input" / "vaulted.yml"
    password.write_text("password", encoding="utf-8")
    vault = [str(CORE_BIN / "ansible-vault"), "encrypt_string", "--vault-password-file", str(password)]
    done = subprocess.run([*vault, f"{CONNOR}\n{OLGA}"], capture_output=True, text=True, check=True)
    file.write_text(_VAULTED.format(vaulted=done.stdout), encoding="utf-8")
    run = playbooks.run(str(file), "--vault-password-file", str(password), ANSIBLE_INJECT_INVOCATION="true")
    assert run.succeeded()["vaulted"].data["invocation"]["module_args"]["protected_users"] == [CONNOR, OLGA]
