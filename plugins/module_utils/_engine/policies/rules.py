# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which policy is to govern which slot: rules claim slots, the most specific one decides, without a single request.

A slot is what a policy can be assigned to: a request type of an app itself, or of one of its permission levels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..._api.catalog import REQUEST_TYPES, slot_words
from ..._api.errors import ConfigurationError
from ..._api.operations import Key, KeyedValue
from ..._api.text import printable, summarize
from ..core.lookup import Row, label
from .selectors import Selector, selector_of

#: A named app is more specific than any selection.
_NAMED_APP = 1 + len(("status", "category", "custom_field"))
#: Ways to mean levels, by how specific they are, and in words.
_LEVELS = {
    "all": (0, "all its levels"),
    "privileged": (1, "its privileged levels"),
    "default": (1, "its default level"),
}
_NAMED_LEVEL = 2

#: What an entry says of a policy, for options that take a list of them.
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
    """What one entry of a task says: which policy is to govern a request type, and where.

    :param number: the place of the entry in the task, from 1.
    :param app: the app, by name or id, or which apps.
    :param level: the level, by name or id, where one is named.
    :param levels: which levels, where they are chosen by kind; without both it is about the app itself.
    """

    number: int
    app: str | Selector
    level: str | None
    levels: str | None
    request_type: str
    policy: str

    @property
    def specificity(self) -> tuple[int, int]:
        """How specific it is: that of the app counts first, then that of the level."""
        app = self.app.criteria if isinstance(self.app, Selector) else _NAMED_APP
        return app, _LEVELS[self.levels][0] if self.levels else _NAMED_LEVEL

    @property
    def asks_for_levels(self) -> bool:
        """Whether it is about levels rather than about the app itself."""
        return self.level is not None or self.levels is not None

    def __str__(self) -> str:
        """Return what it is about, in words."""
        app = str(self.app) if isinstance(self.app, Selector) else f"the app {printable(self.app)!r}"
        if self.level is not None:
            return f"{app}, its level {printable(self.level)!r}"
        return f"{app}, {_LEVELS[self.levels][1]}" if self.levels else app


@dataclass(frozen=True)
class PolicyEntry:
    """A rule's claim on a slot; C(level) is C(None) for the app itself."""

    rule: Rule
    app: Row
    level: Row | None
    policy: Row

    @property
    def key(self) -> Key:
        """What identifies the slot, also in ledgers."""
        level_id = self.level["id"].lower() if self.level else ""
        return ("policy", self.app["id"].lower(), level_id, REQUEST_TYPES[self.rule.request_type])

    @property
    def entry(self) -> KeyedValue:
        """What a ledger is to remember once the policy is assigned."""
        return self.key, {"policy_id": self.policy["id"].lower(), "policy": label(self.policy)}

    def __str__(self) -> str:
        """Return the slot in words."""
        return slot_words(self.app, self.level, self.rule.request_type)


@dataclass(frozen=True)
class PolicyTarget:
    """A slot with the claim that decides it, and the rules that claimed it in vain."""

    claim: PolicyEntry
    overruled: tuple[Rule, ...] = ()


def rules_of(params: Mapping[str, Any]) -> list[Rule]:
    """Return the rules of a task, from its single or its bulk form.

    :raises ConfigurationError: an app is null, a selection has no criterion, or C(all) beside criteria.
    """
    if params["assignments"] is None:
        single = {**params, "select": None, "permission_levels": None}
        return [_rule(1, single)]
    return [_rule(number, entry) for number, entry in enumerate(params["assignments"], start=1)]


def decided(claims: Iterable[PolicyEntry]) -> list[PolicyTarget]:
    """Return each claimed slot with the most specific claim, in the order in which they are first claimed.

    :raises ConfigurationError: a slot has several claims that are equally specific, and none that is more so.
    """
    by_slot: dict[Key, list[PolicyEntry]] = {}
    for claim in claims:
        by_slot.setdefault(claim.key, []).append(claim)
    best = [_most_specific(rivals) for rivals in by_slot.values()]
    ties = [winners for winners in best if len(winners) > 1]
    if ties:
        raise _tie(ties)
    return [
        PolicyTarget(winner, tuple(claim.rule for claim in rivals if claim is not winner))
        for (winner,), rivals in zip(best, by_slot.values(), strict=True)
    ]


def _rule(number: int, entry: Mapping[str, Any]) -> Rule:
    select = entry["select"]
    app = entry["app"] if select is None else selector_of(select, f"use entry {number} of assignments")
    if app is None:
        raise ConfigurationError(
            f"tell which app the policy {printable(entry['policy'])!r} is for",
            "app is null, and nothing else says it",
            "Give the app.",
            option="app",
        )
    level, levels = entry["permission_level"], entry["permission_levels"]
    return Rule(number, app, level, levels, entry["request_type"], entry["policy"])


def _most_specific(rivals: list[PolicyEntry]) -> list[PolicyEntry]:
    most = max(claim.rule.specificity for claim in rivals)
    return [claim for claim in rivals if claim.rule.specificity == most]


def _tie(ties: list[list[PolicyEntry]]) -> ConfigurationError:
    told = [
        f"entries {' and '.join(f'{claim.rule.number} ({claim.rule})' for claim in winners)} for {winners[0]}"
        for winners in ties
    ]
    return ConfigurationError(
        "tell which entry of assignments decides",
        f"these are equally specific: {summarize(told, separator='; ')}",
        "Take one of them out, or make one more specific: a named app beats a selection, a selection with more "
        "criteria one with fewer, and then a named level beats privileged and default, which beat all.",
        option="assignments",
        ties=[{"slot": str(winners[0]), "entries": [claim.rule.number for claim in winners]} for winners in ties],
    )
