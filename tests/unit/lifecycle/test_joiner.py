# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Joiners by value: who is meant, what the plan says, and what the outcome for each person is."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.catalog import REQUEST_STATUSES
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import ConfigurationError
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access.evaluation import AccessDecision, AppState
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.access_requests import Requests
from ansible_collections.cakewalk.access.plugins.module_utils._engine.lifecycle.joiner import (
    PeopleAppear,
    can_appear,
    people_of,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.lifecycle.joiner_report import (
    JoiningPerson,
    NotJoined,
    outcome_of,
    plan_lines,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.lifecycle.people_result import people_result
from unit.people import uid, user

ERIN = user(1, "erin@example.com")
SALES, EMPTY = {"id": uid(20), "name": "Sales\n"}, {"id": uid(21), "name": "Empty"}
APP, OTHER, EXTRA = ({"id": uid(number), "name": f"App {number}"} for number in (10, 11, 12))
LEVEL = {"id": uid(30), "name": "Read"}
DEFAULT_APPS = {SALES["id"]: [OTHER, APP], EMPTY["id"]: []}


def request(app: dict[str, Any], status: str = "Pending", level: str | None = None, number: int = 50) -> dict[str, Any]:
    """Return a request of Erin for access to an app."""
    return {
        "id": uid(number),
        "requestType": "GrantAccessRequest",
        "requestStatus": status,
        "targetUserId": ERIN["id"],
        "workAppId": app["id"],
        "permissionLevelId": level,
        "createdAt": "2026-06-01T12:00:00Z",
    }


def requests(*rows: dict[str, Any]) -> Requests:
    """Return the requests of a tenant."""
    return Requests(rows, REQUEST_STATUSES, datetime(2026, 6, 2, tzinfo=timezone.utc))


def joiner(**known: Any) -> JoiningPerson:
    """Return Erin, about whom this is known."""
    return JoiningPerson("erin@example.com", (), (), "Joins", **{"user": ERIN, **known})


def decision(app: dict[str, Any], outcome: str, **more: Any) -> AccessDecision:
    """Return a decision about the access of Erin, made before there was any request."""
    return AccessDecision(AppState(app, [], [], requests()), ERIN, more.pop("level", None), outcome, **more)


def params(**given: Any) -> dict[str, Any]:
    """Return the options of a task."""
    none = dict.fromkeys(("user", "groups", "accesses", "people"))
    return {**none, "purpose": "Joins the company", **given}


def entry(reference: str, **given: Any) -> dict[str, Any]:
    """Return the options of a person."""
    return {"user": reference, "groups": None, "accesses": None, "purpose": None, **given}


def test_people_are_taken_from_either_form() -> None:
    accesses = [{"app": "A", "permission_level": None}, {"app": "A", "permission_level": ""}]
    single = people_of(params(user="a@x.org", groups=["G", "G"], accesses=accesses))
    bulk = people_of(params(people=[entry("a@x.org", groups=["G"], accesses=accesses), entry("b@x.org", purpose="P")]))
    for person in (single[0], bulk[0]):
        assert (person.group_names, person.extra, person.purpose) == (("G",), (("A", None),), "Joins the company")
    assert (bulk[1].name, bulk[1].purpose, bulk[1].group_names) == ("b@x.org", "P", ())


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"people": []}, "people is empty"),
        ({"people": [entry("a@x.org"), entry("A@X.org"), entry(" ")]}, "is blank; a@x.org is named twice"),
        ({"user": "a@x.org", "groups": ["G", " "]}, "an entry of 'a@x.org' is blank"),
        ({"user": "a@x.org", "accesses": [{"app": " ", "permission_level": None}]}, "an entry of 'a@x.org' is blank"),
        ({"user": "a @x.org"}, "holds a blank"),
        ({"user": "a@x.org "}, "holds a blank"),
        ({"user": "a@x.org", "purpose": "x" * 1025}, "too long"),
        ({"people": [entry("a@x.org"), None]}, "null or missing"),
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        people_of(params(**given))


