# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Approvals: what people do to requests and tasks in the interface, and the requests that every company has."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from sandbox import known
from sandbox.changes import CHANGES
from sandbox.dialect import questions
from sandbox.process import Sandbox

pytest_plugins = ["sandbox.fixtures"]

V1 = "/api/v1"
CONNOR, ERIN, MAX = "connor.contractor@example.com", "erin.engineer@example.com", "max.manager@example.com"
DOCUMENTATION = Path(__file__).resolve().parents[3] / "docs" / "sandbox.md"


def shown(vendor: Sandbox, task: str) -> dict[str, Any]:
    """Return a task as the API shows it, so that it is validated."""
    answer = vendor.call("GET", f"{V1}/Tasks/{task}")
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def opened(vendor: Sandbox) -> dict[str, Any]:
    """Return the latest request."""
    return vendor.state("requests")["requests"][-1]


def approve_all(vendor: Sandbox) -> dict[str, Any]:
    """Approve each step of the latest request in the interface; return the request after it."""
    while (request := opened(vendor))["status"] == "Pending":
        vendor.change("decide_task", task=request["task_ids"][-1], verdict="approve")
    return request


def levels(vendor: Sandbox, app: str, user: str) -> list[str | None]:
    """Return the names of the levels that somebody holds of an app."""
    record, holder = vendor.find("apps", app), vendor.find("users", user)["id"]
    names = {row["id"]: row["name"] for row in record["levels"]}
    return [names.get(row["level_id"]) for row in record["accesses"] if row["user_id"] == holder]


def test_requests_are_opened_by_the_rules_of_the_api(vendor: Sandbox) -> None:
    vendor.change("open_request", kind="grant", app="GitHub", user=CONNOR, level="Write", by=vendor.acting_user)
    task = vendor.open_task("Connor Contractor", "GitHub")
    request = shown(vendor, task["id"])["request"]
    assert (request["requestType"], request["requestStatus"]) == ("GrantAccessRequest", "Pending")
    assert request["requestedByUserId"] == vendor.find("users", vendor.acting_user)["id"]
    assert request["targetUserId"] == vendor.find("users", CONNOR)["id"]
    with pytest.raises(ValueError, match="exists already"):
        vendor.change("open_request", kind="grant", app="GitHub", user=CONNOR, level="Read")
    with pytest.raises(ValueError, match="has no access"):
        vendor.change("open_request", kind="remove", app="Figma", user=CONNOR)
    approve_all(vendor)
    assert levels(vendor, "GitHub", CONNOR) == ["Write"]
    with pytest.raises(LookupError, match="no request"):
        vendor.open_task("Connor Contractor", "GitHub")


def test_a_grant_adds_a_level_a_change_replaces_all_a_removal_takes_all(vendor: Sandbox) -> None:
    assert levels(vendor, "GitHub", ERIN) == ["Read", "Write"]
    vendor.change("open_request", kind="grant", app="GitHub", user=ERIN, level="Admin")
    approve_all(vendor)
    assert levels(vendor, "GitHub", ERIN) == ["Read", "Write", "Admin"]
    vendor.change("open_request", kind="change", app="GitHub", user=ERIN, level="Read")
    approve_all(vendor)
    assert levels(vendor, "GitHub", ERIN) == ["Read"]
    vendor.change("open_request", kind="remove", app="GitHub", user=ERIN)
    assert opened(vendor)["requested_by"] == vendor.find("users", ERIN)["id"]
    approve_all(vendor)
    assert levels(vendor, "GitHub", ERIN) == []


@pytest.mark.parametrize(
    ("verdict", "status", "held"), [("approve", "Approved", ["Read"]), ("decline", "Declined", [])]
)
def test_the_requests_about_somebody_and_an_app_are_decided_at_once(
    vendor: Sandbox, verdict: str, status: str, held: list[str]
) -> None:
    vendor.change("open_request", kind="grant", app="Figma", user=CONNOR)
    vendor.change("open_request", kind="grant", app="GitHub", user=CONNOR)
    vendor.change("decide_requests", app="GitHub", user=CONNOR, verdict=verdict)
    assert [request["status"] for request in vendor.state("requests")["requests"][-2:]] == ["Pending", status]
    assert levels(vendor, "GitHub", CONNOR) == held


