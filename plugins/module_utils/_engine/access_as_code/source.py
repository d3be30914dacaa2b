# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The code of a tenant as read from files, with the position of each part."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar

from ..._api.errors import CakewalkError, ConfigurationError
from ..._api.text import printable, summarize
from ..core.lookup import LookupFailed, folded_reference

Item = TypeVar("Item")


class CodeRefused(CakewalkError):
    """The code contradicts itself, or cannot be read; C(problems) names each place."""

    kind = "code"

    def __init__(self, problems: Iterable[Mapping[str, str]], hint: str = "Correct the files.") -> None:
        problems = sorted(problems, key=_file_and_line)
        super().__init__(
            "use the code",
            summarize((f"{problem['at']}: {problem['message']}" for problem in problems), separator="; "),
            f"Nothing was changed. {hint}",
            problems=problems,
        )


def _file_and_line(problem: Mapping[str, str]) -> tuple[str, int]:
    file, _colon, rest = problem["at"].partition(":")
    line = re.match("[0-9]+", rest)
    return file, int(line[0]) if line else 0


def problem(at: str, message: str) -> dict[str, str]:
    """Return a problem of the code at a file and line, for C(CodeRefused)."""
    return {"at": at, "message": message}


@dataclass(frozen=True)
class SourceEntry:
    """An entry of a section.

    :param path: its place in the data: C(groups[0]).
    :param positions: see C(SourceCode), as for the others.
    """

    path: str
    data: Mapping[str, Any]
    positions: Mapping[str, str]
    time: datetime | None = None
    only_expired: bool = False

    def at(self, *inside: str | int) -> str:
        """Return the file and line of the entry or of a part of it; without these its place in the data."""
        path = self.path + "".join(f"[{name}]" if isinstance(name, int) else f".{name}" for name in inside)
        return printable(self.positions.get(path) or self.positions.get(self.path) or path)

    def refused_by(self, parse: Callable[[Mapping[str, Any]], object]) -> list[dict[str, str]]:
        """Return the problem if C(parse) refuses the data."""
        try:
            parse(self.data)
        except ConfigurationError as error:
            return [problem(self.at(), error.cause)]
        return []


@dataclass(frozen=True)
class SourceCode:
    """The content of the files.

    :param sections: the data, complete and checked by the argument spec.
    :param positions: the file and line by place in the data: C(groups[0].members[2]).
    :param time: the time at which terms are looked at; C(None) for code without terms.
    :param only_expired: whether only what has expired counts.
    :param written: the sections as they were written, if rules added people since.
    """

    sections: Mapping[str, Any]
    positions: Mapping[str, str]
    time: datetime | None = None
    only_expired: bool = False
    written: Mapping[str, Any] | None = None

    def entries(self, section: str) -> list[SourceEntry]:
        """Return the entries of a section in their order."""
        data = self.sections.get(section) or ()
        return [
            SourceEntry(f"{section}[{number}]", entry, self.positions, self.time, self.only_expired)
            for number, entry in enumerate(data)
        ]

    def data(self, section: str) -> list[Mapping[str, Any]]:
        """Return the data of the entries of a section."""
        return [entry.data for entry in self.entries(section)]

    def positions_of(self, references: Iterable[str]) -> list[str]:
        """Return the positions of these references in any section, in the order of the files."""
        found = {at for reference in references for at in self._by_text.get(folded_reference(reference), ())}
        return [position for _number, position in sorted(found)]

    @cached_property
    def _by_text(self) -> dict[str, list[tuple[int, str]]]:
        """The positions of each text, folded, with their order in the files."""
        texts = (
            text
            for section in self.sections
            if section != "tenant"
            for entry in self.entries(section)
            for text in _texts(entry.path, entry.data)
        )
        by_text: dict[str, list[tuple[int, str]]] = {}
        for number, (path, text) in enumerate(texts):
            by_text.setdefault(folded_reference(text), []).append((number, printable(self.positions.get(path) or path)))
        return by_text

    def with_positions(self, error: CakewalkError) -> CakewalkError:
        """Return an error that also names the positions of the references it is about."""
        facts = error.facts()
        if isinstance(error, LookupFailed):
            return LookupFailed([self._with_positions(problem) for problem in facts["problems"]])
        positions = self.positions_of(facts.get("references") or facts.get("protected", ()))
        return error.restated(f"{error.cause} ({summarize(positions)})", error.hint) if positions else error

    def _with_positions(self, problem: dict[str, Any]) -> dict[str, Any]:
        at = self.positions_of([problem["reference"]])
        return {**problem, "message": f"{problem['message']} ({summarize(at)})", "at": at} if at else problem


def repeated(keyed: Iterable[tuple[Hashable, Item]]) -> Iterator[tuple[Item, Item]]:
    """Yield each item whose key an earlier item has, with the first item of that key."""
    first: dict[Hashable, Item] = {}
    for key, item in keyed:
        if first.setdefault(key, item) is not item:
            yield item, first[key]


def _texts(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yield all strings in a value, with their places."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _texts(f"{path}.{name}", item)
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield from _texts(f"{path}[{number}]", item)
