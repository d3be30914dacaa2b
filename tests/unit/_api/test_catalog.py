# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The endpoint table: paths, bodies and words by value."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.cakewalk.access.plugins.module_utils._api import catalog, writes
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import ConfigurationError
from ansible_collections.cakewalk.access.plugins.module_utils._api.operations import (
    Listing,
    Phase,
    Precondition,
    ReadResult,
    RowsPresent,
    Step,
)
from hypothesis import given
from hypothesis import strategies as st
from unit.people import group, uid, user

CONTRACT = Path(__file__).parents[2] / "sandbox" / "openapi.yaml"

ADA = user(1, "ada@example.com")
BEN = user(2, "ben@example.com")
CREW = group(1, "Crew")
GITHUB = {"id": uid(77), "name": "GitHub"}
CREW_PATH = f"/api/v1/UsersGroups/{CREW['id']}"
APP_PATH = f"/api/v1/WorkApps/{GITHUB['id']}"

LISTINGS = [
    (catalog.USERS.listing, "/api/v1/Users", "the users"),
    (catalog.GROUPS.listing, "/api/v1/UsersGroups", "the groups"),
    (catalog.APPS.listing, "/api/v1/WorkApps", "the apps"),
    (catalog.members(CREW), f"{CREW_PATH}/Users", "the members of the group 'Crew'"),
    (catalog.default_apps(CREW), f"{CREW_PATH}/DefaultWorkApps", "the default apps of the group 'Crew'"),
    (catalog.hidden_apps(CREW), f"{CREW_PATH}/HiddenWorkApps", "the hidden apps of the group 'Crew'"),
    (catalog.accesses(GITHUB), f"{APP_PATH}/Accesses", "the accesses of the app 'GitHub'"),
    (catalog.permission_levels(GITHUB), f"{APP_PATH}/PermissionLevels", "the permission levels of the app 'GitHub'"),
    (catalog.custom_fields(GITHUB), f"{APP_PATH}/CustomFields", "the custom fields of the app 'GitHub'"),
    (
        catalog.policies("grant_access").listing,
        "/api/v1/Policies/CompatiblePolicies/GrantAccessRequest",
        "the policies for grant_access",
    ),
    (catalog.REQUESTS, "/api/v1/Requests", "the requests"),
]

LEVEL, POLICY = {"id": uid(78), "name": "Admin"}, {"id": uid(79), "name": "Two approvals"}
STEPS = [
    writes.add_members(CREW, [ADA], BEN, False),
    *writes.remove_members(CREW, [ADA]),
    writes.request_access(GITHUB, ADA, LEVEL, BEN, "Work", frozenset()),
    writes.request_level(GITHUB, ADA, LEVEL, BEN, "Work", frozenset()),
    writes.request_removal(GITHUB, ADA, BEN, "Work", frozenset()),
    writes.record_accesses(GITHUB, [ADA], None),
    writes.assign_policy(GITHUB, None, "grant_access", POLICY, True),
    writes.assign_policy(GITHUB, LEVEL, "remove_access", POLICY, True),
    writes.set_custom_fields(GITHUB, {uid(80): "4711"}, ["Cost Center"]),
    writes.decide_task({"id": uid(81)}, "approved", catalog.TASK_STATUSES, "nothing"),
    writes.decide_task({"id": uid(81)}, "declined", catalog.TASK_STATUSES, "nothing"),
    writes.start_review("Spring", None, "manager", "2026-12-31T23:59:59Z", [GITHUB], BEN, None),
]


@pytest.mark.parametrize(("listing", "path", "what"), LISTINGS)
def test_lists(listing: Listing, path: str, what: str) -> None:
    assert (listing.path, listing.what, listing.query) == (path, what, ())


