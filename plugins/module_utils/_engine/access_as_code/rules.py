# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The section C(rules): access rules, and what a plan would make of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from ..._api.errors import CakewalkError
from ..._api.text import UNCUT, printable, summarize
from ..access_rules.entries import problems_of_rules
from ..access_rules.evaluation import (
    EXCEPTED,
    NOBODY,
    NOT_SEEN,
    VIOLATED,
    Evaluation,
    Finding,
    evaluate,
    new_findings,
)
from ..access_rules.form import FORBIDS, REQUIRES
from ..access_rules.held import AccessChange
from ..access_rules.reading import read_held, read_rules
from ..access_rules.report import FindingWriter, RulesViolated, ended_warnings
from ..access_rules.rule import AccessRule, Entitlement
from ..core.tenant import Tenant
from ..core.timestamps import local_time
from .roster import ACCESS_RULES, Roster
from .source import SourceCode, problem

SECTION = ACCESS_RULES
_HINT = "Nothing was changed. Take the entries out of the code, or give the rule an exception with an end."
_FIRST = "Nothing was changed. Apply the removal of access alone, and plan the rest once the access is gone."
_LAST = "Nothing was changed. See first that somebody else holds it, and then plan the removal."


def problems_of(code: SourceCode) -> Iterator[dict[str, str]]:
    """Yield the contradictions within the section; they do not depend on the tenant."""
    for at, message in problems_of_rules(code.entries(SECTION)):
        yield problem(at, message)


def rules_of(code: SourceCode, tenant: Tenant, roster: Roster | None) -> list[AccessRule]:
    """Return the rules of the code, see C(read_rules); errors have the file and line."""
    try:
        return read_rules(code.entries(SECTION), tenant, roster.fields_by_email if roster else None)
    except CakewalkError as error:
        raise code.with_positions(error) from None


def time_of(rules: Iterable[AccessRule], tenant: Tenant) -> datetime:
    """Return the time at which rules are evaluated, by the service if an exception ends at a time.

    :raises ClockRefused: the time of the service is not known well enough.
    """
    return tenant.time() if any(rule.exceptions for rule in rules) else local_time()


