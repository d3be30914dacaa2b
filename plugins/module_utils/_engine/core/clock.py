# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The time by which access begins and ends: that of the service, if the clock of this machine agrees."""

from __future__ import annotations

from datetime import datetime

from ..._api.clock import ServerClock
from ..._api.errors import CakewalkError
from ..._api.text import pluralize

#: How far the clocks may be apart, in seconds.
MAX_DIFFERENCE = 300


class ClockRefused(CakewalkError):
    """The time is not known well enough to begin or end access."""

    kind = "clock"


def checked_time(clock: ServerClock | None) -> datetime:
    """Return the time of the service, in UTC.

    :raises ClockRefused: no answer showed it, or the clock of this machine differs by more than five minutes.
    """
    attempt = "find out what begins or ends by now"
    if clock is None:
        raise ClockRefused(
            attempt,
            "the service sends no `Date`, with which the clock of this machine could be compared",
            "Nothing was changed. See whether a proxy removes this header.",
        )
    if abs(clock.ahead) > MAX_DIFFERENCE:
        minutes = pluralize(max(round(abs(clock.ahead) / 60), MAX_DIFFERENCE // 60 + 1), "minute", "minutes")
        raise ClockRefused(
            attempt,
            f"the clock of the service is {minutes} {'ahead of' if clock.ahead > 0 else 'behind'} the clock of this "
            f"machine, and {MAX_DIFFERENCE // 60} are allowed",
            "Nothing was changed. Set the clock of this machine. If it is right, see whether a proxy answers from a "
            "cache.",
            seconds=round(clock.ahead),
        )
    return clock.time
