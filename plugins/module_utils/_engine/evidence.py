# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs of roles did, as lines of JSON in a file that only grows."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from .files import KeptFile


@dataclass(frozen=True)
class Evidence:
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
    def _file(self) -> KeptFile:
        return _kept(self.path)


def refuse_relative(path: str) -> None:
    """Refuse a path that could not be used, also where nothing is to be written, as in check mode.

    :raises FileRefused: it is relative.
    """
    _kept(path)


def _kept(path: str) -> KeptFile:
    return KeptFile(path, "the record", "It holds lines of JSON. Move it away to begin another.")
