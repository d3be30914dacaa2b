# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From refusing answers to errors that say what to do."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api import errors
from ansible_collections.cakewalk.access.plugins.module_utils._api.answers import Proof
from ansible_collections.cakewalk.access.plugins.module_utils._api.problems import error_of, lost, problem_of
from ansible_collections.cakewalk.access.plugins.module_utils._api.transport import Response, Transport
from unit.people import KEY, SECRET, connection, reply

PATH = "/api/v1/Users"


def refused(answer: Response) -> errors.ApiError:
    return error_of("list the users", "GET", PATH, answer, Transport(connection()).safe)


@pytest.mark.parametrize(
    ("status", "kind", "title", "remedy"),
    [
        (400, "refused", "Bad Request", "Correct what the server names, and run again."),
        (401, "unauthorized", "Unauthorized", "Check `api_key` and `api_secret`"),
        (403, "forbidden", "Forbidden", "If the key is read-only, create one with read and write access"),
        (404, "not_found", "Not Found", "Check `base_url`. The API is not at this address."),
        (409, "refused", "Conflict", "Correct what the server names, and run again."),
        (418, "refused", "I'm a Teapot", "Correct what the server names, and run again."),
        (429, "rate_limited", "Too Many Requests", "Run again later, or lower `requests_per_minute`"),
        (499, "refused", "(no standard meaning)", "Correct what the server names, and run again."),
        (301, "redirected", "Moved Permanently", "Set `base_url` to the final address."),
        (302, "redirected", "Found", "Set `base_url` to the final address."),
        (304, "redirected", "Not Modified", "Set `base_url` to the final address."),
        (399, "redirected", "(no standard meaning)", "Set `base_url` to the final address."),
        *(
            (status, "server_error", title, "The service has a problem. Run again later.")
            for status, title in [
                (500, "Internal Server Error"),
                (502, "Bad Gateway"),
                (503, "Service Unavailable"),
                (504, "Gateway Timeout"),
                (501, "Not Implemented"),
                (524, "(no standard meaning)"),
                (599, "(no standard meaning)"),
            ]
        ),
    ],
)
def test_each_status_has_its_kind_and_its_remedy(status: int, kind: str, title: str, remedy: str) -> None:
    error = refused(reply(status))
    assert str(error).startswith(f"Could not list the users: the server answered {status} {title}. ")
    assert remedy in error.hint
    assert error.status == status
    assert error.facts() == {"kind": kind, "status": status, "title": title, "method": "GET", "path": PATH}


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        ({"title": "No.", "detail": ""}, "400 No."),
        ({"title": "", "detail": "The name is taken."}, "400 Bad Request: The name is taken"),
        ({"title": "Invalid", "detail": "The name is taken"}, "400 Invalid: The name is taken"),
        (
            {"title": "Invalid", "errors": {"userIds": ["must not be empty"]}},
            "400 Invalid: userIds: must not be empty",
        ),
        ({"title": None, "detail": None, "errors": None, "instance": None}, "400 Bad Request"),
        (
            {"detail": "Wrong.", "errors": {"a": ["one", "two"], "b": {"c": "three"}, "d": [7, None]}},
            "400 Bad Request: Wrong.; a: one; a: two; b: c: three",
        ),
        ({"errors": ["one", ["two"]]}, "400 Bad Request: one; two"),
        ({"errors": "one."}, "400 Bad Request: one"),
        ({"title": 5, "detail": ["a", 1], "errors": True, "instance": {}}, "400 Bad Request"),
        (["no problem document"], "400 Bad Request"),
        (b"<html>", "400 Bad Request"),
        (b"", "400 Bad Request"),
        ({"detail": "a\x1b[2J\u202eb"}, r"400 Bad Request: a\x1b[2J\u202eb"),
        ({"detail": "x" * 301}, "400 Bad Request: " + "x" * 299 + "…"),
    ],
)
def test_what_the_server_says_is_told(problem: Any, words: str) -> None:
    assert refused(reply(400, problem)).cause == f"the server answered {words}"


def test_facts_for_programs() -> None:
    problem = {"title": "Invalid", "detail": "Taken", "instance": "/trace/7", "errors": {"name": ["taken"]}}
    assert refused(reply(409, problem)).facts() == {
        "kind": "refused",
        "status": 409,
        "title": "Invalid",
        "detail": "Taken; name: taken",
        "instance": "/trace/7",
        "method": "GET",
        "path": PATH,
    }


def test_a_wait_that_the_server_asks_for_is_told() -> None:
    answer = refused(reply(429, retry_after="3600")).cause
    assert answer == "the server answered 429 Too Many Requests; it asks clients to wait 3600 seconds"
    assert "wait" not in refused(reply(429, retry_after="0")).cause


@pytest.mark.parametrize("member", ["title", "detail", "instance", "errors"])
def test_credentials_that_a_server_repeats_are_replaced(member: str) -> None:
    error = refused(reply(400, {member: f"no right for {KEY} with {SECRET}"}))
    told = f"{error!r} {error} {error.facts()}"
    assert KEY not in told
    assert SECRET not in told


@pytest.mark.parametrize("key", ['can"ary', "can\\ary", "can'ary"])
def test_credentials_are_replaced_whatever_they_hold_and_wherever_they_stand(key: str) -> None:
    problem = {"title": [key], "detail": {key: key}, "errors": {key: [key, {"x": key}]}, "instance": key}
    safe = Transport(connection(api_key=key)).safe
    error = error_of("list the users", "GET", PATH, reply(400, problem), safe)
    assert "ary" not in f"{error} {error.facts()}"


def test_a_credential_at_the_cut_is_replaced_whole() -> None:
    assert "canary" not in str(refused(reply(400, {"detail": "x" * 290 + SECRET})))


def test_a_write_to_a_server_in_trouble_is_lost() -> None:
    error = lost(error_of("add 1 person", "POST", PATH, reply(503, {"detail": "Deploying."}), str), Proof.NOTHING)
    assert isinstance(error, errors.OutcomeUnknown)
    assert str(error) == (
        "Could not add 1 person: the server answered 503 Service Unavailable: Deploying, so it is not known whether "
        "the write "
        "was carried out. It is not sent again automatically. Look in Cakewalk whether it was carried out."
    )
    assert error.facts() == {
        "kind": "outcome_unknown",
        "status": 503,
        "title": "Service Unavailable",
        "detail": "Deploying.",
        "method": "POST",
        "path": PATH,
    }


@pytest.mark.parametrize(
    ("body", "problem"), [({"title": "No"}, {"title": "No"}), ([1], {}), ("no", {}), (None, {}), (b"\xff", {})]
)
def test_problem_documents(body: Any, problem: dict[str, Any]) -> None:
    assert problem_of(reply(400, body)) == problem
