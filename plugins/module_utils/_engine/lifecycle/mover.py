# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody gains and loses by moving from some groups to others."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._api.catalog import accesses, default_apps, is_synced
from ..._api.errors import ConfigurationError
from ..._api.text import printable
from ..core.lookup import Row, ids_of, label, person
from ..core.tenant import Tenant
from ..groups.membership import MembershipChange, MembershipEntry, refuse_groups

Entry = dict[str, Any]


def claims_of(params: Mapping[str, Any]) -> list[MembershipEntry]:
    """Return what a move says of groups.

    :raises ConfigurationError: it names no group, or a blank one.
    """
    named = [*params["joins"], *params["leaves"]]
    if not named or not all(name.strip() for name in named):
        raise ConfigurationError(
            f"move {printable(params['user'])}",
            "no group is named, or a blank one",
            "Name the groups to join, or those to leave.",
            option="joins",
        )
    who = (params["user"],)
    return [
        *(MembershipEntry(group, who, "present") for group in params["joins"]),
        *(MembershipEntry(group, who, "absent") for group in params["leaves"]),
    ]


@dataclass(frozen=True)
class AccessDelta:
    """What a move changes in what the groups give: apps by id and name, each in one of these lists or in none.

    :param gains: given by the new groups alone, and not held.
    :param shared: given by old and new groups.
    :param loses: given by the old groups alone, and held: what the removal is to take away.
    :param required: given by the new groups, whether held or not.
    """

    gains: list[Entry]
    shared: list[Entry]
    loses: list[Entry]
    required: list[Entry]


def access_delta(
    who: Row, given: Iterable[Row], taken: Iterable[Row], holders: Mapping[str, Sequence[Row]]
) -> AccessDelta:
    """Return what a move changes.

    :param given: default apps of the groups to join.
    :param taken: those of the groups to leave.
    :param holders: by id the accesses of each of these apps.
    """
    new, old = ({app["id"].lower(): app for app in apps} for apps in (given, taken))
    held = {one for one, rows in holders.items() if who["id"].lower() in ids_of(row["user"] for row in rows)}
    return AccessDelta(
        gains=_entries(new, new.keys() - old.keys() - held),
        shared=_entries(new, new.keys() & old.keys()),
        loses=_entries(old, (old.keys() - new.keys()) & held),
        required=_entries(new, new.keys()),
    )


def read_access_delta(tenant: Tenant, who: Row, edits: Sequence[MembershipChange]) -> AccessDelta:
    """Read what the groups of a move give, and who has it."""
    found = list(zip(edits, tenant.read(default_apps(edit.group) for edit in edits), strict=True))
    given = [app for edit, rows in found if not _is_left(edit) for app in rows]
    taken = [app for edit, rows in found if _is_left(edit) for app in rows]
    apps = {app["id"].lower(): app for app in [*given, *taken]}
    holders = dict(zip(apps, tenant.read(map(accesses, apps.values())), strict=True))
    return access_delta(who, given, taken, holders)


def _is_left(edit: MembershipChange) -> bool:
    """Tell whether the group is one to leave, be it that the person left it before."""
    return bool(edit.removed or edit.not_members)


def refuse_synced(edits: Iterable[MembershipChange]) -> None:
    """Refuse to take somebody out of a group whose record shows that it is synced, before anybody joins another.

    :raises RailHit: somebody would be removed from such a group.
    """
    refuse_groups(
        [edit.group for edit in edits if edit.removed and is_synced(edit.group)],
        "remove people from",
        "another directory decides who is a member of a synced group",
        "Take the person out there",
    )


def lines(who: Row, memberships: Sequence[MembershipChange], change: AccessDelta) -> list[str]:
    """Return a move for people to read, a line for each thing that changes."""
    told = [
        *(f"joins {label(edit.group)}" for edit in memberships if edit.added),
        *(f"leaves {label(edit.group)}" for edit in memberships if edit.removed),
        *(f"is no member of {label(edit.group)}" for edit in memberships if edit.not_members),
        *(f"is to gain {app['name']}" for app in change.gains),
        *(f"keeps {app['name']}, which old and new groups give" for app in change.shared),
        *(f"may lose {app['name']}, which only old groups give" for app in change.loses),
    ]
    return [printable(f"{person(who)}: {one}") for one in told or ["nothing changes"]]


def _entries(apps: Mapping[str, Row], ids: Collection[str]) -> list[Entry]:
    return [{"id": one, "name": label(apps[one])} for one in sorted(ids)]
