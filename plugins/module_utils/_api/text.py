# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text of the server, the tenant and files: parsed as JSON, or made printable, short and without secrets."""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, TypeVar
from urllib.parse import quote

#: Control, formatting, surrogate, line and paragraph separator characters. They can make a terminal or a log show
#: something other than what was sent (Unicode technical report 36, section 2.10).
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})

#: The limit of a text that is shown as a whole, however long it is.
UNCUT = sys.maxsize
#: Formatting characters that Persian, and emoji of several people, cannot do without.
_JOINERS = "\u200c\u200d"
#: Characters without a shape that count as letters or marks (Default_Ignorable_Code_Point of Unicode 15.1).
_SHAPELESS = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
#: The joiners, and the selector of an emoji in color.
_IN_WORDS = re.compile(f"[{_JOINERS}\ufe0f]")
#: What Ansible's own keys begin with. Since ansible-core 2.19, C(__ansible) changes the mapping that holds the key, or
#: ends the task. Ansible removes C(_ansible_) from results.
_RESERVED = ("__ansible", "_ansible_")
#: The most characters of a key that YAML reads back (YAML 1.2, section 8.2.2), with its quotes and colon.
_KEY_LIMIT = 1024 - 3
#: The most characters of an escape in YAML.
_ESCAPED = 10

#: The deepest nesting of JSON that is read. Records of the service have four levels.
DEPTH = 64

Value = TypeVar("Value")


def printable(text: object, limit: int = 300) -> str:
    """Return C(text) as one line, with each invisible character escaped, cut at C(limit) characters."""
    shown = "".join(
        char.encode("unicode_escape").decode("ascii") if unicodedata.category(char) in _INVISIBLE else char
        for char in str(text)[: limit + 1]
    )
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def delimited(name: str, *separators: str) -> str:
    """Return a name for a line of several parts, quoted if it could be taken for more than one part."""
    is_plain = not name.startswith(("'", '"')) and not any(separator in name for separator in separators)
    return name if is_plain else repr(name)


class BoundExceeded(ValueError):
    """A bound that something read exceeds; the message is a clause."""


def parse_json(text: str | bytes) -> Any:
    """Parse JSON that may be damaged or hostile.

    :raises BoundExceeded: it is nested too deeply.
    :raises ValueError: it is not JSON.
    """
    try:
        document = json.loads(text)
    except RecursionError:
        is_too_deep = True
    else:
        is_too_deep = _is_deeper(document, DEPTH)
    if is_too_deep:
        raise BoundExceeded(f"it is nested deeper than {DEPTH} levels")
    return document


def _is_deeper(document: Any, depth: int) -> bool:
    """Return whether JSON is nested deeper than so many levels; this looks at each value, so it has to be fast."""
    level = [document] if isinstance(document, (dict, list)) else []
    for _level in range(depth):
        inner: list[Any] = []
        for container in level:
            values = container.values() if isinstance(container, dict) else container
            inner += [value for value in values if isinstance(value, (dict, list))]
        level = inner
    return bool(level)


def is_writable(text: str) -> bool:
    """Return whether a file can hold C(text): JSON can hold lone surrogates, which UTF-8 cannot encode."""
    return not any(unicodedata.category(char) == "Cs" for char in text)


def has_invisible(text: str, is_words: bool = False) -> bool:
    """Return whether a text has invisible characters, or blanks other than a space, so that it looks like another text.

    :param is_words: whether these are words, which may need joiners, rather than a technical name.
    """
    text = _IN_WORDS.sub("", text) if is_words else text
    return not text.isprintable() or bool(_SHAPELESS.search(text))


def look(text: str) -> str:
    """Return a text in the form in which texts are compared that people take for each other.

    Case, blanks, invisible characters and the ways of Unicode to write a character do not count. Texts that are equal
    in this form may still mean different things, so they are a reason to ask, and never a match.
    """
    if text.isascii() and text.isprintable():
        # The same for these, and ten times as fast, which counts for each row of the directory.
        return text.lower().replace(" ", "")
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(char for char in folded if not char.isspace() and not has_invisible(char))


