# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rate governor, on a clock that the test turns."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.rate_limiter import Cancelled, RateLimiter
from hypothesis import given
from hypothesis import strategies as st

WINDOW = 60.0


class Clock:
    """A clock on which sleeping takes no time of ours."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


def governed(limit: int) -> tuple[RateLimiter, Clock]:
    clock = Clock()
    return RateLimiter(limit, clock, clock.sleep), clock


def departures(limit: int, gaps: list[float]) -> list[tuple[float, float]]:
    """Return when each request arrives and leaves, if one comes after each of the gaps."""
    governor, clock = governed(limit)
    times = []
    for gap in gaps:
        clock.now += gap
        arrival = clock.now
        governor.acquire()
        times.append((arrival, clock.now))
    return times


# Quarters of seconds are exact as floats, so that the edge of the window is too.
_GAPS = st.lists(st.integers(0, 400).map(lambda quarters: quarters / 4), max_size=60)


@given(st.integers(1, 7), _GAPS)
def test_no_window_holds_more_than_the_limit_and_nobody_waits_longer_than_needed(limit: int, gaps: list[float]) -> None:
    left: list[float] = []
    for arrival, departure in departures(limit, gaps):
        earliest = left[-limit] + WINDOW if len(left) >= limit else 0.0
        assert departure == max(arrival, earliest)
        left.append(departure)


@given(_GAPS)
def test_without_a_limit_nobody_waits(gaps: list[float]) -> None:
    assert all(arrival == departure for arrival, departure in departures(0, gaps))


def test_bursts_leave_at_once() -> None:
    assert [departure for _arrival, departure in departures(3, [0.0] * 7)] == [0, 0, 0, 60, 60, 60, 120]


@pytest.mark.parametrize("limit", [0, 5])
def test_a_hold_keeps_everybody_back_and_the_longest_counts(limit: int) -> None:
    governor, clock = governed(limit)
    governor.hold(30)
    governor.hold(10)
    governor.acquire()
    assert clock.now == 30
    governor.acquire()
    assert clock.now == 30


def test_a_hold_and_a_full_window_do_not_add_up() -> None:
    governor, clock = governed(1)
    governor.acquire()
    governor.hold(30)
    governor.acquire()
    assert clock.now == 60
    governor.hold(90)
    governor.acquire()
    assert clock.now == 150


def test_threads_share_the_limit() -> None:
    class Full(Exception):
        pass

    def full(_seconds: float) -> None:
        raise Full

    governor = RateLimiter(50, lambda: 0.0, full)

    def leaves(_number: int) -> bool:
        try:
            governor.acquire()
        except Full:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(leaves, range(200))) == 50


def test_the_end_wakes_who_waits_and_lets_nothing_leave() -> None:
    governor = RateLimiter(1)
    governor.acquire()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(governor.acquire)
        assert not waiting.done()
        governor.cancel()
        with pytest.raises(Cancelled):
            waiting.result(10)
    with pytest.raises(Cancelled):
        governor.acquire()
