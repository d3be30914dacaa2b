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
from ansible_collections.cakewalk.access.plugins.module_utils._engine.audit import tables
from ansible_collections.cakewalk.access.plugins.module_utils._engine.audit.comparison import CHANGES
from ansible_collections.cakewalk.access.plugins.module_utils._engine.audit.manifest import CANNOT_TELL, PROVES
from ansible_collections.cakewalk.access.plugins.module_utils._engine.audit.table import Table
from ansible_collections.cakewalk.access.plugins.plugin_utils import _audit_report
from playbooks.harness import Playbooks
from roles.browser import AXE, DESKTOP, PHONE, PROGRAM, TABLET, Browser, running
from sandbox.process import Sandbox

TITLE = "cakewalk.access.evidence : Write what the tenant lists as a bundle of files"
ERIN, CONNOR = "erin.engineer@example.com", "connor.contractor@example.com"
#: Would say in the console that it ran, in each of the ways in which text becomes code.
HOSTILE = (
    "</td></script><script>console.log(1)</script><img src=https://evil.example/x onerror=console.log(2)>{{ 7 * 7 }}"
)
#: Open all tables, and return what is wider than the page, and inputs that are too narrow for their placeholders.
_CUT = """document.querySelectorAll("details").forEach((fold) => { fold.open = true; });
[...document.querySelectorAll("body *:not(caption)")].filter((element) => {
  const { right, width } = element.getBoundingClientRect();
  return width && right > document.documentElement.clientWidth + 1;
}).concat([...document.querySelectorAll("input")].filter((input) => {
  input.value = input.placeholder;
  const { scrollWidth, clientWidth } = input;
  input.value = "";
  return scrollWidth > clientWidth;
})).map((element) => element.outerHTML.slice(0, 200))"""
#: Search, filter by a word, and return which rows are in view.
_SEARCH = """(() => {
  const input = document.querySelector("input");
  const section = document.querySelector("section[aria-labelledby=accesses]");
  const rows = () => [...section.querySelectorAll("tbody tr")].filter((row) => row.checkVisibility());
  const search = (text) => { input.value = text; input.dispatchEvent(new Event("input")); };
  const texts = () => rows().map((row) => row.textContent.toLowerCase());
  search("github ERIN");
  const found = texts();
  search("quite unfindable");
  const none = [...document.querySelectorAll("section.population")].filter((one) => one.checkVisibility()).length;
  search("");
  const word = [...section.querySelectorAll("dt button")].find((one) => one.textContent === "marked");
  word.click();
  return [found, none, texts(), word.getAttribute("aria-pressed")];
})()"""
_RUN_AXE = "axe.run(document, {resultTypes: ['violations']}).then(found => JSON.stringify(found.violations.map("
_RUN_AXE += "one => [one.id, one.impact, one.nodes.slice(0, 3).map(node => node.html)])))"
#: Click on a header twice, and return how its column is ordered and marked after each.
_SORT = """(() => {
  const table = document.querySelector("section[aria-labelledby=account_counts] table");
  const header = table.tHead.rows[0].cells[1];
  return [1, 2].map(() => {
    header.querySelector("button").click();
    const column = [...table.tBodies[0].rows].map((row) => Number(row.cells[1].textContent));
    return [header.getAttribute("aria-sort"), column];
  });
})()"""

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="no Chromium: apt-get install chromium")


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
        given |= {f"evidence_report_{name}": HOSTILE for name in ("title", "company", "operator")}
        given |= {"evidence_rules_folder": str(_rules(folder / "rules", tenant))}
        first = playbooks.run("cakewalk.access.evidence", variables=given).succeeded()[TITLE].data["bundle"]
        tenant.change("rename_user", user=CONNOR, name=HOSTILE)
        tenant.change("rename_group", group="Contractors", name=HOSTILE)
        tenant.change("add_access", app="Figma", user=CONNOR)
        tenant.change("rename_app", app="Figma", name=HOSTILE)
        tenant.change("rename_level", app="GitHub", level="Write", name=HOSTILE)
        tenant.change("open_request", kind="grant", app=HOSTILE, user=ERIN, purpose=HOSTILE)
        run = playbooks.run("cakewalk.access.evidence", variables={**given, "evidence_compare_with": first})
        return Path(run.succeeded()[TITLE].data["bundle"]) / "report.html"


