# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What something costs, and whether that meets a goal."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import astuple, dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any

from playbooks.harness import COLLECTIONS, Data
from sandbox.process import Sandbox

#: What C(ru_maxrss) counts in, in bytes (getrusage(2)).
_UNIT = 1024
_PACKAGE_ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Cost:
    """What something took.

    :param seconds: by the clock.
    :param own: seconds for which its processes had a processor.
    :param peak_memory: the most that one of them had, in bytes.
    """

    seconds: float
    own: float
    peak_memory: int

    @classmethod
    def usual(cls, costs: list[Cost]) -> Cost:
        """Return the median of each."""
        seconds, own, memory = (median(column) for column in zip(*map(astuple, costs), strict=True))
        return cls(seconds, own, int(memory))


def cost_of(deed: Callable[[], object]) -> Cost:
    """Return what a deed costs that is done by processes of its own.

    :param deed: returns the C(seconds) or C(peak_memory) that it took, where it knows better than can be seen here.
    """
    near, far = get_context("fork").Pipe(duplex=False)
    # Of all children so far the system tells the peak, so this one has no other.
    child = get_context("fork").Process(target=_tell, args=(far, deed))
    child.start()
    far.close()
    try:
        return Cost(**near.recv())
    finally:
        child.join()


def module(tenant: Sandbox, name: str, options: Data, minute: float = 60.0) -> tuple[Data, int]:
    """Run a module as a process of its own, as it can be run by hand; return its result, and its peak memory in bytes.

    :param minute: how many seconds a minute has for its governor.
    """
    collection, _dot, file = f"ansible_collections.{name}".rpartition(".")
    lines = (
        "import sys",
        "from benchmarks.memory import peak_memory",
        f"from {collection}.plugins.module_utils._api import governor",
        f"from {collection}.plugins.modules import {file}",
        f"governor.WINDOW = {minute}",
        "try:",
        f"    {file}.main()",
        "finally:",
        "    print(peak_memory(), file=sys.stderr)",
    )
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": options}),
        env={**os.environ, **tenant.env, "PYTHONPATH": f"{_PACKAGE_ROOT}{os.pathsep}{COLLECTIONS}"},
        text=True,
        capture_output=True,
        check=True,
    )
    return json.loads(done.stdout), int(done.stderr)


def goal(words: str, met: bool, figure: str) -> bool:
    """Print whether a goal is met, and return that."""
    print(f"goal: {words}: {'met' if met else 'MISSED'} ({figure})", flush=True)
    return met


def keep(name: str, figures: Any) -> None:
    """Write figures into the folder that was given at the start, if there was one."""
    if len(sys.argv) > 1:
        Path(sys.argv[1], f"{name}.json").write_text(json.dumps(figures, indent=1), encoding="utf-8")


def _tell(far: Connection, deed: Callable[[], object]) -> None:
    start = time.perf_counter()
    told = deed()
    seconds, used = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    seen = {"seconds": seconds, "own": used.ru_utime + used.ru_stime, "peak_memory": used.ru_maxrss * _UNIT}
    far.send(seen | told if isinstance(told, dict) else seen)
