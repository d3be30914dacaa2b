# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that the code changes in the tenant, as one plan with one hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..._api.errors import CakewalkError
from ..._api.operations import Step
from ..._api.text import UNCUT, printable
from ..core.guardrails import check_removals, check_share
from ..core.tenant import Tenant
from ..storage.ledger import Ledger
from .anchors import check_anchors
from .plan_text import lines_of, summary_of
from .section import ReversibleStep, SectionPlan
from .sections import accesses, custom_fields, groups, policies
from .source import CodeRefused, SourceCode

#: The version of the form of plans; one that was approved is about this one only.
FORMAT = 1
#: The sections of the code, in the order in which plans tell of them; each is planned knowing those before it.
SECTIONS = (groups, accesses, custom_fields, policies)
#: The options that bind a run, and so are part of what was approved.
RAILS = (
    *("acting_user", "protected_users", "max_removals", "max_removal_percent", "allow_inactive", "retry_declined"),
    *("max_assignments", "enforce", "ledger_max_age"),
)


class PlanMoved(CakewalkError):
    """What would be done is not what was approved."""

    kind = "plan_moved"


@dataclass(frozen=True)
class TenantPlan:
    """What the sections change together."""

    code: SourceCode
    parts: tuple[SectionPlan, ...]
    params: Mapping[str, Any]

    @cached_property
    def acts(self) -> list[ReversibleStep]:
        """The steps, with what takes each back."""
        return [act for part in self.parts for act in part.acts]

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps."""
        return tuple(act.step for act in self.acts)

    @cached_property
    def before(self) -> dict[str, Any]:
        """The state of what changes."""
        return {name: state for part in self.parts for name, state in part.before.items()}

    @cached_property
    def after(self) -> dict[str, Any]:
        """The state that it changes to."""
        return {name: state for part in self.parts for name, state in part.after.items()}

    @property
    def removals(self) -> list[tuple[str, str]]:
        """From where who is removed."""
        return sorted(pair for part in self.parts for pair in part.removals)

    @property
    def left(self) -> list[str]:
        """What is left alone, as lines."""
        return [line for part in self.parts for line in part.left]

    @property
    def unmet(self) -> list[str]:
        """What the code asks for in vain, as lines."""
        return [line for part in self.parts for line in part.unmet]

    @property
    def unverifiable(self) -> list[str]:
        """What nobody can read, as lines."""
        return [line for part in self.parts for line in part.unverifiable]

    @property
    def differing(self) -> list[str]:
        """What is not as the code says, as far as that is known."""
        known = {name for part in self.parts for name in part.before.keys() - part.unknown}
        return sorted(known) + self.unmet

    @property
    def ledger(self) -> Ledger | None:
        """Where steps leave their entries."""
        return next((part.ledger for part in self.parts if part.ledger), None)

    @property
    def error(self) -> CakewalkError | None:
        """What keeps the tenant from being as the code says, after all steps."""
        return next((part.error for part in self.parts if part.error), None)

    @cached_property
    def lines(self) -> list[str]:
        """The plan, for people."""
        notes = {name: lines for part in self.parts for name, lines in part.notes.items()}
        told = lines_of(self.before, self.after, notes)
        again = [f"sent again: {line}" for part in self.parts for line in part.again]
        return [*told, *again, *self.left, summary_of(self.steps, len(self.removals), len(self.left))]

    @property
    def text(self) -> str:
        """The plan as a file: what it is about, what changes, and its hash."""
        named = {"In the name of": self.params["acting_user"], "Purpose:": self.params["purpose"]}
        about = [f"{words} {printable(one, UNCUT)}" for words, one in named.items() if one]
        return (
            "\n".join([f"Plan for {printable(self._base_url)}", *about, "", *self.lines, "", f"plan_hash: {self.hash}"])
            + "\n"
        )

    @cached_property
    def hash(self) -> str:
        """The digest over all that a plan hangs on: code, touched state, steps, rails, address and version (S30)."""
        steps = [[step.method, step.path, step.body] for step in self.steps]
        about = {
            "format": FORMAT,
            "version": self.params["source"]["version"],
            "base_url": self._base_url,
            "code": self.code.sections,
            "touched": [part.touched for part in self.parts],
            "steps": sorted(json.dumps(step, sort_keys=True) for step in steps),
            "rails": {name: self.params[name] for name in RAILS},
        }
        return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()

    @property
    def _base_url(self) -> str:
        return str(self.params["base_url"]).rstrip("/")

    def check_rails(self) -> None:
        """Hold the sum of all sections against the rails of the run.

        :raises RailHit: there would be too many removals.
        :raises ConfigurationError: a rail is none.
        """
        authoritative = any(part.is_authoritative for part in self.parts)
        check_removals(self.removals, self.params["max_removals"], authoritative)
        check_share(self.removals, sum(part.read for part in self.parts), self.params["max_removal_percent"])

    def approved(self) -> tuple[Step, ...]:
        """Return the steps, if this is the plan that was approved.

        Where nothing would change there is nothing to approve, and nothing is sent again either.

        :raises PlanMoved: it is another one, and changes something.
        """
        if self.params["plan_hash"] == self.hash:
            return self.steps
        if not any(step.changes for step in self.steps):
            return ()
        raise PlanMoved(
            "carry out the plan",
            f"it is another one than was approved: code, tenant, options or version changed, and the hash is "
            f"{self.hash} now, not {printable(self.params['plan_hash'])}",
            "Nothing was changed. Plan again, and have the new plan approved.",
            plan_hash=self.hash,
        )


def code_of(params: Mapping[str, Any]) -> SourceCode:
    """Return the code that a task is about.

    :raises CodeRefused: it contradicts itself.
    """
    code = SourceCode(params["source"]["code"], params["source"]["positions"])
    problems = [one for section in SECTIONS for one in section.problems_of(code)]
    if problems:
        raise CodeRefused(problems)
    return code


def tenant_plan(params: Mapping[str, Any], tenant: Tenant) -> TenantPlan:
    """Read what the code is about, and return what it changes.

    :raises CakewalkError: the code cannot be meant; where it is named by what the code asks for, with file and line.
    """
    code = code_of(params)
    check_anchors(code.sections["tenant"]["anchors"], params["base_url"], tenant)
    try:
        parts: list[SectionPlan] = []
        for section in SECTIONS:
            parts.append(section.section_plan(code, params, tenant, parts))
    except CakewalkError as error:
        raise code.located(error) from None
    return TenantPlan(code, tuple(parts), params)
