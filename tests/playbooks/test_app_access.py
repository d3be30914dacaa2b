# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access to apps, by real playbooks."""

from __future__ import annotations

from collections import Counter

import pytest
from playbooks.harness import ACCESS, Data, Playbooks, pages, play, task, writes
from playbooks.module_contract import BadInput, foreseeable, refuse_all, rehearse
from sandbox.known import request_id
from sandbox.process import Sandbox

CONNOR, ERIN, PETRA = "connor.contractor@example.com", "erin.engineer@example.com", "petra.pending@example.com"
ADA, OSCAR, SAM = "ada.admin@example.com", "oscar.offboarding@example.com", "sam.twin@example.com"
DIRECT = {"method": "direct", "bypass_approval": True, "bypass_reason": "Import"}
WORK = {"purpose": "Work"}


def app(name: str, *users: str | None, **options: object) -> Data:
    """Return the options of a task for one app."""
    return {"app": name, "users": list(users), **options}


def test_what_is_foreseen_happens_once(playbooks: Playbooks, tenant: Sandbox) -> None:
    runs = rehearse(playbooks, tenant, "accesses", again_warns="Nobody has|Declined before")
    assert all(runs.done[title].changed == bool(runs.done[title].steps["done"]) for title in runs.titles)
    known = {request["id"] for request in runs.before["requests"]}
    emails = {user["id"]: user["email"] for user in runs.after["users"]}
    apps = {one["id"]: one["name"] for one in runs.after["apps"]}
    opened = {
        (emails[one["target_id"]], apps[one["app_id"]], one["type"], one["purpose"])
        for one in runs.after["requests"]
        if one["id"] not in known
    }
    assert opened == {
        (CONNOR, "GitHub", "GrantAccessRequest", "Project Aurora"),
        (CONNOR, "Figma", "GrantAccessRequest", "Project Aurora"),
        (ERIN, "Google Workspace", "RemoveAccessRequest", "Project Aurora"),
    }
    diffs = runs.done["Many apps, one by id, some access to go"].data["diff"]
    assert diffs[1]["before"] == f"{ERIN}: access\n"
    assert diffs[1]["after"] == f"{ERIN}: access (removal requested)\n"


