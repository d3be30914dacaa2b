# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of approval tasks by what they show of themselves, without a request.

A task is the action step of a request, a review of one, or standalone: without a request.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from ..._api.catalog import REQUEST_TYPES, StatusTable
from ..._api.errors import ConfigurationError
from ..._api.operations import member
from ..._api.text import printable, summarize
from ..core.entries import entries_of
from ..core.lookup import Row, is_uuid
from ..core.timestamps import moment

#: What C(expect) can name, and which member of the request shows it.
SHOWN_BY = {
    "request_type": "requestType",
    "user": "targetUserId",
    "app": "workAppId",
    "permission_level": "permissionLevelId",
}
#: What takes something from somebody once it is approved; a change takes the old level.
_TAKING = frozenset(REQUEST_TYPES[name] for name in ("remove_access", "change_permission"))
_OPPOSITE = {"approved": "declined", "declined": "approved"}
_WORDS = {"action": "an action step", "review": "a review", "standalone": "a standalone task, without a request"}
#: Why a task is left alone, and what a warning says of it.
_LEFT_ALONE = {
    "cancelled": "cancelled, so there is nothing left to decide",
    "snoozed": "snoozed, so they are left alone until then",
    "autoprovisioning": "for the vendor's agent to carry out, so they are left alone without allow_autoprovisioning",
    "not_actionable": "in a status in which they cannot be decided, so they are left alone",
}


@dataclass(frozen=True)
class TaskEntry:
    """What is wanted of one task.

    :param decide: which kind of task it is taken for.
    :param expect: what it is taken to be about, as written; what is not given is not in it.
    """

    task: str
    state: str
    decide: str
    expect: Mapping[str, str]


@dataclass(frozen=True)
class TaskState:
    """A claim, and the task that it is about as it was read."""

    claim: TaskEntry
    row: Row

    @property
    def has_request(self) -> bool:
        """Whether it belongs to a request."""
        return self.row.get("request") is not None

    @property
    def kind(self) -> str | None:
        """What it is; C(None) where the record does not tell."""
        if not self.has_request:
            return "standalone"
        is_action = self.row.get("isActionStep")
        return ("action" if is_action else "review") if isinstance(is_action, bool) else None

    @cached_property
    def shown(self) -> dict[str, str | None]:
        """What it is about: the request type in the vendor's word, everything else by id in lower case."""
        found = {name: member(self.row, f"request.{one}") for name, one in SHOWN_BY.items()}
        if not self.has_request:
            found["user"] = next((one["id"] for one in self._people()), None)
        return {
            name: None if value is None else str(value) if name == "request_type" else str(value).lower()
            for name, value in found.items()
        }

    @property
    def snoozed_till(self) -> datetime | None:
        """Until when it is put off; C(None) where it is not, or not until a time that can be read."""
        return moment(self.row.get("snoozedTill"))

    @property
    def leaver(self) -> str | None:
        """The id, in lower case, of who is offboarded, if somebody is and is shown."""
        found = member(self.row, "offboardingMetadata.targetUser.id")
        return found.lower() if isinstance(found, str) else None

    def shown_person(self, identifier: str) -> Row | None:
        """Return what the record shows of a person, if it does."""
        return next((one for one in self._people() if one["id"].lower() == identifier), None)

    def _people(self) -> Iterator[Row]:
        """Whom it concerns where it has no request: the leaver, else the one it is assigned to."""
        for name in ("offboardingMetadata.targetUser", "assignedUser"):
            found = member(self.row, name)
            if isinstance(found, Mapping) and isinstance(found.get("id"), str):
                yield found


@dataclass(frozen=True)
class TaskAssessment:
    """What becomes of a task.

    :param outcome: the wanted state, or why it is left alone.
    :param changes: whether it is decided now.
    :param flaws: what forbids to go on with it whatever is expected, as reasons with clauses.
    """

    case: TaskState
    outcome: str
    changes: bool
    flaws: tuple[tuple[str, str], ...] = ()

    @property
    def is_left_alone(self) -> bool:
        """Whether it is neither decided nor in the wanted state already."""
        return self.outcome in _LEFT_ALONE

    @property
    def takes(self) -> bool:
        """Whether it approves that something be taken from somebody."""
        offboards = self.case.row.get("offboardingMetadata") is not None
        return self.changes and self.outcome == "approved" and (offboards or self.case.shown["request_type"] in _TAKING)


def claims_of(params: Mapping[str, Any]) -> list[TaskEntry]:
    """Return what is wanted of which task; an entry of the bulk form inherits C(state) and C(decide).

    :raises ConfigurationError: a task is no id or named twice, C(state) is missing, or nobody acts where that matters.
    """
    claims = [_claim(entry, params) for entry in entries_of(params, "decisions", "task")]
    twice = [identifier for identifier, times in Counter(claim.task for claim in claims).items() if times > 1]
    if twice:
        raise ConfigurationError(
            "use decisions", f"{summarize(twice)} is named more than once", "Name each task once.", option="decisions"
        )
    others = sorted({claim.decide for claim in claims} - {"action"})
    if others and not params["acting_user"]:
        raise ConfigurationError(
            f"decide: {' and '.join(others)}",
            "acting_user is not set, so it cannot be told whether somebody decides what is their own",
            "Set acting_user (CAKEWALK_ACTING_USER) to the e-mail address or id of whoever decides.",
            option="acting_user",
        )
    return claims


