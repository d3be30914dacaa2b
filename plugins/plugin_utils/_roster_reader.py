# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a roster from a CSV or YAML file: as data, and with the line of each person."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..module_utils._api.text import has_invisible, look, pluralize, printable
from ..module_utils._engine.access_as_code.roster import same_address
from ..module_utils._engine.access_as_code.source import CodeRefused, problem
from ..module_utils._engine.core.lookup import is_address
from ..module_utils._engine.core.terms import TermRefused, term_of

#: A table of people: the file and line of each row, with its values by column.
Table = list[tuple[str, dict[str, str]]]
_DELIMITERS = (",", ";", "\t")
#: The first line by which Excel knows the delimiter of a file.
_SEP = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)


def roster_of(table: Table, columns: Sequence[str], section: Mapping[str, str], name: str) -> dict[str, Any]:
    """Return a table as a roster, as C(Roster.of) takes it.

    :param section: the section C(roster) of the code, complete.
    :param name: the name of the file.
    :raises CodeRefused: rows lack an address or share one, or dates cannot be used; the error has all problems.
    """
    email, start, end = (section[f"{kind}_column"] for kind in ("email", "start", "end"))
    problems = []
    if email not in columns:
        # The file may be no roster at all, so its content stays out of messages.
        count = pluralize(len(columns), "column", "columns")
        why = f"it has {count}, and none of them is {printable(email)!r}"
        raise CodeRefused([problem(f"{name}:1", why)])
    for column, default in ((start, "start"), (end, "end")):
        near = [one for one in columns if look(one) == look(column)]
        if column not in columns and (near or column != default):
            there = ", ".join(map(printable, columns))
            problems.append(problem(f"{name}:1", f"there is no column {printable(column)!r}, there are {there}"))
    if not problems and not table:
        problems.append(problem(name, "it has no people; an empty roster never removes anybody"))
    rows: list[dict[str, Any]] = []
    seen: dict[str, str] = {}
    for at, values in table if not problems else ():
        address = values[email]
        first = seen.setdefault(same_address(address), at)
        if not address:
            problems.append(problem(at, f"the column {printable(email)} is blank"))
            continue
        if not is_address(address):
            # The row may be no row of a roster, so its content stays out of messages.
            problems.append(problem(at, f"the column {printable(email)} holds no e-mail address"))
            continue
        if has_invisible(address):
            problems.append(problem(at, f"{printable(address)!r} has an invisible character"))
        elif first != at:
            problems.append(problem(at, f"{printable(address)!r} has a row already, {first}"))
        term = [values.get(column) or None for column in (start, end)]
        try:
            term_of(*term)
        except TermRefused as error:
            problems.append(problem(at, str(error)))
        rows.append({"email": address, "fields": values, "at": at, "since": term[0], "until": term[1]})
    if problems:
        raise CodeRefused(problems)
    return {"columns": list(columns), "rows": rows}


def read_csv(path: Path, name: str) -> tuple[Table, list[str]]:
    """Return the rows and the columns of a CSV file, in UTF-8, with commas, semicolons or tabs.

    :param name: the name of the file in messages.
    :raises CodeRefused: it cannot be read, or a row has other columns than the first one.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not in UTF-8"
        raise CodeRefused([problem(name, f"it cannot be read: {why}")]) from None
    if "\0" in text:
        raise CodeRefused([problem(name, "it is no text")])
    sep = _SEP.match(text)
    if sep and sep[1] not in _DELIMITERS:
        raise CodeRefused([problem(f"{name}:1", f"separate the columns by commas, semicolons or tabs, not {sep[1]!r}")])
    # The line stays as a blank one, so that the others keep their numbers.
    text = text[sep.end() - 1 :] if sep else text
    first = text.lstrip("\n").partition("\n")[0]
    delimiter = sep[1] if sep else max(_DELIMITERS, key=first.count)
    try:
        lines = list(_csv_lines(text, delimiter))
    except csv.Error as error:
        raise CodeRefused([problem(name, f"it is no CSV: {error}")]) from None
    if not lines:
        raise CodeRefused([problem(name, "it is empty; an empty roster never removes anybody")])
    (number, columns), *rows = lines
    problems = list(_column_problems(f"{name}:{number}", columns))
    problems += [
        problem(f"{name}:{number}", f"it has {len(values)} columns, and the first line {len(columns)}")
        for number, values in rows
        if len(values) != len(columns)
    ]
    if problems:
        raise CodeRefused(problems)
    return [(f"{name}:{number}", dict(zip(columns, values, strict=True))) for number, values in rows], columns


def _csv_lines(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows without blank ones, each with the number of its first line."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 1
    for values in reader:
        stripped = [value.strip() for value in values]
        if any(stripped):
            yield number, stripped
        number = reader.line_num + 1


def table_of(value: Any, positions: Mapping[str, str], place: str, name: str) -> tuple[Table, list[str]]:
    """Return the rows and the columns of a list of mappings, as the reader of code returns it.

    :param place: the place of the list in C(positions).
    :raises CodeRefused: it has another form.
    """
    problems, table = [], []
    columns: dict[str, None] = {}
    for number, row in enumerate(value):
        at = positions[f"{place}[{number}]"]
        if not isinstance(row, dict) or not all(isinstance(item, str) for item in row.values()):
            problems.append(problem(at, "a person in the roster is a mapping of texts"))
            continue
        columns |= dict.fromkeys(row)
        table.append((at, {column: text.strip() for column, text in row.items()}))
    problems += _column_problems(name, columns)
    if problems:
        raise CodeRefused(problems)
    complete = [(at, {**dict.fromkeys(columns, ""), **row}) for at, row in table]
    return complete, list(columns)


def _column_problems(at: str, columns: Iterable[str]) -> Iterator[dict[str, str]]:
    """Yield columns without a name, and columns that look like another one: the wrong one could be taken for it."""
    seen: dict[str, str] = {}
    for column in columns:
        key = look(column)
        if not key:
            yield problem(at, "a column has no name")
        elif key in seen:
            yield problem(at, f"the column {printable(column)!r} is there already, as {printable(seen[key])!r}")
        seen[key] = column
