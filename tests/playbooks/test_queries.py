# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Queries, with a key that may only read, and what they refuse."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path

import pytest
from playbooks.harness import INFO, Data, Playbooks, listed, names, pages, play, scenario, stable_pages, task, writes
from sandbox.known import task_id
from sandbox.process import Sandbox

ERIN, OSCAR, PETRA = (f"{name}@example.com" for name in ("erin.engineer", "oscar.offboarding", "petra.pending"))
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def read_only(tenant: Sandbox) -> dict[str, str]:
    """The variables that make a run use the key that may only read."""
    return {"CAKEWALK_API_KEY": tenant.read_only_key, "CAKEWALK_API_SECRET": tenant.read_only_secret}


def test_queries_return_what_is_there(
    playbooks: Playbooks, tenant: Sandbox, read_only: dict[str, str], tmp_path: Path
) -> None:
    expected, plays = listed(tenant, tmp_path / "code"), scenario("info")
    check = playbooks.run(plays, "--check", "--diff", variables=names(tenant) | expected, **read_only).succeeded()
    run = playbooks.run(plays, variables=names(tenant) | expected, **read_only).succeeded()
    missing = {"users": "'nobody@example.com', 'Erin Engineer'", "groups": "'contractors'"}
    warned = {f"These {kind} were not found: {who}. Check the spelling, or give ids." for kind, who in missing.items()}
    assert check.warned_of() == run.warned_of() == warned
    assert [result.told for result in check.results] == [result.told for result in run.results]
    assert not any(result.changed for result in run.results)
    assert not writes(tenant.log())
    assert {entry["key"] for entry in tenant.log()} == {"read-only"}
    assert not (tmp_path / "code" / "executed").exists()


