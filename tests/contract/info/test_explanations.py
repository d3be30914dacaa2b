# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why people have access: compared with the tenant, and in the words that people read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import CakewalkError
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_as_code.schema import CODE
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_as_code.source import CodeRefused
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.apply import apply
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.tenant import Tenant
from ansible_collections.cakewalk.access.plugins.module_utils._engine.storage.ledger import WrongTenant
from ansible_collections.cakewalk.access.plugins.modules import cakewalk_app_policy, cakewalk_info
from contract.fixtures import ERIN, MAX, OLGA, validated
from sandbox.process import Sandbox

PETRA, OWEN = "petra.pending@example.com", "owen.onboarding@example.com"
NO_POLICY = "which policies apply. The API does not show it; if there is a ledger, give `ledger_path`."


def explained(tenant: Sandbox, client: Client, **options: Any) -> list[dict[str, Any]]:
    """Return the explanations of a task of cakewalk_info."""
    plan = cakewalk_info.plan(validated(cakewalk_info.SPEC, tenant, {"explain": options}), Tenant(client))
    assert not tenant.log("POST")
    return list(plan.result["explanations"])


def test_everybody_who_has_gets_or_asks_for_an_app_is_explained(tenant: Sandbox, client: Client) -> None:
    """Held against plain loops over the tables of the tenant."""
    state = tenant.state()
    app = tenant.find("apps", "GitHub")
    giving = [group for group in state["groups"] if app["id"] in group["default_apps"]]
    asked = [row for row in state["requests"] if row["app_id"] == app["id"] and row["target_id"]]
    expected = {}
    for user in state["users"]:
        levels = sorted(row["level_id"] for row in app["accesses"] if row["user_id"] == user["id"])
        groups = sorted(group["name"] for group in giving if user["id"] in group["members"])
        requests = sorted(row["id"] for row in asked if row["target_id"] == user["id"])
        if levels or groups or requests:
            expected[user["email"]] = (levels, groups, requests)

    found = explained(tenant, client, apps=["GitHub"])

    assert [row["user"] for row in found] == sorted(expected, key=lambda user: (not expected[user][0], user))
    assert not all(row["has_access"] for row in found)
    for row in found:
        levels = sorted(access["permission_level"]["id"] for access in row["accesses"])
        groups, requests = [group["name"] for group in row["groups"]], sorted(one["id"] for one in row["requests"])
        assert (levels, groups, requests) == expected[row["user"]]
        assert row["has_access"] == bool(levels)
    assert {row["app"] for row in found} == {"GitHub"}


def test_a_person_is_explained_app_by_app(tenant: Sandbox, client: Client) -> None:
    found = explained(tenant, client, users=[PETRA])
    by_app = {row["app"]: row["text"] for row in found}
    assert list(by_app) == sorted(by_app)
    day = "2026-01-05"
    assert by_app["GitHub"] == [
        f"No access to GitHub is listed for {PETRA}.",
        f"- Request: {PETRA} asked for access, level Write on {day}; Pending since {day}.",
        f"  - Review: Approved by {MAX} on {day}.",
        f"  - Review: Approved by {OLGA} on {day}.",
        f"  - Action: Pending, assigned to {OLGA} on {day}.",
        f"- Not known: {NO_POLICY}",
    ]
    assert by_app["Google Workspace"][-2:] == [
        "- Not known: where the access comes from. No group gives it, and no approved request for it is listed. It was "
        "recorded directly, comes from another directory, or its request is gone.",
        f"- Not known: {NO_POLICY}",
    ]


def test_a_named_person_without_anything_is_explained_for_a_named_app_only(tenant: Sandbox, client: Client) -> None:
    (row,) = explained(tenant, client, users=[PETRA.upper()], apps=["Smith Ltd"])
    assert row["text"] == [
        f"No access to Smith Ltd is listed for {PETRA}, and no group or request gives it.",
        f"- Not known: {NO_POLICY}",
    ]
    assert "Smith Ltd" not in {row["app"] for row in explained(tenant, client, users=[PETRA])}


