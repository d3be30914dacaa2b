# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bodies of webhooks, and ways to send them."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import requests
from events.sources import PATIENCE, Running
from sandbox.process import Sandbox

GRANT = "GrantAccessRequest"
#: What is there once a payload was executed.
EXECUTED = Path(mkdtemp(prefix="cakewalk-")) / "executed"
#: What a person might write where a name is asked for, harmful wherever it is executed.
PAYLOADS = (
    f"{{{{ lookup('pipe', 'touch {EXECUTED}') }}}}",
    f"$(touch {EXECUTED}); `touch {EXECUTED}`",
    "<script>alert(1)</script>",
    "{% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %}",
)


def actionable(task_id: str | None = None, **metadata: Any) -> dict[str, Any]:
    """Return an event as the vendor's newest page shows it, with hostile names."""
    person = {"id": str(uuid4()), "email": f"{PAYLOADS[1]}@example.com", "fullName": PAYLOADS[0]}
    return {
        "eventType": "action_task.actionable",
        "data": {
            "taskId": task_id or str(uuid4()),
            "assignedTo": [person],
            "requestMetadata": {
                "reviewedBy": [person],
                "requestType": GRANT,
                "requestedBy": person,
                "targetWorkApp": {"id": str(uuid4()), "name": PAYLOADS[2]},
                "permissionLevel": {"id": str(uuid4()), "name": PAYLOADS[3]},
                "targetUser": person,
                "triggeredByUsersGroup": {"id": str(uuid4()), "name": PAYLOADS[0]},
                **metadata,
            },
        },
    }


def tried() -> dict[str, Any]:
    """Return the event that comes when somebody tries the webhook."""
    return {"eventType": "test", "data": {"message": "Hello, World!"}}


def written(*events: Any) -> bytes:
    """Return the body of a delivery."""
    return json.dumps(list(events)).encode()


def post(source: Running, body: bytes, signature: str | None, **headers: str) -> requests.Response:
    """Send a delivery."""
    signed = {} if signature is None else {"X-SIGNATURE": signature}
    with requests.Session() as session:
        session.trust_env = False
        return session.post(source.url, body, headers={**signed, **headers}, timeout=PATIENCE)


def deliver(source: Running, tenant: Sandbox, *events: Any) -> requests.Response:
    """Send events as the vendor does."""
    body = written(*events)
    return post(source, body, tenant.sign(body))


def health(source: Running) -> dict[str, Any]:
    """Return the counters of a source."""
    return requests.get(source.url.replace("/webhook", "/healthz"), timeout=PATIENCE).json()


def connect(source: Running) -> socket.socket:
    """Return a connection to a source."""
    parts = urlsplit(source.url)
    return socket.create_connection((parts.hostname or "", parts.port or 0), PATIENCE)


def heard(connection: socket.socket) -> bytes:
    """Return all that comes until the connection ends."""
    received = b""
    try:
        while chunk := connection.recv(65536):
            received += chunk
    except ConnectionResetError:
        pass
    return received
