# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions on the columns of a table, as the code writes them: a value, a list of values, or C(not) with either."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..._api.text import printable


@dataclass(frozen=True)
class ColumnCondition:
    """A condition on one column.

    :param values: the values, any of which fits.
    :param is_negated: whether none of them may fit.
    """

    column: str
    values: tuple[str, ...]
    is_negated: bool = False

    @classmethod
    def of(cls, column: str, value: Any) -> ColumnCondition:
        """Return the condition that the code writes, see C(is_condition)."""
        is_negated = isinstance(value, Mapping)
        values = value["not"] if isinstance(value, Mapping) else value
        return cls(column, tuple(values) if isinstance(values, list) else (values,), is_negated)

    def __str__(self) -> str:
        """Return the condition for people."""
        values = " or ".join(printable(value) for value in self.values)
        return f"{printable(self.column)} {'not ' if self.is_negated else ''}{values}"

    def fits(self, fields: Mapping[str, str]) -> bool:
        """Return whether a row fits; the case of letters counts."""
        return (fields.get(self.column, "") in self.values) is not self.is_negated


def is_condition(value: Any) -> bool:
    """Return whether a value has the form of a condition."""
    if isinstance(value, Mapping):
        return set(value) == {"not"} and not isinstance(value["not"], Mapping) and is_condition(value["not"])
    return isinstance(value, str) or (
        isinstance(value, list) and bool(value) and all(isinstance(one, str) for one in value)
    )
