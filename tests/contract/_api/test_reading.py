# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading whole lists and single records, in every dialect."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api import catalog
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import REREADINGS, Client
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import ListMoved, NotFound, ProtocolError
from ansible_collections.cakewalk.access.plugins.module_utils._api.operations import Listing
from contract.fixtures import ERIN, received
from examples import THOROUGH
from sandbox.process import Sandbox

NOBODY = "00000000-0000-4000-8000-000000000000"
_OF_GROUPS = {"members": catalog.members, "default_apps": catalog.default_apps, "hidden_apps": catalog.hidden_apps}
_OF_APPS = {
    "accesses": catalog.accesses,
    "permission_levels": catalog.permission_levels,
    "custom_fields": catalog.custom_fields,
}


def every_list(tenant: Sandbox) -> Iterator[tuple[str, Listing, list[str]]]:
    """Return each list that the catalog knows, the operation behind it, and the ids of the rows that it must hold."""
    state = tenant.state()
    for operation, kind in (
        ("listUsers", catalog.USERS),
        ("listUsersGroups", catalog.GROUPS),
        ("listWorkApps", catalog.APPS),
    ):
        yield operation, kind.listing, [row["id"] for row in state[kind.name]]
    for row in state["groups"]:
        for operation, (name, listing) in zip(
            ("listUsersGroupUsers", "listUsersGroupDefaultWorkApps", "listUsersGroupHiddenWorkApps"),
            _OF_GROUPS.items(),
            strict=True,
        ):
            yield operation, listing(row), row[name]
    for row in state["apps"]:
        yield "listWorkAppAccesses", catalog.accesses(row), [one["user_id"] for one in row["accesses"]]
        yield "listWorkAppPermissionLevels", catalog.permission_levels(row), [one["id"] for one in row["levels"]]
        yield "listWorkAppCustomFields", catalog.custom_fields(row), [one["id"] for one in state["fields"]]


def identity(row: dict[str, Any]) -> str:
    """Return the id of a row, of an access that of its person."""
    return row["user"]["id"] if "user" in row else row["id"]


#: In what forms the service may give its links; with those in C(PAIRS), each word meets each word of another question.
FORMS = list(product(("bff", "plain", "absolute"), ("cursor", "page[cursor]"), ("null", "absent")))
PAIRS = {0, 3, 5, 6, 8, 11}


