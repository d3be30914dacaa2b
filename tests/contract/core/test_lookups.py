# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many requests it takes to find people and things."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import requests
from ansible_collections.cakewalk.access.plugins.module_utils._api.catalog import (
    APPS,
    GROUPS,
    USERS,
    permission_levels_of,
)
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import CakewalkError
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.lookup import LookupFailed
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.tenant import Tenant
from contract.fixtures import CONNOR, ERIN, GRACE, members, planned, run, task
from contract.wire import Request, Wire, answer, detour, path_of
from sandbox.process import Sandbox
from unit.core.results import steps

NOBODY = "00000000-0000-4000-8000-000000000000"


def ids(tenant: Sandbox, kind: str, number: int) -> list[str]:
    """Return the ids of the first rows of a table."""
    return [row["id"] for row in tenant.state(kind)[kind][:number]]


def reads(tenant: Sandbox) -> dict[str, int]:
    """Return how many requests each operation took."""
    return dict(Counter(entry["operation"] for entry in tenant.log()))


@pytest.mark.parametrize("number", [1, 2, USERS.single_reads - 1])
def test_a_few_ids_are_read_one_by_one(tenant: Sandbox, cakewalk: Tenant, number: int) -> None:
    wanted = ids(tenant, "users", number)
    register = cakewalk.index(USERS, [wanted[0].upper(), *wanted])
    assert list(register.by_id) == wanted
    assert not register.complete
    assert reads(tenant) == {"getUser": number}


def test_many_ids_are_found_in_the_whole_list(tenant: Sandbox, cakewalk: Tenant) -> None:
    register = cakewalk.index(USERS, ids(tenant, "users", USERS.single_reads + 1))
    assert register.complete
    assert reads(tenant) == {"listUsers": 1}


@pytest.mark.parametrize("reference", [ERIN, "Erin Engineer", "", NOBODY + "0"])
def test_anything_but_an_id_needs_the_whole_list(tenant: Sandbox, cakewalk: Tenant, reference: str) -> None:
    tenant.configure(page_size=20)
    assert cakewalk.index(USERS, [*ids(tenant, "users", 1), reference]).complete
    # That nobody has a reference takes a second reading.
    assert reads(tenant) == {"listUsers": 3 if reference == ERIN else 6}


def test_a_whole_list_is_read_once(tenant: Sandbox, cakewalk: Tenant) -> None:
    first = cakewalk.index(USERS)
    assert cakewalk.index(USERS, [ERIN]) is first
    assert cakewalk.index(USERS, ids(tenant, "users", 2)) is first
    assert cakewalk.people([ERIN]) is first
    assert reads(tenant) == {"listUsers": 1}


def test_threads_read_a_list_once_whichever_way_they_ask(tenant: Sandbox, connect: Callable[..., Client]) -> None:
    tenant.fault("listUsers", "slow", count=30, seconds=0.2)
    tenant.configure(page_size=20)
    client = connect(concurrency=4)
    cakewalk = Tenant(client)
    wanted: list[Callable[[], Any]] = [
        lambda: list(cakewalk.index(USERS).by_id.values()),
        lambda: cakewalk.read([USERS.listing, USERS.listing])[1],
        lambda: cakewalk.read_found([USERS.listing])[0],
        lambda: list(cakewalk.indexes([(USERS, None), (USERS, [ERIN])])[1].by_id.values()),
    ]
    rows = client.each(lambda ask: ask(), wanted)
    assert all(read == rows[0] for read in rows)
    assert reads(tenant) == {"listUsers": 3}

    stable = client.each(lambda _number: cakewalk.read_stable([USERS.listing])[0], range(4))
    assert all(read == rows[0] for read in stable)
    assert reads(tenant) == {"listUsers": 6}

    cakewalk.forget([replace(USERS.listing, what="the people")])
    tenant.change("insert_user", email="new@example.com")
    assert cakewalk.index(USERS, ["new@example.com"]).matches("new@example.com")
    assert cakewalk.read([USERS.listing])[0][0]["email"] == "new@example.com"
    assert reads(tenant) == {"listUsers": 10}


@pytest.mark.parametrize(
    ("statuses", "kind"),
    [((500, 401, 200), "unauthorized"), ((500, 200, 403), "forbidden"), ((500, 500, 500), "server_error")],
)
def test_refused_credentials_are_an_error_wherever_they_stand_among_records(
    connect: Callable[..., Client], statuses: tuple[int, ...], kind: str
) -> None:
    rows = [{"id": NOBODY[:-1] + str(number)} for number in range(3)]
    answers = {row["id"]: status for row, status in zip(rows, statuses, strict=True)}

    def reply(request: Request) -> bytes:
        identifier = path_of(request).rpartition("/")[2]
        return answer(answers[identifier], {"data": {"id": identifier}, "links": {}})

    with Wire(reply) as wire, pytest.raises(CakewalkError) as failed:
        Tenant(connect(base_url=wire.url, max_retries=0)).read_readable(USERS.record(row["id"]) for row in rows)
    assert failed.value.kind == kind


def test_the_lists_of_two_apps_are_two(tenant: Sandbox, cakewalk: Tenant) -> None:
    github, aws = (permission_levels_of(tenant.find("apps", name)) for name in ("GitHub", "AWS"))
    for _time in range(2):
        assert [row["name"] for row in cakewalk.index(github).by_id.values()] == ["Read", "Write", "Admin"]
        assert len(cakewalk.index(aws, ["ReadOnly"]).matches("ReadOnly")) == 1
    assert reads(tenant) == {"listWorkAppPermissionLevels": 2}


def test_an_id_that_does_not_exist_leads_to_the_whole_list(tenant: Sandbox, cakewalk: Tenant) -> None:
    known = ids(tenant, "users", 2)
    register = cakewalk.index(USERS, [*known, NOBODY])
    assert register.complete
    assert register.matches(NOBODY) == []
    assert reads(tenant) == {"getUser": 3, "listUsers": 1}


