# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Approval tasks from playbooks: foreseen, decided, and again; and what must not be decided."""

from __future__ import annotations

from playbooks.harness import TASK, Data, Playbooks, names, play, task
from playbooks.module_contract import BadInput, Rehearsal, matches, refuse_all, rehearse
from sandbox.known import REQUESTS, STANDALONE, request_id, task_id
from sandbox.process import Sandbox

TASK_ID = {name: task_id(name) for name in (*REQUESTS, STANDALONE)}
PETRA, ADA, MAX = "petra.pending@example.com", "ada.admin@example.com", "max.manager@example.com"
OSCAR, SAM = "oscar.offboarding@example.com", "sam.twin@example.com"
NOBODY = "00000000-0000-4000-8000-000000000000"
ACTION, REMOVAL, REVIEW = TASK_ID["action"], TASK_ID["removal"], TASK_ID["review"]


def statuses(state: Data) -> Data:
    """Return the status of each task."""
    return {row["id"]: row["status"] for row in state["tasks"]}


def is_as_told(runs: Rehearsal) -> None:
    """Hold what became of the tenant against what the tasks told of it: nothing else was decided."""
    results = [runs.done[title] for title in runs.titles]
    told = {one["task"]: one["outcome"] for result in results for one in result.data["decisions"] if one["changed"]}
    before, after = statuses(runs.before), statuses(runs.after)
    changed = {one: word.lower() for one, word in after.items() if before[one] != word}
    assert changed == told
    diffs = [diff for result in results for diff in result.data["diff"]]
    shown = [line for diff in diffs for line in diff["after"].splitlines()]
    assert shown == [f"{outcome} (task {one})" for one, outcome in told.items()]


def test_tasks_are_decided_once(playbooks: Playbooks, tenant: Sandbox) -> None:
    runs = rehearse(playbooks, tenant, "decisions")
    is_as_told(runs)
    requests = {row["id"]: row["status"] for row in runs.after["requests"]}
    assert {name: requests[request_id(name)] for name in REQUESTS} == {
        "action": "Approved",
        "removal": "Approved",
        "review": "Declined",
        "snoozed": "Pending",
        "autoprovisioning": "Declined",
        "declined": "Declined",
    }


def test_things_are_called_by_name_as_far_as_they_were_looked_up(playbooks: Playbooks, tenant: Sandbox) -> None:
    known = names(tenant)
    petra, github = known["person_id"][PETRA], known["app_id"]["GitHub"]
    by_id = expecting(user=petra, app=github, permission_level=known["level_id"]["GitHub"]["Write"])
    tasks = [
        task("by name", TASK, approve(expect=expecting())),
        task("by id", TASK, approve(expect=by_id, acting_user=known["person_id"][ADA])),
    ]
    run = playbooks.run(play(*tasks), "--check").succeeded()
    ids = {"user_id": petra, "app_id": github}
    (by_name,), (by_ids,) = (run[name].data["decisions"] for name in ("by name", "by id"))
    assert matches({**ids, "user": PETRA, "app": "GitHub", "permission_level": "Write"}, by_name)
    assert matches({**ids, **by_id}, by_ids)


def test_tasks_are_left_alone(playbooks: Playbooks, tenant: Sandbox) -> None:
    tenant.change("cancel_request", request=request_id("review"), user=PETRA)
    runs = rehearse(playbooks, tenant, "left_alone", again_warns="Some tasks are ")
    is_as_told(runs)


def approve(which: str = ACTION, expect: Data | None = None, **options: object) -> Data:
    """Return the options of a task that approves one."""
    return {"task": which, "state": "approved", "expect": expect, **options}


def expecting(**changed: str | None) -> Data:
    """Return what approving the action step must expect, with changes; null leaves something out."""
    return {"request_type": "grant_access", "user": PETRA, "app": "GitHub", "permission_level": "Write", **changed}


GOOGLE = {"request_type": "remove_access", "user": PETRA, "app": "Google Workspace"}
REMOVING = approve(REMOVAL, GOOGLE)

