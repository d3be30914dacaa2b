# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role mover: the new groups first, then the access that they give, and only then the end of the old ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playbooks.harness import Data, Playbooks, Run, members, pages, play, task
from playbooks.module_contract import foreseeable
from roles.people import ERIN, OLGA, SALLY, SAM, Staff, approving, is_private, show
from sandbox.process import Sandbox

TASK = "Move people to their new groups, and out of the old ones"
MAX = "max.manager@example.com"


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


def person(mover: Staff, run: Run) -> Data:
    """Return the entry of the only person in a result."""
    (entry,) = mover.told(run, TASK)["people"]
    return dict(entry)


def moving(mover: Staff, **given: Any) -> Data:
    """Return a task that runs the role with these options, by their names without a prefix."""
    variables = {f"mover_{name}": value for name, value in given.items()}
    return task("move", "ansible.builtin.include_role", {"name": "cakewalk.access.mover"}, vars=variables)


def test_a_move_is_foreseen_then_made_once(mover: Staff, capsys: pytest.CaptureFixture[str]) -> None:
    before = mover.tenant.state()
    foreseen = mover.run("--check", "--diff", **options(mover)).succeeded()
    assert (mover.written(), mover.tenant.state(), mover.kept.exists()) == ([], before, False)
    (assumed,) = foreseen.warned_of()
    assert "Check mode assumes that this is granted" in assumed
    assert "Salesforce" in assumed

    with approving(mover.tenant):
        done = mover.run("--diff", **options(mover, wait_timeout=60)).succeeded()
    told = [mover.told(run, TASK) for run in (foreseen, done)]
    assert told[0]["diff"] == told[1]["diff"] != []
    assert told[0]["steps"]["pending"] == foreseeable(told[1]["steps"]["done"]) != []
    assert told[0]["plan"] == told[1]["plan"]
    assert told[0]["complete"] is told[1]["complete"] is True
    assert told[0]["plan"][0] == f"Tenant: {mover.tenant.url}"
    change = person(mover, done)
    assert names(change["gains"]) == ["Grupa Jeske 50", "Salesforce"]
    assert (names(change["keeps"]), names(change["may_lose"])) == (["GitHub"], [])
    assert (names(change["joined"]), names(change["left"])) == (["Ebern Team 12", "Sales"], ["Engineering"])
    assert groups(mover) == {"Sales", "Ebern Team 12", "Okta Everyone"}
    assert [method for method, _path in mover.written()] == ["POST", "POST", "DELETE"]
    statuses = [line["status"] for line in mover.record()]
    assert statuses[0] == "begun"
    assert statuses[-3:] == ["sending", "done", "ended"]
    assert sorted(statuses) == ["begun", *["done"] * 3, "ended", *["sending"] * 3]
    assert is_private(mover.kept / "writes.jsonl")

    after = mover.tenant.state()
    mover.tenant.clear_log()
    again = mover.run("--diff", **options(mover)).succeeded()
    assert not any(result.changed for result in again.results)
    assert mover.told(again, TASK)["plan"][-2:] == [
        f"{ERIN}: is not a member of Engineering",
        f"{ERIN}: keeps GitHub, which old and new groups give",
    ]
    assert not again.warned_of()
    assert (mover.written(), mover.tenant.state(), len(mover.record())) == ([], after, len(statuses))
    show("mover, idle", mover.cost(), capsys)


def test_the_requests_of_a_move(mover: Staff, capsys: pytest.CaptureFixture[str]) -> None:
    """None can be saved: the directory shows whether an address is held once, and is read for that alone; members and
    default apps of the groups tell what changes, and accesses what is held. All groups are read again
    directly before the old ones are left, since the API has no conditional write, and with them the requests. The
    members are read back after each write."""
    state = mover.tenant.state()
    by_name = {group["name"]: len(group["members"]) for group in state["groups"]}
    moved = ("Sales", "Ebern Team 12", "Engineering")
    mover.tenant.clear_log()

    mover.run(**options(mover, wait=False)).succeeded()

    assert mover.cost() == {
        "listUsers": pages(len(state["users"])),
        "listUsersGroups": pages(len(state["groups"])),
        "listUsersGroupUsers": sum(pages(by_name[group]) for group in 3 * moved),
        "listRequests": pages(len(state["requests"])),
        "listUsersGroupDefaultWorkApps": 3,
        "listWorkAppAccesses": sum(
            pages(len(app["accesses"]))
            for app in state["apps"]
            if app["name"] in ("GitHub", "Figma", "Salesforce", "Grupa Jeske 50")
        ),
        "addUsersToGroup": 2,
        "removeUserFromGroup": 1,
    }
    show("mover, without waiting", mover.cost(), capsys)


