# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Event source that asks Cakewalk for the tasks that can be carried out.

ansible-rulebook runs this file by its path, outside any package, so it can import neither the collection nor the file
beside it. What C(webhook.py) needs too (options, base URL, one GET) stands in both, and is kept small for that.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
import math
import os
import re
import ssl
import stat
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

import aiohttp

DOCUMENTATION = r"""
---
short_description: Watch the tasks of Cakewalk that can be carried out
description:
  - Asks Cakewalk again and again for the tasks of the given people, and passes on those that can be carried out. It
    needs no open port, and catches up on webhooks that got lost.
  - Events have the shape of those of C(cakewalk.access.webhook), so that the same rules serve both. The list of tasks
    tells nothing but the task, so C(request_type), C(app_id) and C(permission_level_id) are always null.
  - A task is passed on again and again, every O(re_emit_after) seconds, until it can no longer be carried out.
  - Cakewalk lists tasks by the person whom they are assigned to. B(Tasks that are assigned to nobody cannot be listed),
    and those of people who are not among O(assignees) are not.
options:
  assignees:
    description: The people whose tasks to watch, each by UUID or e-mail.
    type: list
    elements: str
    required: true
  interval:
    description: How many seconds pass between two looks.
    type: int
    default: 60
  re_emit_after:
    description: After how many seconds a task that can still be carried out is passed on again.
    type: int
    default: 3600
  actionable_statuses:
    description:
      - The statuses of tasks that can be carried out, compared without regard to case.
      - The vendor does not document its word for it. A status that is not known is named in the log, and its tasks are
        left alone.
    type: list
    elements: str
    default: [Pending]
  state_file:
    description:
      - A file in which to note when a task was passed on last, so that a restart does not pass it on again too early.
      - It does no more than that. If it is lost or damaged, all tasks are passed on.
    type: path
  api_key:
    description:
      - The API key; a read-only one is enough.
      - The environment variable E(CAKEWALK_API_KEY) is used if this is not set.
    type: str
  api_secret:
    description:
      - The secret that belongs to O(api_key).
      - The environment variable E(CAKEWALK_API_SECRET) is used if this is not set.
    type: str
  base_url:
    description:
      - The address of the service, without C(/api/v1). Must be C(https) unless it is on this very machine.
      - The environment variable E(CAKEWALK_BASE_URL) is used if this is not set.
    type: str
    default: https://open-api.getcakewalk.io
  ca_path:
    description:
      - A file or folder of certificates to check the service against instead of the usual ones.
      - The environment variable E(CAKEWALK_CA_PATH) is used if this is not set.
    type: path
requirements:
  - aiohttp
"""

EXAMPLES = r"""
- name: Carry out what may be carried out
  hosts: localhost
  sources:
    - name: Tasks of Cakewalk
      cakewalk.access.tasks:
        assignees:
          - automation@example.com
        interval: 120
        state_file: /var/lib/cakewalk/emitted.json
  rules:
    - name: Fulfil the task
      condition: event.type == "action_task.actionable"
      action:
        run_playbook:
          name: cakewalk.access.fulfil_task
          extra_vars:
            task_fulfilment_task: "{{ event.task_id }}"
"""

LOG = logging.getLogger("cakewalk.access.tasks")

Event = dict[str, Any]
Row = dict[str, Any]

_ROOT = "/api/v1"
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_CURSOR_NAMES = ("cursor", "page[cursor]")
#: What a decided task is called; only Approved is documented.
_DECIDED = frozenset({"approved", "declined", "cancelled"})
_PAGE_LIMIT = 8 * 1024 * 1024
_MOST_PAGES = 10_000
_READINGS = 3
_API_TIMEOUT = 30
#: Seconds between two tries of our own accord, and as the service asks for.
_LONGEST_PAUSE, _LONGEST_ASKED = 300, 3600


