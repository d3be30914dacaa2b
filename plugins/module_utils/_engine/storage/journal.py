# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal: what runs wrote, as lines of JSON in a file that only grows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from .private_file import PrivateFile

#: The status of a step in the journal, by the list that holds the step in the result of a module.
_STATUSES = {"done": "done", "already": "already", "refused": "refused", "errors": "failed", "pending": "not_sent"}


@dataclass(frozen=True)
class Journal:
    """The journal of one or more runs.

    :raises FileRefused: by each method, if the file cannot be used.
    """

    path: str

    def open(self, is_dry_run: bool = False) -> None:
        """Check that lines can be added, before there is a write to record; a dry run checks the path only."""
        file = _file_at(self.path)
        if not is_dry_run:
            file.append("")

    def add(self, **facts: Any) -> None:
        """Add a line with the time and the facts, without facts that are C(None)."""
        time = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        line = {"time": time, **{name: fact for name, fact in facts.items() if fact is not None}}
        _file_at(self.path).append(json.dumps(line) + "\n")

    def locked(self) -> AbstractContextManager[None]:
        """Hold the lock of the journal for the length of the block, so that other runs wait."""
        return _file_at(self.path).locked()


def lines_of(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a line for each step in the result of a module, in the order of the result.

    The result of a loop has the lines of all its items, a skipped task has none. A failure without steps is a single
    line with its message.
    """
    if "results" in result:
        return [line for item in result["results"] for line in lines_of(item)]
    bypass = result.get("bypass_reason") if result.get("bypassed_approval") else None
    lines = [
        _line(step, status, bypass)
        for name, status in _STATUSES.items()
        for step in (result.get("steps") or {}).get(name, ())
    ]
    if "steps" in result or not result.get("failed"):
        return lines
    return [{"status": "failed", "kind": (result.get("error") or {}).get("kind"), "msg": result.get("msg")}]


def _line(step: Mapping[str, Any], status: str, bypass: str | None) -> dict[str, Any]:
    unknown = status == "failed" and step.get("kind") == "outcome_unknown"
    return {
        "step": step.get("action"),
        "method": step.get("method"),
        "path": step.get("path"),
        "users": step.get("users"),
        "status": "outcome_unknown" if unknown else status,
        "msg": step.get("msg"),
        "bypass": bypass,
    }


def _file_at(path: str) -> PrivateFile:
    return PrivateFile(path, "the record", "It holds lines of JSON. Move it away to begin another.")
