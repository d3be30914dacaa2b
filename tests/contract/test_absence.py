# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whoever is on no page of a list that moves while it is read is still found, wherever an outcome rests on absence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from ansible_collections.cakewalk.access.plugins.module_utils._api.catalog import (
    APPS,
    GROUPS,
    REQUESTS,
    USERS,
    ResourceType,
    is_edited_here,
)
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import REREADINGS, Client
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import ListMoved
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.apply import apply, dry_run
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.lookup import LookupFailed
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.tenant import Tenant
from ansible_collections.cakewalk.access.plugins.modules import (
    cakewalk_access_as_code,
    cakewalk_app_access,
    cakewalk_app_policy,
    cakewalk_group_member,
    cakewalk_info,
    cakewalk_joiner,
    cakewalk_leaver,
    cakewalk_mover,
)
from contract.fixtures import CONFIRM_DELAYS, CONNOR, ERIN, validated, writes
from contract.wire import Request, Wire, answer, detour, path_of
from sandbox.process import Sandbox

Data = dict[str, Any]

GROUP, APP = "Contractors", "Figma"
#: Rows of a page, as the service has them.
PAGE = 100
MEMBERS, HOLDERS, DIRECTORY = "listUsersGroupUsers", "listWorkAppAccesses", "listUsers"


@dataclass(frozen=True)
class Crowd:
    """A tenant with a group and an app of 150 people, in the order of their lists.

    :param rows: the people by list: C(members), C(holders) and C(users), each by e-mail address.
    """

    tenant: Sandbox
    rows: dict[str, list[str]]

    def missed(self, name: str) -> str:
        """Return the person on the first row of the second page of a list."""
        return self.rows[name][PAGE]

    def code(self, **sections: Any) -> Data:
        """Return code for this tenant."""
        anchors = [row["id"] for row in self.tenant.state("apps")["apps"]][:1]
        return {"version": "1", "positions": {}, "code": {"tenant": {"anchors": anchors}, **sections}}


@pytest.fixture
def crowd(tenant: Sandbox) -> Crowd:
    """A tenant in which a row of a list can move from the second page to the first while the list is read."""
    tenant.reset(users=150)
    for name in ("last.account@example.com", "first.account@example.com"):
        tenant.change("insert_user", email=name)
    people = {row["id"]: row["email"] for row in tenant.state("users")["users"]}
    present = tenant.find("groups", GROUP)["members"]
    everybody = [*present, *(identifier for identifier in people if identifier not in present)][:149]
    joins = [{"change": "add_member", "group": GROUP, "user": identifier} for identifier in everybody]
    grants = [{"change": "add_access", "app": APP, "user": identifier} for identifier in everybody]
    tenant.call("POST", "/_sandbox/change", json=[*joins, *grants]).raise_for_status()
    holders = [row["user_id"] for row in tenant.find("apps", APP)["accesses"]]
    members = tenant.find("groups", GROUP)["members"]
    # So that somebody whom the directory misses can join a group.
    tenant.change("remove_member", group="Sales", user=list(people)[PAGE])
    ids = {"members": members, "holders": holders, "users": list(people)}
    return Crowd(tenant, {name: [people[identifier] for identifier in rows] for name, rows in ids.items()})


def leaves_first_page(crowd: Crowd, name: str, after: int) -> None:
    """Have the first row of a list vanish once so many of its pages were sent."""
    first = crowd.rows[name].pop(0)
    change: Data = {
        "members": {"change": "remove_member", "group": GROUP, "user": first, "operation": MEMBERS},
        "holders": {"change": "remove_access", "app": APP, "user": first, "operation": HOLDERS},
        "users": {"change": "delete_user", "user": first, "operation": DIRECTORY},
    }[name]
    crowd.tenant.change(**change, after=after)


@dataclass(frozen=True)
class Case:
    """A task whose outcome rests on somebody not being listed, while a list moves.

    :param moving: the list that moves.
    :param options: the options of the task, for a person whom one reading misses.
    :param shown: what shows that the person was seen, in the result of the plan.
    :param before: how many lists of the same kind are read before the one that moves.
    """

    name: str
    module: ModuleType
    moving: str
    options: Callable[[Crowd, str], Data]
    shown: Callable[[Data], Any]
    before: Callable[[Crowd], int] = lambda _crowd: 0


