# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two runs with one ledger at the same time: whatever the order of their requests, the ledger tells no lie."""

from __future__ import annotations

import json
import multiprocessing
import random
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import combinations, dropwhile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import CakewalkError
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.apply import apply
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.plan import ApplyFailed, ApplyResult
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.tenant import Tenant
from ansible_collections.cakewalk.access.plugins.module_utils._engine.storage.ledger import FileLedger
from ansible_collections.cakewalk.access.plugins.module_utils._module.arguments import connection_of
from ansible_collections.cakewalk.access.plugins.modules import cakewalk_access_review, cakewalk_app_policy
from contract.fixtures import received, validated
from contract.wire import Request, Wire, answer, detour
from sandbox.process import Sandbox

FIELD, GRANT, REMOVE = "Automation Ledger", "GrantAccessRequest", "RemoveAccessRequest"
OPTION = {GRANT: "grant_access", REMOVE: "remove_access"}
Slots = dict[tuple[str, str], str]


class Turns:
    """Lets two runs go on in a given order: each turn lasts from a request to the next one of the same run.

    :param order: the names of the runs; the turns of a run that has ended are skipped.
    """

    def __init__(self, order: str) -> None:
        self._order = list(order)
        self._ended: set[str] = set()
        self._running = ""
        self._changed = threading.Condition()

    def take(self, name: str) -> None:
        """End the turn of this run, and wait for its next one."""
        with self._changed:
            self._release(name)
            assert self._changed.wait_for(lambda: not self._running and self._next() in (name, ""), timeout=20)
            self._running = name
            self._order = self._order[1:]

    def end(self, name: str) -> None:
        """End the turn of a run that needs no more."""
        with self._changed:
            self._ended.add(name)
            self._release(name)

    def _release(self, name: str) -> None:
        self._running = "" if self._running == name else self._running
        self._changed.notify_all()

    def _next(self) -> str:
        self._order = list(dropwhile(self._ended.__contains__, self._order))
        return self._order[0] if self._order else ""


def options(tenant: Sandbox, ledger: dict[str, Any], policy: str, *slots: tuple[str, str]) -> dict[str, Any]:
    """Return the parameters of a task that assigns a policy to slots, each an app and a request type."""
    assignments = [{"app": app, "request_type": OPTION[wire_type], "policy": policy} for app, wire_type in slots]
    given = {"base_url": tenant.url, "assignments": assignments, **ledger}
    return validated(cakewalk_app_policy.SPEC, tenant, given)


def run(params: dict[str, Any], url: str, module: ModuleType = cakewalk_app_policy) -> ApplyResult:
    """Plan and apply a task through another address than that by which its ledger knows the tenant."""
    client = Client(connection_of({**params, "base_url": url, "concurrency": 1}))
    return apply(module.plan(params, Tenant(client)), client, (0.0,))


@contextmanager
def gated(tenant: Sandbox, pass_gate: Callable[[Request], bytes | None]) -> Iterator[str]:
    """Yield the address of a way to the tenant, on which requests that matter for a ledger pass a gate first."""

    def own(request: Request) -> bytes | None:
        is_read = any(part in request.target for part in ("Policies", "CustomFields"))
        # A field is written directly after it is read; no test can tell these apart from one request.
        matters = is_read if request.method == "GET" else request.method != "PATCH"
        return pass_gate(request) if matters else None

    with Wire(detour(tenant.url, own)) as wire:
        yield wire.url


def side_by_side(tenant: Sandbox, order: str, **params: dict[str, Any]) -> dict[str, Exception]:
    """Run tasks at the same time, with their requests in this order, and return the errors by name of the run."""
    turns, errors = Turns(order), {}

    def work(name: str) -> None:
        try:
            with gated(tenant, lambda _request: turns.take(name)) as url:
                run(params[name], url)
        except CakewalkError as error:
            errors[name] = error
        finally:
            turns.end(name)

    threads = [threading.Thread(target=work, args=(name,)) for name in params]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    return errors


def assigned(tenant: Sandbox, *apps: str) -> Slots:
    """Return the policies that the tenant has assigned to apps, by app and request type."""
    return {
        (name, wire_type): policy_id
        for name in apps
        for wire_type, policy_id in tenant.find("apps", name)["policies"].items()
    }


def held(tenant: Sandbox, ledger: dict[str, Any], *apps: str) -> Slots:
    """Return the policies that the ledger holds, by app and request type."""
    rows = {tenant.find("apps", name)["id"]: name for name in apps}
    if "ledger_path" in ledger:
        entries = FileLedger.read(ledger["ledger_path"], tenant.url, rows).entries("policy")
        return {(rows[key[1]], key[3]): entry.value["policy_id"] for key, entry in entries}
    field = tenant.find("fields", FIELD)["id"]
    texts = {name: tenant.find("apps", name)["field_values"].get(field) for name in rows.values()}
    return {
        (name, place.partition("/")[2]): policy_id
        for name, text in texts.items()
        for place, policy_id in (json.loads(text)["policies"] if text else {}).items()
    }


