# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting until the tenant shows what was asked for."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

from ..._api.client import Client
from ..._api.errors import CakewalkError, ConfigurationError
from ..._api.operations import Listing, Resource
from ..._api.text import pluralize, summarize

#: Pauses between two looks at what people, or the service, are about to do.
PAUSES = (1.0, 2.0, 5.0, 10.0, 15.0)


class WaitTimedOut(CakewalkError):
    """What was waited for did not come in time; C(waiting_for) names each of it with the status that it has."""

    kind = "wait_timed_out"


class Wait(Protocol):
    """What a task waits for.

    C(pauses) are the seconds between reads; the last one repeats. C(needs_second_read) says that one read is not
    enough: a list that moves may skip a row, which then looks removed.
    """

    action: str
    timeout: int
    pauses: Sequence[float]
    sources: Sequence[Listing | Resource]
    needs_second_read: bool

    def missing(self, found: Sequence[Any]) -> list[str]:
        """Return what is not there yet, in words.

        :param found: what the sources show, in their order: rows of lists, and records.
        :raises CakewalkError: something will never come.
        """


def check_timeout(seconds: int) -> None:
    """Refuse to wait for less than no time.

    :raises ConfigurationError: the option C(wait_timeout) is below 0.
    """
    if seconds < 0:
        raise ConfigurationError(
            "use wait_timeout", f"it is {seconds}", "Give 0 or more seconds.", option="wait_timeout"
        )


def wait_for(wait: Wait, client: Client) -> None:
    """Look again and again until nothing is missing.

    :raises WaitTimedOut: something still is when the time is over.
    :raises CakewalkError: something will never come, or cannot be read.
    """
    deadline = time.monotonic() + wait.timeout
    for pause in _endless(wait.pauses):
        for _look in range(2 if wait.needs_second_read else 1):
            missing = wait.missing(client.each(client.read, wait.sources))
            if missing:
                break
        else:
            return
        left = deadline - time.monotonic()
        if left <= 0:
            raise WaitTimedOut(
                wait.action,
                f"after {pluralize(wait.timeout, 'second', 'seconds')} it is not there: "
                f"{summarize(missing, separator='; ')}",
                "Run again to look again, or raise wait_timeout.",
                waiting_for=missing,
            )
        time.sleep(min(pause, left))


def _endless(pauses: Iterable[float]) -> Iterator[float]:
    known = list(pauses)
    return itertools.chain(known, itertools.repeat(known[-1]))
