# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Code as text: YAML that reads back as what was written, whatever people called things in the tenant."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ..._api.text import printable

#: Words that YAML reads as texts wherever they stand; whatever else is a text goes in quotes.
_PLAIN = re.compile(r"[a-z][a-z_]*[a-z]")
_NOT_PLAIN = frozenset({"true", "false", "yes", "no", "on", "off", "null"})


def emitted(sections: Mapping[str, Any], comments: Iterable[str] = ()) -> str:
    """Return sections of code as a YAML document.

    :param comments: lines for people, which stand above it.
    """
    lines = ["---", *(f"# {''.join(map(_escaped, printable(comment, 2000)))}" for comment in comments)]
    for name, section in sections.items():
        lines += _lines(name, section, "")
    return "\n".join(lines) + "\n"


def _lines(name: str, value: Any, indent: str) -> list[str]:
    """Return the lines of a name with its value."""
    if isinstance(value, Mapping) and value:
        inside = [line for key, one in value.items() for line in _lines(_scalar(key), one, f"{indent}  ")]
        return [f"{indent}{name}:", *inside]
    if isinstance(value, list) and value:
        return [f"{indent}{name}:", *(line for item in value for line in _item(item, f"{indent}  "))]
    return [f"{indent}{name}: {_scalar(value)}"]


def _item(value: Any, indent: str) -> list[str]:
    """Return the lines of an item of a list, the first behind a dash."""
    if not isinstance(value, Mapping):
        return [f"{indent}- {_scalar(value)}"]
    lines = [line for key, one in value.items() for line in _lines(_scalar(key), one, f"{indent}  ")]
    return [f"{indent}- {lines[0].lstrip()}", *lines[1:]]


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return value if _PLAIN.fullmatch(value) and value not in _NOT_PLAIN else _quoted(value)
    return json.dumps(value)


def _quoted(text: str) -> str:
    """Return a text in double quotes, in which what cannot be seen is escaped (YAML 1.2, section 5.7)."""
    return '"' + "".join(f"\\{char}" if char in '"\\' else _escaped(char) for char in text) + '"'


def _escaped(char: str) -> str:
    """Return a character, or its escape where it cannot be seen; some of those have no place in YAML either."""
    if char.isprintable():
        return char
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"
