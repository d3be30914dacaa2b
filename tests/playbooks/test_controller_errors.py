# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Code on the controller reports its own defects as modules do: a sentence, what was done until then, and no secret."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from playbooks.harness import COLLECTIONS, INFO, MEMBERS, Data, Playbooks, play, task
from sandbox.known import task_id
from sandbox.process import Sandbox

pytestmark = pytest.mark.every_core

KEY = "TheKeyThatMasksTheEvidenceOfThisTest"
PROOF, EVIDENCE, CODE = (f"cakewalk.access.cakewalk_{name}" for name in ("task_proof", "evidence", "access_as_code"))
ERIN = "erin.engineer@example.com"
#: Where the defect is put: the file, and the function that has it.
DEFECTS = {
    PROOF: ("action/cakewalk_task_proof.py", "def perform"),
    EVIDENCE: ("action/cakewalk_evidence.py", "def _written"),
    CODE: ("plugin_utils/_code_storage.py", "def kept"),
    INFO: ("modules/cakewalk_info.py", "def main"),
}
_DEFECT = "        raise ZeroDivisionError(', '.join(__import__('os').environ.values()) + repr(vars()))\n"

Broken = Callable[[str], str]


@pytest.fixture
def broken(tmp_path: Path) -> Broken:
    """Returns the folder of a collection with a defect in an action, which shows all that it knows."""

    def broken(action: str) -> str:
        collections = shutil.copytree(COLLECTIONS, tmp_path / "collections")
        file, function = DEFECTS[action]
        path = collections / "ansible_collections" / "cakewalk" / "access" / "plugins" / file
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        (at,) = (number for number, line in enumerate(lines) if function in line)
        lines.insert(
            *((at, _DEFECT.strip() + "\n") if action == INFO else (at + 1, _DEFECT[4 - lines[at].find("def") :]))
        )
        path.write_text("".join(lines), encoding="utf-8")
        return str(collections)

    return broken


def options_of(action: str, tenant: Sandbox, folder: Path) -> Data:
    """Return the options of a task that comes to the defect."""
    if action == PROOF:
        turn = {"folder": str(folder), "nonce": "0", "run": "0"}
        return {"turn": turn, "task": task_id("action"), "user": ERIN, "observed": "present"}
    if action == EVIDENCE:
        return {"folder": str(folder / "evidence"), "mask_key": KEY}
    anchors = sorted(app["id"] for app in tenant.state("apps")["apps"])[:3]
    sections = {"tenant": {"anchors": anchors}, "groups": [{"group": "Contractors", "members": [ERIN]}]}
    (folder / "code").mkdir()
    (folder / "code" / "all.yml").write_text(yaml.safe_dump(sections), encoding="utf-8")
    return {"folder": str(folder / "code")}


@pytest.mark.parametrize(
    "action", [CODE, *(pytest.param(action, marks=pytest.mark.slow) for action in (PROOF, EVIDENCE))]
)
def test_a_defect_of_an_action_is_told_without_secrets(
    playbooks: Playbooks, tenant: Sandbox, broken: Broken, tmp_path: Path, action: str
) -> None:
    plays = play(task("run", action, options_of(action, tenant, tmp_path), ignore_errors=True))
    shown = {"ANSIBLE_COLLECTIONS_PATH": broken(action), "ANSIBLE_DISPLAY_TRACEBACK": "error"}
    run = playbooks.run(plays, "-vvv", **shown).succeeded()
    assert run["run"].data["msg"].startswith("This is a defect of the collection (ZeroDivisionError: ")
    assert run["run"].data["changed"] is False
    assert "Traceback (most recent call last)" in run.output
    assert not [secret for secret in (KEY, tenant.api_key, tenant.api_secret) if secret in run.output]


def test_a_defect_after_writes_tells_which_were_done(
    playbooks: Playbooks, tenant: Sandbox, broken: Broken, tmp_path: Path
) -> None:
    options = options_of(CODE, tenant, tmp_path)
    planned = playbooks.run(play(task("plan", CODE, options))).succeeded()["plan"].data
    apply = {"mode": "apply", "plan_hash": planned["plan_hash"], "journal_path": str(tmp_path / "record")}
    plays = play(task("apply", CODE, {**options, **apply}, ignore_errors=True))
    result = playbooks.run(plays, ANSIBLE_COLLECTIONS_PATH=broken(CODE)).succeeded()["apply"].data
    assert "'steps' names what was done until then." in result["msg"]
    assert result["changed"] is True
    assert [step["action"] for step in result["steps"]["done"]] == ["add 1 person to the group 'Contractors'"]


def test_a_warning_shows_no_secret(playbooks: Playbooks, tenant: Sandbox, tmp_path: Path) -> None:
    options = {"folder": str(tmp_path / "evidence"), "privileged": [{"permission_level": tenant.api_secret}]}
    run = playbooks.run(play(task("keep", EVIDENCE, options))).succeeded()
    assert run.warned_of() == {"No access matches these entries of privileged: '********'. Check their spelling."}
    assert tenant.api_secret not in run.output


def test_a_file_that_cannot_be_written_costs_no_warning_of_the_module(
    playbooks: Playbooks, tenant: Sandbox, tmp_path: Path
) -> None:
    options = options_of(CODE, tenant, tmp_path)
    code = tmp_path / "code" / "all.yml"
    code.write_text(code.read_text(encoding="utf-8").replace(ERIN, "dina.discovered@example.com"), encoding="utf-8")
    # Too long for the temporary file only, which nothing shows before the write.
    plan = task("plan", CODE, {**options, "plan_path": str(tmp_path / ("p" * 250))}, ignore_errors=True)
    run = playbooks.run(play(plan)).succeeded()
    assert run["plan"].data["error"]["kind"] == "file"
    assert "Discovered" in "".join(run.warned_of())


@pytest.mark.parametrize("in_process", ["true", pytest.param("false", marks=pytest.mark.slow)])
def test_a_module_that_cannot_be_loaded_fails_alone(
    playbooks: Playbooks, broken: Broken, tenant: Sandbox, in_process: str
) -> None:
    collections = broken(INFO)
    tasks = [
        task("read", INFO, {"groups": ["Engineering"]}, ignore_errors=True),
        task("join", MEMBERS, {"group": "Engineering", "users": [ERIN]}),
    ]
    environment = {"ANSIBLE_COLLECTIONS_PATH": collections, "CAKEWALK_IN_PROCESS": in_process}
    run = playbooks.run(play(*tasks), "-vvv", **environment).succeeded()
    assert run["read"].failed
    assert not run["join"].failed
    if in_process == "true":
        assert run["read"].data["msg"].startswith("This is a defect of the collection (ZeroDivisionError: ")
        assert tenant.api_secret not in run.output
