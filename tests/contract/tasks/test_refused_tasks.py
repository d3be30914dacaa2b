# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks that must not be carried out: each is refused by name, before the service receives a single write."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import CakewalkError
from ansible_collections.cakewalk.access.plugins.module_utils._api.operations import Phase
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.tenant import Tenant
from ansible_collections.cakewalk.access.plugins.modules import cakewalk_group_member
from contract.fixtures import CONNOR, ERIN, MAX, OLGA, members, run, task, writes
from sandbox.process import Sandbox
from unit.core.results import steps

TWIN = "sam.twin@example.com"
NOBODY = "00000000-0000-4000-8000-000000000000"
ONE = {"group": "Engineering", "users": [CONNOR]}


@pytest.fixture
def usual(tenant: Sandbox) -> Sandbox:
    """A company of the default sizes, in which names are ambiguous."""
    tenant.reset(users=200, groups=25, apps=60)
    return tenant


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({**ONE, "users": ["conor.contractor@example.com"]}, "lookup_failed", rf"did you mean '{CONNOR}'"),
        ({**ONE, "users": [NOBODY]}, "lookup_failed", f"the user '{NOBODY}' does not exist"),
        ({**ONE, "users": ["The Boss"]}, "lookup_failed", "never by display name"),
        ({**ONE, "users": [f" {CONNOR}"]}, "lookup_failed", "does not exist"),
        ({**ONE, "users": [TWIN]}, "lookup_failed", rf"have the address '{TWIN}': .*Active.*Deactivated"),
        ({**ONE, "users": ["igor.ignored@example.com"]}, "lookup_failed", r"is Ignored .*`allow_inactive` permits it"),
        ({**ONE, "group": "Enginering"}, "lookup_failed", r"'Enginering' .*did you mean 'Engineering'"),
        ({**ONE, "group": "Twin Group"}, "lookup_failed", "are called 'Twin Group'"),
        ({**ONE, "group": NOBODY}, "lookup_failed", f"the group '{NOBODY}' does not exist"),
        ({**ONE, "acting_user": None}, "configuration", "`acting_user` is not set"),
        ({**ONE, "acting_user": "nobody@example.com"}, "lookup_failed", "nobody@example.com' does not exist"),
        ({**ONE, "acting_user": TWIN}, "lookup_failed", "2 users have the address"),
        ({**ONE, "acting_user": "iris.invited@example.com"}, "configuration", "the status of this person is Invited"),
        ({**ONE, "group": "Dynamic Berlin"}, "rail", "a rule decides who is a member of a dynamic group"),
        ({**ONE, "implicitly_approve_requests": True}, "configuration", "`bypass_reason` does not say why"),
        (
            {**ONE, "users": ["grace.general@example.com"], "acting_user": "GRACE.general@example.com"}
            | {"implicitly_approve_requests": True, "bypass_reason": "A move"},
            "rail",
            "the acting user would approve access for itself",
        ),
        ({**ONE, "users": None}, "configuration", "users is null or missing"),
        ({**ONE, "users": [], "state": "exact"}, "configuration", "set `allow_empty: true`"),
        ({**ONE, "users": ["\t"], "state": "exact"}, "configuration", "an entry is blank"),
        (
            {**ONE, "state": "exact"},
            "rail",
            r"`max_removals` allows 10; these would be removed from 'Engineering': .*@example\.com",
        ),
        ({**ONE, "users": [ERIN], "state": "absent", "max_removals": 0}, "rail", "`max_removals` allows 0"),
        ({**ONE, "users": [ERIN], "state": "absent", "protected_users": [ERIN.upper()]}, "rail", f"protected: {ERIN}"),
        ({**ONE, "users": [ERIN], "state": "absent", "acting_user": ERIN}, "rail", f"protected: {ERIN}"),
        (
            {**ONE, "users": [ERIN], "state": "absent", "protected_users": ["renamed@example.com"]},
            "lookup_failed",
            r"renamed@example\.com' does not exist",
        ),
    ],
    ids=lambda value: str(value)[:70],
)
def test_a_task_is_refused_before_its_first_write(
    usual: Sandbox, client: Client, options: dict[str, Any], kind: str, words: str
) -> None:
    with pytest.raises(CakewalkError, match=words) as caught:
        run(client, task(usual, **options))
    assert caught.value.facts()["kind"] == kind
    assert writes(usual) == []


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        (({**ONE, "state": "exact"}, {**ONE, "users": [ERIN]}), "it is named 2 times, and one entry is exact"),
        (
            ({**ONE, "users": [ERIN]}, {**ONE, "users": [ERIN], "state": "absent"}),
            f"{ERIN} should be a member and should not be one",
        ),
        (({**ONE, "users": ["x@example.com", "y@example.com"]},), r"'x@example\.com' .*; .*'y@example\.com'"),
    ],
)
def test_entries_that_contradict_each_other_or_are_wrong_are_all_named(
    tenant: Sandbox, client: Client, entries: tuple[dict[str, Any], ...], words: str
) -> None:
    with pytest.raises(CakewalkError, match=words):
        run(client, task(tenant, *entries))
    assert writes(tenant) == []


def test_a_dynamic_group_that_does_not_show_it_is_refused_by_the_service(tenant: Sandbox, client: Client) -> None:
    tenant.configure(group_kind="bare")
    before = members(tenant, "Dynamic Berlin")
    with pytest.raises(CakewalkError, match="The group Dynamic Berlin is dynamic and cannot be edited"):
        run(client, task(tenant, group="Dynamic Berlin", users=[CONNOR]))
    assert members(tenant, "Dynamic Berlin") == before


def test_protected_people_stay_in_an_exact_group(tenant: Sandbox, client: Client) -> None:
    params = task(
        tenant, group="Engineering", users=[ERIN], state="exact", max_removals=100, protected_users=[MAX, OLGA, CONNOR]
    )
    outcome = run(client, params)
    assert set(members(tenant, "Engineering")) - {tenant.acting_user} == {ERIN, MAX, OLGA}
    assert all(step.phase is Phase.REMOVALS for step in steps(outcome))


def test_people_of_unknown_status_get_access_with_a_warning(tenant: Sandbox, cakewalk: Tenant) -> None:
    dina = "dina.discovered@example.com"
    plan = cakewalk_group_member.plan(task(tenant, group="Contractors", users=[dina]), cakewalk)
    assert plan.after == {"Members of Contractors": sorted([*members(tenant, "Contractors"), dina])}
    assert f"and they are added anyway: {dina} (Discovered)" in cakewalk.warnings[0]


def test_a_bypassed_approval_is_marked_and_warned_of(tenant: Sandbox, cakewalk: Tenant) -> None:
    options = {"implicitly_approve_requests": True, "bypass_reason": "A move"}
    plan = cakewalk_group_member.plan(task(tenant, **ONE, **options), cakewalk)
    (warning,) = cakewalk.warnings
    assert warning.startswith("Approval is bypassed by ") and "'Engineering'" in warning
    assert plan.result["bypassed_approval"] is True
    assert plan.result["bypass_reason"] == "A move"
    assert plan.result["memberships"][0]["default_apps"] == ["Figma", "GitHub"]
    assert plan.steps[0].body["implicitlyApproveRequests"] is True
