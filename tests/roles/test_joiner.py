# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role joiner: waits for people, adds them to groups, requests more, and says what follows."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from playbooks.harness import Data, Playbooks, pages, play, task
from playbooks.module_contract import foreseeable
from roles.cases import case_by_case
from roles.people import CONNOR, ERIN, OLGA, OWEN, SALLY, SAM, Staff, is_private, show, stays
from sandbox.process import Sandbox

NORA = "nora.newcomer@example.com"
TASK = "Add people to groups, and request extra access"
PUBLISH = "Publish the outcome, success or failure, for later nodes of a workflow"


@pytest.fixture
def joiner(tenant: Sandbox, playbooks: Playbooks) -> Staff:
    """The role."""
    return Staff("joiner", tenant, playbooks)


def options(joiner: Staff, **given: Any) -> Data:
    """Return the options of a run in which Owen joins the engineers, and is to work with Salesforce too."""
    extra = [{"app": "Salesforce", "permission_level": "Standard"}, {"app": "Orphan Wiki"}]
    joining = {"user": OWEN, "groups": ["Engineering"], "accesses": extra, "wait_timeout": 0}
    return {**joining, "record_path": str(joiner.kept / "writes.jsonl"), **given}


def requested(joiner: Staff, email: str = OWEN) -> list[str]:
    """Return the apps to which access is requested, with the level."""
    state = joiner.tenant.state("users", "apps", "requests")
    user_id = next(user["id"] for user in state["users"] if user["email"] == email)
    apps = {app["id"]: app["name"] for app in state["apps"]}
    return sorted(apps[request["app_id"]] for request in state["requests"] if request["target_id"] == user_id)


def test_a_joiner_is_foreseen_then_let_in_once(joiner: Staff, capsys: pytest.CaptureFixture[str]) -> None:
    before = joiner.tenant.state()
    foreseen = joiner.run("--check", "--diff", **options(joiner)).succeeded()
    assert (joiner.written(), joiner.tenant.state(), joiner.kept.exists()) == ([], before, False)

    done = joiner.run("--diff", **options(joiner)).succeeded()
    told = [joiner.told(run, TASK) for run in (foreseen, done)]
    assert told[0]["diff"] == told[1]["diff"] != []
    assert told[0]["steps"]["pending"] == foreseeable(told[1]["steps"]["done"]) != []
    assert told[0]["plan"] == told[1]["plan"]
    assert told[1]["plan"][-3:] == [
        f"{OWEN}: joins Engineering, which gives access to Figma, GitHub",
        f"{OWEN}: requests Salesforce (Standard)",
        f"{OWEN}: requests Orphan Wiki",
    ]
    assert all(line in foreseen.output for line in ("requests Orphan Wiki", "Purpose: Joins the company"))
    stats = told[1]["stats"]
    expected = {"complete": False, "number_of_people": 1, "failed": 0, "missing": 0, "waiting": 4, "by_hand": 0}
    assert stats == {f"joiner_{name}": value for name, value in expected.items()} | {
        "joiner_record_path": str(joiner.kept / "writes.jsonl")
    }
    assert joiner.told(done, PUBLISH)["ansible_stats"]["data"] == stats
    assert stays(joiner.tenant, OWEN)["groups"] == ["Engineering"]
    assert requested(joiner) == ["Figma", "GitHub", "Orphan Wiki", "Salesforce"]
    lines = joiner.record()
    assert Counter(line["status"] for line in lines) == {"begun": 1, "sending": 3, "done": 3, "ended": 1}
    assert {line["actor"] for line in lines} == {joiner.tenant.acting_user}
    assert is_private(joiner.kept / "writes.jsonl")

    after = joiner.tenant.state()
    joiner.tenant.clear_log()
    again = joiner.run("--diff", **options(joiner)).succeeded()
    assert not any(result.changed for result in again.results)
    assert (joiner.written(), joiner.tenant.state()) == ([], after)
    assert joiner.record() == lines
    show("joiner, idle", joiner.cost(), capsys)


