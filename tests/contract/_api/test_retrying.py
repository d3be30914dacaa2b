# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which requests are sent again after what, judged by what the service received."""

from __future__ import annotations

import email.utils
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.catalog import USERS
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import (
    CakewalkError,
    OutcomeUnknown,
    RateLimited,
    Redirected,
    ServerError,
    TransportError,
    Unauthorized,
)
from ansible_collections.cakewalk.access.plugins.module_utils._api.operations import Step
from ansible_collections.cakewalk.access.plugins.module_utils._api.writes import add_members, remove_members
from contract.fixtures import CONNOR, ERIN, members, received, writes
from contract.wire import Cut, Request, Wire, answer, closed_port, in_turn, page
from sandbox.process import Sandbox

Exchange = Callable[[Sandbox, Client], Any]
_TROUBLE = ["500", "502", "503", "504"]


def read(tenant: Sandbox, client: Client) -> Any:
    """Read somebody: GET."""
    return client.record(USERS.record(tenant.find("users", ERIN)["id"]))


def the_record(tenant: Sandbox) -> dict[str, Any]:
    """Return the body that answers C(read)."""
    return {"data": {"id": tenant.find("users", ERIN)["id"]}, "links": {}}


def remove(tenant: Sandbox, client: Client) -> Any:
    """Remove Erin from Engineering: DELETE."""
    step = remove_members(tenant.find("groups", "Engineering"), [tenant.find("users", ERIN)])[0]
    with client.writing():
        return client.send(step)


def assign(tenant: Sandbox, client: Client) -> Any:
    """Assign a policy: PUT."""
    policy = next(row for row in tenant.state("policies")["policies"] if row["request_type"] == "GrantAccessRequest")
    path = f"/api/v1/WorkApps/{tenant.find('apps', 'Figma')['id']}/Policies/GrantAccessRequest"
    with client.writing():
        return client.send(Step("assign a policy", "PUT", path, {"policyId": policy["id"]}))


def add(tenant: Sandbox, client: Client) -> Any:
    """Add Connor to Engineering: POST."""
    actor = tenant.find("users", tenant.acting_user)
    step = add_members(
        tenant.find("groups", "Engineering"), [tenant.find("users", CONNOR)], actor, implicitly_approve=False
    )
    with client.writing():
        return client.send(step)


OPERATIONS: dict[str, tuple[Exchange, str]] = {
    "GET": (read, "getUser"),
    "DELETE": (remove, "removeUserFromGroup"),
    "PUT": (assign, "setWorkAppPolicy"),
    "POST": (add, "addUsersToGroup"),
}
REPEATED = ("GET", "DELETE", "PUT")
EVERY = list(OPERATIONS)


def outcome(error: type[CakewalkError] | None) -> AbstractContextManager[Any]:
    """Return what expects this error, or none."""
    return pytest.raises(error) if error else nullcontext()


def attempt(
    tenant: Sandbox,
    client: Client,
    method: str,
    error: type[CakewalkError] | None,
    fault: Mapping[str, Any] | None = None,
) -> list[Any]:
    """Do one exchange under a fault, check how it ends, and return what was answered to each request received."""
    exchange, operation = OPERATIONS[method]
    if fault:
        tenant.fault(operation, **fault)
    with outcome(error) as caught:
        exchange(tenant, client)
    if caught is not None:
        assert caught.value.__class__ is error
    return received(tenant, operation)


@pytest.mark.parametrize("method", EVERY)
def test_too_many_requests_is_waited_for_with_any_method(tenant: Sandbox, client: Client, method: str) -> None:
    answers = attempt(tenant, client, method, None, {"kind": 429, "retry_after": 0})
    assert answers[0] == 429 and len(answers) == 2


@pytest.mark.parametrize("method", EVERY)
def test_too_many_requests_for_good_is_an_error(tenant: Sandbox, client: Client, method: str) -> None:
    fault = {"kind": 429, "count": 9, "retry_after": 0}
    assert attempt(tenant, client, method, RateLimited, fault) == [429, 429]


@pytest.mark.parametrize("method", EVERY)
def test_a_wait_that_is_too_long_ends_the_task(tenant: Sandbox, client: Client, method: str) -> None:
    began = time.monotonic()
    assert attempt(tenant, client, method, RateLimited, {"kind": 429, "retry_after": 121}) == [429]
    assert time.monotonic() - began < 121