# --- Options ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Options:
    """The options of the source, documented above; numbers may come as text, as templates in rulebooks make them."""

    assignees: list[str] = field(default_factory=list)
    interval: int = 60
    re_emit_after: int = 3600
    actionable_statuses: list[str] = field(default_factory=lambda: ["Pending"])
    state_file: str = ""
    api_key: str = field(default="", repr=False)
    api_secret: str = field(default="", repr=False)
    base_url: str = "https://open-api.getcakewalk.io"
    ca_path: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot work.

        :raises ValueError: naming the option, never the value of a secret.
        """
        for name in ("interval", "re_emit_after"):
            if not 1 <= getattr(self, name) <= 86400:
                raise ValueError(f"{name} is {getattr(self, name)} and must be from 1 to 86400")
        for name in ("assignees", "actionable_statuses"):
            texts = getattr(self, name)
            if not texts or not all(isinstance(one, str) and one.strip() for one in texts):
                raise ValueError(f"{name} must be a list of texts with at least one in it")
        if unusable := [one for one in self.assignees if "@" not in one and not _UUID.fullmatch(one)]:
            raise ValueError(f"assignees are named by UUID or e-mail, not as {unusable[0]!r}")
        if self.state_file and not Path(self.state_file).parent.is_dir():
            raise ValueError("state_file is in a folder that does not exist")
        check_access(self.base_url, self.api_key, self.api_secret)

    @classmethod
    def read(cls, given: Mapping[str, Any], environment: Mapping[str, str]) -> Options:
        """Return the options that a rulebook gives, completed from the environment.

        :raises ValueError: for an option that does not exist, is of the wrong kind, or cannot work.
        """
        kinds = {one.name: one.type for one in fields(cls)}
        if unknown := sorted(set(map(str, given)) - kinds.keys()):
            raise ValueError(f"unknown options: {', '.join(unknown)}; known are {', '.join(kinds)}")
        known = {name: environment.get(f"CAKEWALK_{name.upper()}") or None for name in _FROM_ENVIRONMENT}
        known.update({name: value for name, value in given.items() if value is not None})
        return cls(
            **{name: _of_kind(str(kinds[name]), name, value) for name, value in known.items() if value is not None}
        )


_FROM_ENVIRONMENT = ("api_key", "api_secret", "base_url", "ca_path")
_KINDS: dict[str, tuple[type, str]] = {
    "int": (int, "a whole number"),
    "str": (str, "text"),
    "list[str]": (list, "a list"),
}


def _of_kind(kind: str, name: str, value: Any) -> Any:
    wanted, words = _KINDS[kind]
    if wanted is int and isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, wanted):
        raise ValueError(f"{name} must be {words}")
    return value


def check_access(base_url: str, api_key: str, api_secret: str) -> None:
    """Refuse credentials that cannot be, and a base URL that would show them to others.

    :raises ValueError: naming the option only.
    """
    for name, secret in (("api_key", api_key), ("api_secret", api_secret)):
        if not secret or not secret.isascii() or not secret.isprintable() or " " in secret:
            raise ValueError(f"{name} is missing or holds white space; set it or CAKEWALK_{name.upper()}")
    parts = urlsplit(base_url)
    if not base_url.isprintable() or {" ", "?", "#", "@", "\\"} & set(base_url) or not parts.hostname:
        raise ValueError("base_url must be an address without credentials, query and fragment")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
        raise ValueError("base_url must begin with https://, or the key and secret could be read on the way")


def is_loopback(host: str) -> bool:
    """Tell whether a host is this very machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


# --- Reading ----------------------------------------------------------------------------------------------------------


class Trouble(Exception):
    """A list could not be read whole; it will be tried again.

    :param pause: for how many seconds the service asks to be left alone.
    """

    def __init__(self, reason: str, pause: float = 0) -> None:
        super().__init__(reason)
        self.pause = pause


class Refused(Exception):
    """What waiting does not mend: wrong credentials, or an assignee that is not one person."""


class _Moved(Exception):
    """A row came twice: the list changed while it was read."""


