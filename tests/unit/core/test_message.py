# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one sentence about a run, by value."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api import writes
from ansible_collections.cakewalk.access.plugins.module_utils._api.catalog import TASK_STATUSES
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import CakewalkError
from ansible_collections.cakewalk.access.plugins.module_utils._api.operations import Step
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.message import message_of
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.plan import (
    ApplyResult,
    Plan,
    StepResult,
    StepStatus,
)
from unit.people import uid

ADA, BEN, CAT = ({"id": uid(n), "email": f"{name}@example.com"} for n, name in enumerate(["ada", "ben", "cat"], 1))
CREW, TEAM = {"id": uid(11), "name": "Crew"}, {"id": uid(12), "name": "Team"}
GITHUB, FIGMA = {"id": uid(21), "name": "GitHub"}, {"id": uid(22), "name": "Figma"}
READ, ADMIN, TWO = (
    {"id": uid(31), "name": "Read"},
    {"id": uid(32), "name": "Admin"},
    {"id": uid(41), "name": "Two approvals"},
)
NONE: frozenset[str] = frozenset()


def add(group: dict[str, Any], *people: dict[str, Any]) -> Step:
    """Return the step that adds people."""
    return writes.add_members(group, list(people), ADA, False)


def remove(group: dict[str, Any], *people: dict[str, Any]) -> list[Step]:
    """Return the steps that remove people."""
    return writes.remove_members(group, people)


def policy(app: dict[str, Any], changes: bool = True) -> Step:
    """Return the step that assigns a policy."""
    return writes.assign_policy(app, None, "grant_access", TWO, changes)


REVIEW = writes.start_review("Spring", None, "app_owner", "2099", None, ADA, None)
TITLE = "the grant_access of GitHub for ben@example.com"
TASK = writes.decide_task({"id": uid(51)}, "approved", TASK_STATUSES, "it", title=TITLE)
FIELDS = writes.set_custom_fields(GITHUB, {uid(61): "1", uid(62): None}, ["Cost", "Owner"])