@dataclass(frozen=True)
class RulesPlan:
    """The effect of a plan on access rules.

    :param listed: the rules before the plan, where open requests do not count.
    :param before: the same, where they do, as in C(after).
    :param certain: the rules with C(at_least) before and after the plan, by the access that is certainly there.
    :param changes: what people get and lose by the plan.
    """

    listed: Evaluation
    before: Evaluation
    after: Evaluation
    certain: tuple[Evaluation, Evaluation]
    changes: Sequence[AccessChange]

    @cached_property
    def new(self) -> list[Finding]:
        """The findings that the plan causes, makes worse, or adds to.

        An open request excuses nothing. If somebody asked for access, what conflicts with it is not given to them. Nor
        do they count among the people who must hold something.
        """
        new = new_findings(self.before.results, self.after.results)
        limited = {finding.rule.name for finding in new if finding.missing}
        fewer = new_findings(*(one.results for one in self.certain))
        new += [finding for finding in fewer if finding.missing and finding.rule.name not in limited]
        known = {id(finding) for finding in new}
        asked_for = {id(finding) for finding in new_findings(self.listed.results, self.after.results)}
        return new + [
            one
            for one in self._open
            if id(one) not in known and (self._is_added_to(one) or (id(one) in asked_for and self._gains(one)))
        ]

    @cached_property
    def old(self) -> list[Finding]:
        """The findings that the plan leaves."""
        new = {id(finding) for finding in self.new}
        return [finding for finding in self._open if id(finding) not in new]

    @cached_property
    def _open(self) -> list[Finding]:
        """The findings after the plan that have no exception."""
        findings = [finding for result in self.after.results for finding in result.findings]
        return [finding for finding in findings if finding.state != EXCEPTED]

    def _is_added_to(self, finding: Finding) -> bool:
        """Return whether the plan takes a person further from keeping a rule that they violate already.

        Conflicts are about having everything, and limits are about numbers of people. More adds nothing to those.
        """
        someone, before, after = finding.person, self.before.held, self.after.held
        if finding.rule.kind not in (FORBIDS, REQUIRES) or someone == NOBODY:
            return False
        if any(before.is_certain(one, someone) and not after.is_certain(one, someone) for one in finding.rule.required):
            return True
        gains = self._gains(finding)
        return bool(gains) and (
            any(self._is_another_level(change, finding.rule) for change in gains)
            or any(
                where not in held or (value and not held[where])
                for one in finding.rule.entitlements
                for held in [before.value_by_app(one, someone)]
                for where, value in after.value_by_app(one, someone).items()
            )
        )

    def _is_another_level(self, change: AccessChange, rule: AccessRule) -> bool:
        """Return whether a change gives somebody a level that a rule is about, and that they did not have.

        A level without privileges in place of a privileged one is less, not more.
        """
        held, app = self.before.held, change.app
        had = held.levels_held.get(app, {}).get(change.person["id"].lower(), set())
        is_less = held.privileged.get(change.level) is False and any(held.privileged.get(level) for level in had)
        return change.level not in had and any(
            self.after.held.means(one, app, change.level) is not False and not (is_less and not one.level)
            for one in rule.entitlements
            if app and not one.group and not one.is_owner
        )

    def _gains(self, finding: Finding) -> list[AccessChange]:
        """Return the changes that give somebody what the rule of a finding is about."""
        rule = finding.rule
        return [
            change
            for change in self._causes(finding)
            if change.is_gain and (rule.kind != REQUIRES or self._touches(change, rule.entitlements))
        ]

    def _is_repaired(self, finding: Finding) -> bool:
        return (finding.rule.name, finding.person) in self._repaired and not self._gains(finding)

    @cached_property
    def _repaired(self) -> set[tuple[str, str]]:
        """The rules and people of violations that may end once the removals that the plan requests are done."""
        found = [one for result in self.before.results for one in result.findings if one.state == VIOLATED]
        violated = {(one.rule.name, one.person) for one in found}
        return violated & {(one.rule.name, one.person) for one in self.old if one.state == NOT_SEEN}

    @property
    def lines(self) -> list[str]:
        """Lines about the findings that the plan leaves."""
        writer = FindingWriter(self.after)
        lines = []
        for finding in self.old:
            since = "already" if not self._is_repaired(finding) else "until access is removed"
            lines.append(f"{finding.state} {since}: {_named(finding.rule)}: {writer.sentence(finding)}")
        return lines

    def as_result(self) -> dict[str, Any]:
        """Return the results of the rules once the plan is applied, as data."""
        return {"rules": list(map(FindingWriter(self.after).data, self.after.results))}

    def check(self, is_strict: bool) -> None:
        """Check that no rule stands against the plan.

        :param is_strict: whether findings that the plan leaves as they are stand against it, too.
        :raises RulesViolated: a rule does.
        """
        refused = [(finding.rule, finding, "would be") for finding in self.new]
        refused += [(one.rule, one, "is") for one in self.old if is_strict and not self._is_repaired(one)]
        if not refused:
            return
        by_rule = _by_rule(refused)
        raise RulesViolated(
            "accept the plan",
            summarize(map(self._clause, by_rule), separator="; "),
            self._hint([finding for _rule, finding, _verb in refused]),
            rules=list(map(self._facts, by_rule)),
        )

    def _hint(self, refused: Sequence[Finding]) -> str:
        if all(finding.missing for finding in refused):
            return _LAST
        return _FIRST if any(map(self._rests_on_removal, refused)) else _HINT

    @property
    def warnings(self) -> list[str]:
        """Warnings about the findings that the plan causes, for a plan that time demands and no rule stops."""
        clauses = map(self._clause, _by_rule((finding.rule, finding, "will be") for finding in self.new))
        return [f"Once what expired is removed, the rule {clause}. Change the code, and plan." for clause in clauses]

    def _clause(self, findings: Sequence[tuple[Finding, str]]) -> str:
        """Return what the findings of a rule are, with the entries that cause them."""
        (first, verb), writer = findings[0], FindingWriter(self.after)
        # Of everybody who is one too many, only those who join matter.
        told = [finding for finding, _verb in findings if self._entries(finding)] or [one for one, _verb in findings]
        sentences = summarize(map(writer.sentence, told), limit=3, separator=", ")
        entries = list(dict.fromkeys(at for finding, _verb in findings for at in self._entries(finding)))
        because = f", because of {summarize(entries)}" if entries else ""
        return f"{_named(first.rule)} {verb} {first.state}{because}: {sentences}"

    def _facts(self, findings: Sequence[tuple[Finding, str]]) -> dict[str, Any]:
        rule, writer = findings[0][0].rule, FindingWriter(self.after)
        return {
            "name": rule.name,
            "at": rule.at,
            "people": [writer.name(finding) for finding, _verb in findings if finding.person],
            "entries": sorted({at for finding, _verb in findings for at in self._entries(finding)}),
        }

    def _entries(self, finding: Finding) -> list[str]:
        """Return the entries by which something changes that a finding is about."""
        return [change.at for change in self._causes(finding)]

    def _rests_on_removal(self, finding: Finding) -> bool:
        """Return whether a finding is unknown because something else changes before access to an app is gone."""
        leaving = [bool(change.app) and not change.is_gain for change in self._causes(finding)]
        return finding.state == NOT_SEEN and any(leaving) and not all(leaving)

    def _causes(self, finding: Finding) -> list[AccessChange]:
        """Return the changes of something that a finding is about."""
        return [
            change
            for change in self.changes
            if finding.person in (NOBODY, change.person["id"].lower()) and self._touches(change, finding.rule.involved)
        ]

    def _touches(self, change: AccessChange, entitlements: Iterable[Entitlement]) -> bool:
        given = {app for app, groups in self.after.held.given_by.items() if change.group in groups}
        return any(
            change.group == entitlement.group
            if entitlement.group
            else bool({change.app, *given} & {entitlement.app} if entitlement.app else change.app or given)
            for entitlement in entitlements
        )


