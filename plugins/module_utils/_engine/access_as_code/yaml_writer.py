# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML that reads back as it was written, whatever names and values the tenant holds.

PyYAML cannot do this here: it writes no comments, and the machine that runs the module need not have it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from ..._api.text import printable

#: Words that YAML reads as strings anywhere; every other string is quoted.
_PLAIN = re.compile(r"(?!(?:true|false|yes|no|on|off|null)$)[a-z][a-z_]*[a-z]")


def dump_yaml(
    sections: Mapping[str, Any], comments: Iterable[str] = (), names: Mapping[str, str] = MappingProxyType({})
) -> str:
    """Return sections of code as a YAML document.

    :param comments: lines for people, at the top of the document.
    :param names: names by id in lower case, for a comment after each id.
    """
    lines = [_comment(comment, 2000) for comment in comments]
    return "\n".join(["---", *lines, *_block(sections, names)]) + "\n"


def _comment(text: str, limit: int) -> str:
    return f"# {''.join(map(_escaped, printable(text, limit)))}"


def _block(value: Mapping[str, Any] | list[Any], names: Mapping[str, str]) -> list[str]:
    """Return the lines of a mapping or list that is not empty."""
    if isinstance(value, list):
        items = [("-", item) for item in value]
    else:
        items = [(f"{_scalar(name)}:", item) for name, item in value.items()]
    lines: list[str] = []
    for prefix, item in items:
        if not (item and isinstance(item, (Mapping, list))):
            name = names.get(item.lower()) if isinstance(item, str) else None
            lines.append(f"{prefix} {_scalar(item)}{f'  {_comment(name, 200)}' if name else ''}")
            continue
        nested = _block(item, names)
        lines.append(f"- {nested.pop(0)}" if prefix == "-" else prefix)
        lines += [f"  {line}" for line in nested]
    return lines


def _scalar(value: Any) -> str:
    if not isinstance(value, str):
        return json.dumps(value)
    if _PLAIN.fullmatch(value):
        return value
    # YAML 1.2, section 5.7.
    return '"' + "".join(f"\\{char}" if char in '"\\' else _escaped(char) for char in value) + '"'


def _escaped(char: str) -> str:
    """Return a character, or its escape if it is invisible; YAML does not even allow some of these."""
    if char.isprintable():
        return char
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"
