# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The code with the people of a roster who fit its rules.

A rule adds people to the list of its entry. They are planned like people who are listed, except that people who are not
in the directory yet only wait.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from ..._api.text import pluralize, printable, summarize
from ..core.lookup import Index, Row, folded_email, folded_reference, ids_of
from .named_people import LISTS, NamedPerson, references_of
from .roster import Roster, RosterRow, RosterRule, rules_of, unknown_values
from .roster_changes import RosterChanges, RosterCopy
from .source import CodeRefused, SourceCode, problem


@dataclass(frozen=True)
class RosterPlan:
    """The code with the people who fit its rules, and the rest of what a roster and a directory show.

    :param code: the code, where the lists of entries hold the people who fit their rules.
    :param people: the number of people in the roster.
    :param waiting: the people who fit a rule, and are not in the directory.
    :param unlisted: the people in the directory who are not in the roster, by address.
    :param lines: lines about the rules, and about the people who are in no row.
    :param unknown_values: lines about values of conditions that no row has.
    :param changes: what changed since the roster that was last applied; C(None) where that roster is not known.
    :param copy: what a run that applies the roster keeps of it.
    """

    code: SourceCode
    people: int
    waiting: tuple[RosterRow, ...]
    unlisted: tuple[str, ...]
    lines: tuple[str, ...]
    unknown_values: tuple[str, ...] = ()
    changes: RosterChanges | None = None
    copy: RosterCopy | None = None

    @property
    def notes(self) -> list[str]:
        """All lines about the roster but those about people who wait."""
        lines = [*self.lines, *self.unknown_values]
        if self.changes is None:
            never = "No earlier roster was given, so it is not known whether people are missing from this one."
            return [*lines, never]
        gone = summarize(map(printable, self.changes.without_row))
        left = (
            f"No longer in the roster: {gone}. They keep what no `exact` group takes; the role leaver takes the rest."
        )
        return [*lines, *([left] if gone else [])]

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
            **(self.changes.as_result() if self.changes else {}),
        }


def with_roster(
    code: SourceCode, roster: Roster, directory: Index, inactive: Iterable[str], is_strict: bool = True
) -> RosterPlan:
    """Add the people who fit the rules of entries to their lists.

    Listed and absent people of an entry stay as the entry says.

    :param directory: all people of the tenant.
    :param inactive: statuses of people who need no row in the roster.
    :param is_strict: whether an exact entry must list somebody, and addresses must be written as in the directory.
    :raises CodeRefused: an exact entry would list nobody by its rule, or see C(Roster.check_spelling).
    """
    if is_strict:
        roster.check_spelling(directory)
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
        if not items and is_exact and is_strict and not entry.data["allow_empty"]:
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
    unknown = tuple(unknown_values(code, roster))
    return RosterPlan(expanded, len(roster.rows), tuple(waiting.values()), unlisted, tuple(lines), unknown)


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