def test_a_date_that_is_too_far_away_ends_the_task(connect: Callable[..., Client]) -> None:
    refusal = answer(429, headers={"retry-after": "Fri, 01 Jan 2100 00:00:00 GMT"})
    with Wire(in_turn(refusal)) as wire, pytest.raises(RateLimited, match="it asks clients to wait"):
        connect(base_url=wire.url).rows(USERS.listing)
    assert len(wire.requests) == 1


def test_retry_after_is_obeyed(tenant: Sandbox, client: Client) -> None:
    began = time.monotonic()
    attempt(tenant, client, "GET", None, {"kind": 503, "retry_after": 1})
    assert time.monotonic() - began >= 1


@pytest.mark.parametrize(
    ("retry_after", "least"),
    [
        *((None, 1), ("soon", 1), ("", 1), ("1 Jan 99999 00:00:00", 1)),
        *(("0", 0), ("Mon, 01 Jan 2024 00:00:00 GMT", 0)),
    ],
)
def test_waits_without_a_usable_number(connect: Callable[..., Client], retry_after: str | None, least: int) -> None:
    refusal = answer(429, headers={} if retry_after is None else {"retry-after": retry_after})
    with Wire(in_turn(refusal, answer(200, page()))) as wire:
        began = time.monotonic()
        assert connect(base_url=wire.url).rows(USERS.listing) == []
    assert time.monotonic() - began >= least
    assert len(wire.requests) == 2


def test_a_date_counts_from_the_clock_of_the_server(connect: Callable[..., Client]) -> None:
    date, until = (email.utils.formatdate(time.time() + ahead, usegmt=True) for ahead in (90, 91))
    refusal = answer(429, headers={"date": date, "retry-after": until})
    with Wire(in_turn(refusal, answer(200, page()))) as wire:
        began = time.monotonic()
        assert connect(base_url=wire.url).rows(USERS.listing) == []
    assert 1 <= time.monotonic() - began < 10


@pytest.mark.parametrize("method", EVERY)
@pytest.mark.parametrize("status", _TROUBLE)
def test_server_errors_repeat_what_may_be_repeated(tenant: Sandbox, client: Client, status: str, method: str) -> None:
    error = None if method in REPEATED else OutcomeUnknown
    answers = attempt(tenant, client, method, error, {"kind": status})
    assert answers[0] == int(status)
    assert len(answers) == (2 if method in REPEATED else 1)


@pytest.mark.parametrize("method", EVERY)
def test_server_errors_for_good(tenant: Sandbox, client: Client, method: str) -> None:
    error = ServerError if method == "GET" else OutcomeUnknown
    answers = attempt(tenant, client, method, error, {"kind": 502, "count": 9})
    assert answers == [502] * (2 if method in REPEATED else 1)


@pytest.mark.parametrize("method", EVERY)
def test_other_refusals_are_final(connect: Callable[..., Client], tenant: Sandbox, method: str) -> None:
    client = connect(api_secret="wrong")
    assert attempt(tenant, client, method, Unauthorized) == [401]


def test_waits_grow_between_tries(tenant: Sandbox, connect: Callable[..., Client]) -> None:
    began = time.monotonic()
    assert attempt(tenant, connect(max_retries=2), "GET", None, {"kind": 500, "count": 2}) == [500, 500, 200]
    assert time.monotonic() - began >= 1


@pytest.mark.parametrize("method", EVERY)
def test_without_retries_everything_is_sent_once(tenant: Sandbox, connect: Callable[..., Client], method: str) -> None:
    client = connect(max_retries=0)
    assert attempt(tenant, client, method, RateLimited, {"kind": 429, "retry_after": 0}) == [429]


@pytest.mark.parametrize("method", EVERY)
def test_a_connection_that_drops_before_the_request_is_read(tenant: Sandbox, client: Client, method: str) -> None:
    error = None if method in REPEATED else OutcomeUnknown
    answers = attempt(tenant, client, method, error, {"kind": "drop_before"})
    assert answers[0] is None
    assert len(answers) == (2 if method in REPEATED else 1)
    assert CONNOR not in members(tenant, "Engineering")


@pytest.mark.parametrize("method", EVERY)
def test_a_connection_that_drops_after_the_request_was_done(tenant: Sandbox, client: Client, method: str) -> None:
    tenant.configure(remove_non_member="204")
    error = None if method in REPEATED else OutcomeUnknown
    answers = attempt(tenant, client, method, error, {"kind": "drop_after"})
    assert answers[0] is None
    assert len(answers) == (2 if method in REPEATED else 1)
    assert (CONNOR in members(tenant, "Engineering")) == (method == "POST")
    assert (ERIN in members(tenant, "Engineering")) == (method != "DELETE")


