# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The webhook source over real sockets: what it takes, what it refuses, and what it passes on."""

from __future__ import annotations

import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
import requests
from contract.certificates import self_signed
from contract.wire import Wire, answer
from events.conftest import Start
from events.deliveries import GRANT, PAYLOADS, actionable, connect, deliver, health, heard, post, tried, written
from events.sources import Running, free_port, load, until
from sandbox.process import Sandbox


def test_a_signed_delivery_is_passed_on_without_what_people_wrote(tenant: Sandbox, listen: Start) -> None:
    source, event = listen(), actionable()
    answer = deliver(source, tenant, event)
    assert (answer.status_code, answer.json()) == (200, {"queued": 1, "duplicates": 0, "ignored": 0})
    (passed_on,) = source.taken(1)
    assert datetime.fromisoformat(passed_on.pop("received_at")).utcoffset() is not None
    metadata = event["data"]["requestMetadata"]
    assert passed_on == {
        "type": "action_task.actionable",
        "task_id": event["data"]["taskId"],
        "request_type": GRANT,
        "app_id": metadata["targetWorkApp"]["id"],
        "permission_level_id": metadata["permissionLevel"]["id"],
        "source": "webhook",
    }


def test_nothing_of_a_hostile_tenant_is_passed_on(tenant: Sandbox, listen: Start) -> None:
    hostile = {"targetWorkApp": {"id": PAYLOADS[0]}, "permissionLevel": {"id": PAYLOADS[1]}, "requestType": PAYLOADS[2]}
    source = listen()
    assert deliver(source, tenant, actionable(**hostile)).status_code == 200
    (passed_on,) = source.taken(1)
    assert (passed_on["request_type"], passed_on["app_id"], passed_on["permission_level_id"]) == (None, None, None)
    assert not [word for word in ("{", "<", "$", "@", "lookup") if word in str(list(passed_on.values()))]


def test_three_in_an_array_are_three_events_in_their_order(tenant: Sandbox, listen: Start) -> None:
    source, events = listen(), [actionable() for _number in range(3)]
    assert deliver(source, tenant, *events).json()["queued"] == 3
    assert [event["task_id"] for event in source.taken(3)] == [event["data"]["taskId"] for event in events]


def test_a_single_object_is_one_event(tenant: Sandbox, listen: Start) -> None:
    source, body = listen(), json.dumps(actionable(requestMetadata=None)).encode()
    assert post(source, body, tenant.sign(body)).json()["queued"] == 1
    assert len(source.taken(1)) == 1


def test_a_test_event_is_answered_and_passed_on_once(tenant: Sandbox, listen: Start) -> None:
    source = listen()
    assert [deliver(source, tenant, tried()).json()["queued"] for _turn in range(2)] == [1, 0]
    assert [(event["type"], event["task_id"]) for event in source.taken(1)] == [("test", None)]


def test_unknown_types_are_taken_counted_and_ignored(tenant: Sandbox, listen: Start) -> None:
    source = listen()
    unknown = {"eventType": PAYLOADS[0], "data": {}}
    assert deliver(source, tenant, unknown, actionable()).json() == {"queued": 1, "duplicates": 0, "ignored": 1}
    assert len(source.taken(1)) == health(source)["counters"]["ignored"] == 1


@pytest.mark.parametrize("form", ["pem", "json", "der"])
def test_keys_in_all_their_forms(tenant: Sandbox, listen: Start, form: str) -> None:
    tenant.configure(key_form=form)
    assert deliver(listen(), tenant, actionable()).status_code == 200


def test_a_given_key_needs_no_service(tenant: Sandbox, listen: Start, tmp_path: Any) -> None:
    pem = tenant.call("GET", "/api/Keys").text
    (tmp_path / "key.pem").write_text(pem)
    tenant.clear_log()
    for key in (pem, str(tmp_path / "key.pem")):
        source = listen(public_key=key, base_url="", api_key="", api_secret="")
        assert deliver(source, tenant, actionable()).status_code == 200
        body = written(actionable())
        tenant.rotate_key()
        assert post(source, body, tenant.sign(body)).status_code == 401
        tenant.reset()
        pem = tenant.call("GET", "/api/Keys").text
        (tmp_path / "key.pem").write_text(pem)
        tenant.clear_log()
    assert tenant.log() == []


