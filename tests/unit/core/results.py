# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of applying a plan, by what became of its steps."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import CakewalkError
from ansible_collections.cakewalk.access.plugins.module_utils._api.operations import Step
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.plan import (
    ApplyResult,
    StepResult,
    StepStatus,
)

Errors = Sequence[tuple[Step, CakewalkError]]


def applied(
    done: Sequence[Step] = (), failed: Errors = (), pending: Sequence[Step] = (), refused: Errors = ()
) -> ApplyResult:
    """Return a result in which these steps have these statuses."""
    return ApplyResult(
        [
            *(StepResult(step, StepStatus.DONE) for step in done),
            *(StepResult(step, StepStatus.FAILED, error) for step, error in failed),
            *(StepResult(step, StepStatus.REFUSED, error) for step, error in refused),
            *(StepResult(step) for step in pending),
        ]
    )


def steps(result: ApplyResult, *statuses: StepStatus) -> list[Step]:
    """Return the steps that have one of these statuses, by default those that are done."""
    return [each.step for each in result.having(*(statuses or (StepStatus.DONE,)))]
