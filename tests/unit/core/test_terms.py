# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Terms by value: dates, zones, the change to summer time, leap days, the ends of the calendar, and durations."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.terms import (
    ALWAYS,
    TermRefused,
    TermState,
    duration_of,
    term_of,
)
from hypothesis import given
from hypothesis import strategies as st

UTC = timezone.utc
PLANNED, ACTIVE, EXPIRED = TermState
NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)

#: From, until, the last moment before, the first and the last within, and the first after, all in UTC.
BOUNDS: dict[str, tuple[str | None, str | None, str | None, str, str, str | None]] = {
    "a day": (
        "2026-11-29",
        "2026-11-29",
        "2026-11-28T23:59:59",
        "2026-11-29T00:00:00",
        "2026-11-29T23:59:59",
        "2026-11-30T00:00:00",
    ),
    "a leap day": (None, "2028-02-29", None, "2028-02-29T00:00:00", "2028-02-29T23:59:59", "2028-03-01T00:00:00"),
    "the day before none": (
        None,
        "2027-02-28",
        None,
        "2027-02-28T00:00:00",
        "2027-02-28T23:59:59",
        "2027-03-01T00:00:00",
    ),
    "a year ends": (None, "2026-12-31", None, "2026-12-31T00:00:00", "2026-12-31T23:59:59", "2027-01-01T00:00:00"),
    "a zone ahead": (
        "2026-11-29T00:00+01:00",
        None,
        "2026-11-28T22:59:59",
        "2026-11-28T23:00:00",
        "2030-01-01T00:00:00",
        None,
    ),
    "a zone behind": (
        None,
        "2026-11-29T18:30:00-05:30",
        None,
        "2026-11-29T00:00:00",
        "2026-11-29T23:59:59",
        "2026-11-30T00:00:00",
    ),
    "the hour that summer time skips": (
        "2026-03-29T02:30+01:00",
        None,
        "2026-03-29T01:29:59",
        "2026-03-29T01:30:00",
        "2030-01-01T00:00:00",
        None,
    ),
    "the hour that comes twice, first": (
        None,
        "2026-10-25T02:30+02:00",
        None,
        "2026-10-25T00:00:00",
        "2026-10-25T00:29:59",
        "2026-10-25T00:30:00",
    ),
    "the hour that comes twice, again": (
        None,
        "2026-10-25T02:30+01:00",
        None,
        "2026-10-25T00:00:00",
        "2026-10-25T01:29:59",
        "2026-10-25T01:30:00",
    ),
    "lower case and a blank": (
        None,
        "2026-11-29 18:00:00.0000001z",
        None,
        "2026-11-29T00:00:00",
        "2026-11-29T17:59:59",
        "2026-11-29T18:00:01",
    ),
    "never": (None, "9999-12-31", None, "2026-11-29T00:00:00", "9999-12-31T23:59:59", None),
    "the day before never": (
        None,
        "9999-12-30",
        None,
        "2026-11-29T00:00:00",
        "9999-12-30T23:59:59",
        "9999-12-31T00:00:00",
    ),
    "always": (None, None, None, "0001-01-01T00:00:00", "9999-12-31T23:59:59", None),
    "the first moment": ("0001-01-01", None, None, "0001-01-01T00:00:00", "9999-12-31T23:59:59", None),
}


@pytest.mark.parametrize("case", BOUNDS)
def test_a_term_begins_and_ends_to_the_second(case: str) -> None:
    since, until, before, first, last, after = BOUNDS[case]
    term = term_of(since, until)
    times = {before: PLANNED, first: ACTIVE, last: ACTIVE, after: EXPIRED}
    for time, state in times.items():
        if time is not None:
            assert term.state_at(datetime.fromisoformat(f"{time}+00:00")) is state, time


