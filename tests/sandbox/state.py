# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of a tenant, the ways to look things up, and a dump of it all.

Everything runs in one event loop and no rule waits for anything, so a rule is never interrupted and needs no lock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid5

from .dialect import Dialect
from .late import Late
from .problem import Problem, not_found
from .records import PENDING, App, CustomField, Group, Level, Policy, Request, Review, Task, User

_NAMESPACE = UUID("0b7e57a1-5c3d-5e0f-8f6a-2f6d1c9a4e11")

#: When a seeded company begins; its history is dated from here, minute by minute.
BEGINNING = datetime(2026, 1, 5, 8, tzinfo=UTC)

_SETS_OF_A_GROUP = ("members", "default_apps", "hidden_apps")

Row = TypeVar("Row")


class State:
    """One tenant.

    All tables are dicts by id in the order in which lists show them. C(events) collects what webhooks are to tell,
    C(dialect) is how the rules decide what is open; C(late) is what lists of accesses do not show yet.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.dialect = Dialect()
        self.late = Late()
        self.clock_ahead = 0.0
        self.users: dict[str, User] = {}
        self.groups: dict[str, Group] = {}
        self.apps: dict[str, App] = {}
        self.fields: dict[str, CustomField] = {}
        self.policies: dict[str, Policy] = {}
        self.requests: dict[str, Request] = {}
        self.tasks: dict[str, Task] = {}
        self.reviews: dict[str, Review] = {}
        self.events: list[dict[str, Any]] = []
        self.tasks_of: dict[str, list[str]] = {}
        self.requests_about: dict[tuple[str, str | None], list[str]] = {}
        self._history: datetime | None = BEGINNING
        self._made = 0

    def identifier(self, *names: object) -> str:
        """Return the id of what has these names: the same in every company of this seed, whatever its size."""
        return identifier(self.seed, *names)

    def next_identifier(self, kind: str) -> str:
        """Return a new id for something that is made along the way."""
        self._made += 1
        return self.identifier(kind, self._made)

    def now(self) -> str:
        """Return the time: a minute later at each call while the company's history is written, then by its clock."""
        if self._history is None:
            return stamp(datetime.now(UTC) + timedelta(seconds=self.clock_ahead))
        self._history += timedelta(minutes=1)
        return stamp(self._history)

    def end_history(self, dialect: Dialect) -> None:
        """From now on the clock is the real one and the dialect is this; history is the same in all of them."""
        self._history = None
        self.dialect = dialect

    def user(self, identifier: str) -> User:
        """Return the person with this id."""
        return _found(self.users, "user", identifier)

    def group(self, identifier: str) -> Group:
        """Return the group with this id."""
        return _found(self.groups, "group", identifier)

    def app(self, identifier: str) -> App:
        """Return the app with this id."""
        return _found(self.apps, "app", identifier)

    def policy(self, identifier: str) -> Policy:
        """Return the policy with this id."""
        return _found(self.policies, "policy", identifier)

    def task(self, identifier: str) -> Task:
        """Return the task with this id."""
        return _found(self.tasks, "task", identifier)

    def level(self, app: App, identifier: str) -> Level:
        """Return the level of an app with this id."""
        return _found(app.levels, "permission level of this app", identifier)

    def actor(self, identifier: str) -> User:
        """Return the person on whose behalf a call is made; the body names them, so a wrong one is a bad request."""
        try:
            return self.user(identifier)
        except Problem as problem:
            raise Problem(400, problem.detail) from None

    def add_request(self, request: Request) -> None:
        """Enter a request and its index."""
        self.requests[request.id] = request
        self.requests_about.setdefault((request.app_id, request.target_id), []).append(request.id)

    def add_task(self, task: Task) -> None:
        """Enter a task and its index; a task of nobody is in no list."""
        self.tasks[task.id] = task
        if task.assigned_id:
            self.tasks_of.setdefault(task.assigned_id, []).append(task.id)

    def open_requests(self, app: App, user: User | None) -> Iterator[Request]:
        """Return the undecided requests about a person and an app, or about the app itself."""
        for request_id in self.requests_about.get((app.id, user and user.id), ()):
            if self.requests[request_id].status == PENDING:
                yield self.requests[request_id]

    def dump(self, sections: Iterable[str] = ()) -> dict[str, Any]:
        """Return the tables as JSON; members of a group, levels and accesses stand inside their group or app.

        :param sections: the tables to return, all if none is named.
        """
        writers = {
            "users": lambda: _rows(self.users),
            "groups": lambda: [
                {**asdict(row), **{name: list(getattr(row, name)) for name in _SETS_OF_A_GROUP}}
                for row in self.groups.values()
            ],
            "apps": lambda: [
                {
                    **asdict(row),
                    "levels": _rows(row.levels),
                    "accesses": [
                        {"user_id": user_id, "level_id": level_id}
                        for user_id, level_ids in row.accesses.items()
                        for level_id in level_ids
                    ],
                }
                for row in self.apps.values()
            ],
            "fields": lambda: _rows(self.fields),
            "policies": lambda: _rows(self.policies),
            "requests": lambda: _rows(self.requests),
            "tasks": lambda: _rows(self.tasks),
            "reviews": lambda: _rows(self.reviews),
            "events": lambda: self.events,
        }
        chosen = list(sections) or list(writers)
        if unknown := set(chosen) - writers.keys():
            raise ValueError(f"unknown sections: {', '.join(sorted(unknown))}; known are {', '.join(writers)}")
        return {name: writers[name]() for name in chosen}


def identifier(seed: int, *names: object) -> str:
    """Return the id of what has these names in companies of a seed."""
    return str(uuid5(_NAMESPACE, "/".join(map(str, (seed, *names)))))


def stamp(moment: datetime) -> str:
    """Return a time as the wire shows it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _found(table: dict[str, Row], what: str, identifier: str) -> Row:
    try:
        return table[identifier.lower()]
    except KeyError:
        raise not_found(what, identifier) from None


def _rows(table: dict[str, Any]) -> list[dict[str, Any]]:
    return [asdict(row) for row in table.values()]
