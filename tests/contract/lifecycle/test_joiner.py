# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""People who join: each step needs the result of the step before, and one person's failure stops nobody else."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import CakewalkError
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.apply import apply, dry_run
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.plan import ApplyFailed, ApplyResult
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.tenant import Tenant
from ansible_collections.cakewalk.access.plugins.module_utils._engine.storage.journal import RunJournal
from ansible_collections.cakewalk.access.plugins.modules import cakewalk_joiner
from contract.fixtures import CONFIRM_DELAYS, CONNOR, SALLY, members, received, validated, writes
from sandbox.process import Sandbox

Data = dict[str, Any]

OWEN, NORA = "owen.onboarding@example.com", "nora.newcomer@example.com"
WIKI = {"app": "Orphan Wiki"}
ADD, REQUEST = "addUsersToGroup", "createGrantAccessRequest"


class Joiners:
    """Runs for some people in a tenant; C(warnings) are those of the last run."""

    def __init__(self, tenant: Sandbox, client: Client, folder: Path) -> None:
        self.tenant, self._client = tenant, client
        self.journal = folder / "writes.jsonl"
        self.warnings: list[str] = []

    def params(self, *people: Data, **options: Any) -> Data:
        """Return the options of a task."""
        given = {"people": list(people), "acting_user": self.tenant.acting_user, "journal_path": str(self.journal)}
        return validated(cakewalk_joiner.SPEC, self.tenant, {**given, "wait_timeout": 0, **options})

    def run(self, *people: Data, **options: Any) -> tuple[ApplyResult, Data]:
        """Return what was applied, and the result of the module."""
        tenant = Tenant(self._client)
        plan = cakewalk_joiner.plan(self.params(*people, **options), tenant)
        try:
            with (journal := RunJournal(str(self.journal))).opened(is_dry_run=False):
                applied = apply(plan, self._client, CONFIRM_DELAYS, journal)
        except ApplyFailed as error:
            applied = error.result
        self.warnings = tenant.warnings
        return applied, result_of(applied)

    def foresee(self, *people: Data, **options: Any) -> tuple[ApplyResult, Data]:
        """Return what is predicted, and the result of the module in check mode."""
        applied = dry_run(cakewalk_joiner.plan(self.params(*people, **options), Tenant(self._client)))
        return applied, result_of(applied)

    def statuses(self) -> list[str]:
        """Return the status of each line of the journal."""
        return [json.loads(line)["status"] for line in self.journal.read_text(encoding="utf-8").splitlines()]

    def requested(self, email: str) -> list[str]:
        """Return the apps to which access is requested for a person, once for each request."""
        state = self.tenant.state("apps", "requests")
        apps = {app["id"]: app["name"] for app in state["apps"]}
        user_id = self.tenant.find("users", email)["id"]
        return sorted(apps[row["app_id"]] for row in state["requests"] if row["target_id"] == user_id)


@pytest.fixture
def joiners(tenant: Sandbox, client: Client, tmp_path: Path) -> Joiners:
    """Runs for some people."""
    return Joiners(tenant, client, tmp_path)


def result_of(applied: ApplyResult) -> Data:
    """Return the result of the module."""
    result: Data = {}
    for stage in applied.stages:
        result |= stage.result
    return result


def people_in(result: Data) -> dict[str, Data]:
    """Return the outcome for each person, by address."""
    return {entry["user"]["email"]: entry for entry in result["people"]}


def joining(user: str, *groups: str, accesses: tuple[Data, ...] = (WIKI,)) -> Data:
    """Return the options of a person."""
    return {"user": user, "groups": list(groups), "accesses": list(accesses)}


def waiting(entry: Data) -> list[tuple[str, str]]:
    """Return what waits for others, by what it is and its name."""
    return sorted((row["what"], row["name"]) for row in entry["waiting"])


