# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The section C(time_limits): in which groups, apps and levels nobody may be without an end, or for too long.

It limits what the other sections say, whatever the time is. So a file with a section of its own can have other owners.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..._api.catalog import APPS, GROUPS, USERS, permission_levels_of
from ..._api.errors import ConfigurationError
from ..._api.text import printable, summarize
from ..core.lookup import Index, Resolver, Row, folded_reference, ids_of
from ..core.tenant import Tenant
from ..core.terms import TermRefused, duration_of
from ..custom_fields import entries_of_task, plan_fields
from ..policies.selectors import Selector, select_apps, selector_of
from ..policies.targets import is_of_kind
from .named_people import NamedPerson, people_of
from .source import CodeRefused, SourceCode, SourceEntry, problem

SECTION = "time_limits"


@dataclass(frozen=True)
class TimeLimit:
    """An entry of the section.

    :param max_duration: the longest time from the start to the end of a term; C(None) for any.
    """

    entry: SourceEntry
    max_duration: timedelta | None

    @property
    def apps(self) -> str | Selector | None:
        """The app, by name or id, or a selector of apps; C(None) if the limit is about a group."""
        select = self.entry.data["select"]
        app: str | None = self.entry.data["app"]
        return app if select is None else selector_of(select, "use an entry of `time_limits`")

    @property
    def has_levels(self) -> bool:
        """Whether the limit is about permission levels only."""
        return self.entry.data["permission_level"] is not None or self.entry.data["permission_levels"] is not None

    def problem_with(self, person: NamedPerson) -> str:
        """Return what is wrong with the term of a person, as a clause, empty if nothing is."""
        term, who = person.term, f"{printable(person.reference)!r}"
        limit = f"time limit of {self.entry.at()}"
        if term.end is None:
            return f"{who} has no until, and the {limit} demands one" if self.needs_end else ""
        if self.max_duration is None:
            return ""
        longest = self.entry.data["max_duration"]
        if term.start is None:
            return f"{who} has no from, from which the `max_duration` {longest} counts ({limit})"
        is_longer = term.end - term.start > self.max_duration
        return f"{who} is named for longer than the `max_duration` {longest} ({limit})" if is_longer else ""

    def problems_together(self, people: Iterable[NamedPerson]) -> Iterator[tuple[NamedPerson, str]]:
        """Yield where a person is named whose terms are too long only together, with a clause.

        :param people: the same person each time. Terms that touch or overlap count as one.
        """
        terms = [(one.term.start, one.term.end, one) for one in people if one.term.start and one.term.end]
        run: list[tuple[datetime, datetime, NamedPerson]] = []
        for term in sorted(terms, key=lambda term: term[:2]):
            goes_on = bool(run) and term[0] <= max(end for _start, end, _person in run)
            run = [*run, term] if goes_on else [term]
            duration = max(end for _start, end, _person in run) - run[0][0]
            person = term[2]
            if self.max_duration is not None and duration > self.max_duration and not self.problem_with(person):
                others = summarize(one.at for _start, _end, one in run[:-1])
                yield (
                    person,
                    f"{printable(person.reference)!r} is named for longer than the `max_duration` "
                    f"{self.entry.data['max_duration']} (time limit of {self.entry.at()}), together with {others}",
                )

    @property
    def needs_end(self) -> bool:
        """Whether nobody may be named without an end."""
        return self.max_duration is not None or bool(self.entry.data["until_required"])


def problems_of(code: SourceCode) -> Iterator[dict[str, str]]:
    """Yield the contradictions within the section; they do not depend on the tenant."""
    for entry in code.entries(SECTION):
        try:
            limit = _limit(entry)
            _apps = limit.apps
            if not limit.needs_end:
                yield problem(entry.at(), "it limits nothing; set `until_required` to true, or give `max_duration`")
        except (TermRefused, ConfigurationError) as error:
            yield problem(entry.at(), error.cause if isinstance(error, ConfigurationError) else str(error))


def check_time_limits(code: SourceCode, tenant: Tenant) -> None:
    """Check every person that the code gives something against the limits.

    :raises CodeRefused: somebody has no end, no start where it counts, or a term that is too long.
    :raises LookupFailed: a group, an app, a level, or the value of a selector does not exist or is ambiguous.
    """
    limits = [_limit(entry) for entry in code.entries(SECTION)]
    resolver = Resolver()
    found = [*_in_groups(code, limits, tenant, resolver), *_in_apps(code, limits, tenant, resolver)]
    resolver.check()
    named = [(limit, row_id, person) for limit, row_id, entry, part in found for person in people_of(entry, part)]
    problems = [(person, clause) for limit, _row, person in named if (clause := limit.problem_with(person))]
    for limit, people in _named_again(named, tenant):
        problems += limit.problems_together(people)
    if problems:
        places = dict.fromkeys((person.at, clause) for person, clause in problems)
        raise CodeRefused(problem(at, clause) for at, clause in places)


def limits_of_groups(code: SourceCode, tenant: Tenant) -> dict[str, str]:
    """Return the file and line of a limit that demands an end of each member, by the id of the group."""
    names = {entry.data["group"]: entry.at() for entry in code.entries(SECTION) if entry.data["group"] is not None}
    groups = tenant.index(GROUPS, list(names), is_whole=True) if names else Index(GROUPS, [])
    return {group_id: at for name, at in names.items() for group_id in ids_of(groups.matches(name))}


