# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Event source that takes Cakewalk's webhooks, verifies them and passes on ids.

ansible-rulebook runs this file by its path, outside any package, so it can import neither the collection nor the file
beside it. What C(tasks.py) needs too (options, base URL, one GET) stands in both, and is kept small for that.

    body ──► is_signed ──► events_in ──► Intake ──► queue
             keys_in                     bounded, without repeats
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import ipaddress
import json
import logging
import math
import os
import re
import ssl
import sys
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

import aiohttp
from aiohttp import web
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

DOCUMENTATION = r"""
---
short_description: Receive the webhooks of Cakewalk
description:
  - Listens for the webhooks of Cakewalk, verifies their signature, and passes each event on.
  - A webhook is a hint. Its signature proves neither which tenant sent it nor that it is fresh, so whatever acts on an
    event must read the task again with credentials of its own.
  - Names, e-mails and everything else that people write in Cakewalk stay out of events, since the variables of a
    playbook are templates and would be executed. An event holds C(type), C(task_id), C(request_type), C(app_id),
    C(permission_level_id), C(source) and C(received_at).
  - Events of type V(action_task.actionable) tell that a task can be carried out. Those of type V(test) come when
    somebody tries the webhook in Cakewalk; all of their ids are null.
  - A delivery is answered with success only once the engine has taken all of its events, and with 503 while too many
    wait, so that the sender can try again. What the engine has taken is in its memory only. Use the source
    C(cakewalk.access.tasks) beside this one to catch up on what got lost.
  - C(/healthz) on the same port answers with counters.
options:
  host:
    description: The address to listen on. Other machines reach the source only if this is changed, or through a proxy.
    type: str
    default: 127.0.0.1
  port:
    description: The port to listen on.
    type: int
    default: 5000
  path:
    description: The path that takes deliveries.
    type: str
    default: /webhook
  certfile:
    description: A file with the certificate chain for TLS. Without it the source speaks plain HTTP.
    type: path
  keyfile:
    description: The file with the private key of O(certfile), if that does not hold it.
    type: path
  password:
    description: The password of the private key.
    type: str
  api_key:
    description:
      - The API key to read the public key of the webhooks with; a read-only one is enough.
      - Not needed with O(public_key).
      - The environment variable E(CAKEWALK_API_KEY) is used if this is not set.
    type: str
  api_secret:
    description:
      - The secret that belongs to O(api_key).
      - The environment variable E(CAKEWALK_API_SECRET) is used if this is not set.
    type: str
  base_url:
    description:
      - The address of the service, without C(/api/v1). Must be C(https) unless it is on this very machine.
      - The environment variable E(CAKEWALK_BASE_URL) is used if this is not set.
    type: str
    default: https://open-api.getcakewalk.io
  ca_path:
    description:
      - A file or folder of certificates to check the service against instead of the usual ones.
      - The environment variable E(CAKEWALK_CA_PATH) is used if this is not set.
    type: path
  public_key:
    description:
      - The public key of the webhooks, as PEM text or the path of a file.
      - It is then never read from the service, so somebody must replace it when Cakewalk changes it.
    type: str
  key_max_age:
    description: For how many seconds a key that was read is believed, at most 3600.
    type: int
    default: 3600
  key_refresh_interval:
    description:
      - How many seconds must pass between two readings of the key.
      - It is read again when a signature does not fit, since it may have changed.
    type: int
    default: 60
  duplicate_window:
    description: For how many seconds further events about a task that was passed on are dropped; V(0) drops none.
    type: int
    default: 600
  max_waiting:
    description: How many events may wait for the engine to take them.
    type: int
    default: 200
  max_events:
    description: How many events a delivery may hold.
    type: int
    default: 100
  max_events_per_minute:
    description: How many events are passed on in any 60 seconds.
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
    description: From how many connections deliveries are read at the same time.
    type: int
    default: 200
  read_timeout:
    description: Within how many seconds after connecting a delivery must be there whole.
    type: int
    default: 10
requirements:
  - aiohttp
  - cryptography
"""

EXAMPLES = r"""
- name: Carry out what may be carried out
  hosts: localhost
  sources:
    - name: Webhooks of Cakewalk
      cakewalk.access.webhook:
        host: 0.0.0.0
        port: 5443
        certfile: /etc/pki/tls/certs/events.pem
        keyfile: /etc/pki/tls/private/events.key
  rules:
    - name: Fulfil the task
      condition: event.type == "action_task.actionable"
      action:
        run_playbook:
          name: cakewalk.access.fulfil_task
          extra_vars:
            task_fulfilment_task: "{{ event.task_id }}"
"""

