# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which approval tasks a machine may carry out, and by which route."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.catalog import (
    REQUEST_STATUSES,
    TASK_STATUSES,
    UserStatuses,
)
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import ConfigurationError
from ansible_collections.cakewalk.access.plugins.module_utils._engine.fulfilment.routing import (
    RoutedTask,
    Router,
    allowed_apps,
    routes_of,
    shuffled,
    with_user,
    without_conflicts,
)
from unit.approvals import ADMIN, BEN, FIGMA, FUTURE, GITHUB, NOW, WRITE, a_task, standalone, without
from unit.people import uid

GRANT = {"app": GITHUB["id"], "permission_level": WRITE["id"], "request_type": "grant_access"}
ANY_REMOVAL = {"app": GITHUB["id"].upper(), "permission_level": "any", "request_type": "remove_access"}
REMOVAL = {"requestType": "RemoveAccessRequest"}


def routed(row: dict[str, Any] | None, *routes: dict[str, str], apps: tuple[str, ...] = ()) -> RoutedTask:
    router = Router(
        routes=routes_of(routes),
        apps=allowed_apps(apps),
        task_statuses=TASK_STATUSES,
        request_statuses=REQUEST_STATUSES,
        time=NOW,
    )
    return router.route(uid(901), row)


def test_a_task_is_due_by_the_route_that_fits_it() -> None:
    found = routed(a_task(), ANY_REMOVAL, GRANT)

    assert (found.outcome, found.route) == ("due", 1)
    assert found.expect == {
        "request_type": "grant_access",
        "user": BEN["id"],
        "app": GITHUB["id"],
        "permission_level": WRITE["id"],
    }
    assert routed(a_task(request=REMOVAL), ANY_REMOVAL, GRANT).route == 0


@pytest.mark.parametrize("level", [WRITE["id"], None])
def test_a_route_for_any_level_fits_a_task_without_one_too(level: str | None) -> None:
    assert routed(a_task(request={**REMOVAL, "permissionLevelId": level}), ANY_REMOVAL).is_due


@pytest.mark.parametrize(
    "request_",
    [
        REMOVAL,
        {"workAppId": FIGMA["id"]},
        {"permissionLevelId": ADMIN["id"]},
        {"permissionLevelId": None},
        {"requestType": "ArchiveWorkAppRequest"},
        {"requestType": "SomethingElse"},
    ],
)
def test_what_no_route_fits_is_unroutable(request_: dict[str, Any]) -> None:
    assert routed(a_task(request=request_), GRANT).outcome == "unroutable"


@pytest.mark.parametrize(
    ("row", "outcome"),
    [
        (None, "not_found"),
        (a_task(status="Approved"), "done"),
        (a_task(status="Declined"), "declined"),
        (a_task(status="Cancelled"), "cancelled"),
        (a_task(request={"cancelledByUserId": uid(3)}), "cancelled"),
        (a_task(request={"requestStatus": "Declined"}), "not_actionable"),
        (a_task(snoozedTill=FUTURE), "snoozed"),
        (a_task(isAutoprovisioning=True), "autoprovisioning"),
        (a_task(isActionStep=False), "not_an_action"),
        (standalone(), "not_an_action"),
        (a_task(isActionStep=None), "unclear"),
        (without(a_task(), "isAutoprovisioning"), "unclear"),
        (a_task(status="Frozen"), "unclear"),
        (a_task(request={"requestStatus": "Frozen"}), "unclear"),
        (a_task(request={"targetUserId": None}), "unclear"),
        (a_task(request={"targetUserId": "{{ 7 * 7 }}"}), "unclear"),
        (a_task(snoozedTill="soon"), "unclear"),
    ],
)
def test_what_cannot_be_approved_is_not_due(row: dict[str, Any] | None, outcome: str) -> None:
    found = routed(row, GRANT)
    assert (found.outcome, found.route) == (outcome, None)


def test_a_level_that_is_no_id_is_handed_to_nobody() -> None:
    row = a_task(request={**REMOVAL, "permissionLevelId": "{{ 7 * 7 }}"})
    assert routed(row, ANY_REMOVAL).outcome == "unclear"


def test_only_allowed_apps_are_dealt_with() -> None:
    assert routed(a_task(), GRANT, apps=(GITHUB["id"].upper(),)).is_due
    assert routed(a_task(), GRANT, apps=(FIGMA["id"],)).outcome == "app_not_allowed"


@pytest.mark.parametrize("other", [{}, {"permission_level": "any"}, {"app": GITHUB["id"].upper()}])
def test_two_routes_for_one_task_are_refused(other: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match=r"routes\[0\] and routes\[1\]: a task could fit both"):
        routes_of([GRANT, {**GRANT, **other}])


def test_routes_for_different_tasks_stand_beside_each_other() -> None:
    others = [{**GRANT, "permission_level": ADMIN["id"]}, {**GRANT, "app": FIGMA["id"]}, ANY_REMOVAL]
    assert len(routes_of([GRANT, *others])) == 4


