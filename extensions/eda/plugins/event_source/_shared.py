# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options, access to the API and events, as both event sources need them. This file is not an event source.

ansible-rulebook runs a source by its path, outside any package, so each source loads this file by its path too.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
import re
import runpy
import ssl
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

import aiohttp

if TYPE_CHECKING:
    from extensions.eda.plugins.event_source._retry_after import retry_after
else:
    retry_after = runpy.run_path(str(Path(__file__).resolve().with_name("_retry_after.py")))["retry_after"]

ACTIONABLE = "action_task.actionable"
UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

Event = dict[str, Any]

#: The most seconds that a source waits because the service asks for it.
_LONGEST_RETRY_AFTER = 3600
_TYPES: dict[str, tuple[type, str]] = {
    "int": (int, "a whole number"),
    "str": (str, "text"),
    "list[str]": (list, "a list"),
}


# --- Options ----------------------------------------------------------------------------------------------------------

OptionsT = TypeVar("OptionsT", bound="ServiceOptions")


@dataclass(frozen=True)
class ServiceOptions:
    """The options that reach Cakewalk's API. Each source adds its own and documents all of them."""

    api_key: str = field(default="", repr=False)
    api_secret: str = field(default="", repr=False)
    base_url: str = "https://open-api.getcakewalk.io"
    ca_path: str = ""

    @classmethod
    def read(cls: type[OptionsT], given: Mapping[str, Any], environment: Mapping[str, str]) -> OptionsT:
        """Return the options of a rulebook, completed from the environment.

        Numbers may be text, since templates in rulebooks return text.

        :raises ValueError: an option does not exist, is of the wrong type, or cannot work.
        """
        types = {option.name: str(option.type) for option in fields(cls)}
        if unknown := sorted(set(map(str, given)) - types.keys()):
            raise ValueError(f"unknown options: {', '.join(unknown)}; choose from {', '.join(types)}")
        variables = {
            option.name: environment.get(f"CAKEWALK_{option.name.upper()}", "") for option in fields(ServiceOptions)
        }
        values: dict[str, Any] = {name: value for name, value in variables.items() if value.strip()}
        values.update({name: value for name, value in given.items() if value is not None})
        return cls(**{name: _typed(types[name], name, value) for name, value in values.items() if value is not None})

    def check_access(self) -> None:
        """Refuse credentials that are missing or malformed, and a base URL that would show them to others.

        :raises ValueError: naming the option only, never the value of a secret.
        """
        for name, secret in (("api_key", self.api_key), ("api_secret", self.api_secret)):
            if not secret or not secret.isascii() or not secret.isprintable() or " " in secret:
                raise ValueError(
                    f"`{name}` is missing or contains white space; set it, or CAKEWALK_{name.upper()} in the "
                    "environment"
                )
        parts = urlsplit(self.base_url)
        if not self.base_url.isprintable() or {" ", "?", "#", "@", "\\"} & set(self.base_url) or not parts.hostname:
            raise ValueError("`base_url` must be a URL without credentials, query or fragment")
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
            raise ValueError(
                "`base_url` must begin with https://; otherwise anyone on the network could read the key and secret"
            )


def _typed(option_type: str, name: str, value: Any) -> Any:
    python_type, description = _TYPES[option_type]
    if python_type is int and isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, python_type):
        raise ValueError(f"`{name}` must be {description}")
    return value


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


# --- Access to the API ------------------------------------------------------------------------------------------------


def seconds_to_wait(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that an answer asks to wait, at most an hour, or C(None) if it does not ask."""
    asked = retry_after(headers)
    return None if asked is None else min(asked, _LONGEST_RETRY_AFTER)


def open_session(ca_path: str, timeout: float) -> aiohttp.ClientSession:
    """Return a session that reads no netrc, keeps no cookies and checks certificates.

    :param timeout: the seconds that a request may take in all.
    :raises ValueError: C(ca_path) contains no certificates.
    """
    cafile, capath = (None, ca_path) if ca_path and Path(ca_path).is_dir() else (ca_path or None, None)
    try:
        context = ssl.create_default_context(cafile=cafile, capath=capath)
    except OSError as error:
        raise ValueError(f"cannot use `ca_path`: {error}; give a file with CA certificates") from None
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=context),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=timeout),
    )


async def get(
    session: aiohttp.ClientSession, options: ServiceOptions, path: str, limit: int
) -> tuple[int, Mapping[str, str], bytes]:
    """Return status, headers and body of one GET, which follows no redirect and uses the proxies of the environment.

    :param limit: the largest body, in bytes.
    :raises ConnectionError: no answer, or only a part of it.
    """
    url = f"{options.base_url.rstrip('/')}{path}"
    host = urlsplit(url).hostname or ""
    direct = is_loopback(host) or proxy_bypass_environment(host)
    try:
        async with session.get(
            url,
            headers={"X-API-KEY": options.api_key, "X-API-SECRET": options.api_secret},
            allow_redirects=False,
            proxy=None if direct else getproxies_environment().get("https"),
        ) as response:
            try:
                await response.content.readexactly(limit + 1)
            except asyncio.IncompleteReadError as whole:
                return response.status, response.headers, whole.partial
            raise aiohttp.ClientPayloadError(f"more than {limit} bytes")
    except (aiohttp.ClientError, OSError, asyncio.TimeoutError) as error:
        raise ConnectionError(f"no answer ({type(error).__name__})") from None


# --- Events -----------------------------------------------------------------------------------------------------------


class EventQueue(Protocol):
    """The queue of the engine, which has room for one event."""

    async def put(self, event: Event) -> None:
        """Wait until there is room for the event, and add it."""


def make_event(
    source: str,
    event_type: str,
    task_id: str | None = None,
    request_type: str | None = None,
    app_id: str | None = None,
    permission_level_id: str | None = None,
) -> Event:
    """Return an event, the same for both sources. It contains ids and words of closed lists only."""
    return {
        "type": event_type,
        "task_id": task_id,
        "request_type": request_type,
        "app_id": app_id,
        "permission_level_id": permission_level_id,
        "source": source,
    }


async def emit(queue: EventQueue, event: Event) -> None:
    """Add an event and the current time to the queue, once there is room for it."""
    await queue.put({**event, "received_at": datetime.now(timezone.utc).isoformat()})


class EventPrinter:
    """A queue that prints its events, to try a source without the engine."""

    async def put(self, event: Event) -> None:
        """Print an event."""
        print(json.dumps(event), flush=True)


def print_events(main: Callable[[EventQueue, dict[str, Any]], Awaitable[None]], args: dict[str, Any]) -> None:
    """Run a source until Ctrl-C and print its events."""

    async def run() -> None:
        await main(EventPrinter(), args)

    logging.basicConfig(level=logging.INFO)
    with suppress(KeyboardInterrupt):
        asyncio.run(run())
