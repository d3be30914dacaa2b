# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The identity of processes, which distinguishes a process from a later process with the same id."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
#: States of processes that have ended: Z for zombies, X for dead ones.
_ENDED = ("Z", "X")


@dataclass(frozen=True)
class Process:
    """A process.

    :param host: the host name of its machine.
    :param boot: the id of the boot of that machine, empty if the system does not show it.
    :param started: the start time in clock ticks since the boot, empty if the system does not show it.
    """

    host: str
    boot: str
    pid: int
    started: str

    @classmethod
    def running(cls, pid: int) -> Process | None:
        """Return the process that has this id now; C(None) if it does not exist or is a zombie."""
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return None
        except PermissionError:
            pass
        state, started = _stat(pid)
        if state in _ENDED:
            return None
        return cls(platform.node(), _text("sys/kernel/random/boot_id"), pid, started)

    @property
    def is_elsewhere(self) -> bool:
        """Whether the process belongs to another machine, where this one cannot look."""
        return self.host != platform.node()

    @property
    def is_running(self) -> bool:
        """Whether the process runs on this machine now."""
        return Process.running(self.pid) == self


def _stat(pid: int) -> tuple[str, str]:
    """Return state and start time of a process: fields 3 and 22 of C(/proc/PID/stat), empty if there is no such file.

    See proc(5); field 2 is in brackets and may contain anything.
    """
    fields = _text(f"{pid}/stat").rpartition(")")[2].split()
    return (fields[0], fields[19]) if len(fields) > 19 else ("", "")


def _text(name: str) -> str:
    try:
        return (_PROC / name).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
