# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Render the tables of a bundle as one HTML page that needs no other file."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from ..module_utils._api.text import pluralize
from ..module_utils._engine.audit import comparison, privileges, tables
from ..module_utils._engine.audit.manifest import caveats_of
from ..module_utils._engine.audit.table import ID, NUMBER, TEXT, TIME, Cells, Column, Table, shown

Facts = Mapping[str, Any]
Rows = Sequence[Cells]

_FOLDER = Path(__file__).parent / "report"
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
}
_TITLES = {table.name: table.title for table in comparison.COMPARED}
_LOOKS = {NUMBER: "number", TIME: "time", TEXT: "text", ID: "id"}
#: Columns that only the other files have, since the addresses are enough here.
_LEFT_OUT = ("target_name", "requester_name")
#: The column of the id that replaces a missing name or address.
_NAMED_BY = {
    "app": "app_id",
    "permission_level": "permission_level_id",
    "group": "group_id",
    **{f"{what}_email": f"{what}_id" for what in ("user", "target", "requester")},
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
    environment.filters |= {"clock": _clock, "grouped": "{:,}".format}
    rows = {table.name: table.rows for table in populations}
    style, script = (Markup((_FOLDER / f"report.{kind}").read_text(encoding="utf-8")) for kind in ("css", "js"))
    begun, ended = facts["listed_between"]
    return environment.get_template("report.html.j2").render(
        style=style,
        style_hash=_hash(style),
        script=script,
        script_hash=_hash(script),
        base_url=shown(facts["base_url"]),
        begun=begun,
        ended=ended,
        notes=_notes(facts),
        figures=_figures(rows, changes),
        charts=_charts(rows, changes),
        sections=[_section(table) for table in [*([changes] if changes else []), *populations]],
        cannot_tell=facts["cannot_tell"],
        proves=facts["proves"],
        origin=_origin(facts),
    )


def _hash(text: str) -> str:
    """Return the hash of an inline style or script in a Content-Security-Policy (CSP level 3, section 2.3.1)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _clock(time: str) -> str:
    """Return a time in UTC in a form that is easy to read."""
    return shown(time).replace("T", " ").removesuffix("Z")


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
    leavers, requests, counts = rows["inactive_people"], rows["open_requests"], rows["account_counts"]
    unknown = sum(row["user_status_class"] == tables.UNKNOWN for row in leavers)
    yield _figure(
        "inactive_people",
        len(leavers),
        "inactive or unclear people with access or memberships",
        f"{unknown} unclear",
        True,
    )
    privileged = rows["privileged_accesses"]
    yield _figure("privileged_accesses", len(privileged), "rows of privileged access", f"for {_people(privileged)}")
    apps = f"of {pluralize(len(counts), 'app', 'apps')}"
    yield _figure("ownerless_apps", len(rows["ownerless_apps"]), "apps without an owner", apps, True)
    oldest = max((row["age_days"] for row in requests if row["age_days"] is not None), default=None)
    age = "" if oldest is None else f"the oldest is {pluralize(oldest, 'day', 'days')} old"
    yield _figure("open_requests", len(requests), "open requests", age)
    accesses, members = rows["accesses"], rows["group_members"]
    yield _figure("accesses", len(accesses), "rows of access", f"for {_people(accesses)}")
    groups = len({row["group_id"] for row in members})
    yield _figure("group_members", len(members), "group memberships", f"in {pluralize(groups, 'group', 'groups')}")
    differing = sum(row["agrees"] == "no" for row in counts)
    yield _figure("account_counts", differing, "apps whose counts differ", apps, True)
    if changes:
        totals = Counter(row["change"] for row in changes.rows)
        yield _figure(
            "changes", len(changes.rows), "rows gained or lost", f"{totals['gained']} gained, {totals['lost']} lost"
        )


def _figure(section: str, value: int, what: str, more: str, alarming: bool = False) -> dict[str, Any]:
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
    legend = [{"look": "plain", "words": "lost"}, {"look": "gain", "words": "gained"}]
    return {"title": "Gained and lost", "bars": bars if widest else [], "legend": legend, "about": ""}


def _two_sides(gained: int, lost: int, widest: int) -> list[dict[str, str]]:
    """Return two bars that grow from the middle."""
    left, right = (50 * number / max(widest, 1) for number in (lost, gained))
    return [
        {"look": "plain", "start": _length(50 - left), "width": _length(left)},
        {"look": "gain", "start": "50", "width": _length(right)},
    ]


def _by_app(accesses: Rows) -> dict[str, Any]:
    """Return the chart of the apps with the most privileged rows, then the most rows."""
    held = Counter((row["app_id"], row["privileged"] != privileges.ORDINARY) for row in accesses)
    labels = {row["app_id"]: shown(row["app"]) or row["app_id"] for row in accesses}
    first = sorted(labels, key=lambda app: (-held[app, True], -held[app, False], labels[app]))[:_BARS]
    widest = max((held[app, True] + held[app, False] for app in first), default=0)
    bars = [
        _bar(labels[app], held[app, True] + held[app, False], widest, held[app, True], strong=held[app, True])
        | {"of": f"of {held[app, True] + held[app, False]}"}
        for app in first
    ]
    legend = [{"look": "strong", "words": "privileged"}, {"look": "plain", "words": "other access"}]
    about = f"The {_BARS} apps with the most privileged access." if len(labels) > _BARS else ""
    return {"title": "Privileged access by app", "bars": bars, "legend": legend, "about": about}


def _by_status(accesses: Rows) -> dict[str, Any]:
    people = {row["user_id"]: (shown(row["user_status"]) or "not shown", row["user_status_class"]) for row in accesses}
    counts = Counter(people.values())
    widest = max(counts.values(), default=0)
    bars = [
        _bar(status, number, widest, number, strong=0 if kind == tables.CURRENT else number)
        for (status, kind), number in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]
    legend = [{"look": "plain", "words": "may have access"}, {"look": "strong", "words": "inactive or unknown"}]
    return {"title": "People with access by status", "bars": bars, "legend": legend, "about": ""}


def _by_age(requests: Rows) -> dict[str, Any]:
    counts = Counter(map(_age, (row["age_days"] for row in requests)))
    words = [*(words for _days, words in _AGES), _OLDER, *([_UNDATED] if counts[_UNDATED] else [])]
    widest = max(counts.values(), default=0)
    bars = [_bar(age, counts[age], widest, counts[age], strong=counts[age] if age == _OLDER else 0) for age in words]
    return {"title": "Open requests by age", "bars": bars if widest else [], "legend": [], "about": ""}


def _age(days: int | None) -> str:
    if days is None:
        return _UNDATED
    return next((words for limit, words in _AGES if days <= limit), _OLDER)


def _bar(label: str, number: int, widest: int, amount: int | str, strong: int = 0) -> dict[str, Any]:
    """Return a bar with a highlighted first part."""
    first, all_of_it = (100 * part / max(widest, 1) for part in (strong, number))
    parts = [
        {"look": "strong", "start": "0", "width": _length(first)},
        {"look": "plain", "start": _length(first), "width": _length(all_of_it - first)},
    ]
    return {"label": label, "amount": amount, "of": "", "parts": parts}


def _length(number: float) -> str:
    return f"{number:.2f}"


def _section(table: Table) -> dict[str, Any]:
    hidden = {*_NAMED_BY.values(), *_LEFT_OUT}
    columns = [column for column in table.columns if column.name not in hidden]
    return {
        "name": table.name,
        "title": table.title,
        "about": table.about,
        "columns": [{"title": column.title, "look": _LOOKS.get(column.kind, "")} for column in columns],
        "rows": [[_cell(column, row) for column in columns] for row in table.rows],
    }


def _cell(column: Column, row: Cells) -> dict[str, str]:
    text = _TITLES.get(row[column.name]) if column.name == "population" else None
    text = text or shown(row[column.name]) or shown(row.get(_NAMED_BY.get(column.name, "")))
    alarming = row[column.name] in _ALARMING.get(column.name, ())
    return {"text": text, "look": "alarm-word" if alarming else _LOOKS.get(column.kind, "")}


def _origin(facts: Facts) -> list[dict[str, str]]:
    operator, tool, rules = facts["operator"], facts["tool"], facts["privileged"]
    readings = sum(query["pages"] for query in facts["queries"])
    named = "; ".join(" of ".join(filter(None, (rule["permission_level"], rule["app"]))) for rule in rules)
    pairs = {
        "Operator": f"{operator['user'] or 'unknown'} on {operator['host']}, as the environment reports it",
        "Tool": f"{tool['collection']} {tool['version']}, ansible-core {tool['ansible_core']}",
        "Requests": f"{readings} pages of {len(facts['queries'])} lists and records",
        "Privileged": "levels that Cakewalk marks" + (f", and by option: {named}" if named else ""),
        "Purposes": "shown" if facts["purposes"] else "left out",
        "Masking": f"HMAC-SHA256, key check {facts['masking']['key_check']}" if facts["masking"] else "none",
    }
    return [{"what": what, "value": shown(value)} for what, value in pairs.items()]
