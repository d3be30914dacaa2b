# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a custom field must hold to be believed as a ledger."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._engine.policies.field_ledger import (
    FieldLedger,
    FieldRefused,
)
from unit.people import uid
from unit.policies.samples import WIRE, app, level, policy

GITHUB, ADMIN, WANTED = app(1, "GitHub"), level(1, "Admin"), policy(1)
AT_APP, AT_ADMIN = ("policy", GITHUB["id"], "", WIRE), ("policy", GITHUB["id"], ADMIN["id"], WIRE)


def holding(value: object, **members: Any) -> FieldLedger:
    field = {"id": uid(5000), "name": "Notes", "type": "Text", "value": value, "guidValue": None, **members}
    return FieldLedger({GITHUB["id"]: GITHUB}, {GITHUB["id"]: field})


def document(**members: Any) -> str:
    return json.dumps({"cakewalk.access": 1, "app": GITHUB["id"], "policies": {}, **members})


def test_what_it_holds_is_remembered_by_target_and_has_no_age() -> None:
    ledger = holding(document(policies={f"app/{WIRE}": WANTED["id"], f"{ADMIN['id']}/{WIRE}": uid(4002)}))
    known = ledger.get(AT_APP)
    assert known is not None
    assert known.value == {"policy_id": WANTED["id"]}
    assert datetime.now(timezone.utc) - known.at > timedelta(days=365 * 1000)
    at_level = ledger.get(AT_ADMIN)
    assert at_level is not None
    assert at_level.value == {"policy_id": uid(4002)}
    assert ledger.get((*AT_APP[:3], "RemoveAccessRequest")) is None


@pytest.mark.parametrize("value", [None, "", document(), document(app=GITHUB["id"].upper(), more=1)])
def test_an_empty_field_remembers_nothing(value: str | None) -> None:
    assert holding(value).get(AT_APP) is None


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("4711", "it holds something other than a ledger"),
        (4711, "it holds something other than a ledger"),
        (0, "it holds something other than a ledger"),
        (["4711"], "it holds something other than a ledger"),
        ("Olga looks after this", "it holds something other than a ledger, or a damaged one"),
        (document()[:-1], "it holds something other than a ledger, or a damaged one"),
        ("[" * 100_000, "it holds something other than a ledger, or a damaged one"),
        ("{}", "it holds something other than a ledger"),
        (document(**{"cakewalk.access": True}), "it holds something other than a ledger"),
        (document(**{"cakewalk.access": 2}), "its format is 2, and this version of the collection knows 1 only"),
        (document(app=uid(2002)), "it holds the ledger of another app, so it was copied"),
        (document(app=None), "it holds the ledger of another app"),
        (document(policies=[]), "it is damaged"),
        (document(policies={f"app/{WIRE}": None}), "it is damaged"),
        (json.dumps({"cakewalk.access": 1, "app": GITHUB["id"]}), "it is damaged"),
        (document(marks=[]), "it is damaged"),
        (document(marks={f"app/{WIRE}": "run"}), "it is damaged"),
    ],
    ids=range(17),
)
def test_anything_else_is_refused_and_the_way_out_named(value: object, words: str) -> None:
    with pytest.raises(FieldRefused) as caught:
        holding(value)
    message = str(caught.value)
    assert f"Could not use the custom field 'Notes' of the app 'GitHub' as ledger: {words}" in message
    assert "Clear the field to begin a new ledger, or name another field if this field has another purpose" in message
    assert caught.value.facts() == {"kind": "ledger_field", "app_id": GITHUB["id"], "field": "Notes"}


@pytest.mark.parametrize("members", [{"type": "Select"}, {"type": "PERSON"}, {"guidValue": uid(1)}])
def test_a_field_that_is_not_for_text_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(FieldRefused, match="it is not for text"):
        holding(None, **members)
