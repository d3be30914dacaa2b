# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of Sphinx for the documentation site. Nothing on its pages is loaded from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from bs4 import BeautifulSoup, Tag
from sphinx.application import Sphinx

_GALAXY = yaml.safe_load((Path(__file__).parents[3] / "galaxy.yml").read_text(encoding="utf-8"))

project = "cakewalk.access"
author = "Contributors to the cakewalk.access collection"
project_copyright = author
release = version = _GALAXY["version"]
language = "en"
html_title = f"{project} {release}"

extensions = ["myst_parser", "sphinx_copybutton"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
myst_heading_anchors = 4

html_theme = "furo"
html_static_path = ["static"]
templates_path = ["templates"]
html_css_files = ["site.css"]
html_copy_source = False
html_use_index = False
# Summaries are fetched page by page, which browsers refuse for files.
html_show_search_summary = False
html_theme_options = {
    "footer_icons": [{"name": "Source code", "url": _GALAXY["repository"], "html": "Source code", "class": ""}],
}

copybutton_prompt_text = "$ "
copybutton_line_continuation_character = "\\"


#: What the theme and docutils lack for people who use a screen reader.
_FOR_SCREEN_READERS = {
    'role="heading"': 'role="heading" aria-level="2"',
    '<aside class="sidebar-drawer">': '<aside class="sidebar-drawer" aria-label="Site">',
    '<aside class="toc-drawer">': '<aside class="toc-drawer" aria-label="On this page">',
    '<th class="head"><p></p></th>': "<td></td>",
}


def _adapt(_app: Sphinx, _page: str, _template: str, context: dict[str, Any], _tree: object) -> None:
    """Label cells, since phones show rows as lists, let names break, make options links, and what scrolls reachable."""
    if "body" not in context:
        return
    body = BeautifulSoup(context["body"], "html.parser")
    for table in body.find_all("table"):
        labels = [cell.get_text(strip=True) for cell in table.thead.find_all("th")] if table.thead else []
        for row in table.tbody.find_all("tr"):
            for number, cell in enumerate(row.find_all("td")):
                if not cell.get_text(strip=True):
                    cell["class"] = "empty"
                elif number and labels and labels[number]:
                    cell["data-label"] = labels[number]
            if labels and labels[0] in ("Option", "Result"):
                _link(row, labels[0], body)
    for scrolling in body.select("pre, .table-wrapper"):
        scrolling["tabindex"] = "0"
    if body.h1 and (name := body.h1.find(string=re.compile(r"\w[._]\w"))):
        name.replace_with(BeautifulSoup(re.sub(r"[._]", r"\g<0><wbr/>", name), "html.parser"))
    context["body"] = str(body)


def _link(row: Tag, kind: str, body: BeautifulSoup) -> None:
    """Give the row of an option or a result an address, such as C(#option-users), and a link to it."""
    name = row.td.get_text(strip=True)
    address = re.sub(r"\W+", "-", f"{kind} {name}".lower()).strip("-")
    row["id"] = address
    link = body.new_tag("a", href=f"#{address}", title=f"Link to {name}", **{"class": "headerlink"})
    link.string = "¶"
    (row.td.p or row.td).append(link)


def _finish(app: Sphinx, error: Exception | None) -> None:
    """Write what is missing for screen readers into the pages."""
    for page in Path(app.outdir).rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        for old, new in _FOR_SCREEN_READERS.items():
            text = text.replace(old, new)
        page.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Connect what is done with each page, and with all of them."""
    app.connect("html-page-context", _adapt)
    app.connect("build-finished", _finish)
