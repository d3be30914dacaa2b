# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server on a raw socket, for what no decent service does: redirects, broken bodies, resets, echoes of secrets.

with Wire(lambda request: answer(302, headers={"location": "https://elsewhere.example.com"})) as wire:
    read(wire.url)
    assert wire.requests[0].headers["x-api-key"] == "..."
"""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests

_PATIENCE = 10


@dataclass(frozen=True)
class Request:
    """What was received; C(target) is as on the request line, C(headers) by lower-case name."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


class Cut(bytes):
    """Bytes to send before the connection is reset."""


class Drip(bytes):
    """An answer whose body is sent byte by byte, with a pause after each."""

    pause = 0.02

    def pieces(self) -> list[bytes]:
        """Return the head, and each byte of the body."""
        head, gap, body = self.partition(b"\r\n\r\n")
        return [head + gap, *(body[number : number + 1] for number in range(len(body)))]


class Wire:
    """A server that sends the bytes that a function makes of each request; it runs in threads of its own.

    :param reply: from request to bytes; a :class:`Cut` ends the connection with a reset.
    :param tls: with it, the server speaks TLS.
    :param tunnel: with it, the server is a proxy: it accepts CONNECT and then speaks TLS itself in the target's place.
    :ivar requests: what was received, in that order; requests inside a tunnel too.
    :ivar connections: how many connections were made, failed handshakes included.
    """

    def __init__(
        self,
        reply: Callable[[Request], bytes],
        tls: ssl.SSLContext | None = None,
        tunnel: ssl.SSLContext | None = None,
    ) -> None:
        self._reply = reply
        self._tls = tls
        self._tunnel = tunnel
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.port = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self.requests: list[Request] = []
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_facts: object) -> None:
        self.close()

    def close(self) -> None:
        """Listen no more and end all connections."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _address = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            connection.settimeout(_PATIENCE)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
            self._open.append(connection)
            while request := _received(connection):
                self.requests.append(request)
                if request.method == "CONNECT" and self._tunnel:
                    connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    connection = self._tunnel.wrap_socket(connection, server_side=True)
                    self._open.append(connection)
                    continue
                sent = self._reply(request)
                for piece in sent.pieces() if isinstance(sent, Drip) else [sent]:
                    connection.sendall(piece)
                    time.sleep(Drip.pause if isinstance(sent, Drip) else 0)
                if isinstance(sent, Cut):
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return
        except OSError:
            pass
        finally:
            connection.close()


def answer(status: int = 200, body: Any = b"", headers: Mapping[str, str] | None = None) -> bytes:
    """Return an answer; a body that is not bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    kind = {} if isinstance(body, bytes) else {"content-type": "application/json"}
    fields = {**kind, "content-length": str(len(content)), **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} Whatever\r\n{head}\r\n".encode("latin-1") + content


def page(*rows: Any, following: str | None = None) -> dict[str, Any]:
    """Return the body of a page of a list."""
    return {"data": list(rows), "links": {"self": "/api/v1/OpenApiBFF/Users", "next": following}}


def in_turn(*answers: bytes) -> Callable[[Request], bytes]:
    """Return a function that gives these answers one after the other, and the last one from then on."""
    left = list(answers)
    return lambda request: left.pop(0) if len(left) > 1 else left[0]


def detour(url: str, own: Callable[[Request], bytes | None]) -> Callable[[Request], bytes]:
    """Return a function that answers what C(own) has an answer for, and passes everything else on to C(url)."""

    def reply(request: Request) -> bytes:
        sent = own(request)
        if sent is not None:
            return sent
        headers = {name: value for name, value in request.headers.items() if name not in ("host", "connection")}
        with requests.Session() as session:
            session.trust_env = False
            passed = session.request(
                request.method, url + request.target, data=request.body, headers=headers, timeout=_PATIENCE
            )
        kind = {"content-type": passed.headers.get("content-type", "application/json")}
        return answer(passed.status_code, passed.content, kind)

    return reply


def closed_port() -> int:
    """Return a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def path_of(request: Request) -> str:
    """Return the path of a request without its query."""
    return urlsplit(request.target).path


def _received(connection: socket.socket) -> Request | None:
    """Read one request; C(None) where the other side is done."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return None
        data += more
    head, _gap, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _version = first.split(" ")
    headers = {name.lower(): value.strip() for name, _colon, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(65536)
    return Request(method, target, headers, body)
