# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as text for those who review it: the same to the byte for the same code and tenant."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ..._api.operations import Step
from ..._api.text import UNCUT, pluralize, printable

_INDENT = "  "


def lines_of(before: Mapping[str, Any], after: Mapping[str, Any], notes: Mapping[str, list[str]]) -> list[str]:
    """Return what changes, thing by thing: what goes behind a minus, what comes behind a plus, what follows behind an
    arrow. Nothing is cut: whoever approves a plan is to see all of it."""
    lines = []
    for name in {**before, **after}:
        gone, come = _differences(before.get(name), after.get(name))
        told = [
            *(f"- {one}" for one in gone),
            *(f"+ {one}" for one in come),
            *(f"> {one}" for one in notes.get(name, ())),
        ]
        lines += [printable(name, UNCUT), *(_INDENT + printable(one, UNCUT) for one in told)]
    return lines


def summary_of(steps: Sequence[Step], removals: int, left: int) -> str:
    """Return a plan in one sentence.

    :param left: how many lines tell of what is left alone.
    """
    changing = sum(step.changes for step in steps)
    again = len(steps) - changing
    repeated = (
        f" {pluralize(again, 'assignment', 'assignments')} of policies would only be sent again." if again else ""
    )
    if changing:
        going, removed = pluralize(changing, "step", "steps"), pluralize(removals, "removal", "removals")
        return f"{going}, {removed} among them.{repeated}"
    if left:
        return f"Nothing to do; what stands above is left alone.{repeated}"
    return f"Nothing to do: the tenant is as the code says.{repeated}"


def _differences(before: Any, after: Any) -> tuple[list[str], list[str]]:
    """Return what only one of two states has, as texts, in its order."""
    old, new = _items(before), _items(after)
    gone, come = Counter(old) - Counter(new), Counter(new) - Counter(old)
    return [one for one in old if one in gone], [one for one in new if one in come]


def _items(state: Any) -> list[str]:
    if isinstance(state, Mapping):
        return [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in state.items()]
    return list(state or ())
