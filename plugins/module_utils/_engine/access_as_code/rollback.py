# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rollback: code that undoes what a run changed; it is planned and approved as any other code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..._api.text import printable
from ..core.plan import ApplyResult, StepStatus
from .section import ReversibleStep
from .yaml_writer import dump_yaml

_HEAD = (
    "What takes back a run of mode: apply. Put it into a folder of its own, plan it, and have the plan approved.",
    "People who are added again go through access requests again.",
)


def inverse_of(steps: Sequence[ReversibleStep], applied: ApplyResult, tenant: Mapping[str, Any]) -> dict[str, Any]:
    """Return the code that undoes the steps that were done, under C(inverse); empty if no step was sent.

    :param tenant: the section C(tenant) of the code.
    """
    statuses = {id(result.step): result.status for result in applied.steps}
    done = [item for item in steps if statuses.get(id(item.step)) is StepStatus.DONE]
    failed = [item for item in steps if statuses.get(id(item.step)) is StepStatus.FAILED]
    if not done and not failed:
        return {}
    undone = [item for item in done if item.undo is not None]
    remaining = [f"{item.step.action}: {item.reason}" for item in done if item.reason]
    remaining += [
        f"{item.step.action}: it failed, so it is not known whether there is something to take back" for item in failed
    ]
    comments = [
        *_HEAD,
        *(f"Takes back: {_description(item)}" for item in undone),
        *(f"Cannot be taken back: {line}" for line in remaining),
    ]
    text = dump_yaml({"tenant": tenant, **_sections(undone)}, comments)
    return {"inverse": {"text": text, "not_undoable": remaining}}


def _description(reversible: ReversibleStep) -> str:
    """Return the action of a step, with the names of people that it does not hold."""
    action = reversible.step.action
    people = [name for name in map(printable, reversible.step.users) if name not in action]
    return f"{action} ({', '.join(people)})" if people else action


def _sections(steps: Iterable[ReversibleStep]) -> dict[str, list[dict[str, Any]]]:
    """Return the entries by section; entries that differ only in their lists become one."""
    merged: dict[str, dict[Any, dict[str, Any]]] = {}
    for reversible in steps:
        entry = dict(reversible.undo or {})
        key = tuple((name, value) for name, value in entry.items() if isinstance(value, str))
        target = merged.setdefault(reversible.section, {}).setdefault(key, {})
        for name, value in entry.items():
            target[name] = [*target.get(name, []), *value] if isinstance(value, list) else value
    return {section: list(entries.values()) for section, entries in merged.items()}
