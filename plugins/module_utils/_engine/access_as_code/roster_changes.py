# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The changes since the roster that was applied last, which a copy keeps together with its tenant and its time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar

from ..._api.errors import CakewalkError
from ..._api.text import printable
from ..core.lookup import folded_reference
from ..core.timestamps import moment, utc
from ..storage.ledger import check_tenant
from .roster import Roster, RosterRow, rules_of, same_address
from .source import SourceCode

Item = TypeVar("Item")

_SHRANK = "Nothing was changed. Check that the file is complete. If it is, raise `max_roster_shrink`."


class RosterShrank(CakewalkError):
    """The roster lacks more people than a run may lose."""

    kind = "roster_shrank"


@dataclass(frozen=True)
class RosterCopy:
    """A roster that was applied.

    :param base_url: as C(address_of) returns it.
    :param anchors: ids of apps of its tenant, in lower case.
    :param time: when it was applied.
    """

    roster: Roster
    base_url: str
    anchors: tuple[str, ...]
    time: datetime

    @classmethod
    def of(cls, data: Any) -> RosterCopy:
        """Return the copy in a document, or raise C(ValueError) with a clause for people."""
        try:
            roster, time = Roster.of({name: data[name] for name in ("columns", "rows")}), moment(data["time"])
            if roster is None or time is None or not roster.rows:
                raise ValueError
            copy = cls(roster, data["base_url"], tuple(data["anchors"]), time)
            values = [value for row in roster.rows for value in (row.email, row.at, *row.fields.values())]
            if not all(isinstance(text, str) for text in (copy.base_url, *copy.anchors, *roster.columns, *values)):
                raise ValueError
            # Whether dates are valid shows only where they are used.
            roster.working(time)
        except (AttributeError, LookupError, TypeError, ValueError):
            raise ValueError("it is not a copy of a roster") from None
        return copy

    def as_data(self) -> dict[str, Any]:
        """Return the copy as the document that C(of) takes."""
        return {
            "base_url": self.base_url,
            "anchors": list(self.anchors),
            "time": utc(self.time),
            "columns": list(self.roster.columns),
            "rows": [{**vars(row), "fields": dict(row.fields)} for row in self.roster.rows],
        }

    @cached_property
    def working(self) -> dict[str, RosterRow]:
        """The people who were with the company when the roster was applied, by address, see C(same_address)."""
        return self.roster.working(self.time)

    def check_tenant(self, path: str, base_url: str, app_ids: Collection[str]) -> None:
        """Refuse the copy of another tenant.

        :param path: of the copy.
        :raises WrongTenant: see C(check_tenant).
        """
        check_tenant(
            (self.base_url, self.anchors),
            (base_url, app_ids),
            f"use the roster copy {printable(path)!r}",
            "Give each tenant a copy of its own (`roster_copy_path`). If this is the same tenant after all, move the "
            "copy away: the next run that applies the roster begins a new one.",
            path,
        )

    def check_shrink(self, roster: Roster, limit: int, time: datetime) -> None:
        """Refuse a later roster that lacks many of the people who should be with the company by this one.

        People whose end was known already are not missing. People whose end was moved before C(time) are.

        :param limit: how many percent may be missing.
        :raises RosterShrank: more are missing.
        """
        expected, there = self.working.keys() & self.roster.working(time).keys(), roster.working(time)
        missing = sorted(self.working[email].email for email in expected if email not in there)
        if len(missing) * 100 > limit * len(expected):
            are = "is missing or ends" if len(missing) == 1 else "are missing or end"
            raise RosterShrank(
                "use the roster",
                f"compared with the roster that was applied last, {len(missing)} of {len(expected)} people {are} "
                f"earlier, more than {limit} %",
                _SHRANK,
                missing=missing,
            )


@dataclass(frozen=True)
class RosterChanges:
    """The people who joined, moved and left between two rosters, as the modules of these names take them.

    :param losing: the people in both rosters who lose a group or access by the rules, or who newly must not have it.
    :param without_row: the leavers whose row is gone, so that nothing says any more when their access ends.
    """

    joiners: Sequence[Mapping[str, Any]]
    movers: Sequence[Mapping[str, Any]]
    leavers: Sequence[Mapping[str, Any]]
    losing: Sequence[str]
    without_row: Sequence[str]

    def as_result(self) -> dict[str, Any]:
        """Return the lists for the modules."""
        return {"joiners": self.joiners, "movers": self.movers, "leavers": self.leavers}

    def check_losses(self, before: RosterCopy, limit: int) -> None:
        """Refuse a roster by which many people lose something, since a column may have been lost.

        :raises RosterShrank: more than C(limit) percent of the people in the earlier roster do.
        """
        people = len(before.working)
        if len(self.losing) * 100 > limit * people:
            raise RosterShrank(
                "use the roster",
                f"its rules give {len(self.losing)} of {people} people less than before, more than {limit} %",
                _SHRANK,
                missing=sorted(self.losing),
            )


@dataclass
class _ByRules:
    """The groups and access that the rules give a person.

    :param absences: access that the person must not have.
    """

    groups: list[str] = field(default_factory=list)
    accesses: list[dict[str, str]] = field(default_factory=list)
    absences: list[dict[str, str]] = field(default_factory=list)

    def loses(self, later: _ByRules) -> bool:
        """Return whether rules take more from the person later, or give less."""
        given = _without(self.groups, later.groups), _without(self.accesses, later.accesses)
        return any(given) or bool(_without(later.absences, self.absences))


def changes_between(code: SourceCode, before: RosterCopy, roster: Roster, time: datetime) -> RosterChanges:
    """Return what changed for people, by the rules of the code as it is now.

    Listed people are no change: their entries did not change with the roster. People who start later are no joiners.

    :param code: the code as written, without the people who fit its rules.
    :param time: when people are with the company by the later roster.
    """
    old, new = _by_person(code, before.roster), _by_person(code, roster)
    working = roster.working(time)
    joiners, movers, losing = [], [], []
    for email, row in working.items():
        now = new[email]
        if email not in before.working:
            joiners.append({"user": row.email, "groups": now.groups, "accesses": now.accesses})
            continue
        joins, leaves = _without(now.groups, old[email].groups), _without(old[email].groups, now.groups)
        if joins or leaves:
            movers.append({"user": row.email, "joins": joins, "leaves": leaves})
        if old[email].loses(now):
            losing.append(row.email)
    gone = {email: row.email for email, row in before.working.items() if email not in working}
    leavers = [{"user": email, "confirm": email} for email in gone.values()]
    rows = {same_address(row.email) for row in roster.rows}
    without_row = [written for email, written in gone.items() if email not in rows]
    return RosterChanges(joiners, movers, leavers, losing, without_row)


def _by_person(code: SourceCode, roster: Roster) -> dict[str, _ByRules]:
    """Return the groups and access that the rules give each person, by address, see C(same_address)."""
    found = {same_address(row.email): _ByRules() for row in roster.rows}
    for section, rule in rules_of(code):
        data = rule.entry.data
        absent = set(map(folded_reference, data.get("absent") or ()))
        for row in rule.people(roster):
            if folded_reference(row.email) in absent:
                continue
            person = found[same_address(row.email)]
            if section == "groups":
                person.groups.append(data["group"])
                continue
            level = data["permission_level"]
            access = {"app": data["app"], **({"permission_level": level} if level else {})}
            (person.absences if data["state"] == "absent" else person.accesses).append(access)
    return found


def _without(items: Iterable[Item], others: Collection[Item]) -> list[Item]:
    return [item for item in items if item not in others]
