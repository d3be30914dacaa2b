# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access reviews: started once where a ledger remembers them, and never claimed to be known where nothing does."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from playbooks.harness import REVIEW, Data, Playbooks, play, task, writes
from playbooks.module_contract import IDLE, BadInput, refuse_all, rehearse
from sandbox.process import Sandbox

CREATE = "createAccessReview"
SPRING = {"name": "Spring", "reviewer": "manager", "due_date": "2099-04-30", "all_apps": True}
BLIND = "It cannot be known whether there is an access review called 'Spring' already"
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """Where the ledger is to be, in a folder that is not there yet."""
    return tmp_path / "kept" / "ledger.json"


def spring(ledger: Path | None = None, **changed: object) -> Data:
    """Return the options of a task, with a ledger if there is one."""
    return {**SPRING, **({"ledger_path": str(ledger)} if ledger else {}), **changed}


def started(tenant: Sandbox) -> list[str]:
    """Return the names of the campaigns that there are."""
    return [review["name"] for review in tenant.state("reviews")["reviews"]]


def remembered(ledger: Path) -> dict[str, Data]:
    """Return what a ledger holds, by the name of the campaign."""
    entries = json.loads(ledger.read_text(encoding="utf-8"))["entries"]
    assert all(entry["key"][0] == "review" for entry in entries)
    return {entry["key"][1]: entry["value"] for entry in entries}


def test_what_is_foreseen_happens_once(playbooks: Playbooks, tenant: Sandbox, ledger: Path) -> None:
    runs = rehearse(playbooks, tenant, "reviews", ledger=str(ledger))
    apps = {app["name"]: app["id"] for app in tenant.state("apps")["apps"]}
    spring, everything = runs.after["reviews"]
    assert spring == {
        "id": spring["id"],
        "name": "Spring",
        "description": None,
        "reviewer": "WorkAppOwner",
        "due_date": "2099-04-30T23:59:59Z",
        "app_ids": [apps["GitHub"], apps["AWS"]],
        "created_by": tenant.find("users", "Ada Admin")["id"],
    }
    assert (everything["name"], everything["reviewer"]) == ("Všechno, {{ 7 * 7 }}", "CurrentUser")
    assert (everything["due_date"], everything["description"]) == ("2099-12-31T17:00:00Z", "Everything, once a year")
    assert len(everything["app_ids"]) == len(runs.after["apps"])
    first, second = [diff for title in runs.titles for diff in runs.done[title].data["diff"]]
    assert (first["after_header"], first["before"]) == ("Access review: Spring", "")
    assert first["after"].splitlines() == [
        "app: AWS",
        "app: GitHub",
        "due: 2099-04-30T23:59:59Z",
        "reviewer: app_owner",
    ]
    assert "app: all apps\ndescription: Everything, once a year\n" in second["after"]
    assert remembered(ledger).keys() == {"Spring", "Všechno, {{ 7 * 7 }}"}
    assert [stat.S_IMODE(path.stat().st_mode) for path in (ledger.parent, ledger)] == [0o700, 0o600]


def test_check_mode_writes_no_file(playbooks: Playbooks, tenant: Sandbox, ledger: Path) -> None:
    run = playbooks.run(play(task("start", REVIEW, spring(ledger))), "--check").succeeded()
    assert run["start"].changed
    assert not run.warned_of()
    assert not ledger.parent.exists()
    assert playbooks.left_behind() == []
    assert not writes(tenant.log())


