# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The comparison of approval tasks with what the options expect, and the guardrails of decisions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._api import catalog
from ..._api.catalog import APPS, REQUEST_TYPE_NAMES, REQUEST_TYPES, ResourceType, StatusTable, person
from ..._api.errors import CakewalkError
from ..._api.operations import Step, is_usable_id, member
from ..._api.text import pluralize, printable, summarize
from ..._api.writes import decide_task
from ..core.guardrails import LimitExceeded, ProtectedUsers
from ..core.lookup import Index, Resolver, ids_of, is_uuid, label
from ..core.people import acting_user
from ..core.plan import State
from ..core.tenant import Tenant
from .evaluation import ATTRIBUTES, TaskAssessment, TaskState

_NO_REQUESTER = "it does not show who asked for it, so it may be the acting user (`allow_self_approval` permits that)"
_HINTS = {
    "mismatch": "Look at the task in Cakewalk: it is not about what was expected.",
    "missing": "Check what the task shows, and name all of it under expect.",
    "kind": "Set `decide` only if such a task is meant.",
    "unclear": "Decide it in Cakewalk: here it must be known what it is.",
    "unknown_status": "If you know what the status means, list it under `known_statuses`.",
    "decided": "A decision cannot be reversed. To undo it, make a new request in Cakewalk.",
}


class NotAsExpected(CakewalkError):
    """Tasks are not as expected, so none is decided; C(problems) describes each difference.

    :param titles: the names of the tasks, by id.
    """

    kind = "not_as_expected"

    def __init__(self, problems: Sequence[Mapping[str, str]], titles: Mapping[str, str]) -> None:
        reasons = {problem["reason"] for problem in problems}
        super().__init__(
            "decide the tasks",
            summarize((f"{titles[problem['task']]}: {problem['message']}" for problem in problems), separator="; "),
            " ".join(["No task was touched.", *(hint for reason, hint in _HINTS.items() if reason in reasons)]),
            problems=list(problems),
        )


@dataclass(frozen=True)
class NameLookup:
    """Users, apps, and by app id permission levels, as far as they had to be read."""

    users: Index
    apps: Index
    levels: Mapping[str, Index]

    @classmethod
    def read(cls, assessments: Sequence[TaskAssessment], params: Mapping[str, Any], tenant: Tenant) -> NameLookup:
        """Read what C(expect) refers to by name, the acting user, and protected users if access is removed."""
        users = tenant.people(users_to_read(assessments, params))
        apps = tenant.index(APPS, expected_names(assessments, "app"))
        levels = levels_to_read(assessments, apps)
        return cls(users, apps, dict(zip(levels, tenant.indexes(levels.values()), strict=True)))

    def expected(self, task: TaskState, resolver: Resolver) -> dict[str, str]:
        """Return what C(expect) means, in the form of C(TaskState.attributes); keep problems with names."""
        return {name: self._expected(task, name, value, resolver) for name, value in task.entry.expect.items()}

    def label(self, task: TaskState, name: str) -> str | None:
        """Return an attribute of a task as results show it: by name if the name was read, or else by id."""
        value = task.attributes[name]
        if value is None:
            return None
        if name == "request_type":
            return REQUEST_TYPE_NAMES.get(value, value)
        index = self._index(task, name)
        row = index.by_id.get(value) if index else None
        return person(row or task.user(value)) if name == "user" else label(row or {"id": value})

    def title(self, task: TaskState) -> str:
        """Return the request type or kind of a task with its app, level and person, as far as it shows them."""
        labels = {name: self.label(task, name) for name in ATTRIBUTES}
        of = f" of {labels['app']}" if labels["app"] else ""
        at = f" ({labels['permission_level']})" if labels["permission_level"] else ""
        user = f" for {labels['user']}" if labels["user"] else ""
        return f"{labels['request_type'] or f'{task.kind} task'}{of}{at}{user}"

    def named(self, task: TaskState) -> str:
        """Return the id of a task and what it is about, for messages."""
        return f"the task {task.row['id']} ({printable(self.title(task))})"

    def completed(self, tasks: Iterable[TaskState], tenant: Tenant) -> NameLookup:
        """Return this with the apps of the tasks and their levels, for a message; what cannot be read keeps its id."""
        shown = [task.attributes for task in tasks if task.attributes["app"] and is_usable_id(task.attributes["app"])]
        ids = {str(attributes["app"]) for attributes in shown}
        with_levels = {str(attributes["app"]) for attributes in shown if attributes["permission_level"]}
        missing = sorted(ids - self.apps.by_id.keys())
        try:
            apps = tenant.index(APPS, missing).replacing(self.apps.by_id.values()) if missing else self.apps
            owners = sorted((with_levels & apps.by_id.keys()) - self.levels.keys())
            read = tenant.indexes((catalog.permission_levels_of(apps.by_id[app]), None) for app in owners)
        except CakewalkError:
            return self
        return NameLookup(self.users, apps, {**dict(zip(owners, read, strict=True)), **self.levels})

    def describe(self, task: TaskState) -> str:
        """Return the kind and attributes of a task, for messages."""
        labels = {"kind": task.kind, **{name: self.label(task, name) for name in ATTRIBUTES}}
        return summarize(f"{name} {printable(value)}" for name, value in labels.items() if value is not None)

    def _expected(self, task: TaskState, name: str, value: str, resolver: Resolver) -> str:
        if name == "request_type":
            return REQUEST_TYPES[value]
        if is_uuid(value):
            return value.lower()
        index = self._index(task, name)
        row = resolver.find(value, index) if index else None
        return row["id"].lower() if row else value

    def _index(self, task: TaskState, name: str) -> Index | None:
        """Return the index for an attribute; C(None) for levels that were not read, as those of an unexpected app."""
        if name == "permission_level":
            return self.levels.get(task.attributes["app"] or "")
        return self.users if name == "user" else self.apps


