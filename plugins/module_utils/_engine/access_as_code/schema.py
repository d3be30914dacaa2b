# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of the code: an argument spec, from which the JSON schema for editors is made."""

from __future__ import annotations

from typing import Any

from ..policies.rules import ASSIGNMENT

_ENTRIES: dict[str, Any] = {"type": "list", "elements": "dict", "default": []}
_TEXTS: dict[str, Any] = {"type": "list", "elements": "str"}
_NAME: dict[str, Any] = {"type": "str", "required": True}

_GROUP: dict[str, Any] = {
    "group": _NAME,
    "mode": {"type": "str", "choices": ["additive", "exact", "unmanaged"], "default": "additive"},
    "members": _TEXTS,
    "absent": _TEXTS,
    "allow_empty": {"type": "bool", "default": False},
}
_ACCESS: dict[str, Any] = {
    "app": _NAME,
    "permission_level": {"type": "str"},
    "users": {**_TEXTS, "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}
CODE: dict[str, Any] = {
    "tenant": {"type": "dict", "required": True, "options": {"anchors": {**_TEXTS, "required": True}}},
    "groups": {**_ENTRIES, "options": _GROUP},
    "accesses": {**_ENTRIES, "options": _ACCESS},
    "custom_fields": {**_ENTRIES, "options": {"app": _NAME, "fields": {"type": "dict"}, "clear": _TEXTS}},
    "policies": {**_ENTRIES, **ASSIGNMENT},
}

_PROOF: dict[str, Any] = {"id": _NAME, "email": _NAME, "file": _NAME, "date": {"type": "str"}}
#: The option C(source), which the action adds to a task: the code, with the positions of its parts, and proofs.
SOURCE: dict[str, Any] = {
    "type": "dict",
    "options": {
        "version": {"type": "str"},
        "positions": {"type": "dict"},
        "proofs": {"type": "list", "elements": "dict", "options": _PROOF},
        "code": {"type": "dict", "options": CODE},
    },
}
