# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Render the tables of a bundle as one HTML page that needs no other file."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from ..module_utils._api.text import pluralize
from ..module_utils._engine.access_rules.evaluation import EXCEPTED, NOT_SEEN, VIOLATED
from ..module_utils._engine.audit import comparison, privileges, tables
from ..module_utils._engine.audit.manifest import caveats_of
from ..module_utils._engine.audit.table import EMAIL, NUMBER, TEXT, TIME, Cells, Column, Table, shown

Facts = Mapping[str, Any]
Rows = Sequence[Cells]

_FOLDER = Path(__file__).parent / "report"
#: The colour of what needs attention, in tiles and charts.
_ALARM = "strong"
#: The largest number of bars in a chart.
_BARS = 10
#: The age classes of requests, in days.
_AGES = ((7, "up to 7 days"), (30, "8 to 30 days"), (90, "31 to 90 days"))
_OLDER, _UNDATED = "more than 90 days", "no date shown"
#: The cells that need attention, by column.
_ALARMING = {
    "user_status_class": (tables.INACTIVE, tables.UNKNOWN),
    "status_class": (tables.UNKNOWN,),
    "agrees": ("no",),
    "rule_state": (VIOLATED, NOT_SEEN),
}
_TITLES = {table.name: table.title for table in comparison.COMPARED}
_LOOKS = {NUMBER: "number", TEXT: "text", EMAIL: "email"}
#: A table with more rows is folded, and summarized for print.
_LONG = 35
#: The largest number of lines in a summary.
_SUMMARY = 40
#: A long table is summarized by the first of these columns in it.
_SUMMARIZED_BY = ("population", "rule", "agrees", "owner", "group", "app", "user_status")
#: Columns that share a cell, by the column whose place it takes.
_JOINED = {
    "user_email": ("user_name", "user_email"),
    "target_email": ("target_name", "target_email"),
    "requester_email": ("requester_name", "requester_email"),
    "user_status": ("user_status", "user_status_class"),
    "status": ("status", "status_class"),
}
#: Columns that only the other files have. The finding of a rule tells its exception, too.
_LEFT_OUT = ("request_id", "updated_at", "rule_reason", "rule_at", "exception_reason", "exception_until")
#: Columns of words that are too long for a narrow column.
_WIDE = ("user_status", "status", "request_type")
_HEADINGS = {"user_email": "Person"}
#: The person of a row, who comes first.
_PERSON = ("user_email", "target_email")
#: The column of the id that replaces a missing name or address.
_NAMED_BY = {
    "app": "app_id",
    "permission_level": "permission_level_id",
    "group": "group_id",
    **{f"{what}_email": f"{what}_id" for what in ("user", "target", "requester")},
}
#: What the words in the cells mean, by column.
_WORDS: dict[str, dict[Any, str]] = {
    "user_status_class": {
        tables.CURRENT: "the status allows this person to have access",
        tables.INACTIVE: "the person left or is leaving: the status is Deactivated, Offboarding or Ignored",
        tables.UNKNOWN: "the meaning of this status is not known",
    },
    "privileged": {
        privileges.MARKED: "Cakewalk marks this permission level as privileged",
        privileges.NAMED: "the company names this app or level as privileged",
        privileges.UNKNOWN: "Cakewalk does not say whether this level is privileged",
        privileges.ORDINARY: "neither Cakewalk nor the company calls it privileged",
    },
    "is_owner": {True: "the person owns the app", False: "the person does not own the app"},
    "status_class": {
        tables.OPEN: "the request awaits a decision",
        tables.UNKNOWN: "the meaning of this status is not known",
    },
    "request_type": {
        "grant_access": "asks for access to an app",
        "remove_access": "asks to remove access",
        "change_permission": "asks for another permission level",
        "archive_app": "asks to archive an app",
        "add_app": "asks to add an app",
    },
    "owner": {
        "none": "the record of the app names no owner",
        "not shown": "the record of the app has no field for the owner",
    },
    "agrees": {
        "yes": "the app counts as many accounts as it lists people",
        "as access": "the app counts as many accounts as it lists rows of access, where people have several levels",
        "no": "the counts differ, so one of them is wrong",
        "not shown": "the record of the app shows no count",
    },
    "rule_state": {
        VIOLATED: "the rule is violated, and nobody made an exception",
        NOT_SEEN: "what decides cannot be seen, so the rule may be violated",
        EXCEPTED: "the rule has an exception for this person until the date",
    },
    "change": {
        comparison.GAINED: "the row is in this bundle only",
        comparison.LOST: "the row is in the earlier bundle only",
    },
}


