# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Show rows as a table in a terminal."""

from __future__ import annotations

DOCUMENTATION = r"""
name: to_table
short_description: Show rows as a table in a terminal
version_added: 1.0.0
author: Contributors to the cakewalk.access collection (@cakewalk-access)
description:
  - Returns a list of dictionaries as text, with aligned columns and a header.
  - Line breaks and other invisible characters are escaped, so each row stays on one line. Long values are cut.
  - Lists and dictionaries inside a row are shown as JSON.
positional: columns
options:
  _input:
    description: The rows.
    type: list
    elements: dict
    required: true
  columns:
    description:
      - The keys to show as columns, in this order. By default all keys, in the order in which they first occur.
      - A key that no row has is an error.
    type: list
    elements: str
"""

EXAMPLES = r"""
- name: Read all apps
  cakewalk.access.cakewalk_info:
    gather: [apps]
  register: tenant

- name: Show them, a line for each
  ansible.builtin.debug:
    msg: "{{ (tenant.apps | cakewalk.access.to_table(['name', 'status_name'])).splitlines() }}"
"""

RETURN = r"""
_value:
  description: The table. Without rows it is the header alone, or empty if there are no columns either.
  type: str
"""

import json
import unicodedata
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ..module_utils._api.text import printable, summarize

_GAP = "  "


def to_table(rows: Any, columns: Any = None) -> str:
    """Return rows as a table.

    :raises AnsibleFilterError: the rows are not a list of dictionaries, or no row has one of the columns.
    """
    rows = _list("the input", rows)
    for number, row in enumerate(rows, 1):
        if not isinstance(row, Mapping):
            raise _refused(f"row {number} is {printable(row, 40)!r}", "Give a list of dictionaries.")
    keys = list(dict.fromkeys(key for row in rows for key in row))
    shown = keys if columns is None else _list("columns", columns)
    for key in shown:
        if not isinstance(key, Hashable):
            raise _refused(f"columns must be a list of keys, not of {printable(key, 40)!r}", "Give a list of texts.")
    unknown = [column for column in shown if rows and column not in keys]
    if unknown:
        names = summarize(repr(printable(column)) for column in unknown)
        known = summarize(map(printable, keys))
        raise _refused(f"no row has {names}", f"The rows have {known}." if known else "The rows are empty.")
    cells = [[printable(column) for column in shown], *([_cell(row.get(key)) for key in shown] for row in rows)]
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    return "\n".join(_line(line, widths) for line in cells).rstrip("\n")


def _list(what: str, value: Any) -> list[Any]:
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise _refused(f"{what} must be a list, not {printable(value, 40)!r}", "Give a list.")
    return list(value)


def _refused(cause: str, hint: str) -> AnsibleFilterError:
    return AnsibleFilterError(f"Could not make a table: {cause}. {hint}")


def _cell(value: Any) -> str:
    """Return a value as it is shown; null is blank, and everything else than text is JSON."""
    if value is None or isinstance(value, str):
        return printable(value or "")
    try:
        return printable(json.dumps(value, default=str, ensure_ascii=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise _refused(
            f"a value cannot be shown as JSON: {error}", "Give texts, numbers, lists and dictionaries."
        ) from None


def _line(cells: Iterable[str], widths: Iterable[int]) -> str:
    padded = (cell + " " * (width - _width(cell)) for cell, width in zip(cells, widths, strict=True))
    return _GAP.join(padded).rstrip()


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes: wide characters two, combining ones none."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


class FilterModule:
    """The filter C(to_table)."""

    def filters(self) -> dict[str, Callable[..., str]]:
        """Return the filters of this file by name."""
        return {"to_table": to_table}
