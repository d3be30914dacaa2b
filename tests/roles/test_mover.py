# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role mover: the new groups first, then the access that they give, and only then the end of the old ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playbooks.harness import Data, Playbooks, members, pages, play, task
from roles.people import ERIN, OLGA, SALLY, SAM, Staff, approving, is_private, show
from sandbox.process import Sandbox

BEFORE = "Look at what changes"
JOIN, LEAVE = "Add the person to the new groups", "Take the person out of the old groups"
WAIT = "Wait until the access that the new groups give is listed"


@pytest.fixture
def mover(tenant: Sandbox, playbooks: Playbooks) -> Staff:
    """The role."""
    return Staff("mover", tenant, playbooks)


def options(mover: Staff, **given: Any) -> Data:
    """Return the options of a run in which Erin, an engineer, goes to sales."""
    move = {"user": ERIN, "joins": ["Sales", "Ebern Team 12"], "leaves": ["Engineering"]}
    return {**move, "record_path": str(mover.kept / "writes.jsonl"), **given}


def groups(mover: Staff, email: str = ERIN) -> set[str]:
    """Return the names of somebody's groups."""
    state = mover.tenant.state("users", "groups")
    names = {group["id"]: group["name"] for group in state["groups"]}
    return {names[group] for group, emails in members(state).items() if email in emails}


def names(entries: list[Data]) -> list[str]:
    """Return the names of apps."""
    return sorted(entry["name"] for entry in entries)


def test_a_move_is_foreseen_then_made_once(mover: Staff, capsys: pytest.CaptureFixture[str]) -> None:
    before = mover.tenant.state()
    foreseen = mover.run("--check", "--diff", **options(mover)).succeeded()
    assert (mover.written(), mover.tenant.state(), mover.kept.exists()) == ([], before, False)

    with approving(mover.tenant):
        done = mover.run("--diff", **options(mover, wait_timeout=60)).succeeded()
    for title in (JOIN, LEAVE):
        told = [mover.told(run, title) for run in (foreseen, done)]
        assert told[0]["diff"] == told[1]["diff"] != []
        assert told[0]["steps"]["pending"] == told[1]["steps"]["done"] != []
    change = mover.told(done, BEFORE)
    assert names(change["gains"]) == ["Grupa Jeske 50", "Salesforce"]
    assert (names(change["shared"]), names(change["loses"])) == (["GitHub"], [])
    assert groups(mover) == {"Sales", "Ebern Team 12", "Okta Everyone"}
    assert [method for method, _path in mover.written()] == ["POST", "POST", "DELETE"]
    assert [line["status"] for line in mover.record()] == ["begun", "done", "done", "done"]
    assert is_private(mover.kept / "writes.jsonl")

    after = mover.tenant.state()
    mover.tenant.clear_log()
    again = mover.run("--diff", **options(mover)).succeeded()
    assert not any(result.changed for result in again.results)
    assert mover.told(again, BEFORE)["shown"] == [
        f"{ERIN}: is no member of Engineering",
        f"{ERIN}: keeps GitHub, which old and new groups give",
    ]
    assert not again.warned_of()
    assert (mover.written(), mover.tenant.state(), len(mover.record())) == ([], after, 4)
    show("mover, idle", mover.cost(), capsys)


def test_the_requests_of_a_move(mover: Staff, capsys: pytest.CaptureFixture[str]) -> None:
    """None can be saved: the directory shows whether an address is held once, and is read for that alone; members and
    default apps of the groups tell what changes, and accesses what is held. Each module that writes reads its groups
    again directly before, since the API has no conditional write."""
    state = mover.tenant.state()
    by_name = {group["name"]: len(group["members"]) for group in state["groups"]}
    moved = ("Sales", "Ebern Team 12", "Engineering")
    mover.tenant.clear_log()

    mover.run(**options(mover, wait=False)).succeeded()

    assert mover.cost() == {
        "listUsers": pages(len(state["users"])),
        "getUser": 2 + 1,
        "listUsersGroups": 2 * pages(len(state["groups"])),
        "getUsersGroup": 1,
        "listUsersGroupUsers": 2 * sum(pages(by_name[group]) for group in moved),
        "listUsersGroupDefaultWorkApps": 3 + 2,
        "listWorkAppAccesses": sum(
            pages(len(app["accesses"]))
            for app in state["apps"]
            if app["name"] in ("GitHub", "Figma", "Salesforce", "Grupa Jeske 50")
        ),
        "addUsersToGroup": 2,
        "removeUserFromGroup": 1,
    }
    show("mover, without waiting", mover.cost(), capsys)


