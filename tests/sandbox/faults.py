# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong on the way, on demand.

============== ======================================================================================================
kind            what happens
============== ======================================================================================================
200 to 599      this status, with C(body), by default a problem from 400 on; C(retry_after) (429: 1 second unless
                told) adds that header, with C(clock_ahead) as a date by a clock that is ahead by so many seconds
slow            the answer comes C(seconds) late
drop_before     the connection is dropped before the request is read; nothing is done
drop_after      the request is done, then the connection is dropped without an answer
truncated       the request is done; half of the answer's JSON is missing
early           an informational 103 comes first, then the connection is dropped, or with C(after) the answer follows
cut             the connection is dropped within the body of a 200
html            a proxy's page (C(status), 200 unless told) instead of JSON
repeat_cursor   the page's C(next) leads to the page itself
empty_page      a page without rows comes before this one; its C(next) leads here
============== ======================================================================================================

Statuses, html, early and cut come instead of the request's work, a slow answer waits before it; C(after) lets the work
be done first, as when a gateway gives up on a server that goes on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from email.utils import formatdate
from typing import Any

from . import contract
from .answer import Answer
from .contract import Operation
from .dialect import cursor_link
from .paging import Cursor
from .problem import problem_body

_STATUSES = range(200, 600)
KINDS = (
    "slow",
    "drop_before",
    "drop_after",
    "truncated",
    "early",
    "cut",
    "html",
    "repeat_cursor",
    "empty_page",
)

_PAGE = b"<!DOCTYPE html><html><head><title>Please wait</title></head><body><h1>One moment, please</h1></body></html>"


@dataclass
class Fault:
    """A fault that waits for its requests.

    :param operation: the C(operationId) that it strikes, or C(*).
    :param kind: see above.
    :param method: strikes only this method.
    :param count: how many requests it strikes.
    :param skip: how many matching requests it lets pass first.
    """

    operation: str
    kind: str
    method: str | None = None
    count: int = 1
    skip: int = 0
    retry_after: int | None = None
    clock_ahead: int | None = None
    seconds: float = 1.0
    status: int = 200
    after: bool = False
    body: Any = None

    def __post_init__(self) -> None:
        self.kind = str(self.kind)
        if self.kind not in KINDS and not self._is_status:
            raise ValueError(f"unknown kind of fault {self.kind!r}; known are {', '.join(KINDS)}, and statuses")
        if self.operation != "*" and self.operation not in contract.operations():
            raise ValueError(f"unknown operation {self.operation!r}")
        if self.count < 1 or self.skip < 0:
            raise ValueError("count must be 1 or more, and skip not negative")

    def matches(self, operation: Operation) -> bool:
        """Tell whether it strikes this operation."""
        return self.operation in ("*", operation.id) and self.method in (None, operation.method)

    async def apply(self, work: Callable[[], Awaitable[Answer]]) -> Answer:
        """Return the answer that this fault makes of a request.

        :param work: does the request.
        """
        if self.kind == "slow" and not self.after:
            await asyncio.sleep(self.seconds)
        if self._refuses and not self.after:
            return self._refusal()
        answer = await work()
        if self._refuses and self.kind != "early":
            return self._refusal()
        if self.kind == "slow" and self.after:
            await asyncio.sleep(self.seconds)
        if self.kind == "truncated":
            answer.body = answer.body[: len(answer.body) // 2]
        return answer

    def bend(self, answer: Answer, path: str, cursor: str | None) -> None:
        """Bend a page in its contract's form, if that is what this fault does.

        :param cursor: the cursor of the request.
        """
        if self.kind not in ("repeat_cursor", "empty_page") or answer.headers.get("content-type") != "application/json":
            return
        document = answer.json()
        if not isinstance(document.get("data"), list):
            return
        here = Cursor.parse(cursor) if cursor else Cursor(0, max(1, len(document["data"])))
        if self.kind == "empty_page":
            document["data"] = []
            here = Cursor(here.number, here.size, "&afterEmptyPage=1")
        document["links"]["next"] = cursor_link(path, str(here))
        answer.set_json(document)

    @property
    def _refuses(self) -> bool:
        return self._is_status or self.kind in ("early", "cut", "html")

    @property
    def _is_status(self) -> bool:
        return self.kind.isdecimal() and int(self.kind) in _STATUSES

    def _refusal(self) -> Answer:
        if self.kind == "html":
            return Answer(self.status, {"content-type": "text/html; charset=utf-8"}, _PAGE)
        if not self._is_status:
            return Answer(200)
        status = int(self.kind)
        body = self.body or (problem_body(status, "A fault that was asked for.") if status >= 400 else None)
        answer = Answer.of_json(status, body) if body else Answer(status)
        wait = self.retry_after if self.retry_after is not None else {"429": 1}.get(self.kind)
        if wait is not None and self.clock_ahead is not None:
            now = time.time() + self.clock_ahead
            answer.headers["date"] = formatdate(now, usegmt=True)
            answer.headers["retry-after"] = formatdate(now + wait, usegmt=True)
        elif wait is not None:
            answer.headers["retry-after"] = str(wait)
        return answer


@dataclass
class Faults:
    """All faults that are left, in the order in which they were asked for."""

    left: list[Fault] = field(default_factory=list)

    def add(self, wishes: list[dict[str, Any]]) -> None:
        """Ask for faults, all or none.

        :raises ValueError: for one that does not exist.
        """
        try:
            self.left += [Fault(**wish) for wish in wishes]
        except TypeError as error:
            raise ValueError(str(error)) from None

    def take(self, operation: Operation) -> Fault | None:
        """Return the fault that strikes this request, and count it."""
        for fault in self.left:
            if not fault.matches(operation):
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            fault.count -= 1
            if not fault.count:
                self.left.remove(fault)
            return fault
        return None

    def dump(self) -> list[dict[str, Any]]:
        """Return what is left as JSON."""
        return [asdict(fault) for fault in self.left]