def html(facts: Facts, populations: Sequence[Table], changes: Table | None) -> str:
    """Return the report.

    The data of the tenant is only shown as text. The template escapes every value, and the Content-Security-Policy of
    the page allows nothing but the one style and the one script whose hashes it holds.

    :param facts: the manifest.
    :param changes: the rows that were gained and lost since an earlier bundle, if there is one.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"clock": _clock, "grouped": "{:,}".format, "breakable": _breakable}
    rows = {table.name: table.rows for table in populations}
    style, script = (Markup((_FOLDER / f"report.{kind}").read_text(encoding="utf-8")) for kind in ("css", "js"))
    begun, ended = facts["listed_between"]
    title, company, operator = (shown(facts["report"][name]) for name in ("title", "company", "operator"))
    title = title or "Access evidence"
    heading = ", ".join(filter(None, (title, company, f"{_clock(ended)} UTC")))
    style += Markup('@page { @top-left { content: "%s"; } }') % _css_text(heading)
    sections = [_section(table) for table in [*([changes] if changes else []), *populations]]
    return environment.get_template("report.html.j2").render(
        style=style,
        style_hash=_hash(style),
        script=script,
        script_hash=_hash(script),
        title=title,
        company=company,
        operator=operator or _environment(facts["operator"]),
        heading=heading,
        base_url=shown(facts["base_url"]),
        begun=begun,
        ended=ended,
        notes=_notes(facts),
        figures=_figures(rows, changes),
        charts=_charts(rows, changes),
        sections=sorted(sections, key=lambda section: bool(section["summary"])),
        cannot_tell=facts["cannot_tell"],
        proves=facts["proves"],
        origin=_origin(facts),
    )


def _hash(text: str) -> str:
    """Return the hash of an inline style or script in a Content-Security-Policy (CSP level 3, section 2.3.1)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _css_text(text: str) -> str:
    """Return text for a string of CSS, in which no character has a meaning (CSS Syntax level 3, section 4.3.7)."""
    return "".join(f"\\{ord(character):x} " for character in text)


def _environment(operator: Mapping[str, Any]) -> str:
    return shown(f"{operator['user'] or 'unknown'} on {operator['host']}, as the environment reports it")


def _clock(time: str) -> str:
    """Return a time in UTC in a form that is easy to read."""
    return re.sub(r"^([\d-]{10})T([\d:.]+)Z$", r"\1 \2", shown(time))


def _breakable(text: str) -> Markup:
    """Return text that may go on in a new line before the host of an e-mail address."""
    return escape(text).replace("@", Markup("<wbr>@"))


def _notes(facts: Facts) -> Iterator[str]:
    """Return the notes at the top of the page."""
    if facts["masking"]:
        yield "Ids, e-mail addresses, names and free text are masked. The same mask means the same value."
    earlier = facts["compared_with"]
    if earlier:
        begun, ended = map(_clock, earlier["listed_between"])
        yield f"Compared with what was listed between {begun} and {ended} UTC."
        yield from caveats_of(facts)


def _figures(rows: Mapping[str, Rows], changes: Table | None) -> Iterator[dict[str, Any]]:
    """Return the numbers at the top: those that need attention first, then the totals.

    :param rows: the rows of each population, by its name.
    """
    if tables.VIOLATIONS.name in rows:
        states = Counter(row["rule_state"] for row in rows[tables.VIOLATIONS.name])
        yield _figure(
            tables.VIOLATIONS.name,
            states[VIOLATED] + states[NOT_SEEN],
            "violation of access rules",
            "violations of access rules",
            f"{states[NOT_SEEN]} unclear, and {states[EXCEPTED]} more with an exception",
            True,
        )
    leavers, requests, counts = rows["inactive_people"], rows["open_requests"], rows["account_counts"]
    unknown = sum(row["user_status_class"] == tables.UNKNOWN for row in leavers)
    person, people = (f"inactive or unclear {noun} with access or memberships" for noun in ("person", "people"))
    yield _figure("inactive_people", len(leavers), person, people, f"{unknown} unclear", True)
    privileged = rows["privileged_accesses"]
    row_of, rows_of = "row of privileged access", "rows of privileged access"
    yield _figure("privileged_accesses", len(privileged), row_of, rows_of, f"for {_people(privileged)}")
    apps = f"of {pluralize(len(counts), 'app', 'apps')}"
    ownerless = len(rows["ownerless_apps"])
    yield _figure("ownerless_apps", ownerless, "app without an owner", "apps without an owner", apps, True)
    oldest = max((row["age_days"] for row in requests if row["age_days"] is not None), default=None)
    age = "" if oldest is None else f"the oldest is {pluralize(oldest, 'day', 'days')} old"
    yield _figure("open_requests", len(requests), "open request", "open requests", age, _age(oldest) == _OLDER)
    accesses, members = rows["accesses"], rows["group_members"]
    yield _figure("accesses", len(accesses), "row of access", "rows of access", f"for {_people(accesses)}")
    groups = f"in {pluralize(len({row['group_id'] for row in members}), 'group', 'groups')}"
    yield _figure("group_members", len(members), "group membership", "group memberships", groups)
    differing = sum(row["agrees"] == "no" for row in counts)
    yield _figure("account_counts", differing, "app whose counts differ", "apps whose counts differ", apps, True)
    if changes:
        totals = Counter(row["change"] for row in changes.rows)
        more = f"{totals['gained']} gained, {totals['lost']} lost"
        yield _figure("changes", len(changes.rows), "row gained or lost", "rows gained or lost", more)