def _tampered(body: bytes, tenant: Sandbox) -> tuple[bytes, str | None]:
    return body.replace(GRANT.encode(), b"RemoveAccessRequest"), tenant.sign(body)


def _respelt(body: bytes, tenant: Sandbox) -> tuple[bytes, str | None]:
    return json.dumps(json.loads(body), indent=1).encode(), tenant.sign(body)


def _unsigned(body: bytes, _tenant: Sandbox) -> tuple[bytes, str | None]:
    return body, None


def _no_base64(body: bytes, tenant: Sandbox) -> tuple[bytes, str | None]:
    return body, "!" + tenant.sign(body)


def _of_another_body(body: bytes, tenant: Sandbox) -> tuple[bytes, str | None]:
    return body, tenant.sign(b"[]")


def _endless(body: bytes, tenant: Sandbox) -> tuple[bytes, str | None]:
    return body, tenant.sign(body) * 10


@pytest.mark.parametrize("bend", [_tampered, _respelt, _unsigned, _no_base64, _of_another_body, _endless])
def test_what_is_not_signed_is_refused(tenant: Sandbox, listen: Start, bend: Any) -> None:
    source = listen()
    assert post(source, *bend(written(actionable()), tenant)).status_code == 401
    assert deliver(source, tenant, tried()).status_code == 200
    assert [event["type"] for event in source.taken(1)] == ["test"]


def test_two_signatures_are_none(tenant: Sandbox, listen: Start) -> None:
    source, body = listen(), written(actionable())
    head = f"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
    head += f"X-SIGNATURE: {tenant.sign(body)}\r\n" * 2
    with connect(source) as connection:
        connection.sendall(head.encode() + b"\r\n" + body)
        assert b" 401 " in heard(connection)


def test_a_key_that_is_not_the_vendors_is_refused_and_a_rotated_one_heals(tenant: Sandbox, listen: Start) -> None:
    source = listen(key_refresh_interval=1)
    deliver(source, tenant, actionable())
    tenant.rotate_key()
    time.sleep(1)
    assert deliver(source, tenant, actionable()).status_code == 200
    assert len(source.taken(2)) == 2


def test_bad_signatures_do_not_make_it_hammer_the_service(tenant: Sandbox, listen: Start) -> None:
    source = listen(key_refresh_interval=1)
    forged = (written(actionable()), tenant.sign(b"something else"))
    tenant.clear_log()
    end = time.monotonic() + 2.5
    tries = 0
    while time.monotonic() < end:
        with ThreadPoolExecutor(8) as pool:
            assert {answer.status_code for answer in pool.map(lambda _n: post(source, *forged), range(8))} == {401}
        tries += 8
    assert tries > 20
    assert 2 <= len(tenant.log(operation="getWebhookPublicKey")) <= 3


def test_a_key_is_not_believed_for_ever(tenant: Sandbox, listen: Start) -> None:
    source = listen(key_max_age=1, key_refresh_interval=1)
    assert deliver(source, tenant, actionable()).status_code == 200
    tenant.fault("getWebhookPublicKey", 503, count=1)
    time.sleep(1.1)
    answer = deliver(source, tenant, actionable())
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    time.sleep(1.1)
    assert deliver(source, tenant, actionable()).status_code == 200


@pytest.mark.parametrize("fault", [429, 503, "html", "drop_before"])
def test_an_outage_at_the_start_heals(tenant: Sandbox, listen: Start, fault: str | int) -> None:
    tenant.fault("getWebhookPublicKey", fault, count=2 if fault == "drop_before" else 1)  # aiohttp tries twice
    source = listen(key_refresh_interval=1)
    assert deliver(source, tenant, actionable()).status_code == 503
    time.sleep(1.1)
    assert deliver(source, tenant, actionable()).status_code == 200


