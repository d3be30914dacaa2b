# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal: what runs wrote, as lines of JSON in a file that only grows."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from ..._api.errors import CakewalkError
from ..._api.operations import Step
from ..._api.text import parse_json, pluralize, printable, summarize
from .private_file import PrivateFile

#: The statuses of lines that end a run, or report that an earlier run did not end.
_ENDS = ("ended", "cut_off", "not_ended")


@dataclass(frozen=True)
class Journal:
    """The journal of one or more runs.

    :raises FileRefused: by each method, if the file cannot be used.
    """

    path: str

    def open(self, is_dry_run: bool = False) -> None:
        """Check that lines can be added, before there is a write to record; a dry run leaves nothing behind."""
        first = (self.file.read() or "").partition("\n")[0]
        if first and '"time"' not in first:
            raise self.file.damaged("it is not a journal, so lines are not added to it")
        if is_dry_run:
            self.file.check_writable()
        else:
            self.file.append("")

    def add(self, **facts: Any) -> None:
        """Add a line with the time and the facts, without facts that are C(None)."""
        time = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        line = {"time": time, **{name: fact for name, fact in facts.items() if fact is not None}}
        self.file.append(json.dumps(line) + "\n")

    def lines(self) -> list[dict[str, Any]]:
        """Return the lines, without those that a crash cut short."""
        lines = []
        for text in (self.file.read() or "").splitlines():
            try:
                line = parse_json(text)
            except ValueError:
                continue
            lines += [line] if isinstance(line, dict) else []
        return lines

    def locked(self) -> AbstractContextManager[None]:
        """Hold the lock of the journal for the length of the block, so that other runs wait."""
        return self.file.locked()

    @property
    def file(self) -> PrivateFile:
        """The file of the journal."""
        return PrivateFile(self.path, "the journal", "It holds lines of JSON. Move it away to begin another.")


class RunJournal:
    """The lines of one run: its begin, its writes, and its end.

    A line is added as each write is about to leave, and another when its outcome is known. So the journal of a killed
    run shows which writes left. All methods may be called by several threads.

    :param path: the file; C(None) for a run without a journal, which adds nothing.
    :param scrubbed: returns facts without the credentials.
    :param about: facts for each line: the module, the acting user, and the reason of a bypass.
    """

    def __init__(self, path: str | None, scrubbed: Callable[[Any], Any] = lambda facts: facts, **about: Any) -> None:
        self._scrubbed = scrubbed
        self._journal = Journal(path) if path else None
        self.run = secrets.token_hex(8)
        self._about = {"run": self.run, **about}
        self._is_begun = False
        self._settled: dict[int, str] = {}

    @contextmanager
    def opened(self, is_dry_run: bool) -> Iterator[list[str]]:
        """Open the journal for the length of the block, and yield a warning about each earlier run that did not end.

        A dry run adds no line. A run that is under way holds the file, so it does not count as unended.

        :raises FileRefused: lines cannot be added.
        """
        warnings: list[str] = []

        def look() -> None:
            for run, lines in self._unended().items():
                warnings.append(_warning(lines))
                if not is_dry_run:
                    self._add(status="not_ended", run=run, reported_by=self.run)

        if self._journal is None:
            yield warnings
            return
        self._journal.open(is_dry_run)
        with self._journal.file.held(look, create=not is_dry_run):
            yield warnings

    def begin(self) -> None:
        """Add the line that comes before the first write."""
        self._add(status="begun")
        self._is_begun = True

    def sending(self, number: int, step: Step) -> None:
        """Add the line of a write that is about to leave.

        :param number: the position of the step in the run.
        :raises FileRefused: the line cannot be added; then the write must not leave.
        """
        self._add_step(number, step, "sending")

    def settled(self, number: int, step: Step, status: str, error: CakewalkError | None) -> None:
        """Add the line of the outcome of a write, and another if a later read shows another outcome.

        :param status: C(done), C(already), C(refused), C(failed), C(unknown) or C(not_tried).
        """
        if self._is_begun and self._settled.get(number) != status:
            kind = error.kind if error else None
            self._add_step(number, step, status, kind=kind, msg=str(error) if error else None)
            self._settled[number] = status

    def end(self, status: str, **facts: Any) -> None:
        """Add the last line of a run that has begun."""
        if self._is_begun:
            self._add(status=status, **facts)

    def _add_step(self, number: int, step: Step, status: str, **facts: Any) -> None:
        users = list(step.users) or None
        self._add(
            status=status, number=number, step=step.action, method=step.method, path=step.path, users=users, **facts
        )

    def _add(self, **facts: Any) -> None:
        if self._journal:
            self._journal.add(**self._scrubbed({**self._about, **facts}))

    def _unended(self) -> dict[str, list[dict[str, Any]]]:
        """Return the lines of each run that began and did not end, by run."""
        runs: dict[str, list[dict[str, Any]]] = {}
        for line in self._journal.lines() if self._journal else ():
            run, status = str(line.get("run")), line.get("status")
            if status == "begun":
                runs[run] = [line]
            elif status in _ENDS:
                runs.pop(run, None)
            elif run in runs:
                runs[run].append(line)
        return runs


def _warning(lines: list[dict[str, Any]]) -> str:
    """Return the warning about a run that did not end, from its lines."""
    begun, *steps = lines
    unsettled: dict[str, str] = {}
    for line in steps:
        if line.get("status") == "sending":
            unsettled[str(line.get("number"))] = printable(line.get("step"))
        else:
            unsettled.pop(str(line.get("number")), None)
    done = pluralize(sum(line.get("status") == "done" for line in steps), "write", "writes")
    unknown = "No write was under way then."
    if unsettled:
        unknown = (
            f"It is not known whether these writes were carried out: {summarize(unsettled.values(), separator='; ')}. "
            "Look at them in Cakewalk."
        )
    return (
        f"An earlier run did not end: {printable(begun.get('module'))}, begun {printable(begun.get('time'))}, run "
        f"{printable(begun.get('run'))} in the journal, {done} done. {unknown} This run reads the tenant again."
    )
