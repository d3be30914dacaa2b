# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The domain rules: groups, requests and tasks, policies, accesses, custom fields, reviews, keys."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from sandbox.process import Sandbox

pytest_plugins = ["sandbox.fixtures"]

V1 = "/api/v1"
GRANT = "GrantAccessRequest"


@pytest.fixture
def admin(vendor: Sandbox) -> str:
    """The id of somebody to act for."""
    return vendor.find("users", vendor.acting_user)["id"]


@pytest.fixture
def contractor(vendor: Sandbox) -> str:
    """The id of somebody who has no access and no request."""
    return vendor.find("users", "Connor Contractor")["id"]


def add(vendor: Sandbox, group: str, admin: str, *users: str, **more: Any) -> requests.Response:
    """Add members to the group of this name."""
    path = f"{V1}/UsersGroups/{vendor.find('groups', group)['id']}/Users"
    return vendor.call("POST", path, json={"userIds": list(users), "triggeredByUserId": admin, **more})


def ask(vendor: Sandbox, admin: str, app: str, user: str, level: str | None = None) -> requests.Response:
    """Open a grant request for an app by name, at a level by name."""
    record = vendor.find("apps", app)
    body = {"createdByUserId": admin, "targetUserId": user, "workAppId": record["id"], "grantAccessPurpose": "Needed"}
    if level:
        body["permissionLevelId"] = next(row["id"] for row in record["levels"] if row["name"] == level)
    return vendor.call("POST", f"{V1}/Requests/GrantAccess", json=body)


def policy(vendor: Sandbox, name: str, request_type: str = GRANT) -> dict[str, Any]:
    """Return a policy by name."""
    rows = vendor.state("policies")["policies"]
    return next(row for row in rows if (row["name"], row["request_type"]) == (name, request_type))


def request_of(vendor: Sandbox, answer: requests.Response) -> dict[str, Any]:
    """Return the request that an answer tells of."""
    assert answer.status_code == 201, answer.text
    return request_by_id(vendor, answer.json()["requestId"])


def request_by_id(vendor: Sandbox, identifier: str) -> dict[str, Any]:
    """Return a request."""
    return next(row for row in vendor.state("requests")["requests"] if row["id"] == identifier)


def decide(vendor: Sandbox, request: dict[str, Any], verdict: str) -> dict[str, Any]:
    """Approve or decline the step that a request is at; return the request after it."""
    answer = vendor.call("POST", f"{V1}/Tasks/{request['task_ids'][-1]}/{verdict}")
    assert answer.status_code == 204, answer.text
    return request_by_id(vendor, request["id"])


def accesses(vendor: Sandbox, app: str, user: str) -> list[str | None]:
    """Return the level ids that somebody holds of an app."""
    return [row["level_id"] for row in vendor.find("apps", app)["accesses"] if row["user_id"] == user]


def steps(vendor: Sandbox, request: dict[str, Any]) -> list[tuple[str, bool, str | None, str]]:
    """Return type, kind, assignee's name and status of a request's tasks so far."""
    tasks = {row["id"]: row for row in vendor.state("tasks")["tasks"]}
    names = {row["id"]: row["name"] for row in vendor.state("users")["users"]}
    return [
        (task["type"], task["is_action"], names.get(task["assigned_id"]), task["status"])
        for task in (tasks[identifier] for identifier in request["task_ids"])
    ]


def test_new_members_get_requests_for_the_default_apps(vendor: Sandbox, admin: str, contractor: str) -> None:
    before = len(vendor.state("requests")["requests"])
    assert add(vendor, "Engineering", admin, contractor).status_code == 201
    group = vendor.find("groups", "Engineering")
    opened = vendor.state("requests")["requests"][before:]
    assert contractor in group["members"]
    assert [row["app_id"] for row in opened] == group["default_apps"]
    assert {(row["type"], row["status"], row["source_id"]) for row in opened} == {(GRANT, "Pending", group["id"])}
    assert accesses(vendor, "Figma", contractor) == []


def test_implicit_approval_grants_at_once(vendor: Sandbox, admin: str, contractor: str) -> None:
    add(vendor, "Engineering", admin, contractor, implicitlyApproveRequests=True)
    github = vendor.find("apps", "GitHub")
    assert accesses(vendor, "Figma", contractor) == [None]
    assert accesses(vendor, "GitHub", contractor) == [github["levels"][0]["id"]]
    assert {row["status"] for row in vendor.state("requests")["requests"] if row["target_id"] == contractor} == {
        "Approved"
    }


