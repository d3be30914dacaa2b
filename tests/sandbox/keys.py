# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys: API key pairs, and the throwaway key that signs webhooks."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from functools import cached_property

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

READ_WRITE, READ_ONLY, INVALID = "read-write", "read-only", "invalid"


@dataclass(frozen=True)
class KeyPair:
    """What C(X-API-KEY) and C(X-API-SECRET) carry."""

    key: str
    secret: str

    @classmethod
    def of_seed(cls, seed: int, kind: str) -> KeyPair:
        """Return the pair that belongs to a seed: sample data, good for a sandbox only."""
        return cls(*(hashlib.sha256(f"{seed}/{kind}/{part}".encode()).hexdigest()[:32] for part in ("key", "secret")))


@dataclass(frozen=True)
class Keyring:
    """The two pairs that a sandbox knows."""

    read_write: KeyPair
    read_only: KeyPair

    def kind_of(self, key: str, secret: str) -> str:
        """Tell which pair this is: C(read-write), C(read-only) or C(invalid)."""
        for kind, pair in ((READ_WRITE, self.read_write), (READ_ONLY, self.read_only)):
            if hmac.compare_digest(f"{pair.key}\n{pair.secret}".encode(), f"{key}\n{secret}".encode()):
                return kind
        return INVALID


class SigningKey:
    """An RSA key that lives as long as its company, made when it is first asked for."""

    @cached_property
    def private(self) -> rsa.RSAPrivateKey:
        """Return the private half."""
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @cached_property
    def public_pem(self) -> str:
        """Return the public half as PEM text."""
        return (
            self.private.public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
            .decode()
        )
