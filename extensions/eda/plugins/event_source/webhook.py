# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Event source that receives Cakewalk's webhooks, verifies them and passes on ids.

body ──► Verifier ──► parse_events ──► Intake ──► queue
         signature    ids only         bounded, without repeats
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import os
import re
import runpy
import ssl
import sys
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

if TYPE_CHECKING:
    from extensions.eda.plugins.event_source import _deliveries as deliveries
    from extensions.eda.plugins.event_source import _shared as shared
    from extensions.eda.plugins.event_source import _signatures as signatures
else:
    # ansible-rulebook runs this file by its path, outside any package, so it loads the files next to it by their paths.
    deliveries, shared, signatures = (
        SimpleNamespace(**runpy.run_path(str(Path(__file__).resolve().with_name(name))))
        for name in ("_deliveries.py", "_shared.py", "_signatures.py")
    )

DOCUMENTATION = r"""
---
short_description: Receive webhooks of Cakewalk
description:
  - Listens for webhooks of Cakewalk, verifies their signatures, and emits their events.
  - An event is a hint. The signature proves neither which tenant sent it nor that it is fresh. So whatever acts on an
    event must read the task again with its own credentials.
  - An event has C(type), C(task_id), C(request_type), C(app_id), C(permission_level_id), C(source) and C(received_at).
    Text that people write in Cakewalk is left out, because Ansible would execute templates in it.
  - The type V(action_task.actionable) means that a task can be carried out. The type V(test) is a test from Cakewalk,
    whose ids are all null.
  - A delivery gets a success once the engine has taken all of its events, and a 503 while too many events wait. Taken
    events exist in memory only. Use the source C(cakewalk.access.tasks) as well, to catch lost events.
  - C(/healthz) on the same port returns counters.
options:
  host:
    description:
      - The address to listen on. With the default, other machines need a proxy to reach it.
    type: str
    default: 127.0.0.1
  port:
    description: The port to listen on.
    type: int
    default: 5000
  path:
    description: The path for deliveries.
    type: str
    default: /webhook
  certfile:
    description: A file with the certificate chain for TLS. By default, the source uses plain HTTP.
    type: path
  keyfile:
    description: A file with the private key of O(certfile), if it is not in the same file.
    type: path
  password:
    description: The password of the private key.
    type: str
  api_key:
    description:
      - The API key to read the public key of the webhooks. A read-only key is enough. Not needed with O(public_key).
      - Environment variable E(CAKEWALK_API_KEY).
    type: str
  api_secret:
    description:
      - The secret of the API key.
      - Environment variable E(CAKEWALK_API_SECRET).
    type: str
  base_url:
    description:
      - The address of the API, without C(/api/v1). It must use C(https), except on C(localhost).
      - Environment variable E(CAKEWALK_BASE_URL).
    type: str
    default: https://open-api.getcakewalk.io
  ca_path:
    description:
      - A file or folder of CA certificates to use instead of the default ones.
      - Environment variable E(CAKEWALK_CA_PATH).
    type: path
  public_key:
    description:
      - The public key of the webhooks, as PEM text or a file.
      - It is then never read from the API. If Cakewalk changes the key, replace it.
    type: str
  key_max_age:
    description: The seconds after which a key is read again, at most 3600.
    type: int
    default: 3600
  key_refresh_interval:
    description:
      - The minimum seconds between two reads of the key. A wrong signature also causes a read, since the key may have
        changed.
    type: int
    default: 60
  duplicate_window:
    description:
      - The seconds in which further events for the same task, and further tests, are dropped. V(0) drops no events.
    type: int
    default: 600
  max_waiting:
    description: How many events may wait for the engine.
    type: int
    default: 200
  max_events:
    description: How many events a delivery may contain.
    type: int
    default: 100
  max_events_per_minute:
    description: How many events to emit in any 60 seconds.
    type: int
    default: 600
  max_depth:
    description: How deep the JSON of a delivery may be nested.
    type: int
    default: 16
  max_body:
    description: How many bytes a delivery may have.
    type: int
    default: 262144
  max_connections:
    description: How many connections may be open at the same time, including deliveries that wait for the engine.
    type: int
    default: 200
  read_timeout:
    description: The seconds in which a whole delivery must arrive.
    type: int
    default: 10
requirements:
  - aiohttp
  - cryptography
"""