class Service:
    """Reads whole lists."""

    def __init__(self, session: aiohttp.ClientSession, options: Options) -> None:
        self._session = session
        self._options = options

    async def rows(self, path: str, what: str, **query: str) -> list[Row]:
        """Return all rows of a list.

        Cursors are page numbers in disguise, so a row that comes twice means that the list moved: it is read again.

        :raises Trouble: it cannot be read, or not be believed.
        :raises Refused: the credentials are refused.
        """
        for _reading in range(_READINGS):
            with suppress(_Moved):
                return await self._read(path, what, query)
        raise Trouble(f"{what} changed each time while they were read")

    async def _read(self, path: str, what: str, query: Mapping[str, str]) -> list[Row]:
        rows: dict[str, Row] = {}
        cursor: tuple[str, str] | None = None
        seen = set()
        for _page in range(_MOST_PAGES):
            page, cursor = page_in(what, await self._page(path, what, {**query, **dict([cursor] if cursor else [])}))
            for row in page:
                if row["id"] in rows:
                    raise _Moved
                rows[row["id"]] = row
            if cursor is None:
                return list(rows.values())
            if cursor in seen:
                raise Trouble(f"{what}: a page leads to itself")
            seen.add(cursor)
        raise Trouble(f"{what} have no end")

    async def _page(self, path: str, what: str, query: Mapping[str, str]) -> bytes:
        options = self._options
        url = f"{options.base_url.rstrip('/')}{_ROOT}{path}?{urlencode(query)}"
        try:
            status, headers, content = await get(self._session, url, options.api_key, options.api_secret, _PAGE_LIMIT)
        except (aiohttp.ClientError, OSError, asyncio.TimeoutError) as error:
            raise Trouble(f"{what} cannot be read: no answer ({type(error).__name__})") from None
        if status in (401, 403):
            raise Refused(f"{what} cannot be read: the service answered {status}; check api_key and api_secret")
        if status != 200:
            asked = headers.get("Retry-After", "")
            pause = min(int(asked), _LONGEST_ASKED) if re.fullmatch("[0-9]{1,9}", asked) else int(status == 429)
            raise Trouble(f"{what} cannot be read: the service answered {status}", pause)
        return content


def page_in(what: str, content: bytes) -> tuple[list[Row], tuple[str, str] | None]:
    """Return the rows of a page and the query parameter that leads to the next; a pure function.

    :raises Trouble: for a page that cannot be believed, since an incomplete list must not pass for a whole one.
    """
    try:
        body = json.loads(content)
        rows, links = body["data"], body["links"]
        if not all(_UUID.fullmatch(row["id"]) for row in rows):
            raise ValueError("ids")
        link = links.get("next")
        found = [] if link is None else [one for one in parse_qsl(urlsplit(link).query) if one[0] in _CURSOR_NAMES]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise Trouble(f"{what}: a page is not what the service documents") from None
    if not isinstance(rows, list) or (link is not None and len(found) != 1):
        raise Trouble(f"{what}: a page is not what the service documents")
    return rows, found[0] if found else None


def session_for(ca_path: str) -> aiohttp.ClientSession:
    """Return a session that reads no netrc, keeps no cookies and checks certificates.

    :raises ValueError: C(ca_path) holds no certificates.
    """
    cafile, capath = (None, ca_path) if ca_path and Path(ca_path).is_dir() else (ca_path or None, None)
    try:
        context = ssl.create_default_context(cafile=cafile, capath=capath)
    except OSError as error:
        raise ValueError(f"ca_path cannot be used: {error}") from None
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=context),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=_API_TIMEOUT),
    )


async def get(
    session: aiohttp.ClientSession, url: str, api_key: str, api_secret: str, limit: int
) -> tuple[int, Mapping[str, str], bytes]:
    """Return status, headers and body of one request, which follows no redirect; proxies as in the environment."""
    host = urlsplit(url).hostname or ""
    direct = is_loopback(host) or proxy_bypass_environment(host)
    async with session.get(
        url,
        headers={"X-API-KEY": api_key, "X-API-SECRET": api_secret},
        allow_redirects=False,
        proxy=None if direct else getproxies_environment().get("https"),
    ) as response:
        try:
            await response.content.readexactly(limit + 1)
        except asyncio.IncompleteReadError as whole:
            return response.status, response.headers, whole.partial
        raise aiohttp.ClientPayloadError(f"more than {limit} bytes")


