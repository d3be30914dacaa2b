# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what people write to what is meant."""

from __future__ import annotations

import string
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.catalog import GROUPS, person
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.lookup import (
    Index,
    LookupFailed,
    Resolver,
    candidate,
    folded_email,
    ids_of,
    is_uuid,
    label,
    spelling_hint,
)
from hypothesis import given
from hypothesis import strategies as st
from unit.people import group, uid, user, users

ADA = user(1, "Ada@example.com", name="Ada")
BEN = user(2, "ben@example.com", "Invited", name="Ben")
SAM = user(3, "sam.twin@example.com", name="Sam")
TWIN = user(4, "Sam.Twin@example.com", "Deactivated", name="Sam")
DIRECTORY = users(ADA, BEN, SAM, TWIN)


def groups(*rows: dict[str, Any]) -> Index:
    return Index(GROUPS, rows)


def problems(finder: Resolver) -> list[dict[str, Any]]:
    with pytest.raises(LookupFailed) as failed:
        finder.check()
    found: list[dict[str, Any]] = failed.value.facts()["problems"]
    reasons = {problem["reason"] for problem in found}
    assert ("Correct the name, or give the id." in str(failed.value)) == ("not_found" in reasons)
    is_about_names = reasons <= {"not_found", "several", "ambiguous"}
    assert str(failed.value).startswith(f"Could not {'find what' if is_about_names else 'do what'} the task ")
    assert ("Give the id where several have the same name or address" in str(failed.value)) == ("ambiguous" in reasons)
    assert ("Leave out people who are leaving or have left" in str(failed.value)) == ("inactive" in reasons)
    assert "; ".join(problem["message"] for problem in found) in str(failed.value)
    return found


def problem_with(reference: str, *registers: Index) -> dict[str, Any]:
    finder = Resolver()
    assert finder.find(reference, *registers) is None
    (problem,) = problems(finder)
    assert problem["reference"] == reference
    return problem


@pytest.mark.parametrize(
    "reference",
    [uid(1), uid(1).upper(), "00000000-0000-0000-0000-000000000000"],
)
def test_ids(reference: str) -> None:
    assert is_uuid(reference)


@pytest.mark.parametrize(
    "reference",
    [
        "",
        "Engineering",
        "ada@example.com",
        f" {uid(1)}",
        f"{uid(1)}\n",
        uid(1).replace("-", ""),
        f"{{{uid(1)}}}",
        f"urn:uuid:{uid(1)}",
        uid(1)[:-1],
        f"{uid(1)}0",
        uid(1).replace("a", "g"),
        "\uff10" * 8 + "-0000-0000-0000-000000000000",
    ],
)
def test_what_is_no_id(reference: str) -> None:
    assert not is_uuid(reference)


@given(st.emails())
def test_ascii_case_of_an_address_does_not_matter(email: str) -> None:
    assert folded_email(email.upper() if email.isascii() else email) == folded_email(email)


@given(st.text())
def test_only_ascii_case_is_folded(text: str) -> None:
    folded = folded_email(text)
    assert len(folded) == len(text)
    changed = [(before, after) for before, after in zip(text, folded, strict=True) if before != after]
    assert all(before in string.ascii_uppercase and after == before.lower() for before, after in changed)
    assert set(folded).isdisjoint(string.ascii_uppercase)


@pytest.mark.parametrize("other", ["\u212arause@example.com", "stra\u00dfe@example.com", "\u0130da@example.com"])
def test_other_folding_would_merge_different_people(other: str) -> None:
    plain = user(1, "krause@example.com"), user(2, "strasse@example.com"), user(3, "ida@example.com")
    assert users(*plain).matches(other) == []
    assert users(*plain, user(4, other)).matches(other) == [user(4, other)]


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        (uid(1), [ADA]),
        (uid(1).upper(), [ADA]),
        ("ada@EXAMPLE.com", [ADA]),
        ("sam.twin@example.com", [SAM, TWIN]),
        ("Ada", []),
        (" Ada@example.com", []),
        ("", []),
        (uid(9), []),
    ],
)
def test_people_are_found_by_id_and_address_and_nothing_else(reference: str, found: list[Any]) -> None:
    assert DIRECTORY.matches(reference) == found


