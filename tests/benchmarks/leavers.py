# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many people who leave at once: one run for all of them, beside a loop of the role, which reads the tenant for each.

The loop is measured for some of them, since it takes the same for each.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from playbooks.harness import Data, Playbooks, pages, play, task, writes
from sandbox.process import Sandbox

from benchmarks.measured import Cost, cost_of, goal, keep

USERS, LEAVERS, LOOPED = 2_000, 200, 5
#: What the people need in common: the lists once before the first write, twice after it, the members of the
#: groups once more, and the directory and the requests twice, since the run rests on what these do not show.
_READINGS, _MEMORY = 3, 200 * 2**20
_OPTIONS = {"wait_timeout": 0, "fail_on_left": False, "max_removal_percent": 100, "requests_per_minute": 0}


def main() -> int:
    """Measure both, print them, keep the figures, and tell whether a goal is missed."""
    with TemporaryDirectory() as folder, Sandbox(users=USERS, groups=40, apps=60, rate_limit=0) as tenant:
        playbooks = Playbooks(Path(folder) / "runs", tenant)
        people = _people(tenant)
        state = tenant.state("users", "groups", "apps", "requests")
        options = {**_OPTIONS, "proof_dir": str(Path(folder) / "proofs")}
        together, requests, written = _measured(tenant, playbooks, {**options, "people": people}, None)
        tenant.reset()
        single = {**options, "user": "{{ item.user }}", "confirm": "{{ item.confirm }}"}
        looped, requests_looped, _written = _measured(tenant, playbooks, single, people[:LOOPED])
        tenant.reset()
    lists = _lists(state)
    times = LEAVERS / LOOPED
    in_a_loop = looped.seconds * times
    again = 2 * pages(len(state["requests"])) + _members(state)
    most = _READINGS * (lists + LEAVERS) + again + 2 * pages(USERS) + written + 2 * LEAVERS
    print(f"{LEAVERS} people leave a company of {USERS:,}: {lists} requests read all lists once, {written} writes")
    print(f"  together: {requests:>8,} requests {together.seconds:>8.1f} s {together.peak_memory / 2**20:>6.0f} MiB")
    print(
        f"  in a loop: {requests_looped * times:>7,.0f} requests {in_a_loop:>8.1f} s "
        f"{looped.peak_memory / 2**20:>6.0f} MiB (from {LOOPED} people)"
    )
    keep(
        "leavers",
        {"lists": lists, "writes": written, "requests": requests, "seconds": together.seconds, "looped": LOOPED}
        | {"memory": together.peak_memory, "requests_looped": requests_looped, "seconds_looped": looped.seconds},
    )
    goals = [
        goal(f"at most {_READINGS} readings, and the writes: {most:,} requests", requests <= most, f"{requests:,}"),
        goal(
            "a tenth of the time of a loop",
            together.seconds * 10 <= in_a_loop,
            f"1 to {in_a_loop / together.seconds:.0f}",
        ),
        goal(f"at most {_MEMORY >> 20} MiB", together.peak_memory <= _MEMORY, f"{together.peak_memory / 2**20:.0f}"),
    ]
    return int(not all(goals))


def _people(tenant: Sandbox) -> list[Data]:
    emails = [row["email"] for row in tenant.state("users")["users"] if row["status"] == "Active"]
    alone = [email for email, number in Counter(emails).items() if number == 1 and email != tenant.acting_user]
    return [{"user": email, "confirm": email} for email in alone[-LEAVERS:]]


def _measured(tenant: Sandbox, playbooks: Playbooks, options: Data, loop: list[Data] | None) -> tuple[Cost, int, int]:
    """Return what a task costs, how many requests it sent, and how many of them were writes."""
    keywords = {"loop": loop} if loop else {}
    tasks = play(task("leave", "cakewalk.access.cakewalk_leaver", options, **keywords))
    tenant.clear_log()
    cost = cost_of(lambda: playbooks.run(tasks).succeeded())
    log = tenant.log()
    return cost, len(log), len(writes(log))


def _lists(state: Data) -> int:
    """Return how many requests read every list that can show a person once, apart from the tasks of people."""
    return (
        pages(len(state["groups"]))
        + pages(len(state["apps"]))
        + pages(len(state["requests"]))
        + _members(state)
        + sum(pages(len(app["accesses"])) for app in state["apps"])
        + len(state["apps"])
    )


def _members(state: Data) -> int:
    """Return how many requests read the members of every group once."""
    return sum(pages(len(group["members"])) for group in state["groups"])


if __name__ == "__main__":
    sys.exit(main())
