# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes of their own, for what would harm the process of the tests or needs several of them."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence

_FORK = multiprocessing.get_context("fork")
_LONG = 60


def in_children(jobs: Sequence[Callable[[], object]]) -> list[int | None]:
    """Run each of the jobs in a process of its own, all at once; return their exit statuses."""
    children = [_FORK.Process(target=job) for job in jobs]
    for child in children:
        child.start()
    for child in children:
        child.join(_LONG)
        child.kill()
    return [child.exitcode for child in children]


def error_in_child(job: Callable[[], object], *expected: type[Exception]) -> str:
    """Run a job in a process of its own, and return the message of the error that ends it."""
    messages = _FORK.SimpleQueue()

    def run() -> None:
        try:
            job()
        except expected as error:
            messages.put(str(error))

    assert in_children([run]) == [0]
    assert not messages.empty(), "it went well"
    return messages.get()