def test_only_addresses_and_ids_may_appear() -> None:
    assert [can_appear(text) for text in ("a@x.org", uid(1), "Erin Engineer")] == [True, True, False]


def test_the_wait_is_over_once_everybody_is_there_also_somebody_who_is_there_twice() -> None:
    wait = PeopleAppear(["Erin@example.com", "nora@example.com"], 5)
    assert wait.missing([[ERIN]]) == ["nobody has the address or id 'nora@example.com'"]
    assert len(wait.missing([[]])) == 2
    assert wait.missing([[ERIN, user(2, "nora@example.com"), user(3, "NORA@example.com")]]) == []
    assert max(wait.pauses) == wait.pauses[-1] == 60


def test_the_plan_has_a_line_for_each_group_and_app() -> None:
    decisions = [
        decision(EXTRA, "requested", step="GrantAccessRequest", level=LEVEL),
        decision(APP, "requested", step="GrantAccessRequest"),
        decision(OTHER, "requested"),
        decision(OTHER, "declined"),
        decision(OTHER, "granted"),
    ]
    there = joiner(groups=[SALES, EMPTY], added={SALES["id"], EMPTY["id"]}, decisions=decisions)
    assert plan_lines([there], DEFAULT_APPS, 60) == [
        "erin@example.com: joins Sales\\n, which gives access to App 10, App 11",
        "erin@example.com: joins Empty, which gives no access",
        "erin@example.com: requests App 12 (Read)",
        "erin@example.com: requests App 10, unless a request for it follows from Sales\\n",
        "erin@example.com: has an open request for App 11",
        "erin@example.com: gets no new request for App 11, which was declined before",
    ]
    assert plan_lines([joiner(groups=[SALES])], DEFAULT_APPS, 60) == ["erin@example.com: nothing changes"]


@pytest.mark.parametrize(("timeout", "words"), [(60, "the run waits up to 60 seconds"), (0, "the run does not wait")])
def test_the_plan_says_what_a_missing_person_gets_later(timeout: int, words: str) -> None:
    missing = joiner(user=None, groups=[EMPTY], wanted=[(EXTRA, LEVEL)])
    assert plan_lines([missing], DEFAULT_APPS, timeout) == [
        f"erin@example.com: is not in the directory yet, and {words}",
        "erin@example.com: once there, joins Empty, which gives no access",
        "erin@example.com: once there, requests App 12 (Read)",
    ]


def outcome(person: JoiningPerson, *rows: dict[str, Any], **given: bool) -> dict[str, Any]:
    """Return the outcome for a person, in a tenant with these requests."""
    return outcome_of(person, DEFAULT_APPS, requests(*rows), given.get("dry", False), given.get("approves", False))


@pytest.mark.parametrize(
    ("made", "rows", "waiting", "by_hand", "status"),
    [
        (decision(EXTRA, "granted"), (), [], [], "granted"),
        (decision(EXTRA, "requested", step="x"), (request(EXTRA),), ["its request is Pending"], [], "requested"),
        (decision(EXTRA, "requested", step="x"), (), ["it was requested a moment ago"], [], "requested"),
        (decision(EXTRA, "requested", step="x"), (request(EXTRA, "Declined"),), [], ["Declined"], "requested"),
        (decision(EXTRA, "requested", request=request(EXTRA)), (), ["its request is Pending"], [], "requested"),
        (decision(EXTRA, "declined", request=request(EXTRA, "Declined")), (), [], ["Declined"], "declined"),
        (decision(EXTRA, "conflicting_request", request=request(EXTRA)), (), [], ["something else"], "conflicting"),
        (None, (request(EXTRA),), [], [], "not_requested"),
    ],
)
def test_extra_access_is_granted_or_waits_or_is_left_to_people(
    made: AccessDecision | None, rows: tuple[Any, ...], waiting: list[str], by_hand: list[str], status: str
) -> None:
    person = joiner(wanted=[(EXTRA, None)], decisions=[made] if made else [])
    told = outcome(person, *rows)
    assert [row["why"] for row in told["waiting"]] == waiting
    assert [words in row["why"] for row, words in zip(told["by_hand"], by_hand, strict=True)] == [True] * len(by_hand)
    assert all(row["do"] for row in told["by_hand"])
    assert told["accesses"][0]["outcome"].startswith(status)
    assert told["complete"] is (not waiting and not by_hand)
    person.failed.add(EXTRA["id"])
    assert outcome(person, *rows)["accesses"][0]["outcome"] == "failed"


