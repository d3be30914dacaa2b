# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The log of requests. Keys and secrets are never in it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Entry:
    """One request.

    :param seq: its number since the last reset, from 1; clearing the log does not start over.
    :param operation: the C(operationId), null outside the contract.
    :param query: parameters by name.
    :param body: the JSON body, text where it is not JSON, null where there is none or it was not read.
    :param status: what was answered, null if nothing was.
    :param fault: the kind of fault that was applied, or null.
    :param key: C(read-write), C(read-only) or C(invalid).
    """

    seq: int
    time: str
    method: str
    path: str
    query: dict[str, str]
    operation: str | None
    key: str
    body: Any = None
    status: int | None = None
    fault: str | None = None


@dataclass
class Log:
    """All requests in the order in which they came; an entry is there before its answer is."""

    entries: list[Entry] = field(default_factory=list)
    _count: int = 0

    def open(self, **facts: Any) -> Entry:
        """Enter a request."""
        self._count += 1
        entry = Entry(self._count, **facts)
        self.entries.append(entry)
        return entry

    def clear(self) -> None:
        """Forget all entries."""
        self.entries.clear()

    def dump(self) -> list[dict[str, Any]]:
        """Return the entries as JSON."""
        return [asdict(entry) for entry in self.entries]
