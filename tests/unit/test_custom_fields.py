# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which custom fields change, by value."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.catalog import APPS, custom_fields
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import CakewalkError
from ansible_collections.cakewalk.access.plugins.module_utils._api.operations import ReadResult
from ansible_collections.cakewalk.access.plugins.module_utils._api.writes import has_value, set_custom_fields
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_as_code.section import SectionPlan
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_as_code.sections.custom_fields import (
    section_plan,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_as_code.source import SourceCode
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.plan import changed_lines
from ansible_collections.cakewalk.access.plugins.module_utils._engine.custom_fields import (
    FieldChange,
    entries_of_task,
    plan_fields,
    remark_of,
    states_of,
)
from hypothesis import given
from hypothesis import strategies as st
from unit.people import MemoryTenant, uid

GITHUB, FIGMA = {"id": uid(1), "name": "GitHub"}, {"id": uid(2), "name": "Figma"}
TWINS = [{"id": uid(number), "name": "Twin"} for number in (3, 4)]
APP_ROWS = [GITHUB, FIGMA, *TWINS]


def custom_field(number: int, name: str, value: Any = None, **more: Any) -> dict[str, Any]:
    """Return a custom field as the service lists it."""
    return {
        "id": uid(number),
        "name": name,
        "type": "Text",
        "required": False,
        "value": value,
        "guidValue": None,
        **more,
    }


CENTER = custom_field(10, "Cost Center", "4711", required=True)
OWNER = custom_field(11, "Owner", "Ada", type="Person", guidValue=uid(99))
NOTE = custom_field(12, "Note")
PRIORITY = custom_field(13, "Priority", "High", type="PRIORITY")
SAME = [custom_field(14, "Same"), custom_field(15, "Same")]
SEATS, ARCHIVED = custom_field(20, "Seats", type="Number"), custom_field(21, "Archived", "false", type="Boolean")
FIELDS = [CENTER, OWNER, NOTE, PRIORITY, *SAME, SEATS, ARCHIVED]


def task(**given: Any) -> dict[str, Any]:
    """Return the parameters of a task."""
    return {"app": "GitHub", "fields": None, "clear": None, "values": None, **given}


def changes(params: dict[str, Any], fields: list[dict[str, Any]]) -> list[FieldChange]:
    """Return the changes of a task in a tenant whose apps have these fields."""
    rows = {APPS.listing: APP_ROWS, **{custom_fields(app): fields for app in APP_ROWS}}
    return plan_fields(entries_of_task(params), MemoryTenant([], rows=rows))


def change(**given: Any) -> FieldChange:
    """Return the change of the app of a task."""
    (found,) = changes(task(**given), FIELDS)
    return found


@pytest.mark.parametrize(
    ("given", "values", "unchanged"),
    [
        ({"fields": {"Cost Center": "4711"}}, {}, ["Cost Center"]),
        ({"fields": {"Cost Center": "4712"}}, {uid(10): "4712"}, []),
        ({"fields": {"Seats": 5, "Archived": True}}, {uid(20): "5", uid(21): "true"}, []),
        ({"fields": {"Seats": 1.5, "Archived": "false"}}, {uid(20): "1.5"}, ["Archived"]),
        ({"fields": {uid(10).upper(): "4712"}}, {uid(10): "4712"}, []),
        ({"fields": {"Owner": "Ada"}}, {}, ["Owner"]),
        ({"fields": {"Owner": uid(99).upper()}}, {}, ["Owner"]),
        ({"fields": {"Owner": "Ben"}, "clear": ["Note"]}, {uid(11): "Ben"}, ["Note"]),
        ({"clear": ["Owner"]}, {uid(11): None}, []),
        ({"fields": {"Priority": "High"}}, {}, ["Priority"]),
        ({"fields": {"Note": " kept as it is "}}, {uid(12): " kept as it is "}, []),
    ],
)
def test_only_what_differs_changes(given: dict[str, Any], values: dict[str, Any], unchanged: list[str]) -> None:
    found = change(**given)
    assert (found.values, found.unchanged) == (values, unchanged)


def test_fields_of_one_name_are_told_apart() -> None:
    found = change(fields={SAME[0]["id"]: "x", SAME[1]["id"]: "y"})
    assert found.after() == {f"Same ({SAME[0]['id']})": "x", f"Same ({SAME[1]['id']})": "y"}


def test_fields_in_a_diff_have_a_line_where_they_have_a_value() -> None:
    values = [("Cost", "0715", None), ("Empty", "", None), ("Number", 5, None), ("Owner", None, uid(3))]
    rows = {
        uid(n): {"id": uid(n), "name": name, "value": value, "guidValue": guid}
        for n, (name, value, guid) in enumerate(values)
    }
    wanted = {uid(0): "4711", uid(1): "5", uid(2): "5", uid(3): None}
    assert states_of([FieldChange({"id": uid(9), "name": "GitHub"}, rows, wanted, [])]) == (
        {"Custom fields of GitHub": ["Cost: 0715", "Number: 5 (no text)", f"Owner: {uid(3)}"]},
        {"Custom fields of GitHub": ["Cost: 4711", "Empty: 5", "Number: 5"]},
    )
    same = change(fields={"Cost Center": "4711"})
    assert states_of([same]) == ({}, {})
    assert (remark_of([same]), remark_of([])) == ("1 custom field is as asked for already", "")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"Cost": "Center: 1", "Cost: Center": "2"}, {"Cost": "9", "Cost: Center": "1"}),
        ({"Cost: Center": "2", "'Cost": "Center': 1"}, {"Cost: Center": "1", "'Cost": "9"}),
        ({"Cost": 5}, {"Cost": "5 (no text)"}),
        ({"Cost": 5, "Owner": "'a (no text)'"}, {"Cost": "'5 (no text)'", "Owner": "a (no text)"}),
        ({"Cost": 0, "Owner": False}, {"Cost": "1", "Owner": "true"}),
    ],
)
def test_each_field_that_changes_has_a_line_of_its_own(before: dict[str, Any], after: dict[str, str]) -> None:
    rows = {uid(n): custom_field(n, name, value) for n, (name, value) in enumerate(before.items())}
    found = FieldChange(GITHUB, rows, dict(zip(rows, after.values(), strict=True)), [])
    assert list(map(len, changed_lines(*found.lines()))) == [len(before), len(after)]