def _figure(section: str, value: int, one: str, many: str, more: str, alarming: bool = False) -> dict[str, Any]:
    what = one if value == 1 else many
    return {"section": section, "value": value, "what": what, "more": more, "alarm": bool(alarming and value)}


def _people(rows: Rows) -> str:
    return pluralize(len({row["user_id"] for row in rows}), "person", "people")


def _charts(rows: Mapping[str, Rows], changes: Table | None) -> list[dict[str, Any]]:
    """Return the charts that have bars."""
    charts = [_changes_chart(changes)] if changes else []
    charts += [_by_app(rows["accesses"]), _by_status(rows["accesses"]), _by_age(rows["open_requests"])]
    return [chart for chart in charts if chart["bars"]]


def _changes_chart(changes: Table) -> dict[str, Any]:
    totals = comparison.totals(changes)
    widest = max(max(total.values()) for total in totals.values())
    bars = [
        _bar(_TITLES[name], 0, widest, f"+{total['gained']} \N{MINUS SIGN}{total['lost']}")
        | {"parts": _two_sides(total["gained"], total["lost"], widest)}
        for name, total in totals.items()
    ]
    legend = [{"look": "plain", "words": "lost"}, {"look": "accent", "words": "gained"}]
    return {"title": "Gained and lost", "bars": bars if widest else [], "legend": legend, "about": ""}


def _two_sides(gained: int, lost: int, widest: int) -> list[dict[str, str]]:
    """Return two bars that grow from the middle."""
    left, right = (50 * number / max(widest, 1) for number in (lost, gained))
    return [
        {"look": "plain", "start": _length(50 - left), "width": _length(left)},
        {"look": "accent", "start": "50", "width": _length(right)},
    ]


def _by_app(accesses: Rows) -> dict[str, Any]:
    """Return the chart of the apps with the most privileged rows, then the most rows."""
    held = Counter((row["app_id"], row["privileged"] != privileges.ORDINARY) for row in accesses)
    labels = {row["app_id"]: shown(row["app"]) or row["app_id"] for row in accesses}
    first = sorted(labels, key=lambda app: (-held[app, True], -held[app, False], labels[app]))[:_BARS]
    widest = max((held[app, True] + held[app, False] for app in first), default=0)
    bars = [
        _bar(labels[app], held[app, True] + held[app, False], widest, held[app, True], (held[app, True], "accent"))
        | {"of": f"of {held[app, True] + held[app, False]}"}
        for app in first
    ]
    legend = [{"look": "accent", "words": "privileged"}, {"look": "plain", "words": "other access"}]
    about = f"The {_BARS} apps with the most privileged access." if len(labels) > _BARS else ""
    return {"title": "Privileged access by app", "bars": bars, "legend": legend, "about": about}


def _by_status(accesses: Rows) -> dict[str, Any]:
    people = {row["user_id"]: (shown(row["user_status"]) or "not shown", row["user_status_class"]) for row in accesses}
    counts = Counter(people.values())
    widest = max(counts.values(), default=0)
    bars = [
        _bar(status, number, widest, number, (0 if kind == tables.CURRENT else number, _ALARM))
        for (status, kind), number in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]
    legend = [{"look": "plain", "words": "may have access"}, {"look": _ALARM, "words": "inactive or unknown"}]
    return {"title": "People with access by status", "bars": bars, "legend": legend, "about": ""}


def _by_age(requests: Rows) -> dict[str, Any]:
    counts = Counter(map(_age, (row["age_days"] for row in requests)))
    words = [*(words for _days, words in _AGES), _OLDER, *([_UNDATED] if counts[_UNDATED] else [])]
    widest = max(counts.values(), default=0)
    bars = [_bar(age, counts[age], widest, counts[age], (counts[age] if age == _OLDER else 0, _ALARM)) for age in words]
    return {"title": "Open requests by age", "bars": bars if widest else [], "legend": [], "about": ""}


