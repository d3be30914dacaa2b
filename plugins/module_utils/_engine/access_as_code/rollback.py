# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What would take back what a run did: code of its own, which is planned afresh under all rails."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..._api.text import printable
from ..core.plan import ApplyResult, StepStatus
from .section import ReversibleStep
from .yaml_writer import emitted

_HEAD = (
    "What takes back a run of mode: apply. Put it into a folder of its own, plan it, and have the plan approved.",
    "People who are added again go through access requests again.",
)


def inverse_of(acts: Sequence[ReversibleStep], applied: ApplyResult, tenant: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inverse of what was done, as C(inverse); empty where nothing was.

    :param tenant: the section C(tenant) of the code.
    """
    statuses = {id(result.step): result.status for result in applied.steps}
    taken = [act for act in acts if statuses.get(id(act.step)) is StepStatus.DONE]
    told = [act for act in acts if statuses.get(id(act.step)) is StepStatus.FAILED]
    if not taken and not told:
        return {}
    stays = [f"{act.step.action}: {act.undo.reason}" for act in taken if act.undo.reason]
    stays += [
        f"{act.step.action}: it failed, so it is not known whether there is something to take back" for act in told
    ]
    comments = [
        *_HEAD,
        *(f"Takes back: {_who(act)}" for act in taken if act.undo.entry is not None),
        *(f"Cannot be taken back: {one}" for one in stays),
    ]
    sections = _sections(act for act in taken if act.undo.entry is not None)
    return {"inverse": {"text": emitted({"tenant": tenant, **sections}, comments), "not_undoable": stays}}


def _who(act: ReversibleStep) -> str:
    people = ", ".join(printable(one) for one in act.step.users if printable(one) not in act.step.action)
    return f"{act.step.action} ({people})" if people else act.step.action


def _sections(acts: Iterable[ReversibleStep]) -> dict[str, list[dict[str, Any]]]:
    """Return the entries by section; those about one thing, which is all that they name beside lists, as one."""
    found: dict[str, dict[Any, dict[str, Any]]] = {}
    for act in acts:
        entry = dict(act.undo.entry or {})
        thing = tuple((name, value) for name, value in entry.items() if isinstance(value, str))
        about = found.setdefault(act.undo.section, {}).setdefault(thing, {})
        for name, value in entry.items():
            about[name] = [*about.get(name, []), *value] if isinstance(value, list) else value
    return {section: list(entries.values()) for section, entries in found.items()}
