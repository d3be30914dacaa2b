# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A job that sends more requests than a minute allows, alone and beside another one with the same key.

A minute has some seconds only, here and for the sandbox, which refuses what is more than its limit.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from playbooks.harness import INFO, pages
from sandbox.process import Sandbox

from benchmarks.measured import Cost, cost_of, goal, keep, module

#: People to read, each by a request; with the pages of the directory that makes 3,000.
USERS, REQUESTS = 2_970, 3_000
MINUTE = 12.0
#: What the modules send in a minute by default, and what the service allows.
RATE, LIMIT = 900, 1_000
#: How many times as long as the rate allows a job may take.
GOAL = 1.05


@dataclass(frozen=True)
class Jobs:
    """What jobs cost, and how many of their requests were answered with which status."""

    cost: Cost
    answers: dict[int, int]


def main() -> int:
    """Measure both, print what came of them, keep the figures, and tell whether a goal is missed."""
    # Those of a minute may leave at once, so that the last ones may as soon as so many minutes are over.
    least = (REQUESTS - 1) // RATE * MINUTE
    with Sandbox(users=USERS, groups=10, apps=10, rate_limit=LIMIT, rate_window=MINUTE) as tenant:
        ids = [row["id"] for row in tenant.state("users")["users"]]
        alone = _measured(tenant, [ids])
        shared = _measured(tenant, [ids[::2], ids[1::2]])
    print(f"\n{REQUESTS:,} requests, {RATE} allowed in a minute, which has {MINUTE:.0f} seconds here:")
    for words, jobs in (("one job", alone), ("two with one key, half each", shared)):
        print(f"  {words:28}{jobs.cost.seconds:8.2f} s, {jobs.answers.get(429, 0)} requests refused with 429")
    keep("limit", {"alone": alone.cost.seconds, "shared": shared.cost.seconds, "refused": shared.answers.get(429, 0)})
    times = alone.cost.seconds / least
    return int(
        not all(
            [
                goal("one job is never refused", alone.answers == {200: REQUESTS}, str(alone.answers)),
                goal(f"at most {GOAL} of what the rate allows", times <= GOAL, f"{times:.2f}"),
                goal("two jobs end well", shared.answers[200] == USERS + 2 * pages(USERS), str(shared.answers)),
            ]
        )
    )


def _measured(tenant: Sandbox, parts: Sequence[Sequence[str]]) -> Jobs:
    """Return what it costs to read people, each part of them by a job of its own, all at the same time."""
    tenant.reset()
    tenant.clear_log()

    def read(part: Sequence[str]) -> None:
        options = {"users": part, "include": ["user_details"]}
        result, _peak = module(tenant, INFO, options, MINUTE)
        assert len(result["users"]) == len(part)

    def jobs() -> None:
        with ThreadPoolExecutor(len(parts)) as pool:
            list(pool.map(read, parts))

    cost = cost_of(jobs)
    return Jobs(cost, dict(Counter(entry["status"] for entry in tenant.log())))


if __name__ == "__main__":
    sys.exit(main())
