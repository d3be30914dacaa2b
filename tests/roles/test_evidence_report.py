# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of the role evidence, opened in a browser: it loads nothing, runs nothing of the tenant's, and can be read
by everybody. Without a browser, or without axe-core, the tests that need it are skipped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playbooks.harness import Playbooks
from roles.browser import AXE, DESKTOP, PHONE, PROGRAM, Browser, running
from sandbox.process import Sandbox

ERIN, CONNOR = "erin.engineer@example.com", "connor.contractor@example.com"
#: Would say in the console that it ran, in each of the ways in which text becomes code.
HOSTILE = (
    "</td></script><script>console.log(1)</script><img src=https://evil.example/x onerror=console.log(2)>{{ 7 * 7 }}"
)
_SCROLLS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
_RUN_AXE = "axe.run(document, {resultTypes: ['violations']}).then(found => JSON.stringify(found.violations.map("
_RUN_AXE += "one => [one.id, one.impact, one.nodes.slice(0, 3).map(node => node.html)])))"
#: Click on a header twice, and return how its column is ordered and marked after each.
_SORT = """(() => {
  const table = document.querySelector("section[aria-labelledby=account_counts] table");
  const header = table.tHead.rows[0].cells[1];
  return [1, 2].map(() => {
    header.firstElementChild.click();
    const column = [...table.tBodies[0].rows].map((row) => Number(row.cells[1].textContent));
    return [header.getAttribute("aria-sort"), column];
  });
})()"""

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="no Chromium is installed, so no report is opened")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for all tests."""
    with running() as browser:
        yield browser


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a small company with hostile names, compared with an earlier bundle."""
    folder = tmp_path_factory.mktemp("evidence")
    with Sandbox(rate_limit=0, users=40, groups=12, apps=12) as tenant:
        playbooks = Playbooks(folder / "runs", tenant)
        given = {"evidence_folder": str(folder / "bundles"), "evidence_include_purposes": True}
        first = playbooks.run("cakewalk.access.evidence", variables=given).succeeded().results[-1].data["bundle"]
        tenant.change("rename_user", user=CONNOR, name=HOSTILE)
        tenant.change("rename_group", group="Contractors", name=HOSTILE)
        tenant.change("add_access", app="Figma", user=CONNOR)
        tenant.change("rename_app", app="Figma", name=HOSTILE)
        tenant.change("rename_level", app="GitHub", level="Write", name=HOSTILE)
        tenant.change("open_request", kind="grant", app=HOSTILE, user=ERIN, purpose=HOSTILE)
        run = playbooks.run("cakewalk.access.evidence", variables={**given, "evidence_compare_with": first})
        return Path(run.succeeded().results[-1].data["bundle"]) / "report.html"


@pytest.mark.parametrize(("size", "dark"), [(DESKTOP, False), (DESKTOP, True), (PHONE, False), (PHONE, True)])
def test_the_report_loads_nothing_and_fits(browser: Browser, report: Path, size: Any, dark: bool) -> None:
    assert HOSTILE not in report.read_text(encoding="utf-8")

    visit = browser.visit(report, _SCROLLS, "document.body.textContent", size=size, dark=dark)

    scrolls, text = visit.answers
    assert visit.requests == [report.as_uri()]
    assert visit.complaints == []
    assert not scrolls
    assert HOSTILE in text


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not there: npm install --prefix .build/node axe-core")
@pytest.mark.parametrize(("size", "dark"), [(DESKTOP, False), (DESKTOP, True), (PHONE, False)])
def test_the_report_can_be_read_by_everybody(browser: Browser, report: Path, size: Any, dark: bool) -> None:
    visit = browser.visit(report, AXE.read_text(encoding="utf-8") + "; 0", _RUN_AXE, size=size, dark=dark)
    assert json.loads(visit.answers[1]) == []


def test_a_table_is_sorted_by_its_headers(browser: Browser, report: Path) -> None:
    up, down = browser.visit(report, _SORT).answers[0]
    assert (up[0], down[0]) == ("ascending", "descending")
    assert up[1] == sorted(up[1])
    assert down[1] == sorted(down[1], reverse=True)
    assert len(set(up[1])) > 1


def test_the_policy_of_the_page_stops_what_is_not_its_own(browser: Browser, report: Path, tmp_path: Path) -> None:
    """Were something not escaped, it would still not run."""
    spoilt = tmp_path / "report.html"
    text = report.read_text(encoding="utf-8").replace("<h1>", f"<p>{HOSTILE}</p><p style='color: red'>x</p><h1>", 1)
    spoilt.write_text(text, encoding="utf-8")

    visit = browser.visit(spoilt)

    assert not any("'value': 1" in one or "'value': 2" in one for one in visit.complaints)
    assert sum("Content Security Policy" in one for one in visit.complaints) >= 3
    assert visit.requests == [spoilt.as_uri()]
