# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much is tried: a few examples for each change, all of them in C(make test-all)."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

#: Set by C(make test-all).
THOROUGH = bool(os.environ.get("CAKEWALK_TEST_THOROUGH"))


def examples(number: int) -> settings:
    """Return settings with so many examples in C(make test-all), and a tenth of them, at least five, elsewhere."""
    tried = number if THOROUGH else max(number // 10, 5)
    return settings(max_examples=tried, deadline=None, suppress_health_check=list(HealthCheck))
