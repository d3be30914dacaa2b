# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times as the wire and people write them."""

from __future__ import annotations

import re
from datetime import datetime, timezone


def moment(text: object) -> datetime | None:
    """Return the time in a text in ISO form, in UTC where it names no zone; fractions of a second do not count.

    C(None) where there is none.
    """
    if not isinstance(text, str):
        return None
    try:
        found = datetime.fromisoformat(re.sub(r"\.\d+", "", text, count=1).replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)


def now() -> str:
    """Return the time as it is, see C(utc)."""
    return utc(datetime.now(timezone.utc))


def utc(time: datetime) -> str:
    """Return a time as evidence and records write it: in UTC, to the second."""
    return time.astimezone(timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")
