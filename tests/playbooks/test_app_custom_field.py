# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Custom fields, by real playbooks."""

from __future__ import annotations

from datetime import date

import pytest
from playbooks.harness import FIELD, Data, Playbooks, play, task, writes
from playbooks.module_contract import BadInput, refuse_all, rehearse
from sandbox.process import Sandbox


def values(tenant: Sandbox, app: str) -> Data:
    """Return the stored values of an app by field name."""
    return named_values(tenant.state("apps", "fields"), app)


def named_values(state: Data, app: str) -> Data:
    """Return the values of an app in a dump of the tenant by field name."""
    names = {one["id"]: one["name"] for one in state["fields"]}
    stored = next(one["field_values"] for one in state["apps"] if one["name"] == app)
    return {names[identifier]: value for identifier, value in stored.items()}


@pytest.fixture
def with_owner(tenant: Sandbox) -> Sandbox:
    """A tenant in which the app has values for the scenario to change."""
    tenant.change("set_field", app="GitHub", field="Risk Owner", value="Ada Admin")
    tenant.change("set_field", app="GitHub", field="Data Classification", value="Public")
    return tenant


def test_what_is_foreseen_happens_once(playbooks: Playbooks, with_owner: Sandbox) -> None:
    runs = rehearse(playbooks, with_owner, "fields")
    options = {one: label for field in runs.after["fields"] for one, label in field["options"].items()}
    found = values(with_owner, "GitHub")
    assert (found["Cost Center"], found["Automation Ledger"]) == ("4711", "{{ kept as it is }}")
    assert options[found["Data Classification"]] == "Internal"
    assert "Risk Owner" not in found
    first, second = (runs.done[title].data["diff"] for title in runs.titles)
    assert "Risk Owner: Ada Admin" in first[0]["before"].splitlines()
    assert "Risk Owner" not in first[0]["after"]
    assert [part["before_header"] for part in second] == ["Custom fields of Figma"]


TABLE: list[BadInput] = [
    ("nothing", {"app": "GitHub"}, "configuration", ["the entry has no fields", "Give fields, clear, or both"]),
    ("neither form", {}, None, ["one of the following is required: app, values"]),
    ("both forms", {"app": "GitHub", "values": []}, None, ["mutually exclusive"]),
    ("fields and the bulk form", {"fields": {"Cost Center": "1"}, "values": []}, None, ["mutually exclusive"]),
    ("a null value", {"app": "GitHub", "fields": {"Cost Center": None}}, "configuration", ["null", "under clear"]),
    ("a blank value", {"app": "GitHub", "fields": {"Cost Center": ""}}, "configuration", ["blank", "under clear"]),
    ("an octal number", {"app": "GitHub", "fields": {"Cost Center": 0o715}}, "configuration", ["461", "Quote it"]),
    (
        "a date",
        {"app": "GitHub", "fields": {"Cost Center": date(2026, 1, 1)}},
        "configuration",
        ["2026-01-01", "Quote"],
    ),
    ("a number for a name", {"app": 2024, "clear": ["Cost Center"]}, "configuration", ["the number 2024", "Quote it"]),
    ("yes", {"app": "GitHub", "fields": {"Cost Center": True}}, "configuration", ["the boolean true", "Quote it"]),
    (
        "an unknown field beside a known one",
        {"app": "GitHub", "fields": {"Cost Center": "1", "Cost Centre": "2"}},
        "lookup_failed",
        ["has no custom field 'Cost Centre'", "did you mean 'Cost Center'"],
    ),
    ("an unknown app", {"app": "Gitub", "clear": ["Risk Owner"]}, "lookup_failed", ["'Gitub'", "'GitHub'"]),
    ("an app of two", {"app": "Twin App", "clear": ["Risk Owner"]}, "lookup_failed", ["2 apps are called"]),
    ("a computed field", {"app": "GitHub", "fields": {"Priority": "Low"}}, "rail", ["computed", "Leave it out"]),
    ("a required field cleared", {"app": "GitHub", "clear": ["Cost Center"]}, "rail", ["required", "Give a value"]),
    (
        "an app twice",
        {
            "values": [
                {"app": "GitHub", "fields": {"Cost Center": "1"}},
                {"app": "{{ app_id['GitHub'] }}", "clear": ["Risk Owner"]},
            ]
        },
        "configuration",
        ["two entries are about it"],
    ),
]


def test_bad_input_fails_before_the_first_write(playbooks: Playbooks, tenant: Sandbox) -> None:
    refuse_all(playbooks, tenant, FIELD, TABLE)


def test_one_request_reads_and_one_writes_each_app(playbooks: Playbooks, tenant: Sandbox) -> None:
    wanted = [{"app": app, "fields": {"Cost Center": "1", "Automation Ledger": "x"}} for app in ("GitHub", "Figma")]
    playbooks.run(play(task("set", FIELD, {"values": wanted}))).succeeded()
    operations = [entry["operation"] for entry in tenant.log()]
    assert sorted(operations) == sorted(
        ["listWorkApps", *["listWorkAppCustomFields"] * 4, *["updateWorkAppCustomFields"] * 2]
    )