OPTIONS: list[BadInput] = [
    ("neither form", {"state": "approved"}, None, ["one of the following is required: task, decisions"]),
    (
        "both forms",
        {"task": ACTION, "state": "declined", "decisions": []},
        None,
        ["mutually exclusive: task|decisions"],
    ),
    (
        "one expectation for many",
        {"state": "declined", "expect": {}, "decisions": []},
        None,
        ["mutually exclusive: expect|decisions"],
    ),
    ("another state", {"task": ACTION, "state": "pending"}, None, ["must be one of: approved, declined, got: pending"]),
    ("another kind", {"task": ACTION, "state": "declined", "decide": "all"}, None, ["action, review, standalone"]),
    (
        "another request type",
        approve(expect=expecting(request_type="GrantAccessRequest")),
        None,
        ["grant_access, remove"],
    ),
    ("an expectation of something else", approve(expect=expecting(level="Write")), None, ["unsupported", "level"]),
    ("no task in an entry", {"decisions": [{"state": "declined"}]}, None, ["task"]),
    (
        "a name",
        approve("Access to GitHub"),
        "configuration",
        ["'Access to GitHub': this is not an id", "Name a task by its id"],
    ),
    ("no state", {"task": ACTION}, "configuration", [ACTION, "state is missing", "Set approved or declined"]),
    (
        "no state in an entry",
        {"decisions": [{"task": ACTION, "state": "declined"}, {"task": REVIEW}]},
        "configuration",
        [REVIEW, "state is missing"],
    ),
    (
        "a task twice",
        {"state": "declined", "decisions": [{"task": ACTION}, {"task": ACTION.upper()}]},
        "configuration",
        [f"{ACTION} is named more than once"],
    ),
    (
        "a status that means two things",
        {"task": ACTION, "state": "declined", "known_statuses": {"task": {"open": ["pending"]}}},
        "configuration",
        ["'pending' would be in actionable and open"],
    ),
    (
        "a class of statuses that does not exist",
        {"task": ACTION, "state": "declined", "known_statuses": {"task": {"opne": ["New"]}}},
        "configuration",
        ["known_statuses.task.opne", "actionable, open, approved, declined and cancelled"],
    ),
]

REFERENCES: list[BadInput] = [
    ("an unknown task", {"task": NOBODY, "state": "declined"}, "not_found", [f"read the task {NOBODY}", "404"]),
    (
        "an unknown person",
        approve(expect=expecting(user="petra.bending@example.com")),
        "lookup_failed",
        ["the user 'petra.bending@example.com' does not exist", f"did you mean '{PETRA}'"],
    ),
    ("a display name", approve(expect=expecting(user="Petra Pending")), "lookup_failed", ["never by display name"]),
    (
        "an address of two",
        approve(expect=expecting(user=SAM)),
        "lookup_failed",
        [f"have the address '{SAM}'", "Give the id"],
    ),
    (
        "an unknown app",
        approve(expect=expecting(app="Git Hub")),
        "lookup_failed",
        ["the app 'Git Hub' does not exist", "did you mean 'GitHub'"],
    ),
    ("a name of two apps", approve(expect=expecting(app="Twin App")), "lookup_failed", ["are called 'Twin App'"]),
    (
        "an unknown level",
        approve(expect=expecting(permission_level="write")),
        "lookup_failed",
        ["the app 'GitHub' has no permission level 'write'", "did you mean 'Write'"],
    ),
    ("blanks", approve(expect=expecting(user="", app=" ")), "lookup_failed", ["user '' does", "app ' ' does"]),
    (
        "an unknown actor",
        approve(expect=expecting(), acting_user="ada.amin@example.com"),
        "lookup_failed",
        ["the acting user 'ada.amin@example.com' does not exist", f"did you mean '{ADA}'"],
    ),
    (
        "an actor who may not act",
        approve(expect=expecting(), acting_user=OSCAR),
        "configuration",
        [f"act as {OSCAR}", "status of this person is Offboarding"],
    ),
    (
        "protection of nobody",
        {**REMOVING, "protected_users": ["boss@example.com"]},
        "lookup_failed",
        ["the protected user 'boss@example.com' does not exist"],
    ),
]