def test_people_join_with_one_request_for_each_group_and_then_get_what_is_extra(joiners: Joiners) -> None:
    people = [joining(OWEN, "Engineering", "Sales"), joining(CONNOR, "Engineering")]
    foreseen, forecast = joiners.foresee(*people)
    assert writes(joiners.tenant) == []
    assert not joiners.journal.exists()

    applied, result = joiners.run(*people)

    assert applied.goal_reached
    assert [step.step.action for step in foreseen.steps] == [step.step.action for step in applied.steps]
    assert forecast["plan"] == result["plan"]
    written = [method for method, _path in writes(joiners.tenant)]
    assert (len(received(joiners.tenant, ADD)), len(received(joiners.tenant, REQUEST)), len(written)) == (2, 2, 4)
    assert {OWEN, CONNOR} <= set(members(joiners.tenant, "Engineering"))
    for email in (OWEN, CONNOR):
        entry = people_in(result)[email]
        names = [("access", name) for name in joiners.requested(email)]
        assert waiting(entry) == names == waiting(people_in(forecast)[email])
        assert all(row["request_id"] and row["since"] for row in entry["waiting"])
        assert (entry["errors"], entry["complete"]) == ([], False)
        assert [group["outcome"] for group in entry["groups"]][:1] == ["added"]
    assert any(row["waits_for"] for row in people_in(result)[OWEN]["waiting"])
    assert result["stats"]["joiner_waiting"] == sum(len(entry["waiting"]) for entry in result["people"])
    assert Counter(joiners.statuses()) == {"begun": 1, "sending": 4, "done": 4, "ended": 1}

    joiners.tenant.clear_log()
    again, second = joiners.run(*people)
    assert (again.changed, writes(joiners.tenant)) == (False, [])
    assert waiting(people_in(second)[OWEN]) == waiting(people_in(result)[OWEN])
    assert len(received(joiners.tenant, "listRequests")) == 1


def test_what_follows_from_a_group_is_not_requested_again_and_at_another_level_it_is_a_conflict(
    joiners: Joiners,
) -> None:
    """Whichever level the group gives, one of the levels is that of the request which follows, and the others not."""
    app = joiners.tenant.find("apps", "GitHub")
    levels = [level["name"] for level in app["levels"]]
    outcomes = {}
    for number, level in enumerate(levels):
        user = f"newcomer-{number}@example.com"
        joiners.tenant.change("insert_user", email=user)
        extra = {"app": "GitHub", "permission_level": level}
        applied, result = joiners.run(joining(user, "Engineering", accesses=(extra, WIKI)))
        (entry,) = result["people"]
        outcomes[level] = [row["outcome"] for row in entry["accesses"]]
        assert joiners.requested(user).count("GitHub") == 1
        assert "Orphan Wiki" in joiners.requested(user)
        assert applied.goal_reached == (not entry["errors"]) == (not entry["by_hand"])
        assert any("unless a request for it follows from Engineering" in line for line in result["plan"])
    kinds = Counter(first for first, _second in outcomes.values())
    assert kinds == {"requested": 1, "conflicting_request": len(outcomes) - 1}


def test_one_is_missing_one_is_refused_and_one_is_fine(joiners: Joiners) -> None:
    """The service refuses the request for both, since one of them is deleted before it: then each is added alone."""
    gone = "gone@example.com"
    joiners.tenant.change("insert_user", email=gone)
    joiners.tenant.change("delete_user", user=gone, operation="listUsersGroupDefaultWorkApps", after=1)

    applied, result = joiners.run(*(joining(user, "Engineering") for user in (NORA, gone, OWEN)), wait_timeout=1)

    assert not applied.goal_reached
    entries = people_in(result)
    assert [bool(entries[user]["errors"]) for user in (NORA, gone, OWEN)] == [True, True, False]
    assert entries[NORA]["errors"] == [f"{NORA} is not in the directory after 1 second"]
    assert OWEN in members(joiners.tenant, "Engineering")
    assert joiners.requested(OWEN) == ["Figma", "GitHub", "Orphan Wiki"]
    assert len(received(joiners.tenant, REQUEST)) == 1
    assert entries[gone]["accesses"][0]["outcome"] == "not_requested"
    assert entries[gone]["groups"][0]["outcome"] == entries[NORA]["groups"][0]["outcome"] == "not_added"
    assert result["summary"]["failed"] == result["stats"]["joiner_failed"] == 2
    assert len(applied.as_result()["refused"]) == 1


