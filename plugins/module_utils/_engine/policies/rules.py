# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of a policy task, and the most specific rule for each policy target, without a request.

A policy target is a request type of an app, or of one of its permission levels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..._api.catalog import REQUEST_TYPES, describe_target
from ..._api.errors import ConfigurationError
from ..._api.operations import Key, KeyedValue
from ..._api.text import printable, summarize
from ..core.lookup import Row, label
from .selectors import Selector, selector_of

#: A named app is more specific than any selector.
_NAMED_APP = 1 + len(("status", "category", "custom_field"))
#: The specificity of levels by kind, and their description.
_LEVELS = {
    "all": (0, "all its levels"),
    "privileged": (1, "its privileged levels"),
    "default": (1, "its default level"),
}
_NAMED_LEVEL = 2

#: The options of an entry, for lists of entries.
ASSIGNMENT: dict[str, Any] = {
    "options": {
        "app": {"type": "str"},
        "select": {
            "type": "dict",
            "options": {
                "all": {"type": "bool", "default": False},
                "status": {"type": "str"},
                "category": {"type": "str"},
                "custom_field": {
                    "type": "dict",
                    "options": {"name": {"type": "str", "required": True}, "value": {"type": "str"}},
                },
            },
        },
        "permission_level": {"type": "str"},
        "permission_levels": {"type": "str", "choices": ["privileged", "default", "all"]},
        "request_type": {"type": "str", "required": True, "choices": list(REQUEST_TYPES)},
        "policy": {"type": "str", "required": True},
    },
    "mutually_exclusive": [("app", "select"), ("permission_level", "permission_levels")],
    "required_one_of": [("app", "select")],
}


@dataclass(frozen=True)
class Rule:
    """An entry of a policy task: the policy for a request type, and the apps or levels that it is for.

    :param number: the position of the entry, from 1.
    :param app: the app, by name or id, or a selector.
    :param level: the level, by name or id.
    :param levels: the levels by kind; a rule with neither C(level) nor C(levels) is about the app itself.
    """

    number: int
    app: str | Selector
    level: str | None
    levels: str | None
    request_type: str
    policy: str

    @property
    def specificity(self) -> tuple[int, int]:
        """The specificity of the app, which counts first, and of the level."""
        app = self.app.criteria if isinstance(self.app, Selector) else _NAMED_APP
        return app, _LEVELS[self.levels][0] if self.levels else _NAMED_LEVEL

    @property
    def has_levels(self) -> bool:
        """Whether the rule is about levels rather than the app itself."""
        return self.level is not None or self.levels is not None

    def __str__(self) -> str:
        """Return the apps and levels of the rule, for messages."""
        app = str(self.app) if isinstance(self.app, Selector) else f"the app {printable(self.app)!r}"
        if self.level is not None:
            return f"{app}, its level {printable(self.level)!r}"
        return f"{app}, {_LEVELS[self.levels][1]}" if self.levels else app


@dataclass(frozen=True)
class PolicyEntry:
    """The policy of a rule for one target; C(level) is C(None) for the app itself."""

    rule: Rule
    app: Row
    level: Row | None
    policy: Row

    @property
    def key(self) -> Key:
        """The identity of the target, also in ledgers."""
        level_id = self.level["id"].lower() if self.level else ""
        return ("policy", self.app["id"].lower(), level_id, REQUEST_TYPES[self.rule.request_type])

    @property
    def ledger_entry(self) -> KeyedValue:
        """The key and value that a ledger stores once the policy is assigned."""
        return self.key, {"policy_id": self.policy["id"].lower(), "policy": label(self.policy)}

    def __str__(self) -> str:
        """Return the target, for messages."""
        return describe_target(self.app, self.level, self.rule.request_type)


@dataclass(frozen=True)
class PolicyTarget:
    """A target with the entry that decides, and the rules of the entries that it overrides."""

    entry: PolicyEntry
    overridden: tuple[Rule, ...] = ()


def rules_of(params: Mapping[str, Any]) -> list[Rule]:
    """Return the rules of a task, from its single or its bulk form.

    :raises ConfigurationError: an app is null, or a selector has no criteria, or C(all) and criteria.
    """
    if params["assignments"] is None:
        return [_rule(1, {**params, "select": None, "permission_levels": None})]
    return [_rule(number, entry) for number, entry in enumerate(params["assignments"], start=1)]


def resolve(entries: Iterable[PolicyEntry]) -> list[PolicyTarget]:
    """Return each target with the most specific of its entries, in the order of the first entries.

    :raises ConfigurationError: the most specific entries of a target are equally specific.
    """
    by_target: dict[Key, list[PolicyEntry]] = {}
    for entry in entries:
        by_target.setdefault(entry.key, []).append(entry)
    ties, targets = [], []
    for candidates in by_target.values():
        highest = max(entry.rule.specificity for entry in candidates)
        winner, *others = [entry for entry in candidates if entry.rule.specificity == highest]
        ties += [[winner, *others]] if others else []
        targets.append(PolicyTarget(winner, tuple(entry.rule for entry in candidates if entry is not winner)))
    if ties:
        raise _tie(ties)
    return targets


def _rule(number: int, entry: Mapping[str, Any]) -> Rule:
    select = entry["select"]
    app = entry["app"] if select is None else selector_of(select, f"use entry {number} of assignments")
    if app is None:
        raise ConfigurationError(
            f"find the app for the policy {printable(entry['policy'])!r}",
            "app is null, and nothing else says it",
            "Give the app.",
            option="app",
        )
    level, levels = entry["permission_level"], entry["permission_levels"]
    return Rule(number, app, level, levels, entry["request_type"], entry["policy"])


def _tie(ties: list[list[PolicyEntry]]) -> ConfigurationError:
    descriptions = [
        f"entries {' and '.join(f'{entry.rule.number} ({entry.rule})' for entry in tied)} for {tied[0]}"
        for tied in ties
    ]
    return ConfigurationError(
        "choose between entries of assignments",
        f"these are equally specific: {summarize(descriptions, separator='; ')}",
        "Take one of them out, or make one more specific. A named app comes before a selection, more criteria before "
        "fewer, and then a named level before privileged and default, and those before all.",
        option="assignments",
        ties=[{"slot": str(tied[0]), "entries": [entry.rule.number for entry in tied]} for tied in ties],
    )