EXAMPLES = r"""
- name: Carry out approval tasks
  hosts: localhost
  sources:
    - name: Receive webhooks
      cakewalk.access.webhook:
        host: 0.0.0.0
        port: 5443
        certfile: /etc/pki/tls/certs/events.pem
        keyfile: /etc/pki/tls/private/events.key
  rules:
    - name: Carry out the task
      condition: event.type == "action_task.actionable"
      action:
        run_playbook:
          name: cakewalk.access.fulfil_task
          extra_vars:
            task_fulfilment_task: "{{ event.task_id }}"
"""

LOG = logging.getLogger("cakewalk.access.webhook")
#: The log of aiohttp without requests that are not HTTP, since anybody can send those.
HTTP_LOG = logging.getLogger("cakewalk.access.webhook.http")
HTTP_LOG.addFilter(lambda record: not isinstance((record.exc_info or [None] * 2)[1], aiohttp.http.HttpProcessingError))

#: A string without an end matches to the end of the text, so that the time is linear.
_JSON_STRING = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)', re.DOTALL)
_KEYS = "/api/Keys"
_KEYS_LIMIT = 64 * 1024
_API_TIMEOUT = 10
_MINUTE = 60
_GRACE = 1


# --- Options ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class WebhookOptions(shared.ServiceOptions):
    """The options of the source, documented above."""

    host: str = "127.0.0.1"
    port: int = 5000
    path: str = "/webhook"
    certfile: str = ""
    keyfile: str = ""
    password: str = field(default="", repr=False)
    public_key: str = ""
    key_max_age: int = 3600
    key_refresh_interval: int = 60
    duplicate_window: int = 600
    max_waiting: int = 200
    max_events: int = 100
    max_events_per_minute: int = 600
    max_depth: int = 16
    max_body: int = 262144
    max_connections: int = 200
    read_timeout: int = 10

    def __post_init__(self) -> None:
        """Refuse values that cannot work.

        :raises ValueError: naming the option, never the value of a secret.
        """
        for name, (least, most) in _BOUNDS.items():
            if not least <= getattr(self, name) <= most:
                raise ValueError(f"`{name}` is {getattr(self, name)}; it must be between {least} and {most}")
        if not self.host.strip():
            raise ValueError(
                "`host` is empty, which would listen on all addresses; give one address, or 0.0.0.0 for all"
            )
        if self.key_refresh_interval > self.key_max_age:
            raise ValueError(
                "`key_refresh_interval` is longer than `key_max_age`, so keys would expire before they are refreshed"
            )
        if not self.path.startswith("/") or self.path == _HEALTH:
            raise ValueError(f"`path` must begin with / and must not be {_HEALTH}")
        for limit in ("max_waiting", "max_events_per_minute"):
            if self.max_events > getattr(self, limit):
                raise ValueError(f"`max_events` is greater than `{limit}`, so a full delivery could never be accepted")
        if self.keyfile and not self.certfile:
            raise ValueError("`keyfile` requires `certfile`")
        if not self.public_key:
            self.check_access()


_HEALTH = "/healthz"
_BOUNDS = {
    "port": (0, 65535),
    "key_max_age": (1, 3600),
    "key_refresh_interval": (1, 3600),
    "duplicate_window": (0, 86400),
    "max_waiting": (1, 100_000),
    "max_events": (1, 10_000),
    "max_events_per_minute": (1, 1_000_000),
    "max_depth": (4, 100),
    "max_body": (1024, 16 * 1024 * 1024),
    "max_connections": (1, 10_000),
    "read_timeout": (1, 300),
}


# --- Deliveries: pure functions ---------------------------------------------------------------------------------------


