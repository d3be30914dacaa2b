# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stages of a plan: which of them are begun, what ends a run, and what is reported of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import CakewalkError
from ansible_collections.cakewalk.access.plugins.module_utils._api.operations import Phase, Step
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.apply import apply, dry_run
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.plan import (
    ApplyFailed,
    ApplyInterrupted,
    ApplyResult,
    GoalNotReached,
    Plan,
)
from ansible_collections.cakewalk.access.plugins.module_utils._module.entry import _report
from contract.wire import Request, Wire, answer
from unit.people import connection

TROUBLE = CakewalkError("look again", "it is out of reach", "Reach further.")
GONE = CakewalkError("write the file", "the disk is full", "Empty it.")
UNMET = CakewalkError("reach the goal", "somebody is in the way", "Ask.")


class TimeIsUp(BaseException):
    """A time limit, as Ansible raises it."""


@pytest.fixture
def sent() -> list[str]:
    """The last part of the path of each request."""
    return []


@pytest.fixture
def client(sent: list[str]) -> Iterator[Client]:
    """A client of a service that answers with the status that a path begins with."""

    def reply(request: Request) -> bytes:
        sent.append(request.target.rpartition("/")[2])
        return answer(int(sent[-1][:3]), {"title": "No", "status": int(sent[-1][:3])})

    with Wire(reply) as wire:
        yield Client(connection(base_url=wire.url, max_retries=0, concurrency=1))


def steps(*names: str, phase: Phase = Phase.ADDITIONS) -> tuple[Step, ...]:
    """Return steps whose names begin with the status that they are answered with."""
    return tuple(Step(f"send {name}", "POST", f"/api/v1/{name}", {}, phase=phase) for name in names)


def then(*names: str, **options: Any) -> Callable[[ApplyResult], Plan]:
    """Return a function that plans the next stage."""
    return lambda _applied: Plan(steps=steps(*names), **options)


def fail(error: BaseException) -> Callable[..., Any]:
    """Return a function that fails."""

    def failing(*_arguments: Any) -> Any:
        raise error

    return failing


@dataclass
class File:
    """A file in memory about a run."""

    broken: str = ""
    error: BaseException = GONE
    calls: list[Any] = field(default_factory=list)

    def begin(self) -> None:
        """Note the call."""
        self._note("begin")

    def end(self, applied: ApplyResult) -> None:
        """Note the statuses of the steps."""
        self._note([result.status.value for result in applied.steps])

    def _note(self, call: Any) -> None:
        self.calls.append(call)
        if self.broken == ("begin" if call == "begin" else "end"):
            raise self.error


class Never:
    """A wait that fails with an error."""

    action, timeout, pauses, sources, proves_absence = "see it", 0, (0.01,), (), False

    def __init__(self, error: BaseException = TROUBLE) -> None:
        self._error = error

    def missing(self, _found: Sequence[Any]) -> list[str]:
        """Fail."""
        raise self._error


@dataclass(frozen=True)
class Case:
    """A plan, what it sends, how it ends, and what its file holds then.

    :param ends: the error, C(None) if the goal is reached.
    :param because: the words of the message of the error or its cause.
    """

    plan: Plan
    sent: str
    statuses: str
    ends: type[Exception] | None = None
    because: str = ""
    problems: int = 0


CASES = {
    "all goes well": Case(Plan(steps=steps("200a"), then=then("200b", then=then("200c"))), "200a 200b 200c", "ddd"),
    "stages without steps": Case(Plan(then=then(then=then("200a"))), "200a", "d"),
    "a failure ends the run": Case(
        Plan(steps=steps("200a", "403b", "200c"), then=then("200d")), "200a 403b", "dep", ApplyFailed, "send 403b"
    ),
    "a failure that is carried on": Case(
        Plan(steps=steps("403a", "200b"), carries_on=True, then=then("200c", "200d")),
        "403a 200b 200c 200d",
        "eddd",
        GoalNotReached,
        "send 403a",
    ),
    "a failure in each stage": Case(
        Plan(steps=steps("403a"), carries_on=True, then=then("200b", "403c", "200d", then=then("200e"))),
        "403a 200b 403c",
        "edep",
        ApplyFailed,
        "send 403a: the server answered 403",
    ),
    "credentials are refused": Case(
        Plan(
            steps=(*steps("200a", "401b", "200c"), *steps("200d", phase=Phase.REMOVALS)),
            carries_on=True,
            then=lambda applied: Plan(unmet=UNMET),
        ),
        "200a 401b",
        "depp",
        GoalNotReached,
        "somebody is in the way",
    ),
    "the next stage cannot be planned": Case(
        Plan(steps=steps("200a"), then=fail(TROUBLE)), "200a", "d", ApplyFailed, "it is out of reach"
    ),
    "planning the next stage is a defect": Case(
        Plan(steps=steps("200a"), then=fail(ZeroDivisionError("a defect"))), "200a", "d", ApplyInterrupted, "a defect"
    ),
    "time is up while the next stage is planned": Case(
        Plan(steps=steps("200a"), then=fail(TimeIsUp("time is up"))), "200a", "d", ApplyInterrupted, "time is up"
    ),
    "time is up in a wait": Case(
        Plan(steps=steps("200a"), wait=Never(TimeIsUp("time is up")), then=then("200b"), carries_on=True),
        "200a",
        "d",
        ApplyInterrupted,
        "time is up",
    ),
    "the last stage leaves something unmet": Case(
        Plan(steps=steps("200a"), then=then("200b", unmet=UNMET)), "200a 200b", "dd", GoalNotReached, "in the way"
    ),
    "a wait ends the run": Case(
        Plan(steps=steps("200a"), wait=Never(), then=then("200b")), "200a", "d", GoalNotReached, "out of reach"
    ),
    "a wait that the next stage deals with": Case(
        Plan(steps=steps("200a"), wait=Never(), carries_on=True, then=then("200b")), "200a 200b", "dd", problems=1
    ),
    "a wait in the last stage, with nothing to deal with it": Case(
        Plan(steps=steps("200a"), wait=Never(), carries_on=True), "200a", "d", GoalNotReached, "out of reach"
    ),
}
LONG = {"d": "done", "e": "errors", "p": "pending"}


