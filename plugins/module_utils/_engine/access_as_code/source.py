# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the files of a tenant say, and where they say it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._api.errors import CakewalkError
from ..._api.text import printable, summarize
from ..core.lookup import LookupFailed, folded_email, is_uuid

Entry = Mapping[str, Any]


class CodeRefused(CakewalkError):
    """The code contradicts itself, or cannot be read; C(problems) names each place."""

    kind = "code"

    def __init__(self, problems: Sequence[Mapping[str, str]]) -> None:
        super().__init__(
            "use the code of the tenant",
            summarize((f"{problem['at']}: {problem['message']}" for problem in problems), separator="; "),
            "Nothing was changed. Correct the files.",
            problems=list(problems),
        )


def problem(at: str, message: str) -> dict[str, str]:
    """Return a problem of the code, for C(CodeRefused).

    :param at: the file and line.
    """
    return {"at": at, "message": message}


@dataclass(frozen=True)
class SourceEntry:
    """An entry of a section, and where it stands."""

    section: str
    number: int
    entry: Entry

    def path(self, *inside: str | int) -> str:
        """Return the place of the entry, or of something in it, as C(positions) call it."""
        steps = (f"[{one}]" if isinstance(one, int) else f".{one}" for one in inside)
        return f"{self.section}[{self.number}]{''.join(steps)}"


class SourceCode:
    """What the files say.

    :param sections: the data, complete and checked by the argument spec.
    :param positions: by place (C(groups[0].members[2])) the file and line.
    """

    def __init__(self, sections: Mapping[str, Any], positions: Mapping[str, str]) -> None:
        self.sections = sections
        self._positions = positions

    def entries(self, section: str) -> list[SourceEntry]:
        """Return the entries of a section in their order."""
        return [SourceEntry(section, number, entry) for number, entry in enumerate(self.sections.get(section) or ())]

    def at(self, named: SourceEntry, *inside: str | int) -> str:
        """Return where an entry stands, or something in it: the file and line, or else the place in the data."""
        path = named.path(*inside)
        return printable(self._positions.get(path) or self._positions.get(named.path()) or path)

    def places(self, references: Iterable[str]) -> list[str]:
        """Return where any of these references stands, in the order of the files."""
        wanted = {folded(one) for one in references}
        return [
            printable(self._positions.get(path) or path)
            for section in self.sections
            if section != "tenant"
            for named in self.entries(section)
            for path, text in _texts(named.path(), named.entry)
            if folded(text) in wanted
        ]

    def located(self, error: CakewalkError) -> CakewalkError:
        """Return an error of what the code asks for that also tells where the code asks for it."""
        facts = error.facts()
        if isinstance(error, LookupFailed):
            return LookupFailed([self._placed(one) for one in facts["problems"]])
        places = self.places(facts.get("references", ()))
        return error.restated(f"{error.cause} ({summarize(places)})", error.hint) if places else error

    def _placed(self, one: Mapping[str, Any]) -> dict[str, Any]:
        places = self.places([one["reference"]])
        return {**one, "message": f"{one['message']} ({summarize(places)})", "at": places} if places else dict(one)


def is_reserved(name: str) -> bool:
    """Tell whether a mapping that goes from controller to module, or back, must not have this name: since ansible-core
    2.19 those marked so turn into something else on the way, or break it off."""
    return name.startswith("__ansible")


def folded(reference: str) -> str:
    """Return a reference as references are compared where nobody was looked up yet."""
    return reference.lower() if is_uuid(reference) else folded_email(reference)


def _texts(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """Return all texts in a value, with their places."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for name, inside in value.items():
            yield from _texts(f"{path}.{name}", inside)
    elif isinstance(value, (list, tuple)):
        for number, inside in enumerate(value):
            yield from _texts(f"{path}[{number}]", inside)
