# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast requests leave, judged by when the service received them."""

from __future__ import annotations

import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api import rate_limiter
from ansible_collections.cakewalk.access.plugins.module_utils._api.catalog import USERS
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._api.rate_limiter import Cancelled
from contract.fixtures import ERIN, received
from sandbox.process import Sandbox


def read_often(tenant: Sandbox, client: Client, times: int) -> None:
    """Read one person so many times, several at a time."""
    record = USERS.record(tenant.find("users", ERIN)["id"])
    assert len(client.each(client.record, [record] * times)) == times


def arrivals(tenant: Sandbox) -> list[float]:
    """Return when the requests arrived, in seconds."""
    return [datetime.fromisoformat(entry["time"]).timestamp() for entry in tenant.log()]


def test_the_governor_keeps_below_the_limit_of_the_service(
    tenant: Sandbox, connect: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limiter, "WINDOW", 0.6)
    tenant.configure(rate_limit=20, rate_window=0.5)
    read_often(tenant, connect(requests_per_minute=20), 50)
    assert received(tenant, "getUser") == [200] * 50
    times = arrivals(tenant)
    assert times[19] - times[0] < 0.5, "a burst within the limit is not slowed down"
    assert times[-1] - times[0] >= 1.1


def test_without_a_governor_the_service_refuses_and_the_client_waits(
    tenant: Sandbox, connect: Callable[..., Client]
) -> None:
    tenant.configure(rate_limit=20, rate_window=0.5)
    read_often(tenant, connect(requests_per_minute=0, max_retries=4), 40)
    answers = received(tenant, "getUser")
    assert answers.count(200) == 40
    assert 429 in answers


def test_two_that_share_a_key_are_refused_and_end_well(
    tenant: Sandbox, connect: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limiter, "WINDOW", 0.6)
    tenant.configure(rate_limit=20, rate_window=0.5)
    clients = [connect(requests_per_minute=20, max_retries=4) for _number in range(2)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda client: read_often(tenant, client, 40), clients))
    answers = received(tenant, "getUser")
    assert answers.count(200) == 80
    assert 429 in answers


@pytest.mark.parametrize("workers", [1, 4])
def test_a_refusal_for_too_many_requests_holds_back_all_workers(
    tenant: Sandbox, connect: Callable[..., Client], workers: int
) -> None:
    tenant.configure(latency=0.05)
    tenant.fault("getUser", 429, retry_after=1, skip=5)
    read_often(tenant, connect(concurrency=workers), 20)
    answers, times = received(tenant, "getUser"), arrivals(tenant)
    refused = answers.index(429)
    under_way = [time for time in times[refused + 1 :] if time - times[refused] < 0.95]
    assert len(under_way) <= 3 * (workers - 1), "the other workers may send some more until the refusal is heard"
    assert len(answers) == 21


class Up(BaseException):
    """What ends a run from outside, as the C(timeout) of a task does."""


@pytest.mark.parametrize("with_error", [False, True])
def test_nothing_leaves_once_the_run_is_ended(
    tenant: Sandbox, connect: Callable[..., Client], with_error: bool
) -> None:
    client, record = connect(requests_per_minute=1), USERS.record(tenant.find("users", ERIN)["id"])
    client.record(record)

    def read(number: int) -> None:
        if with_error and number == 0:
            raise ValueError
        client.record(record)

    def up(*_signal: object) -> None:
        raise Up

    before = signal.signal(signal.SIGALRM, up)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises(Up):
            client.each(read, range(4))
    finally:
        signal.signal(signal.SIGALRM, before)
    with pytest.raises(Cancelled):
        client.record(record)
    assert received(tenant, "getUser") == [200]
