# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where options come from: the task, the defaults of its action group, the environment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from ansible_collections.cakewalk.access.plugins.module_utils._module.arguments import (
    ACTING,
    CONNECTION,
    LEDGER,
    WRITING,
)
from contract.certificates import self_signed
from contract.wire import Wire, detour
from demo import first_playbook
from playbooks.harness import INFO, MEMBERS, REVIEW, Data, Playbooks, members, play, task, writes
from sandbox.process import Sandbox

pytestmark = pytest.mark.every_core

CONNOR, ERIN = "connor.contractor@example.com", "erin.engineer@example.com"
JOINS = {"group": "Contractors", "users": [ERIN]}
LEAVES = {"group": "Contractors", "users": [CONNOR], "state": "absent"}
#: Variables of the tenant that a run is not to see.
NOTHING = dict.fromkeys(("CAKEWALK_BASE_URL", "CAKEWALK_API_KEY", "CAKEWALK_API_SECRET", "CAKEWALK_ACTING_USER"), "")

#: What a value proves by being refused; the other variables are proved by their effect.
REFUSED = {
    "CAKEWALK_BASE_URL": ("http://service.example.com", "base_url"),
    "CAKEWALK_API_KEY": ("line\nbreak", "api_key"),
    "CAKEWALK_API_SECRET": ("line\nbreak", "api_secret"),
    "CAKEWALK_CA_PATH": ("/no/where", "ca_path"),
    "CAKEWALK_TIMEOUT": ("0", "timeout"),
    "CAKEWALK_MAX_RETRIES": ("-1", "max_retries"),
    "CAKEWALK_REQUESTS_PER_MINUTE": ("-1", "requests_per_minute"),
    "CAKEWALK_CONCURRENCY": ("0", "concurrency"),
    "CAKEWALK_ACTING_USER": ("nobody@example.com", "nobody@example.com"),
}
#: The last one in the tests of the modules that keep a ledger.
SHOWN = {"CAKEWALK_VALIDATE_CERTS", "CAKEWALK_KNOWN_STATUSES", "CAKEWALK_LEDGER"}


def test_no_variable_is_forgotten() -> None:
    shared = {**CONNECTION, **ACTING, **WRITING, **LEDGER}
    variables = {option["fallback"][1][0] for option in shared.values() if "fallback" in option}
    assert variables == REFUSED.keys() | SHOWN


def test_every_option_falls_back_on_its_variable(playbooks: Playbooks, tenant: Sandbox) -> None:
    tasks = [
        task(name, MEMBERS, JOINS, environment={name: value}, ignore_errors=True)
        for name, (value, _words) in REFUSED.items()
    ]
    run = playbooks.run(play(*tasks))
    for name, (_value, words) in REFUSED.items():
        assert run[name].failed, name
        assert words in run[name].data["msg"]
    assert not writes(tenant.log())


def test_statuses_may_stand_in_the_environment_as_json(playbooks: Playbooks, tenant: Sandbox) -> None:
    tenant.configure(unknown_values="all")
    known = json.dumps({"user": {"may_act": ["Hibernating"], "may_receive_access": ["Hibernating"]}})
    run = playbooks.run(play(task("join", MEMBERS, JOINS)), CAKEWALK_KNOWN_STATUSES=known).succeeded()
    assert not run.warned_of()
    assert run["join"].changed


def test_certificates_may_be_left_unchecked_by_the_environment(
    playbooks: Playbooks, tenant: Sandbox, tmp_path: Path
) -> None:
    _file, context = self_signed(tmp_path, "127.0.0.1")
    with Wire(detour(tenant.url, lambda _request: None), tls=context) as wire:
        query = {"groups": ["Engineering"], "base_url": wire.url}
        tasks = [
            task("checked", INFO, query, ignore_errors=True),
            task("unchecked", INFO, query, environment={"CAKEWALK_VALIDATE_CERTS": "false"}),
        ]
        run = playbooks.run(play(*tasks)).succeeded()
    assert "is not trusted" in run["checked"].data["msg"]
    assert list(run["unchecked"].data["groups_by_name"]) == ["Engineering"]


@pytest.fixture
def defaults(tenant: Sandbox) -> Data:
    """Defaults of the action groups that lead to the tenant."""
    everywhere = {"base_url": tenant.url, "api_key": tenant.api_key, "api_secret": tenant.api_secret}
    return {"group/cakewalk.access.all": everywhere, "group/cakewalk.access.write": {"acting_user": tenant.acting_user}}


def test_action_groups_carry_options_to_their_modules(playbooks: Playbooks, tenant: Sandbox, defaults: Data) -> None:
    tasks = [task("query", INFO, {"groups": ["Contractors"]}), task("join", MEMBERS, JOINS)]
    run = playbooks.run(play(*tasks, module_defaults=defaults), **NOTHING).succeeded()
    assert not run.warned_of()
    assert list(run["query"].data["groups_by_name"]) == ["Contractors"]
    assert run["join"].data["memberships"][0]["added"] == [ERIN]
    assert {entry["key"] for entry in tenant.log()} == {"read-write"}


def test_the_defaults_of_the_readme_fit_every_module_that_acts_for_somebody(
    playbooks: Playbooks, tenant: Sandbox
) -> None:
    readme = yaml.safe_load(first_playbook())
    review = {"name": "Spring", "reviewer": "manager", "due_date": "2099-12-31", "apps": ["GitHub"]}
    tasks = [task("review", REVIEW, review), task("join", MEMBERS, JOINS)]
    plays = play(*tasks, module_defaults=readme[0]["module_defaults"])
    run = playbooks.run(plays, CAKEWALK_ACTING_USER="").succeeded()
    assert all(result.changed for result in run.results)
    (started,) = (entry for entry in tenant.log() if entry["operation"] == "createAccessReview")
    assert started["status"] in (200, 201)


def test_a_key_that_may_only_read_is_enough_to_foresee(playbooks: Playbooks, tenant: Sandbox) -> None:
    before = tenant.state()
    key = {"CAKEWALK_API_KEY": tenant.read_only_key, "CAKEWALK_API_SECRET": tenant.read_only_secret}
    both = {"memberships": [{"state": "present", **JOINS}, LEAVES]}
    tasks = [task("both", MEMBERS, both), task("nothing", MEMBERS, {"group": "Contractors", "users": [CONNOR]})]

    foreseen = playbooks.run(play(*tasks), "--check", "--diff", **key).succeeded()
    assert foreseen["both"].changed
    assert foreseen["both"].data["memberships"][0]["added"] == [ERIN]

    done = playbooks.run(play(*tasks), "--diff", **key)
    assert done.status != 0
    assert not done["both"].changed
    assert done["both"].data["error"].items() >= {"kind": "forbidden", "status": 403, "method": "POST"}.items()
    assert "add 1 person to the group 'Contractors'" in done["both"].data["msg"]
    assert "If the key is read-only" in done["both"].data["msg"]
    assert [len(done["both"].steps[part]) for part in ("done", "errors", "pending")] == [0, 1, 1]
    assert tenant.state() == before
    assert {entry["status"] for entry in tenant.log() if entry["method"] != "GET"} == {403}

    idle = playbooks.run(play(tasks[1]), **key).succeeded()
    assert not idle["nothing"].changed
    assert members(tenant.state()) == members(before)