def test_an_open_request_is_why_a_group_has_not_given_access(tenant: Sandbox, client: Client) -> None:
    unlisted = "why the groups have not given the access."
    tenant.change("add_member", group="Engineering", user=OWEN)
    (row,) = explained(tenant, client, users=[OWEN], apps=["GitHub"])
    assert row["text"][1:3] == [
        "- Group: Engineering gives the app to its members, so access rules count it as held.",
        f"- Not known: {unlisted}",
    ]
    tenant.change("open_request", kind="grant", app="GitHub", level="Read", user=OWEN)
    (row,) = explained(tenant, client, users=[OWEN], apps=["GitHub"])
    assert row["text"][1].startswith("- Group: Engineering ")
    assert row["requests"]
    assert unlisted not in row["not_known"]


def test_the_ledger_says_which_policies_decide(
    tenant: Sandbox, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = str(tmp_path / "ledger.json")
    assigned = {"app": "GitHub", "request_type": "grant_access", "policy": "Two approvals"}
    params = validated(cakewalk_app_policy.SPEC, tenant, {**assigned, "ledger_path": ledger})
    apply(cakewalk_app_policy.plan(params, Tenant(client)), client)
    tenant.clear_log()

    (row,) = explained(tenant, client, users=[ERIN], apps=["GitHub"], ledger_path=ledger)
    monkeypatch.setenv("CAKEWALK_LEDGER", ledger)
    assert explained(tenant, client, users=[ERIN], apps=["GitHub"]) == [row]
    (other,) = explained(tenant, client, users=[ERIN], apps=["AWS"])

    (policy,) = row["policies"]
    assert (policy["policy"], policy["request_type"], policy["permission_level"]) == (
        "Two approvals",
        "grant_access",
        None,
    )
    day = policy["assigned_at"][:10]
    assert f"- Policy: Two approvals for grant_access, assigned on {day} according to the ledger." in row["text"]
    assert (
        "which policies apply. The ledger has none for the app itself, nor for a level that the person holds."
        in other["not_known"]
    )
    assert NO_POLICY not in row["not_known"]


def test_who_decided_is_found_where_possible_approvers_are_named(tenant: Sandbox, client: Client) -> None:
    """A request that a policy of its own decides is in no task of the manager and the owner."""
    (row,) = explained(tenant, client, users=[PETRA], apps=["GitHub"])
    assert [one["decided_by"] for one in row["requests"][0]["decisions"]] == [MAX, OLGA, None]
    decider = next(user for user in tenant.state("users")["users"] if user["email"] == "grace.general@example.com")
    tenant.clear_log()
    explained(tenant, client, users=[PETRA], apps=["GitHub"], deciders=[decider["email"]])
    assert decider["id"] in {entry["query"].get("userId") for entry in tenant.log(operation="listTasks")}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"users": ["nobody@example.com"]}, "nobody@example.com"),
        ({"apps": ["Nothing"]}, "Nothing"),
        ({"users": [ERIN], "deciders": ["nobody@example.com"]}, "nobody@example.com"),
    ],
)
def test_unknown_names_are_errors(tenant: Sandbox, client: Client, options: dict[str, Any], message: str) -> None:
    with pytest.raises(CakewalkError, match=message):
        explained(tenant, client, **options)


@pytest.mark.parametrize(
    "operation", ["listWorkAppAccesses", "listUsersGroupUsers", "listUsersGroupDefaultWorkApps", "listRequests"]
)
def test_what_cannot_be_read_is_never_taken_for_nothing(tenant: Sandbox, client: Client, operation: str) -> None:
    tenant.fault(operation, "403", count=99)
    with pytest.raises(CakewalkError, match="403"):
        explained(tenant, client, users=[ERIN], apps=["GitHub"])


def code_of(tenant: Sandbox, **sections: Any) -> dict[str, Any]:
    """Return what the action reads from files with these sections, without their lines."""
    code = {"tenant": {"anchors": [tenant.find("apps", "GitHub")["id"]]}, **sections}
    return {"code": ArgumentSpecValidator(CODE).validate(code).validated_parameters, "positions": {}}


