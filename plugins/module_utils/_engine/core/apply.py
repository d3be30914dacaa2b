# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apply a plan stage by stage: the only place that writes to the tenant."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..._api.answers import Proof, rule_of
from ..._api.client import Client
from ..._api.errors import (
    ApiError,
    CakewalkError,
    NotFound,
    OutcomeUnknown,
    Queued,
    RateLimited,
    TransportError,
    Unauthorized,
)
from ..._api.operations import Listing, Phase, Postcondition, ReadResult, Resource, Step
from ..._api.text import summarize
from ..storage.journal import RunJournal
from .plan import (
    ApplyFailed,
    ApplyInterrupted,
    ApplyResult,
    GoalNotReached,
    NotApplied,
    Plan,
    PreconditionFailed,
    StepResult,
    StepStatus,
)
from .wait import wait_for

#: Waits, in seconds, before each read that looks whether an unconfirmed write was carried out.
CONFIRM_DELAYS = (0.0, 1.0, 2.0, 4.0)
#: The cause and the hint for a step that was under way when the run was cut off.
_INTERRUPTED = (
    "the run was interrupted while it was being sent, so it is not known whether it was carried out",
    "Look at the tenant, or run again: a run reads before it writes.",
)
#: The cause and the hint for a step that was accepted and does not show.
_NOT_APPLIED = (
    "the server accepted it",
    "Look at it in Cakewalk: the service may have turned what was sent into something else, or ignored it.",
)
#: What is added to the hint of a read that failed after an accepted write.
_UNREAD = "The writes to it are in `steps` with `verified: false`."
#: What comes before the hint for a refusal that no read can confirm.
#: Statuses that prove a refusal, so that the message mentions a read only if it shows something else.
_PLAIN_REFUSALS = (400, 403)
_UNPROVED = "The API does not show whether it was carried out anyway."
#: Errors of a read after which another one soon would fail alike.
_UNREADABLE = (TransportError, Unauthorized)


def dry_run(plan: Plan) -> ApplyResult:
    """Return the result of a plan before any of its steps is applied.

    :raises GoalNotReached: the goal would not be reached.
    """
    result = ApplyResult(is_dry_run=True)
    stage: Plan | None = plan
    while stage:
        result.stages.append(stage)
        result.steps += map(StepResult, stage.steps)
        if stage.unmet:
            raise GoalNotReached(result, stage.unmet)
        stage = stage.then(result) if stage.then else None
    return result


def apply(
    plan: Plan,
    client: Client,
    confirm_delays: Iterable[float] = CONFIRM_DELAYS,
    journal: RunJournal | None = None,
    parent: int | None = None,
) -> ApplyResult:
    """Apply a plan stage by stage and phase by phase, the steps of a phase concurrently.

    After the first failure no step starts, unless the stage carries on; steps under way finish. After the steps of a
    phase, each list that they wrote to is read once, for all of them. C(answers.py) says what the answers prove. The
    ledger entry of a step is deleted before the step and stored after it.

    :param journal: gets a line as each write is about to leave, and another when its outcome is known.
    :param parent: the id of the process for which the run began; if that process ends, nothing more is sent.
    :raises ApplyFailed: not every step was applied.
    :raises GoalNotReached: the run came to its end, but the goal is not reached.
    :raises ApplyInterrupted: there is a defect in the collection, or a time limit ended the run.
    """
    run = _Run(client, journal or RunJournal(None), tuple(confirm_delays), parent or os.getppid())
    failure: Exception | None = None
    try:
        run.apply(plan)
    except ApplyFailed as error:
        failure = error
    except CakewalkError as error:
        failure = ApplyFailed(run.result, error)
    # The time limit of a task is no Exception.
    except BaseException as error:
        run.leave_unknown()
        failure = ApplyInterrupted(run.result)
        failure.__cause__ = error
    end_error: CakewalkError | None = None
    try:
        end_error = run.end(plan, is_cut_off=isinstance(failure, ApplyInterrupted))
    except BaseException as error:
        failure = ApplyInterrupted(run.result)
        failure.__cause__ = error
    if failure:
        raise failure
    if end_error:
        raise ApplyFailed(run.result, end_error)
    run.result.goal_reached = True
    return run.result


class _Abandoned(Exception):
    """Ansible has ended, so nobody waits for the run any more."""


