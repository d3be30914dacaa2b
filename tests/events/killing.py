# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ends a process and all that it started at once, as when a machine loses power."""

from __future__ import annotations

import os
import signal
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress


def kill(process: int) -> None:
    """Kill a process and all below it.

    Their process groups would not do: Ansible gives sessions of their own to what it starts.
    """
    os.kill(process, signal.SIGSTOP)
    for child in list(below(process)):
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


def below(process: int) -> Iterator[int]:
    """Return a process and all below it, parents first."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], stdout=subprocess.PIPE, text=True, check=True).stdout
    children: dict[int, list[int]] = defaultdict(list)
    for child, parent in (map(int, line.split()) for line in listed.splitlines()):
        children[parent].append(child)
    left = [process]
    while left:
        parent = left.pop()
        left += children[parent]
        yield parent
