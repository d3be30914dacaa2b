# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each scenario three times: as a dry run, for real, and again."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playbooks.harness import HERE, Data, Playbooks, Result, members, names, scenario, writes
from sandbox.process import Sandbox

SCENARIOS = ["one_group", "many_groups", "protection", "approval"]


def test_every_scenario_is_run() -> None:
    assert {path.stem for path in (HERE / "scenarios").glob("*.yml")} == {*SCENARIOS, "info"}


@pytest.mark.parametrize("name", SCENARIOS)
def test_what_is_foreseen_happens_once(playbooks: Playbooks, tenant: Sandbox, name: str) -> None:
    plays = scenario(name)
    tasks = {one["name"]: one.get("vars", {}) for one in plays[0]["tasks"]}
    before = tenant.state()

    foreseen = playbooks.run(plays, "--check", "--diff", variables=names(tenant)).succeeded()
    assert not writes(tenant.log())
    assert tenant.state() == before
    foreseen.warned_of()

    done = playbooks.run(plays, "--diff", variables=names(tenant)).succeeded()
    done.warned_of()
    for title, variables in tasks.items():
        _holds_expected(done[title], variables)
        _was_foreseen(foreseen[title], done[title])
    after = tenant.state()
    _is_as_told(before, after, [done[title] for title in tasks])
    assert len(writes(tenant.log())) == sum(len(done[title].steps["done"]) for title in tasks)

    tenant.clear_log()
    again = playbooks.run(plays, "--diff", variables=names(tenant)).succeeded()
    assert all(warning.startswith("Not members") for warning in again.warned_of())
    assert not writes(tenant.log())
    assert tenant.state() == after
    for title in tasks:
        assert not again[title].changed
        assert again[title].data["diff"] == []
        assert again[title].steps == {"done": [], "errors": [], "pending": []}


def _holds_expected(result: Result, variables: Data) -> None:
    assert _matches(variables["expected"], result.data), result.data
    patterns = variables.get("warns", [])
    assert len(result.warnings) == len(patterns), result.warnings
    for pattern, warning in zip(patterns, result.warnings, strict=True):
        assert re.search(pattern, warning)


def _matches(expected: Any, actual: Any) -> bool:
    """Tell whether all that is expected is there: mappings may hold more, lists not."""
    if isinstance(expected, dict):
        return isinstance(actual, dict) and all(_matches(value, actual.get(name)) for name, value in expected.items())
    if isinstance(expected, list):
        return len(expected) == len(actual) and all(map(_matches, expected, actual))
    return bool(expected == actual)


def _was_foreseen(foreseen: Result, done: Result) -> None:
    assert foreseen.told == done.told
    assert foreseen.warnings == done.warnings
    assert foreseen.steps == {"done": [], "errors": [], "pending": done.steps["done"]}
    assert (done.steps["errors"], done.steps["pending"]) == ([], [])
    assert done.changed == bool(done.steps["done"])


def _is_as_told(before: Data, after: Data, results: list[Result]) -> None:
    """Hold what became of the tenant against what the tasks told of it: members, diffs, and requests for apps."""
    emails = {user["id"]: user["email"] for user in before["users"]}
    told = {entry["group_id"]: entry for result in results for entry in result.data["memberships"]}
    expected = members(before)
    for identifier, entry in told.items():
        expected[identifier] = expected[identifier] - {*entry["removed"]} | {*entry["added"]}
    assert members(after) == expected

    diffs = [diff for result in results for diff in result.data["diff"]]
    changing = [identifier for identifier, entry in told.items() if entry["added"] or entry["removed"]]
    assert len(diffs) == len(changing)
    for side, state in (("before", before), ("after", after)):
        shown = sorted(diff[side].splitlines() for diff in diffs)
        assert shown == sorted(sorted(members(state)[identifier]) for identifier in changing)

    apps = {app["id"]: app for app in before["apps"]}
    known = {request["id"] for request in before["requests"]}
    opened = {
        (request["source_id"], emails[request["target_id"]], apps[request["app_id"]]["name"], request["status"])
        for request in after["requests"]
        if request["id"] not in known
    }
    held = {(emails[access["user_id"]], app["name"]) for app in apps.values() for access in app["accesses"]}
    assert opened == {
        (entry["group_id"], person, app, "Approved" if result.data["bypassed_approval"] else "Pending")
        for result in results
        for entry in result.data["memberships"]
        for person in entry["added"]
        for app in entry["default_apps"]
        if (person, app) not in held
    }