class _Run:
    """One attempt to apply a plan; C(result) is its result so far."""

    def __init__(self, client: Client, journal: RunJournal, confirm_delays: tuple[float, ...], parent: int) -> None:
        self.result = ApplyResult(run=journal.run)
        self._client = client
        self._journal = journal
        self._confirm_delays = confirm_delays
        #: Why an outcome could not be recorded; then nothing more is sent.
        self._unrecorded: list[CakewalkError] = []
        #: Why lists could not be read after accepted writes.
        self._unread: list[CakewalkError] = []
        self._numbers: dict[int, int] = {}
        self._parent = parent

    def apply(self, plan: Plan) -> None:
        """Apply all stages of a plan.

        :raises CakewalkError: see the function C(apply).
        """
        stage: Plan | None = plan
        while stage:
            steps = list(map(StepResult, stage.steps))
            is_first_write = bool(steps) and not self.result.steps
            self.result.stages.append(stage)
            self.result.steps += steps
            self._numbers = {id(step): number for number, step in enumerate(self.result.steps)}
            if is_first_write:
                self._journal.begin()
                if plan.file:
                    plan.file.begin()
            with self._client.writing():
                self._apply_steps(stage, steps)
            self._conclude(stage, steps)
            stage = stage.then(self.result) if stage.then else None
        if self.result.having(StepStatus.FAILED):
            raise GoalNotReached(self.result)
        # A later stage may have read what could not be read at first.
        if any(map(_is_unread, self.result.steps)):
            raise GoalNotReached(self.result, self._unread[0])

    def leave_unknown(self) -> None:
        """Count the steps that are under way as failed, with an unknown outcome."""
        for sent in self.result.having(StepStatus.SENT):
            sent.status = StepStatus.FAILED
            sent.error = OutcomeUnknown(sent.step.action, *_INTERRUPTED, **sent.request)

    def end(self, plan: Plan, is_cut_off: bool) -> CakewalkError | None:
        """End the journal and the file of the run, and return the first error that this met."""
        for stage in self.result.stages:
            if stage.ledger:
                stage.ledger.close()
        errors = []
        try:
            for result in self.result.steps:
                self._record(result)
            self._journal.end("cut_off" if is_cut_off else "ended", changed=self.result.changed)
        except CakewalkError as error:
            errors.append(error)
        try:
            if plan.file:
                plan.file.end(self.result)
        except CakewalkError as error:
            errors.append(error)
        return next(iter(errors), None)

    def _apply_steps(self, stage: Plan, steps: list[StepResult]) -> None:
        self._delete_ledger_entries(stage)
        for phase in Phase:
            self._apply_phase([step for step in steps if step.step.phase is phase], stage.carries_on)
            if _is_over(steps, stage.carries_on):
                break
        self._store_ledger_entries(stage, steps)
        if self._unrecorded:
            raise ApplyFailed(self.result, self._unrecorded[0])

    def _conclude(self, stage: Plan, steps: list[StepResult]) -> None:
        """Raise the error of a stage that does not carry on, and wait for its goal."""
        if any(step.status is StepStatus.FAILED for step in steps) and not stage.carries_on:
            raise ApplyFailed(self.result)
        if any(map(_is_unread, steps)) and not stage.carries_on:
            raise ApplyFailed(self.result, self._unread[0])
        if stage.unmet:
            raise GoalNotReached(self.result, stage.unmet)
        if stage.wait:
            try:
                wait_for(stage.wait, self._client)
            except CakewalkError as error:
                if not (stage.carries_on and stage.then):
                    raise GoalNotReached(self.result, error) from None
                self.result.problems.append(error)

    def _delete_ledger_entries(self, stage: Plan) -> None:
        """Delete the ledger entries that the steps will overwrite, so that a crash leaves no stale entry."""
        entries = dict(step.ledger_entry for step in stage.steps if step.ledger_entry)
        if stage.ledger and entries:
            try:
                stage.ledger.forget(entries, self._client)
            except CakewalkError as error:
                raise ApplyFailed(self.result, error) from None

    def _store_ledger_entries(self, stage: Plan, steps: list[StepResult]) -> None:
        """Store the ledger entries of steps that are done; entries of steps that failed stay unknown."""
        done = [step for step in steps if step.status is StepStatus.DONE]
        entries = dict(step.step.ledger_entry for step in done if step.step.ledger_entry)
        has_answers = any(
            isinstance(step.error, (ApiError, OutcomeUnknown)) for step in steps if step.step.ledger_entry
        )
        if stage.ledger and (entries or has_answers):
            try:
                stage.ledger.keep(entries, self._client)
            except CakewalkError as error:
                if any(step.status is StepStatus.FAILED for step in steps):
                    raise ApplyFailed(self.result) from None
                unknown = error.restated(
                    f"{error.cause}; what `steps` lists as done was sent anyway, and is missing from the ledger",
                    f"{error.hint} The next run sends it again, or counts it as changed.",
                )
                raise ApplyFailed(self.result, unknown) from None

    def _apply_phase(self, steps: Sequence[StepResult], carries_on: bool) -> None:
        """Apply the steps of a phase until no step is pending, or a failure ends the phase."""
        pending = list(steps)
        while pending and not self._unrecorded and not _is_over(steps, carries_on):
            self._confirm(self._send(pending, carries_on))
            pending = [step for step in pending if step.status is StepStatus.PENDING]

    def _send(self, steps: Sequence[StepResult], carries_on: bool) -> list[_Unconfirmed]:
        """Send steps concurrently, and return those that must be confirmed by reading.

        A step that was not accepted stops the others, too, until a read has confirmed it. A removal that answers 404
        does not, nor does a step that is accepted for later: these are confirmed together after the last step.
        """
        stop = threading.Event()
        unconfirmed: list[_Unconfirmed] = []

        def send(result: StepResult) -> None:
            if stop.is_set():
                return
            try:
                # The process of Ansible that runs modules is adopted by another if ansible-playbook is killed.
                if os.getppid() != self._parent:
                    raise _Abandoned
                error = self._send_step(result, unconfirmed)
            except Exception:
                stop.set()
                raise
            is_gone = result.step.phase is Phase.REMOVALS and isinstance(error, NotFound)
            can_wait = is_gone or isinstance(error, Queued) or result.status is StepStatus.REFUSED
            if error and not carries_on and not can_wait:
                stop.set()
            if _ends_phase(result, carries_on) or not self._recorded(result):
                stop.set()

        self._client.each(send, steps)
        return unconfirmed

    def _send_step(self, result: StepResult, unconfirmed: list[_Unconfirmed]) -> CakewalkError | None:
        """Send a step, set its status, and return why it was not sent or not accepted."""
        step = result.step
        try:
            _check_precondition(step, self._client)
            self._journal.sending(self._numbers[id(result)], step)
        except CakewalkError as error:
            result.status, result.error = StepStatus.FAILED, error
            return error
        result.status = StepStatus.SENT
        try:
            answer = self._client.send(step)
        except CakewalkError as error:
            result.error = error
            if isinstance(error, ApiError) and error.status in step.ignored_statuses:
                result.status = StepStatus.REFUSED
            elif step.postcondition is not None and _is_settled_by_reading(error):
                unconfirmed.append(_Unconfirmed(result, step.postcondition, error))
            else:
                result.status = StepStatus.FAILED
                if isinstance(error, ApiError) and _is_settled_by_reading(error):
                    result.error = error.restated(error.cause, f"{_UNPROVED} {error.hint}")
            return error
        result.status = StepStatus.DONE
        if step.postcondition is not None:
            result.request_id = step.postcondition.created_by(answer.json() if answer.content else None)
            result.is_verified = result.request_id is not None
            if not result.is_verified:
                not_applied = NotApplied(step.action, *_NOT_APPLIED, **result.request)
                unconfirmed.append(_Unconfirmed(result, step.postcondition, not_applied))
        return None

    def _confirm(self, unconfirmed: Sequence[_Unconfirmed]) -> None:
        """Read the sources of unconfirmed steps; a step counts as done only if its postcondition holds.

        After a lost answer the write may still be under way, and an accepted write may show late, so several reads
        follow. A refusal is final and needs one read. The client itself repeats a read that gets no answer.
        """
        reads: dict[Listing | Resource, ReadResult | CakewalkError] = {}
        remaining = list(unconfirmed)
        for attempt, delay in enumerate(self._confirm_delays):
            checked = [
                step
                for step in remaining
                if attempt == 0
                or not (isinstance(step.error, ApiError) or isinstance(reads[step.postcondition.source], _UNREADABLE))
            ]
            if not checked:
                break
            time.sleep(delay)
            reads |= _read([step.postcondition for step in checked], self._client)
            for step in checked:
                read = reads[step.postcondition.source]
                if isinstance(read, ReadResult) and step.postcondition.holds(read):
                    step.result.status = StepStatus.ALREADY if isinstance(step.error, ApiError) else StepStatus.DONE
                    step.result.error, step.result.is_verified = None, True
                    step.result.request_id = step.postcondition.created_in(read)
            remaining = [step for step in remaining if not step.result.is_verified]
        for step in remaining:
            read = reads[step.postcondition.source]
            if isinstance(read, CakewalkError) and isinstance(step.error, NotApplied):
                self._unread.append(read.restated(read.cause, f"{read.hint} {_UNREAD}"))
            else:
                step.result.status, step.result.error = StepStatus.FAILED, step.failure(read)
        for step in unconfirmed:
            self._recorded(step.result)

    def _recorded(self, result: StepResult) -> bool:
        """Record the outcome of a step as soon as it is known, and return whether that could be recorded."""
        if result.status is StepStatus.SENT or _is_unread(result):
            return True
        try:
            self._record(result)
        except CakewalkError as error:
            self._unrecorded.append(error)
            return False
        return True

    def _record(self, result: StepResult) -> None:
        self._journal.settled(self._numbers[id(result)], result.step, _recorded_status(result), result.error)