@pytest.mark.parametrize("method", ["GET", "DELETE", "POST"])
def test_a_slow_answer(tenant: Sandbox, connect: Callable[..., Client], method: str) -> None:
    error = None if method in REPEATED else OutcomeUnknown
    answers = attempt(tenant, connect(timeout=1), method, error, {"kind": "slow", "seconds": 1.5})
    assert len(answers) == (2 if method in REPEATED else 1)


@pytest.mark.parametrize("method", ["GET", "DELETE", "POST"])
def test_what_is_lost_for_good(tenant: Sandbox, client: Client, method: str) -> None:
    error = TransportError if method == "GET" else OutcomeUnknown
    answers = attempt(tenant, client, method, error, {"kind": "drop_before", "count": 9})
    assert answers == [None] * (2 if method in REPEATED else 1)


@pytest.mark.parametrize("method", EVERY)
def test_a_refused_connection_is_never_sent(tenant: Sandbox, connect: Callable[..., Client], method: str) -> None:
    port = closed_port()
    exchange, _operation = OPERATIONS[method]
    with pytest.raises(TransportError) as caught:
        exchange(tenant, connect(base_url=f"http://127.0.0.1:{port}"))
    assert caught.value.__class__ is TransportError
    assert f"the connection to 127.0.0.1:{port} was refused. Check `base_url`." in str(caught.value)
    assert ("The request was not sent." in str(caught.value)) == (method != "GET")
    assert writes(tenant) == []


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_was_never_sent_is_sent_once_somebody_listens(
    tenant: Sandbox, connect: Callable[..., Client], method: str
) -> None:
    address = ("127.0.0.1", closed_port())
    heard: list[bytes] = []

    def open_late() -> None:
        time.sleep(0.4)
        with socket.create_server(address) as listener:
            listener.settimeout(10)
            connection, _peer = listener.accept()
            with connection:
                heard.append(connection.recv(65536))
                connection.sendall(answer(200, the_record(tenant)))

    late = threading.Thread(target=open_late)
    late.start()
    exchange, _operation = OPERATIONS[method]
    exchange(tenant, connect(base_url=f"http://127.0.0.1:{address[1]}", max_retries=2))
    late.join()
    assert [request.split(b" ")[0].decode() for request in heard] == [method]


@pytest.mark.parametrize("method", ["DELETE", "PUT"])
def test_what_may_have_arrived_once_is_not_called_unsent(
    tenant: Sandbox, connect: Callable[..., Client], method: str
) -> None:
    def die(_request: Request) -> bytes:
        wire.close()
        return Cut(b"")

    exchange, _operation = OPERATIONS[method]
    with Wire(die) as wire, pytest.raises(OutcomeUnknown, match="the request was sent but its answer was lost"):
        exchange(tenant, connect(base_url=wire.url))
    assert [request.method for request in wire.requests] == [method]


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(Cut(b""), id="reset before the answer"),
        pytest.param(Cut(b"HTTP/1.1 200 OK\r\ncontent-le"), id="reset in the headers"),
        pytest.param(Cut(b'HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{"data"'), id="reset in the body"),
        pytest.param(Cut(b'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{"dat'), id="reset in a chunk"),
        pytest.param(Cut(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n"), id="broken chunk"),
        pytest.param(Cut(b"SSH-2.0-OpenSSH_9.6\r\n"), id="not HTTP"),
        pytest.param(answer(200, headers={"x-long": "a" * 100_000}), id="endless header"),
        pytest.param(answer(200, headers={f"x-{number}": "a" for number in range(200)}), id="too many headers"),
        pytest.param(answer(200, b"no gzip", {"content-encoding": "gzip"}), id="broken compression"),
    ],
)
@pytest.mark.parametrize("method", EVERY)
def test_broken_answers_count_as_lost(
    tenant: Sandbox, connect: Callable[..., Client], method: str, broken: bytes
) -> None:
    exchange, _operation = OPERATIONS[method]
    ending = outcome(None if method in REPEATED else OutcomeUnknown)
    with ending, Wire(in_turn(broken, answer(200, the_record(tenant)))) as wire:
        exchange(tenant, connect(base_url=wire.url))
    assert [request.method for request in wire.requests] == [method] * (2 if method in REPEATED else 1)


def test_a_post_that_is_reset_on_a_used_connection_is_not_sent_again(
    tenant: Sandbox, connect: Callable[..., Client]
) -> None:
    good = answer(200, the_record(tenant))
    with Wire(lambda request: Cut(b"") if request.method == "POST" else good) as wire:
        client = connect(base_url=wire.url, max_retries=4)
        read(tenant, client)
        with pytest.raises(OutcomeUnknown, match="the request was sent but its answer was lost"):
            add(tenant, client)
    assert [request.method for request in wire.requests] == ["GET", "POST"]
    assert wire.connections == 1


