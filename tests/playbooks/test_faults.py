# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each fault ends in the right state, or in an error that tells how far the run came; a run after it converges.

What a client does at each status and fault is tested closer to it; here, that it reaches the playbook.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from playbooks.harness import MEMBERS, Data, Run, members, side_by_side, task, writes

#: All cases are one run, on one worker; tests/contract/test_every_fault.py has the same promise without playbooks.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("faults")]

READ_PEOPLE, READ_MEMBERS = "listUsers", "listUsersGroupUsers"
ADD, REMOVE = "addUsersToGroup", "removeUserFromGroup"
CONNOR, ERIN, OSCAR = "connor.contractor@example.com", "erin.engineer@example.com", "oscar.offboarding@example.com"

#: One addition, then two removals one after the other, by a client that repeats once.
OPTIONS = {
    "memberships": [
        {"group": "Contractors", "users": [ERIN], "state": "present"},
        {"group": "Contractors", "users": [CONNOR, OSCAR], "state": "absent"},
    ],
    "concurrency": 1,
    "max_retries": 1,
    "timeout": 2,
}
TOO_SLOW = {"seconds": 3}


@dataclass(frozen=True)
class Case:
    """Faults and what comes of them.

    :param operation: what they strike.
    :param faults: the kinds of fault in the order in which they strike.
    :param error: the kind of error that ends the run, none where it succeeds.
    :param sent: how many POST and DELETE requests the tenant receives in all.
    :param done: how many steps are told as done where the run fails at one.
    :param more: options of all faults.
    """

    operation: str
    faults: tuple[str, ...]
    error: str | None = None
    sent: int = 3
    done: int = 0
    more: Data = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What tests and tasks are called."""
        more = (f"{name} {value}" for name, value in self.more.items())
        return " ".join([self.operation, *self.faults, *more])

    def tasks(self) -> list[Data]:
        """The task with the faults, and again without them."""
        faults = [{"operation": self.operation, "kind": kind, **self.more} for kind in self.faults]
        if len(set(self.faults)) > 1:
            faults = [{**fault, "skip": number} for number, fault in enumerate(faults)]
        return [
            task(f"{self.name}: before", "tenant", {"reset": {}, "faults": faults, "state": ["users", "groups"]}),
            task(f"{self.name}: struck", MEMBERS, OPTIONS, ignore_errors=True),
            task(f"{self.name}: after", "tenant", {"log": True, "state": ["users", "groups"]}),
            task(f"{self.name}: from here", "tenant", {"clear_log": True}),
            task(f"{self.name}: again", MEMBERS, OPTIONS),
            task(f"{self.name}: in the end", "tenant", {"log": True, "state": ["users", "groups"]}),
        ]


#: Different faults of a case strike different requests: each is repeated once, and the repetition passes.
READING = [
    Case(READ_PEOPLE, ("429", "500", "502", "503", "504", "drop_before", "drop_after")),
    Case(READ_PEOPLE, ("slow",), more=TOO_SLOW),
    Case(READ_PEOPLE, ("429", "429"), "rate_limited", sent=0),
    Case(READ_PEOPLE, ("503", "503"), "server_error", sent=0, more={"skip": 1}),
    Case(READ_PEOPLE, ("drop_before", "drop_before"), "transport", sent=0),
    *(
        Case(operation, (kind,), "protocol", sent=0)
        for operation in (READ_PEOPLE, READ_MEMBERS)
        for kind in ("truncated", "html")
    ),
    Case(READ_PEOPLE, ("empty_page",)),
    Case(READ_MEMBERS, ("empty_page",)),
    Case(READ_PEOPLE, ("repeat_cursor",)),
    Case(READ_MEMBERS, ("repeat_cursor",) * 8, "list_moved", sent=0),
]
ADDING = [
    Case(ADD, ("429",), sent=4),
    Case(ADD, ("429", "429"), "rate_limited", sent=2),
    *(Case(ADD, (kind,), "outcome_unknown", sent=1) for kind in ("500", "502", "503", "504", "drop_before", "html")),
    *(Case(ADD, (kind,), more={"after": True}) for kind in ("504", "html")),
    *(Case(ADD, (kind,)) for kind in ("drop_after", "truncated")),
    Case(ADD, ("slow",), more=TOO_SLOW),
]
REMOVING = [
    *(Case(REMOVE, kinds, sent=5) for kinds in (("429", "500"), ("502", "503"), ("504", "drop_before"))),
    Case(REMOVE, ("drop_after", "slow"), sent=5, more={**TOO_SLOW, "after": True}),
    Case(REMOVE, ("html",), "outcome_unknown", sent=2, done=1),
    Case(REMOVE, ("503", "503"), "outcome_unknown", sent=4, done=2, more={"skip": 1}),
    Case(REMOVE, ("drop_before", "drop_before"), "outcome_unknown", sent=3, done=1),
]
CASES = [*READING, *ADDING, *REMOVING]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """All cases, in one run."""
    folder = tmp_path_factory.mktemp("faults")
    return side_by_side(folder, [case.tasks() for case in CASES], users=20, groups=5, apps=6, page_size=2)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_fault_ends_well_or_tells_how_far_it_came(run: Run, case: Case) -> None:
    struck, after = run[f"{case.name}: struck"], run[f"{case.name}: after"].data
    sent = [method for method, _path in writes(after["log"])]
    assert [entry["fault"] for entry in after["log"] if entry["fault"]] == [*case.faults]
    assert len(sent) == case.sent, struck.data
    assert struck.data.get("error", {}).get("kind") == case.error, struck.data
    assert struck.failed == bool(case.error)
    steps = struck.steps
    if case.error is None:
        assert (len(steps["done"]), steps["errors"], steps["pending"]) == (3, [], [])
        assert contractors(after["state"]) == {ERIN}
    elif case.operation in (READ_PEOPLE, READ_MEMBERS):
        assert "steps" not in struck.data
        assert after["state"] == run[f"{case.name}: before"].data["state"]
    else:
        assert (len(steps["done"]), len(steps["errors"]), len(steps["pending"])) == (case.done, 1, 2 - case.done)
        assert steps["errors"][0]["method"] == ("POST" if case.operation == ADD else "DELETE")
        assert steps["errors"][0]["kind"] == case.error
        assert "'steps' names each" in struck.data["msg"]
        assert struck.changed == bool(case.done)
        expected = {CONNOR, OSCAR} | ({ERIN} if case.done else set())
        assert contractors(after["state"]) == expected - ({CONNOR} if case.done > 1 else set())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_run_after_a_fault_converges(run: Run, case: Case) -> None:
    struck, again, end = (run[f"{case.name}: {part}"] for part in ("struck", "again", "in the end"))
    assert contractors(end.data["state"]) == {ERIN}
    assert again.changed == struck.failed
    assert len(writes(end.data["log"])) == 3 - len(struck.steps["done"])


def contractors(state: Data) -> set[str]:
    """Return who is in the group."""
    group = next(group for group in state["groups"] if group["name"] == "Contractors")
    return members(state)[group["id"]]