def test_code_that_has_no_plan_explains_nothing(tenant: Sandbox, client: Client) -> None:
    soon = code_of(tenant, groups=[{"group": "Sales", "members": [{"user": ERIN, "until": "soon"}]}])
    soon["positions"] = {"groups[0].members[0]": "groups.yml:4"}
    other = code_of(tenant)
    other["code"]["tenant"]["anchors"] = [tenant.find("groups", "Sales")["id"]]
    for source, error, message in (
        (soon, CodeRefused, "groups.yml:4: until 'soon' is neither a date"),
        (other, WrongTenant, "the code is about another tenant"),
    ):
        params = validated(cakewalk_info.SPEC, tenant, {"explain": {"apps": ["GitHub"], "users": [ERIN]}})
        with pytest.raises(error, match=message):
            cakewalk_info.plan({**params, "source": source}, Tenant(client))


def test_the_code_says_which_entries_decide(tenant: Sandbox, client: Client) -> None:
    """Names, ids and rules of a roster; absent entries, too, and other people and apps never."""
    entries = {
        "groups": [
            {"group": "Engineering", "members": [ERIN, OLGA], "absent": [MAX]},
            {"group": "Sales", "members": [ERIN]},
            {"group": tenant.find("groups", "Engineering")["id"].upper(), "members_where": {"team": ["Build"]}},
        ],
        "accesses": [
            {"app": "GitHub", "permission_level": "Write", "users": [{"user": ERIN.upper(), "until": "2026-12-31"}]},
            {"app": "AWS", "permission_level": "Admin", "users": [ERIN]},
            {"app": "GitHub", "users": [MAX], "state": "absent"},
        ],
    }
    row = {"email": MAX, "fields": {"team": "Build"}, "at": "people.csv:2"}
    source = {
        **code_of(tenant, roster={"file": "people.csv"}, **entries),
        "positions": {"groups[0].members[0]": "groups.yml:3", "groups[2].members_where": "groups.yml:9"},
        "roster": {"columns": ["email", "team"], "rows": [row]},
    }
    params = validated(cakewalk_info.SPEC, tenant, {"explain": {"apps": ["GitHub"], "users": [ERIN, MAX, PETRA]}})
    plan = cakewalk_info.plan({**params, "source": source}, Tenant(client))
    lines = {row["user"]: [line for line in row["text"] if "Code:" in line] for row in plan.result["explanations"]}
    assert lines == {
        ERIN: [
            "- Code: member of Engineering (groups.yml:3).",
            "- Code: access to GitHub, level Write until 2026-12-31 (accesses[0].users[0]).",
        ],
        MAX: [
            "- Code: not a member of Engineering (groups[0].absent[0]).",
            f"- Code: member of {entries['groups'][2]['group']} by team Build (people.csv:2, by groups.yml:9).",
            "- Code: no access to GitHub (accesses[2].users[0]).",
        ],
        PETRA: ["- Code: no entry names both."],
    }
    data = {row["user"]: row["code"] for row in plan.result["explanations"]}
    assert [(one["group"], one["app"], one["state"], one["until"]) for one in data[ERIN]] == [
        ("Engineering", None, "present", None),
        (None, "GitHub", "present", "2026-12-31"),
    ]


def test_an_owner_who_is_not_shown_is_not_known(
    tenant: Sandbox, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    (found,) = explained(tenant, client, users=[ERIN], apps=["GitHub"])
    assert found["is_owner"] is False
    reading = client.reading

    def hiding(listing: Any) -> Any:
        listed = reading(listing)
        return replace(listed, rows=[{name: row[name] for name in row if name != "isOwner"} for row in listed.rows])

    monkeypatch.setattr(client, "reading", hiding)
    (found,) = explained(tenant, client, users=[ERIN], apps=["GitHub"])
    assert found["is_owner"] is None
    assert "whether the person owns the app." in found["not_known"]