#: From, until, words of the refusal.
REFUSED: dict[str, tuple[str | None, str | None, str]] = {
    "no leap year": (None, "2027-02-29", "until '2027-02-29': there is no such day"),
    "a day that no month has": ("2026-11-31", None, "from '2026-11-31': there is no such day"),
    "no zone": (None, "2026-11-30T18:00", "has no zone; add Z for UTC, or an offset"),
    "no zone after a blank": (None, "2026-11-30 18:00:00", "has no zone"),
    "the name of a zone": (None, "2026-11-30T18:00 Europe/Berlin", "neither a date"),
    "hour 24": (None, "2026-11-30T24:00Z", "a day ends at 24:00"),
    "minute 60": (None, "2026-11-30T18:60Z", "there is no such time"),
    "a leap second": (None, "2026-12-31T23:59:60Z", "there is no such time"),
    "an offset of a day": (None, "2026-11-30T18:00+24:00", "there is no such time"),
    "beyond the calendar": (None, "9999-12-31T23:00-05:00", "there is no such time"),
    "before the calendar": ("0001-01-01T00:00+01:00", None, "there is no such time"),
    "five digits": (None, "10000-01-01", "neither a date"),
    "German": (None, "30.11.2026", "neither a date"),
    "American": (None, "11/30/2026", "neither a date"),
    "a week": (None, "2026-W48-1", "neither a date"),
    "the basic form": (None, "20261130", "neither a date"),
    "other digits": (None, "\u0662\u0660\u0662\u0666-\u0661\u0661-\u0663\u0660", "neither a date"),
    "white space": (None, "2026-11-30 ", "neither a date"),
    "a second line": (None, "2026-11-30\n", "neither a date"),
    "a template": (None, "{{ 2026 }}", "neither a date"),
    "an escape": (None, "\x1b[2J2026-11-30", "x1b[2J2026-11-30' is neither"),
    "nothing": ("", None, "from '' is neither"),
    "the wrong way round": ("2026-12-01", "2026-11-30", "until (2026-11-30) is not after from (2026-12-01)"),
    "an empty term": ("2026-11-30T12:00Z", "2026-11-30T13:00+01:00", "is not after"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_term_is_refused(case: str) -> None:
    since, until, words = REFUSED[case]
    with pytest.raises(TermRefused) as refusal:
        term_of(since, until)
    assert words in str(refusal.value)


@pytest.mark.parametrize(
    ("since", "until", "words", "days"),
    [
        (None, "2026-12-05", "expires in 6 days, on 2026-12-05", 6),
        (None, "2026-11-30", "expires in 1 day, on 2026-11-30", 1),
        (None, "2026-11-29", "expires today, 2026-11-29", 0),
        (None, "2026-11-29T20:00+01:00", "expires today, 2026-11-29T19:00:00Z", 0),
        (None, "2026-11-30T00:00Z", "expires today, 2026-11-30T00:00:00Z", 0),
        (None, "2026-11-28", "expired on 2026-11-28", -1),
        (None, "2026-11-29T12:00Z", "expired on 2026-11-29T12:00:00Z", 0),
        ("2026-12-05", "2026-12-24", "starts in 6 days, on 2026-12-05, until 2026-12-24", 25),
        ("2026-11-29T12:00:01Z", None, "starts today, 2026-11-29T12:00:01Z", None),
        (None, "0001-01-01T00:00Z", "expired on 0001-01-01T00:00:00Z", -739948),
    ],
)
def test_a_term_is_described_by_days_of_the_calendar(
    since: str | None, until: str, words: str, days: int | None
) -> None:
    term = term_of(since, until)
    assert (term.describe(NOON), term.days_left(NOON)) == (words, days)


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)), st.integers(-14 * 60, 14 * 60))
def test_the_zone_in_which_a_time_is_written_makes_no_difference(time: datetime, minutes: int) -> None:
    time = time.replace(microsecond=0, tzinfo=UTC)
    here = time.astimezone(timezone(timedelta(minutes=minutes)))
    assert term_of(None, here.isoformat()).end == time


def test_without_a_start_and_an_end_there_is_no_term() -> None:
    assert term_of(None, None) == ALWAYS


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("P30D", timedelta(days=30)),
        ("P2W", timedelta(days=14)),
        ("PT8H", timedelta(hours=8)),
        ("PT90M", timedelta(minutes=90)),
        ("P1DT12H30M", timedelta(days=1, hours=12, minutes=30)),
        ("P999999D", timedelta(days=999999)),
    ],
)
def test_a_duration_has_one_form(text: str, duration: timedelta) -> None:
    assert duration_of(text) == duration


@pytest.mark.parametrize(
    ("text", "words"),
    [
        *((text, "months and years differ in length") for text in ("P1M", "P1Y", "P1Y2M3D", "P0M", "P1MT8H")),
        *(
            (text, "is not a duration: write P30D")
            for text in ("30d", "30", "P", "PT", "P1DT", "p30d", "P-1D", "P1.5D", "P1D2W", "P1000000D", " P1D", "P1D\n")
        ),
        *((text, "is zero") for text in ("P0D", "PT0M", "P0W")),
        ("P\u0663D", "is not a duration"),
    ],
)
def test_no_other_form_is_a_duration(text: str, words: str) -> None:
    with pytest.raises(TermRefused, match=words):
        duration_of(text)
