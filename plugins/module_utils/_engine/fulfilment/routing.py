# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which approval tasks a machine may carry out, and by which route, without a request.

A route says in ids for which tasks it is meant. There is none for whatever is left, and none for two: a removal must
never be carried out by what grants.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import combinations
from typing import Any

from ..._api.catalog import REQUEST_TYPES, StatusTable, UserStatuses
from ..._api.errors import CakewalkError, ConfigurationError
from ..._api.text import printable
from ..core.lookup import Row, is_uuid
from ..core.people import status_of
from ..tasks.evaluation import TaskEntry, TaskState, assess

#: What can be routed: the requests that are about a person.
ROUTED = ("grant_access", "remove_access", "change_permission")
#: What a route says of the permission level when it is meant for all of them, and for none.
ANY = "any"
#: The addresses that are handed over: nothing that a shell, a template or an option parser could take for its own.
_PLAIN_EMAIL = re.compile(r"[A-Za-z0-9_+.][A-Za-z0-9_+.-]*@[A-Za-z0-9][A-Za-z0-9.-]*")
_OURS = {wire: ours for ours, wire in REQUEST_TYPES.items()}


@dataclass(frozen=True)
class Route:
    """For which tasks something is meant: ids in lower case.

    :param level: C(None) for all, and for none.
    """

    app: str
    level: str | None
    request_type: str

    def fits(self, case: TaskState) -> bool:
        """Tell whether it is meant for a task."""
        shown = case.attributes
        about = (shown["app"], _OURS.get(shown["request_type"] or ""))
        return about == (self.app, self.request_type) and self.level in (None, shown["permission_level"])

    def overlaps(self, other: Route) -> bool:
        """Tell whether a task can fit both."""
        same = (self.app, self.request_type) == (other.app, other.request_type)
        return same and (None in (self.level, other.level) or self.level == other.level)


@dataclass(frozen=True)
class RoutedTask:
    """Where a task stands.

    :param outcome: C(due), or why it is not.
    :param why: more about that, as a clause; holds no text that people wrote in the tenant, at most a status word.
    :param route: the place of its route in the list.
    """

    task: str
    outcome: str
    why: str = ""
    case: TaskState | None = None
    route: int | None = None
    email: str | None = None

    @property
    def is_due(self) -> bool:
        """Whether it may be carried out now."""
        return self.outcome == "due"

    @property
    def about(self) -> tuple[str | None, str | None]:
        """Whom and which app it is about."""
        shown = self.case.attributes if self.case else {}
        return shown.get("user"), shown.get("app")

    @property
    def expect(self) -> dict[str, str]:
        """All that the task shows of what it is about, as C(expect) of an approval wants it."""
        shown = dict(self.case.attributes) if self.case else {}
        shown["request_type"] = _OURS.get(shown.get("request_type") or "")
        return {name: value for name, value in shown.items() if value is not None}


@dataclass(frozen=True)
class Router:
    """What holds for all tasks of a run.

    :param apps: ids of the only apps that may be dealt with; empty for those of the routes.
    """

    routes: Sequence[Route]
    apps: frozenset[str]
    task_statuses: StatusTable
    request_statuses: StatusTable
    now: datetime = field(kw_only=True)

    def place(self, task: str, row: Row | CakewalkError | None) -> RoutedTask:
        """Return where a task stands by what it shows of itself.

        The rules are those by which C(cakewalk_task) approves: what it would leave alone or refuse is not due.
        """
        if row is None:
            return RoutedTask(task, "not_found", "the service says that there is no such task")
        if isinstance(row, CakewalkError):
            return RoutedTask(task, "unreadable", f"it cannot be read ({row.kind})")
        case = TaskState(TaskEntry(task, "approved", "action", {}), row)
        verdict = assess(case, self.task_statuses, self.request_statuses, self.now, allow_autoprovisioning=False)
        flaws = dict(reversed(verdict.errors))
        outcomes = {"kind": "not_an_action", "unknown_status": "unclear", "unclear": "unclear", "decided": "declined"}
        for reason, outcome in outcomes.items():
            if reason in flaws:
                return RoutedTask(task, outcome, flaws[reason], case)
        if not verdict.changes:
            return RoutedTask(task, "done" if verdict.outcome == "approved" else verdict.outcome, case=case)
        return self._routed(task, case)

    def _routed(self, task: str, case: TaskState) -> RoutedTask:
        if self.apps and case.attributes["app"] not in self.apps:
            return RoutedTask(task, "app_not_allowed", "its app is not among those that may be dealt with", case)
        route = next((number for number, one in enumerate(self.routes) if one.fits(case)), None)
        if route is None:
            return RoutedTask(task, "unroutable", "no route fits its app, permission level and request type", case)
        user, level = case.attributes["user"], case.attributes["permission_level"]
        if user is None or not is_uuid(user) or not is_uuid(level or user):
            return RoutedTask(
                task, "unclear", "it does not show by ids whom it is about, and which permission level", case
            )
        return RoutedTask(task, "due", case=case, route=route)


