# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX has already decides what is refused, left out, kept and sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._engine.controller_setup.calls import Call, calls_of
from ansible_collections.cakewalk.access.plugins.module_utils._engine.controller_setup.existing import Existing
from ansible_collections.cakewalk.access.plugins.module_utils._engine.controller_setup.kept import ENCRYPTED
from ansible_collections.cakewalk.access.plugins.module_utils._engine.controller_setup.schema import (
    SECTIONS,
    DefinitionsRefused,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.controller_setup.targets import Node, Target

Row = dict[str, Any]

FIELDS = [{"id": "key", "label": "Key", "secret": True, "type": "string"}]
KEY = {"name": "Key", "kind": "cloud", "inputs": {"fields": FIELDS, "required": ["key"]}, "injectors": {}}
CREDENTIAL = {"name": "C", "credential_type": "Key", "inputs": {}}
TEMPLATE = {
    "name": "T",
    "playbook": "leaver.yml",
    "project": "P",
    "inventory": "I",
    "execution_environment": "E",
    "credentials": ["C"],
    "survey": [],
    "extra_vars": {},
}
MAIL = {"name": "N", "notification_type": "email", "notification_configuration": {"host": "h", "sender": "s"}}
IN_AWX = {"summary_fields": {"credential_type": {"name": "Key"}}, "inputs": {"key": ENCRYPTED}}
MAIL_IN_AWX = {**MAIL, "notification_configuration": {"host": "h", "sender": "s", "password": ENCRYPTED, "timeout": 30}}
ORGANIZATION = {"organizations": {"Default": {}}}
PARTS = {"projects": {"P": {}}, "inventories": {"I": {}}, "execution_environments": {"E": {}}}


class Rows:
    """AWX with these objects, by section and name; each has an id of its own."""

    def __init__(self, sections: Mapping[str, Mapping[str, Row]], used_types: tuple[str, ...] = ()) -> None:
        self.sections, self.used_types = {**ORGANIZATION, **sections}, used_types
        self._ids: dict[Target, int] = {}

    def find(self, target: Target, organization: str, shared: bool = False) -> Row | None:
        row = self.sections.get(target.section, {}).get(target.name)
        # Names of two sections may be the same, and ids of two sections may not.
        number = self._ids.setdefault(target, len(self._ids) + 1)
        return None if row is None else {"id": number, "name": target.name, **row}

    def has_credentials(self, kind: Mapping[str, Any]) -> bool:
        return kind["name"] in self.used_types

    def nodes(self, workflow: str, organization: str) -> dict[str, Node]:
        return NODES if workflow in self.sections.get("workflow_job_templates", {}) else {}


def existing(rows: Rows, secrets: dict[str, Any], update: bool = False, **file: Any) -> tuple[Existing, list[Call]]:
    definitions = {**dict.fromkeys(SECTIONS, ()), "organization": "Default", **file}
    return Existing(rows, definitions, secrets, update), calls_of(definitions, secrets)


LINKS: dict[str, Any] = {"success_nodes": [], "failure_nodes": [], "always_nodes": []}
NODES = {
    "one": Node("job", {**LINKS, "failure_nodes": ["two"]}),
    "two": Node("job", LINKS),
    "ask": Node("workflow_approval", LINKS),
}


def workflow(identifier: str, **more: Any) -> Row:
    """Return a workflow with a node that comes before the node C(two)."""
    nodes = [{"identifier": name, "job_template": "T", "approval": None, **LINKS} for name in (identifier, "two")]
    nodes[0] |= more
    return {"name": "W", "survey": [], "nodes": nodes[: 1 + (identifier != "two")]}


WITH_WORKFLOW = Rows({"workflow_job_templates": {"W": {}}, "job_templates": {"T": {}}})
SCHEDULE = {"name": "S", "unified_job_template": "T", "rrule": "DTSTART RRULE: INTERVAL=1", "extra_data": {}}
OTHER_FIELDS = {**KEY, "inputs": {"fields": [*FIELDS, {"id": "who", "label": "Who"}], "required": ["key"]}}
#: The file, what AWX has, and what is refused.
REFUSED: dict[str, tuple[Row, Rows, str]] = {
    "no organization": ({"credential_types": [KEY]}, Rows({"organizations": {}}), "has the organization 'Default'"),
    "no project": (
        {"job_templates": [{**TEMPLATE, "credentials": []}]},
        Rows({**PARTS, "projects": {}}),
        "has the project 'P'",
    ),
    "a type that changes": (
        {"credential_types": [OTHER_FIELDS]},
        Rows({"credential_types": {"Key": KEY}}, ("Key",)),
        "AWX does not change the `inputs` of the credential type 'Key'",
    ),
    "secrets that move": (
        {"notification_templates": [{**MAIL, "notification_configuration": {"host": "x", "sender": "s"}}]},
        Rows({"notification_templates": {"N": MAIL_IN_AWX}}),
        "could send its 'password' elsewhere",
    ),
    "a credential of another type, without a secret": (
        {"credential_types": [KEY], "credentials": [CREDENTIAL]},
        Rows({"credentials": {"C": {"summary_fields": {"credential_type": {"name": "Machine"}}, "inputs": {}}}}),
        "the credential 'C' has another type in AWX",
    ),
    "a project whose credential is nowhere": (
        {"credential_types": [KEY], "credentials": [CREDENTIAL], "projects": [{"name": "P", "credential": "C"}]},
        Rows({}),
        "the project 'P' has a credential whose secrets neither AWX has nor `secrets`",
    ),
    "a job that becomes an approval": (
        {"workflow_job_templates": [workflow("two", approval={"name": "Approve"}, job_template=None)]},
        WITH_WORKFLOW,
        "the workflow node 'two' of 'W' runs a job in AWX and is an approval in the file",
    ),
    "a node that comes in another case": (
        {"workflow_job_templates": [workflow("one", success_nodes=["two"])]},
        WITH_WORKFLOW,
        "the workflow node 'one' of 'W' leads to 'two' after another outcome in AWX, which AWX does not change",
    ),
    "a schedule whose template has the name of a project": (
        {"job_templates": [{**TEMPLATE, "credentials": []}], "schedules": [SCHEDULE]},
        Rows({**PARTS, "projects": {"P": {}, "T": {}}}),
        "AWX has the project 'T' besides the template of the schedule 'S' of 'T'",
    ),
    "a type of AWX whose secret is in the file": (
        {"credentials": [{**CREDENTIAL, "inputs": {"key": "k"}}]},
        Rows({"credential_types": {"Key": KEY}}),
        "has the secret 'key' in the file",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_only_awx_can_tell_to_be_wrong_is_refused(case: str) -> None:
    file, rows, words = REFUSED[case]
    mine, calls = existing(rows, {}, **file)
    with pytest.raises(DefinitionsRefused, match="Nothing was changed") as refused:
        mine.check(calls)
    assert words in str(refused.value)


@pytest.mark.parametrize(("kind", "used"), [(OTHER_FIELDS, ()), (KEY, ("Key",))])
def test_a_type_may_change_before_it_has_credentials(kind: Row, used: tuple[str, ...]) -> None:
    mine, calls = existing(Rows({"credential_types": {"Key": KEY}}, used), {}, credential_types=[kind])
    assert mine.check(calls) == calls


@pytest.mark.parametrize(
    ("inputs", "secrets", "in_awx", "is_left_out"),
    [
        ({}, {}, {}, True),
        ({"who": "ada"}, {}, {}, True),
        ({}, {"C": {"key": "k"}}, {}, False),
        ({}, {}, {"C": IN_AWX}, False),
    ],
)
def test_a_credential_is_left_out_where_neither_awx_nor_anybody_has_its_secrets(
    inputs: Row, secrets: Row, in_awx: Row, is_left_out: bool
) -> None:
    file = {
        "credential_types": [KEY],
        "credentials": [{**CREDENTIAL, "inputs": inputs}],
        "job_templates": [TEMPLATE],
    }
    in_awx = {key: {**row, "inputs": {**inputs, **row["inputs"]}} for key, row in in_awx.items()}
    mine, calls = existing(Rows({**PARTS, "credentials": in_awx}), secrets, **file)

    left_out = [Target("credentials", "C")] if is_left_out else []
    assert mine.check(calls) == [call for call in calls if call.target not in left_out]
    assert mine.left_out == left_out
    assert mine.adjusted(calls[-1]).options["credentials"] == ([] if is_left_out else ["C"])


@pytest.mark.parametrize(
    ("given", "update", "sent", "inputs"),
    [
        ({}, False, False, {"key": ENCRYPTED}),
        ({"key": "k"}, False, False, {"key": ENCRYPTED}),
        ({"key": "k"}, True, True, {"key": "k"}),
        ({}, True, False, {"key": ENCRYPTED}),
    ],
)
def test_awx_keeps_the_secrets_of_a_credential_unless_they_are_updated(
    given: Row, update: bool, sent: bool, inputs: Row
) -> None:
    rows = Rows({"credentials": {"C": IN_AWX}})
    mine, calls = existing(rows, {"C": given}, update, credential_types=[KEY], credentials=[CREDENTIAL])
    options = mine.adjusted(calls[-1]).options
    assert (options["update_secrets"], options["inputs"]) == (sent, inputs)


def test_a_notification_that_awx_has_as_it_is_is_not_sent() -> None:
    rows = Rows({"notification_templates": {"N": MAIL_IN_AWX}})
    for sender, sent in (("s", None), ("t", {"host": "h", "sender": "t", "password": ENCRYPTED})):
        changed = {**MAIL, "notification_configuration": {"host": "h", "sender": sender}}
        mine, (call,) = existing(rows, {}, notification_templates=[changed])
        assert mine.adjusted(call).options.get("notification_configuration") == sent


def test_objects_are_named_by_their_ids_once_they_exist() -> None:
    same = {"project": "Same", "inventory": "Same", "execution_environment": "Same"}
    rows = Rows({**{section: {"Same": {}} for section in PARTS}, "credentials": {"C": IN_AWX}})
    mine, (call,) = existing(rows, {}, job_templates=[{**TEMPLATE, **same, "credentials": ["C", "New"]}])

    def ids(section: str, *names: str) -> list[str]:
        found = (rows.find(Target(section, name), "Default") for name in names)
        return [str(row["id"]) for row in found if row]

    options = mine.with_ids(call).options
    assert {name: options[name] for name in ("name", "playbook")} == {"name": "T", "playbook": "leaver.yml"}
    for option, section in zip(same, PARTS, strict=True):
        assert [options[option]] == ids(section, "Same")
    assert options["credentials"] == [*ids("credentials", "C"), "New"]

    node = Call(Target("workflow_job_template_nodes", "one", "W"), {"unified_job_template": "T"})
    rows.sections["job_templates"] = {"T": {}}
    assert [mine.with_ids(node).options["unified_job_template"]] == ids("job_templates", "T")

    rows.sections["credentials"] = {"C": IN_AWX, "New": IN_AWX}
    assert mine.with_ids(call).options["credentials"] == ids("credentials", "C", "New")


def test_nodes_that_stay_as_they_are_may_be_set_up() -> None:
    asked = workflow("ask", approval={"name": "Approve"}, job_template=None, success_nodes=["two"])
    for flow in (workflow("one", failure_nodes=["two"]), asked, workflow("new", success_nodes=["two"])):
        mine, calls = existing(WITH_WORKFLOW, {}, workflow_job_templates=[flow])
        assert mine.check(calls) == calls
        assert list(mine.nodes["W"]) == ["one", "two", "ask"]
