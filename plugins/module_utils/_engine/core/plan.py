# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one idea of this collection: a plan is data, and one function applies it, see C(apply.py)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from ..._api.errors import CakewalkError
from ..._api.operations import Step
from ..storage.ledger import Ledger
from .wait import Wait


class PreconditionFailed(CakewalkError):
    """A step was not sent, because its record changed since the plan was made."""

    kind = "moved"


class NotApplied(CakewalkError):
    """The server accepted a write, and a read shows something else."""

    kind = "not_as_sent"


class StepStatus(Enum):
    """The status of a step; the value is the name of its list in results."""

    #: Never started.
    PENDING = "pending"
    #: Sent, without an evaluated answer yet.
    SENT = "sent"
    DONE = "done"
    #: Refused, but a read shows the wanted state.
    ALREADY = "already"
    #: Refused with one of the C(ignored_statuses).
    REFUSED = "refused"
    FAILED = "errors"


@dataclass
class StepResult:
    """A step, its status, and the error of a failed or refused step.

    :param request_id: the id of the access request that the step opened.
    :param is_verified: whether a read, or the id of what was created, shows that the step was carried out.
    """

    step: Step
    status: StepStatus = StepStatus.PENDING
    error: CakewalkError | None = None
    request_id: str | None = None
    is_verified: bool = False

    @property
    def request(self) -> dict[str, Any]:
        """The method and path of the step, for results and errors."""
        return {"method": self.step.method, "path": self.step.path}

    def as_result(self) -> dict[str, Any]:
        """Return the step as modules return it."""
        result: dict[str, Any] = {"action": self.step.action, **self.request}
        result |= {"users": list(self.step.users)} if self.step.users else {}
        result |= {"request_id": self.request_id} if self.request_id else {}
        result |= {"verified": False} if self.status is StepStatus.DONE and not self.is_verified else {}
        result |= {"msg": str(self.error)} if self.status is StepStatus.FAILED else {}
        return {**result, **(self.error.facts() if self.error else {})}


@dataclass
class ApplyResult:
    """The results of all steps of a run, stage by stage, in the order of its plans.

    :param stages: the plans that were begun, the first one first.
    :param goal_reached: whether every step was applied, and every wait succeeded.
    :param run: the id of the run in its journal.
    :param is_dry_run: whether the steps are only predicted.
    :param problems: why stages that carry on did not succeed, apart from the errors of their steps. The stage that
        follows must deal with them.
    """

    steps: list[StepResult] = field(default_factory=list)
    stages: list[Plan] = field(default_factory=list)
    goal_reached: bool = False
    run: str = field(default="", compare=False)
    is_dry_run: bool = False
    problems: list[CakewalkError] = field(default_factory=list)

    def having(self, *statuses: StepStatus) -> list[StepResult]:
        """Return the steps that have one of these statuses."""
        return [result for result in self.steps if result.status in statuses]

    @property
    def changed(self) -> bool:
        """Whether the tenant changed, or in a dry run would change.

        An accepted write counts even if a read shows something else.
        """
        return any(stage.ledger and stage.ledger.changed for stage in self.stages) or any(
            result.step.changes
            for result in self.steps
            if self.is_dry_run or result.status is StepStatus.DONE or isinstance(result.error, NotApplied)
        )

    def as_result(self) -> dict[str, list[dict[str, Any]]]:
        """Return the lists that all modules return under C(steps)."""
        lists: dict[str, list[dict[str, Any]]] = {"done": [], "errors": [], "pending": []}
        for result in self.steps:
            lists.setdefault(result.status.value, []).append(result.as_result())
        return lists


class RunFile(Protocol):
    """A file that tells about a run, in addition to the journal.

    It exists from before the first write, so that a killed run leaves it behind.
    """

    def begin(self) -> None:
        """Write the file before the first write of the run.

        :raises FileRefused: the file cannot be written; then nothing is sent.
        """

    def end(self, applied: ApplyResult) -> None:
        """Write the file after the last write, or after the run was cut off.

        :raises FileRefused: the file cannot be written.
        """


#: The state of things, for people: a line for each thing, under a header.
State = Mapping[str, Sequence[str]]


def changed_lines(before: Iterable[str], after: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the sorted lines of two states that only the one or only the other has."""
    removed, added = Counter(before), Counter(after)
    return sorted((removed - added).elements()), sorted((added - removed).elements())


@dataclass(frozen=True)
class Plan:
    """The current state, the wanted state, and the steps from the one to the other.

    :param before: the managed state for the diff, under a header for each thing that changes. It equals C(after)
        exactly if no step changes anything. C(None) if nothing is managed, as by info modules.
    :param result: the result of the module; the same in check mode.
    :param report: returns the part of the result that depends on the step results. It is called after each attempt to
        apply the plan, and overrides C(result).
    :param unmet: a problem that the steps cannot solve; the task fails with it after the steps.
    :param wait: a state to wait for after the steps.
    :param ledger: where the ledger entries of steps are stored.
    :param carries_on: whether the run goes on after a failed step, and with the stage that follows after a failed wait.
        Otherwise the first failure ends the run.
    :param then: plans the stage that follows, from fresh reads, once the steps are applied and the wait is over. In a
        dry run it predicts that stage from what was read before.
    :param file: a file about the run; that of the first stage counts.
    :param remark: returns a clause for the message of the result, about what its steps do not show.
    """

    before: State | None = None
    after: State | None = None
    steps: tuple[Step, ...] = ()
    result: Mapping[str, Any] = field(default_factory=dict)
    report: Callable[[ApplyResult], Mapping[str, Any]] = lambda _applied: {}
    unmet: CakewalkError | None = None
    wait: Wait | None = None
    ledger: Ledger | None = None
    carries_on: bool = False
    then: Callable[[ApplyResult], Plan] | None = None
    file: RunFile | None = None
    remark: Callable[[ApplyResult], str] = lambda _applied: ""

    @property
    def changed(self) -> bool:
        """Whether applying this plan would change anything."""
        return any(step.changes for step in self.steps)


class ApplyFailed(CakewalkError):
    """At least one step failed, or the run could not go on; C(result) holds the status of each step.

    :param cause: the error to report, by default that of the first step that failed.
    """

    def __init__(self, result: ApplyResult, cause: CakewalkError | None = None) -> None:
        failed = result.having(StepStatus.FAILED)
        first = cause or next(step.error for step in failed if step.error)
        done = len(result.having(StepStatus.DONE, StepStatus.ALREADY))
        pending = len(result.having(StepStatus.PENDING))
        more = f" ({len(failed) - 1} more failed)" if len(failed) > 1 else ""
        total = done + len(failed) + pending
        progress = f" Of {total} steps, {done} done, {len(failed)} failed, {pending} not tried; 'steps' names each."
        super().__init__(
            first.action,
            first.cause + more,
            first.hint + (progress if total > 1 else ""),
            **{name: value for name, value in first.facts().items() if name != "kind"},
        )
        self.kind = first.kind
        self.result = result


class GoalNotReached(ApplyFailed):
    """The run came to its end, or in check mode would, but the goal is not reached."""


class ApplyInterrupted(Exception):
    """A defect of the collection, or a time limit, ended the run; C(result) holds the status of each step by then."""

    def __init__(self, result: ApplyResult) -> None:
        super().__init__("applying the plan was interrupted")
        self.result = result