def redirected(method: str) -> type[CakewalkError]:
    """Return the error for a redirect, which may come after a write was carried out."""
    return Redirected if method == "GET" else OutcomeUnknown


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", EVERY)
def test_redirects_are_refused_and_lead_nowhere(
    tenant: Sandbox, connect: Callable[..., Client], method: str, status: int
) -> None:
    exchange, _operation = OPERATIONS[method]
    with Wire(in_turn(answer(200, page()))) as elsewhere:
        moved = answer(status, headers={"location": f"{elsewhere.url}/api/v1/Users"})
        with Wire(in_turn(moved)) as wire, pytest.raises(redirected(method)) as caught:
            exchange(tenant, connect(base_url=wire.url))
    assert caught.value.facts()["status"] == status
    assert ("Redirects are not followed" in str(caught.value)) == (method == "GET")
    assert len(wire.requests) == 1
    assert elsewhere.connections == 0


@pytest.mark.parametrize("location", ["http://[bad", "//[", "http://\xe9.example.com", "http://", "\xff\xfe", ""])
@pytest.mark.parametrize("method", EVERY)
def test_a_redirect_to_nowhere_is_a_redirect(
    tenant: Sandbox, connect: Callable[..., Client], method: str, location: str
) -> None:
    exchange, _operation = OPERATIONS[method]
    with Wire(in_turn(answer(302, headers={"location": location}))) as wire, pytest.raises(redirected(method)):
        exchange(tenant, connect(base_url=wire.url))
    assert len(wire.requests) == 1


@pytest.mark.parametrize("method", EVERY)
def test_what_follows_an_informational_answer_is_not_taken_for_the_next_answer(
    tenant: Sandbox, connect: Callable[..., Client], method: str
) -> None:
    exchange, _operation = OPERATIONS[method]
    with Wire(in_turn(b"HTTP/1.1 103 Early Hints\r\n\r\n", answer(200, the_record(tenant)))) as wire:
        client = connect(base_url=wire.url)
        with pytest.raises(CakewalkError) as caught:
            exchange(tenant, client)
        assert caught.value.facts()["status"] == 103
        assert isinstance(caught.value, OutcomeUnknown) == (method != "GET")
        read(tenant, client)
    assert wire.connections == 2


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_netrc_is_not_read_and_cookies_are_not_kept(
    tenant: Sandbox, connect: Callable[..., Client], monkeypatch: pytest.MonkeyPatch, tmp_path: Any, method: str
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    exchange, _operation = OPERATIONS[method]
    good = answer(200, the_record(tenant), {"set-cookie": "session=1; Path=/"})
    with Wire(in_turn(good)) as wire:
        client = connect(base_url=wire.url)
        exchange(tenant, client)
        exchange(tenant, client)
    assert len(wire.requests) == 2
    for request in wire.requests:
        assert request.headers["x-api-key"] == tenant.api_key
        assert not {"authorization", "cookie"} & request.headers.keys()


@pytest.mark.parametrize("first_answer", [b"", b"HTTP/1.1 503 x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"])
@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH"])
def test_a_lost_answer_stays_lost_when_the_retry_cannot_connect(
    connect: Callable[..., Client], method: str, first_answer: bytes
) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def serve_once() -> None:
        peer, _address = listener.accept()
        listener.close()
        peer.recv(65536)
        peer.sendall(first_answer)
        peer.close()

    threading.Thread(target=serve_once, daemon=True).start()
    port = listener.getsockname()[1]
    client = connect(base_url=f"http://127.0.0.1:{port}", max_retries=1)
    with client.writing(), pytest.raises(OutcomeUnknown) as lost:
        client.send(Step("remove ben", method, "/api/v1/UsersGroups/1/Users/2"))
    assert "not sent." not in str(lost.value)


@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH"])
@pytest.mark.parametrize("first", [Cut(b""), answer(503)], ids=["reset", "503"])
@pytest.mark.parametrize("second", [429, 401, 403])
def test_a_refusal_of_the_repetition_does_not_settle_the_lost_try(
    connect: Callable[..., Client], method: str, first: bytes, second: int
) -> None:
    with Wire(in_turn(first, answer(second))) as wire:
        client = connect(base_url=wire.url, max_retries=1)
        with client.writing(), pytest.raises(OutcomeUnknown):
            client.send(Step("remove ben", method, "/api/v1/UsersGroups/1/Users/2"))
