# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans and outcomes as data."""

from __future__ import annotations

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import (
    CakewalkError,
    Forbidden,
    OutcomeUnknown,
    TransportError,
)
from ansible_collections.cakewalk.access.plugins.module_utils._api.operations import Step
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.apply import CONFIRM_DELAYS, apply
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.plan import ApplyFailed, ApplyResult, Plan
from unit.core.results import applied
from unit.people import connection

ONE, TWO, THREE = (Step(f"do {name}", "POST", f"/{name}") for name in ("one", "two", "three"))
FORBIDDEN = Forbidden("do two", "the server answered 403", "Use another key.", status=403, path="/two")


def test_a_plan_without_steps_changes_nothing() -> None:
    assert not Plan().changed
    assert not Plan(before={"a": [1]}, after={"a": [1]}).changed
    assert Plan(steps=(ONE,)).changed


def test_applying_a_plan_without_steps_does_nothing() -> None:
    plan = Plan()
    assert apply(plan, Client(connection())) == ApplyResult(stages=[plan], goal_reached=True)


def test_outcomes_as_results() -> None:
    assert applied([ONE], [(TWO, FORBIDDEN)], [THREE]).as_result() == {
        "done": [{"action": "do one", "method": "POST", "path": "/one", "verified": False}],
        "errors": [
            {
                "action": "do two",
                "method": "POST",
                "path": "/two",
                "msg": "Could not do two: the server answered 403. Use another key.",
                "kind": "forbidden",
                "status": 403,
            }
        ],
        "pending": [{"action": "do three", "method": "POST", "path": "/three"}],
    }
    assert ApplyResult().as_result() == {"done": [], "errors": [], "pending": []}


@pytest.mark.parametrize(
    ("outcome", "answer", "counts"),
    [
        (applied(failed=[(TWO, FORBIDDEN)]), "the server answered 403", ""),
        (
            applied([ONE], [(TWO, FORBIDDEN)], [THREE, THREE]),
            "the server answered 403",
            " Of 4 steps, 1 done, 1 failed, 2 not tried; 'steps' names each.",
        ),
        (
            applied(failed=[(TWO, FORBIDDEN), (ONE, FORBIDDEN), (THREE, FORBIDDEN)]),
            "the server answered 403 (2 more failed)",
            " Of 3 steps, 0 done, 3 failed, 0 not tried; 'steps' names each.",
        ),
    ],
)
def test_a_failure_tells_the_first_error_and_how_far_the_run_came(
    outcome: ApplyResult, answer: str, counts: str
) -> None:
    failed = ApplyFailed(outcome)
    assert str(failed) == f"Could not do two: {answer}. Use another key.{counts}"
    assert failed.facts() == FORBIDDEN.facts()
    assert failed.result is outcome


@pytest.mark.parametrize("error", [OutcomeUnknown("a", "b", "c"), TransportError("a", "b", "c", method="POST")])
def test_a_failure_is_of_the_kind_of_its_first_error(error: CakewalkError) -> None:
    assert ApplyFailed(applied(failed=[(ONE, error), (TWO, FORBIDDEN)])).facts() == error.facts()


def test_lost_answers_are_looked_for_several_times_within_bounds() -> None:
    assert CONFIRM_DELAYS[0] == 0
    assert len(CONFIRM_DELAYS) >= 3
    assert 5 <= sum(CONFIRM_DELAYS) <= 30
