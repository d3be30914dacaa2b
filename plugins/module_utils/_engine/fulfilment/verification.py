# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what was seen in a target system shows an approval task as carried out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..._api.errors import CakewalkError
from ..core.lookup import folded_email

STATES = ("present", "absent")


class NotProved(CakewalkError):
    """A task is not shown as carried out, so it is not approved."""

    kind = "not_proved"


def wanted_state(item: Mapping[str, Any]) -> str:
    """Return what must be seen of a person's account once a task is carried out."""
    return "absent" if item["request_type"] == "remove_access" else "present"


def differences(proof: Mapping[str, Any] | None, item: Mapping[str, Any]) -> Iterator[str]:
    """Tell, as clauses, why a proof does not show a task as carried out.

    :param proof: C(task), C(user) by id or e-mail address, C(observed) and C(permission_level), as they were observed.
    :param item: what the task is about.
    """
    if proof is None:
        yield "nothing was proved"
        return
    if proof["task"].lower() != item["task_id"]:
        yield "the proof is about another task"
    if folded_email(proof["user"]) not in (item["user_id"], folded_email(item["user_email"])):
        yield "the proof is about another person"
    if proof["observed"] != wanted_state(item):
        yield f"the account is {proof['observed']}, not {wanted_state(item)}"
    level = item["permission_level_id"]
    if wanted_state(item) == "present" and (proof["permission_level"] or "").lower() != (level or ""):
        yield "the account has another permission level" if level else "the task has no permission level to be seen"