def test_nobody_leaves_before_the_new_access_is_there(mover: Staff) -> None:
    waiting = mover.run(**options(mover, wait_timeout=1))

    assert waiting.status == 2
    assert "Salesforce" in mover.told(waiting, WAIT)["msg"]
    assert "is Pending" in mover.told(waiting, WAIT)["msg"]
    assert groups(mover) == {"Sales", "Ebern Team 12", "Engineering", "Okta Everyone"}

    mover.tenant.clear_log()
    with approving(mover.tenant):
        mover.run(**options(mover, wait_timeout=60)).succeeded()
    assert groups(mover) == {"Sales", "Ebern Team 12", "Okta Everyone"}
    assert [method for method, _path in mover.written()] == ["DELETE"]


@pytest.mark.parametrize("no", [False, "false"], ids=["a boolean", "the text of a command line"])
def test_a_run_that_need_not_wait_leaves_at_once(mover: Staff, no: object) -> None:
    mover.run(**options(mover, wait=no)).succeeded()
    assert groups(mover) == {"Sales", "Ebern Team 12", "Okta Everyone"}


@pytest.mark.slow
def test_an_interrupted_move_is_made_up_for_by_the_next(mover: Staff) -> None:
    mover.tenant.fault("addUsersToGroup", 500, skip=1)
    first = mover.run(**options(mover, wait=False))
    assert first.status == 2
    assert "Engineering" in groups(mover)
    assert "outcome_unknown" in [line["status"] for line in mover.record()]

    mover.run(**options(mover, wait=False)).succeeded()
    assert groups(mover) == {"Sales", "Ebern Team 12", "Okta Everyone"}


def test_a_bypass_stands_in_the_record(mover: Staff) -> None:
    bypass = {"implicitly_approve_requests": True, "bypass_reason": "Change 4711"}
    run = mover.run(**options(mover, wait_timeout=60, **bypass)).succeeded()

    assert mover.told(run, JOIN)["bypassed_approval"] is True
    assert [line.get("bypass") for line in mover.record()] == [None, "Change 4711", "Change 4711", None]
    assert groups(mover) == {"Sales", "Ebern Team 12", "Okta Everyone"}


def test_the_record_names_who_acted_by_the_environment_of_a_play(mover: Staff, playbooks: Playbooks) -> None:
    variables = {f"mover_{name}": value for name, value in options(mover, wait=False).items()}
    moving = task("move", "ansible.builtin.include_role", {"name": "cakewalk.access.mover"})
    playbooks.run(play(moving, environment={"CAKEWALK_ACTING_USER": OLGA}), variables=variables).succeeded()
    assert {line["actor"] for line in mover.record()} == {OLGA}
    acting = mover.tenant.find("users", OLGA)["id"]
    bodies = [entry["body"] for entry in mover.tenant.log() if entry["method"] == "POST"]
    assert {body["triggeredByUserId"] for body in bodies} == {acting}