def assess(
    case: TaskState,
    task_statuses: StatusTable,
    request_statuses: StatusTable,
    now: datetime,
    allow_autoprovisioning: bool,
) -> TaskAssessment:
    """Return what becomes of a task by what it shows of itself; C(check) holds it against what is expected."""
    status = task_statuses.class_of(case.row.get("status"))
    request = request_statuses.class_of(member(case.row, "request.requestStatus"))
    flaws = [*_unclear(case), *_unknown(case, status, request)]
    if status == _OPPOSITE[case.claim.state]:
        flaws.append(("decided", f"it is {status} already"))
    if status == case.claim.state:
        return TaskAssessment(case, case.claim.state, False, tuple(flaws))
    obstacle = _obstacle(case, status, request, now, allow_autoprovisioning)
    return TaskAssessment(case, obstacle or case.claim.state, obstacle is None, tuple(flaws))


def warnings(verdicts: Iterable[TaskAssessment]) -> list[str]:
    """Return a warning for each reason for which tasks are left alone, with their names."""
    verdicts = list(verdicts)
    told = []
    for outcome, words in _LEFT_ALONE.items():
        cases = [verdict.case for verdict in verdicts if verdict.outcome == outcome]
        if cases:
            told.append(f"Some tasks are {words}: {summarize(_as_left(case, outcome) for case in cases)}.")
    return told


def _claim(entry: Mapping[str, Any], params: Mapping[str, Any]) -> TaskEntry:
    attempt = f"decide the task {printable(entry['task'])!r}"
    state = entry["state"] or params["state"]
    if not is_uuid(entry["task"]):
        raise ConfigurationError(
            attempt, "this is no id", "Name a task by its id, as cakewalk_info or an event shows it.", option="task"
        )
    if state is None:
        raise ConfigurationError(
            attempt, "state is missing, and nothing is decided by default", "Set approved or declined.", option="state"
        )
    expect = {name: value for name, value in (entry["expect"] or {}).items() if value is not None}
    return TaskEntry(entry["task"].lower(), state, entry["decide"] or params["decide"], expect)


def _unclear(case: TaskState) -> Iterator[tuple[str, str]]:
    """Tell what the record leaves open, and a task of another kind than is to be decided."""
    if case.kind is None:
        yield "unclear", "isActionStep is not shown, so it may be the action step or a review"
    elif case.kind != case.claim.decide:
        yield "kind", f"it is {_WORDS[case.kind]}, and decide is {case.claim.decide}"
    if not isinstance(case.row.get("isAutoprovisioning"), bool):
        yield "unclear", "isAutoprovisioning is not shown, so it may be for the vendor's agent"
    if case.claim.state == "approved":
        hidden = [name for name in _must_show(case) if case.shown[name] is None]
        if hidden:
            yield "unclear", f"it does not show the {' and '.join(hidden)} that it is about"
    if case.row.get("offboardingMetadata") is not None and case.leaver is None:
        yield "unclear", "it does not show who is offboarded"
    till = case.row.get("snoozedTill")
    if till is not None and case.snoozed_till is None:
        yield "unclear", f"it is snoozed till {printable(till)!r}, which is no time"


def _must_show(case: TaskState) -> tuple[str, ...]:
    """Return what a task must show to be approved: requests about somebody's access are about a user and an app."""
    request_type = case.shown["request_type"]
    if request_type == REQUEST_TYPES["change_permission"]:
        return "user", "app", "permission_level"
    if request_type in (REQUEST_TYPES["grant_access"], REQUEST_TYPES["remove_access"]):
        return "user", "app"
    return ()


def _unknown(case: TaskState, status: str | None, request: str | None) -> Iterator[tuple[str, str]]:
    """Tell the status words that are in no table."""
    if status is None:
        yield "unknown_status", f"its status {printable(case.row.get('status'))!r} is not in known_statuses.task"
    if case.has_request and request is None:
        word = printable(member(case.row, "request.requestStatus"))
        yield "unknown_status", f"the status {word!r} of its request is not in known_statuses.request"


def _obstacle(
    case: TaskState, status: str | None, request: str | None, now: datetime, allow_autoprovisioning: bool
) -> str | None:
    """Return why a task is left alone; C(None) where it can be decided.

    A request may be called granted once its reviews are done, so that keeps nobody from its action step.
    """
    if "cancelled" in (status, request) or member(case.row, "request.cancelledByUserId") is not None:
        return "cancelled"
    if status == "actionable" and case.snoozed_till is not None and case.snoozed_till > now:
        return "snoozed"
    if case.row.get("isAutoprovisioning") and not allow_autoprovisioning:
        return "autoprovisioning"
    return None if status == "actionable" and request != "declined" else "not_actionable"


def _as_left(case: TaskState, outcome: str) -> str:
    """Return how a warning names a task that is left alone."""
    if outcome == "snoozed":
        return f"{case.row['id']} (till {printable(case.row['snoozedTill'])})"
    request = member(case.row, "request.requestStatus")
    of_request = f", its request {printable(request)}" if request is not None else ""
    return f"{case.row['id']} ({printable(case.row['status'])}{of_request})"
