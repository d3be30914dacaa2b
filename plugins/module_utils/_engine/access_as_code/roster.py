# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roster: a table of people that a personnel system keeps, and the rules of entries about its columns.

A rule adds people to the list of its entry. They are planned like people who are listed, except that people who are not
in the directory yet only wait.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from ..._api.errors import CakewalkError
from ..._api.text import pluralize, printable, summarize
from ..access_rules.rule import roster_conditions
from ..core.conditions import ColumnCondition, is_condition
from ..core.lookup import Index, Row, folded_email, folded_reference, ids_of
from ..core.terms import Term, TermState, term_of
from .named_people import LISTS, NamedPerson, references_of
from .source import CodeRefused, SourceCode, SourceEntry, problem

#: The section of access rules, see C(rules.py).
ACCESS_RULES = "rules"
#: The member of an entry with conditions on columns.
RULE = "members_where"
_SECTION = "roster"

_SHRANK = "Nothing was changed. Check that the file is complete. If it is, raise `max_roster_shrink`."


class RosterShrank(CakewalkError):
    """The roster lacks more people than a run may lose."""

    kind = "roster_shrank"


@dataclass(frozen=True)
class RosterRow:
    """A person in the roster.

    :param email: the address, as written.
    :param fields: the values by column, without blanks around them.
    :param at: the file and line.
    :param since: the start, see C(term_of); C(None) without one.
    :param until: the end, likewise.
    """

    email: str
    fields: Mapping[str, str]
    at: str
    since: str | None = None
    until: str | None = None

    @property
    def term(self) -> Term:
        """From when until when the person is with the company."""
        return term_of(self.since, self.until)


@dataclass(frozen=True)
class Roster:
    """All people of a roster.

    :param columns: the names of all columns.
    """

    columns: tuple[str, ...]
    rows: tuple[RosterRow, ...]

    @classmethod
    def of(cls, data: Mapping[str, Any] | None) -> Roster | None:
        """Return the roster as the reader of files returns it, or C(None) without one."""
        if not data:
            return None
        return cls(tuple(data["columns"]), tuple(RosterRow(**row) for row in data["rows"]))

    @cached_property
    def by_email(self) -> dict[str, RosterRow]:
        """The rows by folded address."""
        return {folded_email(row.email): row for row in self.rows}

    @property
    def fields_by_email(self) -> dict[str, Mapping[str, str]]:
        """The values of each person by column, by folded address."""
        return {email: row.fields for email, row in self.by_email.items()}

    @property
    def content(self) -> list[Any]:
        """Everything that a digest of the code covers."""
        return [[row.email, dict(row.fields), row.since, row.until] for row in self.rows]

    def check_shrink(self, before: Roster | None, limit: int) -> None:
        """Compare the number of people with an earlier roster.

        :param limit: how many percent may be missing.
        :raises RosterShrank: more are missing.
        """
        rows = before.rows if before else ()
        missing = [row.email for row in rows if folded_email(row.email) not in self.by_email]
        if len(missing) * 100 > limit * len(rows):
            raise RosterShrank(
                "use the roster",
                f"it lacks {len(missing)} of the {len(rows)} people that it had when it was last applied, more than "
                f"{limit} %",
                _SHRANK,
                missing=sorted(missing),
            )


@dataclass(frozen=True)
class RosterRule:
    """The rule of an entry: people fit if all conditions do."""

    entry: SourceEntry
    conditions: tuple[ColumnCondition, ...]

    @classmethod
    def of(cls, entry: SourceEntry) -> RosterRule | None:
        """Return the rule of an entry, or C(None) without one."""
        data = entry.data.get(RULE)
        return cls(entry, tuple(ColumnCondition.of(*item) for item in data.items())) if data else None

    def __str__(self) -> str:
        """Return the rule for people."""
        return ", ".join(map(str, self.conditions))

    @property
    def at(self) -> str:
        """The file and line."""
        return self.entry.at(RULE)

    def people(self, roster: Roster) -> list[RosterRow]:
        """Return the people who fit, in the order of the roster."""
        return [row for row in roster.rows if all(condition.fits(row.fields) for condition in self.conditions)]


def rules_of(code: SourceCode) -> list[tuple[str, RosterRule]]:
    """Return the rules of all entries, each with the name of its section."""
    entries = ((section, RosterRule.of(entry)) for section in LISTS for entry in code.entries(section))
    return [(section, rule) for section, rule in entries if rule]


