# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each operation of the contract answers, and the sandbox cannot leave the contract unnoticed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from connexion.json_schema import Draft4ResponseValidator, resolve_refs
from jsonschema import Draft4Validator
from sandbox import app, contract
from sandbox.answer import Answer
from sandbox.handlers import Handlers, Record
from sandbox.keys import KeyPair, Keyring
from sandbox.paging import Page
from sandbox.process import Sandbox
from sandbox.settings import Settings
from sandbox.validation import check_formats
from sandbox.world import World

pytest_plugins = ["sandbox.fixtures"]

GRANT = "GrantAccessRequest"


class Subjects:
    """Ids of things in the fresh company that fit together."""

    def __init__(self, vendor: Sandbox) -> None:
        self.admin = vendor.find("users", "Ada Admin")["id"]
        self.contractor = vendor.find("users", "Connor Contractor")["id"]
        self.engineer = vendor.find("users", "Erin Engineer")["id"]
        self.owner = vendor.find("users", "Olga Owner")["id"]
        self.group = vendor.find("groups", "Engineering")["id"]
        app = vendor.find("apps", "GitHub")
        self.app, self.level = app["id"], app["levels"][0]["id"]
        tables = vendor.state("policies", "tasks", "fields")
        self.policy = next(
            row["id"] for row in tables["policies"] if (row["request_type"], row["name"]) == (GRANT, "Two approvals")
        )
        self.task = next(row["id"] for row in tables["tasks"] if row["status"] == "Pending")
        self.field = tables["fields"][0]["id"]


def calls(ids: Subjects) -> Iterator[tuple[str, str, str, int, Any]]:
    """Yield for each operation: its id, method, path, success status, body."""
    v1 = "/api/v1"
    group, app = f"{v1}/UsersGroups/{ids.group}", f"{v1}/WorkApps/{ids.app}"
    yield "listUsers", "GET", f"{v1}/Users", 200, None
    yield "getUser", "GET", f"{v1}/Users/{ids.admin}", 200, None
    yield "listUsersGroups", "GET", f"{v1}/UsersGroups", 200, None
    yield "getUsersGroup", "GET", group, 200, None
    yield "listUsersGroupDefaultWorkApps", "GET", f"{group}/DefaultWorkApps", 200, None
    yield "listUsersGroupHiddenWorkApps", "GET", f"{group}/HiddenWorkApps", 200, None
    yield "listUsersGroupUsers", "GET", f"{group}/Users", 200, None
    membership = {"userIds": [ids.contractor], "triggeredByUserId": ids.admin, "implicitlyApproveRequests": False}
    yield "addUsersToGroup", "POST", f"{group}/Users", 201, membership
    yield "removeUserFromGroup", "DELETE", f"{group}/Users/{ids.contractor}", 204, None
    yield "listWorkApps", "GET", f"{v1}/WorkApps", 200, None
    yield "getWorkApp", "GET", app, 200, None
    yield "listWorkAppAccesses", "GET", f"{app}/Accesses", 200, None
    yield "listWorkAppPermissionLevels", "GET", f"{app}/PermissionLevels", 200, None
    access = {"workAppId": ids.app, "userId": ids.owner, "permissionLevelId": ids.level}
    yield "createWorkAppAccesses", "POST", f"{v1}/WorkApps/Accesses", 201, {"data": [access]}
    policy = {"policyId": ids.policy}
    yield "setWorkAppPolicy", "PUT", f"{app}/Policies/{GRANT}", 204, policy
    yield "setPermissionLevelPolicy", "PUT", f"{app}/PermissionLevels/{ids.level}/Policies/{GRANT}", 204, policy
    yield "listWorkAppCustomFields", "GET", f"{app}/CustomFields", 200, None
    change = {"customFields": [{"id": ids.field, "value": "4711"}]}
    yield "updateWorkAppCustomFields", "PATCH", f"{app}/CustomFields", 204, change
    yield "listRequests", "GET", f"{v1}/Requests?status=Pending&requestType={GRANT}", 200, None
    subject = {"createdByUserId": ids.admin, "workAppId": ids.app}
    grant = {**subject, "targetUserId": ids.admin, "permissionLevelId": ids.level, "grantAccessPurpose": "On call"}
    removal = {**subject, "targetUserId": ids.engineer, "removeAccessPurpose": "Moved"}
    level_change = {**subject, "targetUserId": ids.engineer, "permissionLevelId": ids.level}
    yield "createRemoveAccessRequest", "POST", f"{v1}/Requests/RemoveAccess", 201, removal
    yield "createChangePermissionRequest", "POST", f"{v1}/Requests/ChangePermission", 201, level_change
    yield "createGrantAccessRequest", "POST", f"{v1}/Requests/GrantAccess", 201, grant
    yield "listTasks", "GET", f"{v1}/Tasks?userId={ids.owner}", 200, None
    yield "getTask", "GET", f"{v1}/Tasks/{ids.task}", 200, None
    yield "approveTask", "POST", f"{v1}/Tasks/{ids.task}/Approve", 204, None
    yield "declineTask", "POST", f"{v1}/Tasks/{ids.task}/Decline", 204, None
    yield "listCompatiblePolicies", "GET", f"{v1}/Policies/CompatiblePolicies/{GRANT}", 200, None
    review = {
        "name": "Q1",
        "accessReviewType": "Manager",
        "dueDate": "2027-03-31T23:59:59Z",
        "workAppIds": [ids.app],
        "createdByUserId": ids.admin,
    }
    yield "createAccessReview", "POST", f"{v1}/AccessReviews", 201, review
    yield "getWebhookPublicKey", "GET", "/api/Keys", 200, None


