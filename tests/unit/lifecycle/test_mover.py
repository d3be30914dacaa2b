# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves by value: the access that changes, what is waited for, what is refused, and what is reported."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.catalog import REQUEST_STATUSES
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import ConfigurationError
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.access_requests import Requests
from ansible_collections.cakewalk.access.plugins.module_utils._engine.lifecycle.mover import MoveIncomplete
from ansible_collections.cakewalk.access.plugins.module_utils._engine.lifecycle.moves import (
    AccessDelta,
    Move,
    access_delta,
    check_options,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.lifecycle.new_access import (
    NewAccess,
    missing_access,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.lifecycle.people_result import (
    people_result,
    remark_of,
)
from ansible_collections.cakewalk.access.plugins.modules import cakewalk_mover
from unit.people import filled, group, uid, user

ERIN, MAX = user(1, "erin@example.com"), user(2, "max@example.com")
SALES, ENGINEERING, OTHER = group(1, "Sales"), group(2, "Engineering"), group(3, "Other")
NOW = datetime(2026, 6, 1, tzinfo=timezone.utc)
LONG_AGO = "2026-05-31T23:40:00Z"


def app(number: int, name: str | None = None) -> dict[str, Any]:
    """Return an app."""
    return {"id": uid(number), "name": name or f"App {number}"}


def request(number: int, status: str = "Pending", **members: Any) -> dict[str, Any]:
    """Return a request that gives Erin access to app 10."""
    about = {"requestType": "GrantAccessRequest", "targetUserId": uid(1), "workAppId": uid(10)}
    return {"id": uid(number), "requestStatus": status, "createdAt": f"2026-05-{number:02}", **about, **members}


def removal(number: int, status: str = "Pending") -> dict[str, Any]:
    """Return a request that takes this access from Erin."""
    return request(number, status, requestType="RemoveAccessRequest")


def requires(*apps: dict[str, Any]) -> AccessDelta:
    """Return the access of a move to groups that give these apps, none of which the person has."""
    return AccessDelta(list(apps), [], [], list(apps), list(apps))


def move(person: dict[str, Any] = ERIN, **members: Any) -> Move:
    """Return a move of somebody from engineering to sales, where app 10 is required."""
    return Move(
        person,
        **{"joins": [SALES], "leaves": [ENGINEERING], "removed": [ENGINEERING], "delta": requires(app(10)), **members},
    )


def test_a_move_changes_what_one_side_alone_gives() -> None:
    """App 1 is new, 2 new and held, 3 on both sides, 4 old and held, 5 old and not held, 6 on both sides and held."""
    apps = {number: app(number) for number in range(1, 7)}
    erin = {uid(1), uid(9)}
    holders = {uid(1): {uid(9)}, uid(2): erin, uid(3): set(), uid(4): erin, uid(5): set(), uid(6): erin}
    joined, left = [apps[number] for number in (1, 2, 3, 6)], [apps[number] for number in (3, 4, 5, 6)]

    delta = access_delta({**ERIN, "id": uid(1).upper()}, joined, left, holders)

    numbers = {name: [int(row["name"].split()[1]) for row in rows] for name, rows in vars(delta).items()}
    assert numbers == {
        "gains": [1],
        "keeps": [3, 6],
        "may_lose": [4],
        "required": [1, 2, 3, 6],
        "missing": [1, 3],
    }
    assert delta.as_result()["gains"] == [{"id": uid(1), "name": "App 1"}]


def test_a_move_in_lines() -> None:
    delta = AccessDelta([app(1, "A\n")], [app(2, "B")], [app(3, "C")], [], [])
    old = group(3, "Old")
    assert move(added=[SALES], leaves=[ENGINEERING, old], delta=delta).lines() == [
        "erin@example.com: joins Sales",
        "erin@example.com: leaves Engineering",
        "erin@example.com: is not a member of Old",
        "erin@example.com: is to gain A\\n",
        "erin@example.com: keeps B, which old and new groups give",
        "erin@example.com: may lose C, which only old groups give",
    ]
    nothing = AccessDelta([], [], [], [], [])
    assert move(leaves=[], removed=[], delta=nothing).lines() == ["erin@example.com: nothing changes"]


@pytest.mark.parametrize(
    ("rows", "added", "before", "where", "action", "is_over"),
    [
        ([request(20)], [], set(), "waiting", "Have the request decided", False),
        ([request(20)], [SALES], {uid(20)}, "waiting", "Have the request decided", False),
        ([request(20, "Approved")], [], set(), "waiting", "Run again in a while", False),
        (
            [request(20, "Approved", updatedAt="2026-05-31T23:50:00Z")],
            [],
            set(),
            "waiting",
            "Run again in a while",
            False,
        ),
        ([request(20, "Approved", updatedAt=LONG_AGO)], [], {uid(20)}, "by_hand", "Request the access", False),
        ([request(20, "Approved", updatedAt=LONG_AGO)], [OTHER], {uid(20)}, "by_hand", "Request the access", False),
        ([request(20, "Approved", updatedAt=LONG_AGO)], [SALES], {uid(20)}, "waiting", "Have the request", False),
        ([request(20, "Approved", updatedAt=LONG_AGO), request(21)], [], set(), "waiting", "Have the request", False),
        ([request(20, "Approved"), removal(21, "Approved")], [], set(), "by_hand", "Request the access", False),
        ([request(20, "Approved"), removal(21)], [], set(), "by_hand", "Request the access", False),
        ([request(20, "Perhaps")], [], set(), "by_hand", "Say under `known_statuses`", False),
        ([request(20, "Perhaps")], [OTHER], {uid(20)}, "by_hand", "Say under `known_statuses`", False),
        ([request(20, "Perhaps", targetUserId=None)], [], set(), "by_hand", "Say under `known_statuses`", False),
        ([request(20, "Perhaps")], [SALES], {uid(20)}, "waiting", "Have the request decided", False),
        ([request(20, "Declined")], [], {uid(20)}, "by_hand", "Ask the people", True),
        ([request(20, "Declined")], [SALES], {uid(20)}, "waiting", "Have the request decided", False),
        ([request(20, "Declined")], [SALES], set(), "by_hand", "Ask the people", True),
        ([request(20, "Cancelled")], [SALES], set(), "by_hand", "Ask the people", True),
        ([request(20, "Declined"), request(21)], [], set(), "waiting", "Have the request decided", False),
        ([request(20), request(21, "Declined")], [], set(), "by_hand", "Ask the people", True),
        ([request(20, "Declined")], [OTHER], {uid(20)}, "by_hand", "Ask the people", True),
        ([], [], set(), "by_hand", "Request the access", False),
        ([], [OTHER], set(), "by_hand", "Request the access", False),
        ([], [SALES], set(), "waiting", "Have the request decided", False),
        ([removal(20)], [], set(), "by_hand", "Request the access", False),
    ],
)
def test_missing_access_waits_or_needs_somebody(
    rows: list[Any], added: list[Any], before: set[str], where: str, action: str, is_over: bool
) -> None:
    """An addition opens requests for the apps that its group gives, as Sales does, and for no others."""
    mover = move(added=added, given=frozenset({uid(10)} if SALES in added else ()))
    requests = Requests(rows, REQUEST_STATUSES, NOW)
    waiting, by_hand, over = missing_access(mover, [app(10)], requests, before)
    assert (len(waiting), len(by_hand), over) == (where == "waiting", where == "by_hand", is_over)
    (entry,) = waiting + by_hand
    assert entry["do"].startswith(action)
    assert (entry["what"], entry["id"], entry["name"], entry["waits_for"]) == ("access", uid(10), "App 10", [])

    wait = NewAccess([mover], before, 5, REQUEST_STATUSES, NOW)
    wait.foresee(requests)
    assert (wait.waiting[uid(1)], wait.by_hand[uid(1)]) == (waiting, by_hand)
    assert wait.arrived == ({uid(1)} if where == "waiting" else set())

    assert bool(wait.missing([rows, [ERIN], []])) == (not is_over)
    assert (wait.waiting[uid(1)], wait.by_hand[uid(1)]) == (waiting, by_hand)


def test_a_wait_reads_only_what_is_missing_and_lets_each_person_go_alone() -> None:
    """Erin's request is declined in the second look, Max has the access in the first, and is a member in the second."""
    moves = [move(added=[SALES]), move(MAX, added=[SALES], delta=requires(app(11)))]
    wait = NewAccess(moves, set(), 5, REQUEST_STATUSES, NOW)
    assert len(wait.sources) == 1 + 1 + 2

    lines = wait.missing([[request(20)], [ERIN], [], [{"user": MAX}]])
    assert (wait.arrived, wait.remaining, len(wait.sources)) == (set(), {uid(1), uid(2)}, 4)
    assert lines == [
        f"access to 'App 10' for erin@example.com: the request is Pending since 2026-05-20 (request {uid(20)})",
        "the group 'Sales' for max@example.com: it is not listed",
    ]

    assert wait.missing([[request(20, "Declined")], [ERIN, MAX], [], [{"user": MAX}]]) == []
    assert (wait.arrived, wait.remaining, len(wait.sources)) == ({uid(2)}, set(), 1)
    assert (wait.waiting, [row["name"] for row in wait.by_hand[uid(1)]]) == ({uid(1): [], uid(2): []}, ["App 10"])


def test_all_problems_of_the_options_are_in_one_message() -> None:
    people = [
        {"user": "a@example.com", "joins": None, "leaves": None},
        {"user": "b@example.com", "joins": [" "], "leaves": None},
        {"user": "", "joins": ["Sales"], "leaves": None},
        {"user": "c@example.com", "joins": None, "leaves": ["Engineering"]},
    ]
    params = filled(cakewalk_mover.SPEC, {"people": people, "journal_path": "/moves"})
    with pytest.raises(ConfigurationError) as caught:
        check_options(params)
    assert "a@example.com: no group" in str(caught.value)
    assert "b@example.com: no group is named, or a blank one; a user is blank." in str(caught.value)
    assert "c@example.com" not in str(caught.value)
    # People without lists of their own have those of the task.
    check_options({**params, "people": people[:1], "joins": ["Sales"]})


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"journal_path": None}, "journal_path"),
        ({"people": []}, "people"),
        ({"wait_timeout": -1}, "wait_timeout"),
        ({"implicitly_approve_requests": True, "bypass_reason": " "}, "bypass_reason"),
        ({"people": [{"user": None, "joins": ["Sales"], "leaves": None}]}, "user"),
    ],
)
def test_options_that_cannot_be_used_are_refused(options: dict[str, Any], option: str) -> None:
    usual = {"people": [{"user": "a@example.com", "joins": ["Sales"], "leaves": None}], "journal_path": "/moves"}
    check_options(filled(cakewalk_mover.SPEC, usual))
    with pytest.raises(ConfigurationError) as caught:
        check_options(filled(cakewalk_mover.SPEC, {**usual, **options}))
    assert caught.value.facts()["option"] == option


