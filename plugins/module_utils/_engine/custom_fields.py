# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Custom fields of apps: from the entries of a task to the change of each app."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._api.catalog import APPS, custom_fields, custom_fields_of, is_computed, named
from .._api.errors import ConfigurationError
from .._api.operations import Step
from .._api.text import by_usable_key, delimited, pluralize, printable, quote_hint, yaml_type
from .._api.writes import has_value, set_custom_fields, shown_value
from .core.entries import entries_of
from .core.guardrails import LimitExceeded
from .core.lookup import Index, Resolver, Row, label, labelled
from .core.plan import State
from .core.tenant import Tenant

#: Types of fields that take numbers and booleans. The vendor does not list its types.
_NUMBER = re.compile("number|integer|decimal|float|currency|percent", re.IGNORECASE)
_BOOLEAN = re.compile("bool|checkbox|yes.?no", re.IGNORECASE)
#: What follows a value in a diff that is not a text.
_NO_TEXT = " (no text)"


@dataclass(frozen=True)
class FieldEntry:
    """The fields that a task names for an app, as written, with their values; C(None) clears a field.

    A value is a text, a number or a boolean.
    """

    app: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class FieldChange:
    """The change of the custom fields of an app.

    :param fields: all fields as they were read, by id.
    :param values: the new values by field id.
    :param unchanged: the names of fields that have the wanted value.
    """

    app: Row
    fields: Mapping[str, Row]
    values: Mapping[str, str | None]
    unchanged: list[str]

    @property
    def names(self) -> dict[str, str]:
        """The ids of the fields that change, by sorted name."""
        return dict(sorted(labelled(self.values, lambda identifier: self.fields[identifier]).items()))

    def before(self) -> dict[str, str | None]:
        """Return the values before by name, as Cakewalk shows them, of the fields that change."""
        return {name: shown_value(self.fields[identifier]) for name, identifier in self.names.items()}

    def after(self) -> dict[str, str | None]:
        """Return the values to send, by name."""
        return {name: self.values[identifier] for name, identifier in self.names.items()}

    def lines(self) -> tuple[list[str], list[str]]:
        """Return the fields that change before and after, as lines; a field without a value has none."""
        return _lines(self.before()), _lines(self.after())

    def as_result(self) -> dict[str, Any]:
        """Return the change as the module returns it."""
        before, after = self.before(), self.after()
        fields, unmapped = by_usable_key((name, {"before": before[name], "after": after[name]}) for name in after)
        return {
            "app": label(self.app),
            "app_id": self.app["id"],
            "fields": fields,
            "unmapped": [{"name": name, "id": self.names[name], **values} for name, values in unmapped],
            "unchanged": self.unchanged,
        }

    def step(self) -> Step:
        """Return the step that sets all fields."""
        return set_custom_fields(self.app, self.values, self.names)


def entries_of_task(params: Mapping[str, Any]) -> list[FieldEntry]:
    """Return the entries of a task.

    :raises ConfigurationError: an entry names no field or a field twice, or a field cannot have the value.
    """
    return [_entry(entry) for entry in entries_of(params, "values", "app")]


def plan_fields(entries: Sequence[FieldEntry], tenant: Tenant) -> list[FieldChange]:
    """Read the apps that entries name, and their custom fields, and return the change of each app.

    :raises LookupFailed: an app or a field does not exist, or its name is ambiguous.
    :raises ConfigurationError: two entries name the same app, or an entry names a field twice.
    :raises LimitExceeded: a computed field would be set, or a required field cleared.
    """
    resolver = Resolver()
    apps = resolver.group(entries, lambda entry: entry.app, tenant.index(APPS, [entry.app for entry in entries]))
    for app, (first, *others) in apps:
        if others:
            raise ConfigurationError(
                f"plan the custom fields of the app {named(app)}",
                "two entries are about it",
                "Put all of its fields into one entry.",
                option="values",
                references=[others[0].app, first.app],
            )
    resolver.check()
    rows = tenant.read(custom_fields(app) for app, _entries in apps)
    changes = [
        _change(app, entry, Index(custom_fields_of(app), fields), resolver)
        for (app, (entry,)), fields in zip(apps, rows, strict=True)
    ]
    resolver.check()
    for change in changes:
        _check(change)
    return changes


def by_label(changes: Iterable[FieldChange]) -> dict[str, FieldChange]:
    """Return the apps that change by name, with ids where two have the same name."""
    return labelled([change for change in changes if change.values], lambda change: change.app)