def test_the_result_shows_the_same_values_as_the_diff() -> None:
    rows = {uid(1): custom_field(1, "Owner", "", guidValue=uid(3)), uid(2): custom_field(2, "Seats", 0)}
    found = FieldChange(GITHUB, rows, {uid(1): None, uid(2): "1"}, [])
    assert found.before() == {"Owner": uid(3), "Seats": 0}
    assert found.lines()[0] == [f"Owner: {uid(3)}", "Seats: 0 (no text)"]
    proof = set_custom_fields(GITHUB, found.values, []).postcondition
    assert proof is not None
    assert proof.explain(ReadResult(proof.source, list(rows.values()))) == f"'Owner' is '{uid(3)}', 'Seats' is '0'"


def test_what_undoes_a_change_sets_the_value_before_even_zero() -> None:
    fields = [{**SEATS, "value": 0}, {**ARCHIVED, "value": False}, {**NOTE, "value": ""}]
    wanted = {field["name"]: "1" for field in fields}
    code = SourceCode({"custom_fields": [task(fields=wanted)]}, {})
    rows = {APPS.listing: APP_ROWS, **{custom_fields(app): fields for app in APP_ROWS}}
    (step,) = section_plan(code, {}, MemoryTenant([], rows=rows), SectionPlan()).steps
    assert step.undo == {"app": GITHUB["id"], "fields": {uid(20): "0", uid(21): "false"}, "clear": [uid(12)]}


