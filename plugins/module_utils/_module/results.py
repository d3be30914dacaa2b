# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The vendor's records as results: snake_case fields, values as they came."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict

#: Members that hold data under names that people chose; their keys keep their spelling.
_DATA = ("customFields",)
#: How deep names are turned; nothing of the vendor's comes near, and nothing else may exhaust the stack.
_DEPTH = 20


def row(record: Mapping[str, Any], depth: int = _DEPTH) -> dict[str, Any]:
    """Return C(record) with its members' names in snake_case, also those that the contract does not know."""
    return {_snake(name): value if name in _DATA else _value(value, depth) for name, value in record.items()}


def _value(value: Any, depth: int) -> Any:
    if isinstance(value, dict) and depth:
        return row(value, depth - 1)
    return [_value(item, depth - 1) for item in value] if isinstance(value, list) and depth else value


@cache
def _snake(name: str) -> str:
    return str(next(iter(camel_dict_to_snake_dict({name: None}))))
