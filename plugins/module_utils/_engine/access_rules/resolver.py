# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes access rules of the entries of the code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..._api.catalog import UserStatuses, folded, person
from ..._api.text import printable, summarize
from ..core.conditions import ColumnCondition
from ..core.lookup import Index, Resolver, Row, folded_email, label
from ..core.people import status_of
from ..core.terms import term_of
from .entries import RuleEntry, parts_of
from .form import FORBIDS, LIMITS, REQUIRES
from .rule import AccessRule, Criteria, Entitlement, RuleException


@dataclass
class RuleResolver:
    """Makes rules of entries, and collects the names that mean nothing, or several things, in C(resolver).

    :param levels: the permission levels of the apps that are named with a level, by the id of the app in lower case.
    :param statuses: the user statuses that are known.
    :param roster: the values of each person in the roster, by folded address.
    """

    people: Index
    groups: Index
    apps: Index
    levels: Mapping[str, Index]
    statuses: UserStatuses
    roster: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    resolver: Resolver = field(default_factory=Resolver)

    def __post_init__(self) -> None:
        known = self.statuses.may_act | self.statuses.may_receive_access | self.statuses.inactive
        self._known = frozenset(map(folded, known))
        self._seen = self._known | {folded(status) for row in self.people.by_id.values() if (status := status_of(row))}

    def rule(self, entry: RuleEntry) -> AccessRule:
        """Return the rule of an entry; where a name is a problem, the rule is of no use."""
        kind, parts = parts_of(entry)
        value = entry.data[kind]
        listed = [tuple(filter(None, map(self._entitlement, data))) for data in parts.values()]
        details: dict[str, Any] = {}
        if kind == REQUIRES:
            details = {"required": listed[1]}
        elif kind == LIMITS:
            details = {name: value[name] for name in ("at_most", "at_least")}
        elif kind == FORBIDS:
            details = {
                "people": self._criteria(value["people"]),
                "excluded": self._criteria(value["except_people"]),
            }
        rule = AccessRule(
            entry.data["name"],
            entry.data["severity"],
            entry.data["reason"],
            kind,
            listed[0],
            entry.at(),
            exceptions=tuple(self._exceptions(entry)),
            **details,
        )
        if len(rule.involved) == sum(map(len, parts.values())) and rule.is_never_violated:
            message = f"the rule {printable(rule.name)!r} would never be violated, whatever people hold"
            self.resolver.report(rule.name, "invalid", message)
        return rule

    def _entitlement(self, data: Mapping[str, Any]) -> Entitlement | None:
        if data["group"] is not None:
            group = self.resolver.find(data["group"], self.groups)
            return Entitlement(group=_id(group), name=f"the group {_named(group)}") if group else None
        if data["app"] is None:
            return Entitlement(is_privileged=True, name="a privileged level of any app")
        app = self.resolver.find(data["app"], self.apps)
        if app is None:
            return None
        name = _named(app)
        if data["permission_level"] is not None:
            level = self.resolver.find(data["permission_level"], self.levels[_id(app)])
            return Entitlement(_id(app), _id(level), name=f"the level {_named(level)} of {name}") if level else None
        if data["privileged"]:
            return Entitlement(_id(app), is_privileged=True, name=f"a privileged level of {name}")
        if data["owner"]:
            return Entitlement(_id(app), is_owner=True, name=f"the ownership of {name}")
        return Entitlement(_id(app), name=f"the app {name}")

    def _criteria(self, people: Mapping[str, Any] | None) -> Criteria | None:
        if people is None:
            return None
        for status in people["status"] or ():
            if folded(status) not in self._seen:
                known = summarize(sorted(self.statuses.may_receive_access | self.statuses.inactive))
                message = f"nobody has the status {printable(status)!r}, and it is not known; known are {known}"
                self.resolver.report(status, "not_found", message)
        folds = {"status": folded, "email_domain": folded_email}
        return Criteria(
            {name: frozenset(map(fold, people[name])) for name, fold in folds.items() if people[name] is not None},
            self._known,
            tuple(ColumnCondition.of(*item) for item in (people["roster"] or {}).items()),
            self.roster,
        )

    def _exceptions(self, entry: RuleEntry) -> Iterator[RuleException]:
        """Yield the exceptions of a rule. A person who has two, by address and by id, is a problem."""
        first: dict[str, str] = {}
        for number, data in enumerate(entry.data["exceptions"]):
            row, at = self.resolver.find(data["person"], self.people), entry.at("exceptions", number)
            if row is None:
                continue
            if first.setdefault(_id(row), at) != at:
                message = f"{printable(person(row))!r} has two exceptions, {first[_id(row)]} and {at}"
                self.resolver.report(data["person"], "repeated", message)
            yield RuleException(_id(row), person(row), data["reason"], term_of(None, data["until"]), at)


def _id(row: Row) -> str:
    return str(row["id"]).lower()


def _named(row: Row) -> str:
    return repr(printable(label(row), 80))