def outcome_of(crowd: Crowd, client: Client, module: ModuleType, options: Data) -> Data:
    """Return the result of a plan with its predicted steps and its warnings, without a write."""
    acting = {"acting_user": crowd.tenant.acting_user} if "acting_user" in module.SPEC["argument_spec"] else {}
    cakewalk = Tenant(client)
    plan = module.plan(validated(module.SPEC, crowd.tenant, {**acting, **options}), cakewalk)
    applied = dry_run(replace(plan, unmet=None))
    result: Data = {}
    for stage in applied.stages:
        result |= stage.result
    return {**result, "warnings": cakewalk.warnings, "predicted": [result.step for result in applied.steps]}


def takes(result: Data) -> list[tuple[str, ...]]:
    """Return the people of each predicted step that takes something away."""
    return [step.users for step in result["predicted"] if step.method == "DELETE" or "Remove" in step.path]


def others(crowd: Crowd, missed: str) -> list[str]:
    """Return all members but a person."""
    return [email for email in crowd.rows["members"] if email != missed]


def code_in(result: Data, section: str) -> list[Data]:
    """Return the entries of a section of an export."""
    entries: list[Data] = yaml.safe_load(result["files"][f"{section}.yml"])[section]
    return entries


def edited(crowd: Crowd) -> list[str]:
    """Return the names of the groups whose members an export lists, in its order."""
    groups = crowd.tenant.rows("/api/v1/UsersGroups")
    return sorted(row["name"] for row in groups if is_edited_here(row))


def as_code(mode: str, crowd: Crowd, **sections: Any) -> Data:
    """Return the options of a task with the code of a tenant."""
    return {"mode": mode, "folder": "/code", "purpose": "Code", "source": crowd.code(**sections)}


