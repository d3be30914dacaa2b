# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who leaves: what of a footprint can be taken away, what is left, and what is kept of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.catalog import (
    REQUEST_STATUSES,
    is_managed,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.access_requests import Requests
from ansible_collections.cakewalk.access.plugins.module_utils._engine.lifecycle.footprint import (
    Footprint,
    requests_of,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.lifecycle.leaver_report import (
    SomethingLeft,
    left_after,
    outcome_of,
    plan_lines,
    predicted,
)
from unit.people import uid, user

ERIN = user(1, "erin@example.com")
NOW = datetime(2026, 6, 1, tzinfo=timezone.utc)
NOTHING = Footprint([], [], [], [], [], [])


def held(number: int, outcome: str = "removal_requested", **more: Any) -> dict[str, Any]:
    """Return an access to an app."""
    usual = {
        "levels": [],
        "to_request": outcome == "removal_requested",
        "request_id": None,
        "request_status": None,
        "since": None,
    }
    return {"id": uid(number), "name": f"App {number}", "outcome": outcome, **usual, **more}


def in_group(number: int, synced: bool = False) -> dict[str, Any]:
    """Return a membership."""
    return {"id": uid(number), "name": f"Group {number}", "synced": synced}


def asked(number: int, is_known: bool = True, gives: bool = True) -> dict[str, Any]:
    """Return a request that is not decided."""
    known = {"request_type": "GrantAccessRequest", "status": "Pending", "app_id": None, "app": "App", "since": None}
    known |= {"permission_level": "Read"}
    return {"id": uid(number), "is_known": is_known, "is_decided": False, "gives": gives, **known}


EVERYTHING = Footprint(
    groups=[in_group(10), in_group(11, synced=True)],
    accesses=[
        held(20),
        held(21, request_id=uid(30), request_status="Pending", to_request=False),
        *(
            held(22 + n, one)
            for n, one in enumerate(("not_managed", "conflicting_request", "declined", "unclear_request"))
        ),
    ],
    ownerships=[{"id": uid(40), "name": "App 40", "is_only_owner": True}],
    unseen_ownerships=[{"id": uid(41), "name": "App 41"}, {"id": uid(42), "name": "App 42"}],
    requests=[asked(50), asked(51, gives=False), asked(52, is_known=False, gives=False)],
    tasks=[{"id": uid(60), "type": "Review", "status": "Pending"}],
)


def request(kind: str, target: str | None, status: str = "Pending") -> dict[str, Any]:
    """Return a request as the service lists it."""
    return {"id": uid(70), "requestType": kind, "requestStatus": status, "targetUserId": target}


@pytest.mark.parametrize(
    ("row", "what"),
    [
        (request("GrantAccessRequest", uid(1)), ["open_grant"]),
        (request("GrantAccessRequest", uid(1), "Odd"), ["unclear_request"]),
        (request("ExtendAccessRequest", uid(1)), ["unclear_request"]),
        (request("GrantAccessRequest", None), ["unclear_request"]),
        (request("RemoveAccessRequest", uid(1)), []),
        (request("RemoveAccessRequest", None), []),
        (request("GrantAccessRequest", uid(2)), []),
        (request("GrantAccessRequest", None, "Approved"), ["unclear_request"]),
        (request("GrantAccessRequest", None, "Approved") | {"updatedAt": "2026-05-01T00:00:00Z"}, []),
    ],
)
def test_a_request_that_may_give_something_is_left(row: dict[str, Any], what: list[str]) -> None:
    """Also one of an unknown type, and one that does not show whom it is for: it may be this person."""
    found = requests_of(ERIN, [row], Requests([row], REQUEST_STATUSES, NOW), {}, {})
    assert [one["what"] for one in left_after(replace(NOTHING, requests=found)).by_hand] == what


@pytest.mark.parametrize(
    ("minutes", "held", "what"),
    [
        pytest.param(1, {}, ["open_grant"], id="nothing"),
        pytest.param(1, {uid(20): [uid(30)]}, ["open_grant"], id="another level"),
        pytest.param(1, {uid(20): [uid(31)]}, [], id="its level"),
        pytest.param(-60, {}, ["open_grant"], id="in the future"),
        pytest.param(20, {}, [], id="long ago"),
    ],
)
def test_what_was_granted_a_moment_ago_and_is_not_listed_is_left(
    minutes: int, held: dict[str, list[str]], what: list[str]
) -> None:
    granted = request("GrantAccessRequest", uid(1), "Approved")
    granted |= {"workAppId": uid(20), "permissionLevelId": uid(31), "createdAt": NOW.isoformat()}
    granted["updatedAt"] = (NOW - timedelta(minutes=minutes)).isoformat()
    found = requests_of(ERIN, [granted], Requests([granted], REQUEST_STATUSES, NOW), held, {uid(20): "Wiki"})
    outcome = left_after(replace(NOTHING, requests=found))
    assert ([one["what"] for one in outcome.waiting], outcome.by_hand) == (what, [])
    assert all("a moment ago" in one["why"] and "access to Wiki" in one["name"] for one in outcome.waiting)


@pytest.mark.parametrize("updated", [{}, {"updatedAt": None}, {"updatedAt": "yesterday"}])
def test_what_was_granted_at_a_time_that_is_not_shown_needs_somebody(updated: dict[str, Any]) -> None:
    granted = request("GrantAccessRequest", uid(1), "Approved") | {"workAppId": uid(20), **updated}
    found = requests_of(ERIN, [granted], Requests([granted], REQUEST_STATUSES, NOW), {}, {uid(20): "Wiki"})
    assert named(left_after(replace(NOTHING, requests=found)).by_hand) == [("open_grant", uid(70))]
    assert not predicted(replace(NOTHING, requests=found)).is_complete


def named(entries: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return entries by what they are and their id."""
    return [(entry["what"], entry["id"]) for entry in entries]


STAYS = [
    ("synced_membership", uid(11)),
    ("unmanaged_access", uid(22)),
    ("access", uid(23)),
    ("access", uid(24)),
    ("access", uid(25)),
    ("ownership", uid(40)),
    ("unclear_request", uid(52)),
]


def test_what_is_left_waits_for_others_or_needs_somebody() -> None:
    after = left_after(EVERYTHING)
    assert named(after.waiting) == [("access", uid(21))]
    assert sorted(named(after.by_hand)) == sorted(
        [("membership", uid(10)), *STAYS, ("open_grant", uid(50)), ("access", uid(20))]
    )
    assert all(entry["do"] and entry["why"] for entry in after.by_hand)
    assert not after.is_complete
    assert left_after(NOTHING).is_complete


def test_a_dry_run_foresees_what_would_wait_and_what_would_stay() -> None:
    foreseen = predicted(EVERYTHING)
    assert named(foreseen.waiting) == [("access", uid(20)), ("access", uid(21))]
    assert sorted(named(foreseen.by_hand)) == sorted([*STAYS, ("open_grant", uid(50))])
    assert not foreseen.is_complete
    assert predicted(replace(NOTHING, groups=[in_group(1)], accesses=[held(2)])).is_complete


def test_the_error_says_what_waits_and_what_needs_somebody_with_names() -> None:
    outcome = left_after(EVERYTHING)
    outcome.waiting[0]["waits_for"] = ["olga@example.com"]
    entry = outcome_of(ERIN, outcome, EVERYTHING, ["Could not do it: no."], [])
    error = SomethingLeft.of([entry], "12:00")
    assert error is not None
    assert error.facts() == {"kind": "left", "waiting": 1, "by_hand": 10}
    assert str(error) == (
        "Could not finish the offboarding of erin@example.com: as Cakewalk listed at 12:00, 1 thing waits for others; "
        "10 things must be done by hand; Could not do it: no. "
        "Waiting: the removal of access to 'App 21' waits for approval by olga@example.com. "
        "By hand: Look at the errors about 'Group 10', and run again. "
        "Remove the person from 'Group 11' in the directory that decides who is a member. "
        "Remove the person's account in 'App 22' itself. "
        "Cancel or decide the open request about 'App 23' in Cakewalk, and run again. "
        "Ask the people who declined to remove the access to 'App 24', or run again with `retry_declined`. "
        "Say under `known_statuses` what the status of the request about 'App 25' means, and run again. "
        "Name another owner of 'App 40' in Cakewalk: the person is the only one. "
        "Cancel or decline the request for access to App (Read, Pending) in Cakewalk. "
        "Look at the request for access to App (Read, Pending) in Cakewalk; `known_statuses` can say what its status "
        "means. Look at the errors about 'App 20', and run again. Run again later: a run opens no request twice."
    )
    other = outcome_of(user(2, "sally@example.com"), predicted(replace(NOTHING, accesses=[held(20)])), NOTHING, [], [])
    both = str(SomethingLeft.of([entry, {**other, "complete": False}], "12:00"))
    assert "of erin@example.com, sally@example.com: as" in both
    assert "Waiting: erin@example.com: the removal of access to 'App 21' waits" in both
    assert "; sally@example.com: the removal of access to 'App 20' waits for approval. By hand: erin@" in both
    assert SomethingLeft.of([outcome_of(ERIN, left_after(NOTHING), NOTHING, [], [])], "12:00") is None


@pytest.mark.parametrize(
    ("is_only", "why", "action"),
    [
        (True, "the person is the only owner", "the person is the only one"),
        (False, "the person is one of the owners", "Name another owner"),
        (None, "it is not shown whether there are others", "Name another owner"),
    ],
)
def test_an_ownership_says_whether_others_own_the_app(is_only: bool | None, why: str, action: str) -> None:
    owned = [{"id": uid(40), "name": "App 40", "is_only_owner": is_only}]
    (entry,) = left_after(replace(NOTHING, ownerships=owned)).by_hand
    assert entry["is_only_owner"] is is_only
    assert (why in entry["why"], action in entry["do"]) == (True, True)


def test_nobody_is_complete_with_errors() -> None:
    assert outcome_of(ERIN, left_after(NOTHING), NOTHING, [], [])["complete"] is True
    entry = outcome_of(ERIN, left_after(NOTHING), NOTHING, ["Could not do it: no."], [])
    assert entry["complete"] is False
    error = SomethingLeft.of([entry], "12:00")
    assert error is not None
    assert "as Cakewalk listed at 12:00, Could not do it: no. Run again later" in str(error)


def test_what_could_not_be_read_twice_alike_is_not_complete() -> None:
    entry = outcome_of(ERIN, None, NOTHING, [], [])
    assert (entry["complete"], entry["errors"]) == (False, ["No two reads in a row agreed. Run again after a while."])


def test_a_footprint_has_a_line_for_each_thing_and_nothing_makes_another() -> None:
    hostile = replace(
        NOTHING, groups=[{"id": uid(1), "name": "a\nb\u202e", "synced": True}], accesses=[held(2, levels=["x"])]
    )
    assert plan_lines(ERIN, hostile) == [
        "erin@example.com: stays in the group a\\nb\\u202e: another directory decides who is a member",
        "erin@example.com: loses access to App 2 (x) once its removal is requested and approved",
    ]
    assert plan_lines(ERIN, NOTHING) == ["erin@example.com: has nothing"]


def test_the_plan_says_what_a_run_does_about_each_thing() -> None:
    assert [line.removeprefix("erin@example.com: ") for line in plan_lines(ERIN, EVERYTHING)] == [
        "leaves the group Group 10",
        "stays in the group Group 11: another directory decides who is a member",
        "loses access to App 20 once its removal is requested and approved",
        "waits for the removal of access to App 21, which is requested (status Pending)",
        "keeps access to App 22: the app is not managed, so Cakewalk removes nothing there",
        "keeps access to App 23: an open request asks for the opposite",
        "keeps access to App 24: the request to remove it was declined",
        "keeps access to App 25: a request about it has an unknown status",
        "stays the only owner of the app App 40",
        "may own apps whose owner is not shown: App 41, App 42",
        *(
            f"is the subject of the request for access to App (Read, Pending), request {uid(number)}"
            for number in (50, 51, 52)
        ),
        f"has the task {uid(60)} (Review, Pending)",
    ]


@pytest.mark.parametrize(
    ("word", "expected"), [("Managed", True), ("MANAGED", True), ("Tracked", False), (None, False)]
)
def test_only_managed_apps_are_managed(word: str | None, expected: bool) -> None:
    assert is_managed({"statusName": word}) is expected
