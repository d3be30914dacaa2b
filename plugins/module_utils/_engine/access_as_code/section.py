# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one section of the code changes in the tenant, as all sections tell it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..._api.errors import CakewalkError
from ..._api.operations import Step
from ..storage.ledger import Ledger


@dataclass(frozen=True)
class Undo:
    """What takes a step back: an entry of a section of the code, or why nothing does, or not all of it; neither where
    nothing changed."""

    section: str = ""
    entry: Mapping[str, Any] | None = None
    reason: str = ""


@dataclass(frozen=True)
class ReversibleStep:
    """A step, and what takes it back once it was done."""

    step: Step
    undo: Undo


@dataclass(frozen=True)
class SectionPlan:
    """What a section changes.

    :param before: the state of each thing that changes, by what it is called, as C(plan.Plan) has it.
    :param touched: what was read of the things that change, by ids: a plan that was approved is about this.
    :param removals: from where who is removed, as pairs of names.
    :param read: how many memberships, or accesses, were read.
    :param is_authoritative: whether an entry owns what it names.
    :param notes: by the thing that changes, lines for people on what follows.
    :param left: lines for people on what is left alone.
    :param again: lines for people on what is sent again although it changes nothing.
    :param follows: whose access to what may change by what it does, as pairs of folded ids, and by what in words.
    :param sets: the custom fields that it sets, by their ids and names.
    :param unmet: lines for people on what the code asks for and nothing can be done about.
    :param unverifiable: lines for people on what nobody can read.
    :param unknown: which things of C(before) count as changed only because nothing is known of them.
    :param ledger: where steps leave their entries.
    :param error: what keeps the section from being reached, after all steps.
    """

    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    acts: tuple[ReversibleStep, ...] = ()
    touched: Mapping[str, Any] = field(default_factory=dict)
    removals: tuple[tuple[str, str], ...] = ()
    read: int = 0
    is_authoritative: bool = False
    notes: Mapping[str, list[str]] = field(default_factory=dict)
    left: tuple[str, ...] = ()
    again: tuple[str, ...] = ()
    follows: Mapping[tuple[str, str], str] = field(default_factory=dict)
    sets: frozenset[str] = frozenset()
    unmet: tuple[str, ...] = ()
    unverifiable: tuple[str, ...] = ()
    unknown: frozenset[str] = frozenset()
    ledger: Ledger | None = None
    error: CakewalkError | None = None


@dataclass(frozen=True)
class ExportedSection:
    """A section as the tenant is, and what people must know of it."""

    entries: list[dict[str, Any]]
    comments: tuple[str, ...] = ()
