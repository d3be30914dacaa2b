# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accesses that are listed late, so that waiting for them can be tested without real time."""

from __future__ import annotations

from dataclasses import dataclass

from .records import App

_READINGS = 3


@dataclass(slots=True)
class _Old:
    """What a list still shows of somebody, and how often it was read meanwhile."""

    levels: list[str | None]
    readings: int = 0


class Late:
    """What the lists of accesses still show of people whose access has changed; all others show as they are."""

    def __init__(self) -> None:
        self._old: dict[str, dict[str, _Old]] = {}

    def keep(self, app: App, user_id: str) -> None:
        """Go on showing what somebody has of an app now, until its accesses are read for the third time."""
        kept = self._old.setdefault(app.id, {})
        shown = kept[user_id].levels if user_id in kept else list(app.accesses.get(user_id, ()))
        kept[user_id] = _Old(shown)

    def forget(self, app: App, user_id: str) -> None:
        """Show from now on what somebody really has."""
        self._old.get(app.id, {}).pop(user_id, None)

    def listed(self, app: App, anew: bool) -> dict[str, list[str | None]]:
        """Return by person the levels that a list shows.

        :param anew: whether this is a first page; the others belong to the same reading.
        """
        kept = self._old.get(app.id)
        if not kept:
            return app.accesses
        if anew:
            for user_id, old in list(kept.items()):
                old.readings += 1
                if old.readings == _READINGS:
                    del kept[user_id]
        return {**app.accesses, **{user_id: _existing(app, old.levels) for user_id, old in kept.items()}}


def _existing(app: App, level_ids: list[str | None]) -> list[str | None]:
    return [level_id for level_id in level_ids if level_id is None or level_id in app.levels]
