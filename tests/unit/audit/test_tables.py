# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Populations made of what a tenant listed, and what changed between two of them, by value."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.catalog import REQUEST_STATUSES, UserStatuses
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import ConfigurationError
from ansible_collections.cakewalk.access.plugins.module_utils._engine.audit import comparison
from ansible_collections.cakewalk.access.plugins.module_utils._engine.audit.bundle import FORMAT, Bundle, BundleRefused
from ansible_collections.cakewalk.access.plugins.module_utils._engine.audit.manifest import facts_of, warnings_of
from ansible_collections.cakewalk.access.plugins.module_utils._engine.audit.privileges import Privileged, check_rules
from ansible_collections.cakewalk.access.plugins.module_utils._engine.audit.pseudonyms import Pseudonymizer
from ansible_collections.cakewalk.access.plugins.module_utils._engine.audit.snapshot import (
    TenantSnapshot,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.audit.table import Table
from ansible_collections.cakewalk.access.plugins.module_utils._engine.audit.tables import (
    ACCESSES,
    Populations,
    agreement,
    tables_of,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.lookup import LookupFailed
from unit.people import group, uid, user

ADA, BEN, EVE = user(1, "ada@example.com"), user(2, "ben@example.com", "Offboarding"), user(3, "eve@example.com", "Odd")
READ = {"id": uid(60), "name": "Read", "isPrivileged": False}
ADMIN = {"id": uid(61), "name": "Admin", "isPrivileged": True}
MUTE = {"id": uid(62), "name": "Mute"}
GITHUB = {"id": uid(50), "name": "GitHub", "statusName": "Managed", "owner": ADA, "numberOfAccounts": 2}
WIKI = {"id": uid(51), "name": "Wiki", "owner": None, "numberOfAccounts": 7}
OLD = {"id": uid(52), "name": "Old"}
TEAM = group(1, "Team")


def access(person: dict[str, Any], level: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a row of an app's accesses, which spells ids in another case."""
    return {"user": {"id": person["id"].upper()}, "permissionLevel": level, "isOwner": False}


def request(number: int, status: str | None = "Pending", **members: Any) -> dict[str, Any]:
    """Return a request of Ben's for reading GitHub."""
    about = {"targetUserId": BEN["id"], "workAppId": GITHUB["id"], "permissionLevelId": READ["id"]}
    times = {"createdAt": "2026-01-01T01:00:00+02:00", "updatedAt": "2026-01-02T00:00:00.123Z"}
    named = {"id": uid(number), "requestType": "GrantAccessRequest", "requestStatus": status}
    return {**named, **about, **times, "requestedByUserId": ADA["id"], "requestPurpose": "Why", **members}


LISTED = TenantSnapshot(
    begun="2026-01-11T00:00:00Z",
    ended="2026-01-11T00:00:09Z",
    time=datetime(2026, 1, 11, tzinfo=timezone.utc),
    users=[ADA, BEN, EVE],
    groups=[TEAM],
    members=[[ADA, EVE]],
    apps=[GITHUB, WIKI, OLD],
    accesses=[[access(ADA, READ), access(ADA, ADMIN), access(BEN, MUTE)], [access(BEN)], []],
    requests=[request(70), request(71, "Approved"), request(72, "Odd", targetUserId=uid(9), createdAt=None)],
)


def made(listed: TenantSnapshot = LISTED, rules: Any = (), **options: Any) -> tuple[dict[str, Table], Populations]:
    """Return the tables by name, and what made them."""
    given = [{"app": None, "permission_level": None, **rule} for rule in rules]
    found = Populations(listed, UserStatuses(), REQUEST_STATUSES, Privileged(given, listed.apps), **options)
    return {table.name: table for table in found.tables()}, found


def cells(table: Table, *names: str) -> list[tuple[Any, ...]]:
    """Return some columns of a table."""
    return [tuple(row[name] for name in names) for row in table.rows]


def test_accesses_tell_who_has_what_and_whether_it_is_privileged() -> None:
    tables, _found = made()
    assert cells(tables["accesses"], "app", "permission_level", "user_email", "user_status_class", "privileged") == [
        ("GitHub", "Admin", "ada@example.com", "current", "marked"),
        ("GitHub", "Mute", "ben@example.com", "inactive", "unknown"),
        ("GitHub", "Read", "ada@example.com", "current", "no"),
        ("Wiki", None, "ben@example.com", "inactive", "no"),
    ]
    assert cells(tables["privileged_accesses"], "permission_level") == [("Admin",), ("Mute",)]


#: Rules, and who is named by them.
RULES: dict[str, tuple[list[dict[str, str]], list[tuple[str, str | None]]]] = {
    "an app": ([{"app": "Wiki"}], [("Wiki", None)]),
    "an app by id": ([{"app": WIKI["id"].upper()}], [("Wiki", None)]),
    "a level in any case": ([{"permission_level": "read"}], [("GitHub", "Read")]),
    "a level by id": ([{"permission_level": READ["id"]}], [("GitHub", "Read")]),
    "a level of another app": ([{"app": "Wiki", "permission_level": "Read"}], []),
    "what is marked stays marked": ([{"app": "GitHub", "permission_level": "Admin"}], []),
    "what does not tell": ([{"app": "GitHub", "permission_level": "Mute"}], [("GitHub", "Mute")]),
}


@pytest.mark.parametrize("case", RULES)
def test_what_the_option_names(case: str) -> None:
    rules, wanted = RULES[case]
    tables, _found = made(rules=rules)
    rows = tables["privileged_accesses"].rows
    assert [(row["app"], row["permission_level"]) for row in rows if row["privileged"] == "named"] == wanted


def test_rules_that_mean_nothing() -> None:
    for rule, level in ((None, None), (None, " "), ("Wiki", "")):
        with pytest.raises(ConfigurationError, match="entry 1"):
            check_rules([{"app": "Wiki", "permission_level": None}, {"app": rule, "permission_level": level}])
    with pytest.raises(LookupFailed, match="Wikki"):
        made(rules=[{"app": "Wikki"}])
    rules = [{"app": "Wiki", "permission_level": "Gone"}, {"app": "Wiki"}]
    privileged = Privileged([{"app": None, "permission_level": None, **rule} for rule in rules], LISTED.apps)
    assert privileged.verdict(WIKI, None) == "named"
    assert list(privileged.unused.values()) == ["'Gone' of 'Wiki'"]


FINDINGS = [
    {"rule": "A", "severity": "low", "rule_state": "violated", "user_id": None, "finding": "too few"},
    {
        "rule": "R",
        "severity": "high",
        "rule_state": "violated",
        "user_id": ADA["id"].lower(),
        "finding": "Ada holds it",
    },
    {"rule": "R", "severity": "high", "rule_state": "unknown", "user_id": None, "finding": "not known"},
]


def test_findings_of_rules_name_people_as_other_tables_do_and_without_rules_there_is_no_table() -> None:
    assert "violations" not in made()[0]
    rows = made(findings=FINDINGS)[0]["violations"]
    assert cells(rows, "rule", "rule_state", "user_email", "user_id", "finding") == [
        ("R", "violated", "ada@example.com", ADA["id"].lower(), "Ada holds it"),
        ("R", "unknown", None, None, "not known"),
        ("A", "violated", None, None, "too few"),
    ]
    assert not made(findings=[])[0]["violations"].rows


def test_members_apps_without_owner_and_counts() -> None:
    tables, _found = made()
    assert cells(tables["group_members"], "group", "user_email", "user_status_class") == [
        ("Team", "ada@example.com", "current"),
        ("Team", "eve@example.com", "unknown"),
    ]
    assert cells(tables["ownerless_apps"], "app", "owner", "people") == [("Old", "not shown", 0), ("Wiki", "none", 1)]
    assert cells(tables["account_counts"], "app", "accesses", "people", "number_of_accounts", "agrees") == [
        ("GitHub", 3, 2, 2, "yes"),
        ("Old", 0, 0, None, "not shown"),
        ("Wiki", 1, 1, 7, "no"),
    ]
    assert agreement(3, accesses=3, people=2) == "as access"


def test_who_is_on_the_way_out_or_unclear_and_has_something() -> None:
    owned = replace(LISTED, apps=[{**GITHUB, "owner": user(4, "dan@example.com", "Deactivated")}, WIKI, OLD])
    tables, found = made(owned)
    names = ("user_email", "user_status_class", "accesses", "privileged_accesses", "groups", "owned_apps")
    assert cells(tables["inactive_people"], *names) == [
        ("ben@example.com", "inactive", 2, 1, 0, 0),
        ("dan@example.com", "inactive", 0, 0, 0, 1),
        ("eve@example.com", "unknown", 0, 0, 1, 0),
    ]
    assert found.unknown == {"user status Odd": 1, "request status Odd": 1}


def test_a_status_that_is_no_text_is_unknown() -> None:
    tables, _found = made(
        replace(LISTED, users=[{**ADA, "statusName": ["Active"]}, BEN, EVE], members=[[{"id": ADA["id"]}]])
    )
    assert cells(tables["group_members"], "user_status", "user_status_class") == [("['Active']", "unknown")]


def test_statuses_that_are_taught() -> None:
    statuses = UserStatuses().extended({"may_act": ["Odd"]})
    found = Populations(LISTED, statuses, REQUEST_STATUSES, Privileged([], LISTED.apps))
    tables = {table.name: table for table in found.tables()}
    assert cells(tables["inactive_people"], "user_email") == [("ben@example.com",)]


def test_open_requests_and_those_of_which_nobody_knows() -> None:
    tables, _found = made()
    names = ("age_days", "request_type", "status_class", "target_email", "app", "permission_level", "created_at")
    names += ("updated_at", "requester_email")
    assert cells(tables["open_requests"], *names) == [
        (
            *(10, "grant_access", "open", "ben@example.com", "GitHub", "Read"),
            *("2025-12-31T23:00:00Z", "2026-01-02T00:00:00Z", "ada@example.com"),
        ),
        (None, "grant_access", "unknown", None, "GitHub", "Read", None, "2026-01-02T00:00:00Z", "ada@example.com"),
    ]
    assert "purpose" not in tables["open_requests"].rows[0]
    with_purposes, _found = made(with_purposes=True)
    assert cells(with_purposes["open_requests"], "purpose") == [("Why",), ("Why",)]


@pytest.mark.parametrize("owner", [{"id": 5}, {"id": None}, {"name": "Nobody"}, "somebody", []])
def test_an_owner_of_another_form_is_left_out(owner: Any) -> None:
    tables, _found = made(replace(LISTED, apps=[{**GITHUB, "owner": owner}, *LISTED.apps[1:]]))
    assert "Owned apps" in [column.title for column in tables["inactive_people"].columns]
    assert tables["inactive_people"].rows == made()[0]["inactive_people"].rows


def test_warnings_name_what_is_not_clear() -> None:
    tables, found = made()
    unclear, unused, differing = warnings_of(sorted(found.unknown.items()), ["'Gone'"], list(tables.values()))
    assert "request status Odd (1), user status Odd (1)" in unclear
    assert "'Gone'" in unused
    assert "listed: Wiki. " in differing
    fine = [table.holding([]) for table in tables.values()]
    assert warnings_of([], [], fine) == []


def earlier(tables: dict[str, Table], **manifest: Any) -> Bundle:
    """Return a bundle of these tables."""
    texts = {f"{name}.json": table.as_json() for name, table in tables.items()}
    told = {"format": FORMAT, "base_url": "https://t", "masking": None, "listed_between": ["a", "b"], "privileged": []}
    return Bundle("/b", {**told, **manifest}, {"manifest.json": "{}", **texts})


def test_what_was_gained_and_lost() -> None:
    before, _found = made()
    now = replace(
        LISTED,
        accesses=[[access(ADA, READ), access(BEN, MUTE)], [access(BEN), access(EVE)], []],
        members=[[ADA]],
        requests=[request(73)],
    )
    after, _found = made(now)

    changes = comparison.changes(earlier(before), list(after.values()))

    assert cells(changes, "population", "change", "app", "permission_level", "group", "user_email") == [
        ("accesses", "gained", "Wiki", None, None, "eve@example.com"),
        ("accesses", "lost", "GitHub", "Admin", None, "ada@example.com"),
        ("group_members", "lost", None, None, "Team", "eve@example.com"),
        ("open_requests", "gained", "GitHub", "Read", None, "ben@example.com"),
        ("open_requests", "lost", "GitHub", "Read", None, "ben@example.com"),
        ("open_requests", "lost", "GitHub", "Read", None, None),
        ("privileged_accesses", "lost", "GitHub", "Admin", None, "ada@example.com"),
    ]
    assert comparison.totals(changes)["open_requests"] == {"gained": 1, "lost": 2}
    assert comparison.changes(earlier(after), list(after.values())).rows == ()


def test_a_new_name_or_status_is_neither_gained_nor_lost() -> None:
    before, _found = made()
    renamed = replace(
        LISTED, users=[{**ADA, "email": "a@example.com"}, BEN, EVE], apps=[{**GITHUB, "name": "Hub"}, WIKI, OLD]
    )
    after, _found = made(renamed)
    assert comparison.changes(earlier(before), list(after.values())).rows == ()


def test_what_cannot_be_compared() -> None:
    tables, _found = made()
    comparison.comparable(earlier(tables), "https://t", None)
    masks = Pseudonymizer("k" * 32)
    comparison.comparable(earlier(tables, masking={"key_check": masks.key_check}), "https://t", masks.key_check)
    comparison.comparable(earlier(tables), "HTTPS://T:443/", None)
    for base_url, key_check in (("https://other", None), ("https://[", None), ("https://t", masks.key_check)):
        with pytest.raises(BundleRefused):
            comparison.comparable(earlier(tables), base_url, key_check)
    for text in ('{"rows": [{}]}', '{"rows": 1}', "[]", "no JSON"):
        spoilt = earlier(tables)
        with pytest.raises(BundleRefused):
            Bundle("/b", spoilt.manifest, {**spoilt.texts, "accesses.json": text}).rows(ACCESSES)


def test_the_manifest_masks_what_the_tables_mask() -> None:
    rules = [{"app": "GitHub", "permission_level": None}]
    about = {"base_url": "https://t", "listed_between": ["a", "b"], "purposes": False, "privileged": rules}
    paths = ["/api/v1/UsersGroups", f"/api/v1/UsersGroups/{TEAM['id']}", f"/api/v1/UsersGroups/{TEAM['id']}/Users"]
    queries = [{"path": path, "rows": 2, "pages": 2} for path in paths]
    evidence = {**about, "access_rules": None, "queries": queries}
    plain, masks = facts_of(evidence, None, None, operator={}, tool={}), Pseudonymizer("k" * 32)
    assert plain["privileged"] == rules
    assert plain["queries"] == queries
    masked = facts_of(evidence, masks, None, operator={}, tool={})
    assert masked["privileged"] == [{"app": masks.pseudonym("name", "GitHub"), "permission_level": None}]
    assert [query["path"] for query in masked["queries"]] == [
        path.replace(TEAM["id"], masks.pseudonym("id", TEAM["id"])) for path in paths
    ]


@pytest.mark.parametrize("with_purposes", [True, False])
def test_tables_survive_the_way_from_the_module_to_its_action(with_purposes: bool) -> None:
    tables, _found = made(with_purposes=with_purposes, findings=FINDINGS if with_purposes else None)
    rows = {name: [list(row.values()) for row in table.rows] for name, table in tables.items()}
    evidence = json.loads(json.dumps({"rows": rows, "purposes": with_purposes}))
    assert tables_of(evidence) == list(tables.values())
