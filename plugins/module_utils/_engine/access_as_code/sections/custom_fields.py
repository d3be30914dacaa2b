# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The section C(custom_fields): values of custom fields of apps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...._api.catalog import APPS, custom_fields, custom_fields_of, is_computed, named
from ...._api.text import is_usable_key, is_writable, printable
from ...core.lookup import Index, Row, label, reference_to
from ...core.tenant import Tenant
from ...custom_fields import FieldChange, by_label, entries_of_task, plan_fields
from ...policies.field_ledger import holds_ledger
from ..section import ExportedSection, ReversibleStep, SectionPlan, StateChange, sorted_rows
from ..source import SourceCode, problem

SECTION = "custom_fields"


def problems_of(code: SourceCode) -> Iterator[dict[str, str]]:
    """Yield the contradictions within the section; they do not depend on the tenant."""
    for entry in code.entries(SECTION):
        blank = [
            problem(
                entry.at("fields", name), f"the value of {printable(name)!r} is blank; name it under clear to clear it"
            )
            for name, value in (entry.data["fields"] or {}).items()
            if not value.strip()
        ]
        yield from blank or entry.refused_by(lambda data: entries_of_task({"values": [data]}))


def section_plan(code: SourceCode, _params: Mapping[str, Any], tenant: Tenant, _earlier: SectionPlan) -> SectionPlan:
    """Return the changes of the section, see C(plan_fields)."""
    entries = entries_of_task({"values": code.data(SECTION)})
    if not entries:
        return SectionPlan()
    changed = by_label(plan_fields(entries, tenant))
    return sum((_app_plan(name, change) for name, change in changed.items()), SectionPlan())


def exported(_params: Mapping[str, Any], tenant: Tenant) -> ExportedSection:
    """Return the section for the current state: fields with a value, except computed fields."""
    apps = tenant.index(APPS)
    rows = sorted_rows(apps)
    entries = []
    for app, fields in zip(rows, tenant.read(map(custom_fields, rows)), strict=True):
        index = Index(custom_fields_of(app), fields)
        values = {_reference_to(field, index): field["value"] for field in fields if _is_for_code(field)}
        if values:
            entries.append({"app": reference_to(app, apps), "fields": dict(sorted(values.items()))})
    return entries, ()


def _app_plan(name: str, change: FieldChange) -> SectionPlan:
    fields = {field_id: change.fields[field_id] for field_id in change.values}
    state = {field_id: [field.get("value"), field.get("guidValue")] for field_id, field in fields.items()}
    return SectionPlan(
        changes=(StateChange(f"Custom fields of {name}", *change.lines()),),
        steps=(ReversibleStep(change.step(), SECTION, *_undo(change.app, fields)),),
        touched=({change.app["id"]: state},),
        fields_set=(*fields, *map(label, fields.values())),
    )


def _reference_to(field: Row, index: Index) -> str:
    reference = reference_to(field, index)
    return reference if is_usable_key(reference) else str(field["id"])


def _is_for_code(field: Row) -> bool:
    """Return whether people set the value of a field, and not this collection, which may keep a ledger in it."""
    value = field.get("value")
    is_text = isinstance(value, str) and not _is_blank(value) and is_writable(value)
    return is_text and not is_computed(field) and not holds_ledger(str(value))


def _undo(app: Row, fields: Mapping[str, Row]) -> tuple[dict[str, Any] | None, str]:
    """Return the entry with the values before, which may be C(None), and why fields are not in it.

    Values are ids where they have one, because an id is never ambiguous.
    """
    values, clear, reasons = {}, [], []
    for field_id, field in fields.items():
        before = next((one for one in (field.get("guidValue"), field.get("value")) if not _is_blank(one)), None)
        # As text, since only some fields take a number or a boolean.
        text = str(before).lower() if isinstance(before, (bool, int, float)) else before
        if isinstance(text, str) and is_writable(text):
            values[field_id] = text
        elif before is not None:
            reasons.append(f"{named(field)} had a value that code cannot give")
        elif field.get("required"):
            reasons.append(f"{named(field)} is required and had no value, so it cannot be cleared")
        else:
            clear.append(field_id)
    undo = {"app": app["id"], **({"fields": values} if values else {}), **({"clear": clear} if clear else {})}
    return undo if values or clear else None, "; ".join(reasons)


def _is_blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())