@pytest.fixture(params=["ledger_path", "ledger_field"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """The option of a ledger, in a file and in a field."""
    return {request.param: FIELD if request.param == "ledger_field" else str(tmp_path / "kept" / "ledger.json")}


def orders(ledger: dict[str, Any]) -> list[str]:
    """Return the orders of two runs: all of those with a file, otherwise one in the other, and some that alternate."""
    if "ledger_path" in ledger:
        return ["".join("a" if place in own else "b" for place in range(6)) for own in combinations(range(6), 3)]
    alternating = random.Random(7)
    nested = ["a" * turns + "b" * 20 for turns in range(0, 14, 2)]
    return [*nested, *("".join(alternating.choices("ab", k=20)) for _order in range(7))]


def test_what_the_ledger_holds_is_assigned_whatever_the_order(tenant: Sandbox, ledger: dict[str, Any]) -> None:
    slots = [("GitHub", GRANT), ("Figma", GRANT)]
    known = 0
    for order in orders(ledger):
        first, other = (options(tenant, ledger, policy, *slots) for policy in ("Two approvals", "Admins"))
        errors = side_by_side(tenant, order, a=first, b=other)
        assert not errors, order
        entries = held(tenant, ledger, "GitHub", "Figma")
        assert entries.items() <= assigned(tenant, "GitHub", "Figma").items(), order
        known += len(entries)
    assert known, "some orders leave nothing in doubt"


def test_runs_about_different_slots_lose_nothing(tenant: Sandbox, ledger: dict[str, Any]) -> None:
    first = options(tenant, ledger, "Two approvals", ("GitHub", GRANT), ("Figma", GRANT))
    other = options(tenant, ledger, "Two approvals", ("GitHub", REMOVE), ("AWS", GRANT))
    for order in orders(ledger)[::3]:
        errors = side_by_side(tenant, order, a=first, b=other)
        assert not errors
        known = held(tenant, ledger, "GitHub", "Figma", "AWS")
        assert set(known) == {("GitHub", GRANT), ("Figma", GRANT), ("GitHub", REMOVE), ("AWS", GRANT)}
        assert known.items() <= assigned(tenant, "GitHub", "Figma", "AWS").items()


def test_a_run_that_was_killed_beside_another_leaves_no_lie(tenant: Sandbox, ledger: dict[str, Any]) -> None:
    slot = ("GitHub", GRANT)
    begun, sent, killed = (multiprocessing.get_context("fork").Event() for _event in range(3))

    def carry_out(request: Request) -> bytes:
        assert tenant.call("PUT", request.target, json=json.loads(request.body)).ok
        return answer(204)

    def kill(request: Request) -> bytes | None:
        if request.method != "PUT":
            return None
        begun.set()
        assert sent.wait(20)
        carry_out(request)
        child.kill()
        child.join(20)
        killed.set()
        return answer(204)

    def hold(request: Request) -> bytes | None:
        if request.method != "PUT":
            return None
        done = carry_out(request)
        sent.set()
        assert killed.wait(20)
        return done

    with gated(tenant, kill) as first_url, gated(tenant, hold) as other_url:
        first, other = (options(tenant, ledger, policy, slot) for policy in ("Two approvals", "Admins"))
        child = multiprocessing.get_context("fork").Process(target=run, args=(first, first_url))
        child.start()
        assert begun.wait(20)
        run(other, other_url)
    assert child.exitcode == -signal.SIGKILL
    assert held(tenant, ledger, "GitHub").items() <= assigned(tenant, "GitHub").items()
    for _run in range(2):
        run(other, tenant.url)
    assert held(tenant, ledger, "GitHub") == {slot: assigned(tenant, "GitHub")[slot]}


def test_a_review_is_started_by_one_of_two_runs(tenant: Sandbox, tmp_path: Path) -> None:
    given = {"name": "Q4", "reviewer": "app_owner", "due_date": "2099-12-31", "all_apps": True}
    ledger = {"base_url": tenant.url, "ledger_path": str(tmp_path / "ledger.json"), "acting_user": tenant.acting_user}
    params = validated(cakewalk_access_review.SPEC, tenant, {**given, **ledger})
    refusals = []

    def start_another(request: Request) -> None:
        if request.method != "GET":
            with pytest.raises(ApplyFailed) as caught:
                run(params, tenant.url, cakewalk_access_review)
            refusals.append(caught.value.facts()["kind"])

    with gated(tenant, start_another) as url:
        assert run(params, url, cakewalk_access_review).changed
    assert refusals == ["moved"]
    assert received(tenant, "createAccessReview") == [201]
    assert not run(params, tenant.url, cakewalk_access_review).changed


@pytest.mark.parametrize("fails_at", [1, 2, 3], ids=["second mark", "first entry", "second entry"])
def test_a_field_that_was_written_is_a_change_whatever_comes_after_it(tenant: Sandbox, fails_at: int) -> None:
    slots = [("GitHub", GRANT), ("Figma", GRANT)]
    policy = next(row["id"] for row in tenant.state("policies")["policies"] if row["request_type"] == GRANT)
    before = tenant.state("apps")
    tenant.fault("updateWorkAppCustomFields", "403", skip=fails_at, count=9)
    with pytest.raises(ApplyFailed) as caught:
        run(options(tenant, {"ledger_field": FIELD}, policy, *slots), tenant.url)
    assert tenant.state("apps") != before
    assert caught.value.result.changed
    assert len(caught.value.result.as_result()["pending" if fails_at == 1 else "done"]) == 2
