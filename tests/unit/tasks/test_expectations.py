# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tasks are expected to be about, and the rails."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.catalog import APPS
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import ConfigurationError
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.guardrails import LimitExceeded
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.lookup import Index, LookupFailed
from ansible_collections.cakewalk.access.plugins.module_utils._engine.tasks.expectations import (
    NotAsExpected,
    expected_names,
    levels_to_read,
    remark_of,
    states_of,
    users_to_read,
)
from unit.approvals import (
    ADA,
    ALL_APPS,
    BEN,
    EDITOR,
    EVE,
    EXPECTED,
    FIGMA,
    GITHUB,
    READ,
    TWINS,
    WRITE,
    a_task,
    decided,
    decision,
    judged,
    looked_up,
    options,
    standalone,
    without,
)
from unit.people import uid

ID = uid(901)
Data = dict[str, Any]

REMOVAL = {"requestType": "RemoveAccessRequest", "permissionLevelId": None}
CHANGE = {"requestType": "ChangePermissionLevelRequest"}
ARCHIVE = {"requestType": "ArchiveWorkAppRequest", "targetUserId": None, "permissionLevelId": None}
NO_LEVEL = {"workAppId": FIGMA["id"], "permissionLevelId": None}


def approving(expect: Data | None, **given: Any) -> Data:
    """Return the options of a task that approves the first task."""
    return options(**{"task": ID, "state": "approved", "expect": expect, **given})


def problems(row: Data, params: Data) -> list[tuple[str, str]]:
    """Return what is wrong with a task, as reasons with messages."""
    with pytest.raises(NotAsExpected) as refused:
        decided([row], params)
    assert all(one["task"] == row["id"] for one in refused.value.facts()["problems"])
    return [(one["reason"], one["message"]) for one in refused.value.facts()["problems"]]


def expecting(**changed: str | None) -> Data:
    """Return what an approval must expect, with changes; C(None) leaves something out."""
    return {name: value for name, value in {**EXPECTED, **changed}.items() if value is not None}


@pytest.mark.parametrize(
    ("row", "expect", "decide"),
    [
        (a_task(), EXPECTED, "action"),
        (a_task(isActionStep=False), EXPECTED, "review"),
        (a_task(), expecting(user="BEN@Example.com"), "action"),
        (a_task(), expecting(user=BEN["id"].upper(), app=GITHUB["id"].upper()), "action"),
        (a_task(), expecting(permission_level=WRITE["id"].upper()), "action"),
        (a_task(request=NO_LEVEL), expecting(app="Figma", permission_level=None), "action"),
        (a_task(request=REMOVAL), expecting(request_type="remove_access", permission_level=None), "action"),
        (a_task(request=CHANGE), expecting(request_type="change_permission"), "action"),
        (a_task(request=ARCHIVE), {"request_type": "archive_app", "app": "GitHub"}, "action"),
        (
            a_task(request={**ARCHIVE, "requestType": "AddNewManagedWorkAppRequest"}),
            {"request_type": "add_app", "app": GITHUB["id"]},
            "review",
        ),
        (standalone(), {"user": "eve@example.com"}, "standalone"),
    ],
)
def test_what_is_as_expected_is_approved(row: Data, expect: Data, decide: str) -> None:
    if decide == "review":
        row = {**row, "isActionStep": False}
    (assessment,) = decided([row], approving(expect, decide=decide, acting_user=ADA["id"]))
    assert (assessment.outcome, assessment.changes) == ("approved", True)


def mismatch(name: str, given: str, shown: str) -> tuple[str, str]:
    """Return the problem that something else is shown."""
    return "mismatch", f"expect.{name} is '{given}', the task shows {shown}"


