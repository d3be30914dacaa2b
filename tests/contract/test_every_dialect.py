# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module in every dialect: the same state in the end and an idle second run, or the same named refusal.

The sandbox notes which questions decide something in a plain run, and a scenario is run with every other answer to
these. C(make test-all) runs all other pairs of scenario and answer, too, which proves that nothing was overlooked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import CakewalkError
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.apply import dry_run
from contract.fixtures import writes
from contract.read_scenarios import READ_SCENARIOS, ReadScenario
from contract.scenarios import SCENARIOS, SMALL, Data, Scenario, shape
from sandbox.dialect import questions
from sandbox.process import Sandbox

#: By "question word" the settings of the sandbox.
DIALECTS = {f"{question} {word}": {question: word} for question, words in questions().items() for word in words[1:]}
#: The form of answers, which only the client sees: each word alone is for some scenarios, all at once are for each.
FORMS = (
    *("links", "cursor_name", "next", "record_next", "write_body", "write_status", "extra_fields"),
    *("deprecation", "webhook_body", "key_form"),
)
#: Questions that no scenario asks: about what only some situations bring about, to which other tests hold the
#: collection, about filters, which no module sends, and about webhooks.
ELSEWHERE = {
    *("remove_non_member", "read_only_group", "same_policy", "taken_review_name", "duplicate_request"),
    *("implicit_approval", "agent", "filters", "key_form", "webhook_body"),
}
ALL_FORMS = "all forms at once"
DIALECTS[ALL_FORMS] = {
    question: questions()[question][-1]
    for question in (*FORMS, "group_kind", "filters")
    if question not in ("write_status", "deprecation", "webhook_body", "key_form")
}
#: Together these write with each method, and read lists of several pages and single records.
FORM_SCENARIOS = ("group members", "custom fields", "task decisions")

each_scenario = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
each_read_scenario = pytest.mark.parametrize("scenario", READ_SCENARIOS, ids=lambda scenario: scenario.name)


@pytest.fixture
def client(connect: Callable[..., Client]) -> Client:
    """A client that repeats nothing and does one thing at a time."""
    return connect(concurrency=1, max_retries=0, requests_per_minute=0)


@pytest.fixture
def tenant(tenant: Sandbox) -> Sandbox:
    """A small company, whose people are on several pages."""
    tenant.reset(**SMALL)
    return tenant


def names_of(asked: Iterable[str], with_forms: bool) -> list[str]:
    """Return the names of the dialects in which a scenario is to be run that asks these questions."""
    wanted = {question for question in asked if with_forms or question not in FORMS}
    return [name for name, settings in DIALECTS.items() if name == ALL_FORMS or wanted & settings.keys()]


class Promise:
    """What holds for a scenario that writes, whatever the dialect."""

    def __init__(self, scenario: Scenario, tenant: Sandbox, client: Client, folder: Path) -> None:
        self._scenario, self._tenant, self._client, self._folder = scenario, tenant, client, folder
        before = shape(tenant.state())
        tenant.note_questions()
        scenario.do(tenant, client, folder / "plain")
        self.asked = tenant.noted_questions()
        self._wanted = shape(tenant.state())
        assert self._wanted != before

    def holds_in(self, name: str) -> None:
        """Foresee, do and do again in a dialect, or be refused by name before anything is written."""
        scenario, tenant, client, folder = self._scenario, self._tenant, self._client, self._folder / name
        tenant.reset(**SMALL, **DIALECTS[name])
        before = shape(tenant.state())
        if name in scenario.refused:
            with pytest.raises(CakewalkError) as caught:
                scenario.do(tenant, client, folder)
            assert caught.value.facts()["kind"] == scenario.refused[name], str(caught.value)
            assert shape(tenant.state()) == before
            return
        tenant.clear_log()
        dry_run(scenario.plan(tenant, client, folder))
        assert writes(tenant) == []
        assert scenario.do(tenant, client, folder).changed
        assert shape(tenant.state()) == self._wanted
        again = scenario.plan(tenant, client, folder)
        assert not again.changed
        assert scenario.enforces or not again.steps


@each_scenario
def test_the_answer_to_an_open_question_makes_no_difference(
    scenario: Scenario, tenant: Sandbox, client: Client, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    promise = Promise(scenario, tenant, client, tmp_path)
    names = names_of(promise.asked, scenario.name in FORM_SCENARIOS)
    assert scenario.refused.keys() <= set(names), "a refusal is expected in vain"
    for name in names:
        with subtests.test(name):
            promise.holds_in(name)


@pytest.mark.slow
@each_scenario
def test_a_question_that_is_not_asked_makes_no_difference(
    scenario: Scenario, tenant: Sandbox, client: Client, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    promise = Promise(scenario, tenant, client, tmp_path)
    for name in sorted(DIALECTS.keys() - set(names_of(promise.asked, scenario.name in FORM_SCENARIOS))):
        with subtests.test(name):
            promise.holds_in(name)


def answers_in(names: Iterable[str], scenario: ReadScenario, tenant: Sandbox, client: Client, plain: Data) -> None:
    """Hold that a reading gives the plain answer in each dialect, another one, or a named refusal, as it says."""
    for name in names:
        tenant.reset(**SMALL, **DIALECTS[name])
        if name in scenario.refused:
            with pytest.raises(CakewalkError) as caught:
                scenario.answer(tenant, client)
            assert caught.value.facts()["kind"] == scenario.refused[name], str(caught.value)
        else:
            assert (scenario.answer(tenant, client) == plain) is (name not in scenario.differing), name
        assert writes(tenant) == []


def asked_by(scenario: ReadScenario, tenant: Sandbox, client: Client) -> tuple[Data, set[str]]:
    """Return the plain answer of a reading, and the questions that it asks."""
    tenant.note_questions()
    return scenario.answer(tenant, client), tenant.noted_questions()


@each_read_scenario
def test_a_reading_gives_the_same_answer(scenario: ReadScenario, tenant: Sandbox, client: Client) -> None:
    plain, asked = asked_by(scenario, tenant, client)
    names = names_of(asked, with_forms=False)
    assert scenario.refused.keys() | scenario.differing <= set(names), "a difference is expected in vain"
    answers_in(names, scenario, tenant, client, plain)


@pytest.mark.slow
@each_read_scenario
def test_a_reading_does_not_depend_on_what_it_does_not_ask(
    scenario: ReadScenario, tenant: Sandbox, client: Client
) -> None:
    plain, asked = asked_by(scenario, tenant, client)
    answers_in(DIALECTS.keys() - set(names_of(asked, with_forms=False)), scenario, tenant, client, plain)


def test_every_question_is_asked_by_a_scenario(tenant: Sandbox, client: Client, tmp_path: Path) -> None:
    asked: set[str] = set()
    for scenario in SCENARIOS:
        tenant.reset(**SMALL)
        tenant.note_questions()
        scenario.do(tenant, client, tmp_path / scenario.name)
        asked |= tenant.noted_questions()
    assert questions().keys() - asked == ELSEWHERE
