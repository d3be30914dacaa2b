# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access rules: what an entry of the code says, with every name resolved to an id."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..._api.catalog import UserStatuses, folded, person
from ..._api.text import printable, summarize
from ..core.conditions import ColumnCondition
from ..core.lookup import Index, Resolver, Row, folded_email, folded_reference, label
from ..core.people import status_of
from ..core.terms import Term, TermRefused, term_of
from .form import CONFLICTS, FORBIDS, KINDS, LIMITS, REQUIRES

#: The domain of an e-mail address: parts without the characters that nobody has there, with dots between them.
_DOMAIN = re.compile(r"[^\s@*?,;<>()\[\]{}\".]+(\.[^\s@*?,;<>()\[\]{}\".]+)+")
#: A value that is not known, in the logic of three values.
UNKNOWN = None


class RuleEntry(Protocol):
    """An entry of the section C(rules), see C(SourceEntry)."""

    @property
    def data(self) -> Mapping[str, Any]:
        """The data."""

    def at(self, *inside: str | int) -> str:
        """Return the file and line of the entry or of a part of it."""


@dataclass(frozen=True)
class Entitlement:
    """Something that a person can hold: access to an app or a level of it, the ownership of an app, or a membership.

    All ids are in lower case.

    :param app: the id of the app; without it and with C(is_privileged), all apps.
    :param level: the id of the permission level.
    :param group: the id of the group.
    :param is_privileged: whether it means the levels that Cakewalk marks as privileged.
    :param is_owner: whether it means the owners of the app.
    :param name: how messages call it.
    """

    app: str = ""
    level: str = ""
    group: str = ""
    is_privileged: bool = False
    is_owner: bool = False
    name: str = field(default="", compare=False)

    def implies(self, other: Entitlement) -> bool:
        """Return whether everybody who holds this holds the other, too."""
        if self == other:
            return True
        if self.is_owner or other.is_owner or not self.app or other.group:
            return False
        # A level is access to its app, and a privileged level of an app is one of any app.
        return other in (Entitlement(self.app), Entitlement(is_privileged=self.is_privileged))


@dataclass(frozen=True)
class RuleException:
    """A person who is exempt from a rule until a time.

    :param person: the id, in lower case.
    """

    person: str
    name: str
    reason: str
    term: Term
    at: str


@dataclass(frozen=True)
class Criteria:
    """Criteria for people: the accepted values of each attribute, folded, and conditions on the roster.

    A status in none of the C(known_statuses) may mean any other.

    :param roster: the values of each person in the roster, by folded address.
    """

    values: Mapping[str, frozenset[str]]
    known_statuses: frozenset[str] = frozenset()
    conditions: tuple[ColumnCondition, ...] = ()
    roster: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False, compare=False)

    def match(self, row: Row) -> bool | None:
        """Return whether a person fits all criteria; C(UNKNOWN) if that cannot be seen."""
        attributes = attributes_of(row)
        values = [self._matches(name, attributes.get(name)) for name in self.values]
        if self.conditions:
            fields = self._fields(row)
            values.append(UNKNOWN if fields is None else all(one.fits(fields) for one in self.conditions))
        return all_of(values)

    def implies(self, other: Criteria) -> bool:
        """Return whether everybody who fits these criteria fits the others, as far as their words show it."""
        values = all(name in self.values and self.values[name] <= listed for name, listed in other.values.items())
        return values and set(other.conditions) <= set(self.conditions)

    def details(self, row: Row) -> list[str]:
        """Return what the roster says about a person, in words, as far as the conditions are about it."""
        if not self.conditions:
            return []
        fields = self._fields(row)
        if fields is None:
            return ["not in the roster"]
        given = ((one.column, fields.get(one.column)) for one in self.conditions)
        return [
            f"{printable(column)} {printable(value)}" if value else f"no {printable(column)}" for column, value in given
        ]

    def _fields(self, row: Row) -> Mapping[str, str] | None:
        email = row.get("email")
        return self.roster.get(folded_email(email)) if isinstance(email, str) else None

    def _matches(self, name: str, value: str | None) -> bool | None:
        if value is None:
            return UNKNOWN
        fold = folded_email if name == "email_domain" else folded
        if fold(value) in self.values[name]:
            return True
        return UNKNOWN if name == "status" and folded(value) not in self.known_statuses else False


