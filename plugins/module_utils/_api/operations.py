# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads and writes as data: what can be read, what a write sends, and what must hold before and after it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any

_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
#: The identity of a row within its list, see C(Listing.key).
Key = tuple[str, ...]
#: A value that a ledger stores, with its key.
KeyedValue = tuple[Key, Mapping[str, Any]]


@dataclass(frozen=True)
class Resource:
    """A single record of the API: its path, a description for messages, and its id."""

    path: str
    what: str
    identifier: str


@dataclass(frozen=True)
class Listing:
    """A paged list of the API: its path, a description for messages, and what identifies a row.

    C(key) names members of a row, with dots into nested objects. A row without the first member is broken. The others
    may be null: access to an app without permission levels has no level. C(query) is sent with every page.
    """

    path: str
    what: str
    key: tuple[str, ...] = ("id",)
    query: tuple[tuple[str, str], ...] = ()

    def key_of(self, row: Mapping[str, Any]) -> Key | None:
        """Return the identity of C(row) in this list, in lower case like ids, or C(None) for a broken row."""
        first, *others = (_text(row, name) for name in self.key)
        pairs = zip(others, self.key[1:], strict=True)
        needed = [other for other, name in pairs if row.get(name.partition(".")[0]) is not None]
        if not all(map(is_usable_id, [first, *needed])):
            return None
        return (first.lower(), *(other.lower() for other in others))

    def keys_of(self, rows: Iterable[Mapping[str, Any]]) -> frozenset[Key]:
        """Return the identities of C(rows) of this list."""
        return frozenset(key for row in rows if (key := self.key_of(row)) is not None)


class ReadResult:
    """The rows of a source, read once or several times; a single record is one row."""

    def __init__(self, source: Listing | Resource, rows: Iterable[Mapping[str, Any]]) -> None:
        self.source = source
        self.rows = list(rows)

    @cached_property
    def keys(self) -> frozenset[Key]:
        """The identities of the rows."""
        listing = self.source if isinstance(self.source, Listing) else Listing(self.source.path, self.source.what)
        return listing.keys_of(self.rows)


@dataclass(frozen=True)
class Precondition:
    """Values that members of a record must still have directly before a step; names have dots into nested objects.

    The API has no conditional write, so a change between this read and the write cannot be excluded.
    """

    resource: Resource
    values: tuple[tuple[str, Any], ...]

    def violations(self, row: Mapping[str, Any]) -> list[str]:
        """Return the members of C(row) that have another value now."""
        return [name for name, value in self.values if member(row, name) != value]


@dataclass(frozen=True)
class Postcondition:
    """A state that a source must show once a step was carried out.

    :param source: what to read.
    """

    source: Listing | Resource

    @property
    def proves_absence(self) -> bool:
        """Whether one read is not enough: a list that moves may skip a row, which then looks removed."""
        return False

    def created_by(self, answer: Any) -> str | None:
        """Return the id of what the step created, which is proof enough, if the JSON of an answer holds that id."""
        return None

    def created_in(self, result: ReadResult) -> str | None:
        """Return the id of what the step created, as C(result) shows it, or C(None) if it creates nothing."""
        return None

    def holds(self, result: ReadResult) -> bool:
        """Return whether C(result) shows the wanted state."""
        raise NotImplementedError

    def explain(self, result: ReadResult) -> str:
        """Return, as a clause, what C(result) shows instead of the wanted state; empty if there is no more to say."""
        return ""


@dataclass(frozen=True)
class RowsPresent(Postcondition):
    """A list holds the rows C(present) and lacks the rows C(absent)."""

    present: frozenset[Key] = frozenset()
    absent: frozenset[Key] = frozenset()

    @property
    def proves_absence(self) -> bool:
        """Whether the absence of a row must be proved."""
        return bool(self.absent)

    def holds(self, result: ReadResult) -> bool:
        """Return whether all wanted rows are present and all unwanted rows absent."""
        return self.present <= result.keys and not self.absent & result.keys


class Phase(Enum):
    """When a step is applied; the phases run in this order."""

    #: Policies decide the requests that later steps open.
    POLICIES = "policies"
    ADDITIONS = "additions"
    REMOVALS = "removals"


@dataclass(frozen=True)
class Effect:
    """The change that a step makes, for the message of a result; effects with the same clause are added up.

    :param clause: the clause, with kinds of things in braces, and C({be}) before the verb.
    :param named: the names of the things by id, by kind.
    """

    clause: str
    named: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """One write, as data.

    :param action: what the step does, as a verb phrase for messages.
    :param users: the people concerned, by e-mail address or id.
    :param postcondition: what a read must show after the step, whatever the answer; C(None) if nothing can be read.
    :param changes: whether the step changes anything; false for a known state that is only enforced.
    :param precondition: what must hold directly before the step; otherwise the step is not sent.
    :param ignored_statuses: refusals that leave the tenant unchanged and do not fail the task.
    :param ledger_entry: what a ledger stores once the step is done.
    :param effect: the change, for the message of the result.
    :param hints: by status, what to do about a refusal, where more is known than about refusals in general.
    """

    action: str
    method: str
    path: str
    body: Mapping[str, Any] | None = None
    users: tuple[str, ...] = ()
    phase: Phase = Phase.ADDITIONS
    postcondition: Postcondition | None = None
    changes: bool = True
    precondition: Precondition | None = None
    ignored_statuses: frozenset[int] = frozenset()
    ledger_entry: KeyedValue | None = None
    effect: Effect = field(default=Effect("the tenant{be} changed"), compare=False)
    hints: Mapping[int, str] = field(default_factory=dict)


def is_usable_id(value: object) -> bool:
    """Return whether C(value) can be an id: in a path it must stay a single segment."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def member(row: Mapping[str, Any], name: str) -> Any:
    """Return the member C(name) of C(row), with dots into nested objects, or C(None) where a part is missing."""
    value: Any = row
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _text(row: Mapping[str, Any], name: str) -> str:
    """Return the member C(name) of C(row), or an empty text where the member is not a text."""
    value = member(row, name)
    return value if isinstance(value, str) else ""
