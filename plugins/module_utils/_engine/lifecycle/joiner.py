# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of somebody who joins, or moves, in words for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._api.text import printable


def lines_of(who: Mapping[str, Any], joined: Mapping[str, Any], asked: Mapping[str, Any]) -> list[str]:
    """Return a line for each group that somebody is added to, each app that follows from it, and each extra access.

    :param who: with the C(email) of the person.
    :param joined: what C(cakewalk_group_member) returned, or nothing.
    :param asked: what C(cakewalk_app_access) returned, or nothing.
    """
    added = [entry for entry in joined.get("memberships") or () if entry["added"]]
    told = [f"joins {entry['group']}{_following(entry['default_apps'])}" for entry in added]
    told += [
        f"{user['outcome']}: {entry['app']}{_level(user['permission_level'])}"
        for entry in asked.get("accesses") or ()
        for user in entry["users"]
    ]
    return [printable(f"{who['email']}: {one}") for one in told or ["nothing changes"]]


def _following(apps: list[str]) -> str:
    return f", from which follows access to {', '.join(apps)}" if apps else ", from which no access follows"


def _level(level: str | None) -> str:
    return f" ({level})" if level else ""
