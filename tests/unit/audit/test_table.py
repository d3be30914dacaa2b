# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables as CSV, as JSON and masked, by value."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import ConfigurationError
from ansible_collections.cakewalk.access.plugins.module_utils._engine.audit import table
from ansible_collections.cakewalk.access.plugins.module_utils._engine.audit.pseudonyms import Pseudonymizer
from ansible_collections.cakewalk.access.plugins.module_utils._engine.audit.table import Column, Table, shown
from hypothesis import given
from hypothesis import strategies as st

COLUMNS = (
    Column("user_email", "E-mail", table.EMAIL),
    Column("user_id", "Id", table.ID),
    Column("user_name", "Name", table.NAME),
    Column("purpose", "Purpose", table.TEXT),
    Column("status", "Status"),
    Column("age", "Age", table.NUMBER),
)
PEOPLE = Table("people", "People", "Who there is.", COLUMNS, ("user_id",))
KEY = "k" * 32
ADA = {"user_email": "Ada@Example.com", "user_id": "AB-1", "user_name": "Ada", "status": "Active", "age": 3}
BEN = {"user_email": "ben@example.com", "user_id": "ab-2", "user_name": None, "purpose": "Ada", "age": None}


def parsed(text: str) -> list[list[str]]:
    """Return the cells of CSV, without the mark that it begins with."""
    assert text[0] == "\ufeff"
    return list(csv.reader(io.StringIO(text[1:], newline="")))


def test_rows_stand_in_one_order_whatever_the_order_they_come_in() -> None:
    assert PEOPLE.holding([ADA, BEN]) == PEOPLE.holding([BEN, ADA])
    ages: list[dict[str, Any]] = [{"age": 10}, {"age": None}, {"age": 9}]
    assert [row["age"] for row in PEOPLE.holding(ages).rows] == [9, 10, None]


def test_every_row_has_every_column_and_no_other() -> None:
    (row,) = PEOPLE.without("purpose").holding([{**ADA, "purpose": "p", "other": 1}]).rows
    assert list(row) == ["user_email", "user_id", "user_name", "status", "age"]


def test_csv_and_json() -> None:
    table = PEOPLE.holding([ADA, BEN])
    header, *rows = parsed(table.as_csv())
    assert header == [column.name for column in COLUMNS]
    assert rows == [
        ["Ada@Example.com", "AB-1", "Ada", "", "Active", "3"],
        ["ben@example.com", "ab-2", "", "Ada", "", ""],
    ]
    content = json.loads(table.as_json(base_url="u"))
    assert content["columns"] == header
    assert content["base_url"] == "u"
    assert content["rows"][1] == {**dict.fromkeys(header), **BEN}


@pytest.mark.parametrize(
    "text", ["=1", "+1", "-1", "@x", " =1", "\t=1", "\r=1", "\n=1", "\uff1d1", "\uff0b1", "\u200b=1"]
)
def test_no_cell_is_taken_for_a_formula(text: str) -> None:
    _header, (_email, _id, cell, *_rest) = parsed(PEOPLE.holding([{"user_name": text}]).as_csv())
    assert cell[0] in ("'", "\\")
    assert not set("\t\r\n") & set(cell)


def test_a_number_is_no_formula() -> None:
    assert parsed(PEOPLE.holding([{"age": -1}]).as_csv())[1][-1] == "-1"


@given(st.text())
def test_any_text_is_one_cell_of_one_line(text: str) -> None:
    rows = parsed(PEOPLE.holding([{"user_name": text, "status": "Active"}]).as_csv())
    assert len(rows) == 2
    assert rows[1][4] == "Active"
    PEOPLE.holding([{"user_name": text}]).as_json().encode()


def test_cells_as_people_read_them() -> None:
    assert [shown(one) for one in (True, False, None, 0, "a\u202eb")] == ["yes", "no", "", "0", "a\\u202eb"]


def test_what_tells_of_somebody_is_masked_and_the_rest_is_not() -> None:
    masked = Pseudonymizer(KEY).of(PEOPLE.holding([ADA, BEN])).rows
    ada = next(row for row in masked if row["age"] == 3)
    ben = next(row for row in masked if row["age"] is None)
    assert (ada["status"], ada["purpose"], ben["user_name"]) == ("Active", None, None)
    assert [str(ada[name]).partition(":")[0] for name in ("user_email", "user_id", "user_name")] == [
        "email",
        "id",
        "name",
    ]
    # Computed with: printf 'email\0ada@example.com' | openssl dgst -sha256 -hmac kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk
    assert ada["user_email"] == "email:8eb47abceba007ca0207"
    assert ben["purpose"].startswith("text:")
    assert ben["purpose"].partition(":")[2] != ada["user_name"].partition(":")[2]


def test_masks_are_the_same_for_the_same_value_and_another_for_another_key() -> None:
    one, again, other = Pseudonymizer(KEY), Pseudonymizer(KEY), Pseudonymizer("x" * 32)
    assert one.pseudonym("id", "AB-1") == again.pseudonym("id", "ab-1") != other.pseudonym("id", "ab-1")
    assert one.key_check == again.key_check != other.key_check
    assert one.pseudonym("name", "Ada") != one.pseudonym("name", "ada")


def test_the_order_of_masked_rows_tells_nothing() -> None:
    people = [{"user_email": f"p{number:03}@example.com", "age": number} for number in range(50)]
    ages = [row["age"] for row in Pseudonymizer(KEY).of(PEOPLE.holding(people)).rows]
    assert ages not in (sorted(ages), sorted(ages, reverse=True))


def test_a_key_that_could_be_guessed_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="fewer than 32"):
        Pseudonymizer("k" * 31)