def test_the_keys_are_not_read_sooner_than_the_service_asks(tenant: Sandbox, listen: Start) -> None:
    source = listen(key_refresh_interval=1)
    assert deliver(source, tenant, actionable()).status_code == 200
    time.sleep(1)
    tenant.fault("getWebhookPublicKey", 503, count=1, retry_after=2)
    tenant.clear_log()
    tenant.rotate_key()
    began = time.monotonic()
    until(lambda: deliver(source, tenant, actionable()).status_code == 200)
    assert time.monotonic() - began >= 2
    assert [entry["status"] for entry in tenant.log(operation="getWebhookPublicKey")] == [503, 200]


def test_credentials_that_are_refused_end_the_source(listen: Start) -> None:
    with pytest.raises(Exception, match="answered 401"):
        listen(api_secret="wrong")


def test_a_repeat_is_dropped(tenant: Sandbox, listen: Start) -> None:
    source, event = listen(), actionable()
    louder = {**event, "data": {**event["data"], "taskId": event["data"]["taskId"].upper()}}
    assert deliver(source, tenant, event, louder).json() == {"queued": 1, "duplicates": 1, "ignored": 0}
    assert deliver(source, tenant, louder).json() == {"queued": 0, "duplicates": 1, "ignored": 0}
    assert deliver(source, tenant, actionable()).json()["queued"] == 1
    assert len(source.taken(2)) == 2


