# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What evidence is made of: read twice until it agrees, and the same in every dialect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api import catalog
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import REREADINGS, Client
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import ListMoved
from ansible_collections.cakewalk.access.plugins.module_utils._engine.audit.privileges import Privileged
from ansible_collections.cakewalk.access.plugins.module_utils._engine.audit.snapshot import (
    TenantSnapshot,
    take_snapshot,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.audit.table import Table
from ansible_collections.cakewalk.access.plugins.module_utils._engine.audit.tables import Populations
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.tenant import Tenant
from contract.fixtures import received
from sandbox.dialect import questions
from sandbox.process import Sandbox

DIALECTS = {f"{question} {word}": {question: word} for question, words in questions().items() for word in words[1:]}
#: What the words of a dialect mean, for those that no table knows.
TAUGHT = {"status_words other": {"request": {"open": ["AwaitingDecision"], "granted": ["Fulfilled"]}}}
TAUGHT["status_words other"]["request"] |= {"declined": ["Rejected"], "cancelled": ["Withdrawn"]}


def test_a_row_that_paging_skips_is_not_taken_for_absent(tenant: Sandbox, client: Client) -> None:
    tenant.configure(page_size=7)
    everyone = catalog.members(tenant.find("groups", "Okta Everyone"))

    def present() -> set[str]:
        return set(tenant.find("groups", "Okta Everyone")["members"])

    def leaves_after_the_first_page() -> None:
        first = tenant.find("groups", "Okta Everyone")["members"][0]
        change = {"change": "remove_member", "group": "Okta Everyone", "user": first}
        tenant.change(**change, operation="listUsersGroupUsers", after=1)

    leaves_after_the_first_page()
    once = {row["id"] for row in client.rows(everyone)}
    assert present() - once, "nothing was skipped"

    leaves_after_the_first_page()
    assert {row["id"] for row in client.stable_rows(everyone)} == present()


def test_a_list_that_never_agrees_is_an_error(tenant: Sandbox, client: Client) -> None:
    readings = 2 + REREADINGS
    tenant.configure(page_size=40)
    for number in range(readings):
        tenant.change("insert_user", email=f"n{number}@example.com", operation="listUsers", after=2 * number + 2)
    with pytest.raises(ListMoved, match=f"no two of {readings} consecutive reads agree"):
        client.stable_rows(catalog.USERS.listing)
    assert received(tenant, "listUsers") == [200] * 2 * readings


def test_a_list_that_fits_a_page_is_read_once(tenant: Sandbox, client: Client) -> None:
    assert len(client.stable_rows(catalog.USERS.listing)) == 60
    assert received(tenant, "listUsers") == [200]


def test_pages_are_counted_over_all_readings(tenant: Sandbox, client: Client) -> None:
    tenant.configure(page_size=7)
    cakewalk = Tenant(client)
    take_snapshot(cakewalk)
    queries = cakewalk.queries()
    assert sum(query["pages"] for query in queries) == len(tenant.log())
    users = next(query for query in queries if query["path"] == "/api/v1/Users")
    assert users["pages"] == len(received(tenant, "listUsers")) == 2 * -(-users["rows"] // 7)


def tables(cakewalk: Tenant) -> list[Table]:
    """Return all populations, without what differs between two runs anyway."""
    listed: TenantSnapshot = take_snapshot(cakewalk)
    privileged = Privileged([], listed.apps)
    made = Populations(listed, cakewalk.user_statuses, cakewalk.request_statuses, privileged).tables()
    return [table.without("status").holding(table.rows) for table in made]


@pytest.fixture(scope="session")
def plain() -> dict[str, Any]:
    """What the tenant lists that speaks like the vendor's own samples."""
    return {}


@pytest.mark.parametrize("name", DIALECTS)
def test_the_answer_to_an_open_question_makes_no_difference(
    tenant: Sandbox, connect: Callable[..., Client], plain: dict[str, Any], name: str
) -> None:
    if not plain:
        plain["tables"] = tables(Tenant(connect()))
    tenant.configure(**DIALECTS[name])

    found = tables(Tenant(connect(), TAUGHT.get(name)))

    if name.startswith("unknown_values"):
        classes = {row["user_status_class"] for table in found if table.name == "accesses" for row in table.rows}
        assert "unknown" in classes
        return
    assert found == plain["tables"]


def test_requests_whose_status_nobody_knows_are_a_class_of_their_own(tenant: Sandbox, client: Client) -> None:
    tenant.configure(status_words="other")
    (requests,) = (table for table in tables(Tenant(client)) if table.name == "open_requests")
    assert {row["status_class"] for row in requests.rows} == {"unknown"}
    assert {row["request_id"] for row in requests.rows} == {row["id"] for row in tenant.state("requests")["requests"]}
