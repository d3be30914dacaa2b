# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Memberships and access with a term: planned for later, ending soon, or expired; for the plan and for reports."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..._api.text import UNCUT, printable
from ..core.terms import TermState
from .named_people import NamedPerson


@dataclass(frozen=True)
class DatedAccess:
    """A membership or access with a term, as the code gives it.

    :param kind: C(group) or C(app).
    :param name: the name of the group or app.
    :param level: the permission level, as written; C(None) without one.
    :param is_held: whether the person has it now.
    :param is_known: whether the person is found, or has left by a proof.
    """

    person: NamedPerson
    kind: str
    name: str
    level: str | None = None
    is_held: bool = False
    is_known: bool = True

    def line(self, time: datetime) -> str:
        """Return the access as a line for people."""
        state = self.person.term.state_at(time)
        level = f" ({printable(self.level)})" if self.level else ""
        more = ", remove it from the code" if state is TermState.EXPIRED and not self.is_held else ""
        more = ", not found in the directory" if state is TermState.EXPIRED and not self.is_known else more
        more = ", and is there already" if state is TermState.PLANNED and self.is_held else more
        return (
            f"{printable(self.person.reference, UNCUT)} and the {self.kind} {printable(self.name, UNCUT)!r}{level}: "
            f"{self.person.term.describe(time)}{more} ({self.person.at})"
        )

    def as_result(self, time: datetime) -> dict[str, Any]:
        """Return the access as data."""
        term = self.person.term
        return {
            "user": self.person.reference,
            self.kind: self.name,
            **({"permission_level": self.level} if self.level else {}),
            **({"from": term.since} if term.since else {}),
            **({"until": term.until, "days_left": term.days_left(time)} if term.until else {}),
            "state": term.state_at(time).value,
            "held": self.is_held,
            "at": self.person.at,
        }


def expiry_of(person: NamedPerson) -> str:
    """Return when the term of a person expired, and where the code says it, for people."""
    return f"{printable(person.reference, UNCUT)} expired on {person.term.until} ({person.at})"


def undo_of_expiry(person: NamedPerson) -> str:
    """Return why a removal that time demanded is not undone."""
    return f"it expired on {person.term.until}; with a later `until` ({person.at}), a plan gives it back"


def notable(dated: Iterable[DatedAccess], time: datetime, days: int) -> list[DatedAccess]:
    """Return what people should know about: what is planned, what expired, and what expires within so many days."""
    return [
        access
        for access in dated
        if access.person.term.state_at(time) is not TermState.ACTIVE or _ends_within(access, time, days)
    ]


def ending(dated: Iterable[DatedAccess], time: datetime, days: int) -> list[DatedAccess]:
    """Return what ended, or ends within so many days, what ends first at the beginning."""
    found = [access for access in dated if _ends_within(access, time, days)]
    return sorted(found, key=lambda access: (str(access.person.term.end), access.kind, access.name, access.person.at))


def _ends_within(access: DatedAccess, time: datetime, days: int) -> bool:
    left = access.person.term.days_left(time)
    return left is not None and left <= days
