# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The approval tasks that a machine may carry out, and the route of each.

A route names its tasks by ids. There is no default route, and a task fits one route only: the handler of grants must
never carry out a removal.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import combinations
from typing import Any

from ..._api import catalog
from ..._api.catalog import REQUEST_TYPE_NAMES, StatusTable, UserStatuses
from ..._api.errors import CakewalkError, ConfigurationError, out_of_range
from ..._api.text import printable
from ..core.lookup import Row, is_uuid
from ..core.people import status_of
from ..core.tenant import Tenant
from ..tasks.evaluation import TaskEntry, TaskState, assess
from .candidates import candidates

#: The options that describe a route; its request types are those about access of a user.
ROUTE: dict[str, Any] = {
    "app": {"type": "str", "required": True},
    "permission_level": {"type": "str", "required": True},
    "request_type": {
        "type": "str",
        "required": True,
        "choices": ["grant_access", "remove_access", "change_permission"],
    },
}
#: Where ids are found.
_APP_IDS = "`cakewalk_info` returns the ids of apps by name as `apps_by_name`, with `gather: [apps]`."
_LEVEL_IDS = "`cakewalk_info` returns the levels of apps with `include: [permission_levels]`. 'any' means all levels."
#: The permission level in a route for all levels, and for tasks without a level.
_ANY = "any"
#: Addresses that a handler may get: nothing that a shell, a template or an option parser could interpret.
_PLAIN_EMAIL = re.compile(r"[A-Za-z0-9_+.][A-Za-z0-9_+.-]*@[A-Za-z0-9][A-Za-z0-9.-]*")


@dataclass(frozen=True)
class Route:
    """The tasks of a handler, by ids in lower case.

    :param level: C(None) for all levels, and for tasks without a level.
    """

    app: str
    level: str | None
    request_type: str

    def fits(self, task: TaskState) -> bool:
        """Return whether the route is for this task."""
        app, request_type = task.attributes["app"], REQUEST_TYPE_NAMES.get(task.attributes["request_type"] or "")
        is_level = self.level in (None, task.attributes["permission_level"])
        return (app, request_type) == (self.app, self.request_type) and is_level

    def overlaps(self, other: Route) -> bool:
        """Return whether a task can fit both routes."""
        same = (self.app, self.request_type) == (other.app, other.request_type)
        return same and (None in (self.level, other.level) or self.level == other.level)


@dataclass(frozen=True)
class RoutedTask:
    """The outcome of a task, and its route.

    :param outcome: C(due), or why the task is not due.
    :param why: a clause about the outcome. It has no text of the tenant except a status word.
    :param state: the task as it was read.
    :param route: the position of the route in the list of routes.
    :param subject: the request and its user by names, for people.
    """

    task: str
    outcome: str
    why: str = ""
    state: TaskState | None = None
    route: int | None = None
    email: str | None = None
    subject: str = ""

    @property
    def is_due(self) -> bool:
        """Whether the task may be carried out now."""
        return self.outcome == "due"

    @property
    def expect(self) -> dict[str, str]:
        """The attributes of the task in the form of the option C(expect) of its approval."""
        attributes = dict(self.state.attributes) if self.state else {}
        attributes["request_type"] = REQUEST_TYPE_NAMES.get(attributes.get("request_type") or "")
        return {name: value for name, value in attributes.items() if value is not None}

    def as_result(self) -> dict[str, Any]:
        """Return the task as C(cakewalk_task_route_info) returns it."""
        expect = self.expect
        return {
            "task_id": self.task,
            "outcome": self.outcome,
            "why": self.why,
            "route": self.route,
            "request_type": expect.get("request_type"),
            "user_id": expect.get("user"),
            "user_email": self.email,
            "app_id": expect.get("app"),
            "permission_level_id": expect.get("permission_level"),
            "expect": expect,
            "subject": self.subject,
        }


