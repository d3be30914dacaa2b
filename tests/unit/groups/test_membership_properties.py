# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds of every membership task, whoever is in the tenant and whatever the task says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible_collections.cakewalk.access.plugins.module_utils._api.operations import ReadResult
from ansible_collections.cakewalk.access.plugins.module_utils._api.writes import add_members, remove_members
from ansible_collections.cakewalk.access.plugins.module_utils._engine.groups.membership import (
    MembershipChange,
    by_label,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.people import MemoryTenant, group, membership, options, uid, user

#: The one who acts; protected like those who are named as protected.
ACTOR = 0
#: What a task can say of a person in a group that it does not own.
IN, OUT, NOT_MENTIONED = "present", "absent", None

#: Each of these tests draws tenants and tasks of its own, so that together they see several hundred.
_enough = settings(max_examples=60)


@dataclass
class Case:
    """A tenant, a task, and by group who is to be in it afterwards, worked out with sets of numbers."""

    tenant: MemoryTenant
    params: dict[str, Any]
    protected: set[int]
    before: dict[str, set[int]]
    after: dict[str, set[int]]
    named_in_vain: dict[str, set[int]]


def _in_random_case(draw: st.DrawFn, text: str) -> str:
    flips = draw(st.integers(0, 2 ** len(text) - 1))
    return "".join(char.swapcase() if flips >> index & 1 else char for index, char in enumerate(text))


def _written(draw: st.DrawFn, people: list[dict[str, Any]], number: int) -> str:
    """Return a person as somebody may write it: by id or address, in any case."""
    return _in_random_case(draw, people[number][draw(st.sampled_from(["id", "email"]))])


@st.composite
def cases(draw: st.DrawFn) -> Case:
    size = draw(st.integers(1, 7))
    people = [
        user(number, _in_random_case(draw, f"p{number}@example.com"), draw(st.sampled_from(["Active", "Invited"])))
        for number in range(size)
    ]
    people[ACTOR]["statusName"] = "Active"
    numbers = st.sets(st.integers(0, size - 1))
    protected = draw(numbers) | {ACTOR}
    case = Case(MemoryTenant(people, []), {}, protected, {}, {}, {})
    entries = []
    for index in range(draw(st.integers(1, 3))):
        the_group = group(index)
        name = the_group["id"]
        case.tenant.groups.append(the_group)
        case.before[name] = draw(numbers)
        case.tenant.members[name] = [people[number] for number in sorted(case.before[name])]
        if draw(st.booleans()):
            wanted = draw(numbers)
            case.after[name] = wanted | (case.before[name] & protected)
            case.named_in_vain[name] = set()
            named = [("exact", list(wanted))]
        else:
            choices = {
                number: draw(st.sampled_from([IN, NOT_MENTIONED] if number in protected else [IN, OUT, NOT_MENTIONED]))
                for number in range(size)
            }
            joining = {number for number, choice in choices.items() if choice == IN}
            leaving = {number for number, choice in choices.items() if choice == OUT}
            case.after[name] = (case.before[name] | joining) - leaving
            case.named_in_vain[name] = leaving - case.before[name]
            named = [*_split(draw, IN, joining), *_split(draw, OUT, leaving)]
        for state, mentioned in named:
            spelling = draw(st.sampled_from([name, name.upper(), the_group["name"]]))
            written = [_written(draw, people, number) for number in mentioned]
            entries.append({**membership(the_group, written, state), "group": spelling})
    case.params = options(
        memberships=draw(st.permutations(entries)),
        acting_user=_written(draw, people, ACTOR),
        protected_users=[_written(draw, people, number) for number in sorted(protected)],
        max_removals=100,
        allow_empty=True,
    )
    return case


def _split(draw: st.DrawFn, state: str, people: set[int]) -> list[tuple[str, list[int]]]:
    """Return up to three entries of C(state) that together name all of C(people), some of them more than once."""
    if not people:
        return [(state, [])]
    named = draw(st.lists(st.lists(st.sampled_from(sorted(people)), max_size=4), max_size=2))
    return [(state, sorted(people)), *((state, more) for more in named)]


def _emails(case: Case, numbers: set[int]) -> list[str]:
    return sorted(case.tenant.users[number]["email"] for number in numbers)


def _changes(case: Case) -> dict[str, MembershipChange]:
    return {change.group["id"]: change for change in case.tenant.decide(case.params).changes}


def _numbers(rows: list[Any]) -> set[int]:
    people = [uid(number) for number in range(10)]
    return {people.index(row["id"]) for row in rows}


def each_change(check: Callable[[Case, str, MembershipChange], None]) -> Callable[[], None]:
    """Turn a check of one change into a test of all changes of all cases."""

    @_enough
    @given(cases())
    def test(case: Case) -> None:
        changes = _changes(case)
        assert changes.keys() == case.after.keys()
        for name, change in changes.items():
            check(case, name, change)

    return test


@each_change
def test_before_and_after_tell_the_truth(case: Case, name: str, change: MembershipChange) -> None:
    assert change.before() == _emails(case, case.before[name])
    assert change.after() == _emails(case, case.after[name])
    assert change.changed is (case.before[name] != case.after[name])


@each_change
def test_nobody_is_added_or_removed_but_who_must_be(case: Case, name: str, change: MembershipChange) -> None:
    assert _numbers(change.added) == case.after[name] - case.before[name]
    assert _numbers(change.removed) == case.before[name] - case.after[name]
    assert len(change.added) + len(change.removed) == len(case.before[name] ^ case.after[name])


@each_change
def test_protected_people_lose_nothing(case: Case, name: str, change: MembershipChange) -> None:
    assert not _numbers(change.removed) & case.protected
    assert _numbers(change.kept) <= case.protected & case.before[name]


@each_change
def test_those_who_are_named_in_vain_are_listed(case: Case, name: str, change: MembershipChange) -> None:
    people = {
        folded: number for number, row in enumerate(case.tenant.users) for folded in (row["id"], row["email"].lower())
    }
    assert {people[reference.lower()] for reference in change.not_members} == case.named_in_vain[name]


@each_change
def test_the_steps_do_what_the_change_says(case: Case, name: str, change: MembershipChange) -> None:
    members = {uid(number) for number in case.before[name]}
    steps = remove_members(change.group, change.removed)
    steps += [add_members(change.group, change.added, case.tenant.users[ACTOR], False)] if change.added else []
    for step in steps:
        assert step.postcondition is not None
        assert not step.postcondition.holds(
            ReadResult(step.postcondition.source, [{"id": identifier} for identifier in members])
        )
        if step.body:
            members |= set(step.body["userIds"])
        else:
            members.remove(step.path.rpartition("/")[2])
        assert step.postcondition.holds(
            ReadResult(step.postcondition.source, [{"id": identifier} for identifier in members])
        )
    assert members == {uid(number) for number in case.after[name]}


@_enough
@given(cases())
def test_a_second_run_changes_nothing_and_looks_nobody_up(case: Case) -> None:
    case.tenant.apply(case.tenant.decide(case.params))
    for name, rows in case.tenant.members.items():
        assert _numbers(rows) == case.after[name]
    again = case.tenant.decide(case.params)
    assert by_label(again.changes) == {}
    assert again.actor is None
    assert case.tenant.looked_up == []
