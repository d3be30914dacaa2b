# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evaluate access rules: one pass over all access finds who holds each entitlement, then each rule compares those.

Everything has three values. What cannot be seen is neither held nor not held, so a rule that depends on it is unknown,
which is not kept.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ..._api.catalog import UserStatuses, person
from ..core.lookup import folded_email
from ..core.people import status_of
from ..core.terms import TermState
from .form import CONFLICTS, LIMITS, REQUIRES
from .held import HeldAccess
from .logic import UNKNOWN, all_of, any_of, negation
from .rule import AccessRule, Entitlement, RuleException

#: The states of a rule and of its findings, from good to bad. A rule is as bad as its worst finding.
KEPT, EXCEPTED, NOT_SEEN, VIOLATED = STATES = ("kept", "excepted", "unknown", "violated")
#: The id in findings that are about nobody in particular.
NOBODY = ""


@dataclass
class Holders:
    """The ids of the people who hold an entitlement.

    :param held: those who do.
    :param maybe: those who may do so.
    :param is_unseen: whether everybody else may do so, too, but for those who are C(ruled_out).
    """

    held: set[str] = field(default_factory=set)
    maybe: set[str] = field(default_factory=set)
    ruled_out: set[str] = field(default_factory=set)
    is_unseen: bool = False

    @property
    def listed(self) -> set[str]:
        """The people who are known to hold the entitlement, or may do so."""
        return self.held | self.maybe

    def value(self, someone: str) -> bool | None:
        """Return whether a person holds the entitlement."""
        if someone in self.held:
            return True
        is_possible = someone in self.maybe or (self.is_unseen and someone not in self.ruled_out)
        return UNKNOWN if is_possible else False

    def add(self, someone: str, value: bool | None) -> None:
        """Add a person by whether they hold the entitlement."""
        {True: self.held, UNKNOWN: self.maybe, False: self.ruled_out}[value].add(someone)


@dataclass(frozen=True)
class Finding:
    """A person who violates a rule, or may do so.

    :param person: the id; C(NOBODY) if too few people hold something, or if nobody can be ruled out.
    :param state: violated, unknown or excepted.
    :param missing: how many people are missing to the lowest number.
    :param exception: why the finding does not count.
    """

    rule: AccessRule
    person: str
    state: str
    missing: int = 0
    exception: RuleException | None = None

    @property
    def badness(self) -> tuple[int, int]:
        """How bad the finding is, to compare it with another one about the same rule and person."""
        return STATES.index(self.state), self.missing


@dataclass(frozen=True)
class RuleResult:
    """The result of a rule.

    :param ended: the exceptions that have ended, and no longer count.
    """

    rule: AccessRule
    findings: tuple[Finding, ...]
    ended: tuple[RuleException, ...]

    @property
    def state(self) -> str:
        """Kept, or the worst state of the findings."""
        return max((finding.state for finding in self.findings), key=STATES.index, default=KEPT)


@dataclass(frozen=True)
class Evaluation:
    """The results of all rules at a time, and what they are about."""

    time: datetime
    results: Sequence[RuleResult]
    held: HeldAccess
    holders: Mapping[Entitlement, Holders]


def evaluate(rules: Sequence[AccessRule], held: HeldAccess, statuses: UserStatuses, now: datetime) -> Evaluation:
    """Return the results of rules."""
    holders = holders_of({entitlement for rule in rules for entitlement in rule.involved}, held)
    results = [_RuleEvaluation(rule, holders, held, statuses, now).result() for rule in rules]
    return Evaluation(now, results, held, holders)


def holders_of(entitlements: Collection[Entitlement], held: HeldAccess) -> dict[Entitlement, Holders]:
    """Return the holders of each entitlement, by going through all access once."""
    holders = {entitlement: Holders(is_unseen=held.is_unseen(entitlement)) for entitlement in entitlements}
    of_access = []
    for entitlement, found in holders.items():
        if entitlement.group:
            found.held |= held.members.get(entitlement.group, set())
        elif entitlement.is_owner:
            for someone, value in held.owners.get(entitlement.app, {}).items():
                found.add(someone, value)
        else:
            of_access.append((entitlement, found))
    # A tenant has far fewer levels than access, so what each level means is found once.
    meanings: dict[tuple[str, str, bool], list[tuple[Holders, bool | None]]] = {}
    for app, someone, level, is_certain in held.access():
        meaning = meanings.get((app, level, is_certain))
        if meaning is None:
            values = [(found, held.means(entitlement, app, level)) for entitlement, found in of_access]
            meaning = [(found, value if is_certain else UNKNOWN) for found, value in values if value is not False]
            meanings[app, level, is_certain] = meaning
        for found, value in meaning:
            found.add(someone, value)
    for found in holders.values():
        found.maybe -= found.held
    return holders


