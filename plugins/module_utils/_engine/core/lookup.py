# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lookup of references (an id, an e-mail address, an exact name): a single row, or a problem."""

from __future__ import annotations

import difflib
import re
import string
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeVar

from ..._api.catalog import ResourceType
from ..._api.errors import CakewalkError
from ..._api.operations import member
from ..._api.text import is_writable, look, printable, spelled, summarize

Row = Mapping[str, Any]
Item = TypeVar("Item")

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
#: As many rows are all named where none of them is meant.
_FEW = 10
#: Limit of comparisons with near names, over all misses of a task: they take about three seconds.
_COMPARISONS = 100_000
#: What to do about a problem, by its reason.
_HINTS = {
    "not_found": "Correct the name, or give the id.",
    "several": "Give a YAML list, or an entry for each.",
    "ambiguous": "Give the id where several have the same name or address.",
    "inactive": "Leave out people who are leaving or have left.",
    "no_level": "Name a permission level.",
    "other_level": "Settle it in Cakewalk, or leave the person out.",
    "unknown_status": "If you know what a status means, list it under `known_statuses.request`.",
}
#: The reasons of references that mean no row, or several.
_MISSES = {"not_found", "several", "ambiguous"}
_ADDRESS = re.compile(r"[^@\s,;]+@[^@\s,;]+")
#: What stands between the people or things of a list that was given as one text.
_SEPARATORS = re.compile(r"[\s,;'\"\[\]]+")


class LookupFailed(CakewalkError):
    """References that match nothing, or more than one row; C(problems) describes each."""

    kind = "lookup_failed"

    def __init__(self, problems: list[dict[str, Any]]) -> None:
        reasons = {problem["reason"] for problem in problems}
        super().__init__(
            "find what the task names" if reasons <= _MISSES else "do what the task asks",
            summarize((problem["message"] for problem in problems), separator="; "),
            " ".join(hint for reason, hint in _HINTS.items() if reason in reasons),
            problems=problems,
        )


def is_uuid(reference: str) -> bool:
    """Return whether C(reference) is an id: a UUID in its usual spelling."""
    return _UUID.fullmatch(reference) is not None


def is_address(reference: str) -> bool:
    """Return whether C(reference) has the form of an e-mail address."""
    return _ADDRESS.fullmatch(reference) is not None


def folded_email(email: str) -> str:
    """Return an e-mail address in lower case, ASCII only: other case folding merges different people."""
    # The same for ASCII, and ten times as fast, which counts for each row of the directory.
    return email.lower() if email.isascii() else email.translate(_LOWER)


def folded_reference(reference: str) -> str:
    """Return a reference in the spelling in which references are compared before a lookup."""
    return reference.lower() if is_uuid(reference) else folded_email(reference)


def is_several(reference: str, matches: Callable[[str], object] = lambda _part: False) -> bool:
    """Return whether C(reference) looks like a list of people or things that is given as one text.

    :param matches: returns whether a part of the text means a row.
    """
    text = reference.strip()
    opens = text.startswith("[") and text.find("]") in (-1, len(text) - 1)
    closes = text.endswith("]") and text.rfind("[") in (-1, 0)
    parts = [part for part in _SEPARATORS.split(text) if part]
    is_list = len(parts) > 1 and all("@" in part or is_uuid(part) or matches(part) for part in parts)
    return opens or closes or is_list


def spelling_hint(references: Iterable[str]) -> str:
    """Return what to do about references that match nothing, as a sentence without its full stop."""
    return "Give a YAML list instead of one text" if any(map(is_several, references)) else "Check the spelling"


