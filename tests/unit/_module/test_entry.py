# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is reported of a run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible.module_utils.common.parameters import remove_values
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import CakewalkError
from ansible_collections.cakewalk.access.plugins.module_utils._api.operations import Step
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.plan import ApplyResult, Plan, StepStatus
from ansible_collections.cakewalk.access.plugins.module_utils._module.entry import _diff, _report, error_result
from unit.core.results import applied, steps

STEP = Step("do it", "POST", "/it")
DONE = {"done": [{"action": "do it", "method": "POST", "path": "/it", "verified": False}], "errors": [], "pending": []}

MESSAGE = "The tenant changed (which the API cannot confirm)."


def of(plan: Plan, is_dry_run: bool = False, **statuses: Any) -> ApplyResult:
    """Return the result of one stage, whose steps have these statuses."""
    result = applied(**statuses)
    result.stages, result.is_dry_run = [plan], is_dry_run
    return result


def test_a_diff_has_a_part_for_each_thing_and_a_sorted_line_for_each_item_that_changes() -> None:
    before = {"Crew": ["zoe@example.com", "ada@example.com", "ben@example.com"], "Gone": ["it"]}
    after = {"Crew": ["dan@example.com", "zoe@example.com", "cat@example.com", "cat@example.com"], "Team": []}
    assert _diff(before, after) == [
        {
            "before_header": "Crew",
            "after_header": "Crew",
            "before": "ada@example.com\nben@example.com\n",
            "after": "cat@example.com\ncat@example.com\ndan@example.com\n",
        },
        {"before_header": "Gone", "after_header": "Gone", "before": "it\n", "after": ""},
        {"before_header": "Team", "after_header": "Team", "before": "", "after": ""},
    ]


def test_nothing_that_people_wrote_makes_a_line_of_its_own() -> None:
    (crew,) = _diff({"Crew\x1b[2J": ["a@b\n+root@example.com\u202e", "c@d"]}, {})
    assert crew["before_header"] == crew["after_header"] == r"Crew\x1b[2J"
    assert crew["before"] == "a@b\\n+root@example.com\\u202e\nc@d\n"


def test_long_lines_that_differ_at_their_ends_only_differ_in_the_diff() -> None:
    (part,) = _diff({"Note": ["x" * 1000 + "1"]}, {"Note": ["x" * 1000 + "2"]})
    assert part["before"] != part["after"]


@pytest.mark.parametrize(
    ("plan", "with_diff", "report"),
    [
        (Plan(result={"users": []}), True, {"users": [], "changed": True}),
        (Plan({}, {}, (STEP,)), False, {"changed": True, "steps": DONE, "msg": MESSAGE}),
        (Plan({}, {}, (STEP,)), True, {"changed": True, "steps": DONE, "msg": MESSAGE, "diff": []}),
        (Plan({}, {}, (STEP,), {"msg": "Its own."}), False, {"changed": True, "steps": DONE, "msg": "Its own."}),
    ],
)
def test_only_what_is_managed_is_reported(plan: Plan, with_diff: bool, report: dict[str, Any]) -> None:
    assert _report(of(plan, done=[STEP]), with_diff) == report


@pytest.mark.parametrize(("step", "changed"), [(STEP, True), (replace(STEP, changes=False), False)])
def test_what_is_only_enforced_is_no_change(step: Step, changed: bool) -> None:
    plan = Plan({}, {}, (step,))
    assert _report(of(plan, pending=[step], is_dry_run=True), False)["changed"] is changed
    assert _report(of(plan, done=[step]), False)["changed"] is changed


def test_what_was_refused_without_harm_is_told_and_no_change() -> None:
    refusal = CakewalkError("do it", "the server answered 409", "Nothing.", status=409)
    plan = Plan(
        {},
        {"it": []},
        (STEP,),
        {"outcome": "done"},
        lambda result: {"outcome": "refused"} if result.having(StepStatus.REFUSED) else {},
    )
    told = _report(of(plan, refused=[(STEP, refusal)]), True)
    assert (told["changed"], told["outcome"], told["diff"]) == (False, "refused", [])
    assert told["steps"]["refused"] == [
        {"action": "do it", "method": "POST", "path": "/it", "kind": "error", "status": 409}
    ]
    foreseen = _report(of(plan, pending=[STEP], is_dry_run=True), True)
    assert (foreseen["outcome"], len(foreseen["diff"])) == ("done", 1)


def test_what_would_take_back_what_was_done_is_told_of_success_and_failure_but_not_foreseen() -> None:
    plan = Plan({}, {}, (STEP,), report=lambda result: {"back": len(steps(result))})
    assert _report(of(plan, done=[STEP]), False)["back"] == 1
    assert "back" not in _report(of(plan, pending=[STEP], is_dry_run=True), False)


def test_no_part_of_a_secret_is_left_of_a_long_defect() -> None:
    secret = "SecretThatIsLong-0123456789"
    result = remove_values(error_result(ValueError("x" * 270 + secret), {}), [secret])
    assert secret[:10] not in result["msg"]
