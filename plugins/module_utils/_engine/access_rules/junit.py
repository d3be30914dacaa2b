# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The results of access rules as JUnit XML, which CI systems show: each rule is a test case."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from xml.etree import ElementTree

from ..._api.text import UNCUT, printable
from .evaluation import KEPT, NOT_SEEN, VIOLATED, RuleResult
from .report import FindingWriter

_SUITE = "cakewalk.access.access_rules"
#: What XML cannot hold (XML 1.0, section 2.2), apart from what C(printable) escapes.
_NOT_XML = re.compile("[\ufffe\uffff]")


def junit_xml(results: Sequence[RuleResult], failed: Sequence[RuleResult], writer: FindingWriter, time: str) -> str:
    """Return a test suite with a test case for each rule.

    A violated rule is a failure, a rule that cannot be decided an error. If these do not count, they are skipped.

    :param failed: the results that count as failed.
    :param time: when the rules were evaluated, in UTC.
    """
    suite = ElementTree.Element("testsuite", name=_SUITE, timestamp=time.rstrip("Z"), time="0")
    outcomes: Counter[str] = Counter()
    for result in results:
        rule = result.rule
        case = ElementTree.SubElement(
            suite, "testcase", classname=f"{_SUITE}.{rule.kind}", name=_text(rule.name), file=_text(rule.at), time="0"
        )
        lines = "\n".join(map(_text, writer.lines([result])))
        outcome = _outcome(result, result in failed)
        if outcome:
            outcomes[outcome] += 1
            message = f"{result.state} ({rule.severity}): {rule.reason}"
            ElementTree.SubElement(case, outcome, message=_text(message), type=rule.severity).text = lines
        elif result.state != KEPT or result.ended:
            ElementTree.SubElement(case, "system-out").text = lines
    suite.attrib |= {"tests": str(len(results)), "failures": str(outcomes["failure"])}
    suite.attrib |= {"errors": str(outcomes["error"]), "skipped": str(outcomes["skipped"])}
    ElementTree.indent(suite)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(suite, encoding="unicode")}\n'


def _outcome(result: RuleResult, is_failed: bool) -> str:
    """Return the name of the element that says how a test case ended, empty if it passed."""
    if result.state not in (VIOLATED, NOT_SEEN):
        return ""
    if not is_failed:
        return "skipped"
    return "failure" if result.state == VIOLATED else "error"


def _text(text: str) -> str:
    return _NOT_XML.sub("\ufffd", printable(text, UNCUT))
