# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module in every dialect: the same state in the end and an idle second run, or the same named refusal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import CakewalkError
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.plan import dry_run
from contract.fixtures import writes
from contract.scenarios import SCENARIOS, Data, Scenario, shape
from sandbox.dialect import questions
from sandbox.process import Sandbox

DIALECTS = {f"{question} {word}": {question: word} for question, words in questions().items() for word in words[1:]}
DIALECTS["all forms at once"] = {
    question: questions()[question][-1]
    for question in (
        "links",
        "cursor_name",
        "next",
        "record_next",
        "write_body",
        "extra_fields",
        "group_kind",
        "filters",
    )
}

each_deed = pytest.mark.parametrize("deed", SCENARIOS, ids=lambda deed: deed.name)


@pytest.fixture
def client(connect: Callable[..., Client]) -> Client:
    """A client that repeats nothing and does one thing at a time."""
    return connect(concurrency=1, max_retries=0)


@pytest.fixture(scope="session")
def aims() -> dict[str, Data]:
    """What each deed that was done makes of the tenant that speaks like the vendor's own samples."""
    return {}


def aim(deed: Scenario, tenant: Sandbox, client: Client, folder: Path, aims: dict[str, Data]) -> Data:
    """Return what the deed makes of the tenant that speaks like the vendor's own samples, and start it over."""
    if deed.name not in aims:
        before = shape(tenant.state())
        deed.do(tenant, client, folder / "first")
        aims[deed.name] = shape(tenant.state())
        assert aims[deed.name] != before
    tenant.reset()
    return aims[deed.name]


@each_deed
@pytest.mark.parametrize("name", DIALECTS)
def test_the_answer_to_an_open_question_makes_no_difference(
    deed: Scenario, name: str, tenant: Sandbox, client: Client, tmp_path: Path, aims: dict[str, Data]
) -> None:
    wanted = aim(deed, tenant, client, tmp_path, aims)
    tenant.configure(**DIALECTS[name])
    before = shape(tenant.state())
    if name in deed.refused:
        with pytest.raises(CakewalkError) as caught:
            deed.do(tenant, client, tmp_path)
        assert caught.value.facts()["kind"] == deed.refused[name], str(caught.value)
        assert shape(tenant.state()) == before
        return
    tenant.clear_log()
    dry_run(deed.plan(tenant, client, tmp_path))
    assert writes(tenant) == []
    assert deed.do(tenant, client, tmp_path).changed
    assert shape(tenant.state()) == wanted
    again = deed.plan(tenant, client, tmp_path)
    assert not again.changed
    assert deed.enforces or not again.steps


@each_deed
def test_no_refusal_is_expected_in_vain(deed: Scenario) -> None:
    assert deed.refused.keys() <= DIALECTS.keys()
