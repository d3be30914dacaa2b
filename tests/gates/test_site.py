# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation site is built without a warning, and can be read on every screen by everybody.

Its pages name each kind of error, each open question and each tested version, and nothing else of these.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from matrix.cores import CORES
from pages.site import INDEX, REPOSITORY, menu, pages, relinked
from roles.browser import AXE, DESKTOP, PHONE, PROGRAM, Browser, running
from sandbox.dialect import questions

from .conftest import BUILD, ROOT

PYTHON = BUILD / "sphinx" / "bin" / "python"
TABLET = (768, 1024)
_SCROLLS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
_CUT_OFF = """[...document.querySelectorAll('article :is(p, li, h1, h2, h3, td)')]
  .filter((one) => one.getBoundingClientRect().right > innerWidth + 1 && !one.closest('.table-wrapper, pre'))
  .map((one) => one.outerHTML)"""
#: On phones, what goes on at the side says so by a shadow.
_GOES_ON_UNSEEN = """matchMedia('(max-width: 48em)').matches ? [...document.querySelectorAll('article *')]
  .filter((one) => one.scrollWidth > one.clientWidth && /auto|scroll/.test(getComputedStyle(one).overflowX)
    && getComputedStyle(one).backgroundImage === 'none').map((one) => one.outerHTML) : []"""
#: Without preloading, which asks for style sheets in a way that browsers refuse for files.
_RUN_AXE = """axe.run(document, {preload: false, resultTypes: ['violations']}).then((found) => JSON.stringify(
  found.violations.map((one) => [one.id, one.impact, one.nodes.slice(0, 3).map((node) => node.html)])))"""
_FIND = """(async () => {
  Search.performSearch('outcome_unknown');
  while (!/finished/.test(document.querySelector('#search-results').textContent))
    await new Promise((next) => setTimeout(next, 50));
  return [...document.querySelectorAll('#search-results li a')].map((one) => one.textContent);
})()"""


def page(name: str) -> str:
    """Return the text of a page in C(docs)."""
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def test_each_kind_of_error_is_explained() -> None:
    sources = [*ROOT.glob("plugins/**/*.py"), *ROOT.glob("extensions/**/*.py")]
    kinds = {kind for path in sources for kind in kinds_in(path.read_text(encoding="utf-8"))}

    explained = re.findall(r"^### `(\w+)`$", page("errors.md"), re.MULTILINE)

    assert sorted(explained) == sorted(kinds - {"error"})


def test_each_kind_of_error_shows_messages_of_the_code() -> None:
    messages = (ROOT / "tests/gates/messages.txt").read_text(encoding="utf-8")

    for section in page("errors.md").split("\n### ")[1:]:
        shown = re.search(r"^\n\*Message:\* (.+)$", section, re.MULTILINE)
        assert shown, section
        for message in re.findall(r"`(.+?)`", shown[1]):
            # The status of an answer is a placeholder in the code.
            parts = map(re.escape, re.sub(r"\d{3}", "…", message).split("…"))
            assert re.search(".*".join(parts), messages), message


def kinds_in(source: str) -> Iterator[str]:
    """Yield the kinds of errors in Python code: those of classes, and those of results."""
    for match in re.finditer(r'^    kind = "(\w+)"|= \{"kind": "(\w+)"\}', source, re.MULTILINE):
        yield match[1] or match[2]


def test_each_open_question_has_an_answer() -> None:
    rows = [row for row in page("undocumented.md").splitlines() if row.startswith("|")]
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[-2])}

    assert named == questions().keys()


def test_the_tested_versions_are_those_that_are_tested() -> None:
    text = page("versions.md")
    pins = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests/requirements").glob("*.txt"))

    rows = re.findall(r"^\| (2\.\d+) \| (.+) \|$", text, re.MULTILINE)

    assert rows == [(core.version, ", ".join(core.pythons)) for core in CORES]
    for tool, version in re.findall(r"^\| ([a-z-]+) \| (\d[\d.]*\d)", text, re.MULTILINE):
        assert f"{tool}=={version}\n" in pins


def test_each_page_is_in_the_menu() -> None:
    entries = re.findall(r"<(.+)>$", menu(relinked(page("README.md"), INDEX, pages(ROOT), ROOT)), re.MULTILINE)

    assert sorted([*entries, "index.md"]) == sorted(pages(ROOT).values())


