# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this collection last did where the vendor cannot be asked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Protocol

from .._api.client import Client
from .._api.operations import Key


class Ledger(Protocol):
    """Remembers what steps brought about; only applying a plan changes it."""

    def forget(self, keys: Collection[Key], client: Client) -> None:
        """Forget what is remembered under these keys, before steps replace it."""

    def keep(self, entries: Mapping[Key, Mapping[str, Any]], client: Client) -> None:
        """Remember what steps brought about."""