#: Keywords of the play or task, the command line, and whether anything may be written.
KEYWORDS: dict[str, tuple[Data, list[str], bool]] = {
    "ignore_errors": ({"ignore_errors": True}, [], True),
    "check_mode off on the command line's --check": ({"check_mode": False}, ["--check"], True),
    "check_mode on": ({"check_mode": True}, [], False),
}


@pytest.mark.parametrize(
    "case",
    ["ignore_errors", *(pytest.param(case, marks=pytest.mark.slow) for case in KEYWORDS if case != "ignore_errors")],
)
def test_nobody_leaves_before_the_new_access_is_there_whatever_the_keywords(
    mover: Staff, playbooks: Playbooks, case: str
) -> None:
    """The mode of the writes decides on the wait, and an ignored failure lets nothing happen that needs success."""
    keywords, command_line, writes = KEYWORDS[case]
    run = playbooks.run(
        play(
            task("move", "ansible.builtin.import_role", {"name": "cakewalk.access.mover"}, **keywords),
        ),
        *command_line,
        variables={f"mover_{name}": value for name, value in options(mover, wait_timeout=1).items()},
    )
    data = mover.told(run, TASK)
    assert "Engineering" in groups(mover)
    assert [method for method, _path in mover.written()] == (["POST", "POST"] if writes else [])
    assert ("Sales" in groups(mover)) is writes
    if writes:
        assert run[f"cakewalk.access.mover : {TASK}"].failed
        assert (data["complete"], data["error"]["kind"]) == (False, "incomplete")
        assert data["stats"]["mover_complete"] is False
    else:
        assert data["complete"] is True


def test_a_run_goes_on_where_the_one_before_it_stopped(mover: Staff) -> None:
    waiting = mover.run(**options(mover, wait_timeout=1))
    assert waiting.status == 2
    assert "Salesforce" in mover.told(waiting, TASK)["msg"]
    assert "is Pending" in mover.told(waiting, TASK)["msg"]
    entry = person(mover, waiting)
    assert names(entry["waiting"]) == ["Grupa Jeske 50", "Salesforce"]
    assert all(one["request_id"] and one["since"] and one["do"] for one in entry["waiting"])
    assert any(one["waits_for"] for one in entry["waiting"])

    mover.tenant.clear_log()
    with approving(mover.tenant):
        mover.run(**options(mover, wait_timeout=60)).succeeded()
    assert groups(mover) == {"Sales", "Ebern Team 12", "Okta Everyone"}
    assert [method for method, _path in mover.written()] == ["DELETE"]


def test_many_people_move_in_one_run_and_each_fares_alone(mover: Staff) -> None:
    """Max has the new access, Erin's does not come, and Sally is already where she goes; as a survey gives it."""
    mover.tenant.change("remove_member", group="Sales", user=MAX)
    mover.tenant.change("add_access", app="Salesforce", user=MAX)
    text = f"{ERIN} \n\n {MAX}\r\n"
    run = mover.run(**options(mover, user="", people=text, joins="Sales\n", leaves="Engineering, ", wait_timeout=1))

    assert run.status == 2
    told = mover.told(run, TASK)
    assert [entry["complete"] for entry in told["people"]] == [False, True]
    assert ("Engineering" in groups(mover), "Engineering" in groups(mover, MAX)) == (True, False)
    assert told["error"] == {"kind": "incomplete", "waiting": 1, "by_hand": 0, "failed": 0}
    assert ERIN in told["msg"].split(":")[0]
    assert MAX not in told["msg"].split(":")[0]
    assert [method for method, _path in mover.written()] == ["POST", "DELETE"]


@pytest.mark.parametrize(
    "no",
    [
        pytest.param(False, id="a boolean", marks=pytest.mark.slow),
        pytest.param("false", id="the text of a command line"),
    ],
)
def test_a_run_that_need_not_wait_leaves_at_once(mover: Staff, no: object) -> None:
    mover.run(**options(mover, wait=no)).succeeded()
    assert groups(mover) == {"Sales", "Ebern Team 12", "Okta Everyone"}