def routes_of(entries: Iterable[Mapping[str, Any]]) -> list[Route]:
    """Return the routes that entries with C(app), C(permission_level) and C(request_type) describe.

    :raises ConfigurationError: one is not given by ids, or a task could fit two.
    """
    routes = [_route(number, entry) for number, entry in enumerate(entries)]
    for (one, first), (other, second) in combinations(enumerate(routes), 2):
        if first.overlaps(second):
            raise ConfigurationError(
                f"use routes[{one}] and routes[{other}]",
                "a task could fit both of them",
                "Leave one out, or name different permission levels.",
                option="routes",
            )
    return routes


def allowed_apps(given: Iterable[str]) -> frozenset[str]:
    """Return the ids of the only apps that may be dealt with.

    :raises ConfigurationError: one is no id.
    """
    given = list(given)
    for app in given:
        if not is_uuid(app):
            raise ConfigurationError(
                f"use the app {printable(app)!r}", "this is no id", "Name apps by their ids.", option="apps"
            )
    return frozenset(app.lower() for app in given)


def with_person(place: RoutedTask, person: Row | None, statuses: UserStatuses) -> RoutedTask:
    """Return where a task stands once it is known whom it is about.

    Nothing is given to somebody who is on the way out, and no address is handed over that could be more than one.
    """
    email = person.get("email") if person else None
    if person is None:
        return replace(place, outcome="unclear", why="whom it is about is not in the directory")
    if place.expect["request_type"] != "remove_access":
        status = status_of(person)
        if status in statuses.inactive:
            return replace(place, outcome="inactive_user", why="whom it is about is on the way out of the company")
        if status not in statuses.may_receive_access:
            why = (
                f"the person has the status {printable(status)!r}; known_statuses.user.may_receive_access can allow it"
            )
            return replace(place, outcome="unclear", why=why)
    if not isinstance(email, str) or _PLAIN_EMAIL.fullmatch(email) is None:
        return replace(place, outcome="unsafe_email", why="the e-mail address of whom it is about is no plain one")
    return replace(place, email=email)


def without_conflicts(places: Sequence[RoutedTask]) -> list[RoutedTask]:
    """Return the places; those that ask for different things for the same person and app are not due.

    Which of them is meant, or was meant last, only people can know.
    """
    wishes: dict[Any, set[Any]] = defaultdict(set)
    for place in places:
        if place.is_due:
            wishes[place.about].add(_wish(place))
    why = "another task that is due asks for something else for the same person and app"
    return [
        replace(place, outcome="conflicting", why=why) if place.is_due and len(wishes[place.about]) > 1 else place
        for place in places
    ]


def _wish(place: RoutedTask) -> tuple[str, str | None]:
    """Return what a task asks for: of two changes one level can be meant, while somebody may be granted several."""
    kind = place.expect["request_type"]
    return kind, place.expect.get("permission_level") if kind == "change_permission" else None


def shuffled(places: Sequence[RoutedTask], limit: int | None) -> list[RoutedTask]:
    """Return the places in a random order, so that tasks that fail each time do not keep the others from their turn.

    :param limit: how many may be due; the others are left for another run.
    :raises ConfigurationError: fewer than none may be.
    """
    if limit is not None and limit < 0:
        raise ConfigurationError("use max_due", f"it is {limit}", "Give 0 or more.", option="max_due")
    in_any_order = random.sample(places, len(places))
    due = [place for place in in_any_order if place.is_due]
    late = due[limit:] if limit is not None else []
    why = "enough others are due in this run"
    return [replace(place, outcome="left_for_later", why=why) if place in late else place for place in in_any_order]


def _route(number: int, entry: Mapping[str, Any]) -> Route:
    app, level = entry["app"], entry["permission_level"]
    for name, value in (("app", app), ("permission_level", level)):
        if not is_uuid(value) and (name, value) != ("permission_level", ANY):
            raise ConfigurationError(
                f"use routes[{number}].{name}",
                f"{printable(value)!r} is no id",
                "Name apps and permission levels by their ids, which nobody can rename; a level may be 'any'.",
                option="routes",
            )
    return Route(app.lower(), None if level == ANY else level.lower(), entry["request_type"])