CASES = [
    Case(
        "absent",
        cakewalk_group_member,
        "members",
        lambda _crowd, missed: {"group": GROUP, "users": [missed], "state": "absent"},
        takes,
    ),
    Case(
        "exact",
        cakewalk_group_member,
        "members",
        lambda crowd, missed: {
            "group": GROUP,
            "users": others(crowd, missed),
            "state": "exact",
            "allow_inactive": True,
        },
        takes,
    ),
    Case(
        "drift of an exact group",
        cakewalk_access_as_code,
        "members",
        lambda crowd, missed: (
            as_code("drift", crowd, groups=[{"group": GROUP, "mode": "exact", "members": others(crowd, missed)}])
            | {"allow_inactive": True}
        ),
        lambda result: result["plan"],
    ),
    Case(
        "drift of an additive group",
        cakewalk_access_as_code,
        "members",
        lambda crowd, missed: as_code("drift", crowd, groups=[{"group": GROUP, "members": [missed]}]),
        lambda result: result["drift"]["in_sync"],
    ),
    Case(
        "drift of access",
        cakewalk_access_as_code,
        "holders",
        lambda crowd, missed: as_code("drift", crowd, accesses=[{"app": APP, "users": [missed]}]),
        lambda result: result["drift"]["in_sync"],
    ),
    Case(
        "an export of groups",
        cakewalk_access_as_code,
        "members",
        lambda crowd, _missed: as_code("export", crowd),
        lambda result: [row for row in code_in(result, "groups") if row["group"] == GROUP],
        lambda crowd: edited(crowd).index(GROUP),
    ),
    Case(
        "an export of access",
        cakewalk_access_as_code,
        "holders",
        lambda crowd, _missed: as_code("export", crowd),
        lambda result: [row for row in code_in(result, "accesses") if row["app"] == APP],
        lambda crowd: sorted(row["name"] for row in crowd.tenant.state("apps")["apps"]).index(APP),
    ),
    Case(
        "a mover",
        cakewalk_mover,
        "members",
        lambda _crowd, missed: {"user": missed, "joins": ["Sales"], "leaves": [GROUP], "journal_path": "/unused"},
        takes,
        lambda _crowd: 1,
    ),
    Case(
        "a removal request",
        cakewalk_app_access,
        "holders",
        lambda _crowd, missed: {"app": APP, "users": [missed], "state": "absent", "purpose": "Ends"},
        takes,
    ),
    Case(
        "an unknown person",
        cakewalk_group_member,
        "users",
        lambda _crowd, missed: {"group": "Sales", "users": [missed]},
        lambda result: result["memberships"][0]["added"],
    ),
    Case(
        "an unknown leaver",
        cakewalk_leaver,
        "users",
        lambda _crowd, missed: (
            {"user": missed, "confirm": missed, "purpose": "Leaves", "proof_dir": "/unused"}
            | {"max_removal_percent": 100}
        ),
        lambda result: result["people"][0]["user"]["email"],
    ),
    Case(
        "a joiner who seems not to be there yet",
        cakewalk_joiner,
        "users",
        lambda _crowd, missed: {"user": missed, "groups": ["Sales"], "journal_path": "/unused", "wait_timeout": 0},
        lambda result: result["people"][0]["user"]["id"] is not None,
    ),
    Case(
        "a person whom info cannot find",
        cakewalk_info,
        "users",
        lambda _crowd, missed: {"users": [missed], "footprint": True},
        lambda result: result["users"][0]["email"],
    ),
    Case(
        "a footprint",
        cakewalk_info,
        "members",
        lambda _crowd, missed: {"users": [missed], "footprint": True},
        lambda result: [group["name"] for group in result["users"][0]["groups"] if group["name"] == GROUP],
        lambda crowd: [row["name"] for row in crowd.tenant.state("groups")["groups"]].index(GROUP),
    ),
]
#: What each case shows once the person is seen, where it is not the person.
SHOWN: Data = {
    **dict.fromkeys(
        ["drift of an additive group", "drift of access", "a joiner who seems not to be there yet"],
        True,
    ),
    "a footprint": [GROUP],
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_whoever_one_reading_misses_is_found_by_the_next(
    crowd: Crowd, connect: Callable[..., Client], case: Case
) -> None:
    missed = crowd.missed(case.moving)
    leaves_first_page(crowd, case.moving, after=1 + case.before(crowd))

    shown = case.shown(outcome_of(crowd, connect(concurrency=1), case.module, case.options(crowd, missed)))

    assert shown == SHOWN[case.name] if case.name in SHOWN else missed in str(shown), shown


def hiding(tenant: Sandbox, path: str, row_id: str) -> Callable[[Request], bytes]:
    """Return the tenant, except that the first reading of a list lacks a row, as if it had moved."""
    hidden: list[str] = []

    def own(request: Request) -> bytes | None:
        if path_of(request) != path or hidden:
            return None
        page = tenant.call("GET", request.target).json()
        left = [row for row in page["data"] if row["id"] != row_id]
        hidden.extend([row_id] * (len(page["data"]) - len(left)))
        return answer(200, {**page, "data": left})

    return detour(tenant.url, own)


@pytest.mark.parametrize("state", ["absent", "level", "present"])
def test_no_request_is_opened_next_to_one_that_a_reading_misses(
    tenant: Sandbox, connect: Callable[..., Client], state: str
) -> None:
    """Neither for access, nor for its removal, nor for another level."""
    kind = {"absent": "remove", "level": "change", "present": "grant"}[state]
    level = {} if state == "absent" else {"permission_level": "Write"}
    tenant.configure(page_size=7)
    if state != "present":
        tenant.change("add_access", app="GitHub", user=CONNOR)
    tenant.change("open_request", kind=kind, app="GitHub", user=CONNOR, level="Write")
    options = {"app": "GitHub", "users": [CONNOR], "state": state if state == "absent" else "present", **level}
    with Wire(hiding(tenant, REQUESTS.path, tenant.state("requests")["requests"][-1]["id"])) as wire:
        crowd = Crowd(tenant, {})
        result = outcome_of(crowd, connect(base_url=wire.url), cakewalk_app_access, {**options, "purpose": "Once"})
    assert result["predicted"] == []
    assert result["accesses"][0]["users"][0]["request_status"] == "Pending"


def test_a_selector_means_apps_that_a_reading_misses(tenant: Sandbox, connect: Callable[..., Client]) -> None:
    tenant.configure(page_size=3)
    apps = [app["id"] for app in tenant.state("apps")["apps"]]
    rule = {"select": {"all": True}, "request_type": "grant_access", "policy": "Two approvals"}
    options = {"assignments": [rule], "max_assignments": len(apps)}
    with Wire(hiding(tenant, APPS.listing.path, apps[-1])) as wire:
        result = outcome_of(Crowd(tenant, {}), connect(base_url=wire.url), cakewalk_app_policy, options)
    assert len(result["predicted"]) == len(apps)


def test_a_leaver_without_groups_gets_no_second_removal_request(
    tenant: Sandbox, connect: Callable[..., Client], tmp_path: Path
) -> None:
    tenant.configure(page_size=7)
    for group in tenant.state("groups")["groups"]:
        tenant.change("remove_member", group=group["id"], user=CONNOR)
    tenant.change("add_access", app="GitHub", user=CONNOR)
    tenant.change("open_request", kind="remove", app="GitHub", user=CONNOR)
    options = {"user": CONNOR, "confirm": CONNOR, "purpose": "Leaves", "proof_dir": str(tmp_path / "proofs")}
    params = validated(
        cakewalk_leaver.SPEC,
        tenant,
        {"acting_user": tenant.acting_user, "wait_timeout": 0, "fail_on_left": False, **options},
    )
    with Wire(hiding(tenant, REQUESTS.path, tenant.state("requests")["requests"][-1]["id"])) as wire:
        client = connect(base_url=wire.url)
        apply(cakewalk_leaver.plan(params, Tenant(client)), client, CONFIRM_DELAYS)
    github = tenant.find("apps", "GitHub")["id"]
    assert github not in [entry["body"]["workAppId"] for entry in tenant.log(operation="createRemoveAccessRequest")]


@pytest.mark.parametrize(
    ("kind", "reference"), [(GROUPS, "Sales"), (APPS, "Salesforce"), (USERS, ERIN), (GROUPS, None), (APPS, None)]
)
def test_what_a_first_reading_misses_is_found_by_name_and_by_id(
    tenant: Sandbox, connect: Callable[..., Client], kind: ResourceType, reference: str | None
) -> None:
    tenant.configure(page_size=3)
    row = tenant.find(kind.name, reference or tenant.state(kind.name)[kind.name][-1]["name"])
    tenant.clear_log()
    with Wire(hiding(tenant, kind.listing.path, row["id"])) as wire:
        cakewalk = Tenant(connect(base_url=wire.url))
        assert cakewalk.index(kind, [reference or row["id"]], is_whole=True).matches(reference or row["id"]) == [
            cakewalk.index(kind).by_id[row["id"]]
        ]


def test_where_readings_never_agree_the_task_fails_before_its_first_write(crowd: Crowd, client: Client) -> None:
    missed = crowd.missed("members")
    for reading in range(2 + REREADINGS):
        leaves_first_page(crowd, "members", after=1 + 2 * reading)
    options = {"group": GROUP, "users": [missed, crowd.rows["members"][-1]], "state": "absent"}
    with pytest.raises(
        ListMoved, match=f"read the members of the group '{GROUP}': no two of {2 + REREADINGS} consecutive"
    ):
        outcome_of(crowd, client, cakewalk_group_member, options)
    assert writes(crowd.tenant) == []


#: What a task costs in requests for lists: where its lists fit one page, and where the list that matters has two.
COSTS: list[tuple[str, Data, Data, Data]] = [
    ("present", {"users": ["first.account@example.com"]}, {}, {}),
    ("absent, a member", {"users": ["member"], "state": "absent"}, {}, {}),
    ("absent, nobody", {"users": ["nobody@example.com"], "state": "absent"}, {}, {MEMBERS: 2}),
    ("exact", {"users": ["member"], "state": "exact", "max_removals": 1000}, {}, {MEMBERS: 2}),
    ("an unknown person", {"users": ["nobody@example.com"]}, {}, {DIRECTORY: 2}),
]


@pytest.mark.parametrize(
    ("options", "one_page", "two_pages"), [case[1:] for case in COSTS], ids=[case[0] for case in COSTS]
)
def test_only_a_list_of_several_pages_is_read_again_and_only_where_it_matters(
    crowd: Crowd, client: Client, options: Data, one_page: Data, two_pages: Data
) -> None:
    users = [crowd.rows["members"][1] if user == "member" else user for user in options["users"]]
    cost = []
    for size in (1000, PAGE):
        crowd.tenant.configure(page_size=size)
        crowd.tenant.clear_log()
        with suppress(LookupFailed):
            outcome_of(crowd, client, cakewalk_group_member, {"group": GROUP, **options, "users": users})
        cost.append(
            Counter(entry["operation"] for entry in crowd.tenant.log() if entry["operation"].startswith("list"))
        )
    pages = {name: 2 if name in (MEMBERS, DIRECTORY) else 1 for name in cost[0]}
    assert cost[0] == Counter(dict.fromkeys(cost[0], 1)) + Counter(one_page)
    assert cost[1] == Counter(pages) + Counter(two_pages)