#: What is expected, and what is wrong with that whether the task is to be approved or declined.
MISMATCHES: list[tuple[str, Data, Data, list[tuple[str, str]]]] = [
    ("another person", a_task(), expecting(user=EVE["id"]), [mismatch("user", EVE["id"], f"'{BEN['id']}'")]),
    (
        "another person, by address",
        a_task(),
        expecting(user="eve@example.com"),
        [mismatch("user", "eve@example.com", "'ben@example.com'")],
    ),
    (
        "the one who asked",
        a_task(),
        expecting(user=EVE["email"]),
        [mismatch("user", "eve@example.com", "'ben@example.com'")],
    ),
    ("another level", a_task(), expecting(permission_level="Read"), [mismatch("permission_level", "Read", "'Write'")]),
    (
        "another level, by id",
        a_task(),
        expecting(permission_level=READ["id"]),
        [mismatch("permission_level", READ["id"], f"'Write' ({WRITE['id']})")],
    ),
    (
        "another app, whose levels do not count",
        a_task(),
        expecting(app="Figma"),
        [mismatch("app", "Figma", "'GitHub'"), mismatch("permission_level", "Write", f"'Write' ({WRITE['id']})")],
    ),
    (
        "another app, by id",
        a_task(),
        expecting(app=FIGMA["id"], permission_level=WRITE["id"]),
        [mismatch("app", FIGMA["id"], f"'GitHub' ({GITHUB['id']})")],
    ),
    (
        "another request type",
        a_task(request=REMOVAL),
        expecting(permission_level=None),
        [mismatch("request_type", "grant_access", "'remove_access'")],
    ),
    (
        "a request type that nobody knows",
        a_task(request={"requestType": "BorrowAccessRequest"}),
        EXPECTED,
        [mismatch("request_type", "grant_access", "'BorrowAccessRequest'")],
    ),
    (
        "a request type in another spelling",
        a_task(request={"requestType": "grantAccessRequest"}),
        EXPECTED,
        [mismatch("request_type", "grant_access", "'grantAccessRequest'")],
    ),
    (
        "no request type",
        a_task(request={"requestType": None}),
        EXPECTED,
        [mismatch("request_type", "grant_access", "none")],
    ),
    (
        "a level where there is none",
        a_task(request=NO_LEVEL),
        expecting(app="Figma", permission_level="Editor"),
        [mismatch("permission_level", "Editor", "none")],
    ),
    (
        "a person where there is none",
        a_task(request=ARCHIVE),
        {"request_type": "archive_app", "app": "GitHub", "user": "ben@example.com"},
        [mismatch("user", "ben@example.com", "none")],
    ),
]


@pytest.mark.parametrize(("name", "row", "expect", "wrong"), MISMATCHES, ids=[one[0] for one in MISMATCHES])
def test_what_is_not_as_expected_is_refused(name: str, row: Data, expect: Data, wrong: list[tuple[str, str]]) -> None:
    assert problems(row, options(task=ID, state="declined", expect=expect)) == wrong
    assert problems(row, approving(expect)) == wrong


@pytest.mark.parametrize("hidden", ["targetUserId", "workAppId"])
def test_what_does_not_show_whom_and_what_it_is_about_is_never_approved(hidden: str) -> None:
    row = a_task(request={hidden: None, "permissionLevelId": None})
    name = {"targetUserId": "user", "workAppId": "app"}[hidden]
    rest = {key: value for key, value in EXPECTED.items() if key not in (name, "permission_level")}
    wanted = ("unclear", f"it does not show the {name} that it is about")
    assert problems(row, approving(rest)) == [wanted]
    assert decided([row], options(task=ID, state="declined", expect=rest))[0].changes


def test_where_it_is_not_shown_who_asked_nobody_may_decide_unless_that_is_allowed() -> None:
    row = a_task(request={"requestedByUserId": None})
    acting = {**approving(EXPECTED), "acting_user": ADA["id"]}
    assert [reason for reason, _message in problems(row, acting)] == ["unclear"]
    assert decided([row], {**acting, "allow_self_approval": True})[0].changes
    assert decided([row], {**acting, "acting_user": None})[0].changes


def test_an_offboarding_with_a_request_about_somebody_else_takes_from_the_leaver() -> None:
    row = a_task(offboardingMetadata={"targetUser": EVE})
    with pytest.raises(LimitExceeded, match=r"it would take access from protected people: eve@example\.com"):
        decided([row], {**approving(EXPECTED), "protected_users": [EVE["id"]]})


