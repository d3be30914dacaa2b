# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves against the sandbox: nobody leaves without the new access, and what goes wrong concerns its own people only."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import CakewalkError
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.apply import apply, dry_run
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.message import message_of
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.plan import GoalNotReached
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.tenant import Tenant
from ansible_collections.cakewalk.access.plugins.modules import cakewalk_mover
from contract.fixtures import CONFIRM_DELAYS, CONNOR, ERIN, MAX, OLGA, SALLY, members, validated, writes
from sandbox.process import Sandbox

Data = dict[str, Any]


@pytest.fixture
def tenant(tenant: Sandbox) -> Sandbox:
    """A tenant in which nobody but Erin, Max and Connor moves; Max has the new access already."""
    tenant.change("remove_member", group="Sales", user=MAX)
    for user in (MAX, CONNOR):
        tenant.change("add_access", app="Salesforce", user=user)
    return tenant


class Mover:
    """Runs of the module; C(warnings) are those of the last one."""

    def __init__(self, tenant: Sandbox, client: Client) -> None:
        self.tenant, self._client = tenant, client
        self.warnings: list[str] = []

    def options(self, **given: Any) -> Data:
        """Return the options of a run in which Erin goes to sales, unless other people are given."""
        move = {"joins": ["Sales"], "leaves": ["Engineering"], "journal_path": "/unused", "wait_timeout": 0}
        user = {} if "people" in given else {"user": ERIN}
        return validated(
            cakewalk_mover.SPEC, self.tenant, {"acting_user": self.tenant.acting_user, **user, **move, **given}
        )

    def run(self, is_dry_run: bool = False, **given: Any) -> tuple[Data, GoalNotReached | None]:
        """Return the result of a run, and why it failed."""
        known = Tenant(self._client)
        plan = cakewalk_mover.plan(self.options(**given), known)
        self.warnings = known.warnings
        error = None
        try:
            applied = dry_run(plan) if is_dry_run else apply(plan, self._client, CONFIRM_DELAYS)
        except GoalNotReached as caught:
            applied, error = caught.result, caught
        self.warnings = known.warnings
        result: Data = {"steps": applied.as_result(), "changed": applied.changed, "msg": message_of(applied)}
        for stage in applied.stages:
            result |= stage.result
        return result, error

    def person(self, result: Data, email: str) -> Data:
        """Return the entry of a person in a result."""
        (entry,) = (entry for entry in result["people"] if entry["user"]["email"] == email)
        return entry

    def groups(self, email: str) -> set[str]:
        """Return which of the groups that matter here somebody is in."""
        return {name for name in ("Sales", "Engineering", "Contractors") if email in members(self.tenant, name)}


@pytest.fixture
def mover(tenant: Sandbox, client: Client) -> Mover:
    """The module."""
    return Mover(tenant, client)


def names(entries: list[Data]) -> list[str]:
    """Return the names of entries."""
    return [entry["name"] for entry in entries]