#: A limit, the id of the group or app that it is about, an entry for that, and the list of people in it.
_Limited = tuple[TimeLimit, str, SourceEntry, str]


def _named_again(
    named: Iterable[tuple[TimeLimit, str, NamedPerson]], tenant: Tenant
) -> Iterator[tuple[TimeLimit, list[NamedPerson]]]:
    """Yield each limit of a duration with the items about the same person and thing, in whatever spelling."""
    by_thing: dict[tuple[str, str], list[tuple[TimeLimit, NamedPerson]]] = {}
    for limit, row_id, person in named:
        if limit.max_duration is not None:
            by_thing.setdefault((limit.entry.path, row_id), []).append((limit, person))
    several = [items for items in by_thing.values() if len(items) > 1]
    references = list(dict.fromkeys(person.reference for items in several for _limit, person in items))
    users = tenant.index(USERS, references) if references else Index(USERS, [])
    for items in several:
        by_id: dict[str, list[NamedPerson]] = {}
        for _limit, person in items:
            for identifier in ids_of(users.matches(person.reference)) or {folded_reference(person.reference)}:
                by_id.setdefault(identifier, []).append(person)
        for people in by_id.values():
            yield items[0][0], people


def _in_groups(code: SourceCode, limits: Iterable[TimeLimit], tenant: Tenant, resolver: Resolver) -> Iterator[_Limited]:
    of_groups = [limit for limit in limits if limit.entry.data["group"] is not None]
    if not of_groups:
        return
    entries = code.entries("groups")
    references = [item.data["group"] for item in (*(limit.entry for limit in of_groups), *entries)]
    groups = tenant.index(GROUPS, references, is_whole=True)
    for limit in of_groups:
        row = resolver.find(limit.entry.data["group"], groups)
        for entry in entries if row is not None else ():
            if row in groups.matches(entry.data["group"]):
                yield limit, row["id"], entry, "members"


def _in_apps(code: SourceCode, limits: Iterable[TimeLimit], tenant: Tenant, resolver: Resolver) -> Iterator[_Limited]:
    of_apps = [(limit, limit.apps) for limit in limits if limit.entry.data["group"] is None]
    if not of_apps:
        return
    entries = [entry for entry in code.entries("accesses") if entry.data["state"] == "present"]
    selectors = [apps for _limit, apps in of_apps if isinstance(apps, Selector)]
    references = [apps for _limit, apps in of_apps if isinstance(apps, str)]
    references += [entry.data["app"] for entry in entries]
    # A selector means every app that fits it, so a list that lacks an app is not enough.
    apps_index = tenant.index(APPS, references, is_stable=bool(selectors))
    changes = plan_fields(entries_of_task({"values": code.data("custom_fields")}), tenant) if selectors else []
    coming = {(change.app["id"].lower(), name): value for change in changes for name, value in change.values.items()}
    selected = select_apps(selectors, apps_index, tenant, resolver, coming)
    coded = ids_of(row for entry in entries for row in apps_index.matches(entry.data["app"]))
    for limit, apps in of_apps:
        rows = selected[apps] if isinstance(apps, Selector) else resolver.find_all([str(apps)], apps_index)
        levels = _levels(limit, rows, coded, tenant, resolver) if limit.has_levels else {}
        limited = ids_of(rows)
        for entry in entries:
            for row in apps_index.matches(entry.data["app"]):
                if row["id"].lower() in limited and (not limit.has_levels or _is_meant(entry, row, levels)):
                    yield limit, row["id"], entry, "users"


def _levels(
    limit: TimeLimit, rows: Sequence[Row], coded: set[str], tenant: Tenant, resolver: Resolver
) -> dict[str, tuple[Index, set[str]]]:
    """Return all levels, and the ids of the limited ones, of each app that a limit is about, by the id of the app.

    Levels of a kind are read of apps with an entry only. A level by name must exist somewhere: it may be misspelt.
    """
    level, kind = limit.entry.data["permission_level"], limit.entry.data["permission_levels"]
    rows = [row for row in rows if level is not None or row["id"].lower() in coded]
    indexes = tenant.indexes((permission_levels_of(row), None) for row in rows)
    if level is not None:
        called = "permission level" if isinstance(limit.apps, Selector) else ""
        found = resolver.find_each(level, indexes, called)
        limited = [ids_of([one]) if one else set() for one in found]
    else:
        limited = [
            ids_of(one for one in index.by_id.values() if kind == "all" or is_of_kind(one, kind, row))
            for row, index in zip(rows, indexes, strict=True)
        ]
    return {row["id"].lower(): (index, ids) for row, index, ids in zip(rows, indexes, limited, strict=True)}


def _is_meant(entry: SourceEntry, row: Row, levels: Mapping[str, tuple[Index, set[str]]]) -> bool:
    """Return whether an entry gives a limited level; without a level it could be any of them."""
    index, limited = levels.get(row["id"].lower(), (None, set()))
    level = entry.data["permission_level"]
    if index is None or level is None:
        return bool(limited)
    return bool(ids_of(index.matches(level)) & limited)


def _limit(entry: SourceEntry) -> TimeLimit:
    """Return the limit of an entry.

    :raises TermRefused: the duration cannot be used.
    """
    longest = entry.data["max_duration"]
    return TimeLimit(entry, None if longest is None else duration_of(longest))
