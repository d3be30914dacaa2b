# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions about access: from held levels and requests to the outcome and the step, by value."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.catalog import REQUEST_STATUSES, USERS
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import ConfigurationError
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access.evaluation import (
    ABSENT,
    CHANGING,
    CONFLICT,
    DECLINED,
    GRANTED,
    OUTCOMES,
    RECORDED,
    REMOVING,
    REQUESTED,
    AccessDecision,
    AccessEntry,
    AccessEvaluator,
    AppState,
    conflict_of,
    entries_of_task,
    states_of,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.access_requests import (
    CHANGE,
    GRANT,
    REMOVE,
    Requests,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.lookup import Index, LookupFailed
from hypothesis import given
from hypothesis import strategies as st
from unit.people import uid, user

APP, OTHER = {"id": uid(50), "name": "GitHub"}, {"id": uid(51), "name": "Figma"}
READ, WRITE, ADMIN = ({"id": uid(60 + number), "name": name} for number, name in enumerate(("Read", "Write", "Admin")))
LEVELS = {level["name"]: level for level in (READ, WRITE, ADMIN)}
ADA, BEN = user(1, "ada@example.com"), user(2, "ben@example.com")
PEOPLE = Index(USERS, [ADA, BEN])

NOW = datetime(2026, 2, 1, 12, tzinfo=timezone.utc)
#: Type, level, status, from the oldest to the newest; what was updated a moment ago has a mark.
Asked = tuple[str, str | None, str]


def app_state(held: list[str | None], asked: list[Asked], with_levels: bool = True) -> AppState:
    """Return an app of which Ada holds these levels, and of which these requests are about her."""
    rows = [{"user": ADA, "permissionLevel": LEVELS.get(name or "")} for name in held]
    requests = [
        {
            "id": uid(100 + number),
            "requestType": kind,
            "requestStatus": status.rstrip("!"),
            "targetUserId": ADA["id"].upper(),
            "workAppId": APP["id"],
            "permissionLevelId": LEVELS[level]["id"].upper() if level else None,
            "createdAt": f"2026-01-0{number + 1}T00:00:00Z",
            "updatedAt": "2026-02-01T11:50:00Z" if status.endswith("!") else "2026-02-01T11:40:00Z",
        }
        for number, (kind, level, status) in enumerate(asked)
    ]
    about_others = [{**one, "id": uid(200), "workAppId": OTHER["id"]} for one in requests[:1]]
    levels = list(LEVELS.values()) if with_levels else []
    return AppState(APP, rows, levels, Requests([*reversed(requests), *about_others], REQUEST_STATUSES, NOW))


def evaluated(
    held: list[str | None], asked: list[Asked], level: str | None = "Write", state: str = "present", **how: Any
) -> AccessDecision | str:
    """Return what becomes of Ada's access, or the reasons why that cannot be told."""
    evaluator = AccessEvaluator(how.get("direct", False), how.get("retry", False))
    entry = AccessEntry("GitHub", (ADA["email"],), level if state == "present" else None, state)
    found, _unknown = evaluator.evaluate(app_state(held, asked, how.get("with_levels", True)), [entry], PEOPLE)
    try:
        evaluator.resolver.check()
    except LookupFailed as error:
        return " ".join(problem["reason"] for problem in error.facts()["problems"])
    (decision,) = found
    return decision


PRESENT: list[tuple[list[str | None], list[Asked], str, str | None]] = [
    ([], [], REQUESTED, GRANT),
    (["Write"], [], GRANTED, None),
    (["Read", "Write"], [], GRANTED, None),
    (["Read"], [], CHANGING, CHANGE),
    ([None], [], CHANGING, CHANGE),
    ([], [(GRANT, "Write", "Pending")], REQUESTED, None),
    (["Read"], [(GRANT, "Write", "PENDING")], REQUESTED, None),
    (["Read"], [(CHANGE, "Write", "Pending")], CHANGING, None),
    ([], [(GRANT, "Read", "Pending")], CONFLICT, None),
    ([], [(GRANT, None, "Pending")], CONFLICT, None),
    (["Read"], [(CHANGE, "Admin", "Pending")], CONFLICT, None),
    (["Read"], [(REMOVE, None, "Pending")], CONFLICT, None),
    (["Write"], [(REMOVE, None, "Pending")], CONFLICT, None),
    (["Write"], [(CHANGE, "Read", "Pending")], CONFLICT, None),
    (["Write"], [(GRANT, "Admin", "Pending")], GRANTED, None),
    (["Write"], [(GRANT, "Write", "Pending")], GRANTED, None),
    (["Write"], [(GRANT, "Admin", "Mystery")], GRANTED, None),
    ([], [(GRANT, "Write", "Declined")], DECLINED, None),
    ([], [(GRANT, "Read", "Declined")], REQUESTED, GRANT),
    (["Read"], [(GRANT, "Write", "Declined")], CHANGING, CHANGE),
    (["Read"], [(CHANGE, "Write", "Declined")], DECLINED, None),
    ([], [(GRANT, "Write", "Declined"), (GRANT, "Write", "Cancelled")], REQUESTED, GRANT),
    ([], [(GRANT, "Write", "Cancelled"), (GRANT, "Write", "Declined")], DECLINED, None),
    ([], [(GRANT, "Write", "Declined"), (GRANT, "Write", "Pending")], REQUESTED, None),
    ([], [(GRANT, "Write", "Approved"), (REMOVE, None, "Approved")], REQUESTED, GRANT),
    ([], [(GRANT, "Write", "Approved!")], REQUESTED, None),
    (["Read"], [(CHANGE, "Write", "Approved!")], CHANGING, None),
    (["Write"], [(GRANT, "Write", "Approved!")], GRANTED, None),
    (["Read"], [(GRANT, "Read", "Approved!")], CHANGING, CHANGE),
    (["Write"], [(REMOVE, None, "Approved!")], CONFLICT, None),
    ([], [(REMOVE, None, "Approved!")], REQUESTED, GRANT),
    ([], [(GRANT, "Write", "Approved!"), (REMOVE, None, "Approved!")], REQUESTED, GRANT),
]
GONE: list[tuple[list[str | None], list[Asked], str, str | None]] = [
    ([], [], ABSENT, None),
    (["Read"], [], REMOVING, REMOVE),
    (["Read", "Write"], [], REMOVING, REMOVE),
    (["Read"], [(REMOVE, None, "Pending")], REMOVING, None),
    (["Read"], [(GRANT, "Write", "Pending")], CONFLICT, None),
    (["Read"], [(CHANGE, "Write", "Pending")], CONFLICT, None),
    ([], [(GRANT, "Write", "Pending")], CONFLICT, None),
    ([], [(REMOVE, None, "Pending")], ABSENT, None),
    ([], [(REMOVE, None, "Mystery")], ABSENT, None),
    (["Read"], [(REMOVE, None, "Approved!")], REMOVING, None),
    (["Read"], [(GRANT, "Read", "Approved!")], REMOVING, REMOVE),
    ([], [(GRANT, "Read", "Approved!")], CONFLICT, None),
    (["Read"], [(REMOVE, None, "Declined")], DECLINED, None),
    (["Read"], [(REMOVE, None, "Declined"), (REMOVE, None, "Approved")], REMOVING, REMOVE),
]


@pytest.mark.parametrize(("held", "asked", "outcome", "step"), PRESENT)
def test_access_that_is_to_be(held: list[str | None], asked: list[Asked], outcome: str, step: str | None) -> None:
    decision = evaluated(held, asked)
    assert isinstance(decision, AccessDecision)
    assert (decision.outcome, decision.step) == (outcome, step)


@pytest.mark.parametrize(("held", "asked", "outcome", "step"), GONE)
def test_access_that_is_to_go(held: list[str | None], asked: list[Asked], outcome: str, step: str | None) -> None:
    decision = evaluated(held, asked, state="absent")
    assert isinstance(decision, AccessDecision)
    assert (decision.outcome, decision.step) == (outcome, step)


@pytest.mark.parametrize(
    ("held", "asked", "how", "reason"),
    [
        ([], [], {"level": None}, "no_level"),
        ([], [], {"level": "Wriet"}, "not_found"),
        ([], [], {"with_levels": False}, "not_found"),
        (["Read"], [], {"level": None}, "no_level"),
        (["Read"], [], {"level": "Wriet"}, "not_found"),
        (["Read", "Admin"], [], {}, "other_level"),
        (["Read"], [], {"direct": True}, "other_level"),
        ([], [(GRANT, "Read", "Mystery")], {}, "unknown_status"),
        ([], [(REMOVE, None, "Mystery")], {}, "unknown_status"),
        (["Write"], [(REMOVE, None, "Mystery")], {}, "unknown_status"),
        (["Read"], [(REMOVE, None, "Mystery")], {"state": "absent"}, "unknown_status"),
        ([], [(GRANT, "Read", "Mystery")], {"state": "absent"}, "unknown_status"),
        ([], [("HologramRequest", None, "Pending")], {}, "unknown_status"),
        ([], [("ArchiveWorkAppRequest", None, "Mystery")], {}, "unknown_status"),
        (["Read"], [], {"level": None, "with_levels": False}, "other_level"),
    ],
)
def test_what_cannot_be_told_is_a_problem(
    held: list[str | None], asked: list[Asked], how: dict[str, Any], reason: str
) -> None:
    assert evaluated(held, asked, **how) == reason


@pytest.mark.parametrize(
    ("held", "asked", "outcome", "step"),
    [
        ([], [], RECORDED, RECORDED),
        (["Write"], [], GRANTED, None),
        ([], [(GRANT, "Write", "Pending")], CONFLICT, None),
        ([], [(GRANT, "Write", "Declined")], RECORDED, RECORDED),
    ],
)
def test_direct_recording(held: list[str | None], asked: list[Asked], outcome: str, step: str | None) -> None:
    decision = evaluated(held, asked, direct=True)
    assert isinstance(decision, AccessDecision)
    assert (decision.outcome, decision.step) == (outcome, step)


def test_an_app_without_levels() -> None:
    for held, outcome in (([], REQUESTED), ([None], GRANTED)):
        decision = evaluated(held, [], level=None, with_levels=False)
        assert isinstance(decision, AccessDecision)
        assert (decision.outcome, decision.level) == (outcome, None)


@pytest.mark.parametrize("kind", [GRANT, CHANGE, REMOVE])
def test_what_was_declined_is_asked_for_again_where_that_is_wanted(kind: str) -> None:
    held: list[str | None] = [] if kind == GRANT else ["Read"]
    state = "absent" if kind == REMOVE else "present"
    decision = evaluated(held, [(kind, None if kind == REMOVE else "Write", "Declined")], state=state, retry=True)
    assert isinstance(decision, AccessDecision)
    assert decision.step == kind


_ASKED = st.lists(
    st.tuples(
        st.sampled_from([GRANT, CHANGE, REMOVE]),
        st.sampled_from([None, *LEVELS]),
        st.sampled_from(["Pending", "Approved", "Declined", "Cancelled", "Mystery"]),
    ),
    max_size=4,
)


@given(
    st.lists(st.sampled_from([None, *LEVELS]), unique=True, max_size=2),
    _ASKED,
    st.sampled_from(["present", "absent"]),
    st.booleans(),
    st.booleans(),
)
def test_nothing_is_called_granted_or_absent_that_is_not_and_nothing_is_asked_for_beside_an_open_request(
    held: list[str | None], asked: list[Asked], state: str, direct: bool, retry: bool
) -> None:
    decision = evaluated(held, asked, state=state, direct=direct and state == "present", retry=retry)
    if isinstance(decision, str):
        return
    assert decision.outcome in OUTCOMES
    assert (decision.outcome == GRANTED) <= ("Write" in held)
    assert (decision.outcome == ABSENT) <= (not held)
    is_open = any(status in ("Pending", "Mystery") for _kind, _level, status in asked)
    assert (decision.step is not None) <= (not is_open)
    assert (decision.step in (CHANGE, REMOVE)) == decision.takes


@given(
    st.lists(st.sampled_from([None, *LEVELS]), unique=True, max_size=2),
    _ASKED,
    st.sampled_from(["present", "absent"]),
    st.booleans(),
)
def test_once_a_step_was_taken_nothing_more_is_done(
    held: list[str | None], asked: list[Asked], state: str, direct: bool
) -> None:
    how = {"state": state, "direct": direct and state == "present", "retry": True}
    decision = evaluated(held, asked, **how)
    if isinstance(decision, str) or decision.step is None:
        return
    if decision.step == RECORDED:
        again = evaluated(["Write"], asked, **how)
        assert isinstance(again, AccessDecision)
        assert (again.outcome, again.step) == (GRANTED, None)
        return
    again = evaluated(held, [*asked, (decision.step, None if decision.step == REMOVE else "Write", "Pending")], **how)
    assert isinstance(again, AccessDecision)
    assert (again.outcome, again.step) == (decision.outcome, None)


@pytest.mark.parametrize(
    ("shown", "status", "matters"),
    [
        ({}, "Pending", True),
        ({"workAppId": APP["id"]}, "Pending", True),
        ({"targetUserId": ADA["id"]}, "Mystery", True),
        ({"workAppId": OTHER["id"]}, "Pending", False),
        ({"targetUserId": BEN["id"]}, "Pending", False),
        ({}, "Declined", False),
    ],
)
def test_a_request_that_hides_what_it_is_about_matters_where_it_may_be_about_somebody_named(
    shown: dict[str, str], status: str, matters: bool
) -> None:
    request = {"id": uid(300), "requestType": GRANT, "requestStatus": status, **shown}
    evaluator = AccessEvaluator(False, False)
    odd = AppState(APP, [], [READ], Requests([request], REQUEST_STATUSES, NOW))
    evaluator.evaluate(odd, [AccessEntry("GitHub", (ADA["email"],), "Read", "present")], PEOPLE)
    if matters:
        with pytest.raises(LookupFailed, match=uid(300)):
            evaluator.resolver.check()
    else:
        evaluator.resolver.check()


def test_people_and_their_contradictions() -> None:
    evaluator = AccessEvaluator(False, False)
    both = [
        AccessEntry("GitHub", (ADA["email"],), "Read", "present"),
        AccessEntry("GitHub", (ADA["id"],), "Write", "present"),
    ]
    with pytest.raises(ConfigurationError, match="asked for twice, in different ways"):
        evaluator.evaluate(app_state([], []), both, PEOPLE)
    same = [
        AccessEntry("GitHub", (ADA["email"], BEN["id"]), "Read", "present"),
        AccessEntry("GitHub", (ADA["id"],), "Read", "present"),
    ]
    found, unknown = evaluator.evaluate(app_state([], []), same, PEOPLE)
    assert [decision.user["id"] for decision in found] == [ADA["id"], BEN["id"]]
    assert unknown == []


def test_whom_nobody_knows_is_listed_where_access_is_to_go() -> None:
    entry = AccessEntry("GitHub", ("nobody@example.com", ADA["email"], "nobody@example.com"), None, "absent")
    found, unknown = AccessEvaluator(False, False).evaluate(app_state([], []), [entry], PEOPLE)
    assert unknown == ["nobody@example.com"]
    assert [decision.outcome for decision in found] == [ABSENT]


def test_conflicts_are_told_with_their_requests() -> None:
    decision = evaluated([], [(GRANT, "Read", "Pending")])
    assert isinstance(decision, AccessDecision)
    conflict = conflict_of([decision])
    assert conflict is not None
    assert f"ada@example.com and 'GitHub': GrantAccessRequest {uid(100)} is Pending" in str(conflict)
    assert conflict.facts()["requests"] == [uid(100)]
    assert conflict_of([]) is None


@pytest.mark.parametrize(
    ("held", "state", "direct", "before", "after"),
    [
        ([], "present", False, [], "Write requested"),
        (["Read"], "present", False, ["ada@example.com: Read"], "Read (Write requested)"),
        (["Read"], "absent", False, ["ada@example.com: Read"], "Read (removal requested)"),
        ([], "present", True, [], "Write recorded"),
    ],
)
def test_a_diff_never_shows_as_held_what_is_only_requested(
    held: list[str | None], state: str, direct: bool, before: list[str], after: str
) -> None:
    decision = evaluated(held, [], state=state, direct=direct)
    assert isinstance(decision, AccessDecision)
    assert states_of([decision]) == (
        {"Access to GitHub": before},
        {"Access to GitHub": [f"ada@example.com: {after}"]},
    )


def test_a_diff_leaves_out_those_for_whom_nothing_is_done() -> None:
    decision = evaluated(["Write"], [])
    assert isinstance(decision, AccessDecision)
    assert states_of([decision]) == ({}, {})


@pytest.mark.parametrize("entries", [None, [{"app": None}], [None]])
def test_what_an_entry_is_about_must_not_be_null(entries: Any) -> None:
    with pytest.raises(ConfigurationError, match="app is null or missing"):
        entries_of_task({"accesses": entries, "app": None})


#: The members of the app's record about the owner, the marks of Ada's access, and whether she owns the app.
OWNED: list[tuple[dict[str, Any], list[dict[str, Any]], bool | None]] = [
    ({"owner": ADA}, [], True),
    ({"owner": {"id": ADA["id"].upper()}}, [{"isOwner": False}], True),
    ({"owner": None}, [], False),
    ({"owner": BEN}, [], False),
    ({"owner": BEN}, [{"isOwner": False}, {"isOwner": True}], True),
    ({}, [{"isOwner": True}], True),
    ({}, [{"isOwner": False}], False),
    ({}, [{"isOwner": False}, {}], None),
    *((shown, [], None) for shown in ({}, {"owner": {}}, {"owner": {"name": "Ada"}}, {"owner": "Ada"})),
    *(({"owner": BEN}, [{"isOwner": mark}], None) for mark in (None, "no")),
]


@pytest.mark.parametrize(("shown", "marks", "expected"), OWNED)
def test_whether_a_person_owns_an_app_is_not_known_unless_something_shows_it(
    shown: dict[str, Any], marks: list[dict[str, Any]], expected: bool | None
) -> None:
    rows = [{"user": ADA, **mark} for mark in marks]
    state = AppState({**APP, **shown}, rows, [], Requests([], REQUEST_STATUSES))
    assert state.is_owned_by(ADA) is expected


@pytest.mark.parametrize(
    ("shown", "marks", "expected"),
    [
        ({"owner": ADA}, [], True),
        ({"owner": ADA}, [(ADA, True), (ADA, None), (BEN, False)], True),
        ({"owner": None}, [(ADA, True)], True),
        ({"owner": BEN}, [(ADA, True)], False),
        ({}, [(ADA, True), (BEN, True)], False),
        ({"owner": ADA}, [(BEN, None), (BEN, True)], False),
        ({}, [(ADA, True)], None),
        ({}, [(ADA, True), (BEN, False)], None),
        ({"owner": {"name": "Ben"}}, [(ADA, True)], None),
        ({"owner": ADA}, [(BEN, None)], None),
        ({"owner": ADA}, [(BEN, False), (BEN, "no")], None),
    ],
)
def test_whether_an_owner_is_the_only_one_is_not_known_unless_all_owners_are_shown(
    shown: dict[str, Any], marks: list[tuple[dict[str, Any], Any]], expected: bool | None
) -> None:
    rows = [{"user": user, "isOwner": mark} for user, mark in marks]
    state = AppState({**APP, **shown}, rows, [], Requests([], REQUEST_STATUSES))
    assert (state.is_owned_by(ADA), state.is_owned_only_by(ADA)) == (True, expected)
