# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be asked of the vendor, as data: records and lists to read, steps to take, proofs of a step's success."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
#: A row's identity within its list, see C(Listing.key).
Key = tuple[str, ...]
#: What a step leaves in a ledger: under which key, and what is to be remembered there.
Entry = tuple[Key, Mapping[str, Any]]


@dataclass(frozen=True)
class Resource:
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
        first, *others = (_text(row, name) for name in self.key)
        if not is_usable_id(first) or not all(is_usable_id(other) for other in others if other):
            return None
        return (first.lower(), *(other.lower() for other in others))

    def keys_of(self, rows: Iterable[Mapping[str, Any]]) -> frozenset[Key]:
        """Return the identities of C(rows) of this list."""
        return frozenset(key for row in rows if (key := self.key_of(row)) is not None)


class ReadResult:
    """What was read from a source, once or several times over: its rows, a single record being one row."""

    def __init__(self, source: Listing | Resource, rows: Iterable[Mapping[str, Any]]) -> None:
        self.source = source
        self.rows = list(rows)

    @cached_property
    def keys(self) -> frozenset[Key]:
        """The identities of the rows."""
        listing = self.source if isinstance(self.source, Listing) else Listing(self.source.path, self.source.what)
        return listing.keys_of(self.rows)


class Postcondition(Protocol):
    """How reading can settle whether a step was carried out.

    C(twice) tells that the source is to be read twice: a list that moves may skip a row, and what was skipped must not
    pass for gone.
    """

    @property
    def source(self) -> Listing | Resource:
        """What to read."""

    @property
    def twice(self) -> bool:
        """Whether one reading is not enough."""

    def holds(self, reading: ReadResult) -> bool:
        """Tell whether what was read shows the wanted state."""


@runtime_checkable
class Witness(Postcondition, Protocol):
    """A proof that can say what was seen where it does not hold."""

    def instead(self, reading: ReadResult) -> str:
        """Return, as a clause, what was read shows instead of the wanted state."""


@dataclass(frozen=True)
class RowsPresent:
    """The proof that a list holds some rows and lacks others."""

    source: Listing
    present: frozenset[Key] = frozenset()
    absent: frozenset[Key] = frozenset()

    @property
    def twice(self) -> bool:
        """Whether the absence of something is to be proved."""
        return bool(self.absent)

    def holds(self, reading: ReadResult) -> bool:
        """Tell whether all wanted rows are there and no unwanted one is."""
        return self.present <= reading.keys and not self.absent & reading.keys


@dataclass(frozen=True)
class Precondition:
    """What a record must still show directly before a step, as members with dots and their values; the API has no
    conditional write, so this is as close as it gets."""

    record: Resource
    facts: tuple[tuple[str, Any], ...]

    def broken(self, row: Mapping[str, Any]) -> list[str]:
        """Return the members of C(row) that show something else now."""
        return [name for name, value in self.facts if member(row, name) != value]


@dataclass(frozen=True)
class Step:
    """One write, as data.

    :param action: what it does, in words, as a verb phrase.
    :param users: whom it concerns, by e-mail address or id.
    :param governs: whether it settles how others are decided; it goes before them.
    :param removes: whether it takes something away; additions go first.
    :param doubtful: refusals that may mean "already so" and are settled by the C(proof), never by themselves.
    :param verified: whether a success, too, counts only once the C(proof) shows it.
    :param changes: whether it changes something; false where what is known to be so is only enforced.
    :param guard: what must hold directly before it, or it is not sent.
    :param harmless: refusals after which nothing is wrong, only nothing was done.
    :param entry: what a ledger is to remember once it was carried out.
    :param remedies: what to do about a refusal, by its status, where more is known of it than of refusals in general.
    """

    action: str
    method: str
    path: str
    body: Mapping[str, Any] | None = None
    users: tuple[str, ...] = ()
    governs: bool = False
    removes: bool = False
    doubtful: frozenset[int] = frozenset()
    proof: Postcondition | None = None
    verified: bool = False
    changes: bool = True
    guard: Precondition | None = None
    harmless: frozenset[int] = frozenset()
    entry: Entry | None = None
    remedies: Mapping[int, str] = field(default_factory=dict)


def is_usable_id(value: object) -> bool:
    """Tell whether C(value) can be an id: whatever goes into a path must stay one segment of it."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def member(row: Mapping[str, Any], name: str) -> Any:
    """Return the member C(name) of C(row), with dots into nested objects; C(None) where something on the way is
    missing."""
    value: Any = row
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _text(row: Mapping[str, Any], name: str) -> str:
    """Return the member C(name) of C(row), empty where there is no text."""
    value = member(row, name)
    return value if isinstance(value, str) else ""
