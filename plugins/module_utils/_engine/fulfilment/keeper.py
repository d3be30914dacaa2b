# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keeper: a process that holds the lock of an approval task while the run lives that took it.

C(task_lock.py) runs this file by its path, so it imports nothing of the collection.
"""

from __future__ import annotations

import os
import select
import sys
from contextlib import suppress

#: How often a keeper renews the lock, in seconds.
RENEWAL = 2.0


def keep(lock: int, results: int, run: int) -> None:
    """Hold a lock until it is released, or until neither C(ansible-playbook) nor a worker process of it lives.

    All of them have the writing end of the pipe through which workers return results, and what they start has not.

    :param lock: the descriptor of the locked file, whose modification time is renewed.
    :param results: the descriptor of the reading end of that pipe.
    :param run: the id of the process C(ansible-playbook).
    """
    poll = select.poll()
    poll.register(results, 0)
    # Not on every system; without it, a worker with a large result keeps the lock of a killed run.
    with suppress(AttributeError, OSError):
        poll.register(os.pidfd_open(run), select.POLLIN)
    while True:
        events = dict(poll.poll(RENEWAL * 1000))
        if events.get(results, 0) & select.POLLIN:
            os.read(results, 1 << 16)
        elif results in events or os.fstat(lock).st_nlink == 0:
            return
        for ended in events.keys() - {results}:
            # Nobody else reads now what a worker returns, and a worker waits for ever if the pipe is full.
            poll.unregister(ended)
            poll.register(results, select.POLLIN)
        os.utime(lock)


if __name__ == "__main__":
    keep(*map(int, sys.argv[1:]))
