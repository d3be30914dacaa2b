# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each fault strikes as it was asked for, and only then."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from sandbox.process import Sandbox

pytest_plugins = ["sandbox.fixtures"]

USERS = "/api/v1/Users"


def next_cursor(page: dict[str, Any]) -> str:
    """Return the cursor in a page's link."""
    return parse_qs(urlsplit(page["links"]["next"]).query)["cursor"][0]


def add_erin(vendor: Sandbox) -> requests.Response:
    """Add Erin to the contractors."""
    body = {
        "userIds": [vendor.find("users", "Erin Engineer")["id"]],
        "triggeredByUserId": vendor.find("users", vendor.acting_user)["id"],
    }
    return vendor.call("POST", f"/api/v1/UsersGroups/{vendor.find('groups', 'Contractors')['id']}/Users", json=body)


def erin_is_in(vendor: Sandbox) -> bool:
    """Tell whether Erin is one of the contractors."""
    return vendor.find("users", "Erin Engineer")["id"] in vendor.find("groups", "Contractors")["members"]


@pytest.mark.parametrize("kind", [429, "500", "502", "503", "504"])
def test_errors_come_as_often_as_asked_for(vendor: Sandbox, kind: str | int) -> None:
    vendor.fault("listUsers", kind, count=2)
    answers = [vendor.call("GET", USERS) for _turn in range(3)]
    assert [answer.status_code for answer in answers] == [int(kind), int(kind), 200]
    assert answers[0].json()["status"] == int(kind)
    assert answers[0].headers.get("Retry-After") == ("1" if kind == 429 else None)
    assert [(entry["status"], entry["fault"]) for entry in vendor.log()] == [
        (int(kind), str(kind)),
        (int(kind), str(kind)),
        (200, None),
    ]


def test_retry_after_can_be_chosen(vendor: Sandbox) -> None:
    vendor.fault("*", 503, retry_after=7)
    assert vendor.call("GET", USERS).headers["Retry-After"] == "7"


def test_faults_match_operation_method_and_turn(vendor: Sandbox) -> None:
    vendor.fault("listUsersGroups", 500)
    vendor.fault("*", 502, method="POST")
    vendor.fault("listUsers", 503, skip=1)
    assert [vendor.call("GET", USERS).status_code for _turn in range(3)] == [200, 503, 200]
    assert add_erin(vendor).status_code == 502
    assert [fault["kind"] for fault in vendor.faults()] == ["500"]
    assert vendor.call("GET", "/api/v1/UsersGroups").status_code == 500
    assert vendor.faults() == []


@pytest.mark.parametrize("after", [False, True])
def test_errors_before_or_after_the_work(vendor: Sandbox, after: bool) -> None:
    vendor.fault("addUsersToGroup", 504, after=after)
    assert add_erin(vendor).status_code == 504
    assert erin_is_in(vendor) is after


@pytest.mark.parametrize("after", [False, True])
def test_slow(vendor: Sandbox, after: bool) -> None:
    vendor.fault("addUsersToGroup", "slow", seconds=0.2, after=after)
    begun = time.monotonic()
    assert add_erin(vendor).status_code == 201
    assert time.monotonic() - begun >= 0.2


def test_a_client_that_gives_up_on_a_slow_write_finds_it_done(vendor: Sandbox) -> None:
    vendor.fault("addUsersToGroup", "slow", seconds=1, after=True)
    body = {
        "userIds": [vendor.find("users", "Erin Engineer")["id"]],
        "triggeredByUserId": vendor.find("users", vendor.acting_user)["id"],
    }
    path = f"{vendor.url}/api/v1/UsersGroups/{vendor.find('groups', 'Contractors')['id']}/Users"
    headers = {"X-API-KEY": vendor.api_key, "X-API-SECRET": vendor.api_secret}
    with pytest.raises(requests.Timeout):
        requests.post(path, json=body, headers=headers, timeout=0.2)
    assert erin_is_in(vendor)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("kind", [200, 202, 303, 410, 499, 599])
