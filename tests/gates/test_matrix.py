# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of all releases of ansible-core says what came of their tests, and never more than that."""

from __future__ import annotations

import pytest
from matrix.table import Outcome, Row, outcome, table

REPORT = """<testsuites><testsuite>
<testcase classname="a.b" name="good"/>
<testcase classname="a.b" name="bad"><failure message="1 != 2">text</failure></testcase>
<testcase classname="a.b" name="left out"><skipped message="no Chromium"/></testcase>
<testcase classname="a.b" name="broken at the end"/>
<testcase classname="a.b" name="broken at the end"><error message="teardown"/></testcase>
</testsuite></testsuites>"""


def test_a_report_is_counted() -> None:
    came = outcome(REPORT, 1, 61.4)

    assert came == Outcome(1, ["a.b::bad", "a.b::broken at the end"], ["no Chromium"], 61.4)
    assert came.cell() == "1/2/1 61 s"


@pytest.mark.parametrize(
    ("report", "status"),
    [("", 0), ("", 4), ("<testsuites/>", 0), ("<testsuites/>", 5), (REPORT.split("<testcase", 1)[0], 2)],
    ids=["no report", "no report and a failure", "no test", "nothing collected", "half a report"],
)
def test_what_ran_no_test_has_failed(report: str, status: int) -> None:
    assert len(outcome(report, status, 1).failed) == 1


def test_a_status_counts_though_every_test_passed() -> None:
    assert outcome('<testsuites><testcase classname="a" name="b"/></testsuites>', 3, 1).failed == [
        "pytest ended with status 3"
    ]


def test_the_table_has_a_row_for_each_release_and_says_why_something_is_left_out() -> None:
    rows = [
        Row("2.16.19", "3.10.13", {"sanity": Outcome(2, seconds=30), "roles": Outcome(9, ["r::x"], ["no", "no"], 70)}),
        Row("2.22.0rc1", "3.13.0", {"sanity": Outcome(2, seconds=5)}, ["sanity without pylint: it cannot"]),
        Row("2.23", "-", notes=["skipped: there is no Python 3.15 here"]),
    ]

    assert table(rows, ["sanity", "roles"]).splitlines() == [
        "ansible-core  Python   sanity      roles",
        "2.16.19       3.10.13  2/0/0 30 s  9/1/2 70 s",
        "2.22.0rc1     3.13.0   2/0/0 5 s   -",
        "2.23          -        -           -",
        "",
        "Each cell: tests passed/failed/skipped, and seconds.",
        "2.16.19 roles: failed: r::x",
        "2.16.19 roles: 2 skipped: no",
        "2.22.0rc1: sanity without pylint: it cannot",
        "2.23: skipped: there is no Python 3.15 here",
    ]
    assert [row.failed for row in rows] == [True, False, False]