def users_to_read(assessments: Sequence[TaskAssessment], params: Mapping[str, Any]) -> list[str]:
    """Return references to the acting user, expected users, and protected users if access is removed."""
    actor = [params["acting_user"]] if params["acting_user"] else []
    protected = params["protected_users"] if any(assessment.removes_access for assessment in assessments) else []
    return list(dict.fromkeys([*actor, *expected_names(assessments, "user"), *protected]))


def expected_names(assessments: Iterable[TaskAssessment], attribute: str) -> list[str]:
    """Return the expected values of an attribute that are names or addresses rather than ids."""
    values = (assessment.task.entry.expect.get(attribute) for assessment in assessments)
    return list(dict.fromkeys(value for value in values if value is not None and not is_uuid(value)))


def levels_to_read(assessments: Iterable[TaskAssessment], apps: Index) -> dict[str, tuple[ResourceType, list[str]]]:
    """Return by app id the levels that are expected by name, except those of an unexpected app."""
    levels: dict[str, tuple[ResourceType, list[str]]] = {}
    for assessment in assessments:
        attributes, expect = assessment.task.attributes, assessment.task.entry.expect
        app, level = attributes["app"], expect.get("permission_level")
        if level is None or is_uuid(level) or attributes["permission_level"] is None:
            continue
        is_expected = "app" not in expect or app in {expect["app"].lower(), *ids_of(apps.matches(expect["app"]))}
        if app is not None and is_usable_id(app) and is_expected:
            kind = catalog.permission_levels_of(apps.by_id.get(app, {"id": app}))
            levels.setdefault(app, (kind, []))[1].append(level)
    return levels


def check(assessments: Sequence[TaskAssessment], names: NameLookup, params: Mapping[str, Any], tenant: Tenant) -> None:
    """Compare tasks with what is expected, and check the guardrails of the decisions.

    :raises LookupFailed: a user, app or level does not exist or is ambiguous.
    :raises ConfigurationError: C(acting_user) may not act.
    :raises NotAsExpected: a task is not as expected; the error names all differences of all tasks.
    :raises LimitExceeded: the acting user would decide their own task, or access of protected users would be removed.
    """
    resolver = Resolver()
    expected = [names.expected(assessment.task, resolver) for assessment in assessments]
    actors = [params["acting_user"]] if params["acting_user"] else []
    protected = ProtectedUsers([*params["protected_users"], *actors], [])
    removing = [assessment.task for assessment in assessments if assessment.removes_access]
    if removing:
        protected.look_up(names.users, resolver)
    actor = acting_user(params["acting_user"], names.users, tenant, resolver) if actors else None
    resolver.check()

    def differences() -> list[dict[str, str]]:
        return [
            {"task": assessment.task.row["id"], "reason": reason, "message": message}
            for assessment, values in zip(assessments, expected, strict=True)
            for reason, message in (*assessment.errors, *_differences(assessment.task, values, names))
        ]

    problems = differences()
    if problems:
        different = {problem["task"] for problem in problems}
        tasks = [assessment.task for assessment in assessments if assessment.task.row["id"] in different]
        names = names.completed(tasks, tenant)
        problems = differences()
    deciding = [assessment.task for assessment in assessments if assessment.changes]
    actor_id = actor["id"].lower() if actor and not params["allow_self_approval"] else None
    if actor_id:
        problems += [
            {"task": task.row["id"], "reason": "unclear", "message": _NO_REQUESTER}
            for task in deciding
            if task.has_request and task.requester is None
        ]
    if problems:
        raise NotAsExpected(problems, {one.task.row["id"]: names.named(one.task) for one in assessments})
    own = [task for task in deciding if actor_id and actor_id in (task.attributes["user"], task.requester)]
    if actor and own:
        raise LimitExceeded(
            f"decide {summarize(map(names.named, own))}",
            f"the acting user {printable(person(actor))} asked for it, or it is about this person",
            "No task was touched. Let another admin act, or set `allow_self_approval` if that is meant.",
            tasks=[task.row["id"] for task in own],
        )
    _refuse_protected(removing, protected, names)


