# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module that runs in the process of the controller does and tells what it does in one of its own."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import yaml
from playbooks.harness import COLLECTIONS, HERE, INFO, MEMBERS, Data, Playbooks, listed, names, play, scenario, task
from playbooks.ways import both_ways, told
from sandbox.known import request_id
from sandbox.process import Sandbox

pytestmark = pytest.mark.every_core

SCENARIOS = sorted(path.stem for path in (HERE / "scenarios").glob("*.yml"))
#: What happens before a scenario.
CHANGES = {
    "fields": [
        {"change": "set_field", "app": "GitHub", "field": "Risk Owner", "value": "Ada Admin"},
        {"change": "set_field", "app": "GitHub", "field": "Data Classification", "value": "Public"},
    ],
    "left_alone": [{"change": "cancel_request", "request": request_id("review"), "user": "petra.pending@example.com"}],
}
#: Runs a command in a folder that can then not be entered, as after C(sudo) in that of somebody else.
_SHUT = ("sh", "-c", 'chmod 000 "$PWD" && exec "$@"', "sh")
#: Takes from root what lets it enter all folders.
_POWERLESS = () if os.geteuid() else ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
OWEN = "owen.onboarding@example.com"


@pytest.mark.slow
def test_every_scenario_comes_to_the_same(playbooks: Playbooks, tenant: Sandbox) -> None:
    """All in one run of each kind, each scenario on a fresh tenant, with a ledger of its own."""
    plays = []
    for name in SCENARIOS:
        done = yaml.safe_load(yaml.safe_dump(scenario(name)).replace("{{ ledger }}", f"{{{{ ledger }}}}-{name}"))
        plays += play(task(f"fresh for {name}", "tenant", {"reset": {}, "changes": CHANGES.get(name, [])}))
        plays += [*({**one, "check_mode": True} for one in done), *done]
    here, there = both_ways(playbooks, tenant, plays, "--diff", more=listed(tenant, playbooks.folder / "code"))
    here.succeeded()
    assert told(here, "true") == told(there, "false")
    assert here.warned_of() == there.warned_of()


@pytest.mark.slow
def test_refusals_and_failures_come_to_the_same(playbooks: Playbooks, tenant: Sandbox) -> None:
    wrong: dict[str, tuple[str, Data]] = {
        "unsupported": (MEMBERS, {"group": "Engineering", "userz": [OWEN]}),
        "missing": (MEMBERS, {"group": "Engineering"}),
        "excluding": (MEMBERS, {"group": "Engineering", "users": [OWEN], "memberships": []}),
        "no choice": (MEMBERS, {"group": "Engineering", "users": [OWEN], "state": "gone"}),
        "no number": (MEMBERS, {"group": "Engineering", "users": [OWEN], "max_removals": "ten"}),
        "no list": (INFO, {"groups": {"a": 1}}),
        "below": (MEMBERS, {"memberships": [{"group": "Engineering", "userz": [OWEN]}]}),
        "nobody": (MEMBERS, {"group": "Engineering", "users": ["nobody@example.com"]}),
        "a rail": (MEMBERS, {"group": "Engineering", "users": [OWEN], "state": "exact", "max_removals": 0}),
        "a tenant's word": (MEMBERS, {"group": "Engineering", "users": ["dina.discovered@example.com"]}),
        "a secret in an answer": (INFO, {"groups": ["Engineering"], "api_key": tenant.api_key}),
        "no connection": (INFO, {"groups": ["Engineering"], "base_url": "http://127.0.0.1:9", "max_retries": 0}),
        "a date": (INFO, {"groups": ["2026-01-01"]}),
    }
    tasks = [task(title, module, options, ignore_errors=True) for title, (module, options) in wrong.items()]
    tasks[-1][INFO] = {"groups": "{{ ['2026-01-01'] }}"}
    defaults = {"module_defaults": {"group/cakewalk.access.all": {"timeout": 20}, MEMBERS: {"max_removals": 3}}}
    here, there = both_ways(playbooks, tenant, play(*tasks, **defaults), "--diff")
    assert len(here.results) == len(wrong)
    assert told(here, "true") == told(there, "false")
    assert {result.failed for result in here.results} == {True, False}
    assert here.output == there.output


