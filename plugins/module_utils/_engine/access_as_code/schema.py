# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of the code: an argument spec, from which the JSON schema for editors is made."""

from __future__ import annotations

from typing import Any

from ..policies.rules import ASSIGNMENT

CODE: dict[str, Any] = {
    "tenant": {
        "type": "dict",
        "required": True,
        "options": {"anchors": {"type": "list", "elements": "str", "required": True}},
    },
    "groups": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "group": {"type": "str", "required": True},
            "mode": {"type": "str", "choices": ["additive", "exact", "unmanaged"], "default": "additive"},
            "members": {"type": "list", "elements": "str"},
            "absent": {"type": "list", "elements": "str"},
            "allow_empty": {"type": "bool", "default": False},
        },
    },
    "accesses": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "app": {"type": "str", "required": True},
            "permission_level": {"type": "str"},
            "users": {"type": "list", "elements": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
    },
    "custom_fields": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "app": {"type": "str", "required": True},
            "fields": {"type": "dict"},
            "clear": {"type": "list", "elements": "str"},
        },
    },
    "policies": {"type": "list", "elements": "dict", "default": [], **ASSIGNMENT},
}

#: The option C(source), which the action adds to a task: the code, with the positions of its parts.
SOURCE: dict[str, Any] = {
    "type": "dict",
    "options": {"version": {"type": "str"}, "positions": {"type": "dict"}, "code": {"type": "dict", "options": CODE}},
}