def test_what_is_asked_for_is_put_together(playbooks: Playbooks, tenant: Sandbox, read_only: dict[str, str]) -> None:
    """Held against the tenant itself, in both answers to whether the service heeds filters."""
    state = tenant.state()
    users = {user["id"]: user for user in state["users"]}
    apps = {app["id"]: app["name"] for app in state["apps"]}
    olga, petra = (tenant.find("users", email)["id"] for email in ("olga.owner@example.com", PETRA))
    queries = {
        "footprint": {"users": [ERIN, OSCAR], "footprint": True},
        "policies": {"policies": ["grant_access", "add_app"]},
        "tasks": {"tasks": [task_id("review"), NOBODY, "no id"]},
        "listed": {"tasks_of": ["OLGA.owner@example.com"], "task_statuses": ["PENDING"]},
        "details": {"tasks_of": [olga], "include": ["task_details"]},
        "requests": {"requests": {"statuses": ["pending"], "request_types": ["grant_access"]}},
        "all requests": {"requests": {}},
        "no requests": {"requests": {"updated_since": "2100-01-01"}},
        "requests of Petra": {"requests": {"users": [PETRA]}},
        "requests of Petra for GitHub": {"requests": {"users": [petra.upper()], "apps": ["GitHub", "Figma"]}},
        "reports": {"reports": ["ownerless_apps", "privileged_accesses"]},
        "one report": {"apps": ["GitHub"], "reports": ["privileged_accesses"]},
    }
    for word in ("heard", "ignored"):
        tenant.configure(filters=word)
        tasks = [task(title, INFO, options) for title, options in queries.items()]
        run = playbooks.run(play(*tasks), **read_only).succeeded()
        assert [warning.partition(":")[0] for warning in run.warned_of()] == ["These tasks were not found"]
        told = {title: run[title].data for title in queries}

        for row in told["footprint"]["users"]:
            in_groups = [group["id"] for group in state["groups"] if row["id"] in group["members"]]
            assert [group["id"] for group in row["groups"]] == in_groups
            held = [
                (app["name"], access["level_id"])
                for app in state["apps"]
                for access in app["accesses"]
                if access["user_id"] == row["id"]
            ]
            found = [(one["app"], (one["permission_level"] or {}).get("id")) for one in row["accesses"]]
            assert found == held
        assert told["footprint"]["users"][0]["accesses"] != []
        for kind, rows in told["policies"]["policies"].items():
            wanted = {"grant_access": "GrantAccessRequest", "add_app": "AddNewManagedWorkAppRequest"}[kind]
            assert [one["id"] for one in rows] == [
                one["id"] for one in state["policies"] if one["request_type"] == wanted
            ]
        assert [one["request"]["request_type"] for one in told["tasks"]["tasks"]] == ["GrantAccessRequest"]
        assert told["tasks"]["not_found"] == {"tasks": [NOBODY, "no id"]}
        of_olga = [one for one in state["tasks"] if one["assigned_id"] == olga]
        pending = sorted(one["id"] for one in of_olga if one["status"] == "Pending")
        assert sorted(one["id"] for one in told["listed"]["tasks"]) == pending
        assert {one["listed_for"] for one in told["listed"]["tasks"]} == {"olga.owner@example.com"}
        assert sorted(one["id"] for one in told["details"]["tasks"]) == sorted(one["id"] for one in of_olga)
        assert all("request" in one for one in told["details"]["tasks"])
        asked = [
            one["id"] for one in state["requests"] if (one["status"], one["type"]) == ("Pending", "GrantAccessRequest")
        ]
        assert [one["id"] for one in told["requests"]["requests"]] == asked != []
        assert len(told["all requests"]["requests"]) == len(state["requests"])
        assert told["no requests"]["requests"] == []
        about_petra = [one for one in state["requests"] if one["target_id"] == petra]
        assert [one["id"] for one in told["requests of Petra"]["requests"]] == [one["id"] for one in about_petra]
        for_apps = [one["id"] for one in about_petra if apps[one["app_id"]] in ("GitHub", "Figma")]
        assert [one["id"] for one in told["requests of Petra for GitHub"]["requests"]] == for_apps
        assert 0 < len(for_apps) < len(about_petra) < len(state["requests"])
        people = {(one["target_user_email"], one["target_user_name"]) for one in told["requests of Petra"]["requests"]}
        assert people == {(PETRA, "Petra Pending")}
        assert {one["work_app_name"] for one in told["requests of Petra for GitHub"]["requests"]} == {"GitHub", "Figma"}
        assert {one["target_user_name"] for one in told["all requests"]["requests"]} == {None}
        ownerless = sorted(app["name"] for app in state["apps"] if app["owner_id"] is None)
        assert sorted(one["app"] for one in told["reports"]["ownerless_apps"]) == ownerless
        privileged = [
            (app["name"], level["name"], users[access["user_id"]]["email"])
            for app in state["apps"]
            for access in app["accesses"]
            for level in app["levels"]
            if level["is_privileged"] and access["level_id"] == level["id"]
        ]
        listed = [(one["app"], one["permission_level"], one["user"]) for one in told["reports"]["privileged_accesses"]]
        assert sorted(listed) == sorted(privileged)
        assert {row[0] for row in listed} != {"GitHub"}
        assert {one["app"] for one in told["one report"]["privileged_accesses"]} == {"GitHub"}
        assert not writes(tenant.log())


def test_a_footprint_reads_each_list_once_and_those_of_several_pages_twice(
    playbooks: Playbooks, tenant: Sandbox
) -> None:
    options = {
        "users": [ERIN],
        "apps": ["GitHub"],
        "groups": ["Engineering"],
        "include": ["accesses", "members"],
        "footprint": True,
        "reports": ["privileged_accesses"],
    }
    state = tenant.state("users", "groups", "apps")
    tenant.clear_log()
    playbooks.run(play(task("footprint", INFO, options))).succeeded()
    assert Counter(entry["operation"] for entry in tenant.log()) == {
        "listUsers": pages(len(state["users"])),
        "listUsersGroups": stable_pages(len(state["groups"])),
        "listWorkApps": stable_pages(len(state["apps"])),
        "listUsersGroupUsers": sum(stable_pages(len(group["members"])) for group in state["groups"]),
        "listWorkAppAccesses": sum(stable_pages(len(app["accesses"])) for app in state["apps"]),
    }