def _is_over(steps: Iterable[StepResult], carries_on: bool) -> bool:
    """Return whether a phase ends, since a step failed, or a list could not be read after its steps."""
    return any(_ends_phase(step, carries_on) or (_is_unread(step) and not carries_on) for step in steps)


def _ends_phase(result: StepResult, carries_on: bool) -> bool:
    """Return whether a failed step ends its phase.

    A stage that carries on ends where every other step would fail alike. That is so if the credentials are refused,
    nothing reaches the service, or the service allows no more requests.
    """
    if result.status is not StepStatus.FAILED:
        return False
    unreachable = isinstance(result.error, TransportError) and not isinstance(result.error, OutcomeUnknown)
    return not carries_on or unreachable or isinstance(result.error, (Unauthorized, RateLimited))


def _is_unread(result: StepResult) -> bool:
    """Return whether a step was accepted, and what it wrote to has not been read since."""
    return result.status is StepStatus.DONE and result.step.postcondition is not None and not result.is_verified


def _is_settled_by_reading(error: CakewalkError) -> bool:
    """Return whether a read decides on a step that was not accepted."""
    if isinstance(error, ApiError):
        return rule_of(error.status).proof is Proof.REFUSED
    return isinstance(error, OutcomeUnknown)


def _recorded_status(result: StepResult) -> str:
    """Return the status of a step as the journal calls it."""
    if result.status is StepStatus.FAILED:
        if isinstance(result.error, OutcomeUnknown):
            return "unknown"
        is_refused = isinstance(result.error, ApiError) and result.error.facts().get("method") != "GET"
        return "refused" if is_refused else "failed"
    return "not_tried" if result.status is StepStatus.PENDING else result.status.value


