# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The section C(custom_fields) of the code: what the custom fields of apps are to hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...._api.catalog import APPS, custom_fields, custom_fields_of, is_computed
from ...._api.errors import ConfigurationError
from ...._api.text import is_writable
from ...._api.writes import set_custom_fields
from ...core.lookup import Index, Row, label, labelled, reference_to
from ...core.tenant import Tenant
from ...custom_fields import FieldChange, claimed, claims_of, edits_of
from ...policies.field_ledger import holds_ledger
from ..section import ExportedSection, ReversibleStep, SectionPlan, Undo
from ..source import SourceCode, is_reserved, problem

SECTION = "custom_fields"


def problems_of(code: SourceCode) -> Iterator[dict[str, str]]:
    """Return what is wrong in itself, whatever the tenant holds."""
    for one in code.entries(SECTION):
        try:
            claims_of({"values": [one.entry]})
        except ConfigurationError as error:
            yield problem(code.at(one), error.cause)


def section_plan(
    code: SourceCode, _params: Mapping[str, Any], tenant: Tenant, _earlier: Sequence[SectionPlan]
) -> SectionPlan:
    """Return what the section changes.

    :raises CakewalkError: see C(fields.edits_of).
    """
    claims = claims_of({"values": [one.entry for one in code.entries(SECTION)]})
    if not claims:
        return SectionPlan()
    wanted = claimed(claims, tenant.index(APPS))
    edits = edits_of(wanted, tenant.read(custom_fields(app) for app, _claim in wanted))
    changed = labelled([edit for edit in edits if edit.values], lambda edit: edit.app)
    return SectionPlan(
        before={_called(name): edit.before() for name, edit in changed.items()},
        after={_called(name): edit.after() for name, edit in changed.items()},
        acts=tuple(
            ReversibleStep(set_custom_fields(edit.app, edit.values, edit.names), Undo(SECTION, _back(edit)))
            for edit in changed.values()
        ),
        touched={
            edit.app["id"]: {
                one: [edit.fields[one].get("value"), edit.fields[one].get("guidValue")] for one in edit.values
            }
            for edit in changed.values()
        },
        sets=frozenset(
            name for edit in changed.values() for one in edit.values for name in (one, label(edit.fields[one]))
        ),
    )


def exported(_params: Mapping[str, Any], tenant: Tenant) -> ExportedSection:
    """Return the section for the tenant as it is: the fields that have a value, without those that are computed."""
    apps = tenant.index(APPS)
    rows = sorted(apps.by_id.values(), key=lambda row: (label(row), row["id"]))
    entries = []
    for app, fields in zip(rows, tenant.read(map(custom_fields, rows)), strict=True):
        register = Index(custom_fields_of(app), fields)
        values = {_reference_to(row, register): row["value"] for row in fields if _is_for_code(row)}
        if values:
            entries.append({"app": reference_to(app, apps), "fields": dict(sorted(values.items()))})
    return ExportedSection(entries)


def _reference_to(field: Row, register: Index) -> str:
    reference = reference_to(field, register)
    return str(field["id"]) if is_reserved(reference) else reference


def _is_for_code(field: Row) -> bool:
    """Tell whether a field holds what people set; what a ledger of this collection remembers is no such thing."""
    value = field.get("value")
    is_text = isinstance(value, str) and bool(value.strip()) and is_writable(value)
    return is_text and not is_computed(field) and not holds_ledger(str(value))


def _back(edit: FieldChange) -> dict[str, Any]:
    """Return what takes a change back; where an id stands behind a value, the id, which means one thing."""
    before = {one: edit.fields[one].get("guidValue") or edit.fields[one].get("value") for one in edit.values}
    fields = {one: value for one, value in before.items() if value}
    clear = [one for one, value in before.items() if not value]
    return {"app": edit.app["id"], **({"fields": fields} if fields else {}), **({"clear": clear} if clear else {})}


def _called(name: str) -> str:
    return f"custom fields of {name}"
