# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client: reads records and whole lists, and carries out steps when it is allowed to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from .errors import ListMoved, NotFound, OutcomeUnknown, WriteRefused
from .operations import Listing, Resource, Step
from .paging import Page, broken, page_of, record_of
from .problems import error_of, lost
from .transport import Connection, Response, Transport

Item = TypeVar("Item")
Result = TypeVar("Result")

#: How often a list that moves while it is read is read again from the start.
REREADINGS = 3
#: How many pages without a row may follow each other; a service that always names a next one would never end.
EMPTY_PAGES = 10


class Client:
    """Speaks to the vendor for one connection.

    Refuses to write outside C(writing()), so that whatever plans with it cannot change the tenant.
    C(notices) collects what the server said about deprecation, a sentence each, without repetition. C(pages) counts
    the pages that were read of each list, over all readings. C(halves) tells that an answer may hold halves of
    characters.
    """

    def __init__(self, connection: Connection) -> None:
        self._transport = Transport(connection)
        self._concurrency = connection.concurrency
        self._may_write = False
        self.has_surrogates = False
        self.deprecations: dict[str, None] = {}
        self.pages: dict[Listing, int] = {}

    def record(self, record: Resource) -> dict[str, Any]:
        """Read one thing.

        :raises CakewalkError: it cannot be read, C(NotFound) where there is none.
        """
        row = record_of(record.what, self._read(record.what, record.path))
        if row["id"].lower() != record.identifier.lower():
            raise broken(record.what, "the answer holds another record than the one that was asked for")
        return row

    def record_or_none(self, record: Resource) -> dict[str, Any] | None:
        """Read one thing; C(None) where the server says that there is none."""
        try:
            return self.record(record)
        except NotFound:
            return None

    def rows(self, listing: Listing) -> list[dict[str, Any]]:
        """Read a whole list, all pages.

        A row that comes twice means that the list moved under the paging, so it is read again, up to three times:
        the cursor in the vendor's sample decodes to a page number.

        :raises ProtocolError: a page is broken, a cursor repeats, or the list never holds still.
        :raises ApiError: the server refuses; a 404 too, which is never an empty list.
        """
        for _reading in range(1 + REREADINGS):
            rows: dict[tuple[str, ...], dict[str, Any]] = {}
            for page in self._pages(listing):
                keys = [listing.key_of(row) for row in page.rows]
                if None in keys:
                    raise broken(listing.what, "a row lacks its id, or has one that is none")
                moved = len(set(keys)) < len(keys) or not rows.keys().isdisjoint(keys)
                if moved:
                    break
                rows.update(zip(keys, page.rows, strict=True))  # type: ignore[arg-type] # no None among them
            else:
                return list(rows.values())
        raise ListMoved(
            f"read {listing.what}",
            f"the list changed under each of {1 + REREADINGS} readings, so rows may be missing",
            "Nothing was changed. Run again when fewer changes go on.",
        )

    def stable_rows(self, listing: Listing) -> list[dict[str, Any]]:
        """Read a whole list until two readings in a row hold the same rows, up to five in all, and return the last.

        A row that the paging skipped leaves no trace in one reading, so one does not prove that something is not there.
        What the rows say of themselves may change meanwhile.

        :raises CakewalkError: see C(rows), C(ListMoved) too where no two readings agree.
        """
        before = listing.keys_of(self.rows(listing))
        for _reading in range(1 + REREADINGS):
            rows = self.rows(listing)
            keys = listing.keys_of(rows)
            if keys == before:
                return rows
            before = keys
        raise ListMoved(
            f"read {listing.what}",
            f"no two of {2 + REREADINGS} readings in a row agree, so it is not known who or what is not there",
            "Nothing was changed. Run again when fewer changes go on.",
        )

    def read(self, what: Listing | Resource) -> list[dict[str, Any]] | dict[str, Any]:
        """Read a whole list, or one thing, see C(rows) and C(record)."""
        return self.rows(what) if isinstance(what, Listing) else self.record(what)

    def each(self, read: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """Return C(read(item)) for each item, in order, several at a time; the first error ends it.

        Those under way finish. Where the run itself is ended, as by the C(timeout) of a task, they send nothing more.
        """
        pool = ThreadPoolExecutor(self._concurrency)
        # The end can come while results are waited for, and after an error while those under way are.
        with self._heeding_the_end():
            try:
                with self._heeding_the_end():
                    return [future.result() for future in [pool.submit(read, item) for item in items]]
            finally:
                pool.shutdown(cancel_futures=True)

    def scrubbed(self, text: str) -> str:
        """Return C(text) without the credentials, for what Ansible does not look through, such as warnings and keys."""
        return self._transport.scrubbed(text)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Allow C(send) for the length of the block."""
        self._may_write = True
        try:
            yield
        finally:
            self._may_write = False

    def send(self, step: Step) -> Response:
        """Carry out a step.

        :raises OutcomeUnknown: whether it was carried out is not known: the answer was lost, or a server in trouble.
        :raises ApiError: the server refused it.
        :raises WriteRefused: outside C(writing()).
        """
        if not self._may_write:
            raise WriteRefused(step.action, "this part of the run may only read", "This is a defect; please report it.")
        reply = self._transport.send(step.action, step.method, step.path, body=step.body)
        self._note_deprecation(step.method, step.path, reply)
        if 200 <= reply.status < 300:
            return _require_json(step, reply)
        error = error_of(step.action, step.method, step.path, reply, self._transport.safe)
        if reply.is_trouble or reply.after_loss:
            raise lost(error)
        raise error.restated(error.cause, step.hints.get(reply.status, error.hint))

    @contextmanager
    def _heeding_the_end(self) -> Iterator[None]:
        """Send nothing more once the run itself is ended, which is no error of its own."""
        try:
            yield
        except Exception:
            raise
        except BaseException:
            self._transport.end()
            raise

    def _pages(self, listing: Listing) -> Iterator[Page]:
        cursor: tuple[str, str] | None = None
        seen = set()
        empty = 0
        while True:
            query = [*listing.query, *([cursor] if cursor else [])]
            page = page_of(listing.what, self._read(listing.what, listing.path, query))
            self.pages[listing] = self.pages.get(listing, 0) + 1
            yield page
            if page.cursor is None:
                return
            empty = 0 if page.rows else empty + 1
            if empty > EMPTY_PAGES:
                raise broken(listing.what, f"{empty} pages without a row followed each other, and there should be more")
            if page.cursor in seen:
                raise broken(listing.what, "a cursor came twice, so the end would never be reached")
            seen.add(page.cursor)
            cursor = page.cursor

    def _read(self, what: str, path: str, query: list[tuple[str, str]] | None = None) -> Response:
        reply = self._transport.send(f"read {what}", "GET", path, query=query)
        self._note_deprecation("GET", path, reply)
        # Never unset: workers read side by side.
        if b"\\ud" in reply.content.lower():
            self.has_surrogates = True
        if reply.status == 200:
            return reply
        if 200 < reply.status < 300:
            raise broken(what, f"the server answered {reply.status} to a read")
        raise error_of(f"read {what}", "GET", path, reply, self._transport.safe)

    def _note_deprecation(self, method: str, path: str, reply: Response) -> None:
        """Keep what C(Deprecation) (RFC 9745) and C(Sunset) (RFC 8594) say, once for each kind of request."""
        marks = {name: reply.headers.get(name.lower()) for name in ("Deprecation", "Sunset")}
        words = self._transport.safe("; ".join(f"{name}: {value}" for name, value in marks.items() if value))
        if words:
            self.deprecations.setdefault(f"The service marks {method} {_shape(path)} as going away ({words}).", None)


def _require_json(step: Step, reply: Response) -> Response:
    """Return a success, unless its body is something else than JSON: a login page of a proxy also answers 200.

    :raises OutcomeUnknown: it is.
    """
    try:
        if reply.content:
            reply.json()
    except ValueError:
        raise OutcomeUnknown(
            step.action,
            f"the server answered {reply.status} with something else than JSON ({reply.described()})",
            "It may or may not have been carried out, and is not sent again by itself.",
            method=step.method,
            path=step.path,
        ) from None
    return reply


def _shape(path: str) -> str:
    """Return C(path) with ids as stars, so that 500 removals make one notice."""
    return "/".join("*" if part.count("-") == 4 else part for part in path.split("/"))