def test_people_who_appear_in_time_get_what_the_others_got(joiners: Joiners) -> None:
    joiners.tenant.change("insert_user", email=NORA, operation=REQUEST, after=1)

    applied, result = joiners.run(*(joining(user, "Engineering") for user in (NORA, OWEN)), wait_timeout=30)

    assert applied.goal_reached
    for user in (OWEN, NORA):
        assert user in members(joiners.tenant, "Engineering")
        assert joiners.requested(user) == ["Figma", "GitHub", "Orphan Wiki"]
        assert people_in(result)[user]["user"]["id"]
    assert any("is not in the directory yet" in line for line in result["plan"])


def test_what_is_renamed_during_the_wait_is_still_what_was_meant(joiners: Joiners) -> None:
    tenant = joiners.tenant
    engineering, nora = tenant.find("groups", "Engineering")["id"], "nora.newcomer@example.com"
    change = {"operation": "listUsers", "after": 2}
    tenant.change("rename_group", group="Engineering", name="Engineering old", **change)
    tenant.change("rename_group", group="Sales", name="Engineering", **change)
    tenant.change("set_email", user=tenant.acting_user, email="ada.moved@example.com", **change)
    tenant.change("insert_user", email=nora, **change)

    applied, result = joiners.run(joining(nora, "Engineering"), wait_timeout=30)

    groups = {group["id"]: group["members"] for group in tenant.state("groups")["groups"]}
    (joined,) = [row["id"] for row in tenant.state("users")["users"] if row["email"] == nora]
    assert [group_id for group_id, members in groups.items() if joined in members] == [engineering]
    assert result["people"][0]["errors"] == []
    assert applied.changed


def test_a_level_that_is_gone_after_the_wait_is_not_replaced_by_another(joiners: Joiners) -> None:
    """Neither by the one that has its name now, nor by the one that is left."""
    admin = {"app": "Salesforce", "permission_level": "System Administrator"}
    change = {"operation": "listUsers", "after": 2, "app": "Salesforce"}
    joiners.tenant.change("delete_level", level="System Administrator", **change)
    joiners.tenant.change("rename_level", level="Standard", name="System Administrator", **change)
    joiners.tenant.change("insert_user", email=NORA, operation="listUsers", after=2)

    applied, result = joiners.run(
        joining(NORA, "Engineering", accesses=(admin, WIKI)), joining(OWEN, "Engineering"), wait_timeout=30
    )

    assert not applied.goal_reached
    entry = people_in(result)[NORA]
    assert any("Salesforce" in error for error in entry["errors"]), entry
    assert "Salesforce" not in joiners.requested(NORA)
    assert (entry["complete"], entry["user"]["id"] is None) == (False, False)
    assert joiners.requested(OWEN) == ["Figma", "GitHub", "Orphan Wiki"]


def test_a_request_waits_for_everybody_who_has_its_task(joiners: Joiners) -> None:
    joiners.run(joining(OWEN, accesses=({"app": "Figma"},)))
    (request,) = [row for row in joiners.tenant.state("requests")["requests"] if row["status"] == "Pending"][-1:]
    users = {row["id"]: row for row in joiners.tenant.state("users")["users"]}
    owen = joiners.tenant.find("users", OWEN)
    manager, owner = (
        users[owen["manager_id"]]["email"],
        users[joiners.tenant.find("apps", "Figma")["owner_id"]]["email"],
    )
    assert request["target_id"] == owen["id"]
    assert manager != owner
    (task,) = request["task_ids"]
    assigned = next(row["assigned_id"] for row in joiners.tenant.state("tasks")["tasks"] if row["id"] == task)
    other = owner if users[assigned]["email"] == manager else manager
    joiners.tenant.change("share_task", task=task, user=other)

    _applied, result = joiners.run(joining(OWEN, accesses=({"app": "Figma"},)))

    (row,) = people_in(result)[OWEN]["waiting"]
    assert sorted(row["waits_for"]) == sorted([manager, owner])


