# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What came of the tests on each release, as one table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from xml.etree import ElementTree


@dataclass(frozen=True)
class Outcome:
    """What came of one part of the tests on one release.

    :param failed: the names of the tests that failed.
    :param skipped: why tests did not run, once for each of them.
    :param seconds: how long the part took.
    """

    passed: int = 0
    failed: Sequence[str] = ()
    skipped: Sequence[str] = ()
    seconds: float = 0.0

    def cell(self) -> str:
        """Return how many passed, failed and were skipped, and the seconds."""
        return f"{self.passed}/{len(self.failed)}/{len(self.skipped)} {self.seconds:.0f} s"


@dataclass
class Row:
    """One release of ansible-core on one Python.

    :param outcomes: by the name of the part.
    :param notes: what was left out, and why.
    """

    core: str
    python: str
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether any test failed."""
        return any(outcome.failed for outcome in self.outcomes.values())


def outcome(report: str, status: int, seconds: float) -> Outcome:
    """Return what a report of pytest in the form of JUnit says.

    :param report: the XML, empty where pytest came to no end.
    :param status: the exit status of pytest. Where it is not 0, something failed, whatever the report says.
    """
    try:
        cases = list(ElementTree.fromstring(report).iter("testcase"))
    except ElementTree.ParseError:
        cases = []
    # A test that passes, and whose fixture then fails, has two entries of one name.
    names = {_name(case) for case in cases}
    failed = [_name(case) for case in cases if case.find("failure") is not None or case.find("error") is not None]
    skipped = [str(one.get("message")) for case in cases if (one := case.find("skipped")) is not None]
    passed = len(names) - len(set(failed)) - len(skipped)
    if not failed and (status or not cases):
        failed = [f"pytest ended with status {status}" if status else "no test ran"]
    return Outcome(passed, failed, skipped, seconds)


def _name(case: ElementTree.Element) -> str:
    return f"{case.get('classname')}::{case.get('name')}"


def table(rows: Sequence[Row], parts: Sequence[str]) -> str:
    """Return all rows, then what failed, then what was left out, each with why."""
    lines = [("ansible-core", "Python", *parts)]
    lines += [
        (row.core, row.python, *(row.outcomes[part].cell() if part in row.outcomes else "-" for part in parts))
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    text += ["", "Each cell: tests passed/failed/skipped, and seconds."]
    for row in rows:
        text += [f"{row.core}: {note}" for note in row.notes]
        for part, came in row.outcomes.items():
            text += [f"{row.core} {part}: failed: {name}" for name in came.failed]
            text += [f"{row.core} {part}: {number} skipped: {why}" for why, number in Counter(came.skipped).items()]
    return "\n".join(text)
