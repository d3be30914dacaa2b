# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The people that an entry of the code names, each with a term and a line of a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ..._api.catalog import USERS
from ..._api.catalog import person as name_of
from ..._api.text import has_invisible, printable
from ..core.lookup import Index, Resolver, Row, folded_reference, ids_of, is_address, is_several
from ..core.tenant import Tenant
from ..core.terms import ALWAYS, Term, TermRefused, TermState, term_of
from .source import SourceCode, SourceEntry, problem

#: The list of people in the entries of each section that has one.
LISTS = {"groups": "members", "accesses": "users"}


@dataclass(frozen=True)
class NamedPerson:
    """A person that an entry names.

    :param reference: the e-mail address or id, as written.
    :param at: the file and line.
    :param rule: the rule by which the entry has the person, for people; empty for a listed person.
    """

    reference: str
    term: Term
    at: str
    rule: str = ""


def people_of(entry: SourceEntry, part: str) -> list[NamedPerson]:
    """Return the people in a list of an entry, in its order; a missing list names nobody.

    An item is a text, or a mapping with C(user), C(from) and C(until). What an item leaves out, the entry may have.

    :raises TermRefused: a date cannot be used, see C(problems_of_terms).
    """
    return [
        NamedPerson(reference, _term(entry, part, number), entry.at(part, number), _rule(entry.data[part][number]))
        for number, reference in enumerate(references_of(entry.data, part))
    ]


def references_of(data: Mapping[str, Any], part: str) -> list[str]:
    """Return the people in a list of an entry as written, in its order."""
    return [item if isinstance(item, str) else item["user"] for item in data[part] or ()]


def positions_of_people(entry: SourceEntry, *parts: str) -> dict[str, str]:
    """Return the file and line of each person in lists of an entry, by the folded reference."""
    return {folded_reference(one.reference): one.at for part in parts for one in people_of(entry, part)}


def position_of(row: Row, positions: Mapping[str, str], otherwise: str) -> str:
    """Return the file and line that names a person, by id or e-mail address."""
    return positions.get(row["id"].lower()) or positions.get(folded_reference(name_of(row))) or otherwise


def people_by_state(entry: SourceEntry, part: str) -> dict[TermState, list[NamedPerson]]:
    """Return the people in a list of an entry by the state of their terms at the time of the plan."""
    by_state: dict[TermState, list[NamedPerson]] = {state: [] for state in TermState}
    for person in people_of(entry, part):
        state = person.term.state_at(entry.time) if entry.time else TermState.ACTIVE
        by_state[state].append(person)
    return by_state


def without_renewed(
    code: SourceCode, time: datetime, users: Index, groups: Index, apps: Index, levels_of: Callable[[Row], Index]
) -> tuple[SourceCode, list[str]]:
    """Return the code without expired people who get the same by another item, and lines about them.

    What another item still gives must not end: the same group, or the same level of the same app.

    :param users: all people of the tenant.
    :param levels_of: returns the permission levels of an app.
    """
    people = [
        (entry, part, number, person, ids_of(users.matches(person.reference)))
        for section, part in LISTS.items()
        for entry in code.entries(section)
        if entry.data.get("state") != "absent"
        for number, person in enumerate(people_of(entry, part))
    ]

    def about(entry: SourceEntry) -> tuple[str, ...]:
        rows = apps.matches(entry.data["app"]) if "app" in entry.data else groups.matches(entry.data["group"])
        # Without a match it is about itself only.
        return tuple(sorted(ids_of(rows))) or (entry.path,)

    def is_same(one: SourceEntry, other: SourceEntry) -> bool:
        """Return whether two entries about the same app or group give the same level of it."""
        level, its_level = (entry.data.get("permission_level") for entry in (one, other))
        # An entry without a level is about access as a whole.
        if level is None or its_level is None or level == its_level:
            return True
        known = map(levels_of, apps.matches(one.data["app"]))
        return any(ids_of(levels.matches(level)) & ids_of(levels.matches(its_level)) for levels in known)

    active: dict[tuple[tuple[str, ...], str], list[tuple[SourceEntry, NamedPerson]]] = {}
    for entry, _part, _number, person, ids in people:
        for identifier in ids if person.term.state_at(time) is TermState.ACTIVE else ():
            active.setdefault((about(entry), identifier), []).append((entry, person))
    sections, lines = dict(code.sections), []
    for entry, part, number, person, ids in people:
        if person.term.state_at(time) is not TermState.EXPIRED:
            continue
        others = [
            other.at
            for identifier in ids
            for its_entry, other in active.get((about(entry), identifier), ())
            if is_same(entry, its_entry)
        ]
        if others:
            section, _bracket, place = entry.path.partition("[")
            entries = list(sections[section])
            data = entries[int(place[:-1])]
            items = [*data[part][:number], {"user": person.reference, "from": None, "until": None}]
            entries[int(place[:-1])] = {**data, part: [*items, *data[part][number + 1 :]]}
            sections[section] = entries
            who, until = printable(person.reference), person.term.until
            lines.append(f"{who}: expired on {until} ({person.at}), and stays by {others[0]}")
    return replace(code, sections=sections, written=code.written or code.sections), lines