def new_findings(before: Iterable[RuleResult], after: Iterable[RuleResult]) -> list[Finding]:
    """Return the findings after a plan that were not there before, or were less bad."""
    known: dict[tuple[str, str], tuple[int, int]] = {}
    for finding in (finding for result in before for finding in result.findings):
        key = (finding.rule.name, finding.person)
        known[key] = max(known.get(key, finding.badness), finding.badness)
    return [
        finding
        for result in after
        for finding in result.findings
        if finding.state != EXCEPTED
        and finding.badness > known.get((finding.rule.name, finding.person), (STATES.index(EXCEPTED), 0))
    ]


@dataclass
class _RuleEvaluation:
    rule: AccessRule
    holders: Mapping[Entitlement, Holders]
    held: HeldAccess
    statuses: UserStatuses
    now: datetime

    def result(self) -> RuleResult:
        exceptions = {
            one.person: one for one in self.rule.exceptions if one.term.state_at(self.now) is TermState.ACTIVE
        }
        findings = self._of_limits(exceptions) if self.rule.kind == LIMITS else self._of_people(exceptions)
        ended = tuple(one for one in self.rule.exceptions if one.person not in exceptions)
        return RuleResult(self.rule, tuple(findings), ended)

    def _of_people(self, exceptions: Mapping[str, RuleException]) -> Iterator[Finding]:
        for someone in [*self._sorted(self._candidates()), NOBODY]:
            value = self._violates(someone)
            if value is not False:
                yield self._finding(someone, value, exceptions)

    def _sorted(self, people: Iterable[str]) -> list[str]:
        """Return people by e-mail address, and those without one by id."""
        return sorted(people, key=lambda one: (folded_email(person(self.held.people.get(one, {"id": one}))), one))

    def _candidates(self) -> set[str]:
        """Return all people who may violate the rule and are listed somewhere, and perhaps others."""
        entitlements = [self.holders[one] for one in self.rule.entitlements]
        seen = [found for found in entitlements if not found.is_unseen]
        if self.rule.kind == CONFLICTS and seen:
            return min((found.listed for found in seen), key=len)
        if len(seen) < len(entitlements):
            entitlements = [self.holders[one] for one in self.rule.involved]
        return set().union(*(found.listed for found in entitlements))

    def _violates(self, someone: str) -> bool | None:
        values = [self.holders[one].value(someone) for one in self.rule.entitlements]
        if self.rule.kind == CONFLICTS:
            return all_of(values)
        holds = any_of(values)
        if self.rule.kind == REQUIRES:
            return all_of((holds, negation(all_of([self.holders[one].value(someone) for one in self.rule.required]))))
        return all_of((holds, self.rule.is_about(self.held.people.get(someone, {}))))

    def _of_limits(self, exceptions: Mapping[str, RuleException]) -> Iterator[Finding]:
        entitlements = [self.holders[one] for one in self.rule.entitlements]
        listed = self._sorted(set().union(*(found.listed for found in entitlements)))
        values = {someone: any_of([found.value(someone) for found in entitlements]) for someone in listed}
        # Of people who are listed nowhere, any number may hold it.
        is_unseen = any(found.is_unseen for found in entitlements)
        if self.rule.at_most is not None:
            yield from self._above(self.rule.at_most, values, is_unseen, exceptions)
        if self.rule.at_least is not None:
            yield from self._below(self.rule.at_least, values, is_unseen)

    def _above(
        self, limit: int, values: Mapping[str, bool | None], is_unseen: bool, exceptions: Mapping[str, RuleException]
    ) -> Iterator[Finding]:
        """Yield everybody who counts, if too many people do or may do so."""
        if len(values) <= limit and not is_unseen:
            return
        counted = {someone: value for someone, value in values.items() if someone not in exceptions}
        is_violated = sum(value is True for value in counted.values()) > limit
        is_possible = len(counted) > limit or is_unseen
        for someone, value in values.items():
            is_counted = value is True if is_violated else is_possible
            if someone in exceptions or is_counted:
                yield self._finding(someone, is_violated or UNKNOWN, exceptions)
        if is_unseen and not is_violated:
            yield self._finding(NOBODY, UNKNOWN, exceptions)

    def _below(self, limit: int, values: Mapping[str, bool | None], is_unseen: bool) -> Iterator[Finding]:
        active = [all_of((value, self._is_active(someone))) for someone, value in values.items()]
        certain, possible = active.count(True), len(active) - active.count(False)
        if possible < limit and not is_unseen:
            yield Finding(self.rule, NOBODY, VIOLATED, limit - possible)
        elif certain < limit:
            yield Finding(self.rule, NOBODY, NOT_SEEN, limit - certain)

    def _is_active(self, someone: str) -> bool | None:
        status = status_of(self.held.people.get(someone, {}))
        if status in self.statuses.inactive:
            return False
        return status in self.statuses.may_receive_access | self.statuses.may_act or UNKNOWN

    def _finding(self, someone: str, value: bool | None, exceptions: Mapping[str, RuleException]) -> Finding:
        if someone in exceptions:
            return Finding(self.rule, someone, EXCEPTED, exception=exceptions[someone])
        return Finding(self.rule, someone, VIOLATED if value else NOT_SEEN)
