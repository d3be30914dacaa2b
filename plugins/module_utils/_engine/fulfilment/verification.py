# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The comparison of a proof from a target system with the approval task that it is about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..._api.errors import CakewalkError
from ..core.lookup import folded_email

STATES = ("present", "absent")


class NotProved(CakewalkError):
    """The proof does not show that a task was carried out, so the task is not approved."""

    kind = "not_proved"


def differences(proof: Mapping[str, Any] | None, item: Mapping[str, Any]) -> Iterator[str]:
    """Yield, as clauses, why a proof does not show that a task was carried out.

    :param proof: C(task), C(user) by id or e-mail address, and the C(observed) state and C(permission_level).
    :param item: the attributes of the task, see C(outcomes.item_of).
    """
    if proof is None:
        yield "nothing was proved"
        return
    if proof["task"].lower() != item["task_id"]:
        yield "the proof is about another task"
    if folded_email(proof["user"]) not in (item["user_id"], folded_email(item["user_email"])):
        yield "the proof is about another person"
    wanted = "absent" if item["request_type"] == "remove_access" else "present"
    if proof["observed"] != wanted:
        yield f"the account is {proof['observed']}, not {wanted}"
    level = item["permission_level_id"]
    if wanted == "present" and (proof["permission_level"] or "").lower() != (level or ""):
        yield "the account has another permission level" if level else "the task has no permission level to be seen"
