# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clock of the server, as the C(Date) of its answers shows it (RFC 9110, section 6.6.1), without a request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone

from .retry_after import http_date
from .transport import Response


@dataclass(frozen=True)
class ServerClock:
    """The clock of the server.

    :param time: the time of the last answer, in UTC, to the second.
    :param ahead: the seconds by which it is ahead of the clock of this machine, by the answer with the largest
        difference; negative if it is behind.
    """

    time: datetime
    ahead: float


def clock_of(response: Response, earlier: ServerClock | None) -> ServerClock | None:
    """Return the clock as an answer and the answers before it show it; an answer without a C(Date) shows nothing.

    :param earlier: the clock by the answers before.
    """
    seconds = http_date(response.headers.get("date", ""))
    if seconds is None:
        return earlier
    try:
        time = datetime.fromtimestamp(seconds, timezone.utc)
    except (ValueError, OverflowError, OSError):
        return earlier
    ahead = seconds - response.received
    return ServerClock(time, ahead if earlier is None else max(ahead, earlier.ahead, key=abs))
