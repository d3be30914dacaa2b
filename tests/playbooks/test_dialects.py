# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever the service's answer to what its documentation leaves open: the same result, or the same named refusal."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from playbooks.harness import INFO, MEMBERS, Data, Run, members, side_by_side, task, writes
from sandbox.dialect import questions

#: All cases are one run, on one worker; tests/contract/test_every_dialect.py has the same promise without playbooks.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dialects")]

CONNOR, ERIN, OSCAR = "connor.contractor@example.com", "erin.engineer@example.com", "oscar.offboarding@example.com"
CHANGES = {
    "state": "exact",
    "memberships": [{"group": "Contractors", "users": [CONNOR, ERIN]}, {"group": "Sales", "users": [ERIN]}],
    "max_removals": 100,
}
QUERY = {"gather": ["users", "groups"], "groups": ["Engineering"], "include": ["members", "default_apps"]}

#: What decides nothing that these modules see: policies, reviews, keys and webhooks, requests, tasks, accesses, fields.
ELSEWHERE = {
    *("same_policy", "taken_review_name", "key_form", "webhook_body"),
    *("status_words", "filters", "duplicate_request", "action_step", "agent"),
    *("existing_access", "access_delay", "field_by"),
}
#: Shown by the cases below, which need another situation or another outcome.
APART = {"readd_member", "remove_non_member", "read_only_group", "unknown_values"}
PLAIN = {
    f"{question} {word}": {question: word}
    for question, words in questions().items()
    if question not in ELSEWHERE | APART
    for word in words[1:]
}
#: Answers that go together, since some questions only matter where others have a certain answer.
TOGETHER = {
    "all at once": {question: words[-1] for question, words in questions().items() if question not in APART},
    "created with a body": {"write_status": "201", "write_body": "envelope"},
}
DIALECTS: dict[str, Data] = {"the vendor's own samples": {}, **PLAIN, **TOGETHER}


def dialect_tasks(name: str, dialect: Data) -> list[Data]:
    """Foreseen, done, again, and a query."""
    return [
        task(f"{name}: before", "tenant", {"reset": dialect}),
        task(f"{name}: foreseen", MEMBERS, CHANGES, check_mode=True, diff=True),
        task(f"{name}: log", "tenant", {"log": True}),
        task(f"{name}: done", MEMBERS, CHANGES, diff=True),
        task(f"{name}: after", "tenant", {"state": ["users", "groups"], "clear_log": True}),
        task(f"{name}: again", MEMBERS, CHANGES, diff=True),
        task(f"{name}: in the end", "tenant", {"log": True}),
        task(f"{name}: query", INFO, QUERY),
    ]


@dataclass(frozen=True)
class Race:
    """Somebody does what the task is about to do, right before its write.

    :param error: the kind of error that ends the run, none where the write counts as done.
    """

    name: str
    dialect: Data
    change: Data
    options: Data
    members: set[str]
    error: str | None = None

    def tasks(self) -> list[Data]:
        """The task, and again."""
        return [
            task(f"{self.name}: before", "tenant", {"reset": self.dialect, "changes": [self.change]}),
            task(f"{self.name}: done", MEMBERS, {**self.options, "timeout": 10}, ignore_errors=True),
            task(f"{self.name}: after", "tenant", {"log": True, "state": ["users", "groups"]}),
            task(f"{self.name}: again", MEMBERS, self.options),
            task(f"{self.name}: in the end", "tenant", {"state": ["users", "groups"]}),
        ]


def joins(*people: str) -> Data:
    """Return the options that add people."""
    return {"group": "Contractors", "users": list(people)}