def has_terms(code: SourceCode) -> bool:
    """Return whether anything in the code has a start or an end, so that its plan depends on the time."""
    return any(
        person.term != ALWAYS
        for section, part in LISTS.items()
        for entry in code.entries(section)
        for person in people_of(entry, part)
    )


def has_expired(code: SourceCode, time: datetime) -> bool:
    """Return whether the term of anybody in the code is over at a time."""
    return any(
        person.term.state_at(time) is TermState.EXPIRED
        for section, part in LISTS.items()
        for entry in code.entries(section)
        for person in people_of(entry, part)
    )


def problems_of_terms(entry: SourceEntry, part: str) -> Iterator[dict[str, str]]:
    """Yield a problem for each person in a list of an entry whose dates cannot be used."""
    for number, _reference in enumerate(references_of(entry.data, part)):
        try:
            _term(entry, part, number)
        except TermRefused as error:
            yield problem(entry.at(part, number), str(error))


def problems_of_absences(entry: SourceEntry, part: str) -> Iterator[dict[str, str]]:
    """Yield a problem for each person who must not have something, now or later, by a name that nobody can have.

    Nothing else would stop the run, since somebody unknown has nothing to lose.
    """
    for number, reference in enumerate(references_of(entry.data, part)):
        item = entry.data[part][number]
        until = entry.data.get("until") or (item.get("until") if isinstance(item, Mapping) else None)
        flaw = _flaw_of(reference) if until or _is_absence(entry, part) else ""
        if flaw and reference.strip():
            yield problem(entry.at(part, number), f"{printable(reference)!r} {flaw}")


def _flaw_of(reference: str) -> str:
    """Return why nobody can have a name, and what to do, as a clause; empty if somebody can."""
    if has_invisible(reference):
        return "has an invisible character; write the address again, or give the id"
    if is_several(reference):
        return "looks like several people in one text; give an item for each"
    if any(sign.isspace() for sign in reference):
        return "holds a blank; write the address again, or give the id"
    if "@" in reference and not is_address(reference):
        return "is no e-mail address; write it again, or give the id"
    return ""


def _is_absence(entry: SourceEntry, part: str) -> bool:
    return part == "absent" or entry.data.get("state") == "absent"


def losing_people(entry: SourceEntry, part: str) -> list[NamedPerson]:
    """Return the people in a list of an entry who must not have something at the time of the plan."""
    return people_of(entry, part) if _is_absence(entry, part) else people_by_state(entry, part)[TermState.EXPIRED]


def unknown_absences(people: Iterable[NamedPerson], tenant: Tenant) -> list[str]:
    """Return a line for each person who must not have something, and is not in the directory, which may be a typo.

    What expired has a line of its own.

    :param people: people without what they must not have.
    :raises LookupFailed: a name only looks like that of a person, who would keep it.
    """
    people = list(people)
    if not people:
        return []
    users = tenant.index(USERS, [person.reference for person in people])
    unknown = [person for person in people if not users.matches(person.reference)]
    resolver = Resolver()
    resolver.find_all((person.reference for person in unknown if users.alike(person.reference)), users)
    resolver.check()
    return [
        f"{printable(person.reference)}: not in the directory, so nothing is removed; check the spelling ({person.at})"
        for person in unknown
        if person.term == ALWAYS
    ]


def _term(entry: SourceEntry, part: str, number: int) -> Term:
    item = entry.data[part][number]
    of_entry = {name: entry.data.get(name) for name in ("from", "until")}
    if isinstance(item, Mapping) and _rule(item):
        # Neither the term of an entry nor that of a person in the roster makes the other one longer.
        return term_of(item.get("from"), item.get("until")).within(term_of(of_entry["from"], of_entry["until"]))
    given = {**of_entry, **(item if isinstance(item, Mapping) else {})}
    return term_of(given["from"], given["until"])


def _rule(item: Any) -> str:
    return str(item.get("rule", "")) if isinstance(item, Mapping) else ""