@pytest.mark.parametrize(
    ("options", "lists"),
    [
        pytest.param({"requests": {}}, set(), marks=pytest.mark.slow),
        pytest.param({"requests": {"users": [NOBODY], "apps": [NOBODY]}}, set(), marks=pytest.mark.slow),
        pytest.param({"requests": {"users": [PETRA], "apps": [NOBODY]}}, {"listUsers"}, marks=pytest.mark.slow),
        ({"requests": {"apps": ["GitHub"]}, "tasks_of": []}, {"listWorkApps"}),
        ({"requests": {"users": [PETRA], "apps": ["GitHub"]}, "gather": ["apps"]}, {"listUsers", "listWorkApps"}),
    ],
)
def test_requests_cost_their_pages_and_the_lists_in_which_names_are_found(
    playbooks: Playbooks, tenant: Sandbox, options: Data, lists: set[str]
) -> None:
    state = tenant.state("users", "apps", "requests")
    playbooks.run(play(task("query", INFO, options))).succeeded()
    rows = {"listUsers": "users", "listWorkApps": "apps", "listRequests": "requests"}
    wanted = {operation: pages(len(state[rows[operation]])) for operation in ("listRequests", *lists)}
    assert Counter(entry["operation"] for entry in tenant.log()) == wanted


REFUSED = {
    "a selector of a kind that is not read": (
        {"gather": ["groups"], "users": ["erin.engineer@example.com"]},
        "configuration",
        "Could not use users: it has no effect when only groups is read. Name the kind under gather",
    ),
    "an include of a kind that is not read": (
        {"users": [], "include": ["members"]},
        "configuration",
        "Could not use members: it has no effect when only users is read. Name the kind under gather",
    ),
    "an e-mail address that two people hold": (
        {"users": ["SAM.twin@example.com"]},
        "lookup_failed",
        "have the address 'SAM.twin@example.com': {sams}",
    ),
    "a name that two groups have": ({"groups": ["Twin Group"]}, "lookup_failed", "are called 'Twin Group'"),
    "nothing": ({}, None, "one of the following is required: gather, users, groups, apps, policies, tasks"),
    "a footprint of nobody": (
        {"apps": ["GitHub"], "footprint": True},
        "configuration",
        "Could not use footprint: it is not said whose. Select users",
    ),
    "details of no tasks": (
        {"tasks": [], "include": ["task_details"]},
        "configuration",
        "Could not use `task_details`: no tasks are listed. Say whose with `tasks_of`",
    ),
    "statuses of no tasks": ({"tasks": [], "task_statuses": ["Pending"]}, None, "task_statuses"),
    "tasks of nobody": (
        {"tasks_of": ["olga.owne@example.com"]},
        "lookup_failed",
        "'olga.owne@example.com' does not exist (did you mean 'olga.owner@example.com'?)",
    ),
    "requests about nobody": (
        {"requests": {"users": ["petra.pendin@example.com"]}},
        "lookup_failed",
        "'petra.pendin@example.com' does not exist (did you mean 'petra.pending@example.com'?)",
    ),
    "requests about one of two apps": ({"requests": {"apps": ["Twin App"]}}, "lookup_failed", "are called 'Twin App'"),
    "requests since never": (
        {"requests": {"updated_since": "yesterday"}},
        "configuration",
        "Could not use requests.updated_since: 'yesterday' is not a time",
    ),
    "a request type of the vendor's": ({"policies": ["GrantAccessRequest"]}, None, "grant_access, remove_access"),
    "a kind that does not exist": ({"gather": ["people"]}, None, "users, groups, apps"),
    "reasons for nothing": ({"explain": {"deciders": []}}, None, "users, apps found in explain"),
    "reasons for nobody": (
        {"explain": {"users": ["erin.enginer@example.com"]}},
        "lookup_failed",
        "'erin.enginer@example.com' does not exist (did you mean 'erin.engineer@example.com'?)",
    ),
    "reasons in a folder that is nowhere": (
        {"explain": {"apps": ["GitHub"], "folder": "/nowhere"}},
        "code",
        "/nowhere: there is no such folder",
    ),
    "reasons in a relative ledger": (
        {"explain": {"apps": ["GitHub"], "ledger_path": "ledger.json"}},
        "file",
        "the path is relative",
    ),
    "reasons in code that no file holds": (
        {"explain": {"apps": ["GitHub"]}, "source": {"code": {}}},
        "configuration",
        "it is read from folder, and nowhere else",
    ),
}