@dataclass(frozen=True, kw_only=True)
class Router:
    """The routes of a machine, and everything else that decides about the route of a task.

    :param apps: ids of the only apps that are allowed; empty for all apps of the routes.
    """

    routes: Sequence[Route]
    apps: frozenset[str]
    task_statuses: StatusTable
    request_statuses: StatusTable
    time: datetime | None

    def route(self, task: str, row: Row | CakewalkError | None) -> RoutedTask:
        """Return the route of a task, or why the task is not due.

        A task is due only if C(cakewalk_task) would approve it.
        """
        if row is None:
            return RoutedTask(task, "not_found", "the service says that there is no such task")
        if isinstance(row, CakewalkError):
            return RoutedTask(task, "unreadable", f"it cannot be read ({row.kind})")
        state = TaskState(TaskEntry(task, "approved", "action", {}), row)
        assessment = assess(state, self.task_statuses, self.request_statuses, self.time, allow_autoprovisioning=False)
        errors = dict(reversed(assessment.errors))
        outcomes = {"kind": "not_an_action", "unknown_status": "unclear", "unclear": "unclear", "decided": "declined"}
        for reason, outcome in outcomes.items():
            if reason in errors:
                return RoutedTask(task, outcome, errors[reason], state)
        if not assessment.changes:
            return RoutedTask(task, "done" if assessment.outcome == "approved" else assessment.outcome, state=state)
        if self.apps and state.attributes["app"] not in self.apps:
            return RoutedTask(task, "app_not_allowed", "its app is not among those that may be dealt with", state)
        route = next((position for position, route in enumerate(self.routes) if route.fits(state)), None)
        if route is None:
            return RoutedTask(task, "unroutable", "no route fits its app, permission level and request type", state)
        user, level = state.attributes["user"], state.attributes["permission_level"]
        if user is None or not is_uuid(user) or not is_uuid(level or user):
            why = "it does not show the ids of its person and permission level"
            return RoutedTask(task, "unclear", why, state)
        return RoutedTask(task, "due", state=state, route=route)


def route_tasks(params: Mapping[str, Any], tenant: Tenant) -> list[RoutedTask]:
    """Return the tasks that the options of C(cakewalk_task_route_info) name, in random order.

    :raises ConfigurationError: the options are not valid.
    :raises LookupFailed: an assignee does not exist or is ambiguous.
    """
    if params["max_due"] < 0:
        raise out_of_range("max_due", params["max_due"], "Give 0 or more.")
    routes, apps = routes_of(params["routes"]), allowed_apps(params["apps"])
    rows = candidates(params, tenant)
    router = Router(
        routes=routes,
        apps=apps,
        task_statuses=tenant.task_statuses,
        request_statuses=tenant.request_statuses,
        time=tenant.time_or_none() if rows else None,
    )
    tasks = [router.route(task, row) for task, row in rows]
    users = tenant.people([task.expect["user"] for task in tasks if task.is_due]).by_id
    tasks = [
        with_user(task, users.get(task.expect["user"]), tenant.user_statuses) if task.is_due else task for task in tasks
    ]
    tasks = without_conflicts(tasks)
    if params["with_names"]:
        tasks = with_subjects(tasks, users, tenant)
    return shuffled(tasks, params["max_due"])


