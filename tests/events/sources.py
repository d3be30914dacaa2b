# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs an event source the way the engine does: loaded by its path, a coroutine with a queue that holds one event.

with Running("webhook", public_key=pem) as source:
    requests.post(source.url, body, headers={"X-SIGNATURE": signature})
    assert source.taken(1)[0]["task_id"] == task_id
"""

from __future__ import annotations

import asyncio
import runpy
import secrets
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "extensions" / "eda" / "plugins" / "event_source"
PATIENCE = 10

Event = dict[str, Any]


def load(name: str) -> dict[str, Any]:
    """Return what is in a source."""
    return runpy.run_path(str(FOLDER / f"{name}.py"))


def free_port() -> int:
    """Return a port that nothing listens on. The system gives nobody a port of this range before it is used."""
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def until(holds: Callable[[], Any], patience: float = PATIENCE) -> Any:
    """Return the first true value of a function that is asked again and again."""
    end = time.monotonic() + patience
    while not (value := holds()):
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.01)
    return value


class Running:
    """A source that runs in a thread of its own, and an engine that takes its events.

    :param name: the file without its ending.
    :param engine_stands: whether the engine takes nothing until :meth:`flow`.
    :param args: the options of the source.
    """

    def __init__(self, name: str, engine_stands: bool = False, **args: Any) -> None:
        self._main = load(name)["main"]
        self._args = args
        self._events: list[Event] = []
        self._failure: BaseException | None = None
        self._stands = engine_stands
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def __enter__(self) -> Running:
        self._thread.start()
        self._started.wait(PATIENCE)
        if "port" in self._args:
            until(lambda: self._failure or self._listens())
        return self.raised()

    def __exit__(self, *_facts: object) -> None:
        self.stop()
        self.raised()

    def stop(self) -> None:
        """Cancel the source as the engine does, and wait for its end."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._source.cancel)
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "the source does not end"

    def raised(self) -> Running:
        """Return the source itself unless it failed; else raise what it raised."""
        if self._failure:
            raise self._failure
        return self

    @property
    def url(self) -> str:
        """Where deliveries go."""
        return f"http://127.0.0.1:{self._args['port']}{self._args.get('path', '/webhook')}"

    def flow(self) -> None:
        """Let the engine take events from now on."""
        self._loop.call_soon_threadsafe(self._flowing.set)

    def taken(self, count: int, patience: float = PATIENCE) -> list[Event]:
        """Return the events so far, once there are so many."""
        until(lambda: len(self._events) >= count or self._failure, patience)
        return list(self.raised()._events)

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._flowing = asyncio.Event()
        if not self._stands:
            self._flowing.set()
        queue: asyncio.Queue[Event] = asyncio.Queue(1)
        self._source = asyncio.create_task(self._main(queue, self._args))
        engine = asyncio.create_task(self._take(queue))
        self._started.set()
        try:
            await self._source
        except asyncio.CancelledError:
            pass
        except BaseException as failure:
            self._failure = failure
        finally:
            engine.cancel()

    async def _take(self, queue: asyncio.Queue[Event]) -> None:
        while True:
            await self._flowing.wait()
            self._events.append(await queue.get())

    def _listens(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self._args["port"]), PATIENCE) as asking:
            # Until the source has ended it too, it counts as one of the open connections.
            asking.shutdown(socket.SHUT_WR)
            asking.recv(1)
            return True
        return False
