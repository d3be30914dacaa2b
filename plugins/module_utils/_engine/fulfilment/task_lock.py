# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Locks for approval tasks: one run at a time carries out a task.

Each Ansible task is a short process of its own, so a keeper holds the lock in place of the run, see C(keeper.py). The
operating system releases the lock when the keeper ends. Not every file system shares locks between machines. All show
when the keeper last renewed a lock, so a run on another machine waits until the lock expires.
"""

from __future__ import annotations

import json
import os
import platform
import secrets
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..._api.errors import CakewalkError
from ..._api.text import parse_json, printable
from ..storage.private_file import PrivateFile
from . import keeper

#: How long the lock of a run on another machine is valid after its last renewal, in seconds.
LEASE = 600.0


class TaskLockRefused(CakewalkError):
    """The run does not hold the lock of a task, or the task is in another phase."""

    kind = "turn"


@dataclass(frozen=True)
class TaskLock:
    """The lock of a task.

    :param run: the run; a play has one run for each host.
    :param machine: the boot of the machine of the run; containers of one machine share it.
    :param host: the host name of that machine or container, for people, like C(pid) and C(since).
    :param pid: the id of the process C(ansible-playbook).
    :param phase: the progress: C(taken), C(handler), C(verify), C(unproved) or C(approve).
    :param item: the attributes of the task, once it was read.
    :param route: the route of the task.
    :param token: a secret that a proof must name; it exists only in the phase C(verify).
    :param proof: what was proved in that phase.
    :param interrupted: a clause about an earlier run that took the task and ended without releasing it.
    """

    run: str
    machine: str
    host: str
    pid: int
    since: str
    phase: str = "taken"
    item: Mapping[str, Any] | None = None
    route: Mapping[str, Any] | None = None
    token: str | None = None
    proof: Mapping[str, Any] | None = None
    interrupted: str | None = None


@dataclass(frozen=True)
class TaskLocks:
    """The locks in a folder, for one run.

    :raises FileRefused: in every method, if a file cannot be used or is damaged.
    """

    folder: str
    run: str

    def check(self) -> None:
        """Check that locks can be kept in the folder, and leave nothing there."""
        self._file("any").check_writable()

    def take(self, task: str, since: str, results: int) -> str | None:
        """Take the lock of a task; return C(None) if it was free, or a clause about the run that holds it.

        :param results: the descriptor of the pipe through which workers return results, see C(keeper.keep).
        """
        file, lock = self._file(task), TaskLock(self.run, _machine(), platform.node(), os.getppid(), since)
        descriptor = file.try_lock()
        if descriptor is None:
            return _holder(self._read(task))
        try:
            earlier = self._read(task)
            expires = os.fstat(descriptor).st_mtime + LEASE
            if earlier and earlier.machine != lock.machine and time.time() < expires:
                until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(expires))
                return f"{_holder(earlier)}; unless that run renews the lock, it expires at {until}"
            os.utime(descriptor)
            interrupted = f"{_run_of(earlier)} took it at {printable(earlier.since)}" if earlier else None
            self._write(task, replace(lock, interrupted=interrupted))
            # It outlives the task, and run_command waits.
            subprocess.Popen(  # pylint: disable=ansible-bad-function
                [sys.executable, "-I", "-S", keeper.__file__, *map(str, (descriptor, results, lock.pid))],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(descriptor, results),
                start_new_session=True,
                cwd="/",
            )
        finally:
            os.close(descriptor)
        return None

    def enter(self, task: str, phase: str, after: str, **facts: Any) -> TaskLock:
        """Go on from the phase C(after) to the next; no token is valid in two phases.

        :raises TaskLockRefused: the run does not hold the lock, or the task is in another phase.
        """
        lock = replace(self._own(task, after), phase=phase, **{"token": None, **facts})
        self._write(task, lock)
        return lock

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
        lock = self._own(task, "verify")
        if lock.token is None or not secrets.compare_digest(lock.token.encode(), token.encode()):
            raise TaskLockRefused(
                f"prove the task {task}",
                "no proof is expected for this task now",
                "Prove a task only in the verify part of its route, and hand on `task_fulfilment_turn` as it is.",
                task=task,
            )
        self._write(task, replace(lock, proof=dict(proof)))

    def of(self, task: str) -> TaskLock | None:
        """Return the lock of a task if this run holds it."""
        lock = self._read(task)
        return lock if lock and lock.run == self.run else None

    def end(self, task: str) -> None:
        """Release the lock of a task if this run holds it."""
        if self.of(task):
            self._file(task).remove()

    def _file(self, task: str) -> PrivateFile:
        path = str(Path(self.folder) / f"{quote(task, safe='')}.json")
        return PrivateFile(path, "the lock of a task", "Once no run is under way, remove the file.")

    def _read(self, task: str) -> TaskLock | None:
        file = self._file(task)
        try:
            text = file.read()
            return None if text is None else TaskLock(**parse_json(text))
        except (ValueError, TypeError):
            raise file.damaged("it does not hold the lock of a task") from None

    def _write(self, task: str, lock: TaskLock) -> None:
        self._file(task).write(json.dumps(asdict(lock), indent=1))

    def _own(self, task: str, phase: str) -> TaskLock:
        lock = self.of(task)
        if lock is None or lock.phase != phase:
            at = f"in the phase {lock.phase}" if lock else "not this run's"
            raise TaskLockRefused(
                f"go on with the task {task}",
                f"it is {at}, and should be this run's in the phase {phase}",
                "Nothing was approved. Run again.",
                task=task,
            )
        return lock


def _holder(lock: TaskLock | None) -> str:
    if lock is None:
        return "another run has just taken it"
    return f"since {printable(lock.since)} {_run_of(lock)} has it"


def _run_of(lock: TaskLock) -> str:
    return f"a run on {printable(lock.host)} (process {lock.pid})"


def _machine() -> str:
    """Return the id of the boot of this machine, or its host name if the system does not show it."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return platform.node()