def test_a_request_of_before_is_not_taken_for_the_one_that_was_opened() -> None:
    """The earlier request was known when the decision was made."""
    state = AppState(EXTRA, [], [], requests(request(EXTRA, "Declined", number=51)))
    made = AccessDecision(state, ERIN, None, "requested", "GrantAccessRequest")
    told = outcome(joiner(wanted=[(EXTRA, None)], decisions=[made]), request(EXTRA, "Declined", number=51))
    assert [row["why"] for row in told["waiting"]] == ["it was requested a moment ago"]


def test_access_that_follows_from_groups_waits_too() -> None:
    person = joiner(groups=[SALES], added={SALES["id"]}, wanted=[(OTHER, None)], decisions=[decision(OTHER, "granted")])
    (row,) = outcome(person, request(APP), request(OTHER, number=51))["waiting"]
    assert (row["name"], row["request_id"], row["since"]) == ("App 10", uid(50), "2026-06-01T12:00:00Z")
    assert outcome(person, request(APP, "Approved"))["waiting"] == []
    assert outcome(person, {**request(APP), "targetUserId": None})["waiting"] == []
    (row,) = outcome(person, dry=True)["waiting"]
    assert (row["why"], row["request_id"]) == ("a request for it may follow from Sales\n", None)
    assert outcome(person, dry=True, approves=True)["waiting"] == []
    assert outcome_of(person, DEFAULT_APPS, None, False, False)["waiting"] == []


def test_memberships_are_told_for_what_they_are() -> None:
    person = joiner(groups=[SALES, EMPTY], added={SALES["id"]})
    assert [group["outcome"] for group in outcome(person)["groups"]] == ["added", "member"]
    person.failed.add(SALES["id"])
    assert [group["outcome"] for group in outcome(person)["groups"]] == ["not_added", "member"]
    missing = outcome(joiner(user=None, groups=[EMPTY], near=["erik@example.com"]))
    assert [group["outcome"] for group in missing["groups"]] == ["not_added"]
    assert [(row["what"], row["name"]) for row in missing["waiting"]] == [("person", "erin@example.com")]
    assert "similar: erik@example.com" in missing["waiting"][0]["why"]
    assert outcome(joiner(user=None, errors=["no"]))["waiting"] == []


def test_the_sums_and_the_error_are_those_of_all_people() -> None:
    people = [
        outcome(joiner()),
        outcome(joiner(errors=["a.", "b"])),
        outcome(joiner(user=None)),
        outcome(joiner(errors=["b"])),
    ]
    facts = people_result("joiner", people, ("waiting", "by_hand"), {"record_path": "/j"}, missing=1)
    assert facts["summary"] == {"people": 4, "complete": 1, "failed": 2, "missing": 1, "waiting": 1, "by_hand": 0}
    assert facts["complete"] is facts["stats"]["joiner_complete"] is False
    assert facts["stats"]["joiner_record_path"] == "/j"
    assert "erin" not in str(facts["stats"])
    error = NotJoined.of(people)
    assert error is not None
    assert str(error).startswith("Could not onboard erin@example.com, erin@example.com: a; b.")
    assert NotJoined.of(people[:1]) is None
    assert people_result("joiner", people[:1], ("waiting", "by_hand"), {})["complete"] is True
