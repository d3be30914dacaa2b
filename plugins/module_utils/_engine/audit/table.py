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

#: The kinds of cells. Those in C(PRIVATE) are personal data or free text, and can be masked.
ID, EMAIL, NAME, TEXT, WORD, NUMBER, TIME = "id", "email", "name", "text", "word", "number", "time"
PRIVATE = (ID, EMAIL, NAME, TEXT)
#: The first characters of a formula in a spreadsheet, in any width (OWASP, "CSV Injection").
_FORMULA = tuple("=+-@\t\r")
#: The length that no spreadsheet allows in a cell.
_CELL = 32_767

Cell = Any
Cells = Mapping[str, Cell]


@dataclass(frozen=True)
class Column:
    """A column: C(name) for programs, C(title) for people, and the C(kind) of its cells.

    :param ranks: words in the order in which rows are sorted by them, if that is not the alphabet's.
    """

    name: str
    title: str
    kind: str = WORD
    ranks: tuple[str, ...] = ()

    def order(self, cell: Cell) -> tuple[int, int, str]:
        """Return the sort key of a cell: numbers by size, then text, unknown values last."""
        if cell in self.ranks:
            return (0, self.ranks.index(cell), "")
        if isinstance(cell, int):
            return (0, cell, "")
        return (2, 0, "") if cell is None else (1, 0, str(cell))


@dataclass(frozen=True)
class Table:
    """The rows of a population.

    :param name: the name for programs, and of the files.
    :param title: the name for people.
    :param about: a sentence that describes the rows.
    :param key: the columns that identify a row in different bundles.
    """

    name: str
    title: str
    about: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    rows: tuple[Cells, ...] = ()

    def holding(self, rows: Iterable[Cells]) -> Table:
        """Return this table with these rows, in an order that depends only on their cells."""
        names = [column.name for column in self.columns]
        complete = ({name: row.get(name) for name in names} for row in rows)
        return replace(
            self,
            rows=tuple(sorted(complete, key=lambda row: [column.order(row[column.name]) for column in self.columns])),
        )

    def without(self, *names: str) -> Table:
        """Return this table without rows, and without some columns."""
        return replace(self, columns=tuple(column for column in self.columns if column.name not in names))

    def mapped(self, change: Callable[[Column, Cell], Cell]) -> Table:
        """Return this table with the result of C(change) for each cell."""
        return self.holding(
            {column.name: change(column, row[column.name]) for column in self.columns} for row in self.rows
        )

    def keyed(self) -> dict[tuple[str, ...], Cells]:
        """Return the rows by their keys in lower case."""
        return {tuple(str(row[name] or "").lower() for name in self.key): row for row in self.rows}

    def as_csv(self) -> str:
        """Return the table as CSV (RFC 4180) without anything that a spreadsheet runs as a formula.

        It begins with a byte order mark, without which spreadsheets do not recognize UTF-8.
        """
        text = io.StringIO()
        writer = csv.writer(text, quoting=csv.QUOTE_ALL)
        writer.writerow(column.name for column in self.columns)
        for row in self.rows:
            writer.writerow(_without_formula(row[column.name]) for column in self.columns)
        return "\ufeff" + text.getvalue()

    def as_json(self, **facts: Any) -> str:
        """Return the table as JSON, with C(facts) before the rows, and every value as the API returned it."""
        columns = [column.name for column in self.columns]
        content = {"population": self.name, "about": self.about, **facts, "columns": columns, "rows": self.rows}
        return json.dumps(content, indent=1) + "\n"


def shown(cell: Cell) -> str:
    """Return a cell as text for people, without invisible characters; an unknown value is empty."""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return "" if cell is None else printable(cell, _CELL)


def _without_formula(cell: Cell) -> str:
    text = shown(cell)
    first = unicodedata.normalize("NFKC", text.lstrip()[:1])
    return f"'{text}" if isinstance(cell, str) and first.startswith(_FORMULA) else text