def states_of(changes: Iterable[FieldChange]) -> tuple[State, State]:
    """Return the fields that change before and after, by app."""
    lines = {f"Custom fields of {name}": change.lines() for name, change in by_label(changes).items()}
    before = {header: old for header, (old, _new) in lines.items()}
    return before, {header: new for header, (_old, new) in lines.items()}


def remark_of(changes: Iterable[FieldChange]) -> str:
    """Return how many fields have their values already, as a clause."""
    unchanged = sum(len(change.unchanged) for change in changes)
    words = pluralize(unchanged, "custom field is", "custom fields are")
    return f"{words} as asked for already" if unchanged else ""


def result_of(changes: Sequence[FieldChange], params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result of C(cakewalk_app_custom_field)."""
    return {
        "apps": [change.as_result() for change in changes if change.values or params["values"] is None],
        "summary": {
            "apps": len(changes),
            "changed": sum(bool(change.values) for change in changes),
            "fields": sum(len(change.values) for change in changes),
            "unchanged": sum(len(change.unchanged) for change in changes),
        },
    }


def _entry(entry: Mapping[str, Any]) -> FieldEntry:
    action = f"use the custom fields given for the app {printable(entry['app'])!r}"
    fields, clear = entry["fields"] or {}, entry["clear"] or []
    if not fields and not clear:
        raise ConfigurationError(action, "the entry has no fields", "Give fields, clear, or both.", option="fields")
    if len({*fields, *clear}) < len(fields) + len(clear):
        raise ConfigurationError(
            action, "a field is named twice", "Name each field once, under fields or under clear.", option="clear"
        )
    for name, value in fields.items():
        _check_value(name, value, action)
    return FieldEntry(entry["app"], {**fields, **dict.fromkeys(clear)})


def _check_value(name: str, value: object, action: str) -> None:
    if yaml_type(value) or (isinstance(value, str) and value.strip()):
        return
    cause, hint = "it is a list or a mapping", "Give one text."
    if value is None:
        cause, hint = "it is null, which YAML makes of a forgotten value", "Name it under clear to clear it."
    elif isinstance(value, str):
        cause, hint = "it is blank", "Name it under clear to clear it."
    raise ConfigurationError(f"{action}, {printable(name)!r} among them", cause, hint, option="fields")


def _text(value: Any, field: Row, app: Row) -> str | None:
    """Return a value as the text to send.

    :raises ConfigurationError: it is a number or a boolean, and the field is not of such a type.
    """
    form = yaml_type(value)
    kind = _BOOLEAN if isinstance(value, bool) else _NUMBER
    if form and not kind.search(str(field.get("type"))):
        raise ConfigurationError(
            f"set the custom field {named(field)} of the app {named(app)}",
            f"it must be text, not {form}",
            quote_hint(value),
            option="fields",
        )
    return str(value).lower() if form else value


def _change(app: Row, entry: FieldEntry, index: Index, resolver: Resolver) -> FieldChange:
    wanted: dict[str, str | None] = {}
    for reference, value in entry.values.items():
        field = resolver.find(reference, index)
        if field is None:
            continue
        identifier = field["id"].lower()
        if identifier in wanted:
            raise ConfigurationError(
                f"plan the custom fields of the app {named(app)}",
                f"{named(field)} is named twice, by id and by name",
                "Name each field once.",
                option="fields",
            )
        wanted[identifier] = _text(value, field, app)
    values = {
        identifier: value for identifier, value in wanted.items() if not has_value(index.by_id[identifier], value)
    }
    unchanged = sorted(label(index.by_id[identifier]) for identifier in wanted.keys() - values.keys())
    return FieldChange(app, index.by_id, values, unchanged)


def _lines(values: Mapping[str, Any]) -> list[str]:
    return [
        f"{delimited(name, ': ')}: {delimited(value, _NO_TEXT) if isinstance(value, str) else f'{value}{_NO_TEXT}'}"
        for name, value in values.items()
        if value not in (None, "")
    ]


def _check(change: FieldChange) -> None:
    for identifier, value in change.values.items():
        field, cause = change.fields[identifier], ""
        if is_computed(field):
            cause, hint = "its value is computed", "Leave it out."
        elif value is None and field.get("required"):
            cause, hint = "it is required, so it cannot be cleared", "Give a value, or leave it out."
        if cause:
            raise LimitExceeded(
                f"set the custom field {named(field)} of the app {named(change.app)}",
                cause,
                f"Nothing was changed. {hint}",
                field=label(field),
            )
