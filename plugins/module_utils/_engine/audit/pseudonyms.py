# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that nobody can read back, the same in every file and in every run with the same key."""

from __future__ import annotations

import hashlib
import hmac

from ..._api.errors import ConfigurationError
from ..storage.private_file import PrivateFile
from .table import EMAIL, ID, NAME, PRIVATE, Cell, Column, Table

#: In bytes. What is masked is often guessable (addresses of known people), so the key must not be.
_SHORTEST = 32
#: Hexadecimal digits of a mask: 80 bits, so that no two of a tenant are the same.
_DIGITS = 20


class Pseudonymizer:
    """Replaces what tells of somebody by an HMAC-SHA256 (RFC 2104) of it.

    :raises ConfigurationError: the key is so short that it could be found by trying.
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
        """What tells whether two bundles were masked with the same key, and nothing about the key."""
        return self._digest("key", "")

    def of(self, table: Table) -> Table:
        """Return a table with everything masked that is an id, an e-mail address, a name or free text."""
        return table.mapped(self._cell)

    def identifier(self, one: str) -> str:
        """Return the mask of an id."""
        return f"{ID}:{self._digest(ID, one.lower())}"

    def name(self, one: str) -> str:
        """Return the mask of a name."""
        return f"{NAME}:{self._digest(NAME, one)}"

    def _cell(self, column: Column, cell: Cell) -> Cell:
        if column.kind not in PRIVATE or cell is None:
            return cell
        if column.kind == ID:
            return self.identifier(str(cell))
        text = str(cell).lower() if column.kind == EMAIL else str(cell)
        return f"{column.kind}:{self._digest(column.kind, text)}"

    def _digest(self, kind: str, text: str) -> str:
        return hmac.new(self._key, f"{kind}\0{text}".encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[
            :_DIGITS
        ]


def pseudonymizer_of(key: str | None, path: str | None) -> Pseudonymizer | None:
    """Return the masks for a key, or for what a file holds as the key; C(None) where nothing is to be masked.

    :raises ConfigurationError: there is no such file, or the key is too short.
    :raises FileRefused: the file cannot be read, or others could have written it.
    """
    if path is not None:
        content = PrivateFile(path, "the key", "Make one, such as with: openssl rand -hex 32").read()
        if content is None:
            raise ConfigurationError(
                "mask the evidence", "there is no file at mask_key_path", "Give its path.", option="mask_key_path"
            )
        key = content.strip()
    return None if key is None else Pseudonymizer(key)