def test_a_repeat_after_the_window_is_passed_on(tenant: Sandbox, listen: Start) -> None:
    source, event = listen(duplicate_window=1), actionable()
    deliver(source, tenant, event)
    time.sleep(1.05)
    assert deliver(source, tenant, event).json()["queued"] == 1


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'[{"eventType": "test", "data": {"message": "\xff\xfe"}}]', "not UTF-8"),
        (b'[{"eventType": "test"', "not JSON"),
        (b"", "not JSON"),
        (b"7", "without eventType"),
        (b"[null]", "without eventType"),
        (b'{"eventType": 7}', "without eventType"),
        (b"[" * 100_000, "nested deeper"),
        (b'[{"eventType": "test", "data": ' + b"[" * 20 + b"]" * 20 + b"}]", "nested deeper"),
        (b"[" + b"1" * 5_000 + b"]", "not JSON"),
        (written(*[tried()] * 101), "more than 100 events"),
        (written(actionable(), {"eventType": "action_task.actionable", "data": {"taskId": "7"}}), "usable taskId"),
        (written(tried(), {"eventType": "action_task.actionable", "data": None}), "usable taskId"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_whole(tenant: Sandbox, listen: Start, body: bytes, reason: str) -> None:
    source = listen()
    answer = post(source, body, tenant.sign(body))
    assert (answer.status_code, reason in answer.json()["error"]) == (400, True)
    assert deliver(source, tenant, actionable(task_id := str(uuid4()))).status_code == 200
    assert [event["task_id"] for event in source.taken(1)] == [task_id]


def test_other_methods_and_paths_are_refused(listen: Start) -> None:
    source = listen()
    for method in ("GET", "PUT", "DELETE", "HEAD", "OPTIONS"):
        answer = requests.request(method, source.url, timeout=5)
        assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert requests.post(source.url + "/", b"[]", timeout=5).status_code == 404
    assert requests.post(source.url.replace("/webhook", "/healthz"), b"[]", timeout=5).status_code == 404


def test_head_of_the_counters_has_the_headers_of_get_and_no_body(listen: Start) -> None:
    url = listen().url.replace("/webhook", "/healthz")
    answers = [requests.request(method, url, timeout=5) for method in ("GET", "HEAD")]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert len({(answer.headers["Content-Length"], answer.headers["Content-Type"]) for answer in answers}) == 1
    assert answers[1].content == b""


@pytest.mark.parametrize(
    ("version", "expectation", "length", "answers"),
    [
        ("1.1", "100-continue", "{}", (b"HTTP/1.1 100", b" Continue\r\n\r\nHTTP/1.1 200 ")),
        ("1.1", "100-Continue", "{}", (b"HTTP/1.1 100", b" Continue\r\n\r\nHTTP/1.1 200 ")),
        ("1.0", "100-continue", "{}", (b"", b"HTTP/1.0 200 ")),
        ("1.1", "100-continue", "999999", (b"HTTP/1.1 413", b"")),
        ("1.1", "a-miracle", "{}", (b"HTTP/1.1 417", b"")),
    ],
)
def test_an_expectation_is_answered_before_the_body_is_sent(
    tenant: Sandbox, listen: Start, version: str, expectation: str, length: str, answers: tuple[bytes, bytes]
) -> None:
    source, body = listen(), written(actionable())
    head = (
        f"POST /webhook HTTP/{version}\r\nHost: x\r\nContent-Length: {length.format(len(body))}\r\n"
        f"Expect: {expectation}\r\nX-SIGNATURE: {tenant.sign(body)}\r\n\r\n"
    )
    before_the_body, after_it = answers
    with connect(source) as connection:
        connection.sendall(head.encode())
        assert connection.recv(len(before_the_body)) == before_the_body
        if after_it:
            connection.sendall(body)
            assert heard(connection).startswith(after_it)


@pytest.mark.parametrize("announced", [True, False])
def test_a_large_body_is_refused(tenant: Sandbox, listen: Start, announced: bool) -> None:
    source, body = listen(max_body=2_000), b"[" + b" " * 1_999 + b"]"
    signature = tenant.sign(body)
    content: Any = body if announced else iter([body[:1_500], body[1_500:]])
    answer = requests.post(source.url, content, headers={"X-SIGNATURE": signature}, timeout=5)
    assert answer.status_code == 413
    assert post(source, body[:-2] + b"]", tenant.sign(body[:-2] + b"]")).status_code == 200


def test_an_encoded_body_is_refused(tenant: Sandbox, listen: Start) -> None:
    body = written(actionable())
    assert post(listen(), body, tenant.sign(body), **{"Content-Encoding": "gzip"}).status_code == 415


@pytest.mark.parametrize(
    ("begun", "drop"),
    [
        (b"", b""),
        (b"POST /webhook HTTP/1.1\r\nHost: x\r\nX-", b"a"),
        (b"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n[", b" "),
        (b"POST /webhook HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n[\r\n"),
    ],
)
def test_who_dawdles_is_cut_off_while_others_are_served(
    tenant: Sandbox, listen: Start, begun: bytes, drop: bytes
) -> None:
    source = listen(read_timeout=1)
    with connect(source) as connection:
        started = time.monotonic()
        connection.sendall(begun)
        assert deliver(source, tenant, actionable()).status_code == 200
        threading.Thread(target=_drip, args=(connection, drop), daemon=True).start()
        assert b" 200 " not in heard(connection)
        assert 0.8 < time.monotonic() - started < 4.5, "before the last drop"
    assert until(lambda: health(source)["counters"].get("too_slow")) == 1


def _drip(connection: socket.socket, drop: bytes) -> None:
    with suppress(OSError):
        for _turn in range(50):
            connection.sendall(drop)
            time.sleep(0.1)


def test_one_connection_carries_one_request(tenant: Sandbox, listen: Start) -> None:
    source, body = listen(), written(tried())
    head = (
        f"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\nX-SIGNATURE: {tenant.sign(body)}\r\n\r\n"
    )
    with connect(source) as connection:
        connection.sendall((head.encode() + body) * 2)
        assert heard(connection).count(b"HTTP/1.1 200") == 1


def test_too_many_connections_are_sent_away(tenant: Sandbox, listen: Start) -> None:
    source = listen(max_connections=2, read_timeout=2)
    idle = [connect(source) for _number in range(2)]
    try:
        with connect(source) as third:
            assert heard(third).startswith(b"HTTP/1.1 503")
    finally:
        for connection in idle:
            connection.close()
    until(lambda: _is_taken(source, tenant))


def _is_taken(source: Running, tenant: Sandbox) -> bool:
    try:
        return deliver(source, tenant, tried()).status_code == 200
    except requests.ConnectionError:
        return False


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00",
        b"GET\r\n\r\n",
        b"POST /webhook HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"\0" * 9000,
        b"A" * 99_999,
    ],
)
def test_what_is_no_http_does_no_harm(tenant: Sandbox, listen: Start, garbage: bytes) -> None:
    source = listen(read_timeout=1)
    with connect(source) as connection:
        connection.sendall(garbage)
        assert b" 200 " not in heard(connection)
    assert deliver(source, tenant, actionable()).status_code == 200


