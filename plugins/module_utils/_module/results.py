# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The vendor's records as results: snake_case fields, values as they came."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict

from .._api.text import by_usable_key

#: Members that hold data under names that people chose; their keys keep their spelling.
_DATA = ("customFields",)
#: How deep values may be nested; nothing of the vendor's comes near, and nothing else may exhaust the stack.
_DEPTH = 20
_TOO_DEEP = "(nested too deeply)"


def row(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return C(record) with its members' names in snake_case, also those that the contract does not know.

    Members whose names cannot be keys are in the list C(unmapped), see C(by_usable_key).
    """
    return _mapping(record, _DEPTH, is_data=False)


def _mapping(record: Mapping[str, Any], depth: int, is_data: bool) -> dict[str, Any]:
    members, unmapped = by_usable_key(
        (name if is_data else _snake(name), _value(value, depth - 1, is_data or name in _DATA))
        for name, value in record.items()
    )
    rest = {"unmapped": [{"name": name, "value": value} for name, value in unmapped]} if unmapped else {}
    return {**members, **rest}


def _value(value: Any, depth: int, is_data: bool) -> Any:
    if isinstance(value, (dict, list)) and depth < 0:
        return _TOO_DEEP
    if isinstance(value, dict):
        return _mapping(value, depth, is_data)
    return [_value(item, depth - 1, is_data) for item in value] if isinstance(value, list) else value


@cache
def _snake(name: str) -> str:
    return str(next(iter(camel_dict_to_snake_dict({name: None}))))