def _check_precondition(step: Step, client: Client) -> None:
    """Raise C(PreconditionFailed) if a read directly before a step shows that its record changed since the plan."""
    if step.precondition is None:
        return
    violations = step.precondition.violations(client.record(step.precondition.resource))
    if violations:
        raise PreconditionFailed(
            step.action,
            f"it changed since it was read at the start of this run ({summarize(violations)})",
            "It was not touched. Run again to plan from its new state.",
            members=violations,
        )


@dataclass(frozen=True)
class _Unconfirmed:
    """A step with an ambiguous answer, and the postcondition that can confirm it."""

    result: StepResult
    postcondition: Postcondition
    error: CakewalkError

    def failure(self, read: ReadResult | CakewalkError) -> CakewalkError:
        """Return the error of the step, with what the last read shows instead, and how to check."""
        error, what = self.error, self.postcondition.source.what
        if isinstance(read, CakewalkError):
            cause = f"{error.cause}, and {what} could not be read to see whether it was carried out"
            return error.restated(cause, f"Look at {what} in Cakewalk, or run again: a run reads before it writes.")
        shown = self.postcondition.explain(read)
        instead = f" ({shown})" if shown else ""
        if isinstance(error, NotApplied):
            return error.restated(f"{error.cause}, but reading {what} again does not show it{instead}", error.hint)
        if isinstance(error, ApiError) and error.status in _PLAIN_REFUSALS and not shown:
            return error
        if not isinstance(error, OutcomeUnknown):
            return error.restated(f"{error.cause}, and reading {what} does not show it as done{instead}", error.hint)
        return error.restated(
            f"{error.cause}, and reading {what} again did not show it as done{instead}: outcome unknown",
            f"{error.hint} Look at {what} after a while, or run again: a run reads before it writes.",
        )


def _read(
    postconditions: Sequence[Postcondition], client: Client
) -> dict[Listing | Resource, ReadResult | CakewalkError]:
    """Return the rows of each source, or the error for a source that cannot be read, which proves nothing."""
    sources = dict.fromkeys(postcondition.source for postcondition in postconditions)
    absences = {postcondition.source for postcondition in postconditions if postcondition.proves_absence}

    def read(source: Listing | Resource) -> ReadResult | CakewalkError:
        try:
            if isinstance(source, Resource):
                return ReadResult(source, [client.record(source)])
            return ReadResult(source, client.stable_rows(source) if source in absences else client.rows(source))
        except CakewalkError as error:
            return error

    return dict(zip(sources, client.each(read, sources), strict=True))