TABLE: list[BadInput] = [
    (
        "no level",
        app("GitHub", CONNOR, **WORK),
        "lookup_failed",
        ["'Read', 'Write', 'Admin'", "Name a permission level"],
    ),
    (
        "an unknown level",
        app("GitHub", CONNOR, permission_level="Wriet", **WORK),
        "lookup_failed",
        ["has no permission level 'Wriet'", "did you mean 'Write'"],
    ),
    (
        "a level where there is none",
        app("Figma", CONNOR, permission_level="Read", **WORK),
        "lookup_failed",
        ["'Figma' has no permission levels"],
    ),
    (
        "a level that is to go",
        app("GitHub", ERIN, permission_level="Read", state="absent", **WORK),
        "configuration",
        ["can only be removed as a whole", "Leave out `permission_level`"],
    ),
    (
        "two levels held and another wanted",
        app("GitHub", ERIN, permission_level="Admin", **WORK),
        "lookup_failed",
        [f"{ERIN} holds 'Read', 'Write' of the app 'GitHub'", "Settle it in Cakewalk"],
    ),
    (
        "no purpose",
        app("Figma", CONNOR),
        "configuration",
        ["`purpose` is not set, and approvers read it", "Set `purpose`"],
    ),
    (
        "a blank purpose",
        app("Figma", CONNOR, purpose=" "),
        "configuration",
        ["`purpose` is not set, and approvers read it", "Set `purpose`"],
    ),
    ("a long purpose", app("Figma", CONNOR, purpose="x" * 1025), "configuration", ["use purpose", "from 1 to 1024"]),
    ("an unknown app", app("Githbu", CONNOR, **WORK), "lookup_failed", ["'Githbu' does not exist", "Correct"]),
    ("an app of two", app("Twin App", CONNOR, **WORK), "lookup_failed", ["are called 'Twin App'", "Give the id"]),
    ("an unknown person", app("Figma", "conor.contractor@example.com", **WORK), "lookup_failed", [CONNOR]),
    ("a person of two", app("Figma", SAM, **WORK), "lookup_failed", [f"have the address '{SAM}'"]),
    ("somebody on the way out", app("Figma", OSCAR, **WORK), "lookup_failed", ["is Offboarding", "allow_inactive"]),
    ("a blank person", app("Figma", " ", **WORK), "configuration", ["an entry is blank"]),
    ("no people", {"app": "Figma", **WORK}, "configuration", ["users is null or missing"]),
    ("both forms", {**app("Figma", CONNOR), "accesses": []}, None, ["mutually exclusive"]),
    ("neither form", WORK, None, ["one of the following is required: app, accesses"]),
    (
        "there and not",
        {"accesses": [app("Figma", CONNOR), app("Figma", CONNOR, state="absent")], **WORK},
        "configuration",
        ["asked for twice, in different ways"],
    ),
    (
        "a protected person named",
        app("Google Workspace", ERIN, state="absent", protected_users=["{{ person_id['" + ERIN + "'] }}"], **WORK),
        "rail",
        [f"protected: {ERIN}"],
    ),
    (
        "a protected person without access named",
        app("Figma", ERIN, state="absent", protected_users=[ERIN], **WORK),
        "rail",
        [f"protected: {ERIN}"],
    ),
    (
        "a protected person whose level would go",
        app("GitHub", "{{ one_level }}", permission_level="Admin", protected_users=["{{ one_level }}"], **WORK),
        "rail",
        ["protected: ", "out of `protected_users`"],
    ),
    ("the actor named", app("Google Workspace", ADA, state="absent", **WORK), "rail", [f"protected: {ADA}"]),
    (
        "a protected person whom nobody knows",
        app("Google Workspace", ERIN, state="absent", protected_users=["renamed@example.com"], **WORK),
        "lookup_failed",
        ["protected user 'renamed@example.com' does not exist"],
    ),
    (
        "more removals than allowed",
        app("Google Workspace", ERIN, CONNOR, state="absent", max_removals=1, **WORK),
        "rail",
        ["carry out 2 removals", "`max_removals` allows 1", "from 'Google Workspace': ", ERIN],
    ),
    (
        "direct without saying so",
        app("Figma", CONNOR, method="direct"),
        "configuration",
        ["`bypass_approval` is not set"],
    ),
    (
        "direct without a reason",
        app("Figma", CONNOR, method="direct", bypass_approval=True),
        "configuration",
        ["`bypass_reason` does not say why"],
    ),
    ("a bypass that is none", app("Figma", CONNOR, bypass_approval=True), "configuration", ["only there"]),
    (
        "direct removal",
        app("Figma", CONNOR, state="absent", **DIRECT),
        "configuration",
        ["the state is absent, and access cannot be removed directly"],
    ),
    (
        "direct at another level",
        app("GitHub", ERIN, permission_level="Admin", **DIRECT),
        "lookup_failed",
        ["it is not known what recording another level does to that"],
    ),
    ("direct for oneself", app("Figma", ADA, **DIRECT), "rail", ["would approve access for itself"]),
    ("a wait into the past", app("Figma", CONNOR, wait_timeout=-1, **WORK), "configuration", ["wait_timeout"]),
]


def test_bad_input_fails_before_the_first_write(playbooks: Playbooks, tenant: Sandbox) -> None:
    emails = {user["id"]: user["email"] for user in tenant.state("users")["users"]}
    held = Counter(access["user_id"] for access in tenant.find("apps", "GitHub")["accesses"])
    taken = {request["target_id"] for request in tenant.state("requests")["requests"]}
    admin = next(level["id"] for level in tenant.find("apps", "GitHub")["levels"] if level["name"] == "Admin")
    one_level = next(
        emails[access["user_id"]]
        for access in tenant.find("apps", "GitHub")["accesses"]
        if held[access["user_id"]] == 1 and access["level_id"] != admin and access["user_id"] not in taken
    )
    refuse_all(playbooks, tenant, ACCESS, TABLE, one_level=one_level)