@dataclass(frozen=True)
class AccessRule:
    """A rule.

    :param kind: conflicts, requires, limits or forbids.
    :param entitlements: conflicts: nobody holds all of these. Otherwise the rule is about who holds any of these.
    :param required: requires: what the holders must hold as well, all of it.
    :param people: forbids: the people that the rule is about; C(None) for everybody.
    :param excluded: forbids: the people that it is not about; C(None) for nobody.
    :param at: the file and line.
    """

    name: str
    severity: str
    reason: str
    kind: str
    entitlements: tuple[Entitlement, ...]
    at: str
    required: tuple[Entitlement, ...] = ()
    at_most: int | None = None
    at_least: int | None = None
    people: Criteria | None = None
    excluded: Criteria | None = None
    exceptions: tuple[RuleException, ...] = ()

    @property
    def is_never_violated(self) -> bool:
        """Whether nobody can violate the rule, whatever people hold."""
        if self.kind == REQUIRES:
            return all(has.implies(needs) for has in self.entitlements for needs in self.required)
        return self.people is not None and self.excluded is not None and self.people.implies(self.excluded)

    @property
    def involved(self) -> tuple[Entitlement, ...]:
        """Everything that the rule names."""
        return self.entitlements + self.required

    def is_about(self, row: Row) -> bool | None:
        """Return whether the rule is about a person, C(UNKNOWN) if that cannot be seen."""
        return all_of(
            [
                self.people.match(row) if self.people else True,
                negation(self.excluded.match(row)) if self.excluded else True,
            ]
        )

    def details(self, row: Row) -> list[str]:
        """Return what the rule looks at in a person, in words."""
        status = status_of(row)
        found = [detail for criteria in (self.people, self.excluded) if criteria for detail in criteria.details(row)]
        return [*([printable(status)] if status else []), *dict.fromkeys(found)]


def all_of(values: Collection[bool | None]) -> bool | None:
    """Return whether all values are true, in Kleene's logic: false if one is, otherwise unknown if one is."""
    return False if False in values else UNKNOWN if UNKNOWN in values else True


def any_of(values: Collection[bool | None]) -> bool | None:
    """Return whether a value is true, in Kleene's logic: true if one is, otherwise unknown if one is."""
    return True if True in values else UNKNOWN if UNKNOWN in values else False


def negation(value: bool | None) -> bool | None:
    """Return the opposite of a value, in Kleene's logic."""
    return UNKNOWN if value is UNKNOWN else not value


def attributes_of(row: Row) -> dict[str, str | None]:
    """Return what the criteria of a rule can ask about a person; C(None) for what cannot be seen."""
    email = row.get("email")
    return {
        "status": status_of(row),
        "email_domain": email.rpartition("@")[2] if isinstance(email, str) and "@" in email else None,
    }


