# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What rules about policies mean in a tenant, and how many requests it takes to know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import ProtocolError
from ansible_collections.cakewalk.access.plugins.module_utils._api.transport import Connection
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.lookup import LookupFailed
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.tenant import Tenant
from ansible_collections.cakewalk.access.plugins.module_utils._engine.policies.rules import PolicyEntry, rules_of
from ansible_collections.cakewalk.access.plugins.module_utils._engine.policies.targets import resolve_rules
from ansible_collections.cakewalk.access.plugins.modules import cakewalk_app_policy
from contract.fixtures import validated
from contract.wire import Request, Wire, answer, detour, path_of
from sandbox.process import Sandbox

NOBODY = "00000000-0000-4000-8000-000000000000"
POLICY = {"request_type": "grant_access", "policy": "Two approvals"}


def targets(tenant: Sandbox, cakewalk: Tenant, *entries: dict[str, Any]) -> list[PolicyEntry]:
    """Return what entries of the option assignments mean, read from here on."""
    given = {"assignments": [{**POLICY, **entry} for entry in entries]}
    rules = rules_of(validated(cakewalk_app_policy.SPEC, tenant, given))
    tenant.clear_log()
    return resolve_rules(rules, cakewalk, all_apps=False)[2]


def meant(found: list[PolicyEntry]) -> set[tuple[int, str, str | None]]:
    """Return the number of the entry, the app and the level of each target."""
    return {(one.rule.number, one.app["name"], one.level and one.level["name"]) for one in found}


def reads(tenant: Sandbox) -> dict[str, int]:
    """Return how many requests each operation took."""
    return dict(Counter(entry["operation"] for entry in tenant.log()))


def wherever(tenant: Sandbox, **facts: Any) -> list[dict[str, Any]]:
    """Return the apps of which these members have these values."""
    return [app for app in tenant.state("apps")["apps"] if facts.items() <= app.items()]


def altered(tenant: Sandbox, path_end: str, alter: Callable[[list[dict[str, Any]]], None]) -> Wire:
    """Return a server like the tenant, in whose lists with this path something is altered."""

    def own(request: Request) -> bytes | None:
        if not path_of(request).endswith(path_end):
            return None
        body = tenant.call("GET", request.target).json()
        alter(body["data"])
        return answer(200, body)

    return Wire(detour(tenant.url, own))


