# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as text for reviewers: the same bytes for the same code and tenant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..._api.operations import Step
from ..._api.text import UNCUT, pluralize, printable
from ..core.plan import changed_lines
from .section import StateChange


def change_lines(changes: Iterable[StateChange]) -> list[str]:
    """Return lines for each change: what goes after a minus, what comes after a plus, notes after an arrow.

    Nothing is cut, because reviewers must see the whole plan.
    """
    lines = []
    for change in changes:
        lines += [printable(change.name, UNCUT), *(f"  {printable(line, UNCUT)}" for line in detail_lines(change))]
    return lines


def detail_lines(change: StateChange, note_sign: str = ">") -> list[str]:
    """Return the lines of a change below its name, as they came from the tenant."""
    removed, added = changed_lines(change.before, change.after)
    signed = (("-", removed), ("+", added), (note_sign, change.notes))
    return [f"{sign} {line}" for sign, lines in signed for line in lines]


def summary(steps: Sequence[Step], removals: int, left: int) -> str:
    """Return a plan as a sentence or two.

    :param left: the number of lines about what is left alone.
    """
    changing = sum(step.changes for step in steps)
    again = pluralize(len(steps) - changing, "assignment", "assignments")
    repeated = f" {again} of policies would only be sent again." if len(steps) > changing else ""
    if changing:
        removed = pluralize(removals, "removal", "removals")
        return f"{pluralize(changing, 'step', 'steps')}, {removed} among them.{repeated}"
    if left:
        return f"Nothing to do; everything listed is left alone.{repeated}"
    return f"Nothing to do: the {'rest of the ' if repeated else ''}tenant is as the code says.{repeated}"
