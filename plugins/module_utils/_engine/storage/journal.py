# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs of roles did, as lines of JSON in a file that only grows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from .private_file import PrivateFile

#: How the record calls what became of a step, by where the results of modules list it.
_BECAME = {"done": "done", "already": "already", "refused": "refused", "errors": "failed", "pending": "not_sent"}


@dataclass(frozen=True)
class Journal:
    """The record of what runs did.

    :raises FileRefused: whenever the file cannot be used.
    """

    path: str

    def open(self) -> None:
        """See that lines can be added, before there is something that must not go unrecorded."""
        self._file.append("")

    def add(self, **facts: Any) -> None:
        """Add a line, with the time; facts that are C(None) are left out."""
        time = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        line = {"time": time, **{name: fact for name, fact in facts.items() if fact is not None}}
        self._file.append(json.dumps(line) + "\n")

    def locked(self) -> AbstractContextManager[None]:
        """Keep other runs that hold this record from going on, for the length of the block."""
        return self._file.locked()

    @property
    def _file(self) -> PrivateFile:
        return _kept(self.path)


def refuse_relative(path: str) -> None:
    """Refuse a path that could not be used, also where nothing is to be written, as in check mode.

    :raises FileRefused: it is relative.
    """
    _kept(path)


def _kept(path: str) -> PrivateFile:
    return PrivateFile(path, "the record", "It holds lines of JSON. Move it away to begin another.")


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
