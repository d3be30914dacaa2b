# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module that runs in the process of the controller does and tells what it does in one of its own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playbooks.harness import HERE, INFO, MEMBERS, ROOT, Data, Playbooks, Run, names, play, scenario, task
from sandbox.process import Sandbox

SCENARIOS = sorted(path.stem for path in (HERE / "scenarios").glob("*.yml"))
#: What tells the ways apart, as it should: who ran it, with what.
_OF_THE_WAY = ("ansible_facts", "invocation")
#: What Ansible prints at -vvv when it starts a process.
_STARTED = re.compile(r"^<(?:127\.0\.0\.1|localhost)> EXEC ", re.MULTILINE)
OWEN = "owen.onboarding@example.com"


def both_ways(
    playbooks: Playbooks, tenant: Sandbox, plays: list[Data], *options: str, change: Data | None = None
) -> list[Run]:
    """Run plays in the process of the controller, and by processes, each on a fresh tenant with a fresh ledger.

    :param change: what happens in the tenant before.
    """
    runs = []
    for way in ("true", "false"):
        tenant.reset()
        if change:
            tenant.change(**change)
        variables = {**names(tenant), "ledger": str(playbooks.folder / f"ledger-{way}")}
        runs.append(playbooks.run(plays, *options, variables=variables, CAKEWALK_IN_PROCESS=way))
    return runs


def told(run: Run, way: str) -> list[tuple[str, str, Data]]:
    """Return what each task returned, without what tells the ways apart."""
    return [
        (
            result.task,
            result.status,
            {name: _without_way(value, way) for name, value in result.data.items() if name not in _OF_THE_WAY},
        )
        for result in run.results
    ]


def _without_way(value: Any, way: str) -> Any:
    """Return a value in which the names of the ledger and the times are the same for both ways."""
    if isinstance(value, dict):
        return {name: _without_way(inner, way) for name, inner in value.items() if name not in _OF_THE_WAY}
    if isinstance(value, list):
        return [_without_way(inner, way) for inner in value]
    return value.replace(f"ledger-{way}", "ledger") if isinstance(value, str) else value


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_comes_to_the_same(playbooks: Playbooks, tenant: Sandbox, name: str) -> None:
    foreseen = [{**one, "check_mode": True} for one in scenario(name)]
    here, there = both_ways(playbooks, tenant, [*foreseen, *scenario(name)], "--diff")
    assert here.results
    assert told(here, "true") == told(there, "false")
    assert here.warned_of() == there.warned_of()


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


def test_an_item_of_a_loop_does_not_repeat_the_warnings_of_those_before_it(
    playbooks: Playbooks, tenant: Sandbox
) -> None:
    absent = {"group": "Engineering", "users": ["{{ item }}"], "state": "absent"}
    nobody = ["nobody@example.com", "nobody.else@example.com"]
    here, there = both_ways(playbooks, tenant, play(task("loop", MEMBERS, absent, loop=nobody)))
    assert told(here.succeeded(), "true") == told(there, "false")
    assert len(here["loop"].warnings) == len(nobody)


def test_a_relative_path_is_one_in_the_folder_of_the_playbook(playbooks: Playbooks, tenant: Sandbox) -> None:
    (playbooks.folder / "input" / "trusted.pem").touch()
    read = task("read", INFO, {"groups": ["Engineering"], "ca_path": "trusted.pem"})
    here, there = both_ways(playbooks, tenant, play(read, {**read, "name": "again"}))
    assert told(here.succeeded(), "true") == told(there.succeeded(), "false")


def test_a_process_is_started_where_a_play_sets_an_environment(playbooks: Playbooks) -> None:
    asked = play(task("read", INFO, {"groups": ["Engineering"]}), environment={"CAKEWALK_TIMEOUT": "20"})
    assert _STARTED.search(playbooks.run(asked, "-vvv").succeeded().output)


@pytest.mark.parametrize(
    ("keywords", "variables", "environment"),
    [
        ({}, {"cakewalk_in_process": False}, {}),
        ({}, {"cakewalk_in_process": "{{ 1 > 2 }}"}, {}),
        ({}, {}, {"CAKEWALK_IN_PROCESS": "no"}),
        ({"environment": {"CAKEWALK_TIMEOUT": "20"}}, {}, {}),
        ({"async": 30, "poll": 1}, {}, {}),
        ({"become": True, "become_method": "ansible.builtin.su", "become_user": "nobody"}, {}, {}),
    ],
    ids=["variable", "template", "environment variable", "environment", "async", "become"],
)
def test_a_process_is_started_where_that_is_asked_for(
    playbooks: Playbooks, keywords: Data, variables: Data, environment: dict[str, str]
) -> None:
    asked = play(task("read", INFO, {"groups": ["Engineering"]}, ignore_errors=True, **keywords))
    assert _STARTED.search(playbooks.run(asked, "-vvv", variables=variables, **environment).output)


def test_no_process_is_started_otherwise(playbooks: Playbooks) -> None:
    asked = play(task("read", INFO, {"groups": ["Engineering"]}), task("ping", "ansible.builtin.ping"))
    output = playbooks.run(asked, "-vvv").succeeded().output
    before, after = output.split("TASK [ping]")
    assert not _STARTED.search(before)
    assert _STARTED.search(after)


def test_each_module_can_run_in_the_process() -> None:
    documented = {path.stem: path.read_text(encoding="utf-8") for path in _plugins("modules")}
    here = {path.stem for path in _plugins("action") if "CakewalkModule" in path.read_text(encoding="utf-8")}
    assert here == {name for name, text in documented.items() if "run_module(" in text}


def _plugins(kind: str) -> list[Path]:
    return list((ROOT / "plugins" / kind).glob("*.py"))