def test_to_approve_an_offboarding_takes_from_whom_it_is_about() -> None:
    row = standalone(offboardingMetadata={"targetUser": BEN})
    wanted = options(task=ID, state="approved", decide="standalone", expect={"user": BEN["id"]}, acting_user=ADA["id"])
    assert decided([row], wanted)[0].changes
    with pytest.raises(LimitExceeded, match="it would take access from protected people"):
        decided([row], {**wanted, "protected_users": [BEN["email"]]})


@pytest.mark.parametrize("members", [{"status": "Approved"}, {"snoozedTill": "2099-01-01"}, {"status": "Cancelled"}])
def test_what_stays_as_it_is_is_compared_too(members: Data) -> None:
    row = a_task(**members)
    assert problems(row, approving(expecting(user=EVE["id"]))) == [mismatch("user", EVE["id"], f"'{BEN['id']}'")]
    (assessment,) = decided([row], approving(EXPECTED))
    assert not assessment.changes


def missing(names: str, shows: str) -> tuple[str, str]:
    """Return the problem that an approval does not expect enough."""
    return "missing", f"an approval must expect {names}, the task shows {shows}"


BEN_ID = BEN["id"]
ALL_MISSING = missing(
    "request_type, user, app, permission_level",
    f"request_type 'grant_access', user '{BEN_ID}', app 'GitHub', permission_level 'Write'",
)


@pytest.mark.parametrize(
    ("row", "expect", "wrong"),
    [
        (a_task(), None, ALL_MISSING),
        (a_task(), {}, ALL_MISSING),
        (a_task(), dict.fromkeys(EXPECTED), ALL_MISSING),
        (a_task(), expecting(permission_level=None), missing("permission_level", "permission_level 'Write'")),
        (a_task(), expecting(user=None), missing("user", f"user '{BEN_ID}'")),
        (a_task(), expecting(request_type=None), missing("request_type", "request_type 'grant_access'")),
        (a_task(), expecting(app=None), missing("app", "app 'GitHub'")),
        (
            a_task(request={"requestType": None, "targetUserId": None, "workAppId": None, "permissionLevelId": None}),
            {},
            missing("request_type", "request_type none"),
        ),
        (a_task(status="Approved"), None, ALL_MISSING),
        (standalone(), None, missing("user", "user 'eve@example.com'")),
        (standalone(assignedUser=None), None, missing("user", "user none")),
    ],
)
def test_an_approval_must_expect_all_that_the_task_shows(row: Data, expect: Data, wrong: tuple[str, str]) -> None:
    given = {} if row["request"] else {"decide": "standalone", "acting_user": ADA["id"]}
    assert problems(row, approving(expect, **given)) == [wrong]


@pytest.mark.parametrize("expect", [{"app": "GitHub"}, {"permission_level": WRITE["id"]}, {"request_type": "add_app"}])
def test_a_standalone_task_is_about_nothing_but_a_person(expect: Data) -> None:
    ((reason, message),) = problems(
        standalone(), approving({"user": "eve@example.com", **expect}, decide="standalone", acting_user=ADA["id"])
    )
    assert (reason, message.rpartition(", ")[2]) == ("mismatch", "the task shows none")


@pytest.mark.parametrize("expect", [None, {}, {"app": "GitHub"}, {"permission_level": "Write"}, EXPECTED])
def test_to_decline_expects_as_much_as_it_likes(expect: Data | None) -> None:
    (assessment,) = decided([a_task()], options(task=ID, state="declined", expect=expect))
    assert (assessment.outcome, assessment.changes) == ("declined", True)


