# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rate limiter for the requests of one process."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

#: The vendor counts requests per minute (its page "rate limits").
WINDOW = 60.0


class Cancelled(Exception):
    """The run was cancelled, so no request may be sent any more."""


class RateLimiter:
    """Limits requests to C(per_minute) in any 60 seconds, with bursts; 0 means no limit.

    All workers of a client share it, so a 429 that one of them gets delays the others, too.
    """

    def __init__(
        self,
        per_minute: int,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self._limit = per_minute
        self._clock = clock
        self._cancelled = threading.Event()
        self._sleep = sleep or self._cancelled.wait
        self._sent: deque[float] = deque()
        self._held_until = 0.0
        self._lock = threading.Lock()

    def acquire(self) -> None:
        """Wait until one more request may be sent, and count it.

        :raises Cancelled: the run was cancelled.
        """
        while (wait := self._claim()) > 0:
            self.wait(wait)

    def wait(self, seconds: float) -> None:
        """Wait for C(seconds), or until the run is cancelled."""
        self._sleep(seconds)

    def cancel(self) -> None:
        """Send no more requests, and wake all waiting workers."""
        self._cancelled.set()

    def hold(self, seconds: float) -> None:
        """Send no request for the next C(seconds)."""
        with self._lock:
            self._held_until = max(self._held_until, self._clock() + seconds)

    def _claim(self) -> float:
        """Count a request and return 0, or return the seconds to wait before the next attempt."""
        if self._cancelled.is_set():
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
