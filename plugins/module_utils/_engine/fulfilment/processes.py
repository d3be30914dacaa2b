# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes of this machine, known so well that another one with the same number is not taken for them."""

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

    :param host: the machine, by the name that it calls itself.
    :param boot: which start of the machine it belongs to, empty where the system does not tell.
    :param started: when it started, in the units of the system, empty where the system does not tell.
    """

    host: str
    boot: str
    pid: int
    started: str

    @classmethod
    def running(cls, pid: int) -> Process | None:
        """Return the process that has this number now, unless it has ended and only waits for somebody to take note."""
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
        """Whether it belongs to another machine, so that nothing can be known of it."""
        return self.host != platform.node()

    @property
    def is_running(self) -> bool:
        """Whether it runs on this machine now."""
        return Process.running(self.pid) == self


def _stat(pid: int) -> tuple[str, str]:
    """Return state and start of a process, the 3rd and 22nd field of C(/proc/PID/stat), empty where there is none.

    See proc(5); the second field is in brackets and may hold anything.
    """
    fields = _text(f"{pid}/stat").rpartition(")")[2].split()
    return (fields[0], fields[19]) if len(fields) > 19 else ("", "")


def _text(name: str) -> str:
    try:
        return (_PROC / name).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
