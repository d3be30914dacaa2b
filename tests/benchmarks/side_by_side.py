# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pieces of work by a task of this collection, by the floor and by C(uri) in a loop, in turn in one tenant.

Each begins with the same tenant and meets the same latency, and nothing limits how fast requests leave. The start is
what a task takes that does nothing; the floor has none. What it takes in a play that holds the same data, which Ansible
has to read, is shown beside it. The loop is measured for some of its items and does no more than its part of the work;
what all would take is worked out, and the table says so. What takes long is measured once.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playbooks.harness import Playbooks
from sandbox.process import Sandbox

from benchmarks.cases import CASES, Case
from benchmarks.measured import Cost, cost_of, goal, keep

LATENCY, ROUNDS, SAMPLE = 0.05, 3, 20
OURS, ALONE, FLOOR, LOOP = "cakewalk", "cakewalk, one at a time", "floor", "uri in a loop"
START, WITH_DATA = "start", "start, with the data"


@dataclass
class Ways:
    """What each way cost, and how many requests of each operation it sent.

    :param items: how many the loop would have in all.
    """

    costs: dict[str, list[Cost]] = field(default_factory=dict)
    requests: dict[str, dict[str, int]] = field(default_factory=dict)
    items: int = 0

    def usual(self, way: str) -> Cost:
        """Return what a way usually costs; of a loop, what all of its items would."""
        cost = Cost.usual(self.costs[way])
        if way != LOOP:
            return cost
        begin = Cost.usual(self.costs[START]).seconds
        return replace(cost, seconds=begin + (cost.seconds - begin) * self.items / SAMPLE)


def main() -> int:
    """Measure each case, print tables, keep the figures, and tell whether a goal is missed."""
    figures: dict[str, Any] = {}
    missed = False
    for name, case in CASES.items():
        ways = measured(case)
        figures[name] = {way: asdict(ways.usual(way)) | {"requests": ways.requests[way]} for way in ways.costs}
        print(f"\n{case.title}; {LATENCY * 1000:.0f} ms latency, medians of {ROUNDS}")
        _print(ways)
        missed |= not all(_goals(case, ways))
    keep("side_by_side", figures)
    return int(missed)


def measured(case: Case) -> Ways:
    """Return what each way of a case costs; they take turns, so that all meet the same machine."""
    ways = Ways()
    with TemporaryDirectory() as folder, Sandbox(**case.sizes, rate_limit=0) as tenant:
        playbooks = Playbooks(Path(folder) / "runs", tenant)
        work = case.work(tenant, case.number)
        ways.items = len(work.items)

        def measure(way: str, deed: Callable[[], object]) -> None:
            tenant.reset()
            if work.prepare:
                work.prepare()
            tenant.configure(latency=LATENCY)
            tenant.clear_log()
            ways.costs.setdefault(way, []).append(cost_of(deed))
            ways.requests[way] = dict(Counter(entry["operation"] for entry in tenant.log()))

        for _round in range(ROUNDS):
            measure(START, lambda: work.by_nothing(playbooks))
            measure(WITH_DATA, lambda: work.by_nothing(playbooks, vars={"work": work.options}))
            measure(OURS, lambda: work.by_us(playbooks, requests_per_minute=0))
            measure(FLOOR, lambda: work.by_the_floor(tenant))
        measure(LOOP, lambda: work.by_a_loop(playbooks, tenant, SAMPLE))
        if case.parallel:
            measure(ALONE, lambda: work.by_us(playbooks, requests_per_minute=0, concurrency=1))
    return ways


def _print(ways: Ways) -> None:
    ours = ways.usual(OURS).seconds
    print(f"  {'':26}{'seconds':>10}{'of ours':>9}{'requests':>10}{'MiB':>6}")
    for way in ways.costs:
        cost, number = ways.usual(way), sum(ways.requests[way].values())
        of = "   (once)" if len(ways.costs[way]) == 1 else ""
        of += f"   (of {SAMPLE} of {ways.items}, times {ways.items / SAMPLE:g})" if way == LOOP else ""
        number = number * ways.items // SAMPLE if way == LOOP else number
        columns = f"{cost.seconds:10.2f}{cost.seconds / ours:9.2f}{number:10}{cost.peak_memory / 2**20:6.0f}"
        print(f"  {way:26}{columns}{of}")


def _goals(case: Case, ways: Ways) -> list[bool]:
    ours, floor, loop, begin = (ways.usual(way).seconds for way in (OURS, FLOOR, LOOP, START))
    of_floor = (ours - begin) / floor
    goals = [
        goal(f"at most {case.goal} of the floor, beside one start", of_floor <= case.goal, f"{of_floor:.3f}"),
        goal(f"at least {case.faster} times faster than the loop", loop / ours >= case.faster, f"{loop / ours:.0f}"),
        goal(
            "no more requests than the floor",
            ways.requests[OURS] == ways.requests[FLOOR],
            f"{sum(ways.requests[OURS].values())} and {sum(ways.requests[FLOOR].values())}",
        ),
    ]
    if case.parallel:
        # Both start once.
        times = (ways.usual(ALONE).seconds - begin) / (ours - begin)
        words = f"at least {case.parallel} times faster than one by one"
        goals.append(goal(words, times >= case.parallel, f"{times:.2f}"))
    return goals


if __name__ == "__main__":
    sys.exit(main())