@pytest.mark.parametrize(
    ("reference", "numbers"),
    [("Crew", [1]), ("crew", [2]), ("Crew ", [3]), (" Crew", []), ("", []), (uid(1001), [1, 5]), (uid(1002), [2])],
)
def test_things_are_found_by_exact_name_and_by_id(reference: str, numbers: list[int]) -> None:
    rows = [group(1, "Crew"), group(2, "crew"), group(3, "Crew "), {**group(4), "name": ""}, group(5, uid(1001))]
    assert [row["id"] for row in groups(*rows).matches(reference)] == [uid(1000 + number) for number in numbers]


def test_a_thing_whose_name_is_its_id_is_found_once() -> None:
    row = {"id": uid(1), "name": uid(1)}
    assert groups(row).matches(uid(1)) == [row]


@pytest.mark.parametrize("email", [None, "", " ", 7, ["ada@example.com"]])
def test_people_without_an_address_are_found_by_id_only(email: Any) -> None:
    row = {"id": uid(1), "email": email}
    assert users(row).matches(uid(1)) == [row]
    assert users(row).matches(str(email)) == []
    assert users(row).holders([row]) == {}


def test_near_names() -> None:
    assert groups(group(1, "Engineering"), group(2, "Enginering"), group(3, "Sales")).near("Engineerin") == [
        "Engineering",
        "Enginering",
    ]
    assert users(user(1, "Ada.Admin@example.com"), user(2, "x@example.com")).near("ada.amin@example.org") == [
        "Ada.Admin@example.com"
    ]
    assert DIRECTORY.near("nobody@example.com") == []
    namesakes = [f"ada@{domain}" for domain in ("example.com", "partner.example", "example.org", "z.example")]
    for order in (namesakes, namesakes[::-1]):
        near = users(*(user(number, email) for number, email in enumerate(order, 1))).near("ada@parter.example")
        assert (near[0], len(near)) == ("ada@partner.example", 3)
        assert near == users(*(user(number, email) for number, email in enumerate(order, 1))).near("ADA@Parter.example")
    assert groups(group(1, "Sales"), group(2, "SALES")).near("Sale") == ["Sales", "SALES"]
    assert len(groups(*(group(number, f"Team {number}") for number in range(9))).near("Team")) == 3


def test_holders_of_addresses_and_names() -> None:
    assert DIRECTORY.holders([ADA, TWIN, {"id": uid(9)}]) == {
        "ada@example.com": [ADA],
        "sam.twin@example.com": [SAM, TWIN],
    }
    assert groups(group(1, "Crew"), group(2, "crew")).holders([group(1, "Crew")]) == {"Crew": [group(1, "Crew")]}


def test_ids_are_assumed_only_where_the_list_is_not_whole() -> None:
    assert DIRECTORY.assuming([uid(9)]) is DIRECTORY
    assert not users(ADA, complete=False).assuming([uid(9)]).complete
    assert users(ADA, complete=False).assuming([uid(9), uid(9).upper()]).by_id.keys() == {uid(1), uid(9)}


def test_what_was_read_is_not_replaced_by_what_is_assumed() -> None:
    assert users(ADA, complete=False).assuming([uid(1).upper()]).matches(uid(1)) == [ADA]


def test_rows_are_replaced_by_newer_ones() -> None:
    newer = {**BEN, "id": uid(2).upper(), "email": "benjamin@example.com"}
    register = users(ADA, BEN, complete=False).replacing([newer])
    assert not register.complete
    assert register.matches("ben@example.com") == []
    assert register.matches(uid(2)) == register.matches("benjamin@example.com") == [newer]
    assert register.matches(uid(1)) == [ADA]


def test_one_row_is_what_is_meant() -> None:
    finder = Resolver()
    assert finder.find("ADA@example.com", DIRECTORY) == ADA
    finder.check()


