# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Terms: from when until when somebody should have something. Everything counts in UTC, and a day has 24 hours."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import Enum

from ..._api.text import pluralize, printable
from .timestamps import moment, utc

_DAY = timedelta(days=1)
_FIRST, _LAST = (limit.replace(tzinfo=timezone.utc) for limit in (datetime.min, datetime.max))
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
#: A date and time by RFC 3339, with or without seconds and zone.
_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}):[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?([Zz]|[+-][0-9]{2}:[0-9]{2})?"
)
#: A duration by ISO 8601, without months and years. Six digits keep it in the range of C(timedelta).
_DURATION = re.compile(
    r"P(?:([0-9]{1,6})W|(?=[0-9T])(?:([0-9]{1,6})D)?(?:T(?=[0-9])(?:([0-9]{1,6})H)?(?:([0-9]{1,6})M)?)?)"
)
_CALENDAR_DURATION = re.compile(r"P[^T]*[0-9][YM].*")


class TermRefused(ValueError):
    """A date, time or duration cannot be used; the message is a clause."""


class TermState(Enum):
    """Whether a term is over at some time."""

    PLANNED = "planned"
    ACTIVE = "active"
    EXPIRED = "expired"


@dataclass(frozen=True)
class Term:
    """From when until when somebody should have something; without an end it is forever.

    :param start: the first moment, in UTC.
    :param end: the first moment after it, in UTC.
    :param since: the start for people: a date, or a time in UTC.
    :param until: the end for people, likewise.
    """

    start: datetime | None = None
    end: datetime | None = None
    since: str = ""
    until: str = ""

    def state_at(self, time: datetime) -> TermState:
        """Return whether the term is over, or has yet to begin, at a time."""
        if self.end is not None and time >= self.end:
            return TermState.EXPIRED
        return TermState.PLANNED if self.start is not None and time < self.start else TermState.ACTIVE

    def within(self, other: Term) -> Term:
        """Return the part of the term that is inside another one; if the two do not meet, it is never active."""
        first = max((self, other), key=lambda one: one.start or _FIRST)
        last = min((self, other), key=lambda one: one.end or _LAST)
        return Term(first.start, last.end, first.since, last.until)

    def days_left(self, time: datetime) -> int | None:
        """Return the number of days, by the calendar in UTC, until the last one; C(None) without an end."""
        if self.end is None:
            return None
        return _days(time, self.end - min(timedelta.resolution, self.end - _FIRST))

    def describe(self, time: datetime) -> str:
        """Return what matters about the term at a time, as a clause: C(expires in 6 days, on 2026-12-05)."""
        if self.end is not None and time >= self.end:
            return f"expired on {self.until}"
        if self.start is not None and time < self.start:
            end = f", until {self.until}" if self.until else ""
            return f"starts {_when(_days(time, self.start), self.since)}{end}"
        return f"expires {_when(self.days_left(time) or 0, self.until)}"


#: The term of everything that has neither a start nor an end.
ALWAYS = Term()


def term_of(since: str | None, until: str | None) -> Term:
    """Return the term between two texts, each a date, or a time with a zone.

    The date of a start means the begin of this day in UTC, that of an end means its end.

    :raises TermRefused: a text is no date and no time with a zone, or the end is not after the start.
    """
    start, shown_start = _moment("from", since) if since is not None else (None, "")
    end, shown_end = _moment("until", until) if until is not None else (None, "")
    if end is not None and until is not None and _DATE.fullmatch(until):
        # No day follows the last day that a datetime can hold.
        end += min(_DAY, _LAST - end)
    if start is not None and end is not None and start >= end:
        raise TermRefused(f"until ({printable(until)}) is not after from ({printable(since)})")
    return Term(start, end, shown_start, shown_end)


def duration_of(text: str) -> timedelta:
    """Return the duration in a text by ISO 8601, in weeks, or in days, hours and minutes.

    :raises TermRefused: the text is no such duration, or its length depends on a calendar, or it is zero.
    """
    found = _DURATION.fullmatch(text)
    if not found:
        cause = (
            "months and years differ in length; give days or weeks"
            if _CALENDAR_DURATION.fullmatch(text)
            else "write P30D for 30 days, P2W for two weeks, PT8H for eight hours"
        )
        raise TermRefused(f"{printable(text)!r} is not a duration: {cause}")
    weeks, days, hours, minutes = (int(number or 0) for number in found.groups())
    duration = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes)
    if not duration:
        raise TermRefused(f"the duration {text} is zero")
    return duration


def _moment(name: str, text: str) -> tuple[datetime, str]:
    """Return a date or a time with a zone, in UTC, and its form for people; a date is the begin of its day.

    :raises TermRefused: it is neither.
    """
    shown = f"{name} {printable(text)!r}"
    if _DATE.fullmatch(text):
        start = moment(f"{text}T00:00")
        if start is None:
            raise TermRefused(f"{shown}: there is no such day")
        return start, text
    found = _TIME.fullmatch(text)
    if not found:
        raise TermRefused(
            f"{shown} is neither a date, such as 2026-11-30, nor a time with a zone, such as 2026-11-30T18:00+01:00"
        )
    if found[3] is None:
        raise TermRefused(f"{shown} has no zone; add Z for UTC, or an offset such as +01:00")
    if found[2] == "24":
        raise TermRefused(f"{shown}: a day ends at 24:00, which is 00:00 of the next day; or give the date alone")
    time = moment(text.upper())
    if time is None:
        raise TermRefused(f"{shown}: there is no such time")
    return time, utc(time)


def _days(time: datetime, then: datetime) -> int:
    return (then.astimezone(timezone.utc).date() - time.astimezone(timezone.utc).date()).days


def _when(days: int, shown: str) -> str:
    return f"in {pluralize(days, 'day', 'days')}, on {shown}" if days else f"today, {shown}"
