# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The places in the code that decide about the access of a person to an app."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..._api.text import printable
from ..core.lookup import Index, Row, ids_of
from .named_people import LISTS, NamedPerson, people_of
from .plan import code_of
from .roster import Roster
from .roster_plan import with_roster
from .source import SourceEntry


@dataclass(frozen=True)
class Directory:
    """The lists by which the code is read.

    :param inactive: statuses of people who have left.
    """

    users: Index
    groups: Index
    apps: Index
    inactive: Collection[str] = ()


@dataclass(frozen=True)
class Mention:
    """A person in a list of an entry.

    :param list: C(members), C(absent) or C(users).
    """

    entry: SourceEntry
    list: str
    person: NamedPerson

    def as_result(self) -> dict[str, Any]:
        """Return the place as data."""
        data, term = self.entry.data, self.person.term
        return {
            "at": self.person.at,
            "group": data.get("group"),
            "app": data.get("app"),
            "permission_level": data.get("permission_level"),
            "state": data.get("state") or ("absent" if self.list == "absent" else "present"),
            "rule": self.person.rule or None,
            "from": term.since or None,
            "until": term.until or None,
        }

    def __str__(self) -> str:
        """Return the place as a sentence for people."""
        found = self.as_result()
        is_absent = found["state"] == "absent"
        if found["group"] is not None:
            what = f"{'not a member' if is_absent else 'member'} of {printable(found['group'])}"
        else:
            level = f", level {printable(found['permission_level'])}" if found["permission_level"] else ""
            what = f"{'no access' if is_absent else 'access'} to {printable(found['app'])}{level}"
        rule = f" by {found['rule']}" if found["rule"] else ""
        term = "".join(f" {name} {found[name]}" for name in ("from", "until") if found[name])
        return f"{what}{rule}{term} ({self.person.at})"


class CodeLookup:
    """The code of a tenant, to be asked about people and apps.

    :param source: what the action read from the files.
    :raises CodeRefused: the code contradicts itself, so no plan of it is possible either.
    """

    def __init__(self, source: Mapping[str, Any], directory: Directory) -> None:
        code, roster = code_of({"source": source}), Roster.of(source.get("roster"))
        if roster:
            code = with_roster(code, roster, directory.users, directory.inactive, is_strict=False).code
        self._directory = directory
        self._mentions = [
            (ids_of(directory.users.matches(person.reference)), Mention(entry, part, person))
            for section in LISTS
            for entry in code.entries(section)
            for part in (LISTS[section], "absent")
            if entry.data.get(part)
            for person in people_of(entry, part)
        ]

    def about(self, user: Row, app: Row, giving: Collection[str]) -> Iterator[Mention]:
        """Yield the places that name a person for an app, or for a group that gives the app.

        :param giving: the ids of the groups that give the app, in lower case.
        """
        for ids, mention in self._mentions:
            data = mention.entry.data
            if user["id"].lower() not in ids:
                continue
            groups = ids_of(self._directory.groups.matches(data["group"])) if "group" in data else set()
            apps = ids_of(self._directory.apps.matches(data["app"])) if "app" in data else set()
            if groups.intersection(giving) or app["id"].lower() in apps:
                yield mention