def test_any_status_can_be_answered_whatever_was_done(vendor: Sandbox, kind: int, after: bool) -> None:
    vendor.fault("addUsersToGroup", kind, after=after, body={"status": "queued"})
    answer = add_erin(vendor)
    assert (answer.status_code, answer.json()) == (kind, {"status": "queued"})
    assert erin_is_in(vendor) is after


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(("kind", "begins"), [("early", b"HTTP/1.1 103 "), ("cut", b"HTTP/1.1 200 ")])
def test_what_is_sent_before_or_instead_of_an_answer(vendor: Sandbox, kind: str, begins: bytes, after: bool) -> None:
    vendor.fault("listUsers", kind, after=after)
    address = urlsplit(vendor.url)
    head = f"GET {USERS} HTTP/1.1\r\nhost: x\r\nx-api-key: {vendor.api_key}\r\nx-api-secret: {vendor.api_secret}\r\n"
    received = b""
    with socket.create_connection((address.hostname, address.port), 10) as connection:
        connection.sendall(f"{head}connection: close\r\n\r\n".encode())
        with contextlib.suppress(ConnectionResetError):
            while more := connection.recv(65536):
                received += more
    assert received.startswith(begins)
    assert (b"HTTP/1.1 200 OK" in received[20:]) is (kind == "early" and after)
    assert not received.endswith(b"}") or (kind == "early" and after)


@pytest.mark.parametrize(("kind", "done"), [("drop_before", False), ("drop_after", True)])
def test_dropped_connections(vendor: Sandbox, kind: str, done: bool) -> None:
    vendor.fault("addUsersToGroup", kind)
    with pytest.raises(requests.ConnectionError):
        add_erin(vendor)
    assert erin_is_in(vendor) is done
    (entry,) = vendor.log()
    assert (entry["status"], entry["fault"]) == (None, kind)
    assert (entry["body"] is not None) is done
    assert add_erin(vendor).status_code == 201


def test_a_dropped_connection_sends_not_one_byte(vendor: Sandbox) -> None:
    vendor.fault("*", "drop_before")
    where = urlsplit(vendor.url)
    with socket.create_connection((where.hostname, where.port), timeout=5) as wire:
        wire.sendall(b"GET /api/v1/Users HTTP/1.1\r\nHost: sandbox\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert wire.recv(1024) == b""


def test_truncated(vendor: Sandbox) -> None:
    vendor.fault("listUsers", "truncated")
    answer = vendor.call("GET", USERS)
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer.content)


def test_html(vendor: Sandbox) -> None:
    vendor.fault("*", "html", count=2)
    vendor.fault("*", "html", status=502)
    for status in (200, 200, 502):
        answer = vendor.call("GET", USERS)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
        assert answer.text.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("links", ["bff", "absolute"])
def test_repeat_cursor(vendor: Sandbox, links: str) -> None:
    vendor.configure(page_size=50, links=links)
    second = next_cursor(vendor.call("GET", USERS).json())
    vendor.fault("listUsers", "repeat_cursor")
    page = vendor.call("GET", USERS, params={"cursor": second}).json()
    assert next_cursor(page) == second
    vendor.fault("listUsers", "repeat_cursor", count=2)
    first = next_cursor(vendor.call("GET", USERS).json())
    assert next_cursor(vendor.call("GET", USERS, params={"cursor": first}).json()) == first


@pytest.mark.parametrize("skip", [0, 1, 3])
def test_empty_page_loses_no_row(vendor: Sandbox, skip: int) -> None:
    vendor.configure(page_size=50)
    expected = [row["id"] for row in vendor.state("users")["users"]]
    vendor.fault("listUsers", "empty_page", skip=skip)
    cursor, rows, sizes = None, [], []
    while True:
        page = vendor.call("GET", USERS, params={"cursor": cursor} if cursor else {}).json()
        sizes.append(len(page["data"]))
        rows += [row["id"] for row in page["data"]]
        if not page["links"]["next"]:
            break
        assert next_cursor(page) != cursor
        cursor = next_cursor(page)
    assert rows == expected
    assert sizes.index(0) == skip


def test_faults_of_pages_leave_other_answers_alone(vendor: Sandbox) -> None:
    vendor.fault("*", "empty_page", count=9)
    assert vendor.call("GET", "/api/Keys").text.startswith("-----BEGIN PUBLIC KEY-----")
    admin = vendor.find("users", vendor.acting_user)["id"]
    assert vendor.call("GET", f"{USERS}/{admin}").json()["data"]["id"] == admin
    assert add_erin(vendor).status_code == 201


@pytest.mark.parametrize(
    "wish",
    [
        {"operation": "listUsers", "kind": "flood"},
        {"operation": "listEverything", "kind": "500"},
        {"operation": "*", "kind": "500", "count": 0},
        {"operation": "*", "kind": "500", "colour": "red"},
    ],
)
def test_faults_that_do_not_exist_are_refused(vendor: Sandbox, wish: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        vendor.fault(**wish)
    assert vendor.faults() == []
