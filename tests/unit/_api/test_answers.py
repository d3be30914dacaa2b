# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of answers: each status and body has a rule, and none that could hide a write proves that it was not."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.answers import (
    LOST,
    NEVER_SENT,
    REPEATABLE,
    RULES,
    Body,
    Proof,
    rule_of,
)
from unit.people import reply

EVERY_METHOD = REPEATABLE | {"POST"}
REFUSED = {400, 402, 403, 404, 405, 409, *range(411, 418), 421, 422, 423, 424, 426, 428, 431, 451}


def proof_of(status: int) -> Proof:
    """Return what a status is to prove, with a body that is no problem."""
    if status == 202:
        return Proof.QUEUED
    if 200 <= status < 300:
        return Proof.ACCEPTED
    if status in (401, 407, 429):
        return Proof.NOT_READ
    return Proof.REFUSED if status in REFUSED else Proof.NOTHING


@pytest.mark.parametrize("body", Body)
@pytest.mark.parametrize("after_loss", [False, True])
def test_what_each_status_proves(body: Body, after_loss: bool) -> None:
    for status in range(100, 1000):
        proof = proof_of(status)
        if 200 <= status < 300 and body in (Body.PROBLEM, Body.OTHER):
            proof = Proof.NOTHING
        if after_loss and proof is not Proof.ACCEPTED:
            proof = Proof.NOTHING
        assert rule_of(status, body, after_loss).proof is proof, status


def test_only_what_was_not_read_is_sent_again_with_any_method() -> None:
    assert NEVER_SENT.resent == EVERY_METHOD
    assert LOST.resent == REPEATABLE
    for status in range(100, 1000):
        resent = rule_of(status).resent
        assert (resent == EVERY_METHOD) is (status == 429), status
        assert (resent == REPEATABLE) is (500 <= status < 600), status


def test_every_rule_counts_for_some_answer() -> None:
    used = [rule_of(status, body) for status in range(100, 600) for body in Body]
    assert all(any(rule is found for found in used) for rule in RULES)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", Body.EMPTY),
        (b"<!DOCTYPE html>", Body.OTHER),
        (b'{"requestId": ', Body.OTHER),
        (b"[" * 100_000, Body.OTHER),
        ({"requestId": "7"}, Body.JSON),
        ({"status": "Pending", "title": "Designer"}, Body.JSON),
        ({"title": "x", "status": 200}, Body.JSON),
        ({"data": None, "links": {}}, Body.JSON),
        ({"data": {"requestId": "7", "errors": []}, "links": {}}, Body.JSON),
        ([{"status": "Pending"}], Body.JSON),
        ([{"status": 403}], Body.PROBLEM),
        ({"data": [{"Status": 403.0}], "links": {}}, Body.PROBLEM),
        ({"ok": 0}, Body.PROBLEM),
        ({"status": "error"}, Body.PROBLEM),
        ({"status": 403, "title": "Forbidden"}, Body.PROBLEM),
        ({"status": 403}, Body.PROBLEM),
        ({"statusCode": "500"}, Body.PROBLEM),
        ({"type": "about:blank", "title": "No", "status": None}, Body.PROBLEM),
        ({"errors": {"userIds": ["Unknown"]}}, Body.PROBLEM),
        ({"error": "no"}, Body.PROBLEM),
        ({"success": False}, Body.PROBLEM),
        ({"data": {"status": 409}, "links": {}}, Body.PROBLEM),
    ],
)
def test_the_kind_of_a_body(body: Any, kind: Body) -> None:
    assert reply(200, body).body is kind


def test_the_type_of_a_problem_is_enough() -> None:
    assert reply(200, {"a": 1}, content_type="application/problem+json; charset=utf-8").body is Body.PROBLEM
