# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Selectors of apps by their attributes, instead of by name."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ..._api.catalog import APPS, custom_fields_of, named
from ..._api.errors import ConfigurationError
from ..._api.paging import broken
from ..._api.text import printable, summarize
from ..._api.writes import has_value
from ..core.lookup import Index, Resolver, Row, is_uuid
from ..core.tenant import Tenant

#: The members of an app's record that a selector can compare, by option.
_MEMBERS = {"status": "statusName", "category": "categoryName"}


@dataclass(frozen=True)
class Selector:
    """Apps that meet all of these criteria; without criteria, all apps.

    :param values: options (C(status), C(category)) with the values that the record must have, exactly.
    :param field: the custom field that must have the C(value), by name or id.
    """

    values: tuple[tuple[str, str], ...] = ()
    field: str | None = None
    value: str = ""

    @property
    def criteria(self) -> int:
        """The number of criteria."""
        return len(self.values) + (self.field is not None)

    def __str__(self) -> str:
        """Return the selected apps, for messages."""
        criteria = [f"the {option} {printable(value)!r}" for option, value in self.values]
        criteria += [f"{printable(self.field)!r} = {printable(self.value)!r}"] if self.field is not None else []
        return f"every app with {' and '.join(criteria)}" if criteria else "every app"

    def fits(self, app: Row) -> bool:
        """Return whether the record of an app meets the criteria, except the one about a custom field."""
        return all(app[_MEMBERS[option]] == value for option, value in self.values)


def selector_of(select: Mapping[str, Any], action: str) -> Selector:
    """Return the selector that the option C(select) of an entry describes.

    :param action: what the selector is for, for messages.
    :raises ConfigurationError: there are no criteria, or C(all) and criteria, or a custom field without a value.
    """
    field = select["custom_field"] or {"name": None, "value": ""}
    if field["value"] is None:
        raise ConfigurationError(
            action,
            f"the value of the custom field {printable(field['name'])!r} is null or missing",
            "Give the value that selects.",
            option="value",
        )
    values = tuple((option, select[option]) for option in _MEMBERS if select[option] is not None)
    selector = Selector(values, field["name"], field["value"])
    if bool(select["all"]) == bool(selector.criteria):
        cause = "all and criteria are given" if select["all"] else "select says nothing, which could mean every app"
        raise ConfigurationError(action, cause, "Give criteria, or all: true and nothing else.", option="select")
    return selector


def select_apps(
    selectors: Iterable[Selector],
    apps: Index,
    tenant: Tenant,
    resolver: Resolver,
    coming: Mapping[tuple[str, str], str | None] = MappingProxyType({}),
) -> dict[Selector, list[Row]]:
    """Return the apps of each selector, in the order of their list.

    The list may lack members that a selector compares (they are optional in the contract); then the records are read.
    Custom fields are read only of apps that meet all other criteria. An attribute or a custom field that no app has is
    a problem for the C(resolver). A custom field may have the value nowhere.

    :param apps: all apps.
    :param coming: the values that custom fields are to get, by the ids of app and field in lower case. Both the old and
        the new value select an app. So does an id in place of a text, since it may mean the same value.
    :raises ProtocolError: the record of an app does not show a member that a selector compares.
    """
    selectors = list(dict.fromkeys(selectors))
    criteria = dict.fromkeys(pair for selector in selectors for pair in selector.values)
    rows = _with_members(apps, {_MEMBERS[option] for option, _value in criteria}, tenant)
    for option, value in criteria:
        _check_value(option, value, rows, resolver)
    selected = {selector: [row for row in rows if selector.fits(row)] for selector in selectors}
    by_field = {row["id"]: row for selector in selectors if selector.field is not None for row in selected[selector]}
    indexes = tenant.indexes((custom_fields_of(row), None) for row in by_field.values())
    fields = dict(zip(by_field, indexes, strict=True))
    for selector in selectors:
        if selector.field is not None:
            rows = selected[selector]
            found = resolver.find_each(selector.field, [fields[row["id"]] for row in rows], "custom field")
            selected[selector] = [
                row
                for row, field in zip(rows, found, strict=True)
                if field and (has_value(field, selector.value) or _gets(row, field, selector.value, coming))
            ]
            if any(found) and not selected[selector]:
                tenant.warnings.append(_no_value(selector, [field for field in found if field]))
    return selected


def _gets(app: Row, field: Row, value: str, coming: Mapping[tuple[str, str], str | None]) -> bool:
    new = coming.get((app["id"].lower(), field["id"].lower()))
    return new is not None and (new == value or is_uuid(new) or is_uuid(value))


def _with_members(apps: Index, members: Collection[str], tenant: Tenant) -> list[Row]:
    """Return all apps, as single records where their rows in the list lack one of the members."""
    lacking = [row for row in apps.by_id.values() if not all(isinstance(row.get(name), str) for name in members)]
    records = tenant.read(APPS.record(row["id"]) for row in lacking)
    for row in records:
        for name in members:
            if not isinstance(row.get(name), str):
                raise broken(f"the app {named(row)}", f"its record has no {name}, which decides whether it is meant")
    return list(apps.replacing(records).by_id.values())


def _no_value(selector: Selector, fields: Iterable[Row]) -> str:
    """Return the warning that no app has the value that a custom field must have, which may be a typing error."""
    values = sorted({str(field["value"]) for field in fields if field.get("value")})
    near = difflib.get_close_matches(selector.value, values, n=1)
    meant = f" Did you mean {printable(near[0])!r}?" if near else ""
    known = summarize(repr(printable(value)) for value in values) or "none"
    wanted = f"{printable(selector.value)!r} in the custom field {printable(selector.field)!r}"
    return f"No app has {wanted}.{meant} Values that occur: {known}."


def _check_value(option: str, value: str, rows: Sequence[Row], resolver: Resolver) -> None:
    """Report a value that no app has: it may be a typing error, and would silently select nothing."""
    values = sorted({str(row[_MEMBERS[option]]) for row in rows})
    if value not in values:
        known = summarize(repr(printable(each)) for each in values)
        message = f"no app has the {option} {printable(value)!r}, there are {known}"
        resolver.report(value, "not_found", message, near=difflib.get_close_matches(value, values, n=3))
