# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The memberships and the access that people who move still lack, and the wait for them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from ..._api.catalog import REQUESTS, StatusTable, accesses, members, person
from ..._api.operations import Listing, Resource
from ..._api.text import printable
from ..access.approvers import by_approvers
from ..core.access_requests import CHANGE, GRANT, Requests, of_type
from ..core.lookup import Row, ids_of, label
from ..core.wait import PAUSES, Wait
from .moves import Move

Entry = dict[str, Any]


def missing_access(
    move: Move, apps: Iterable[Row], requests: Requests, before: Collection[str]
) -> tuple[list[Entry], list[Entry], bool]:
    """Return the access that a person waits for, the access that somebody must see to, and whether waiting is over.

    A declined or cancelled request ends the wait. A request from before decides nothing about an app that a new group
    gives, because being added opens a new one. An approved request gives nothing any more if its access was removed.

    :param apps: required apps to which the person has no access.
    :param before: the ids of the requests from before the first write, in lower case.
    """
    waiting: list[Entry] = []
    by_hand: list[Entry] = []
    is_over = False
    for app in apps:
        newest = next(iter(of_type(requests.about(move.user, app), (GRANT, CHANGE))[-1:]), None)
        status = requests.class_of(newest) if newest else None
        is_given = app["id"].lower() in move.given
        is_older = newest is not None and str(newest["id"]).lower() in before
        is_decided = status in ("declined", "cancelled") and not (is_older and is_given)
        is_under_way = newest is not None and bool(requests.under_way([newest], ()))
        why = f"the request is {printable(newest.get('requestStatus'))}" if newest else "no request is listed"
        if is_decided:
            action = "Ask the people who decided it, or request the access again, and run again."
        elif is_under_way and status == "granted":
            action = "Run again in a while: the request is approved, and the access is not listed yet."
        elif is_under_way or is_given:
            action = "Have the request decided and carried out, and run again."
        elif newest and status is None:
            action = "Say under `known_statuses` what the status of the request means, and run again."
        else:
            action = "Request the access, for example with `cakewalk_app_access`, and run again."
        entry = {
            **_entry("access", app, why, action),
            "request_id": newest["id"] if newest else None,
            "request_status": newest.get("requestStatus") if newest else None,
            "since": newest.get("createdAt") if newest else None,
        }
        is_coming = (is_under_way or is_given) and not is_decided
        (waiting if is_coming else by_hand).append(entry)
        is_over = is_over or is_decided
    return waiting, by_hand, is_over


class NewAccess(Wait):
    """Waits until people are listed in all their new groups, with access to all apps that these give.

    Access counts at any level, because the API does not show which level a group gives. What a person still waits for,
    and what somebody must see to, is in C(waiting) and C(by_hand), by the id of the person.

    :param moves: the moves to wait for.
    :param before: the ids of the requests from before the first write, in lower case.
    :param time: the time of the service, as C(Requests) takes it.
    """

    action = "see the new access"
    pauses: Sequence[float] = PAUSES
    proves_absence = False

    def __init__(
        self,
        moves: Iterable[Move],
        before: Collection[str],
        timeout: int,
        statuses: StatusTable,
        time: datetime | None,
    ) -> None:
        self.timeout = timeout
        self.arrived: set[str] = set()
        self.waiting: dict[str, list[Entry]] = {}
        self.by_hand: dict[str, list[Entry]] = {}
        self._before = before
        self._statuses = statuses
        self._time = time
        self._await(list(moves))

    @property
    def remaining(self) -> set[str]:
        """The ids of the people whose access neither came nor was refused."""
        return {move.id for move in self._moves}

    def foresee(self, requests: Requests) -> None:
        """Predict the end of the wait, from earlier reads: access arrives if a request for it is open, or will be."""
        for move in self._moves:
            found = missing_access(move, move.delta.missing, requests, self._before)
            self.waiting[move.id], self.by_hand[move.id], _is_over = found
            if not self.by_hand[move.id]:
                self.arrived.add(move.id)

    def _await(self, moves: Sequence[Move]) -> None:
        """Read only lists that concern these moves from now on."""
        self._moves = moves
        self._groups = {group["id"].lower(): group for move in moves for group in move.joins}
        self._apps = {app["id"].lower(): app for move in moves for app in move.delta.required}
        self.sources: Sequence[Listing | Resource] = [
            REQUESTS,
            *map(members, self._groups.values()),
            *map(accesses, self._apps.values()),
        ]

    def missing(self, found: Sequence[Any]) -> list[str]:
        """Return a line for each group and app that is missing, with the request that should bring access."""
        requests = Requests(found[0], self._statuses, self._time)
        member_rows, access_rows = found[1 : 1 + len(self._groups)], found[1 + len(self._groups) :]
        member_ids = {key: ids_of(rows) for key, rows in zip(self._groups, member_rows, strict=True)}
        pairs = zip(self._apps, access_rows, strict=True)
        holders = {key: ids_of(row["user"] for row in rows) for key, rows in pairs}
        remaining, lines = [], []
        for move in self._moves:
            groups = [group for group in move.joins if move.id not in member_ids[group["id"].lower()]]
            apps = [app for app in move.delta.required if move.id not in holders[app["id"].lower()]]
            waiting, by_hand, is_over = missing_access(move, apps, requests, self._before)
            waiting += [_entry("membership", group, "it is not listed", "Run again in a while.") for group in groups]
            self.waiting[move.id], self.by_hand[move.id] = waiting, by_hand
            if not waiting and not by_hand:
                self.arrived.add(move.id)
            elif not is_over:
                remaining.append(move)
                lines += [line_of(move.user, entry) for entry in [*waiting, *by_hand]]
        self._await(remaining)
        return lines


def _entry(what: str, row: Row, why: str, action: str) -> Entry:
    return {
        "what": what,
        "name": label(row),
        "id": row["id"],
        "request_id": None,
        "request_status": None,
        "since": None,
        "why": why,
        "waits_for": [],
        "do": action,
    }


def line_of(user: Row, entry: Entry) -> str:
    """Return a line about something that a person lacks, for messages.

    :param entry: as C(missing_access) returns it.
    """
    whose, what = printable(person(user)), "the group" if entry["what"] == "membership" else "access to"
    why = printable(entry["why"])
    if entry["request_id"]:
        since = f" since {printable(entry['since'])}" if entry["since"] else ""
        by = f" and waits for approval{by_approvers(entry['waits_for'])}" if entry["waits_for"] else ""
        why = f"{why}{since}{by} (request {printable(entry['request_id'])})"
    return f"{what} {printable(entry['name'])!r} for {whose}: {why}"
