# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide which access is privileged: that of marked permission levels, and that of the option C(privileged)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..._api.catalog import APPS, folded
from ..._api.errors import ConfigurationError
from ..._api.text import printable
from ..core.lookup import Index, Resolver, Row

MARKED, NAMED, UNKNOWN, ORDINARY = "marked", "named", "unknown", "no"


def check_rules(rules: Sequence[Mapping[str, Any]]) -> None:
    """Refuse rules that can match nothing, before the tenant is read.

    :raises ConfigurationError: an entry names nothing, or a blank permission level.
    """
    for number, rule in enumerate(rules):
        name, level = rule["app"], rule["permission_level"]
        if level is not None and not level.strip():
            cause = f"entry {number} names a blank permission level"
        elif name is None and level is None:
            cause = f"entry {number} names neither an app nor a permission level"
        else:
            continue
        hint = "Name an app, a permission level, or both. Leave out what is not meant."
        raise ConfigurationError("use privileged", cause, hint, option="privileged")


class Privileged:
    """The rules that decide which access is privileged.

    :param rules: entries of the option: an app, a permission level, or a level of an app. Apps are named by id or exact
        name, levels by id or by name in any ASCII case.
    :raises LookupFailed: an app does not exist, or several apps have its name; privileged access would be missed.
    """

    def __init__(self, rules: Sequence[Mapping[str, Any]], apps: Sequence[Row]) -> None:
        resolver, index = Resolver(), Index(APPS, apps)
        self._rules: list[tuple[str | None, str | None]] = []
        #: The rules that matched nothing so far, in words, by their position.
        self.unused: dict[int, str] = {}
        for number, rule in enumerate(rules):
            name, level = rule["app"], rule["permission_level"]
            app = None if name is None else resolver.find(name, index)
            level_name = None if level is None else folded(level)
            self._rules.append((None if app is None else str(app["id"]).lower(), level_name))
            self.unused[number] = " of ".join(repr(printable(text)) for text in (level, name) if text is not None)
        resolver.check()

    def verdict(self, app: Row, level: Row | None) -> str:
        """Return whether access to an app at a level is privileged.

        C(marked): the API marks the level. C(named): a rule matches. C(unknown): the level has no mark. C(no): else.
        """
        matching = [number for number in range(len(self._rules)) if self._matches(number, app, level)]
        mark = None if level is None else level.get("isPrivileged")
        if mark is True:
            return MARKED
        if matching:
            return NAMED
        return ORDINARY if level is None or mark is False else UNKNOWN

    def _matches(self, number: int, app: Row, level: Row | None) -> bool:
        app_id, level_name = self._rules[number]
        names = {folded(str(level[name])) for name in ("id", "name") if level and level.get(name)}
        matches = app_id in (None, app["id"].lower()) and (level_name is None or level_name in names)
        if matches:
            self.unused.pop(number, None)
        return matches
