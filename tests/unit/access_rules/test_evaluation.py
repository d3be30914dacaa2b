# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access rules, evaluated in one pass, beside a naive evaluation of plain loops, and by value."""

from __future__ import annotations

import random
from collections import Counter
from datetime import datetime, timezone

from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_rules.evaluation import (
    Evaluation,
    evaluate,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_rules.reading import read_held, read_rules
from unit.access_rules.tenants import Entry, Found, Naive, World, random_rules, random_world

NOW = datetime(2026, 11, 29, tzinfo=timezone.utc)


def evaluated(world: World, entries: list[Entry], counts_requests: bool = False) -> Evaluation:
    """Return the results of rules over a tenant."""
    rules = read_rules(entries, world)
    return evaluate(rules, read_held(rules, world, counts_requests), world.user_statuses, NOW)


def findings(evaluation: Evaluation) -> set[Found]:
    """Return everything that is not kept, in the form of the naive evaluation."""
    people = {row["id"].lower(): row["email"] for row in evaluation.held.people.values()}
    listed = [one for result in evaluation.results for one in result.findings]
    found = {(one.rule.name, people.get(one.person, ""), one.state, one.missing) for one in listed}
    assert len(found) == len(listed), "a finding is there twice"
    return found


def test_one_pass_finds_what_plain_loops_find_on_random_tenants() -> None:
    states: Counter[str] = Counter()
    for seed in range(400):
        chance = random.Random(seed)
        world = random_world(chance)
        entries = random_rules(chance, world, 6)
        counts_requests = bool(seed % 2)
        expected = Naive(world, counts_requests).findings(entries)
        assert findings(evaluated(world, entries, counts_requests)) == expected, f"seed {seed}"
        states.update(state for _rule, _person, state, _missing in expected)
    assert min(states[state] for state in ("violated", "unknown", "excepted")) > 200, states
