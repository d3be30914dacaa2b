# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file that a query is written to where its result is too large for a task."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from ..._api.text import parse_json
from ..core.plan import ApplyResult, Plan
from ..core.tenant import Tenant
from ..storage.private_file import PrivateFile

#: What every result of a query holds, whatever was asked for.
_MAPS = ("ambiguous", "not_found", "unmapped")


class ResultFile:
    """The file for the result of a query.

    :raises FileRefused: the file cannot be written, must not be trusted, or holds anything other than such a result.
    """

    def __init__(self, path: str) -> None:
        self._file = PrivateFile(path, "the result", "Move it away, or give another path.")
        self._text = ""
        self._file.check_replaceable(_is_result, "a result of `cakewalk_info`")

    def plan_of(self, records: Mapping[str, Any], maps: Mapping[str, Any], tenant: Tenant) -> Plan:
        """Return a plan that writes the file, and whose result says in short what the file holds.

        :param records: lists by name, or lists by a second name.
        :param maps: what leads from names to records.
        """
        # Not the text, which spells values in another way, and in which a number can look like a secret.
        text = json.dumps(tenant.scrubbed({**maps, **records}), indent=1, ensure_ascii=False) + "\n"
        # JSON can hold lone surrogates, which UTF-8 cannot encode.
        content = text.encode(errors="replace")
        self._text = content.decode()
        return Plan(
            result={
                "sha256": hashlib.sha256(content).hexdigest(),
                "counts": {
                    **{name: _count(rows) for name, rows in records.items()},
                    **{name: _count(maps[name]) for name in _MAPS},
                },
                "not_found": maps["not_found"],
            },
            file=self,
        )

    def begin(self) -> None:
        """Write nothing: a query has no first write."""

    def end(self, applied: ApplyResult) -> None:
        """Write the file."""
        self._file.write(self._text)


def _is_result(text: str) -> bool:
    try:
        document = parse_json(text)
    except ValueError:
        return False
    return isinstance(document, dict) and document.keys() >= set(_MAPS)


def _count(value: Any) -> int:
    """Return the number of items in a list, or in all that a map holds."""
    return sum(map(len, value.values())) if isinstance(value, Mapping) else len(value)
