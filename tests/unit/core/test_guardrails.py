# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rails: what stops a task before its first write."""

from __future__ import annotations

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import ConfigurationError
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.guardrails import (
    LimitExceeded,
    ProtectedUsers,
    check_bypass,
    check_removals,
    check_share,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.lookup import LookupFailed, Resolver
from unit.people import uid, user, users

ADA = user(1, "ada@example.com")
BEN = user(2, "ben@example.com")
TWIN = user(3, "Ada@example.com")


@pytest.mark.parametrize("reference", ["ada@example.com", "ADA@example.com", uid(1), uid(1).upper()])
def test_whoever_a_roster_shows_is_protected_without_being_looked_up(reference: str) -> None:
    protection = ProtectedUsers([reference], [users(BEN), users(ADA)])
    assert protection.unmatched == []
    assert protection.covers(ADA)
    assert protection.covers({"id": uid(1).upper()})
    assert not protection.covers(BEN)


def test_all_holders_of_a_protected_address_are_protected() -> None:
    protection = ProtectedUsers(["ada@example.com"], [users(ADA), users(TWIN)])
    assert protection.covers(ADA)
    assert protection.covers(TWIN)


def test_who_is_in_no_roster_is_looked_up() -> None:
    protection = ProtectedUsers(["ada@example.com", "ADA@example.com", "ben@example.com"], [users(BEN)])
    assert protection.unmatched == ["ADA@example.com"]
    assert not protection.covers(ADA)
    finder = Resolver()
    protection.look_up(users(ADA, BEN), finder)
    finder.check()
    assert protection.covers(ADA)


def test_a_protected_person_who_cannot_be_found_is_a_problem() -> None:
    finder = Resolver()
    ProtectedUsers(["gone@example.com"], []).look_up(users(ADA), finder)
    with pytest.raises(LookupFailed) as failed:
        finder.check()
    assert failed.value.facts()["problems"] == [
        {
            "reference": "gone@example.com",
            "reason": "not_found",
            "message": "the protected user 'gone@example.com' does not exist, perhaps under another address now",
        }
    ]


@pytest.mark.parametrize(
    ("protected", "named"),
    [
        ("ada@example.com", "ADA@example.com"),
        (uid(1), uid(1).upper()),
        ("ada@example.com", uid(1)),
        (uid(1), ADA["email"]),
    ],
)
def test_protected_members_cannot_be_named_for_removal(protected: str, named: str) -> None:
    with pytest.raises(LimitExceeded) as stopped:
        ProtectedUsers([protected], [users(ADA, BEN)]).refuse([BEN["email"], named], "the group 'Crew'")
    assert str(stopped.value) == (
        "Could not remove people from the group 'Crew': protected: ada@example.com. "
        "Nothing was changed. Take them out of the list, or out of `protected_users`; the acting user is always "
        "protected."
    )
    assert stopped.value.facts() == {"kind": "rail", "protected": ["ada@example.com"]}


def test_protected_people_cannot_be_named_even_where_they_are_no_members() -> None:
    with pytest.raises(LimitExceeded, match=r"protected: ada@example\.com"):
        ProtectedUsers(["ada@example.com"], [users(BEN)]).refuse(["Ada@example.com"], "the group 'Crew'")


@pytest.mark.parametrize("named", ["ADA@example.com", uid(1).upper()])
@pytest.mark.parametrize("protected", ["ada@example.com", uid(1)])
def test_whom_only_the_directory_shows_cannot_be_named_in_any_spelling(protected: str, named: str) -> None:
    protection = ProtectedUsers([protected], [users(BEN)])
    protection.look_up(users(ADA, BEN), Resolver())
    with pytest.raises(LimitExceeded, match=r"protected: ada@example\.com\."):
        protection.refuse([named], "the group 'Crew'")


def test_others_may_be_named_for_removal() -> None:
    ProtectedUsers(["ada@example.com"], [users(ADA, BEN)]).refuse(["ben@example.com", uid(2)], "the group 'Crew'")


@pytest.mark.parametrize(
    ("number", "limit", "authoritative"),
    [(0, None, True), (10, None, True), (500, None, False), (0, 0, False), (3, 3, True), (11, 11, True)],
)
def test_removals_within_the_limit(number: int, limit: int | None, authoritative: bool) -> None:
    check_removals([("ada", "Crew")] * number, limit, authoritative)


@pytest.mark.parametrize(
    ("number", "limit", "authoritative", "allowed"),
    [(11, None, True, 10), (1, 0, False, 0), (1, 0, True, 0), (4, 3, False, 3), (4, 3, True, 3)],
)
def test_removals_beyond_the_limit(number: int, limit: int | None, authoritative: bool, allowed: int) -> None:
    removals = [("Crew", f"p{index}@example.com") for index in range(number)]
    with pytest.raises(LimitExceeded) as stopped:
        check_removals(removals, limit, authoritative)
    facts = stopped.value.facts()
    assert facts["max_removals"] == allowed
    assert facts["would_remove"] == [{"user": who, "from": "Crew"} for _where, who in removals]
    noun = "1 removal" if number == 1 else f"{number} removals"
    assert str(stopped.value).startswith(
        f"Could not carry out {noun}: `max_removals` allows {allowed}; these would be removed from 'Crew': p0"
    )
    assert str(stopped.value).endswith("If all of these removals are meant, raise `max_removals`.")
    assert ("use `present` to add" in str(stopped.value)) == authoritative


def test_a_negative_limit_is_no_limit() -> None:
    with pytest.raises(ConfigurationError) as wrong:
        check_removals([], -1, authoritative=False)
    assert str(wrong.value) == "Could not use `max_removals`: it is -1. Give 0 or more."
    assert wrong.value.facts() == {"kind": "configuration", "option": "max_removals"}


@pytest.mark.parametrize("reason", [None, "", " \t\n"])
def test_approval_is_not_bypassed_for_no_reason(reason: str | None) -> None:
    with pytest.raises(ConfigurationError) as refused:
        check_bypass("implicitly_approve_requests", reason)
    assert str(refused.value) == (
        "Could not use `implicitly_approve_requests`: it bypasses approval and `bypass_reason` does not say why. "
        "Set `bypass_reason`, or leave approval to the policies."
    )
    check_bypass("implicitly_approve_requests", "Change 4711")


def test_a_protected_person_is_known_by_the_id_that_any_roster_shows() -> None:
    with pytest.raises(LimitExceeded, match=r"protected: ben@example\.com"):
        ProtectedUsers(["ben@example.com"], [users(ADA), users(BEN)]).refuse([BEN["id"]], "the group 'Crew'")


def test_a_limit_below_none_is_a_mistake() -> None:
    with pytest.raises(ConfigurationError, match="use `max_removals`"):
        check_removals([], -1, authoritative=False)


@pytest.mark.parametrize(("removals", "read", "percent"), [(2, 20, 10), (19, 19, 0), (0, 50, 0), (50, 50, 100)])
def test_a_share_is_allowed(removals: int, read: int, percent: int) -> None:
    check_share([("Sales", "erin@example.com")] * removals, read, percent)


@pytest.mark.parametrize(("removals", "read", "percent"), [(3, 20, 10), (1, 20, 0), (21, 200, 10)])
def test_a_larger_share_is_refused(removals: int, read: int, percent: int) -> None:
    with pytest.raises(LimitExceeded, match=f"allows {percent} % of the {read}") as caught:
        check_share([("Sales", "erin@example.com")] * removals, read, percent)
    assert len(caught.value.facts()["would_remove"]) == removals


@pytest.mark.parametrize("percent", [-1, 101])
def test_a_share_of_nothing_or_more_than_all_is_none(percent: int) -> None:
    with pytest.raises(ConfigurationError, match="Give 0 to 100"):
        check_share([], 0, percent)
