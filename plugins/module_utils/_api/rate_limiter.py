# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rate governor: how fast the requests of one process may leave."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

#: The vendor counts requests per minute (its page "rate limits").
WINDOW = 60.0


class Cancelled(Exception):
    """Nothing may leave any more."""


class RateLimiter:
    """Lets at most C(per_minute) requests leave in any 60 seconds, in bursts if need be; 0 sets no limit.

    Shared by all workers of a client: what one learns from a 429 holds back the others too.
    """

    def __init__(
        self,
        per_minute: int,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self._limit = per_minute
        self._clock = clock
        self._ended = threading.Event()
        self._sleep = sleep or self._ended.wait
        self._sent: deque[float] = deque()
        self._held_until = 0.0
        self._lock = threading.Lock()

    def acquire(self) -> None:
        """Wait until one more request may leave, and count it.

        :raises Ended: none may any more.
        """
        while (wait := self._claim()) > 0:
            self.wait(wait)

    def wait(self, seconds: float) -> None:
        """Let C(seconds) pass, or less where the end comes before."""
        self._sleep(seconds)

    def end(self) -> None:
        """Let nothing leave from now on, and wake those that wait."""
        self._ended.set()

    def hold(self, seconds: float) -> None:
        """Let nothing leave for the next C(seconds)."""
        with self._lock:
            self._held_until = max(self._held_until, self._clock() + seconds)

    def _claim(self) -> float:
        """Count a request and return 0, or return for how many seconds it has to wait before it asks again."""
        if self._ended.is_set():
            raise Cancelled
        with self._lock:
            now = self._clock()
            while self._sent and self._sent[0] <= now - WINDOW:
                self._sent.popleft()
            full = self._limit > 0 and len(self._sent) >= self._limit
            free_at = max(self._held_until, self._sent[0] + WINDOW if full else now)
            if free_at > now:
                return free_at - now
            if self._limit > 0:
                self._sent.append(now)
            return 0.0
