# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apps that are meant by what they are rather than by name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._api.catalog import APPS, custom_fields_of, named
from ..._api.errors import ConfigurationError
from ..._api.paging import broken
from ..._api.text import printable, summarize
from ..._api.writes import has_value
from ..core.lookup import Index, Resolver, Row
from ..core.tenant import Tenant

#: What a selector can ask of an app's record: by option, the member of the record.
_MEMBERS = {"status": "statusName", "category": "categoryName"}


@dataclass(frozen=True)
class Selector:
    """Apps that meet all of these criteria; without any, all apps.

    :param words: by option (C(status), C(category)) the word that the record must show, exactly.
    :param field: the custom field that must have the C(value), by name or id.
    """

    words: tuple[tuple[str, str], ...] = ()
    field: str | None = None
    value: str = ""

    @property
    def criteria(self) -> int:
        """How many criteria there are."""
        return len(self.words) + (self.field is not None)

    def __str__(self) -> str:
        """Return which apps are meant, in words."""
        criteria = [f"the {option} {printable(word)!r}" for option, word in self.words]
        criteria += [f"{printable(self.field)!r} = {printable(self.value)!r}"] if self.field is not None else []
        return f"every app with {' and '.join(criteria)}" if criteria else "every app"

    def fits(self, app: Row) -> bool:
        """Tell whether the record of an app meets the criteria that a record can."""
        return all(app[_MEMBERS[option]] == word for option, word in self.words)


def selector_of(select: Mapping[str, Any], attempt: str) -> Selector:
    """Return what the option C(select) of an entry means.

    :param attempt: what cannot be done where it means nothing.
    :raises ConfigurationError: it has no criterion, or C(all) beside criteria, or a custom field without a value.
    """
    field = select["custom_field"] or {"name": None, "value": ""}
    if field["value"] is None:
        raise ConfigurationError(
            attempt,
            f"the value of the custom field {printable(field['name'])!r} is null or missing",
            "Give the value that selects.",
            option="value",
        )
    words = tuple((option, select[option]) for option in _MEMBERS if select[option] is not None)
    selector = Selector(words, field["name"], field["value"])
    if bool(select["all"]) == bool(selector.criteria):
        answer = "all stands beside criteria" if select["all"] else "select says nothing, which could mean every app"
        raise ConfigurationError(attempt, answer, "Give criteria, or all: true and nothing else.", option="select")
    return selector


def selected(selectors: Iterable[Selector], apps: Index, tenant: Tenant, finder: Resolver) -> dict[Selector, list[Row]]:
    """Return the apps that each selector means, in the order of the list.

    Reads the records of apps whose row in the list lacks what a selector asks for (the contract lets it out), and the
    custom fields only of apps that meet all other criteria. A word that no app has, and a field that none has, are
    problems for the C(finder); a value may well be had by none.

    :param apps: all apps.
    :raises ProtocolError: the record of an app does not tell what is asked for.
    """
    wanted = list(dict.fromkeys(selectors))
    rows = _telling(apps, {option for selector in wanted for option, _word in selector.words}, tenant)
    for option, word in dict.fromkeys(pair for selector in wanted for pair in selector.words):
        _check_word(option, word, rows, finder)
    found = {selector: [row for row in rows if selector.fits(row)] for selector in wanted}
    asked = {row["id"]: row for selector, its_apps in found.items() if selector.field is not None for row in its_apps}
    registers = tenant.indexes((custom_fields_of(row), None) for row in asked.values())
    fields = dict(zip(asked, registers, strict=True))
    return {
        selector: its_apps
        if selector.field is None
        else _with_value(selector.field, selector.value, its_apps, [fields[row["id"]] for row in its_apps], finder)
        for selector, its_apps in found.items()
    }


def _telling(apps: Index, options: Iterable[str], tenant: Tenant) -> list[Row]:
    """Return the rows of all apps, with the details of those that lack what these options ask for."""
    members = [_MEMBERS[option] for option in options]
    lacking = [row for row in apps.by_id.values() if not all(isinstance(row.get(name), str) for name in members)]
    details = tenant.read(APPS.record(row["id"]) for row in lacking)
    for row in details:
        for name in members:
            if not isinstance(row.get(name), str):
                raise broken(f"the app {named(row)}", f"its record has no {name}, which decides whether it is meant")
    return list(apps.replacing(details).by_id.values())


def _check_word(option: str, word: str, rows: Sequence[Row], finder: Resolver) -> None:
    """Report a word that no app has: it may be a typing error, and would select nothing without a sound."""
    there = sorted({str(row[_MEMBERS[option]]) for row in rows})
    if word not in there:
        near = difflib.get_close_matches(word, there, n=3)
        message = (
            f"no app has the {option} {printable(word)!r}, there are {summarize(repr(printable(one)) for one in there)}"
        )
        finder.report(word, "not_found", message, near=near)


def _with_value(field: str, value: str, apps: Sequence[Row], registers: Sequence[Index], finder: Resolver) -> list[Row]:
    rows = finder.find_each(field, registers, "custom field")
    return [app for app, row in zip(apps, rows, strict=True) if row is not None and has_value(row, value)]