def test_the_requests_of_a_joiner(joiner: Staff, capsys: pytest.CaptureFixture[str]) -> None:
    """None can be saved: the directory is read once. Extra apps with their levels are read twice, before anything
    happens and after the groups, since requests follow from these; and the requests once more, for what waits.
    The members are read back after the write."""
    state = joiner.tenant.state()
    levels = {app["name"]: len(app["accesses"]) for app in state["apps"]}
    joiner.tenant.clear_log()

    joiner.run(**options(joiner)).succeeded()

    cost = joiner.cost()
    asked = {name: cost.pop(name, 0) for name in ("getUser", "getWorkApp", "listTasks", "getTask")}
    assert cost == {
        "listUsers": pages(len(state["users"])),
        "listUsersGroups": pages(len(state["groups"])),
        "listUsersGroupUsers": 2,
        "listUsersGroupDefaultWorkApps": 1,
        "listWorkApps": pages(len(state["apps"])),
        "listRequests": 3 * pages(len(state["requests"])),
        "listWorkAppAccesses": 2 * (pages(levels["Salesforce"]) + pages(levels["Orphan Wiki"])),
        "listWorkAppPermissionLevels": 4,
        "addUsersToGroup": 1,
        "createGrantAccessRequest": 2,
    }
    show("joiner", cost + Counter(asked), capsys)


@pytest.mark.slow
def test_one_is_missing_one_is_refused_one_comes_and_one_is_fine(joiner: Staff) -> None:
    """In one run; the failure of one stops nobody else, and it is red at the end."""
    gone, late = "gone@example.com", "late@example.com"
    joiner.tenant.change("insert_user", email=gone)
    joiner.tenant.change("delete_user", user=gone, operation="listUsersGroupDefaultWorkApps", after=1)
    joiner.tenant.change("insert_user", email=late, operation="createGrantAccessRequest", after=1)
    people = [
        {"user": user, "groups": "Engineering", "accesses": "Orphan Wiki"} for user in (NORA, gone, f" {OWEN} ", late)
    ]

    given = options(joiner, user=None, groups=None, accesses=None, people=people, wait_timeout=12)
    foreseen = joiner.run("--check", **given).succeeded()
    assert [line for line in joiner.told(foreseen, TASK)["plan"] if "not in the directory yet" in line]
    # The dry run ended with the person gone, too.
    joiner.tenant.change("insert_user", email=gone)
    joiner.tenant.change("delete_user", user=gone, operation="listUsersGroupDefaultWorkApps", after=1)
    run = joiner.run(**given)

    assert run.status == 2
    told = joiner.told(run, TASK)
    errors = {entry["user"]["email"]: len(entry["errors"]) for entry in told["people"]}
    assert errors == {NORA: 1, gone: 1, OWEN: 0, late: 0}
    assert (told["error"]["kind"], told["error"]["failed"]) == ("not_joined", 2)
    assert f"{NORA} is not in the directory after 12 seconds" in told["msg"]
    assert joiner.told(run, PUBLISH)["ansible_stats"]["data"]["joiner_failed"] == 2
    for user in (OWEN, late):
        assert stays(joiner.tenant, user)["groups"] == ["Engineering"]
        assert requested(joiner, user) == ["Figma", "GitHub", "Orphan Wiki"]


#: The answers of a survey, and for whom and what they are meant. Values are texts as AWX sends them.
SURVEYS: dict[str, tuple[Data, dict[str, list[str]], list[str]]] = {
    "lines": ({"groups": "Engineering\nSales", "accesses": ""}, {CONNOR: ["Engineering", "Sales"]}, []),
    "commas, blanks at both ends": (
        {"groups": " Engineering , Sales\r\n", "accesses": None, "user": f" {ERIN} "},
        {ERIN: ["Engineering", "Sales"]},
        [],
    ),
    "nothing but access": (
        {"groups": "", "accesses": "Orphan Wiki\nSalesforce: Standard\n", "user": OLGA},
        {OLGA: []},
        ["Orphan Wiki", "Salesforce"],
    ),
    "key and value": (
        {"groups": None, "accesses": ["app=Salesforce permission_level=Standard"], "user": SALLY},
        {SALLY: ["Sales"]},
        ["Salesforce"],
    ),
    "null everywhere": (
        {
            **dict.fromkeys(("groups", "people", "purpose", "acting_user", "protected_users", "bypass_reason")),
            **dict.fromkeys(("wait_timeout", "implicitly_approve_requests", "allow_self_approval")),
            "accesses": "Orphan Wiki",
        },
        {OWEN: []},
        ["Orphan Wiki"],
    ),
    "people as text": (
        {"user": "", "groups": "", "accesses": "", "people": f"{OWEN}: Engineering, Sales\n\nnora@example.com: Sales"},
        {OWEN: ["Engineering", "Sales"]},
        ["Orphan Wiki"],
    ),
}
SURVEYS["blank everywhere"] = (
    {name: "" if value is None else value for name, value in SURVEYS["null everywhere"][0].items()},
    {OWEN: []},
    ["Orphan Wiki"],
)


