# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roster: a table of people that a personnel system keeps, and the rules of entries about its columns."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import islice
from typing import Any

from ..._api.text import has_invisible, look, printable, spelled
from ..access_rules.entries import roster_conditions
from ..core.conditions import ColumnCondition, is_condition
from ..core.lookup import Index, folded_email
from ..core.terms import Term, TermState, term_of
from .named_people import LISTS
from .source import CodeRefused, SourceCode, SourceEntry, problem

#: The section of access rules, see C(rules.py).
ACCESS_RULES = "rules"
#: The member of an entry with conditions on columns.
RULE = "members_where"
_SECTION = "roster"
#: As many values of a column are compared with a value that no row has.
_COMPARED = 1_000


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

    @cached_property
    def values(self) -> dict[str, dict[str, str]]:
        """The values of each column, each with the file and line of its first row."""
        found: dict[str, dict[str, str]] = {column: {} for column in self.columns}
        for row in self.rows:
            for column, value in row.fields.items():
                found[column].setdefault(value, row.at)
        return found

    @property
    def content(self) -> list[Any]:
        """Everything that a digest of the code covers."""
        return [[row.email, dict(row.fields), row.since, row.until] for row in self.rows]

    def working(self, time: datetime) -> dict[str, RosterRow]:
        """Return the people who are with the company at a time, by address, see C(same_address)."""
        return {same_address(row.email): row for row in self.rows if row.term.state_at(time) is TermState.ACTIVE}

    def check_spelling(self, directory: Index) -> None:
        """Refuse addresses that nobody in the directory has, and that look like the address of a person.

        That person would wait for ever, and lose what an exact group gives.

        :param directory: all people of the tenant.
        :raises CodeRefused: the roster has such an address.
        """
        unknown = [row for row in self.rows if not directory.matches(row.email)]
        problems = [
            problem(
                row.at,
                f"{printable(row.email)!r} is not written as in the directory: here {spelled(row.email)}, there "
                f"{spelled(alike[0])}; write it as there",
            )
            for row in unknown
            if (alike := directory.alike(row.email))
        ]
        if problems:
            raise CodeRefused(problems)


def same_address(email: str) -> str:
    """Return an address in the form in which rows of rosters are compared, since one person may be written in two ways.

    Fewer addresses are equal in this form than look alike: two people may differ in nothing but C(ss) and a sharp s.
    """
    return unicodedata.normalize("NFC", email).lower()


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

    A value that only looks like another one would take people out of a group, so it is a problem, too.

    :param roster: the roster; C(None) also if nothing that this run looks at needs it.
    """
    asked = set()
    for entry, place, conditions in _all_conditions(code):
        if not conditions:
            yield problem(entry.at(*place), f"`{place[-1]}` is empty; name a column, or leave it out")
        for column, value in conditions.items():
            at = entry.at(*place, column)
            asked.add(column)
            if not is_condition(value):
                yield problem(at, f"{printable(column)}: give a text, a list of texts, or not with one of these")
            elif not code.sections.get(_SECTION):
                yield problem(at, f"`{place[-1]}` needs a roster, and no file has the section `roster`")
            elif roster and column not in roster.columns:
                columns = ", ".join(map(printable, roster.columns))
                yield problem(at, f"the roster has no column {printable(column)!r}, it has {columns}")
            else:
                condition = ColumnCondition.of(column, value)
                yield from (
                    problem(at, f"{printable(column)}: {cause}")
                    for cause in _flaws_of(condition, roster.values[column] if roster else {})
                )
    for row in roster.rows if roster else ():
        for column in asked & row.fields.keys():
            if has_invisible(row.fields[column], is_words=True):
                yield problem(row.at, f"the value of {printable(column)} has an invisible character")


def unknown_values(code: SourceCode, roster: Roster) -> list[str]:
    """Return a line for each value of a condition that no row has, since it may be misspelt.

    Nothing else would show that: nobody fits the condition, or everybody.
    """
    return [
        f"Nobody in the roster has the {printable(column)} {printable(text)!r} ({entry.at(*place, column)})."
        f"{_suggestion(text, roster.values[column])}"
        for entry, place, conditions in _all_conditions(code)
        for column, value in conditions.items()
        for text in ColumnCondition.of(column, value).values
        # A blank value is asked for in advance.
        if text and text not in roster.values[column]
    ]


def _suggestion(text: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(text, islice(known, _COMPARED), n=1, cutoff=0.75)
    return f" Did you mean {printable(near[0])!r}?" if near else ""


def _flaws_of(condition: ColumnCondition, known: Mapping[str, str]) -> Iterator[str]:
    """Yield why people would not fit a condition who should, or the reverse, as clauses.

    :param known: the values of the column, each with a file and line.
    """
    if any(has_invisible(text, is_words=True) for text in condition.values):
        yield "a value has an invisible character"
    wanted: dict[str, str] = {}
    for text in condition.values:
        if text == text.strip():
            wanted[look(text)] = text
        else:
            yield f"{printable(text)!r} has blanks around it, and a roster is read without them"
    for value, at in known.items():
        similar = wanted.get(look(value))
        if similar is not None and value not in condition.values:
            yield f"{spelled(similar)} is written {spelled(value)} in {at}; write both alike, or list both values"


def _all_conditions(code: SourceCode) -> Iterator[tuple[SourceEntry, tuple[str, ...], Mapping[str, Any]]]:
    """Yield all conditions on columns, each with its entry and its place in the entry."""
    for section in LISTS:
        for entry in code.entries(section):
            if entry.data.get(RULE) is not None:
                yield entry, (RULE,), entry.data[RULE]
    for entry in code.entries(ACCESS_RULES):
        for place, conditions in roster_conditions(entry.data):
            yield entry, place, conditions
