# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of each section of the code in a plan and in an export."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._api.errors import CakewalkError
from ..._api.operations import Step
from ..access_rules.held import AccessChange
from ..core.lookup import Index, Row, label
from ..storage.ledger import Ledger
from .dated_access import DatedAccess
from .leavers import Leaver

#: The options of all entries in code. Policies decide about approval; C(plan.py) checks the removals of the run.
FIXED_OPTIONS = {
    "method": "request",
    "implicitly_approve_requests": False,
    "bypass_approval": False,
    "bypass_reason": None,
    "allow_self_approval": False,
    "max_removals": sys.maxsize,
    "state": "present",
}
#: Why nothing takes back what was requested.
NOT_UNDOABLE = "nothing in the API cancels a request"
#: The entries of a section for the current state of the tenant, and comments for people.
ExportedSection = tuple[list[dict[str, Any]], Sequence[str]]


@dataclass(frozen=True)
class ReversibleStep:
    """A step, the entry of a section that undoes it, and why nothing does, or not completely.

    The last three are empty for a step that changes nothing.
    """

    step: Step
    section: str = ""
    undo: Mapping[str, Any] | None = None
    reason: str = ""


@dataclass(frozen=True)
class StateChange:
    """The state of a group or app before and after a plan, as lines.

    :param name: the header of the lines: C(Members of Sales).
    :param notes: for people, what follows from the change.
    :param is_known: false if the state before is unknown, and counts as different for that reason only.
    """

    name: str
    before: Sequence[str]
    after: Sequence[str]
    notes: Sequence[str] = ()
    is_known: bool = True


@dataclass(frozen=True)
class SectionPlan:
    """The changes of a section; those of several sections add up. All lines are for people.

    :param touched: what was read about the groups and apps that change, by id; an approval is for this state only.
    :param removals: who is removed, as pairs of names: from what, and which person.
    :param read: the number of memberships and access rows read.
    :param left: lines about what is left alone.
    :param again: lines about what is sent again without a change.
    :param leavers: the places in the code that name people who have left.
    :param unmet: those lines of C(left) that contradict the code.
    :param unverifiable: lines about state that the API does not list.
    :param indirect_access: access that may change as a consequence, by the ids of person and app in lower case, with
        the name of its cause.
    :param access_changes: what people get and lose by the steps, for access rules.
    :param fields_set: the ids and names of custom fields that change.
    :param dated: memberships and access with a term.
    :param expired: who is removed because of their term, as in C(removals).
    :param ledgers: where steps store their ledger entries.
    :param errors: problems that the steps cannot solve.
    """

    changes: tuple[StateChange, ...] = ()
    steps: tuple[ReversibleStep, ...] = ()
    touched: tuple[Mapping[str, Any], ...] = ()
    removals: tuple[tuple[str, str], ...] = ()
    read: int = 0
    left: tuple[str, ...] = ()
    again: tuple[str, ...] = ()
    leavers: tuple[Leaver, ...] = ()
    unmet: tuple[str, ...] = ()
    unverifiable: tuple[str, ...] = ()
    indirect_access: tuple[tuple[tuple[str, str], str], ...] = ()
    access_changes: tuple[AccessChange, ...] = ()
    fields_set: tuple[str, ...] = ()
    dated: tuple[DatedAccess, ...] = ()
    expired: tuple[tuple[str, str], ...] = ()
    ledgers: tuple[Ledger, ...] = ()
    errors: tuple[CakewalkError, ...] = ()

    def __add__(self, other: SectionPlan) -> SectionPlan:
        """Return the changes of both plans."""
        return SectionPlan(**{name: value + getattr(other, name) for name, value in vars(self).items()})


def sorted_rows(index: Index) -> list[Row]:
    """Return the rows of an index, sorted by name."""
    return sorted(index.by_id.values(), key=lambda row: (label(row), row["id"]))