@pytest.mark.parametrize("name", CASES)
def test_which_stages_are_begun_and_what_ends_a_run(client: Client, sent: list[str], name: str) -> None:
    case, file = CASES[name], File()
    plan = Plan(**{**vars(case.plan), "file": file})
    try:
        result, error = apply(plan, client, ()), None
    except (ApplyFailed, ApplyInterrupted) as caught:
        result, error = caught.result, caught
    assert sent == case.sent.split()
    statuses = [LONG[letter] for letter in case.statuses]
    assert [step.status.value for step in result.steps] == statuses
    assert file.calls == ["begin", statuses], "its end is written however the run ends"
    assert error.__class__ is (case.ends or type(None))
    assert case.because in str(error.__cause__ if isinstance(error, ApplyInterrupted) else error)
    assert (result.goal_reached, result.changed) == (case.ends is None, "d" in case.statuses)
    assert len(result.problems) == case.problems


def test_nothing_is_sent_where_the_file_cannot_be_begun(client: Client, sent: list[str]) -> None:
    file = File("begin")
    with pytest.raises(ApplyFailed, match="the disk is full") as caught:
        apply(Plan(steps=steps("200a"), then=then("200b"), file=file), client, ())
    assert (sent, file.calls, caught.value.result.changed) == ([], ["begin", ["pending"]], False)


@pytest.mark.parametrize(
    ("error", "kind"), [(GONE, ApplyFailed), (ZeroDivisionError("a defect"), ApplyInterrupted), (TimeIsUp(), Exception)]
)
@pytest.mark.parametrize("name", ["200a", "403a"])
def test_a_file_that_cannot_be_ended_hides_no_write(
    client: Client, error: BaseException, kind: type[Exception], name: str
) -> None:
    with pytest.raises(kind) as caught:
        apply(Plan(steps=steps(name), file=File("end", error)), client, ())
    assert [step.step.action for step in caught.value.result.steps] == [f"send {name}"]
    assert caught.value.result.changed is name.startswith("200")


def test_a_file_is_ended_and_not_begun_where_there_is_nothing_to_write(client: Client) -> None:
    file = File()
    assert apply(Plan(then=then(), file=file), client, ()).goal_reached
    assert file.calls == [[]]


def test_a_dry_run_visits_all_stages_and_sends_nothing() -> None:
    def second(applied: ApplyResult) -> Plan:
        assert applied.is_dry_run
        assert [step.status.value for step in applied.steps] == ["pending"]
        return Plan({"b": ["1"]}, {"b": ["2"]}, steps("b"), {"both": 2, "second": 2}, wait=Never(), then=then("c"))

    file = File()
    plan = Plan({"a": ["1"]}, {"a": ["2"]}, steps("a"), {"first": 1, "both": 1}, wait=Never(), then=second, file=file)
    foreseen = dry_run(plan)
    assert file.calls == []
    result = _report(foreseen, True)
    assert (result["first"], result["both"], result["second"]) == (1, 2, 2), "a later stage overrides an earlier stage"
    assert [step["action"] for step in result["steps"]["pending"]] == ["send a", "send b", "send c"]
    assert [part["before_header"] for part in result["diff"]] == ["a", "b"]
    with pytest.raises(GoalNotReached, match="in the way") as caught:
        dry_run(Plan(steps=steps("a"), then=then("b", unmet=UNMET, then=then("c"))))
    assert len(caught.value.result.steps) == 2


def test_the_result_of_a_run_holds_what_all_stages_report(client: Client) -> None:
    first = Plan({"a": ["1"]}, {"a": ["2"]}, steps("200a"), report=lambda applied: {"first": len(applied.steps)})
    plan = Plan(**{**vars(first), "then": then(before={}, after={"b": ["2"]}, report=lambda applied: {"second": 2})})
    result = _report(apply(plan, client, ()), True)
    assert (result["first"], result["second"], result["changed"]) == (1, 2, True)
    assert [part["before_header"] for part in result["diff"]] == ["a", "b"]
