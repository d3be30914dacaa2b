# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a task by what it shows of itself."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.catalog import REQUEST_STATUSES, TASK_STATUSES
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import ConfigurationError
from ansible_collections.cakewalk.access.plugins.module_utils._engine.tasks.evaluation import (
    TaskEntry,
    TaskState,
    assess,
    check_actor,
    entries_of_task,
    warnings,
)
from unit.approvals import (
    ADA,
    BEN,
    EVE,
    FUTURE,
    GITHUB,
    NOW,
    PAST,
    WRITE,
    a_task,
    decision,
    judged,
    options,
    standalone,
    without,
)
from unit.people import MemoryTenant, uid

ID = uid(901)


def parsed(**given: Any) -> list[TaskEntry]:
    """Return the entries of a task with these options."""
    return entries_of_task(options(**given))


def test_the_single_form_is_one_entry() -> None:
    expect = {"user": "ben@example.com", "app": None, "permission_level": None, "request_type": "grant_access"}
    assert parsed(task=ID.upper(), state="approved", expect=expect) == [
        TaskEntry(ID, "approved", "action", {"user": "ben@example.com", "request_type": "grant_access"})
    ]


def test_entries_inherit_what_they_do_not_set() -> None:
    entries = [
        decision(a_task(1), state="declined"),
        decision(a_task(2), decide="standalone", expect={"user": "ben@example.com"}),
    ]
    assert parsed(decisions=entries, state="approved", decide="review", acting_user="ada@example.com") == [
        TaskEntry(uid(901), "declined", "review", {}),
        TaskEntry(uid(902), "approved", "standalone", {"user": "ben@example.com"}),
    ]


def test_no_decisions_are_no_entries() -> None:
    assert parsed(decisions=[]) == []


@pytest.mark.parametrize(
    ("given", "option", "words"),
    [
        ({"task": "GitHub", "state": "approved"}, "task", "decide the task 'GitHub': this is not an id"),
        ({"task": "", "state": "approved"}, "task", "decide the task '': this is not an id"),
        ({"task": f" {ID}", "state": "approved"}, "task", "this is not an id"),
        ({"task": ID}, "state", "state is missing, and nothing is decided by default"),
        (
            {"decisions": [decision(a_task(1), state="approved"), decision(a_task(2))]},
            "state",
            f"decide the task '{uid(902)}': state is missing",
        ),
        (
            {"state": "approved", "decisions": [decision(a_task(1)), {**decision(a_task(1)), "task": ID.upper()}]},
            "decisions",
            f"{ID} is named more than once. Name each task once.",
        ),
    ],
)
def test_what_cannot_be_meant(given: dict[str, Any], option: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as wrong:
        parsed(**given)
    assert words in str(wrong.value)
    assert wrong.value.facts()["option"] == option


@pytest.mark.parametrize(
    ("given", "decide"),
    [
        ({"task": ID, "state": "declined", "decide": "review"}, "review"),
        (
            {"decisions": [decision(a_task(), state="approved", decide="standalone")], "acting_user": ""},
            "standalone",
        ),
    ],
)
def test_self_approval_needs_an_acting_user_to_compare_with(given: dict[str, Any], decide: str) -> None:
    with pytest.raises(ConfigurationError, match=f"decide: {decide}: `acting_user` is not set"):
        check_actor(parsed(**given), options(**given), MemoryTenant([]))


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        (a_task(), "action"),
        (a_task(isActionStep=False), "review"),
        (a_task(isActionStep=None), None),
        (a_task(isActionStep="true"), None),
        (a_task(isActionStep=1), None),
        (without(a_task(), "isActionStep"), None),
        (standalone(), "standalone"),
        (standalone(isActionStep=True), "standalone"),
        (without(standalone(), "request"), "standalone"),
        ({**a_task(), "request": "there is one"}, "action"),
    ],
)
def test_what_kind_of_task_it_is(row: dict[str, Any], kind: str | None) -> None:
    assert TaskState(TaskEntry(ID, "approved", "action", {}), row).kind == kind


LEAVER = {"targetUser": {"id": BEN["id"].upper(), "email": BEN["email"]}, "terminationDate": FUTURE}


