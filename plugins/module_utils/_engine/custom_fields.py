# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which custom fields of which apps are to have which values, without a single request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .._api.catalog import custom_fields_of, is_computed, named
from .._api.errors import ConfigurationError
from .._api.text import printable
from .._api.writes import has_value
from .core.entries import entries_of
from .core.guardrails import LimitExceeded
from .core.lookup import Index, Resolver, Row, label, labelled


@dataclass(frozen=True)
class FieldEntry:
    """What one entry of a task says of one app: by field, as written, the value, C(None) to clear it."""

    app: str
    values: Mapping[str, str | None]


@dataclass(frozen=True)
class FieldChange:
    """What changes in one app: by field id the value, and the fields as they were read.

    :param unchanged: the names of fields that have their values.
    """

    app: Row
    fields: Mapping[str, Row]
    values: Mapping[str, str | None]
    unchanged: list[str]

    @property
    def names(self) -> dict[str, str]:
        """The ids of the fields that change, by what they are called, sorted."""
        return dict(sorted(labelled(self.values, lambda identifier: self.fields[identifier]).items()))

    def before(self) -> dict[str, str | None]:
        """Return the values of the fields that change, by name, as Cakewalk shows them."""
        return {name: self.fields[identifier].get("value") for name, identifier in self.names.items()}

    def after(self) -> dict[str, str | None]:
        """Return the values that are sent, by name."""
        return {name: self.values[identifier] for name, identifier in self.names.items()}


def claims_of(params: Mapping[str, Any]) -> list[FieldEntry]:
    """Return the claims of a task, from its single or its bulk form.

    :raises ConfigurationError: there is nothing to set, or a value is none that a field can have.
    """
    return [_claim(entry) for entry in entries_of(params, "values", "app")]


def claimed(claims: Iterable[FieldEntry], apps: Index) -> list[tuple[Row, FieldEntry]]:
    """Return each claim with its app.

    :raises LookupFailed: an app does not exist, or its name is held by several.
    :raises ConfigurationError: two entries are about one app.
    """
    finder = Resolver()
    found: dict[str, tuple[Row, FieldEntry]] = {}
    for claim in claims:
        app = finder.find(claim.app, apps)
        if app is not None and found.setdefault(app["id"], (app, claim))[1] is not claim:
            raise ConfigurationError(
                f"plan the custom fields of the app {named(app)}",
                "two entries are about it",
                "Put all of its fields into one entry.",
                option="values",
                references=[claim.app, found[app["id"]][1].app],
            )
    finder.check()
    return list(found.values())


def edits_of(wanted: Iterable[tuple[Row, FieldEntry]], rows: Iterable[Iterable[Row]]) -> list[FieldChange]:
    """Return what changes in each app.

    :param rows: the custom fields of each app, in the same order.
    :raises LookupFailed: a field does not exist, or its name is held by several.
    :raises ConfigurationError: a field is named twice.
    :raises RailHit: a field that is computed is to be set, or one that is required to be cleared.
    """
    finder = Resolver()
    edits = [
        _edit(app, claim, Index(custom_fields_of(app), fields), finder)
        for (app, claim), fields in zip(wanted, rows, strict=True)
    ]
    finder.check()
    for edit in edits:
        _check(edit)
    return edits


def _claim(entry: Mapping[str, Any]) -> FieldEntry:
    attempt = f"use the custom fields given for the app {printable(entry['app'])!r}"
    fields, clear = entry["fields"] or {}, entry["clear"] or []
    if not fields and not clear:
        raise ConfigurationError(attempt, "there are none", "Give fields, clear, or both.", option="fields")
    twice = [name for name in clear if name in fields]
    if twice or len(set(clear)) < len(clear):
        raise ConfigurationError(
            attempt, "a field is named twice", "Name each field once, under fields or under clear.", option="clear"
        )
    values = {name: _text(name, value, attempt) for name, value in fields.items()}
    return FieldEntry(entry["app"], {**values, **dict.fromkeys(clear)})


def _text(name: str, value: object, attempt: str) -> str:
    """Return a value as the text that it is in Cakewalk; whole numbers are, since templates make them of digits."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and value.strip():
        return value
    reason, remedy = f"it is a {type(value).__name__}, and values are texts", "Put it in quotes."
    if value is None:
        reason, remedy = "it is null, which YAML makes of a forgotten value", "Name it under clear to clear it."
    elif isinstance(value, str):
        reason, remedy = "it is blank", "Name it under clear to clear it."
    elif isinstance(value, (list, dict)):
        remedy = "Give one text."
    raise ConfigurationError(f"{attempt}, {printable(name)!r} among them", reason, remedy, option="fields")


def _edit(app: Row, claim: FieldEntry, register: Index, finder: Resolver) -> FieldChange:
    values: dict[str, str | None] = {}
    unchanged = []
    seen: set[str] = set()
    for reference, value in claim.values.items():
        field = finder.find(reference, register)
        if field is None:
            continue
        identifier = field["id"].lower()
        if identifier in seen:
            raise ConfigurationError(
                f"plan the custom fields of the app {named(app)}",
                f"{named(field)} is named twice, by id and by name",
                "Name each field once.",
                option="fields",
            )
        seen.add(identifier)
        if has_value(field, value):
            unchanged.append(label(field))
        else:
            values[identifier] = value
    return FieldChange(app, register.by_id, values, sorted(unchanged))


def _check(edit: FieldChange) -> None:
    for identifier, value in edit.values.items():
        field = edit.fields[identifier]
        if is_computed(field):
            raise _hit(edit, field, "its value is computed", "Leave it out.")
        if value is None and field.get("required"):
            raise _hit(edit, field, "it is required, so it cannot be cleared", "Give a value, or leave it out.")


def _hit(edit: FieldChange, field: Row, reason: str, remedy: str) -> LimitExceeded:
    return LimitExceeded(
        f"set the custom field {named(field)} of the app {named(edit.app)}",
        reason,
        f"Nothing was changed. {remedy}",
        field=label(field),
    )