def test_nothing_is_published_as_complete_while_something_waits() -> None:
    """In check mode, people count as complete whose requests only need approval."""
    entry: dict[str, Any] = {"complete": True, "errors": [], "waiting": [], "by_hand": []}
    for waiting, expected in (([], True), ([{"request_id": uid(20)}], False)):
        result = people_result("mover", [entry, {**entry, "waiting": waiting}], ("waiting", "by_hand"), {})
        assert (result["complete"], result["stats"]["mover_complete"]) == (True, expected)


def test_an_incomplete_move_says_for_whom_it_waits_and_what_failed() -> None:
    entry = {
        "what": "access",
        "name": "App\n10",
        "request_id": uid(20),
        "request_status": "Pending",
        "since": "2026-05-20",
        "why": "the request is Pending",
        "waits_for": ["olga@example.com"],
    }
    lists = {"joined": [1], "left": [], "by_hand": []}
    people = [
        {"user": ERIN, "complete": False, "waiting": [entry], "errors": [], **lists},
        {"user": MAX, "complete": False, "waiting": [], "errors": ["Could not do it: no."], **lists},
        {"user": user(3), "complete": True, "waiting": [], "errors": [], **lists},
    ]
    error = MoveIncomplete.of(people)
    assert error is not None
    assert str(error).startswith(
        "Could not move erin@example.com, max@example.com: access to 'App\\\\n10' for erin@example.com: the request is "
        f"Pending since 2026-05-20 and waits for approval by olga@example.com (request {uid(20)}); Could not do it: no."
    )
    assert error.facts() == {"kind": "incomplete", "waiting": 1, "by_hand": 0, "failed": 1}
    assert MoveIncomplete.of(people[2:]) is None

    lists = ("joined", "left", "waiting", "by_hand")
    result = people_result("mover", people, lists, {"record_path": "/moves"})
    assert remark_of([], is_dry_run=False) == "nothing is left to do"
    both = [{"waiting": [{"request_id": uid(20)}, {"request_id": None}], "by_hand": [1, 2]}]
    assert remark_of(both, is_dry_run=False) == "2 things wait for others; 2 things must be done by hand"
    assert remark_of(both, is_dry_run=True) == (
        "1 thing waits for others; 1 thing would wait for others; 2 things must be done by hand"
    )
    assert result["complete"] is False
    assert result["summary"] == {
        "people": 3,
        "complete": 1,
        "failed": 1,
        "joined": 3,
        "left": 0,
        "waiting": 1,
        "by_hand": 0,
    }
    assert result["stats"] == {
        "mover_complete": False,
        "mover_number_of_people": 3,
        "mover_failed": 1,
        "mover_joined": 3,
        "mover_left": 0,
        "mover_waiting": 1,
        "mover_by_hand": 0,
        "mover_record_path": "/moves",
    }
