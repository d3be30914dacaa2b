# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replace names by pseudonyms, which are the same in every file and in every run with the same key."""

from __future__ import annotations

import hashlib
import hmac

from ..._api.errors import ConfigurationError
from ..storage.private_file import PrivateFile
from .table import EMAIL, ID, PRIVATE, Cell, Column, Table

#: In bytes. Masked values, such as addresses of known people, can be guessed, so the key must not be guessable.
_SHORTEST = 32
#: The hexadecimal digits of a pseudonym: 80 bits, so that no two values of a tenant get the same one.
_DIGITS = 20


class Pseudonymizer:
    """Replaces personal data by its HMAC-SHA256 (RFC 2104).

    :raises ConfigurationError: the key is so short that it could be guessed.
    """

    def __init__(self, key: str) -> None:
        self._key = key.encode()
        if len(self._key) < _SHORTEST:
            raise ConfigurationError(
                "mask the evidence",
                f"the key has {len(self._key)} bytes, fewer than {_SHORTEST}",
                "Make one, such as with: openssl rand -hex 32",
                option="mask_key",
            )

    @property
    def key_check(self) -> str:
        """The value by which two bundles masked with the same key are recognized; it reveals nothing about the key."""
        return self._digest("key", "")

    def of(self, table: Table) -> Table:
        """Return a table in which ids, e-mail addresses, names and free text are masked."""
        return table.mapped(self._cell)

    def pseudonym(self, kind: str, text: str) -> str:
        """Return the pseudonym of a text of this kind; the case of ids and e-mail addresses does not count."""
        return f"{kind}:{self._digest(kind, text.lower() if kind in (ID, EMAIL) else text)}"

    def _cell(self, column: Column, cell: Cell) -> Cell:
        is_open = column.kind not in PRIVATE or cell is None
        return cell if is_open else self.pseudonym(column.kind, str(cell))

    def _digest(self, kind: str, text: str) -> str:
        message = f"{kind}\0{text}".encode("utf-8", "surrogatepass")
        return hmac.new(self._key, message, hashlib.sha256).hexdigest()[:_DIGITS]


def pseudonymizer_of(key: str | None, path: str | None) -> Pseudonymizer | None:
    """Return the pseudonymizer for a key, or for the key in a file; C(None) if nothing is masked.

    :raises ConfigurationError: there is no such file, or the key is too short.
    :raises FileRefused: the file cannot be read, or other users could have written it.
    """
    if path is not None:
        content = PrivateFile(path, "the key", "Make one, such as with: openssl rand -hex 32").read()
        if content is None:
            raise ConfigurationError(
                "mask the evidence", "there is no file at `mask_key_path`", "Give its path.", option="mask_key_path"
            )
        key = content.strip()
    return None if key is None else Pseudonymizer(key)
