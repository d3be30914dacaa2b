# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a task asks for: what was predicted comes true, and a second look finds nothing to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.apply import apply
from contract.fixtures import CONFIRM_DELAYS, planned, task, writes
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from sandbox.process import Sandbox
from unit.core.results import steps

#: Managed groups of the small company, by name and by id alike.
_GROUPS = ("Engineering", "Sales", "Contractors")
_DIALECTS = st.fixed_dictionaries(
    {
        "page_size": st.sampled_from([3, 10, 100]),
        "links": st.sampled_from(["bff", "plain", "absolute"]),
        "cursor_name": st.sampled_from(["cursor", "page[cursor]"]),
        "next": st.sampled_from(["null", "absent"]),
        "readd_member": st.sampled_from(["201", "400", "409"]),
        "remove_non_member": st.sampled_from(["204", "404"]),
        "write_status": st.sampled_from(["documented", "200", "201", "204"]),
        "write_body": st.sampled_from(["documented", "none", "envelope"]),
        "extra_fields": st.sampled_from(["none", "some"]),
        "group_kind": st.sampled_from(["type", "hidden", "bare"]),
    }
)


def spelled(data: st.DataObject, row: dict[str, Any]) -> str:
    """Return one of the ways to name a person."""
    return data.draw(st.sampled_from([row["email"], row["email"].upper(), row["id"], row["id"].upper()]))


@given(data=st.data(), dialect=_DIALECTS)
@settings(examples(50), derandomize=True)
def test_apply_then_plan_again(
    tenant: Sandbox, connect: Callable[..., Client], data: st.DataObject, dialect: dict[str, Any]
) -> None:
    tenant.reset(**dialect)
    client = connect(requests_per_minute=0)
    state = tenant.state("users", "groups")
    people = {row["id"]: row for row in state["users"]}
    groups = {row["name"]: row for row in state["groups"]}
    active = [row for row in people.values() if row["status"] == "Active" and row["email"] != tenant.acting_user]

    entries = []
    for name in data.draw(st.lists(st.sampled_from(_GROUPS), min_size=1, max_size=3, unique=True)):
        held = [people[one] for one in groups[name]["members"] if people[one]["email"] != tenant.acting_user]
        wanted = data.draw(st.lists(st.sampled_from(active + held), max_size=12, unique_by=lambda row: row["id"]))
        entry = {"group": data.draw(st.sampled_from([name, groups[name]["id"]]))}
        users = [spelled(data, row) for row in wanted]
        entries.append({**entry, "users": users, "state": data.draw(st.sampled_from(["present", "absent", "exact"]))})
    options = {"max_removals": 1000, "allow_empty": True, "allow_inactive": data.draw(st.booleans())}
    params = task(tenant, *entries, **options)

    plan = planned(client, params)
    assert writes(tenant) == []
    assert (plan.before == plan.after) == (not plan.steps)
    outcome = apply(plan, client, CONFIRM_DELAYS)
    assert steps(outcome) == list(plan.steps)

    def emails(name: str) -> list[str]:
        now = {row["name"]: row for row in tenant.state("groups")["groups"]}
        return sorted(people[one]["email"] for one in now[name]["members"])

    before = {name: sorted(people[one]["email"] for one in row["members"]) for name, row in groups.items()}
    for name in groups:
        old, new = (
            {title.partition(" (")[0]: rows for title, rows in one.items()} for one in (plan.before, plan.after)
        )
        assert emails(name) == new.get(f"Members of {name}", before[name]), name
        assert before[name] == old.get(f"Members of {name}", before[name]), name
    again = planned(client, params)
    assert (again.steps, again.before, again.after) == ((), {}, {})
    assert again.result["summary"]["changed"] == 0


@pytest.mark.parametrize("after", [1, 2, 3])
def test_members_that_move_while_they_are_read_are_planned_rightly(tenant: Sandbox, client: Client, after: int) -> None:
    tenant.configure(page_size=5)
    tenant.change(
        "insert_user", after=after, operation="listUsersGroupUsers", email="new@example.com", group="Engineering"
    )
    members = [row["email"] for row in tenant.state("users")["users"][:1]]
    plan = planned(client, task(tenant, group="Engineering", users=members, state="exact", max_removals=1000))
    apply(plan, client, CONFIRM_DELAYS)
    state = tenant.state("users", "groups")
    emails = {row["id"]: row["email"] for row in state["users"]}
    assert sorted(emails[one] for one in state["groups"][0]["members"]) == next(iter(plan.after.values())) == members
