# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who leaves: what of a footprint can be taken away, what is left, and what is kept of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.catalog import (
    REQUEST_STATUSES,
    is_managed,
    is_synced,
)
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import ListMoved
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.access_requests import Requests
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.guardrails import LimitExceeded
from ansible_collections.cakewalk.access.plugins.module_utils._engine.lifecycle import leaver, leaver_report
from ansible_collections.cakewalk.access.plugins.module_utils._engine.lifecycle.footprint import (
    Footprint,
    lines,
    read_until_stable,
    requests_of,
)
from unit.people import uid, user

ERIN = user(1, "erin@example.com")
NOW = datetime(2026, 6, 1, tzinfo=timezone.utc)
NOTHING = Footprint([], [], [], [], [], read=100)


def held(number: int, outcome: str = "removal_requested", **more: Any) -> dict[str, Any]:
    """Return an access to an app."""
    usual = {"levels": [], "to_request": outcome == "removal_requested", "request_id": None, "request_status": None}
    return {"id": uid(number), "name": f"App {number}", "outcome": outcome, **usual, **more}


def in_group(number: int, synced: bool = False) -> dict[str, Any]:
    """Return a membership."""
    return {"id": uid(number), "name": f"Group {number}", "synced": synced}


def asked(number: int, is_known: bool = True, gives: bool = True) -> dict[str, Any]:
    """Return a request that is not decided."""
    known = {"request_type": "GrantAccessRequest", "status": "Pending", "app_id": None, "permission_level_id": None}
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
    ownerships=[{"id": uid(40), "name": "App 40"}],
    requests=[asked(50), asked(51, gives=False), asked(52, is_known=False, gives=False)],
    tasks=[{"id": uid(60), "type": "Review", "status": "Pending"}],
    read=100,
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
        (request("GrantAccessRequest", None, "Approved"), []),
    ],
)
def test_a_request_that_may_give_something_is_left(row: dict[str, Any], what: list[str]) -> None:
    """Also one of an unknown type, and one that does not show whom it is for: it may be this person."""
    found = requests_of(ERIN, [row], Requests([row], REQUEST_STATUSES, NOW), {})
    assert [one["what"] for one in leaver.left(replace(NOTHING, requests=found))] == what


@pytest.mark.parametrize(
    ("minutes", "held", "what"),
    [(1, {}, ["open_grant"]), (1, {uid(20): [uid(30)]}, ["open_grant"]), (1, {uid(20): [uid(31)]}, []), (20, {}, [])],
    ids=["nothing", "another level", "its level", "long ago"],
)
def test_what_was_granted_a_moment_ago_and_is_not_listed_is_left(
    minutes: int, held: dict[str, list[str]], what: list[str]
) -> None:
    granted = request("GrantAccessRequest", uid(1), "Approved")
    granted |= {"workAppId": uid(20), "permissionLevelId": uid(31), "createdAt": NOW.isoformat()}
    granted["updatedAt"] = (NOW - timedelta(minutes=minutes)).isoformat()
    found = requests_of(ERIN, [granted], Requests([granted], REQUEST_STATUSES, NOW), held)
    entries = leaver.left(replace(NOTHING, requests=found))
    assert [one["what"] for one in entries] == what
    assert all("a moment ago" in one["why"] for one in entries)


def test_what_can_be_taken_away_is_named_by_ids_alone() -> None:
    assert leaver.memberships(ERIN, EVERYTHING) == [{"group": uid(10), "users": [uid(1)]}]
    assert leaver.removals(ERIN, EVERYTHING) == [{"app": uid(one), "users": [uid(1)]} for one in (20, 21)]
    assert leaver.memberships(ERIN, NOTHING) == leaver.removals(ERIN, NOTHING) == []


def test_what_stays_is_all_that_no_request_takes_away() -> None:
    assert [(one["what"], one["id"]) for one in leaver.staying(EVERYTHING)] == [
        ("synced_membership", uid(11)),
        ("unmanaged_access", uid(22)),
        ("access", uid(23)),
        ("access", uid(24)),
        ("access", uid(25)),
        ("ownership", uid(40)),
        ("open_grant", uid(50)),
        ("unclear_request", uid(52)),
    ]
    assert leaver.staying(NOTHING) == []


def test_what_is_left_is_that_and_what_could_be_taken_away() -> None:
    first = leaver.left(EVERYTHING)[:3]
    assert [(one["what"], one["id"], one["why"]) for one in first] == [
        ("membership", uid(10), "it is still listed"),
        ("access", uid(20), "its removal is not asked for"),
        ("access", uid(21), f"its removal is asked for: {uid(30)} is Pending"),
    ]
    assert leaver.left(EVERYTHING)[3:] == leaver.staying(EVERYTHING)
    assert leaver.left(NOTHING) == []


def test_the_rails_count_groups_and_apps_together() -> None:
    leaver.check_guardrails(ERIN, EVERYTHING, max_removals=2, max_removal_percent=2)
    with pytest.raises(LimitExceeded, match="make 2 removals"):
        leaver.check_guardrails(ERIN, EVERYTHING, max_removals=1, max_removal_percent=100)
    with pytest.raises(LimitExceeded, match="max_removal_percent allows 1 % of the 100") as caught:
        leaver.check_guardrails(ERIN, EVERYTHING, max_removals=None, max_removal_percent=1)
    assert [one["from"] for one in caught.value.facts()["would_remove"]] == ["Group 10", "App 20"]