LOG = logging.getLogger("cakewalk.access.webhook")
#: What aiohttp logs; anybody can send what is no HTTP, so that is left out.
HTTP_LOG = logging.getLogger("cakewalk.access.webhook.http")
HTTP_LOG.addFilter(lambda record: not isinstance((record.exc_info or [None] * 2)[1], aiohttp.http.HttpProcessingError))

ACTIONABLE, TEST = "action_task.actionable", "test"
REQUEST_TYPES = frozenset(
    {
        "GrantAccessRequest",
        "RemoveAccessRequest",
        "ArchiveWorkAppRequest",
        "ChangePermissionLevelRequest",
        "AddNewManagedWorkAppRequest",
    }
)

Event = dict[str, Any]

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_JSON_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_PEM = re.compile(rb"-----BEGIN ((?:RSA )?PUBLIC KEY)-----.+?-----END \1-----", re.DOTALL)
_LEAST_KEY_BITS = 2048
_LONGEST_SIGNATURE = 2732  # RSA of 16,384 bits in base64
_KEYS_LIMIT = 64 * 1024
_KEYS_DEPTH = 8
_API_TIMEOUT = 10
_PAUSE_AFTER_FAILURE = 10
_MINUTE = 60
_GRACE = 1


# --- Options ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Options:
    """The options of the source, documented above; numbers may come as text, as templates in rulebooks make them."""

    host: str = "127.0.0.1"
    port: int = 5000
    path: str = "/webhook"
    certfile: str = ""
    keyfile: str = ""
    password: str = field(default="", repr=False)
    api_key: str = field(default="", repr=False)
    api_secret: str = field(default="", repr=False)
    base_url: str = "https://open-api.getcakewalk.io"
    ca_path: str = ""
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
        """Refuse what cannot work.

        :raises ValueError: naming the option, never the value of a secret.
        """
        for name, (least, most) in _BOUNDS.items():
            if not least <= getattr(self, name) <= most:
                raise ValueError(f"{name} is {getattr(self, name)} and must be from {least} to {most}")
        if not self.host.strip():
            raise ValueError("host is empty, which would listen on all addresses; name one, or 0.0.0.0")
        if self.key_refresh_interval > self.key_max_age:
            raise ValueError(
                "key_refresh_interval is more than key_max_age, so a key could get too old and not be read"
            )
        if not self.path.startswith("/") or self.path == _HEALTH:
            raise ValueError(f"path must begin with / and not be {_HEALTH}")
        for limit in ("max_waiting", "max_events_per_minute"):
            if self.max_events > getattr(self, limit):
                raise ValueError(f"max_events is more than {limit}, so a full delivery could never be taken")
        if self.keyfile and not self.certfile:
            raise ValueError("keyfile needs certfile")
        if not self.public_key:
            check_access(self.base_url, self.api_key, self.api_secret)

    @classmethod
    def read(cls, given: Mapping[str, Any], environment: Mapping[str, str]) -> Options:
        """Return the options that a rulebook gives, completed from the environment.

        :raises ValueError: for an option that does not exist, is of the wrong kind, or cannot work.
        """
        kinds = {one.name: type(one.default) for one in fields(cls)}
        if unknown := sorted(set(map(str, given)) - kinds.keys()):
            raise ValueError(f"unknown options: {', '.join(unknown)}; known are {', '.join(kinds)}")
        known = {name: environment.get(f"CAKEWALK_{name.upper()}") or None for name in _FROM_ENVIRONMENT}
        known.update({name: value for name, value in given.items() if value is not None})
        return cls(**{name: _of_kind(kinds[name], name, value) for name, value in known.items() if value is not None})


_HEALTH = "/healthz"
_FROM_ENVIRONMENT = ("api_key", "api_secret", "base_url", "ca_path")
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


def _of_kind(kind: type, name: str, value: Any) -> Any:
    if kind is int and isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, kind):
        raise ValueError(f"{name} must be {'a whole number' if kind is int else 'text'}")
    return value