@pytest.mark.parametrize(
    ("links", "cursor_name", "ending"),
    FORMS if THOROUGH else [form for number, form in enumerate(FORMS) if number in PAIRS],
)
def test_every_list_is_read_whole_in_every_link_dialect(
    tenant: Sandbox, client: Client, links: str, cursor_name: str, ending: str
) -> None:
    tenant.configure(page_size=7, links=links, cursor_name=cursor_name, next=ending, record_next=ending)
    for operation, listing, expected in every_list(tenant):
        tenant.clear_log()
        rows = client.rows(listing)
        assert [identity(row) for row in rows] == expected, listing
        assert received(tenant, operation) == [200] * max(1, -(-len(expected) // 7)), listing
        assert {entry["path"] for entry in tenant.log()} == {listing.path}
        assert all(set(entry["query"]) == {cursor_name} for entry in tenant.log()[1:])


def test_a_person_with_two_levels_of_an_app_holds_two_accesses(tenant: Sandbox, client: Client) -> None:
    rows = client.rows(catalog.accesses(tenant.find("apps", "GitHub")))
    held = [row["permissionLevel"]["id"] for row in rows if row["user"]["id"] == tenant.find("users", ERIN)["id"]]
    assert len(held) == len(set(held)) == 2


@pytest.mark.parametrize("ending", ["null", "absent", "link"])
@pytest.mark.parametrize("kind", list(catalog.KINDS.values()), ids=list(catalog.KINDS))
def test_single_records_are_read(tenant: Sandbox, client: Client, kind: catalog.ResourceType, ending: str) -> None:
    tenant.configure(record_next=ending)
    row = tenant.state(kind.name)[kind.name][0]
    record = client.record(kind.record(row["id"]))
    assert (record["id"], record["name"]) == (row["id"], row["name"])
    assert client.record_or_none(kind.record(NOBODY)) is None
    with pytest.raises(NotFound):
        client.record(kind.record(NOBODY))


def test_queries_of_a_listing_go_with_every_page(tenant: Sandbox, client: Client) -> None:
    tenant.configure(page_size=3)
    pending = client.rows(Listing("/api/v1/Requests", "the requests", query=(("status", "Pending"),)))
    assert {row["requestStatus"] for row in pending} == {"Pending"}
    assert [entry["query"]["status"] for entry in tenant.log()] == ["Pending"] * -(-len(pending) // 3)
    assert len(pending) > 3


def test_unknown_fields_and_values_are_carried_through(tenant: Sandbox, client: Client) -> None:
    tenant.configure(extra_fields="some", unknown_values="all")
    rows = client.rows(catalog.USERS.listing)
    assert {row["statusName"] for row in rows} == {"Hibernating"}
    assert all(row["xUnheardOf"] == {"since": "tomorrow", "values": [1, None, "two"]} for row in rows)
    assert client.record(catalog.USERS.record(rows[0]["id"]))["xUnheardOf"]["since"] == "tomorrow"


@pytest.mark.parametrize("skip", [0, 1, 3])
def test_an_empty_page_in_the_middle_is_not_the_end(tenant: Sandbox, client: Client, skip: int) -> None:
    tenant.configure(page_size=20)
    tenant.fault("listUsers", "empty_page", skip=skip)
    rows = client.rows(catalog.USERS.listing)
    assert [row["id"] for row in rows] == [row["id"] for row in tenant.state("users")["users"]]


def test_a_list_that_moved_is_read_again(tenant: Sandbox, client: Client) -> None:
    tenant.configure(page_size=20)
    for number in range(REREADINGS):
        tenant.change("insert_user", after=1 + 2 * number, operation="listUsers", email=f"new{number}@example.com")
    rows = client.rows(catalog.USERS.listing)
    assert [row["id"] for row in rows] == [row["id"] for row in tenant.state("users")["users"]]
    assert len(received(tenant, "listUsers")) == 2 * REREADINGS + 4


def test_a_list_that_never_holds_still_is_an_error(tenant: Sandbox, client: Client) -> None:
    tenant.configure(page_size=20)
    for number in range(REREADINGS + 1):
        tenant.change("insert_user", after=1 + 2 * number, operation="listUsers", email=f"new{number}@example.com")
    with pytest.raises(ListMoved, match="read the users: the list changed during each of 4 reads") as caught:
        client.rows(catalog.USERS.listing)
    assert caught.value.facts() == {"kind": "list_moved"}
    assert len(received(tenant, "listUsers")) == 2 * (REREADINGS + 1)


def test_a_first_page_that_comes_twice_means_that_the_list_moved(tenant: Sandbox, client: Client) -> None:
    tenant.configure(page_size=20)
    tenant.fault("listUsers", "repeat_cursor")
    assert len(client.rows(catalog.USERS.listing)) == 60
    assert len(received(tenant, "listUsers")) == 2 + 3


@pytest.mark.parametrize(("skip", "requests"), [(1, 2), (2, 3)])
def test_a_page_that_leads_to_itself_is_an_error(tenant: Sandbox, client: Client, skip: int, requests: int) -> None:
    tenant.configure(page_size=20)
    tenant.fault("listUsers", "repeat_cursor", skip=skip)
    with pytest.raises(ProtocolError, match="Could not read the users: a cursor was repeated") as caught:
        client.rows(catalog.USERS.listing)
    assert caught.value.facts() == {"kind": "protocol"}
    assert len(received(tenant, "listUsers")) == requests


def test_an_empty_page_that_leads_to_itself_is_an_error_and_no_empty_list(tenant: Sandbox, client: Client) -> None:
    tenant.fault("listUsersGroupHiddenWorkApps", "repeat_cursor", count=100)
    with pytest.raises(ProtocolError, match="a cursor was repeated"):
        client.rows(catalog.hidden_apps(tenant.find("groups", "Engineering")))
    assert len(received(tenant, "listUsersGroupHiddenWorkApps")) == 2


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("truncated", r"not JSON \(application/json, \d+ bytes\)"), ("html", r"not JSON \(text/html, \d+ bytes\)")],
)
@pytest.mark.parametrize("skip", [0, 2])
def test_a_body_that_is_no_json_is_an_error(tenant: Sandbox, client: Client, kind: str, reason: str, skip: int) -> None:
    tenant.configure(page_size=20)
    tenant.fault("listUsers", kind, skip=skip)
    with pytest.raises(ProtocolError, match=f"Could not read the users: the answer is {reason}. Run again"):
        client.rows(catalog.USERS.listing)
    assert len(received(tenant, "listUsers")) == skip + 1


def test_members_of_a_group_that_is_gone_are_an_error_and_no_empty_list(tenant: Sandbox, client: Client) -> None:
    gone = tenant.find("groups", "Engineering")
    tenant.change("delete_group", group="Engineering")
    with pytest.raises(
        NotFound, match="Could not read the members of the group 'Engineering': the server answered 404"
    ):
        client.rows(catalog.members(gone))


def test_reading_several_keeps_their_order(tenant: Sandbox, connect: Callable[..., Client]) -> None:
    rows = tenant.state("users")["users"]
    tenant.fault("getUser", "slow", seconds=0.3)
    records = connect(concurrency=4).each(connect().record, [catalog.USERS.record(row["id"]) for row in rows[:12]])
    assert [record["id"] for record in records] == [row["id"] for row in rows[:12]]