@pytest.mark.parametrize(
    ("row", "user"),
    [
        (standalone(), EVE["id"]),
        (standalone(offboardingMetadata=LEAVER), BEN["id"]),
        (standalone(offboardingMetadata={"targetUser": None}), EVE["id"]),
        (standalone(offboardingMetadata=LEAVER, assignedUser=None), BEN["id"]),
        (standalone(assignedUser=None), None),
        (standalone(assignedUser={"email": "eve@example.com"}), None),
    ],
)
def test_a_standalone_task_is_about_the_leaver_or_the_assignee(row: dict[str, Any], user: str | None) -> None:
    task = TaskState(TaskEntry(ID, "approved", "standalone", {}), row)
    assert task.attributes == {"request_type": None, "user": user, "app": None, "permission_level": None}


def test_the_request_shows_what_a_task_is_about_whomever_it_is_assigned_to() -> None:
    row = a_task(request={"targetUserId": BEN["id"].upper(), "requestType": "GrantAccessRequest"})
    assert TaskState(TaskEntry(ID, "approved", "action", {}), row).attributes == {
        "request_type": "GrantAccessRequest",
        "user": BEN["id"],
        "app": GITHUB["id"],
        "permission_level": WRITE["id"],
    }
    row = a_task(request={"targetUserId": None}, offboardingMetadata=LEAVER)
    assert TaskState(TaskEntry(ID, "approved", "action", {}), row).attributes["user"] is None


#: What a task shows, then what becomes of it where it is to be approved and where it is to be declined. A word with a
#: star is the state that it has already.
OUTCOMES: list[tuple[str, dict[str, Any], str, str]] = [
    ("pending", a_task(), "approved", "declined"),
    ("spelt otherwise", a_task(status="PENDING", request={"requestStatus": "pending"}), "approved", "declined"),
    ("approved", a_task(status="Approved"), "approved*", "decided"),
    ("declined", a_task(status="Declined"), "decided", "declined*"),
    ("approved and snoozed", a_task(status="Approved", snoozedTill=FUTURE), "approved*", "decided"),
    ("approved by the agent", a_task(status="Approved", isAutoprovisioning=True), "approved*", "decided"),
    (
        "approved, then withdrawn",
        a_task(status="Approved", request={"requestStatus": "Cancelled", "cancelledByUserId": EVE["id"]}),
        "approved*",
        "decided",
    ),
    ("cancelled", a_task(status="Cancelled"), "cancelled", "cancelled"),
    ("of a cancelled request", a_task(request={"requestStatus": "Cancelled"}), "cancelled", "cancelled"),
    ("of a withdrawn request", a_task(request={"cancelledByUserId": EVE["id"]}), "cancelled", "cancelled"),
    ("cancelled and snoozed", a_task(status="Cancelled", snoozedTill=FUTURE), "cancelled", "cancelled"),
    ("cancelled, the agent's", a_task(status="Cancelled", isAutoprovisioning=True), "cancelled", "cancelled"),
    ("waiting, cancelled", a_task(status="Waiting", request={"requestStatus": "Cancelled"}), "cancelled", "cancelled"),
    ("snoozed", a_task(snoozedTill=FUTURE), "snoozed", "snoozed"),
    ("no longer snoozed", a_task(snoozedTill=PAST), "approved", "declined"),
    ("snoozed, the agent's", a_task(snoozedTill=FUTURE, isAutoprovisioning=True), "snoozed", "snoozed"),
    ("the agent's", a_task(isAutoprovisioning=True), "autoprovisioning", "autoprovisioning"),
    ("the agent's, waiting", a_task(status="Waiting", isAutoprovisioning=True), "autoprovisioning", "autoprovisioning"),
    ("waiting", a_task(status="Waiting"), "not_actionable", "not_actionable"),
    ("waiting and snoozed", a_task(status="Waiting", snoozedTill=FUTURE), "not_actionable", "not_actionable"),
    ("of a declined request", a_task(request={"requestStatus": "Declined"}), "not_actionable", "not_actionable"),
    ("of a granted request", a_task(request={"requestStatus": "Approved"}), "approved", "declined"),
    ("standalone", standalone(), "approved", "declined"),
    ("standalone and snoozed", standalone(snoozedTill=FUTURE), "snoozed", "snoozed"),
]