@pytest.mark.slow
def test_an_interrupted_move_is_made_up_for_by_the_next(mover: Staff) -> None:
    mover.tenant.fault("addUsersToGroup", 500, skip=1)
    first = mover.run(**options(mover, wait=False))
    assert first.status == 2
    assert "Engineering" in groups(mover)
    assert "unknown" in [line["status"] for line in mover.record()]

    mover.run(**options(mover, wait=False)).succeeded()
    assert groups(mover) == {"Sales", "Ebern Team 12", "Okta Everyone"}


@pytest.mark.slow
def test_a_bypass_stands_in_the_record(mover: Staff) -> None:
    bypass = {"implicitly_approve_requests": True, "bypass_reason": "Change 4711"}
    run = mover.run(**options(mover, wait_timeout=60, **bypass)).succeeded()

    told = mover.told(run, TASK)
    assert (told["bypassed_approval"], told["bypass_reason"]) == (True, "Change 4711")
    assert {line["bypass"] for line in mover.record()} == {"Change 4711"}
    assert groups(mover) == {"Sales", "Ebern Team 12", "Okta Everyone"}


@pytest.mark.slow
def test_the_record_names_who_acted_by_the_environment_of_a_play(mover: Staff, playbooks: Playbooks) -> None:
    environment = {"CAKEWALK_ACTING_USER": OLGA}
    playbooks.run(play(moving(mover, **options(mover, wait=False)), environment=environment)).succeeded()
    assert {line["actor"] for line in mover.record()} == {OLGA}
    acting = mover.tenant.find("users", OLGA)["id"]
    bodies = [entry["body"] for entry in mover.tenant.log() if entry["method"] == "POST"]
    assert {body["triggeredByUserId"] for body in bodies} == {acting}


#: Module defaults of the play, options of the role, and words of the refusal.
GUARDED: dict[str, tuple[Data, Data, str]] = {
    "protected by the play": ({"protected_users": [ERIN]}, {}, "protected"),
    "protected by the play, and others by the role": ({"protected_users": [ERIN]}, {"protected_users": [SALLY]}, ERIN),
    "protected by the role, and others by the play": ({"protected_users": [SALLY]}, {"protected_users": [ERIN]}, ERIN),
    "the play's limit": ({"max_removals": 0}, {}, "`max_removals` allows 0"),
    "the play's share": ({"max_removal_percent": 0}, {"max_removal_percent": ""}, "`max_removal_percent` allows 0"),
    "the play's acting user": ({"acting_user": ERIN}, {"acting_user": None}, "protected"),
}


def test_a_guardrail_of_the_play_holds_before_the_first_write(mover: Staff, playbooks: Playbooks) -> None:
    plays = [
        one
        for case, (defaults, given, _words) in GUARDED.items()
        for one in play(
            {**moving(mover, **options(mover, **given)), "name": case},
            ignore_errors=True,
            module_defaults=(
                {"group/cakewalk.access.write": defaults}
                if defaults.keys() <= {"protected_users", "acting_user"}
                else {"cakewalk.access.cakewalk_mover": defaults}
            ),
        )
    ]
    run = playbooks.run(plays)
    failures = [result.data for result in run.results if result.failed]
    assert mover.written() == []
    assert len(failures) == len(GUARDED)
    for (case, (_defaults, _given, words)), failure in zip(GUARDED.items(), failures, strict=True):
        assert words in failure["msg"], case


#: Options that surveys leave empty. What has no default is refused without, and everything else goes on.
OPTIONAL = (
    *("people", "wait", "wait_timeout", "implicitly_approve_requests", "bypass_reason", "allow_self_approval"),
    *("acting_user", "protected_users", "max_removals", "max_removal_percent"),
)


@pytest.mark.every_core
def test_null_and_blank_are_not_given(mover: Staff, playbooks: Playbooks) -> None:
    plays = [
        one
        for blank in (None, "", " ")
        for one in play(moving(mover, **options(mover, **dict.fromkeys(OPTIONAL, blank))), check_mode=True)
    ]
    run = playbooks.run(plays).succeeded()
    told = [result.data for result in run.results if "people" in result.data]
    assert len(told) == 3
    assert all(one["steps"] == told[0]["steps"] and one["plan"] == told[0]["plan"] for one in told)
    assert len(told[0]["steps"]["pending"]) == 3


