# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting until the tenant shows a wanted state."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from typing import Any, Protocol

from ..._api.client import Client
from ..._api.errors import CakewalkError, out_of_range
from ..._api.operations import Listing, Resource
from ..._api.text import pluralize, summarize

#: Pauses between two reads, in seconds.
PAUSES = (1.0, 2.0, 5.0, 10.0, 15.0)


class WaitTimedOut(CakewalkError):
    """The wait timed out; C(waiting_for) names everything that is still missing, with its status."""

    kind = "wait_timed_out"


class Wait(Protocol):
    """A state to wait for.

    C(pauses) are the seconds between reads; the last one repeats. C(proves_absence) says that what is
    not listed counts, so a list of several pages is read until two readings agree.
    """

    action: str
    timeout: int
    pauses: Sequence[float]
    sources: Sequence[Listing | Resource]
    proves_absence: bool

    def missing(self, found: Sequence[Any]) -> list[str]:
        """Return what is still missing, for messages.

        :param found: the rows or records of the sources, in their order.
        :raises CakewalkError: the state can no longer be reached.
        """

    def explained(self, missing: list[str]) -> list[str]:
        """Return what was missing at the last read, for the error of a wait that timed out. This may read more."""
        return missing


def check_timeout(seconds: int) -> None:
    """Raise a C(ConfigurationError) if the option C(wait_timeout) is below 0."""
    if seconds < 0:
        raise out_of_range("wait_timeout", seconds, "Give 0 or more seconds.")


def wait_for(wait: Wait, client: Client) -> None:
    """Read the sources again and again until nothing is missing.

    :raises WaitTimedOut: something is still missing after the timeout.
    :raises CakewalkError: the state can no longer be reached, or cannot be read.
    """

    def read(source: Listing | Resource) -> Any:
        if wait.proves_absence and isinstance(source, Listing):
            return client.stable_rows(source)
        return client.read(source)

    deadline = time.monotonic() + wait.timeout
    for pause in itertools.chain(wait.pauses, itertools.repeat(wait.pauses[-1])):
        missing = wait.missing(client.each(read, wait.sources))
        if not missing:
            return
        left = deadline - time.monotonic()
        if left <= 0:
            explained = wait.explained(missing)
            raise WaitTimedOut(
                f"{wait.action} within {pluralize(wait.timeout, 'second', 'seconds')}",
                summarize(explained, separator="; "),
                "Run again later, or raise `wait_timeout`.",
                waiting_for=explained,
            )
        time.sleep(min(pause, left))