def roster_conditions(data: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Yield the conditions on the roster in the data of a rule, each with its place."""
    for name in ("people", "except_people"):
        conditions = ((data.get(FORBIDS) or {}).get(name) or {}).get("roster")
        if conditions:
            yield (FORBIDS, name, "roster"), conditions


def asks_for_roster(code: Mapping[str, Any]) -> bool:
    """Return whether a rule about access in the sections of the code has a condition on the roster."""
    return any(True for data in code.get("rules", ()) for _conditions in roster_conditions(data))


def parts_of(entry: RuleEntry) -> tuple[str, dict[str, Sequence[Mapping[str, Any]]]]:
    """Return the kind of a rule, and its lists of entitlements by the option that holds them."""
    kind = next(kind for kind in KINDS if entry.data[kind] is not None)
    value = entry.data[kind]
    if kind == CONFLICTS:
        return kind, {"": value}
    return kind, {name: value[name] for name in ("holders_of", "to_hold") if value.get(name) is not None}


def entitlements_of(entry: RuleEntry) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the entitlements of a rule, each with its file and line."""
    kind, parts = parts_of(entry)
    for part, listed in parts.items():
        for number, data in enumerate(listed):
            yield entry.at(kind, *filter(None, [part]), number), data


def problems_of_rules(entries: Sequence[RuleEntry]) -> Iterator[tuple[str, str]]:
    """Yield the contradictions within rules, as pairs of file and line, and a clause; no tenant is needed."""
    first: dict[str, RuleEntry] = {}
    for entry in entries:
        name = entry.data["name"]
        if first.setdefault(folded(name.strip()), entry) is not entry:
            yield entry.at("name"), f"there is a rule {printable(name)!r} already, {first[folded(name.strip())].at()}"
        for text in ("name", "reason"):
            if not entry.data[text].strip():
                yield entry.at(text), f"the {text} of the rule is blank"
        for at, data in entitlements_of(entry):
            cause = _flaw_of(data)
            if cause:
                yield at, cause
        yield from _problems_of_kind(entry)
        yield from _problems_of_exceptions(entry)


def _flaw_of(data: Mapping[str, Any]) -> str:
    """Return why an entitlement means nothing, empty if it means something."""
    texts = [data[name] for name in ("app", "permission_level", "group") if data[name] is not None]
    details = [name for name in ("permission_level", "privileged", "owner") if data[name]]
    if not all(text.strip() for text in texts):
        return "a name is blank"
    if data["group"] is not None:
        return "a group goes with nothing else; make two entries" if len(texts) > 1 or details else ""
    if len(details) > 1:
        return f"{details[0]} and {details[1]} go into two entries"
    if data["app"] is None and details != ["privileged"]:
        return "name an app or a group" if not details else f"`{details[0]}` needs an app"
    return ""


def _problems_of_kind(entry: RuleEntry) -> Iterator[tuple[str, str]]:
    kind, parts = parts_of(entry)
    value = entry.data[kind]
    for part, listed in parts.items():
        if not listed:
            yield entry.at(kind), f"{part or kind} is empty, so the rule would never be violated"
    if kind == CONFLICTS and len(value) == 1:
        yield entry.at(kind), "conflicts names one thing; a conflict takes two"
    if kind == LIMITS:
        numbers = [value[name] for name in ("at_least", "at_most") if value[name] is not None]
        if not numbers:
            yield entry.at(kind), "limits needs `at_most`, `at_least` or both"
        elif min(numbers) < 0 or numbers != sorted(numbers):
            yield entry.at(kind), "`at_least` and `at_most` are not negative, and `at_least` is not above `at_most`"
        elif numbers == [0] and value["at_most"] is None:
            yield entry.at(kind), "there are always at least 0 people, so the rule would never be violated"
    if kind == FORBIDS:
        for name in ("people", "except_people"):
            given = {one: values for one, values in (value[name] or {}).items() if values is not None}
            wrong = [one for one, values in given.items() if not values or not all(text.strip() for text in values)]
            if wrong or (value[name] is not None and not given):
                yield entry.at(kind, name), f"{' and '.join(wrong) or name} is empty or holds a blank"
            for domain in given.get("email_domain", ()) if not wrong else ():
                if not _DOMAIN.fullmatch(domain):
                    cause = f"{printable(domain)!r} is no domain, such as example.com, so it would fit nobody"
                    yield entry.at(kind, name, "email_domain"), cause
        if value["people"] is None and value["except_people"] is None:
            yield entry.at(kind), "forbids needs people, `except_people` or both"


def _problems_of_exceptions(entry: RuleEntry) -> Iterator[tuple[str, str]]:
    first: dict[str, int] = {}
    kind, _parts = parts_of(entry)
    if entry.data["exceptions"] and kind == LIMITS and entry.data[kind]["at_most"] is None:
        yield entry.at("exceptions"), "exceptions have no effect on `at_least`"
    for number, data in enumerate(entry.data["exceptions"]):
        for name in ("person", "reason"):
            if not data[name].strip():
                yield entry.at("exceptions", number), f"the {name} of the exception is blank"
        try:
            term_of(None, data["until"])
        except TermRefused as error:
            yield entry.at("exceptions", number, "until"), str(error)
        key = folded_reference(data["person"])
        if first.setdefault(key, number) != number:
            cause = f"{printable(data['person'])!r} has an exception already, {entry.at('exceptions', first[key])}"
            yield entry.at("exceptions", number), cause


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