def test_all_that_is_wrong_is_told_at_once() -> None:
    rows = [
        a_task(1),
        a_task(2, isActionStep=False),
        a_task(3, status="Declined"),
        a_task(4, status="Hibernating"),
        without(a_task(5), "isAutoprovisioning"),
        a_task(6, request={"targetUserId": EVE["id"]}),
    ]
    entries = [decision(row, expect=EXPECTED) for row in rows]
    entries[0]["expect"] = expecting(permission_level=None)
    with pytest.raises(NotAsExpected) as refused:
        decided(rows, options(state="approved", decisions=entries))
    title = "(grant_access of GitHub (Write) for ben@example.com)"
    others = title.replace("ben@", "eve@")
    assert str(refused.value) == (
        "Could not decide the tasks: "
        f"the task {uid(901)} {title}: an approval must expect permission_level, "
        "the task shows permission_level 'Write'; "
        f"the task {uid(902)} {title}: it is a review, which needs `decide: review`; "
        f"the task {uid(903)} {title}: it is declined already; "
        f"the task {uid(904)} {title}: its status 'Hibernating' is not in `known_statuses.task`; "
        f"the task {uid(905)} {title}: isAutoprovisioning is not shown, "
        "so it may be for the vendor's agent; "
        f"the task {uid(906)} {others}: expect.user is 'ben@example.com', the task shows 'eve@example.com'. "
        "No task was touched. Look at the task in Cakewalk: it is not about what was expected. "
        "Check what the task shows, and name all of it under expect. Set `decide` only if such a task is meant. "
        "Decide it in Cakewalk: here it must be known what it is. "
        "If you know what the status means, list it under `known_statuses`. "
        "A decision cannot be reversed. To undo it, make a new request in Cakewalk."
    )
    assert [one["reason"] for one in refused.value.facts()["problems"]] == [
        "missing",
        "kind",
        "decided",
        "unknown_status",
        "unclear",
        "mismatch",
    ]


def test_all_that_cannot_be_found_is_told_at_once() -> None:
    rows = [a_task(1), a_task(2), a_task(3, request=CHANGE)]
    entries = [
        decision(rows[0], expect=expecting(user="bem@example.com", permission_level="Wirte")),
        decision(rows[1], expect=expecting(app="Twin App", user="twin@example.com")),
        decision(rows[2], expect=expecting(request_type="change_permission")),
    ]
    params = options(state="approved", decisions=entries, acting_user="adda@example.com", protected_users=[uid(7)])
    with pytest.raises(LookupFailed) as failed:
        decided(rows, params)
    assert {one["reference"]: one["reason"] for one in failed.value.facts()["problems"]} == {
        "bem@example.com": "not_found",
        "Wirte": "not_found",
        "Twin App": "ambiguous",
        "twin@example.com": "ambiguous",
        uid(7): "not_found",
        "adda@example.com": "not_found",
    }


def test_only_what_is_named_is_looked_up() -> None:
    rows = [a_task(1), a_task(2), a_task(3, request=CHANGE, status="Approved")]
    entries = [
        decision(rows[0], expect={name: uid(1) for name in ("user", "app", "permission_level")}),
        decision(rows[1]),
        decision(rows[2], expect={"request_type": "change_permission"}),
    ]
    params = options(state="approved", decisions=entries, protected_users=["eve@example.com"])
    assessments = judged(rows, params)
    assert users_to_read(assessments, params) == []
    assert expected_names(assessments, "app") == []
    assert levels_to_read(assessments, Index(APPS, [])) == {}


def test_who_is_looked_up() -> None:
    rows = [a_task(1), a_task(2, request=CHANGE), a_task(3)]
    users = ["ben@example.com", "eve@example.com", "ben@example.com"]
    entries = [decision(row, expect={"user": one}) for row, one in zip(rows, users, strict=True)]
    params = options(state="approved", decisions=entries, protected_users=[uid(7)], acting_user="ada@example.com")
    assert users_to_read(judged(rows, params), params) == ["ada@example.com", *users[:2], uid(7)]
    (grant,) = judged(rows[:1], params := {**params, "decisions": entries[:1]})
    assert users_to_read([grant], params) == ["ada@example.com", "ben@example.com"]


