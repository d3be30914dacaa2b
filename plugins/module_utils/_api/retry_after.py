# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a server asks to wait, for the client and the event sources.

ansible-rulebook runs an event source outside any package, so C(extensions/eda) has a copy, C(_retry_after.py).
"""

from __future__ import annotations

import email.utils
import time
from collections.abc import Mapping


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds to wait by C(Retry-After) (RFC 9110, section 10.2.3), or C(None) without a usable header.

    A date counts from the C(Date) of the same answer, since the clock of the server may differ from that of this
    machine.

    :param headers: the headers of the answer, found by their lower-case names.
    """
    value = headers.get("retry-after", "").strip()
    if value.isdecimal() and value.isascii():
        return float(value.lstrip("0")[:12] or 0)
    until = http_date(value)
    if until is None:
        return None
    now = http_date(headers.get("date", ""))
    return max(0.0, until - (time.time() if now is None else now))


def http_date(date: str) -> float | None:
    """Return an HTTP date as seconds since 1970, or C(None) if it is not a date; a date without a zone is in UTC."""
    try:
        parts = email.utils.parsedate_tz(date)
        return float(email.utils.mktime_tz((*parts[:9], parts[9] or 0))) if parts else None
    except (ValueError, OverflowError):
        return None
