# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is put together from several lists, by value."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._engine.info.reports import (
    add_footprints,
    has_status,
    ownerless,
    privileged,
    select_requests,
)
from unit.people import group, uid, user

ADA, BEN = user(1, "ada@example.com"), user(2, "ben@example.com")
CREW, TEAM = group(1, "Crew"), group(2, "Team")
GITHUB, FIGMA = {"id": uid(50), "name": "GitHub"}, {"id": uid(51), "name": "Figma"}
READ = {"id": uid(60), "name": "Read", "isPrivileged": False}
ADMIN = {"id": uid(61), "name": "Admin", "isPrivileged": True}
ODD = {"id": uid(62), "name": "Odd"}


def access(person: dict[str, Any], level: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a row of an app's accesses."""
    return {"user": {**person, "id": person["id"].upper()}, "permissionLevel": level, "isOwner": False}


def test_footprints() -> None:
    lists: list[list[dict[str, Any]]] = [[ADA, BEN], [], [access(ADA, READ), access(ADA, ADMIN)], [access(BEN)]]
    ada, ben, other = add_footprints([dict(ADA), dict(BEN), user(3)], [CREW, TEAM], [GITHUB, FIGMA], lists)
    assert ada == {
        **ADA,
        "groups": [{"id": CREW["id"], "name": "Crew"}],
        "accesses": [
            {"app": "GitHub", "app_id": GITHUB["id"], "permission_level": level, "is_owner": False}
            for level in (READ, ADMIN)
        ],
    }
    assert [row["app"] for row in ben["accesses"]] == ["Figma"]
    assert other == {**user(3), "groups": [], "accesses": []}


def test_apps_without_owner() -> None:
    wiki = {"id": uid(52), "name": "Wiki"}
    apps = [wiki, {**GITHUB, "owner": ADA}, {**FIGMA, "owner": None, "statusName": "Managed"}]
    assert ownerless(apps) == [
        {"app": "Figma", "app_id": FIGMA["id"], "status_name": "Managed", "owner_shown": True},
        {"app": "Wiki", "app_id": wiki["id"], "status_name": None, "owner_shown": False},
    ]


def test_a_level_that_does_not_tell_whether_it_is_privileged_is_not_left_out() -> None:
    rows = [access(ADA, READ), access(ADA, ADMIN), access(BEN, ODD), access(BEN), access(BEN, {"isPrivileged": True})]
    assert [(row["user"], row["permission_level"], row["is_privileged"]) for row in privileged([GITHUB], [rows])] == [
        ("ben@example.com", None, True),
        ("ada@example.com", "Admin", True),
        ("ben@example.com", "Odd", None),
    ]


def test_privileged_access_is_sorted_by_app_level_and_person() -> None:
    actor = {**ADMIN, "name": "actor"}
    rows = privileged(
        [GITHUB, FIGMA], [[access(BEN, ADMIN), access(BEN, actor), access(ADA, ADMIN)], [access(BEN, ADMIN)]]
    )
    assert [(row["app"], row["permission_level"], row["user"]) for row in rows] == [
        ("Figma", "Admin", "ben@example.com"),
        ("GitHub", "actor", "ben@example.com"),
        ("GitHub", "Admin", "ada@example.com"),
        ("GitHub", "Admin", "ben@example.com"),
    ]


REQUEST = {"requestStatus": "Pending", "requestType": "GrantAccessRequest", "updatedAt": "2026-03-01T12:00:00.000Z"}


@pytest.mark.parametrize(
    ("wanted", "request_", "kept"),
    [
        ({}, REQUEST, True),
        ({"statuses": ["PENDING", "x"]}, REQUEST, True),
        ({"statuses": []}, REQUEST, False),
        ({"statuses": ["Approved"]}, REQUEST, False),
        ({"request_types": ["grant_access"]}, REQUEST, True),
        ({"request_types": ["remove_access"]}, REQUEST, False),
        ({"updated_since": "2026-03-01T12:00:00Z"}, REQUEST, True),
        ({"updated_since": "2026-03-01T14:00:00+02:00"}, REQUEST, True),
        ({"updated_since": "2026-03-01T12:00:01Z"}, REQUEST, False),
        ({"updated_since": "2026-03-02"}, REQUEST, False),
        ({"updated_since": "2026-03-02"}, {**REQUEST, "updatedAt": None}, True),
        ({"request_types": ["grant_access"]}, {**REQUEST, "requestType": {"name": "GrantAccessRequest"}}, False),
    ],
)
def test_which_requests_are_kept(wanted: dict[str, Any], request_: dict[str, Any], kept: bool) -> None:
    options = {"statuses": None, "request_types": None, "updated_since": None, **wanted}
    assert select_requests([request_], options, None, None) == [request_] * kept


@pytest.mark.parametrize(
    ("status", "words", "has"),
    [
        ("Pending", None, True),
        ("Pending", [], False),
        ("Pending", ["x", "pENDING"], True),
        ("Pending", ["Pending "], False),
        ("\u212aEPT", ["kept"], False),
        (None, None, True),
        (None, ["none"], False),
    ],
)
def test_status_words_are_compared_by_ascii_case_only(status: str | None, words: list[str] | None, has: bool) -> None:
    assert has_status({"status": status}, "status", words) is has


@pytest.mark.parametrize(
    ("users", "apps", "about"),
    [
        (None, None, True),
        ({uid(1), uid(2)}, None, True),
        ({uid(2)}, None, False),
        (set(), None, False),
        (None, {uid(50)}, True),
        ({uid(1)}, {uid(51)}, False),
    ],
)
def test_whom_and_what_a_request_is_about(users: set[str] | None, apps: set[str] | None, about: bool) -> None:
    request = {"targetUserId": uid(1).upper(), "workAppId": GITHUB["id"], "requestedByUserId": uid(2)}
    options = dict.fromkeys(["statuses", "request_types", "updated_since"])
    assert select_requests([request], options, users, apps) == [request] * about
    hidden = {"targetUserId": None}
    assert select_requests([hidden], options, users, apps) == [hidden] * (users is None and apps is None)
