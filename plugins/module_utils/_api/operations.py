# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be asked of the vendor, as data: records and lists to read, steps to take, proofs of a step's success."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
#: A row's identity within its list, see C(Listing.key).
Key = tuple[str, ...]


@dataclass(frozen=True)
class Record:
    """One thing to read: its path, in words C(what) it is, and its id."""

    path: str
    what: str
    identifier: str


@dataclass(frozen=True)
class Listing:
    """A paged list to read: its path, in words C(what) it is, and what identifies a row.

    C(key) names members of a row, with dots into nested objects; a row without the first one is broken, the others may
    be null (an access to an app without permission levels has none). C(query) is sent with every page.
    """

    path: str
    what: str
    key: tuple[str, ...] = ("id",)
    query: tuple[tuple[str, str], ...] = ()

    def key_of(self, row: Mapping[str, Any]) -> Key | None:
        """Return the identity of C(row) in this list, case folded as ids are, or C(None) where it has none."""
        first, *others = (_member(row, name) for name in self.key)
        if not is_usable_id(first) or not all(is_usable_id(other) for other in others if other):
            return None
        return (first.lower(), *(other.lower() for other in others))

    def keys_of(self, rows: Iterable[Mapping[str, Any]]) -> frozenset[Key]:
        """Return the identities of C(rows) of this list."""
        return frozenset(key for row in rows if (key := self.key_of(row)) is not None)


@dataclass(frozen=True)
class Proof:
    """How reading can settle whether a step was carried out: which rows its list must and must not hold."""

    listing: Listing
    present: frozenset[Key] = frozenset()
    absent: frozenset[Key] = frozenset()

    def holds(self, keys: frozenset[Key] | None) -> bool:
        """Tell whether a list with these C(keys) shows the wanted state; one that could not be read shows nothing."""
        return keys is not None and self.present <= keys and not self.absent & keys


@dataclass(frozen=True)
class Step:
    """One write, as data.

    :param action: what it does, in words, as a verb phrase.
    :param users: whom it concerns, by e-mail address or id.
    :param removes: whether it takes something away; additions go first.
    :param doubtful: refusals that may mean "already so" and are settled by the C(proof), never by themselves.
    """

    action: str
    method: str
    path: str
    body: Mapping[str, Any] | None = None
    users: tuple[str, ...] = ()
    removes: bool = False
    doubtful: frozenset[int] = frozenset()
    proof: Proof | None = None


def is_usable_id(value: object) -> bool:
    """Tell whether C(value) can be an id: whatever goes into a path must stay one segment of it."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def _member(row: Mapping[str, Any], name: str) -> str:
    """Return the member C(name) of C(row) as text, empty where it or an object on the way is missing or null."""
    value: Any = row
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value if isinstance(value, str) else ""