def test_registers_are_taken_together_and_the_first_tells_what_a_row_holds() -> None:
    finder = Resolver()
    older = {**ADA, "statusName": None}
    assert finder.find("ada@example.com", users(older), DIRECTORY) is older
    assert finder.find("ben@example.com", users(older), DIRECTORY) == BEN
    finder.check()


def test_holders_in_different_registers_are_ambiguous() -> None:
    problem = problem_with("sam.twin@example.com", users(TWIN), users(SAM))
    assert problem["reason"] == "ambiguous"
    assert {each["id"] for each in problem["candidates"]} == {SAM["id"], TWIN["id"]}


def test_two_holders_are_shown_with_ids_and_statuses() -> None:
    problem = problem_with("SAM.twin@example.com", DIRECTORY)
    assert problem["message"] == (
        f"2 users have the address 'SAM.twin@example.com': {uid(3)} (Active), {uid(4)} (Deactivated)"
    )
    assert problem["candidates"] == [
        {"id": uid(3), "name": "Sam", "status": "Active"},
        {"id": uid(4), "name": "Sam", "status": "Deactivated"},
    ]


def test_two_things_of_one_name() -> None:
    problem = problem_with("Crew", groups(group(1, "Crew"), group(2, "Crew")))
    assert problem["message"] == f"2 groups are called 'Crew': {uid(1001)} (Crew), {uid(1002)} (Crew)"


def test_a_name_shaped_like_the_id_of_another_thing_is_ambiguous() -> None:
    assert problem_with(uid(1001), groups(group(1, "Crew"), group(2, uid(1001))))["reason"] == "ambiguous"


@pytest.mark.parametrize(
    ("reference", "message", "near"),
    [
        (
            "aada@example.com",
            "the user 'aada@example.com' does not exist (did you mean 'Ada@example.com'?)",
            ["Ada@example.com"],
        ),
        (
            "Ada Admin",
            "the user 'Ada Admin' does not exist (people are named by e-mail address or id, never by display name)",
            [],
        ),
        ("nobody@example.com", "the user 'nobody@example.com' does not exist", []),
        (uid(9), f"the user '{uid(9)}' does not exist", []),
        (
            "",
            "the user '' does not exist (people are named by e-mail address or id, never by display name)",
            [],
        ),
    ],
)
def test_misses_of_people(reference: str, message: str, near: list[str]) -> None:
    problem = problem_with(reference, users(ADA, BEN))
    assert problem == {"reference": reference, "reason": "not_found", "message": message, "near": near}


@pytest.mark.parametrize(
    "reference",
    [
        "owen@example.com erin@example.com",
        "ada@example.com;ben@example.com",
        "['ada@example.com', 'ben@example.com']",
        "[ada@example.com",
        "ben@example.com]",
        f"{uid(1)} {uid(2)}",
        "Ada@example.com, nobody@example.com",
    ],
)
def test_a_list_as_one_text_suggests_no_name(reference: str) -> None:
    problem = problem_with(reference, users(ADA, BEN))
    message = f"the user {reference!r} does not exist (this looks like several people in one text)"
    assert problem == {"reference": reference, "reason": "several", "message": message, "near": []}
    assert spelling_hint(["ada@example.com", reference]) == "Give a YAML list instead of one text"


@pytest.mark.parametrize(
    ("reference", "is_several"),
    [
        ("Crew Sales", True),
        ("Crew;Sales", True),
        ("[Crew, Sales]", True),
        ("Crew Team", False),
        ("Sale [EU]", False),
        ("[EU] Sale", False),
        ("Crews", False),
    ],
)
def test_a_list_of_things_as_one_text(reference: str, is_several: bool) -> None:
    register = groups(group(1, "Crew"), group(2, "Sales"), group(3, "Sales [EU]"))
    assert problem_with(reference, register)["reason"] == ("several" if is_several else "not_found")
    assert spelling_hint(["Crews", " ada@example.com"]) == "Check the spelling"