TASKS: list[BadInput] = [
    (
        "an approval that expects nothing",
        approve(),
        "not_as_expected",
        ["must expect request_type, user, app, permission_level", "request_type 'grant_access'"],
    ),
    (
        "an approval that expects no level",
        approve(expect=expecting(permission_level=None)),
        "not_as_expected",
        ["must expect permission_level", "name all of it under expect"],
    ),
    (
        "another person",
        approve(expect=expecting(user=MAX)),
        "not_as_expected",
        [
            f"the task {ACTION} (grant_access of GitHub (Write) for {PETRA})",
            f"expect.user is '{MAX}', the task shows '{PETRA}'",
            "No task was touched",
        ],
    ),
    ("another app", approve(expect=expecting(app="Figma")), "not_as_expected", ["app is 'Figma'", "shows 'GitHub'"]),
    ("another level", approve(expect=expecting(permission_level="Admin")), "not_as_expected", ["'Admin'", "'Write'"]),
    (
        "another request",
        approve(expect=expecting(request_type="remove_access")),
        "not_as_expected",
        ["expect.request_type is 'remove_access', the task shows 'grant_access'"],
    ),
    (
        "a level where there is none",
        approve(REMOVAL, {**GOOGLE, "permission_level": "Write"}),
        "not_as_expected",
        ["expect.permission_level is 'Write', the task shows none"],
    ),
    (
        "another person while declining",
        {"task": ACTION, "state": "declined", "expect": {"user": MAX}},
        "not_as_expected",
        [f"expect.user is '{MAX}'"],
    ),
    (
        "another person of a task that is snoozed",
        {"task": TASK_ID["snoozed"], "state": "declined", "expect": {"user": MAX}},
        "not_as_expected",
        [f"expect.user is '{MAX}'"],
    ),
    (
        "a review in place of an action step",
        {"task": REVIEW, "state": "declined"},
        "not_as_expected",
        ["it is a review, which needs `decide: review`", "Set `decide`"],
    ),
    (
        "an action step in place of a review",
        {"task": ACTION, "state": "declined", "decide": "review"},
        "not_as_expected",
        ["it is an action step, which needs `decide: action`"],
    ),
    (
        "a task without a request",
        {"task": TASK_ID["standalone"], "state": "declined"},
        "not_as_expected",
        ["it is a standalone task, without a request, which needs `decide: standalone`"],
    ),
    (
        "the opposite of what was decided",
        approve(TASK_ID["declined"], {**expecting(app="Orphan Wiki", permission_level=None)}, decide="review"),
        "not_as_expected",
        [f"the task {TASK_ID['declined']} (", "it is declined already", "cannot be reversed"],
    ),
    (
        "one of many, and all that is wrong",
        {
            "state": "declined",
            "decisions": [{"task": REMOVAL}, {"task": ACTION, "expect": {"user": MAX}}, {"task": REVIEW}],
        },
        "not_as_expected",
        [f"the task {ACTION} (", "expect.user", f"the task {REVIEW} (", "it is a review"],
    ),
]

RAILS: list[BadInput] = [
    (
        "the target decides",
        approve(expect=expecting(), acting_user=PETRA),
        "rail",
        [f"decide the task {ACTION}", f"acting user {PETRA} asked for it, or", "set `allow_self_approval`"],
    ),
    (
        "the target declines",
        {"task": REVIEW, "state": "declined", "decide": "review", "acting_user": "{{ person_id['" + PETRA + "'] }}"},
        "rail",
        [f"decide the task {REVIEW}", "set `allow_self_approval`"],
    ),
    (
        "the one who has a standalone task",
        approve(TASK_ID["standalone"], {"user": PETRA}, decide="standalone", acting_user=PETRA),
        "rail",
        ["set `allow_self_approval`"],
    ),
    (
        "a removal from somebody protected",
        {**REMOVING, "protected_users": [PETRA.upper()]},
        "rail",
        [f"approve the task {REMOVAL}", f"take access from protected people: {PETRA}"],
    ),
    (
        "a removal from the actor",
        {**REMOVING, "acting_user": PETRA, "allow_self_approval": True},
        "rail",
        [f"take access from protected people: {PETRA}", "the acting user is always protected"],
    ),
]


def test_what_cannot_be_meant_or_must_not_be_decided_decides_nothing(playbooks: Playbooks, tenant: Sandbox) -> None:
    refuse_all(playbooks, tenant, TASK, [*OPTIONS, *REFERENCES, *TASKS, *RAILS])