class Index:
    """Rows of one resource type, found by id or by key: the e-mail address of people, the name of other types.

    C(complete): whether the rows are the whole list, so that a single match of a name is unique.
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
        """Return the rows that C(reference) can mean: by id, and by e-mail address or name."""
        by_id = self.by_id.get(reference.lower())
        named_so = self._by_key.get(self._folded(reference), [])
        return ([by_id] if by_id else []) + [row for row in named_so if row is not by_id]

    def alike(self, reference: str) -> list[str]:
        """Return the names or addresses that only look like C(reference), see C(look)."""
        keys = self._by_look.get(look(reference), ())
        return [str(self._by_key[key][0][self.kind.key]) for key in keys if key != self._folded(reference)]

    def near(self, reference: str) -> list[str]:
        """Return up to three names similar to C(reference), for a message.

        Of addresses the local part counts, and the rest only between equal local parts.
        """

        def compared(name: str) -> str:
            return (name.partition("@")[0] if self.kind.key == "email" else name).lower()

        folded = self._folded(reference)
        keys: dict[str, list[str]] = defaultdict(list)
        for key in self._by_key:
            keys[compared(key)].append(key)
        close = difflib.get_close_matches(compared(reference), keys, n=3, cutoff=0.75)
        nearest = [key for name in close for key in difflib.get_close_matches(folded, keys[name], n=3, cutoff=0)]
        return [str(self._by_key[key][0][self.kind.key]) for key in nearest[:3]]

    def holders(self, rows: Iterable[Row]) -> dict[str, list[Row]]:
        """Return all rows by key, for each e-mail address (in lower case) or name among C(rows)."""
        keys = [row.get(self.kind.key) for row in rows]
        folded = dict.fromkeys(self._folded(key) for key in keys if isinstance(key, str))
        return {key: self._by_key[key] for key in folded if key in self._by_key}

    def assuming(self, ids: Iterable[str]) -> Index:
        """Return an index that also holds these ids, assumed to exist; a complete index needs no assumptions."""
        if self.complete:
            return self
        return Index(self.kind, [*({"id": one} for one in ids), *self.by_id.values()], complete=False)

    def replacing(self, rows: Iterable[Row]) -> Index:
        """Return an index in which these rows replace the rows of the same ids."""
        newer = {row["id"].lower(): row for row in rows}
        return Index(self.kind, {**self.by_id, **newer}.values(), self.complete)

    @cached_property
    def _by_look(self) -> dict[str, list[str]]:
        """The keys by what they look like."""
        by_look: dict[str, list[str]] = defaultdict(list)
        for key in self._by_key:
            by_look[look(key)].append(key)
        return by_look

    def _folded(self, key: str) -> str:
        return folded_email(key) if self.kind.key == "email" else key


class Resolver:
    """Resolves references to rows, and collects the problems of a task, to report all of them at once."""

    def __init__(self) -> None:
        self._problems: dict[tuple[str, str], dict[str, Any]] = {}
        self._missing_so: set[tuple[str, str]] = set()
        self._comparisons_left = _COMPARISONS

    def find(self, reference: str, *indexes: Index, called: str = "") -> Row | None:
        """Return the row that C(reference) means in all indexes together, or C(None) and keep a problem.

        :param called: what the reference is in a problem, by default the resource type.
        """
        found = {row["id"].lower(): row for index in reversed(indexes) for row in index.matches(reference)}
        if len(found) == 1:
            return next(iter(found.values()))
        if found:
            self._ambiguous(reference, indexes[-1].kind, list(found.values()))
        else:
            self._missing(reference, called, indexes)
        return None

    def find_all(self, references: Iterable[str], *indexes: Index) -> list[Row]:
        """Return the rows that the references mean, each once, and keep the problems of the others."""
        rows = [self.find(reference, *indexes) for reference in references]
        return list({row["id"].lower(): row for row in rows if row is not None}.values())

    def group(
        self, entries: Iterable[Item], reference: Callable[[Item], str], index: Index
    ) -> list[tuple[Row, list[Item]]]:
        """Return the rows that entries refer to, each with its entries, and keep the problems of the others.

        :param reference: returns the reference of an entry.
        """
        by_id: dict[str, tuple[Row, list[Item]]] = {}
        for entry in entries:
            row = self.find(reference(entry), index)
            if row is not None:
                by_id.setdefault(row["id"], (row, []))[1].append(entry)
        return list(by_id.values())

    def find_each(self, reference: str, indexes: Sequence[Index], called: str) -> list[Row | None]:
        """Return the row that C(reference) means in each index, C(None) for an index without it.

        It is a problem if no index holds it; C(called) is the name of the reference in that problem.
        """
        held = [bool(index.matches(reference)) for index in indexes]
        if indexes and not any(held):
            self.find(reference, *indexes, called=called)
        pairs = zip(indexes, held, strict=True)
        return [self.find(reference, index) if is_held else None for index, is_held in pairs]

    def report(self, reference: str, reason: str, message: str, **facts: Any) -> None:
        """Keep a problem with C(reference): C(reason) is a word for programs, C(message) a clause for people."""
        problem = {"reference": reference, "reason": reason, "message": message, **facts}
        self._problems.setdefault((reference, message), problem)

    def check(self) -> None:
        """Raise C(LookupFailed) with the collected problems, if there are any."""
        if self._problems:
            raise LookupFailed(list(self._problems.values()))

    def _ambiguous(self, reference: str, kind: ResourceType, rows: list[Row]) -> None:
        candidates = [candidate(row) for row in rows]
        words = summarize(
            f"{printable(each['id'])} ({printable(each['status'] or each['name'])})" for each in candidates
        )
        held = "have the address" if kind.key == "email" else "are called"
        message = f"{len(rows)} {kind.many} {held} {printable(reference)!r}: {words}"
        self.report(reference, "ambiguous", message, candidates=candidates)

    def _missing(self, reference: str, called: str, indexes: Sequence[Index]) -> None:
        if (reference, called) in self._missing_so:
            return
        self._missing_so.add((reference, called))
        kind = indexes[-1].kind
        shown = repr(printable(reference))
        message = f"the {called} {shown} does not exist" if called else kind.missing(shown)
        if is_several(reference, lambda part: any(index.matches(part) for index in indexes)):
            things = "people" if kind.key == "email" else kind.name.replace("_", " ")
            self.report(reference, "several", f"{message} (this looks like several {things} in one text)", near=[])
            return
        near = self._near(reference, indexes)
        hints = [f"did you mean {' or '.join(repr(printable(name)) for name in near)}?"] if near else []
        if near and look(near[0]) == look(reference) and not f"{near[0]}{reference}".isascii():
            hints.append(f"It is written {spelled(near[0])}, not {spelled(reference)}")
        if kind.key == "email" and not is_uuid(reference) and "@" not in reference:
            hints.append("people are named by e-mail address or id, never by display name")
        known = [repr(printable(label(row))) for index in indexes for row in index.by_id.values()]
        if not near and kind.key != "email" and 0 < len(known) <= _FEW and all(index.complete for index in indexes):
            hints.append(f"there {'is' if len(known) == 1 else 'are'} {', '.join(sorted(known))}")
        hint = f" ({' '.join(hints)})" if hints else ""
        self.report(reference, "not_found", f"{message}{hint}", near=near)

    def _near(self, reference: str, indexes: Sequence[Index]) -> list[str]:
        if is_uuid(reference) or self._comparisons_left <= 0:
            return []
        self._comparisons_left -= sum(len(index.by_id) for index in indexes)
        found = [name for index in indexes for name in (*index.alike(reference), *index.near(reference))]
        return list(dict.fromkeys(found))[:3]


def candidate(row: Row) -> dict[str, Any]:
    """Return the members that distinguish rows of the same name."""
    return {"id": row["id"], "name": row.get("name"), "status": row.get("statusName")}


def ids_of(rows: Iterable[Row]) -> set[str]:
    """Return the ids of rows in lower case, as indexes hold them."""
    return {row["id"].lower() for row in rows}


def id_in(row: Row, name: str) -> str:
    """Return the id that a member of a row holds, in lower case; empty if it holds none."""
    value = member(row, name)
    return value.lower() if isinstance(value, str) else ""


def reference_to(row: Row, index: Index) -> str:
    """Return a reference that means this row only and can be written to a file: its key if unique, or else its id."""
    key = row.get(index.kind.key)
    meant = index.matches(key) if isinstance(key, str) and is_writable(key) else []
    return str(key) if [one["id"].lower() for one in meant] == [row["id"].lower()] else str(row["id"])


def label(row: Row) -> str:
    """Return the name of a row in results: its name, or its id if the record has no name."""
    return str(row.get("name") or row["id"])


def unique_labels(rows: Iterable[Row]) -> dict[str, str]:
    """Return the names of rows by id, each made unique by its id if several rows have the same name."""
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
    """Return items by the unique name of the row that C(thing) returns for each, see C(unique_labels)."""
    items = list(items)
    labels = unique_labels(map(thing, items))
    return {labels[thing(item)["id"]]: item for item in items}
