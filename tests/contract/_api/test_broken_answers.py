# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers to reads that cannot be trusted: each is a named error, none is an empty list or the end of one."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.catalog import APPS, USERS, accesses
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import CakewalkError, ProtocolError
from contract.wire import Wire, answer, in_turn, page

ADA = {"id": "11111111-1111-4111-8111-111111111111", "name": "Ada", "email": "ada@example.com"}
BOB = {"id": "22222222-2222-4222-8222-222222222222", "name": "Bob", "email": "bob@example.com"}
ONWARD = "/api/v1/OpenApiBFF/Users?cursor=Mg%3D%3D"
_NO_ENVELOPE = "the answer lacks 'data' or 'links'"
_NO_ROWS = "'data' is not a list of records"
_NO_ID = "a row has no id, or an invalid one"
_NO_CURSOR = "'links.next' has no usable cursor"


@pytest.fixture
def _no_collection() -> Iterator[None]:
    """Nothing is freed at the end of the stack, where a deep body leads: what is could not be finalized there."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_no_collection")
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ([], _NO_ENVELOPE),
        (None, _NO_ENVELOPE),
        ({"links": {}}, _NO_ENVELOPE),
        ({"data": []}, _NO_ENVELOPE),
        ({"data": [], "links": None}, _NO_ENVELOPE),
        ({"data": [], "links": []}, _NO_ENVELOPE),
        ({"data": None, "links": {}}, _NO_ROWS),
        ({"data": {}, "links": {}}, _NO_ROWS),
        (page("ada"), _NO_ROWS),
        (page(ADA, None), _NO_ROWS),
        (page(ADA, {"name": "Bob"}), _NO_ID),
        (page({**ADA, "id": None}), _NO_ID),
        (page({**ADA, "id": ""}), _NO_ID),
        (page({**ADA, "id": 7}), _NO_ID),
        (page({**ADA, "id": "../WorkApps"}), _NO_ID),
        (page({**ADA, "id": "\ud800"}), _NO_ID),
        (page(ADA, following=""), _NO_CURSOR),
        (page(ADA, following="/api/v1/OpenApiBFF/Users"), _NO_CURSOR),
        (page(ADA, following="/api/v1/OpenApiBFF/Users?cursor="), _NO_CURSOR),
        (page(ADA, following="/api/v1/OpenApiBFF/Users?after=Mg"), _NO_CURSOR),
        (page(ADA, following="/api/v1/OpenApiBFF/Users?cursor=Mg&cursor=Mw"), _NO_CURSOR),
        (page(ADA, following="/api/v1/OpenApiBFF/Users?cursor=\ud800"), _NO_CURSOR),
        (page(ADA, following="/api/v1/OpenApiBFF/Users?cursor=%FF"), _NO_CURSOR),
        (page(ADA, following="https://[bad/api/v1/Users?cursor=Mg"), _NO_CURSOR),
        ({"data": [ADA], "links": {"next": 2}}, _NO_CURSOR),
        ({"data": [ADA], "links": {"next": False}}, _NO_CURSOR),
        (b"", r"the answer is not JSON \(of no usual type, 0 bytes\)"),
        (b"\xff\xfe", "the answer is not JSON"),
        (b"[" * 100_000, "the answer is not JSON|it is nested deeper"),
    ],
    ids=lambda value: str(value)[:60],
)
@pytest.mark.parametrize("first_page_is_good", [True, False])
def test_a_page_that_cannot_be_believed_ends_the_reading(
    connect: Callable[..., Client], body: Any, reason: str, first_page_is_good: bool
) -> None:
    answers = [answer(200, page(BOB, following=ONWARD))] * first_page_is_good + [answer(200, body)]
    with Wire(in_turn(*answers)) as wire, pytest.raises(ProtocolError, match=reason) as caught:
        connect(base_url=wire.url).rows(USERS.listing)
    assert str(caught.value).startswith("Could not read the users: ")
    assert len(wire.requests) == len(answers)


def test_a_cursor_that_comes_again_with_other_rows_is_an_error(connect: Callable[..., Client]) -> None:
    pages = [answer(200, page({"id": str(number)}, following=ONWARD)) for number in range(9)]
    with Wire(in_turn(*pages)) as wire, pytest.raises(ProtocolError, match="a cursor was repeated"):
        connect(base_url=wire.url).rows(USERS.listing)
    assert [request.target for request in wire.requests] == ["/api/v1/Users", "/api/v1/Users?cursor=Mg%3D%3D"]


def test_ids_that_differ_in_case_only_are_one_row(connect: Callable[..., Client]) -> None:
    same = {**ADA, "id": "AAAAAAAA-1111-4111-8111-111111111111"}, {**ADA, "id": "aaaaaaaa-1111-4111-8111-111111111111"}
    with Wire(in_turn(answer(200, page(*same)), answer(200, page(same[0])))) as wire:
        assert connect(base_url=wire.url).rows(USERS.listing) == [same[0]]
    assert len(wire.requests) == 2


def test_an_access_is_known_by_person_and_level(connect: Callable[..., Client]) -> None:
    rows = [{"user": ADA, "permissionLevel": level} for level in (None, {"id": "l1"}, {"id": "l2"})]
    with Wire(in_turn(answer(200, page(*rows)))) as wire:
        assert connect(base_url=wire.url).rows(accesses(ADA)) == rows
    with Wire(in_turn(answer(200, page({"user": None})))) as wire, pytest.raises(ProtocolError, match=_NO_ID):
        connect(base_url=wire.url).rows(accesses(ADA))


@pytest.mark.parametrize(
    "body", [{"data": data, "links": {}} for data in (None, [ADA], {"name": "Ada"}, {"id": 7}, {"id": "a/b"})]
)
def test_a_record_that_is_none_is_an_error(connect: Callable[..., Client], body: Any) -> None:
    with (
        Wire(in_turn(answer(200, body))) as wire,
        pytest.raises(ProtocolError, match=f"read the app {ADA['id']}: the answer has no record with an id"),
    ):
        connect(base_url=wire.url).record_or_none(APPS.record(ADA["id"]))


@pytest.mark.parametrize("status", [201, 202, 203, 206, 204])
def test_a_read_is_answered_with_200_or_not_at_all(connect: Callable[..., Client], status: int) -> None:
    body = b"" if status == 204 else page()
    with (
        Wire(in_turn(answer(status, body))) as wire,
        pytest.raises(ProtocolError, match=f"answered {status} to a read"),
    ):
        connect(base_url=wire.url).rows(USERS.listing)


def test_the_first_error_ends_reading_several(connect: Callable[..., Client]) -> None:
    with Wire(in_turn(answer(200, page()), answer(400), answer(200, page()))) as wire:
        client = connect(base_url=wire.url, concurrency=1)
        with pytest.raises(CakewalkError, match="400"):
            client.each(client.rows, [USERS.listing] * 50)
    assert len(wire.requests) < 50


def test_another_record_than_the_one_asked_for_is_an_error(connect: Callable[..., Client]) -> None:
    body = {"data": BOB, "links": {}}
    with Wire(in_turn(answer(200, body))) as wire, pytest.raises(ProtocolError, match="a different record"):
        connect(base_url=wire.url).record(USERS.record(ADA["id"]))


def test_a_list_that_never_ends_is_given_up(connect: Callable[..., Client]) -> None:
    numbers = iter(range(1000))
    with Wire(lambda _request: answer(200, page(following=f"/x?cursor={next(numbers)}"))) as wire:
        with pytest.raises(ProtocolError, match="11 consecutive pages have no rows"):
            connect(base_url=wire.url).rows(USERS.listing)
        assert len(wire.requests) == 11
