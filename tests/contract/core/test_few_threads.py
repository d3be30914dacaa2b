# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run whose user may start few threads, or none: fewer workers do the same."""

from __future__ import annotations

import multiprocessing
import os
import resource
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.apply import apply
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.plan import ApplyFailed
from contract.fixtures import CONFIRM_DELAYS, leavers, members, planned, received, task
from sandbox.process import Sandbox

#: A user of no other process, so that the limit counts those of the test alone.
UID = 54_321
Clients = Callable[..., Client]
_FORK = multiprocessing.get_context("fork")

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become a user without processes")


def as_ordinary_user(threads: int, job: Callable[[], Any]) -> Any:
    """Return what a job returns in a process of an ordinary user who may start so many threads."""
    results = _FORK.SimpleQueue()

    def run() -> None:
        os.setgroups([])
        os.setgid(UID)
        os.setuid(UID)
        resource.setrlimit(resource.RLIMIT_NPROC, (1 + threads, 1 + threads))
        results.put(job())

    child = _FORK.Process(target=run)
    child.start()
    child.join(60)
    assert child.exitcode == 0
    return results.get()


@pytest.mark.parametrize("threads", [0, 1, 4])
def test_fewer_workers_remove_the_same_people(tenant: Sandbox, connect: Clients, threads: int) -> None:
    people = leavers(tenant, "Engineering", 12)
    tenant.configure(latency=0.02)

    def remove() -> dict[str, Any]:
        client = connect(concurrency=8)
        return apply(
            planned(client, task(tenant, group="Engineering", users=people, state="absent")), client, CONFIRM_DELAYS
        ).as_result()

    steps = as_ordinary_user(threads, remove)
    assert [step["users"] for step in steps["done"]] == [[person] for person in people]
    assert received(tenant, "removeUserFromGroup") == [204] * 12
    assert not set(people) & set(members(tenant, "Engineering"))


@pytest.mark.parametrize("threads", [0, 1])
def test_the_first_failure_ends_the_run_there_too(tenant: Sandbox, connect: Clients, threads: int) -> None:
    people = leavers(tenant, "Engineering", 12)
    tenant.fault("removeUserFromGroup", 429, skip=3, retry_after=0)

    def result() -> dict[str, Any]:
        client = connect(concurrency=8, max_retries=0)
        plan = planned(client, task(tenant, group="Engineering", users=people, state="absent"))
        try:
            return apply(plan, client, CONFIRM_DELAYS).as_result()
        except ApplyFailed as error:
            return error.result.as_result()

    steps = as_ordinary_user(threads, result)
    assert {name: len(entries) for name, entries in steps.items()} == {"done": 3, "errors": 1, "pending": 8}
    assert received(tenant, "removeUserFromGroup") == [204, 204, 204, 429]