_ERIN_JOINS = {
    "change": "add_member",
    "group": "Contractors",
    "user": ERIN,
    "operation": "listUsersGroupDefaultWorkApps",
    "after": 1,
}
_OSCAR_LEAVES = {**_ERIN_JOINS, "change": "remove_member", "user": OSCAR, "operation": "listUsersGroupUsers"}
_OWEN = "owen.onboarding@example.com"
RACES = [
    *(
        Race(f"joined meanwhile, {word}", {"readd_member": word}, _ERIN_JOINS, joins(ERIN), {CONNOR, ERIN, OSCAR})
        for word in questions()["readd_member"]
    ),
    *(
        Race(
            f"one of two joined meanwhile, {word}",
            {"readd_member": word},
            _ERIN_JOINS,
            joins(ERIN, _OWEN),
            {CONNOR, ERIN, OSCAR} | ({_OWEN} if word == "201" else set()),
            None if word == "201" else "refused",
        )
        for word in questions()["readd_member"]
    ),
    *(
        Race(
            f"left meanwhile, {word}",
            {"remove_non_member": word},
            _OSCAR_LEAVES,
            {**joins(OSCAR), "state": "absent"},
            {CONNOR},
        )
        for word in questions()["remove_non_member"]
    ),
]


@dataclass(frozen=True)
class Refusal:
    """A change that only the server can refuse, or that the record of the group forbids."""

    name: str
    dialect: Data
    group: str
    words: str
    error: Data = field(default_factory=dict)

    def tasks(self) -> list[Data]:
        """The task foreseen, and for real."""
        options = {"group": self.group, "users": [_OWEN]}
        return [
            task(f"{self.name}: before", "tenant", {"reset": self.dialect, "state": ["users", "groups", "requests"]}),
            task(f"{self.name}: foreseen", MEMBERS, options, check_mode=True, ignore_errors=True),
            task(f"{self.name}: done", MEMBERS, options, ignore_errors=True),
            task(f"{self.name}: after", "tenant", {"log": True, "state": ["users", "groups", "requests"]}),
        ]


_KINDS = {"400": "refused", "403": "forbidden", "409": "refused"}
REFUSALS = [
    *(
        Refusal(
            f"synced, {word}",
            {"read_only_group": word},
            "Okta Everyone",
            f"add 1 person to the group 'Okta Everyone': the server answered {word} ",
            {"kind": kind, "status": int(word), "method": "POST"},
        )
        for word, kind in _KINDS.items()
    ),
    *(
        Refusal(
            f"dynamic, {word}",
            {"group_kind": word},
            "Dynamic Berlin",
            "add 1 person to the group 'Dynamic Berlin': the server answered 400 ",
            {"kind": "refused", "status": 400, "method": "POST"},
        )
        for word in ("hidden", "bare")
    ),
    Refusal(
        "dynamic, shown", {}, "Dynamic Berlin", "a rule decides who is a member of a dynamic group", {"kind": "rail"}
    ),
]

_KNOWN = {"user": {"may_act": ["Hibernating"], "may_receive_access": ["Hibernating"]}}


def unknown_tasks() -> list[Data]:
    """Nobody has a status that is known, unless the task makes it known."""
    actor_known = {**CHANGES, "known_statuses": {"user": {"may_act": ["Hibernating"]}}}
    all_known = {**CHANGES, "known_statuses": _KNOWN}
    return [
        task("unknown: before", "tenant", {"reset": {"unknown_values": "all"}}),
        task("unknown: actor", MEMBERS, CHANGES, ignore_errors=True),
        task("unknown: log", "tenant", {"log": True}),
        task("unknown: receiver", MEMBERS, actor_known, check_mode=True),
        task("unknown: done", MEMBERS, all_known, diff=True),
        task("unknown: some", "tenant", {"reset": {"unknown_values": "some"}}),
        task("some unknown: done", MEMBERS, all_known, diff=True),
    ]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """All cases, in one run."""
    cases = [dialect_tasks(name, dialect) for name, dialect in DIALECTS.items()]
    cases += [case.tasks() for case in (*RACES, *REFUSALS)]
    cases.append(unknown_tasks())
    return side_by_side(tmp_path_factory.mktemp("dialects"), cases, users=30, groups=6, apps=6, page_size=10)