def test_who_asks_without_a_level_gets_the_default_one(vendor: Sandbox) -> None:
    vendor.change("open_request", kind="grant", app="GitHub", user=CONNOR)
    approve_all(vendor)
    assert levels(vendor, "GitHub", CONNOR) == ["Read"]


@pytest.mark.parametrize(
    ("change", "kind", "before", "after", "assignees"),
    [
        ("request_archive", "ArchiveWorkApp", "Managed", "Archived", ["Olga Owner", "Olga Owner"]),
        ("request_new_app", "AddNewManagedWorkApp", "Archived", "Managed", ["Ada Admin", "Olga Owner"]),
    ],
)
def test_requests_about_an_app_have_no_target_user(
    vendor: Sandbox, change: str, kind: str, before: str, after: str, assignees: list[str]
) -> None:
    if before == "Archived":
        vendor.change("request_archive", app="AWS", user=MAX)
        approve_all(vendor)
    assert vendor.find("apps", "AWS")["status"] == before
    holders = vendor.find("apps", "AWS")["accesses"]
    vendor.change(change, app="AWS", user=CONNOR)
    with pytest.raises(ValueError, match="exists already"):
        vendor.change(change, app="AWS", user=MAX)
    request = approve_all(vendor)
    tasks = [shown(vendor, task) for task in request["task_ids"]]
    assert [task["type"] for task in tasks] == [f"{kind}ReviewTask", f"{kind}ActionTask"]
    assert [task["assignedUser"]["name"] for task in tasks] == assignees
    assert not any(task["isAutoprovisioning"] for task in tasks)
    assert tasks[0]["request"]["targetUserId"] is None
    assert tasks[0]["request"]["requestedByUserId"] == vendor.find("users", CONNOR)["id"]
    assert vendor.find("apps", "AWS") == {**vendor.find("apps", "AWS"), "status": after, "accesses": holders}
    assert vendor.deliveries()[-1][0]["data"]["requestMetadata"]["targetUser"] is None
    listed = vendor.rows(f"{V1}/Requests?requestType={kind}Request")
    assert [row["id"] for row in listed] == [request["id"]]
    with pytest.raises(ValueError, match=f"AWS is {after}"):
        vendor.change(change, app="AWS", user=MAX)


def test_the_manager_of_a_request_about_an_app_is_the_askers(vendor: Sandbox) -> None:
    app = vendor.find("apps", "Figma")["id"]
    review = {"name": "Manager then app owner", "request_type": "ArchiveWorkAppRequest"}
    policy = next(row["id"] for row in vendor.state("policies")["policies"] if review.items() <= row.items())
    path = f"{V1}/WorkApps/{app}/Policies/ArchiveWorkAppRequest"
    assert vendor.call("PUT", path, json={"policyId": policy}).status_code == 204
    vendor.change("request_archive", app="Figma", user=CONNOR)
    assert shown(vendor, opened(vendor)["task_ids"][0])["assignedUser"]["name"] == "Max Manager"
    approve_all(vendor)
    vendor.change("request_new_app", app="Figma", user=CONNOR)
    approve_all(vendor)
    vendor.change("request_archive", app="Figma", user="grace.general@example.com")
    first, second = (shown(vendor, task) for task in opened(vendor)["task_ids"])
    assert (first["status"], second["status"]) == ("Approved", "Pending")


def test_people_decline_and_the_request_remembers(vendor: Sandbox) -> None:
    vendor.change("open_request", kind="grant", app="Figma", user=CONNOR)
    task = vendor.open_task("Connor Contractor", "Figma")["id"]
    vendor.change("decide_task", task=task, verdict="decline")
    after = shown(vendor, task)
    assert (after["status"], after["request"]["requestStatus"]) == ("Declined", "Declined")
    assert vendor.rows(f"{V1}/Requests?status=Declined")[-1]["id"] == opened(vendor)["id"]
    with pytest.raises(ValueError, match="only a pending task"):
        vendor.change("decide_task", task=task, verdict="approve")
    vendor.change("open_request", kind="grant", app="Figma", user=CONNOR)
    assert opened(vendor)["status"] == "Pending"