def parse_events(body: bytes, max_events: int, max_depth: int) -> tuple[list[shared.Event], int]:
    """Return the events in a verified body, and the number of events of unknown types.

    :raises Malformed: the body is no JSON, is nested too deep, or holds a malformed element.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise deliveries.Malformed("not UTF-8") from None
    if _depth(text) > max_depth:
        raise deliveries.Malformed(f"nested deeper than {max_depth} levels")
    try:
        content = json.loads(text)
    except ValueError:
        raise deliveries.Malformed("not JSON") from None
    return deliveries.read_events(content, max_events, "webhook")


def _depth(text: str) -> int:
    depth = deepest = 0
    for bracket in re.findall(r"[\[\]{}]", _JSON_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


# --- Keys -------------------------------------------------------------------------------------------------------------


async def read_keys(session: aiohttp.ClientSession, options: WebhookOptions) -> list[RSAPublicKey]:
    """Return the keys in C(public_key), or else those that the service publishes.

    :raises KeysUnavailable: there are no usable keys.
    """
    if given := options.public_key:
        try:
            return signatures.parse_keys(given.encode() if "-----BEGIN" in given else Path(given).read_bytes())
        except (OSError, ValueError) as error:
            raise signatures.KeysUnavailable(f"cannot use `public_key`: {error}", refused=True) from None
    failure = f"cannot read the keys from {options.base_url.rstrip('/')}{_KEYS}"
    try:
        status, headers, content = await shared.get(session, options, _KEYS, _KEYS_LIMIT)
        if status != 200:
            wait = max(1, shared.seconds_to_wait(headers) or 0)
            raise signatures.KeysUnavailable(f"{failure}: it answered {status}", status in (401, 403), wait)
        return signatures.parse_keys(content)
    except (ConnectionError, ValueError) as error:
        raise signatures.KeysUnavailable(f"{failure}: {error}") from None


# --- Taking deliveries ------------------------------------------------------------------------------------------------


class DeliveryRefused(Exception):
    """A delivery that is refused: the status and headers of the response, the counter and the reason."""

    def __init__(self, status: int, counter: str, reason: str, **headers: str) -> None:
        super().__init__(reason)
        self.status = status
        self.counter = counter
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def _unavailable(counter: str, reason: str, retry_after: float = 1) -> DeliveryRefused:
    return DeliveryRefused(503, counter, reason, Retry_After=str(max(1, math.ceil(retry_after))))


class Intake:
    """The way of events to the engine: a bounded number waits, and repeats within a window are dropped."""

    def __init__(self, queue: shared.EventQueue, options: WebhookOptions) -> None:
        self._queue = queue
        self._options = options
        self._in_turn = asyncio.Lock()
        self._passed_on: deque[float] = deque()
        self._seen: OrderedDict[str, float] = OrderedDict()
        self.waiting = 0

    async def take(self, events: list[shared.Event]) -> tuple[int, int]:
        """Pass events on and return the numbers of new events and of repeats.

        An event repeats another event only once that event has been passed on.

        :raises DeliveryRefused: there is no room for all events.
        """
        fresh = [event for event in events if not self._is_repeat(event)]
        if not fresh:
            return 0, len(events)
        self._make_room(len(fresh))
        queued = 0
        self.waiting += len(fresh)
        try:
            async with self._in_turn:
                for event in fresh:
                    if not self._is_repeat(event):
                        await shared.emit(self._queue, event)
                        self._remember(event)
                        queued += 1
        finally:
            self.waiting -= len(fresh)
        return queued, len(events) - queued

    def _make_room(self, count: int) -> None:
        now, options = time.monotonic(), self._options
        while self._passed_on and self._passed_on[0] <= now - _MINUTE:
            self._passed_on.popleft()
        if self.waiting + count > options.max_waiting:
            raise _unavailable("too_many_waiting", "too many events are waiting")
        if len(self._passed_on) + self.waiting + count > options.max_events_per_minute:
            oldest = self._passed_on[0] if self._passed_on else now
            raise _unavailable("too_many_a_minute", "too many events in the last minute", oldest + _MINUTE - now)

    def _is_repeat(self, event: shared.Event) -> bool:
        seen_at = self._seen.get(_subject(event), -math.inf)
        return time.monotonic() - seen_at < self._options.duplicate_window

    def _remember(self, event: shared.Event) -> None:
        now = time.monotonic()
        self._passed_on.append(now)
        self._seen[_subject(event)] = now
        self._seen.move_to_end(_subject(event))
        while self._seen and now - next(iter(self._seen.values())) >= self._options.duplicate_window:
            self._seen.popitem(last=False)


def _subject(event: shared.Event) -> str:
    """Return what two events share if they are repeats: the task, or that both test the webhook."""
    return str(event["task_id"] or event["type"])


class Receiver:
    """Responses to requests: deliveries on one path, counters on another, nothing else."""

    def __init__(self, options: WebhookOptions, verifier: signatures.Verifier, intake: Intake) -> None:
        self._options = options
        self._verifier = verifier
        self._intake = intake
        self.counters: Counter[str] = Counter()

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Return the response to any request and close the connection after it."""
        try:
            response = web.json_response(await self._result(request))
        except DeliveryRefused as refusal:
            self.counters[refusal.counter] += 1
            LOG.info("refused with %d: %s", refusal.status, refusal)
            response = web.json_response({"error": str(refusal)}, status=refusal.status, headers=refusal.headers)
        response.force_close()
        return response

    async def _result(self, request: web.BaseRequest) -> Mapping[str, Any]:
        if request.path == _HEALTH and request.method in ("GET", "HEAD"):
            return self._health()
        if request.path != self._options.path:
            raise DeliveryRefused(404, "wrong_path", "nothing here")
        if request.method != "POST":
            raise DeliveryRefused(405, "wrong_method", "only POST is allowed here", Allow="POST")
        return await self._deliver(await self._body(request), request.headers.getall("X-SIGNATURE", []))

    async def _body(self, request: web.BaseRequest) -> bytes:
        """Return the bytes of the body as they came, since exactly those were signed."""
        limit = self._options.max_body
        if "Content-Encoding" in request.headers:
            raise DeliveryRefused(415, "encoded", "the body must not be encoded")
        expectation = request.headers.get("Expect", "").lower() if request.version >= aiohttp.HttpVersion11 else ""
        if expectation not in ("", "100-continue"):
            raise DeliveryRefused(417, "unknown_expectation", "the only supported expectation is 100-continue")
        body = bytearray()
        try:
            if (request.content_length or 0) <= limit:
                if expectation:
                    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                async for chunk in request.content.iter_any():
                    body += chunk
                    if len(body) > limit:
                        break
        except (OSError, web.RequestPayloadError, aiohttp.ClientError, aiohttp.http.HttpProcessingError):
            raise DeliveryRefused(400, "broken_off", "the body is incomplete") from None
        if max(len(body), request.content_length or 0) > limit:
            raise DeliveryRefused(413, "too_large", f"a delivery may have at most {limit} bytes")
        return bytes(body)

    async def _deliver(self, body: bytes, signature_headers: list[str]) -> Mapping[str, int]:
        self.counters["deliveries"] += 1
        if len(signature_headers) != 1:
            raise DeliveryRefused(401, "unsigned", "exactly one X-SIGNATURE header is required")
        try:
            genuine = await self._verifier.is_genuine(body, signature_headers[0])
        except signatures.KeysUnavailable as error:
            raise _unavailable("keys_unavailable", str(error), error.retry_after) from None
        if not genuine:
            raise DeliveryRefused(401, "bad_signature", "the signature is wrong")
        try:
            events, ignored = parse_events(body, self._options.max_events, self._options.max_depth)
        except deliveries.Malformed as error:
            raise DeliveryRefused(400, "malformed", f"cannot read the delivery: {error}") from None
        self.counters["ignored"] += ignored
        queued, duplicates = await self._intake.take(events)
        self.counters["queued"] += queued
        self.counters["duplicates"] += duplicates
        return {"queued": queued, "duplicates": duplicates, "ignored": ignored}

    def _health(self) -> Mapping[str, Any]:
        return {
            "has_key": self._verifier.is_ready,
            "waiting": self._intake.waiting,
            "counters": dict(sorted(self.counters.items())),
        }


