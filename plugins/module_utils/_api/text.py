# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Server and tenant text made fit to be read by people: visible, short, free of secrets."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable

#: Control, formatting (bidirectional and zero-width among them), surrogate, line and paragraph separator characters:
#: what can make a terminal or a log say something else than what was sent (Unicode technical report 36, section 2.10).
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})

#: The limit of a text that is shown as a whole, however long it is.
UNCUT = sys.maxsize


def printable(text: object, limit: int = 300) -> str:
    """Return C(text) as one line with every invisible character as its escape, cut at C(limit) characters."""
    shown = "".join(
        char.encode("unicode_escape").decode("ascii") if unicodedata.category(char) in _INVISIBLE else char
        for char in str(text)[: limit + 1]
    )
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def is_writable(text: str) -> bool:
    """Tell whether a file can hold C(text): JSON can bring halves of characters, which have no place in UTF-8."""
    return not any(unicodedata.category(char) == "Cs" for char in text)


def redact(text: str, secrets: Iterable[str]) -> str:
    """Return C(text) with each of the C(secrets) replaced by asterisks, the longest first."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "********")
    return text


def pluralize(number: int, one: str, many: str) -> str:
    """Return the number with its noun: C(counted(2, "person", "people")) is "2 people"."""
    return f"{number} {one if number == 1 else many}"


def summarize(words: Iterable[str], limit: int = 20, separator: str = ", ") -> str:
    """Return the first C(limit) words and how many more there are."""
    words = list(words)
    more = f" and {len(words) - limit} more" if len(words) > limit else ""
    return separator.join(words[:limit]) + more
