# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The access of a tenant, as far as it can be seen, and after the changes of a plan. All ids are in lower case."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from ..._api.text import printable
from ..core.lookup import Row
from .logic import UNKNOWN, all_of, any_of
from .rule import Entitlement

#: The level of access whose level cannot be seen.
ANY_LEVEL = "?"
#: The level of access to an app without levels.
NO_LEVEL = ""


@dataclass(frozen=True)
class AccessChange:
    """Something that a plan gives to a person or takes from them.

    :param app: the id of the app, empty for a group.
    :param level: the level that the person has then; empty without levels, and for what is taken.
    :param at: the file and line of the entry that causes it.
    """

    person: Row
    at: str
    group: str = ""
    app: str = ""
    level: str = NO_LEVEL
    is_gain: bool = True


@dataclass(frozen=True)
class HeldAccess:
    """The access and memberships of a tenant.

    :param people: the record of each person, by id.
    :param members: the members of each group.
    :param levels_held: by app and person, the levels.
    :param owners: by app and person, whether the person owns the app; C(UNKNOWN) if that is not shown.
    :param given_by: by app, the groups whose members get it by default.
    :param requested: the levels that open requests ask for, as triples of app, person and level; they count as held.
    :param unclear: like C(requested), for requests that may be open.
    :param leaving: the levels whose removal is requested by a plan, as such triples; they may be held until then.
    :param unseen: why access to an app cannot be seen, by app.
    :param unseen_owners: the apps whose record does not show the owner, so that everybody without a mark may be one.
    :param privileged: whether a level is privileged, C(UNKNOWN) if it has no mark.
    :param levels: the levels of an app, for apps where this was read.
    :param default_levels: the default level of an app, if this was read; C(NO_LEVEL) for an app without levels.
    :param names: the names of apps, groups and levels.
    """

    people: Mapping[str, Row]
    members: Mapping[str, set[str]]
    levels_held: Mapping[str, Mapping[str, set[str]]]
    owners: Mapping[str, Mapping[str, bool | None]] = field(default_factory=dict)
    given_by: Mapping[str, Iterable[str]] = field(default_factory=dict)
    requested: frozenset[tuple[str, str, str]] = frozenset()
    unclear: frozenset[tuple[str, str, str]] = frozenset()
    leaving: frozenset[tuple[str, str, str]] = frozenset()
    unseen: Mapping[str, str] = field(default_factory=dict)
    unseen_owners: frozenset[str] = frozenset()
    privileged: Mapping[str, bool | None] = field(default_factory=dict)
    levels: Mapping[str, Iterable[str]] = field(default_factory=dict)
    default_levels: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    def certain(self) -> HeldAccess:
        """Return the access that is there, and neither requested nor still to come from a group."""
        return replace(self.without_requests(), given_by={})

    def after(self, changes: Iterable[AccessChange], is_granted: bool = True) -> HeldAccess:
        """Return the access once a plan is applied.

        A membership ends at once. Access to an app ends by a request, so it may be held until somebody decides.

        :param is_granted: whether the requests that it opens for more access are granted.
        """
        people = dict(self.people)
        members = {group: set(ids) for group, ids in self.members.items()}
        levels_held = {app: dict(held) for app, held in self.levels_held.items()}
        owners = {app: dict(marks) for app, marks in self.owners.items()}
        leaving = set(self.leaving)
        for change in changes:
            someone = change.person["id"].lower()
            people.setdefault(someone, change.person)
            if change.group:
                update = set.add if change.is_gain else set.discard
                update(members.setdefault(change.group, set()), someone)
                continue
            held = levels_held.setdefault(change.app, {}).pop(someone, set())
            if change.is_gain:
                if is_granted:
                    levels_held[change.app][someone] = {change.level}
                held = held - {change.level}
            elif owners.get(change.app, {}).get(someone):
                owners[change.app][someone] = UNKNOWN
            leaving |= {(change.app, someone, level) for level in held}
        return replace(
            self,
            people=people,
            members=members,
            levels_held=levels_held,
            owners=owners,
            leaving=frozenset(leaving),
        )

    def without_requests(self) -> HeldAccess:
        """Return the access that is there, whatever anybody asked for."""
        return replace(self, requested=frozenset(), unclear=frozenset())

    def access(self) -> Iterator[tuple[str, str, str, bool]]:
        """Yield all access as app, person, level, and whether it is certain; each person of an app at least once.

        A group gives an app at its default level, to people who have no access to it yet.
        """
        for app, held in self.levels_held.items():
            for person, levels in held.items():
                for level in levels:
                    yield app, person, level, True
        for app, person, level in self.requested:
            yield app, person, level, True
        for app, person, level in self.unclear | self.leaving:
            yield app, person, level, False
        for app, person in self.given():
            yield app, person, self.default_levels.get(app, ANY_LEVEL), True

    def given(self) -> Iterator[tuple[str, str]]:
        """Yield the apps and people that groups give access by default, and that have no other access."""
        asked_for = {(app, person) for app, person, _level in self.requested}
        for app, groups in self.given_by.items():
            held = self.levels_held.get(app, {})
            for person in set().union(*(self.members.get(group, ()) for group in groups)):
                if person not in held and (app, person) not in asked_for:
                    yield app, person

    def value_by_app(self, entitlement: Entitlement, someone: str) -> dict[str, bool | None]:
        """Return whether a person holds an entitlement, by app or group, without those where they do not."""
        if entitlement.group:
            return {entitlement.group: True} if someone in self.members.get(entitlement.group, ()) else {}
        values = (
            {entitlement.app: self.owners.get(entitlement.app, {}).get(someone, False)}
            if entitlement.is_owner
            else {
                app: any_of([value for _level, _how, value in self._levels_meant(entitlement, app, someone)])
                for app in self._apps_of(entitlement)
            }
        )
        return {app: value for app, value in values.items() if value is not False}

    def is_certain(self, entitlement: Entitlement, someone: str) -> bool:
        """Return whether it is certain that a person holds an entitlement."""
        return any(self.value_by_app(entitlement, someone).values())

    def sources(self, entitlement: Entitlement, someone: str, is_held: bool) -> list[str]:
        """Return the access by which a person holds an entitlement about access, or by which they may, for people."""
        found = []
        is_about_levels = bool(entitlement.level or entitlement.is_privileged)
        for app in self._apps_of(entitlement):
            for level, how, value in self._levels_meant(entitlement, app, someone):
                if value in ((True,) if is_held else (True, UNKNOWN)):
                    hidden = ["level not shown"] if level == ANY_LEVEL and is_about_levels else []
                    details = [f"level {self.named(level)}"] if level in self.names else hidden
                    details += [how] if how else []
                    found.append(f"the app {self.named(app)}" + (f" ({', '.join(details)})" if details else ""))
        unseen = [app for app in self.unseen if entitlement.app in ("", app) and not is_held]
        return found + [f"the app {self.named(app)} (cannot be seen: {self.unseen[app]})" for app in unseen]

    def named(self, identifier: str) -> str:
        """Return the name of an app, a group or a level, in quotes."""
        return repr(printable(self.names.get(identifier, identifier), 80))

    def _apps_of(self, entitlement: Entitlement) -> Iterable[str]:
        return [entitlement.app] if entitlement.app else {**self.levels_held, **self.unseen}

    def _levels_meant(self, entitlement: Entitlement, app: str, someone: str) -> Iterator[tuple[str, str, bool | None]]:
        """Yield each level of an app of a person, in words how they hold it, and whether it is what is meant."""
        for level, how, is_certain in self._levels_of(app, someone):
            yield level, how, all_of([self.means(entitlement, app, level), is_certain or UNKNOWN])

    def _levels_of(self, app: str, someone: str) -> Iterator[tuple[str, str, bool]]:
        """Yield each level of an app that a person holds or may hold, in words how, and whether it is certain.

        The words are empty for plain access.
        """
        held = self.levels_held.get(app, {}).get(someone, ())
        for level in sorted(held):
            yield level, "", True
        asked_for = self._asked_for.get((app, someone), ())
        yield from asked_for
        groups = [group for group in self.given_by.get(app, ()) if someone in self.members.get(group, ())]
        if groups and not held and not any(is_certain for _level, _how, is_certain in asked_for):
            names = " and ".join(map(self.named, groups))
            yield self.default_levels.get(app, ANY_LEVEL), f"given by the group {names}", True

    @cached_property
    def _asked_for(self) -> dict[tuple[str, str], list[tuple[str, str, bool]]]:
        """The levels that requests are about, by app and person, with words, and whether they count as held."""
        found: dict[tuple[str, str], list[tuple[str, str, bool]]] = defaultdict(list)
        for triples, words, is_certain in (
            (self.requested, "requested", True),
            (self.unclear, "perhaps requested", False),
            (self.leaving, "removal requested", False),
        ):
            for app, someone, level in sorted(triples):
                found[app, someone].append((level, words, is_certain))
        return found

    def is_unseen(self, entitlement: Entitlement) -> bool:
        """Return whether access that an entitlement is about cannot be seen."""
        if entitlement.group:
            return False
        if entitlement.is_owner and entitlement.app in self.unseen_owners:
            return True
        return entitlement.app in self.unseen if entitlement.app else bool(self.unseen)

    def means(self, entitlement: Entitlement, app: str, level: str) -> bool | None:
        """Return whether access to an app at a level is what an entitlement about access means."""
        if entitlement.app not in ("", app):
            return False
        if not entitlement.level and not entitlement.is_privileged:
            return True
        if level not in (NO_LEVEL, ANY_LEVEL):
            return self._is_meant(entitlement, level)
        if entitlement.is_privileged and level == NO_LEVEL:
            return False
        possible = {self._is_meant(entitlement, one) for one in self.levels.get(app, ())}
        return possible.pop() if len(possible) == 1 else UNKNOWN

    def _is_meant(self, entitlement: Entitlement, level: str) -> bool | None:
        return level == entitlement.level if entitlement.level else self.privileged.get(level)