def problems_of_rules(code: SourceCode, roster: Roster | None) -> Iterator[dict[str, str]]:
    """Yield conditions that have another form, ask for a column that does not exist, or have no roster.

    :param roster: the roster; C(None) also if nothing that this run looks at needs it.
    """
    for entry, place, conditions in _all_conditions(code):
        for column, value in conditions.items():
            at = entry.at(*place, column)
            if not is_condition(value):
                yield problem(at, f"{printable(column)}: give a text, a list of texts, or not with one of these")
            elif not code.sections.get(_SECTION):
                yield problem(at, f"`{place[-1]}` needs a roster, and no file has the section `roster`")
            elif roster and column not in roster.columns:
                columns = ", ".join(map(printable, roster.columns))
                yield problem(at, f"the roster has no column {printable(column)!r}, it has {columns}")


def _all_conditions(code: SourceCode) -> Iterator[tuple[SourceEntry, tuple[str, ...], Mapping[str, Any]]]:
    """Yield all conditions on columns, each with its entry and its place in the entry."""
    for section in LISTS:
        for entry in code.entries(section):
            yield entry, (RULE,), entry.data.get(RULE) or {}
    for entry in code.entries(ACCESS_RULES):
        for place, conditions in roster_conditions(entry.data):
            yield entry, place, conditions


@dataclass(frozen=True)
class RosterChanges:
    """The people who joined, moved and left between two rosters, as the modules of these names take them."""

    joiners: Sequence[Mapping[str, Any]]
    movers: Sequence[Mapping[str, Any]]
    leavers: Sequence[Mapping[str, Any]]

    def check_losses(self, before: Roster, limit: int) -> None:
        """Refuse a roster by which many people lose a group, since a column may have been lost.

        :raises RosterShrank: more than C(limit) percent of the people in the earlier roster lose one.
        """
        losing = [mover["user"] for mover in self.movers if mover["leaves"]]
        if len(losing) * 100 > limit * len(before.rows):
            raise RosterShrank(
                "use the roster",
                f"by it, {len(losing)} of {len(before.rows)} people lose a group, more than {limit} %",
                _SHRANK,
                missing=sorted(losing),
            )


@dataclass(frozen=True)
class RosterPlan:
    """The code with the people who fit its rules, and the rest of what a roster and a directory show.

    :param code: the code, where the lists of entries hold the people who fit their rules.
    :param people: the number of people in the roster.
    :param waiting: the people who fit a rule, and are not in the directory.
    :param unlisted: the people in the directory who are not in the roster, by address.
    :param lines: lines about the rules, and about the people who are in no row.
    :param is_compared: whether an earlier roster was there to compare with.
    :param changes: what changed since the roster that was last applied, if there is one.
    """

    code: SourceCode
    people: int
    waiting: tuple[RosterRow, ...]
    unlisted: tuple[str, ...]
    lines: tuple[str, ...]
    changes: RosterChanges | None = None
    is_compared: bool = False

    @property
    def notes(self) -> list[str]:
        """All lines about the roster but those about people who wait."""
        never = "No earlier roster was given, so it is not known whether people are missing from this one."
        return [*self.lines, *([] if self.is_compared else [never])]

    @property
    def waiting_lines(self) -> list[str]:
        """Lines about the people who wait."""
        return [f"{printable(row.email)}: waits, not in the directory yet ({row.at})" for row in self.waiting]

    def as_result(self) -> dict[str, Any]:
        """Return everything as data."""
        return {
            "people": self.people,
            "waiting": [row.email for row in self.waiting],
            "not_in_roster": list(self.unlisted),
            **(vars(self.changes) if self.changes else {}),
        }


