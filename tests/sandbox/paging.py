# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages and cursors.

The vendor's sample cursor is base64 of C(pageNumber=1&pageSize=100): page numbers from zero in disguise. So here too a
list that changes while it is read repeats or skips rows.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar
from urllib.parse import parse_qs

from .problem import Problem

Row = TypeVar("Row")

_MOST = 1_000_000


@dataclass(frozen=True)
class Cursor:
    """A place in a list: page number from zero, and rows on a page.

    :param extra: text that changes how the cursor looks and nothing else.
    """

    number: int
    size: int
    extra: str = ""

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Read a cursor that was sent.

        :raises Problem: if it is none; the vendor's answer to that is not known.
        """
        try:
            numbers = parse_qs(base64.b64decode(text, validate=True).decode("ascii"))
            cursor = cls(int(numbers["pageNumber"][0]), int(numbers["pageSize"][0]))
        except (binascii.Error, UnicodeDecodeError, KeyError, ValueError):
            cursor = cls(-1, 0)
        if not (0 <= cursor.number < _MOST and 0 < cursor.size < _MOST):
            raise Problem(400, "The cursor is not valid.")
        return cursor

    def __str__(self) -> str:
        return base64.b64encode(f"pageNumber={self.number}&pageSize={self.size}{self.extra}".encode()).decode()


@dataclass(frozen=True)
class Page:
    """Rows as the wire shows them, and the cursor of the page after them if there is one."""

    rows: list[dict[str, Any]]
    next: Cursor | None


def cut(rows: Iterable[Row], cursor: str | None, size: int) -> tuple[list[Row], Cursor | None]:
    """Return one page of rows without touching those after it, and the cursor of the next page."""
    here = Cursor.parse(cursor) if cursor else Cursor(0, size)
    start = here.number * here.size
    window = list(islice(rows, start, start + here.size + 1))
    more = len(window) > here.size
    return window[: here.size], Cursor(here.number + 1, here.size) if more else None
