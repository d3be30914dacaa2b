# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one idea of this collection: a plan is data, and one function carries it out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..._api.client import Client
from ..._api.errors import ApiError, CakewalkError, NotFound, OutcomeUnknown
from ..._api.operations import Listing, Postcondition, Precondition, ReadResult, Resource, Step, Witness
from ..._api.text import summarize
from ..storage.ledger import Ledger
from .wait import Wait, wait_for

#: Waits, in seconds, between the readings that look whether a write with a lost answer was carried out after all.
CONFIRM_DELAYS = (0.0, 1.0, 2.0, 4.0)


class PreconditionFailed(CakewalkError):
    """What a step relies on changed between planning and the step, so it was not sent."""

    kind = "moved"


class NotApplied(CakewalkError):
    """The server accepted a write, and reading shows something else."""

    kind = "not_as_sent"


@dataclass
class ApplyResult:
    """What became of the steps of a plan: done, failed (with the error of each), never started, refused without harm
    (with the refusal of each), or refused because somebody else had done the same already."""

    done: list[Step] = field(default_factory=list)
    failed: list[tuple[Step, CakewalkError]] = field(default_factory=list)
    pending: list[Step] = field(default_factory=list)
    refused: list[tuple[Step, CakewalkError]] = field(default_factory=list)
    already: list[Step] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Whether what was done changed anything; what was accepted but shows as something else may well have."""
        accepted = [step for step, error in self.failed if isinstance(error, NotApplied)]
        return any(step.changes for step in [*self.done, *accepted])

    def sort(self, steps: Sequence[Step]) -> None:
        """Put each list into the order of the plan: steps that go side by side end in any order."""
        place = {id(step): number for number, step in enumerate(steps)}
        self.done.sort(key=lambda step: place[id(step)])
        self.failed.sort(key=lambda failure: place[id(failure[0])])
        self.pending.sort(key=lambda step: place[id(step)])
        self.refused.sort(key=lambda refusal: place[id(refusal[0])])
        self.already.sort(key=lambda step: place[id(step)])

    def as_result(self) -> dict[str, list[dict[str, Any]]]:
        """Return the lists as data, under the names that all modules use."""
        rare = {
            "refused": [{**_described(step), **error.facts()} for step, error in self.refused],
            "already": [_described(step) for step in self.already],
        }
        return {
            "done": [_described(step) for step in self.done],
            "errors": [{**_described(step), "msg": str(error), **error.facts()} for step, error in self.failed],
            "pending": [_described(step) for step in self.pending],
            **{name: steps for name, steps in rare.items() if steps},
        }


@dataclass(frozen=True)
class Plan:
    """What a module found, what it wants, and the steps from the one to the other.

    :param before: the managed state by the name of the thing that changes, for the diff; equal to C(after) exactly
        where no step changes anything. C(None) where nothing is managed, as by info modules.
    :param result: what the module returns; the same in check mode.
    :param concluded: what of the result depends on what became of the steps; it replaces what was foreseen.
    :param unmet: what stays unsolved although every step can be carried out; the task fails with it after the steps.
    :param wait: what is to be seen after the steps before the task is a success.
    :param ledger: where steps leave their entries.
    :param inverse: what would take back what became of the steps, told whether or not all of them succeeded.
    """

    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    steps: tuple[Step, ...] = ()
    result: Mapping[str, Any] = field(default_factory=dict)
    concluded: Callable[[ApplyResult], Mapping[str, Any]] | None = None
    unmet: CakewalkError | None = None
    wait: Wait | None = None
    ledger: Ledger | None = None
    inverse: Callable[[ApplyResult], Mapping[str, Any]] | None = None

    @property
    def changed(self) -> bool:
        """Whether carrying this plan out would change anything."""
        return any(step.changes for step in self.steps)


class ApplyFailed(CakewalkError):
    """At least one step failed; C(outcome) tells what was done, what failed and what was not tried."""

    def __init__(self, outcome: ApplyResult, cause: CakewalkError | None = None) -> None:
        first = cause or outcome.failed[0][1]
        done = len(outcome.done) + len(outcome.already)
        failed, pending = len(outcome.failed), len(outcome.pending)
        more = f" ({failed - 1} more failed)" if failed > 1 else ""
        total = done + failed + pending
        progress = f" Of {total} steps, {done} done, {failed} failed, {pending} not tried; 'steps' names each."
        super().__init__(
            first.action,
            first.cause + more,
            first.hint + (progress if total > 1 else ""),
            **{name: value for name, value in first.facts().items() if name != "kind"},
        )
        self.kind = first.kind
        self.outcome = outcome


class GoalNotReached(ApplyFailed):
    """Every step was carried out, or in check mode would be, and what is wanted is not reached all the same."""


@dataclass(frozen=True)
class _Unconfirmed:
    """A step of which the answer does not tell whether its aim is reached, and how reading can."""

    step: Step
    proof: Postcondition
    error: CakewalkError

    @property
    def was_lost(self) -> bool:
        return isinstance(self.error, OutcomeUnknown)

    def holds_in(self, seen: Mapping[Listing | Resource, ReadResult | None]) -> bool:
        """Tell whether what was read shows the step as done."""
        reading = seen[self.proof.source]
        return reading is not None and self.proof.holds(reading)

    def unsettled(self, seen: Mapping[Listing | Resource, ReadResult | None]) -> CakewalkError:
        """Return the error, with what reading did not show, what it showed instead, and how to look."""
        what, instead = self.proof.source.what, self._instead(seen)
        if isinstance(self.error, NotApplied):
            return self.error.restated(f"{self.error.cause}{instead}", self.error.hint)
        if not self.was_lost:
            answer = f"{self.error.cause}, and reading {what} does not show it as done{instead}"
            return self.error.restated(answer, self.error.hint)
        return self.error.restated(
            f"{self.error.cause}, and reading {what} again did not show it as done{instead}: outcome unknown",
            f"{self.error.hint} Look at {what} after a while, or run again: a run reads before it writes.",
        )

    def _instead(self, seen: Mapping[Listing | Resource, ReadResult | None]) -> str:
        reading = seen.get(self.proof.source)
        if reading is None or not isinstance(self.proof, Witness):
            return ""
        return f" ({self.proof.instead(reading)})"


def dry_run(plan: Plan) -> ApplyResult:
    """Return what carrying out a plan would have before it, without doing so.

    :raises Unmet: what is wanted would not be reached.
    """
    outcome = ApplyResult(pending=list(plan.steps))
    if plan.unmet:
        raise GoalNotReached(outcome, plan.unmet)
    return outcome


def apply(plan: Plan, client: Client, settling: Iterable[float] = CONFIRM_DELAYS) -> ApplyResult:
    """Carry out a plan: what governs others first, then additions before removals, each several at a time.

    The first failure starts no new step; those under way finish. A step that is in doubt (a lost answer, a refusal that
    may mean "already so") is settled by reading, and by nothing else. What a ledger says of a step is forgotten before
    the step, and what the step brought about is kept once it was carried out.

    :raises ApplyFailed: not every step was carried out.
    :raises Unmet: every step was, and what is wanted is not reached all the same.
    """
    outcome = ApplyResult()
    waits = tuple(settling)
    with client.writing():
        _forget(plan, client)
        for turn in ((True, False), (False, False), (False, True)):
            steps = [step for step in plan.steps if (step.governs, step.removes) == turn]
            while steps and not outcome.failed:
                steps = _carry_out(steps, client, waits, outcome)
            outcome.pending += steps
        outcome.sort(plan.steps)
        _keep(plan, client, outcome)
    if outcome.failed:
        raise ApplyFailed(outcome)
    if plan.unmet:
        raise GoalNotReached(outcome, plan.unmet)
    if plan.wait:
        try:
            wait_for(plan.wait, client)
        except CakewalkError as error:
            raise GoalNotReached(outcome, error) from None
    return outcome


def _forget(plan: Plan, client: Client) -> None:
    """Have the ledger forget what the steps are about to replace: whatever becomes of them, it must not lie."""
    replaced = [step.entry[0] for step in plan.steps if step.entry]
    if plan.ledger and replaced:
        try:
            plan.ledger.forget(replaced, client)
        except CakewalkError as error:
            raise ApplyFailed(ApplyResult(pending=list(plan.steps)), error) from None


def _keep(plan: Plan, client: Client, outcome: ApplyResult) -> None:
    entries = dict(step.entry for step in outcome.done if step.entry)
    if plan.ledger and entries:
        try:
            plan.ledger.keep(entries, client)
        except CakewalkError as error:
            told = error.restated(
                f"{error.cause}; what 'steps' lists as done was sent all the same, and the ledger does not know of it",
                f"{error.hint} The next run sends it again, or counts it as changed.",
            )
            raise ApplyFailed(outcome, outcome.failed[0][1] if outcome.failed else told) from None


def _carry_out(steps: list[Step], client: Client, waits: tuple[float, ...], outcome: ApplyResult) -> list[Step]:
    """Carry out C(steps) side by side, sort them into C(outcome), and return those that were not started.

    Doubt stops the others too, until reading has told what became of it. A removal that finds nobody does not: it is
    settled after all removals, in one reading.
    """
    stop = threading.Event()
    not_started: list[Step] = []
    doubts: list[_Unconfirmed] = []

    def attempt(step: Step) -> None:
        if stop.is_set():
            not_started.append(step)
            return
        try:
            _check(step.guard, step, client)
        except CakewalkError as error:
            outcome.failed.append((step, error))
            stop.set()
            return
        try:
            client.send(step)
        except CakewalkError as error:
            if isinstance(error, ApiError) and error.status in step.harmless:
                outcome.refused.append((step, error))
                return
            if step.proof is not None and _is_doubtful(step, error):
                doubts.append(_Unconfirmed(step, step.proof, error))
            else:
                outcome.failed.append((step, error))
            if not (step.removes and isinstance(error, NotFound)):
                stop.set()
        else:
            if step.verified and step.proof is not None:
                doubts.append(_Unconfirmed(step, step.proof, _not_as_sent(step, step.proof)))
            else:
                outcome.done.append(step)

    client.each(attempt, steps)
    _settle(doubts, client, waits, outcome)
    return not_started


def _check(guard: Precondition | None, step: Step, client: Client) -> None:
    """Read what the step relies on, directly before it.

    :raises Moved: it is not as it was planned with.
    """
    if guard is None:
        return
    broken = guard.broken(client.record(guard.record))
    if broken:
        raise PreconditionFailed(
            step.action,
            f"it changed since it was read at the start of this run ({summarize(broken)})",
            "It was not touched. Run again, so that it is looked at anew.",
            members=broken,
        )


def _not_as_sent(step: Step, proof: Postcondition) -> NotApplied:
    return NotApplied(
        step.action,
        f"the server accepted it, but reading {proof.source.what} again does not show it",
        f"Look at {proof.source.what} in Cakewalk: the service may have turned what was sent into something else.",
        method=step.method,
        path=step.path,
    )


def _is_doubtful(step: Step, error: CakewalkError) -> bool:
    return isinstance(error, OutcomeUnknown) or (isinstance(error, ApiError) and error.status in step.doubtful)


def _settle(doubts: list[_Unconfirmed], client: Client, waits: tuple[float, ...], outcome: ApplyResult) -> None:
    """Read what the steps in doubt should have brought about; only what is seen counts as done.

    A write whose answer was lost may still be under way in the service, and one that was accepted may show late, so
    they are looked for several times; a refusal is final and is looked at once.
    """
    seen: dict[Listing | Resource, ReadResult | None] = {}
    for attempt, wait in enumerate(waits):
        looked_at = [doubt for doubt in doubts if attempt == 0 or not isinstance(doubt.error, ApiError)]
        if not looked_at:
            break
        time.sleep(wait)
        seen |= _read([doubt.proof for doubt in looked_at], client)
        settled = [doubt for doubt in looked_at if doubt.holds_in(seen)]
        outcome.done += [doubt.step for doubt in settled if not isinstance(doubt.error, ApiError)]
        outcome.already += [doubt.step for doubt in settled if isinstance(doubt.error, ApiError)]
        doubts = [doubt for doubt in doubts if doubt not in settled]
    outcome.failed += [(doubt.step, doubt.unsettled(seen)) for doubt in doubts]


def _read(proofs: Sequence[Postcondition], client: Client) -> dict[Listing | Resource, ReadResult | None]:
    """Return what each source that C(proofs) need shows, C(None) where it cannot be read: nothing is proved then."""
    times = {proof.source: 1 for proof in proofs} | {proof.source: 2 for proof in proofs if proof.twice}

    def read(source: Listing | Resource) -> ReadResult | None:
        try:
            found = [client.read(source) for _reading in range(times[source])]
        except CakewalkError:
            return None
        rows = [row for each in found for row in ([each] if isinstance(each, dict) else each)]
        return ReadResult(source, rows)

    return dict(zip(times, client.each(read, times), strict=True))


def _described(step: Step) -> dict[str, Any]:
    described: dict[str, Any] = {"action": step.action, "method": step.method, "path": step.path}
    return {**described, "users": list(step.users)} if step.users else described
