# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a proof shows a task as carried out."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._engine.fulfilment.verification import differences
from unit.people import uid

ITEM = {
    "task_id": uid(1),
    "request_type": "grant_access",
    "user_id": uid(2),
    "user_email": "Ben@example.com",
    "app_id": uid(3),
    "permission_level_id": uid(4),
}
PROOF = {"task": uid(1), "user": "ben@Example.com", "observed": "present", "permission_level": uid(4)}
GONE = {**PROOF, "observed": "absent", "permission_level": None}


def words_of(proof: dict[str, Any] | None, **changed: Any) -> str:
    return "; ".join(differences(proof, {**ITEM, **changed}))


@pytest.mark.parametrize(
    ("proof", "changed"),
    [
        (PROOF, {}),
        ({**PROOF, "user": uid(2).upper(), "task": uid(1).upper(), "permission_level": uid(4).upper()}, {}),
        (PROOF, {"request_type": "change_permission"}),
        ({**PROOF, "permission_level": None}, {"permission_level_id": None}),
        (GONE, {"request_type": "remove_access"}),
        (GONE, {"request_type": "remove_access", "permission_level_id": None}),
    ],
)
def test_what_the_task_asks_for_is_proved(proof: dict[str, Any], changed: dict[str, Any]) -> None:
    assert words_of(proof, **changed) == ""


@pytest.mark.parametrize(
    ("proof", "changed", "words"),
    [
        (None, {}, "nothing was proved"),
        ({**PROOF, "task": uid(9)}, {}, "another task"),
        ({**PROOF, "user": "eve@example.com"}, {}, "another person"),
        ({**PROOF, "user": uid(9)}, {}, "another person"),
        ({**PROOF, "observed": "absent"}, {}, "the account is absent, not present"),
        ({**PROOF, "permission_level": uid(9)}, {}, "another permission level"),
        ({**PROOF, "permission_level": None}, {}, "another permission level"),
        (PROOF, {"permission_level_id": None}, "no permission level"),
        (PROOF, {"request_type": "remove_access"}, "the account is present, not absent"),
    ],
)
def test_anything_else_is_not(proof: dict[str, Any] | None, changed: dict[str, Any], words: str) -> None:
    assert words in words_of(proof, **changed)
