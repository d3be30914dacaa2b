# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times: parsing and writing."""

from __future__ import annotations

import re
from datetime import datetime, timezone


def moment(text: object) -> datetime | None:
    """Return the time in a text in ISO format, in UTC if it has no zone, without fractions of a second.

    C(None) if the text is no time.
    """
    if not isinstance(text, str):
        return None
    try:
        found = datetime.fromisoformat(re.sub(r"\.\d+", "", text, count=1).replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)


def now() -> str:
    """Return the current time, see C(utc)."""
    return utc(datetime.now(timezone.utc))


def utc(time: datetime) -> str:
    """Return a time as text in UTC, to the second, as evidence and journals write it."""
    return time.astimezone(timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")