@pytest.mark.slow
def test_an_open_request_that_wants_the_opposite_fails_the_task_once_the_rest_is_done(
    playbooks: Playbooks, tenant: Sandbox
) -> None:
    tenant.change("open_request", kind="remove", app="Google Workspace", user=ERIN)
    both = {
        "accesses": [app("Google Workspace", ERIN), app("Figma", CONNOR), app("Figma", PETRA, state="absent")],
        **WORK,
    }
    foreseen = playbooks.run(play(task("both", ACCESS, both, ignore_errors=True)), "--check", "--diff")["both"]
    assert not writes(tenant.log())
    done = playbooks.run(play(task("both", ACCESS, both, ignore_errors=True)), "--diff")["both"]
    assert (foreseen.failed, done.failed, done.changed) == (True, True, True)
    assert foreseeable(foreseen.told) == foreseeable(done.told)
    assert done.data["error"]["kind"] == "conflicting_request"
    assert f"{ERIN} and 'Google Workspace': RemoveAccessRequest" in done.data["msg"]
    assert done.data["summary"]["conflicting_request"] == 2
    assert [step["users"] for step in done.steps["done"]] == [[CONNOR]]
    again = playbooks.run(play(task("both", ACCESS, both, ignore_errors=True)))["both"]
    assert (again.failed, again.changed, again.steps["done"]) == (True, False, [])


@pytest.mark.slow
def test_a_request_that_somebody_else_opened_meanwhile_is_not_opened_twice(
    playbooks: Playbooks, tenant: Sandbox
) -> None:
    for word in ("409", "400"):
        tenant.reset(duplicate_request=word)
        tenant.change(
            "open_request", kind="grant", app="Figma", user=CONNOR, operation="listWorkAppPermissionLevels", after=1
        )
        run = playbooks.run(play(task("ask", ACCESS, app("Figma", CONNOR, **WORK))), "-v")
        assert run["ask"].data["accesses"][0]["users"][0]["outcome"] == "requested", run.output
        connor, figma = tenant.find("users", CONNOR)["id"], tenant.find("apps", "Figma")["id"]
        requests = tenant.state("requests")["requests"]
        assert len([one for one in requests if (one["target_id"], one["app_id"]) == (connor, figma)]) == 1


@pytest.fixture
def waiting() -> Data:
    """A task that waits for Petra's access to Figma, whose request is at its first review."""
    return app("Figma", PETRA, wait=True, wait_timeout=20, **WORK)


def test_a_run_waits_until_access_is_listed(playbooks: Playbooks, tenant: Sandbox, waiting: Data) -> None:
    tenant.configure(access_delay="late")
    for _review in (1, 2):
        tenant.change("decide_task", task=tenant.open_task(PETRA, "Figma")["id"], verdict="approve")
    action = tenant.open_task(PETRA, "Figma")["id"]
    tenant.change("decide_task", task=action, verdict="approve", operation="listWorkAppAccesses", after=1)
    run = playbooks.run(play(task("wait", ACCESS, waiting))).succeeded()
    user = run["wait"].data["accesses"][0]["users"][0]
    assert (user["outcome"], user["request_status"]) == ("granted", None)
    assert not run["wait"].changed
    assert run["wait"].data["summary"]["granted"] == 1


@pytest.mark.slow
def test_what_was_approved_and_is_not_listed_yet_is_on_its_way(playbooks: Playbooks, tenant: Sandbox) -> None:
    tenant.configure(access_delay="late")
    for _step in ("review", "review", "action"):
        tenant.change("decide_task", task=tenant.open_task(PETRA, "Figma")["id"], verdict="approve")
    tasks = [
        task("there", ACCESS, app("Figma", PETRA, **WORK)),
        task("gone", ACCESS, app("Figma", PETRA, state="absent", **WORK), ignore_errors=True),
    ]
    run = playbooks.run(play(*tasks)).succeeded()
    user = run["there"].data["accesses"][0]["users"][0]
    assert (user["outcome"], user["request_status"]) == ("requested", "Approved")
    assert run["gone"].data["error"]["kind"] == "conflicting_request"
    assert not writes(tenant.log())


@pytest.mark.slow
def test_what_was_recorded_is_waited_for_and_what_was_declined_is_not(playbooks: Playbooks, tenant: Sandbox) -> None:
    recorded = app("Orphan Wiki", ERIN, wait=True, wait_timeout=10, **DIRECT)
    declined = app("Orphan Wiki", PETRA, wait=True, wait_timeout=10, **WORK)
    run = playbooks.run(play(task("record", ACCESS, recorded), task("wait", ACCESS, declined, ignore_errors=True)))
    assert run["record"].data["accesses"][0]["users"][0]["outcome"] == "recorded"
    assert run["wait"].data["error"]["kind"] == "declined"
    told = f"{PETRA} access to 'Orphan Wiki' was declined (request {request_id('declined')}, status Declined)"
    assert told in run["wait"].data["msg"]
    operations = [entry["operation"] for entry in tenant.log()]
    while_recording = operations[: operations.index("listWorkApps", 1)]
    assert while_recording.count("listWorkAppAccesses") == 3, "for the plan, for what was recorded, and by the wait"