def test_what_makes_no_sense_is_refused_by_name(playbooks: Playbooks, tenant: Sandbox) -> None:
    sams = ", ".join(
        f"{user['id']} ({user['status']})"
        for user in tenant.state("users")["users"]
        if user["email"] == "sam.twin@example.com"
    )
    tasks = [task(title, INFO, options, ignore_errors=True) for title, (options, _kind, _words) in REFUSED.items()]
    run = playbooks.run(play(*tasks))
    for title, (_options, kind, words) in REFUSED.items():
        assert run[title].failed, title
        assert words.format(sams=sams) in run[title].data["msg"]
        assert run[title].data.get("error", {}).get("kind") == kind


def test_a_large_result_goes_to_a_file(playbooks: Playbooks, tenant: Sandbox, tmp_path: Path) -> None:
    path, other, half = tmp_path / "new" / "tenant.json", tmp_path / "ledger.json", tmp_path / "half.json"
    query = {"gather": ["users", "groups"], "policies": ["grant_access"], "include": ["members"]}
    other.write_text('{"entries": {}}', encoding="utf-8")
    # Read before, because the sandbox cannot show its state while it holds a lone surrogate.
    number = len(tenant.state("users")["users"])
    hidden = tenant.find("groups", "Contractors")["id"]
    for group, name in (("Contractors", tenant.api_secret), ("Sales", "half \ud800")):
        tenant.change("rename_group", group=tenant.find("groups", group)["id"], name=name)
    tasks = [
        task("plain", INFO, query),
        task("file", INFO, {**query, "path": str(path)}),
        task("again", INFO, {**query, "path": str(path)}),
        task("missing", INFO, {"users": ["nobody@example.com"], "path": str(half)}),
        *(task(name, INFO, {**query, "path": name}, ignore_errors=True) for name in ("relative.json", str(other))),
    ]
    check = playbooks.run(play(*tasks), "--check").succeeded()
    assert not path.parent.exists()
    run = playbooks.run(play(*tasks)).succeeded()
    content = path.read_bytes()
    document, counts = json.loads(content), run["file"].data["counts"]
    # Ansible and the file have each their own mark in place of a secret.
    (marked,) = (one for one, row in zip(run["plain"].data["groups"], document["groups"], strict=True) if one != row)
    assert marked["id"] == hidden
    same = document.keys() - {"groups", "groups_by_name"}
    assert {name: document[name] for name in same} == {name: run["plain"].data[name] for name in same}
    assert document.keys() >= {"users", "groups", "policies", "users_by_email", "ambiguous", "not_found", "unmapped"}
    assert counts["users"] == number
    assert counts["policies"] == len(document["policies"]["grant_access"])
    assert (counts["ambiguous"], counts["not_found"]) == (2, 0)
    assert not {"users", "groups", "policies", "users_by_email", "ambiguous"} & run["file"].data.keys()
    assert run["file"].data["sha256"] == run["again"].data["sha256"] == hashlib.sha256(content).hexdigest()
    assert check["file"].told == run["file"].told
    assert run["missing"].data["not_found"] == {"users": ["nobody@example.com"]}
    assert path.stat().st_mode & 0o777 == 0o600
    assert tenant.api_secret.encode() not in content
    assert not any(result.changed for result in run.results)
    for result in (check, run):
        assert "the path is relative" in result["relative.json"].data["msg"]
        assert "it does not hold a result of `cakewalk_info`" in result[str(other)].data["msg"]
    assert other.read_text("utf-8") == '{"entries": {}}'
