# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The outcome for each person who joins: what the person gets, what waits for others, and what went wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..._api.catalog import person
from ..._api.errors import CakewalkError
from ..._api.text import printable, summarize
from ..access.evaluation import CHANGING, CONFLICT, DECLINED, GRANTED, REQUESTED, AccessDecision
from ..core.access_requests import CHANGE, GRANT, Requests, of_type
from ..core.lookup import Row, label
from .people_result import person_result

Entry = dict[str, Any]

_PENDING = (REQUESTED, CHANGING)
_ASK = "Ask the people who decided, then request it with `cakewalk_app_access` and `retry_declined`."
_CANCEL = "Cancel or decide that request in Cakewalk, and run again."


@dataclass(eq=False)
class JoiningPerson:
    """A person who joins: the options, and the progress of the run.

    :param extra: extra access as written: pairs of app and permission level.
    :param user: C(None) while the directory does not show the person.
    :param near: similar addresses in the directory, for a person who is missing.
    :param groups: the groups to be a member of.
    :param wanted: the extra access: pairs of app and permission level.
    :param added: the ids of the groups to which the run adds the person.
    :param failed: the ids of the groups and apps of steps that failed.
    """

    reference: str
    group_names: tuple[str, ...]
    extra: tuple[tuple[str, str | None], ...]
    purpose: str
    user: Row | None = None
    near: list[str] = field(default_factory=list)
    groups: list[Row] = field(default_factory=list)
    wanted: list[tuple[Row, Row | None]] = field(default_factory=list)
    decisions: list[AccessDecision] = field(default_factory=list)
    added: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The e-mail address, or the reference while the person is missing."""
        return person(self.user) if self.user else self.reference


class NotJoined(CakewalkError):
    """People did not get everything that they were to get."""

    kind = "not_joined"

    @classmethod
    def of(cls, people: Sequence[Entry]) -> NotJoined | None:
        """Return the error about people with errors; C(None) without any."""
        failed = [entry for entry in people if entry["errors"]]
        if not failed:
            return None
        messages = dict.fromkeys(message.rstrip(".") for entry in failed for message in entry["errors"])
        return cls(
            f"onboard {summarize(printable(entry['user']['email']) for entry in failed)}",
            summarize(messages, separator="; "),
            "'people' says what each person got. Run again: a run does nothing twice.",
            failed=len(failed),
        )


def plan_lines(
    joiners: Iterable[JoiningPerson], default_apps: Mapping[str, Sequence[Row]], wait_timeout: int
) -> list[str]:
    """Return a line for each group that a person joins, with the apps that it gives, and for each requested app.

    :param default_apps: the default apps of each group, by the id of the group.
    """
    return [
        printable(f"{joiner.name}: {line}") for joiner in joiners for line in _lines(joiner, default_apps, wait_timeout)
    ]


def _lines(joiner: JoiningPerson, default_apps: Mapping[str, Sequence[Row]], wait_timeout: int) -> list[str]:
    is_missing = joiner.user is None
    joined = [group for group in joiner.groups if is_missing or group["id"].lower() in joiner.added]
    sources = {app["id"].lower(): label(group) for group in joined for app in default_apps[group["id"]]}
    lines = []
    for group in joined:
        names = sorted(map(label, default_apps[group["id"]]))
        gives = f"access to {', '.join(names)}" if names else "no access"
        lines.append(f"joins {label(group)}, which gives {gives}")
    for app, level in joiner.wanted if is_missing else ():
        lines.append(f"requests {_named(app, level)}{_unless(sources.get(app['id'].lower()))}")
    for decision in joiner.decisions:
        name = _named(decision.app, decision.level)
        if decision.step:
            lines.append(f"requests {name}{_unless(sources.get(decision.app['id'].lower()))}")
        elif decision.outcome in _PENDING:
            lines.append(f"has an open request for {name}")
        elif decision.outcome == DECLINED:
            lines.append(f"gets no new request for {name}, which was declined before")
    if is_missing:
        waits = f"the run waits up to {wait_timeout} seconds" if wait_timeout else "the run does not wait"
        return [f"is not in the directory yet, and {waits}", *(f"once there, {line}" for line in lines)]
    return lines or ["nothing changes"]


def _unless(group: str | None) -> str:
    return f", unless a request for it follows from {group}" if group else ""


def _named(app: Row, level: Row | None) -> str:
    return f"{label(app)} ({label(level)})" if level else label(app)


def outcome_of(
    joiner: JoiningPerson,
    default_apps: Mapping[str, Sequence[Row]],
    requests: Requests | None,
    is_dry_run: bool,
    approves: bool,
) -> Entry:
    """Return the entry of a person in the result.

    :param requests: the requests after the run, or before a dry run; C(None) if they could not be read.
    :param approves: whether the run approves the requests that follow from groups.
    """
    user = joiner.user
    waiting: list[Entry] = []
    by_hand: list[Entry] = []
    accesses: list[Entry] = []
    decisions = {decision.app["id"]: decision for decision in joiner.decisions}
    for app, level in joiner.wanted:
        decision = decisions.get(app["id"])
        request = _latest(decision, requests)
        outcome = decision.outcome if decision else "not_requested"
        outcome = "failed" if app["id"].lower() in joiner.failed else outcome
        status = request.get("requestStatus") if request else None
        accesses.append(
            {
                "app": label(app),
                "app_id": app["id"],
                "permission_level": label(level) if level else None,
                "outcome": outcome,
                "request_id": request["id"] if request else None,
                "request_status": status,
            }
        )
        is_over = request and requests and requests.class_of(request) in ("declined", "cancelled")
        entry = {"what": "access", "id": app["id"], "name": _named(app, level), "request_id": None}
        entry |= {"request_id": request["id"]} if request else {}
        if outcome == DECLINED or (outcome in _PENDING and is_over):
            by_hand.append({**entry, "why": f"its request is {status}", "do": _ASK})
        elif outcome == CONFLICT:
            by_hand.append({**entry, "why": "an open request asks for something else", "do": _CANCEL})
        elif outcome in _PENDING:
            why = "it would be requested" if is_dry_run else "it was requested a moment ago"
            waiting.append(_waiting(entry, f"its request is {status}" if request else why, request))
    waiting += _following(joiner, default_apps, requests, is_dry_run and not approves)
    if user is None and not joiner.errors:
        near = f"; similar: {', '.join(joiner.near)}" if joiner.near else ""
        entry = {"what": "person", "id": None, "name": joiner.reference, "request_id": None}
        waiting.append(_waiting(entry, f"the directory does not show the person yet{near}", None))
    return {
        "user": person_result(user) if user else {"id": None, "name": None, "email": joiner.name, "status": None},
        "complete": not (joiner.errors or waiting or by_hand),
        "waiting": waiting,
        "by_hand": by_hand,
        "errors": joiner.errors,
        "groups": [
            {
                "id": group["id"],
                "name": label(group),
                "outcome": _membership(joiner, group),
                "default_apps": sorted(map(label, default_apps[group["id"]])),
            }
            for group in joiner.groups
        ],
        "accesses": accesses,
    }


def _membership(joiner: JoiningPerson, group: Row) -> str:
    group_id = group["id"].lower()
    if joiner.user is None or group_id in joiner.failed:
        return "not_added"
    return "added" if group_id in joiner.added else "member"


def _latest(decision: AccessDecision | None, requests: Requests | None) -> Row | None:
    """Return the newest request that a decision depends on, or that was opened for it."""
    if decision is None or decision.outcome == GRANTED:
        return None
    if requests is None or decision.outcome not in _PENDING or (decision.request and not decision.step):
        return decision.request
    about = requests.about(decision.user, decision.app)
    opened = [
        request
        for request in of_type(about, (GRANT, CHANGE), decision.level_id)
        if request.get("targetUserId") and str(request["id"]).lower() not in decision.app_state.requests.ids
    ]
    return opened[-1] if opened else None


def _following(
    joiner: JoiningPerson, default_apps: Mapping[str, Sequence[Row]], requests: Requests | None, predicts: bool
) -> list[Entry]:
    """Return the access that follows from groups and waits for others.

    :param predicts: whether to add access for which joining a group may open a request.
    """
    if joiner.user is None or requests is None:
        return []
    extra = {app["id"].lower() for app, _level in joiner.wanted}
    waiting: dict[str, Entry] = {}
    for group in joiner.groups:
        for app in default_apps[group["id"]]:
            about = of_type(requests.about(joiner.user, app), (GRANT, CHANGE))
            undecided = [row for row in about if row.get("targetUserId") and requests.class_of(row) == "open"]
            entry = {"what": "access", "id": app["id"], "name": label(app), "request_id": None}
            if app["id"].lower() in extra:
                continue
            if undecided:
                request = undecided[-1]
                entry |= {"request_id": request["id"]}
                waiting[app["id"]] = _waiting(entry, f"its request is {request.get('requestStatus')}", request)
            elif predicts and group["id"].lower() in joiner.added:
                waiting[app["id"]] = _waiting(entry, f"a request for it may follow from {label(group)}", None)
    return list(waiting.values())


def _waiting(entry: Entry, why: str, request: Row | None) -> Entry:
    return {**entry, "why": why, "since": request.get("createdAt") if request else None, "waits_for": []}
