# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast requests leave, judged by when the service received them."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from datetime import datetime
from itertools import pairwise

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


def test_the_rate_limiter_keeps_below_the_limit_of_the_service(
    tenant: Sandbox, connect: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A request may arrive late on a busy machine, but not by a second.
    monkeypatch.setattr(rate_limiter, "WINDOW", 1.5)
    tenant.configure(rate_limit=20, rate_window=0.5)
    read_often(tenant, connect(requests_per_minute=20), 30)
    assert received(tenant, "getUser") == [200] * 30


def test_a_refusal_for_too_many_requests_holds_back_all_workers(
    tenant: Sandbox, connect: Callable[..., Client]
) -> None:
    tenant.configure(latency=0.03)
    tenant.fault("getUser", 429, retry_after=1, skip=5)
    read_often(tenant, connect(concurrency=4), 60)
    assert sorted(received(tenant, "getUser")) == [200] * 60 + [429]
    times = arrivals(tenant)
    gap, last = max((after - before, number) for number, (before, after) in enumerate(pairwise(times)))
    # Some more arrive until the refusal is heard; a worker that is not held back would send all that are left.
    assert gap >= 0.9
    assert len(times[last + 1 :]) > 5


class Up(BaseException):
    """What ends a run from outside, as the C(timeout) of a task does."""


@pytest.mark.parametrize("with_error", [False, True])
def test_nothing_leaves_once_the_run_is_ended(
    tenant: Sandbox, connect: Callable[..., Client], with_error: bool
) -> None:
    client, record = connect(requests_per_minute=1), USERS.record(tenant.find("users", ERIN)["id"])
    client.record(record)
    all_under_way = threading.Barrier(4)

    def read(number: int) -> None:
        all_under_way.wait()
        if number == 0:
            signal.setitimer(signal.ITIMER_REAL, 0.3)
            if with_error:
                raise ValueError
        client.record(record)

    def up(*_signal: object) -> None:
        raise Up

    before = signal.signal(signal.SIGALRM, up)
    try:
        with pytest.raises(Up):
            client.each(read, range(4))
    finally:
        signal.signal(signal.SIGALRM, before)
    with pytest.raises(Cancelled):
        client.record(record)
    assert received(tenant, "getUser") == [200]