def plan_rules(
    code: SourceCode, tenant: Tenant, changes: Sequence[AccessChange], roster: Roster | None
) -> RulesPlan | None:
    """Return what a plan makes of the rules of the code, C(None) without rules.

    What open requests ask for counts as held, before and after. Otherwise a plan could pass whose access makes a
    violation with access that is approved a day later.

    :raises CakewalkError: names of rules mean nothing, or something cannot be read.
    """
    if not code.entries(SECTION):
        return None
    rules = rules_of(code, tenant, roster)
    held = read_held(rules, tenant, counts_requests=True, changing={change.app for change in changes if change.app})
    time = time_of(rules, tenant)
    states = (held.without_requests(), held, held.after(changes))
    listed, before, after = (evaluate(rules, one, tenant.user_statuses, time) for one in states)
    there, demanding = held.certain(), [rule for rule in rules if rule.at_least is not None]
    certain = (
        evaluate(demanding, there, tenant.user_statuses, time),
        evaluate(demanding, there.after(changes, is_granted=False), tenant.user_statuses, time),
    )
    tenant.warnings += ended_warnings(after.results)
    return RulesPlan(listed, before, after, certain, changes)


def _by_rule(findings: Iterable[tuple[AccessRule, Finding, str]]) -> list[list[tuple[Finding, str]]]:
    by_rule: dict[str, list[tuple[Finding, str]]] = {}
    for rule, finding, verb in findings:
        by_rule.setdefault(rule.name, []).append((finding, verb))
    return list(by_rule.values())


def _named(rule: AccessRule) -> str:
    return f"{printable(rule.name, UNCUT)!r} ({rule.severity}, {rule.at})"
