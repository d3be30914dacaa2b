# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names next to ids: of what was read, from whatever list shows them, and C(None) for everything else."""

from __future__ import annotations

from typing import Any

from ansible_collections.cakewalk.access.plugins.module_utils._api.catalog import (
    APPS,
    USERS,
    accesses,
    permission_levels,
    policies,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.lookup import Index
from ansible_collections.cakewalk.access.plugins.module_utils._engine.info.names import Names
from unit.people import uid, user

DAN = {**user(1, "dan@example.com"), "name": "Dan"}
OLGA = {**user(2, "olga@example.com"), "name": "Olga"}
WIKI: dict[str, Any] = {"id": uid(10).upper(), "name": "Wiki"}
READ, WRITE = ({"id": uid(20 + number), "name": name} for number, name in enumerate(("Read", "Write")))
NAMES = Names(
    {"users": Index(USERS, [DAN, OLGA]), "apps": Index(APPS, [WIKI])},
    {
        permission_levels(WIKI): [READ],
        accesses(WIKI): [{"user": DAN, "permissionLevel": WRITE}, {"user": OLGA, "permissionLevel": None}],
        policies("grant_access").listing: [{"id": uid(10), "name": "A policy is no level"}],
        APPS.record(WIKI["id"]): WIKI,
    },
)


def names_of(request: dict[str, Any]) -> dict[str, Any]:
    """Return the names that are known, without the ids."""
    found = NAMES.with_names(request)
    assert {name: found[name] for name in request} == request
    return {name: value for name, value in found.items() if name not in request and value is not None}


def test_a_request_has_the_names_of_what_was_read() -> None:
    asked = {"targetUserId": DAN["id"].upper(), "requestedByUserId": OLGA["id"], "workAppId": WIKI["id"].lower()}
    people = {"targetUserName": DAN["name"], "targetUserEmail": "dan@example.com"}
    people |= {"requestedByUserName": OLGA["name"], "requestedByUserEmail": "olga@example.com"}
    for level in (READ, WRITE):
        found = names_of({**asked, "permissionLevelId": level["id"]})
        assert found == {**people, "workAppName": "Wiki", "permissionLevelName": level["name"]}


def test_what_was_not_read_is_there_without_a_value_and_what_the_service_says_stays() -> None:
    unknown = {"targetUserId": uid(99), "workAppId": None, "permissionLevelId": 5}
    assert names_of(unknown) == {}
    assert NAMES.with_names(unknown)["targetUserEmail"] is NAMES.with_names({})["sourceName"] is None
    assert NAMES.with_names({"workAppId": WIKI["id"], "workAppName": "Told"})["workAppName"] == "Told"


def test_only_a_task_with_a_request_has_names() -> None:
    task = {"id": uid(30), "request": {"workAppId": WIKI["id"]}}
    assert NAMES.of_task(task)["request"]["workAppName"] == "Wiki"
    assert [NAMES.of_task(other) for other in ({"id": 1}, {"request": None}, {"request": "x"})] == [
        {"id": 1},
        {"request": None},
        {"request": "x"},
    ]
