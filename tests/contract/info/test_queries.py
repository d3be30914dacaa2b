# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cakewalk_info finds: a plan without steps, whose result is what the tenant holds."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.catalog import REQUESTS
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import CakewalkError
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.plan import Plan
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.tenant import Tenant
from ansible_collections.cakewalk.access.plugins.module_utils._engine.info.query import INCLUDES
from ansible_collections.cakewalk.access.plugins.modules import cakewalk_info
from contract.fixtures import ERIN, members, validated
from sandbox.process import Sandbox

TWIN = "sam.twin@example.com"


def query(tenant: Sandbox, client: Client, **options: Any) -> dict[str, Any]:
    """Return the result of a task of cakewalk_info, having checked that it plans no step."""
    plan = cakewalk_info.plan(validated(cakewalk_info.SPEC, tenant, options), Tenant(client))
    assert plan == Plan(result=plan.result)
    return dict(plan.result)


@pytest.mark.parametrize(("kind", "key"), [("users", "email"), ("groups", "name"), ("apps", "name")])
def test_a_whole_kind_is_listed_with_its_map(tenant: Sandbox, client: Client, kind: str, key: str) -> None:
    rows = tenant.state(kind)[kind]
    result = query(tenant, client, gather=[kind])
    assert [row["id"] for row in result[kind]] == [row["id"] for row in rows]
    assert result[f"{kind}_by_{key}"] == {row[key]: row["id"] for row in rows}
    assert (result["ambiguous"], result["not_found"], result["unmapped"]) == ({}, {}, {})
    assert result.keys() == {kind, f"{kind}_by_{key}", "ambiguous", "not_found", "unmapped"}


def test_names_held_twice_stand_in_no_map(tenant: Sandbox, client: Client) -> None:
    tenant.reset(users=200, groups=25, apps=60)
    result = query(tenant, client, gather=["users", "groups", "apps"])
    assert [holder["status"] for holder in result["ambiguous"]["users"][TWIN]] == ["Active", "Deactivated"]
    assert [
        len(held) for held in (result["ambiguous"]["groups"]["Twin Group"], result["ambiguous"]["apps"]["Twin App"])
    ] == [2, 2]
    assert TWIN not in result["users_by_email"]
    assert "Twin Group" not in result["groups_by_name"]
    with pytest.raises(CakewalkError, match=f"have the address '{TWIN}'"):
        query(tenant, client, users=[TWIN])


def test_selectors_narrow_and_tell_what_is_not_there(tenant: Sandbox, client: Client) -> None:
    result = query(tenant, client, users=[ERIN.upper(), "nobody@example.com", ERIN], groups=[])
    assert [row["email"] for row in result["users"]] == [ERIN]
    assert result["users_by_email"] == {ERIN: result["users"][0]["id"]}
    assert result["not_found"] == {"users": ["nobody@example.com"]}
    assert (result["groups"], result["groups_by_name"]) == ([], {})
    assert "apps" not in result


def test_what_is_not_there_is_warned_of_by_kind(tenant: Sandbox, client: Client) -> None:
    names = [f"no{number}@example.com" for number in range(12)]
    options = {"users": [ERIN, *names], "groups": ["sales\n"], "tasks": ["no id"]}
    reader = Tenant(client)
    cakewalk_info.plan(validated(cakewalk_info.SPEC, tenant, options), reader)
    first = ", ".join(map(repr, names[:10]))
    assert reader.warnings == [
        f"These users were not found: {first} and 2 more. Check the spelling, or give ids.",
        "These groups were not found: 'sales\\\\n'. Check the spelling, or give ids.",
        "These tasks were not found: 'no id'. Check the spelling, or give ids.",
    ]


def test_a_status_that_occurs_nowhere_is_warned_of(tenant: Sandbox, client: Client) -> None:
    reader = Tenant(client)
    of_tasks = {"tasks_of": ["olga.owner@example.com"], "task_statuses": ["Pendin", "pending", "Cancelled"]}
    options = {**of_tasks, "requests": {"statuses": ["Pendng"]}, "users": [f"{ERIN} {TWIN}"]}
    cakewalk_info.plan(validated(cakewalk_info.SPEC, tenant, options), reader)
    texts = sorted(reader.warnings)
    occurring = sorted({row["requestStatus"] for row in client.rows(REQUESTS)})
    assert texts[0].startswith("No requests have the status 'Pendng'. Check the spelling. Statuses that occur: '")
    assert texts[0].endswith(f": {', '.join(map(repr, occurring))}.")
    assert texts[1].startswith("No tasks have the status 'Pendin'. Check the spelling. Statuses that occur: '")
    assert texts[2].endswith(f"'{ERIN} {TWIN}'. Give a YAML list instead of one text, or give ids.")


def test_ids_that_are_read_singly_prove_no_name_unique(tenant: Sandbox, client: Client) -> None:
    result = query(tenant, client, users=[tenant.find("users", ERIN)["id"]])
    assert [row["email"] for row in result["users"]] == [ERIN]
    assert result["users_by_email"] == {}


def test_what_hangs_on_each_row_is_included(tenant: Sandbox, client: Client) -> None:
    everything = [name for includes in INCLUDES.values() for name in includes]
    result = query(tenant, client, gather=["users", "groups", "apps"], include=everything)
    state = tenant.state()
    for row, group in zip(result["groups"], state["groups"], strict=True):
        for name in ("members", "default_apps", "hidden_apps"):
            assert [one["id"] for one in row[name]] == group[name]
    for row, app in zip(result["apps"], state["apps"], strict=True):
        assert [one["user"]["id"] for one in row["accesses"]] == [one["user_id"] for one in app["accesses"]]
        assert [one["id"] for one in row["permission_levels"]] == [one["id"] for one in app["levels"]]
        assert [one["id"] for one in row["custom_fields"]] == [one["id"] for one in state["fields"]]
        assert row["app_details"]["id"] == app["id"]
    assert all(row["user_details"]["id"] == row["id"] for row in result["users"])


def test_what_is_asked_for_in_empty_lists_is_returned_empty(tenant: Sandbox, client: Client) -> None:
    result = query(tenant, client, policies=[], tasks=[], users=[], reports=["privileged_accesses"], apps=[])
    assert [result[name] for name in ("policies", "tasks", "users", "privileged_accesses", "apps")] == [
        {},
        [],
        [],
        [],
        [],
    ]
    assert tenant.log() == []


def test_included_members_are_people(tenant: Sandbox, client: Client) -> None:
    (group,) = query(tenant, client, groups=["Engineering"], include=["members"])["groups"]
    assert sorted(one["email"] for one in group["members"]) == members(tenant, "Engineering")
    assert {"status_name", "status_id"} <= group["members"][0].keys()


@pytest.mark.parametrize(
    "options",
    [{"gather": ["groups"], "users": []}, {"gather": [], "apps": ["GitHub"]}, {"groups": [], "include": ["accesses"]}],
)
def test_what_has_no_effect_is_an_error(tenant: Sandbox, client: Client, options: dict[str, Any]) -> None:
    with pytest.raises(CakewalkError, match="it has no effect when only") as caught:
        query(tenant, client, **options)
    assert caught.value.kind == "configuration"
    assert tenant.log() == []