def test_a_broken_chunk_is_refused(tenant: Sandbox, listen: Start) -> None:
    source = listen()
    with connect(source) as connection:
        connection.sendall(
            b"POST /webhook HTTP/1.1\r\nHost: x\r\nX-SIGNATURE: eA==\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
        )
        assert b" 400 " in heard(connection)
    assert deliver(source, tenant, actionable()).status_code == 200


def test_success_is_told_only_once_the_engine_has_taken_the_event(tenant: Sandbox, listen: Start) -> None:
    source = listen(engine_stands=True)
    assert deliver(source, tenant, actionable()).status_code == 200  # the engine's queue holds one
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(deliver, source, tenant, actionable(), actionable())
        until(lambda: health(source)["waiting"] == 2)
        time.sleep(0.2)
        assert not second.done()
        source.flow()
        assert second.result(5).json()["queued"] == 2
    assert len(source.taken(3)) == 3


def test_an_event_that_waits_is_not_yet_seen(tenant: Sandbox, listen: Start) -> None:
    source, event = listen(engine_stands=True), actionable()
    deliver(source, tenant, actionable())
    with ThreadPoolExecutor(2) as pool:
        twins = [pool.submit(deliver, source, tenant, event) for _number in range(2)]
        until(lambda: health(source)["waiting"] == 2)
        assert not any(twin.done() for twin in twins)
        source.flow()
        assert sorted(twin.result(5).json()["queued"] for twin in twins) == [0, 1]
    assert len(source.taken(2)) == 2


def test_what_holds_nothing_new_does_not_wait(tenant: Sandbox, listen: Start) -> None:
    source, event = listen(engine_stands=True), actionable()
    deliver(source, tenant, event)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(deliver, source, tenant, actionable())
        until(lambda: health(source)["waiting"] == 1)
        assert deliver(source, tenant, event).json() == {"queued": 0, "duplicates": 1, "ignored": 0}
        assert deliver(source, tenant, {"eventType": "unheard.of"}).json() == {
            "queued": 0,
            "duplicates": 0,
            "ignored": 1,
        }
        assert not waiting.done()
        source.flow()
        assert waiting.result(5).status_code == 200


def test_a_test_that_is_played_back_uses_up_nothing(tenant: Sandbox, listen: Start) -> None:
    source = listen(max_events_per_minute=3, max_events=3)
    many = [tried() for _number in range(3)]
    answers = [deliver(source, tenant, *many).json() for _number in range(5)]
    assert [answer["queued"] for answer in answers] == [1, 0, 0, 0, 0]
    assert deliver(source, tenant, actionable(), actionable()).json()["queued"] == 2


def test_whoever_waits_holds_a_connection(tenant: Sandbox, listen: Start) -> None:
    source = listen(engine_stands=True, max_connections=2, max_waiting=9, max_events=9)
    deliver(source, tenant, actionable())

    def accepted() -> bool:
        # As a sender does: one may have come while somebody looked, and been sent away.
        return deliver(source, tenant, actionable()).status_code == 200

    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(until, accepted) for _number in range(2)]
        look = source.url.replace("/webhook", "/healthz")
        until(lambda: requests.get(look, timeout=5).status_code == 503)
        source.flow()
        assert [one.result(5) for one in waiting] == [True, True]
    until(lambda: requests.get(look, timeout=5).status_code == 200)


