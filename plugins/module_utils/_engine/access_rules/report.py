# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The results of access rules, for people and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..._api.catalog import person
from ..._api.errors import CakewalkError
from ..._api.text import UNCUT, pluralize, printable, summarize
from .evaluation import EXCEPTED, NOBODY, NOT_SEEN, STATES, VIOLATED, Evaluation, Finding, RuleResult
from .form import FORBIDS, LIMITS, REQUIRES, SEVERITIES
from .rule import Entitlement, RuleException

#: The signs before findings in the lines for people.
_MARKS = {VIOLATED: "-", NOT_SEEN: "?", EXCEPTED: "~"}
#: How the name of an entitlement begins that is about owners.
_OWNERSHIP = "the ownership of "
#: The lowest severity that fails if none does.
NEVER = "never"


class RulesViolated(CakewalkError):
    """Access rules are violated, or cannot be decided."""

    kind = "rules"


def failing(results: Iterable[RuleResult], fail_from: str, allow_unknown: bool = False) -> list[RuleResult]:
    """Return the results that count as failed.

    :param fail_from: the lowest severity that counts, or C(NEVER).
    :param allow_unknown: whether rules count as kept that cannot be decided.
    """
    states = (VIOLATED,) if allow_unknown else (VIOLATED, NOT_SEEN)
    severities = () if fail_from == NEVER else SEVERITIES[SEVERITIES.index(fail_from) :]
    return [result for result in results if result.state in states and result.rule.severity in severities]


def counts_of(results: Iterable[RuleResult]) -> dict[str, int]:
    """Return how many rules are in each state."""
    counted = Counter(result.state for result in results)
    return {state: counted[state] for state in STATES}