@cache
def resolved_contract() -> dict[str, Any]:
    """Return the contract with its references replaced."""
    check_formats()
    return resolve_refs(contract.document())


def schema_of(operation_id: str, status: int) -> dict[str, Any]:
    """Return the JSON schema of an answer by the contract; empty where it has no JSON body."""
    for methods in resolved_contract()["paths"].values():
        for spec in methods.values():
            if spec["operationId"] == operation_id:
                return spec["responses"][str(status)].get("content", {}).get("application/json", {}).get("schema", {})
    raise LookupError(operation_id)


def test_every_operation_answers_by_the_contract(vendor: Sandbox) -> None:
    ids = Subjects(vendor)
    answered = set()
    for operation_id, method, path, status, body in calls(ids):
        if operation_id == "declineTask":
            ids.task = next(row["id"] for row in vendor.state("tasks")["tasks"] if row["status"] == "Pending")
            path = f"/api/v1/Tasks/{ids.task}/Decline"
        answer = vendor.call(method, path, json=body)
        assert answer.status_code == status, (operation_id, answer.text)
        if answer.headers.get("content-type") == "application/json":
            checker = Draft4ResponseValidator(
                schema_of(operation_id, status), format_checker=Draft4Validator.FORMAT_CHECKER
            )
            checker.validate(answer.json())
        assert vendor.log()[-1]["operation"] == operation_id
        answered.add(operation_id)
    assert answered == set(contract.operations())
    assert len(answered) == 29


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/v1/Users/4711", None),
        ("GET", "/api/v1/Users?pageSize=5", None),
        ("GET", "/api/v1/Users?cursor=nonsense", None),
        ("GET", "/api/v1/Users?cursor=cGFnZU51bWJlcj0tMSZwYWdlU2l6ZT0xMDA=", None),
        ("GET", "/api/v1/Tasks", None),
        ("GET", "/api/v1/Policies/CompatiblePolicies/Everything", None),
        ("GET", "/api/v1/Requests?lastUpdatedFrom=yesterday", None),
        ("POST", "/api/v1/AccessReviews", None),
        ("POST", "/api/v1/WorkApps/Accesses", {"data": [], "surplus": 1}),
        ("POST", "/api/v1/WorkApps/Accesses", {"data": [{"userId": "4711", "workAppId": "4712"}]}),
    ],
)
def test_what_the_contract_does_not_allow_is_refused(vendor: Sandbox, method: str, path: str, body: Any) -> None:
    answer = vendor.call(method, path, json=body)
    assert answer.status_code == 400
    assert answer.json()["status"] == 400
    assert answer.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [
        *(b"\xff", b'{"purpose": "\xff"}', '{"purpose": "x"}'.encode("utf-16"), b"\xef\xbb\xbf{}"),
        *(b"{", b"[" * 100_000, b'{"purpose": ' + b"9" * 5_000 + b"}"),
    ],
    ids=["byte", "bytes in a text", "UTF-16", "mark", "half", "deep", "number"],
)
@pytest.mark.parametrize("path", ["/api/v1/Requests/GrantAccess", "/_sandbox/faults"])
def test_a_body_that_cannot_be_read_is_refused(vendor: Sandbox, path: str, body: bytes) -> None:
    answer = vendor.call("POST", path, data=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["status"]) == (400, 400)
    assert vendor.call("GET", "/api/v1/Users").ok


@pytest.mark.parametrize(
    ("method", "path", "status", "allowed"),
    [
        ("GET", "/api/v1/Nothing", 404, None),
        ("DELETE", "/api/v1/Users", 405, "GET, HEAD"),
        ("GET", "/api/v1/Requests/GrantAccess", 405, "POST"),
        ("POST", "/api/v1/Policies/CompatiblePolicies/GrantAccessRequest", 405, "GET, HEAD"),
        ("PUT", "/api/Keys", 405, "GET, HEAD"),
    ],
)
def test_unknown_paths_and_methods_are_refused(
    vendor: Sandbox, method: str, path: str, status: int, allowed: str | None
) -> None:
    answer = vendor.call(method, path)
    assert (answer.status_code, answer.headers.get("Allow")) == (status, allowed)
    assert [entry["operation"] for entry in vendor.log()] == [None]


def test_ids_that_name_nothing_are_404(vendor: Sandbox) -> None:
    nobody = "11111111-1111-4111-8111-111111111111"
    for path in ("Users", "UsersGroups", "WorkApps", "Tasks"):
        answer = vendor.call("GET", f"/api/v1/{path}/{nobody}")
        assert (answer.status_code, answer.json()["title"]) == (404, "Not Found")


class Forgetful(Handlers):
    """Handlers that leave the contract."""

    def list_users(self, cursor: str | None = None) -> Page:
        return Page([{"id": "4711", "name": "Nobody", "email": "nobody@example.com"}], None)

    def list_work_apps(self, cursor: str | None = None) -> Page:
        return Page([{"name": "An app without an id"}], None)

    def get_user(self, user_id: str) -> Record:
        return Record({"id": user_id, "name": "Nobody", "surplus": True})


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/api/v1/Users", "is not a 'uuid'"),
        ("/api/v1/WorkApps", "'id' is a required property"),
        ("/api/v1/Users/11111111-1111-4111-8111-111111111111", "does not conform"),
    ],
)
def test_answers_are_validated(path: str, reason: str) -> None:
    pair = KeyPair("key", "secret")
    world = World(Settings(users=1, groups=0, apps=0), Keyring(pair, pair))
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"x-api-secret", b"secret")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }
    answer = asyncio.run(Answer.of_app(app.build(world, Forgetful(world)), scope, b""))
    assert answer.status == 500
    assert reason in answer.json()["detail"]