def _age(days: int | None) -> str:
    if days is None:
        return _UNDATED
    return next((words for limit, words in _AGES if days <= limit), _OLDER)


def _bar(label: str, number: int, widest: int, amount: int | str, first: tuple[int, str] = (0, "")) -> dict[str, Any]:
    """Return a bar. Its first part may have another colour."""
    begin, all_of_it = (100 * part / max(widest, 1) for part in (first[0], number))
    parts = [
        {"look": first[1], "start": "0", "width": _length(begin)},
        {"look": "plain", "start": _length(begin), "width": _length(all_of_it - begin)},
    ]
    return {"label": label, "amount": amount, "of": "", "parts": parts}


def _length(number: float) -> str:
    return f"{number:.2f}"


def _section(table: Table) -> dict[str, Any]:
    joined = {name for names in _JOINED.values() for name in names}
    hidden = {*_NAMED_BY.values(), *joined, *_LEFT_OUT} - {*_JOINED}
    columns = [column for column in table.columns if column.name not in hidden]
    if table.name != comparison.CHANGES.name:
        # Some findings about rules are about nobody in particular.
        first = ("rule",) if table.name == tables.VIOLATIONS.name else _PERSON
        columns.sort(key=lambda column: column.name not in first)
    rows = [[_cell(column, row) for column in columns] for row in table.rows]
    return {
        "name": table.name,
        "title": table.title,
        "about": table.about,
        "columns": [
            {
                "title": _HEADINGS.get(column.name, column.title),
                "look": _LOOKS.get(column.kind, "word" if column.name in _WIDE else ""),
            }
            for column in columns
        ],
        "legend": list(_legend(table, columns)),
        "rows": rows,
        "summary": _summary(table) if len(rows) > _LONG else None,
    }


def _legend(table: Table, columns: Sequence[Column]) -> Iterator[dict[str, Any]]:
    """Return the meaning of each word that the table holds, with the column in which it stands."""
    for index, column in enumerate(columns):
        for name in _JOINED.get(column.name, (column.name,)):
            for word, meaning in _WORDS.get(name, {}).items():
                if any(row[name] == word for row in table.rows):
                    yield {"word": shown(word), "meaning": meaning, "column": index}


def _summary(table: Table) -> dict[str, Any]:
    """Return how many rows a long table has for each app, group or the like."""
    column = next(column for name in _SUMMARIZED_BY for column in table.columns if column.name == name)
    identifier = _NAMED_BY.get(column.name, "")
    counts = Counter((_cell(column, row)["text"] or "not shown", shown(row.get(identifier))) for row in table.rows)
    lines = sorted(((label, number) for (label, _id), number in counts.items()), key=lambda line: (-line[1], line[0]))
    return {"by": column.title.lower(), "lines": lines[:_SUMMARY], "more": len(lines[_SUMMARY:])}


def _cell(column: Column, row: Cells) -> dict[str, str]:
    names = _JOINED.get(column.name, (column.name,))
    texts = [text for name in names if (text := shown(row[name]))]
    if column.name == "population":
        texts = [_TITLES[row[column.name]]]
    elif column.kind == TIME:
        texts = [_clock(text) for text in texts]
    texts = texts or [shown(row.get(_NAMED_BY.get(column.name, "")))]
    alarming = any(row[name] in _ALARMING.get(name, ()) for name in names)
    look = "alarm-word" if alarming else "person" if column.name in _PERSON else _LOOKS.get(column.kind, "")
    return {"text": texts[0], "more": " ".join(texts[1:]), "look": look}


def _origin(facts: Facts) -> list[dict[str, str]]:
    operator, tool, rules = facts["operator"], facts["tool"], facts["privileged"]
    readings = sum(query["pages"] for query in facts["queries"])
    named = "; ".join(" of ".join(filter(None, (rule["permission_level"], rule["app"]))) for rule in rules)
    pairs = {
        "Run by": _environment(operator),
        "Tool": f"{tool['collection']} {tool['version']}, ansible-core {tool['ansible_core']}",
        "Requests": f"{readings} pages of {len(facts['queries'])} lists and records",
        "Privileged": "levels that Cakewalk marks" + (f", and by option: {named}" if named else ""),
        **({"Access rules": _rules(facts["access_rules"])} if facts["access_rules"] else {}),
        "Purposes": "shown" if facts["purposes"] else "left out",
        "Masking": f"HMAC-SHA256, key check {facts['masking']['key_check']}" if facts["masking"] else "none",
    }
    return [{"what": what, "value": shown(value)} for what, value in pairs.items()]


def _rules(counts: Mapping[str, int]) -> str:
    return f"{sum(counts.values())}: " + ", ".join(f"{number} {state}" for state, number in counts.items())
