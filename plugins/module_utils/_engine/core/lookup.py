# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what people write (an id, an e-mail address, an exact name) to the one thing that is meant, or to an error."""

from __future__ import annotations

import difflib
import re
import string
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from ..._api.catalog import ResourceType
from ..._api.errors import CakewalkError
from ..._api.text import is_writable, printable, summarize

Row = Mapping[str, Any]
Item = TypeVar("Item")

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
#: How many names are compared, over all misses of a task, to suggest near ones: about three seconds' worth.
_COMPARISONS = 100_000


class LookupFailed(CakewalkError):
    """References that mean nothing, or more than one thing; C(problems) names each of them."""

    kind = "lookup_failed"

    def __init__(self, problems: list[dict[str, Any]]) -> None:
        super().__init__(
            "tell who or what is meant",
            summarize((problem["message"] for problem in problems), separator="; "),
            _remedy({problem["reason"] for problem in problems}),
            problems=problems,
        )


def _remedy(reasons: set[str]) -> str:
    remedies = {
        "not_found": "Correct what does not exist.",
        "ambiguous": "Give the id of the one that is meant where several have the same name or address.",
        "inactive": "Leave out who is on the way out of the company.",
        "no_level": "Name a permission level.",
        "other_level": "Settle it in Cakewalk, or leave the person out.",
        "unknown_status": "If you know what a status means, list it under known_statuses.request.",
    }
    return " ".join(remedy for reason, remedy in remedies.items() if reason in reasons)


def is_uuid(reference: str) -> bool:
    """Tell whether C(reference) has the form of an id: a UUID in its usual spelling and no other."""
    return _UUID.fullmatch(reference) is not None


def folded_email(email: str) -> str:
    """Return an e-mail address as addresses are compared: by ASCII case only, since other folding merges people."""
    # For ASCII the same, ten times as fast: it is done for each row of the directory.
    return email.lower() if email.isascii() else email.translate(_LOWER)


class Index:
    """The rows of one kind, to be found by id or by what people name them by.

    C(complete) tells whether the rows are the whole list, so that a name found once is known to be unique.
    """

    def __init__(self, kind: ResourceType, rows: Iterable[Row], complete: bool = True) -> None:
        self.kind = kind
        self.complete = complete
        self.by_id: dict[str, Row] = {row["id"].lower(): row for row in rows}
        self._by_key: dict[str, list[Row]] = defaultdict(list)
        for row in self.by_id.values():
            if isinstance(row.get(kind.key), str) and row[kind.key].strip():
                self._by_key[self._folded(row[kind.key])].append(row)

    def matches(self, reference: str) -> list[Row]:
        """Return the rows that C(reference) can mean: the one with this id and those with this e-mail or name."""
        by_id = self.by_id.get(reference.lower())
        named_so = self._by_key.get(self._folded(reference), [])
        return ([by_id] if by_id else []) + [row for row in named_so if row is not by_id]

    def near(self, reference: str) -> list[str]:
        """Return up to three names like C(reference), for a message; of e-mail addresses the local parts count."""

        def compared(name: str) -> str:
            return (name.partition("@")[0] if self.kind.key == "email" else name).lower()

        names = {compared(key): key for key in self._by_key}
        close = difflib.get_close_matches(compared(reference), names, n=3, cutoff=0.75)
        return [str(self._by_key[names[name]][0][self.kind.key]) for name in close]

    def holders(self, rows: Iterable[Row]) -> dict[str, list[Row]]:
        """Return, for each e-mail address (in lower case) or name among C(rows), all rows that have it."""
        keys = [row.get(self.kind.key) for row in rows]
        folded = dict.fromkeys(self._folded(key) for key in keys if isinstance(key, str))
        return {key: self._by_key[key] for key in folded if key in self._by_key}

    def assuming(self, ids: Iterable[str]) -> Index:
        """Return a register that also holds these ids, taken as given; a whole list needs no assumptions."""
        if self.complete:
            return self
        return Index(self.kind, [*({"id": one} for one in ids), *self.by_id.values()], complete=False)

    def replacing(self, rows: Iterable[Row]) -> Index:
        """Return a register with these rows in place of those with their ids."""
        newer = {row["id"].lower(): row for row in rows}
        return Index(self.kind, {**self.by_id, **newer}.values(), self.complete)

    def _folded(self, key: str) -> str:
        return folded_email(key) if self.kind.key == "email" else key