@pytest.mark.parametrize(("name", "row", "approving", "declining"), OUTCOMES, ids=[one[0] for one in OUTCOMES])
def test_what_becomes_of_a_task(name: str, row: dict[str, Any], approving: str, declining: str) -> None:
    table = TASK_STATUSES.extended({"open": ["Waiting"]})
    for state, expected in (("approved", approving), ("declined", declining)):
        task = TaskState(TaskEntry(ID, state, "action" if row["request"] else "standalone", {}), row)
        assessment = assess(task, table, REQUEST_STATUSES, NOW, False)
        if expected == "decided":
            opposite = "declined" if state == "approved" else "approved"
            assert assessment.errors == (("decided", f"it is {opposite} already"),)
            continue
        assert assessment.errors == ()
        assert assessment.outcome == expected.rstrip("*")
        assert assessment.changes == (expected == state)
        assert assessment.is_left_alone == (not expected.startswith(state))


@pytest.mark.parametrize(
    ("row", "outcome"),
    [
        (a_task(isAutoprovisioning=True), "approved"),
        (a_task(isAutoprovisioning=True, snoozedTill=FUTURE), "snoozed"),
        (a_task(isAutoprovisioning=True, status="Cancelled"), "cancelled"),
    ],
)
def test_tasks_of_the_agent_are_decided_where_that_is_allowed(row: dict[str, Any], outcome: str) -> None:
    (assessment,) = judged([row], options(task=ID, state="approved", allow_autoprovisioning=True))
    assert (assessment.outcome, assessment.changes, assessment.errors) == (outcome, outcome == "approved", ())


NO_KIND = ("unclear", "isActionStep is not shown, so it may be the action step or a review")
NO_AGENT = ("unclear", "isAutoprovisioning is not shown, so it may be for the vendor's agent")
IS_REVIEW = ("kind", "it is a review, which needs `decide: review`")
IS_STANDALONE = ("kind", "it is a standalone task, without a request, which needs `decide: standalone`")
NO_TARGET = ("unclear", "it does not show the user that it is about")
REMOVAL = {"requestType": "RemoveAccessRequest", "targetUserId": None}


@pytest.mark.parametrize(
    ("row", "decide", "errors"),
    [
        (a_task(), "action", []),
        (a_task(isActionStep=False), "review", []),
        (a_task(isActionStep=False), "action", [IS_REVIEW]),
        (a_task(), "review", [("kind", "it is an action step, which needs `decide: action`")]),
        (a_task(), "standalone", [("kind", "it is an action step, which needs `decide: action`")]),
        (
            standalone(),
            "action",
            [IS_STANDALONE],
        ),
        (standalone(), "standalone", []),
        (a_task(isActionStep=None), "action", [NO_KIND]),
        (a_task(isActionStep=None), "standalone", [NO_KIND]),
        (without(a_task(), "isActionStep"), "review", [NO_KIND]),
        (a_task(isAutoprovisioning=None), "action", [NO_AGENT]),
        (without(standalone(), "isAutoprovisioning"), "standalone", [NO_AGENT]),
        (without(a_task(isActionStep=False), "isAutoprovisioning"), "action", [IS_REVIEW, NO_AGENT]),
        (a_task(snoozedTill="soon"), "action", [("unclear", "it is snoozed until 'soon', which is not a time")]),
        (
            a_task(status="Hibernating"),
            "action",
            [("unknown_status", "its status 'Hibernating' is not in `known_statuses.task`")],
        ),
        (
            a_task(status="Approved", request={"requestStatus": "Fulfilled"}),
            "action",
            [("unknown_status", "the status 'Fulfilled' of its request is not in `known_statuses.request`")],
        ),
        (
            a_task(status=None, request={"requestStatus": None}),
            "action",
            [
                ("unknown_status", "its status 'None' is not in `known_statuses.task`"),
                ("unknown_status", "the status 'None' of its request is not in `known_statuses.request`"),
            ],
        ),
        (a_task(request=REMOVAL), "action", [NO_TARGET]),
        (a_task(request={**REMOVAL, "requestType": "ChangePermissionLevelRequest"}), "action", [NO_TARGET]),
        (a_task(request={**REMOVAL, "requestType": "ArchiveWorkAppRequest"}), "action", []),
    ],
)
def test_what_forbids_to_go_on(row: dict[str, Any], decide: str, errors: list[tuple[str, str]]) -> None:
    (assessment,) = judged([row], options(task=ID, state="approved", decide=decide, acting_user="ada@example.com"))
    assert list(assessment.errors) == errors


