# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a bundle: its order, its words, and that it is one file that runs nothing of the tenant's."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from itertools import product
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.catalog import REQUEST_TYPES
from ansible_collections.cakewalk.access.plugins.module_utils._engine.audit import comparison, tables
from ansible_collections.cakewalk.access.plugins.module_utils._engine.audit.table import Table, shown
from ansible_collections.cakewalk.access.plugins.plugin_utils import _audit_report

HOSTILE = "\"; } </style></script><img src=https://evil.example/x onerror=alert(1)>{{ 7 * 7 }}\\0022 \n'"
FACTS = {
    "report": {"title": None, "company": None, "operator": None},
    "base_url": "https://api.example.com",
    "listed_between": ["2026-01-31T07:59:58Z", "2026-01-31T08:00:00Z"],
    "operator": {"user": "ansible", "host": "runner"},
    "tool": {"collection": "cakewalk.access", "version": "1", "ansible_core": "2"},
    "masking": None,
    "compared_with": None,
    "privileged": [],
    "access_rules": {"kept": 2, "violated": 1},
    "purposes": True,
    "queries": [],
    "cannot_tell": ["One question.", "Another question."],
    "proves": "Nothing.",
}
#: Each word that a cell can hold, by column.
WORDS: dict[str, tuple[Any, ...]] = {
    "user_status_class": (tables.CURRENT, tables.INACTIVE, tables.UNKNOWN),
    "privileged": ("marked", "named", "unknown", "no"),
    "is_owner": (True, False),
    "status_class": (tables.OPEN, tables.UNKNOWN),
    "request_type": tuple(REQUEST_TYPES),
    "owner": ("none", "not shown"),
    "agrees": ("yes", "as access", "no", "not shown"),
    "rule_state": ("violated", "unknown", "excepted"),
    "change": (comparison.GAINED, comparison.LOST),
}
SECTIONS = [table.name for table in tables.ALL]