def test_nobody_leaves_before_the_access_is_listed_and_the_next_run_goes_on(mover: Mover) -> None:
    predicted, _none = mover.run(is_dry_run=True)
    assert [step["method"] for step in predicted["steps"]["pending"]] == ["POST", "DELETE"]
    assert writes(mover.tenant) == []
    assert any("Check mode assumes" in warning and "Salesforce" in warning for warning in mover.warnings)
    assert predicted["msg"] == (
        "1 person would be added to Sales, removed from 1 group; 1 thing would wait for others; removals from "
        "old groups wait for access to Salesforce."
    )
    entry = mover.person(predicted, ERIN)
    assert (predicted["complete"], names(entry["left"]), names(entry["waiting"])) == (
        True,
        ["Engineering"],
        ["Salesforce"],
    )

    result, error = mover.run()
    entry = mover.person(result, ERIN)
    assert error is not None
    assert error.facts() == {"kind": "incomplete", "waiting": 1, "by_hand": 0, "failed": 0}
    assert mover.groups(ERIN) == {"Sales", "Engineering"}
    (waiting,) = entry["waiting"]
    requests = {row["id"]: row for row in mover.tenant.state("requests")["requests"]}
    request = requests[waiting["request_id"]]
    assert (waiting["what"], waiting["name"], waiting["request_status"]) == ("access", "Salesforce", "Pending")
    assert waiting["since"]
    tasks = {row["id"]: row for row in mover.tenant.state("tasks")["tasks"]}
    users = {row["id"]: row["email"] for row in mover.tenant.state("users")["users"]}
    approver = users[tasks[request["task_ids"][-1]]["assigned_id"]]
    assert waiting["waits_for"] == [approver]
    for words in (ERIN, "Salesforce", waiting["request_id"], "is Pending since", approver, "stay in their old groups"):
        assert words in str(error)
    assert (names(entry["gains"]), names(entry["may_lose"])) == (["Salesforce"], ["GitHub"])

    mover.tenant.change("decide_requests", user=ERIN, app="Salesforce", verdict="approve")
    mover.tenant.clear_log()
    result, error = mover.run()
    assert (error, result["complete"], mover.groups(ERIN)) == (None, True, {"Sales"})
    assert [method for method, _path in writes(mover.tenant)] == ["DELETE"]
    assert (result["stats"]["mover_left"], mover.person(result, ERIN)["waiting"]) == (1, [])

    mover.tenant.clear_log()
    result, error = mover.run()
    assert (error, result["complete"], result["changed"], writes(mover.tenant)) == (None, True, False, [])
    assert f"{ERIN}: is not a member of Engineering" in result["plan"]
    assert mover.warnings == []


def test_a_dry_run_removes_exactly_those_whom_a_run_removes_once_all_is_granted(mover: Mover) -> None:
    """Each person is named by what they have: membership in Sales, access to Salesforce, or a request for it.

    Those who are called granted had the access an hour ago, by a request, and then lost it.
    """
    tenant = mover.tenant
    stay = ("in", "in declined", "in cancelled", "in granted", "in elsewhere")
    leave = ("in pending", "in held", "pending", "declined", "cancelled", "granted", "held", "nothing")
    emails = {case: f"{case.replace(' ', '.')}@example.com" for case in (*stay, *leave)}
    for case, email in emails.items():
        words = case.split()
        tenant.change("insert_user", email=email, group="Contractors")
        if "in" in words:
            tenant.change("add_member", group="Sales", user=email)
        if "held" in words:
            tenant.change("add_access", app="Salesforce", user=email)
        if {"pending", "declined", "cancelled", "granted"} & set(words):
            tenant.change("open_request", kind="grant", app="Salesforce", user=email)
        if "declined" in words:
            tenant.change("decide_requests", user=email, app="Salesforce", verdict="decline")
        if "cancelled" in words:
            request = tenant.state("requests")["requests"][-1]["id"]
            tenant.change("cancel_request", request=request, user=email)
        if "granted" in words:
            tenant.change("decide_requests", user=email, app="Salesforce", verdict="approve")
            tenant.change("remove_access", user=email, app="Salesforce")
    tenant.configure(clock_ahead=3600)
    people: list[Data] = [{"user": email} for email in emails.values()]
    people[stay.index("in elsewhere")]["joins"] = ["Sales", "Engineering"]
    given: Data = {"leaves": ["Contractors"], "max_removal_percent": 100, "max_removals": 20}

    predicted, _none = mover.run(is_dry_run=True, people=people, **given)
    warnings = mover.warnings
    alone, _none = mover.run(is_dry_run=True, people=people[:1], **given)
    assert (alone["changed"], alone["steps"]["pending"], alone["complete"]) == (False, [], False)
    assert mover.warnings == [
        f"This would keep people in their old groups: access to 'Salesforce' for {emails['in']}: no request is "
        "listed. 'people' says what to do."
    ]
    for email in emails.values():
        for app in ("Salesforce", "GitHub", "Figma"):
            about = {"app": app, "user": email, "verdict": "approve"}
            tenant.change("decide_requests", **about, after=2, operation="addUsersToGroup")
    done, error = mover.run(people=people, wait_timeout=2, **given)

    assert error is not None
    for case, email in emails.items():
        entries = [mover.person(result, email) for result in (predicted, done)]
        told = [
            (one["complete"], names(one["joined"]), names(one["left"]), names(one["by_hand"]), one["errors"])
            for one in entries
        ]
        assert told[0] == told[1], case
        assert (entries[0]["complete"], bool(entries[0]["left"])) == (case in leave, case in leave), case
        assert ("Contractors" in mover.groups(email)) == (case in stay), case
        assert any(email in warning for warning in warnings) == (case not in ("in held", "held")), case
    assert sorted(step["path"] for step in predicted["steps"]["pending"]) == sorted(
        step["path"] for step in done["steps"]["done"]
    )