@pytest.mark.slow
def test_an_address_of_two_people_is_refused_although_one_of_them_has_access(
    playbooks: Playbooks, tenant: Sandbox
) -> None:
    tenant.change("add_access", app="Figma", user=CONNOR)
    tenant.change("set_email", user="dora.deactivated@example.com", email=CONNOR)
    actor = tenant.find("users", ADA)["id"]
    for state in ("present", "absent"):
        options = app("Figma", CONNOR, state=state, acting_user=actor, **WORK)
        result = playbooks.run(play(task("ask", ACCESS, options, ignore_errors=True)))["ask"]
        assert f"have the address '{CONNOR}'" in result.data["msg"]
    assert not writes(tenant.log())


@pytest.mark.slow
def test_a_run_does_not_wait_for_what_was_declined(playbooks: Playbooks, tenant: Sandbox, waiting: Data) -> None:
    review = tenant.open_task(PETRA, "Figma")["id"]
    tenant.change("decide_task", task=review, verdict="decline", operation="listWorkAppAccesses", after=2)
    result = playbooks.run(play(task("wait", ACCESS, waiting, ignore_errors=True)))["wait"]
    assert result.data["error"]["kind"] == "declined"
    told = f"{PETRA} access to 'Figma' was declined (request {request_id('review')}, status Declined)"
    assert told in result.data["msg"]
    assert result.data["accesses"][0]["users"][0]["outcome"] == "requested"


@pytest.mark.slow
def test_the_end_of_waiting_tells_the_status(playbooks: Playbooks, waiting: Data) -> None:
    short = {**waiting, "wait_timeout": 0}
    foreseen = playbooks.run(play(task("wait", ACCESS, short)), "--check").succeeded()["wait"]
    assert not foreseen.failed
    result = playbooks.run(play(task("wait", ACCESS, short, ignore_errors=True)))["wait"]
    assert result.data["error"]["kind"] == "wait_timed_out"
    told = f"{PETRA} access to 'Figma' still waits for approval by max.manager@example.com"
    assert f"{told} (request {request_id('review')}, status Pending)" in result.data["msg"]
    assert result.data["accesses"][0]["users"][0]["request_status"] == "Pending"


def test_a_removal_is_waited_for_until_nobody_shows_it(playbooks: Playbooks, tenant: Sandbox) -> None:
    gone = app("Google Workspace", PETRA, state="absent", wait=True, wait_timeout=20, **WORK)
    action = tenant.open_task(PETRA, "Google Workspace")["id"]
    tenant.change("decide_task", task=action, verdict="approve", operation="listWorkAppAccesses", after=4)
    run = playbooks.run(play(task("wait", ACCESS, gone))).succeeded()
    assert run["wait"].data["accesses"][0]["users"][0]["outcome"] == "absent"


@pytest.mark.slow
def test_what_was_declined_is_asked_for_again_on_demand(playbooks: Playbooks, tenant: Sandbox) -> None:
    again = app("Orphan Wiki", PETRA, retry_declined=True, **WORK)
    run = playbooks.run(play(task("retry", ACCESS, again), task("again", ACCESS, again))).succeeded()
    assert run["retry"].data["accesses"][0]["users"][0]["outcome"] == "requested"
    assert not run["again"].changed
    assert len(writes(tenant.log())) == 1


def test_each_list_is_read_once_however_many_people(playbooks: Playbooks, tenant: Sandbox) -> None:
    state = tenant.state("users", "apps", "requests")
    active = [user["email"] for user in state["users"] if user["status"] == "Active" and user["email"] != SAM][:60]
    many = {
        "accesses": [app("GitHub", *active, state="absent"), app("Figma", *active, state="absent")],
        "protected_users": [],
        "acting_user": "",
        **WORK,
    }
    tenant.clear_log()
    playbooks.run(play(task("many", ACCESS, many, ignore_errors=True)), "--check")
    reads = Counter(entry["operation"] for entry in tenant.log())
    apps = [tenant.find("apps", name) for name in ("GitHub", "Figma")]
    assert reads == {
        "listWorkApps": pages(len(state["apps"])),
        "listRequests": pages(len(state["requests"])),
        "listWorkAppAccesses": sum(pages(len(one["accesses"])) for one in apps),
        "listWorkAppPermissionLevels": 2,
        "listUsers": pages(len(state["users"])),
    }
