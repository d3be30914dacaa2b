# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module runs by every name that Ansible knows for it, in the process of Ansible and by a process."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from playbooks.harness import ACCESS, CORE_BIN, INFO, MEMBERS, ROOT, Data, Playbooks, Run, play, task
from playbooks.ways import both_ways, told
from sandbox.known import task_id
from sandbox.process import Sandbox

pytestmark = pytest.mark.every_core

MODULES = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "plugins" / "modules").glob("*.py")}
RUN_BY_ENTRY = {name for name, text in MODULES.items() if "run_module(" in text}
#: What differs from run to run, since it tells of times.
_TIMES = ("listed_between", "bundle", "manifest_sha256", "stats", "listed_at")
_WAY = re.compile(r"cakewalk\.access\.(\w+) runs (in|by)")
CONNOR, ERIN, OWEN = (f"{name}@example.com" for name in ("connor.contractor", "erin.engineer", "owen.onboarding"))
PETRA = "petra.pending@example.com"


@pytest.fixture
def options(playbooks: Playbooks, tenant: Sandbox, tmp_path: Path) -> dict[str, Data]:
    """The options of a task for each module; two of them take what other tasks registered."""
    code = playbooks.folder / "code"
    code.mkdir()
    anchors = sorted(app["id"] for app in tenant.state("apps")["apps"])[:3]
    sections = {"tenant": {"anchors": anchors}, "groups": [{"group": "Sales", "members": [ERIN]}]}
    sections["rules"] = [
        {"name": "R", "severity": "low", "reason": "Why", "limits": {"holders_of": [{"group": "Sales"}], "at_least": 1}}
    ]
    (code / "all.yml").write_text(yaml.safe_dump(sections), encoding="utf-8")
    # Without objects, the collection for AWX is not needed.
    definitions = tmp_path / "controller.yml"
    definitions.write_text("organization: Default\n", encoding="utf-8")
    github = tenant.find("apps", "GitHub")["id"]
    journal = str(tmp_path / "moves.jsonl")
    turn = {"folder": str(tmp_path / "turns"), "nonce": "0", "run": "0"}
    return {
        "cakewalk_access_as_code": {"folder": str(code)},
        "cakewalk_access_rules": {"folder": str(code)},
        "cakewalk_access_review": {"name": "S", "reviewer": "manager", "due_date": "2099-12-31", "apps": ["GitHub"]},
        "cakewalk_app_access": {"app": "Figma", "users": [CONNOR], "purpose": "Work"},
        "cakewalk_app_custom_field": {"app": "GitHub", "fields": {"Cost Center": "0815"}},
        "cakewalk_app_policy": {"app": "GitHub", "request_type": "grant_access", "policy": "Two approvals"},
        "cakewalk_controller_setup": {"path": str(definitions)},
        "cakewalk_evidence": {"folder": str(tmp_path / "evidence")},
        "cakewalk_group_member": {"group": "Contractors", "users": [ERIN]},
        "cakewalk_info": {"groups": ["Sales"], "include": ["members"]},
        "cakewalk_joiner": {"user": OWEN, "groups": ["Sales"], "journal_path": journal, "wait_timeout": 0},
        "cakewalk_leaver": {"user": CONNOR, "confirm": CONNOR, "proof_dir": str(tmp_path / "leavers")},
        "cakewalk_mover": {"user": ERIN, "joins": ["Sales"], "leaves": ["Engineering"], "journal_path": journal},
        "cakewalk_task": {"task": task_id("removal"), "state": "declined"},
        "cakewalk_task_proof": {"turn": turn, "task": task_id("action"), "user": PETRA, "observed": "present"},
        "cakewalk_task_route_info": {
            "tasks": [task_id("action")],
            "routes": [{"app": github, "permission_level": "any", "request_type": "grant_access"}],
        },
        "cakewalk_task_turn": {"step": "report", "outcomes": [], "record_path": str(tmp_path / "turns.jsonl")},
    }


#: Steps of roles write what a whole run needs, and check mode runs all of their way but that.
FORESEEN = ("cakewalk_joiner", "cakewalk_leaver", "cakewalk_mover", "cakewalk_task_proof")


@pytest.mark.slow
def test_every_module_comes_to_the_same_in_process_and_by_a_process(
    playbooks: Playbooks, tenant: Sandbox, options: dict[str, Data]
) -> None:
    assert options.keys() == MODULES.keys()
    tasks = [
        task(name, f"cakewalk.access.{name}", of_module, **({"check_mode": True} if name in FORESEEN else {}))
        for name, of_module in options.items()
    ]
    # The variables win over what the environment says.
    variables = {"cakewalk_api_key": tenant.api_key, "cakewalk_acting_user": tenant.acting_user}
    elsewhere = {"CAKEWALK_API_KEY": "wrong", "CAKEWALK_ACTING_USER": "nobody@example.com"}
    here, there = both_ways(playbooks, tenant, play(*tasks, vars=variables), "-vvv", **elsewhere)
    for one, other in zip(_lasting(here.succeeded(), "true"), _lasting(there.succeeded(), "false"), strict=True):
        assert one == other
    assert set(_WAY.findall(here.output)) == {(name, "in") for name in RUN_BY_ENTRY}
    assert set(_WAY.findall(there.output)) == {(name, "by") for name in RUN_BY_ENTRY}