#: Which options differ, the kind of error, words of the message.
REFUSED: dict[str, tuple[Data, str, str]] = {
    "somebody who does not exist": ({"user": "erin.enginer@example.com"}, "lookup_failed", "did you mean"),
    "an address of two": ({"user": SAM}, "lookup_failed", "is held by 2"),
    "an unknown group to leave": ({"leaves": ["Enginering"]}, "lookup_failed", "did you mean 'Engineering'"),
    "a group to join and to leave": ({"joins": ["Engineering"]}, "configuration", "to be a member and not to be one"),
    "no group": ({"joins": [], "leaves": []}, "configuration", "no group is named"),
    "a blank group": ({"joins": [" "]}, "configuration", "or a blank one"),
    "a dynamic group to join": ({"joins": ["Dynamic Berlin"]}, "rail", "a rule decides"),
    "a synced group to leave": ({"leaves": ["Engineering", "Okta Everyone"]}, "rail", "another directory decides"),
    "a protected person": ({"protected_users": [ERIN]}, "rail", "protected: "),
    "the acting user": ({"acting_user": ERIN}, "rail", "protected: "),
    "no removal allowed": ({"max_removals": 0}, "rail", "max_removals allows 0"),
    "too large a share": ({"max_removal_percent": 0}, "rail", "max_removal_percent allows 0 %"),
    "somebody on the way out": (
        {"user": "oscar.offboarding@example.com", "leaves": []},
        "lookup_failed",
        "Offboarding",
    ),
    "a bypass without a reason": ({"implicitly_approve_requests": True}, "configuration", "bypass_reason"),
    "less than no time": ({"wait_timeout": -1}, "configuration", "wait_timeout"),
    "a relative record": ({"record_path": "record"}, "file", "the path is relative"),
}


def test_what_cannot_be_meant_is_refused_before_the_first_write(mover: Staff) -> None:
    mover.refuses(options(mover), REFUSED)


def test_no_extra_variable_takes_the_place_of_what_the_role_sets(mover: Staff) -> None:
    failure = mover.refused(mover.run(**options(mover), before={"leaving": []}))

    assert failure["error"]["kind"] == "configuration"
    assert "mover_before" in failure["msg"]


def test_nothing_that_people_write_in_the_tenant_is_executed(mover: Staff, tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    words = f"{{{{ lookup('ansible.builtin.pipe', 'touch {marker}') }}}} $(touch {marker}) \u202e\n"
    group_ids = {group["name"]: group["id"] for group in mover.tenant.state("groups")["groups"]}
    for group in ("Sales", "Engineering"):
        mover.tenant.change("rename_group", group=group, name=f"{words} {group}")
    for app in ("Salesforce", "GitHub"):
        mover.tenant.change("rename_app", app=app, name=f"{words} {app}")
    given = options(mover, joins=[group_ids["Sales"]], leaves=[group_ids["Engineering"]])

    with approving(mover.tenant):
        run = mover.run("--diff", **given).succeeded()

    assert not marker.exists()
    assert names(mover.told(run, BEFORE)["gains"]) == [f"{words} Salesforce"]
    assert names(mover.told(run, BEFORE)["loses"]) == [f"{words} GitHub"]
    assert all("\u202e" not in line for line in mover.told(run, BEFORE)["shown"])
    assert all("{{ lookup(" in line["step"] for line in mover.record()[1:])


def test_what_is_lost_and_what_both_give_are_named(mover: Staff) -> None:
    """Sally is in two groups that give GitHub or Salesforce; what she has and would lose is read, and not guessed."""
    apps = {app["name"]: app for app in mover.tenant.state("apps")["apps"]}
    sally = mover.tenant.find("users", SALLY)["id"]
    held = {name for name, app in apps.items() if any(one["user_id"] == sally for one in app["accesses"])}
    run = mover.run("--check", **options(mover, user=SALLY, joins=["Engineering"], leaves=["Ebern Team 3"])).succeeded()

    change = mover.told(run, BEFORE)
    assert names(change["gains"]) == sorted({"GitHub", "Figma"} - held)
    given = {"Fundacja Wojtiuk-Dobroń S.A.", "Twin App"}
    assert names(change["loses"]) == sorted(given & held)
    assert names(change["required"]) == ["Figma", "GitHub"]