class Server(web.Server):
    """The HTTP server: each connection carries one request, which must arrive in time."""

    def __init__(self, options: WebhookOptions, receiver: Receiver) -> None:
        super().__init__(self._answer, auto_decompress=False, access_log=None, logger=HTTP_LOG)
        self._options = options
        self._receiver = receiver
        self._deadlines: dict[asyncio.BaseProtocol, asyncio.TimerHandle] = {}

    def __call__(self) -> Any:
        """Return the protocol of a new connection."""
        if len(self._deadlines) >= self._options.max_connections:
            self._receiver.counters["too_many_connections"] += 1
            return _Busy()
        protocol = super().__call__()
        loop = asyncio.get_running_loop()
        self._deadlines[protocol] = loop.call_later(self._options.read_timeout, self._give_up, protocol)
        return protocol

    def connection_lost(self, handler: Any, exc: BaseException | None = None) -> None:
        """Forget a connection."""
        super().connection_lost(handler, exc)
        if deadline := self._deadlines.pop(handler, None):
            deadline.cancel()

    def _give_up(self, protocol: Any) -> None:
        del self._deadlines[protocol]
        if protocol.transport:
            self._receiver.counters["too_slow"] += 1
            protocol.transport.abort()

    def _lift_deadline(self, protocol: Any) -> None:
        """Remove the deadline of a delivery that has arrived whole; its connection still counts as open."""
        if deadline := self._deadlines.get(protocol):
            deadline.cancel()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        request.content.on_eof(lambda: self._lift_deadline(request.protocol))
        return await self._receiver.answer(request)