def spelled(text: str) -> str:
    """Return a text in quotes, with an escape for each character that another one could be taken for."""
    return ascii(text[:300])


def is_reserved(name: str) -> bool:
    """Return whether Ansible reserves C(name) as a key of the mappings that controller and module exchange."""
    return name.startswith(_RESERVED)


def is_usable_key(name: str) -> bool:
    """Return whether a name of the tenant can be the key of a mapping in results and in YAML.

    It must not be reserved, blank, or too long for YAML with its escapes, and it must not hold invisible characters.
    """
    has_invisible = any(unicodedata.category(char) in _INVISIBLE and char not in _JOINERS for char in name)
    length = sum(1 if char.isprintable() and char not in '"\\' else _ESCAPED for char in name)
    return bool(name.strip()) and length <= _KEY_LIMIT and not has_invisible and not is_reserved(name)


def by_usable_key(named: Iterable[tuple[str, Value]]) -> tuple[dict[str, Value], list[tuple[str, Value]]]:
    """Return things by name, and a list of those whose name is not a usable key, see C(is_usable_key).

    Every mapping whose keys come from the tenant, and that leaves the collection, passes this function.
    """
    named = list(named)
    return {name: it for name, it in named if is_usable_key(name)}, [it for it in named if not is_usable_key(it[0])]


def redact(value: Value, secrets: Iterable[str]) -> Value:
    """Return a text with each of C(secrets) replaced by asterisks, or JSON with all its texts so, keys included.

    A secret is found as it is, and as a URL, JSON, YAML or Python spells it.
    """
    spellings = sorted(set().union(*map(_spellings, filter(None, secrets))), key=len, reverse=True)

    def redacted(value: Any) -> Any:
        if isinstance(value, str):
            for spelling in spellings:
                value = value.replace(spelling, "********")
        elif isinstance(value, Mapping):
            return {redacted(name): redacted(item) for name, item in value.items()}
        elif isinstance(value, (list, tuple)):
            return [redacted(item) for item in value]
        return value

    result: Value = redacted(value)
    return result


def _spellings(secret: str) -> set[str]:
    escaped = secret.replace("\\", "\\\\")
    quoted = (escaped.replace(mark, f"\\{mark}") for mark in "\"'")
    whole = (repr(secret)[1:-1], json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1])
    return {secret, quote(secret, safe="", errors="replace"), escaped, *quoted, *whole}


def quote_hint(value: object, is_secret: bool = False) -> str:
    """Return what to do about a value for which C(yaml_type) is not C(None).

    :param is_secret: whether to show no example, which might share characters with the value.
    """
    if is_secret:
        return "Quote it."
    if isinstance(value, bool):
        return 'Quote it, such as "yes" or "true". In a template, end with | string.'
    if isinstance(value, int):
        return "Quote it: YAML reads 0715 as 461, and 12:30:15 as 45015. In a template, end with | string."
    example = "1.10" if isinstance(value, float) else "2026-01-31"
    return f'Quote it, such as "{example}". In a template, end with | string.'


def yaml_type(value: object) -> str | None:
    """Return what YAML made of a text without quotes, such as C(the number 461) of 0715; C(None) for other values."""
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    return f"the date {value}" if isinstance(value, date) else None


def pluralize(number: int, one: str, many: str) -> str:
    """Return the number with its noun: C(pluralize(2, "person", "people")) is "2 people"."""
    return f"{number} {one if number == 1 else many}"


def summarize(words: Iterable[str], limit: int = 10, separator: str = ", ") -> str:
    """Return the first C(limit) words as a list, and the number of the others."""
    words = list(words)
    more = f" and {len(words) - limit} more" if len(words) > limit else ""
    return separator.join(words[:limit]) + more
