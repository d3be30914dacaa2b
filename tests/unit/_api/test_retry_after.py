# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a server asks to wait, as the client reads it and as the copy for the event sources does."""

from __future__ import annotations

import email.utils
import runpy
import time
from pathlib import Path

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api import retry_after as of_the_client
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).parents[3]
MODULE = ROOT / "plugins/module_utils/_api/retry_after.py"
COPY = ROOT / "extensions/eda/plugins/event_source/_retry_after.py"
AHEAD = "Sun, 06 Nov 2094 08:49:37 GMT"

retry_after = runpy.run_path(str(COPY))["retry_after"]


def test_the_event_sources_have_the_same_code() -> None:
    assert COPY.read_text() == MODULE.read_text(), f"cp {MODULE.relative_to(ROOT)} {COPY.relative_to(ROOT)}"
    assert of_the_client.retry_after({"retry-after": "7"}) == 7.0


@pytest.mark.parametrize(
    ("value", "date", "seconds"),
    [
        ("0", None, 0.0),
        ("7", None, 7.0),
        (" 7 ", AHEAD, 7.0),
        ("120", "never", 120.0),
        ("9" * 400, None, 999999999999.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", None, 0.0),
        ("", None, None),
        ("-7", None, None),
        ("1 Jan 99999 00:00:00", None, None),
        ("1 Jan 2024 0:0:" + "9" * 400, None, None),
        ("7.5", None, None),
        ("7, 8", None, None),
        ("\u0667", None, None),
        ("\u00b2", None, None),
        ("soon", AHEAD, None),
        # The clock of the server is ahead, or behind, or its forms are the obsolete ones of RFC 9110, section 5.6.7.
        ("Sun, 06 Nov 2094 08:49:45 GMT", AHEAD, 8.0),
        ("Sun, 06 Nov 1994 08:49:45 GMT", "Sun, 06 Nov 1994 08:49:37 GMT", 8.0),
        ("Sunday, 06-Nov-94 08:49:45 GMT", "Sun Nov  6 08:49:37 1994", 8.0),
        ("Sun Nov  6 08:49:45 1994", "Sunday, 06-Nov-94 08:49:37 GMT", 8.0),
        ("Sun, 06 Nov 2094 08:49:30 GMT", AHEAD, 0.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", "soon", 0.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", "", 0.0),
    ],
)
def test_how_long_a_server_asks_to_wait(
    monkeypatch: pytest.MonkeyPatch, value: str, date: str | None, seconds: float | None
) -> None:
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    time.tzset()
    try:
        assert retry_after({"retry-after": value, **({} if date is None else {"date": date})}) == seconds
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_server_that_asks_for_nothing() -> None:
    assert retry_after({}) is None
    assert retry_after({"date": AHEAD}) is None


@given(st.text(), st.text())
def test_no_server_can_ask_for_an_error(value: str, date: str) -> None:
    asked = retry_after({"retry-after": value, "date": date})
    assert asked is None or asked >= 0


def test_a_date_without_the_time_of_the_answer_counts_from_the_clock_of_this_machine() -> None:
    date = email.utils.formatdate(time.time() + 90, usegmt=True)
    assert 80 < (retry_after({"retry-after": date}) or 0) <= 90