def step_of(assessment: TaskAssessment, names: NameLookup, statuses: StatusTable) -> Step:
    """Return the step that decides a task."""
    task = assessment.task
    user = names.label(task, "user")
    users = (user,) if user else ()
    return decide_task(task.row, assessment.outcome, statuses, names.describe(task), users, f"the {names.title(task)}")


def states_of(decided: Iterable[TaskAssessment], names: NameLookup) -> tuple[State, State]:
    """Return the statuses of tasks before and after their decisions, under what is decided."""
    before: dict[str, list[str]] = {}
    after: dict[str, list[str]] = {}
    for assessment in decided:
        row, verb = assessment.task.row, {"approved": "approve", "declined": "decline"}[assessment.outcome]
        header = f"Task: {verb} {names.title(assessment.task)}"
        before.setdefault(header, []).append(f"{row['status']} (task {row['id']})")
        after.setdefault(header, []).append(f"{assessment.outcome} (task {row['id']})")
    return before, after


def remark_of(assessments: Iterable[TaskAssessment]) -> str:
    """Return which tasks are not decided, as a clause."""
    idle = Counter(
        "left alone" if assessment.is_left_alone else f"{assessment.outcome} already"
        for assessment in assessments
        if not assessment.changes
    )
    return "; ".join(f"{pluralize(number, 'task is', 'tasks are')} {words}" for words, number in sorted(idle.items()))


def result_of(assessments: Sequence[TaskAssessment], names: NameLookup, is_bulk: bool) -> dict[str, Any]:
    """Return the result of C(cakewalk_task); in bulk form it lists no tasks that are in the wanted state already."""
    changed = sum(assessment.changes for assessment in assessments)
    left_alone = sum(assessment.is_left_alone for assessment in assessments)
    return {
        "decisions": [
            _decision(assessment, names)
            for assessment in assessments
            if not is_bulk or assessment.changes or assessment.is_left_alone
        ],
        "summary": {
            "tasks": len(assessments),
            "changed": changed,
            "unchanged": len(assessments) - changed - left_alone,
            "left_alone": left_alone,
        },
    }


def _decision(assessment: TaskAssessment, names: NameLookup) -> dict[str, Any]:
    task, row = assessment.task, assessment.task.row
    return {
        "task": row["id"],
        "state": task.entry.state,
        "outcome": assessment.outcome,
        "changed": assessment.changes,
        "status": row["status"],
        "kind": task.kind,
        **{name: names.label(task, name) for name in ATTRIBUTES},
        "user_id": task.attributes["user"],
        "app_id": task.attributes["app"],
        "snoozed_till": row.get("snoozedTill"),
        "assigned_to": member(row, "assignedUser.email") or member(row, "assignedUser.id"),
    }


def _differences(task: TaskState, expected: Mapping[str, str], names: NameLookup) -> Iterator[tuple[str, str]]:
    """Yield the attributes that differ from what is expected, and those that an approval fails to expect."""
    missing = {}
    for name, value in task.attributes.items():
        shown = "none" if value is None else repr(printable(names.label(task, name)))
        if name in expected:
            if expected[name] != value:
                written, named = task.entry.expect[name], names.label(task, name)
                # The name alone would not show the difference from an id, or from the level of another app.
                also = f" ({printable(value)})" if named != value and (is_uuid(written) or written == named) else ""
                yield "mismatch", f"expect.{name} is {printable(written)!r}, the task shows {shown}{also}"
        elif value is not None or name == ("request_type" if task.has_request else "user"):
            missing[name] = shown
    if missing and task.entry.state == "approved":
        shows = summarize(f"{name} {shown}" for name, shown in missing.items())
        yield "missing", f"an approval must expect {summarize(missing)}, the task shows {shows}"


def _refuse_protected(tasks: Iterable[TaskState], protected: ProtectedUsers, names: NameLookup) -> None:
    hit = [
        (task, printable(person(names.users.by_id.get(identifier) or task.user(identifier))))
        for task in tasks
        for identifier in (task.attributes["user"], task.leaver)
        if identifier and protected.covers({"id": identifier})
    ]
    if hit:
        raise LimitExceeded(
            f"approve {summarize(dict.fromkeys(names.named(task) for task, _user in hit))}",
            f"it would take access from protected people: {summarize(dict.fromkeys(user for _task, user in hit))}",
            "No task was touched. Decline it or leave it out, or take them out of `protected_users`; the acting "
            "user is always protected.",
            tasks=list(dict.fromkeys(task.row["id"] for task, _user in hit)),
        )
