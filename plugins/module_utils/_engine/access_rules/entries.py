# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access rules as the code writes them: what an entry names, and what contradicts itself in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from ..._api.catalog import folded
from ..._api.text import printable
from ..core.lookup import folded_reference
from ..core.terms import TermRefused, term_of
from .form import CONFLICTS, FORBIDS, KINDS, LIMITS

#: The domain of an e-mail address: parts without the characters that nobody has there, with dots between them.
_DOMAIN = re.compile(r"[^\s@*?,;<>()\[\]{}\".]+(\.[^\s@*?,;<>()\[\]{}\".]+)+")


class RuleEntry(Protocol):
    """An entry of the section C(rules), see C(SourceEntry)."""

    @property
    def data(self) -> Mapping[str, Any]:
        """The data."""

    def at(self, *inside: str | int) -> str:
        """Return the file and line of the entry or of a part of it."""


def roster_conditions(data: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Yield the conditions on the roster in the data of a rule, each with its place."""
    for name in ("people", "except_people"):
        conditions = ((data.get(FORBIDS) or {}).get(name) or {}).get("roster")
        if conditions:
            yield (FORBIDS, name, "roster"), conditions


def asks_for_roster(code: Mapping[str, Any]) -> bool:
    """Return whether a rule about access in the sections of the code has a condition on the roster."""
    return any(True for data in code.get("rules", ()) for _conditions in roster_conditions(data))


def parts_of(entry: RuleEntry) -> tuple[str, dict[str, Sequence[Mapping[str, Any]]]]:
    """Return the kind of a rule, and its lists of entitlements by the option that holds them."""
    kind = next(kind for kind in KINDS if entry.data[kind] is not None)
    value = entry.data[kind]
    if kind == CONFLICTS:
        return kind, {"": value}
    return kind, {name: value[name] for name in ("holders_of", "to_hold") if value.get(name) is not None}


def entitlements_of(entry: RuleEntry) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the entitlements of a rule, each with its file and line."""
    kind, parts = parts_of(entry)
    for part, listed in parts.items():
        for number, data in enumerate(listed):
            yield entry.at(kind, *filter(None, [part]), number), data


def problems_of_rules(entries: Sequence[RuleEntry]) -> Iterator[tuple[str, str]]:
    """Yield the contradictions within rules, as pairs of file and line, and a clause; no tenant is needed."""
    first: dict[str, RuleEntry] = {}
    for entry in entries:
        name = entry.data["name"]
        if first.setdefault(folded(name.strip()), entry) is not entry:
            yield entry.at("name"), f"there is a rule {printable(name)!r} already, {first[folded(name.strip())].at()}"
        for text in ("name", "reason"):
            if not entry.data[text].strip():
                yield entry.at(text), f"the {text} of the rule is blank"
        for at, data in entitlements_of(entry):
            cause = _flaw_of(data)
            if cause:
                yield at, cause
        yield from _problems_of_kind(entry)
        yield from _problems_of_exceptions(entry)


def _flaw_of(data: Mapping[str, Any]) -> str:
    """Return why an entitlement means nothing, empty if it means something."""
    texts = [data[name] for name in ("app", "permission_level", "group") if data[name] is not None]
    details = [name for name in ("permission_level", "privileged", "owner") if data[name]]
    if not all(text.strip() for text in texts):
        return "a name is blank"
    if data["group"] is not None:
        return "a group goes with nothing else; make two entries" if len(texts) > 1 or details else ""
    if len(details) > 1:
        return f"{details[0]} and {details[1]} go into two entries"
    if data["app"] is None and details != ["privileged"]:
        return "name an app or a group" if not details else f"`{details[0]}` needs an app"
    return ""


def _problems_of_kind(entry: RuleEntry) -> Iterator[tuple[str, str]]:
    kind, parts = parts_of(entry)
    value = entry.data[kind]
    for part, listed in parts.items():
        if not listed:
            yield entry.at(kind), f"{part or kind} is empty, so the rule would never be violated"
    if kind == CONFLICTS and len(value) == 1:
        yield entry.at(kind), "conflicts names one thing; a conflict takes two"
    if kind == LIMITS:
        numbers = [value[name] for name in ("at_least", "at_most") if value[name] is not None]
        if not numbers:
            yield entry.at(kind), "limits needs `at_most`, `at_least` or both"
        elif min(numbers) < 0 or numbers != sorted(numbers):
            yield entry.at(kind), "`at_least` and `at_most` are not negative, and `at_least` is not above `at_most`"
        elif numbers == [0] and value["at_most"] is None:
            yield entry.at(kind), "there are always at least 0 people, so the rule would never be violated"
    if kind == FORBIDS:
        for name in ("people", "except_people"):
            given = {one: values for one, values in (value[name] or {}).items() if values is not None}
            wrong = [one for one, values in given.items() if not values or not all(text.strip() for text in values)]
            if wrong or (value[name] is not None and not given):
                yield entry.at(kind, name), f"{' and '.join(wrong) or name} is empty or holds a blank"
            for domain in given.get("email_domain", ()) if not wrong else ():
                if not _DOMAIN.fullmatch(domain):
                    cause = f"{printable(domain)!r} is no domain, such as example.com, so it would fit nobody"
                    yield entry.at(kind, name, "email_domain"), cause
        if value["people"] is None and value["except_people"] is None:
            yield entry.at(kind), "forbids needs people, `except_people` or both"


def _problems_of_exceptions(entry: RuleEntry) -> Iterator[tuple[str, str]]:
    first: dict[str, int] = {}
    kind, _parts = parts_of(entry)
    if entry.data["exceptions"] and kind == LIMITS and entry.data[kind]["at_most"] is None:
        yield entry.at("exceptions"), "exceptions have no effect on `at_least`"
    for number, data in enumerate(entry.data["exceptions"]):
        for name in ("person", "reason"):
            if not data[name].strip():
                yield entry.at("exceptions", number), f"the {name} of the exception is blank"
        try:
            term_of(None, data["until"])
        except TermRefused as error:
            yield entry.at("exceptions", number, "until"), str(error)
        key = folded_reference(data["person"])
        if first.setdefault(key, number) != number:
            cause = f"{printable(data['person'])!r} has an exception already, {entry.at('exceptions', first[key])}"
            yield entry.at("exceptions", number), cause
