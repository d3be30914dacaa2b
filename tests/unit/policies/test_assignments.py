# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is sent, and what of it changes anything."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.catalog import policies
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import ConfigurationError
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.guardrails import LimitExceeded
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.lookup import Index, Row
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.plan import changed_lines
from ansible_collections.cakewalk.access.plugins.module_utils._engine.policies.assignments import (
    Assignment,
    assess,
    check_assignments,
    check_options,
    folded_states_of,
    remark_of,
    states_of,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.policies.rules import PolicyTarget
from ansible_collections.cakewalk.access.plugins.module_utils._engine.storage.ledger import LedgerEntry
from unit.people import uid
from unit.policies.samples import app, entry, entry_of, level, options, policy, rule

NOW = datetime(2026, 7, 1, 12, tzinfo=timezone.utc)
GITHUB = app(1, "GitHub")
WANTED, OTHER = policy(1, "Two approvals"), policy(2, "App owner")
LISTED = {"grant_access": Index(policies("grant_access"), [WANTED, OTHER])}
TARGET = PolicyTarget(entry_of(rule(), GITHUB, None, WANTED))


def remembered(the_policy: Row, age: timedelta = timedelta(hours=1), **more: Any) -> LedgerEntry:
    return LedgerEntry({"policy_id": the_policy["id"], **more}, NOW - age)


def assessed(known: LedgerEntry | None, **given: Any) -> Assignment:
    return assess(TARGET, known, LISTED, options(**given), NOW)


def planned(
    the_app: Row, the_level: Row | None = None, known: LedgerEntry | None = None, previous: Any = None
) -> Assignment:
    return Assignment(PolicyTarget(entry_of(rule(), the_app, the_level, WANTED)), known, previous, True)


@pytest.mark.parametrize(
    ("known", "changed", "basis", "previous"),
    [
        (None, True, "none", None),
        (remembered(WANTED), False, "ledger", "Two approvals"),
        (remembered({"id": WANTED["id"].upper()}), False, "ledger", "Two approvals"),
        (remembered(OTHER, policy="An old name"), True, "ledger", "App owner"),
        (remembered(policy(3), policy="Gone"), True, "ledger", "Gone"),
        (remembered(policy(3)), True, "ledger", uid(4003)),
        (LedgerEntry({}, NOW), True, "ledger", ""),
    ],
)
def test_what_changes_is_told_from_the_ledger(
    known: LedgerEntry | None, changed: bool, basis: str, previous: Any
) -> None:
    assignment = assessed(known, enforce="always")
    assert assignment.sent
    assert (assignment.changed, assignment.as_result()["changed_basis"], assignment.previous) == (
        changed,
        basis,
        previous,
    )


def test_without_a_ledger_everything_counts_as_changed() -> None:
    assignment = assessed(None)
    assert (assignment.sent, assignment.changed, assignment.as_result()["changed_basis"]) == (True, True, "none")


@pytest.mark.parametrize(
    ("age", "max_age", "sent"),
    [
        (timedelta(), 24, False),
        (timedelta(hours=23, minutes=59), 24, False),
        (timedelta(hours=24), 24, True),
        (timedelta(hours=25), 48, False),
        (timedelta(), 0, True),
        (timedelta(days=10_000), 10**12, False),
        (timedelta(seconds=-1), 24, True),
    ],
)
def test_only_what_is_known_and_young_is_not_sent(age: timedelta, max_age: int, sent: bool) -> None:
    assignment = assessed(remembered(WANTED, age), enforce="on_change", ledger_max_age=max_age)
    assert (assignment.sent, assignment.changed) == (sent, False)
    assert assessed(remembered(WANTED, age), enforce="always", ledger_max_age=max_age).sent


@pytest.mark.parametrize("known", [None, remembered(OTHER)])
def test_what_changes_is_always_sent(known: LedgerEntry | None) -> None:
    assignment = assessed(known, enforce="on_change")
    assert assignment.sent
    assert assignment.changed


def test_states_tell_what_changes_by_app_and_target() -> None:
    admin, read = level(1, "Admin"), level(2, "Read")
    changing = [
        planned(GITHUB),
        planned(GITHUB, admin, remembered(OTHER), "App owner"),
        planned(GITHUB, read, remembered(WANTED), "Two approvals"),
        planned(app(2, "Figma"), level(3, "Admin")),
    ]
    assert states_of(changing) == (
        {"Policy of GitHub": ["grant_access at Admin: App owner"], "Policy of Figma": []},
        {
            "Policy of GitHub": [
                "grant_access: Two approvals (before: unknown)",
                "grant_access at Admin: Two approvals",
            ],
            "Policy of Figma": ["grant_access at Admin: Two approvals (before: unknown)"],
        },
    )
    assert folded_states_of(changing) == (
        {"Policies of 2 apps": ["GitHub, grant_access at Admin: App owner"]},
        {
            "Policies of 2 apps": [
                "GitHub, grant_access at Admin: Two approvals",
                "GitHub, grant_access: Two approvals (before: unknown)",
                "Figma, grant_access at Admin: Two approvals (before: unknown)",
            ]
        },
    )
    assert states_of([changing[2]]) == folded_states_of([changing[2]]) == ({}, {})
    assert folded_states_of(changing[:3]) == states_of(changing[:3]), "one app needs no other form"


def test_what_is_not_sent_is_told_as_known_from_the_ledger() -> None:
    known = assessed(remembered(WANTED), enforce="on_change")
    assert remark_of([planned(GITHUB), known]) == (
        "1 policy is not sent, because the ledger has the same (which the API cannot confirm)"
    )
    assert remark_of([planned(GITHUB)]) == ""


def test_many_policies_share_lines_and_none_that_is_replaced_is_hidden() -> None:
    apps = [app(number, f"App {number}") for number in range(30)]
    replaced = [planned(one, level(1, "Admin"), remembered(OTHER), "App owner") for one in apps[:15]]
    some = [*replaced, *(planned(one, level(1, "Admin")) for one in apps[15:]), planned(apps[0], level(2, "Owner"))]
    header = "Policies of 30 apps (the result lists them under `assignments`)"
    before, after = folded_states_of(some)
    assert before == {header: [f"App {number}, grant_access at Admin: App owner" for number in range(15)]}
    assert after[header][:15] == [f"App {number}, grant_access at Admin: Two approvals" for number in range(15)]
    assert after[header][15:] == [
        "grant_access at Admin of 15 apps: Two approvals (before: unknown)",
        "App 0, grant_access at Owner: Two approvals (before: unknown)",
    ]
    levels = [planned(one, level(number, f"Level {number}")) for number, one in enumerate(apps)]
    assert folded_states_of([*levels, *map(planned, apps)])[1][header] == [
        "grant_access at 30 levels of 30 apps: Two approvals (before: unknown)",
        "grant_access of 30 apps: Two approvals (before: unknown)",
    ]
    few = [planned(one, level(number, f"Level {number}")) for one in reversed(apps[:3]) for number in range(4)]
    assert folded_states_of(few)[1] == {
        "Policies of App 2, App 1, App 0": [
            f"grant_access at Level {number} of 3 apps: Two approvals (before: unknown)" for number in range(4)
        ]
    }


def test_things_with_one_name_are_told_apart_by_id() -> None:
    twins = [planned(app(1, "Twin"), level(1, "L")), planned(app(1, "Twin"), level(2, "L")), planned(app(2, "Twin"))]
    _before, after = states_of(twins)
    assert {name: [line.partition(": ")[0] for line in lines] for name, lines in after.items()} == {
        f"Policy of Twin ({uid(2001)})": [f"grant_access at L ({uid(3001)})", f"grant_access at L ({uid(3002)})"],
        f"Policy of Twin ({uid(2002)})": ["grant_access"],
    }


def test_names_with_separators_hide_no_change() -> None:
    old = remembered(OTHER)
    of_levels = [
        planned(GITHUB, level(1, "Admin"), old, "Read: Two approvals"),
        planned(GITHUB, level(2, "Admin: Read"), old, "App owner"),
    ]
    of_apps = [
        planned(app(2, "B"), None, old, "q, grant_access: Two approvals"),
        planned(app(3, "B, grant_access: q"), None, old, "App owner"),
    ]
    for states, header in (
        (states_of(of_levels), "Policy of GitHub"),
        (folded_states_of([*of_levels, *of_apps]), "Policies of 3 apps"),
    ):
        before, after = (state[header] for state in states)
        assert changed_lines(before, after) == (sorted(before), sorted(after))


def test_a_new_version_of_a_policy_with_the_old_name_shows_as_a_change() -> None:
    old = policy(9, "Two approvals")
    assert states_of([planned(GITHUB, None, remembered(old), "Two approvals")]) == (
        {"Policy of GitHub": [f"grant_access: Two approvals ({uid(4009)})"]},
        {"Policy of GitHub": [f"grant_access: Two approvals ({uid(4001)})"]},
    )


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"enforce": "on_change"}, "no ledger records what was assigned"),
        ({"enforce": "on_change", "ledger_field": "Notes"}, "anyone can edit `ledger_field` in Cakewalk"),
        ({"assignments": [entry(app="GitHub"), entry(select={"all": True})]}, "`max_assignments` is not set"),
        ({"max_assignments": -1}, "use `max_assignments`: it is -1"),
        ({"ledger_max_age": -1}, "use `ledger_max_age`: it is -1"),
    ],
)
def test_options_that_make_no_sense_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        check_options(options(**given))