@pytest.fixture(scope="module")
def contract() -> dict[str, Any]:
    """The contract's document."""
    document: dict[str, Any] = yaml.load(CONTRACT.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return document


def test_every_request_is_in_the_contract(contract: dict[str, Any]) -> None:
    known = [
        (method.upper(), re.sub(r"\\{[^/]+\\}", "[^/]+", re.escape(path)))
        for path, operations in contract["paths"].items()
        for method in operations
    ]
    requests = [("GET", listing.path) for listing, _path, _what in LISTINGS]
    requests += [("GET", kind.record(uid(1)).path) for kind in catalog.KINDS.values()]
    requests += [("GET", catalog.task(uid(1)).path)]
    requests += [(step.method, step.path) for step in STEPS]
    for method, path in requests:
        assert any(method == one and re.fullmatch(pattern, path) for one, pattern in known), path


def test_every_write_of_the_contract_has_a_step(contract: dict[str, Any]) -> None:
    known = {
        (method.upper(), path)
        for path, operations in contract["paths"].items()
        for method in operations
        if method != "get"
    }
    taken = {
        (step.method, path)
        for step in STEPS
        for method, path in known
        if method == step.method and re.fullmatch(re.sub(r"\\{[^/]+\\}", "[^/]+", re.escape(path)), step.path)
    }
    assert taken == known


def test_accesses_are_keyed_by_person_and_level() -> None:
    row = {"id": "row", "user": {"id": "U"}, "permissionLevel": {"id": "L"}, "isOwner": False}
    assert catalog.accesses(GITHUB).key_of(row) == ("u", "l")


@pytest.mark.parametrize(
    ("kind", "path", "what"),
    [
        (catalog.USERS, "/api/v1/Users/7", "the user 7"),
        (catalog.GROUPS, "/api/v1/UsersGroups/7", "the group 7"),
        (catalog.APPS, "/api/v1/WorkApps/7", "the app 7"),
    ],
)
def test_single_things(kind: catalog.ResourceType, path: str, what: str) -> None:
    assert (kind.record("7").path, kind.record("7").what) == (path, what)


def test_kinds_are_found_by_the_names_of_their_options() -> None:
    assert [(name, kind.name, kind.key) for name, kind in catalog.KINDS.items()] == [
        ("users", "users", "email"),
        ("groups", "groups", "name"),
        ("apps", "apps", "name"),
    ]


@given(st.text(min_size=1))
def test_an_id_is_one_segment_of_a_path_whatever_it_holds(identifier: str) -> None:
    for path in (catalog.USERS.record(identifier).path, catalog.members({"id": identifier}).path):
        assert re.fullmatch(r"[A-Za-z0-9/._~%-]+", path)
    assert catalog.members({"id": identifier}).path.count("/") == 5


@pytest.mark.parametrize(("approve", "words"), [(True, ", their access requests approved at once"), (False, "")])
def test_an_addition_is_one_request_and_always_says_whether_it_approves(approve: bool, words: str) -> None:
    assert writes.add_members(CREW, [ADA, BEN], BEN, approve) == Step(
        f"add 2 people to the group 'Crew'{words}",
        "POST",
        f"{CREW_PATH}/Users",
        {"userIds": [ADA["id"], BEN["id"]], "triggeredByUserId": BEN["id"], "implicitlyApproveRequests": approve},
        phase=Phase.ADDITIONS,
        users=("ada@example.com", "ben@example.com"),
        postcondition=RowsPresent(catalog.members(CREW), present=frozenset({(ADA["id"],), (BEN["id"],)})),
    )


def test_removals_are_one_request_each() -> None:
    assert writes.remove_members(CREW, [ADA, {"id": BEN["id"]}]) == [
        Step(
            f"remove {name} from the group 'Crew'",
            "DELETE",
            f"{CREW_PATH}/Users/{person['id']}",
            users=(name,),
            phase=Phase.REMOVALS,
            postcondition=RowsPresent(catalog.members(CREW), absent=frozenset({(person["id"],)})),
        )
        for person, name in ((ADA, "ada@example.com"), (BEN, BEN["id"]))
    ]


TASK = {
    "id": uid(81),
    "status": "Pending",
    "isActionStep": True,
    "assignedUser": {"id": uid(2)},
    "request": {"requestType": "RemoveAccessRequest", "targetUserId": uid(1)},
}


def test_a_decision_is_proved_by_reading_the_task_before_and_after() -> None:
    step = writes.decide_task(TASK, "approved", catalog.TASK_STATUSES, "for Ada", ("ada@example.com",))
    record = catalog.task(uid(81))
    facts = dict.fromkeys(writes.TASK_FACTS) | {
        "status": "Pending",
        "isActionStep": True,
        "assignedUser.id": uid(2),
        "request.requestType": "RemoveAccessRequest",
        "request.targetUserId": uid(1),
    }
    assert step == Step(
        f"approve the task {uid(81)}, for Ada",
        "POST",
        f"/api/v1/Tasks/{uid(81)}/Approve",
        users=("ada@example.com",),
        phase=Phase.REMOVALS,
        postcondition=writes.TaskHasState(record, "approved", catalog.TASK_STATUSES),
        precondition=Precondition(record, tuple(facts.items())),
    )
    declining = writes.decide_task(TASK, "declined", catalog.TASK_STATUSES, "for Ada")
    assert (declining.action, declining.path) == (
        f"decline the task {uid(81)}, for Ada",
        f"/api/v1/Tasks/{uid(81)}/Decline",
    )
    assert declining.phase is not Phase.REMOVALS


def test_reviewers_and_the_facts_of_a_task_are_in_the_contract(contract: dict[str, Any]) -> None:
    schemas = contract["components"]["schemas"]
    assert sorted(catalog.REVIEWERS.values()) == sorted(schemas["AccessReviewType"]["enum"])
    text = json.dumps(schemas)
    assert [name for name in writes.TASK_FACTS if f'"{name.rpartition(".")[2]}": ' not in text] == []


@pytest.mark.parametrize("name", writes.TASK_FACTS)
def test_a_task_must_still_be_about_the_same_when_it_is_decided(name: str) -> None:
    guard = writes.decide_task(TASK, "approved", catalog.TASK_STATUSES, "").precondition
    assert guard is not None
    assert guard.violations(TASK) == []
    outer, _dot, inner = name.rpartition(".")
    changed: dict[str, Any] = {inner: "another"}
    for part in reversed(outer.split(".") if outer else []):
        changed = {part: changed}
    assert name in guard.violations({**TASK, **changed})


@pytest.mark.parametrize(
    ("status", "holds", "instead"),
    [
        ("Approved", True, "its status is 'Approved'"),
        ("GENEHMIGT", True, "its status is 'GENEHMIGT'"),
        ("Pending", False, "its status is 'Pending'"),
        ("Declined", False, "its status is 'Declined'"),
        (
            "Done",
            False,
            "its status is 'Done'; if that counts as such, list it under `known_statuses.task.approved`",
        ),
        (None, False, "its status is 'None'; if that counts as such, list it under `known_statuses.task.approved`"),
    ],
)
def test_what_shows_that_a_task_was_decided(status: str | None, holds: bool, instead: str) -> None:
    statuses = catalog.TASK_STATUSES.extended({"approved": ["Genehmigt"]})
    proof = writes.TaskHasState(catalog.task(uid(81)), "approved", statuses)
    reading = ReadResult(proof.source, [{**TASK, "status": status}])
    assert proof.holds(reading) is holds
    assert proof.explain(reading) == instead


def test_nobody_to_remove_is_no_step() -> None:
    assert writes.remove_members(CREW, []) == []


def test_proofs_compare_ids_without_regard_to_case() -> None:
    shouted = {"id": ADA["id"].upper()}
    step = writes.add_members(CREW, [shouted], BEN, False)
    assert step.body is not None
    assert step.body["userIds"] == [ADA["id"].upper()]
    assert step.postcondition is not None
    assert step.postcondition.holds(ReadResult(step.postcondition.source, [ADA]))


@pytest.mark.parametrize(
    ("spelling", "address"),
    [
        ("https://host", "https://host"),
        ("HTTPS://HOST/", "https://host"),
        ("https://host:443//", "https://host"),
        ("https://host.:0443", "https://host"),
        ("https://host:", "https://host"),
        ("http://HOST:80/Base/", "http://host/Base"),
        ("http://host:443", "http://host:443"),
        ("https://host:80", "https://host:80"),
        ("http://[::1]:80/", "http://[::1]"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_an_address_is_compared_in_one_spelling(spelling: str, address: str) -> None:
    assert catalog.address_of(spelling) == address


@pytest.mark.parametrize(
    ("record", "signs"),
    [
        ({}, ""),
        ({"type": None, "typeName": "", "name": "Dynamic duo", "description": "dynamic, managed, synced"}, ""),
        ({"type": 3, "kind": [], "source": {}, "syncSource": False}, ""),
        ({"type": "Managed"}, "edited here"),
        ({"kind": "CakewalkManaged", "syncSource": None}, "edited here"),
        ({"groupType": "CAKEWALK_MANAGED"}, "edited here"),
        ({"type": "managed by Cakewalk", "integrationSource": "Cakewalk", "isSynced": False}, "edited here"),
        ({"type": "Managed", "syncSource": "none", "syncState": "NotSynced"}, "edited here"),
        ({"type": "Managed", "resourceType": "UsersGroup"}, "edited here"),
        ({"type": "Unmanaged"}, ""),
        ({"type": "not managed"}, ""),
        ({"type": "Managed by Okta"}, ""),
        ({"type": "externally-managed"}, ""),
        ({"type": "NonDynamic"}, ""),
        ({"type": "non-dynamic"}, ""),
        ({"type": "Nondynamic"}, ""),
        ({"type": "Asynchronous"}, ""),
        ({"type": "Synced"}, "synced"),
        ({"typeName": "SYNCED_ASSIGNED"}, "synced"),
        ({"kind": "syncedAssigned"}, "synced"),
        ({"type": "Managed", "syncSource": "Okta"}, "synced"),
        ({"type": "Managed", "integrationSource": "Entra ID"}, "synced"),
        ({"integrationSource": {"id": CREW["id"], "name": "Okta"}}, "synced"),
        ({"source": "Google Workspace"}, "synced"),
        ({"isSynced": True}, "synced"),
        ({"lastSyncedAt": "2026-01-01T00:00:00Z"}, "synced"),
        ({"type": "Dynamic"}, "dynamic"),
        ({"typeName": "USERS_GROUP_DYNAMIC"}, "dynamic"),
        ({"kind": "dynamicGroup"}, "dynamic"),
        ({"membershipKind": "SYNCEDDynamic"}, "dynamic"),
        ({"type": "DynamicManaged"}, "dynamic"),
        ({"syncType": "dynamic"}, "dynamic"),
        ({"integrationSource": "Okta (dynamic)"}, "dynamic"),
        ({"type": {"name": "Dynamic"}}, "dynamic"),
        ({"types": ["Synced", {"value": "Dynamic"}]}, "dynamic"),
    ],
)
def test_the_kind_of_a_group_is_guessed_from_whole_words_of_its_record(record: dict[str, Any], signs: str) -> None:
    group = {**CREW, **record}
    assert catalog.is_dynamic(group) is (signs == "dynamic")
    assert catalog.is_synced(group) is (signs in ("dynamic", "synced"))
    assert catalog.is_edited_here(group) is (signs == "edited here")


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ({"id": "7", "name": "Crew"}, "'Crew'"),
        ({"id": "7", "name": "O'Hara"}, '"O\'Hara"'),
        ({"id": "7", "name": ""}, "7"),
        ({"id": "7"}, "7"),
        ({"id": "7", "name": "x" * 81}, f"'{'x' * 79}…'"),
    ],
)
def test_how_messages_call_a_thing(row: dict[str, Any], name: str) -> None:
    assert catalog.named(row) == name


def test_messages_show_no_control_characters_of_names() -> None:
    shown = catalog.named({"id": "7", "name": "a\x1b[31m\u202eb"})
    assert shown.isprintable()


def test_known_statuses_extend_the_tables() -> None:
    statuses = catalog.UserStatuses().extended({"may_act": ["Chief"], "may_receive_access": ["Parental leave"]})
    assert statuses == catalog.UserStatuses(
        may_act=frozenset({"Active", "Chief"}),
        may_receive_access=frozenset({"Active", "Invited", "Onboarding", "Parental leave"}),
    )


@pytest.mark.parametrize("known", [{}, {"may_act": None, "may_receive_access": None}, {"may_act": []}])
def test_without_known_statuses_the_tables_stay(known: dict[str, Any]) -> None:
    assert catalog.UserStatuses().extended(known) == catalog.UserStatuses()


def test_no_known_status_makes_leavers_receivers() -> None:
    leavers = catalog.UserStatuses().inactive
    assert leavers == {"Deactivated", "Offboarding", "Ignored"}
    extended = catalog.UserStatuses().extended({"may_receive_access": [*leavers, "Temp"]})
    assert extended.may_receive_access == {"Active", "Invited", "Onboarding", "Temp"}
    assert extended.inactive == leavers


def test_no_known_status_lets_leavers_act() -> None:
    assert catalog.UserStatuses().extended({"may_act": ["Deactivated", "Chief"]}).may_act == {"Active", "Chief"}


@pytest.mark.parametrize("name", catalog.INFERRED)
def test_every_inferred_name_stands_in_the_contract_with_its_note(contract: dict[str, Any], name: str) -> None:
    inferred = catalog.INFERRED[name]
    schema = contract["components"]["schemas"].get(inferred.place)
    if schema is not None:
        assert schema["x-inferred"]
        assert inferred.name in schema["properties"]
        assert inferred.note in schema["x-note"]
        return
    paths = contract["paths"].values()
    (operation,) = (one for path in paths for one in path.values() if one["operationId"] == inferred.place)
    (parameter,) = (one for one in operation["parameters"] if one.get("name") == inferred.name)
    assert parameter["x-inferred"]
    assert parameter["x-note"] == inferred.note


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("Approved", "approved"),
        ("PENDING", "actionable"),
        ("pending", "actionable"),
        ("Hibernating", None),
        ("", None),
        (None, None),
        (3, None),
        ("Pend\u0131ng", None),
    ],
)
def test_what_a_status_of_a_task_means(word: object, meaning: str | None) -> None:
    assert catalog.TASK_STATUSES.class_of(word) == meaning


def test_more_statuses_can_be_made_known_in_any_case() -> None:
    table = catalog.REQUEST_STATUSES.extended({"open": ["InReview"], "declined": None})
    assert table.class_of("INREVIEW") == "open"
    assert table.class_of("Pending") == "open"
    assert catalog.REQUEST_STATUSES.class_of("InReview") is None


@pytest.mark.parametrize("known", [{"declined": ["approved"]}, {"open": ["New"], "cancelled": ["NEW"]}])
def test_a_status_means_one_thing_only(known: dict[str, list[str] | None]) -> None:
    with pytest.raises(ConfigurationError, match="would be in"):
        catalog.REQUEST_STATUSES.extended(known)
