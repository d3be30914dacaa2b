# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves from groups to other groups: the access that a person gains and loses."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._api.catalog import accesses, default_apps, is_synced, person
from ..._api.errors import ConfigurationError
from ..._api.text import printable
from ..core.lookup import Row, ids_of, label
from ..core.tenant import Tenant
from ..groups.membership import MembershipChange, MembershipEntry, refuse_groups

Entry = dict[str, Any]


def entries_of_move(params: Mapping[str, Any]) -> list[MembershipEntry]:
    """Return an entry for each group of a move.

    :raises ConfigurationError: no group is named, or a name is blank.
    """
    named = [*params["joins"], *params["leaves"]]
    if not named or not all(name.strip() for name in named):
        raise ConfigurationError(
            f"move {printable(params['user'])}",
            "no group is named, or a blank one",
            "Name the groups to join, or those to leave.",
            option="joins",
        )
    users = (params["user"],)
    return [
        *(MembershipEntry(group, users, "present") for group in params["joins"]),
        *(MembershipEntry(group, users, "absent") for group in params["leaves"]),
    ]


@dataclass(frozen=True)
class AccessDelta:
    """Apps that a move affects, by id and name.

    :param gains: only the new groups give the app, and the person has no access to it.
    :param shared: old and new groups give the app.
    :param loses: only the old groups give the app, and the person has access to it.
    :param required: the new groups give the app, whether the person has access to it or not.
    """

    gains: list[Entry]
    shared: list[Entry]
    loses: list[Entry]
    required: list[Entry]


def access_delta(
    user: Row, joined: Iterable[Row], left: Iterable[Row], holders: Mapping[str, Sequence[Row]]
) -> AccessDelta:
    """Return the access that a move changes.

    :param joined: default apps of the groups to join.
    :param left: default apps of the groups to leave.
    :param holders: the access rows of each of these apps, by the id of the app.
    """
    new, old = ({app["id"].lower(): app for app in apps} for apps in (joined, left))
    held = {app_id for app_id, rows in holders.items() if user["id"].lower() in ids_of(row["user"] for row in rows)}
    return AccessDelta(
        gains=_entries(new, new.keys() - old.keys() - held),
        shared=_entries(new, new.keys() & old.keys()),
        loses=_entries(old, (old.keys() - new.keys()) & held),
        required=_entries(new, new.keys()),
    )


def read_access_delta(tenant: Tenant, user: Row, changes: Sequence[MembershipChange]) -> AccessDelta:
    """Read the apps that the groups of a move give, and the people who have access to them."""
    with_apps = list(zip(changes, tenant.read(default_apps(change.group) for change in changes), strict=True))
    joined = [app for change, rows in with_apps if not _is_left(change) for app in rows]
    left = [app for change, rows in with_apps if _is_left(change) for app in rows]
    apps = {app["id"].lower(): app for app in [*joined, *left]}
    holders = dict(zip(apps, tenant.read(map(accesses, apps.values())), strict=True))
    return access_delta(user, joined, left, holders)


def _is_left(change: MembershipChange) -> bool:
    """Return whether the person leaves the group, or left it before."""
    return bool(change.removed or change.not_members)


def refuse_synced(changes: Iterable[MembershipChange]) -> None:
    """Raise C(LimitExceeded) if a person would be removed from a group whose record shows that it is synced."""
    refuse_groups(
        [change.group for change in changes if change.removed and is_synced(change.group)],
        "remove people from",
        "another directory decides who is a member of a synced group",
        "Take the person out there",
    )


def lines(user: Row, changes: Sequence[MembershipChange], delta: AccessDelta) -> list[str]:
    """Return a move for people, a line for each group and app."""
    parts = [
        *(f"joins {label(change.group)}" for change in changes if change.added),
        *(f"leaves {label(change.group)}" for change in changes if change.removed),
        *(f"is no member of {label(change.group)}" for change in changes if change.not_members),
        *(f"is to gain {app['name']}" for app in delta.gains),
        *(f"keeps {app['name']}, which old and new groups give" for app in delta.shared),
        *(f"may lose {app['name']}, which only old groups give" for app in delta.loses),
    ]
    return [printable(f"{person(user)}: {part}") for part in parts or ["nothing changes"]]


def _entries(apps: Mapping[str, Row], ids: Collection[str]) -> list[Entry]:
    return [{"id": app_id, "name": label(apps[app_id])} for app_id in sorted(ids)]
