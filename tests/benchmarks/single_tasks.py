# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task costs: twenty in a row, and a loop of twenty, against C(ping), C(uri), and the module by a process.

All stand in one play. What one costs is the time from its start until Ansible has its result.
"""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from playbooks.harness import INFO, Data, Playbooks, play, task
from sandbox.process import Sandbox

from benchmarks.measured import goal, keep

NUMBER, ROUNDS = 20, 3
#: The goal, as a share of what C(ping) costs.
GOAL = 0.2
READ: Data = {"groups": ["Engineering"]}
#: What is measured: module, options, keywords of the task.
WAYS: dict[str, tuple[str, Data, Data]] = {
    "cakewalk_info": (INFO, READ, {}),
    "cakewalk_info by a process": (INFO, READ, {"vars": {"cakewalk_in_process": False}}),
    "uri": (
        "ansible.builtin.uri",
        {
            "url": "{{ lookup('env', 'CAKEWALK_BASE_URL') }}/api/v1/UsersGroups",
            "headers": {
                "X-API-KEY": "{{ lookup('env', 'CAKEWALK_API_KEY') }}",
                "X-API-SECRET": "{{ lookup('env', 'CAKEWALK_API_SECRET') }}",
            },
        },
        {},
    ),
    "ping": ("ansible.builtin.ping", {}, {}),
}
FORMS = ("in a row", "in a loop")


def main() -> int:
    """Measure, print a table, write the figures into the folder that is given, and tell whether the goal is met."""
    with TemporaryDirectory() as folder, Sandbox(rate_limit=0) as tenant:
        found = measured(Playbooks(Path(folder) / "runs", tenant))
    ping = found["ping"]
    print(f"\n{'':28}{'in a row':>12}{'of ping':>9}{'in a loop':>12}{'of ping':>9}   (medians of {ROUNDS}, ms a task)")
    for way, costs in found.items():
        columns = "".join(f"{costs[form] * 1000:12.1f}{costs[form] / ping[form]:9.2f}" for form in FORMS)
        print(f"{way:28}{columns}")
    ratio = max(found["cakewalk_info"][form] / ping[form] for form in FORMS)
    keep("single_tasks", found)
    return int(not goal(f"at most {GOAL} of ping a task", ratio <= GOAL, f"{ratio:.2f}"))


def measured(playbooks: Playbooks) -> dict[str, dict[str, float]]:
    """Return what a task costs in seconds, by way and form; the ways take turns, so that all meet the same machine."""
    in_a_row = [_task(way) for _number in range(NUMBER) for way in WAYS]
    in_a_loop = [{**_task(way), "loop": list(range(NUMBER))} for way in WAYS]
    rounds = []
    for _round in range(ROUNDS):
        taken: dict[str, list[float]] = {}
        for result in playbooks.run(play(*in_a_row, *in_a_loop)).succeeded().results:
            taken.setdefault(result.task, []).append(result.seconds)
        rounds.append(taken)
    return {
        way: {
            "in a row": median(median(taken[way][:NUMBER]) for taken in rounds),
            "in a loop": median(taken[way][NUMBER] / NUMBER for taken in rounds),
        }
        for way in WAYS
    }


def _task(way: str) -> Data:
    module, options, keywords = WAYS[way]
    return task(way, module, options, **keywords)


if __name__ == "__main__":
    sys.exit(main())