#: Which options differ, the kind of error, words of the message.
REFUSED: dict[str, tuple[Data, str | None, str]] = {
    "somebody who does not exist": ({"user": "erin.enginer@example.com"}, "lookup_failed", "did you mean"),
    "an address of two": ({"user": SAM}, "lookup_failed", "2 users have the address"),
    "a blank in the address": ({"user": "erin.engineer @example.com"}, "configuration", "holds a blank"),
    "an unknown group to leave": ({"leaves": ["Enginering"]}, "lookup_failed", "did you mean 'Engineering'"),
    "a group to join and to leave": ({"joins": ["Engineering"]}, "configuration", "and should not be one"),
    "no group": ({"joins": [], "leaves": []}, "configuration", "no group is named"),
    "empty answers for groups": ({"joins": "", "leaves": None}, "configuration", "no group is named"),
    "a blank group": ({"joins": [" "]}, "configuration", "or a blank one"),
    "a dynamic group to join": ({"joins": ["Dynamic Berlin"]}, "rail", "a rule decides"),
    "a synced group to leave": ({"leaves": ["Engineering", "Okta Everyone"]}, "rail", "another directory decides"),
    "a protected person": ({"protected_users": [ERIN]}, "rail", "protected: "),
    "a protected person in a text": ({"protected_users": f"{SALLY}\n {ERIN}\n"}, "rail", "protected: "),
    "the acting user": ({"acting_user": ERIN}, "rail", "protected: "),
    "no removal allowed": ({"max_removals": 0}, "rail", "`max_removals` allows 0"),
    "too large a share": ({"max_removal_percent": 0}, "rail", "`max_removal_percent` allows 0 %"),
    "somebody on the way out": (
        {"user": "oscar.offboarding@example.com", "leaves": []},
        "lookup_failed",
        "Offboarding",
    ),
    "a bypass without a reason": ({"implicitly_approve_requests": True}, "configuration", "bypass_reason"),
    "a bypass with a blank reason": (
        {"implicitly_approve_requests": "yes", "bypass_reason": " "},
        "configuration",
        "bypass_reason",
    ),
    "less than no time": ({"wait_timeout": -1}, "configuration", "wait_timeout"),
    "a relative record": ({"record_path": "record"}, "file", "the path is relative"),
    "no record": ({"record_path": None}, "configuration", "`journal_path` is not set"),
    "a blank record": ({"record_path": " "}, "configuration", "`journal_path` is not set"),
    "nobody": ({"user": " "}, "configuration", "neither `mover_user` nor `mover_people` is set"),
    "nobody in a list": ({"user": None, "people": []}, "configuration", "people is empty"),
    "one of several": ({"user": None, "people": [ERIN, "no@example.com"]}, "lookup_failed", "no@example.com"),
}


@pytest.mark.slow
def test_what_cannot_be_meant_is_refused_before_the_first_write(mover: Staff) -> None:
    mover.refuses(options(mover), REFUSED)


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
    assert names(person(mover, run)["gains"]) == [f"{words} Salesforce"]
    assert names(person(mover, run)["may_lose"]) == [f"{words} GitHub"]
    assert all("\u202e" not in line for line in mover.told(run, TASK)["plan"])
    assert all("{{ lookup(" in line["step"] for line in mover.record() if "step" in line)


def test_what_is_lost_and_what_both_give_are_named(mover: Staff) -> None:
    """Sally is in two groups that give GitHub or Salesforce; what she has and would lose is read, and not guessed."""
    apps = {app["name"]: app for app in mover.tenant.state("apps")["apps"]}
    sally = mover.tenant.find("users", SALLY)["id"]
    held = {name for name, app in apps.items() if any(one["user_id"] == sally for one in app["accesses"])}
    run = mover.run("--check", **options(mover, user=SALLY, joins=["Engineering"], leaves=["Ebern Team 3"])).succeeded()

    change = person(mover, run)
    assert names(change["gains"]) == sorted({"GitHub", "Figma"} - held)
    given = {"Fundacja Wojtiuk-Dobroń S.A.", "Twin App"}
    assert names(change["may_lose"]) == sorted(given & held)
    assert names(change["required"]) == ["Figma", "GitHub"]