def test_implicit_approval_may_leave_the_action_step(vendor: Sandbox, admin: str, contractor: str) -> None:
    vendor.configure(implicit_approval="action")
    add(vendor, "Engineering", admin, contractor, implicitlyApproveRequests=True)
    request = next(row for row in vendor.state("requests")["requests"] if row["target_id"] == contractor)
    assert accesses(vendor, "Figma", contractor) == []
    assert steps(vendor, request)[-1][1:] == (True, "Olga Owner", "Pending")


def test_members_who_have_or_await_access_get_no_second_request(vendor: Sandbox, admin: str, contractor: str) -> None:
    ask(vendor, admin, "Figma", contractor)
    add(vendor, "Engineering", admin, contractor)
    about = [row for row in vendor.state("requests")["requests"] if row["target_id"] == contractor]
    assert len(about) == 2


def test_additions_are_all_or_nothing(vendor: Sandbox, admin: str, contractor: str) -> None:
    nobody = "11111111-1111-4111-8111-111111111111"
    assert add(vendor, "Engineering", admin, contractor, nobody).status_code == 404
    assert add(vendor, "Engineering", nobody, contractor).status_code == 400
    assert contractor not in vendor.find("groups", "Engineering")["members"]


@pytest.mark.parametrize("group", ["Okta Everyone", "Dynamic Berlin"])
def test_synced_and_dynamic_groups_refuse_writes(vendor: Sandbox, admin: str, group: str) -> None:
    record = vendor.find("groups", group)
    assert add(vendor, group, admin, vendor.find("users", "Iris Invited")["id"]).status_code == 400
    path = f"{V1}/UsersGroups/{record['id']}/Users/{record['members'][0]}"
    assert vendor.call("DELETE", path).status_code == 400
    assert vendor.find("groups", group)["members"] == record["members"]


def test_removing_a_member(vendor: Sandbox, admin: str) -> None:
    group = vendor.find("groups", "Contractors")
    path = f"{V1}/UsersGroups/{group['id']}/Users/{group['members'][0]}"
    assert vendor.call("DELETE", path).status_code == 204
    assert vendor.find("groups", "Contractors")["members"] == group["members"][1:]
    assert vendor.call("DELETE", path).status_code == 404


def test_a_request_goes_through_review_and_action(vendor: Sandbox, admin: str, contractor: str) -> None:
    request = request_of(vendor, ask(vendor, admin, "GitHub", contractor, "Write"))
    assert steps(vendor, request) == [("GrantAccessReviewTask", False, "Max Manager", "Pending")]
    request = decide(vendor, request, "Approve")
    assert steps(vendor, request)[-1] == ("GrantAccessReviewTask", False, "Olga Owner", "Pending")
    request = decide(vendor, request, "Approve")
    assert steps(vendor, request)[-1] == ("GrantAccessActionTask", True, "Olga Owner", "Pending")
    assert (request["status"], accesses(vendor, "GitHub", contractor)) == ("Pending", [])
    event = vendor.state("events")["events"][-1]
    assert (event["eventType"], event["data"]["taskId"]) == ("action_task.actionable", request["task_ids"][-1])
    request = decide(vendor, request, "Approve")
    assert (request["status"], accesses(vendor, "GitHub", contractor)) == ("Approved", [request["level_id"]])


def test_a_declined_step_ends_the_request(vendor: Sandbox, admin: str, contractor: str) -> None:
    request = decide(vendor, request_of(vendor, ask(vendor, admin, "Figma", contractor)), "Decline")
    assert request["status"] == "Declined"
    assert accesses(vendor, "Figma", contractor) == []
    assert vendor.call("POST", f"{V1}/Tasks/{request['task_ids'][0]}/Approve").status_code == 409


