# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as Markdown: rendered and read back, no name is anything but code, and what is left out is counted."""

from __future__ import annotations

import unicodedata
from html.parser import HTMLParser
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_as_code.plan_markdown import (
    LIMIT,
    Section,
    document,
    is_markdown,
    refusal,
)
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

HASH = "ab" * 32
END = f"plan_hash: `{HASH}`\n"
#: What would be a mention, a link, an image, HTML, the end of a block, a quick action, an approval.
HOSTILE = [
    "@everyone",
    "[all good](https://evil.example)",
    "![](https://evil.example/pixel.png)",
    "<img src=x onerror=alert(1)>",
    "</code></li></ul></details>",
    "</details>\n\n# Approved",
    "```",
    "~~~\n```\n@team",
    "`a` | b || \\| c",
    "/approve",
    "\n\n/merge\n",
    "#1 GH-1 owner/repo#1 !1 www.evil.example https://evil.example",
    "--> <!-- -->",
    f"plan_hash: `{'0' * 64}`",
    "&lt;b&gt; &commat;team \\@team",
    "\u202eevil\u0000\x1b[2J",
    ":smile: $`a`$ {+ a +} [[_TOC_]]",
    "- @@ -1 +1 @@",
    "    ",
]
#: The rendered document has these elements, and nothing else.
ELEMENTS = {
    *("h3", "p", "strong", "code", "pre", "details", "summary", "ul", "li"),
    *("table", "tr", "td", "blockquote"),
}


class Rendered(HTMLParser):
    """The document as a browser has it: the text of each piece of code, and all other text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.code: list[str] = []
        self.other = ""
        self.elements: set[str] = set()
        self._open: list[str] = []
        self.feed(MarkdownIt("commonmark").enable("table").render(text))
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        assert dict(attrs) in ({}, {"open": None}, {"class": "language-diff"})
        self.elements.add(tag)
        self._open.append(tag)
        if tag == "code":
            self.code.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "code" in self._open:
            self.code[-1] += data
        else:
            self.other += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")


def shown(text: str) -> str:
    """Return a line as one line without invisible characters, as plans in plain text have it."""
    hidden = ("Cc", "Cf", "Cs", "Zl", "Zp")
    return "".join(
        char.encode("unicode_escape").decode() if unicodedata.category(char) in hidden else char for char in text
    )


def of(names: list[str]) -> str:
    diff = Section("one", [f"{sign} {name}" for sign in "-+!" for name in names], is_diff=True)
    return document("plan", "1 step.", [f"Purpose: {name}" for name in names], [diff, Section("two", names)], END, str)


@given(st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=20)), min_size=1, max_size=4))
def test_no_name_is_anything_but_code(names: list[str]) -> None:
    text = of(names)
    page = Rendered(text)
    visible = [shown(name) for name in names]
    diff = "".join(f"{sign} {name}\n" for sign in "-+!" for name in visible)
    assert page.code == [*visible, diff, *visible, HASH]
    assert page.elements <= ELEMENTS
    assert page.other.split() == f"Access as code: plan 1 step. {'Purpose ' * len(names)} one two plan_hash:".split()
    assert text.endswith(f"\n{END}")
    assert not [line for line in text.splitlines() if line.startswith("/")]


@pytest.mark.parametrize(("name", "number"), [("a" * 400, 150), ("<" * 250, 200), ("x", 4000)])
def test_a_document_stays_below_the_limit_and_counts_what_is_left_out(name: str, number: int) -> None:
    sections = [
        Section("all", [f"{sign} {name}" for sign in "-+" for _line in range(number)], is_diff=True),
        Section("left", [name] * number),
    ]
    text = document("plan", "All steps.", ["Purpose: p"], sections, END, str)
    page = Rendered(text)
    assert LIMIT * 0.9 < len(text) <= LIMIT
    assert text.endswith(f"\n{END}")
    diff = page.code[1].splitlines()
    listed = len(page.code) - 3
    missing = 3 * number - len(diff) - listed
    removals = number - len([line for line in diff if line.startswith("-")])
    assert f"This is not everything: {missing} lines are left out, {removals} removals among them" in page.other
    assert missing > 0
    assert ("lines are shortened" in page.other) == (len(name) > 300)


def test_a_small_document_says_nothing_about_what_is_left_out() -> None:
    page = Rendered(document("plan", "Nothing to do.", [], [Section("none", [])], END, str))
    assert page.other.split() == ["Access", "as", "code:", "plan", "Nothing", "to", "do.", "plan_hash:"]


def test_credentials_are_removed_before_a_line_is_shortened() -> None:
    name = "x" * 290 + "secret-of-the-key"

    def scrub(text: str) -> str:
        return text.replace("secret-of-the-key", "***")

    text = document("plan", "1 step.", [f"Purpose: {name}"], [Section("left", [name])], END, scrub)
    assert "secret" not in text
    assert "***" in text


def test_a_refusal_has_every_problem_with_its_place_and_no_hash() -> None:
    problems = [
        {"at": "a.yml:1", "message": "no <b>"},
        {"at": ["b.yml:2", "b.yml:3"], "message": "no"},
        {"message": "x"},
    ]
    result = {"msg": "Could not do it", "error": {"kind": "code", "problems": problems}}
    assert Rendered(refusal(result)).code == ["a.yml:1: no <b>", "b.yml:2, b.yml:3: no", "x"]
    assert Rendered(refusal({"msg": "Could not do it"})).code == ["Could not do it"]
    assert "plan_hash" not in refusal(result)
    told = f"Could not accept the plan: {'<because> ' * 300}. Do this."
    page = Rendered(refusal({"msg": told}))
    assert page.code == [told]
    assert "This is not everything" not in page.other
    crowded = refusal({"msg": "x", "error": {"problems": [{"message": f"{number}: {told}"} for number in range(90)]}})
    assert len(crowded) <= LIMIT
    assert "lines are left out, 0 removals among them. Read the rest in the output" in Rendered(crowded).other


def test_the_end_of_the_name_decides() -> None:
    assert [is_markdown(path) for path in ("/a/plan.md", "/a/PLAN.MD", "/a.md/plan", "/a/plan.txt", None)] == [
        *(True, True, False, False, False)
    ]
