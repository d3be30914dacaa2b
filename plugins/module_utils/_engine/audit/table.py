# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of evidence: columns in a fixed order, and their rows as CSV and as data."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..._api.text import printable

#: What a cell can be; what stands in C(PRIVATE) tells of somebody or is free text, and can be masked.
ID, EMAIL, NAME, TEXT, WORD, NUMBER, TIME = "id", "email", "name", "text", "word", "number", "time"
PRIVATE = (ID, EMAIL, NAME, TEXT)
#: With what a spreadsheet begins a formula, in any width of the character (OWASP, "CSV Injection").
_FORMULA = tuple("=+-@\t\r")
#: More than any spreadsheet takes in a cell.
_CELL = 32_767

Cell = Any
Cells = Mapping[str, Cell]


@dataclass(frozen=True)
class Column:
    """A column: C(name) for programs, C(title) for people, and of what kind its cells are."""

    name: str
    title: str
    kind: str = WORD


@dataclass(frozen=True)
class Table:
    """A population, as it was listed.

    :param name: for programs, and the name of its files.
    :param title: for people.
    :param about: what its rows are, in a sentence.
    :param key: the columns that identify a row, from one time to another.
    """

    name: str
    title: str
    about: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    rows: tuple[Cells, ...] = ()

    def holding(self, rows: Iterable[Cells]) -> Table:
        """Return this table with these rows, in an order that depends on nothing but what they hold."""
        names = [column.name for column in self.columns]
        whole = ({name: row.get(name) for name in names} for row in rows)
        return replace(self, rows=tuple(sorted(whole, key=lambda row: [_order(row[name]) for name in names])))

    def without(self, *names: str) -> Table:
        """Return this table, still empty, without some columns."""
        return replace(self, columns=tuple(column for column in self.columns if column.name not in names))

    def mapped(self, change: Callable[[Column, Cell], Cell]) -> Table:
        """Return this table with each cell replaced by what C(change) makes of it."""
        return self.holding(
            {column.name: change(column, row[column.name]) for column in self.columns} for row in self.rows
        )

    def keyed(self) -> dict[tuple[str, ...], Cells]:
        """Return the rows by their keys, ids in any case."""
        return {tuple(str(row[name] or "").lower() for name in self.key): row for row in self.rows}

    def as_csv(self) -> str:
        """Return the table as CSV (RFC 4180) that no spreadsheet takes for formulas.

        It begins with a byte order mark: without it spreadsheets take UTF-8 for another encoding.
        """
        text = io.StringIO()
        writer = csv.writer(text, quoting=csv.QUOTE_ALL)
        writer.writerow(column.name for column in self.columns)
        for row in self.rows:
            writer.writerow(_harmless(row[column.name]) for column in self.columns)
        return "\ufeff" + text.getvalue()

    def as_json(self, **facts: Any) -> str:
        """Return the table as JSON, with every value as the service shows it; C(facts) stand before the rows."""
        columns = [column.name for column in self.columns]
        content = {"population": self.name, "about": self.about, **facts, "columns": columns, "rows": self.rows}
        return json.dumps(content, indent=1) + "\n"


def shown(cell: Cell) -> str:
    """Return a cell as text for people: empty where nothing is known, nothing invisible in it."""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return "" if cell is None else printable(cell, _CELL)


def _harmless(cell: Cell) -> str:
    text = shown(cell)
    first = unicodedata.normalize("NFKC", text.lstrip()[:1])
    return f"'{text}" if isinstance(cell, str) and first.startswith(_FORMULA) else text


def _order(cell: Cell) -> tuple[int, int, str]:
    """Return by what cells are sorted: numbers by size, text by its letters, what is not known last."""
    if isinstance(cell, int):
        return (0, cell, "")
    return (2, 0, "") if cell is None else (1, 0, str(cell))