def with_roster(
    code: SourceCode, roster: Roster, directory: Index, inactive: Iterable[str], refuses_empty: bool = True
) -> RosterPlan:
    """Add the people who fit the rules of entries to their lists.

    Listed and absent people of an entry stay as the entry says.

    :param directory: all people of the tenant.
    :param inactive: statuses of people who need no row in the roster.
    :param refuses_empty: whether an exact entry must list somebody.
    :raises CodeRefused: an exact entry would list nobody by its rule.
    """
    sections = {name: list(entries) if name in LISTS else entries for name, entries in code.sections.items()}
    positions = dict(code.positions)
    waiting: dict[str, RosterRow] = {}
    problems, lines = [], []
    for section, rule in rules_of(code):
        part, entry = LISTS[section], rule.entry
        fitting = rule.people(roster)
        new = [row for row in fitting if directory.matches(row.email)]
        waiting |= {row.email: row for row in fitting if not directory.matches(row.email)}
        named = [*references_of(entry.data, part), *(entry.data.get("absent") or ())]
        ids = ids_of(row for reference in named for row in directory.matches(reference))
        new = [row for row in new if not ids & ids_of(directory.matches(row.email))]
        listed = list(entry.data[part] or ())
        for number, row in enumerate(new, start=len(listed)):
            place = f"{entry.path}.{part}[{number}]"
            positions |= dict.fromkeys((place, f"{place}.user"), f"{row.at}, by {rule.at}")
        items = [*listed, *(_item(row, rule) for row in new)]
        is_exact = entry.data.get("mode") == "exact"
        if not items and is_exact and refuses_empty and not entry.data["allow_empty"]:
            problems.append(
                problem(rule.at, "nobody in the directory fits this rule, and exact would remove everybody")
            )
        sections[section][int(entry.path[len(section) + 1 : -1])] = {**entry.data, part: items}
        what = printable(entry.data.get("group") or entry.data.get("app"))
        lines.append(f"{what}: {pluralize(len(new), 'person', 'people')} by {rule} ({rule.at})")
    if problems:
        raise CodeRefused(problems)
    unlisted = _unlisted(roster, directory, frozenset(inactive))
    if unlisted:
        lines.append(f"In the directory, not in the roster: {summarize(map(printable, unlisted))}")
    expanded = replace(code, sections=sections, positions=positions, written=code.sections)
    return RosterPlan(expanded, len(roster.rows), tuple(waiting.values()), unlisted, tuple(lines))


def notes_of_rules(people: Iterable[NamedPerson], rows: Iterable[Row]) -> list[str]:
    """Return by which rule each of these people is in, for people; listed people have no rule."""
    by_reference = {folded_reference(person.reference): person for person in people if person.rule}
    found = (by_reference.get(folded_reference(str(row.get("email") or ""))) for row in rows)
    return [f"{printable(person.reference)} by {person.rule} ({person.at})" for person in found if person]


def _item(row: RosterRow, rule: RosterRule) -> dict[str, str]:
    """Return a person as a list of an entry has it."""
    is_absent = rule.entry.data.get("state") == "absent"
    term = {} if is_absent else {"from": row.since, "until": row.until}
    return {"user": row.email, "rule": str(rule), **{name: value for name, value in term.items() if value is not None}}


def _unlisted(roster: Roster, directory: Index, inactive: frozenset[str]) -> tuple[str, ...]:
    emails = (str(row.get("email") or "") for row in directory.by_id.values() if row.get("statusName") not in inactive)
    return tuple(sorted(email for email in emails if email and folded_email(email) not in roster.by_email))


def changes_between(code: SourceCode, before: Roster, now: Roster, time: datetime) -> RosterChanges:
    """Return what changed for people, by the rules of the code as it is now.

    Listed people are no change: their entries did not change with the roster. Who starts later is no joiner yet.

    :param code: the code as written, without the people who fit its rules.
    :param time: the time at which terms are looked at.
    """
    old, new = _by_person(code, before), _by_person(code, now)
    joiners, movers = [], []
    for email, row in now.by_email.items():
        if row.term.state_at(time) is not TermState.ACTIVE:
            continue
        groups, accesses = new[email]
        if email not in before.by_email:
            joiners.append({"user": row.email, "groups": groups, "accesses": accesses})
            continue
        old_groups = old[email][0]
        joins, leaves = _without(groups, old_groups), _without(old_groups, groups)
        if joins or leaves:
            movers.append({"user": row.email, "joins": joins, "leaves": leaves})
    ended = {email for email, row in now.by_email.items() if row.term.state_at(time) is TermState.EXPIRED}
    gone = [row for email, row in before.by_email.items() if email in ended or email not in now.by_email]
    leavers = [{"user": row.email, "confirm": row.email} for row in gone]
    return RosterChanges(joiners, movers, leavers)


def _by_person(code: SourceCode, roster: Roster) -> dict[str, tuple[list[str], list[dict[str, str]]]]:
    """Return the groups and the access that the rules give each person, by folded address."""
    found: dict[str, tuple[list[str], list[dict[str, str]]]] = {email: ([], []) for email in roster.by_email}
    for section, rule in rules_of(code):
        data = rule.entry.data
        absent = set(map(folded_reference, data.get("absent") or ()))
        for row in rule.people(roster) if data.get("state") != "absent" else ():
            if folded_reference(row.email) in absent:
                continue
            groups, accesses = found[folded_email(row.email)]
            if section == "groups":
                groups.append(data["group"])
            else:
                level = data["permission_level"]
                accesses.append({"app": data["app"], **({"permission_level": level} if level else {})})
    return found


def _without(names: Iterable[str], others: Iterable[str]) -> list[str]:
    taken = set(others)
    return [name for name in names if name not in taken]