class Page(HTMLParser):
    """What a page consists of."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.terms: dict[str, list[str]] = {}
        self.headings: dict[str, str] = {}
        self._section, self._tag, self._id = "", "", ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, given := dict(attrs)))
        self._tag, self._id = tag, given.get("id") or ""
        if tag == "section":
            self._section = given["aria-labelledby"] or ""
            self.terms[self._section] = []

    def handle_endtag(self, tag: str) -> None:
        self._tag = ""

    def handle_data(self, data: str) -> None:
        if self._tag == "dt" and self._section:
            self.terms[self._section].append(data)
        if self._tag in ("h1", "h2"):
            self.headings[self._id] = data


def report(
    rows: Mapping[str, Sequence[Mapping[str, Any]]] | None = None, changes: Table | None = None, **facts: Any
) -> str:
    """Return the report of rows by the names of their tables."""
    populations = [table.holding((rows or {}).get(table.name, ())) for table in tables.ALL]
    return _audit_report.html({**FACTS, **facts}, populations, changes)


def every_word(table: Table) -> Table:
    """Return a table with every combination of words, each of which stands for a status of its own."""
    columns = [column.name for column in table.columns if column.name in WORDS]
    rows = (dict(zip(columns, words, strict=True)) for words in product(*(WORDS[name] for name in columns)))
    return table.holding(
        {"population": "accesses", "user_id": "u", "app_id": str(number), "group_id": "g", **row}
        for number, row in enumerate(rows)
    )


def many(number: int) -> list[dict[str, Any]]:
    """Return rows of access to two apps of the same name."""
    return [
        {"app_id": f"app-{index % 2}", "app": "Twin", "user_id": str(index), "user_email": f"{index}@x.com"}
        for index in range(number)
    ]


def test_each_word_of_a_table_is_explained_next_to_it_and_no_other() -> None:
    populations = [every_word(table) for table in tables.ALL]
    changes = every_word(comparison.CHANGES)
    page = Page(_audit_report.html(FACTS, populations, changes))
    for table in (*populations, changes):
        expected = [
            {True: "yes", False: "no"}.get(word, word) if isinstance(word, bool) else word
            for column in table.columns
            for word in WORDS.get(column.name, ())
        ]
        assert sorted(page.terms[table.name]) == sorted(expected), table.name

    assert not any(Page(report()).terms[name] for name in SECTIONS)
    assert Page(report({"account_counts": [{"app_id": "a", "agrees": "no"}]})).terms["account_counts"] == ["no"]


def test_small_tables_come_first_and_long_ones_are_folded_with_their_file_named() -> None:
    html = report({"privileged_accesses": many(36), "accesses": many(36), "group_members": many(35)})
    order = [name for name in Page(html).headings if not name.startswith("chart-") and name]
    long = ["privileged_accesses", "accesses"]
    assert order == [*(name for name in SECTIONS if name not in long), *long, "cannot-tell", "origin"]
    for name in SECTIONS:
        section = html.split(f'aria-labelledby="{name}"')[1].split("</section>")[0]
        assert ('class="fold"' in section) == (f"{name}.csv" in section) == (name in long), name
        assert section.count('<th scope="row"') == (0 if "Nothing was listed" in section else int(_count(section)))
    summary = html.split('aria-labelledby="accesses"')[1].split("</ol>")[0]
    assert [int(number) for number in re.findall(r'class="number">(\d+)<', summary)] == [18, 18]


def _count(section: str) -> str:
    return re.findall(r"\((\d+)\)</h2>", section)[0]


def test_the_top_names_title_company_and_operator_and_leads_to_the_limits() -> None:
    top = report().split("</header>")[0]
    assert "<h1>Access evidence</h1>" in top
    assert "ansible on runner, as the environment reports it" in top
    assert top.index('<a href="#cannot-tell">2 questions that this report cannot answer</a>') < top.index(
        'class="figures"'
    )

    top = report(report={"title": "Q1", "company": "R&D <Ltd>", "operator": "Audit"}).split("</header>")[0]
    for text in ("<h1>Q1</h1>", "R&amp;D &lt;Ltd&gt;", "<dd>Audit</dd>", "<title>Q1, R&amp;D &lt;Ltd&gt;, 2026-01-31"):
        assert text in top


def test_the_page_loads_nothing_and_hostile_text_stays_text() -> None:
    row = {column.name: HOSTILE for table in tables.ALL for column in table.columns if column.kind != "number"}
    rows = {table.name: [{**row, "age_days": 1}] for table in tables.ALL}
    html = report(rows, report={"title": HOSTILE, "company": HOSTILE, "operator": HOSTILE})
    page, plain = Page(html), Page(report({name: [{"app_id": "a", "user_id": "u"}] for name in SECTIONS}))

    assert {tag for tag, _attributes in page.tags} <= {tag for tag, _attributes in plain.tags} | {
        "p",
        "dl",
        "dt",
        "dd",
        "div",
        "span",
        "wbr",
    }
    assert (
        [tag for tag, _attributes in page.tags].count("script")
        == [tag for tag, _attributes in page.tags].count("style")
        == 1
    )
    for _tag, attributes in page.tags:
        assert not {"src", "srcset", "style", "action", "data", "poster", "background"} & attributes.keys()
        assert not any(name.startswith("on") for name in attributes)
        assert (attributes.get("href") or "#").startswith("#")
    style = html.split("<style>")[1].split("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style
    content = re.findall(r'@top-left { content: "([^"]*)"; } }$', style)[0]
    assert re.fullmatch(r"(\\[0-9a-f]+ )+", content)
    assert "".join(chr(int(code, 16)) for code in re.findall("[0-9a-f]+", content)).startswith(shown(HOSTILE))
    assert page.headings[""] == shown(HOSTILE)


def test_a_tile_agrees_in_number_with_what_it_counts() -> None:
    rows = {table.name: [{"agrees": "no", "app_id": "a", "rule_state": "violated"}] for table in tables.ALL}
    html = report(rows, comparison.CHANGES.holding([{"population": "accesses", "change": "gained"}]))
    assert re.findall(r'class="what"><a[^>]*>([^<]*)', html) == [
        "violation of access rules",
        "inactive or unclear person with access or memberships",
        "row of privileged access",
        "app without an owner",
        "open request",
        "row of access",
        "group membership",
        "app whose counts differ",
        "row gained or lost",
    ]


def test_an_address_breaks_before_its_host_and_stays_text() -> None:
    assert ">a&lt;b<wbr>@example.com<" in report({"open_requests": [{"target_email": "a<b@example.com"}]})


@pytest.mark.parametrize(("age", "alarm"), [(90, False), (91, True), (None, False)])
def test_a_tile_is_coloured_as_its_chart(age: int | None, alarm: bool) -> None:
    html = report({"open_requests": [{"age_days": age, "request_id": "r"}]})
    tile = next(line for line in html.splitlines() if '<a href="#open_requests">open request<' in line)
    chart = html.split("Open requests by age</h2>")[1].split("</section>")[0]
    assert ('class="alarm"' in tile) == alarm
    assert bool(re.search(r'class="strong" x="0" y="0" width="100', chart)) == alarm


def test_a_time_is_easy_to_read_and_other_text_stays_as_it_is() -> None:
    times = ("2026-01-05T08:54:00Z", "Tomorrow, aT Zero Z")
    html = report({"open_requests": [{"created_at": time} for time in times]})
    assert ">2026-01-05 08:54:00<" in html
    assert ">Tomorrow, aT Zero Z<" in html
