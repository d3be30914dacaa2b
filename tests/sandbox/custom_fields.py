# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Custom fields of apps: what a value means, and writing values."""

from __future__ import annotations

from typing import Any

from .problem import Problem
from .records import App, CustomField
from .state import State


def shown(state: State, app: App, custom_field: CustomField) -> tuple[str | None, str | None]:
    """Return a field's value in words, and the id behind it for a person, a choice or a priority."""
    stored = app.field_values.get(custom_field.id)
    if stored is None or custom_field.kind == "Text":
        return stored, None
    if custom_field.kind == "Person":
        return state.users[stored].name, stored
    return custom_field.options[stored], stored


def update(state: State, app: App, changes: list[dict[str, Any]], named_by: str) -> None:
    """Write the listed values, all or none; null clears one.

    :param named_by: how people and choices are named: by C(id), by C(label) (or name, or e-mail), or by C(either);
        which of them the service takes, its documentation does not say.
    """
    values = {}
    for change in changes:
        custom_field = state.fields.get(change["id"].lower())
        if custom_field is None:
            raise Problem(404, f"There is no custom field with the id {change['id']}.")
        if "value" in change:
            values[custom_field.id] = _stored(state, custom_field, change["value"], named_by)
    for identifier, value in values.items():
        if value is None:
            app.field_values.pop(identifier, None)
        else:
            app.field_values[identifier] = value


def _stored(state: State, custom_field: CustomField, value: str | None, named_by: str) -> str | None:
    if custom_field.kind == "Priority":
        raise Problem(400, f"{custom_field.name} is computed and cannot be set.")
    if value is None:
        if custom_field.required:
            raise Problem(400, f"{custom_field.name} is required and cannot be cleared.")
        return None
    if custom_field.kind == "Text":
        return value
    labels = (
        ((option, (label,)) for option, label in custom_field.options.items())
        if custom_field.kind == "Select"
        else ((user.id, (user.email, user.name)) for user in state.users.values())
    )
    matches = [
        identifier
        for identifier, words in labels
        if value in {"either": (identifier, *words), "label": words, "id": (identifier,)}[named_by]
    ]
    if len(matches) != 1:
        raise Problem(400, f"{value!r} names {len(matches)} values of {custom_field.name}.")
    return matches[0]
