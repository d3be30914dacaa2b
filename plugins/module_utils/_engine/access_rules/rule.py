# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access rules, with every name resolved to an id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..._api.catalog import folded
from ..._api.text import printable
from ..core.conditions import ColumnCondition
from ..core.lookup import Row, folded_email
from ..core.people import status_of
from ..core.terms import Term
from .form import REQUIRES
from .logic import UNKNOWN, all_of, negation


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


def attributes_of(row: Row) -> dict[str, str | None]:
    """Return what the criteria of a rule can ask about a person; C(None) for what cannot be seen."""
    email = row.get("email")
    return {
        "status": status_of(row),
        "email_domain": email.rpartition("@")[2] if isinstance(email, str) and "@" in email else None,
    }
