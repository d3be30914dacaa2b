# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A role with the options of many cases, in one run of Ansible, since starting it takes longer than most of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from playbooks.harness import Data, Playbooks, Result, play, task

_FAILED, _LOG = "It failed", "What the tenant received"


@dataclass(frozen=True)
class Case:
    """What came of one case.

    :param name: of the case.
    :param results: those of the tasks of the role, in their order.
    :param has_failed: whether the role failed, which would have ended a run of its own.
    :param log: what the tenant received, if it was fresh.
    """

    name: str
    results: list[Result]
    has_failed: bool
    log: list[Data] = field(default_factory=list)

    @property
    def failure(self) -> Data:
        """The one failure, with which the role ended."""
        failed = [result.data for result in self.results if result.failed]
        assert (self.has_failed, len(failed)) == (True, 1), self
        return failed[0]


def case_by_case(
    playbooks: Playbooks,
    role: str,
    cases: Mapping[str, Data],
    changes: Mapping[str, Data] | None = None,
    *options: str,
    fresh: bool = False,
    **environment: str,
) -> dict[str, Case]:
    """Run a role for each case in a play of its own; one that fails does not stop the next.

    :param cases: by name the variables of the role.
    :param changes: by case what changes in the tenant before it; it stays changed.
    :param fresh: whether each case has a fresh tenant.
    """
    reset, log = ({"reset": {}}, [task(_LOG, "tenant", {"log": True})]) if fresh else ({}, [])
    plays = []
    for name, variables in cases.items():
        change = (changes or {}).get(name)
        plays += play(
            task(name, "tenant", {**reset, "changes": [change] if change else []}),
            {
                "block": [task("Run", "ansible.builtin.include_role", {"name": role}, vars=variables)],
                "rescue": [task(_FAILED, "ansible.builtin.debug")],
            },
            *log,
        )
    run = playbooks.run(plays, *options, **environment).succeeded()
    assert "Traceback" not in run.output
    came_of: dict[str, Case] = {}
    starts = [number for number, result in enumerate(run.results) if result.task in cases]
    for start, end in zip(starts, [*starts[1:], None], strict=True):
        first, *results = run.results[start:end]
        of_role = [result for result in results if result.task not in (_FAILED, _LOG)]
        received = [entry for result in results if result.task == _LOG for entry in result.data["log"]]
        has_failed = any(result.task == _FAILED for result in results)
        came_of[first.task] = Case(first.task, of_role, has_failed, received)
    assert list(came_of) == list(cases)
    return came_of
