# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs plays in the process of the controller and by processes, and holds what they tell against each other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from playbooks.harness import Data, Playbooks, Run, names
from sandbox.process import Sandbox

#: What tells the ways apart, as it should: who ran it, with what, and where in Ansible it stood when time was up.
_OF_THE_WAY = ("ansible_facts", "invocation", "frame")
#: What Ansible prints at -vvv when it starts a process.
STARTED = re.compile(r"^<[\w.]+> (?:SSH: )?EXEC ", re.MULTILINE)


def both_ways(
    playbooks: Playbooks,
    tenant: Sandbox,
    plays: list[Data],
    *options: str,
    change: Data | None = None,
    more: Data | None = None,
    within: Sequence[str] = (),
    **environment: str,
) -> list[Run]:
    """Run plays in the process of the controller, and by processes, each on a fresh tenant with a fresh ledger.

    :param change: what happens in the tenant before.
    :param more: more variables.
    :param within: see C(Playbooks.run).
    """
    runs = []
    for way in ("true", "false"):
        tenant.reset()
        variables = {**names(tenant), **(more or {}), "ledger": str(playbooks.folder / f"ledger-{way}")}
        if change:
            tenant.change(**change)
        runs.append(
            playbooks.run(plays, *options, variables=variables, within=within, CAKEWALK_IN_PROCESS=way, **environment)
        )
    return runs


def told(run: Run, way: str) -> list[tuple[str, str, Data]]:
    """Return what each task returned, without what tells the ways apart."""
    return [
        (
            result.task,
            result.status,
            {name: _without_way(value, way) for name, value in result.data.items() if name not in _OF_THE_WAY},
        )
        for result in run.results
    ]


def _without_way(value: Any, way: str) -> Any:
    """Return a value in which the names of the ledger and the times are the same for both ways."""
    if isinstance(value, dict):
        return {name: _without_way(inner, way) for name, inner in value.items() if name not in _OF_THE_WAY}
    if isinstance(value, list):
        return [_without_way(inner, way) for inner in value]
    return value.replace(f"ledger-{way}", "ledger") if isinstance(value, str) else value
