# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The assessment of approval tasks by what their records show, without a request.

A task is the action step of an access request, a review of a request, or standalone: without a request.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from ..._api.catalog import REQUEST_TYPES, StatusTable
from ..._api.errors import ConfigurationError, places
from ..._api.operations import member
from ..._api.text import printable, summarize
from ..core.entries import entries_of
from ..core.lookup import Row, is_uuid
from ..core.tenant import Tenant
from ..core.timestamps import moment

#: The attributes that C(expect) can name, and the members of the request that show them.
ATTRIBUTES = {
    "request_type": "requestType",
    "user": "targetUserId",
    "app": "workAppId",
    "permission_level": "permissionLevelId",
}
#: Requests that remove access; a change removes the old level.
_REMOVING = frozenset(REQUEST_TYPES[name] for name in ("remove_access", "change_permission"))
_OPPOSITE = {"approved": "declined", "declined": "approved"}
_KINDS = {"action": "an action step", "review": "a review", "standalone": "a standalone task, without a request"}
#: Why a task is left alone, in the words of a warning.
_LEFT_ALONE = {
    "cancelled": "cancelled, so there is nothing left to decide",
    "snoozed": "snoozed, so they are left alone until then",
    "autoprovisioning": "for the vendor's agent to carry out, so they are left alone without `allow_autoprovisioning`",
    "not_actionable": "in a status in which they cannot be decided, so they are left alone",
}


@dataclass(frozen=True)
class TaskEntry:
    """The decision that the options name for a task.

    :param decide: the expected kind of the task.
    :param expect: the expected attributes, as written.
    """

    task: str
    state: str
    decide: str
    expect: Mapping[str, str]


@dataclass(frozen=True)
class TaskState:
    """The record of a task, and the entry about it."""

    entry: TaskEntry
    row: Row

    @property
    def has_request(self) -> bool:
        """Whether the task belongs to an access request."""
        return self.row.get("request") is not None

    @property
    def kind(self) -> str | None:
        """C(action), C(review) or C(standalone); C(None) if the record does not show it."""
        if not self.has_request:
            return "standalone"
        is_action = self.row.get("isActionStep")
        return ("action" if is_action else "review") if isinstance(is_action, bool) else None

    @cached_property
    def attributes(self) -> dict[str, str | None]:
        """The attributes that the record shows: the request type in the vendor's word, ids in lower case."""
        values = {name: member(self.row, f"request.{wire}") for name, wire in ATTRIBUTES.items()}
        if not self.has_request:
            values["user"] = next((user["id"] for user in self._users()), None)
        return {
            name: None if value is None else str(value) if name == "request_type" else str(value).lower()
            for name, value in values.items()
        }

    @property
    def requester(self) -> str | None:
        """The id of the person who made the request, in lower case; C(None) if the record does not show it."""
        return _lower(member(self.row, "request.requestedByUserId"))

    @property
    def leaver(self) -> str | None:
        """The id of the person who is offboarded, in lower case; C(None) if the record does not show it."""
        return _lower(member(self.row, "offboardingMetadata.targetUser.id"))

    @property
    def snoozed_till(self) -> datetime | None:
        """The time until which the task is snoozed; C(None) if it is not snoozed, or the time is not valid."""
        return moment(self.row.get("snoozedTill"))

    def user(self, identifier: str) -> Row:
        """Return the record of a user, as far as the task shows it."""
        return next((user for user in self._users() if user["id"].lower() == identifier), {"id": identifier})

    def _users(self) -> Iterator[Row]:
        """Yield the users that a task without a request may be about: the leaver, then the assignee."""
        for name in ("offboardingMetadata.targetUser", "assignedUser"):
            user = member(self.row, name)
            if isinstance(user, Mapping) and isinstance(user.get("id"), str):
                yield user


@dataclass(frozen=True)
class TaskAssessment:
    """The outcome of a task, as far as its record decides it.

    :param outcome: the wanted state, or the reason why the task is left alone.
    :param changes: whether the task is decided now.
    :param errors: what prevents any decision, as pairs of a reason for programs and a clause for people.
    """

    task: TaskState
    outcome: str
    changes: bool
    errors: tuple[tuple[str, str], ...] = ()

    @property
    def is_left_alone(self) -> bool:
        """Whether the task is neither decided nor in the wanted state already."""
        return self.outcome in _LEFT_ALONE

    @property
    def removes_access(self) -> bool:
        """Whether the decision approves a removal of access."""
        is_offboarding = self.task.row.get("offboardingMetadata") is not None
        is_removal = is_offboarding or self.task.attributes["request_type"] in _REMOVING
        return self.changes and self.outcome == "approved" and is_removal


def entries_of_task(params: Mapping[str, Any]) -> list[TaskEntry]:
    """Return the entries of a task; an entry inherits C(state) and C(decide).

    :raises ConfigurationError: a task is not an id or is named twice, or C(state) is missing.
    """
    entries = [_entry(entry, params) for entry in entries_of(params, "decisions", "task")]
    repeated = [identifier for identifier, times in Counter(entry.task for entry in entries).items() if times > 1]
    if repeated:
        raise ConfigurationError(
            "use decisions",
            f"{summarize(repeated)} is named more than once",
            "Name each task once.",
            option="decisions",
        )
    return entries


def check_actor(entries: Iterable[TaskEntry], params: Mapping[str, Any], tenant: Tenant) -> None:
    """Check that the acting user is named where self-approval would be possible.

    :raises ConfigurationError: C(acting_user) is missing.
    """
    others = sorted({entry.decide for entry in entries} - {"action"})
    if others and not params["acting_user"]:
        missing = ConfigurationError(
            f"decide: {' and '.join(others)}",
            "`acting_user` is not set, so nothing shows whether people decide about themselves",
            f"Set {places('acting_user')} to the e-mail address or id of the person who decides.",
            option="acting_user",
        )
        tenant.refuse(missing)