@pytest.mark.parametrize(
    ("path", "link", "expected"),
    [
        ("docs/guides/joiner.md", "README.md#before-you-start", "index.md#before-you-start"),
        ("docs/guides/joiner.md", "../../roles/joiner/README.md", "../roles/joiner.md"),
        (
            "docs/events.md",
            f"{REPOSITORY}GLOSSARY.md#a",
            "glossary.md#a",
        ),
        ("roles/joiner/README.md", "../../docs/credentials.md", "../credentials.md"),
        (
            "docs/events.md",
            "../galaxy.yml",
            f"{REPOSITORY}galaxy.yml",
        ),
        ("docs/events.md", "https://example.com/docs/events.md", "https://example.com/docs/events.md"),
        ("docs/events.md", "#try-it", "#try-it"),
    ],
)
def test_links_lead_to_the_site_where_it_has_the_page(path: str, link: str, expected: str) -> None:
    text = f"[a]({link}) [b][b]\n\n[b]: {link}\n```text\n[a]({link})\n```\n"

    assert relinked(text, path, pages(ROOT), ROOT) == text.replace(f"({link}) ", f"({expected}) ").replace(
        f"]: {link}", f"]: {expected}"
    )


def test_a_link_that_leads_nowhere_ends_the_build() -> None:
    with pytest.raises(FileNotFoundError, match=r"docs/events\.md: nothing\.md"):
        relinked("[a](nothing.md)", "docs/events.md", pages(ROOT), ROOT)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built site."""
    if not PYTHON.exists():
        pytest.skip("Sphinx is not installed: make docs")
    folder = tmp_path_factory.mktemp("site")
    command = [PYTHON, "-m", "pages.site", folder]
    run = subprocess.run(
        command, cwd=ROOT / "tests", text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    assert (run.returncode, run.stdout) == (0, "")
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for all tests."""
    if PROGRAM is None:
        pytest.skip("no Chromium is installed, so no page is opened: apt-get install chromium")
    with running() as browser:
        yield browser


@pytest.mark.slow
def test_the_site_is_built_without_a_warning(site: Path) -> None:
    assert {str(path.relative_to(site)) for path in site.rglob("*.html")} >= {
        re.sub(r"\.(md|rst)$", ".html", place) for place in pages(ROOT).values()
    }


@pytest.mark.slow
def test_each_option_and_result_has_an_address_of_its_own(site: Path) -> None:
    for path in site.rglob("*.html"):
        ids = re.findall(r' id="([^"]+)"', path.read_text(encoding="utf-8"))
        assert sorted(ids) == sorted(set(ids)), path.name
    text = (site / "cakewalk_group_member.html").read_text(encoding="utf-8")
    for name in ("option-users", "option-memberships-state", "option-protected_users", "result-memberships-added"):
        assert f'id="{name}"' in text
        assert f'href="#{name}"' in text


@pytest.mark.slow
def test_a_link_to_a_heading_that_is_missing_ends_the_build(tmp_path: Path) -> None:
    if not PYTHON.exists():
        pytest.skip("Sphinx is not installed: make docs")
    (tmp_path / "index.md").write_text("# Start\n\n[there](#nowhere)\n", encoding="utf-8")
    command = [PYTHON, "-m", "sphinx", "-q", "-W", "-c", ROOT / "tests/pages/sphinx", tmp_path, tmp_path / "site"]

    run = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)

    assert run.returncode != 0
    assert "nowhere" in run.stdout


def each_page(site: Path, visit: Callable[[Path], str]) -> list[str]:
    """Return what is wrong with the pages."""
    return [f"{path.relative_to(site)}: {wrong}" for path in sorted(site.rglob("*.html")) if (wrong := visit(path))]


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, TABLET, DESKTOP], ids=["phone", "tablet", "desktop"])
def test_every_page_fits_and_can_be_read_by_everybody(
    browser: Browser, site: Path, size: tuple[int, int], dark: bool
) -> None:
    """Without axe-core (C(npm install --prefix .build/node axe-core)), only whether pages fit and load nothing."""
    axe = [f"{AXE.read_text(encoding='utf-8')}; 0", _RUN_AXE] if AXE.exists() else []

    def wrong(path: Path) -> str:
        visit = browser.visit(path, _SCROLLS, _CUT_OFF, _GOES_ON_UNSEEN, *axe, size=size, dark=dark)
        elsewhere = [one for one in visit.requests if not one.startswith((site.as_uri(), "data:"))]
        violations = [json.dumps(one) for one in json.loads(visit.answers[-1])] if axe else []
        found = [*elsewhere, *visit.complaints, *visit.answers[1], *visit.answers[2], *violations]
        return "; ".join([*found, *(["it scrolls to the right"] if visit.answers[0] else [])])

    assert each_page(site, wrong) == []


@pytest.mark.slow
def test_search_works_without_a_server(browser: Browser, site: Path) -> None:
    visit = browser.visit(site / "search.html", _FIND)

    assert any(found.endswith("outcome_unknown") for found in visit.answers[0])
    assert visit.complaints == []
