# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Client: reads records and whole lists, and sends steps where writing is allowed."""

from __future__ import annotations

import itertools
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from .answers import Proof, rule_of
from .clock import ServerClock, clock_of
from .errors import ListMoved, NotFound, WriteRefused
from .operations import Listing, Resource, Step
from .paging import Page, Reading, broken, page_of, record_of
from .problems import error_of, lost
from .text import Value
from .transport import Connection, Response, Transport

Item = TypeVar("Item")
Result = TypeVar("Result")

#: How often a list that moves while it is read is read again.
REREADINGS = 3
#: Limit of consecutive empty pages: a service that always names a next page would never end.
EMPTY_PAGES = 10


class Client:
    """Sends requests for one connection.

    It refuses to write outside C(writing()), so a plan cannot change the tenant. C(deprecations) collects the notices
    of the server as sentences, without repetition. C(pages) counts by path what was read: pages of lists, and records.
    C(has_surrogates): whether a response may hold a lone UTF-16 surrogate. C(clock) is the clock of the server as the
    reads so far showed it, or C(None).
    """

    def __init__(self, connection: Connection) -> None:
        self._transport = Transport(connection)
        self._concurrency = connection.concurrency
        self._bounds = connection.bounds
        self._may_write = False
        self.has_surrogates = False
        self.deprecations: dict[str, None] = {}
        self.pages: Counter[str] = Counter()
        self.clock: ServerClock | None = None

    def record(self, record: Resource) -> dict[str, Any]:
        """Read a record.

        :raises NotFound: the record does not exist.
        :raises CakewalkError: the record cannot be read.
        """
        row = record_of(record.what, self._read(record.what, record.path))
        self.pages[record.path] += 1
        if row["id"].lower() != record.identifier.lower():
            raise broken(record.what, "the answer is a different record from the one requested")
        return row

    def record_or_none(self, record: Resource) -> dict[str, Any] | None:
        """Read a record, or return C(None) if it does not exist."""
        try:
            return self.record(record)
        except NotFound:
            return None

    def reading(self, listing: Listing) -> Reading:
        """Read all pages of a list.

        A repeated row means that the list moved, because a cursor is a page number in disguise. Then the list is read
        again, up to three times.

        :raises ProtocolError: a page is broken, a cursor repeats, or the list keeps moving.
        :raises ApiError: the server refuses; 404 is an error, too, and never an empty list.
        """
        for _reading in range(1 + REREADINGS):
            rows: dict[tuple[str, ...], dict[str, Any]] = {}
            is_single_page = False
            for number, page in enumerate(self._pages(listing)):
                is_single_page = number == 0 and page.cursor is None
                keys = [listing.key_of(row) for row in page.rows]
                if None in keys:
                    raise broken(listing.what, "a row has no id, or an invalid one")
                moved = len(set(keys)) < len(keys) or not rows.keys().isdisjoint(keys)
                if moved:
                    break
                rows.update(zip(keys, page.rows, strict=True))  # type: ignore[arg-type] # no key is None here
            else:
                return Reading(list(rows.values()), is_stable=is_single_page)
        raise ListMoved(
            f"read {listing.what}",
            f"the list changed during each of {1 + REREADINGS} reads, so rows may be missing",
            "Run again at a quieter time.",
        )

    def stable_reading(self, listing: Listing, earlier: Reading | None = None) -> Reading:
        """Read a list until two consecutive reads hold the same rows, at most five times, and return the last read.

        A row that paging skips leaves no trace, so a single read of several pages does not prove that a row is absent.
        A list that fits one page cannot skip a row, and is read once. Other members of the rows may change between the
        reads.

        :param earlier: a reading that counts as the first.
        :raises ListMoved: no two reads agree.
        :raises CakewalkError: see C(reading).
        """
        reading = earlier or self.reading(listing)
        readings = 1
        while not reading.is_stable:
            if readings > 1 + REREADINGS:
                raise ListMoved(
                    f"read {listing.what}",
                    f"no two of {readings} consecutive reads agree, so nothing proves what is missing from the list",
                    "Run again at a quieter time.",
                )
            last = self.reading(listing)
            readings += 1
            agrees = listing.keys_of(last.rows) == listing.keys_of(reading.rows)
            reading = Reading(last.rows, last.is_stable or agrees)
        return reading

    def rows(self, listing: Listing) -> list[dict[str, Any]]:
        """Return the rows of a list, see C(reading)."""
        return self.reading(listing).rows

    def stable_rows(self, listing: Listing) -> list[dict[str, Any]]:
        """Return the rows of a list, read until they prove what is not listed, see C(stable_reading)."""
        return self.stable_reading(listing).rows

    def read(self, what: Listing | Resource) -> list[dict[str, Any]] | dict[str, Any]:
        """Read a list or a record, see C(rows) and C(record)."""
        return self.rows(what) if isinstance(what, Listing) else self.record(what)

    def each(self, read: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """Return C(read(item)) for each item, in order, concurrently; after the first error no item is begun.

        Where the system allows no more threads, fewer workers do it, and with none the calling thread does. Requests
        under way finish. If the run itself is cancelled, as by the C(timeout) of a task, no more are sent.
        """
        wanted = list(items)
        results: dict[int, Result] = {}
        errors: dict[int, Exception] = {}
        pending = deque(range(len(wanted)))

        def work() -> None:
            # Looking whether the deque is empty and taking a number are not one action.
            with suppress(IndexError):
                while True:
                    number = pending.popleft()
                    try:
                        results[number] = read(wanted[number])
                    except Exception as error:
                        errors[number] = error
                        pending.clear()

        workers: list[Future[None]] = []
        pool = ThreadPoolExecutor(self._concurrency)
        # The run can be cancelled while it waits for results, and again while requests under way finish after an error.
        with self._cancelling_with_the_run():
            try:
                with self._cancelling_with_the_run():
                    try:
                        workers += (pool.submit(work) for _worker in range(min(self._concurrency, len(wanted))))
                    # Python's words for a limit on processes; the pool may begin this work later, or never.
                    except RuntimeError:
                        if not workers:
                            work()
                    for worker in workers:
                        worker.result()
            finally:
                pending.clear()
                pool.shutdown(cancel_futures=True)
        if errors:
            raise errors[min(errors)]
        return [results[number] for number in range(len(wanted))]

    def scrubbed(self, value: Value) -> Value:
        """Return a text, or JSON, without the credentials; Ansible itself scrubs neither warnings, keys nor files."""
        return self._transport.scrubbed(value)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Allow C(send) within the block."""
        self._may_write = True
        try:
            yield
        finally:
            self._may_write = False

    def send(self, step: Step) -> Response:
        """Send the write of a step, and return the answer that accepts it.

        :raises OutcomeUnknown: the answer was lost, or proves nothing, see C(answers.py).
        :raises ApiError: the server refused the write.
        :raises WriteRefused: outside C(writing()).
        """
        if not self._may_write:
            raise WriteRefused(
                step.action, "this part of the run may only read", "This is a bug in the collection; please report it."
            )
        response = self._transport.send(step.action, step.method, step.path, body=step.body)
        self._note_deprecation(step.method, step.path, response)
        proof = rule_of(response.status, response.body, response.after_loss).proof
        if proof is Proof.ACCEPTED:
            return response
        error = error_of(step.action, step.method, step.path, response, self._transport.safe)
        if proof in (Proof.NOTHING, Proof.QUEUED):
            raise lost(error, proof)
        raise error.restated(error.cause, step.hints.get(response.status, error.hint))

    @contextmanager
    def _cancelling_with_the_run(self) -> Iterator[None]:
        """Send no more requests once the run itself is cancelled, which is not an C(Exception)."""
        try:
            yield
        except Exception:
            raise
        except BaseException:
            self._transport.cancel()
            raise

    def _pages(self, listing: Listing) -> Iterator[Page]:
        cursor: tuple[str, str] | None = None
        seen = set()
        empty = size = 0
        start = time.monotonic()
        for number in itertools.count(1):
            query = [*listing.query, *([cursor] if cursor else [])]
            response = self._read(listing.what, listing.path, query)
            page = page_of(listing.what, response)
            self.pages[listing.path] += 1
            yield page
            if page.cursor is None:
                return
            empty = 0 if page.rows else empty + 1
            if empty > EMPTY_PAGES:
                raise broken(listing.what, f"{empty} consecutive pages have no rows, and the last one links to more")
            if page.cursor in seen:
                raise broken(listing.what, "a cursor was repeated, so the list would never end")
            seen.add(page.cursor)
            cursor = page.cursor
            size += len(response.content)
            excess = self._bounds.excess_of(number, size, time.monotonic() - start)
            if excess:
                raise broken(listing.what, excess)

    def _read(self, what: str, path: str, query: list[tuple[str, str]] | None = None) -> Response:
        response = self._transport.send(f"read {what}", "GET", path, query=query)
        self._note_deprecation("GET", path, response)
        self.clock = clock_of(response, self.clock)
        # Never reset to false: workers read concurrently.
        if b"\\ud" in response.content.lower():
            self.has_surrogates = True
        if response.status == 200:
            return response
        if 200 < response.status < 300:
            raise broken(what, f"the server answered {response.status} to a read request")
        raise error_of(f"read {what}", "GET", path, response, self._transport.safe)

    def _note_deprecation(self, method: str, path: str, response: Response) -> None:
        """Keep the notices C(Deprecation) (RFC 9745) and C(Sunset) (RFC 8594), once for each kind of request."""
        marks = {name: response.headers.get(name.lower()) for name in ("Deprecation", "Sunset")}
        words = self._transport.safe("; ".join(f"{name}: {value}" for name, value in marks.items() if value))
        if words:
            self.deprecations.setdefault(
                f"The service marks {method} {_shape(path)} as deprecated ({words}). Look for a newer release of the "
                "collection.",
                None,
            )


def _shape(path: str) -> str:
    """Return C(path) with ids replaced by asterisks, so that 500 removals cause one notice."""
    return "/".join("*" if part.count("-") == 4 else part for part in path.split("/"))
