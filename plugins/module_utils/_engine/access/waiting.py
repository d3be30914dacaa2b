# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wait for requested access, and the progress of its requests in words."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from ..._api.catalog import REQUESTS, StatusTable, accesses, named, person
from ..._api.errors import CakewalkError
from ..._api.operations import Listing, Resource
from ..._api.text import printable, summarize
from ..core.access_requests import CHANGE, GRANT, REMOVE, Requests, of_type
from ..core.lookup import Row
from ..core.wait import PAUSES, Wait
from .approvers import by_approvers
from .evaluation import (
    ABSENT,
    CHANGING,
    DECLINED,
    GRANTED,
    RECORDED,
    REMOVING,
    REQUESTED,
    AccessDecision,
    AppState,
    conflict_of,
)

#: The outcomes to wait for, with the outcome after the wait.
AWAITED = {
    REQUESTED: GRANTED,
    CHANGING: GRANTED,
    REMOVING: ABSENT,
}


class RequestDeclined(CakewalkError):
    """Awaited access will not come: its request was declined or withdrawn."""

    kind = "declined"

    def __init__(self, declined: list[str]) -> None:
        super().__init__(
            AccessWait.action,
            f"it will not come: {summarize(declined, separator='; ')}",
            "Ask those who decided. With `retry_declined` a run asks again.",
            refused=declined,
        )


#: Returns the e-mail addresses of the people who must decide requests, by request: see C(approvers).
FindApprovers = Callable[[Collection[str], Iterable[Row], Iterable[Row]], Mapping[str, Sequence[str]]]
#: The progress of a request, by the class of its status.
_PROGRESS = {
    "open": "still waits for approval",
    "granted": "is approved, and its effect is not listed yet",
    "declined": "was declined",
    "cancelled": "was withdrawn",
    None: "has an unknown status",
}


class AccessWait(Wait):
    """Waits until the apps show the requested access.

    :param find_approvers: called once, if the wait times out.
    """

    action = "see the requested access"
    pauses: Sequence[float] = PAUSES

    def __init__(
        self,
        decisions: Iterable[AccessDecision],
        timeout: int,
        statuses: StatusTable,
        find_approvers: FindApprovers,
    ) -> None:
        self.timeout = timeout
        self._find_approvers = find_approvers
        self._missing: list[tuple[AccessDecision, Row | None]] = []
        self._decisions = [
            decision for decision in decisions if decision.outcome in AWAITED or decision.step == RECORDED
        ]
        self._earlier: set[str] = set().union(*{decision.app_state.requests.ids for decision in self._decisions})
        self._apps = {decision.app["id"]: decision.app for decision in self._decisions}
        self._statuses = statuses
        self.sources: Sequence[Listing | Resource] = [REQUESTS, *(accesses(app) for app in self._apps.values())]
        self.awaits = bool(self._decisions)
        self.proves_absence = any(decision.outcome == REMOVING for decision in self._decisions)

    def missing(self, found: Sequence[Any]) -> list[str]:
        """Return the users whose access is not as requested yet, with the status of the request.

        :raises RequestDeclined: a request was declined or withdrawn.
        """
        requests = Requests(found[0], self._statuses)
        app_states = {
            identifier: AppState(app, rows, [], requests)
            for (identifier, app), rows in zip(self._apps.items(), found[1:], strict=True)
        }
        self._missing, declined = [], []
        for decision in self._decisions:
            held = app_states[decision.app["id"]].held_by(decision.user)
            if not held if decision.outcome == REMOVING else decision.level_id in held:
                continue
            request = self._request_of(decision, requests)
            self._missing.append((decision, request))
            if request and requests.class_of(request) in ("declined", "cancelled"):
                declined.append(progress(decision, request, self._statuses))
        if declined:
            raise RequestDeclined(declined)
        return [progress(decision, request, self._statuses) for decision, request in self._missing]

    def awaited(self) -> dict[str, Row]:
        """Return the requests behind missing access as they were read last, by their ids in lower case."""
        return {request["id"].lower(): request for _decision, request in self._missing if request}

    def explained(self, missing: list[str]) -> list[str]:
        """Return what is missing with the people who must approve, as far as their open tasks show that."""
        is_open = [
            (decision, request)
            for decision, request in self._missing
            if request and self._statuses.class_of(request.get("requestStatus")) == "open"
        ]
        found = self._find_approvers(
            {request["id"].lower() for _decision, request in is_open},
            {decision.user["id"]: decision.user for decision, _request in is_open}.values(),
            {decision.app["id"]: decision.app for decision, _request in is_open}.values(),
        )
        return [
            progress(decision, request, self._statuses, found.get(request["id"].lower(), ()) if request else ())
            for decision, request in self._missing
        ]

    def _request_of(self, decision: AccessDecision, requests: Requests) -> Row | None:
        """Return the awaited request; if this run sent a request, only a request that was not there before."""
        types, level_id = ((REMOVE,), None) if decision.outcome == REMOVING else ((GRANT, CHANGE), decision.level_id)
        same = of_type(requests.about(decision.user, decision.app), types, level_id)
        same = [request for request in same if not decision.step or str(request["id"]).lower() not in self._earlier]
        return same[-1] if same else None


def progress(
    decision: AccessDecision, request: Row | None, statuses: StatusTable, waits_for: Sequence[str] = ()
) -> str:
    """Return the progress of a request, for messages.

    :param waits_for: the e-mail addresses of the people who must approve.
    """
    user, level = printable(person(decision.user)), f" at the level {named(decision.level)}" if decision.level else ""
    if decision.outcome == REMOVING:
        what = f"to remove the access of {user} to {named(decision.app)}"
    else:
        what = f"to give {user} access to {named(decision.app)}{level}"
    if decision.step == RECORDED:
        return f"the access of {user} to {named(decision.app)}{level} is recorded, and is not listed yet"
    if request is None:
        return f"no request {what} is listed"
    status = request.get("requestStatus")
    return (
        f"the request {what} {_PROGRESS[statuses.class_of(status)]}{by_approvers(waits_for)} "
        f"(request {printable(request['id'])}, status {printable(status)})"
    )


def unmet_of(decisions: Sequence[AccessDecision], wait: bool, statuses: StatusTable) -> CakewalkError | None:
    """Return the error about conflicts, or, if the task waits, about declined requests."""
    declined = [decision for decision in decisions if decision.outcome == DECLINED]
    lines = [progress(decision, decision.request, statuses) for decision in declined]
    return conflict_of(decisions) or (RequestDeclined(lines) if wait and lines else None)
