# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rate limit: so many requests of one key in any window."""

from __future__ import annotations

import math
import time
from collections import defaultdict, deque


class RateLimit:
    """A sliding window for each key; the scope of the vendor's limit is not documented."""

    def __init__(self) -> None:
        self._taken: defaultdict[str, deque[float]] = defaultdict(deque)

    def wait(self, key: str, limit: int, window: float) -> int:
        """Count a request, or return in how many whole seconds one is free again if none is now.

        :param limit: requests allowed in C(window) seconds; 0 for no limit.
        """
        now = time.monotonic()
        taken = self._taken[key]
        while taken and taken[0] <= now - window:
            taken.popleft()
        if limit and len(taken) >= limit:
            return max(1, math.ceil(taken[0] + window - now))
        taken.append(now)
        return 0