@pytest.mark.parametrize("name", DIALECTS)
def test_every_dialect_gives_the_same_result(run: Run, name: str) -> None:
    foreseen, done, again = (run[f"{name}: {part}"] for part in ("foreseen", "done", "again"))
    reference = run["the vendor's own samples: done"]
    assert done.told == reference.told
    assert foreseen.told == done.told
    assert foreseen.steps == {"done": [], "errors": [], "pending": done.steps["done"]}
    assert done.steps["done"] == reference.steps["done"] != []
    assert not writes(run[f"{name}: log"].data["log"])
    state = run[f"{name}: after"].data["state"]
    assert state == run["the vendor's own samples: after"].data["state"]
    assert {CONNOR, ERIN} in members(state).values()
    assert not again.changed
    assert not writes(run[f"{name}: in the end"].data["log"])


@pytest.mark.parametrize("name", DIALECTS)
def test_every_dialect_gives_the_same_answer_to_a_query(run: Run, name: str) -> None:
    result, reference = run[f"{name}: query"], run["the vendor's own samples: query"]
    for part in ("users_by_email", "groups_by_name", "not_found", "ambiguous"):
        assert result.data[part] == reference.data[part]
    for part in ("users", "groups"):
        shown = [{field: value for field, value in row.items() if field in ("id", "name")} for row in result.data[part]]
        assert shown == [{"id": row["id"], "name": row["name"]} for row in reference.data[part]]
    for part in ("members", "default_apps"):
        found, wanted = (one.data["groups"][0][part] for one in (result, reference))
        assert [row["id"] for row in found] == [row["id"] for row in wanted] != []


@pytest.mark.parametrize("name", DIALECTS)
def test_only_a_deprecation_is_warned_of(run: Run, name: str) -> None:
    warnings = run[f"{name}: done"].warnings
    if name in ("deprecation headers", "all at once"):
        assert len(warnings) == 1
        assert "DELETE" in warnings[0]
        assert "Sunset: Thu, 31 Dec 2026" in warnings[0]
    else:
        assert not warnings


@pytest.mark.parametrize("race", RACES, ids=lambda race: race.name)
def test_what_others_did_meanwhile_is_settled_by_reading(run: Run, race: Race) -> None:
    done, after = run[f"{race.name}: done"], run[f"{race.name}: after"].data
    assert len(writes(after["log"])) == 1
    assert done.failed == bool(race.error), done.data
    assert done.data.get("error", {}).get("kind") == race.error
    assert race.members in members(after["state"]).values()
    assert run[f"{race.name}: again"].changed == bool(race.error)
    assert (race.members | {*race.options["users"]} if race.error else race.members) in members(
        run[f"{race.name}: in the end"].data["state"]
    ).values()


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.name)
def test_a_refusal_is_named_and_nothing_changes(run: Run, refusal: Refusal) -> None:
    foreseen, done, after = (run[f"{refusal.name}: {part}"] for part in ("foreseen", "done", "after"))
    is_seen_before = refusal.error["kind"] == "rail"
    assert done.failed
    assert not done.changed
    assert refusal.words in done.data["msg"]
    assert refusal.error.items() <= done.data["error"].items()
    assert foreseen.failed == is_seen_before
    assert len(writes(after.data["log"])) == (0 if is_seen_before else 1)
    assert after.data["state"] == run[f"{refusal.name}: before"].data["state"]
    if not is_seen_before:
        assert [len(done.steps[part]) for part in ("done", "errors", "pending")] == [0, 1, 0]


def test_a_status_that_is_not_known_is_named_and_can_be_made_known(run: Run) -> None:
    actor, receiver = run["unknown: actor"], run["unknown: receiver"]
    assert actor.failed
    assert "the status of this person is Hibernating" in actor.data["msg"]
    assert "known_statuses.user.may_act" in actor.data["msg"]
    assert not writes(run["unknown: log"].data["log"])
    assert [f"{ERIN} (Hibernating)" in warning for warning in receiver.warnings] == [True]
    for name in ("unknown", "some unknown"):
        done = run[f"{name}: done"]
        assert done.told == run["the vendor's own samples: done"].told
        assert not done.warnings