@pytest.mark.slow
def test_what_was_started_is_left_alone_whatever_is_wanted_now(
    playbooks: Playbooks, tenant: Sandbox, ledger: Path
) -> None:
    """Also by somebody who may not act, or past its due date: nothing is sent, so nothing hangs on it."""
    same = spring(ledger, acting_user="nobody@example.com")
    another = spring(ledger, reviewer="app_owner", due_date="2001-01-01", apps=["GitHub"], all_apps=False)
    wishes = {"the same": same, "another": another}
    playbooks.run(play(task("first", REVIEW, spring(ledger)))).succeeded()
    before = ledger.read_bytes()
    tenant.clear_log()
    run = playbooks.run(play(*(task(title, REVIEW, wish) for title, wish in wishes.items())))
    run.succeeded()
    for title in wishes:
        result = run[title]
        assert (result.changed, result.steps, result.data["review"]["outcome"]) == (False, IDLE, "started_before")
        assert result.data["review"]["started_at"] == json.loads(before)["entries"][0]["at"]
    assert run["the same"].warnings == []
    (warning,) = run["another"].warnings
    assert "'Spring' was started on 20" in warning
    assert "with other values for reviewer, due_date, apps. An access review cannot be changed" in warning
    assert ledger.read_bytes() == before
    assert [entry["operation"] for entry in tenant.log()] == ["listWorkApps"] * 2


@pytest.mark.slow
def test_without_a_ledger_it_is_sent_each_time_and_a_name_that_is_taken_is_no_harm(
    playbooks: Playbooks, tenant: Sandbox
) -> None:
    foreseen = playbooks.run(play(task("start", REVIEW, SPRING)), "--check", "--diff").succeeded()
    tasks = [task(title, REVIEW, SPRING) for title in ("first", "second")]
    run = playbooks.run(play(*tasks), "--diff").succeeded()
    for result in (foreseen["start"], run["first"]):
        review = result.data["review"]
        assert (result.changed, review["outcome"], review["changed_basis"]) == (True, "started", "none")
    assert foreseen["start"].told == run["first"].told
    assert all(BLIND in result.warnings[0] for result in (foreseen["start"], *run.results))

    second = run["second"].data
    assert (second["changed"], second["review"]["outcome"], second["diff"]) == (False, "name_refused", [])
    assert (second["review"]["verified"], second["review"]["changed_basis"]) == (False, "none")
    assert second["msg"].startswith("The access review 'Spring' was not started: the server answered 409")
    _blind, warning = run["second"].warnings
    assert "Whether the access review called 'Spring' is this one cannot be known" in warning
    assert [step["status"] for step in second["steps"]["refused"]] == [409]
    assert run["first"].data["msg"].endswith("(which the API cannot confirm).")
    assert started(tenant) == ["Spring"]
    assert len(writes(tenant.log())) == 2


@pytest.mark.slow
def test_a_refused_name_is_not_remembered(playbooks: Playbooks, tenant: Sandbox, ledger: Path) -> None:
    tasks = [task("elsewhere", REVIEW, SPRING), task("here", REVIEW, spring(ledger))]
    run = playbooks.run(play(*tasks)).succeeded()
    assert (run["here"].changed, run["here"].data["review"]["outcome"]) == (False, "name_refused")
    assert ["Nothing was started" in warning for warning in run["here"].warnings] == [True]
    assert remembered(ledger) == {}


@pytest.mark.slow
def test_a_name_refused_as_bad_is_an_error(playbooks: Playbooks, tenant: Sandbox, ledger: Path) -> None:
    """A 400 may mean anything, also that nothing like it was ever started."""
    tenant.configure(taken_review_name="400")
    tasks = [task("elsewhere", REVIEW, SPRING), task("here", REVIEW, spring(ledger), ignore_errors=True)]
    run = playbooks.run(play(*tasks)).succeeded()
    assert run["here"].failed
    assert run["here"].data["error"].items() >= {"kind": "refused", "status": 400}.items()
    assert "Could not start the access review 'Spring' of all apps: the server answered 400" in run["here"].data["msg"]
    assert not run["here"].changed
    assert remembered(ledger) == {}


#: What is lost: the fault, and whether the access review was started all the same.
LOST: dict[str, tuple[Data, bool]] = {
    "the connection after it": ({"kind": "drop_after"}, True),
    "the connection before it": ({"kind": "drop_before"}, False),
    "503": ({"kind": "503"}, False),
    "504": ({"kind": "504", "after": True}, True),
    "HTML": ({"kind": "html", "after": True}, True),
}