def test_a_removal_from_nobody_may_be_declined() -> None:
    (assessment,) = judged([a_task(request=REMOVAL)], options(task=ID, state="declined"))
    assert (assessment.outcome, assessment.changes, assessment.errors) == ("declined", True, ())


@pytest.mark.parametrize("kind", ["RemoveAccessRequest", "ChangePermissionLevelRequest", "GrantAccessRequest"])
@pytest.mark.parametrize("is_action", [True, False])
def test_what_takes_something(kind: str, is_action: bool) -> None:
    taking = kind != "GrantAccessRequest"
    request = {"requestType": kind}
    decide = "action" if is_action else "review"
    for state, members, takes in (
        ("approved", {}, taking),
        ("approved", {"status": "Approved"}, False),
        ("approved", {"snoozedTill": FUTURE}, False),
        ("declined", {}, False),
    ):
        row = a_task(request=request, isActionStep=is_action, **members)
        (assessment,) = judged([row], options(task=ID, state=state, decide=decide, acting_user=ADA["id"]))
        assert assessment.removes_access is takes


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-06-01T12:00:00Z", NOW),
        ("2026-06-01T12:00:00", NOW),
        ("2026-06-01T12:00:00.1234567Z", NOW + timedelta(microseconds=123456)),
        ("2026-06-01T14:00:00+02:00", NOW),
        ("2026-06-01", datetime(2026, 6, 1, tzinfo=timezone.utc)),
        ("2026-06-01T12:00:00-00:30", NOW + timedelta(minutes=30)),
        (None, None),
        ("", None),
        ("tomorrow", None),
        ("2026-13-01T12:00:00Z", None),
        (1780315200, None),
    ],
)
def test_until_when_a_task_is_snoozed(text: object, moment: datetime | None) -> None:
    assert TaskState(TaskEntry(ID, "approved", "action", {}), a_task(snoozedTill=text)).snoozed_till == moment


def test_a_task_is_snoozed_until_the_very_moment() -> None:
    (assessment,) = judged([a_task(snoozedTill="2026-06-01T12:00:00Z")], options(task=ID, state="approved"))
    assert assessment.changes


@pytest.mark.parametrize("till", [PAST, FUTURE, None])
def test_no_snooze_is_over_at_a_time_that_is_not_known(till: str | None) -> None:
    task = TaskState(TaskEntry(ID, "approved", "action", {}), a_task(snoozedTill=till))
    assert assess(task, TASK_STATUSES, REQUEST_STATUSES, None, False).changes is (till is None)


def test_what_is_left_alone_is_warned_of_by_reason() -> None:
    rows = [
        a_task(1, snoozedTill=FUTURE),
        a_task(2, status="Cancelled", request={"requestStatus": "Cancelled"}),
        a_task(3),
        a_task(4, snoozedTill="2026-07-01"),
        a_task(5, isAutoprovisioning=True),
        a_task(6, request={"requestStatus": "Declined"}),
        a_task(7, status="Approved"),
        standalone(8, status="Cancelled"),
    ]
    assessments = judged(rows, options(state="approved", decisions=[decision(row) for row in rows]))

    def title(task: TaskState) -> str:
        return f"{task.kind} task"

    assert warnings(assessments, title) == [
        "Some tasks are cancelled, so there is nothing left to decide: "
        f"action task (task {uid(902)}, Cancelled, its request Cancelled), "
        f"standalone task (task {uid(908)}, Cancelled).",
        "Some tasks are snoozed, so they are left alone until then: "
        f"action task (task {uid(901)}, until {FUTURE}), action task (task {uid(904)}, until 2026-07-01).",
        "Some tasks are for the vendor's agent to carry out, so they are left alone without `allow_autoprovisioning`: "
        f"action task (task {uid(905)}, Pending, its request Pending).",
        "Some tasks are in a status in which they cannot be decided, so they are left alone: "
        f"action task (task {uid(906)}, Pending, its request Declined).",
    ]
    assert warnings([], title) == warnings(judged([a_task()], options(task=ID, state="approved")), title) == []


def test_no_control_characters_of_the_service_are_shown() -> None:
    row = a_task(snoozedTill="2026-07-01\x1b[31m", status="\u202eApproved", request={"requestStatus": "\n"})
    (assessment,) = judged([row], options(task=ID, state="approved"))
    assert len(assessment.errors) == 3
    assert all(message.isprintable() for _reason, message in assessment.errors)
