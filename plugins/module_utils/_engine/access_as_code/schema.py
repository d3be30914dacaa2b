# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of the code: a documented argument spec, from which the JSON schema for editors is made."""

from __future__ import annotations

from typing import Any

from ..access_rules.form import ACCESS_RULE
from ..policies.rules import ASSIGNMENT

_NAME: dict[str, Any] = {"type": "str", "required": True}
_APP: dict[str, Any] = {**_NAME, "description": "The app, by exact name or id."}


def _texts(description: str, **option: Any) -> dict[str, Any]:
    return {"type": "list", "elements": "str", "description": description, **option}


_FROM: dict[str, Any] = {
    "type": "str",
    "description": "From when: a date, which means its begin in UTC, or a time with a zone.",
}
_UNTIL: dict[str, Any] = {
    "type": "str",
    "description": "Until when: a date, which means its end in UTC, or a time with a zone.",
}
#: A person with a term, where a list also takes the plain text.
PERSON: dict[str, Any] = {
    "user": {**_NAME, "description": "The person, by e-mail address or id."},
    "from": _FROM,
    "until": _UNTIL,
}


def _people(description: str, **option: Any) -> dict[str, Any]:
    return {"type": "list", "elements": "raw", "mapping": PERSON, "description": description, **option}


_RULE: dict[str, Any] = {
    "type": "dict",
    "values": "conditions",
    "description": (
        "People of the roster to add to the list, by column: a value, a list of values, or a mapping of not to either. "
        "All conditions must fit."
    ),
}
#: The columns of a roster with a meaning of their own.
_COLUMNS = {
    "email": "The column with the e-mail address.",
    "start": "The column with the first day, which acts as from. It may be missing.",
    "end": "The column with the last day, which acts as until. It may be missing.",
}
_ROSTER: dict[str, Any] = {
    "file": {
        **_NAME,
        "description": "A .csv, .tsv or YAML file in the folder of the code, by its path from there.",
    },
    **{f"{name}_column": {"type": "str", "default": name, "description": words} for name, words in _COLUMNS.items()},
}


def _entries(description: str, **form: Any) -> dict[str, Any]:
    return {"type": "list", "elements": "dict", "default": [], "description": description, **form}


_GROUP: dict[str, Any] = {
    "group": {**_NAME, "description": "The group, by exact name or id."},
    "mode": {
        "type": "str",
        "choices": ["additive", "exact", "unmanaged"],
        "default": "additive",
        "description": (
            "additive adds members and removes the people in absent. exact makes members the complete list. unmanaged "
            "leaves the group as it is."
        ),
    },
    "members": _people("People who should be members, by e-mail address or id, or as a mapping with a term."),
    "members_where": _RULE,
    "absent": _texts("People who should not be members, in additive mode."),
    "allow_empty": {
        "type": "bool",
        "default": False,
        "description": "Whether members may be empty in exact mode, which removes everybody.",
    },
}
_ACCESS: dict[str, Any] = {
    "app": _APP,
    "permission_level": {
        "type": "str",
        "description": "The permission level, by exact name or id. Required if the app has levels.",
    },
    "users": _people("The people, by e-mail address or id, or as a mapping with a term."),
    "members_where": _RULE,
    "from": {**_FROM, "description": f"The from of the people without their own. {_FROM['description']}"},
    "until": {**_UNTIL, "description": f"The until of the people without their own. {_UNTIL['description']}"},
    "state": {
        "type": "str",
        "choices": ["present", "absent"],
        "default": "present",
        "description": "Whether the people should have access.",
    },
}
_FIELDS: dict[str, Any] = {
    "app": _APP,
    "fields": {"type": "dict", "description": "The values, by exact name or id of the field."},
    "clear": _texts("Fields to clear, by exact name or id."),
}
_ASSIGNMENT = ASSIGNMENT["options"]
_TIME_LIMIT: dict[str, Any] = {
    "group": {"type": "str", "description": "The group, by exact name or id. Each entry needs this, app or select."},
    **{name: _ASSIGNMENT[name] for name in ("app", "select", "permission_level", "permission_levels")},
    "max_duration": {
        "type": "str",
        "description": (
            "The longest time between from and until, such as P30D, P2W or PT8H. Both become mandatory. A day has 24 "
            "hours."
        ),
    },
    "until_required": {"type": "bool", "description": "Whether everybody needs an until."},
}
#: The entries of policies are documented in the module cakewalk_app_policy, and so are the apps and levels of others.
CODE: dict[str, Any] = {
    "tenant": {
        "type": "dict",
        "required": True,
        "description": "The tenant that the code belongs to.",
        "options": {
            "anchors": _texts(
                "Ids of some apps of the tenant. If the tenant has none of them, the code is refused.", required=True
            )
        },
    },
    "roster": {
        "type": "dict",
        "description": "The roster: a table of people, for the rules of entries.",
        "options": _ROSTER,
    },
    "groups": _entries("Groups and their members. Other groups stay as they are.", options=_GROUP),
    "accesses": _entries(
        "Access to apps. Other access stays as it is.",
        options=_ACCESS,
        required_one_of=[("users", "members_where")],
    ),
    "custom_fields": _entries(
        "Custom fields of apps, one entry per app. Other fields stay as they are.", options=_FIELDS
    ),
    "time_limits": _entries(
        "Groups, apps and permission levels in which nobody may be without an end, or for too long.",
        options=_TIME_LIMIT,
        mutually_exclusive=[
            *(("group", other) for other in ("app", "select", "permission_level", "permission_levels")),
            *ASSIGNMENT["mutually_exclusive"],
        ],
        required_one_of=[("group", "app", "select"), ("max_duration", "until_required")],
    ),
    "policies": _entries("Approval policies of apps and permission levels.", **ASSIGNMENT),
    "rules": _entries("Access rules: what nobody may hold, must hold, or hold too often.", **ACCESS_RULE),
}