@pytest.mark.every_core
def test_the_answers_of_a_survey_do_what_they_mean(joiner: Staff, playbooks: Playbooks) -> None:
    """In this order the cases for Owen ask for the same, so that the second one finds what the first one did."""
    cases = {
        name: {f"joiner_{option}": value for option, value in {**options(joiner), "user": CONNOR, **given}.items()}
        for name, (given, *_expected) in SURVEYS.items()
    }
    for name in ("null everywhere", "blank everywhere"):
        cases[name]["joiner_user"] = OWEN
    came_of = case_by_case(playbooks, "cakewalk.access.joiner", cases)
    assert [name for name, case in came_of.items() if case.has_failed] == []
    before = {user: requested(joiner, user) for user in (OLGA, SALLY, OWEN)}
    for name, (_given, groups, apps) in SURVEYS.items():
        for user, names in groups.items():
            assert set(names) <= set(stays(joiner.tenant, user)["groups"]), name
            results = [row.data for row in came_of[name].results if "people" in row.data]
            assert {row["app"] for row in results[0]["people"][0]["accesses"]} <= set(apps), name
            assert set(apps) <= {*before.get(user, ()), *stays(joiner.tenant, user)["apps"]}, name
    assert came_of["people as text"].results[-1].data["ansible_stats"]["data"]["joiner_missing"] == 1


@pytest.mark.slow
def test_what_cannot_be_meant_is_refused_before_the_first_write(joiner: Staff) -> None:
    joiner.refuses(options(joiner), REFUSED)


#: Which options differ, the kind of error if the module tells it, words of the message.
REFUSED: dict[str, tuple[Data, str | None, str]] = {
    "an address of two": ({"user": SAM}, "lookup_failed", "2 users have the address"),
    "an unknown group": ({"groups": ["Enginering"]}, "lookup_failed", "did you mean 'Engineering'"),
    "a dynamic group": ({"groups": ["Dynamic Berlin"]}, "rail", "a rule decides"),
    "an unknown app": ({"accesses": [{"app": "Git Hub"}]}, "lookup_failed", "'Git Hub' does not exist"),
    "no level": ({"accesses": [{"app": "Salesforce"}]}, "lookup_failed", "names none of them"),
    "an unknown level as text": ({"accesses": "Salesforce: Standart"}, "lookup_failed", "did you mean 'Standard'"),
    "a purpose that is too long": ({"purpose": "x" * 1025}, "configuration", "purpose"),
    "somebody on the way out": ({"user": "oscar.offboarding@example.com"}, "lookup_failed", "Offboarding"),
    "an actor who may not act": ({"acting_user": "oscar.offboarding@example.com"}, "configuration", "Offboarding"),
    "less than no time": ({"wait_timeout": -1}, "configuration", "wait_timeout"),
    "no time": ({"wait_timeout": "soon"}, None, "wait_timeout"),
    "a relative record": ({"record_path": "record"}, "file", "the path is relative"),
    "no record": ({"record_path": ""}, "configuration", "`journal_path` is not set"),
    "a bypass without a reason": ({"implicitly_approve_requests": True}, "configuration", "bypass_reason"),
    "a blank in the address": (
        {"user": "owen. onboarding@example.com", "wait_timeout": 7800},
        "configuration",
        "holds a blank",
    ),
    "a display name": ({"user": "Nora Newcomer", "wait_timeout": 7800}, "lookup_failed", "never by display name"),
    "nobody": ({"user": ""}, "configuration", "neither `joiner_user` nor `joiner_people` is set"),
    "an access that is none": ({"accesses": [{"app": ""}]}, None, "missing required arguments: app"),
    "somebody twice": (
        {"user": None, "groups": None, "accesses": None, "people": f"{OWEN}: Sales\n{OWEN.upper()}: Sales"},
        "configuration",
        "named twice",
    ),
    "somebody missing with a bad level": (
        {"user": NORA, "wait_timeout": 7800, "accesses": "Salesforce: Standart"},
        "lookup_failed",
        "did you mean 'Standard'",
    ),
}


