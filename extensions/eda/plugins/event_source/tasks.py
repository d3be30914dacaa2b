# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Event source that polls Cakewalk for the tasks that people can carry out."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import os
import runpy
import stat
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import aiohttp

if TYPE_CHECKING:
    from extensions.eda.plugins.event_source import _shared as shared
else:
    # ansible-rulebook runs this file by its path, outside any package, so it loads the file next to it by its path.
    shared = SimpleNamespace(**runpy.run_path(str(Path(__file__).resolve().with_name("_shared.py"))))

DOCUMENTATION = r"""
---
short_description: Poll approval tasks that can be carried out
description:
  - Asks Cakewalk regularly for the approval tasks of some people, and emits an event for each task that can be carried
    out. It needs no open port, and catches tasks whose webhook got lost.
  - Events have the same form as those of C(cakewalk.access.webhook), so the same rules fit both. C(request_type),
    C(app_id) and C(permission_level_id) are always null, since the list of tasks does not show them.
  - A task is emitted every O(re_emit_after) seconds until it can no longer be carried out.
  - The API lists tasks by assignee. B(Tasks without an assignee cannot be listed), nor those of people who are not in
    O(assignees).
options:
  assignees:
    description: The people whose tasks to poll, by e-mail address or id.
    type: list
    elements: str
    required: true
  interval:
    description: The seconds between two polls.
    type: int
    default: 60
  re_emit_after:
    description: The seconds after which a task that can still be carried out is emitted again.
    type: int
    default: 3600
  actionable_statuses:
    description:
      - Statuses of tasks that can be carried out. Case is ignored.
      - The vendor does not document them. An unknown status is logged by its name, and its tasks are ignored.
    type: list
    elements: str
    default: [Pending]
  state_file:
    description:
      - A file that records when each task was emitted, so that a restart does not emit it too early.
      - If the file is lost or damaged, all tasks are emitted.
    type: path
  api_key:
    description:
      - The API key. A read-only key is enough.
      - Environment variable E(CAKEWALK_API_KEY).
    type: str
  api_secret:
    description:
      - The secret of the API key.
      - Environment variable E(CAKEWALK_API_SECRET).
    type: str
  base_url:
    description:
      - The address of the API, without C(/api/v1). It must use C(https), except on C(localhost).
      - Environment variable E(CAKEWALK_BASE_URL).
    type: str
    default: https://open-api.getcakewalk.io
  ca_path:
    description:
      - A file or folder of CA certificates to use instead of the default ones.
      - Environment variable E(CAKEWALK_CA_PATH).
    type: path
requirements:
  - aiohttp
"""

EXAMPLES = r"""
- name: Carry out approval tasks
  hosts: localhost
  sources:
    - name: Poll approval tasks
      cakewalk.access.tasks:
        assignees:
          - automation@example.com
        interval: 120
        state_file: /var/lib/cakewalk/emitted.json
  rules:
    - name: Carry out the task
      condition: event.type == "action_task.actionable"
      action:
        run_playbook:
          name: cakewalk.access.fulfil_task
          extra_vars:
            task_fulfilment_task: "{{ event.task_id }}"
"""

LOG = logging.getLogger("cakewalk.access.tasks")

Row = dict[str, Any]

_ROOT = "/api/v1"
_CURSOR_NAMES = ("cursor", "page[cursor]")
#: The statuses of decided tasks; the vendor documents only Approved.
_DECIDED = frozenset({"approved", "declined", "cancelled"})
_PAGE_LIMIT = 8 * 1024 * 1024
_MOST_PAGES = 10_000
_READINGS = 3
_API_TIMEOUT = 30
#: The most seconds between two tries, unless the service asks for more.
_LONGEST_PAUSE = 300


# --- Options ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PollerOptions(shared.ServiceOptions):
    """The options of the source, documented above."""

    assignees: list[str] = field(default_factory=list)
    interval: int = 60
    re_emit_after: int = 3600
    actionable_statuses: list[str] = field(default_factory=lambda: ["Pending"])
    state_file: str = ""

    def __post_init__(self) -> None:
        """Refuse values that cannot work.

        :raises ValueError: naming the option, never the value of a secret.
        """
        for name in ("interval", "re_emit_after"):
            if not 1 <= getattr(self, name) <= 86400:
                raise ValueError(f"`{name}` is {getattr(self, name)}; it must be between 1 and 86400")
        for name in ("assignees", "actionable_statuses"):
            texts = getattr(self, name)
            if not texts or not all(isinstance(text, str) and text.strip() for text in texts):
                raise ValueError(f"`{name}` must be a list of strings with at least one item")
        if unusable := [name for name in self.assignees if "@" not in name and not shared.UUID.fullmatch(name)]:
            raise ValueError(f"`assignees` must be UUIDs or e-mail addresses, got {unusable[0]!r}")
        if self.state_file and not Path(self.state_file).parent.is_dir():
            raise ValueError("the folder of `state_file` does not exist; create it")
        self.check_access()


# --- Reading ----------------------------------------------------------------------------------------------------------


