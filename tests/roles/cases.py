# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A role with the options of many cases, in one run of Ansible, since starting it takes longer than most of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from playbooks.harness import Data, Playbooks, Result, play, task

_FAILED = "It failed"


@dataclass(frozen=True)
class Case:
    """What came of one case.

    :param name: of the case.
    :param results: those of the tasks of the role, in their order.
    :param has_failed: whether the role failed, which would have ended a run of its own.
    :param before: the tables of the tenant before it, as far as they were asked for.
    :param after: the same after it.
    """

    name: str
    results: list[Result]
    has_failed: bool
    before: Data
    after: Data

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
    *options: str,
    look_at: tuple[str, ...] = (),
    **environment: str,
) -> dict[str, Case]:
    """Run a role for each case in a play of its own; one that fails does not stop the next.

    :param cases: by name the variables of the role.
    :param look_at: tables of the tenant that are of interest before and after each case.
    """
    looking = {"state": list(look_at)} if look_at else {}
    plays = []
    for name, variables in cases.items():
        plays += play(
            task(_before(name), "tenant", looking),
            {
                "block": [task(name, "ansible.builtin.include_role", {"name": role}, vars=variables)],
                "rescue": [task(_FAILED, "ansible.builtin.debug")],
            },
            task(_after(name), "tenant", looking),
        )
    run = playbooks.run(plays, *options, **environment).succeeded()
    assert "Traceback" not in run.output
    titles = [result.task for result in run.results]
    came_of = {}
    for name in cases:
        first, last = titles.index(_before(name)), titles.index(_after(name))
        results = list(run.results[first + 1 : last])
        of_role = [result for result in results if result.task != _FAILED]
        before, after = (run.results[number].data.get("state", {}) for number in (first, last))
        came_of[name] = Case(name, of_role, len(of_role) < len(results), before, after)
    return came_of


def _before(name: str) -> str:
    return f"Before: {name}"


def _after(name: str) -> str:
    return f"After: {name}"
