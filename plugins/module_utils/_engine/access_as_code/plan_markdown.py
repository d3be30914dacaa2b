# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as Markdown, for comments on pull requests.

GitHub and GitLab find mentions, links, references and quick actions in all rendered text, however it is escaped, but
not in code. So every line from the tenant or the files is code. A fenced block has it behind a sign, so it cannot close
the block. Elsewhere it is in a C(code) element in a block of HTML. See CommonMark 0.31, sections 4.5 and 4.6.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._api.text import UNCUT, pluralize, printable
from ..core.tenant import Tenant
from .plan import TenantPlan
from .plan_text import detail_lines, summary
from .section import StateChange

#: The most characters of a document. GitHub takes comments of 65,536; the rest is for what a pipeline puts around it.
LIMIT = 60_000
#: The most characters of a line, and of a value in the header. Longer ones are shortened.
_LINE, _VALUE = 300, 2_000
#: The most characters of an error, which says at its end what to do.
_ERROR = 8_000
#: Room for the notice about what is left out.
_NOTICE = 500
#: A section of more lines is folded.
_OPEN = 20
_MINUS = "\N{MINUS SIGN}"

Scrub = Callable[[str], str]


@dataclass(frozen=True)
class Section:
    """A part of the document.

    :param title: our own words, or HTML.
    :param lines: from the tenant or the files.
    :param is_diff: whether each line begins with a sign, as in a diff.
    :param longest: the most characters of a line.
    """

    title: str
    lines: Sequence[str]
    is_diff: bool = False
    longest: int = _LINE


def plan_file(plan: TenantPlan, tenant: Tenant) -> str:
    """Return the text for C(plan_path): Markdown if the path ends in C(.md), else plain text. Its hash comes last."""
    if not is_markdown(plan.params["plan_path"]):
        return tenant.scrubbed(plan.text)
    sentence = summary(plan.steps, len(plan.total.removals), len(plan.left))
    sections = [
        Section("A run applies the rest, and then fails", [str(error) for error in plan.total.errors]),
        Section("Warnings", tenant.warnings),
        *map(_change, plan.total.changes),
        Section("Left alone", plan.left),
        Section("Roster", plan.roster.notes if plan.roster else ()),
        Section("Begins or ends", plan.term_lines),
        Section("Access rules", plan.rule_lines),
        Section("Sent again", plan.total.again),
    ]
    end = "".join(f"{name}: `{value}`\n" for name, value in plan.digests.items())
    return document("plan", sentence, plan.header, sections, end, tenant.scrubbed)


def refusal(result: Mapping[str, Any]) -> str:
    """Return the Markdown for a failed task, in place of a plan.

    :param result: the result of the task.
    """
    problems = [f"{_place(problem)}{problem['message']}" for problem in result.get("error", {}).get("problems", ())]
    sections = [Section("Why", problems or [result["msg"]], longest=_ERROR)]
    return document("refused", "There is no plan, and nothing was changed.", (), sections, "", str)


def is_markdown(path: str | None) -> bool:
    """Return whether a file is written as Markdown, by the end of its name."""
    return bool(path) and str(path).lower().endswith(".md")


def document(
    title: str, sentence: str, header: Sequence[str], sections: Sequence[Section], end: str, scrub: Scrub
) -> str:
    """Return the Markdown, at most C(LIMIT) characters, with a notice if something is left out.

    :param sections: the most important first, since the last ones are left out if there is too much.
    :param header: lines with a name, a colon and a value.
    :param end: what an approval is about, which is never left out; empty if there is nothing to approve.
    :param scrub: removes credentials from a line, before the line is shortened.
    """
    values = [scrub(line).partition(": ") for line in header]
    rows = [f"<tr><td>{name}</td><td>{_code(value, _VALUE)}</td></tr>" for name, _colon, value in values]
    table = ["<table>", *rows, "</table>", ""] if rows else []
    room = LIMIT - _NOTICE - len("\n".join(table)) - len(end)
    blocks: list[str] = []
    missing = removals = 0
    shortened = sum(len(value) > _VALUE for _name, _colon, value in values)
    for section in sections:
        lines = [printable(scrub(line), UNCUT) for line in section.lines]
        block, fitting = _block(section, lines, room)
        blocks += [block] if block else []
        room -= len(block)
        missing += len(lines) - fitting
        removals += section.is_diff and sum(line.startswith("-") for line in lines[fitting:])
        shortened += sum(len(line) > section.longest for line in lines[:fitting])
    where = "Before you approve, read the whole plan" if end else "Read the rest"
    notice = _notice(missing, removals, shortened, f"{where} in the output of the run.")
    return "\n".join([f"### Access as code: {title}", "", f"**{sentence}**", "", *notice, *table, *blocks, end])


def _change(change: StateChange) -> Section:
    # In a diff, GitHub shows a line that begins with > as an addition.
    lines = detail_lines(change, note_sign="!")
    counts = {shown: sum(line.startswith(sign) for line in lines) for shown, sign in ((_MINUS, "-"), ("+", "+"))}
    title = [_code(change.name), *(f"{shown}{count}" for shown, count in counts.items() if count)]
    return Section(" ".join(title), lines, is_diff=True)


def _block(section: Section, lines: Sequence[str], room: int) -> tuple[str, int]:
    """Return a section with as many of its lines as there is room for, and the number of these lines."""
    before, after = ("```diff", "```") if section.is_diff else ("<ul>", "</ul>")
    folded = "" if len(lines) > _OPEN else " open"
    start = [f"<details{folded}><summary>{section.title}</summary>", "", before]
    end = [after, "", "</details>", ""]
    longest = section.longest
    rows = [_short(line, longest) if section.is_diff else f"<li>{_code(line, longest)}</li>" for line in lines]
    room -= len("\n".join([*start, *end])) + 1
    fitting = 0
    while fitting < len(rows) and len(rows[fitting]) < room:
        room -= len(rows[fitting]) + 1
        fitting += 1
    return "\n".join([*start, *rows[:fitting], *end]) if fitting else "", fitting


def _notice(missing: int, removals: int, shortened: int, where: str) -> list[str]:
    parts = []
    if missing:
        are = pluralize(missing, "line is", "lines are")
        parts.append(f"{are} left out, {pluralize(removals, 'removal', 'removals')} among them")
    if shortened:
        parts.append(f"{pluralize(shortened, 'line is', 'lines are')} shortened")
    return ["> [!CAUTION]", f"> This is not everything: {'; '.join(parts)}. {where}", ""] if parts else []


def _place(problem: Mapping[str, Any]) -> str:
    at = problem.get("at") or ()
    places = [at] if isinstance(at, str) else at
    return f"{', '.join(places)}: " if places else ""


def _short(line: str, limit: int) -> str:
    return printable(line, limit)


def _code(text: str, limit: int = _LINE) -> str:
    return f"<code>{html.escape(_short(text, limit))}</code>"