def check_access(base_url: str, api_key: str, api_secret: str) -> None:
    """Refuse credentials that cannot be, and a base URL that would show them to others.

    :raises ValueError: naming the option only.
    """
    for name, secret in (("api_key", api_key), ("api_secret", api_secret)):
        if not secret or not secret.isascii() or not secret.isprintable() or " " in secret:
            raise ValueError(f"{name} is missing or holds white space; set it or CAKEWALK_{name.upper()}")
    parts = urlsplit(base_url)
    if not base_url.isprintable() or {" ", "?", "#", "@", "\\"} & set(base_url) or not parts.hostname:
        raise ValueError("base_url must be an address without credentials, query and fragment")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
        raise ValueError("base_url must begin with https://, or the key and secret could be read on the way")


def is_loopback(host: str) -> bool:
    """Tell whether a host is this very machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


# --- Signatures and keys: pure functions ------------------------------------------------------------------------------


def is_signed(body: bytes, signature: str, keys: Iterable[RSAPublicKey]) -> bool:
    """Tell whether one of the keys made a signature (base64, RSA PKCS#1 v1.5, SHA-256) of these very bytes."""
    if len(signature) > _LONGEST_SIGNATURE:
        return False
    try:
        raw = base64.b64decode(signature, validate=True)
    except ValueError:
        return False
    return any(_fits(body, raw, key) for key in keys)


def _fits(body: bytes, signature: bytes, key: RSAPublicKey) -> bool:
    try:
        key.verify(signature, body, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def keys_in(answer: bytes) -> list[RSAPublicKey]:
    """Return the RSA keys of 2,048 bits or more in an answer of C(/api/Keys), or in a file.

    The vendor's form is not known, so all likely ones are taken: PEM text, base64 of DER, or either of them as a string
    of JSON or under any member of it.

    :raises ValueError: there is no such key.
    """
    try:
        texts = list(_strings_in(json.loads(answer), _KEYS_DEPTH))
    except (ValueError, RecursionError):
        texts = [answer]
    keys = [key for text in texts for key in _public_keys(text)]
    strong = [key for key in keys if isinstance(key, RSAPublicKey) and key.key_size >= _LEAST_KEY_BITS]
    if not strong:
        found = f"{len(keys)} of other kinds or weaker" if keys else "none of any kind"
        raise ValueError(f"no RSA key of {_LEAST_KEY_BITS} bits or more among the public keys, {found}")
    return strong


def _strings_in(value: Any, depth: int) -> Iterable[bytes]:
    if isinstance(value, str):
        yield value.encode("utf-8", "replace")
    elif depth and isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings_in(inner, depth - 1)


def _public_keys(text: bytes) -> Iterable[Any]:
    if blocks := list(_PEM.finditer(text)):
        candidates = [(load_pem_public_key, block.group()) for block in blocks]
    else:
        try:
            candidates = [(load_der_public_key, base64.b64decode(b"".join(text.split()), validate=True))]
        except binascii.Error:
            return
    for load, encoded in candidates:
        with suppress(ValueError, UnsupportedAlgorithm):
            yield load(encoded)


# --- Deliveries: pure functions ---------------------------------------------------------------------------------------


class Malformed(ValueError):
    """A signed body that is not what the vendor documents."""


def events_in(body: bytes, max_events: int, max_depth: int) -> tuple[list[Event], int]:
    """Return the events in a body whose signature was verified, and how many of unknown types were in it.

    Newer pages of the vendor show an array, older ones a bare object; both are taken.

    :raises Malformed: for anything else, in one element too: a body is taken whole or not at all.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("not UTF-8") from None
    if _depth(text) > max_depth:
        raise Malformed(f"nested deeper than {max_depth}")
    try:
        content = json.loads(text)
    except ValueError:
        raise Malformed("not JSON") from None
    elements = content if isinstance(content, list) else [content]
    if len(elements) > max_events:
        raise Malformed(f"more than {max_events} events")
    events = [_event(element) for element in elements]
    known = [event for event in events if event]
    return known, len(events) - len(known)


def _depth(text: str) -> int:
    depth = deepest = 0
    for bracket in re.findall(r"[\[\]{}]", _JSON_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _event(element: Any) -> Event | None:
    """Return what may be known of an element: ids and words of closed lists, never what people wrote."""
    if not isinstance(element, dict) or not isinstance(element.get("eventType"), str):
        raise Malformed("an event without eventType")
    data = element.get("data")
    if element["eventType"] == TEST:
        return _shaped(TEST, None, {})
    if element["eventType"] != ACTIONABLE:
        return None
    task_id = _uuid(_member(data, "taskId"))
    if not task_id:
        raise Malformed("an event without a usable taskId")
    return _shaped(ACTIONABLE, task_id, _member(data, "requestMetadata"))


def _shaped(kind: str, task_id: str | None, metadata: Any) -> Event:
    request_type = _member(metadata, "requestType")
    return {
        "type": kind,
        "task_id": task_id,
        "request_type": request_type if isinstance(request_type, str) and request_type in REQUEST_TYPES else None,
        "app_id": _uuid(_member(_member(metadata, "targetWorkApp"), "id")),
        "permission_level_id": _uuid(_member(_member(metadata, "permissionLevel"), "id")),
        "source": "webhook",
    }


def _member(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _uuid(value: Any) -> str | None:
    return value.lower() if isinstance(value, str) and _UUID.fullmatch(value) else None


# --- Keys over time ---------------------------------------------------------------------------------------------------


class Refused(Exception):
    """A delivery that is not taken: the status of the answer, the counter and the reason."""

    def __init__(self, status: int, counter: str, reason: str, **headers: str) -> None:
        super().__init__(reason)
        self.status = status
        self.counter = counter
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def _later(counter: str, reason: str, seconds: float = 1) -> Refused:
    return Refused(503, counter, reason, Retry_After=str(max(1, math.ceil(seconds))))


class KeysUnavailable(Exception):
    """The keys could not be read; C(refused) if the credentials are why, which waiting does not mend."""

    def __init__(self, reason: str, refused: bool = False) -> None:
        super().__init__(reason)
        self.refused = refused


class Verifier:
    """Checks signatures with keys that are read when they are needed.

    :param fetch: reads the keys; raises :class:`KeysUnavailable`.
    :param max_age: for how long keys are believed.
    :param interval: how much time must pass between two readings, whoever sends what.
    """

    def __init__(self, fetch: Callable[[], Awaitable[list[RSAPublicKey]]], max_age: float, interval: float) -> None:
        self._fetch = fetch
        self._max_age = max_age
        self._interval = interval
        self._keys: list[RSAPublicKey] = []
        self._read_at = self._next_reading = -math.inf
        self._one_at_a_time = asyncio.Lock()

    @property
    def is_ready(self) -> bool:
        """Whether there are keys to check with."""
        return bool(self._keys) and time.monotonic() - self._read_at < self._max_age

    async def check(self, body: bytes, signature: str) -> None:
        """Return if the signature fits.

        :raises Refused: it does not, or there are no keys to tell.
        """
        if not self.is_ready:
            await self._read_unless_newer_than(self._read_at)
        if not self.is_ready:
            raise _later("keys_unavailable", "the key to check signatures with cannot be read", self._interval)
        looked_at = self._read_at
        if is_signed(body, signature, self._keys):
            return
        failed = not await self._read_unless_newer_than(looked_at)
        if self.is_ready and is_signed(body, signature, self._keys):
            return
        if failed:
            raise _later("keys_unavailable", "the signature does not fit, and the key cannot be read anew")
        raise Refused(401, "bad_signature", "the signature does not fit")

    async def prepare(self) -> None:
        """Read the keys before the first delivery.

        :raises KeysUnavailable: the credentials were refused. An outage is only logged.
        """
        await self._read()

    async def _read_unless_newer_than(self, looked_at: float) -> bool:
        """Read the keys unless somebody did meanwhile or the interval forbids it; return false if that failed."""
        async with self._one_at_a_time:
            if self._read_at > looked_at or time.monotonic() < self._next_reading:
                return True
            try:
                return await self._read()
            except KeysUnavailable as error:
                LOG.error("%s", error)
                return False

    async def _read(self) -> bool:
        self._next_reading = time.monotonic() + self._interval
        try:
            self._keys = await self._fetch()
        except KeysUnavailable as error:
            if error.refused:
                raise
            LOG.warning("%s", error)
            self._next_reading = time.monotonic() + min(self._interval, _PAUSE_AFTER_FAILURE)
            return False
        self._read_at = time.monotonic()
        self._next_reading = self._read_at + self._interval
        return True


async def given_keys(public_key: str) -> list[RSAPublicKey]:
    """Return the keys in PEM text, or in the file that it names.

    :raises KeysUnavailable: there are none.
    """
    try:
        return keys_in(public_key.encode() if "-----BEGIN" in public_key else Path(public_key).read_bytes())
    except (OSError, ValueError) as error:
        raise KeysUnavailable(f"public_key cannot be used: {error}", refused=True) from None


async def fetched_keys(session: aiohttp.ClientSession, options: Options) -> list[RSAPublicKey]:
    """Return the keys that the service publishes.

    :raises KeysUnavailable: there is no usable answer.
    """
    url = f"{options.base_url.rstrip('/')}/api/Keys"
    what = f"The keys cannot be read from {url}"
    try:
        status, _headers, content = await get(session, url, options.api_key, options.api_secret, _KEYS_LIMIT)
    except (aiohttp.ClientError, OSError, asyncio.TimeoutError) as error:
        raise KeysUnavailable(f"{what}: no answer ({type(error).__name__})") from None
    if status != 200:
        raise KeysUnavailable(f"{what}: it answered {status}", refused=status in (401, 403))
    try:
        return keys_in(content)
    except ValueError as error:
        raise KeysUnavailable(f"{what}: {error}") from None


def session_for(ca_path: str) -> aiohttp.ClientSession:
    """Return a session that reads no netrc, keeps no cookies and checks certificates.

    :raises ValueError: C(ca_path) holds no certificates.
    """
    cafile, capath = (None, ca_path) if ca_path and Path(ca_path).is_dir() else (ca_path or None, None)
    try:
        context = ssl.create_default_context(cafile=cafile, capath=capath)
    except OSError as error:
        raise ValueError(f"ca_path cannot be used: {error}") from None
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=context),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=_API_TIMEOUT),
    )


async def get(
    session: aiohttp.ClientSession, url: str, api_key: str, api_secret: str, limit: int
) -> tuple[int, Mapping[str, str], bytes]:
    """Return status, headers and body of one request, which follows no redirect; proxies as in the environment."""
    host = urlsplit(url).hostname or ""
    direct = is_loopback(host) or proxy_bypass_environment(host)
    async with session.get(
        url,
        headers={"X-API-KEY": api_key, "X-API-SECRET": api_secret},
        allow_redirects=False,
        proxy=None if direct else getproxies_environment().get("https"),
    ) as response:
        try:
            await response.content.readexactly(limit + 1)
        except asyncio.IncompleteReadError as whole:
            return response.status, response.headers, whole.partial
        raise aiohttp.ClientPayloadError(f"more than {limit} bytes")


# --- Taking deliveries ------------------------------------------------------------------------------------------------


class Queue(Protocol):
    """What the engine gives: a queue that holds one event."""

    async def put(self, event: Event) -> None:
        """Return once there is room for the event."""


class Intake:
    """Passes events on: a bounded number waits, one after the other, none twice within a window."""

    def __init__(self, queue: Queue, options: Options) -> None:
        self._queue = queue
        self._options = options
        self._in_turn = asyncio.Lock()
        self._passed_on: deque[float] = deque()
        self._seen: OrderedDict[str, float] = OrderedDict()
        self.waiting = 0

    async def take(self, events: list[Event]) -> tuple[int, int]:
        """Pass events on and return how many were and how many were repeats; a task is seen only once it was passed on.

        :raises Refused: there is no room for all of them.
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
                        await self._queue.put({**event, "received_at": datetime.now(timezone.utc).isoformat()})
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
            raise _later("too_many_waiting", "too many events wait")
        if len(self._passed_on) + self.waiting + count > options.max_events_per_minute:
            oldest = self._passed_on[0] if self._passed_on else now
            raise _later("too_many_a_minute", "too many events in a minute", oldest + _MINUTE - now)

    def _is_repeat(self, event: Event) -> bool:
        seen_at = self._seen.get(event["task_id"], -math.inf)
        return time.monotonic() - seen_at < self._options.duplicate_window

    def _remember(self, event: Event) -> None:
        now = time.monotonic()
        self._passed_on.append(now)
        if event["task_id"]:
            self._seen[event["task_id"]] = now
            self._seen.move_to_end(event["task_id"])
        while self._seen and now - next(iter(self._seen.values())) >= self._options.duplicate_window:
            self._seen.popitem(last=False)


class Receiver:
    """Answers requests: deliveries on one path, counters on another, nothing else."""

    def __init__(self, options: Options, verifier: Verifier, intake: Intake) -> None:
        self._options = options
        self._verifier = verifier
        self._intake = intake
        self.counters: Counter[str] = Counter()

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Return the answer to any request; the connection ends with it."""
        try:
            response = web.json_response(await self._result(request))
        except Refused as refusal:
            self.counters[refusal.counter] += 1
            LOG.info("refused with %d: %s", refusal.status, refusal)
            response = web.json_response({"error": str(refusal)}, status=refusal.status, headers=refusal.headers)
        response.force_close()
        return response

    async def _result(self, request: web.BaseRequest) -> Mapping[str, Any]:
        if request.path == _HEALTH and request.method == "GET":
            return self._health()
        if request.path != self._options.path:
            raise Refused(404, "wrong_path", "nothing is here")
        if request.method != "POST":
            raise Refused(405, "wrong_method", "only POST is taken here", Allow="POST")
        return await self._deliver(await self._body(request), request.headers.getall("X-SIGNATURE", []))

    async def _body(self, request: web.BaseRequest) -> bytes:
        """Return the bytes that were signed, as they came."""
        limit = self._options.max_body
        if "Content-Encoding" in request.headers:
            raise Refused(415, "encoded", "the body must not be encoded")
        body = bytearray()
        try:
            if (request.content_length or 0) <= limit:
                async for chunk in request.content.iter_any():
                    body += chunk
                    if len(body) > limit:
                        break
        except (OSError, web.RequestPayloadError, aiohttp.ClientError, aiohttp.http.HttpProcessingError):
            raise Refused(400, "broken_off", "the body is incomplete") from None
        if max(len(body), request.content_length or 0) > limit:
            raise Refused(413, "too_large", f"a delivery may have {limit} bytes")
        return bytes(body)

    async def _deliver(self, body: bytes, signatures: list[str]) -> Mapping[str, int]:
        self.counters["deliveries"] += 1
        if len(signatures) != 1:
            raise Refused(401, "unsigned", "there must be one X-SIGNATURE")
        await self._verifier.check(body, signatures[0])
        try:
            events, ignored = events_in(body, self._options.max_events, self._options.max_depth)
        except Malformed as error:
            raise Refused(400, "malformed", f"the delivery cannot be read: {error}") from None
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
    """The HTTP side: each connection carries one request, which must be there in time."""

    def __init__(self, options: Options, receiver: Receiver) -> None:
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
        self._settle(handler)

    def _give_up(self, protocol: Any) -> None:
        del self._deadlines[protocol]
        if protocol.transport:
            self._receiver.counters["too_slow"] += 1
            protocol.transport.abort()

    def _settle(self, protocol: Any) -> None:
        if deadline := self._deadlines.pop(protocol, None):
            deadline.cancel()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        request.content.on_eof(lambda: self._settle(request.protocol))
        return await self._receiver.answer(request)


class _Busy(asyncio.Protocol):
    """What a connection meets when too many are open."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the sender away until later."""
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(
            b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        )
        transport.close()


def _tls(options: Options) -> ssl.SSLContext | None:
    if not options.certfile:
        if not is_loopback(options.host):
            LOG.warning("listening on %s without certfile: deliveries cross the network in the clear", options.host)
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(options.certfile, options.keyfile or None, options.password)
    except OSError as error:
        raise ValueError(f"certfile, keyfile or password cannot be used: {error}") from None
    return context


async def main(queue: Queue, args: dict[str, Any]) -> None:
    """Receive deliveries until cancelled.

    :raises ValueError: for options that cannot work.
    :raises KeysUnavailable: the service refused the credentials.
    """
    options = Options.read(args, os.environ)
    tls = _tls(options)
    async with session_for(options.ca_path) as session:

        async def fetch() -> list[RSAPublicKey]:
            if options.public_key:
                return await given_keys(options.public_key)
            return await fetched_keys(session, options)

        verifier = Verifier(fetch, options.key_max_age, options.key_refresh_interval)
        await verifier.prepare()
        server = Server(options, Receiver(options, verifier, Intake(queue, options)))
        handshake = options.read_timeout if tls else None
        listening = await asyncio.get_running_loop().create_server(
            server, options.host, options.port, ssl=tls, ssl_handshake_timeout=handshake
        )
        port = listening.sockets[0].getsockname()[1]
        LOG.info("listening on %s:%d%s", options.host, port, options.path)
        try:
            await asyncio.Event().wait()
        finally:
            listening.close()
            await server.shutdown(_GRACE)


class _Printing:
    async def put(self, event: Event) -> None:
        """Show an event."""
        print(json.dumps(event), flush=True)


if __name__ == "__main__":
    # For a quick look: python webhook.py port=5000 path=/webhook
    logging.basicConfig(level=logging.INFO)
    with suppress(KeyboardInterrupt):
        asyncio.run(main(_Printing(), dict(argument.split("=", 1) for argument in sys.argv[1:])))
