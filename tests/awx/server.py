# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in as a server, in threads of the process that starts it."""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from collections.abc import Collection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from awx.world import World

TOKEN = "a-token-of-the-stand-in"
USER, PASSWORD = "ada", "a-password-of-the-stand-in"
_BASIC = f"Basic {b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"


class Awx:
    """A running stand-in.

    :param playbooks: the playbooks of every project.
    :ivar world: its objects.
    :ivar tokens: the methods of requests that create and delete tokens by a password.
    :ivar log: method, path with query, and status of each request.
    """

    def __init__(self, playbooks: Collection[str]) -> None:
        self.world = World(playbooks)
        self.log: list[tuple[str, str, int]] = []
        self.tokens: list[str] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Awx:
        return self

    def __exit__(self, *_facts: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def env(self) -> dict[str, str]:
        """The variables that point at it."""
        return {"CONTROLLER_HOST": self.url, "CONTROLLER_OAUTH_TOKEN": TOKEN}

    def writes(self) -> list[tuple[str, str, int]]:
        """Return the requests that are not reads."""
        return [one for one in self.log if one[0] != "GET"]

    def request(self, method: str, target: str, body: Any) -> tuple[int, Any]:
        """Return status and answer of a request, and note it."""
        path, query = urlsplit(target).path, dict(parse_qsl(urlsplit(target).query))
        with self._lock:
            status, answer = self.world.answer(method, path, query, body or {})
            self.log.append((method, target, status))
        return status, answer

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        awx = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length) or "{}")
                status, answer = 401, {"detail": "Authentication credentials were not provided."}
                if self.headers.get("Authorization") == f"Bearer {TOKEN}":
                    status, answer = awx.request(self.command, self.path, body)
                elif self.headers.get("Authorization") == _BASIC and self.path.startswith("/api/v2/tokens/"):
                    awx.tokens.append(self.command)
                    status, answer = (201, {"id": 9, "token": TOKEN}) if self.command == "POST" else (204, None)
                sent = b"" if answer is None else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(sent)))
                self.send_header("X-API-Product-Name", "AWX")
                self.send_header("X-API-Product-Version", "24.6.2")
                self.end_headers()
                self.wfile.write(sent)

            do_GET = do_POST = do_PATCH = do_DELETE = _serve

            def log_message(self, *_what: object) -> None:
                """Keep the output of the tests clean."""

        return Handler