class _Busy(asyncio.Protocol):
    """The protocol of a connection when too many are open."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask the sender to come back later."""
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(
            b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        )
        transport.close()


def _tls(options: WebhookOptions) -> ssl.SSLContext | None:
    if not options.certfile:
        if not shared.is_loopback(options.host):
            LOG.warning("listening on %s without `certfile`: deliveries cross the network unencrypted", options.host)
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(options.certfile, options.keyfile or None, options.password)
    except OSError as error:
        raise ValueError(f"cannot use `certfile`, `keyfile` or `password`: {error}") from None
    return context


async def main(queue: shared.EventQueue, args: dict[str, Any]) -> None:
    """Receive deliveries until cancelled.

    :raises ValueError: an option cannot work.
    :raises KeysUnavailable: the service refused the credentials, or C(public_key) holds no usable key.
    """
    options = WebhookOptions.read(args, os.environ)
    tls = _tls(options)
    async with shared.open_session(options.ca_path, _API_TIMEOUT) as session:
        fetch = partial(read_keys, session, options)
        verifier = signatures.Verifier(fetch, options.key_max_age, options.key_refresh_interval)
        await verifier.read()
        server = Server(options, Receiver(options, verifier, Intake(queue, options)))
        handshake = options.read_timeout if tls else None
        # Without this, a peer that does not end its side of TLS would hold the socket for half a minute.
        shutdown: dict[str, Any] = {"ssl_shutdown_timeout": _GRACE} if tls and sys.version_info >= (3, 11) else {}
        listening = await asyncio.get_running_loop().create_server(
            server, options.host, options.port, ssl=tls, ssl_handshake_timeout=handshake, **shutdown
        )
        port = listening.sockets[0].getsockname()[1]
        LOG.info("listening on %s:%d%s", options.host, port, options.path)
        try:
            await asyncio.Event().wait()
        finally:
            listening.close()
            await server.shutdown(_GRACE)


if __name__ == "__main__":
    # For a quick look: python webhook.py port=5000 path=/webhook
    shared.print_events(main, dict(argument.split("=", 1) for argument in sys.argv[1:]))
