# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as text for reviewers: the same bytes for the same code and tenant."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..._api.operations import Step
from ..._api.text import UNCUT, pluralize, printable
from .section import StateChange


def change_lines(changes: Iterable[StateChange]) -> list[str]:
    """Return lines for each change: what goes after a minus, what comes after a plus, notes after an arrow.

    Nothing is cut, because reviewers must see the whole plan.
    """
    lines = []
    for change in changes:
        before, after = _items(change.before), _items(change.after)
        removed, added = Counter(before) - Counter(after), Counter(after) - Counter(before)
        details = [f"- {item}" for item in before if item in removed]
        details += [f"+ {item}" for item in after if item in added]
        details += [f"> {note}" for note in change.notes]
        lines += [printable(change.name, UNCUT), *(f"  {printable(line, UNCUT)}" for line in details)]
    return lines


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
        return f"Nothing to do; what stands above is left alone.{repeated}"
    return f"Nothing to do: the tenant is as the code says.{repeated}"


def _items(state: Any) -> list[str]:
    if isinstance(state, Mapping):
        return [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in state.items()]
    return list(state or ())
