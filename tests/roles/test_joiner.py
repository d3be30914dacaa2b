# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role joiner: waits for a person, adds to groups, asks for more, and tells what follows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playbooks.harness import Data, Playbooks, pages
from roles.people import OWEN, SAM, Staff, is_private, show, stays
from sandbox.process import Sandbox

NORA = "nora.newcomer@example.com"
JOIN, ASK, TELL = "Add the person to the groups", "Ask for extra accesses", "Tell what follows"
WAIT = "Wait for the person"


@pytest.fixture
def joiner(tenant: Sandbox, playbooks: Playbooks) -> Staff:
    """The role."""
    return Staff("joiner", tenant, playbooks)


def options(joiner: Staff, **given: Any) -> Data:
    """Return the options of a run in which Owen joins the engineers, and is to work with Salesforce too."""
    extra = [{"app": "Salesforce", "permission_level": "Standard"}, {"app": "Orphan Wiki"}]
    joining = {"user": OWEN, "groups": ["Engineering"], "accesses": extra, "wait_timeout": 0}
    return {**joining, "record_path": str(joiner.kept / "writes.jsonl"), **given}


def asked(joiner: Staff, email: str = OWEN) -> list[str]:
    """Return the apps to which access is asked for."""
    state = joiner.tenant.state("users", "apps", "requests")
    who = next(user["id"] for user in state["users"] if user["email"] == email)
    apps = {app["id"]: app["name"] for app in state["apps"]}
    return sorted(apps[request["app_id"]] for request in state["requests"] if request["target_id"] == who)


def test_a_joiner_is_foreseen_then_let_in_once(joiner: Staff, capsys: pytest.CaptureFixture[str]) -> None:
    before = joiner.tenant.state()
    foreseen = joiner.run("--check", "--diff", **options(joiner)).succeeded()
    assert (joiner.written(), joiner.tenant.state(), joiner.kept.exists()) == ([], before, False)

    done = joiner.run("--diff", **options(joiner)).succeeded()
    for title in (JOIN, ASK):
        told = [joiner.told(run, title) for run in (foreseen, done)]
        assert told[0]["diff"] == told[1]["diff"] != []
        assert told[0]["steps"]["pending"] == told[1]["steps"]["done"] != []
    assert joiner.told(done, TELL)["shown"] == joiner.told(foreseen, TELL)["shown"]
    assert joiner.told(done, TELL)["shown"] == [
        f"{OWEN}: joins Engineering, from which follows access to Figma, GitHub",
        f"{OWEN}: requested: Salesforce (Standard)",
        f"{OWEN}: requested: Orphan Wiki",
    ]
    assert stays(joiner.tenant, OWEN)["groups"] == ["Engineering"]
    assert asked(joiner) == ["Figma", "GitHub", "Orphan Wiki", "Salesforce"]
    assert [line["status"] for line in joiner.record()] == ["begun", "done", "done", "done"]
    assert is_private(joiner.kept / "writes.jsonl")

    after = joiner.tenant.state()
    joiner.tenant.clear_log()
    again = joiner.run("--diff", **options(joiner)).succeeded()
    assert not any(result.changed for result in again.results)
    assert (joiner.written(), joiner.tenant.state()) == ([], after)
    show("joiner, idle", joiner.cost(), capsys)


def test_a_group_from_a_command_line_is_one(joiner: Staff) -> None:
    joiner.run(**options(joiner, groups="Engineering, Sales", accesses=[])).succeeded()
    assert stays(joiner.tenant, OWEN)["groups"] == ["Engineering", "Sales"]


def test_the_requests_of_a_joiner(joiner: Staff, capsys: pytest.CaptureFixture[str]) -> None:
    """None can be saved: the directory shows the person and, to each module that writes, the one who acts, who is named
    by address; by id it would be one request each. Apps, their accesses and levels, and all requests are read twice:
    before the groups, so that nothing happens where something would be refused, and after, since requests follow from
    the groups."""
    state = joiner.tenant.state()
    levels = {app["name"]: len(app["accesses"]) for app in state["apps"]}
    joiner.tenant.clear_log()

    joiner.run(**options(joiner)).succeeded()

    assert joiner.cost() == {
        "listUsers": 4 * pages(len(state["users"])),
        "listUsersGroups": pages(len(state["groups"])),
        "listUsersGroupUsers": 1,
        "listUsersGroupDefaultWorkApps": 1,
        "listWorkApps": 2 * pages(len(state["apps"])),
        "listRequests": 2 * pages(len(state["requests"])),
        "listWorkAppAccesses": 2 * (pages(levels["Salesforce"]) + pages(levels["Orphan Wiki"])),
        "listWorkAppPermissionLevels": 4,
        "addUsersToGroup": 1,
        "createGrantAccessRequest": 2,
    }
    show("joiner", joiner.cost(), capsys)