def test_a_cancelled_request_cancels_its_task(vendor: Sandbox, admin: str, contractor: str) -> None:
    request = request_of(vendor, ask(vendor, admin, "Figma", contractor))
    vendor.change("cancel_request", request=request["id"], user=vendor.acting_user)
    shown = vendor.call("GET", f"{V1}/Tasks/{request['task_ids'][0]}").json()["data"]
    assert (shown["status"], shown["request"]["requestStatus"]) == ("Cancelled", "Cancelled")
    assert shown["request"]["cancelledByUserId"] == admin


def test_claims_and_snoozes_are_shown(vendor: Sandbox, admin: str, contractor: str) -> None:
    task = request_of(vendor, ask(vendor, admin, "Figma", contractor))["task_ids"][0]
    vendor.change("claim_task", task=task, user="max.manager@example.com")
    vendor.change("snooze_task", task=task, until="2030-01-01T00:00:00Z")
    shown = vendor.call("GET", f"{V1}/Tasks/{task}").json()["data"]
    assert shown["claimers"][0]["name"] == shown["assignedUser"]["name"] == "Max Manager"
    assert shown["snoozedTill"] == "2030-01-01T00:00:00Z"


def test_nobody_reviews_as_manager_of_a_general_manager(vendor: Sandbox, admin: str) -> None:
    general = vendor.find("users", "Grace General")["id"]
    app = next(
        row["name"]
        for row in vendor.state("apps")["apps"]
        if row["owner_id"] and not row["levels"] and general not in [access["user_id"] for access in row["accesses"]]
    )
    request = request_of(vendor, ask(vendor, admin, app, general))
    assert [step[3] for step in steps(vendor, request)] == ["Approved", "Pending"]


def test_action_steps_of_ownerless_apps_are_nobodys(vendor: Sandbox, admin: str, contractor: str) -> None:
    request = request_of(vendor, ask(vendor, admin, "Orphan Wiki", contractor))
    while not steps(vendor, request)[-1][1]:
        request = decide(vendor, request, "Approve")
    assert steps(vendor, request)[-1][2] is None
    assert vendor.call("GET", f"{V1}/Tasks/{request['task_ids'][-1]}").json()["data"]["assignedUser"] is None


def test_action_steps_of_the_vendors_agent_are_marked(vendor: Sandbox, admin: str, contractor: str) -> None:
    request = request_of(vendor, ask(vendor, admin, "AWS", contractor, "ReadOnly"))
    while not steps(vendor, request)[-1][1]:
        request = decide(vendor, request, "Approve")
    assert vendor.call("GET", f"{V1}/Tasks/{request['task_ids'][-1]}").json()["data"]["isAutoprovisioning"] is True


def test_level_policy_beats_app_policy_beats_global(vendor: Sandbox, admin: str, contractor: str) -> None:
    app = vendor.find("apps", "GitHub")
    read = app["levels"][0]["id"]
    people = [contractor, admin, vendor.find("users", "Iris Invited")["id"]]
    seen = [request_of(vendor, ask(vendor, admin, "GitHub", people[0], "Read"))["policy_id"]]
    for user, path, name in (
        (people[1], f"{V1}/WorkApps/{app['id']}/Policies/{GRANT}", "Admins"),
        (people[2], f"{V1}/WorkApps/{app['id']}/PermissionLevels/{read}/Policies/{GRANT}", "Two approvals"),
    ):
        vendor.change("remove_access", app="GitHub", user=user)
        assert vendor.call("PUT", path, json={"policyId": policy(vendor, name)["id"]}).status_code == 204
        seen.append(request_of(vendor, ask(vendor, admin, "GitHub", user, "Read"))["policy_id"])
    assert seen == [policy(vendor, name)["id"] for name in ("Manager then app owner", "Admins", "Two approvals")]


def test_policies_must_fit_and_exist(vendor: Sandbox) -> None:
    path = f"{V1}/WorkApps/{vendor.find('apps', 'Figma')['id']}/Policies/RemoveAccessRequest"
    assert vendor.call("PUT", path, json={"policyId": policy(vendor, "Admins")["id"]}).status_code == 409
    assert vendor.call("PUT", path, json={"policyId": vendor.find("apps", "Figma")["id"]}).status_code == 404