def without(tenant: Sandbox, path_end: str, member: str) -> Wire:
    """Return a server like the tenant, whose lists with this path lack a member."""

    def alter(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            del row[member]

    return altered(tenant, path_end, alter)


def through(tenant: Sandbox, wire: Wire) -> Tenant:
    return Tenant(Client(Connection(base_url=wire.url, api_key=tenant.api_key, api_secret=tenant.api_secret)))


def test_a_named_app_by_id_costs_itself_and_the_policies(tenant: Sandbox, cakewalk: Tenant) -> None:
    identifier = tenant.find("apps", "GitHub")["id"]
    assert meant(targets(tenant, cakewalk, {"app": identifier.upper()})) == {(1, "GitHub", None)}
    assert reads(tenant) == {"getWorkApp": 1, "listCompatiblePolicies": 1}


def test_all_apps_are_read_where_they_are_needed(tenant: Sandbox, cakewalk: Tenant) -> None:
    identifier = tenant.find("apps", "GitHub")["id"]
    rules = rules_of(validated(cakewalk_app_policy.SPEC, tenant, {"app": identifier, **POLICY}))
    tenant.clear_log()
    apps, _policies, _entries = resolve_rules(rules, cakewalk, all_apps=True)
    assert apps.complete
    assert reads(tenant) == {"listWorkApps": 1, "listCompatiblePolicies": 1}


def test_lists_are_read_once_however_many_entries_need_them(tenant: Sandbox, cakewalk: Tenant) -> None:
    field = {"name": "Cost Center", "value": "0"}
    targets(
        tenant,
        cakewalk,
        {"app": "GitHub", "permission_level": "Admin"},
        {"app": "GitHub", "permission_levels": "privileged", "request_type": "remove_access"},
        {"app": "GitHub", "permission_level": "Read"},
        {"app": "Figma"},
        {"select": {"category": "CATEGORY_DESIGN", "custom_field": field}},
        {"select": {"custom_field": field}},
    )
    assert reads(tenant) == {
        "listWorkApps": 1,
        "listCompatiblePolicies": 2,
        "listWorkAppPermissionLevels": 1,
        "listWorkAppCustomFields": len(wherever(tenant)),
    }


@pytest.mark.parametrize("status", ["Managed", "Tracked"])
def test_a_selection_means_the_apps_that_meet_all_criteria(tenant: Sandbox, cakewalk: Tenant, status: str) -> None:
    tenant.reset(apps=60)
    category = "CATEGORY_DEVELOPMENT"
    found = targets(
        tenant,
        cakewalk,
        {"select": {"status": status}},
        {"select": {"status": status, "category": category}, "request_type": "add_app"},
        {"select": {"all": True}, "request_type": "archive_app"},
    )
    by_entry = [{entry.app["id"] for entry in found if entry.rule.number == number} for number in (1, 2, 3)]
    assert by_entry == [
        {app["id"] for app in wherever(tenant, status=status)},
        {app["id"] for app in wherever(tenant, status=status, category=category)},
        {app["id"] for app in wherever(tenant)},
    ]
    assert by_entry[2] > by_entry[0] > by_entry[1] != set()


@pytest.mark.parametrize("by_id", [False, True])
def test_a_custom_field_is_read_only_of_apps_that_meet_the_rest(tenant: Sandbox, cakewalk: Tenant, by_id: bool) -> None:
    field = tenant.find("fields", "Data Classification")
    option, label = list(field["options"].items())[1]
    tenant.change("set_field", app="GitHub", field=field["name"], value=label)
    tenant.change("set_field", app="AWS", field=field["name"], value=None)
    criterion = {"name": field["id"], "value": option} if by_id else {"name": field["name"], "value": label}
    found = targets(tenant, cakewalk, {"select": {"category": "CATEGORY_DEVELOPMENT", "custom_field": criterion}})
    names = {app["name"] for app in wherever(tenant, category="CATEGORY_DEVELOPMENT")}
    assert {"GitHub", "AWS"} <= names
    chosen = {name for _entry, name, _level in meant(found)}
    assert "GitHub" in chosen
    assert chosen <= names - {"AWS"}
    assert reads(tenant)["listWorkAppCustomFields"] == len(names)


def test_levels_are_meant_by_name_or_by_kind(tenant: Sandbox, cakewalk: Tenant) -> None:
    found = targets(
        tenant,
        cakewalk,
        {"app": "GitHub", "permission_level": "Write"},
        {"app": "GitHub", "permission_levels": "privileged"},
        {"app": "GitHub", "permission_levels": "default"},
        {"app": "GitHub", "permission_levels": "all"},
    )
    levels = [{level for number, _app, level in meant(found) if number == entry} for entry in (1, 2, 3, 4)]
    assert levels == [{"Write"}, {"Admin"}, {"Read"}, {"Read", "Write", "Admin"}]
    assert not cakewalk.warnings


def test_of_selected_apps_those_without_the_level_are_left_out(tenant: Sandbox, cakewalk: Tenant) -> None:
    found = targets(tenant, cakewalk, {"select": {"all": True}, "permission_level": "PowerUser"})
    assert meant(found) == {(1, "AWS", "PowerUser")}


@pytest.mark.parametrize(
    ("entry", "reference", "words"),
    [
        ({"app": "GitHubb"}, "GitHubb", "the app 'GitHubb' does not exist (did you mean 'GitHub'?)"),
        (
            {"app": "GitHub", "permission_level": "Admn"},
            "Admn",
            "the app 'GitHub' has no permission level 'Admn' (did you mean 'Admin'?)",
        ),
        (
            {"select": {"all": True}, "permission_level": "PowrUser"},
            "PowrUser",
            "the permission level 'PowrUser' does not exist (did you mean 'PowerUser'?)",
        ),
        (
            {"app": "GitHub", "policy": "Two aprovals"},
            "Two aprovals",
            "no policy for grant_access is called 'Two aprovals' (did you mean 'Two approvals'?)",
        ),
        (
            {"select": {"status": "managed"}},
            "managed",
            "no app has the status 'managed', there are 'Managed'",
        ),
        (
            {"select": {"category": "DESIGN"}},
            "DESIGN",
            "no app has the category 'DESIGN', there are 'CATEGORY_DESIGN', 'CATEGORY_DEVELOPMENT'",
        ),
        (
            {"select": {"custom_field": {"name": "Priorty", "value": "High"}}},
            "Priorty",
            "the custom field 'Priorty' does not exist (did you mean 'Priority'?)",
        ),
    ],
)
def test_what_does_not_exist_is_named_with_what_is_near(
    tenant: Sandbox, cakewalk: Tenant, entry: dict[str, Any], reference: str, words: str
) -> None:
    tenant.reset(apps=6)
    with pytest.raises(LookupFailed) as caught:
        targets(tenant, cakewalk, entry)
    (problem,) = caught.value.facts()["problems"]
    assert (problem["reference"], problem["reason"]) == (reference, "not_found")
    assert words in problem["message"]


def test_a_policy_for_another_request_type_does_not_exist(tenant: Sandbox, cakewalk: Tenant) -> None:
    other = next(one for one in tenant.state("policies")["policies"] if one["request_type"] == "RemoveAccessRequest")
    with pytest.raises(LookupFailed, match=f"no policy for grant_access is called '{other['id']}'"):
        targets(tenant, cakewalk, {"app": "GitHub", "policy": other["id"]})


def test_a_policy_name_that_two_hold_needs_an_id(tenant: Sandbox) -> None:
    def alter(rows: list[dict[str, Any]]) -> None:
        rows.append({**next(row for row in rows if row["name"] == POLICY["policy"]), "id": NOBODY})

    with altered(tenant, "/GrantAccessRequest", alter) as wire:
        with pytest.raises(LookupFailed, match="are called 'Two approvals': ") as caught:
            targets(tenant, through(tenant, wire), {"app": "GitHub"})
        assert NOBODY in str(caught.value)
        (found,) = targets(tenant, through(tenant, wire), {"app": "GitHub", "policy": NOBODY})
        assert found.policy["id"] == NOBODY


def test_policies_without_names_are_found_by_id(tenant: Sandbox) -> None:
    policies = tenant.state("policies")["policies"]
    identifier = next(one["id"] for one in policies if one["request_type"] == "GrantAccessRequest")
    with without(tenant, "/GrantAccessRequest", "name") as wire:
        (found,) = targets(tenant, through(tenant, wire), {"app": "GitHub", "policy": identifier})
        assert found.ledger_entry[1] == {"policy_id": identifier, "policy": identifier}


def test_all_that_is_wrong_is_told_at_once(tenant: Sandbox, cakewalk: Tenant) -> None:
    with pytest.raises(LookupFailed) as caught:
        targets(tenant, cakewalk, {"app": "No such"}, {"app": "GitHub", "policy": "None"}, {"select": {"status": "X"}})
    assert [one["reference"] for one in caught.value.facts()["problems"]] == ["X", "No such", "None"]


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (
            {"select": {"custom_field": {"name": "Cost Center", "value": "None has it"}}},
            "every app with 'Cost Center' = 'None has it'",
        ),
        ({"app": "Figma", "permission_levels": "all"}, "the app 'Figma', all its levels"),
    ],
)
def test_an_entry_that_nothing_fits_is_warned_of(
    tenant: Sandbox, cakewalk: Tenant, entry: dict[str, Any], words: str
) -> None:
    assert len(targets(tenant, cakewalk, {"app": "GitHub"}, entry)) == 1
    *values, warning = cakewalk.warnings
    assert warning == f"Entry 2 of assignments assigns nothing. There is no match for {words}."
    assert len(values) == ("select" in entry)


