# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one idea of this collection: a plan is data, and one function carries it out."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._api.client import Client
from .._api.errors import ApiError, CakewalkError, NotFound, OutcomeUnknown
from .._api.operations import Key, Listing, Proof, Step

#: Waits, in seconds, between the readings that look whether a write with a lost answer was carried out after all.
SETTLING = (0.0, 1.0, 2.0, 4.0)


@dataclass(frozen=True)
class Plan:
    """What a module found, what it wants, and the steps from the one to the other.

    :param before: the managed state by the name of the thing that changes, for the diff; equal to C(after) exactly
        where there are no steps. C(None) where nothing is managed, as by info modules.
    :param result: what the module returns; the same in check mode.
    """

    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    steps: tuple[Step, ...] = ()
    result: Mapping[str, Any] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether carrying this plan out would change anything."""
        return bool(self.steps)


@dataclass
class Outcome:
    """What became of the steps of a plan: done, failed (with the error of each), or never started."""

    done: list[Step] = field(default_factory=list)
    failed: list[tuple[Step, CakewalkError]] = field(default_factory=list)
    pending: list[Step] = field(default_factory=list)

    def sort(self, steps: Sequence[Step]) -> None:
        """Put each list into the order of the plan: steps that go side by side end in any order."""
        place = {id(step): number for number, step in enumerate(steps)}
        self.done.sort(key=lambda step: place[id(step)])
        self.failed.sort(key=lambda failure: place[id(failure[0])])
        self.pending.sort(key=lambda step: place[id(step)])

    def as_result(self) -> dict[str, list[dict[str, Any]]]:
        """Return the three lists as data, under the names that all modules use."""
        return {
            "done": [_described(step) for step in self.done],
            "errors": [{**_described(step), "msg": str(error), **error.facts()} for step, error in self.failed],
            "pending": [_described(step) for step in self.pending],
        }


class ApplyFailed(CakewalkError):
    """At least one step failed; C(outcome) tells what was done, what failed and what was not tried."""

    def __init__(self, outcome: Outcome) -> None:
        first = outcome.failed[0][1]
        done, failed, pending = len(outcome.done), len(outcome.failed), len(outcome.pending)
        more = f" ({failed - 1} more failed)" if failed > 1 else ""
        total = done + failed + pending
        progress = f" Of {total} steps, {done} done, {failed} failed, {pending} not tried; 'steps' names each."
        super().__init__(
            first.attempt,
            first.answer + more,
            first.remedy + (progress if total > 1 else ""),
            **{name: value for name, value in first.facts().items() if name != "kind"},
        )
        self.kind = first.kind
        self.outcome = outcome


@dataclass(frozen=True)
class _Doubt:
    """A step of which the answer does not tell whether its aim is reached, and how reading can."""

    step: Step
    proof: Proof
    error: CakewalkError

    @property
    def was_lost(self) -> bool:
        return isinstance(self.error, OutcomeUnknown)

    def unsettled(self) -> CakewalkError:
        """Return the error, with what reading did not show and how to look."""
        what = self.proof.listing.what
        if not self.was_lost:
            answer = f"{self.error.answer}, and {what} do not show it as done"
            return self.error.restated(answer, self.error.remedy)
        return self.error.restated(
            f"{self.error.answer}, and {what} did not show it as done when they were read again: outcome unknown",
            f"{self.error.remedy} Look at {what} after a while, or run again: a run reads before it writes.",
        )


def apply(plan: Plan, client: Client, settling: Iterable[float] = SETTLING) -> Outcome:
    """Carry out a plan: additions before removals, each several at a time.

    The first failure starts no new step; those under way finish. A step that is in doubt (a lost answer, a refusal that
    may mean "already so") is settled by reading, and by nothing else.

    :raises ApplyFailed: not every step was carried out.
    """
    outcome = Outcome()
    waits = tuple(settling)
    with client.writing():
        for removes in (False, True):
            steps = [step for step in plan.steps if step.removes is removes]
            while steps and not outcome.failed:
                steps = _carry_out(steps, client, waits, outcome)
            outcome.pending += steps
    outcome.sort(plan.steps)
    if outcome.failed:
        raise ApplyFailed(outcome)
    return outcome


def _carry_out(steps: list[Step], client: Client, waits: tuple[float, ...], outcome: Outcome) -> list[Step]:
    """Carry out C(steps) side by side, sort them into C(outcome), and return those that were not started.

    Doubt stops the others too, until reading has told what became of it. A removal that finds nobody does not: it is
    settled after all removals, in one reading.
    """
    stop = threading.Event()
    not_started: list[Step] = []
    doubts: list[_Doubt] = []

    def attempt(step: Step) -> None:
        if stop.is_set():
            not_started.append(step)
            return
        try:
            client.send(step)
        except CakewalkError as error:
            if step.proof is not None and _is_doubtful(step, error):
                doubts.append(_Doubt(step, step.proof, error))
            else:
                outcome.failed.append((step, error))
            if not (step.removes and isinstance(error, NotFound)):
                stop.set()
        else:
            outcome.done.append(step)

    client.each(attempt, steps)
    _settle(doubts, client, waits, outcome)
    return not_started


def _is_doubtful(step: Step, error: CakewalkError) -> bool:
    return isinstance(error, OutcomeUnknown) or (isinstance(error, ApiError) and error.status in step.doubtful)


def _settle(doubts: list[_Doubt], client: Client, waits: tuple[float, ...], outcome: Outcome) -> None:
    """Read what the steps in doubt should have brought about; only what is seen counts as done.

    A write whose answer was lost may still be under way in the service, so it is looked for several times; a refusal is
    final and is looked at once.
    """
    for attempt, wait in enumerate(waits):
        looked_at = [doubt for doubt in doubts if attempt == 0 or doubt.was_lost]
        if not looked_at:
            break
        time.sleep(wait)
        seen = _read([doubt.proof for doubt in looked_at], client)
        settled = [doubt for doubt in looked_at if doubt.proof.holds(seen[doubt.proof.listing])]
        outcome.done += [doubt.step for doubt in settled]
        doubts = [doubt for doubt in doubts if doubt not in settled]
    outcome.failed += [(doubt.step, doubt.unsettled()) for doubt in doubts]


def _read(proofs: Sequence[Proof], client: Client) -> dict[Listing, frozenset[Key] | None]:
    """Return the identities in each list that C(proofs) need, C(None) where it cannot be read: nothing is proved then.

    Absence is read twice: a list that moves may skip a row, and who was skipped must not pass for removed.
    """
    readings = {proof.listing: 1 for proof in proofs} | {proof.listing: 2 for proof in proofs if proof.absent}

    def read(listing: Listing) -> frozenset[Key] | None:
        try:
            rows = [row for _reading in range(readings[listing]) for row in client.rows(listing)]
        except CakewalkError:
            return None
        return listing.keys_of(rows)

    return dict(zip(readings, client.each(read, readings), strict=True))


def _described(step: Step) -> dict[str, Any]:
    described: dict[str, Any] = {"action": step.action, "method": step.method, "path": step.path}
    return {**described, "users": list(step.users)} if step.users else described
