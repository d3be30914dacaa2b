# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rule decides about a policy target."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import ConfigurationError
from ansible_collections.cakewalk.access.plugins.module_utils._engine.policies.rules import (
    PolicyEntry,
    Rule,
    resolve,
    rules_of,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.policies.selectors import Selector
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.people import uid
from unit.policies.samples import WIRE, app, entry, entry_of, level, options, policy, rule

GITHUB, ADMIN = app(1, "GitHub"), level(1, "Admin")
EVERY = Selector()
MANAGED = Selector((("status", "Managed"),))
MANAGED_DESIGN = Selector((("status", "Managed"), ("category", "DESIGN")))
CRITICAL = Selector(MANAGED_DESIGN.values, "Priority", "High")
#: From the least to the most specific one.
APPS: list[str | Selector] = [EVERY, MANAGED, MANAGED_DESIGN, CRITICAL, "GitHub"]
LEVELS: list[dict[str, str]] = [{"levels": "all"}, {"levels": "privileged"}, {"level": "Admin"}]


@pytest.mark.parametrize("place", range(1, len(APPS)))
def test_the_app_counts_first(place: int) -> None:
    less, more = rule(1, APPS[place - 1], level="Admin"), rule(2, APPS[place], levels="all")
    (target,) = resolve([entry_of(less, GITHUB, ADMIN), entry_of(more, GITHUB, ADMIN)])
    assert (target.entry.rule, target.overridden) == (more, (less,))


@pytest.mark.parametrize("place", range(1, len(LEVELS)))
@pytest.mark.parametrize("what", APPS, ids=str)
def test_then_the_level_counts(what: str | Selector, place: int) -> None:
    less, more = rule(1, what, **LEVELS[place - 1]), rule(2, what, **LEVELS[place])
    (target,) = resolve([entry_of(more, GITHUB, ADMIN), entry_of(less, GITHUB, ADMIN)])
    assert (target.entry.rule, target.overridden) == (more, (less,))


@pytest.mark.parametrize(
    ("one", "other", "place"),
    [
        (rule(1, levels="privileged"), rule(3, levels="default"), ADMIN),
        (rule(1, MANAGED, level="Admin"), rule(3, Selector((("category", "X"),)), level="Admin"), ADMIN),
        (rule(1, "GitHub"), rule(3, GITHUB["id"]), None),
    ],
)
def test_a_draw_is_an_error_that_names_both_entries_and_the_target(one: Rule, other: Rule, place: Any) -> None:
    clear = entry_of(rule(2, EVERY), app(2))
    with pytest.raises(ConfigurationError) as caught:
        resolve([clear, entry_of(one, GITHUB, place, policy(1)), entry_of(other, GITHUB, place, policy(1))])
    target = f"grant_access of {'the level ' + repr('Admin') + ' of ' if place else ''}the app 'GitHub'"
    assert f"entries 1 ({one}) and 3 ({other}) for {target}." in str(caught.value)
    assert caught.value.facts()["ties"] == [{"slot": target, "entries": [1, 3]}]


def test_a_draw_below_the_one_that_decides_is_none() -> None:
    candidates = [rule(1, MANAGED), rule(2, MANAGED), rule(3)]
    (target,) = resolve(entry_of(one, GITHUB) for one in candidates)
    assert (target.entry.rule.number, [one.number for one in target.overridden]) == (3, [1, 2])


def test_other_levels_request_types_and_apps_are_other_targets() -> None:
    entries = [
        entry_of(rule(1), GITHUB),
        entry_of(rule(2, request_type="remove_access"), GITHUB),
        entry_of(rule(3, level="Admin"), GITHUB, ADMIN),
        entry_of(rule(4, level="Read"), GITHUB, level(2, "Read")),
        entry_of(rule(5, "Figma"), app(2, "Figma")),
    ]
    assert [target.entry for target in resolve(entries)] == entries
    assert len({one.key for one in entries}) == len(entries)


def test_ids_in_another_case_are_the_same_target() -> None:
    shouted = {**GITHUB, "id": GITHUB["id"].upper()}
    with pytest.raises(ConfigurationError):
        resolve([entry_of(rule(1), GITHUB), entry_of(rule(2), shouted)])


def test_what_a_ledger_is_to_remember_is_keyed_by_ids() -> None:
    shouted = policy(7, "Two approvals") | {"id": uid(4007).upper()}
    value = {"policy_id": uid(4007), "policy": "Two approvals"}
    assert entry_of(rule(), GITHUB, None, shouted).ledger_entry == (("policy", GITHUB["id"], "", WIRE), value)
    assert entry_of(rule(), GITHUB, ADMIN, shouted).ledger_entry == (
        ("policy", GITHUB["id"], ADMIN["id"], WIRE),
        value,
    )


@pytest.mark.parametrize(
    ("the_rule", "words"),
    [
        (rule(), "the app 'GitHub'"),
        (rule(level="Admin"), "the app 'GitHub', its level 'Admin'"),
        (rule(what=EVERY, levels="all"), "every app, all its levels"),
        (rule(what=MANAGED, levels="default"), "every app with the status 'Managed', its default level"),
        (
            rule(what=CRITICAL, levels="privileged"),
            "every app with the status 'Managed' and the category 'DESIGN' and 'Priority' = 'High', "
            "its privileged levels",
        ),
        (rule(what="Git\x1bHub", level="\u202eAdmin"), "the app 'Git\\\\x1bHub', its level '\\\\u202eAdmin'"),
    ],
)
def test_rules_in_words(the_rule: Rule, words: str) -> None:
    assert str(the_rule) == words


def test_rules_of_the_single_form() -> None:
    given_options = options(app="GitHub", permission_level="Admin", request_type="add_app", policy="Admins")
    assert rules_of(given_options) == [Rule(1, "GitHub", "Admin", None, "add_app", "Admins")]


def test_rules_of_the_bulk_form_are_numbered_from_one() -> None:
    entries = [entry(app="GitHub"), entry(select={"status": "Managed"}, permission_levels="privileged")]
    assert rules_of(options(assignments=entries)) == [
        Rule(1, "GitHub", None, None, "grant_access", "Policy 1"),
        Rule(2, MANAGED, None, "privileged", "grant_access", "Policy 1"),
    ]


@pytest.mark.parametrize("given_options", [options(policy="Admins"), options(assignments=[entry(app=None)])])
def test_an_app_that_is_null_is_refused(given_options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="app is null, and nothing else says it"):
        rules_of(given_options)


def test_a_selection_without_criteria_is_named_by_its_place() -> None:
    with pytest.raises(ConfigurationError, match="use entry 2 of assignments: select says nothing"):
        rules_of(options(assignments=[entry(app="GitHub"), entry(select={})]))


_PLACES: list[tuple[Any, Any]] = [
    (one, place) for one in (app(1), app(2)) for place in (None, level(1, "Admin"), level(2, "Read"))
]


@st.composite
def entries_of_rules(draw: st.DrawFn) -> list[PolicyEntry]:
    """Entries of up to six rules, each about some of the targets of two apps."""
    drawn = []
    for number in range(1, draw(st.integers(1, 6)) + 1):
        what, how = draw(st.sampled_from(APPS)), draw(st.sampled_from([*LEVELS, {"levels": "default"}, {}]))
        request_type = draw(st.sampled_from(["grant_access", "remove_access"]))
        the_rule = rule(number, what, **how, request_type=request_type)
        places = draw(st.sets(st.integers(0, len(_PLACES) - 1)))
        drawn += [
            entry_of(the_rule, *_PLACES[place]) for place in places if (_PLACES[place][1] is not None) == bool(how)
        ]
    return drawn


def _strength(one: PolicyEntry) -> tuple[int, int]:
    """Return how specific an entry is, from the tables above rather than from the code."""
    of_level = next((number for number, how in enumerate(LEVELS) if how.items() <= vars(one.rule).items()), None)
    is_default = one.rule.levels == "default"
    return APPS.index(one.rule.app), 1 if is_default else 0 if of_level is None else of_level


@settings(max_examples=300)
@given(entries_of_rules())
def test_the_most_specific_entry_decides_or_there_is_a_draw(drawn: list[PolicyEntry]) -> None:
    targets: dict[Any, list[PolicyEntry]] = {}
    for one in drawn:
        targets.setdefault((one.app["id"], one.level and one.level["id"], one.rule.request_type), []).append(one)
    strengths = {place: sorted(map(_strength, candidates)) for place, candidates in targets.items()}
    draws = [place for place, strong in strengths.items() if strong[-2:-1] == strong[-1:]]
    if draws:
        with pytest.raises(ConfigurationError) as caught:
            resolve(drawn)
        assert len(caught.value.facts()["ties"]) == len(draws)
        return
    result = resolve(drawn)
    assert len(result) == len(targets)
    for target in result:
        winner = target.entry
        candidates = targets[winner.app["id"], winner.level and winner.level["id"], winner.rule.request_type]
        losers = [one for one in candidates if one is not winner]
        assert all(_strength(one) < _strength(winner) for one in losers)
        assert [one.rule for one in losers] == list(target.overridden)
