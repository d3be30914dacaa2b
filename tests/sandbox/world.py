# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that one sandbox holds: settings, tenant, keys, log, faults, changes, webhooks and the rate window."""

from __future__ import annotations

from typing import Any

from . import company
from .changes import Changes
from .deliveries import WebhookSender
from .dialect import Noting
from .faults import Faults
from .keys import Keyring, SigningKey
from .log import Log
from .rate import RateLimit
from .settings import SHAPE, Settings
from .state import State


class World:
    """A sandbox's memory.

    :param settings: the settings to start with, to which each reset returns.
    :param keyring: the API keys, which outlive resets.
    """

    def __init__(self, settings: Settings, keyring: Keyring) -> None:
        self.keyring = keyring
        self._origin = settings
        self.reset()

    def reset(self, **changes: Any) -> None:
        """Start over with a fresh company, under the settings it was started with and these changes.

        :raises ValueError: for a setting that does not exist or is not allowed; then nothing changes.
        """
        self.settings = self._origin.changed(**changes)
        self.state: State = company.found(self.settings)
        self.state.clock_ahead = self.settings.clock_ahead
        self.signing_key = SigningKey()
        self.log = Log()
        self.calm()
        self.rate = RateLimit()
        self.webhook_sender = WebhookSender()
        self.notes: set[str] | None = None

    def calm(self) -> None:
        """Forget the faults that are left, and the changes that wait."""
        self.faults = Faults()
        self.changes = Changes()

    def configure(self, **changes: Any) -> None:
        """Change settings and dialect while the data stay.

        :raises ValueError: for what does not exist, is not allowed, or shapes the data.
        """
        if shaping := sorted(SHAPE & changes.keys()):
            raise ValueError(f"{', '.join(shaping)} can only change with a reset")
        self.settings = self.settings.changed(**changes)
        self.state.dialect = self.settings.dialect
        self.state.clock_ahead = self.settings.clock_ahead

    def note_questions(self) -> None:
        """Note from now on, until the next reset, which questions of the dialect decide something."""
        self.notes = set()
        self.state.dialect = Noting(self.settings.dialect, self.notes)

    def send_news(self) -> None:
        """Send webhooks about what has just happened."""
        self.webhook_sender.send_news(self.state, self.signing_key)