@pytest.mark.parametrize("verdict", ["Approve", "Decline"])
def test_snoozed_and_claimed_tasks_can_be_decided(vendor: Sandbox, verdict: str) -> None:
    task = known.task_id("snoozed")
    vendor.change("claim_task", task=task, user=MAX)
    assert shown(vendor, task)["snoozedTill"]
    assert vendor.call("POST", f"{V1}/Tasks/{task}/{verdict}").status_code == 204
    assert shown(vendor, task)["status"] == f"{verdict.removesuffix('e')}ed"


def test_a_field_set_by_hand_is_named_by_id_or_label(vendor: Sandbox) -> None:
    vendor.configure(field_by="id")
    app = vendor.find("apps", "Figma")["id"]
    for value, expected in (("Internal", "Internal"), (None, None)):
        vendor.change("set_field", app="Figma", field="Data Classification", value=value)
        fields = {row["name"]: row["value"] for row in vendor.rows(f"{V1}/WorkApps/{app}/CustomFields")}
        assert fields["Data Classification"] == expected
    with pytest.raises(ValueError, match="is computed"):
        vendor.change("set_field", app="Figma", field="Priority", value="High")


def test_a_deleted_level_is_held_by_nobody(vendor: Sandbox) -> None:
    with pytest.raises(ValueError, match="open requests"):
        vendor.change("delete_level", app="GitHub", level="Write")
    vendor.change("decide_task", task=known.task_id("action"), verdict="decline")
    vendor.change("delete_level", app="GitHub", level="Write")
    app = vendor.find("apps", "GitHub")
    assert [row["name"] for row in app["levels"]] == ["Read", "Admin"]
    assert levels(vendor, "GitHub", ERIN) == ["Read"]
    assert {row["level_id"] for row in app["accesses"]} == {row["id"] for row in app["levels"]}
    rows = vendor.rows(f"{V1}/WorkApps/{app['id']}/Accesses")
    assert len(rows) == len(app["accesses"])


def test_a_deleted_policy_governs_nothing(vendor: Sandbox) -> None:
    grants = [row for row in vendor.state("policies")["policies"] if row["request_type"] == "GrantAccessRequest"]
    admins = next(row["id"] for row in grants if row["name"] == "Admins")
    everywhere = next(row["id"] for row in grants if row["is_global"])
    path = f"{V1}/WorkApps/{vendor.find('apps', 'Figma')['id']}/Policies/GrantAccessRequest"
    assert vendor.call("PUT", path, json={"policyId": admins}).status_code == 204
    vendor.change("delete_policy", policy=admins)
    assert vendor.call("PUT", path, json={"policyId": admins}).status_code == 404
    compatible = vendor.rows(f"{V1}/Policies/CompatiblePolicies/GrantAccessRequest")
    assert [row["id"] for row in compatible] == [row["id"] for row in grants if row["id"] != admins]
    vendor.change("open_request", kind="grant", app="Figma", user=CONNOR)
    assert opened(vendor)["policy_id"] == everywhere
    with pytest.raises(ValueError, match="is the global policy"):
        vendor.change("delete_policy", policy=everywhere)


@pytest.mark.parametrize(
    "wish",
    [
        {"change": "open_request", "kind": "extend", "app": "GitHub", "user": CONNOR},
        {"change": "open_request", "kind": "change", "app": "GitHub", "user": ERIN},
        {"change": "open_request", "kind": "grant", "app": "GitHub", "user": CONNOR, "level": "Maintain"},
        {"change": "request_archive", "app": "Nothing", "user": CONNOR},
        {"change": "request_new_app", "app": "GitHub", "user": CONNOR},
        {"change": "decide_task", "task": known.task_id("action"), "verdict": "postpone"},
        {"change": "decide_task", "task": known.request_id("action"), "verdict": "approve"},
        {"change": "set_field", "app": "Figma", "field": "Colour", "value": "red"},
    ],
)
def test_what_people_cannot_do_is_refused(vendor: Sandbox, wish: dict[str, Any]) -> None:
    before = vendor.state()
    with pytest.raises(ValueError, match=r"."):
        vendor.change(**wish)
    assert vendor.state() == before


