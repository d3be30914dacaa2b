# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bounds of reading: no answer and no list can keep a run busy forever, or fill the memory."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.catalog import GROUPS, USERS, members
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import (
    OutcomeUnknown,
    ProtocolError,
    TransportError,
)
from ansible_collections.cakewalk.access.plugins.module_utils._api.operations import Step
from ansible_collections.cakewalk.access.plugins.module_utils._api.text import DEPTH
from ansible_collections.cakewalk.access.plugins.module_utils._api.transport import Bounds
from contract.wire import Drip, Request, Wire, answer, page

GROUP = {"id": "11111111-1111-4111-8111-111111111111", "name": "Crew"}
STEP = Step("add 1 person to the group 'Crew'", "POST", "/api/v1/UsersGroups/7/Users", {})
GZIP = {"content-encoding": "gzip", "content-type": "application/json"}
MIB = 1 << 20


def endless(end: int, size: int = 1) -> Callable[[Request], bytes]:
    """Return a service with a fresh cursor and new rows on every page, up to the page C(end)."""
    numbers = count(1)

    def reply(_request: Request) -> bytes:
        number = next(numbers)
        rows = [{"id": f"{number}-{row}"} for row in range(size)]
        return answer(200, page(*rows, following=None if number == end else f"/api/v1/Users?cursor={number}"))

    return reply


@pytest.mark.parametrize(
    ("bounds", "bound"),
    [
        (Bounds(list_pages=50), "the list has more than 50 pages"),
        (Bounds(list_bytes=5_000), "the list is longer than 5,000 bytes"),
        (Bounds(seconds=0.05), r"the list is not complete after 0\.05 seconds"),
    ],
)
def test_a_list_without_an_end_is_an_error_that_names_the_list(
    connect: Callable[..., Client], bounds: Bounds, bound: str
) -> None:
    with (
        Wire(endless(10_000)) as wire,
        pytest.raises(ProtocolError, match=f"read the members of the group 'Crew': {bound}. Run again"),
    ):
        connect(base_url=wire.url, bounds=bounds).stable_rows(members(GROUP))
    assert len(wire.requests) < 500


def test_a_list_may_have_as_many_pages_as_the_bound(connect: Callable[..., Client]) -> None:
    with Wire(endless(50, size=2)) as wire:
        assert len(connect(base_url=wire.url, bounds=Bounds(list_pages=50)).rows(USERS.listing)) == 100
        assert wire.connections == 1


def bomb(mebibytes: int) -> bytes:
    """Return gzip that is a thousand times as long once it is decoded."""
    packer = zlib.compressobj(9, wbits=31)
    return b"".join([*(packer.compress(bytes(MIB)) for _number in range(mebibytes)), packer.flush()])


@pytest.mark.parametrize(
    ("body", "headers", "reason"),
    [
        (bomb(100), GZIP, "the answer exceeds a limit: it is longer than 1,048,576 bytes"),
        (bytes(2 * MIB), {}, "it is longer than 1,048,576 bytes"),
        (gzip.compress(b"{}") + bytes(2 * MIB), GZIP, "it is longer than 1,048,576 bytes"),
        (gzip.compress(bomb(100)), {**GZIP, "content-encoding": "gzip, gzip"}, "the answer is not JSON"),
        (zlib.compress(bytes(2 * MIB)), {**GZIP, "content-encoding": "deflate"}, "the answer is not JSON"),
        (gzip.compress(json.dumps(page()).encode())[:-20], GZIP, "the answer is not JSON"),
    ],
    ids=["gzip", "plain", "after gzip", "gzip in gzip", "an encoding nobody asked for", "half of gzip"],
)
def test_a_body_takes_no_more_memory_than_its_bound(
    connect: Callable[..., Client], body: bytes, headers: dict[str, str], reason: str
) -> None:
    with Wire(lambda _request: answer(200, body, headers)) as wire:
        client = connect(base_url=wire.url, bounds=Bounds(answer_bytes=MIB))
        tracemalloc.start()
        try:
            with pytest.raises(ProtocolError, match=f"read the groups: .*{reason}"):
                client.rows(GROUPS.listing)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert len(wire.requests) == 1
    assert peak < 6 * MIB


def test_gzip_is_read_and_damaged_gzip_is_a_lost_answer(connect: Callable[..., Client]) -> None:
    packed = gzip.compress(json.dumps(page(GROUP)).encode())
    with Wire(lambda _request: answer(200, packed, GZIP)) as wire:
        client = connect(base_url=wire.url)
        assert [client.rows(GROUPS.listing) for _time in range(3)] == [[GROUP]] * 3
        assert wire.connections == 1
        assert {request.headers["accept-encoding"] for request in wire.requests} == {"gzip"}
    with (
        Wire(lambda _request: answer(200, b"{}", GZIP)) as wire,
        pytest.raises(TransportError, match=r"the answer of .* is damaged"),
    ):
        connect(base_url=wire.url).rows(GROUPS.listing)


@pytest.mark.parametrize("size", [1, 3, 1 << 17])
def test_chunks_are_read_and_the_connection_is_kept(connect: Callable[..., Client], size: int) -> None:
    body = json.dumps(page({**GROUP, "name": "x" * 100_000})).encode()
    chunks = [body[start : start + size] for start in range(0, 60, size)] + [body[-(-60 // size) * size :]]
    sent = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in [*filter(None, chunks), b""])
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    with Wire(lambda _request: head + sent) as wire:
        client = connect(base_url=wire.url)
        for _time in range(3):
            assert len(client.rows(GROUPS.listing)[0]["name"]) == 100_000
        assert wire.connections == 1


def test_a_body_that_drips_is_given_up_and_not_asked_for_again(connect: Callable[..., Client]) -> None:
    with (
        Wire(lambda _request: Drip(answer(200, page(*[GROUP] * 100)))) as wire,
        pytest.raises(ProtocolError, match=r"read the groups: .* it is not complete after 0\.3 seconds"),
    ):
        connect(base_url=wire.url, bounds=Bounds(seconds=0.3)).rows(GROUPS.listing)
    assert len(wire.requests) == 1


@pytest.mark.parametrize(
    ("depth", "is_read"), [(DEPTH - 3, True), (DEPTH - 2, False), (5_000, False), (200_000, False)]
)
def test_json_is_read_down_to_a_depth(connect: Callable[..., Client], depth: int, is_read: bool) -> None:
    """The page, its rows and the row are three levels."""
    text = json.dumps(page({**GROUP, "more": "deep"})).replace('"deep"', "[" * depth + "]" * depth)
    with Wire(lambda _request: answer(200, text.encode())) as wire:
        client = connect(base_url=wire.url)
        if is_read:
            assert len(client.rows(GROUPS.listing)) == 1
            return
        with pytest.raises(ProtocolError, match=f"read the groups: .* it is nested deeper than {DEPTH} levels"):
            client.rows(GROUPS.listing)


@pytest.mark.parametrize("body", [bytes(2 * MIB), b"[" * 100 + b"]" * 100])
def test_an_acceptance_beyond_a_bound_leaves_the_outcome_unknown(connect: Callable[..., Client], body: Any) -> None:
    with Wire(lambda _request: answer(201, body)) as wire:
        client = connect(base_url=wire.url, bounds=Bounds(answer_bytes=MIB))
        with client.writing(), pytest.raises(OutcomeUnknown):
            client.send(STEP)
    assert len(wire.requests) == 1
