# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many requests it takes in a company of ten thousand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from playbooks.harness import MEMBERS, Playbooks, pages, play, stable_pages, task, writes
from sandbox.process import Sandbox

USERS, GROUPS = 10_000, 320


@pytest.fixture(scope="module")
def large() -> Iterator[Sandbox]:
    """A large company."""
    with Sandbox(users=USERS, groups=GROUPS, apps=20, rate_limit=0) as tenant:
        yield tenant


def requests(tenant: Sandbox) -> dict[str, int]:
    """Return how many requests of each operation the tenant received since its log was cleared."""
    return dict(Counter(entry["operation"] for entry in tenant.log()))


@pytest.mark.slow
def test_a_thousand_people_join_in_one_request(large: Sandbox, tmp_path: Path) -> None:
    for email in ("connor.contractor@example.com", "oscar.offboarding@example.com"):
        large.change("remove_member", group="Contractors", user=email)
    active = {user["email"] for user in large.state("users")["users"] if user["status"] == "Active"}
    people = sorted(active - {"sam.twin@example.com"})[:1000]
    joins = play(task("join", MEMBERS, {"group": "Contractors", "users": people}))
    playbooks = Playbooks(tmp_path, large)
    reading = {
        "listUsersGroups": stable_pages(GROUPS),
        "listUsersGroupUsers": pages(0),
        "listUsers": pages(USERS),
        "listUsersGroupDefaultWorkApps": pages(0),
    }

    large.clear_log()
    playbooks.run(joins, "--check").succeeded()
    assert requests(large) == reading

    large.clear_log()
    run = playbooks.run(joins).succeeded()
    # The members are read once more to see that they are there.
    read_back = {"listUsersGroupUsers": pages(0) + pages(1000)}
    assert requests(large) == {**reading, **read_back, "addUsersToGroup": 1}
    assert run["join"].data["summary"]["added"] == 1000

    large.clear_log()
    again = playbooks.run(joins).succeeded()
    assert not again["join"].changed
    assert requests(large) == {"listUsersGroups": stable_pages(GROUPS), "listUsersGroupUsers": pages(1000)}


@pytest.mark.slow
def test_converged_groups_cost_their_pages_only(large: Sandbox, tmp_path: Path) -> None:
    state = large.state("users", "groups")
    emails = {user["id"]: user["email"] for user in state["users"]}
    names = Counter(group["name"] for group in state["groups"])
    groups = [group for group in state["groups"] if names[group["name"]] == 1 and group["members"]][:200]
    memberships = [
        {"group": group["name"], "users": [emails[one] for one in group["members"]], "state": "exact"}
        for group in groups
    ]
    large.clear_log()
    run = Playbooks(tmp_path, large).run(play(task("all", MEMBERS, {"memberships": memberships}))).succeeded()
    assert run["all"].data["memberships"] == []
    assert run["all"].data["summary"]["unchanged"] == 200
    assert not writes(large.log())
    assert requests(large) == {
        "listUsersGroups": stable_pages(GROUPS),
        "listUsersGroupUsers": sum(stable_pages(len(group["members"])) for group in groups),
    }