def routes_of(entries: Iterable[Mapping[str, Any]]) -> list[Route]:
    """Return the routes that entries with C(app), C(permission_level) and C(request_type) describe.

    :raises ConfigurationError: an entry names something other than ids, or a task could fit two routes.
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


def allowed_apps(apps: Iterable[str]) -> frozenset[str]:
    """Return the ids of the only apps that are allowed, or raise C(ConfigurationError) for an app without its id."""
    apps = list(apps)
    for app in apps:
        if not is_uuid(app):
            raise ConfigurationError(
                f"use the app {printable(app)!r}",
                "this is not an id",
                f"Name apps by their ids. {_APP_IDS}",
                option="apps",
            )
    return frozenset(app.lower() for app in apps)


def with_user(task: RoutedTask, user: Row | None, statuses: UserStatuses) -> RoutedTask:
    """Return a task with the e-mail address of its user, or why the task is not due.

    Inactive users get no access, and no address is handed over that a shell or template could interpret.
    """
    if user is None:
        return replace(task, outcome="unclear", why="its person is not in the directory")
    if task.expect["request_type"] != "remove_access":
        status = status_of(user)
        if status in statuses.inactive:
            return replace(task, outcome="inactive_user", why="its person is leaving or has left")
        if status not in statuses.may_receive_access:
            why = (
                f"the status of the person is {printable(status)!r}; `known_statuses.user.may_receive_access` can "
                "allow it"
            )
            return replace(task, outcome="unclear", why=why)
    email = user.get("email")
    if not isinstance(email, str) or _PLAIN_EMAIL.fullmatch(email) is None:
        return replace(task, outcome="unsafe_email", why="the e-mail address of its person has unusual characters")
    return replace(task, email=email)


def with_subjects(tasks: Sequence[RoutedTask], users: Mapping[str, Row], tenant: Tenant) -> list[RoutedTask]:
    """Return the tasks; those that fit a route with what they ask for, by names as far as these can be read."""
    ids = list(dict.fromkeys(task.expect["app"] for task in tasks if task.route is not None))
    apps: dict[str, Row] = {}
    levels: dict[str, Row] = {}
    with suppress(CakewalkError):
        apps = {app["id"].lower(): app for app in tenant.read(map(catalog.APPS.record, ids))}
        lists = tenant.read(map(catalog.permission_levels, apps.values()))
        levels = {level["id"].lower(): level for rows in lists for level in rows}

    def subject(expect: Mapping[str, str]) -> str:
        app, level, user = expect["app"], expect.get("permission_level"), expect["user"]
        target = catalog.describe_target(
            apps.get(app, {"id": app}),
            levels.get(level, {"id": level}) if level else None,
            expect["request_type"],
        )
        return f"{target} for {printable(catalog.person(users.get(user, {'id': user})))}"

    return [replace(task, subject=subject(task.expect)) if task.route is not None else task for task in tasks]


def without_conflicts(tasks: Sequence[RoutedTask]) -> list[RoutedTask]:
    """Return the tasks; those that ask for different things for the same user and app are no longer due.

    Which of these is right only people can know.
    """
    goals: dict[tuple[str, str], set[tuple[str, str | None]]] = defaultdict(set)
    for task in tasks:
        if task.is_due:
            goals[_subject(task)].add(_goal(task))
    why = "another task that is due asks for something else for the same person and app"
    return [
        replace(task, outcome="conflicting", why=why) if task.is_due and len(goals[_subject(task)]) > 1 else task
        for task in tasks
    ]


def shuffled(tasks: Sequence[RoutedTask], limit: int) -> list[RoutedTask]:
    """Return the tasks in random order, so that tasks that always fail do not keep others from being carried out.

    :param limit: how many tasks may be due; the others are left for another run.
    """
    in_random_order = random.sample(tasks, len(tasks))
    due = [task for task in in_random_order if task.is_due]
    late = {task.task for task in due[limit:]}
    why = "enough others are due in this run"
    return [replace(task, outcome="left_for_later", why=why) if task.task in late else task for task in in_random_order]


def _subject(task: RoutedTask) -> tuple[str, str]:
    return task.expect["user"], task.expect["app"]


def _goal(task: RoutedTask) -> tuple[str, str | None]:
    """Return what a task asks for; of two changes one level wins, but several levels can be granted."""
    request_type = task.expect["request_type"]
    return request_type, task.expect.get("permission_level") if request_type == "change_permission" else None


def _route(number: int, entry: Mapping[str, Any]) -> Route:
    app, level = entry["app"], entry["permission_level"]
    for name, value in (("app", app), ("permission_level", level)):
        if not is_uuid(value) and (name, value) != ("permission_level", _ANY):
            raise ConfigurationError(
                f"use routes[{number}].{name}",
                f"{printable(value)!r} is not an id",
                f"Give the id, which nobody can rename. {_APP_IDS if name == 'app' else _LEVEL_IDS}",
                option="routes",
            )
    return Route(app.lower(), None if level == _ANY else level.lower(), entry["request_type"])
