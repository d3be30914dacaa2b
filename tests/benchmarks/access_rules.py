# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many access rules over much access: one pass beside plain loops, in one run and without a tenant.

The loops have what people hold by person, and look through all of it for each rule. Both must find the same.
"""

from __future__ import annotations

import random
import sys
import time
import tracemalloc
from collections.abc import Callable
from datetime import datetime, timezone

from ansible_collections.cakewalk.access.plugins.module_utils._api.catalog import UserStatuses
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_rules.evaluation import evaluate
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_rules.form import CONFLICTS
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_rules.held import HeldAccess
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_rules.rule import AccessRule, Entitlement

from benchmarks.measured import goal, keep

PEOPLE, APPS, LEVELS, ACCESS, RULES = 5_000, 200, 3, 100_000, 200
_SECONDS, _RATIO, _MEMORY = 5.0, 5.0, 100 * 2**20
Found = set[tuple[str, str]]


def main() -> int:
    """Measure both, print them, keep the figures, and tell whether a goal is missed."""
    held, rules = _tenant()
    ours, seconds = _timed(lambda: _ours(held, rules))
    naive, naive_seconds = _timed(lambda: _naive(held, rules))
    assert ours == naive, "the two do not find the same"
    tracemalloc.start()
    _ours(held, rules)
    _now, memory = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(
        f"{RULES} access rules over {ACCESS:,} times access of {PEOPLE:,} people to {APPS} apps: {len(ours):,} findings"
    )
    print(f"  one pass:    {seconds:>7.2f} s of the processor, {memory / 2**20:.0f} MiB in addition to the access")
    print(f"  plain loops: {naive_seconds:>7.2f} s of the processor")
    keep("access_rules", {"seconds": seconds, "naive_seconds": naive_seconds, "memory": memory, "findings": len(ours)})
    ratio = naive_seconds / seconds
    goals = [
        goal(f"at most {_SECONDS:.0f} seconds", seconds <= _SECONDS, f"{seconds:.2f}"),
        goal(f"at least {_RATIO:.0f} times as fast as plain loops", ratio >= _RATIO, f"{ratio:.0f} times"),
        goal(f"at most {_MEMORY >> 20} MiB", memory <= _MEMORY, f"{memory / 2**20:.0f}"),
    ]
    return int(not all(goals))


def _tenant() -> tuple[HeldAccess, list[AccessRule]]:
    """Return access of many people, and a rule about two levels of different apps each."""
    chance = random.Random(1)
    people = [f"person-{number}" for number in range(PEOPLE)]
    levels = [(f"app-{app}", f"level-{app}-{level}") for app in range(APPS) for level in range(LEVELS)]
    levels_held: dict[str, dict[str, set[str]]] = {f"app-{app}": {} for app in range(APPS)}
    number = 0
    while number < ACCESS:
        app, level = chance.choice(levels)
        levels_of_person = levels_held[app].setdefault(chance.choice(people), set())
        number += level not in levels_of_person
        levels_of_person.add(level)
    rules = [
        AccessRule(f"rule {one}", "high", "", CONFLICTS, tuple(Entitlement(*it) for it in chance.sample(levels, 2)), "")
        for one in range(RULES)
    ]
    return HeldAccess({one: {"id": one, "statusName": "Active"} for one in people}, {}, levels_held), rules


def _ours(held: HeldAccess, rules: list[AccessRule]) -> Found:
    results = evaluate(rules, held, UserStatuses(), datetime.now(timezone.utc)).results
    return {(one.rule.name, one.person) for result in results for one in result.findings}


def _naive(held: HeldAccess, rules: list[AccessRule]) -> Found:
    by_person: dict[str, list[tuple[str, str]]] = {person: [] for person in held.people}
    for app, levels_of_people in held.levels_held.items():
        for person, levels in levels_of_people.items():
            by_person[person] += [(app, level) for level in levels]
    found = set()
    for rule in rules:
        for person, access in by_person.items():
            if all(any((one.app, one.level) == row for row in access) for one in rule.entitlements):
                found.add((rule.name, person))
    return found


def _timed(deed: Callable[[], Found]) -> tuple[Found, float]:
    """Return what a deed returns, and the seconds for which it had a processor."""
    start = time.process_time()
    found = deed()
    return found, time.process_time() - start


if __name__ == "__main__":
    sys.exit(main())