def test_a_value_that_no_app_has_is_warned_of_with_the_nearest(tenant: Sandbox, cakewalk: Tenant) -> None:
    select = {"custom_field": {"name": "Data Classification", "value": "Confidental"}}
    assert targets(tenant, cakewalk, {"select": select}) == []
    assert cakewalk.warnings[0].startswith(
        "No app has 'Confidental' in the custom field 'Data Classification'. "
        "Did you mean 'Confidential'? Values that occur: 'Confidential'"
    )


def test_apps_whose_row_does_not_tell_are_read_one_by_one(tenant: Sandbox) -> None:
    with without(tenant, "/WorkApps", "statusName") as wire:
        found = targets(tenant, through(tenant, wire), {"select": {"status": "Managed"}})
        assert {entry.app["id"] for entry in found} == {app["id"] for app in wherever(tenant, status="Managed")}
        assert reads(tenant)["getWorkApp"] == len(wherever(tenant))
        targets(tenant, through(tenant, wire), {"select": {"category": "CATEGORY_DESIGN"}})
        assert "getWorkApp" not in reads(tenant)


def test_a_level_that_does_not_tell_its_kind_ends_the_task(tenant: Sandbox) -> None:
    with without(tenant, "/PermissionLevels", "isPrivileged") as wire:
        entry = {"app": "GitHub", "permission_levels": "privileged"}
        with pytest.raises(ProtocolError, match="of the app 'GitHub': 'Read' does not show whether it is privileged"):
            targets(tenant, through(tenant, wire), entry)
        assert len(targets(tenant, through(tenant, wire), {**entry, "permission_levels": "all"})) == 3
