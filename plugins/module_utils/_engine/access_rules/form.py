# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of access rules in the code: a documented argument spec."""

from __future__ import annotations

from itertools import combinations
from typing import Any

#: How severe a violation is, the least severe first (the ratings of CVSS).
SEVERITIES = ("low", "medium", "high", "critical")
#: The kinds of rules, by their option.
CONFLICTS, REQUIRES, LIMITS, FORBIDS = KINDS = ("conflicts", "requires", "limits", "forbids")


def _options(description: str, options: dict[str, Any], **form: Any) -> dict[str, Any]:
    return {"type": "dict", "description": description, "options": options, **form}


def _entitlements(description: str, **form: Any) -> dict[str, Any]:
    return {"type": "list", "elements": "dict", "description": description, "options": _ENTITLEMENT, **form}


def _texts(description: str) -> dict[str, Any]:
    return {"type": "list", "elements": "str", "description": description}


_ENTITLEMENT: dict[str, Any] = {
    "app": {"type": "str", "description": "An app, by exact name or id. Alone it means access at any level."},
    "permission_level": {"type": "str", "description": "A permission level of the app, by exact name or id."},
    "privileged": {
        "type": "bool",
        "description": "Whether to mean the levels that Cakewalk marks as privileged: of the app, or of all apps.",
    },
    "owner": {"type": "bool", "description": "Whether to mean the owners of the app."},
    "group": {"type": "str", "description": "A group, by exact name or id. It means the members."},
}
_PEOPLE: dict[str, Any] = {
    "status": _texts("Statuses of people."),
    "email_domain": _texts("What follows the @ in the e-mail address."),
    "roster": {
        "type": "dict",
        "values": "conditions",
        "description": (
            "Columns of the roster: a value, a list of values, or a mapping of not to either. All conditions must fit. "
            "For people who are not in the roster, it is unknown whether they fit."
        ),
    },
}
_EXCEPTION: dict[str, Any] = {
    "person": {"type": "str", "required": True, "description": "The person, by e-mail address or id."},
    "reason": {"type": "str", "required": True, "description": "Why the rule does not apply to this person."},
    "until": {
        "type": "str",
        "required": True,
        "description": "When the exception ends: a date, which means the end of this day in UTC, or a time with zone.",
    },
}
#: An entry of the section C(rules).
ACCESS_RULE: dict[str, Any] = {
    "options": {
        "name": {"type": "str", "required": True, "description": "The name of the rule. No other rule has it."},
        "severity": {
            "type": "str",
            "required": True,
            "choices": list(SEVERITIES),
            "description": "How severe a violation is.",
        },
        "reason": {"type": "str", "required": True, "description": "Why the rule exists."},
        CONFLICTS: _entitlements("Nobody may hold all of these: separation of duties."),
        REQUIRES: _options(
            "Who holds one thing must hold another.",
            {
                "holders_of": _entitlements("The rule is about everybody who holds one of these.", required=True),
                "to_hold": _entitlements("What they must hold, all of it.", required=True),
            },
        ),
        LIMITS: _options(
            "How many people hold something.",
            {
                "holders_of": _entitlements("The rule counts everybody who holds one of these.", required=True),
                "at_most": {"type": "int", "description": "The highest number of people."},
                "at_least": {
                    "type": "int",
                    "description": "The lowest number of people. Inactive people do not count.",
                },
            },
        ),
        FORBIDS: _options(
            "What certain people may not hold.",
            {
                "people": _options("The rule is about people with one of the values under each name.", _PEOPLE),
                "except_people": _options("The rule is not about people with one of these values.", _PEOPLE),
                "to_hold": _entitlements("What they may not hold, any of it.", required=True),
            },
        ),
        "exceptions": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "description": "People who are exempt from the rule until a date.",
            "options": _EXCEPTION,
        },
    },
    "mutually_exclusive": list(combinations(KINDS, 2)),
    "required_one_of": [KINDS],
}