def _lasting(run: Run, way: str) -> list[tuple[str, str, Data]]:
    return [
        (name, status, {**_without_times(data), "stats": _without_times(data.get("stats", {}))})
        for name, status, data in told(run, way)
    ]


def _without_times(data: Data) -> Data:
    return {key: value for key, value in data.items() if not key.endswith(_TIMES)}


def test_every_module_runs_by_its_short_name(playbooks: Playbooks, options: dict[str, Data]) -> None:
    tasks = [task(name, name, of_module) for name, of_module in options.items()]
    run = playbooks.run(play(*tasks, collections=["cakewalk.access"]), "--check", "-vvv").succeeded()
    assert [result.task for result in run.results] == list(options)
    assert run.output.count(" runs in the process of Ansible") == sum(
        "run_module(" in text for text in MODULES.values()
    )


def test_defaults_reach_the_modules_that_they_name_and_no_others(playbooks: Playbooks, tenant: Sandbox) -> None:
    defaults = {
        "group/cakewalk.access.all": {"base_url": tenant.url},
        "group/cakewalk.access.write": {"protected_users": [CONNOR]},
        INFO: {"gather": ["groups"]},
        MEMBERS: {"group": "Engineering"},
    }
    by_short_name = {"collections": ["cakewalk.access"], "module_defaults": defaults}
    tasks = [
        task("read", INFO),
        task("read by short name", "cakewalk_info"),
        task("join", MEMBERS, {"users": [OWEN]}),
        task("join by short name", "cakewalk_group_member", {"users": [OWEN]}),
        task("ask", ACCESS, {"app": "Figma", "users": [ERIN], "purpose": "Work"}),
        task("protected", MEMBERS, {"group": "Contractors", "users": [CONNOR], "state": "absent"}, ignore_errors=True),
    ]
    elsewhere = {"CAKEWALK_BASE_URL": "http://127.0.0.1:9", "CAKEWALK_MAX_RETRIES": "0"}
    run = playbooks.run(play(*tasks, **by_short_name), "--check", **elsewhere).succeeded()
    assert run["read"].data["groups"] == run["read by short name"].data["groups"] != []
    assert run["join"].told == run["join by short name"].told
    assert [one["group"] for one in run["join"].data["memberships"]] == ["Engineering"]
    assert run["ask"].changed
    assert "protected" in run["protected"].data["msg"]


def test_a_module_runs_in_a_loop_and_under_the_other_keywords_of_tasks(playbooks: Playbooks) -> None:
    join = {"users": [OWEN]}
    tasks = [
        {"name": "action", "action": MEMBERS, "args": {"group": "Sales", **join}},
        {"name": "a template", "action": "{{ name_of_module }}", "args": {"group": "Sales", **join}},
        {"name": "loop", MEMBERS: {"group": "{{ item }}", **join}, "loop": ["Engineering", "Sales"]},
        {"name": "delegate", MEMBERS: {"group": "Sales", **join}, "delegate_to": "localhost"},
        {"name": "fail", MEMBERS: {"group": "Nowhere", **join}, "ignore_errors": True},
        {"name": "repeat", INFO: {"groups": ["Sales"]}, "register": "sales", "until": "sales is success", "retries": 2},
        {"name": "wait", MEMBERS: {"group": "Sales", **join}, "async": 60, "poll": 1, "check_mode": False},
    ]
    run = playbooks.run(play(*tasks), "--check", "-vvv", variables={"name_of_module": MEMBERS}).succeeded()
    same = [run[name].data["memberships"] for name in ("action", "a template", "delegate")]
    assert same == [[{"group": "Sales", **same[0][0]}]] * 3
    assert [item["memberships"][0]["group"] for item in run["loop"].data["results"]] == ["Engineering", "Sales"]
    assert run["fail"].data["error"]["kind"] == "lookup_failed"
    assert run["wait"].data["memberships"] == same[0]


_SITE = """
import os, sys

def _note(event, details):
    if event == "exec" and details[0].co_filename.endswith("/plugins/modules/cakewalk_group_member.py"):
        with open(os.environ["NOTED"], "a") as file:
            print(os.getpid(), file=file)

sys.addaudithook(_note)
"""


def test_the_code_of_a_module_is_loaded_once_for_all_tasks(playbooks: Playbooks) -> None:
    """Ansible forks for each task, and what a fork loads is gone with it."""
    (playbooks.folder / "sitecustomize.py").write_text(_SITE, encoding="utf-8")
    noted = playbooks.folder / "noted"
    tasks = [task(f"join {group}", MEMBERS, {"group": group, "users": [OWEN]}) for group in ("Engineering", "Sales")]
    playbooks.run(play(*tasks), PYTHONPATH=str(playbooks.folder), NOTED=str(noted)).succeeded()
    assert len(noted.read_text(encoding="utf-8").splitlines()) == 1


def test_ansible_doc_shows_every_module(playbooks: Playbooks) -> None:
    names = [f"cakewalk.access.{name}" for name in sorted(MODULES)]
    command = [str(CORE_BIN / "ansible-doc"), "--json", *names]
    shown = json.loads(subprocess.run(command, env=playbooks.environment(), capture_output=True, check=True).stdout)
    assert sorted(shown) == names
    assert all(page["doc"]["module"] == name.rpartition(".")[2] for name, page in shown.items())
