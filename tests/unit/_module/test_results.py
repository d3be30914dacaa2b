# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records as results."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._module.results import row

VAULT = {"unmapped": [{"name": "__ansibleVault", "value": 1}]}


@pytest.mark.parametrize(
    ("record", "result"),
    [
        ({}, {}),
        (
            {"id": "7", "statusName": "Active", "isActionStep": None},
            {"id": "7", "status_name": "Active", "is_action_step": None},
        ),
        (
            {"owner": {"userId": "1"}, "levels": [{"permissionLevel": None}]},
            {"owner": {"user_id": "1"}, "levels": [{"permission_level": None}]},
        ),
        ({"customFields": {"Cost Center": {"ownerId": "x"}}}, {"custom_fields": {"Cost Center": {"ownerId": "x"}}}),
        (
            {"customFields": {"__ansible_type": {"__ansibleVault": 1}}, "__ansibleUnsafe": True},
            {
                "custom_fields": {
                    "unmapped": [
                        {"name": "__ansible_type", "value": {"unmapped": [{"name": "__ansibleVault", "value": 1}]}}
                    ]
                },
                "unmapped": [{"name": "__ansible_unsafe", "value": True}],
            },
        ),
        ({"somethingNew": ["asIs", 1, None]}, {"something_new": ["asIs", 1, None]}),
    ],
)
def test_names_are_snake_case_and_values_stay_as_they_came(record: dict[str, Any], result: dict[str, Any]) -> None:
    assert row(record) == result


def test_the_record_itself_stays_as_it_is() -> None:
    record = {"statusName": "Active"}
    row(record)["status_name"] = "Changed"
    assert record == {"statusName": "Active"}


def test_what_is_nested_too_deeply_is_cut() -> None:
    record: dict[str, Any] = {"__ansible_type": 1}
    for _level in range(50):
        record = {"a": [record]}
    assert "__ansible_type" not in str(row(record))
