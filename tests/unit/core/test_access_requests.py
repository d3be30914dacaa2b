# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times of the service, and the order of requests, which decides what was declined and what was just granted."""

from __future__ import annotations

from datetime import datetime, timezone
from itertools import permutations
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.catalog import REQUEST_STATUSES
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.access_requests import Requests
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.timestamps import moment, utc
from hypothesis import given
from hypothesis import strategies as st
from unit.people import uid, user

ADA, APP = user(1, "ada@example.com"), {"id": uid(20), "name": "App"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-05T08:00:00Z", "08:00:00.000000"),
        ("2026-01-05t08:00:00z", "08:00:00.000000"),
        ("2026-01-05T08:00:00", "08:00:00.000000"),
        ("2026-01-05T10:00:00+02:00", "08:00:00.000000"),
        ("2026-01-05T03:00:00-0500", "08:00:00.000000"),
        ("2026-01-05T08:00:00.5Z", "08:00:00.500000"),
        ("2026-01-05T08:00:00,5Z", "08:00:00.500000"),
        ("2026-01-05T08:00:00.1234567Z", "08:00:00.123456"),
        ("2026-01-05T13:30:00.123+05:30", "08:00:00.123000"),
        ("2026-01-05", "00:00:00.000000"),
        *((text, None) for text in ("", "yesterday", "2026-13-05T08:00:00Z", "0001-01-01T00:00:00+14:00", "\u0665")),
        *((value, None) for value in (None, 5, True, [], {})),
    ],
)
def test_a_time_is_read_with_its_offset_and_fraction(text: object, expected: str | None) -> None:
    time = moment(text)
    assert (time and f"{time.astimezone(timezone.utc):%H:%M:%S.%f}") == expected


@given(st.text() | st.from_regex(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d([.,]\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?", fullmatch=True))
def test_no_text_of_the_service_is_an_error(text: str) -> None:
    time = moment(text)
    assert time is None or utc(time)


LEVEL, NOW = uid(30), datetime(2026, 1, 6, 12, tzinfo=timezone.utc)
LONG_AGO, RECENT = "2026-01-06T11:45:00Z", "2026-01-06T11:45:01Z"
#: The members of an approved request, whether there is a newer one, and whether it may still take effect.
APPROVED: list[tuple[dict[str, Any], bool, bool]] = [
    ({"updatedAt": RECENT}, False, True),
    ({"updatedAt": "2026-01-06T13:00:00Z"}, False, True),
    ({"updatedAt": LONG_AGO}, False, False),
    ({"updatedAt": RECENT}, True, False),
    *(({"updatedAt": when}, False, True) for when in (None, "yesterday", 5)),
    ({}, False, True),
    ({}, True, False),
    # Nothing shows that the other one is newer.
    ({"createdAt": None}, True, True),
    ({"createdAt": "soon", "updatedAt": RECENT}, True, True),
    ({"createdAt": None, "updatedAt": LONG_AGO}, True, False),
]


@pytest.mark.parametrize(("members", "has_newer", "expected"), APPROVED)
@pytest.mark.parametrize("kind", ["GrantAccessRequest", "RemoveAccessRequest"])
def test_an_approved_request_is_under_way_unless_it_is_certainly_old(
    kind: str, members: dict[str, Any], has_newer: bool, expected: bool
) -> None:
    about = {"targetUserId": ADA["id"], "workAppId": APP["id"], "requestStatus": "Approved", "requestType": kind}
    row = {"id": uid(40), "createdAt": "2026-01-01T00:00:00Z", "permissionLevelId": LEVEL, **about, **members}
    newer = {**about, "id": uid(41), "createdAt": "2026-01-02T00:00:00Z", "updatedAt": LONG_AGO}
    rows = [row, *([newer] if has_newer else [])]
    held = [LEVEL] if kind == "RemoveAccessRequest" else []
    assert Requests(rows, REQUEST_STATUSES, NOW).under_way([row], held) == ([row] if expected else [])
    assert Requests(rows, REQUEST_STATUSES, NOW).under_way([row], [] if held else [LEVEL]) == []
    if not has_newer:
        assert Requests(rows, REQUEST_STATUSES).under_way([row], held) == [row]


@pytest.mark.parametrize(
    "oldest_first",
    [
        ("2026-01-05T08:00:00Z", "2026-01-05T08:00:00.001Z", "2026-01-05T08:00:00.01Z"),
        ("2026-01-05T09:30:00+02:00", "2026-01-05T08:00:00Z", "2026-01-05T03:30:00-05:00"),
        ("2026-01-05T08:00:00.9999999Z", "2026-01-05T08:00:01"),
        (None, "2025-12-31T23:59:59Z", "2026-01-05T08:00:00Z"),
        ("yesterday", "2026-01-05T08:00:00Z"),
        (5, "2026-01-05T08:00:00Z"),
        ({"at": "2027-01-01T00:00:00Z"}, "2026-01-05T08:00:00Z"),
    ],
)
def test_requests_are_in_the_order_of_their_times(oldest_first: tuple[Any, ...]) -> None:
    about = {"targetUserId": ADA["id"], "workAppId": APP["id"], "requestStatus": "Declined"}
    rows = [{"id": uid(40 + number), "createdAt": time, **about} for number, time in enumerate(oldest_first)]
    for order in permutations(rows):
        requests = Requests(order, REQUEST_STATUSES, datetime(2026, 1, 6, tzinfo=timezone.utc))
        assert requests.about(ADA, APP) == rows
