# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cakewalk_group_member returns, and the steps that it takes."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.operations import Phase
from ansible_collections.cakewalk.access.plugins.module_utils._engine.groups.membership import result_of
from unit.people import MemoryTenant, group, membership, options, user

ADA = user(1, "ada@example.com")
BEN = user(2, "ben@example.com")
CAT = user(3, "cat@example.com")
CREW, TEAM, REST = group(1, "Crew"), group(2, "Team"), group(3, "Rest")
TENANT = MemoryTenant([ADA, BEN, CAT], [CREW, TEAM, REST], {CREW["id"]: [CAT], TEAM["id"]: [ADA], REST["id"]: [BEN]})
GITHUB = {"id": "7", "name": "GitHub"}
FIGMA = {"id": "8", "name": "Figma"}
ACTS = {"acting_user": ADA["email"]}


def results(params: dict[str, Any], **apps: list[Any]) -> dict[str, Any]:
    by_id = {row["id"]: apps[row["name"]] for row in (CREW, TEAM, REST) if row["name"] in apps}
    return result_of(TENANT.decide(params).changes, by_id, params)


def test_an_entry_tells_everything_of_one_group() -> None:
    params = options(group="Crew", users=[BEN["email"], ADA["id"]], state="exact", **ACTS)
    assert results(params, Crew=[GITHUB, FIGMA])["memberships"] == [
        {
            "group": "Crew",
            "group_id": CREW["id"],
            "added": ["ada@example.com", "ben@example.com"],
            "removed": ["cat@example.com"],
            "kept": [],
            "not_members": [],
            "default_apps": ["Figma", "GitHub"],
        }
    ]


def test_the_single_form_returns_its_entry_even_where_nothing_changes() -> None:
    result = results(options(group="Crew", users=[CAT["email"]], **ACTS))
    assert [entry["group"] for entry in result["memberships"]] == ["Crew"]
    assert result["summary"] == {"groups": 1, "changed": 0, "unchanged": 1, "added": 0, "removed": 0, "kept": 0}
    assert "bypassed_approval" not in result


def test_the_bulk_form_returns_groups_with_something_to_tell_and_counts_the_rest() -> None:
    entries = [
        membership(CREW, [CAT["email"]]),
        membership(TEAM, [BEN["email"]], "exact"),
        membership(REST, ["nobody@example.com"], "absent"),
    ]
    result = results(options(memberships=entries, **ACTS), Team=[])
    assert [(entry["group"], entry["kept"], entry["not_members"]) for entry in result["memberships"]] == [
        ("Team", ["ada@example.com"], []),
        ("Rest", [], ["nobody@example.com"]),
    ]
    assert result["summary"] == {"groups": 3, "changed": 1, "unchanged": 2, "added": 1, "removed": 0, "kept": 1}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, {"bypassed_approval": False}),
        ({"bypass_reason": "no bypass after all"}, {"bypassed_approval": False}),
        (
            {"implicitly_approve_requests": True, "bypass_reason": "Change 4711"},
            {"bypassed_approval": True, "bypass_reason": "Change 4711"},
        ),
    ],
)
def test_a_bypassed_approval_is_marked_where_somebody_is_added(given: dict[str, Any], told: dict[str, Any]) -> None:
    result = results(options(group="Crew", users=[BEN["email"]], **ACTS, **given), Crew=[])
    assert {name: result[name] for name in result if name.startswith("bypass")} == told
    idle = results(options(group="Crew", users=[CAT["email"]], **ACTS, **given))
    assert not [name for name in idle if name.startswith("bypass")]


def test_all_additions_are_one_step_and_removals_one_each() -> None:
    params = options(group="Crew", users=[ADA["email"], BEN["email"]], state="exact", **ACTS)
    (change,), actor, _warnings = TENANT.decide(params)
    steps = change.steps(actor, False)
    assert [(step.method, step.phase) for step in steps] == [("POST", Phase.ADDITIONS), ("DELETE", Phase.REMOVALS)]
    assert steps[0].body == {
        "userIds": [ADA["id"], BEN["id"]],
        "triggeredByUserId": ADA["id"],
        "implicitlyApproveRequests": False,
    }
    assert TENANT.decide(options(group="Crew", users=[CAT["email"]])).changes[0].steps(None, False) == []
