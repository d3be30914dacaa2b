# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sources in real ansible-rulebook, with the rulebooks that are shipped."""

from __future__ import annotations

import json
import shutil
import threading
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml
from events.controller import ORGANIZATION, TEMPLATE, Controller
from events.deliveries import EXECUTED, GRANT, PAYLOADS, actionable, connect, deliver, heard, post, tried, written
from events.engine import COLLECTIONS, RULEBOOKS, START, Engine, why_not
from events.sources import until
from sandbox.known import task_id
from sandbox.process import Sandbox

pytestmark = pytest.mark.skipif(bool(why_not()), reason=str(why_not()))

#: Stands in for the collection's own playbook: it writes down what it was given, a file for each run.
STAND_IN = """
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.tempfile:
        path: "{{ lookup('env', 'HOME') }}/runs"
        prefix: "{{ task_fulfilment_task }}."
      register: run
    - ansible.builtin.copy:
        content: "{{ {'task': task_fulfilment_task, 'event': ansible_eda.event} | to_json }}"
        dest: "{{ run.path }}"
        mode: "0600"
"""


@pytest.fixture
def collections(tmp_path: Path) -> Path:
    """The installed collection with another playbook in the place of the one that does the work."""
    copy = tmp_path / "collections"
    shutil.copytree(COLLECTIONS / "ansible_collections", copy / "ansible_collections")
    playbooks = copy / "ansible_collections" / "cakewalk" / "access" / "playbooks"
    playbooks.mkdir(exist_ok=True)
    (playbooks / "fulfil_task.yml").write_text(STAND_IN)
    (tmp_path / "runs").mkdir()
    return copy


def runs(folder: Path) -> list[dict[str, Any]]:
    """Return what the stand-in was given, run by run."""
    written_down = [file.read_text() for file in (folder / "runs").iterdir()]
    return [json.loads(text) for text in written_down if text]


@pytest.mark.slow
def test_what_the_webhook_source_takes_and_refuses(tenant: Sandbox, tmp_path: Path) -> None:
    (rulebook,) = yaml.safe_load((RULEBOOKS / "log_events.yml").read_text())
    rulebook["sources"][0]["cakewalk.access.webhook"].update(max_body=20_000, read_timeout=1, key_refresh_interval=1)
    (tmp_path / "rulebook.yml").write_text(yaml.safe_dump([rulebook]))
    with Engine(tmp_path, tenant, str(tmp_path / "rulebook.yml")) as engine:
        engine.listening()
        one, *three = [str(uuid4()) for _number in range(4)]
        event = actionable(one)
        body = written(actionable())
        refused = {
            "tampered": post(engine, body.replace(GRANT.encode(), b"GrantAccess"), tenant.sign(body)),
            "unsigned": post(engine, body, None),
            "wrong key": post(engine, body, tenant.sign(b"another body")),
        }
        assert {what: answer.status_code for what, answer in refused.items()} == dict.fromkeys(refused, 401)
        for broken in (b'[{"eventType": "test", "data": {"message": "\xff"}}]', b"[", b"[" * 9_000, b"null"):
            assert post(engine, broken, tenant.sign(broken)).status_code == 400
        large = b"[" + b" " * 20_000 + b"]"
        assert post(engine, large, tenant.sign(large)).status_code == 413
        with connect(engine) as slow:
            dripping = threading.Thread(target=lambda: heard(slow), daemon=True)
            slow.sendall(b"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n[")
            dripping.start()
            assert deliver(engine, tenant, event).status_code == 200
            dripping.join(5)
            assert not dripping.is_alive()
        assert deliver(engine, tenant, event).json()["duplicates"] == 1
        single = json.dumps(tried()).encode()
        assert post(engine, single, tenant.sign(single)).status_code == 200
        tenant.rotate_key()
        time.sleep(1)
        assert deliver(engine, tenant, *map(actionable, three)).status_code == 200
        events = until(lambda: len(engine.printed) >= 5 and engine.printed)
        assert [event["task_id"] for event in events] == [one, None, *three]
        assert not [payload for payload in PAYLOADS if payload in engine.output]
        assert tenant.api_secret not in engine.output


def test_webhooks_start_the_playbook_whatever_goes_wrong_on_their_way(
    tenant: Sandbox, tmp_path: Path, collections: Path
) -> None:
    for number, payload in enumerate(PAYLOADS):
        tenant.change("insert_user", email=f"hostile{number}@example.com", name=payload)
    with Engine(tmp_path, tenant, "cakewalk.access.fulfil_tasks", collections) as engine:
        engine.listening()
        tenant.send_webhooks(engine.url, mischief=["lose", "hold", "repeat", "tamper", "unsigned", "forge"])
        lost, held, repeated, *_spoilt = [
            tenant.reviewed_request(f"hostile{number}@example.com", app)
            for app in ("GitHub", "Figma")
            for number in range(3)
        ]
        good = tenant.reviewed_request("hostile3@example.com", "GitHub")
        until(lambda: {run["task"] for run in runs(tmp_path)} >= {held, repeated, good}, START)
    assert sorted(run["task"] for run in runs(tmp_path)) == sorted((held, repeated, good))
    sent = {hook["mischief"]: hook["statuses"] for hook in tenant.sent_webhooks()}
    assert sent == {
        "lose": [],
        "hold": [200],
        "repeat": [200, 200],
        "tamper": [401],
        "unsigned": [401],
        "forge": [401],
        None: [200],
    }
    assert lost not in str(runs(tmp_path))
    assert not [payload for payload in PAYLOADS if payload in str(runs(tmp_path)) + engine.output]
    assert not EXECUTED.exists()


def test_webhooks_start_jobs_of_the_controller(tenant: Sandbox, tmp_path: Path) -> None:
    named = {"fulfil_job_template": TEMPLATE, "fulfil_organization": ORGANIZATION}
    with (
        Controller() as controller,
        Engine(
            tmp_path, tenant, "cakewalk.access.fulfil_tasks_by_job", environment=controller.environment, **named
        ) as engine,
    ):
        engine.listening()
        tenant.send_webhooks(engine.url)
        tasks = [
            tenant.reviewed_request(user, "GitHub")
            for user in ("connor.contractor@example.com", "sally.sales@example.com")
        ]
        until(lambda: len(controller.launched) == len(tasks), START)
    given = [body["extra_vars"] for body in controller.launched]
    assert [variables.pop("task_fulfilment_task") for variables in given] == tasks
    assert {name for variables in given for name in variables} <= {"ansible_eda"}
    assert {name for variables in given for name in variables["ansible_eda"]["event"]} == {
        *("type", "task_id", "request_type", "app_id", "permission_level_id", "source", "received_at", "meta")
    }


@pytest.mark.slow
def test_the_sweep_finds_what_got_lost(tenant: Sandbox, tmp_path: Path, collections: Path) -> None:
    lost = tenant.reviewed_request("connor.contractor@example.com", "GitHub")
    done = [task_id(name) for name in ("action", "snoozed")]
    for task in done:
        tenant.change("decide_task", task=task, verdict="approve")
    expected = {lost, task_id("removal")}
    swept = {"sweep_assignees": ["olga.owner@example.com"], "sweep_state_file": str(tmp_path / "emitted.json")}
    with Engine(tmp_path, tenant, "cakewalk.access.sweep_tasks", collections, **swept):
        until(lambda: {run["task"] for run in runs(tmp_path)} >= expected, START)
    assert sorted(run["task"] for run in runs(tmp_path)) == sorted(expected)
    assert {run["event"]["source"] for run in runs(tmp_path)} == {"poller"}
