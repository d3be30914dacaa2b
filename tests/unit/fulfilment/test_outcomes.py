# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The outcomes of tasks that a run carries out."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._engine.fulfilment.outcomes import (
    after_approval,
    after_failure,
    counted,
    lines,
    obstacle,
    outcome_of,
    progress,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.fulfilment.task_lock import TaskLock

TASK = "task-1"


def decided(outcome: str, changed: bool = True, task: str = TASK) -> dict[str, Any]:
    return {"decisions": [{"task": task, "outcome": outcome, "changed": changed}]}


def failed(kind: str) -> dict[str, Any]:
    return {"failed": True, "error": {"kind": kind}}


@pytest.mark.parametrize(
    ("approval", "outcome"),
    [
        (decided("approved"), "approved"),
        (decided("approved", changed=False), "done"),
        (decided("cancelled", changed=False), "done_not_approved"),
        (decided("snoozed", changed=False), "done_not_approved"),
        (failed("not_as_expected"), "done_not_approved"),
        (failed("moved"), "done_not_approved"),
        (failed("forbidden"), "approval_failed"),
        (failed("outcome_unknown"), "approval_failed"),
        ({"failed": True, "msg": "no module"}, "approval_failed"),
        (decided("approved", task="another"), "approval_failed"),
        ({}, "approval_failed"),
    ],
)
def test_an_approval_counts_only_as_far_as_it_went(approval: dict[str, Any], outcome: str) -> None:
    assert after_approval(approval, TASK)["outcome"] == outcome


@pytest.mark.parametrize(
    ("phase", "outcome"),
    [
        (None, "not_begun"),
        ("taken", "not_begun"),
        ("handler", "handler_failed"),
        ("verify", "verify_failed"),
        ("unproved", "not_verified"),
        ("approve", "done_not_approved"),
    ],
)
def test_a_failure_means_what_the_phase_says(phase: str | None, outcome: str) -> None:
    lock = TaskLock("run", "", "host", 1, "", phase) if phase else None
    assert after_failure(lock, {}, failed("moved"), TASK)["outcome"] == outcome


@pytest.mark.parametrize(
    ("task", "reason", "outcome"),
    [(TASK, "decided", "declined"), (TASK, "mismatch", "not_begun"), ("another", "decided", "not_begun")],
)
def test_a_task_that_was_declined_before_its_rehearsal_is_no_failure(task: str, reason: str, outcome: str) -> None:
    rehearsal = {"error": {"kind": "not_as_expected", "problems": [{"task": task, "reason": reason}]}}
    lock = TaskLock("run", "", "host", 1, "", "taken")
    assert after_failure(lock, rehearsal, {}, TASK)["outcome"] == outcome


@pytest.mark.parametrize("phase", ["handler", "verify", "unproved"])
def test_a_handler_cannot_hide_its_failure_behind_a_rehearsal(phase: str) -> None:
    rehearsal = {"error": {"kind": "not_as_expected", "problems": [{"task": TASK, "reason": "decided"}]}}
    lock = TaskLock("run", "", "host", 1, "", phase)
    assert after_failure(lock, rehearsal, {}, TASK) == after_failure(lock, {}, {}, TASK)


def test_a_rehearsal_that_could_not_look_something_up_is_a_failure() -> None:
    rehearsal = {"error": {"kind": "lookup_failed", "problems": [{"reference": "gone@example.com", "reason": "x"}]}}
    assert after_failure(None, rehearsal, {}, TASK)["outcome"] == "not_begun"


@pytest.mark.parametrize(
    ("entry", "rehearsal", "outcome"),
    [
        ({"outcome": "due", "why": ""}, decided("approved"), None),
        ({"outcome": "due", "why": ""}, decided("approved", changed=False), "done"),
        ({"outcome": "due", "why": ""}, decided("snoozed", changed=False), "snoozed"),
        ({"outcome": "due", "why": ""}, {"skipped": True}, "not_begun"),
        ({"outcome": "unsafe_email", "why": "so"}, decided("approved"), "unsafe_email"),
    ],
)
def test_only_what_is_due_and_would_be_approved_is_begun(
    entry: dict[str, str], rehearsal: dict[str, Any], outcome: str | None
) -> None:
    found = obstacle(entry, rehearsal)
    assert (found and found["outcome"]) == outcome


def test_an_outcome_that_nobody_listed_needs_attention() -> None:
    known = [outcome_of(TASK, word, "", {}) for word in ("approved", "unroutable", "handler_failed", "something")]
    assert [one["needs_attention"] for one in known] == [False, False, True, True]


def test_the_report_names_first_what_needs_attention() -> None:
    outcomes = [outcome_of("a", "approved", "", {}), outcome_of("b", "unclear", "so", {})]
    assert lines(outcomes) == ["b unclear: so", "a approved"]
    assert (counted(outcomes), counted([])) == ("1 approved, 1 unclear", "No task is open")


@pytest.mark.parametrize(
    ("words", "has_failed", "expected"),
    [
        (["approved", "done", "declined", "unroutable"], False, (True, 2, 0)),
        (["approved", "locked", "left_for_later", "would_run"], False, (False, 1, 3)),
        (["handler_failed"], False, (False, 0, 1)),
        ([], True, (False, 0, 0)),
        ([], False, (True, 0, 0)),
    ],
)
def test_the_progress_is_complete_when_no_run_has_to_come_back(
    words: list[str], has_failed: bool, expected: tuple[bool, int, int]
) -> None:
    assert tuple(progress([outcome_of(TASK, word, "", {}) for word in words], has_failed).values()) == expected