class TemporaryFailure(Exception):
    """A list that could not be read completely, so that the poller tries again.

    :param pause: the seconds to wait that the service asked for.
    """

    def __init__(self, reason: str, pause: float = 0) -> None:
        super().__init__(reason)
        self.pause = pause


class PermanentFailure(Exception):
    """A failure that waiting does not fix: wrong credentials, or an e-mail that does not identify one user."""


class _ListChanged(Exception):
    """A row that came twice, since the list changed while it was read."""


class ListReader:
    """A reader of complete lists."""

    def __init__(self, session: aiohttp.ClientSession, options: PollerOptions) -> None:
        self._session = session
        self._options = options

    async def rows(self, path: str, what: str, **query: str) -> list[Row]:
        """Return all rows of a list.

        Cursors are page numbers in disguise. A row that comes twice means that the list changed, so it is read again.

        :param what: the name of the list in messages.
        :raises TemporaryFailure: the list cannot be read, or a page is not as documented.
        :raises PermanentFailure: the service refuses the credentials.
        """
        for _reading in range(_READINGS):
            with suppress(_ListChanged):
                return await self._read(path, what, query)
        raise TemporaryFailure(f"cannot read {what}: the list kept changing")

    async def _read(self, path: str, what: str, query: Mapping[str, str]) -> list[Row]:
        rows: dict[str, Row] = {}
        cursor: tuple[str, str] | None = None
        seen = set()
        for _page in range(_MOST_PAGES):
            page, cursor = parse_page(what, await self._page(path, what, {**query, **dict([cursor] if cursor else [])}))
            for row in page:
                if row["id"] in rows:
                    raise _ListChanged
                rows[row["id"]] = row
            if cursor is None:
                return list(rows.values())
            if cursor in seen:
                raise TemporaryFailure(f"cannot read {what}: a page links to itself")
            seen.add(cursor)
        raise TemporaryFailure(f"cannot read {what}: the list has no end")

    async def _page(self, path: str, what: str, query: Mapping[str, str]) -> bytes:
        path = f"{_ROOT}{path}?{urlencode(query)}"
        try:
            status, headers, content = await shared.get(self._session, self._options, path, _PAGE_LIMIT)
        except ConnectionError as error:
            raise TemporaryFailure(f"cannot read {what}: {error}") from None
        failure = f"cannot read {what}: the service answered {status}"
        if status in (401, 403):
            raise PermanentFailure(f"{failure}; check `api_key` and `api_secret`")
        if status != 200:
            asked = shared.seconds_to_wait(headers)
            pause = float(status == 429) if asked is None else asked
            raise TemporaryFailure(failure, pause)
        return content


def parse_page(what: str, content: bytes) -> tuple[list[Row], tuple[str, str] | None]:
    """Return the rows of a page and the query parameter that leads to the next page; a pure function.

    :raises TemporaryFailure: the page is not as documented, so the list may be incomplete.
    """
    cursors: list[tuple[str, str]] = []
    try:
        body = json.loads(content)
        rows, links = body["data"], body["links"]
        if not all(shared.UUID.fullmatch(row["id"]) for row in rows):
            raise ValueError("ids")
        if (link := links.get("next")) is not None:
            cursors = [pair for pair in parse_qsl(urlsplit(link).query) if pair[0] in _CURSOR_NAMES]
        if not isinstance(rows, list) or (link is not None and len(cursors) != 1):
            raise ValueError("list or cursor")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise TemporaryFailure(f"cannot read {what}: a page does not have the documented form") from None
    return rows, cursors[0] if cursors else None


# --- Tasks and users: pure functions ----------------------------------------------------------------------------------


