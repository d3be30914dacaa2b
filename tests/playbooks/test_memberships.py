# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each scenario of group membership three times: as a dry run, for real, and again."""

from __future__ import annotations

import pytest
from playbooks.harness import Data, Playbooks, Result, members
from playbooks.module_contract import rehearse
from sandbox.process import Sandbox

SCENARIOS = ["many_groups", "protection"]
SLOW = ["one_group", "approval"]


@pytest.mark.parametrize("name", [*SCENARIOS, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)])
def test_what_is_foreseen_happens_once(playbooks: Playbooks, tenant: Sandbox, name: str) -> None:
    runs = rehearse(playbooks, tenant, name, again_warns="Not members")
    _is_as_told(runs.before, runs.after, [runs.done[title] for title in runs.titles])
    assert all(runs.done[title].changed == bool(runs.done[title].steps["done"]) for title in runs.titles)


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
    for side, one, other in (("before", before, after), ("after", after, before)):
        shown = sorted(diff[side].splitlines() for diff in diffs)
        assert shown == sorted(sorted(members(one)[group] - members(other)[group]) for group in changing)

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
