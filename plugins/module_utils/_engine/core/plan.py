# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one idea of this collection: a plan is data, and one function applies it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from ..._api.client import Client
from ..._api.errors import ApiError, CakewalkError, NotFound, OutcomeUnknown
from ..._api.operations import Listing, Phase, Postcondition, ReadResult, Resource, Step
from ..._api.text import summarize
from ..storage.ledger import Ledger
from .wait import Wait, wait_for

#: Waits, in seconds, before each read that looks whether an unconfirmed write was carried out.
CONFIRM_DELAYS = (0.0, 1.0, 2.0, 4.0)
#: The cause and the hint for a step that was under way when a defect ended the run.
_INTERRUPTED = (
    "the run was interrupted while it was being sent, so it is not known whether it was carried out",
    "Look at the tenant, or run again: a run reads before it writes.",
)


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
    """A step, its status, and the error of a failed or refused step."""

    step: Step
    status: StepStatus = StepStatus.PENDING
    error: CakewalkError | None = None

    @property
    def request(self) -> dict[str, Any]:
        """The method and path of the step, for results and errors."""
        return {"method": self.step.method, "path": self.step.path}

    def as_result(self) -> dict[str, Any]:
        """Return the step as modules return it."""
        result: dict[str, Any] = {"action": self.step.action, **self.request}
        result |= {"users": list(self.step.users)} if self.step.users else {}
        result |= {"msg": str(self.error)} if self.status is StepStatus.FAILED else {}
        return {**result, **(self.error.facts() if self.error else {})}


@dataclass
class ApplyResult:
    """The results of all steps of a plan, in the order of the plan.

    :param goal_reached: whether every step was applied, and the wait of the plan succeeded.
    """

    steps: list[StepResult] = field(default_factory=list)
    goal_reached: bool = False

    def having(self, *statuses: StepStatus) -> list[StepResult]:
        """Return the steps that have one of these statuses."""
        return [result for result in self.steps if result.status in statuses]

    @property
    def changed(self) -> bool:
        """Whether the tenant changed; an accepted write counts even if a read shows something else."""
        return any(
            result.step.changes
            for result in self.steps
            if result.status is StepStatus.DONE or isinstance(result.error, NotApplied)
        )

    def as_result(self) -> dict[str, list[dict[str, Any]]]:
        """Return the lists that all modules return under C(steps)."""
        lists: dict[str, list[dict[str, Any]]] = {"done": [], "errors": [], "pending": []}
        for result in self.steps:
            lists.setdefault(result.status.value, []).append(result.as_result())
        return lists


@dataclass(frozen=True)
class Plan:
    """The current state, the wanted state, and the steps from the one to the other.

    :param before: the managed state by the name of each thing that changes, for the diff. It equals C(after) exactly if
        no step changes anything. C(None) if nothing is managed, as by info modules.
    :param result: the result of the module; the same in check mode.
    :param report: returns the part of the result that depends on the step results. It is called after each attempt to
        apply the plan, and overrides C(result).
    :param unmet: a problem that the steps cannot solve; the task fails with it after the steps.
    :param wait: a state to wait for after the steps.
    :param ledger: where the ledger entries of steps are stored.
    """

    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    steps: tuple[Step, ...] = ()
    result: Mapping[str, Any] = field(default_factory=dict)
    report: Callable[[ApplyResult], Mapping[str, Any]] = lambda _applied: {}
    unmet: CakewalkError | None = None
    wait: Wait | None = None
    ledger: Ledger | None = None

    @property
    def changed(self) -> bool:
        """Whether applying this plan would change anything."""
        return any(step.changes for step in self.steps)