def test_of_three_people_only_the_one_with_access_leaves(mover: Mover) -> None:
    """Erin's access never comes, Connor's addition is refused, Max has the access already."""
    people = [{"user": ERIN}, {"user": CONNOR, "leaves": ["Contractors"]}, {"user": MAX}]
    # Connor joins in the middle, so that the service refuses the batch, and his own addition is answered "already".
    mover.tenant.configure(readd_member="400")
    mover.tenant.change("add_member", group="Sales", user=CONNOR, operation="listWorkAppAccesses", after=1)
    try:
        result, error = mover.run(people=people)
    finally:
        mover.tenant.configure(readd_member="201")
    assert error is not None
    assert [len(step["users"]) for step in result["steps"]["refused"]] == [3]
    assert {email: mover.groups(email) for email in (ERIN, CONNOR, MAX)} == {
        ERIN: {"Sales", "Engineering"},
        CONNOR: {"Sales"},
        MAX: {"Sales"},
    }
    assert names(mover.person(result, ERIN)["waiting"]) == ["Salesforce"]
    assert [mover.person(result, email)["complete"] for email in (ERIN, CONNOR, MAX)] == [False, True, True]


def test_a_person_whom_the_service_refuses_stays_and_the_others_go_on(mover: Mover) -> None:
    """Somebody vanishes from the directory between the plan and the addition, so the service knows only the others."""
    mover.tenant.change("insert_user", email="gone@example.com", group="Engineering")
    mover.tenant.change("delete_user", user="gone@example.com", operation="listUsersGroupDefaultWorkApps", after=1)
    result, error = mover.run(people=[{"user": ERIN}, {"user": "gone@example.com"}, {"user": MAX}])
    assert error is not None
    assert [len(step["users"]) for step in result["steps"]["refused"]] == [3]
    assert (mover.groups(ERIN), mover.groups(MAX)) == ({"Sales", "Engineering"}, {"Sales"})
    gone = mover.person(result, "gone@example.com")
    assert (len(gone["errors"]), gone["complete"], gone["joined"], gone["left"]) == (1, False, [], [])
    assert result["summary"] == {
        "people": 3,
        "complete": 1,
        "failed": 1,
        "joined": 2,
        "left": 1,
        "waiting": 1,
        "by_hand": 0,
    }