@pytest.mark.parametrize(("word", "value"), [("label", "id"), pytest.param("id", "label", marks=pytest.mark.slow)])
def test_a_value_in_a_form_that_the_service_does_not_take_is_refused_by_it(
    playbooks: Playbooks, tenant: Sandbox, word: str, value: str
) -> None:
    tenant.configure(field_by=word)
    options = next(one["options"] for one in tenant.state("fields")["fields"] if one["name"] == "Data Classification")
    identifier, label = next((one, label) for one, label in options.items() if label == "Confidential")
    forms = {"id": identifier, "label": label}
    public = {"change": "set_field", "app": "GitHub", "field": "Data Classification", "value": "Public"}
    tasks = []
    for name, given in (("refused", forms[value]), ("taken", forms[word])):
        options_of_task = {"app": "GitHub", "fields": {"Data Classification": given}}
        tasks.append(task("before", "tenant", {"changes": [public]}))
        tasks.append(task(name, FIELD, options_of_task, ignore_errors=True))
    run = playbooks.run(play(*tasks))
    for name in ("refused", "taken"):
        result = run[name]
        assert result.failed == (name == "refused"), result.data
        assert ("it may accept only the name that Cakewalk shows" in result.data.get("msg", "")) == result.failed
    assert values(tenant, "GitHub")["Data Classification"] == identifier


@pytest.mark.slow
def test_what_is_stored_otherwise_is_an_error(playbooks: Playbooks, tenant: Sandbox) -> None:
    options = {"app": "GitHub", "fields": {"Risk Owner": "erin.engineer@example.com"}}
    result = playbooks.run(play(task("set", FIELD, options, ignore_errors=True)))["set"]
    assert result.data["error"]["kind"] == "not_as_sent"
    assert "reading the custom fields of the app 'GitHub' again does not show it" in result.data["msg"]
    assert "('Risk Owner' is 'Erin Engineer')" in result.data["msg"]
    assert len(writes(tenant.log())) == 1


#: Kinds of fault, and whether the value is found by reading.
LOST = {"drop_after": True, "drop_before": False}


@pytest.mark.slow
def test_a_lost_answer_is_settled_by_reading(playbooks: Playbooks, tenant: Sandbox) -> None:
    options = {"app": "GitHub", "fields": {"Cost Center": "1"}, "max_retries": 0}
    tasks = []
    for kind in LOST:
        fault = {"operation": "updateWorkAppCustomFields", "kind": kind}
        tasks += [
            task("before", "tenant", {"reset": {}, "faults": [fault]}),
            task(kind, FIELD, options, ignore_errors=True),
            task(f"{kind}: after", "tenant", {"log": True, "state": ["apps", "fields"]}),
        ]
    run = playbooks.run(play(*tasks)).succeeded()
    for kind, found in LOST.items():
        result, after = run[kind], run[f"{kind}: after"].data
        assert result.failed != found, kind
        assert result.changed == found, kind
        assert result.data.get("error", {}).get("kind") == (None if found else "outcome_unknown"), kind
        assert (named_values(after["state"], "GitHub")["Cost Center"] == "1") == found, kind
        assert len(writes(after["log"])) == 1, kind


#: What others set, at which operation, and the kind of error that comes of it.
MEANWHILE = {
    ("Cost Center", "listWorkAppCustomFields"): None,
    ("Automation Ledger", "listWorkAppCustomFields"): None,
    ("Cost Center", "updateWorkAppCustomFields"): "not_as_sent",
    ("Automation Ledger", "updateWorkAppCustomFields"): None,
}


@pytest.mark.slow
def test_what_others_set_meanwhile(playbooks: Playbooks, tenant: Sandbox) -> None:
    """The task's own field is the Cost Center: what others put there before the write goes, after it is an error."""
    tasks = []
    for field, operation in MEANWHILE:
        others = {"change": "set_field", "app": "GitHub", "field": field, "value": "by hand"}
        change = {**others, "operation": operation, "after": 1}
        tasks += [
            task("before", "tenant", {"reset": {}, "changes": [change]}),
            task(f"{field}, {operation}", FIELD, {"app": "GitHub", "fields": {"Cost Center": "1"}}, ignore_errors=True),
            task(f"{field}, {operation}: after", "tenant", {"state": ["apps", "fields"]}),
        ]
    run = playbooks.run(play(*tasks)).succeeded()
    for (field, operation), error in MEANWHILE.items():
        case = f"{field}, {operation}"
        result, found = run[case], named_values(run[f"{case}: after"].data["state"], "GitHub")
        assert result.data.get("error", {}).get("kind") == error, case
        assert ("('Cost Center' is 'by hand')" in result.data.get("msg", "")) == bool(error), case
        assert found["Cost Center"] == ("by hand" if error else "1"), case
        assert found.get("Automation Ledger") == ("by hand" if field == "Automation Ledger" else None), case


@pytest.mark.slow
def test_a_failure_between_apps_tells_how_far_it_came(playbooks: Playbooks, tenant: Sandbox) -> None:
    wanted = [{"app": app, "fields": {"Cost Center": "1"}} for app in ("GitHub", "Figma", "Salesforce")]
    tenant.fault("updateWorkAppCustomFields", 429, skip=1, count=9, retry_after=0)
    options = {"values": wanted, "concurrency": 1, "max_retries": 0}
    result = playbooks.run(play(task("set", FIELD, options, ignore_errors=True)))["set"]
    assert [len(result.steps[part]) for part in ("done", "errors", "pending")] == [1, 1, 1]
    assert result.changed
    assert values(tenant, "GitHub")["Cost Center"] == "1"