def test_nobody_is_waited_for_in_check_mode_or_without_time(joiners: Joiners) -> None:
    people = [joining(user, "Engineering") for user in (NORA, OWEN)]
    for _applied, result in (joiners.foresee(*people, wait_timeout=7800), joiners.run(*people)):
        entry = people_in(result)[NORA]
        assert waiting(entry) == [("person", NORA)]
        assert (entry["errors"], entry["user"]["id"], result["summary"]["missing"]) == ([], None, 1)
    assert joiners.requested(OWEN) == ["Figma", "GitHub", "Orphan Wiki"]


def arrivals(tenant: Sandbox) -> dict[str, Callable[[], None]]:
    """Return what may be wrong about a person who appears."""

    def status() -> None:
        tenant.change("insert_user", email=NORA, operation="listUsers", after=2)
        tenant.change("set_status", user=NORA, status="Offboarding", operation="listUsers", after=2)

    def twice() -> None:
        for _time in range(2):
            tenant.change("insert_user", email=NORA, operation="listUsers", after=2)

    return {"would be given access": status, "2 users have the address": twice}


@pytest.mark.parametrize("words", ["would be given access", "2 users have the address"])
def test_people_who_appear_otherwise_than_expected_do_not_join(joiners: Joiners, words: str) -> None:
    arrivals(joiners.tenant)[words]()

    applied, result = joiners.run(*(joining(user, "Engineering") for user in (NORA, OWEN)), wait_timeout=30)

    assert not applied.goal_reached
    entry = people_in(result)[NORA]
    assert words in entry["errors"][0]
    assert NORA not in members(joiners.tenant, "Engineering")
    assert joiners.requested(OWEN) == ["Figma", "GitHub", "Orphan Wiki"]


@pytest.mark.parametrize(
    ("operation", "kind", "after", "is_known"),
    [(ADD, "drop_after", False, True), (ADD, "500", True, True), (ADD, "500", False, False), (ADD, "429", False, True)],
)
def test_a_lost_answer_counts_as_done_only_if_a_read_shows_it(
    joiners: Joiners, operation: str, kind: str, after: bool, is_known: bool
) -> None:
    joiners.tenant.fault(operation, int(kind) if kind.isdigit() else kind, after=after, retry_after=0)

    applied, result = joiners.run(joining(OWEN, "Engineering"))

    (entry,) = result["people"]
    assert applied.goal_reached is is_known
    assert ("Orphan Wiki" in joiners.requested(OWEN)) is is_known
    assert [group["outcome"] for group in entry["groups"]] == ["added" if is_known else "not_added"]
    assert bool(entry["errors"]) is not is_known


def test_a_lost_request_is_the_failure_of_one_person(joiners: Joiners) -> None:
    joiners.tenant.fault(REQUEST, 500)

    applied, result = joiners.run(*(joining(user, "Engineering") for user in (CONNOR, OWEN)))

    failed = [user for user, entry in people_in(result).items() if entry["errors"]]
    assert (len(failed), applied.goal_reached) == (1, False)
    for user in (CONNOR, OWEN):
        assert ("Orphan Wiki" in joiners.requested(user)) == (user not in failed)
        assert user in members(joiners.tenant, "Engineering")
        outcome = people_in(result)[user]["accesses"][0]["outcome"]
        assert outcome == ("failed" if user in failed else "requested")
    joiners.run(*(joining(user, "Engineering") for user in (CONNOR, OWEN)))
    assert joiners.requested(failed[0]).count("Orphan Wiki") == 1


