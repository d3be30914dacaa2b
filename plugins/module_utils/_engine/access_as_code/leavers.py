# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Leavers that the code still names: they are never given anything, and the plan says where the code names them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..._api.catalog import UserStatuses, person
from ..._api.text import UNCUT, printable
from ..core.lookup import Index, Row, folded_reference
from ..core.people import status_of
from ..core.tenant import Tenant


@dataclass(frozen=True)
class Leaver:
    """A place in the code that names a leaver.

    :param key: the same for all references to a person.
    :param reason: how the plan knows, for people.
    :param at: the file and line.
    """

    key: str
    name: str
    reason: str
    at: str


class Leavers:
    """The people who have left: those with an inactive status, and those that a proof of the role C(leaver) is about.

    :param proofs: its proofs, the latest last, each with the C(id) and C(email) of a person, its C(file) and C(date).
    """

    def __init__(self, proofs: Iterable[Mapping[str, Any]], statuses: UserStatuses, allow_inactive: bool) -> None:
        self._inactive = frozenset() if allow_inactive else statuses.inactive
        proofs = list(proofs)
        self._by_id = {proof["id"].lower(): proof for proof in proofs}
        self._by_email = {folded_reference(proof["email"]): proof for proof in proofs}
        self._found: dict[str, tuple[Row, str]] = {}

    @classmethod
    def of(cls, params: Mapping[str, Any], tenant: Tenant) -> Leavers:
        """Return the leavers of a task."""
        return cls((params["source"] or {}).get("proofs") or (), tenant.user_statuses, params["allow_inactive"])

    def has_left(self, reference: str, *indexes: Index) -> bool:
        """Return whether a person has left, and remember how that is known; false if it is unclear who is meant.

        :param indexes: where the person was looked up. The e-mail address of a proof counts only for an address that
            none of them knows, since somebody else may have it by now.
        """
        rows = [row for index in indexes for row in index.matches(reference)]
        key = folded_reference(reference)
        if not rows:
            proof = self._by_id.get(key) or self._by_email.get(key)
            reason = _proved(proof) if proof else ""
        elif len({row["id"].lower() for row in rows}) > 1:
            reason = ""
        else:
            reason = self._reason(rows)
        if reason:
            self._found[key] = (rows[0] if rows else {"id": reference}, reason)
        return bool(reason)

    def _reason(self, rows: Iterable[Row]) -> str:
        """Return how it is known that a person has left, empty if the person has not.

        :param rows: the records of the person, which may lack the status.
        """
        rows = list(rows)
        status = next(filter(None, map(status_of, rows)), None)
        if status in self._inactive:
            return f"the status is {status}"
        proof = self._by_id.get(rows[0]["id"].lower())
        back = f", but the status is {printable(status)}: move the proof away if the person is back" if status else ""
        return f"{_proved(proof)}{back}" if proof else ""

    def is_leaver(self, *records: Row) -> bool:
        """Return whether the person of these records has left."""
        return bool(self._reason(records))

    def is_known(self, reference: str, *indexes: Index) -> bool:
        """Return whether a person is in one of these lists, or is a leaver that C(has_left) found."""
        return folded_reference(reference) in self._found or any(index.matches(reference) for index in indexes)

    def named(self, references: Iterable[tuple[str, str]]) -> Iterator[Leaver]:
        """Yield the leavers that C(has_left) found among references, each of which comes with its file and line."""
        for reference, at in references:
            row, reason = self._found.get(folded_reference(reference), ({}, ""))
            if reason:
                yield Leaver(folded_reference(row["id"]), person(row), reason, at)


def leaver_lines(leavers: Iterable[Leaver]) -> list[str]:
    """Return a line for each person, with all places in the code."""
    by_person: dict[str, list[Leaver]] = {}
    for leaver in leavers:
        by_person.setdefault(leaver.key, []).append(leaver)
    return [
        f"{printable(places[0].name, UNCUT)}: left, remove from the code "
        f"({', '.join(dict.fromkeys(leaver.at for leaver in places))}); {places[0].reason}"
        for places in by_person.values()
    ]


def _proved(proof: Mapping[str, Any]) -> str:
    date = f" of {printable(proof['date'])}" if proof["date"] else ""
    return f"offboarded, see {printable(proof['file'])}{date}"
