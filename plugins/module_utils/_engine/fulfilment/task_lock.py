# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose turn it is to carry out an approval task: one run's at a time, on one machine.

Runs of Ansible are many short processes below a long one, so no lock of the system can be held through them. A file
names the long one instead; a turn whose process has ended is over.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ..._api.errors import CakewalkError
from ..._api.text import printable
from ..storage.private_file import PrivateFile, parse_json
from .processes import Process

_REBUILD = "Once no run is under way, remove the file: it only tells which tasks runs are at."


class TaskLockRefused(CakewalkError):
    """A task is not this run's, or not at the point where something could be done with it."""

    kind = "turn"


@dataclass(frozen=True)
class TaskLock:
    """The turn of one run with one task.

    :param run: which of the runs of the process it is; a play has one for each host.
    :param since: since when, for people.
    :param phase: how far it is: C(taken), C(handler), C(verify), C(unproved) or C(approve).
    :param item: what the task is about, once that was read.
    :param route: the route that fits it.
    :param nonce: what a proof must name, while one is asked for; nobody knows it before.
    :param proof: what was proved since then.
    """

    owner: Process
    run: str
    since: str
    phase: str = "taken"
    item: Mapping[str, Any] | None = None
    route: Mapping[str, Any] | None = None
    nonce: str | None = None
    proof: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class TaskLocks:
    """The turns that are under way, in a file of a folder.

    :param owner: the process whose turns are taken.
    :param run: the run in it whose turns are taken.
    :raises FileRefused: whenever the file cannot be used, or is damaged.
    """

    folder: str
    owner: Process
    run: str

    def take(self, task: str, since: str) -> bool:
        """Begin a turn, and tell whether it could be had: another run may be at it.

        :raises TurnRefused: a run on another machine is, or was and left its turn behind.
        """
        with self._changing() as turns:
            held = turns.get(task)
            if held and held.owner.is_elsewhere:
                raise TaskLockRefused(
                    f"take the task {task}",
                    f"since {printable(held.since)} a run on the machine {printable(held.owner.host)} has it, and from "
                    "here it cannot be told whether it has ended",
                    f"Let it end. If it has, remove {printable(self._file.path)}.",
                    task=task,
                )
            if held and held.owner.is_running:
                return False
            turns[task] = TaskLock(self.owner, self.run, since)
        return True

    def enter(self, task: str, phase: str, after: str, **facts: Any) -> TaskLock:
        """Go on from the phase C(after) to another; what a proof must name is made anew for each.

        :raises TurnRefused: the task is not this run's, or in another phase.
        """
        with self._changing() as turns:
            turn = self._own(turns, task, after)
            turns[task] = replace(turn, phase=phase, **{"nonce": None, **facts})
            return turns[task]

    def ask(self, task: str) -> str:
        """Ask for a proof that the task is carried out, and return what it must name.

        :raises TurnRefused: the task is not this run's, or nothing was done yet that could be proved.
        """
        nonce = secrets.token_hex(16)
        self.enter(task, "verify", after="handler", nonce=nonce, proof=None)
        return nonce

    def prove(self, task: str, nonce: str, proof: Mapping[str, Any]) -> None:
        """Keep a proof.

        :raises TurnRefused: none is asked for, or not by this run.
        """
        with self._changing() as turns:
            turn = self._own(turns, task, "verify")
            if turn.nonce is None or not secrets.compare_digest(turn.nonce.encode(), nonce.encode()):
                raise TaskLockRefused(
                    f"prove the task {task}",
                    "it is not the one that a proof is asked for now",
                    "Prove a task only in the verify part of its route, and hand on task_fulfilment_turn as it is.",
                    task=task,
                )
            turns[task] = replace(turn, proof=dict(proof))

    def of(self, task: str) -> TaskLock | None:
        """Return this run's turn with a task, if it has one."""
        turn = self._read().get(task)
        return turn if turn and self._is_own(turn) else None

    def end(self, task: str) -> None:
        """End this run's turn with a task, if it has one."""
        with self._changing() as turns:
            if task in turns and self._is_own(turns[task]):
                del turns[task]

    @property
    def _file(self) -> PrivateFile:
        return PrivateFile(str(Path(self.folder) / "turns.json"), "the turns of tasks", _REBUILD)

    @contextmanager
    def _changing(self) -> Iterator[dict[str, TaskLock]]:
        """Change the turns while nobody else does; those that nobody holds any more are left out."""
        with self._file.locked():
            turns = self._read()
            yield turns
            kept = {task: turn for task, turn in turns.items() if turn.owner.is_elsewhere or turn.owner.is_running}
            self._file.write(json.dumps({task: asdict(turn) for task, turn in kept.items()}, indent=1))

    def _read(self) -> dict[str, TaskLock]:
        try:
            found = parse_json(self._file.read() or "{}")
            return {task: TaskLock(**{**turn, "owner": Process(**turn["owner"])}) for task, turn in found.items()}
        except (ValueError, TypeError, KeyError, AttributeError):
            raise self._file.damaged("it does not hold turns of tasks") from None

    def _is_own(self, turn: TaskLock) -> bool:
        return (turn.owner, turn.run) == (self.owner, self.run)

    def _own(self, turns: Mapping[str, TaskLock], task: str, phase: str) -> TaskLock:
        turn = turns.get(task)
        if turn is None or not self._is_own(turn) or turn.phase != phase:
            at = f"in the phase {turn.phase}" if turn and self._is_own(turn) else "not this run's"
            raise TaskLockRefused(
                f"go on with the task {task}",
                f"it is {at}, and should be this run's in the phase {phase}",
                "Nothing was approved. Run again.",
                task=task,
            )
        return turn