@dataclass(frozen=True)
class FindingWriter:
    """Writes findings of an evaluation."""

    evaluation: Evaluation

    def sentence(self, finding: Finding, is_below_count: bool = False) -> str:
        """Return a finding as a clause.

        :param is_below_count: whether a line before it says how many people hold something, and how many may.
        """
        rule = finding.rule
        may = " may" if finding.state == NOT_SEEN else ""
        if finding.missing:
            names = [one.name for one in rule.entitlements]
            known = "it is not known whether at least" if may else "fewer than"
            people = pluralize(rule.at_least or 0, "person", "people")
            return f"{known} {people} {_holding(names, 'or', rule.at_least == 1)}"
        if finding.person == NOBODY:
            return f"it is not known who {_holding(self._words(rule.entitlements + rule.required, NOBODY), 'or')}"
        name = self.name(finding)
        if rule.kind == FORBIDS:
            details = rule.details(self.evaluation.held.people.get(finding.person, {}))
            name += f" ({', '.join(details)})" if details else ""
        clause = f"{name}{may} {_holding(self._words(rule.entitlements, finding.person), 'and', not may)}"
        if rule.kind == REQUIRES:
            holders = self.evaluation.holders
            lacking = [one.name for one in rule.required if holders[one].value(finding.person) is not True]
            clause += f" without {' and '.join(lacking)}"
        elif self._is_counted(finding) and not is_below_count:
            clause += f" ({self._count(finding, 'person does', 'people do')})"
        for ended in [one for one in rule.exceptions if one.person == finding.person and not finding.exception]:
            clause += f" (the exception until {ended.term.until} has ended)"
        if finding.exception:
            clause += f" (exception until {finding.exception.term.until}: {printable(finding.exception.reason)})"
        return clause

    @staticmethod
    def _is_counted(finding: Finding) -> bool:
        """Return whether a finding is about a person who is too many."""
        return bool(finding.rule.kind == LIMITS and finding.person and not finding.exception)

    def _count(self, finding: Finding, one: str, many: str) -> str:
        """Return how many people like the one of a finding there are, and how many may be."""
        limit = finding.rule.at_most or 0
        if finding.state == NOT_SEEN:
            return f"it is not known whether at most {pluralize(limit, one, many)}"
        may = f"at most {limit} may" if limit else "nobody may"
        return f"{pluralize(self._numbers[finding.rule.name], one, many)}, and {may}"

    @cached_property
    def _numbers(self) -> Counter[str]:
        """The number of people who are too many, by the name of the rule."""
        findings = (finding for result in self.evaluation.results for finding in result.findings)
        return Counter(finding.rule.name for finding in findings if self._is_counted(finding))

    def name(self, finding: Finding) -> str:
        """Return the e-mail address or id of the person of a finding."""
        row = self.evaluation.held.people.get(finding.person, {"id": finding.person})
        return printable(person(row), UNCUT)

    def _words(self, entitlements: Iterable[Entitlement], someone: str) -> list[str]:
        """Return what a person holds, or may hold, of these entitlements."""
        held, words = self.evaluation.held, []
        for entitlement in entitlements:
            value = self.evaluation.holders[entitlement].value(someone)
            is_shown = bool(entitlement.group or (entitlement.is_owner and entitlement.app not in held.unseen))
            if value is not False and is_shown:
                words.append(entitlement.name if value else f"{entitlement.name} (not shown)")
            elif value is not False:
                words.append(summarize(held.sources(entitlement, someone, value is True), 3, " and "))
        return list(dict.fromkeys(words))

    def error(self, failed: Sequence[RuleResult], hint: str) -> RulesViolated | None:
        """Return the error about failed rules, the worst first; C(None) without any."""
        if not failed:
            return None
        cause = summarize(map(self._in_short, sorted(failed, key=_from_worst)), separator="; ")
        return RulesViolated(
            "confirm that all access rules are kept", cause, hint, rules=[result.rule.name for result in failed]
        )

    def _in_short(self, result: RuleResult) -> str:
        """Return the worst findings of a rule as a clause, with people by name."""
        worst = [one for one in result.findings if one.state == result.state]
        people = summarize((self.name(one) if one.person else self.sentence(one) for one in worst), limit=3)
        name = f"{printable(result.rule.name)!r} ({result.rule.severity}, {result.rule.at})"
        return f"{name} is {'violated' if result.state == VIOLATED else 'unknown'}: {people}"

    def data(self, result: RuleResult) -> dict[str, Any]:
        """Return the result of a rule."""
        rule = result.rule
        return {
            "name": rule.name,
            "kind": rule.kind,
            "severity": rule.severity,
            "reason": rule.reason,
            "at": rule.at,
            "state": result.state,
            "findings": list(map(self.finding_data, result.findings)),
            "ended_exceptions": list(map(_exception_data, result.ended)),
        }

    def finding_data(self, finding: Finding) -> dict[str, Any]:
        """Return a finding."""
        return {
            "state": finding.state,
            "person": self.name(finding) if finding.person else None,
            "person_id": finding.person or None,
            "message": self.sentence(finding),
            **({"exception": _exception_data(finding.exception)} if finding.exception else {}),
        }

    def lines(self, results: Iterable[RuleResult]) -> Iterator[str]:
        """Yield the results for people, the worst rules first: a line for each rule, and for each of its findings."""
        for result in sorted(results, key=_from_worst):
            rule = result.rule
            yield f"{result.state} ({rule.severity}): {printable(rule.name, UNCUT)} ({rule.at})"
            counted = [finding for finding in result.findings if self._is_counted(finding)]
            for finding in result.findings:
                if not self._is_counted(finding):
                    yield f"  {_MARKS[finding.state]} {self.sentence(finding)}"
            if counted:
                names = [one.name for one in rule.entitlements]
                one, many = (f"{noun} {_holding(names, 'or', noun == 'person')}" for noun in ("person", "people"))
                yield f"  {_MARKS[counted[0].state]} {self._count(counted[0], one, many)}:"
                yield from (f"    {self.sentence(finding, is_below_count=True)}" for finding in counted)
            for ended in result.ended:
                since = f"until {ended.term.until} has ended, and no longer counts ({ended.at})"
                yield f"  ! the exception of {printable(ended.name)} {since}"


def _from_worst(result: RuleResult) -> tuple[int, int]:
    return -STATES.index(result.state), -SEVERITIES.index(result.rule.severity)


def ended_warnings(results: Sequence[RuleResult]) -> list[str]:
    """Return a warning about exceptions that have ended."""
    ended = [
        f"{printable(one.name)} and {printable(result.rule.name)!r}, until {one.term.until} ({one.at})"
        for result in results
        for one in result.ended
    ]
    if not ended:
        return []
    return [
        "These exceptions have ended, so the rules apply to these people again: "
        f"{summarize(ended, separator='; ')}. Remove the exceptions, or extend them."
    ]


def _holding(words: Sequence[str], joiner: str, is_singular: bool = True) -> str:
    """Return that somebody holds something, with the verb: apps are owned."""
    own = [word.removeprefix(_OWNERSHIP) for word in words if word.startswith(_OWNERSHIP)]
    held = [word for word in words if not word.startswith(_OWNERSHIP)]
    joined, end = f" {joiner} ", "s" if is_singular else ""
    clauses = [f"{verb}{end} {joined.join(part)}" for verb, part in (("hold", held), ("own", own)) if part]
    return joined.join(clauses)


def _exception_data(exception: RuleException) -> dict[str, Any]:
    return {
        "person": exception.name,
        "reason": exception.reason,
        "until": exception.term.until,
        "at": exception.at,
    }
