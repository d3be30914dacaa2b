# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Locks for approval tasks: one run at a time carries out a task on this machine.

Each Ansible task is a short process of its own, so a lock of the system cannot span a run. The lock file names the
ansible-playbook process, and a lock whose process has ended is stale.
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
    """The run does not hold the lock of a task, or the task is in another phase."""

    kind = "turn"


@dataclass(frozen=True)
class TaskLock:
    """The lock of a task.

    :param run: the run within the process; a play has one run for each host.
    :param since: the time since when the run holds the lock, for people.
    :param phase: the progress: C(taken), C(handler), C(verify), C(unproved) or C(approve).
    :param item: the attributes of the task, once it was read.
    :param route: the route of the task.
    :param token: a secret that a proof must name; it exists only in the phase C(verify).
    :param proof: what was proved in that phase.
    """

    owner: Process
    run: str
    since: str
    phase: str = "taken"
    item: Mapping[str, Any] | None = None
    route: Mapping[str, Any] | None = None
    token: str | None = None
    proof: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class TaskLocks:
    """The locks in a file of a folder, for one run.

    :param owner: the process of the run.
    :raises FileRefused: in every method, if the file cannot be used or is damaged.
    """

    folder: str
    owner: Process
    run: str

    def take(self, task: str, since: str) -> bool:
        """Take the lock of a task, and return whether it was free.

        :raises TaskLockRefused: a run on another machine holds the lock, or left it behind.
        """
        with self._changing() as locks:
            held = locks.get(task)
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
            locks[task] = TaskLock(self.owner, self.run, since)
        return True

    def enter(self, task: str, phase: str, after: str, **facts: Any) -> TaskLock:
        """Go on from the phase C(after) to the next; no token is valid in two phases.

        :raises TaskLockRefused: the run does not hold the lock, or the task is in another phase.
        """
        with self._changing() as locks:
            locks[task] = replace(self._own(locks, task, after), phase=phase, **{"token": None, **facts})
            return locks[task]

    def ask(self, task: str) -> str:
        """Ask for a proof that a task was carried out, and return the token for it.

        :raises TaskLockRefused: the run does not hold the lock, or there is nothing to prove yet.
        """
        token = secrets.token_hex(16)
        self.enter(task, "verify", after="handler", token=token, proof=None)
        return token

    def prove(self, task: str, token: str, proof: Mapping[str, Any]) -> None:
        """Keep a proof.

        :raises TaskLockRefused: no proof is asked for, or not by this run.
        """
        with self._changing() as locks:
            lock = self._own(locks, task, "verify")
            if lock.token is None or not secrets.compare_digest(lock.token.encode(), token.encode()):
                raise TaskLockRefused(
                    f"prove the task {task}",
                    "it is not the one that a proof is asked for now",
                    "Prove a task only in the verify part of its route, and hand on task_fulfilment_turn as it is.",
                    task=task,
                )
            locks[task] = replace(lock, proof=dict(proof))

    def of(self, task: str) -> TaskLock | None:
        """Return the lock of a task if this run holds it."""
        lock = self._read().get(task)
        return lock if lock and self._is_own(lock) else None

    def end(self, task: str) -> None:
        """Release the lock of a task if this run holds it."""
        with self._changing() as locks:
            if task in locks and self._is_own(locks[task]):
                del locks[task]

    @property
    def _file(self) -> PrivateFile:
        return PrivateFile(str(Path(self.folder) / "turns.json"), "the turns of tasks", _REBUILD)

    @contextmanager
    def _changing(self) -> Iterator[dict[str, TaskLock]]:
        """Lock the file, yield its locks, and write them back without the stale ones."""
        with self._file.locked():
            locks = self._read()
            yield locks
            kept = {task: lock for task, lock in locks.items() if lock.owner.is_elsewhere or lock.owner.is_running}
            self._file.write(json.dumps({task: _document(lock) for task, lock in kept.items()}, indent=1))

    def _read(self) -> dict[str, TaskLock]:
        try:
            return {task: _lock(**fields) for task, fields in parse_json(self._file.read() or "{}").items()}
        except (ValueError, TypeError, AttributeError):
            raise self._file.damaged("it does not hold turns of tasks") from None

    def _is_own(self, lock: TaskLock) -> bool:
        return (lock.owner, lock.run) == (self.owner, self.run)

    def _own(self, locks: Mapping[str, TaskLock], task: str, phase: str) -> TaskLock:
        lock = locks.get(task)
        if lock is None or not self._is_own(lock) or lock.phase != phase:
            at = f"in the phase {lock.phase}" if lock and self._is_own(lock) else "not this run's"
            raise TaskLockRefused(
                f"go on with the task {task}",
                f"it is {at}, and should be this run's in the phase {phase}",
                "Nothing was approved. Run again.",
                task=task,
            )
        return lock


# In the file the token is called nonce, as in the option of cakewalk_task_proof.
def _lock(owner: Mapping[str, Any], nonce: str | None = None, **fields: Any) -> TaskLock:
    return TaskLock(Process(**owner), token=nonce, **fields)


def _document(lock: TaskLock) -> dict[str, Any]:
    fields = asdict(lock)
    fields["nonce"] = fields.pop("token")
    return fields
