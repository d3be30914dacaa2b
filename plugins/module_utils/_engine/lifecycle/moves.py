# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The moves of a task: who joins and leaves which groups, and the access that this changes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..._api.catalog import GROUPS, accesses, named, person
from ..._api.errors import ConfigurationError
from ..._api.text import printable, summarize
from ..core.entries import check_addresses, entries_of
from ..core.guardrails import check_bypass
from ..core.lookup import Resolver, Row, ids_of, label
from ..core.people import acting_user
from ..core.tenant import Tenant
from ..core.wait import check_timeout
from ..groups.membership import MembershipChange, MembershipEntry
from .people_result import named_rows


@dataclass(frozen=True)
class AccessDelta:
    """Apps that a move affects.

    :param gains: only the new groups give the app, and the person has no access to it.
    :param keeps: old and new groups give the app.
    :param may_lose: only the old groups give the app, and the person has access to it.
    :param required: the new groups give the app, whether the person has access to it or not.
    :param missing: required apps to which the person has no access.
    """

    gains: list[Row]
    keeps: list[Row]
    may_lose: list[Row]
    required: list[Row]
    missing: list[Row]

    def as_result(self) -> dict[str, Any]:
        """Return the apps as modules return them, by id and name."""
        lists = {"gains": self.gains, "keeps": self.keeps, "may_lose": self.may_lose, "required": self.required}
        return {name: named_rows(apps) for name, apps in lists.items()}


def access_delta(
    user: Row, joined: Iterable[Row], left: Iterable[Row], holders: Mapping[str, Collection[str]]
) -> AccessDelta:
    """Return the access that a move changes.

    :param joined: default apps of the groups to join.
    :param left: default apps of the groups to leave.
    :param holders: the ids of the people with access to each of these apps, by the id of the app, all in lower case.
    """
    new, old = ({app["id"].lower(): app for app in apps} for apps in (joined, left))
    held = {app_id for app_id in {**new, **old} if user["id"].lower() in holders[app_id]}
    return AccessDelta(
        gains=[new[app_id] for app_id in sorted(new.keys() - old.keys() - held)],
        keeps=[new[app_id] for app_id in sorted(new.keys() & old.keys())],
        may_lose=[old[app_id] for app_id in sorted((old.keys() - new.keys()) & held)],
        required=[new[app_id] for app_id in sorted(new)],
        missing=[new[app_id] for app_id in sorted(new.keys() - held)],
    )


@dataclass(frozen=True)
class Move:
    """A person who moves.

    :param joins: the groups to be in afterwards.
    :param leaves: the groups not to be in afterwards.
    :param added: the groups to which the person must be added.
    :param removed: the groups from which the person must be removed.
    :param given: the ids of the apps that C(added) give, in lower case: being added opens requests for these.
    """

    user: Row
    joins: list[Row]
    leaves: list[Row]
    added: list[Row] = field(default_factory=list)
    removed: list[Row] = field(default_factory=list)
    given: frozenset[str] = frozenset()
    delta: AccessDelta = field(default_factory=lambda: AccessDelta([], [], [], [], []))

    @property
    def id(self) -> str:
        """The id of the person, in lower case."""
        return str(self.user["id"]).lower()

    def lines(self) -> list[str]:
        """Return the move for people, a line for each group and app."""
        removed = ids_of(self.removed)
        parts = [
            *(f"joins {label(group)}" for group in self.added),
            *(f"leaves {label(group)}" for group in self.removed),
            *(f"is not a member of {label(group)}" for group in self.leaves if group["id"].lower() not in removed),
            *(f"is to gain {label(app)}" for app in self.delta.gains),
            *(f"keeps {label(app)}, which old and new groups give" for app in self.delta.keeps),
            *(f"may lose {label(app)}, which only old groups give" for app in self.delta.may_lose),
        ]
        return [printable(f"{person(self.user)}: {part}") for part in parts or ["nothing changes"]]


