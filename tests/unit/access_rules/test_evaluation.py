# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access rules, evaluated in one pass, beside a naive evaluation of plain loops, and by value."""

from __future__ import annotations

import random
from collections import Counter
from datetime import datetime, timezone

from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_as_code.rules import RulesPlan
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_rules.evaluation import (
    Evaluation,
    evaluate,
    new_findings,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_rules.reading import read_held, read_rules
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_rules.report import FindingWriter
from unit.access_rules.tenants import (
    Entry,
    Found,
    Naive,
    World,
    changed,
    random_changes,
    random_rules,
    random_world,
    rule,
)
from unit.people import uid, user

RANKS = {"excepted": 0, "unknown": 1, "violated": 2}
NOW = datetime(2026, 11, 29, tzinfo=timezone.utc)


def evaluated(world: World, entries: list[Entry], counts_requests: bool = False) -> Evaluation:
    """Return the results of rules over a tenant."""
    rules = read_rules(entries, world, world.roster)
    return evaluate(rules, read_held(rules, world, counts_requests), world.user_statuses, NOW)


def findings(evaluation: Evaluation) -> set[Found]:
    """Return everything that is not kept, in the form of the naive evaluation."""
    people = {row["id"].lower(): row["email"] for row in evaluation.held.people.values()}
    listed = [one for result in evaluation.results for one in result.findings]
    found = {(one.rule.name, people.get(one.person, ""), one.state, one.missing) for one in listed}
    assert len(found) == len(listed), "a finding is there twice"
    return found


def test_whoever_is_not_known_not_to_own_an_app_may_own_it_if_its_record_shows_no_owner() -> None:
    ada, ben, eve = (user(number, f"{number}@example.com") for number in range(1, 4))
    owners = rule(forbids={"people": {"email_domain": ["example.com"]}, "to_hold": [{"app": "Wiki", "owner": True}]})
    rows = [{"user": ada, "isOwner": False}, {"user": ben}]
    for shown, expected in (
        ({}, {(ben["email"], "unknown"), ("", "unknown")}),
        ({"owner": {"name": "Eve"}}, {(ben["email"], "unknown"), ("", "unknown")}),
        ({"owner": "Eve"}, {(ben["email"], "unknown"), ("", "unknown")}),
        ({"owner": None}, {(ben["email"], "unknown")}),
        ({"owner": eve}, {(ben["email"], "unknown"), (eve["email"], "violated")}),
    ):
        wiki = {"id": uid(2000), "name": "Wiki", **shown}
        world = World([ada, ben, eve], [], {}, [wiki], {}, {wiki["id"]: rows}, {})
        evaluation = evaluated(world, [owners])
        assert {(email, state) for _rule, email, state, _missing in findings(evaluation)} == expected, shown
        lines = list(FindingWriter(evaluation).lines(evaluation.results))
        told = "  ? it is not known who owns 'Wiki' (not shown)" in lines
        assert told == (("", "unknown") in expected)


def test_a_plan_leads_to_what_plain_loops_find_after_it() -> None:
    new, worse, more = 0, 0, 0
    for seed in range(200):
        chance = random.Random(seed)
        world = random_world(chance)
        entries = random_rules(chance, world, 4)
        rules = read_rules(entries, world, world.roster)
        changes = random_changes(chance, world)
        held = read_held(rules, world, True, {change.app for change in changes if change.app})
        states = (held.without_requests(), held, held.after(changes))
        listed, before, after = (evaluate(rules, one, world.user_statuses, NOW) for one in states)
        naive_before, naive_after = Naive(world, True), Naive(changed(world, changes), True)
        was, will_be = naive_before.findings(entries), naive_after.findings(entries)
        assert (findings(before), findings(after)) == (was, will_be), f"seed {seed}"
        caused = {(one.rule.name, one.person) for one in new_findings(before.results, after.results)}
        people = {row["email"]: row["id"] for row in world.users} | {"": ""}
        ranks = {(name, people[email]): (RANKS[state], number) for name, email, state, number in sorted(was)}
        expected = {
            (name, people[email])
            for name, email, state, number in will_be
            if state != "excepted" and (RANKS[state], number) > ranks.get((name, people[email]), (0, 0))
        }
        as_listed = Naive(world, False).findings(entries)
        assert findings(listed) == as_listed, f"seed {seed}"
        unasked = {(name, email): (RANKS[state], number) for name, email, state, number in sorted(as_listed)}
        repeated = Counter((name, email) for name, email, _state, _number in was | will_be)
        if max(repeated.values(), default=0) <= 2 and len(unasked) == len(as_listed):
            assert caused == expected, f"seed {seed}"
            new, worse = new + len(caused), worse + len(caused & ranks.keys())
            data = {entry.data["name"]: entry.data for entry in entries}
            added = set()
            for name, email, state, number in will_be:
                gains = [
                    change
                    for change in changes
                    if email in {"", change.person["email"]} and naive_before.gives(data[name], change)
                ]
                is_new = gains and (RANKS[state], number) > unasked.get((name, email), (0, 0))
                if email and (data[name]["requires"] or data[name]["forbids"]):
                    sure = naive_before.holdings(data[name], email)
                    will = naive_after.holdings(data[name], email)
                    is_new = is_new or (gains and any(sure[where] < value for where, value in will.items()))
                    is_new = is_new or any(naive_before.is_another_level(data[name], change) for change in gains)
                    is_new = is_new or naive_before.needed(data[name], email) - naive_after.needed(data[name], email)
                if state != "excepted" and is_new:
                    added.add((name, people[email]))
            # What holds before anybody approves something is tried with the files of a tenant.
            refused = RulesPlan(listed, before, after, (listed, listed), changes).new
            assert {(one.rule.name, one.person) for one in refused} == caused | added, f"seed {seed}"
            more += len(added - caused)
    assert min(new - worse, worse, more) > 10


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