class Resolver:
    """Finds references and keeps what cannot be found, so that all problems of a task are told at once."""

    def __init__(self) -> None:
        self._problems: dict[tuple[str, str], dict[str, Any]] = {}
        self._missing_so: set[tuple[str, str]] = set()
        self._comparisons_left = _COMPARISONS

    def find(self, reference: str, *registers: Index, called: str = "") -> Row | None:
        """Return the row that C(reference) means in the registers taken together; C(None) where that is a problem.

        :param called: what a problem calls it, by default what the registers hold.
        """
        called = called or registers[-1].kind.one
        found = {row["id"].lower(): row for register in reversed(registers) for row in register.matches(reference)}
        if len(found) == 1:
            return next(iter(found.values()))
        if found:
            self._ambiguous(reference, called, list(found.values()))
        else:
            self._missing(reference, called, registers)
        return None

    def find_all(self, references: Iterable[str], *registers: Index) -> list[Row]:
        """Return the rows that the references mean, each once, without those that are a problem."""
        rows = [self.find(reference, *registers) for reference in references]
        return list({row["id"].lower(): row for row in rows if row is not None}.values())

    def find_each(self, reference: str, registers: Sequence[Index], called: str) -> list[Row | None]:
        """Return the row that C(reference) means in each register, C(None) where one does not hold it.

        That none of them holds it is a problem, which calls it C(called).
        """
        held = [bool(register.matches(reference)) for register in registers]
        if registers and not any(held):
            self.find(reference, *registers, called=called)
        pairs = zip(registers, held, strict=True)
        return [self.find(reference, register) if is_held else None for register, is_held in pairs]

    def report(self, reference: str, reason: str, message: str, **facts: Any) -> None:
        """Keep a problem with C(reference); C(reason) is a word for programs, C(message) a clause for people."""
        problem = {"reference": reference, "reason": reason, "message": message, **facts}
        self._problems.setdefault((reference, message), problem)

    def check(self) -> None:
        """Raise what was collected.

        :raises LookupFailed: at least one reference had a problem.
        """
        if self._problems:
            raise LookupFailed(list(self._problems.values()))

    def _ambiguous(self, reference: str, called: str, rows: list[Row]) -> None:
        candidates = [candidate(row) for row in rows]
        words = summarize(
            f"{printable(each['id'])} ({printable(each['status'] or each['name'])})" for each in candidates
        )
        message = f"the {called} {printable(reference)!r} is held by {len(rows)}: {words}"
        self.report(reference, "ambiguous", message, candidates=candidates)

    def _missing(self, reference: str, called: str, registers: Sequence[Index]) -> None:
        if (reference, called) in self._missing_so:
            return
        self._missing_so.add((reference, called))
        kind = registers[-1].kind
        near = self._near(reference, registers)
        hints = [f"did you mean {' or '.join(repr(printable(name)) for name in near)}?"] if near else []
        if kind.key == "email" and not is_uuid(reference) and "@" not in reference:
            hints.append("people are named by e-mail address or id, never by display name")
        hint = f" ({' '.join(hints)})" if hints else ""
        self.report(reference, "not_found", f"the {called} {printable(reference)!r} does not exist{hint}", near=near)

    def _near(self, reference: str, registers: Sequence[Index]) -> list[str]:
        if is_uuid(reference) or self._comparisons_left <= 0:
            return []
        self._comparisons_left -= sum(len(register.by_id) for register in registers)
        found = [name for register in registers for name in register.near(reference)]
        return list(dict.fromkeys(found))[:3]


def candidate(row: Row) -> dict[str, Any]:
    """Return what tells holders of one name apart."""
    return {"id": row["id"], "name": row.get("name"), "status": row.get("statusName")}


def ids_of(rows: Iterable[Row]) -> set[str]:
    """Return the ids of rows, in the case in which registers hold them."""
    return {row["id"].lower() for row in rows}


def reference_to(row: Row, register: Index) -> str:
    """Return what means this row and no other in the whole list, and can stand in a file: its e-mail address or name,
    or else its id."""
    key = row.get(register.kind.key)
    meant = register.matches(key) if isinstance(key, str) and is_writable(key) else []
    return str(key) if [one["id"].lower() for one in meant] == [row["id"].lower()] else str(row["id"])


def person(row: Row) -> str:
    """Return how a person is named in results: the e-mail address, or the id where the record has none."""
    return str(row.get("email") or row["id"])


def label(row: Row) -> str:
    """Return how a thing is named in results: by its name, or its id where the record has none."""
    return str(row.get("name") or row["id"])


def unique_labels(rows: Iterable[Row]) -> dict[str, str]:
    """Return by id how things are named in results where no two may have one name: with the id where they would."""
    rows = list(rows)
    holders = Counter(map(label, rows))
    labels: dict[str, str] = {}
    taken: set[str] = set()
    for row in rows:
        name = label(row)
        while holders[name] > 1 or name in taken:
            name = f"{name} ({row['id']})"
        taken.add(name)
        labels[row["id"]] = name
    return labels


def labelled(items: Iterable[Item], thing: Callable[[Item], Row]) -> dict[str, Item]:
    """Return items by the name of the thing that each is about, see C(unique_labels)."""
    items = list(items)
    labels = unique_labels(map(thing, items))
    return {labels[thing(item)["id"]]: item for item in items}