@pytest.mark.slow
def test_a_result_can_be_used_as_that_of_a_module(playbooks: Playbooks, tenant: Sandbox) -> None:
    tasks = [
        task("read", INFO, {"gather": ["groups"]}, register="read"),
        task("show", "ansible.builtin.debug", {"msg": "{{ read.groups | map(attribute='name') | list }}"}),
        task("again", INFO, {"groups": "{{ read.groups | map(attribute='name') | select('search', '1 . 1') | list }}"}),
    ]
    change = {"change": "rename_group", "group": "Sales", "name": "{{ 1 + 1 }}"}
    here, there = both_ways(playbooks, tenant, play(*tasks), change=change)
    assert told(here.succeeded(), "true") == told(there, "false")
    assert here["again"].data["groups"] == [one for one in here["read"].data["groups"] if one["name"] == "{{ 1 + 1 }}"]


@pytest.mark.slow
def test_an_item_of_a_loop_does_not_repeat_the_warnings_of_those_before_it(
    playbooks: Playbooks, tenant: Sandbox
) -> None:
    absent = {"group": "Engineering", "users": ["{{ item }}"], "state": "absent"}
    nobody = ["nobody@example.com", "nobody.else@example.com"]
    here, there = both_ways(playbooks, tenant, play(task("loop", MEMBERS, absent, loop=nobody)))
    assert told(here.succeeded(), "true") == told(there, "false")
    assert len(here["loop"].warnings) == len(nobody)


@pytest.mark.slow
def test_a_relative_path_is_one_in_the_folder_of_the_playbook(playbooks: Playbooks, tenant: Sandbox) -> None:
    (playbooks.folder / "input" / "trusted.pem").touch()
    read = task("read", INFO, {"groups": ["Engineering"], "ca_path": "trusted.pem"})
    here, there = both_ways(playbooks, tenant, play(read, {**read, "name": "again"}))
    assert told(here.succeeded(), "true") == told(there.succeeded(), "false")


def test_a_defect_comes_to_the_same_and_shows_no_secret(playbooks: Playbooks, tenant: Sandbox, tmp_path: Path) -> None:
    collections = shutil.copytree(COLLECTIONS, tmp_path / "collections")
    info = collections / "ansible_collections" / "cakewalk" / "access" / "plugins" / "modules" / "cakewalk_info.py"
    defect = "def plan(params, tenant):\n    raise ZeroDivisionError(params['api_secret'])\n\n\ndef main()"
    text = info.read_text(encoding="utf-8")
    assert "def main()" in text
    info.write_text(text.replace("def main()", defect), encoding="utf-8")
    read = play(task("read", INFO, {"groups": ["Engineering"]}, ignore_errors=True))
    shown = {"ANSIBLE_COLLECTIONS_PATH": str(collections), "ANSIBLE_DISPLAY_TRACEBACK": "error"}
    here, there = both_ways(playbooks, tenant, read, "-vvv", **shown)
    assert here["read"].data["msg"] == there["read"].data["msg"]
    assert "This is a defect of the collection (ZeroDivisionError: " in here["read"].data["msg"]
    for run in (here, there):
        assert "in plan" in run.output
        assert tenant.api_secret not in run.output + repr(run.results)


@pytest.mark.slow
@pytest.mark.skipif(not os.geteuid() and not shutil.which("setpriv"), reason="this user may enter any folder")
def test_a_result_is_not_lost_where_ansible_may_not_go_back_to(playbooks: Playbooks, tenant: Sandbox) -> None:
    add = task("add", MEMBERS, {"group": "Engineering", "users": [OWEN]})
    here, there = both_ways(playbooks, tenant, play(add), within=[*_POWERLESS, *_SHUT])
    (playbooks.folder / "work").chmod(0o700)
    assert told(here.succeeded(), "true") == told(there.succeeded(), "false")
    assert here["add"].changed


@pytest.mark.slow
def test_halves_of_characters_cost_no_result(playbooks: Playbooks, tenant: Sandbox) -> None:
    change = {"change": "rename_group", "group": "Engineering", "name": "Half \ud83d"}
    add = task("add", MEMBERS, {"group": names(tenant)["group_id"]["Engineering"], "users": [OWEN]})
    here, there = both_ways(playbooks, tenant, play(add), change=change)
    assert told(here.succeeded(), "true") == told(there.succeeded(), "false")
    assert here["add"].data["memberships"][0]["group"] == "Half ?"
