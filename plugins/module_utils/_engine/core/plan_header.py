# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The header of a plan: for which tenant, on whose behalf, why, and within which guardrails."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..._api.text import UNCUT, pluralize, printable


def plan_header(params: Mapping[str, Any]) -> list[str]:
    """Return the first lines of a plan for people, from the options that the task has and that are set.

    Nothing is cut: a purpose that a command line split at a blank is noticed only if all of it is shown.
    """
    values = {
        "Tenant": str(params.get("base_url") or "").rstrip("/"),
        "Acting user": params.get("acting_user"),
        "Purpose": params.get("purpose"),
        "Guardrails": ", ".join(_guardrails(params)),
    }
    return [f"{name}: {printable(value, UNCUT)}" for name, value in values.items() if value]


def _guardrails(params: Mapping[str, Any]) -> Iterator[str]:
    removals, percent, assignments = (
        params.get(name) for name in ("max_removals", "max_removal_percent", "max_assignments")
    )
    if removals is not None:
        yield f"at most {pluralize(removals, 'removal', 'removals')}"
    if percent is not None:
        yield f"removals of at most {percent} % of what is read"
    if assignments is not None:
        yield f"at most {pluralize(assignments, 'policy assignment', 'policy assignments')}"
    if params.get("allow_inactive"):
        yield "inactive people may be added"
    if params.get("retry_declined"):
        yield "declined requests are made again"
    if params.get("strict_rules"):
        yield "no access rule may be violated already"
    if params.get("protected_users"):
        yield f"protected: {', '.join(params['protected_users'])}"
