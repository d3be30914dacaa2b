# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract: its document and the table of its operations."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_DOCUMENT = Path(__file__).with_name("openapi.yaml")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True)
class Operation:
    """One operation of the contract.

    :param id: its C(operationId); None for a call outside the contract.
    :param statuses: the statuses that the contract names for it.
    """

    id: str | None
    method: str
    pattern: re.Pattern[str]
    statuses: frozenset[int]

    @property
    def writes(self) -> bool:
        """Tell whether it changes the tenant."""
        return self.method in _WRITES

    @property
    def success(self) -> int:
        """Return the status that the contract names for success."""
        return min(self.statuses)


@cache
def document() -> dict[str, Any]:
    """Return the parsed contract; whoever changes it works on a copy."""
    return yaml.load(_DOCUMENT.read_text(encoding="utf-8"), Loader=_LOADER)


@cache
def operations() -> dict[str, Operation]:
    """Return the operations by id, literal paths before those with parameters, so that the first match is right."""
    found = [
        Operation(spec["operationId"], method.upper(), _pattern(path), frozenset(map(int, spec["responses"])))
        for path, methods in sorted(document()["paths"].items(), key=lambda item: item[0].count("{"))
        for method, spec in methods.items()
    ]
    return {operation.id: operation for operation in found}


def find(method: str, path: str) -> Operation:
    """Return the operation that a request addresses; outside the contract one without an id."""
    for operation in operations().values():
        if operation.method == method and operation.pattern.fullmatch(path):
            return operation
    return Operation(None, method, re.compile(""), frozenset())


def methods_of(path: str) -> list[str]:
    """Return the methods of the operations with this path; HEAD is answered wherever GET is."""
    methods = {operation.method for operation in operations().values() if operation.pattern.fullmatch(path)}
    return sorted(methods | ({"HEAD"} if "GET" in methods else set()))


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{\w+\}", "[^/]+", path))
