# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How work grows with the company: looking people up among more and more, and keeping more and more groups in line.

The module runs as a process of its own, without a playbook, whose share does not grow with the company. Judged is the
time that this process has the processor, since the sandbox has more to do in a large company, too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from playbooks.harness import MEMBERS, Data, Playbooks, play, task
from sandbox.process import Sandbox

from benchmarks.measured import Cost, cost_of, goal, keep, module

ROUNDS = 3
USERS, GROUPS = (1_000, 10_000, 100_000), (10, 100, 1_000)
#: How many people are looked up, and by which group.
LOOKED_UP, GROUP = 100, "Contractors"
#: How many times as long ten times as many may take, the start included, and what the most people may need, in bytes.
GROWTH, MEMORY = 7, 150 * 2**20
_FREELY = {"requests_per_minute": 0, "_ansible_check_mode": True}


@dataclass(frozen=True)
class Size:
    """What work in a company of a size cost, and how many requests it took."""

    size: int
    cost: Cost
    requests: int


def main() -> int:
    """Measure both, print tables, keep the figures, and tell whether a goal is missed."""
    people = _measured(USERS, lambda size: {"users": size, "groups": 10}, _join)
    groups = _measured(GROUPS, lambda size: {"users": 1_000, "groups": size}, _converged)
    _print(f"{LOOKED_UP} people who join a group, in check mode, among so many:", people)
    _print("So many groups that are as they should be:", groups)
    in_process = _peak_in_process()
    print(f"\nThe most people, looked up in the process of Ansible: {in_process / 2**20:.0f} MiB with all of Ansible")
    sizes = {"users": [asdict(one) for one in people], "groups": [asdict(one) for one in groups]}
    keep("scaling", {**sizes, "peak_memory_in_process": in_process})
    most = max(people[-1].cost.peak_memory, in_process)
    goals = [
        _grows("people", people),
        _grows("groups", groups),
        goal(f"at most {MEMORY >> 20} MiB for {USERS[-1]:,} people", most <= MEMORY, f"{most / 2**20:.0f}"),
    ]
    return int(not all(goals))


def _join(tenant: Sandbox) -> Data:
    active = [row["email"] for row in tenant.state("users")["users"] if row["status"] == "Active"]
    return {"group": GROUP, "users": active[-LOOKED_UP:]}


def _converged(tenant: Sandbox) -> Data:
    groups = tenant.state("groups")["groups"]
    return {
        "memberships": [{"group": row["id"], "users": row["members"], "state": "exact"} for row in groups],
        "allow_empty": True,
    }


def _peak_in_process() -> int:
    """Return how much memory Ansible needs in all that runs the module itself among the most people, in bytes."""
    with TemporaryDirectory() as folder, Sandbox(users=USERS[-1], groups=10, apps=10, rate_limit=0) as tenant:
        playbooks = Playbooks(Path(folder) / "runs", tenant)
        join = task("join", MEMBERS, {**_join(tenant), "requests_per_minute": 0}, check_mode=True)
        return cost_of(lambda: playbooks.run(play(join)).succeeded()).peak_memory


def _measured(sizes: Sequence[int], shape: Callable[[int], Data], work: Callable[[Sandbox], Data]) -> list[Size]:
    measured = []
    for size in sizes:
        with Sandbox(**shape(size), apps=10, rate_limit=0) as tenant:
            options = work(tenant)
            costs = []
            for _round in range(ROUNDS):
                tenant.clear_log()
                costs.append(cost_of(partial(_done, tenant, options)))
            # Whatever else the machine does can only add to what it takes.
            measured.append(Size(size, min(costs, key=lambda cost: cost.own), len(tenant.log())))
    return measured


def _done(tenant: Sandbox, options: Data) -> Data:
    _result, peak = module(tenant, MEMBERS, {**options, **_FREELY})
    return {"peak_memory": peak}


def _print(words: str, sizes: list[Size]) -> None:
    print(f"\n{words}\n  {'':10}{'seconds':>10}{'of these its own':>18}{'requests':>10}{'MiB':>6}")
    for one in sizes:
        cost = one.cost
        print(f"  {one.size:10,}{cost.seconds:10.2f}{cost.own:18.2f}{one.requests:10}{cost.peak_memory / 2**20:6.0f}")


def _grows(what: str, sizes: list[Size]) -> bool:
    """Tell whether work grows with the size and no faster: the last step shows it, where the start weighs least."""
    growth = sizes[-1].cost.own / sizes[-2].cost.own
    return goal(f"ten times the {what} take at most {GROWTH} times as long", growth <= GROWTH, f"{growth:.1f}")


if __name__ == "__main__":
    sys.exit(main())
