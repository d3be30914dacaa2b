# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An HTTP answer held in memory, so that it can be rewritten before it is sent."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

from starlette.types import ASGIApp, Message, Scope, Send


@dataclass
class Answer:
    """A status, headers (names in lower case) and a body."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @classmethod
    def of_json(cls, status: int, document: Any, **headers: str) -> Answer:
        """Return an answer with a JSON body."""
        answer = cls(status, headers)
        answer.set_json(document)
        return answer

    @classmethod
    async def of_app(cls, app: ASGIApp, scope: Scope, body: bytes) -> Answer:
        """Call an ASGI application with a body that was read already, and return what it answers."""
        answer = cls(500)

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.headers = {name.decode().lower(): value.decode("latin-1") for name, value in message["headers"]}
            else:
                answer.body += message.get("body", b"")

        await app(scope, receive, send)
        return answer

    def json(self) -> Any:
        """Return the parsed body."""
        return json.loads(self.body)

    def set_json(self, document: Any) -> None:
        """Replace the body by a JSON document."""
        self.body = json.dumps(document).encode()
        self.headers["content-type"] = "application/json"

    def drop_body(self) -> None:
        """Leave the body out."""
        self.body = b""
        self.headers.pop("content-type", None)

    async def send(self, send: Send) -> None:
        """Send it; the length is that of the body as it is now, and the time that of a clock that is right."""
        headers = {"date": formatdate(usegmt=True), **self.headers, "content-length": str(len(self.body))}
        if not self.body and self.status == 204:
            del headers["content-length"]
        encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": encoded})
        await send({"type": "http.response.body", "body": self.body})
