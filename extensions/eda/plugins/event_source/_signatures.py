# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures of webhooks and the keys that verify them. This file is not an event source; C(webhook.py) loads it."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import logging
import math
import re
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

LOG = logging.getLogger("cakewalk.access.webhook")

_PEM = re.compile(rb"-----BEGIN ((?:RSA )?PUBLIC KEY)-----.+?-----END \1-----", re.DOTALL)
_LEAST_KEY_BITS = 2048
_LONGEST_SIGNATURE = 2732  # RSA of 16,384 bits in base64
_KEYS_DEPTH = 8
_PAUSE_AFTER_FAILURE = 10


# --- Pure functions ---------------------------------------------------------------------------------------------------


def is_signed(body: bytes, signature: str, keys: Iterable[RSAPublicKey]) -> bool:
    """Return whether a signature (base64, RSA PKCS#1 v1.5, SHA-256) of exactly these bytes fits a key."""
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


def parse_keys(content: bytes) -> list[RSAPublicKey]:
    """Return the RSA keys of 2,048 bits or more in a response of C(/api/Keys), or in a file.

    The vendor does not document the format, so all likely formats are accepted. A key is PEM text or base64 of DER,
    bare or as a string anywhere in JSON.

    :raises ValueError: there is no such key.
    """
    try:
        texts = list(_strings_in(json.loads(content), _KEYS_DEPTH))
    except (ValueError, RecursionError):
        texts = [content]
    keys = [key for text in texts for key in _public_keys(text)]
    strong = [key for key in keys if isinstance(key, RSAPublicKey) and key.key_size >= _LEAST_KEY_BITS]
    if not strong:
        others = f"found {len(keys)} of another type or length" if keys else "found no public key at all"
        raise ValueError(f"no usable RSA key of {_LEAST_KEY_BITS} bits or more: {others}")
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


# --- Keys over time ---------------------------------------------------------------------------------------------------


class KeysUnavailable(Exception):
    """A failure to read the keys.

    :param refused: whether the service refused the credentials, so that waiting does not help.
    :param retry_after: the seconds after which the keys may be available.
    """

    def __init__(self, reason: str, refused: bool = False, retry_after: float = 1) -> None:
        super().__init__(reason)
        self.refused = refused
        self.retry_after = retry_after


class Verifier:
    """Verification of signatures, with keys that are read when they are needed.

    :param fetch: reads the keys; raises :class:`KeysUnavailable`.
    :param max_age: the seconds after which keys are no longer trusted.
    :param interval: the least seconds between two readings, however many bad signatures come.
    """

    def __init__(self, fetch: Callable[[], Awaitable[list[RSAPublicKey]]], max_age: float, interval: float) -> None:
        self._fetch = fetch
        self._max_age = max_age
        self._interval = interval
        self._keys: list[RSAPublicKey] = []
        self._read_at = self._next_reading = -math.inf
        self._has_failed = False
        self._one_at_a_time = asyncio.Lock()

    @property
    def is_ready(self) -> bool:
        """Whether there are keys that are not too old."""
        return bool(self._keys) and time.monotonic() - self._read_at < self._max_age

    async def is_genuine(self, body: bytes, signature: str) -> bool:
        """Return whether the signature fits, after reading the keys again if they may have changed.

        :raises KeysUnavailable: without current keys, nobody knows.
        """
        if not self.is_ready:
            await self._read_unless_newer_than(self._read_at)
        if not self.is_ready:
            pause = max(self._interval, self._next_reading - time.monotonic())
            raise KeysUnavailable("cannot read the key that verifies signatures", retry_after=pause)
        read_at = self._read_at
        if is_signed(body, signature, self._keys):
            return True
        failed = not await self._read_unless_newer_than(read_at)
        if self.is_ready and is_signed(body, signature, self._keys):
            return True
        if failed:
            raise KeysUnavailable("the signature is wrong, and the key cannot be refreshed")
        return False

    async def read(self) -> bool:
        """Read the keys and return whether that worked; an outage is only logged.

        :raises KeysUnavailable: the service refused the credentials.
        """
        self._next_reading = time.monotonic() + self._interval
        try:
            self._keys = await self._fetch()
        except KeysUnavailable as error:
            if error.refused:
                raise
            LOG.warning("%s", error)
            least = min(self._interval, _PAUSE_AFTER_FAILURE)
            self._next_reading = time.monotonic() + max(least, error.retry_after)
            self._has_failed = True
            return False
        self._has_failed = False
        self._read_at = time.monotonic()
        self._next_reading = self._read_at + self._interval
        return True

    async def _read_unless_newer_than(self, read_at: float) -> bool:
        """Read the keys unless they are newer or the interval forbids it. Return false if the last reading failed."""
        async with self._one_at_a_time:
            if self._read_at > read_at or time.monotonic() < self._next_reading:
                return not self._has_failed
            try:
                return await self.read()
            except KeysUnavailable as error:
                LOG.error("%s", error)
                return False
