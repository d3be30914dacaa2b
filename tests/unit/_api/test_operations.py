# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Listings, proofs and steps as data."""

from __future__ import annotations

import string
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.operations import Listing, ReadResult, RowsPresent
from hypothesis import given
from hypothesis import strategies as st

PEOPLE = Listing("/people", "the people")
ACCESSES = Listing("/accesses", "use the entry about the app", ("user.id", "permissionLevel.id"))
_KEYS = st.frozensets(st.tuples(st.sampled_from(string.ascii_lowercase[:6])))


@pytest.mark.parametrize(
    ("listing", "row", "key"),
    [
        (PEOPLE, {"id": "A1", "name": "Ada"}, ("a1",)),
        (PEOPLE, {"name": "Ada"}, None),
        (PEOPLE, {"id": None}, None),
        (PEOPLE, {"id": ""}, None),
        (PEOPLE, {"id": 7}, None),
        *((PEOPLE, {"id": wrong}, None) for wrong in ("..", ".", "a/b", "a b", "a\n", "\ud800", "\u00e4", "x" * 65)),
        (PEOPLE, {"id": "x" * 64}, ("x" * 64,)),
        (ACCESSES, {"user": {"id": "A1"}, "permissionLevel": {"id": "L1"}}, ("a1", "l1")),
        (ACCESSES, {"user": {"id": "A1"}, "permissionLevel": None}, ("a1", "")),
        (ACCESSES, {"user": {"id": "A1"}}, ("a1", "")),
        (ACCESSES, {"user": {}, "permissionLevel": {"id": "L1"}}, None),
        (ACCESSES, {"user": None, "permissionLevel": {"id": "L1"}}, None),
        (ACCESSES, {"user": "A1"}, None),
        *((ACCESSES, {"user": {"id": "A1"}, "permissionLevel": {"id": wrong}}, None) for wrong in ("..", "", None, 7)),
        *((ACCESSES, {"user": {"id": "A1"}, "permissionLevel": wrong}, None) for wrong in ({}, [], "L1", 7, True, "")),
    ],
)
def test_what_identifies_a_row(listing: Listing, row: dict[str, Any], key: tuple[str, ...] | None) -> None:
    assert listing.key_of(row) == key


def test_two_levels_of_one_person_are_two_rows() -> None:
    rows = [{"user": {"id": "a"}, "permissionLevel": {"id": level}} for level in ("read", "write", "READ")]
    assert ACCESSES.keys_of(rows) == {("a", "read"), ("a", "write")}


def test_rows_without_identity_are_no_evidence() -> None:
    assert PEOPLE.keys_of([{"id": "a"}, {"id": None}, {}]) == {("a",)}


@given(_KEYS, _KEYS, _KEYS)
def test_presence_holds_where_all_wanted_are_seen_and_none_unwanted(
    present: frozenset[Any], absent: frozenset[Any], seen: frozenset[Any]
) -> None:
    proof = RowsPresent(PEOPLE, present, absent)
    assert proof.holds(ReadResult(PEOPLE, [{"id": key[0]} for key in seen])) is (
        all(key in seen for key in present) and not any(key in seen for key in absent)
    )
    assert proof.proves_absence is bool(absent)
