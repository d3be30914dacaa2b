# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role finds in the files of handlers before it runs them."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import ConfigurationError
from ansible_collections.cakewalk.access.plugins.plugin_utils._handler_files import (
    TaskFiles,
    names_set_by,
    refuse_endings,
)

#: Files that others include.
BESIDE = {
    "ending.yml": "- meta: end_play",
    "roles/ending/tasks/main.yml": "- include_tasks: deeper/more.yml",
    "roles/ending/tasks/deeper/more.yml": "- meta: end_host\n  when: true",
    "roles/ending_itself/tasks/main.yml": "- meta: end_role\n- include_tasks: ../../../ending_role.yml",
    "roles/ending_in_handlers/handlers/main.yml": "- name: Stop\n  ansible.builtin.meta: end_play",
    "roles/depending/meta/main.yml": "dependencies:\n  - role: ending_in_handlers",
    "ending_role.yml": "- meta: end_role",
}

#: A file of tasks, and what it has C(meta) end.
ENDING = {
    "- meta: end_play": "end_play",
    "- ansible.builtin.meta: end_batch\n  when: nothing_to_do": "end_batch",
    "- ansible.legacy.meta: ' end_host '": "end_host",
    "- action: meta end_host": "end_host",
    "- local_action: ansible.builtin.meta end_play": "end_play",
    "- meta: end_role": "end_role",
    "- block: []\n  rescue:\n    - block: []\n      always:\n        - meta: end_play": "end_play",
    "- include_tasks: ending.yml": "end_play",
    "- import_tasks: file=ending.yml": "end_play",
    "- ansible.builtin.include_tasks: {file: ending_role.yml}": "end_role",
    "- include_role: {name: ending}": "end_host",
    "- import_role: name=ending tasks_from=other": "end_host",
    "- include_role: {name: depending}": "end_play",
}

NOT_ENDING = (
    "- meta: flush_handlers\n- meta: noop\n- meta: refresh_inventory\n- meta: clear_host_errors",
    "- meta: reset_connection\n- meta: clear_facts",
    "- name: 'meta: end_play'\n  debug: {msg: meta end_play}\n  vars: {meta: end_play, action: meta end_play}",
    "- uri: {url: x, body: {meta: end_play}}\n  when: meta == 'end_play'",
    # It ends only this role.
    "- include_role: {name: ending_itself}",
    # Nobody can read these beforehand.
    "- include_tasks: '{{ file }}'",
    "- include_role: {name: '{{ role }}'}",
    f'- include_tasks: "{{{{ {" + ".join(["file"] * 60)} }}}}"',
    # Ansible itself says that they are missing.
    "- include_role: {name: nowhere}\n- include_tasks: nowhere.yml",
    "- include_role:\n- include_tasks: 7\n- meta:\n- action:\n- dependencies: [7, null]\n- text",
    "",
    "meta: end_play",
)


@pytest.fixture
def files(tmp_path: Path) -> TaskFiles:
    for name, text in BESIDE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    loader = DataLoader()
    loader.set_basedir(str(tmp_path))
    return TaskFiles(loader, [])


def part_of(folder: Path, text: str) -> dict[str, str | None]:
    (folder / "handler.yml").write_text(text, encoding="utf-8")
    return {"tasks": str(folder / "handler.yml"), "role": None}


@pytest.mark.parametrize("text", ENDING)
def test_what_ends_the_run_is_refused(files: TaskFiles, tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError, match=f"routes.0..handler.*yml' has `meta: {ENDING[text]}`.*fail"):
        refuse_endings(files.of(part_of(tmp_path, text), "routes[0].handler"), "routes[0].handler")


@pytest.mark.parametrize("text", NOT_ENDING)
def test_all_else_is_not(files: TaskFiles, tmp_path: Path, text: str) -> None:
    refuse_endings(files.of(part_of(tmp_path, text), "x"), "x")


@pytest.mark.parametrize(
    ("role", "is_refused"),
    [("ending", True), ("ending_in_handlers", True), ("depending", True), ("ending_itself", False)],
)
def test_a_role_may_end_only_itself(files: TaskFiles, role: str, is_refused: bool) -> None:
    found = list(files.of({"role": role, "tasks": None}, "x"))
    assert any(file.is_of_role for file in found)
    if is_refused:
        with pytest.raises(ConfigurationError):
            refuse_endings(found, "x")
    else:
        refuse_endings(found, "x")


def test_the_variables_of_included_files_and_roles_are_found(files: TaskFiles, tmp_path: Path) -> None:
    (tmp_path / "ending.yml").write_text("- command: x\n  register: in_file\n  vars: {a: 1}", encoding="utf-8")
    role = "- set_fact: {in_role: 1}\n- block: []\n  vars: {in_block: 1}"
    (tmp_path / "roles/ending/tasks/main.yml").write_text(role, encoding="utf-8")
    text = "- include_tasks: ending.yml\n- include_role: {name: ending}\n  vars: {handed_on: 1}"
    found = names_set_by(files.of(part_of(tmp_path, text), "x"))
    assert found == {"in_file", "a", "in_role", "in_block", "handed_on"}
