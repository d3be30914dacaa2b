# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""People who leave: whatever happens in the middle, the run goes on by id, and a proof tells what is left."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.apply import apply, dry_run
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.plan import (
    ApplyFailed,
    ApplyInterrupted,
    ApplyResult,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.tenant import Tenant
from ansible_collections.cakewalk.access.plugins.modules import cakewalk_leaver
from contract.fixtures import CONFIRM_DELAYS, CONNOR, ERIN, OLGA, SALLY, received, validated, writes
from playbooks.harness import pages
from sandbox.process import Sandbox

Data = dict[str, Any]


@pytest.fixture
def leave(tenant: Sandbox, client: Client, tmp_path: Path) -> Callable[..., tuple[ApplyResult, Data]]:
    """A run for some people; returns what was applied, and the result of the module."""

    def run(*people: str, warnings: list[str] | None = None, **options: Any) -> tuple[ApplyResult, Data]:
        given = {"people": [{"user": user, "confirm": user} for user in people], "acting_user": tenant.acting_user}
        given |= {"proof_dir": str(tmp_path), "wait_timeout": 0, "max_removal_percent": 100, **options}
        cakewalk = Tenant(client)
        cakewalk.warnings = [] if warnings is None else warnings
        plan = cakewalk_leaver.plan(validated(cakewalk_leaver.SPEC, tenant, given), cakewalk)
        try:
            applied = apply(plan, client, CONFIRM_DELAYS)
        except (ApplyFailed, ApplyInterrupted) as error:
            applied = error.result
        result: Data = {}
        for stage in applied.stages:
            result |= stage.result
        return applied, result

    return run


@pytest.fixture
def foresee(tenant: Sandbox, client: Client, tmp_path: Path) -> Callable[..., Data]:
    """A dry run for somebody, which reads what a run reads before its first write."""

    def run(user: str) -> Data:
        given = {"user": user, "confirm": user, "acting_user": tenant.acting_user, "proof_dir": str(tmp_path)}
        foreseen = dry_run(cakewalk_leaver.plan(validated(cakewalk_leaver.SPEC, tenant, given), Tenant(client)))
        return dict(foreseen.stages[-1].result)

    return run


def proofs(folder: Path) -> dict[str, Data]:
    """Return the proofs by the address of the person."""
    documents = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("leaver-*.json")]
    return {document["user"]["email"]: document for document in documents}


def groups_of(tenant: Sandbox, user_id: str) -> list[str]:
    """Return the groups of a person about which no other directory decides."""
    groups = tenant.state("groups")["groups"]
    return [group["name"] for group in groups if user_id in group["members"] and group["type"] == "Managed"]


def asked_for(tenant: Sandbox, user_id: str) -> set[str]:
    """Return the apps for which the removal of a person's access is requested."""
    requests = tenant.state("requests")["requests"]
    return {row["app_id"] for row in requests if row["target_id"] == user_id and row["type"] == "RemoveAccessRequest"}


def held(tenant: Sandbox, user_id: str) -> set[str]:
    """Return the managed apps that a person has access to."""
    apps = tenant.state("apps")["apps"]
    return {
        app["id"]
        for app in apps
        if app["status"] == "Managed" and any(access["user_id"] == user_id for access in app["accesses"])
    }


