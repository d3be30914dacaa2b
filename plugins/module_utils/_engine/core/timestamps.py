# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times: parsing and writing."""

from __future__ import annotations

import re
from datetime import datetime, timezone


def moment(text: object) -> datetime | None:
    """Return the time in a text in ISO format, in UTC; a text without a zone is in UTC.

    C(None) if the text is not a time.
    """
    if not isinstance(text, str):
        return None
    # Before Python 3.11, a fraction has three or six digits. The service may write seven.
    plain = re.sub(r"[.,](\d+)", lambda fraction: f".{fraction[1][:6]:0<6}", text.upper(), count=1)
    try:
        time = datetime.fromisoformat(re.sub(r"([+-]\d\d)(\d\d)$", r"\1:\2", plain.replace("Z", "+00:00")))
        return time.astimezone(timezone.utc) if time.tzinfo else time.replace(tzinfo=timezone.utc)
    except (ValueError, OverflowError):
        return None


def local_time() -> datetime:
    """Return the time of this machine, for what a run writes down. No time of the service is compared with it."""
    return datetime.now(timezone.utc)


def now() -> str:
    """Return the current time, see C(utc)."""
    return utc(local_time())


def utc(time: datetime) -> str:
    """Return a time as text in UTC, to the second, as evidence and journals write it."""
    return time.astimezone(timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")
