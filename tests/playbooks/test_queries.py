# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Queries, with a key that may only read, and what they refuse."""

from __future__ import annotations

import pytest
from playbooks.harness import INFO, Playbooks, names, play, scenario, task, writes
from sandbox.process import Sandbox


@pytest.fixture
def read_only(tenant: Sandbox) -> dict[str, str]:
    """The variables that make a run use the key that may only read."""
    return {"CAKEWALK_API_KEY": tenant.read_only_key, "CAKEWALK_API_SECRET": tenant.read_only_secret}


def test_queries_return_what_is_there(playbooks: Playbooks, tenant: Sandbox, read_only: dict[str, str]) -> None:
    state = tenant.state("users", "groups")
    engineering = next(group for group in state["groups"] if group["name"] == "Engineering")
    expected = {
        "expected_users": sorted(user["id"] for user in state["users"]),
        "expected_groups": sorted(group["id"] for group in state["groups"]),
        "expected_members": sorted(engineering["members"]),
    }
    plays = scenario("info")
    check = playbooks.run(plays, "--check", "--diff", variables=names(tenant) | expected, **read_only).succeeded()
    run = playbooks.run(plays, variables=names(tenant) | expected, **read_only).succeeded()
    assert not check.warned_of() | run.warned_of()
    assert [result.told for result in check.results] == [result.told for result in run.results]
    assert not any(result.changed for result in run.results)
    assert not writes(tenant.log())
    assert {entry["key"] for entry in tenant.log()} == {"read-only"}


REFUSED = {
    "a selector of a kind that is not read": (
        {"gather": ["groups"], "users": ["erin.engineer@example.com"]},
        "configuration",
        "Could not use users: it has no effect when only groups is read. Name the kind under gather",
    ),
    "an include of a kind that is not read": (
        {"users": [], "include": ["members"]},
        "configuration",
        "Could not use members: it has no effect when only users is read. Name the kind under gather",
    ),
    "an e-mail address that two people hold": (
        {"users": ["SAM.twin@example.com"]},
        "lookup_failed",
        "'SAM.twin@example.com' is held by 2: {sams}",
    ),
    "a name that two groups have": ({"groups": ["Twin Group"]}, "lookup_failed", "'Twin Group' is held by 2"),
    "nothing": ({}, None, "one of the following is required: gather, users, groups, apps"),
    "a kind that does not exist": ({"gather": ["people"]}, None, "users, groups, apps"),
}


def test_what_makes_no_sense_is_refused_by_name(playbooks: Playbooks, tenant: Sandbox) -> None:
    sams = ", ".join(
        f"{user['id']} ({user['status']})"
        for user in tenant.state("users")["users"]
        if user["email"] == "sam.twin@example.com"
    )
    tasks = [task(title, INFO, options, ignore_errors=True) for title, (options, _kind, _words) in REFUSED.items()]
    run = playbooks.run(play(*tasks))
    for title, (_options, kind, words) in REFUSED.items():
        assert run[title].failed, title
        assert words.format(sams=sams) in run[title].data["msg"]
        assert run[title].data.get("error", {}).get("kind") == kind
