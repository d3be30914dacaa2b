# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much memory a process needs; it imports next to nothing, since what it measures would include that."""

from __future__ import annotations

from pathlib import Path


def peak_memory() -> int:
    """Return the most memory that this process had, in bytes (proc(5), C(VmHWM)).

    What C(getrusage) calls the peak includes what the process had that started this one.
    """
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    facts = dict(line.split(":", 1) for line in lines)
    return int(facts["VmHWM"].split()[0]) * 1024