def test_somebody_who_is_not_there_yet_is_waited_for(joiner: Staff) -> None:
    foreseen = joiner.run("--check", **options(joiner, user=NORA)).succeeded()
    assert joiner.told(foreseen, WAIT)["found"] is False

    joiner.tenant.change("insert_user", email=NORA, operation="listUsers", after=5)
    joiner.run(**options(joiner, user=NORA, wait_timeout=60)).succeeded()

    assert stays(joiner.tenant, NORA)["groups"] == ["Engineering"]
    assert asked(joiner, NORA) == ["Figma", "GitHub", "Orphan Wiki", "Salesforce"]


def test_the_wait_for_somebody_ends(joiner: Staff) -> None:
    failure = joiner.refused(joiner.run(**options(joiner, user=NORA, wait_timeout=1)))

    assert failure["error"]["kind"] == "wait_timed_out"
    assert f"nobody has the address or id '{NORA}'" in failure["msg"]


@pytest.mark.slow
def test_an_interrupted_run_is_made_up_for_by_the_next(joiner: Staff) -> None:
    joiner.tenant.fault("createGrantAccessRequest", 500, skip=1)
    first = joiner.run(**options(joiner))
    assert first.status == 2
    assert sorted(line["status"] for line in joiner.record()) == ["begun", "done", "done", "outcome_unknown"]

    joiner.run(**options(joiner)).succeeded()
    assert asked(joiner) == ["Figma", "GitHub", "Orphan Wiki", "Salesforce"]


#: Which options differ, the kind of error, words of the message.
REFUSED: dict[str, tuple[Data, str, str]] = {
    "an address of two": ({"user": SAM}, "lookup_failed", "is held by 2"),
    "an unknown group": ({"groups": ["Enginering"]}, "lookup_failed", "did you mean 'Engineering'"),
    "a dynamic group": ({"groups": ["Dynamic Berlin"]}, "rail", "a rule decides"),
    "an unknown app": ({"accesses": [{"app": "Git Hub"}]}, "lookup_failed", "'Git Hub' does not exist"),
    "no level": ({"accesses": [{"app": "Salesforce"}]}, "lookup_failed", "none is asked for"),
    "a blank purpose": ({"purpose": ""}, "configuration", "purpose"),
    "somebody on the way out": ({"user": "oscar.offboarding@example.com"}, "lookup_failed", "Offboarding"),
    "an actor who may not act": ({"acting_user": "oscar.offboarding@example.com"}, "configuration", "Offboarding"),
    "less than no time": ({"wait_timeout": -1}, "configuration", "wait_timeout"),
    "a relative record": ({"record_path": "record"}, "file", "the path is relative"),
    "a bypass without a reason": ({"implicitly_approve_requests": True}, "configuration", "bypass_reason"),
}


def test_what_cannot_be_meant_is_refused_before_the_first_write(joiner: Staff) -> None:
    joiner.refuses(options(joiner), REFUSED)


def test_no_extra_variable_takes_the_place_of_what_the_role_sets(joiner: Staff) -> None:
    failure = joiner.refused(joiner.run(**options(joiner), person={"found": True}))

    assert failure["error"]["kind"] == "configuration"
    assert "joiner_person" in failure["msg"]


def test_nothing_that_people_write_in_the_tenant_is_executed(joiner: Staff, tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    words = f"{{{{ lookup('ansible.builtin.pipe', 'touch {marker}') }}}} $(touch {marker}) \u202e\n"
    state = joiner.tenant.state("groups", "apps")
    group = next(one["id"] for one in state["groups"] if one["name"] == "Engineering")
    app = next(one["id"] for one in state["apps"] if one["name"] == "Orphan Wiki")
    for change, name in (("rename_group", "Engineering"), ("rename_app", "Orphan Wiki"), ("rename_app", "Figma")):
        kind = change.removeprefix("rename_")
        joiner.tenant.change(change, **{kind: name, "name": f"{words} {name}"})
    joiner.tenant.change("rename_user", user=OWEN, name=words)

    run = joiner.run("--diff", **options(joiner, groups=[group], accesses=[{"app": app}])).succeeded()

    assert not marker.exists()
    shown = joiner.told(run, TELL)["shown"]
    assert len(shown) == 2
    assert all(word not in line for line in shown for word in ("\u202e", "\n"))
    assert "{{ lookup(" in shown[0]