#: The operation that fails after the first write, and how often it is read before.
READS = {"the apps": "listWorkAppAccesses", "the requests": "listRequests"}


@pytest.mark.parametrize("operation", READS.values(), ids=READS)
def test_a_read_that_fails_after_the_groups_requests_nothing(joiners: Joiners, operation: str) -> None:
    joiners.foresee(joining(OWEN, "Engineering"))
    joiners.tenant.fault(operation, 500, count=99, skip=len(received(joiners.tenant, operation)))

    applied, result = joiners.run(joining(OWEN, "Engineering"))

    (entry,) = result["people"]
    assert (applied.goal_reached, bool(entry["errors"])) == (False, True)
    assert OWEN in members(joiners.tenant, "Engineering")
    assert received(joiners.tenant, REQUEST) == []


def test_a_directory_that_cannot_be_read_any_more_fails_those_who_are_missing(joiners: Joiners) -> None:
    joiners.tenant.fault("listUsers", 500, count=99, skip=1)

    applied, result = joiners.run(*(joining(user, "Engineering") for user in (NORA, OWEN)), wait_timeout=30)

    assert not applied.goal_reached
    assert [bool(people_in(result)[user]["errors"]) for user in (NORA, OWEN)] == [True, False]
    assert "Orphan Wiki" in joiners.requested(OWEN)


def test_requests_that_cannot_be_read_at_the_end_are_warned_about(joiners: Joiners) -> None:
    joiners.foresee(joining(OWEN, "Engineering"))
    joiners.tenant.fault("listRequests", 500, count=99, skip=2 * len(received(joiners.tenant, "listRequests")))

    applied, result = joiners.run(joining(OWEN, "Engineering"))

    assert applied.goal_reached
    assert waiting(result["people"][0]) == [("access", "Orphan Wiki")]
    assert any("could not be read after the run" in warning for warning in joiners.warnings)


def test_a_run_that_can_record_nothing_writes_nothing(joiners: Joiners) -> None:
    joiners.journal.mkdir()
    with pytest.raises(CakewalkError):
        joiners.run(joining(OWEN, "Engineering"))
    assert writes(joiners.tenant) == []


def test_approvals_are_bypassed_with_a_reason_and_told(joiners: Joiners) -> None:
    _applied, result = joiners.run(
        joining(OWEN, "Engineering", accesses=()), implicitly_approve_requests=True, bypass_reason="ticket 4711"
    )
    assert (result["bypassed_approval"], result["bypass_reason"]) == (True, "ticket 4711")
    assert any("ticket 4711" in warning for warning in joiners.warnings)
    assert (result["complete"], result["people"][0]["waiting"]) == (True, [])


def test_a_declined_request_is_left_to_people(joiners: Joiners) -> None:
    joiners.tenant.change("open_request", kind="grant", app="Orphan Wiki", user=OWEN)
    joiners.tenant.change("decide_requests", app="Orphan Wiki", user=OWEN, verdict="decline")

    applied, result = joiners.run(joining(OWEN))

    (entry,) = result["people"]
    assert applied.goal_reached
    assert [(row["name"], row["why"]) for row in entry["by_hand"]] == [("Orphan Wiki", "its request is Declined")]
    assert received(joiners.tenant, REQUEST) == []


