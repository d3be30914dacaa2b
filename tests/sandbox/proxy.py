# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in front of the service: log, faults, pace, credentials, rate limit, dialect.

Everything that the contract does not describe happens here, outside the validators.
"""

from __future__ import annotations

import asyncio
import json
import time
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from . import contract
from .answer import Answer
from .contract import Operation
from .dialect import heard_query, questions_of_form, translate
from .keys import INVALID, READ_ONLY
from .problem import problem_body
from .world import World


class Front:
    """The outermost application.

    :param service: the validated service.
    :param control: what answers under C(/_sandbox/).
    """

    def __init__(self, world: World, service: ASGIApp, control: ASGIApp) -> None:
        self._world = world
        self._service = service
        self._control = control

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or leave it without an answer."""
        if scope["type"] != "http":
            await self._service(scope, receive, send)
        elif scope["path"].startswith("/_sandbox/"):
            await self._control(scope, receive, send)
        else:
            await self._exchange(scope, receive, send)

    async def _exchange(self, scope: Scope, receive: Receive, send: Send) -> None:
        world = self._world
        path, headers = scope["path"], Headers(scope=scope)
        operation = contract.find(scope["method"], path)
        key = headers.get("x-api-key", "")
        kind = world.keyring.kind_of(key, headers.get("x-api-secret", ""))
        sent_query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        query = heard_query(world.settings.dialect, operation, sent_query)
        fault = world.faults.take(operation)
        entry = world.log.open(
            time=world.state.now(),
            method=operation.method,
            path=path,
            query=dict(sent_query),
            operation=operation.id,
            key=kind,
            fault=fault and fault.kind,
        )
        if fault and fault.kind == "drop_before":
            await _hang_up(receive, send)
            return
        body = await _read(receive)
        entry.body = _parsed(body)

        async def work() -> Answer:
            refusal = self._refusal(operation, key, kind)
            if refusal:
                return refusal
            answer = await Answer.of_app(self._service, {**scope, "query_string": urlencode(query).encode()}, body)
            if fault:
                fault.bend(answer, path, dict(query).get("cursor"))
            if world.notes is not None:
                world.notes |= questions_of_form(world.settings.dialect, operation, path, sent_query, answer)
            return translate(world.settings.dialect, operation, path, answer)

        if world.settings.latency:
            await asyncio.sleep(world.settings.latency)
        answer = await (fault.apply(work) if fault else work())
        if fault and fault.kind in _HEADS:
            send.__self__.transport.write(_HEADS[fault.kind])  # type: ignore[attr-defined]
        if fault and (fault.kind in ("drop_after", "cut") or (fault.kind == "early" and not fault.after)):
            await _hang_up(receive, send)
        else:
            entry.status = answer.status
            if world.settings.clock_ahead:
                answer.headers["date"] = formatdate(time.time() + world.settings.clock_ahead, usegmt=True)
            await answer.send(send)
        world.changes.answered(operation, world.state)
        world.send_news()

    def _refusal(self, operation: Operation, key: str, kind: str) -> Answer | None:
        """Return the refusal of a request that must not reach the service."""
        settings = self._world.settings
        if wait := self._world.rate.wait(key, settings.rate_limit, settings.rate_window):
            refusal = Answer.of_json(429, problem_body(429, f"More than {settings.rate_limit} requests."))
            refusal.headers["retry-after"] = str(wait)
            return refusal
        if kind == INVALID:
            return Answer.of_json(401, problem_body(401, "The API key or secret is missing or wrong."))
        if kind == READ_ONLY and operation.writes:
            return Answer.of_json(403, _READ_ONLY)
        return None


#: The vendor's own words (authentication page); this one has no C(type).
_READ_ONLY = {
    "title": "Forbidden operation",
    "status": 403,
    "detail": "This API key is read-only and cannot perform write operations.",
}


#: What is sent before the answer, or in its place.
_HEADS = {
    "early": b"HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n",
    "cut": b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{"data": ',
}


async def _read(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace")


async def _hang_up(receive: Receive, send: Send) -> None:
    """Drop the connection; the server's C(send) is a method of the request, which holds the transport."""
    send.__self__.transport.abort()  # type: ignore[attr-defined]
    while (await receive())["type"] != "http.disconnect":
        pass
