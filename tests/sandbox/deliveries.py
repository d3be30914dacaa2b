# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Webhooks: what happens in the tenant is signed and sent to an address on this machine.

The vendor documents neither retries nor order, so these are ours: a delivery is sent again after an outage, a 429 or a
5xx, up to C(tries) times; the others do not wait for it. A mischief is something that goes wrong with one delivery:

============ =========================================================
lose         it is never sent
repeat       it is sent twice
hold         it is sent after the next one
tamper       its body is changed after it was signed
unsigned     it has no signature
forge        it is signed with a key that is not the vendor's
============ =========================================================
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import json
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from .dialect import deliveries
from .keys import SigningKey
from .state import State

MISCHIEF = ("lose", "repeat", "hold", "tamper", "unsigned", "forge")
_PATIENCE = 10


def sign(body: bytes, key: SigningKey) -> str:
    """Return what C(X-SIGNATURE) carries: base64 of RSA PKCS#1 v1.5 with SHA-256 over the raw body."""
    return base64.b64encode(key.private.sign(body, PKCS1v15(), SHA256())).decode()


@dataclass
class Delivery:
    """One body on its way.

    :param mischief: what goes wrong with it, or null.
    :param statuses: what each try was answered, null where nothing was.
    """

    body: str
    signature: str | None
    mischief: str | None = None
    statuses: list[int | None] = field(default_factory=list)


@dataclass
class WebhookSender:
    """Sends what happens from now on to an address; an empty one sends nothing."""

    url: str = ""
    tries: int = 5
    pause: float = 0.2
    mischief: list[str] = field(default_factory=list)
    sent: list[Delivery] = field(default_factory=list)
    _told: int = 0
    _held: list[Delivery] = field(default_factory=list)
    _under_way: set[asyncio.Task[None]] = field(default_factory=set)

    def direct(self, state: State, **wishes: Any) -> None:
        """Change C(url), C(tries), C(pause) or C(mischief), which is taken from its front, one for each delivery.

        :raises ValueError: for anything else, or an address that is not on this machine.
        """
        if unknown := sorted(set(wishes) - {"url", "tries", "pause", "mischief"}):
            raise ValueError(f"unknown: {', '.join(unknown)}; known are url, tries, pause and mischief")
        if wishes.get("url") and not _is_here(wishes["url"]):
            raise ValueError("webhooks are sent to http://127.0.0.1 only")
        if unknown := sorted(set(wishes.get("mischief", ())) - set(MISCHIEF)):
            raise ValueError(f"unknown mischief: {', '.join(unknown)}; known are {', '.join(MISCHIEF)}")
        for name, value in wishes.items():
            setattr(self, name, value)
        if "url" in wishes:
            self._told = len(state.events)

    def send_news(self, state: State, key: SigningKey) -> None:
        """Send what has happened since the last time."""
        news, self._told = state.events[self._told :], len(state.events)
        if not self.url:
            return
        for content in deliveries(news, state.dialect):
            self._send(json.dumps(content), self.mischief.pop(0) if self.mischief else None, key)

    def dump(self) -> list[dict[str, Any]]:
        """Return the deliveries so far as JSON."""
        return [asdict(delivery) for delivery in self.sent]

    def _send(self, body: str, mischief: str | None, key: SigningKey) -> None:
        signer = SigningKey() if mischief == "forge" else key
        signature = None if mischief == "unsigned" else sign(body.encode(), signer)
        delivery = Delivery(body + " " if mischief == "tamper" else body, signature, mischief)
        self.sent.append(delivery)
        if mischief == "hold":
            self._held.append(delivery)
            return
        released, self._held = self._held, []
        copies = {"lose": 0, "repeat": 2}.get(mischief or "", 1)
        task = asyncio.get_running_loop().create_task(self._carry([delivery] * copies + released))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _carry(self, due: list[Delivery]) -> None:
        for delivery in due:
            for turn in range(self.tries):
                await asyncio.sleep(self.pause * turn)
                status = await asyncio.to_thread(_posted, self.url, delivery)
                delivery.statuses.append(status)
                if status is not None and status != 429 and status < 500:
                    break


def _posted(url: str, delivery: Delivery) -> int | None:
    headers = {"Content-Type": "application/json"}
    if delivery.signature is not None:
        headers["X-SIGNATURE"] = delivery.signature
    with requests.Session() as session:
        session.trust_env = False
        try:
            return session.post(url, delivery.body.encode(), headers=headers, timeout=_PATIENCE).status_code
        except requests.RequestException:
            return None


def _is_here(url: str) -> bool:
    parts = urlsplit(url)
    try:
        return parts.scheme == "http" and ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False