def test_a_level_is_mandatory_when_the_app_has_levels(vendor: Sandbox, admin: str, contractor: str) -> None:
    assert ask(vendor, admin, "GitHub", contractor).status_code == 400
    row = {"workAppId": vendor.find("apps", "GitHub")["id"], "userId": contractor}
    assert vendor.call("POST", f"{V1}/WorkApps/Accesses", json={"data": [row]}).status_code == 400
    foreign = {**row, "permissionLevelId": vendor.find("apps", "AWS")["levels"][0]["id"]}
    assert vendor.call("POST", f"{V1}/WorkApps/Accesses", json={"data": [foreign]}).status_code == 400
    assert accesses(vendor, "GitHub", contractor) == []


def test_requests_that_are_open_or_pointless_conflict(vendor: Sandbox, admin: str, contractor: str) -> None:
    assert ask(vendor, admin, "Figma", contractor).status_code == 201
    assert ask(vendor, admin, "Figma", contractor).status_code == 409
    assert ask(vendor, admin, "Google Workspace", contractor).status_code == 409


def test_removals_and_changes_need_an_access(vendor: Sandbox, admin: str, contractor: str) -> None:
    engineer = vendor.find("users", "Erin Engineer")["id"]
    github = vendor.find("apps", "GitHub")
    levels = [row["id"] for row in github["levels"]]
    body = {"createdByUserId": admin, "targetUserId": contractor, "workAppId": github["id"]}
    assert vendor.call("POST", f"{V1}/Requests/RemoveAccess", json=body).status_code == 404
    change = {**body, "permissionLevelId": levels[2]}
    assert vendor.call("POST", f"{V1}/Requests/ChangePermission", json=change).status_code == 404
    assert accesses(vendor, "GitHub", engineer) == levels[:2]
    change["targetUserId"] = engineer
    request = request_of(vendor, vendor.call("POST", f"{V1}/Requests/ChangePermission", json=change))
    while request["status"] == "Pending":
        request = decide(vendor, request, "Approve")
    assert accesses(vendor, "GitHub", engineer) == [levels[2]]
    assert vendor.call("POST", f"{V1}/Requests/ChangePermission", json=change).status_code == 409
    body["targetUserId"] = engineer
    request = request_of(vendor, vendor.call("POST", f"{V1}/Requests/RemoveAccess", json=body))
    while request["status"] == "Pending":
        request = decide(vendor, request, "Approve")
    assert accesses(vendor, "GitHub", engineer) == []


def test_recorded_accesses_bypass_approval(vendor: Sandbox, contractor: str) -> None:
    github = vendor.find("apps", "GitHub")
    read, write = (row["id"] for row in github["levels"][:2])
    for level in (read, write):
        row = {"workAppId": github["id"], "userId": contractor, "permissionLevelId": level}
        assert vendor.call("POST", f"{V1}/WorkApps/Accesses", json={"data": [row]}).status_code == 201
        assert accesses(vendor, "GitHub", contractor) == [level]
    rows = vendor.rows(f"{V1}/WorkApps/{github['id']}/Accesses")
    assert [row["permissionLevel"]["name"] for row in rows if row["user"]["id"] == contractor] == ["Write"]


def test_requests_can_be_filtered(vendor: Sandbox, admin: str, contractor: str) -> None:
    rows = vendor.rows(f"{V1}/Requests")
    for name, key in (("status", "requestStatus"), ("requestType", "requestType")):
        for value in {row[key] for row in rows}:
            expected = [row["id"] for row in rows if row[key] == value]
            page = vendor.call("GET", f"{V1}/Requests", params={name: value}).json()["data"]
            assert [row["id"] for row in page] == expected
    opened = request_of(vendor, ask(vendor, admin, "Figma", contractor))
    since = vendor.call("GET", f"{V1}/Requests", params={"lastUpdatedFrom": opened["created_at"]}).json()["data"]
    assert [row["id"] for row in since] == [opened["id"]]


def test_tasks_are_listed_by_assignee_and_status(vendor: Sandbox) -> None:
    owner = vendor.find("users", "Olga Owner")["id"]
    expected = [row["id"] for row in vendor.state("tasks")["tasks"] if row["assigned_id"] == owner]
    assert [row["id"] for row in vendor.rows(f"{V1}/Tasks?userId={owner}")] == expected
    pending = vendor.call("GET", f"{V1}/Tasks", params={"userId": owner, "status": "Pending"}).json()["data"]
    assert {row["status"] for row in pending} <= {"Pending"}
    nobody = "11111111-1111-4111-8111-111111111111"
    assert vendor.call("GET", f"{V1}/Tasks", params={"userId": nobody}).status_code == 404