# --- What is to be passed on: pure functions --------------------------------------------------------------------------


def actionable_in(rows: Iterable[Row], statuses: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the ids of the tasks that people can carry out, and why others were left alone that perhaps could be.

    Reviews, what the vendor's agent provisions, and decided tasks are left alone without a word.
    """
    wanted = {_folded(word) for word in statuses}
    ids, doubts = [], []
    for row in rows:
        status, is_action, is_the_agents = row.get("status"), row.get("isActionStep"), row.get("isAutoprovisioning")
        if not isinstance(status, str) or _folded(status) not in wanted | _DECIDED:
            doubts.append(f"add the status {ascii(status)[:60]} to actionable_statuses if they can be carried out")
        elif _folded(status) not in wanted or is_action is False or is_the_agents is True:
            continue
        elif is_action is True and is_the_agents is False:
            ids.append(row["id"].lower())
        else:
            doubts.append("they do not tell isActionStep and isAutoprovisioning, as those without a request")
    return ids, doubts


def _folded(word: str) -> str:
    return word.lower() if word.isascii() else word


def person_named(assignee: str, users: Iterable[Row]) -> str:
    """Return the id of the one person with this e-mail, compared by ASCII case only.

    :raises Refused: there is nobody, or more than one.
    """
    holders = [str(user["id"]) for user in users if _folded(str(user.get("email"))) == _folded(assignee)]
    if len(holders) != 1:
        found = f"{len(holders)} people have it: {', '.join(holders)}; give a UUID" if holders else "nobody has it"
        raise Refused(f"the assignee {assignee!a} cannot be found by e-mail: {found}")
    return holders[0]


# --- What was passed on -----------------------------------------------------------------------------------------------


class Emitted:
    """When each task was passed on last, kept in a file if there is one. It suppresses repeats, nothing else."""

    def __init__(self, file: str, re_emit_after: float) -> None:
        self._file = Path(file) if file else None
        self._re_emit_after = re_emit_after
        self._times = self._loaded()

    def is_due(self, task_id: str) -> bool:
        """Tell whether a task is to be passed on now; also after the clock was set back."""
        return not 0 <= time.time() - self._times.get(task_id, -math.inf) < self._re_emit_after

    def note(self, task_id: str) -> None:
        """Remember that a task was passed on."""
        self._times[task_id] = time.time()
        self._save()

    def keep_only(self, task_ids: set[str]) -> None:
        """Forget all tasks but these: should one become actionable again, it is passed on at once."""
        if gone := self._times.keys() - task_ids:
            for task_id in gone:
                del self._times[task_id]
            self._save()

    def _loaded(self) -> dict[str, float]:
        if not self._file or not os.path.lexists(self._file):
            return {}
        try:
            descriptor = os.open(self._file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(descriptor, encoding="utf-8") as stream:
                facts = os.fstat(descriptor)
                if not stat.S_ISREG(facts.st_mode) or facts.st_uid != os.geteuid() or facts.st_mode & 0o022:
                    raise ValueError("others own it or may write it, or it is no file")
                content = json.load(stream)
            if not isinstance(content, dict):
                raise ValueError("it holds something else")
            return {task_id: float(at) for task_id, at in content.items()}
        except (OSError, ValueError, TypeError, OverflowError, RecursionError) as error:
            LOG.warning("state_file cannot be used (%s): all tasks are passed on, and it is written anew", error)
            return {}

    def _save(self) -> None:
        """Write the file, which is whole at any time; mkstemp makes it exclusive and private."""
        if not self._file:
            return
        try:
            descriptor, temporary = tempfile.mkstemp(dir=self._file.parent, prefix=f".{self._file.name}.")
            try:
                with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                    json.dump(self._times, stream)
                    stream.flush()
                    os.fsync(descriptor)
                Path(temporary).replace(self._file)
            except OSError:
                Path(temporary).unlink()
                raise
        except OSError as error:
            LOG.warning("state_file cannot be written (%s): a restart will pass tasks on again", error)


# --- Watching ---------------------------------------------------------------------------------------------------------


class Queue(Protocol):
    """What the engine gives: a queue that holds one event."""

    async def put(self, event: Event) -> None:
        """Return once there is room for the event."""


class Watch:
    """Looks at the tasks of some people again and again."""

    def __init__(self, service: Service, queue: Queue, options: Options) -> None:
        self._service = service
        self._queue = queue
        self._options = options
        self._emitted = Emitted(options.state_file, options.re_emit_after)
        self._told: set[str] = set()
        self._people: list[str] = []

    async def look(self) -> None:
        """Pass on what is due.

        :raises Trouble: the last of what came between; the tasks of the others were passed on all the same.
        :raises Refused: waiting will not help.
        """
        if not self._people:
            self._people = await self._found()
        trouble: Trouble | None = None
        actionable: set[str] = set()
        for person in self._people:
            try:
                rows = await self._service.rows("/Tasks", f"The tasks of {person}", userId=person)
            except Trouble as error:
                trouble = error
                if trouble.pause:
                    break
                LOG.warning("%s", error)
                continue
            ids, doubts = actionable_in(rows, self._options.actionable_statuses)
            self._tell_once(doubts)
            actionable.update(ids)
            for task_id in filter(self._emitted.is_due, ids):
                await self._queue.put(_event(task_id))
                self._emitted.note(task_id)
        if trouble:
            raise trouble
        self._emitted.keep_only(actionable)

    async def _found(self) -> list[str]:
        """Return the ids of the assignees; e-mails are looked up in the whole directory."""
        named = self._options.assignees
        users = await self._service.rows("/Users", "The users") if any("@" in one for one in named) else []
        return list(dict.fromkeys(person_named(one, users) if "@" in one else one.lower() for one in named))

    def _tell_once(self, doubts: Iterable[str]) -> None:
        for doubt in doubts:
            if doubt not in self._told:
                self._told.add(doubt)
                LOG.warning("Some tasks are left alone: %s", doubt)


def _event(task_id: str) -> Event:
    return {
        "type": "action_task.actionable",
        "task_id": task_id,
        "request_type": None,
        "app_id": None,
        "permission_level_id": None,
        "source": "poller",
        "received_at": datetime.now(timezone.utc).isoformat(),
    }


async def main(queue: Queue, args: dict[str, Any]) -> None:
    """Watch until cancelled; outages are waited for.

    :raises ValueError: for options that cannot work.
    :raises Refused: the service refuses the credentials, or an e-mail is not that of one person.
    """
    options = Options.read(args, os.environ)
    LOG.info("tasks that are assigned to nobody, or to others than the assignees, cannot be listed")
    async with session_for(options.ca_path) as session:
        watch = Watch(Service(session, options), queue, options)
        failures = 0
        while True:
            try:
                await watch.look()
            except Trouble as trouble:
                failures += 1
                pause = max(trouble.pause, min(2.0 ** min(failures - 1, 20), _LONGEST_PAUSE))
                LOG.warning("%s; the next look is in %d seconds", trouble, pause)
            else:
                failures, pause = 0, options.interval
            await asyncio.sleep(pause)


class _Printing:
    async def put(self, event: Event) -> None:
        """Show an event."""
        print(json.dumps(event), flush=True)


if __name__ == "__main__":
    # For a quick look: python tasks.py automation@example.com
    logging.basicConfig(level=logging.INFO)
    with suppress(KeyboardInterrupt):
        asyncio.run(main(_Printing(), {"assignees": sys.argv[1:]}))
