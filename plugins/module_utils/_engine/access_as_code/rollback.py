# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rollback: code that undoes what a run changed; it is planned and approved as any other code."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..._api.errors import OutcomeUnknown
from ..._api.text import printable
from ..access_rules.entries import roster_conditions
from ..core.plan import ApplyResult, StepStatus
from ..storage.private_file import PrivateFile
from .section import ReversibleStep
from .yaml_writer import dump_yaml

_HEAD = (
    "This undoes a run with mode: apply. Put it into a folder of its own, plan it, and have the plan approved.",
    "People who are added again go through access requests again.",
    "The access rules and time limits of the run hold here, too.",
)
#: The sections that limit every plan, so that the plan of an inverse has the same limits.
_LIMITS = ("time_limits", "rules")
_UNENDED = "The run did not end. This undoes its whole plan. What was not done needs nothing."


def check_rollback_path(path: str | None) -> None:
    """Raise C(FileRefused) if the file could not be written, before the tenant is read."""
    if path:
        _file(path).check_writable()


class RollbackFile:
    """The code that undoes a run, as a file; what the file held before is kept under another name.

    :param path: the file; C(None) for a run without one.
    :param code: the sections of the code.
    :param scrubbed: returns a value without the credentials.
    """

    def __init__(
        self,
        path: str | None,
        steps: Sequence[ReversibleStep],
        code: Mapping[str, Any],
        scrubbed: Callable[[Any], Any],
    ) -> None:
        self._file = _file(path) if path else None
        self._steps = steps
        self._code = code
        self._scrubbed = scrubbed
        self._is_begun = False

    def begin(self) -> None:
        """Write the code that undoes every step, so that a killed run leaves it: its plan drops what was not done."""
        if self._file:
            earlier = self._file.read()
            if earlier is not None:
                kept = PrivateFile(f"{self._file.path}.before-{secrets.token_hex(8)}", "the earlier inverse", "")
                kept.write(earlier)
            self._is_begun = True
            self._file.write(_inverse(self._steps, [], self._code, self._scrubbed, [_UNENDED])["text"])

    def end(self, applied: ApplyResult) -> None:
        """Write the code that undoes what was done, or may have been done."""
        if self._file and self._is_begun:
            inverse = inverse_of(self._steps, applied, self._code, self._scrubbed).get("inverse")
            self._file.write((inverse or _inverse([], [], self._code, self._scrubbed))["text"])

    def report(self, applied: ApplyResult) -> dict[str, Any]:
        """Return what the result says about the inverse, under C(inverse); empty if no step was sent.

        The code is in it as C(lines), unless the file has it: a log is no place to copy code from.
        """
        inverse = inverse_of(self._steps, applied, self._code, self._scrubbed).get("inverse")
        if inverse is None:
            return {}
        text = inverse.pop("text")
        return {"inverse": inverse if self._file else {**inverse, "lines": text.removesuffix("\n").split("\n")}}


def _file(path: str) -> PrivateFile:
    return PrivateFile(path, "the inverse", "Move it away.")


def inverse_of(
    steps: Sequence[ReversibleStep],
    applied: ApplyResult,
    code: Mapping[str, Any],
    scrubbed: Callable[[Any], Any] = lambda value: value,
) -> dict[str, Any]:
    """Return the code that undoes the steps that were done, under C(inverse); empty if no step was sent.

    A step with an unknown outcome is undone, too: the plan of the inverse drops what was not done.

    :param code: the sections of the code.
    :param scrubbed: returns a value without the credentials.
    """
    results = {id(result.step): result for result in applied.steps}
    sent = [(item, results[id(item.step)]) for item in steps if id(item.step) in results]
    done = [item for item, result in sent if result.status is StepStatus.DONE]
    failed = [item for item, result in sent if result.status is StepStatus.FAILED]
    unknown = [item for item, result in sent if isinstance(result.error, OutcomeUnknown)]
    if not done and not failed:
        return {}
    return {"inverse": _inverse([*done, *unknown], failed, code, scrubbed)}


def _inverse(
    done: Sequence[ReversibleStep],
    failed: Sequence[ReversibleStep],
    code: Mapping[str, Any],
    scrubbed: Callable[[Any], Any],
    head: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the code that undoes steps as C(text), and lines about what nothing undoes as C(not_undoable).

    Rules and limits of the code are in the inverse, so that taking something back cannot get around them.
    """
    undone = [item for item in done if item.undo is not None]
    remaining = [f"{item.step.action}: {item.reason}" for item in done if item.reason]
    remaining += [
        f"{item.step.action}: it failed, so it is not known whether there is something to take back" for item in failed
    ]
    left_out = [
        f"the access rule {printable(rule['name'])!r}: it asks for the roster, which an inverse does not have"
        for rule in code.get("rules") or ()
        if _needs_roster(rule)
    ]
    comments = [
        *head,
        *_HEAD,
        *(f"Takes back: {_description(item)}" for item in undone),
        *(f"Cannot be taken back: {line}" for line in remaining),
        *(f"Left out: {line}" for line in left_out),
    ]
    sections = {"tenant": code["tenant"], **_sections(undone), **_limits(code)}
    return {"text": dump_yaml(scrubbed(sections), scrubbed(comments)), "not_undoable": [*remaining, *left_out]}


def _description(reversible: ReversibleStep) -> str:
    """Return the action of a step, with the names of people that it does not hold."""
    action = reversible.step.action
    people = [name for name in map(printable, reversible.step.users) if name not in action]
    return f"{action} ({', '.join(people)})" if people else action


def _limits(code: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the sections of the code that limit a plan, without rules about the roster."""
    kept = {name: [entry for entry in code.get(name) or () if not _needs_roster(entry)] for name in _LIMITS}
    return {name: _written(entries) for name, entries in kept.items() if entries}


def _needs_roster(entry: Mapping[str, Any]) -> bool:
    return any(True for _conditions in roster_conditions(entry))


def _written(value: Any) -> Any:
    """Return data of the code without the options that are not written."""
    if isinstance(value, Mapping):
        return {name: _written(item) for name, item in value.items() if item is not None}
    return list(map(_written, value)) if isinstance(value, (list, tuple)) else value


def _sections(steps: Iterable[ReversibleStep]) -> dict[str, list[dict[str, Any]]]:
    """Return the entries by section; entries that differ only in their lists become one."""
    merged: dict[str, dict[Any, dict[str, Any]]] = {}
    for reversible in steps:
        entry = dict(reversible.undo or {})
        key = tuple((name, value) for name, value in entry.items() if isinstance(value, str))
        target = merged.setdefault(reversible.section, {}).setdefault(key, {})
        for name, value in entry.items():
            target[name] = [*target.get(name, []), *value] if isinstance(value, list) else value
    return {section: list(entries.values()) for section, entries in merged.items()}