CHANGES: dict[str, Data] = {
    "renamed": {"change": "set_email", "email": "x@example.com"},
    "given to somebody else": {"change": "set_email", "email": SALLY},
    "offboarded": {"change": "set_status", "status": "Offboarding"},
    "deactivated": {"change": "set_status", "status": "Deactivated"},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("operation", ["removeUserFromGroup", "createRemoveAccessRequest"])
def test_a_person_who_changes_in_the_middle_is_carried_to_the_end(
    tenant: Sandbox, leave: Callable[..., tuple[ApplyResult, Data]], tmp_path: Path, change: Data, operation: str
) -> None:
    identifier = tenant.find("users", CONNOR)["id"]
    tenant.change("add_member", group="Engineering", user=CONNOR)
    expected = held(tenant, identifier)
    tenant.change(**change, user=CONNOR, after=1, operation=operation)

    _applied, result = leave(CONNOR)

    assert groups_of(tenant, identifier) == []
    assert asked_for(tenant, identifier) == expected != set()
    (entry,) = result["people"]
    assert (entry["user"]["id"], entry["errors"]) == (identifier, [])
    (proof,) = proofs(tmp_path).values()
    assert (proof["user"]["email"], proof["after"]["looks"]) == (CONNOR, 2)
    assert len(proof["writes"]) == len(writes(tenant))


def test_what_somebody_else_removed_meanwhile_is_no_failure(
    tenant: Sandbox, leave: Callable[..., tuple[ApplyResult, Data]]
) -> None:
    """The access goes with the group, after it was read and before its removal is requested."""
    for app in ("GitHub", "Google Workspace"):
        tenant.change("remove_access", app=app, user=ERIN, after=1, operation="removeUserFromGroup")
    tenant.change("remove_member", group="Okta Everyone", user=ERIN)

    applied, result = leave(ERIN)

    assert (applied.goal_reached, result["complete"], result["people"][0]["errors"]) == (True, True, [])


#: What shows late, each with the write that does not show it, and what the last look then lists.
LATE: dict[str, tuple[Data, str, list[str]]] = {
    "the end of a membership": ({"change": "remove_member", "group": "Engineering"}, "removeUserFromGroup", []),
    "the end of access": ({"change": "remove_access", "app": "GitHub"}, "createRemoveAccessRequest", []),
    "a request": (
        {"change": "open_request", "kind": "remove", "app": "GitHub"},
        "createRemoveAccessRequest",
        ["GitHub (Read, Write)"],
    ),
}


@pytest.mark.parametrize("answer", [202, 204, 409, 500])
@pytest.mark.parametrize("case", LATE)
def test_what_shows_only_in_the_last_look_is_no_failure(
    tenant: Sandbox, leave: Callable[..., tuple[ApplyResult, Data]], tmp_path: Path, case: str, answer: int
) -> None:
    """Whatever the answer to the write was, the run tells what its proof tells."""
    change, operation, waiting = LATE[case]
    tenant.change("remove_member", group="Okta Everyone", user=ERIN)
    tenant.change("remove_access", app="Google Workspace", user=ERIN)
    tenant.fault(operation, answer)
    # Only the last looks list the groups again.
    after = pages(len(tenant.state("groups")["groups"])) + 1
    tenant.change(**change, user=ERIN, after=after, operation="listUsersGroups")
    if operation == "removeUserFromGroup":
        tenant.change("remove_access", app="GitHub", user=ERIN)

    applied, result = leave(ERIN, fail_on_left=False)

    (entry,) = result["people"]
    assert (entry["errors"], [one["name"] for one in entry["waiting"]], entry["by_hand"]) == ([], waiting, [])
    assert (applied.goal_reached, result["complete"]) == (True, not waiting)
    (proof,) = proofs(tmp_path).values()
    assert {write["status"] for write in proof["writes"]} <= {"done", "already"}
    assert not any("verified" in write for write in proof["writes"])


def test_a_list_that_cannot_be_read_after_a_write_and_can_at_the_end_is_no_failure(
    tenant: Sandbox, leave: Callable[..., tuple[ApplyResult, Data]]
) -> None:
    for app in ("GitHub", "Google Workspace"):
        tenant.change("remove_access", app=app, user=ERIN)
    tenant.change("remove_member", group="Okta Everyone", user=ERIN)
    groups = tenant.state("groups")["groups"]
    first_look = sum(pages(len(group["members"])) for group in groups)
    tenant.fault("listUsersGroupUsers", "html", count=2, skip=first_look)

    applied, result = leave(ERIN)

    assert tenant.faults() == []
    assert (applied.goal_reached, result["complete"], applied.as_result()["errors"]) == (True, True, [])


def test_no_more_is_removed_than_was_allowed_before_the_first_write(
    tenant: Sandbox, leave: Callable[..., tuple[ApplyResult, Data]], tmp_path: Path
) -> None:
    """Two removals are requested already, so one is counted; the requests are withdrawn in the middle."""
    tenant.change("remove_member", group="Okta Everyone", user=ERIN)
    for app in ("GitHub", "Google Workspace"):
        tenant.change("open_request", kind="remove", app=app, user=ERIN)
    erin = tenant.find("users", ERIN)["id"]
    for row in tenant.state("requests")["requests"]:
        if row["target_id"] == erin:
            tenant.change("cancel_request", request=row["id"], user=ERIN, after=1, operation="removeUserFromGroup")

    _applied, result = leave(ERIN, max_removals=1)

    assert [method for method, _path in writes(tenant)] == ["DELETE"]
    (message,) = result["people"][0]["errors"]
    assert "carry out 3 removals" in message
    assert all(f"{ERIN} from '{name}'" in message for name in ("Engineering", "GitHub", "Google Workspace"))
    assert proofs(tmp_path)[ERIN]["complete"] is False


def test_the_failure_of_one_person_stops_nobody_else(
    tenant: Sandbox, leave: Callable[..., tuple[ApplyResult, Data]], tmp_path: Path
) -> None:
    """Two answers are lost in the middle of a run for three people, and what they were about is not done."""
    people = (ERIN, SALLY, OLGA)
    ids = {user: tenant.find("users", user)["id"] for user in people}
    tenant.fault("removeUserFromGroup", 500)
    tenant.fault("createRemoveAccessRequest", 503, skip=1)

    applied, result = leave(*people)

    entries = {entry["user"]["email"]: entry for entry in result["people"]}
    assert list(entries) == list(people)
    failed = [user for user, entry in entries.items() if entry["errors"]]
    assert 0 < len(failed) < 3
    for user in people:
        left = bool(groups_of(tenant, ids[user])) or asked_for(tenant, ids[user]) < held(tenant, ids[user])
        assert left == (user in failed)
    assert result["summary"]["failed"] == len(failed)
    assert set(proofs(tmp_path)) == set(people)
    assert not applied.goal_reached


def test_many_people_cost_one_reading_before_and_two_after(
    tenant: Sandbox, leave: Callable[..., tuple[ApplyResult, Data]]
) -> None:
    """And the requests once more after the groups. The people who may approve are asked only if they are few."""
    people = [user["email"] for user in tenant.state("users")["users"] if user["email"] != tenant.acting_user]
    people = [email for email in people if people.count(email) == 1][:30]
    tenant.clear_log()

    leave(*people)

    # To name approvers costs requests for people and tasks.
    naming = ("listTasks", "getTask", "listUsers", "getUser")
    readings = Counter(
        (entry["operation"], entry["path"])
        for entry in tenant.log(method="GET")
        if "cursor" not in str(entry.get("query")).lower()
    )
    tasks = [number for (operation, _path), number in readings.items() if operation == "listTasks"]
    others = {key: number for key, number in readings.items() if key[0] not in naming}
    written = {entry["path"].rpartition("/")[0] for entry in tenant.log(method="DELETE")}
    assert {number for (operation, path), number in others.items() if path in written} == {4}
    others = {key: number for key, number in others.items() if key[1] not in written}
    assert {number for (operation, _path), number in others.items() if operation != "listRequests"} == {3}
    assert [number for (operation, _path), number in others.items() if operation == "listRequests"] == [4]
    assert sum(tasks) <= 3 * len(people) + 20
    assert len(received(tenant, "listUsers")) == pages(len(tenant.state("users")["users"]))


def test_a_run_that_can_write_no_proof_writes_nothing(
    tenant: Sandbox, leave: Callable[..., tuple[ApplyResult, Data]], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    applied, _result = leave(ERIN, proof_dir=str(tmp_path / "file"))
    assert (writes(tenant), applied.changed) == ([], False)


@pytest.mark.parametrize("hidden", [{"owner"}, {"owner", "isOwner"}])
def test_an_owner_who_is_not_shown_is_warned_of(
    tenant: Sandbox,
    client: Client,
    leave: Callable[..., tuple[ApplyResult, Data]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    hidden: set[str],
) -> None:
    """The marks of access show an owner until the access is gone."""
    record, reading = client.record, client.reading

    def without(row: Data) -> Data:
        return {name: value for name, value in row.items() if name not in hidden}

    def hiding(listing: Any) -> Any:
        found = reading(listing)
        return replace(found, rows=[without(row) for row in found.rows])

    apps = [app for app in tenant.state("apps")["apps"] if app["owner_id"] == tenant.find("users", OLGA)["id"]]
    owned = {app["id"] for app in apps}
    monkeypatch.setattr(client, "record", lambda resource: without(record(resource)))
    monkeypatch.setattr(client, "reading", hiding)
    warnings: list[str] = []
    _applied, result = leave(OLGA, warnings=warnings)
    (proof,) = proofs(tmp_path).values()
    shown = {one["id"] for one in proof["after"]["ownerships"]}
    assert shown | {one["id"] for one in proof["after"]["unseen_ownerships"]} >= owned
    assert bool(shown) == ("isOwner" not in hidden)
    (entry,) = result["people"]
    ownerships = {one["id"]: one["is_only_owner"] for one in entry["by_hand"] if one["what"] == "ownership"}
    assert ownerships == dict.fromkeys(shown)
    assert entry["unseen_ownerships"] == proof["after"]["unseen_ownerships"]
    assert result["stats"]["leaver_unseen_ownerships"] == len(entry["unseen_ownerships"]) > 0
    (warning,) = (one for one in warnings if "not shown who owns" in one)
    assert all(repr(app["name"]) in warning for app in apps if app["id"] not in shown)


@pytest.mark.parametrize("operation", ["listUsersGroups", "listRequests", "listWorkAppAccesses", "listTasks"])
def test_what_cannot_be_read_at_the_end_is_not_proved(
    tenant: Sandbox,
    leave: Callable[..., tuple[ApplyResult, Data]],
    foresee: Callable[..., Data],
    tmp_path: Path,
    operation: str,
) -> None:
    foresee(ERIN)
    # The requests are read once more after the groups.
    first_look = len(received(tenant, operation)) + (operation == "listRequests")
    tenant.fault(operation, 500, count=99, skip=first_look)

    applied, result = leave(ERIN)

    (proof,) = proofs(tmp_path).values()
    assert (applied.goal_reached, result["complete"], proof["complete"], proof["after"]) == (False, False, False, None)
    assert "nothing is proved" in proof["statement"]
    assert proof["errors"] == result["people"][0]["errors"] != []
    assert [write["status"] for write in proof["writes"]] == ["done"] * len(writes(tenant))