class ApplyFailed(CakewalkError):
    """At least one step failed; C(result) holds the status of each.

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
    """Every step was applied, or in check mode would be, but the goal is not reached."""


class ApplyInterrupted(Exception):
    """A defect of the collection ended the run; C(result) holds the status of each step at that time."""

    def __init__(self, result: ApplyResult) -> None:
        super().__init__("applying the plan was interrupted")
        self.result = result


def dry_run(plan: Plan) -> ApplyResult:
    """Return the result of a plan before any of its steps is applied.

    :raises GoalNotReached: the goal would not be reached.
    """
    result = ApplyResult(list(map(StepResult, plan.steps)))
    if plan.unmet:
        raise GoalNotReached(result, plan.unmet)
    return result


def apply(plan: Plan, client: Client, confirm_delays: Iterable[float] = CONFIRM_DELAYS) -> ApplyResult:
    """Apply a plan phase by phase, the steps of a phase concurrently.

    After the first failure no step starts; steps under way finish. A write is unconfirmed if its answer was lost, or is
    a refusal that may mean "already done". Only a read can confirm it. The ledger entry of a step is deleted before the
    step and stored after it.

    :raises ApplyFailed: not every step was applied.
    :raises GoalNotReached: every step was applied, but the goal is not reached.
    :raises ApplyInterrupted: there is a defect in the collection.
    """
    result = ApplyResult(list(map(StepResult, plan.steps)))
    try:
        with client.writing():
            _delete_ledger_entries(plan, client, result)
            for phase in Phase:
                _apply_phase([step for step in result.steps if step.step.phase is phase], client, tuple(confirm_delays))
                if result.having(StepStatus.FAILED):
                    break
            _store_ledger_entries(plan, client, result)
        if result.having(StepStatus.FAILED):
            raise ApplyFailed(result)
        if plan.unmet:
            raise GoalNotReached(result, plan.unmet)
        if plan.wait:
            try:
                wait_for(plan.wait, client)
            except CakewalkError as error:
                raise GoalNotReached(result, error) from None
    except CakewalkError:
        raise
    except Exception as defect:
        for sent in result.having(StepStatus.SENT):
            sent.status = StepStatus.FAILED
            if not isinstance(sent.error, NotApplied):
                sent.error = OutcomeUnknown(sent.step.action, *_INTERRUPTED, **sent.request)
        raise ApplyInterrupted(result) from defect
    result.goal_reached = True
    return result


def _delete_ledger_entries(plan: Plan, client: Client, result: ApplyResult) -> None:
    """Delete the ledger entries that the steps will overwrite, so that a crash leaves no stale entry."""
    keys = [step.ledger_entry[0] for step in plan.steps if step.ledger_entry]
    if plan.ledger and keys:
        try:
            plan.ledger.forget(keys, client)
        except CakewalkError as error:
            raise ApplyFailed(result, error) from None


def _store_ledger_entries(plan: Plan, client: Client, result: ApplyResult) -> None:
    entries = dict(done.step.ledger_entry for done in result.having(StepStatus.DONE) if done.step.ledger_entry)
    if plan.ledger and entries:
        try:
            plan.ledger.keep(entries, client)
        except CakewalkError as error:
            if result.having(StepStatus.FAILED):
                raise ApplyFailed(result) from None
            unknown = error.restated(
                f"{error.cause}; what 'steps' lists as done was sent all the same, and the ledger does not know of it",
                f"{error.hint} The next run sends it again, or counts it as changed.",
            )
            raise ApplyFailed(result, unknown) from None


def _apply_phase(steps: Sequence[StepResult], client: Client, confirm_delays: tuple[float, ...]) -> None:
    """Apply the steps of a phase until no step is pending, or a step failed."""
    pending = list(steps)
    while pending and not any(step.status is StepStatus.FAILED for step in steps):
        _confirm(_send(pending, client), client, confirm_delays)
        pending = [step for step in pending if step.status is StepStatus.PENDING]


def _send(steps: Sequence[StepResult], client: Client) -> list[_Unconfirmed]:
    """Send steps concurrently, and return those that must be confirmed by reading.

    An unconfirmed step stops the others, too, until a read has confirmed it. A removal that answers 404 does not: these
    are confirmed together by one read after the last removal.
    """
    stop = threading.Event()
    unconfirmed: list[_Unconfirmed] = []

    def send(result: StepResult) -> None:
        if stop.is_set():
            return
        try:
            send_step(result)
        except Exception:
            stop.set()
            raise

    def send_step(result: StepResult) -> None:
        step = result.step
        try:
            _check_precondition(step, client)
        except CakewalkError as error:
            result.status, result.error = StepStatus.FAILED, error
            stop.set()
            return
        result.status = StepStatus.SENT
        try:
            client.send(step)
        except CakewalkError as error:
            result.error = error
            status = error.status if isinstance(error, ApiError) else None
            if status in step.ignored_statuses:
                result.status = StepStatus.REFUSED
                return
            is_ambiguous = isinstance(error, OutcomeUnknown) or status in step.ambiguous_statuses
            if step.postcondition is not None and is_ambiguous:
                unconfirmed.append(_Unconfirmed(result, step.postcondition, error))
            else:
                result.status = StepStatus.FAILED
            if not (step.phase is Phase.REMOVALS and isinstance(error, NotFound)):
                stop.set()
        else:
            if step.needs_confirmation and step.postcondition is not None:
                source = step.postcondition.source.what
                not_applied = NotApplied(
                    step.action,
                    f"the server accepted it, but reading {source} again does not show it",
                    f"Look at {source} in Cakewalk: the service may have turned what was sent into something else.",
                    **result.request,
                )
                # Until a read confirms the write, it counts as accepted.
                result.error = not_applied
                unconfirmed.append(_Unconfirmed(result, step.postcondition, not_applied))
            else:
                result.status = StepStatus.DONE

    client.each(send, steps)
    return unconfirmed


def _check_precondition(step: Step, client: Client) -> None:
    """Raise C(PreconditionFailed) if a read directly before a step shows that its record changed since the plan."""
    if step.precondition is None:
        return
    violations = step.precondition.violations(client.record(step.precondition.resource))
    if violations:
        raise PreconditionFailed(
            step.action,
            f"it changed since it was read at the start of this run ({summarize(violations)})",
            "It was not touched. Run again, so that it is looked at anew.",
            members=violations,
        )


@dataclass(frozen=True)
class _Unconfirmed:
    """A step with an ambiguous answer, and the postcondition that can confirm it."""

    result: StepResult
    postcondition: Postcondition
    error: CakewalkError

    def failure(self, reads: Mapping[Listing | Resource, ReadResult | None]) -> CakewalkError:
        """Return the error of the step, with what the reads show instead, and how to check."""
        error, what = self.error, self.postcondition.source.what
        read = reads.get(self.postcondition.source)
        shown = self.postcondition.explain(read) if read else ""
        instead = f" ({shown})" if shown else ""
        if isinstance(error, NotApplied):
            return error.restated(f"{error.cause}{instead}", error.hint)
        if not isinstance(error, OutcomeUnknown):
            return error.restated(f"{error.cause}, and reading {what} does not show it as done{instead}", error.hint)
        return error.restated(
            f"{error.cause}, and reading {what} again did not show it as done{instead}: outcome unknown",
            f"{error.hint} Look at {what} after a while, or run again: a run reads before it writes.",
        )


def _confirm(unconfirmed: Sequence[_Unconfirmed], client: Client, delays: tuple[float, ...]) -> None:
    """Read the sources of unconfirmed steps; a step counts as done only if its postcondition holds.

    After a lost answer the write may still be under way, and an accepted write may show late, so several reads follow.
    A refusal is final and needs one read.
    """
    reads: dict[Listing | Resource, ReadResult | None] = {}
    remaining = list(unconfirmed)
    for attempt, delay in enumerate(delays):
        checked = [step for step in remaining if attempt == 0 or not isinstance(step.error, ApiError)]
        if not checked:
            break
        time.sleep(delay)
        reads |= _read([step.postcondition for step in checked], client)
        for step in checked:
            read = reads[step.postcondition.source]
            if read is not None and step.postcondition.holds(read):
                step.result.status = StepStatus.ALREADY if isinstance(step.error, ApiError) else StepStatus.DONE
                step.result.error = None
        remaining = [step for step in remaining if step.result.status is StepStatus.SENT]
    for step in remaining:
        step.result.status, step.result.error = StepStatus.FAILED, step.failure(reads)


def _read(postconditions: Sequence[Postcondition], client: Client) -> dict[Listing | Resource, ReadResult | None]:
    """Return the rows of each source, or C(None) for a source that cannot be read, which proves nothing."""
    times = {each.source: 1 for each in postconditions}
    times |= {each.source: 2 for each in postconditions if each.needs_second_read}

    def read(source: Listing | Resource) -> ReadResult | None:
        try:
            reads = [client.read(source) for _time in range(times[source])]
        except CakewalkError:
            return None
        return ReadResult(source, [row for rows in reads for row in ([rows] if isinstance(rows, dict) else rows)])

    return dict(zip(times, client.each(read, times), strict=True))