def assess(
    task: TaskState,
    task_statuses: StatusTable,
    request_statuses: StatusTable,
    time: datetime | None,
    allow_autoprovisioning: bool,
) -> TaskAssessment:
    """Return the assessment of a task by its record alone; C(check) compares it with what is expected.

    :param time: the time of the service; without it, no snooze counts as over.
    """
    status = task_statuses.class_of(task.row.get("status"))
    request_status = request_statuses.class_of(member(task.row, "request.requestStatus"))
    state = task.entry.state
    errors = tuple(_errors(task, status, request_status))
    if status == state:
        return TaskAssessment(task, state, False, errors)
    obstacle = _obstacle(task, status, request_status, time, allow_autoprovisioning)
    return TaskAssessment(task, obstacle or state, obstacle is None, errors)


def warnings(assessments: Iterable[TaskAssessment], title: Callable[[TaskState], str]) -> list[str]:
    """Return a warning for each reason for which tasks are left alone.

    :param title: returns what a task is about.
    """
    tasks: dict[str, list[str]] = {}
    for assessment in assessments:
        tasks.setdefault(assessment.outcome, []).append(_with_status(assessment.task, assessment.outcome, title))
    return [
        f"Some tasks are {reason}: {summarize(tasks[outcome])}."
        for outcome, reason in _LEFT_ALONE.items()
        if outcome in tasks
    ]


def _entry(entry: Mapping[str, Any], params: Mapping[str, Any]) -> TaskEntry:
    action = f"decide the task {printable(entry['task'])!r}"
    state = entry["state"] or params["state"]
    if not is_uuid(entry["task"]):
        raise ConfigurationError(
            action,
            "this is not an id",
            "Name a task by its id, as `cakewalk_info` or an event shows it.",
            option="task",
        )
    if state is None:
        raise ConfigurationError(
            action, "state is missing, and nothing is decided by default", "Set approved or declined.", option="state"
        )
    expect = {name: value for name, value in (entry["expect"] or {}).items() if value is not None}
    return TaskEntry(entry["task"].lower(), state, entry["decide"] or params["decide"], expect)


def _errors(task: TaskState, status: str | None, request_status: str | None) -> Iterator[tuple[str, str]]:
    """Yield what the record does not show, statuses in no table, and another kind or decision than the entry names."""
    if task.kind is None:
        yield "unclear", "isActionStep is not shown, so it may be the action step or a review"
    elif task.kind != task.entry.decide:
        yield "kind", f"it is {_KINDS[task.kind]}, which needs `decide: {task.kind}`"
    if not isinstance(task.row.get("isAutoprovisioning"), bool):
        yield "unclear", "isAutoprovisioning is not shown, so it may be for the vendor's agent"
    hidden = [name for name in _required(task) if task.attributes[name] is None]
    if hidden and task.entry.state == "approved":
        yield "unclear", f"it does not show the {' and '.join(hidden)} that it is about"
    if task.row.get("offboardingMetadata") is not None and task.leaver is None:
        yield "unclear", "it does not show who is offboarded"
    till = task.row.get("snoozedTill")
    if till is not None and task.snoozed_till is None:
        yield "unclear", f"it is snoozed until {printable(till)!r}, which is not a time"
    if status is None:
        yield "unknown_status", f"its status {printable(task.row.get('status'))!r} is not in `known_statuses.task`"
    if task.has_request and request_status is None:
        word = printable(member(task.row, "request.requestStatus"))
        yield "unknown_status", f"the status {word!r} of its request is not in `known_statuses.request`"
    if status == _OPPOSITE[task.entry.state]:
        yield "decided", f"it is {status} already"


def _required(task: TaskState) -> tuple[str, ...]:
    """Return the attributes that a task must show to be approved; requests about access have a user and an app."""
    request_type = task.attributes["request_type"]
    if request_type == REQUEST_TYPES["change_permission"]:
        return "user", "app", "permission_level"
    if request_type in (REQUEST_TYPES["grant_access"], REQUEST_TYPES["remove_access"]):
        return "user", "app"
    return ()


def _obstacle(
    task: TaskState,
    status: str | None,
    request_status: str | None,
    time: datetime | None,
    allow_autoprovisioning: bool,
) -> str | None:
    """Return why a task is left alone, C(None) if it can be decided.

    A request may be called granted once its reviews are done, so that does not prevent its action step.
    """
    if "cancelled" in (status, request_status) or member(task.row, "request.cancelledByUserId") is not None:
        return "cancelled"
    till = task.snoozed_till
    if status == "actionable" and till is not None and (time is None or till > time):
        return "snoozed"
    if task.row.get("isAutoprovisioning") and not allow_autoprovisioning:
        return "autoprovisioning"
    return None if status == "actionable" and request_status != "declined" else "not_actionable"


def _with_status(task: TaskState, outcome: str, title: Callable[[TaskState], str]) -> str:
    """Return the name of a task in a warning."""
    name = f"{printable(title(task))} (task {task.row['id']}"
    if outcome == "snoozed":
        return f"{name}, until {printable(task.row['snoozedTill'])})"
    request_status = member(task.row, "request.requestStatus")
    of_request = f", its request {printable(request_status)}" if request_status is not None else ""
    return f"{name}, {printable(task.row['status'])}{of_request})"


def _lower(value: Any) -> str | None:
    return value.lower() if isinstance(value, str) else None
