# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server: the whole application on one port of 127.0.0.1."""

from __future__ import annotations

import logging
import signal
import socket
from collections.abc import Callable
from typing import Any

import uvicorn

from . import app, control
from .proxy import Front
from .world import World


class _Announcing(uvicorn.Server):
    """A server that says on which port it listens."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[int], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then announce it."""
        await super().startup(sockets=sockets)
        if self.started:
            self._announce(self.servers[0].sockets[0].getsockname()[1])


def serve(world: World, port: int, announce: Callable[[int], None]) -> None:
    """Serve a world until SIGTERM or SIGINT.

    :param port: the port, or 0 for a free one.
    :param announce: called with the port once it listens.
    """
    config = uvicorn.Config(
        Front(world, app.build(world), control.build(world)),
        host="127.0.0.1",
        port=port,
        access_log=False,
        log_level="error",
        timeout_keep_alive=120,
        timeout_graceful_shutdown=1,
        server_header=False,
        date_header=False,
    )
    logging.getLogger("connexion").setLevel(logging.ERROR)
    for wanted in (signal.SIGTERM, signal.SIGINT):
        signal.signal(wanted, _end_quietly)
    _Announcing(config, announce).run()


def _end_quietly(*_facts: Any) -> None:
    """Take the signal that the server raises again once it has shut down: ending on request is a success."""
