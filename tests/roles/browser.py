# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A headless Chromium that opens a page as people do, and tells what the page did (Chrome DevTools Protocol)."""

from __future__ import annotations

import asyncio
import base64
import itertools
import os
import re
import shutil
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
from playbooks.harness import ROOT, Data

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
#: Where C(npm install --prefix .build/node axe-core) puts it.
AXE = ROOT / ".build" / "node" / "node_modules" / "axe-core" / "axe.min.js"
#: Width and height in CSS pixels.
DESKTOP, TABLET, PHONE = (1280, 900), (768, 1024), (390, 844)
_PATIENCE = 30.0


@dataclass
class Visit:
    """What a page did while it was open.

    :param requested: by the browser's ids the addresses that it asked for, its own among them, without those that its
        policy stopped.
    :param complaints: what it wrote to the console, errors it raised, what the policy of the page forbade.
    :param answers: what the questions that were put to it came to.
    :param pages: the number of pages that it takes in print.
    """

    requested: dict[str, str] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)
    pages: int = 0

    @property
    def requests(self) -> list[str]:
        """The addresses alone."""
        return list(self.requested.values())


class Browser:
    """A running browser; each visit is in a tab of its own."""

    def __init__(self, address: str) -> None:
        self._address = address

    def visit(
        self,
        page: Path,
        *questions: str,
        size: tuple[int, int] = DESKTOP,
        dark: bool = False,
        picture: Path | None = None,
        scripts: bool = True,
        printed: bool = False,
    ) -> Visit:
        """Open a file.

        :param questions: expressions of JavaScript, one after another; promises are awaited.
        :param picture: where a picture of what is in view is put.
        :param scripts: whether the scripts of the page may run.
        :param printed: whether to count its pages in print.
        """
        return asyncio.run(self._visit(page, questions, size, dark, picture, scripts, printed))

    async def _visit(self, page: Path, *how: Any) -> Visit:
        visit = Visit()
        async with aiohttp.ClientSession() as session:
            async with session.put(f"{self._address}/json/new?about:blank") as answer:
                tab = await answer.json()
            async with session.ws_connect(tab["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                await asyncio.wait_for(_open(_caller(socket, visit), visit, page, *how), 120)
            async with session.get(f"{self._address}/json/close/{tab['id']}") as answer:
                await answer.read()
        return visit


Call = Callable[..., Awaitable[Data]]


def _caller(socket: aiohttp.ClientWebSocketResponse, visit: Visit) -> Call:
    numbers = itertools.count(1)

    async def call(method: str, until: str = "", **params: Any) -> Data:
        """Call a method, and go on reading what is told until the answer is there, and the event C(until) too."""
        number, answered = next(numbers), None
        await socket.send_json({"id": number, "method": method, "params": params})
        while answered is None or until:
            told = await socket.receive_json()
            if told.get("id") == number:
                assert "error" not in told, told
                answered = told["result"]
            if told.get("method") == until:
                until = ""
            _note(visit, told)
        return answered

    return call


def _note(visit: Visit, told: Data) -> None:
    params = told.get("params", {})
    if told.get("method") == "Network.requestWillBeSent":
        visit.requested[params["requestId"]] = params["request"]["url"]
    elif told.get("method") == "Network.loadingFailed" and params.get("blockedReason") == "csp":
        visit.requested.pop(params["requestId"])
    elif told.get("method") == "Log.entryAdded":
        visit.complaints.append(params["entry"]["text"])
    elif told.get("method") == "Runtime.exceptionThrown":
        visit.complaints.append(params["exceptionDetails"]["text"])
    elif told.get("method") == "Runtime.consoleAPICalled":
        visit.complaints.append(str(params["args"]))


async def _open(
    call: Call,
    visit: Visit,
    page: Path,
    questions: tuple[str, ...],
    size: tuple[int, int],
    dark: bool,
    picture: Path | None,
    scripts: bool,
    printed: bool,
) -> None:
    for domain in ("Page", "Network", "Log", "Runtime"):
        await call(f"{domain}.enable")
    width, height = size
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == PHONE}
    await call("Emulation.setDeviceMetricsOverride", **metrics)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    await call("Emulation.setEmulatedMedia", features=[scheme])
    await call("Emulation.setScriptExecutionDisabled", value=not scripts)
    await call("Page.navigate", until="Page.loadEventFired", url=page.as_uri())
    for question in questions:
        told = await call("Runtime.evaluate", expression=question, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        visit.answers.append(told["result"].get("value"))
    if printed:
        paper = await call("Page.printToPDF", preferCSSPageSize=True)
        visit.pages = len(re.findall(rb"/Type /Page\b", base64.b64decode(paper["data"])))
    if picture:
        shot = await call("Page.captureScreenshot")
        picture.write_bytes(base64.b64decode(shot["data"]))


@contextmanager
def running() -> Iterator[Browser]:
    """Run a browser for the length of the block, with a profile of its own."""
    assert PROGRAM
    options = [
        "--headless=new",
        "--remote-debugging-port=0",
        "--no-first-run",
        "--disable-gpu",
        "--disable-dev-shm-usage",
    ]
    options += ["--no-sandbox"] if os.geteuid() == 0 else []
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [PROGRAM, *options, f"--user-data-dir={profile}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield Browser(f"http://127.0.0.1:{_port(Path(profile))}")
        finally:
            process.terminate()
            process.wait(_PATIENCE)


def _port(profile: Path) -> str:
    """Return the port that the browser chose, once it has written it down."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        with_port = profile / "DevToolsActivePort"
        lines = with_port.read_text().splitlines() if with_port.exists() else []
        if len(lines) > 1:
            return lines[0]
        time.sleep(0.05)
    raise AssertionError("the browser does not start")