def test_an_unterminated_string_costs_no_more_than_its_length() -> None:
    depth = load("webhook")["_depth"]
    start = time.process_time()
    assert depth('[["' + '\\"' * 100_000 + "\\") == 2
    assert time.process_time() - start < 5


def test_beyond_the_bound_deliveries_are_refused_whole(tenant: Sandbox, listen: Start) -> None:
    source = listen(engine_stands=True, max_waiting=3, max_events=3)
    deliver(source, tenant, actionable())
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(deliver, source, tenant, actionable(), actionable())
        until(lambda: health(source)["waiting"] == 2)
        answer = deliver(source, tenant, actionable(), actionable())
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        source.flow()
        assert waiting.result(5).status_code == 200
    assert len(source.taken(3)) == 3


def test_a_minute_has_a_bound(tenant: Sandbox, listen: Start) -> None:
    source = listen(max_events_per_minute=3, max_events=3)
    assert deliver(source, tenant, *(first := [actionable() for _number in range(2)])).status_code == 200
    answer = deliver(source, tenant, actionable(), actionable())
    assert answer.status_code == 503
    assert 50 <= int(answer.headers["Retry-After"]) <= 60
    assert deliver(source, tenant, *first).json()["duplicates"] == 2
    assert deliver(source, tenant, actionable()).status_code == 200
    assert len(source.taken(3)) == 3


def test_a_burst_is_queued_once_each_or_refused(tenant: Sandbox, listen: Start) -> None:
    source = listen(max_events_per_minute=10_000, max_waiting=100)
    bodies = {task_id: written(actionable(task_id)) for task_id in (str(uuid4()) for _number in range(1_000))}
    signed = [(task_id, body, tenant.sign(body)) for task_id, body in bodies.items()]
    with ThreadPoolExecutor(32) as pool:
        statuses = dict(pool.map(lambda one: (one[0], post(source, *one[1:]).status_code), signed))
    assert set(statuses.values()) <= {200, 503}
    queued = [task_id for task_id, status in statuses.items() if status == 200]
    assert sorted(event["task_id"] for event in source.taken(len(queued))) == sorted(queued)


def test_a_burst_that_the_engine_does_not_take_is_refused_and_comes_again(tenant: Sandbox, listen: Start) -> None:
    source = listen(engine_stands=True, max_events_per_minute=10_000, max_waiting=100)
    bodies = {task_id: written(actionable(task_id)) for task_id in (str(uuid4()) for _number in range(300))}
    signed = [(task_id, body, tenant.sign(body)) for task_id, body in bodies.items()]
    with ThreadPoolExecutor(128) as pool:
        tries = [pool.submit(post, source, *one[1:]) for one in signed]
        until(lambda: health(source)["counters"].get("too_many_waiting", 0) >= 199)
        source.flow()
        statuses = [one.result().status_code for one in tries]
    assert statuses.count(200) == 101
    assert statuses.count(503) == 199
    again = {post(source, *one[1:]).status_code for one in signed}
    assert again == {200}
    assert sorted(event["task_id"] for event in source.taken(300)) == sorted(bodies)


def test_health_tells_counters_only(tenant: Sandbox, listen: Start) -> None:
    source = listen()
    deliver(source, tenant, actionable(), actionable())
    post(source, b"[]", None)
    assert health(source) == {
        "has_key": True,
        "waiting": 0,
        "counters": {"deliveries": 2, "duplicates": 0, "ignored": 0, "queued": 2, "unsigned": 1},
    }


def test_it_ends_while_a_delivery_waits_and_promises_nothing(tenant: Sandbox, listen: Start) -> None:
    source = listen(engine_stands=True)
    deliver(source, tenant, actionable())
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(deliver, source, tenant, actionable())
        until(lambda: health(source)["waiting"] == 1)
        source.stop()
        with suppress(requests.ConnectionError):
            assert waiting.result(5).status_code >= 500