def test_misses_of_things() -> None:
    register = groups(group(1, "Crew"), group(2, "Crews"))
    assert problem_with("Crewz", register)["message"] == (
        "the group 'Crewz' does not exist (did you mean 'Crew' or 'Crews'?)"
    )
    assert problem_with("Sales", register)["message"] == "the group 'Sales' does not exist (there are 'Crew', 'Crews')"


@pytest.mark.parametrize(
    ("reference", "hint"),
    [
        ("zoe\u0308@x.example", r"It is written 'zo\xeb@x.example', not 'zoe\u0308@x.example'"),
        ("ZO\u00cb@x.example", r"It is written 'zo\xeb@x.example', not 'ZO\xcb@x.example'"),
        ("zo\u00eb\u200b@x.example", r"It is written 'zo\xeb@x.example', not 'zo\xeb\u200b@x.example'"),
    ],
)
def test_a_name_that_only_looks_the_same_is_shown_with_its_characters(reference: str, hint: str) -> None:
    register = users(user(1, "zo\u00eb@x.example"), user(2, "zoe@x.example"))
    message = problem_with(reference, register)["message"]
    assert "does not exist (did you mean 'zo\u00eb@x.example'" in message
    assert message.endswith(f"? {hint})")
    crews = groups(group(1, "\u00c9"), group(2, "Other"))
    assert r"? It is written '\xc9', not 'E\u0301')" in problem_with("E\u0301", crews)["message"]


def test_a_miss_shows_no_control_characters() -> None:
    assert problem_with("\x1b[2J\u202e", DIRECTORY)["message"].isprintable()


def test_ids_in_a_message_show_no_control_characters() -> None:
    holders = users({"id": "a\x1b[2J", "email": "x@a.b"}, {"id": "b", "email": "x@a.b"})
    assert problem_with("x@a.b", holders)["message"].isprintable()


def test_messages_have_a_length_whatever_they_tell() -> None:
    crowd = users(*(user(number, "x@a.b") for number in range(3_000)))
    assert len(problem_with("x@a.b", crowd)["message"]) < 2_000
    finder = Resolver()
    finder.find_all((f"{'x' * 999}{number}" for number in range(3_000)), users())
    with pytest.raises(LookupFailed) as failed:
        finder.check()
    assert len(str(failed.value)) < 20_000
    assert len(failed.value.facts()["problems"]) == 3_000


def test_near_names_come_from_all_registers_once() -> None:
    assert problem_with("adda@example.com", users(ADA), users(ADA, BEN))["near"] == ["Ada@example.com"]


def test_suggestions_end_before_they_take_long() -> None:
    crowd = [user(number, f"{number}@example.com") for number in range(60_000)]
    directory = users(user(60_001, "ada.admin@example.com"), *crowd)
    finder = Resolver()
    for number in range(4):
        finder.find(f"ada.admin.{number}@example.com", directory)
    assert [problem["near"] for problem in problems(finder)] == [["ada.admin@example.com"]] * 2 + [[], []]


def test_all_problems_are_told_at_once_each_once() -> None:
    finder = Resolver()
    found = finder.find_all(["ada@example.com", "x@a.b", uid(1), "y@a.b", "ADA@example.com", "x@a.b"], DIRECTORY)
    assert found == [ADA]
    assert [problem["reference"] for problem in problems(finder)] == ["x@a.b", "y@a.b"]


def test_each_problem_with_a_reference_is_told_once() -> None:
    finder = Resolver()
    finder.report("x", "inactive", "first", status="Ignored")
    finder.report("x", "inactive", "first", status="Other")
    finder.report("x", "other", "second")
    assert problems(finder) == [
        {"reference": "x", "reason": "inactive", "message": "first", "status": "Ignored"},
        {"reference": "x", "reason": "other", "message": "second"},
    ]


def test_names_in_results() -> None:
    assert candidate({"id": "7"}) == {"id": "7", "name": None, "status": None}
    assert ids_of([{"id": "A"}, {"id": "a"}, {"id": "b"}]) == {"a", "b"}
    assert (person(ADA), person({"id": "7", "email": None})) == ("Ada@example.com", "7")
    assert (label(group(1, "Crew")), label({"id": "7", "name": ""})) == ("Crew", "7")