@pytest.mark.parametrize("verdict", ["decline", "cancel"])
def test_a_declined_or_cancelled_request_ends_the_wait_for_its_person_only(mover: Mover, verdict: str) -> None:
    mover.run()
    erin = mover.tenant.find("users", ERIN)["id"]
    request = next(row for row in mover.tenant.state("requests")["requests"] if row["target_id"] == erin)
    if verdict == "decline":
        mover.tenant.change("decide_requests", user=ERIN, app="Salesforce", verdict="decline")
    else:
        mover.tenant.change("cancel_request", request=request["id"], user=OLGA)
    result, error = mover.run(people=[{"user": ERIN}, {"user": MAX}], wait_timeout=60)
    assert error is not None
    entry = mover.person(result, ERIN)
    assert (entry["waiting"], names(entry["by_hand"])) == ([], ["Salesforce"])
    assert entry["by_hand"][0]["request_status"] in str(error)
    assert (mover.groups(ERIN), mover.groups(MAX)) == ({"Sales", "Engineering"}, {"Sales"})


def test_a_person_who_changes_in_the_middle_goes_on_by_id(mover: Mover) -> None:
    mover.tenant.change("set_email", user=MAX, email="renamed@example.com", operation="addUsersToGroup", after=1)
    mover.tenant.change("set_status", user=MAX, status="Deactivated", operation="addUsersToGroup", after=1)
    mover.tenant.change("set_email", user=OLGA, email="other@example.com", operation="addUsersToGroup", after=1)
    result, error = mover.run(user=MAX, protected_users=[OLGA])
    assert (error, result["complete"]) == (None, True)
    assert mover.groups("renamed@example.com") == {"Sales"}


def test_a_failed_read_or_write_leaves_people_in_their_old_groups(mover: Mover) -> None:
    """Each fault strikes a stage of its own; what came before is reported, and the next run goes on."""
    faults = [("addUsersToGroup", 0), ("listRequests", 1), ("removeUserFromGroup", 0)]
    for operation, skip in faults:
        mover.tenant.reset()
        if operation != "listRequests":
            mover.tenant.change("add_access", app="Salesforce", user=ERIN)
        mover.tenant.fault(operation, 500, count=4, skip=skip)
        result, error = mover.run()
        assert error is not None, operation
        assert "Engineering" in mover.groups(ERIN), operation
        entry = mover.person(result, ERIN)
        assert (entry["complete"], entry["left"], len(entry["errors"])) == (False, [], 1), operation


def test_removals_are_planned_from_fresh_reads(mover: Mover) -> None:
    """Max leaves Engineering by somebody else's hand while the run adds him to Sales."""
    mover.tenant.change("remove_member", group="Engineering", user=MAX, operation="addUsersToGroup", after=1)
    result, error = mover.run(user=MAX)
    assert (error, result["complete"], result["people"][0]["left"]) == (None, True, [])
    assert [method for method, _path in writes(mover.tenant)] == ["POST"]


@pytest.mark.parametrize("lost", ["membership", "access"])
def test_what_was_there_and_is_lost_again_during_the_wait_keeps_a_person_in_the_old_group(
    mover: Mover, lost: str
) -> None:
    """Connor has everything at once; Erin's request stays open, and the slowest person sets the end of the wait."""
    tenant = mover.tenant
    tenant.change("add_member", group="Sales", user=CONNOR)
    change: Data = {"change": "remove_member", "group": "Sales"}
    if lost == "access":
        change = {"change": "remove_access", "app": "Salesforce"}
    tenant.change(**change, user=CONNOR, operation="listRequests", after=3)
    people = [
        {"user": CONNOR, "joins": ["Sales"], "leaves": ["Contractors"]},
        {"user": ERIN, "joins": ["Sales"], "leaves": ["Engineering"]},
    ]

    result, error = mover.run(people=people, wait_timeout=3)

    assert "Contractors" in mover.groups(CONNOR)
    assert error is not None
    assert mover.person(result, CONNOR)["complete"] is False


def test_without_a_wait_people_leave_once_they_are_in_all_new_groups(mover: Mover) -> None:
    result, error = mover.run(wait=False)
    assert (error, result["complete"], mover.groups(ERIN)) == (None, True, {"Sales"})
    mover.tenant.reset()
    mover.tenant.fault("addUsersToGroup", 500, count=4)
    result, error = mover.run(wait=False)
    assert error is not None
    assert (result["complete"], "Engineering" in mover.groups(ERIN)) == (False, True)