@pytest.mark.slow
def test_a_lost_answer_stays_unknown(playbooks: Playbooks, tmp_path: Path) -> None:
    plays = []
    for case, (fault, _exists) in LOST.items():
        mine = spring(tmp_path / case / "ledger.json")
        plays += play(
            task(f"{case}: before", "tenant", {"reset": {}, "faults": [{"operation": CREATE, **fault}]}),
            task(f"{case}: lost", REVIEW, mine, ignore_errors=True),
            task(f"{case}: again", REVIEW, mine),
            task(f"{case}: after", "tenant", {"log": True, "state": ["reviews"]}),
        )
    run = playbooks.run(plays).succeeded()
    for case, (_fault, exists) in LOST.items():
        lost, again, after = (run[f"{case}: {part}"] for part in ("lost", "again", "after"))
        assert (lost.failed, lost.changed, lost.data["error"]["kind"]) == (True, False, "outcome_unknown"), case
        assert "not sent again" in lost.data["msg"]
        assert [len(lost.steps[part]) for part in ("done", "errors", "pending")] == [0, 1, 0]
        assert again.data["review"]["outcome"] == ("name_refused" if exists else "started"), case
        assert [entry["operation"] for entry in after.data["log"]].count(CREATE) == 2
        assert [review["name"] for review in after.data["state"]["reviews"]] == ["Spring"], case
        assert remembered(tmp_path / case / "ledger.json").keys() == (set() if exists else {"Spring"}), case


@pytest.mark.slow
def test_a_request_that_was_one_too_many_is_sent_again(playbooks: Playbooks, tenant: Sandbox, ledger: Path) -> None:
    tenant.fault(CREATE, 429, retry_after=0)
    run = playbooks.run(play(task("start", REVIEW, spring(ledger)))).succeeded()
    assert run["start"].data["review"]["outcome"] == "started"
    assert [entry["status"] for entry in tenant.log(operation=CREATE)] == [429, 201]


def test_a_ledger_that_cannot_be_written_stops_the_run_before_anything_is_sent(
    playbooks: Playbooks, tenant: Sandbox
) -> None:
    run = playbooks.run(play(task("start", REVIEW, spring(Path("/proc/ledger.json")), ignore_errors=True)))
    assert run["start"].failed
    assert run["start"].data["error"] == {"kind": "file", "path": "/proc/ledger.json"}
    assert [len(run["start"].steps[part]) for part in ("done", "errors", "pending")] == [0, 0, 1]
    assert not writes(tenant.log())


@pytest.mark.slow
def test_the_ledger_may_stand_in_the_environment(playbooks: Playbooks, tenant: Sandbox, ledger: Path) -> None:
    run = playbooks.run(play(task("start", REVIEW, SPRING)), CAKEWALK_LEDGER=str(ledger)).succeeded()
    assert not run.warned_of()
    assert remembered(ledger).keys() == {"Spring"}


@pytest.mark.slow
def test_the_ledger_of_another_tenant_is_refused(playbooks: Playbooks, tenant: Sandbox, ledger: Path) -> None:
    playbooks.run(play(task("one", REVIEW, spring(ledger)))).succeeded()
    tenant.reset(seed=2)
    run = playbooks.run(play(task("another", REVIEW, spring(ledger), ignore_errors=True)))
    assert run["another"].data["error"] == {"kind": "wrong_tenant", "path": str(ledger)}
    assert "Give each tenant a ledger of its own (`ledger_path`)" in run["another"].data["msg"]
    assert not writes(tenant.log())


DATES: list[BadInput] = [
    *(
        (
            f"due {due!r}",
            {**SPRING, "due_date": due},
            "configuration",
            [f"'{due}' as `due_date`", "it is neither a date nor a time with its zone"],
        )
        for due in ("tomorrow", "2099-02-30", "30.04.2099", "2099-04-30T10:00:00")
    ),
    (
        "due in the past",
        {**SPRING, "due_date": "2001-01-01"},
        "configuration",
        ["'2001-01-01T23:59:59Z' as `due_date`", "it is in the past", "it is in the past", "Give a date in the future"],
    ),
    *(
        (f"due {due!r}", {**SPRING, "due_date": due}, None, ["missing required arguments: due_date"])
        for due in (None, "")
    ),
]

