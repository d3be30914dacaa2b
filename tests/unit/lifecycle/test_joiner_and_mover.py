# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who joins and who moves: what changes, what is waited for, and what is told and recorded of it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.cakewalk.access.plugins.action.cakewalk_run_record import OPTIONS
from ansible_collections.cakewalk.access.plugins.module_utils._api.catalog import REQUEST_STATUSES
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import ConfigurationError
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.guardrails import LimitExceeded, check_share
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.lookup import LookupFailed
from ansible_collections.cakewalk.access.plugins.module_utils._engine.lifecycle import joiner
from ansible_collections.cakewalk.access.plugins.module_utils._engine.lifecycle.arrivals import (
    AccessAppears,
    UserAppears,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.storage import journal
from playbooks.harness import ROOT
from unit.people import uid, user

ERIN, TWIN = user(1, "erin@example.com"), user(2, "ERIN@example.com")


def app(number: int) -> dict[str, Any]:
    """Return an app."""
    return {"id": uid(number), "name": f"App {number}"}


def test_an_arrival_is_somebody_and_not_one_of_two() -> None:
    arrival = UserAppears("Erin@example.com", 5)
    assert arrival.missing([[user(3)]]) == ["nobody has the address or id 'Erin@example.com'"]
    assert arrival.user is None
    assert arrival.missing([[user(3), ERIN]]) == []
    assert arrival.user == ERIN
    with pytest.raises(LookupFailed, match="held by 2"):
        UserAppears("erin@example.com", 5).missing([[ERIN, TWIN]])


def test_access_arrives_for_the_person_and_in_each_app() -> None:
    request = {
        "id": uid(50),
        "requestType": "GrantAccessRequest",
        "requestStatus": "Pending",
        "targetUserId": uid(1),
        "workAppId": uid(10),
    }
    wait = AccessAppears(ERIN, [app(10), app(11)], 5, REQUEST_STATUSES)
    others = [{"user": user(9), "permissionLevel": None}]
    assert wait.missing([[request], others, []]) == [
        f"erin@example.com and 'App 10': the request {uid(50)} is Pending",
        "erin@example.com and 'App 11': no request is listed",
    ]
    assert wait.missing([[request], [{"user": ERIN}], [*others, {"user": ERIN}]]) == []


@pytest.mark.parametrize(("removals", "read", "percent"), [(2, 20, 10), (19, 19, 0), (0, 50, 0), (50, 50, 100)])
def test_a_share_is_allowed(removals: int, read: int, percent: int) -> None:
    check_share([("Sales", "erin@example.com")] * removals, read, percent)


@pytest.mark.parametrize(("removals", "read", "percent"), [(3, 20, 10), (1, 20, 0), (21, 200, 10)])
def test_a_larger_share_is_refused(removals: int, read: int, percent: int) -> None:
    with pytest.raises(LimitExceeded, match=f"allows {percent} % of the {read}") as caught:
        check_share([("Sales", "erin@example.com")] * removals, read, percent)
    assert len(caught.value.facts()["would_remove"]) == removals


@pytest.mark.parametrize("percent", [-1, 101])
def test_a_share_of_nothing_or_more_than_all_is_none(percent: int) -> None:
    with pytest.raises(ConfigurationError, match="Give 0 to 100"):
        check_share([], 0, percent)


def step(action: str, **more: Any) -> dict[str, Any]:
    """Return a step as modules describe it."""
    return {"action": action, "method": "POST", "path": "/x", "users": ["erin@example.com"], **more}


def test_each_write_is_recorded_with_what_became_of_it() -> None:
    steps = {
        "done": [step("a")],
        "errors": [step("b", msg="lost", kind="outcome_unknown"), step("c", msg="no", kind="forbidden")],
        "pending": [step("d")],
        "already": [step("e")],
    }
    lines = journal.lines_of({"steps": steps, "failed": True, "error": {"kind": "forbidden"}})
    assert {line["step"]: line["status"] for line in lines} == {
        "a": "done",
        "b": "outcome_unknown",
        "c": "failed",
        "d": "not_sent",
        "e": "already",
    }
    assert {line["step"]: line["msg"] for line in lines if line["msg"]} == {"b": "lost", "c": "no"}


def test_a_bypass_is_recorded_with_its_reason() -> None:
    result = {"steps": {"done": [step("a")]}, "bypass_reason": "4711"}
    for bypassed, reason in ((True, "4711"), (False, None)):
        assert [line["bypass"] for line in journal.lines_of({**result, "bypassed_approval": bypassed})] == [reason]


def test_rounds_failures_and_skipped_tasks_are_recorded() -> None:
    failure = {"failed": True, "msg": "no", "error": {"kind": "lookup_failed"}}
    assert journal.lines_of({"skipped": True}) == []
    assert journal.lines_of(failure) == [{"status": "failed", "kind": "lookup_failed", "msg": "no"}]
    rounds = {"results": [{"steps": {"done": [step("a")]}}, failure]}
    assert [line["status"] for line in journal.lines_of(rounds)] == ["done", "failed"]


def test_what_follows_for_a_joiner_is_told_in_lines() -> None:
    groups = [
        {"group": "Sales\n", "added": ["erin@example.com"], "default_apps": ["A", "B"]},
        {"group": "Empty", "added": ["erin@example.com"], "default_apps": []},
        {"group": "Old", "added": [], "default_apps": ["C"]},
    ]
    accesses = [{"app": "D", "users": [{"outcome": "requested", "permission_level": "Read"}]}]
    assert joiner.lines_of(ERIN, {"memberships": groups}, {"accesses": accesses}) == [
        "erin@example.com: joins Sales\\n, from which follows access to A, B",
        "erin@example.com: joins Empty, from which no access follows",
        "erin@example.com: requested: D (Read)",
    ]
    assert joiner.lines_of(ERIN, {"skipped": True}, {}) == ["erin@example.com: nothing changes"]


@pytest.mark.parametrize("role", OPTIONS)
def test_the_options_that_people_may_set_are_those_of_the_role(role: str) -> None:
    specs = (ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8")
    options = yaml.safe_load(specs)["argument_specs"]["main"]["options"]
    assert sorted(options) == sorted(f"{role}_{name}" for name in OPTIONS[role])
