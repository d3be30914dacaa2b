# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the client guarantees before anything goes over a wire."""

from __future__ import annotations

import threading

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client, _shape
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import WriteRefused
from ansible_collections.cakewalk.access.plugins.module_utils._api.operations import Step
from unit.people import connection, uid

STEP = Step("add 1 person to the group 'Crew'", "POST", "/api/v1/UsersGroups/7/Users", {})


def refuses_to_write(client: Client) -> bool:
    with pytest.raises(
        WriteRefused, match="Could not add 1 person to the group 'Crew': this part of the run may only read"
    ):
        client.send(STEP)
    return True


def test_whoever_plans_cannot_write() -> None:
    assert refuses_to_write(Client(connection()))


def test_writing_ends_with_its_block_even_after_an_error() -> None:
    client = Client(connection())
    with client.writing():
        pass
    assert refuses_to_write(client)
    with pytest.raises(KeyError), client.writing():
        raise KeyError
    assert refuses_to_write(client)


def test_results_come_in_the_order_of_the_items() -> None:
    client = Client(connection(concurrency=3))
    gates = [threading.Event() for _number in range(3)]

    def read(number: int) -> int:
        if number < 2:
            assert gates[number + 1].wait(5)
        gates[number].set()
        return number * number

    assert client.each(read, range(3)) == [0, 1, 4]
    assert client.each(read, []) == []


def test_no_more_at_a_time_than_allowed() -> None:
    under_way = 0
    most = 0
    lock = threading.Lock()
    pair = threading.Barrier(2)

    def read(_number: int) -> None:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        pair.wait(5)
        with lock:
            under_way -= 1

    Client(connection(concurrency=2)).each(read, range(20))
    assert most == 2


def test_the_first_error_ends_the_reading_of_several() -> None:
    begun = []

    def read(number: int) -> None:
        begun.append(number)
        raise LookupError(number)

    with pytest.raises(LookupError, match="0"):
        Client(connection(concurrency=1)).each(read, range(1000))
    assert len(begun) < 1000


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/api/v1/Users", "/api/v1/Users"),
        (f"/api/v1/UsersGroups/{uid(1)}/Users/{uid(2)}", "/api/v1/UsersGroups/*/Users/*"),
    ],
)
def test_the_shape_of_a_path_has_no_ids(path: str, shape: str) -> None:
    assert _shape(path) == shape
