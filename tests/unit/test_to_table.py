# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter C(to_table): aligned, with one line for each row, whatever people are called."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.cakewalk.access.plugins.filter.to_table import FilterModule

to_table = FilterModule().filters()["to_table"]


def test_columns_are_aligned_and_ordered() -> None:
    rows = [{"name": "Erin", "level": None, "owner": True}, {"name": "Olga", "level": "Admin", "accounts": 7}]
    assert to_table(rows).splitlines() == [
        "name  level  owner  accounts",
        "Erin         true",
        "Olga  Admin         7",
    ]
    assert to_table(rows, ["accounts", "name"]).splitlines() == ["accounts  name", "          Erin", "7         Olga"]


def test_a_name_is_one_line_and_wide_characters_count_twice() -> None:
    hostile = "a\nb\x1b[2m\u202e\u2028\x85"
    names = [hostile, "\u5c71\u7530", "Zoe\u0308", "x" * 1000, "plain"]
    lines = to_table([{"name": name, "end": "|"} for name in names]).splitlines()
    assert len(lines) == 6
    assert lines[1].startswith("a\\nb\\x1b[2m\\u202e\\u2028\\x85  ")
    assert lines[4].startswith("x" * 299 + "\u2026")
    end = lines[5].index("|")
    assert [line.index("|") - end for line in lines[1:]] == [0, -2, 1, 0, 0]


def test_what_is_inside_a_row_is_json() -> None:
    rows = [{"levels": ["Read", "Write"], "owner": {"name": "Zoë"}}]
    assert to_table(rows).splitlines()[1] == '["Read", "Write"]  {"name": "Zoë"}'


@pytest.mark.parametrize(("columns", "text"), [(None, ""), ([], ""), (["name", "email"], "name  email")])
def test_no_rows(columns: list[str] | None, text: str) -> None:
    assert to_table([], columns) == text
    assert to_table(iter([]), columns) == text


@pytest.mark.parametrize(
    ("rows", "columns", "words"),
    [
        ("text", None, "the input must be a list, not 'text'. Give a list."),
        ({"a": 1}, None, "the input must be a list, not "),
        (None, None, "the input must be a list, not 'None'"),
        ([{"a": 1}, "b"], None, "row 2 is 'b'. Give a list of dictionaries."),
        ([{"a": 1}], "a", "columns must be a list, not 'a'"),
        ([{"a": 1}], ["a", "b\n"], "no row has 'b\\\\n'. The rows have a."),
        ([{}], ["a"], "no row has 'a'. The rows are empty."),
        ([{"a": {(1, 2): 3}}], None, "a value cannot be shown as JSON: keys must be"),
        ([{"a": 1}], [["a"]], "columns must be a list of keys, not of "),
    ],
)
def test_wrong_input(rows: Any, columns: Any, words: str) -> None:
    with pytest.raises(AnsibleFilterError, match=re.escape("Could not make a table: " + words)):
        to_table(rows, columns)