def test_many_people_cost_what_one_costs_in_reads(joiners: Joiners) -> None:
    emails = [row["email"] for row in joiners.tenant.state("users")["users"] if row["status"] == "Active"]
    others = {*members(joiners.tenant, "Engineering"), *members(joiners.tenant, "Sales"), joiners.tenant.acting_user}
    people = [email for email in emails if emails.count(email) == 1 and email not in others][:30]
    costs = []
    for users in (people[:1], people[1:]):
        joiners.tenant.clear_log()
        applied, _result = joiners.run(*(joining(user, "Engineering", "Sales") for user in users))
        assert applied.goal_reached
        costs.append(Counter(row["operation"] for row in joiners.tenant.log(method="GET")))
        assert len(received(joiners.tenant, ADD)) == 2
    # The people who may approve are asked only if they are few.
    asked = ("getUser", "listTasks", "getTask", "getWorkApp")
    few, many = ({name: number for name, number in cost.items() if name not in asked} for cost in costs)
    assert many == few


def test_all_problems_of_all_people_come_at_once_and_before_any_waiting(joiners: Joiners) -> None:
    for _time in range(2):
        joiners.tenant.change("insert_user", email="sam.twin@example.com")
    people = [
        joining(NORA, "Enginering", accesses=({"app": "Salesforce", "permission_level": "Standart"},)),
        joining("sam.twin@example.com", "Engineering"),
        joining("Owen Onboarding", "Engineering", accesses=({"app": "Git Hub"},)),
        joining(SALLY, accesses=({"app": "Salesforce"},)),
    ]
    with pytest.raises(CakewalkError) as caught:
        joiners.run(*people, wait_timeout=7800)
    for words in (
        "'Enginering'",
        "'Standart'",
        "2 users have the address",
        "never by display name",
        "'Git Hub'",
        "names none of them",
    ):
        assert words in str(caught.value)
    assert writes(joiners.tenant) == []


#: What is wrong, and words of the message.
REFUSED: dict[str, tuple[list[Data], Data, str]] = {
    "a dynamic group for somebody missing": ([joining(NORA, "Dynamic Berlin")], {}, "a rule decides"),
    "two levels for somebody missing": (
        [joining(NORA, accesses=tuple({"app": "GitHub", "permission_level": level} for level in ("Read", "Admin")))],
        {},
        "at two levels",
    ),
    "a person by address and by id": ([joining(OWEN), joining("{owen}")], {}, "by address and by id"),
    "nobody": ([], {}, "people is empty"),
    "an actor who may not act": ([joining(NORA)], {"acting_user": "oscar.offboarding@example.com"}, "Offboarding"),
    "no actor": ([joining(NORA)], {"acting_user": None}, "`acting_user` is not set"),
    "no journal": ([joining(OWEN)], {"journal_path": None}, "`journal_path` is not set"),
    "a bypass without a reason": ([joining(NORA)], {"implicitly_approve_requests": True}, "bypass_reason"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_meant_is_refused_before_any_waiting(
    joiners: Joiners, case: tuple[list[Data], Data, str]
) -> None:
    people, options, words = case
    owen = joiners.tenant.find("users", OWEN)["id"]
    people = [{**row, "user": row["user"].format(owen=owen)} for row in people]
    with pytest.raises(CakewalkError, match=words):
        joiners.run(*people, **{"wait_timeout": 7800, **options})
    assert writes(joiners.tenant) == []


def test_a_protected_person_keeps_the_level(joiners: Joiners) -> None:
    app = joiners.tenant.find("apps", "GitHub")
    levels = {level["id"]: level["name"] for level in app["levels"]}
    held = Counter(access["user_id"] for access in app["accesses"])
    users = {row["id"]: row for row in joiners.tenant.state("users")["users"] if row["status"] == "Active"}
    access = next(row for row in app["accesses"] if held[row["user_id"]] == 1 and row["user_id"] in users)
    other = next(name for level_id, name in levels.items() if level_id != access["level_id"])
    user = users[access["user_id"]]["email"]
    person = joining(user, accesses=({"app": "GitHub", "permission_level": other},))

    with pytest.raises(CakewalkError, match="protected"):
        joiners.run(person, protected_users=[user])
    applied, result = joiners.run(person)
    assert (applied.goal_reached, result["people"][0]["accesses"][0]["outcome"]) == (True, "level_change_requested")
