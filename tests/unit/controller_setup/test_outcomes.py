# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happened to each object becomes the result of the task."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._engine.controller_setup.calls import Call
from ansible_collections.cakewalk.access.plugins.module_utils._engine.controller_setup.outcomes import Outcomes
from ansible_collections.cakewalk.access.plugins.module_utils._engine.controller_setup.targets import Target

ABSENT = {"state": "absent"}


@pytest.mark.parametrize(
    ("steps", "outcome"),
    [
        ([], "unchanged"),
        ([({}, "changed")], "changed"),
        ([({}, "created"), ({}, "changed")], "created"),
        ([(ABSENT, "changed")], "removed"),
    ],
)
def test_the_outcome_of_an_object_is_what_all_its_calls_did(
    steps: list[tuple[dict[str, Any], str]], outcome: str
) -> None:
    node, outcomes = Target("workflow_job_template_nodes", "n", "W"), Outcomes([])
    outcomes.begin(Call(node, {}))
    for options, did in steps:
        outcomes.begin(Call(node, options))
        outcomes.note(Call(node, options), did)
    for check_mode in (True, False):
        is_complete = outcome == "unchanged" or not check_mode
        assert outcomes.stats(check_mode)["controller_setup_complete"] is is_complete
    result = outcomes.result(check_mode=False, warnings=[])
    assert (result["summary"], result["changed"]) == ({outcome: 1}, outcome != "unchanged")
    assert outcomes.is_new(node) == (outcome == "created")


def test_the_result_counts_the_outcomes_and_names_what_was_left_out() -> None:
    outcomes = Outcomes([Target("credentials", "C")])
    for name, outcome in (("T", "created"), ("U", "changed"), ("V", None)):
        outcomes.begin(call := Call(Target("job_templates", name), {}))
        if outcome:
            outcomes.note(call, outcome)
    for check_mode, would in ((True, "would be "), (False, "")):
        result = outcomes.result(check_mode, ["of a module"])
        assert result["msg"] == f"4 objects of AWX: 1 {would}created, 1 {would}changed, 1 unchanged, 1 left out."
        assert result["warnings"][0] == "of a module"
        assert "credential 'C' is not set up, and no job template uses it" in result["warnings"][1]
        assert outcomes.stats(check_mode) == {
            "controller_setup_complete": False,
            **{f"controller_setup_{outcome}": 1 for outcome in ("created", "changed", "left_out")},
            "controller_setup_removed": 0,
        }
        assert [(one["name"], one["outcome"]) for one in result["objects"]] == [
            ("C", "left_out"),
            ("T", "created"),
            ("U", "changed"),
        ]
