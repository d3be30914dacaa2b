# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The vendor's records as results: snake_case fields, values as they came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict

#: Members that hold data under names that people chose; their keys keep their spelling.
_DATA = ("customFields",)


def row(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return C(record) with its members' names in snake_case, also those that the contract does not know."""
    return camel_dict_to_snake_dict(dict(record), ignore_list=_DATA)