def test_tls(tenant: Sandbox, listen: Start, tmp_path: Any) -> None:
    certificate, _context = self_signed(tmp_path, "127.0.0.1")
    source = listen(certfile=str(certificate), keyfile=str(certificate.with_suffix(".key")), read_timeout=1)
    body = written(actionable())
    answer = requests.post(
        source.url.replace("http:", "https:"),
        body,
        headers={"X-SIGNATURE": tenant.sign(body)},
        verify=str(certificate),
        timeout=5,
    )
    assert answer.status_code == 200
    with connect(source) as plain:
        assert heard(plain) == b""


def test_keys_come_only_from_a_service_with_a_certificate_that_is_trusted(
    tenant: Sandbox, listen: Start, tmp_path: Any
) -> None:
    certificate, context = self_signed(tmp_path, "127.0.0.1")
    pem = tenant.call("GET", "/api/Keys").content
    with Wire(lambda _request: answer(200, pem), tls=context) as service:
        for ca_path, has_key in ((str(certificate), True), ("", False)):
            source = listen(base_url=service.url, ca_path=ca_path)
            assert health(source)["has_key"] is has_key
            assert deliver(source, tenant, actionable()).status_code == (200 if has_key else 503)
        assert len(service.requests) == 1


def test_it_listens_on_this_machine_only_unless_told_otherwise(listen: Start) -> None:
    assert Running("webhook")._main.__globals__["WebhookOptions"](public_key="x").host == "127.0.0.1"


@pytest.mark.parametrize("blank", ["", " "])
def test_a_blank_environment_variable_is_not_set(blank: str) -> None:
    options = Running("webhook")._main.__globals__["WebhookOptions"]
    names = ("CAKEWALK_API_KEY", "CAKEWALK_API_SECRET", "CAKEWALK_BASE_URL", "CAKEWALK_CA_PATH")
    given = {"public_key": "x"}
    assert options.read(given, dict.fromkeys(names, blank)) == options.read(given, {})


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"colour": "red"}, "unknown options: colour"),
        ({"port": "many"}, "`port` must be a whole number"),
        ({"port": True}, "`port` must be a whole number"),
        ({"port": 70_000}, "`port` is 70000"),
        ({"path": "webhook"}, "`path` must begin with /"),
        ({"path": "/healthz"}, "not be /healthz"),
        ({"host": 7}, "`host` must be text"),
        ({"host": ""}, "`host` is empty, which would listen on all addresses; give one address, or 0.0.0.0 for all"),
        ({"key_max_age": 30}, "`key_refresh_interval` is longer than `key_max_age`"),
        ({"max_waiting": 5}, "`max_events` is greater than `max_waiting`"),
        ({"max_events_per_minute": 5}, "`max_events` is greater than `max_events_per_minute`"),
        ({"key_max_age": 7_200}, "key_max_age"),
        ({"keyfile": "x"}, "`keyfile` requires `certfile`"),
        ({"certfile": "/nowhere"}, "cannot use `certfile`, `keyfile` or `password`"),
        ({"ca_path": "/nowhere"}, "cannot use `ca_path`"),
        ({"api_secret": ""}, "`api_secret` is missing"),
        ({"base_url": "http://cakewalk.example.com"}, "must begin with https://"),
        ({"base_url": "https://user:word@cakewalk.example.com"}, "without credentials"),
        ({"base_url": "https://cakewalk.example.com?x=y"}, "without credentials"),
        ({"public_key": "/nowhere"}, "cannot use `public_key`"),
        ({"public_key": "-----BEGIN PUBLIC KEY-----"}, "found no public key at all"),
    ],
)
def test_options_that_cannot_work_are_refused(access: dict[str, str], wrong: dict[str, Any], reason: str) -> None:
    with pytest.raises(Exception, match=reason), Running("webhook", **{**access, "port": free_port(), **wrong}):
        pass
