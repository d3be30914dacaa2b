# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits for requested access, by value."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.catalog import (
    REQUEST_STATUSES,
    REQUESTS,
    accesses,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access.evaluation import (
    AccessDecision,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access.waiting import (
    AccessWait,
    RequestDeclined,
    unmet_of,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.access_requests import (
    CHANGE,
    GRANT,
    REMOVE,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.lookup import Row
from unit.access.samples import ADA, BEN, CAT, DAN, DIRECT, FIGMA, GITHUB, READ, WRITE, Scene, one, request
from unit.people import uid


def missing(wait: AccessWait, requests: list[Row], rows: list[Row]) -> list[str]:
    """Return what a wait about one app misses when it looks."""
    return wait.missing([requests, rows])


def waiting(*asked: Row, **given: Any) -> AccessWait:
    """Return the wait of a task."""
    return awaiting(Scene(*asked, **given).decide().decisions)


def awaiting(decisions: list[AccessDecision], **approvers: list[str]) -> AccessWait:
    """Return the wait for decisions; the approvers of a request are named by its id."""
    return AccessWait(decisions, 5, REQUEST_STATUSES, lambda ids, *_about: {one: approvers.get(one, []) for one in ids})


def test_nothing_is_waited_for_where_nothing_is_requested() -> None:
    decided = Scene(accesses=[one("GitHub", CAT, permission_level="Write"), one("Figma", CAT, state="absent")]).decide()
    assert not awaiting(decided.decisions).awaits
    assert decided.concluded() == decided
    assert unmet_of(decided.decisions, True, REQUEST_STATUSES) is None


def test_only_the_apps_with_something_to_wait_for_are_looked_at() -> None:
    entries = [one("GitHub", CAT, permission_level="Write"), one("Figma", CAT, DAN)]
    wait = waiting(accesses=entries)
    assert wait.awaits
    assert wait.sources == [REQUESTS, accesses(FIGMA)]
    assert not wait.proves_absence
    assert waiting(**one("Figma", BEN, state="absent")).proves_absence


def test_access_is_waited_for_until_it_is_listed() -> None:
    opened = request(5, DAN, GITHUB, GRANT, WRITE)
    approved = {**opened, "requestStatus": "Approved"}
    wait = waiting(**one("GitHub", DAN, permission_level="Write", state="present"))
    words = "to give dan@example.com access to 'GitHub' at the level 'Write'"
    facts = f"(request {opened['id']}, status"
    assert missing(wait, [], []) == [f"no request {words} is listed"]
    assert missing(wait, [opened], []) == [f"the request {words} still waits for approval {facts} Pending)"]
    assert missing(wait, [{**opened, "requestStatus": "Mystery"}], []) == [
        f"the request {words} has an unknown status {facts} Mystery)"
    ]
    at_another = {"user": DAN, "permissionLevel": READ}
    assert missing(wait, [approved], [at_another]) == [
        f"the request {words} is approved, and its effect is not listed yet {facts} Approved)"
    ]
    assert missing(wait, [opened], [at_another, {"user": DAN, "permissionLevel": WRITE}]) == []


def test_a_wait_that_times_out_names_the_approvers_of_what_is_undecided() -> None:
    opened, approved = request(5, DAN, GITHUB, GRANT, WRITE), request(6, BEN, GITHUB, CHANGE, WRITE, "Approved")
    wanted = Scene(**one("GitHub", DAN, BEN, ADA, permission_level="Write", state="present")).decide().decisions
    wait = awaiting(wanted, **{opened["id"]: ["olga@example.com", "max@\nexample.com"], approved["id"]: ["no@body"]})
    lines = missing(wait, [opened, approved], [{"user": BEN, "permissionLevel": READ}])
    explained = [
        lines[0].replace("for approval", "for approval by olga@example.com or max@\\nexample.com"),
        *lines[1:],
    ]
    assert wait.explained(lines) == explained
    assert explained[0] != lines[0]


def test_a_removal_is_waited_for_until_nothing_is_held() -> None:
    wait = waiting(**one("GitHub", BEN, state="absent"))
    opened = request(5, BEN, GITHUB, REMOVE)
    (line,) = missing(wait, [opened], [{"user": BEN, "permissionLevel": READ}])
    assert line.startswith("the request to remove the access of ben@example.com to 'GitHub' still waits for approval (")
    assert missing(wait, [opened], [{"user": CAT, "permissionLevel": WRITE}]) == []


@pytest.mark.parametrize("status", ["Declined", "cancelled"])
def test_what_will_not_come_is_not_waited_for(status: str) -> None:
    wait = waiting(**one("GitHub", BEN, permission_level="Write", state="present"))
    ended = request(5, BEN, GITHUB, CHANGE, WRITE, status)
    with pytest.raises(RequestDeclined) as refused:
        missing(wait, [ended], [{"user": BEN, "permissionLevel": READ}])
    told = "the request to give ben@example.com access to 'GitHub' at the level 'Write' was "
    told += f"{'declined' if status == 'Declined' else 'withdrawn'} (request {ended['id']}, status {status})"
    assert told in str(refused.value)
    assert refused.value.facts() == {"kind": "declined", "refused": [told]}
    assert missing(wait, [ended], [{"user": BEN, "permissionLevel": WRITE}]) == []


def test_an_earlier_request_that_was_declined_does_not_end_the_wait_for_a_new_one() -> None:
    """The list of requests may show the new one late."""
    earlier = request(5, DAN, GITHUB, GRANT, WRITE, "Declined")
    wait = waiting(earlier, **one("GitHub", DAN, permission_level="Write", state="present", retry_declined=True))
    assert missing(wait, [earlier], []) == [
        "no request to give dan@example.com access to 'GitHub' at the level 'Write' is listed"
    ]
    newer = {**earlier, "id": uid(700), "requestStatus": "Pending"}
    assert newer["id"] in missing(wait, [newer, earlier], [])[0]


def test_a_request_that_was_open_before_is_waited_for() -> None:
    opened = request(5, DAN, GITHUB, GRANT, WRITE)
    wait = waiting(opened, **one("GitHub", DAN, permission_level="Write", state="present"))
    assert opened["id"] in missing(wait, [opened], [])[0]
    with pytest.raises(RequestDeclined):
        missing(wait, [{**opened, "requestStatus": "Declined"}], [])


def test_what_is_recorded_is_waited_for_and_never_called_granted() -> None:
    decided = Scene(**one("Figma", DAN, state="present", **DIRECT)).decide()
    assert [decision.outcome for decision in decided.concluded().decisions] == ["recorded"]
    wait = awaiting(decided.decisions)
    assert missing(wait, [], []) == ["the access of dan@example.com to 'Figma' is recorded, and is not listed yet"]
    assert missing(wait, [], [{"user": DAN, "permissionLevel": None}]) == []


def test_to_wait_for_what_was_declined_fails() -> None:
    declined = request(5, DAN, FIGMA, GRANT, None, "Declined")
    decisions = Scene(declined, **one("Figma", DAN, state="present")).decide().decisions
    assert unmet_of(decisions, False, REQUEST_STATUSES) is None
    error = unmet_of(decisions, True, REQUEST_STATUSES)
    assert isinstance(error, RequestDeclined)
    assert f"access to 'Figma' was declined (request {declined['id']}, status Declined)" in str(error)