def check_options(params: Mapping[str, Any]) -> None:
    """Check the options of a task before anything is read.

    :raises ConfigurationError: with all problems of all people.
    """
    check_timeout(params["wait_timeout"])
    if params["implicitly_approve_requests"]:
        check_bypass("implicitly_approve_requests", params["bypass_reason"])
    if not params["journal_path"]:
        raise ConfigurationError(
            "record what is written",
            "`journal_path` is not set",
            "Set `journal_path` (`mover_record_path` in the role) to the absolute path of a file.",
            option="journal_path",
        )
    entries = entries_of(params, "people", "user")
    if not entries:
        raise ConfigurationError("find the people who move", "people is empty", "Name them.", option="people")
    check_addresses([entry["user"] for entry in entries], "user")
    problems = []
    for entry in entries:
        groups = [*_groups_of(entry, params, "joins"), *_groups_of(entry, params, "leaves")]
        if not entry["user"].strip():
            problems.append("a user is blank")
        elif not groups or not all(name.strip() for name in groups):
            problems.append(f"{printable(entry['user'])}: no group is named, or a blank one")
    if problems:
        raise ConfigurationError(
            "move people between groups",
            summarize(problems, separator="; "),
            "Name each person, and the groups to join or to leave.",
            option="joins",
        )


def moves_of(params: Mapping[str, Any], tenant: Tenant) -> tuple[list[Move], Row]:
    """Return the moves of a task, without what they change, and the acting user.

    :raises LookupFailed: people or groups do not exist or are ambiguous; with all of them.
    :raises ConfigurationError: people are named twice, or are to join and to leave a group, or the acting user may not
        act.
    """
    entries = entries_of(params, "people", "user")
    pairs = [(_groups_of(entry, params, "joins"), _groups_of(entry, params, "leaves")) for entry in entries]
    references = [*(entry["user"] for entry in entries), *filter(None, [params["acting_user"]])]
    people = tenant.people(list(dict.fromkeys(references)))
    names = list(dict.fromkeys(name for joins, leaves in pairs for name in [*joins, *leaves]))
    groups, resolver = tenant.index(GROUPS, names), Resolver()
    moves = []
    for entry, (joins, leaves) in zip(entries, pairs, strict=True):
        user = resolver.find(entry["user"], people)
        move = Move(user or {"id": ""}, resolver.find_all(joins, groups), resolver.find_all(leaves, groups))
        moves.append(move)
    actor = acting_user(params["acting_user"], people, tenant, resolver)
    problems = list(_contradictions(moves))
    if problems:
        raise ConfigurationError(
            "move people between groups",
            summarize(problems, separator="; "),
            "Nothing was changed. Name each person once, and each group in one of the lists.",
            option="people",
        )
    return moves, actor


def _contradictions(moves: Iterable[Move]) -> Iterator[str]:
    seen: set[str] = set()
    for move in moves:
        if move.id in seen:
            yield f"{printable(person(move.user))} is named twice"
        seen.add(move.id)
        both = ids_of(move.joins) & ids_of(move.leaves)
        if both:
            groups = summarize(named(group) for group in move.joins if group["id"].lower() in both)
            yield f"{printable(person(move.user))} should be a member of {groups}, and should not be one"


def _groups_of(entry: Mapping[str, Any], params: Mapping[str, Any], option: str) -> list[str]:
    return list(entry[option] if entry[option] is not None else params[option] or ())


def memberships(moves: Iterable[Move]) -> list[MembershipEntry]:
    """Return the memberships that moves want, two entries at most for a group."""
    users: dict[tuple[str, str], list[str]] = {}
    for move in moves:
        for state, groups in (("present", move.joins), ("absent", move.leaves)):
            for group in groups:
                users.setdefault((group["id"], state), []).append(move.user["id"])
    return [MembershipEntry(group_id, tuple(ids), state) for (group_id, state), ids in users.items()]


def completed(
    moves: Iterable[Move], changes: Sequence[MembershipChange], apps: Mapping[str, Sequence[Row]], tenant: Tenant
) -> list[Move]:
    """Return moves with what they change: memberships, and access to the apps that the groups give."""
    by_id = {app["id"].lower(): app for rows in apps.values() for app in rows}
    rows_of = zip(by_id, tenant.read(map(accesses, by_id.values())), strict=True)
    holders = {app_id: ids_of(row["user"] for row in rows) for app_id, rows in rows_of}
    change_of = {change.group["id"].lower(): change for change in changes}
    completed = []
    for move in moves:
        joins, leaves = ([change_of[group["id"].lower()] for group in groups] for groups in (move.joins, move.leaves))
        joined = [app for change in joins for app in apps[change.group["id"]]]
        left = [app for change in leaves for app in apps[change.group["id"]]]
        added = [change.group for change in joins if move.id in ids_of(change.added)]
        given = frozenset(ids_of(app for group in added for app in apps[group["id"]]))
        removed = [change.group for change in leaves if move.id in ids_of(change.removed)]
        delta = access_delta(move.user, joined, left, holders)
        completed.append(replace(move, added=added, removed=removed, given=given, delta=delta))
    return completed
