# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A thousand webhooks at once: each is queued once, or refused with 503."""

from __future__ import annotations

from typing import Any

import pytest
from benchmarks.burst import NUMBER, burst


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [{"max_events_per_minute": NUMBER}, {"max_waiting": 10, "max_events": 10}, {"max_events_per_minute": 300}],
    ids=["all may pass", "few may wait", "few may pass"],
)
def test_of_a_burst_nothing_is_lost_after_it_was_taken(options: dict[str, Any]) -> None:
    came = burst(**options)
    assert (came.lost, came.repeated, came.unasked) == ([], [], [])
    assert sum(came.answers.get(status, 0) for status in (200, 503)) == NUMBER
    assert came.answers[200] <= options.get("max_events_per_minute", NUMBER)
    assert (503 in came.answers) == (options.get("max_events_per_minute") != NUMBER)