@pytest.mark.parametrize(
    "given",
    [
        {"enforce": "on_change", "ledger_path": "/ledger"},
        {"assignments": [entry(select={"all": True})], "max_assignments": 0},
        {"assignments": [entry(app="GitHub")]},
        {"app": "GitHub", "ledger_field": "Notes", "ledger_max_age": 0},
    ],
)
def test_options_that_make_sense_are_taken(given: dict[str, Any]) -> None:
    check_options(options(**given))


def test_more_assignments_than_allowed_are_refused_with_what_they_are() -> None:
    many = [planned(GITHUB), planned(GITHUB, level(1, "Admin"))]
    check_assignments(many, 2)
    check_assignments(many, None)
    with pytest.raises(LimitExceeded) as caught:
        check_assignments(many, 1)
    assert "'Two approvals' to grant_access of the level 'Admin' of the app 'GitHub'" in str(caught.value)
    assert caught.value.facts() == {
        "kind": "rail",
        "max_assignments": 1,
        "would_assign": [
            {"slot": "grant_access of the app 'GitHub'", "policy": "Two approvals"},
            {"slot": "grant_access of the level 'Admin' of the app 'GitHub'", "policy": "Two approvals"},
        ],
    }


def test_what_is_not_sent_does_not_count() -> None:
    known = Assignment(TARGET, remembered(WANTED), "Two approvals", False)
    check_assignments([known, known, planned(GITHUB)], 1)
    with pytest.raises(LimitExceeded, match="send 1 assignment: `max_assignments` allows 0"):
        check_assignments([known, planned(GITHUB)], 0)
