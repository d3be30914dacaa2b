# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ledger in custom fields: how often it is written, what it holds then, and what is told where it cannot be."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import CakewalkError, ListMoved
from ansible_collections.cakewalk.access.plugins.module_utils._api.transport import Connection
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.lookup import LookupFailed
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.tenant import Tenant
from ansible_collections.cakewalk.access.plugins.module_utils._engine.policies.field_ledger import (
    FieldLedger,
    FieldRefused,
)
from contract.fixtures import received
from contract.wire import Request, Wire, answer, detour, page
from sandbox.process import Sandbox

FIELD, PATCH = "Automation Ledger", "updateWorkAppCustomFields"
GRANT, REMOVE = "GrantAccessRequest", "RemoveAccessRequest"
ONE, OTHER = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"


def held(tenant: Sandbox, name: str) -> dict[str, str] | None:
    """Return the policies that the field of an app holds, C(None) where it holds nothing."""
    field = tenant.find("fields", FIELD)["id"]
    text = tenant.find("apps", name)["field_values"].get(field)
    return json.loads(text)["policies"] if text else None


def ledger(tenant: Sandbox, client: Client, *names: str) -> FieldLedger:
    return FieldLedger.read(FIELD, [tenant.find("apps", name) for name in names], Tenant(client))


def remember(book: FieldLedger, client: Client, entries: dict[Any, Any]) -> None:
    """Store entries as a run does it."""
    book.forget(entries, client)
    book.keep(entries, client)


def key(tenant: Sandbox, name: str, request_type: str = GRANT, level_id: str = "") -> tuple[str, ...]:
    return ("policy", tenant.find("apps", name)["id"], level_id, request_type)


def test_each_app_is_written_twice_and_read_around_each_write(tenant: Sandbox, client: Client) -> None:
    level = tenant.find("apps", "GitHub")["levels"][0]["id"]
    entries = {
        key(tenant, "GitHub"): {"policy_id": ONE},
        key(tenant, "GitHub", GRANT, level): {"policy_id": OTHER},
        key(tenant, "Figma", REMOVE): {"policy_id": ONE},
    }
    tenant.clear_log()
    with client.writing():
        remember(ledger(tenant, client, "GitHub", "Figma"), client, entries)
    assert received(tenant, "listWorkAppCustomFields") == [200] * 2 * (1 + 2 + 2), "before and after each write"
    assert received(tenant, PATCH) == [204] * 2 * 2
    assert held(tenant, "GitHub") == {f"app/{GRANT}": ONE, f"{level}/{GRANT}": OTHER}
    assert held(tenant, "Figma") == {f"app/{REMOVE}": ONE}
    again = ledger(tenant, client, "GitHub", "Figma")
    assert {one: again.get(one).value for one in entries} == entries  # type: ignore[union-attr] # held, as just shown


def test_what_is_replaced_is_forgotten_first_and_the_rest_stays(tenant: Sandbox, client: Client) -> None:
    grant, remove = key(tenant, "GitHub"), key(tenant, "GitHub", REMOVE)
    with client.writing():
        remember(ledger(tenant, client, "GitHub"), client, {grant: {"policy_id": ONE}, remove: {"policy_id": ONE}})
        book = ledger(tenant, client, "GitHub", "Figma")
        changing = {grant: {"policy_id": OTHER}, key(tenant, "Figma"): {"policy_id": OTHER}}
        book.forget({**changing, remove: {"policy_id": ONE}}, client)
        assert held(tenant, "GitHub") == {f"app/{REMOVE}": ONE}
        book.keep({grant: {"policy_id": OTHER}}, client)
    assert held(tenant, "GitHub") == {f"app/{GRANT}": OTHER, f"app/{REMOVE}": ONE}
    assert held(tenant, "Figma") == {}


@pytest.mark.parametrize("doing", ["forget", "keep"])
def test_where_it_cannot_be_written_is_told(tenant: Sandbox, connect: Callable[..., Client], doing: str) -> None:
    client = connect(concurrency=1, max_retries=0)
    entries: dict[Any, Any] = {key(tenant, name): {"policy_id": ONE} for name in ("GitHub", "Figma", "AWS")}
    with client.writing():
        book = ledger(tenant, client, "GitHub", "Figma", "AWS")
        if doing == "keep":
            book.forget(entries, client)
        tenant.fault(PATCH, "503", skip=1, count=6)
        with pytest.raises(CakewalkError) as caught:
            book.forget(entries, client) if doing == "forget" else book.keep(entries, client)
    message = str(caught.value)
    assert f"Could not set '{FIELD}' of the app 'Figma': the server answered 503" in message
    assert ("No policy was assigned" if doing == "forget" else "The policies were assigned") in message
    assert "'Figma', 'AWS'" in message
    assert held(tenant, "GitHub") == ({} if doing == "forget" else {f"app/{GRANT}": ONE})


def test_a_field_that_takes_nothing_in_is_told(tenant: Sandbox) -> None:
    def take_nothing_in(request: Request) -> bytes | None:
        return answer(204) if request.method == "PATCH" else None

    with Wire(detour(tenant.url, take_nothing_in)) as wire:
        client = Client(Connection(base_url=wire.url, api_key=tenant.api_key, api_secret=tenant.api_secret))
        with client.writing(), pytest.raises(ListMoved, match="showed something else after each of 3 writes"):
            ledger(tenant, client, "GitHub").forget({key(tenant, "GitHub"): {"policy_id": ONE}}, client)


def test_a_field_that_is_gone_meanwhile_is_told(tenant: Sandbox, client: Client) -> None:
    def leave_out(request: Request) -> bytes | None:
        return answer(200, page()) if request.target.endswith("CustomFields") else None

    book = ledger(tenant, client, "GitHub")
    with Wire(detour(tenant.url, leave_out)) as wire:
        later = Client(Connection(base_url=wire.url, api_key=tenant.api_key, api_secret=tenant.api_secret))
        with later.writing(), pytest.raises(FieldRefused, match="the app lacks it by now"):
            book.forget({key(tenant, "GitHub"): {"policy_id": ONE}}, later)


def test_a_field_that_an_app_lacks_is_named_with_near_ones(tenant: Sandbox, cakewalk: Tenant) -> None:
    with pytest.raises(LookupFailed, match=r"has no custom field 'Automation Leger' .did you mean 'Automation Ledger'"):
        FieldLedger.read("Automation Leger", [tenant.find("apps", "GitHub")], cakewalk)


def test_without_apps_nothing_is_read(tenant: Sandbox, cakewalk: Tenant) -> None:
    FieldLedger.read(FIELD, [], cakewalk)
    assert received(tenant, "listWorkAppCustomFields") == []