#: By name: type, app, level, assignee, action step, autoprovisioning, snoozed, status.
EXPECTED: dict[str, tuple[Any, ...]] = {
    "action": ("GrantAccessActionTask", "GitHub", "Write", "Olga Owner", True, False, False, "Pending"),
    "removal": ("RemoveAccessActionTask", "Google Workspace", None, "Olga Owner", True, False, False, "Pending"),
    "review": ("GrantAccessReviewTask", "Figma", None, "Max Manager", False, False, False, "Pending"),
    "snoozed": ("GrantAccessActionTask", "Salesforce", "Standard", "Olga Owner", True, False, True, "Pending"),
    "autoprovisioning": ("GrantAccessActionTask", "AWS", "ReadOnly", "Olga Owner", True, True, False, "Pending"),
    "declined": ("GrantAccessReviewTask", "Orphan Wiki", None, "Max Manager", False, False, False, "Declined"),
}


@pytest.mark.parametrize("sizes", [{}, {"users": 20, "groups": 5, "apps": 6}, {"users": 500, "apps": 90}])
def test_every_company_has_the_known_requests_under_the_same_ids(vendor: Sandbox, sizes: dict[str, int]) -> None:
    vendor.reset(**sizes)
    tables = vendor.state("users", "apps")
    apps = {row["id"]: row for row in tables["apps"]}
    petra = vendor.find("users", known.ASKER)["id"]
    found = {}
    for name in known.REQUESTS:
        task = shown(vendor, known.task_id(name))
        request = task["request"]
        app = apps[request["workAppId"]]
        level = {row["id"]: row["name"] for row in app["levels"]}.get(request["permissionLevelId"])
        assert request["id"] == known.request_id(name)
        assert request["requestStatus"] == task["status"]
        assert request["requestedByUserId"] == request["targetUserId"] == petra
        marks = (task["isActionStep"], task["isAutoprovisioning"], bool(task["snoozedTill"]), task["status"])
        found[name] = (task["type"], app["name"], level, task["assignedUser"]["name"], *marks)
    assert found == EXPECTED
    assert [row["id"] for row in vendor.rows(f"{V1}/Tasks?userId={petra}")] == [known.task_id(known.STANDALONE)]
    standalone = shown(vendor, known.task_id(known.STANDALONE))
    assert (standalone["isActionStep"], standalone["request"], standalone["status"]) == (None, None, "Pending")


def test_petra_has_what_she_wants_to_lose_and_nothing_that_she_asks_for(vendor: Sandbox) -> None:
    petra = vendor.find("users", known.ASKER)["id"]
    holding = {
        app["name"]
        for app in vendor.state("apps")["apps"]
        if petra in [access["user_id"] for access in app["accesses"]]
    }
    assert holding == {"Google Workspace"}


def test_known_ids_follow_the_seed(vendor: Sandbox) -> None:
    vendor.reset(seed=2)
    assert shown(vendor, known.task_id("action", seed=2))["request"]["id"] == known.request_id("action", seed=2)
    assert vendor.call("GET", f"{V1}/Tasks/{known.task_id('action')}").status_code == 404


@pytest.mark.parametrize("name", [*known.REQUESTS, known.STANDALONE])
def test_the_documentation_shows_the_ids(name: str) -> None:
    assert re.search(rf"^\| `{name}` \| `{known.task_id(name)}` \|", DOCUMENTATION.read_text("utf-8"), re.MULTILINE)


@pytest.mark.parametrize("change", CHANGES)
def test_the_documentation_lists_each_change(change: str) -> None:
    assert re.search(rf"^\| .*`{change}`.* \|", DOCUMENTATION.read_text("utf-8"), re.MULTILINE)


@pytest.mark.parametrize("question", questions())
def test_the_documentation_lists_each_question_with_its_words(question: str) -> None:
    words = ", ".join(f"`{word}`" for word in questions()[question])
    assert re.search(rf"^\| `{question}` \| {re.escape(words)} \|", DOCUMENTATION.read_text("utf-8"), re.MULTILINE)