NAMES: list[BadInput] = [
    *(
        (f"the name {name!r}", {**SPRING, "name": name}, None, ["missing required arguments: name"])
        for name in (None, "", " ")
    ),
    *(
        (f"the name {name!r}", {**SPRING, "name": name}, "configuration", ["as `name`", words])
        for name, words in (
            (" Spring", "' Spring' as `name`: it has space around it"),
            ("Spring ", "it has space around it"),
        )
    ),
    (
        "an unknown reviewer",
        {**SPRING, "reviewer": "boss"},
        None,
        ["reviewer", "app_owner, manager, review_owner", "boss"],
    ),
]


def of_apps(*apps: str) -> Data:
    """Return the options of a task that reviews some apps."""
    return {**SPRING, "all_apps": False, "apps": list(apps)}


WHICH: list[BadInput] = [
    ("both", {**SPRING, "apps": ["GitHub"]}, "configuration", ["`all_apps` is true, and apps are listed too"]),
    ("both, none listed", {**SPRING, "apps": []}, "configuration", ["`all_apps` is true, and apps are listed too"]),
    ("neither", {**SPRING, "all_apps": False}, "configuration", ["`all_apps` is false", "List apps"]),
    ("no apps", of_apps(), "configuration", ["apps is empty", "set `all_apps: true` if all of them are meant"]),
    ("a blank app", of_apps("GitHub", " "), "configuration", ["an entry is blank", "Remove it, or fill it in"]),
    (
        "a blank text",
        {**of_apps(), "apps": ""},
        "configuration",
        ["apps is not set and `all_apps` is false"],
    ),
    ("an unknown app", of_apps("Gitub"), "lookup_failed", ["'Gitub' does not exist", "did you mean 'GitHub'"]),
    ("an unknown id", of_apps(NOBODY), "lookup_failed", [f"the app '{NOBODY}' does not exist"]),
    ("a name of two apps", of_apps("Twin App"), "lookup_failed", ["are called 'Twin App'", "Give the id"]),
    (
        "all that is wrong at once",
        {**of_apps("Gitub"), "acting_user": "ada.amin@example.com"},
        "lookup_failed",
        ["'Gitub' does not exist", "the acting user 'ada.amin@example.com' does not exist"],
    ),
]

ACTORS: list[BadInput] = [
    (
        "somebody who may not act",
        {**SPRING, "acting_user": "oscar.offboarding@example.com"},
        "configuration",
        ["status of this person is Offboarding", "Name an active admin"],
    ),
    (
        "an address of two people",
        {**SPRING, "acting_user": "sam.twin@example.com"},
        "lookup_failed",
        ["have the address 'sam.twin@example.com'"],
    ),
]

LEDGERS: list[BadInput] = [
    ("relative", {**SPRING, "ledger_path": "ledger.json"}, "file", ["'ledger.json'", "the path is relative"]),
    (
        "damaged",
        {**SPRING, "ledger_path": "{{ damaged }}"},
        "file",
        [
            "it is not JSON, so it is damaged",
            "Move it away: the next run begins a new ledger, and reports everything as changed once",
        ],
    ),
    ("a link", {**SPRING, "ledger_path": "{{ link }}"}, "file", ["is a link, and links are not followed"]),
    ("a folder", {**SPRING, "ledger_path": "{{ link | dirname }}"}, "file", ["is not a regular file"]),
]


def test_bad_input_fails_before_the_first_write(playbooks: Playbooks, tenant: Sandbox, tmp_path: Path) -> None:
    damaged, link = tmp_path / "damaged.json", tmp_path / "link.json"
    damaged.write_text("{", encoding="utf-8")
    link.symlink_to(damaged)
    bad = [*DATES, *NAMES, *WHICH, *ACTORS, *LEDGERS]
    refuse_all(playbooks, tenant, REVIEW, bad, damaged=str(damaged), link=str(link))
    assert damaged.read_text(encoding="utf-8") == "{"