def fields_of(vendor: Sandbox, app: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the custom fields of an app by name."""
    return {row["name"]: row for row in vendor.rows(f"{V1}/WorkApps/{app['id']}/CustomFields")}


def write_field(vendor: Sandbox, app: dict[str, Any], name: str, value: str | None) -> int:
    """Write a custom field; return the status."""
    change = {"id": fields_of(vendor, app)[name]["id"], "value": value}
    return vendor.call("PATCH", f"{V1}/WorkApps/{app['id']}/CustomFields", json={"customFields": [change]}).status_code


def test_custom_fields_are_written_and_cleared(vendor: Sandbox, admin: str) -> None:
    app = vendor.find("apps", "Figma")
    for name, value, shown in (
        ("Automation Ledger", "{}", "{}"),
        ("Data Classification", "Internal", "Internal"),
        ("Risk Owner", vendor.acting_user, "Ada Admin"),
        ("Risk Owner", admin, "Ada Admin"),
    ):
        assert write_field(vendor, app, name, value) == 204
        assert fields_of(vendor, app)[name]["value"] == shown
    assert fields_of(vendor, app)["Risk Owner"]["guidValue"] == admin
    assert write_field(vendor, app, "Risk Owner", None) == 204
    assert fields_of(vendor, app)["Risk Owner"]["value"] is None
    detail = vendor.call("GET", f"{V1}/WorkApps/{app['id']}").json()["data"]["customFields"]
    assert detail["Data Classification"]["value"] == "Internal"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Cost Center", None),
        ("Priority", "High"),
        ("Data Classification", "Secret"),
        ("Risk Owner", "nobody@example.com"),
        ("Risk Owner", "sam.twin@example.com"),
    ],
)
def test_custom_fields_refuse_what_does_not_fit(vendor: Sandbox, name: str, value: str | None) -> None:
    app = vendor.find("apps", "Figma")
    before = fields_of(vendor, app)
    assert write_field(vendor, app, name, value) == 400
    assert fields_of(vendor, app) == before


def test_reviews_have_unique_names_and_no_apps_means_all(vendor: Sandbox, admin: str) -> None:
    body = {
        "name": "Q1",
        "accessReviewType": "WorkAppOwner",
        "dueDate": "2027-03-31T00:00:00+02:00",
        "workAppIds": [],
        "createdByUserId": admin,
    }
    assert vendor.call("POST", f"{V1}/AccessReviews", json=body).status_code == 201
    assert vendor.call("POST", f"{V1}/AccessReviews", json=body).status_code == 409
    (review,) = vendor.state("reviews")["reviews"]
    assert len(review["app_ids"]) == len(vendor.state("apps")["apps"])


def test_keys_decide_what_is_allowed(vendor: Sandbox, admin: str, contractor: str) -> None:
    read_only = {"X-API-KEY": vendor.read_only_key, "X-API-SECRET": vendor.read_only_secret}
    assert vendor.call("GET", f"{V1}/Users", headers=read_only).status_code == 200
    path = f"{V1}/UsersGroups/{vendor.find('groups', 'Engineering')['id']}/Users"
    body = {"userIds": [contractor], "triggeredByUserId": admin}
    refused = vendor.call("POST", path, json=body, headers=read_only)
    assert refused.status_code == 403
    assert refused.json() == {
        "title": "Forbidden operation",
        "status": 403,
        "detail": "This API key is read-only and cannot perform write operations.",
    }
    for headers in (
        {},
        {"X-API-KEY": vendor.api_key},
        {"X-API-SECRET": vendor.api_secret},
        {"X-API-KEY": vendor.api_key, "X-API-SECRET": vendor.read_only_secret},
        {"X-API-KEY": "wrong", "X-API-SECRET": vendor.api_secret},
    ):
        answer = requests.get(f"{vendor.url}{V1}/Users", headers=headers, timeout=10)
        assert (answer.status_code, answer.json()["status"]) == (401, 401)
    assert [entry["key"] for entry in vendor.log()] == ["read-only"] * 2 + ["invalid"] * 5
    assert contractor not in vendor.find("groups", "Engineering")["members"]