def test_a_footprint_has_a_line_for_each_thing_and_nothing_makes_another() -> None:
    hostile = replace(
        NOTHING, groups=[{"id": uid(1), "name": "a\nb\u202e", "synced": True}], accesses=[held(2, levels=["x"])]
    )
    assert lines(ERIN, hostile) == [
        "erin@example.com: member of a\\nb\\u202e (synced)",
        "erin@example.com: access to App 2 (x): its removal is to be requested",
    ]
    assert lines(ERIN, NOTHING) == ["erin@example.com: nothing"]


def looks(*seen: Footprint) -> Iterator[Footprint]:
    """Return what one look after the other shows."""
    yield from seen


@pytest.mark.parametrize(("shown", "left_over"), [("aa", 0), ("aabb", 2), ("abb", 0), ("abab", None), ("abaa", 0)])
def test_absence_is_believed_when_two_looks_in_a_row_agree(shown: str, left_over: int | None) -> None:
    kinds = {"a": NOTHING, "b": replace(NOTHING, groups=[in_group(1)])}
    seen = looks(*(kinds[one] for one in shown))
    if left_over is None:
        with pytest.raises(ListMoved):
            read_until_stable(lambda: next(seen))
        return
    agreed = read_until_stable(lambda: next(seen))
    assert len(list(seen)) == left_over
    assert agreed == kinds[shown[len(shown) - left_over - 1]]


def test_how_many_rows_were_read_does_not_count_in_a_comparison() -> None:
    assert replace(NOTHING, read=1) == NOTHING


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"type": "Managed", "syncSource": None}, False),
        ({}, False),
        ({"type": "Synced"}, True),
        ({"type": "Dynamic"}, True),
        ({"syncSource": "Okta"}, True),
        ({"kind": "SYNCED_ASSIGNED"}, True),
    ],
)
def test_a_synced_group_is_known_by_its_record(record: dict[str, Any], expected: bool) -> None:
    assert is_synced({"id": uid(1), "name": "Sync Team", **record}) is expected


@pytest.mark.parametrize(
    ("word", "expected"), [("Managed", True), ("MANAGED", True), ("Tracked", False), (None, False)]
)
def test_only_managed_apps_are_managed(word: str | None, expected: bool) -> None:
    assert is_managed({"statusName": word}) is expected


def look(until: str, left: list[Any] | None = None) -> dict[str, Any]:
    """Return what the module told of a look."""
    seen = {name: [] for name in ("groups", "accesses", "ownerships", "requests", "tasks")}
    person = {"id": uid(1).upper(), "email": "erin@example.com", "status": "Active"}
    times = {"looked_from": "2026-06-01T12:00:00+00:00", "looked_until": until, "looks": 2}
    return {
        **seen,
        **times,
        "tenant": "https://example.com",
        "user": person,
        "other_accounts": [],
        "left": left or [],
        "more": "not kept",
    }


def test_a_proof_is_a_private_file_named_by_id_and_time(tmp_path: Path) -> None:
    run = {"id": "4711", "acting_user": "ada@example.com"}
    before, after = look("2026-06-01T12:00:01+00:00"), look("2026-06-01T12:30:00+00:00", [{"what": "ownership"}])
    proof = leaver_report.proof_of(run, before, after, [{"skipped": True}])

    path = Path(leaver_report.keep(str(tmp_path / "kept"), proof))

    assert path.name == f"leaver-{uid(1)}-20260601T1230000000-4711.json"
    assert path.stat().st_mode & 0o777 == 0o600
    kept = json.loads(path.read_text(encoding="utf-8"))
    assert kept == proof
    assert kept["statement"] == "As Cakewalk listed at 2026-06-01T12:30:00+00:00."
    assert (kept["complete"], kept["left"], kept["writes"]) == (False, [{"what": "ownership"}], [])
    assert (kept["before"]["looked_until"], "more" in kept["after"]) == ("2026-06-01T12:00:01+00:00", False)


def test_what_the_lists_answer_better_is_no_failure() -> None:
    results = [
        {"skipped": True},
        {"failed": True, "msg": "a", "error": {"kind": "wait_timed_out"}},
        {"failed": True, "msg": "b", "error": {"kind": "forbidden"}},
        {"failed": True, "msg": "c"},
        {"failed": False, "msg": "d", "error": {"kind": "forbidden"}},
    ]
    assert leaver_report.failures(results) == ["b", "c"]


@pytest.mark.parametrize(
    ("left", "foreseen", "tasks", "words"),
    [
        ([], False, 0, "nothing is left."),
        ([], True, 0, "nothing would be left once all that is asked for is approved."),
        ([1], False, 0, "1 thing is left."),
        ([1, 2], False, 0, "2 things are left."),
        ([1, 2], True, 1, "2 things would be left. 1 open task of the person needs somebody else."),
    ],
)
def test_the_summary_says_when_cakewalk_listed_it(left: list[Any], foreseen: bool, tasks: int, words: str) -> None:
    summary = leaver_report.summary("12:00", left, foreseen, tasks)
    assert summary.startswith("As Cakewalk listed at 12:00")
    assert summary.endswith(words)