def test_many_people_cost_the_reads_of_one_and_a_removal_each(mover: Mover) -> None:
    rows = mover.tenant.state("users")["users"]
    people = [row["email"] for row in rows if row["status"] == "Active" and row["email"] != mover.tenant.acting_user]
    people = [email for email in people if people.count(email) == 1]
    for email in people:
        mover.tenant.change("remove_member", group="Sales", user=email)
        mover.tenant.change("add_access", app="Salesforce", user=email)
        mover.tenant.change("add_member", group="Engineering", user=email)
    costs = []
    for movers in ([ERIN], [email for email in people if email != ERIN]):
        mover.tenant.clear_log()
        result, error = mover.run(people=[{"user": email} for email in movers], max_removal_percent=100)
        assert (error, result["summary"]["left"]) == (None, len(movers))
        costs.append(Counter(entry["operation"] for entry in mover.tenant.log()))
    assert len(people) > 20
    assert costs[1] == {**costs[0], "removeUserFromGroup": len(people) - 1}
    assert (costs[0]["addUsersToGroup"], costs[0]["removeUserFromGroup"]) == (1, 1)


#: What is wrong, and words of the message, all of which are in one message.
REFUSED: dict[str, tuple[Data, list[str]]] = {
    "people and groups that do not exist": (
        {"people": [{"user": "no@example.com"}, {"user": "none@example.com", "joins": ["Salez"]}, {"user": ERIN}]},
        ["no@example.com", "none@example.com", "Salez"],
    ),
    "blanks in addresses": (
        {"people": [{"user": "a b@example.com"}, {"user": "c d@example.com"}]},
        ["a b@example.com", "c d@example.com"],
    ),
    "people without a group": (
        {"people": [{"user": ERIN, "joins": [], "leaves": []}, {"user": MAX, "joins": [" "]}, {"user": " "}]},
        [f"{ERIN}: no group", f"{MAX}: no group", "a user is blank"],
    ),
    "a person twice, and a group on both sides": (
        {"people": [{"user": ERIN}, {"user": ERIN.upper()}, {"user": MAX, "joins": ["Engineering"]}]},
        ["erin.engineer@example.com is named twice", f"{MAX} should be a member of 'Engineering'"],
    ),
    "nobody": ({"people": []}, ["people is empty"]),
    "no journal": ({"journal_path": None}, ["journal_path"]),
    "removals of all people": (
        {"people": [{"user": ERIN}, {"user": MAX}], "max_removals": 1},
        ["`max_removals` allows 1", ERIN, MAX],
    ),
    "a protected person": ({"people": [{"user": MAX}, {"user": ERIN}], "protected_users": [ERIN]}, ["protected", ERIN]),
    "the acting user": ({"user": MAX, "acting_user": MAX}, ["protected"]),
    "a bypass without a reason": ({"implicitly_approve_requests": True}, ["bypass_reason"]),
    "approval for oneself": (
        {
            "joins": ["Contractors"],
            "leaves": [],
            "user": "ada.admin@example.com",
            "implicitly_approve_requests": True,
            "bypass_reason": "x",
        },
        ["approve access for itself"],
    ),
    "a synced group to leave": (
        {"people": [{"user": SALLY, "joins": ["Engineering"], "leaves": ["Okta Everyone"]}, {"user": ERIN}]},
        ["Okta Everyone"],
    ),
    "a dynamic group": ({"joins": ["Dynamic Berlin"]}, ["a rule decides"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_meant_is_refused_before_the_first_write(mover: Mover, case: str) -> None:
    options, words = REFUSED[case]
    with pytest.raises(CakewalkError) as caught:
        mover.run(**options)
    assert [word for word in words if word not in str(caught.value)] == []
    assert writes(mover.tenant) == []
