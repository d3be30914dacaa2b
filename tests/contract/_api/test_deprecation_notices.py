# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service says about the end of an endpoint becomes one notice for each kind of request."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.cakewalk.access.plugins.module_utils._api.catalog import USERS
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from contract.fixtures import leavers, run, task
from contract.wire import Wire, answer, in_turn, page
from sandbox.process import Sandbox


def test_many_removals_make_one_notice(tenant: Sandbox, client: Client) -> None:
    tenant.configure(deprecation="headers")
    gone = {name: leavers(tenant, name, 4) for name in ("Engineering", "Sales")}
    params = task(tenant, *({"group": name, "users": users, "state": "absent"} for name, users in gone.items()))
    assert len(run(client, params).steps) == 8
    assert list(client.deprecations) == [
        "The service marks DELETE /api/v1/UsersGroups/*/Users/* as deprecated "
        "(Deprecation: true; Sunset: Thu, 31 Dec 2026 23:59:59 GMT). Look for a newer release of the collection."
    ]


def test_without_such_headers_there_is_no_notice(tenant: Sandbox, client: Client) -> None:
    run(client, task(tenant, group="Engineering", users=leavers(tenant, "Engineering", 2), state="absent"))
    assert client.deprecations == {}


def test_reads_and_refusals_are_heard_too(connect: Callable[..., Client]) -> None:
    marked = {"deprecation": "@1767225600", "sunset": "\x1b[2Ksecret-of-mine"}
    with Wire(in_turn(answer(200, page(), marked), answer(404, headers={"sunset": "now"}))) as wire:
        client = connect(base_url=wire.url, api_secret="secret-of-mine")
        client.rows(USERS.listing)
        client.record_or_none(USERS.record("00000000-0000-4000-8000-000000000000"))
    assert list(client.deprecations) == [
        "The service marks GET /api/v1/Users as deprecated (Deprecation: @1767225600; Sunset: \\x1b[2K********). "
        "Look for a newer release of the collection.",
        "The service marks GET /api/v1/Users/* as deprecated (Sunset: now). "
        "Look for a newer release of the collection.",
    ]