@pytest.mark.parametrize("wrong", [{"app": "GitHub"}, {"app": "any"}, {"permission_level": "Write"}])
def test_things_are_named_by_id(wrong: dict[str, str]) -> None:
    where = "permission_levels" if "permission_level" in wrong else "apps_by_name"
    with pytest.raises(ConfigurationError, match=f"is not an id.*cakewalk_info.*{where}"):
        routes_of([{**GRANT, **wrong}])
    with pytest.raises(ConfigurationError, match=r"is not an id.*cakewalk_info.*apps_by_name"):
        allowed_apps(["GitHub"])


def about(**members: Any) -> RoutedTask:
    return with_user(routed(a_task(), GRANT), {**BEN, **members}, UserStatuses())


@pytest.mark.parametrize("email", ["ben@example.com", "Ben.O_1+x-y@sub.example.com", "1@x"])
def test_a_plain_address_is_handed_over(email: str) -> None:
    found = about(email=email)
    assert (found.outcome, found.email) == ("due", email)


@pytest.mark.parametrize(
    "email",
    [
        *("-rf@example.com", "a b@example.com", "a\tb@x", "a;b@x", "$(id)@x", "{{ 7 }}@x", "{%x%}@x", "a'b@x", "a@x@y"),
        *("ben@example.com\n", "ben", "", "ben@-x", "ben@", "@x", "a|b@x", "a&b@x", "a`b@x", "a/b@x", "a\\b@x", "ä@x"),
        *(None, 7),
    ],
)
def test_an_address_that_could_be_more_than_one_is_not(email: object) -> None:
    found = about(email=email)
    assert (found.outcome, found.email) == ("unsafe_email", None)


@pytest.mark.parametrize("status", ["Deactivated", "Offboarding", "Ignored"])
def test_who_is_on_the_way_out_is_given_nothing_and_may_lose_access(status: str) -> None:
    assert about(statusName=status).outcome == "inactive_user"
    removal = routed(a_task(request=REMOVAL), ANY_REMOVAL)
    assert with_user(removal, {**BEN, "statusName": status}, UserStatuses()).is_due


def test_who_is_not_in_the_directory_is_unclear() -> None:
    assert with_user(routed(a_task(), GRANT), None, UserStatuses()).outcome == "unclear"


def test_different_goals_for_one_person_and_app_are_left_to_people() -> None:
    grant, removal = routed(a_task(1), GRANT), routed(a_task(2, request=REMOVAL), ANY_REMOVAL)
    elsewhere = routed(a_task(3, request={"targetUserId": uid(3)}), GRANT)
    done = routed(a_task(4, request=REMOVAL, status="Approved"), ANY_REMOVAL)

    assert [one.outcome for one in without_conflicts([grant, removal, elsewhere])] == ["conflicting"] * 2 + ["due"]
    assert [one.outcome for one in without_conflicts([grant, grant, done])] == ["due", "due", "done"]


def test_changes_to_different_levels_conflict() -> None:
    change = {"requestType": "ChangePermissionLevelRequest"}
    route = {**ANY_REMOVAL, "request_type": "change_permission"}
    tasks = [routed(a_task(request={**change, "permissionLevelId": level["id"]}), route) for level in (WRITE, ADMIN)]

    assert [one.outcome for one in without_conflicts(tasks)] == ["conflicting"] * 2
    assert [one.outcome for one in without_conflicts([tasks[0], tasks[0]])] == ["due"] * 2


@pytest.mark.parametrize("status", ["Suspended", "active", None, ["Active"], {"name": "Active"}])
def test_nothing_is_given_to_people_in_a_status_that_nobody_knows(status: Any) -> None:
    person = {**BEN, "statusName": status}
    found = with_user(routed(a_task(), GRANT), person, UserStatuses())

    assert found.outcome == "unclear"
    assert "known_statuses.user.may_receive_access" in found.why
    assert with_user(routed(a_task(request=REMOVAL), ANY_REMOVAL), person, UserStatuses()).is_due
    known = UserStatuses().extended({"may_receive_access": [str(status)]})
    assert with_user(routed(a_task(), GRANT), {**BEN, "statusName": str(status)}, known).is_due


def test_each_task_gets_its_turn_in_time() -> None:
    due = [RoutedTask(uid(number), "due") for number in range(5)]

    taken: Counter[str] = Counter()
    for _run in range(200):
        tasks = shuffled([*due, RoutedTask(uid(9), "snoozed")], 2)
        assert Counter(one.outcome for one in tasks) == {"due": 2, "left_for_later": 3, "snoozed": 1}
        taken.update(one.task for one in tasks if one.is_due)
    assert set(taken) == {one.task for one in due}
    assert {one.outcome for one in shuffled(due, len(due))} == {"due"}