def test_module_defaults_stand_where_the_role_sets_nothing(playbooks: Playbooks, joiner: Staff) -> None:
    """The acting user is named there alone, and so is a protected person, whose level would change."""
    app = joiner.tenant.find("apps", "GitHub")
    held = Counter(access["user_id"] for access in app["accesses"])
    users = {row["id"]: row for row in joiner.tenant.state("users")["users"] if row["status"] == "Active"}
    levels = {level["id"]: level["name"] for level in app["levels"]}
    access = next(row for row in app["accesses"] if held[row["user_id"]] == 1 and row["user_id"] in users)
    other = next(name for level_id, name in levels.items() if level_id != access["level_id"])
    user = users[access["user_id"]]["email"]
    defaults = {"acting_user": joiner.tenant.acting_user, "protected_users": [user]}
    plays = []
    for who, given in ((OWEN, {}), (user, {"groups": [], "accesses": f"GitHub: {other}"})):
        variables = {f"joiner_{name}": value for name, value in {**options(joiner), "user": who, **given}.items()}
        role = {"role": "cakewalk.access.joiner", "vars": variables, "ignore_errors": True}
        plays += play(roles=[role], module_defaults={"group/cakewalk.access.write": defaults})
    run = playbooks.run(plays, CAKEWALK_ACTING_USER="").succeeded()
    first, second = (row for row in run.results if row.task.endswith(TASK))
    assert (first.status, second.status) == ("ok", "failed"), run.output
    assert "protected" in second.data["msg"]
    assert stays(joiner.tenant, OWEN)["groups"] == ["Engineering"]
    assert {row["actor"] for row in joiner.record()} == {joiner.tenant.acting_user}


def test_the_mode_of_the_writes_decides_everything(playbooks: Playbooks, joiner: Staff) -> None:
    """A dry run that a keyword makes real waits, writes and records like any other."""
    joiner.tenant.change("insert_user", email=NORA, operation="listUsers", after=5)
    given = options(joiner, user=NORA, wait_timeout=60)
    variables = {f"joiner_{name}": value for name, value in given.items()}
    role = {"role": "cakewalk.access.joiner", "vars": variables, "check_mode": False}
    playbooks.run(play(roles=[role]), "--check").succeeded()
    assert stays(joiner.tenant, NORA)["groups"] == ["Engineering"]
    assert requested(joiner, NORA) == ["Figma", "GitHub", "Orphan Wiki", "Salesforce"]
    assert joiner.record()[-1]["status"] == "ended"


@pytest.mark.slow
def test_a_loop_leaves_lines_of_each_of_its_rounds_that_wrote(playbooks: Playbooks, joiner: Staff) -> None:
    """Also where the failure of a round is hidden from Ansible."""
    rounds = [{"user": OWEN, "groups": ["Sales"]}, {"user": CONNOR, "groups": ["Sales"]}]
    joiner.tenant.fault("addUsersToGroup", 500, skip=1)
    one = task(
        "Join",
        "cakewalk.access.cakewalk_joiner",
        {"user": "{{ item.user }}", "groups": "{{ item.groups }}", "journal_path": str(joiner.kept / "writes.jsonl")},
        loop=rounds,
        failed_when=False,
    )
    playbooks.run(play(one)).succeeded()
    runs: dict[str, list[str]] = {}
    for line in joiner.record():
        runs.setdefault(line["run"], []).append(line["status"])
    assert list(runs.values()) == [["begun", "sending", "done", "ended"], ["begun", "sending", "unknown", "ended"]]


@pytest.mark.slow
def test_an_interrupted_run_is_made_up_for_by_the_next(joiner: Staff) -> None:
    joiner.tenant.fault("createGrantAccessRequest", 500, skip=1)
    first = joiner.run(**options(joiner))
    assert first.status == 2
    assert "unknown" in [line["status"] for line in joiner.record()]

    joiner.run(**options(joiner)).succeeded()
    assert requested(joiner) == ["Figma", "GitHub", "Orphan Wiki", "Salesforce"]


def test_nothing_that_people_write_in_the_tenant_is_executed(joiner: Staff, tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    words = f"{{{{ lookup('ansible.builtin.pipe', 'touch {marker}') }}}} $(touch {marker}) \u202e\n"
    state = joiner.tenant.state("groups", "apps")
    group = next(row["id"] for row in state["groups"] if row["name"] == "Engineering")
    app = next(row["id"] for row in state["apps"] if row["name"] == "Orphan Wiki")
    for change, name in (("rename_group", "Engineering"), ("rename_app", "Orphan Wiki"), ("rename_app", "Figma")):
        kind = change.removeprefix("rename_")
        joiner.tenant.change(change, **{kind: name, "name": f"{words} {name}"})
    joiner.tenant.change("rename_user", user=OWEN, name=words)

    run = joiner.run("--diff", **options(joiner, groups=[group], accesses=[{"app": app}])).succeeded()

    assert not marker.exists()
    lines = [line for line in joiner.told(run, TASK)["plan"] if line.startswith(OWEN)]
    assert len(lines) == 2
    assert all(word not in line for line in lines for word in ("\u202e", "\n"))
    assert "{{ lookup(" in lines[0]