@pytest.mark.parametrize(
    ("steps", "done", "foreseen"),
    [
        ([], "Nothing to change.", "Nothing to change."),
        ([add(CREW, BEN)], "ben@example.com added to Crew.", "ben@example.com would be added to Crew."),
        (
            [add(CREW, BEN, CAT), *remove(CREW, ADA)],
            "2 people added to Crew, ada@example.com removed.",
            "2 people would be added to Crew, ada@example.com removed.",
        ),
        (
            [add(CREW, BEN), add(TEAM, BEN), *remove(CREW, ADA, CAT)],
            "ben@example.com added to 2 groups; 2 people removed from Crew.",
            "ben@example.com would be added to 2 groups; 2 people would be removed from Crew.",
        ),
        (
            [
                writes.request_access(GITHUB, BEN, READ, ADA, "x", NONE),
                writes.request_access(FIGMA, CAT, None, ADA, "x", NONE),
                writes.request_level(GITHUB, CAT, READ, ADA, "x", NONE),
                writes.request_removal(FIGMA, BEN, ADA, "x", NONE),
                writes.record_accesses(FIGMA, [BEN, CAT], None),
            ],
            "5 steps carried out, 1 removal among them.",
            "5 steps would be carried out, 1 removal among them.",
        ),
        (
            [policy(GITHUB), policy(FIGMA, changes=False)],
            "1 policy assigned to 1 target of 1 app (which the API cannot confirm); 1 policy sent again, as in the "
            "ledger (which the API cannot confirm).",
            "Two approvals would be assigned to grant_access of GitHub; 1 policy would be sent again, as in the ledger "
            "(which the API cannot confirm).",
        ),
        (
            [writes.assign_policy(GITHUB, level, "remove_access", TWO, True) for level in (READ, READ, ADMIN)],
            "Two approvals assigned to 2 targets of GitHub (which the API cannot confirm).",
            "Two approvals would be assigned to 2 targets of GitHub.",
        ),
        (
            [writes.assign_policy(app, READ, "remove_access", TWO, True) for app in (GITHUB, FIGMA)],
            "Two approvals assigned to remove_access at Read of 2 apps (which the API cannot confirm).",
            "Two approvals would be assigned to remove_access at Read of 2 apps.",
        ),
        (
            [writes.record_accesses(GITHUB, [BEN], READ), writes.record_accesses(GITHUB, [CAT], ADMIN)],
            "Access to GitHub at 2 permission levels recorded for 2 people.",
            "Access to GitHub at 2 permission levels would be recorded for 2 people.",
        ),
        (
            [writes.decide_task({"id": uid(52)}, "approved", TASK_STATUSES, "it", title="the standalone task for ada")],
            "The standalone task for ada approved.",
            "The standalone task for ada would be approved.",
        ),
        (
            [policy(GITHUB, changes=False), policy(FIGMA, changes=False)],
            "2 policies sent again, as in the ledger (which the API cannot confirm).",
            "2 policies would be sent again, as in the ledger (which the API cannot confirm).",
        ),
        (
            [
                add(CREW, BEN),
                *remove(TEAM, BEN),
                writes.request_access(GITHUB, BEN, None, ADA, "x", NONE),
                writes.request_removal(FIGMA, BEN, ADA, "x", NONE),
            ],
            "ben@example.com added to Crew, removed from Team; access to GitHub requested; removal of access to Figma "
            "requested.",
            "ben@example.com would be added to Crew, removed from Team; access to GitHub would be requested; removal "
            "of access to Figma would be requested.",
        ),
        (
            [FIELDS, TASK],
            "2 custom fields of GitHub changed; the grant_access of GitHub for ben@example.com approved.",
            "2 custom fields of GitHub would be changed; the grant_access of GitHub for ben@example.com would be "
            "approved.",
        ),
        (
            [
                add(CREW, BEN),
                *remove(CREW, CAT),
                writes.request_access(GITHUB, CAT, READ, ADA, "x", NONE),
                writes.set_custom_fields({**FIGMA, "name": "Figma, which has a long name"}, {uid(61): "1"}, ["Cost"]),
            ],
            "1 person added to Crew, 1 person removed; access to 1 app at Read requested for 1 person; Cost of 1 app "
            "changed.",
            "1 person would be added to Crew, 1 person removed; access to 1 app at Read would be requested for 1 "
            "person; Cost of 1 app would be changed.",
        ),
        (
            [
                policy({"id": uid(23), "name": "long " * 20}),
                FIELDS,
                add(CREW, BEN),
                *remove(TEAM, BEN),
                *remove(CREW, CAT),
            ],
            "5 steps carried out, 2 removals and 1 that the API cannot confirm among them.",
            "5 steps would be carried out, 2 removals among them.",
        ),
        (
            [REVIEW],
            "The access review Spring started for all apps (which the API cannot confirm).",
            "The access review Spring would be started for all apps.",
        ),
        (
            [add({"id": uid(13), "name": "{people}\n\x1b[2J{0}"}, BEN)],
            r"ben@example.com added to {people}\n\x1b[2J{0}.",
            r"ben@example.com would be added to {people}\n\x1b[2J{0}.",
        ),
    ],
)
def test_what_was_done_and_would_be_in_one_sentence(steps: list[Step], done: str, foreseen: str) -> None:
    assert message_of(ApplyResult([StepResult(step, StepStatus.DONE) for step in steps])) == done
    assert message_of(ApplyResult(list(map(StepResult, steps)), is_dry_run=True)) == foreseen


def test_only_what_a_run_did_itself_counts_as_done() -> None:
    refused = StepResult(add(TEAM, CAT), StepStatus.REFUSED, CakewalkError("a", "b", "c"))
    already = StepResult(add(CREW, CAT), StepStatus.ALREADY)
    stages = [Plan(), Plan(remark=lambda _applied: "requests for Figma may follow"), Plan(remark=lambda _applied: "so")]
    assert message_of(ApplyResult([StepResult(add(CREW, BEN), StepStatus.DONE), refused, already], stages)) == (
        "ben@example.com added to Crew; 1 step found the wanted state in place; requests for Figma may follow; so."
    )
    assert message_of(ApplyResult([refused, already], stages)) == (
        "Nothing was changed: 1 step found the wanted state in place."
    )
    assert message_of(ApplyResult([], stages)) == "Nothing to change: requests for Figma may follow; so."


def test_people_of_one_address_are_several() -> None:
    twin = {**BEN, "id": uid(9)}
    assert message_of(ApplyResult(list(map(StepResult, [add(CREW, BEN), add(TEAM, BEN)])), is_dry_run=True)) == (
        "ben@example.com would be added to 2 groups."
    )
    assert message_of(ApplyResult([StepResult(add(CREW, BEN, twin))], is_dry_run=True)) == (
        "2 people would be added to Crew."
    )


def test_a_step_of_unknown_effect_is_still_a_change() -> None:
    step = replace(add(CREW, BEN), effect=Step("do it", "POST", "/it").effect)
    assert message_of(ApplyResult([StepResult(step, StepStatus.DONE)])) == "The tenant changed."