@pytest.mark.parametrize(
    ("expect", "row", "asked"),
    [
        ({"permission_level": "Write"}, a_task(), ["Write"]),
        ({"permission_level": "Write", "app": "GitHub"}, a_task(), ["Write"]),
        ({"permission_level": "Write", "app": GITHUB["id"].upper()}, a_task(), ["Write"]),
        ({"permission_level": WRITE["id"], "app": "GitHub"}, a_task(), None),
        ({"permission_level": "Write", "app": "Figma"}, a_task(), None),
        ({"permission_level": "Write", "app": "Gone"}, a_task(), None),
        ({"permission_level": "Write"}, a_task(request={"permissionLevelId": None}), None),
        ({"permission_level": "Write"}, a_task(request={"workAppId": None}), None),
        ({"permission_level": "Write"}, a_task(request={"workAppId": "../Users"}), None),
    ],
)
def test_levels_are_those_of_the_app_that_is_shown(expect: Data, row: Data, asked: list[str] | None) -> None:
    assessments = judged([row], options(task=ID, state="declined", expect=expect))
    found = levels_to_read(assessments, Index(APPS, ALL_APPS))
    assert {app: names for app, (_kind, names) in found.items()} == ({} if asked is None else {GITHUB["id"]: asked})
    for kind, _names in found.values():
        assert kind.listing.path == f"/api/v1/WorkApps/{GITHUB['id']}/PermissionLevels"
        assert kind.many == "permission levels of the app 'GitHub'"


@pytest.mark.parametrize("state", ["approved", "declined"])
@pytest.mark.parametrize(
    ("row", "actor"),
    [
        (a_task(), EVE["id"]),
        (a_task(), "eve@example.com"),
        (a_task(), "BEN@example.com"),
        (a_task(request={"requestedByUserId": ADA["id"].upper()}), "ada@example.com"),
        (standalone(), EVE["id"].upper()),
    ],
)
def test_nobody_decides_what_is_their_own(row: Data, actor: str, state: str) -> None:
    expect, decide = (EXPECTED, "action") if row["request"] else ({"user": EVE["id"]}, "standalone")
    params = options(task=ID, state=state, expect=expect, decide=decide, acting_user=actor)
    with pytest.raises(LimitExceeded) as stopped:
        decided([row], params)
    assert stopped.value.facts() == {"kind": "rail", "tasks": [ID]}
    title = (
        f"grant_access of GitHub (Write) for {BEN['email']}"
        if row["request"]
        else "standalone task for eve@example.com"
    )
    assert str(stopped.value) == (
        f"Could not decide the task {ID} ({title}): "
        f"the acting user {actor.lower() if '@' in actor else 'eve@example.com'} "
        "asked for it, or it is about this person. No task was touched. "
        "Let another admin act, or set `allow_self_approval` if that is meant."
    )
    (assessment,) = decided([row], {**params, "allow_self_approval": True})
    assert assessment.changes
    already = {**row, "status": state.capitalize()}
    assert not decided([already], params)[0].changes


def test_others_decide() -> None:
    assert decided([a_task()], approving(EXPECTED, acting_user="ada@example.com"))[0].changes
    assert decided([a_task()], approving(EXPECTED))[0].changes


def test_who_acts_must_be_active() -> None:
    with pytest.raises(LookupFailed, match=r"'gone@example\.com' does not exist"):
        decided([a_task()], approving(EXPECTED, acting_user="gone@example.com"))
    known = looked_up([], options(acting_user="ada@example.com"))
    assert known.users.by_id
    row = a_task(status="Approved")
    with pytest.raises(LookupFailed, match="2 users have the address"):
        decided([row], approving(EXPECTED, acting_user=TWINS[0]["email"]))


@pytest.mark.parametrize("status", ["Invited", "Hibernating", "Deactivated"])
def test_who_acts_is_refused_by_status(status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ADA, "statusName", status)
    with pytest.raises(ConfigurationError, match=f"status of this person is {status}"):
        decided([a_task()], approving(EXPECTED, acting_user="ada@example.com"))


TAKING = [
    (a_task(request=REMOVAL), expecting(request_type="remove_access", permission_level=None)),
    (a_task(request=CHANGE), expecting(request_type="change_permission")),
]


