# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which accesses are privileged: those whose level says so, and those that the option C(privileged) names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..._api.catalog import APPS, folded
from ..._api.errors import ConfigurationError
from ..._api.text import printable
from ..core.lookup import Index, Resolver, Row

MARKED, NAMED, UNKNOWN, ORDINARY = "marked", "named", "unknown", "no"


class Privileged:
    """What counts as privileged.

    :param rules: entries of the option: an app, a permission level, or a level of an app; by id or exact name, names of
        levels of any ASCII case.
    :raises ConfigurationError: an entry names nothing.
    :raises LookupFailed: an app does not exist, or several have its name: what it was to point out would be missed.
    """

    def __init__(self, rules: Sequence[Mapping[str, Any]], apps: Sequence[Row]) -> None:
        finder, register = Resolver(), Index(APPS, apps)
        self._rules: list[tuple[str | None, str | None]] = []
        self._unused: dict[int, str] = {}
        for number, rule in enumerate(rules):
            name, level = rule["app"], rule["permission_level"]
            if name is None and level is None:
                raise ConfigurationError(
                    "use privileged",
                    f"entry {number} names neither an app nor a permission level",
                    "Name one of them, or both.",
                    option="privileged",
                )
            app = None if name is None else finder.find(name, register)
            wanted = None if level is None else folded(level)
            self._rules.append((None if app is None else str(app["id"]).lower(), wanted))
            self._unused[number] = " of ".join(repr(printable(one)) for one in (level, name) if one is not None)
        finder.check()

    def verdict(self, app: Row, level: Row | None) -> str:
        """Return why an access is privileged: its level is C(marked) as such by the service, it is C(named) by a rule,
        or C(unknown) if the level does not tell. C(no) if it is not."""
        fitting = [number for number in range(len(self._rules)) if self._fits(number, app, level)]
        told = None if level is None else level.get("isPrivileged")
        if told is True:
            return MARKED
        if fitting:
            return NAMED
        return ORDINARY if level is None or told is False else UNKNOWN

    @property
    def unused(self) -> list[str]:
        """The rules that fitted no access so far, in words."""
        return list(self._unused.values())

    def _fits(self, number: int, app: Row, level: Row | None) -> bool:
        app_id, wanted = self._rules[number]
        names = {folded(str(level[name])) for name in ("id", "name") if level and level.get(name)}
        fits = app_id in (None, app["id"].lower()) and (wanted is None or wanted in names)
        if fits:
            self._unused.pop(number, None)
        return fits
