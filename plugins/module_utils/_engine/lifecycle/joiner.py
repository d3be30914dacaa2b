# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The outcome for a person who joins, as lines for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._api.text import printable


def lines_of(user: Mapping[str, Any], joined: Mapping[str, Any], requested: Mapping[str, Any]) -> list[str]:
    """Return a line for each group that the person joins, with the apps it gives, and for each app requested besides.

    :param user: the person, with C(email).
    :param joined: the result of C(cakewalk_group_member), or empty.
    :param requested: the result of C(cakewalk_app_access), or empty.
    """
    added = [entry for entry in joined.get("memberships") or () if entry["added"]]
    lines = [f"joins {entry['group']}{_following(entry['default_apps'])}" for entry in added]
    lines += [
        f"{decision['outcome']}: {entry['app']}{_level(decision['permission_level'])}"
        for entry in requested.get("accesses") or ()
        for decision in entry["users"]
    ]
    return [printable(f"{user['email']}: {line}") for line in lines or ["nothing changes"]]


def _following(apps: list[str]) -> str:
    return f", from which follows access to {', '.join(apps)}" if apps else ", from which no access follows"


def _level(level: str | None) -> str:
    return f" ({level})" if level else ""
