# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a request is sent again, and how long after."""

from __future__ import annotations

import http.client
import ssl

import pytest
import requests
from ansible_collections.cakewalk.access.plugins.module_utils._api.transport import Retries, _cause
from hypothesis import given
from hypothesis import strategies as st
from unit.people import reply
from urllib3.exceptions import (
    ConnectTimeoutError,
    DecodeError,
    IncompleteRead,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)

READS_AND_ABSOLUTE_WRITES = ("GET", "PUT", "PATCH", "DELETE")
METHODS = (*READS_AND_ABSOLUTE_WRITES, "POST")
TROUBLED = (500, 501, 502, 503, 504, 507, 520, 524, 599)

_REFUSED = NewConnectionError(None, "[Errno 111] Connection refused")
NEVER_SENT = [
    _REFUSED,
    NameResolutionError("tenant.example.com", None, OSError("Name or service not known")),
    ConnectTimeoutError(None, "Connection to tenant.example.com timed out"),
    ProxyError("Unable to connect to proxy", _REFUSED),
]
LOST = [
    ReadTimeoutError(None, "/api/v1/Users", "Read timed out. (read timeout=30)"),
    ProtocolError("Connection aborted.", ConnectionResetError(104, "Connection reset by peer")),
    ProtocolError("Connection aborted.", http.client.RemoteDisconnected("closed without response")),
    ProtocolError("Connection broken", IncompleteRead(5, 10)),
    DecodeError("Received response with content-encoding: gzip, but failed to decode it."),
    SSLError(ssl.SSLEOFError("EOF occurred in violation of protocol")),
    OSError("something else"),
]
BAD_CERTIFICATE = [
    SSLError(ssl.SSLCertVerificationError("certificate verify failed: self-signed certificate")),
    ssl.SSLCertVerificationError("certificate verify failed: Hostname mismatch"),
    ProxyError("Unable to connect to proxy", SSLError(ssl.SSLCertVerificationError("certificate verify failed"))),
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("status", "again"),
    [
        *((status, ()) for status in (200, 201, 204, 301, 400, 401, 403, 404, 408, 409, 422)),
        *((status, READS_AND_ABSOLUTE_WRITES) for status in TROUBLED),
        (429, METHODS),
    ],
)
def test_which_answers_are_a_reason_to_send_again(method: str, status: int, again: tuple[str, ...]) -> None:
    assert Retries(total=1).should_retry_response(method, reply(status)) is (method in again)
    assert not Retries(total=0).should_retry_response(method, reply(status))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("asked", "waits"), [("0", True), ("1", True), ("120", True), ("121", False), ("9" * 400, False), ("soon", True)]
)
def test_longer_waits_than_two_minutes_are_not_waited_for(method: str, asked: str, waits: bool) -> None:
    assert Retries(total=1).should_retry_response(method, reply(429, retry_after=asked)) is waits
    assert Retries(total=1).should_retry_response(method, reply(503, retry_after=asked)) is (waits and method != "POST")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("cause", NEVER_SENT, ids=repr)
def test_what_was_never_sent_is_sent_again_with_any_method(method: str, cause: Exception) -> None:
    assert Retries(total=1).never_sent(cause)
    assert Retries(total=1).should_retry_error(method, cause)
    assert not Retries(total=0).should_retry_error(method, cause)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("cause", LOST, ids=repr)
def test_a_lost_answer_repeats_only_what_may_be_repeated(method: str, cause: Exception) -> None:
    assert not Retries(total=1).never_sent(cause)
    assert Retries(total=1).should_retry_error(method, cause) is (method in READS_AND_ABSOLUTE_WRITES)
    assert not Retries(total=0).should_retry_error(method, cause)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("cause", BAD_CERTIFICATE, ids=repr)
def test_a_bad_certificate_means_never_sent_and_is_final(method: str, cause: Exception) -> None:
    assert Retries(total=1).never_sent(cause)
    assert not Retries(total=1).should_retry_error(method, cause)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("cause", [None, *NEVER_SENT, *LOST], ids=repr)
def test_as_many_retries_as_allowed(method: str, cause: Exception | None) -> None:
    retries = Retries(total=3)
    tries = 1
    while (
        retries.should_retry_response(method, reply(429))
        if cause is None
        else retries.should_retry_error(method, cause)
    ):
        retries = retries.increment(method, "/api/v1/Users", error=cause)
        tries += 1
    assert tries == (1 if method == "POST" and cause in LOST else 4)


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (requests.ConnectionError(MaxRetryError(None, "/", _REFUSED)), _REFUSED),
        (requests.ConnectTimeout(MaxRetryError(None, "/", NEVER_SENT[2])), NEVER_SENT[2]),
        (requests.exceptions.ProxyError(MaxRetryError(None, "/", NEVER_SENT[3])), NEVER_SENT[3]),
        (requests.exceptions.SSLError(MaxRetryError(None, "/", BAD_CERTIFICATE[0])), BAD_CERTIFICATE[0]),
        (requests.ReadTimeout(LOST[0]), LOST[0]),
        (requests.ConnectionError(LOST[1]), LOST[1]),
        (requests.exceptions.ChunkedEncodingError(LOST[3]), LOST[3]),
        (_REFUSED, _REFUSED),
        (LOST[-1], LOST[-1]),
    ],
    ids=repr,
)
def test_the_cause_is_what_requests_wrapped(error: Exception, cause: Exception) -> None:
    assert _cause(error) is cause


def test_errors_without_an_inner_one_are_their_own_cause() -> None:
    for error in (requests.exceptions.InvalidURL("no host"), OSError(), MaxRetryError(None, "/", None)):
        assert _cause(error) is error


@given(st.integers(0, 120), st.sampled_from([429, 500, 503]))
def test_a_wait_that_is_asked_for_is_obeyed_to_the_second(seconds: int, status: int) -> None:
    assert Retries(total=4).pause(reply(status, retry_after=str(seconds))) == seconds


@pytest.mark.parametrize(
    ("status", "least"),
    [(429, [1.0, 1.0, 2.0, 4.0]), (503, [0.0, 1.0, 2.0, 4.0]), (None, [0.0, 1.0, 2.0, 4.0])],
)
def test_pauses_grow_with_some_jitter(status: int | None, least: list[float]) -> None:
    retries = Retries(total=len(least))
    for expected in least:
        retries = retries.increment("GET", "/", error=None if status else LOST[0])
        assert expected <= retries.pause(reply(status) if status else None) <= expected * 1.25
