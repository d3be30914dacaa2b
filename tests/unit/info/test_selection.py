# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a query asks for, and what of it there is."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.catalog import GROUPS
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import ConfigurationError
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.lookup import Index, LookupFailed
from ansible_collections.cakewalk.access.plugins.module_utils._engine.info.selection import (
    kinds_of,
    lists_of,
    names_of,
    select,
)
from unit.people import group, uid, user, users

INCLUDES = {"users": ("user_details",), "groups": ("members", "default_apps"), "apps": ("accesses",)}
ADA = user(1, "Ada@example.com", name="Ada")
SAM = user(2, "sam@example.com", name="Sam")
TWIN = user(3, "SAM@example.com", "Deactivated", name="Sam")
DIRECTORY = users(ADA, SAM, TWIN)
HOLDERS = {
    "sam@example.com": [
        {"id": uid(2), "name": "Sam", "status": "Active"},
        {"id": uid(3), "name": "Sam", "status": "Deactivated"},
    ]
}


def asked(**given: Any) -> dict[str, Any]:
    return {"gather": None, "users": None, "groups": None, "apps": None, "include": [], **given}


@pytest.mark.parametrize(
    ("params", "kinds"),
    [
        ({"gather": ["apps", "users"]}, ["users", "apps"]),
        ({"gather": ["users", "users"]}, ["users"]),
        ({"gather": []}, []),
        ({"users": ["x"]}, ["users"]),
        ({"groups": [], "apps": ["x"]}, ["groups", "apps"]),
        ({"gather": ["users", "groups"], "users": ["x"]}, ["users", "groups"]),
        ({"groups": ["x"], "include": ["members"]}, ["groups"]),
    ],
)
def test_which_kinds_are_read(params: dict[str, Any], kinds: list[str]) -> None:
    assert [kind.name for kind in kinds_of(asked(**params), INCLUDES)] == kinds


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"gather": ["users"], "groups": []}, "use groups: it has no effect when only users is read"),
        ({"gather": [], "users": ["x"]}, "use users: it has no effect when only nothing is read"),
        ({"users": ["x"], "include": ["accesses"]}, "use accesses: it has no effect when only users is read"),
        (
            {"gather": ["users", "groups"], "apps": ["x"], "include": ["accesses", "members"]},
            "use apps, accesses: it has no effect when only users, groups is read",
        ),
    ],
)
def test_what_would_have_no_effect_is_an_error(params: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        kinds_of(asked(**params), INCLUDES)
    assert str(refused.value) == f"Could not {message}. Name the kind under gather, or leave it out."


def test_what_is_no_time_is_refused() -> None:
    requests = {"updated_since": "soon", "users": None, "apps": None}
    with pytest.raises(ConfigurationError, match="'soon' is not a time"):
        lists_of({"requests": requests}, [])


def test_without_references_everything_is_selected() -> None:
    assert select(DIRECTORY, None) == ([ADA, SAM, TWIN], [])
    assert names_of([ADA, SAM, TWIN], DIRECTORY) == ({"ada@example.com": uid(1)}, HOLDERS, {})


def test_an_empty_list_selects_nothing() -> None:
    assert select(DIRECTORY, []) == ([], [])
    assert names_of([], DIRECTORY) == ({}, {}, {})


def test_what_is_not_found_stands_as_written_once() -> None:
    references = ["Nobody@example.com", "ADA@example.com", "Nobody@example.com", uid(1)]
    assert select(DIRECTORY, references) == ([ADA], ["Nobody@example.com"])
    assert names_of([ADA], DIRECTORY) == ({"ada@example.com": uid(1)}, {}, {})


def test_a_name_that_two_hold_cannot_be_selected_by() -> None:
    with pytest.raises(LookupFailed, match=r"have the address 'sam@example\.com'"):
        select(DIRECTORY, ["sam@example.com"])


def test_one_of_two_holders_selected_by_id_is_still_in_no_map() -> None:
    assert select(DIRECTORY, [uid(3)]) == ([TWIN], [])
    assert names_of([TWIN], DIRECTORY) == ({}, HOLDERS, {})


def test_single_reads_show_nothing_as_unique() -> None:
    directory = users(ADA, complete=False)
    assert select(directory, [uid(1)]) == ([ADA], [])
    assert names_of([ADA], directory) == ({}, {}, {})


def test_names_of_things_keep_their_spelling() -> None:
    index = Index(GROUPS, [group(1, "Crew"), group(2, "crew"), {"id": uid(9)}])
    rows, _missing = select(index, None)
    assert len(rows) == 3
    assert names_of(rows, index) == ({"Crew": uid(1001), "crew": uid(1002)}, {}, {"": [uid(9)]})


def test_names_that_cannot_be_keys_are_listed_whoever_holds_them() -> None:
    index = Index(GROUPS, [group(1, "__ansible_type"), group(2, "__ansible_type"), group(3, " "), group(4, "Crew")])
    rows, _missing = select(index, None)
    unmapped = {"__ansible_type": [uid(1001), uid(1002)], " ": [uid(1003)]}
    assert names_of(rows, index) == ({"Crew": uid(1004)}, {}, unmapped)