@pytest.mark.parametrize(
    ("kind", "single", "listing"), [(GROUPS, "getUsersGroup", "listUsersGroups"), (APPS, "getWorkApp", "listWorkApps")]
)
def test_things_are_read_singly_when_there_is_one(
    tenant: Sandbox, cakewalk: Tenant, kind: Any, single: str, listing: str
) -> None:
    one, other = ids(tenant, kind.name, 2)
    assert list(cakewalk.index(kind, [one]).by_id) == [one]
    assert reads(tenant) == {single: 1}
    assert cakewalk.index(kind, [one, other]).complete
    assert reads(tenant) == {single: 1, listing: 1}


def test_no_references_cost_nothing(tenant: Sandbox, cakewalk: Tenant) -> None:
    assert cakewalk.people([]).by_id == {}
    assert cakewalk.index(USERS, []).by_id == {}
    assert tenant.log() == []


def test_statuses_that_the_list_leaves_out_are_read_singly(tenant: Sandbox, connect: Callable[..., Client]) -> None:
    def silent(request: Request) -> bytes | None:
        if path_of(request) != "/api/v1/Users":
            return None
        credentials = {name: request.headers[name] for name in ("x-api-key", "x-api-secret")}
        page = requests.get(tenant.url + request.target, headers=credentials, timeout=10).json()
        for row in page["data"]:
            if row["email"] != GRACE:
                del row["statusName"]
        return answer(200, json.dumps(page).encode(), {"content-type": "application/json"})

    with Wire(detour(tenant.url, silent)) as wire:
        people = Tenant(connect(base_url=wire.url)).people(
            [CONNOR, GRACE, "igor.ignored@example.com", "nobody@example.com"]
        )
    assert reads(tenant) == {"listUsers": 1, "getUser": 2}
    assert people.complete
    assert {email: people.matches(email)[0]["statusName"] for email in (CONNOR, GRACE, "igor.ignored@example.com")} == {
        CONNOR: "Active",
        GRACE: "Active",
        "igor.ignored@example.com": "Ignored",
    }


def test_ids_cost_nothing_when_inactive_people_are_allowed(tenant: Sandbox, client: Client) -> None:
    joining = [
        row["id"]
        for row in tenant.state("users")["users"]
        if row["id"] not in tenant.find("groups", "Contractors")["members"]
    ]
    actor, target = tenant.find("users", tenant.acting_user)["id"], tenant.find("groups", "Contractors")["id"]
    joining.remove(actor)
    tenant.clear_log()
    plan = planned(client, task(tenant, group=target, users=joining, acting_user=actor, allow_inactive=True))
    assert len(plan.steps[0].body["userIds"]) == len(joining) > USERS.single_reads
    assert reads(tenant) == {
        "getUsersGroup": 1,
        "listUsersGroupUsers": 1,
        "listUsersGroupDefaultWorkApps": 1,
        "getUser": 1,
    }


def test_ids_are_checked_when_inactive_people_are_not_allowed(tenant: Sandbox, client: Client) -> None:
    dora = tenant.find("users", "dora.deactivated@example.com")
    with pytest.raises(LookupFailed, match=r"dora\.deactivated@example\.com' is Deactivated and would be given access"):
        planned(client, task(tenant, group="Engineering", users=[dora["id"]]))


def test_a_group_that_needs_no_change_costs_its_members_only(tenant: Sandbox, client: Client) -> None:
    target = tenant.find("groups", "Engineering")["id"]
    tasks = [
        task(tenant, group=target, users=[ERIN.upper()]),
        task(tenant, group=target, users=[CONNOR], state="absent"),
        task(tenant, group=target, users=members(tenant, "Engineering"), state="exact"),
    ]
    for params in tasks:
        tenant.clear_log()
        assert planned(client, params).steps == ()
        assert reads(tenant) == {"getUsersGroup": 1, "listUsersGroupUsers": 1}


def test_removals_alone_read_no_directory_and_need_no_actor(tenant: Sandbox, client: Client) -> None:
    params = task(tenant, group="Engineering", users=[ERIN], state="absent", acting_user=None)
    assert len(steps(run(client, params))) == 1
    assert reads(tenant) == {"listUsersGroups": 1, "listUsersGroupUsers": 2, "removeUserFromGroup": 1}


def test_somebody_who_is_gone_from_the_directory_is_absent(tenant: Sandbox, client: Client) -> None:
    tenant.change("insert_user", email="brief.guest@example.com", group="Engineering")
    tenant.change("delete_user", user="brief.guest@example.com")
    params = task(tenant, group="Engineering", users=["brief.guest@example.com"], state="absent", acting_user=None)
    plan = planned(client, params)
    assert plan.steps == ()
    assert plan.result["memberships"][0]["not_members"] == ["brief.guest@example.com"]


def test_full_records_are_read_for_rows(tenant: Sandbox, cakewalk: Tenant) -> None:
    rows = cakewalk.index(APPS).by_id.values()
    records = cakewalk.read(APPS.record(row["id"]) for row in rows)
    assert [record["id"] for record in records] == [row["id"] for row in rows]
    assert reads(tenant) == {"listWorkApps": 1, "getWorkApp": len(records)}


def test_known_statuses_teach_the_tables(client: Client) -> None:
    statuses = Tenant(client, {"user": {"may_act": ["Hibernating"], "may_receive_access": None}}).user_statuses
    assert "Hibernating" in statuses.may_act
    assert "Hibernating" not in statuses.may_receive_access
    assert Tenant(client, {"user": None}).user_statuses == replace(statuses, may_act=frozenset({"Active"}))
