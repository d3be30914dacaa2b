# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run of a role wrote, for its record: a line for each step of a module, with what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: How the record calls what became of a step, by where the results of modules list it.
_BECAME = {"done": "done", "already": "already", "refused": "refused", "errors": "failed", "pending": "not_sent"}


def lines_of(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the facts of each step in the result of a module, in the order in which the result lists them.

    The result of a loop is that of all its rounds. A failure before the first step has none; then its message is the
    only line. A skipped task has no line.
    """
    if "results" in result:
        return [line for one in result["results"] for line in lines_of(one)]
    bypass = result.get("bypass_reason") if result.get("bypassed_approval") else None
    steps = [
        _line(step, became, bypass)
        for place, became in _BECAME.items()
        for step in (result.get("steps") or {}).get(place, ())
    ]
    if "steps" in result or not result.get("failed"):
        return steps
    return [{"status": "failed", "kind": (result.get("error") or {}).get("kind"), "msg": result.get("msg")}]


def _line(step: Mapping[str, Any], became: str, bypass: str | None) -> dict[str, Any]:
    unknown = became == "failed" and step.get("kind") == "outcome_unknown"
    return {
        "step": step.get("action"),
        "method": step.get("method"),
        "path": step.get("path"),
        "users": step.get("users"),
        "status": "outcome_unknown" if unknown else became,
        "msg": step.get("msg"),
        "bypass": bypass,
    }