def select_actionable(rows: Iterable[Row], statuses: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the ids of the tasks that people can carry out, and the reasons why unclear tasks are left out.

    Reviews, tasks that the vendor's agent provisions, and decided tasks are left out without a reason.
    """
    actionable = {_fold_case(status) for status in statuses}
    ids, doubts = [], []
    for row in rows:
        status, is_action, is_the_agents = row.get("status"), row.get("isActionStep"), row.get("isAutoprovisioning")
        if not isinstance(status, str) or _fold_case(status) not in actionable | _DECIDED:
            doubts.append(
                f"their status is {ascii(status)[:60]}; if such tasks can be carried out, add it to "
                "`actionable_statuses`"
            )
        elif _fold_case(status) not in actionable or is_action is False or is_the_agents is True:
            continue
        elif is_action is True and is_the_agents is False:
            ids.append(row["id"].lower())
        else:
            doubts.append("they lack isActionStep or isAutoprovisioning, as tasks without a request do")
    return ids, doubts


def _fold_case(text: str) -> str:
    return text.lower() if text.isascii() else text


def find_user(email: str, users: Iterable[Row]) -> str:
    """Return the id of the one user with this e-mail, compared by ASCII case only.

    :raises PermanentFailure: no user or several users have it.
    """
    holders = [str(user["id"]) for user in users if _fold_case(str(user.get("email"))) == _fold_case(email)]
    if len(holders) != 1:
        reason = (
            f"{len(holders)} people have it; give one of the UUIDs {', '.join(holders)}" if holders else "nobody has it"
        )
        raise PermanentFailure(f"cannot find the assignee with the e-mail address {email!a}: {reason}")
    return holders[0]


# --- Tasks that were passed on ----------------------------------------------------------------------------------------


class Emitted:
    """The time when each task was last passed on, kept in a file if there is one. It only suppresses repeats."""

    def __init__(self, file: str, re_emit_after: float) -> None:
        self._file = Path(file) if file else None
        self._re_emit_after = re_emit_after
        self._times = self._loaded()

    def is_due(self, task_id: str) -> bool:
        """Return whether a task should be passed on now; always so after the clock was set back."""
        return not 0 <= time.time() - self._times.get(task_id, -math.inf) < self._re_emit_after

    def note(self, task_id: str) -> None:
        """Store that a task was passed on now."""
        self._times[task_id] = time.time()
        self._save()

    def keep_only(self, task_ids: set[str]) -> None:
        """Delete all other tasks: a task that becomes actionable again is passed on at once."""
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
                    raise ValueError("it is not a regular file, or other users own it or can write to it")
                content = json.load(stream)
            if not isinstance(content, dict):
                raise ValueError("it was not written by this source")
            return {task_id: float(at) for task_id, at in content.items()}
        except (OSError, ValueError, TypeError, OverflowError, RecursionError) as error:
            LOG.warning("cannot use `state_file` (%s): all tasks are emitted, and the file is written again", error)
            return {}

    def _save(self) -> None:
        """Replace the file, which is complete at any time; mkstemp makes it exclusive and private."""
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
            LOG.warning("cannot write `state_file` (%s): a restart will emit tasks again", error)


# --- Polling ----------------------------------------------------------------------------------------------------------


class Poller:
    """The way of tasks from the API to the engine, one assignee after the other."""

    def __init__(self, lists: ListReader, queue: shared.EventQueue, options: PollerOptions) -> None:
        self._lists = lists
        self._queue = queue
        self._options = options
        self._emitted = Emitted(options.state_file, options.re_emit_after)
        self._warnings: set[str] = set()
        self._assignees: list[str] = []

    async def poll(self) -> None:
        """Pass on the tasks that are due.

        :raises TemporaryFailure: the last failure. The tasks of other assignees were passed on anyway.
        :raises PermanentFailure: waiting will not help.
        """
        if not self._assignees:
            self._assignees = await self._assignee_ids()
        failure: TemporaryFailure | None = None
        actionable: set[str] = set()
        for place, assignee in enumerate(self._assignees):
            try:
                rows = await self._lists.rows("/Tasks", f"the tasks of {assignee}", userId=assignee)
            except TemporaryFailure as error:
                failure = error
                if failure.pause:
                    # The next poll begins with this assignee, so that no assignee is left out each time.
                    self._assignees = self._assignees[place:] + self._assignees[:place]
                    break
                LOG.warning("%s", error)
                continue
            ids, doubts = select_actionable(rows, self._options.actionable_statuses)
            self._warn_once(doubts)
            actionable.update(ids)
            for task_id in filter(self._emitted.is_due, ids):
                await shared.emit(self._queue, shared.make_event("poller", shared.ACTIONABLE, task_id))
                self._emitted.note(task_id)
        if failure:
            raise failure
        self._emitted.keep_only(actionable)

    async def _assignee_ids(self) -> list[str]:
        """Return the ids of the assignees; e-mails are looked up in the whole directory."""
        names = self._options.assignees
        users = await self._lists.rows("/Users", "the users") if any("@" in name for name in names) else []
        return list(dict.fromkeys(find_user(name, users) if "@" in name else name.lower() for name in names))

    def _warn_once(self, doubts: Iterable[str]) -> None:
        for doubt in doubts:
            if doubt not in self._warnings:
                self._warnings.add(doubt)
                LOG.warning("some tasks are skipped: %s", doubt)


async def main(queue: shared.EventQueue, args: dict[str, Any]) -> None:
    """Poll until cancelled; outages only cause pauses.

    :raises ValueError: an option cannot work.
    :raises PermanentFailure: the service refuses the credentials, or an e-mail does not identify one user.
    """
    options = PollerOptions.read(args, os.environ)
    LOG.info("the API lists tasks by assignee only: unassigned tasks, and those of other people, are not seen")
    async with shared.open_session(options.ca_path, _API_TIMEOUT) as session:
        poller = Poller(ListReader(session, options), queue, options)
        failures = 0
        while True:
            try:
                await poller.poll()
            except TemporaryFailure as failure:
                failures += 1
                pause = max(failure.pause, min(2.0 ** min(failures - 1, 20), _LONGEST_PAUSE))
                LOG.warning("%s; trying again in %d seconds", failure, pause)
            else:
                failures, pause = 0, options.interval
            await asyncio.sleep(pause)


if __name__ == "__main__":
    # For a quick look: python tasks.py automation@example.com
    shared.print_events(main, {"assignees": sys.argv[1:]})
