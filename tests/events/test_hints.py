# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Webhooks that nobody verified, as an event stream passes them on: nothing but ids of tasks gets through."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
from events.controller import ORGANIZATION, TEMPLATE, Controller
from events.deliveries import EXECUTED, PAYLOADS, actionable, connect, post, tried, written
from events.engine import START, Engine, why_not
from events.sources import FOLDER, Event, until
from sandbox.process import Sandbox

FILTER = FOLDER.parent / "event_filter" / "task_hints.py"
TASKS = [str(uuid4()) for _number in range(3)]
TOKEN = "a-long-token"

Filter = Callable[..., list[Event]]


@pytest.fixture
def hints() -> Filter:
    """The filter as ansible-rulebook loads it for a source."""
    loaded: Filter = runpy.run_path(str(FILTER))["main"]
    return loaded


def streamed(*events: Any) -> Event:
    """Return what an event stream makes of a webhook with an array."""
    return {"payload": {"body": list(events)}, "meta": {"headers": {"X-Name": PAYLOADS[0]}}}


@pytest.mark.parametrize(
    ("event", "found"),
    [
        (streamed(*map(actionable, TASKS)), TASKS),
        ({"payload": [actionable(TASKS[0].upper())]}, TASKS[:1]),
        ({"payload": actionable(TASKS[0])}, TASKS[:1]),
        (streamed(tried(), {"eventType": "task.renamed", "data": PAYLOADS[0]}, actionable(TASKS[0])), [None, TASKS[0]]),
        *((streamed(actionable(TASKS[0]), actionable(f"{TASKS[1]}{hostile}")), []) for hostile in PAYLOADS),
        (streamed(actionable(f"{TASKS[0]}\n")), []),
        (streamed(*map(actionable, TASKS * 40)), []),
        (streamed(PAYLOADS[0]), []),
        ({"payload": {"body": PAYLOADS[0]}}, []),
        ({"payload": None}, []),
        ({"body": actionable(TASKS[0])}, []),
        ({}, []),
    ],
)
def test_a_hint_is_the_id_of_a_task_and_nothing_else(hints: Filter, event: Event, found: list[str | None]) -> None:
    passed = hints(event)

    assert [hint["task_id"] for hint in passed] == found
    unknown = dict.fromkeys(("request_type", "app_id", "permission_level_id"))
    kinds = {True: "action_task.actionable", False: "test"}
    assert passed == [{"type": kinds[bool(task)], "task_id": task, "source": "hint", **unknown} for task in found]


def test_more_hints_than_a_minute_may_have_are_dropped(hints: Filter, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)

    passed = [len(hints(streamed(*map(actionable, TASKS)), max_events_per_minute=5)) for _time in range(3)]
    now = 60.0

    assert (passed, len(hints(streamed(*map(actionable, TASKS)), max_events_per_minute=5))) == ([3, 2, 0], 3)


@pytest.mark.skipif(bool(why_not()), reason=str(why_not()))
def test_hints_start_jobs_with_an_id_and_nothing_else(tenant: Sandbox, tmp_path: Path) -> None:
    named = {"fulfil_job_template": TEMPLATE, "fulfil_organization": ORGANIZATION, "hint_token": TOKEN}
    with (
        Controller() as controller,
        Engine(
            tmp_path,
            tenant,
            "cakewalk.access.fulfil_hinted_tasks_by_job",
            environment=controller.environment,
            **named,
        ) as engine,
    ):
        until(lambda: _listens(engine), START)
        body = written(*map(actionable, TASKS))
        refused = [post(engine, body, None), post(engine, body, None, Authorization="Bearer another")]
        assert [answer.status_code for answer in refused] == [401, 401]
        for sent in (written(actionable(PAYLOADS[0])), b'"hello"', body, body):
            assert post(engine, sent, None, Authorization=f"Bearer {TOKEN}").ok
        until(lambda: len(controller.launched) == len(TASKS), START)
        assert post(engine, written(tried()), None, Authorization=f"Bearer {TOKEN}").ok
        (test,) = until(lambda: engine.printed)
        output = engine.output
    assert test["type"] == "test"
    given = [launched["extra_vars"] for launched in controller.launched]
    assert sorted(variables.pop("task_fulfilment_task") for variables in given) == sorted(TASKS)
    assert {name for variables in given for name in variables} <= {"ansible_eda"}
    assert not [payload for payload in PAYLOADS if payload in output + str(given)]
    assert TOKEN not in output + str(given)
    assert not EXECUTED.exists()


def _listens(engine: Engine) -> bool:
    try:
        connect(engine).close()
    except (OSError, requests.ConnectionError):
        return False
    return True