def _rules(folder: Path, tenant: Sandbox) -> Path:
    """Write a hostile rule that some violate and one may, and return its folder."""
    folder.mkdir()
    excepted = {"person": ERIN, "reason": HOSTILE, "until": "2099-12-31"}
    github = [{"app": "GitHub", "permission_level": "Read"}]
    about = {"severity": "high", "reason": HOSTILE}
    rules = [{"name": HOSTILE, **about, "limits": {"holders_of": github, "at_most": 0}, "exceptions": [excepted]}]
    anchors = [tenant.find("apps", "GitHub")["id"]]
    text = json.dumps({"tenant": {"anchors": anchors}, "rules": rules})
    (folder / "rules.yml").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("size", [DESKTOP, TABLET, PHONE])
@pytest.mark.parametrize("scripts", [True, False])
def test_the_report_loads_nothing_and_fits(browser: Browser, report: Path, size: Any, scripts: bool) -> None:
    assert HOSTILE not in (html := report.read_text(encoding="utf-8"))
    assert '<a href="#violations">violations of access rules</a>' in html

    visit = browser.visit(report, "document.body.textContent", _CUT, size=size, scripts=scripts)

    text, cut = visit.answers
    assert visit.requests == [report.as_uri()]
    assert visit.complaints == []
    assert cut == []
    assert HOSTILE in text


@pytest.mark.slow
def test_200_people_take_20_printed_pages_at_most(browser: Browser, tmp_path: Path) -> None:
    with Sandbox(rate_limit=0, users=200) as tenant:
        run = Playbooks(tmp_path / "run", tenant).run(
            "cakewalk.access.evidence", variables={"evidence_folder": str(tmp_path / "bundles")}
        )
    report = Path(run.succeeded()[TITLE].data["bundle"]) / "report.html"
    for scripts in (True, False):
        assert 0 < browser.visit(report, scripts=scripts, printed=True).pages <= 20


def test_the_longest_tables_that_are_printed_take_20_pages_at_most(browser: Browser, tmp_path: Path) -> None:
    longest = [table.holding(_row(table, number) for number in range(35)) for table in (*tables.ALL, CHANGES)]
    facts = {
        **dict.fromkeys(("masking", "compared_with", "access_rules")),
        **dict.fromkeys(("privileged", "queries"), ()),
        "report": dict.fromkeys(("title", "company", "operator")),
        "operator": {"user": "ansible", "host": "runner"},
        "tool": {"collection": "cakewalk.access", "version": "1", "ansible_core": "2"},
        "base_url": "https://api.example.com",
        "listed_between": ["2026-01-31T07:59:58Z", "2026-01-31T08:00:00Z"],
        "purposes": True,
        "cannot_tell": CANNOT_TELL,
        "proves": PROVES,
    }
    report = tmp_path / "report.html"
    report.write_text(_audit_report.html(facts, longest[:-1], longest[-1]), encoding="utf-8")
    assert report.read_text(encoding="utf-8").count('class="fold"') == 0
    visit = browser.visit(report, _CUT, printed=True)
    assert visit.answers == [[]]
    assert 10 < visit.pages <= 20


def _row(table: Table, number: int) -> dict[str, Any]:
    """Return a row of which each cell is about as long as such cells are."""
    samples = {
        "name": f"Margarete Mustermann {number}",
        "email": f"margarete.mustermann.{number}@example.com",
        "number": number,
        "time": "2026-01-31T08:00:00Z",
        "text": "Needs it for the yearly review of the accounts of the company, which begins in spring",
        "word": "Offboarding",
        "id": str(number),
    }
    return {**{column.name: samples[column.kind] for column in table.columns}, "population": "accesses"}


def test_rows_are_found_by_words_in_any_order_and_by_the_words_of_the_legend(browser: Browser, report: Path) -> None:
    found, sections, marked, pressed = browser.visit(report, _SEARCH).answers[0]
    assert found
    assert all("github" in row and ERIN in row for row in found)
    assert sections == 0
    assert marked
    assert all("marked" in row for row in marked)
    assert pressed == "true"


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not there: npm install --prefix .build/node axe-core")
@pytest.mark.parametrize("size", [DESKTOP, TABLET, PHONE])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_report_can_be_read_by_everybody(browser: Browser, report: Path, size: Any, dark: bool) -> None:
    visit = browser.visit(report, AXE.read_text(encoding="utf-8") + "; 0", _CUT, _RUN_AXE, size=size, dark=dark)
    assert json.loads(visit.answers[2]) == []


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