@pytest.mark.parametrize(("row", "expect"), TAKING)
@pytest.mark.parametrize("is_action", [True, False])
@pytest.mark.parametrize("protected", ["BEN@example.com", BEN["id"].upper()])
def test_nothing_is_taken_from_protected_people(row: Data, expect: Data, protected: str, is_action: bool) -> None:
    row = {**row, "isActionStep": is_action}
    decide = "action" if is_action else "review"
    given = {"decide": decide, "acting_user": "ada@example.com", "expect": expect}
    params = options(task=ID, state="approved", protected_users=[protected], **given)
    with pytest.raises(LimitExceeded) as stopped:
        decided([row], params)
    assert stopped.value.facts() == {"kind": "rail", "tasks": [ID]}
    kind = expect["request_type"]
    title = (
        f"{kind} of GitHub for ben@example.com"
        if "permission_level" not in expect
        else f"{kind} of GitHub (Write) for ben@example.com"
    )
    assert str(stopped.value) == (
        f"Could not approve the task {ID} ({title}): it would take access from protected people: ben@example.com. "
        "No task was touched. Decline it or leave it out, or take them out of `protected_users`; the acting user is "
        "always protected."
    )
    assert decided([row], {**params, "state": "declined"})[0].changes
    assert decided([row], {**params, "protected_users": ["eve@example.com"]})[0].changes


@pytest.mark.parametrize(("row", "expect"), TAKING)
def test_nothing_is_taken_from_the_acting_user(row: Data, expect: Data) -> None:
    params = approving(expect, acting_user="ben@example.com", allow_self_approval=True)
    with pytest.raises(LimitExceeded, match=r"take access from protected people: ben@example\.com"):
        decided([row], params)


def test_protected_people_may_get_something() -> None:
    assert decided([a_task()], approving(EXPECTED, protected_users=["ben@example.com"]))[0].changes


@pytest.mark.parametrize(("row", "expect"), TAKING)
def test_protection_must_match_somebody_where_something_is_taken(row: Data, expect: Data) -> None:
    with pytest.raises(LookupFailed, match=r"the protected user 'gone@example\.com' does not exist"):
        decided([row], approving(expect, protected_users=["gone@example.com"]))
    assert decided([a_task()], approving(EXPECTED, protected_users=["gone@example.com"]))[0].changes


def test_what_results_and_steps_call_things() -> None:
    rows = [
        a_task(1),
        a_task(2, request={"requestType": "BorrowAccessRequest", "permissionLevelId": EDITOR["id"]}),
        standalone(3),
    ]
    entries = [
        decision(rows[0], expect=EXPECTED),
        decision(rows[1], state="declined"),
        decision(rows[2], decide="standalone"),
    ]
    params = options(state="approved", decisions=entries, acting_user="ada@example.com")
    assessments = judged(rows, params)
    known = looked_up(assessments, params)
    assert [known.describe(assessment.task) for assessment in assessments] == [
        "kind action, request_type grant_access, user ben@example.com, app GitHub, permission_level Write",
        "kind action, request_type BorrowAccessRequest, user ben@example.com, app GitHub, "
        f"permission_level {EDITOR['id']}",
        "kind standalone, user eve@example.com",
    ]
    assert states_of(assessments[:2], known) == (
        {
            "Task: approve grant_access of GitHub (Write) for ben@example.com": [f"Pending (task {rows[0]['id']})"],
            f"Task: decline BorrowAccessRequest of GitHub ({EDITOR['id']}) for ben@example.com": [
                f"Pending (task {rows[1]['id']})"
            ],
        },
        {
            "Task: approve grant_access of GitHub (Write) for ben@example.com": [f"approved (task {rows[0]['id']})"],
            f"Task: decline BorrowAccessRequest of GitHub ({EDITOR['id']}) for ben@example.com": [
                f"declined (task {rows[1]['id']})"
            ],
        },
    )
    idle = [replace(assessment, changes=False) for assessment in assessments[:2]]
    idle.append(replace(assessments[2], outcome="snoozed", changes=False))
    assert remark_of([*assessments, *idle]) == (
        "1 task is approved already; 1 task is declined already; 1 task is left alone"
    )
    assert known.title(assessments[2].task) == "standalone task for eve@example.com"
    bare = looked_up([], options())
    assert bare.describe(assessments[0].task) == (
        f"kind action, request_type grant_access, user {BEN['id']}, app {GITHUB['id']}, permission_level {WRITE['id']}"
    )
    assert bare.label(assessments[2].task, "user") == "eve@example.com", "the task shows it"
    assert bare.label(assessments[2].task, "app") is None