@pytest.mark.parametrize(
    ("given", "kind", "words"),
    [
        ({}, "configuration", "the entry has no fields"),
        ({"fields": {}, "clear": []}, "configuration", "the entry has no fields"),
        ({"fields": {"Note": None}}, "configuration", "it is null, which YAML makes of a forgotten value"),
        ({"fields": {"Note": " "}}, "configuration", "it is blank. Name it under clear"),
        ({"fields": {"Note": True}}, "configuration", "it must be text, not the boolean true. Quote it"),
        ({"fields": {"Note": 1.5}}, "configuration", "it must be text, not the number 1.5. Quote it"),
        (
            {"fields": {"Note": 0o715}},
            "configuration",
            "it must be text, not the number 461. Quote it: YAML reads 0715",
        ),
        ({"fields": {"Seats": True}}, "configuration", "it must be text, not the boolean true. Quote it"),
        ({"fields": {"Archived": 1}}, "configuration", "it must be text, not the number 1. Quote it"),
        ({"fields": {"Note": ["x"]}}, "configuration", "it is a list or a mapping. Give one text"),
        ({"fields": {"Note": "x"}, "clear": ["Note"]}, "configuration", "a field is named twice"),
        ({"clear": ["Note", "Note"]}, "configuration", "a field is named twice"),
        ({"fields": {"Note": "x", NOTE["id"]: "y"}}, "configuration", "'Note' is named twice, by id and by name"),
        ({"fields": {"Nota": "x"}}, "lookup_failed", "has no custom field 'Nota' (did you mean 'Note'?)"),
        ({"fields": {"Same": "x"}}, "lookup_failed", "are called 'Same'"),
        ({"fields": {"Priority": "Low"}}, "rail", "'Priority' of the app 'GitHub': its value is computed"),
        ({"clear": ["Priority"]}, "rail", "its value is computed"),
        ({"clear": ["Cost Center"]}, "rail", "it is required, so it cannot be cleared"),
        ({"app": "Twin", "clear": ["Note"]}, "lookup_failed", "are called 'Twin'"),
        (
            {"app": None, "values": [task(clear=["Note"]), task(app=GITHUB["id"], clear=["Owner"])]},
            "configuration",
            "two entries are about it",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, Any], kind: str, words: str) -> None:
    with pytest.raises(CakewalkError) as caught:
        changes(task(**given), FIELDS)
    assert caught.value.facts()["kind"] == kind
    assert words in str(caught.value)


_TEXTS = st.text(min_size=1).filter(str.strip)
#: What is set, by field, and C(None) for what is cleared; some of it is so already.
_VALUES = st.fixed_dictionaries(
    {},
    optional={
        "Cost Center": st.just("4711") | _TEXTS,
        "Owner": st.sampled_from(["Ada", uid(99), None]) | _TEXTS,
        "Note": st.none() | _TEXTS,
    },
).filter(bool)


@given(_VALUES)
def test_only_what_differs_is_sent_and_then_nothing_changes(values: dict[str, str | None]) -> None:
    options = {
        "fields": {name: value for name, value in values.items() if value is not None},
        "clear": [name for name, value in values.items() if value is None],
    }
    found = change(**options)
    wanted = {field["id"]: values[field["name"]] for field in FIELDS if field["name"] in values}
    held = {field["id"]: {field["value"], field["guidValue"]} - {None} for field in FIELDS}
    differing = {one: value for one, value in wanted.items() if (value not in held[one] if value else held[one])}
    assert found.values == differing
    assert len(found.unchanged) == len(values) - len(differing)

    step = found.step()
    sent = {one["id"]: {"value": one["value"], "guidValue": None} for one in step.body["customFields"]}
    after = [{**field, **sent.get(field["id"], {})} for field in FIELDS]
    (again,) = changes(task(**options), after)
    assert again.values == {}
    assert step.postcondition is not None
    assert step.postcondition.holds(ReadResult(step.postcondition.source, after))
    assert step.postcondition.holds(ReadResult(step.postcondition.source, FIELDS)) == (not found.values)


def test_a_proof_tells_what_the_fields_show_instead() -> None:
    values = {CENTER["id"]: "4711", OWNER["id"].upper(): "Ben", NOTE["id"]: "x", uid(16): None}
    proof = set_custom_fields(GITHUB, values, []).postcondition
    assert proof is not None
    reading = ReadResult(proof.source, FIELDS)
    assert not proof.holds(reading)
    assert proof.explain(reading) == f"'Owner' is 'Ada', 'Note' has no value, the field {uid(16)} does not exist"


@pytest.mark.parametrize(
    ("value", "identifier", "wanted", "has"),
    [
        (None, None, None, True),
        ("", None, None, True),
        ("x", None, None, False),
        (None, uid(1), None, False),
        ("Ada", uid(1), uid(1).upper(), True),
        ("Ada", uid(1), "ada", False),
        (None, None, "x", False),
    ],
)
def test_a_value_is_its_text_or_the_id_behind_it(
    value: str | None, identifier: str | None, wanted: str | None, has: bool
) -> None:
    assert has_value({"value": value, "guidValue": identifier}, wanted) is has
