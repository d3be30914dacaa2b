# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task costs: twenty in a row, and a loop of twenty, against C(ping), C(uri), and the module by a process.

What one costs is the difference between a play with all of them and one without, divided by their number.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from playbooks.harness import Data, Playbooks, play, task
from sandbox.process import Sandbox

from benchmarks.measured import goal, keep

NUMBER, ROUNDS = 20, 3
#: The goal, as a share of what C(ping) costs.
GOAL = 0.2
READ: Data = {"cakewalk.access.cakewalk_info": {"groups": ["Engineering"]}}
URI: Data = {
    "ansible.builtin.uri": {
        "url": "{{ lookup('env', 'CAKEWALK_BASE_URL') }}/api/v1/UsersGroups",
        "headers": {
            "X-API-KEY": "{{ lookup('env', 'CAKEWALK_API_KEY') }}",
            "X-API-SECRET": "{{ lookup('env', 'CAKEWALK_API_SECRET') }}",
        },
    }
}
#: What is measured: the task, and the variables of the environment.
WAYS: dict[str, tuple[Data, dict[str, str]]] = {
    "cakewalk_info": (READ, {}),
    "cakewalk_info by a process": (READ, {"CAKEWALK_IN_PROCESS": "false"}),
    "uri": (URI, {}),
    "ping": ({"ansible.builtin.ping": {}}, {}),
}


def main() -> int:
    """Measure, print a table, write the figures into the folder that is given, and tell whether the goal is met."""
    with TemporaryDirectory() as folder, Sandbox(rate_limit=0) as tenant:
        found = measured(Playbooks(Path(folder) / "runs", tenant))
    ping = {form: found["ping"][form] for form in ("in a row", "in a loop")}
    print(f"\n{'':28}{'in a row':>12}{'of ping':>9}{'in a loop':>12}{'of ping':>9}   (medians of {ROUNDS}, ms a task)")
    for way, costs in found.items():
        columns = "".join(f"{costs[form] * 1000:12.1f}{costs[form] / ping[form]:9.2f}" for form in ping)
        print(f"{way:28}{columns}")
    ratio = max(found["cakewalk_info"][form] / ping[form] for form in ping)
    keep("single_tasks", found)
    return int(not goal(f"at most {GOAL} of ping a task", ratio <= GOAL, f"{ratio:.2f}"))


def measured(playbooks: Playbooks) -> dict[str, dict[str, float]]:
    """Return what a task costs in seconds, by way and form; the ways take turns, so that all meet the same machine."""
    times: dict[tuple[str, str], list[float]] = {}
    for _round in range(ROUNDS):
        for way, (one, environment) in WAYS.items():
            in_a_row = [task(f"task {number}", *next(iter(one.items()))) for number in range(NUMBER)]
            forms: dict[str, list[Data]] = {
                "nothing": [],
                "in a row": in_a_row,
                "in a loop": [{"name": "loop", **one, "loop": list(range(NUMBER))}],
            }
            for form, tasks in forms.items():
                start = time.perf_counter()
                playbooks.run(play(*tasks), **environment).succeeded()
                times.setdefault((way, form), []).append(time.perf_counter() - start)
    costs: dict[str, Any] = {way: {} for way in WAYS}
    for (way, form), taken in times.items():
        costs[way][form] = (median(taken) - median(times[way, "nothing"])) / NUMBER
    return costs


if __name__ == "__main__":
    sys.exit(main())
