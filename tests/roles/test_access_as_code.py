# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role access_as_code: what files say is planned, approved by its hash, and then carried out, and nothing else."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml
from playbooks.harness import COLLECTIONS, Data, Playbooks, play, task
from playbooks.module_contract import foreseeable
from roles.code import MODULE, CodeFolder, body, of_module
from roles.people import CONNOR, OLGA, OWEN, PETRA, SALLY, SAM, Staff, custom_stats, is_private, show
from sandbox.process import Sandbox

IRIS, OSCAR, ADA = "iris.invited@example.com", "oscar.offboarding@example.com", "ada.admin@example.com"
#: The lines of a run with three writes, by their status.
RECORDED = Counter({"begun": 1, "sending": 3, "done": 3, "ended": 1})
NOTHING = "Nothing to do: the tenant is as the code says."


@pytest.fixture
def code(tenant: Sandbox, playbooks: Playbooks) -> CodeFolder:
    """The role, with an empty folder of code."""
    return CodeFolder(tenant, playbooks)


@pytest.fixture
def crew(code: CodeFolder) -> CodeFolder:
    """Code by which Iris joins Sales, and Connor takes the place of Oscar as the only contractor."""
    code.say(
        groups=[
            {"group": "Sales", "members": [IRIS, SALLY]},
            {"group": "Contractors", "mode": "exact", "members": [CONNOR, IRIS]},
            {"group": "Okta Everyone", "mode": "unmanaged"},
        ]
    )
    return code


def test_an_export_is_code_that_changes_nothing(code: CodeFolder, capsys: pytest.CaptureFixture[str]) -> None:
    before = code.tenant.state()
    foreseen = code.result(code.hold("export", "--check").succeeded())
    assert (foreseen.changed, list(code.folder.iterdir())) == (True, [])
    exported = code.result(code.hold("export").succeeded())
    assert exported.changed
    assert exported.data["files"] == sorted(path.name for path in code.folder.iterdir())
    assert all(is_private(path) for path in code.folder.iterdir())
    code.tenant.clear_log()
    assert not code.result(code.hold("export").succeeded()).changed
    show("export", code.cost(), capsys)

    code.tenant.clear_log()
    planned = code.planned()
    show("plan of an export", code.cost(), capsys)
    assert body(planned["plan"]) == [NOTHING]
    assert planned["summary"] == {"steps": 0, "removals": 0, "expired": 0}
    assert (code.written(), code.tenant.state()) == ([], before)
    drift = code.result(code.hold("drift").succeeded()).data
    assert (drift["drift"]["in_sync"], drift["drift"]["not_in_code"]) == (True, [])


@pytest.mark.slow
def test_an_export_owns_nobody_and_leaves_alone_what_may_be_synced(code: CodeFolder) -> None:
    code.hold("export").succeeded()

    entries = yaml.safe_load((code.folder / "groups.yml").read_text(encoding="utf-8"))["groups"]

    kinds = {row["id"]: row["type"] for row in code.tenant.state("groups")["groups"]}
    by_name = {row["name"]: row for row in code.tenant.state("groups")["groups"]}
    for entry in entries:
        group = by_name.get(entry["group"]) or {"id": entry["group"]}
        assert entry["mode"] == ("additive" if kinds[group["id"]] == "Managed" else "unmanaged")
    assert len(entries) == len(kinds)
    named = {entry["group"]: entry for entry in entries}
    assert set(named["Engineering"]["members"]) == code.members("Engineering")
    assert "Twin Group" not in named, "a name of two groups means neither"


@pytest.mark.slow
def test_an_export_does_not_replace_code(crew: CodeFolder) -> None:
    failures = crew.refusals_by_mode({"unless told": ("export", {}), "told not to": ("export", {"overwrite": "false"})})
    for case, failure in failures.items():
        assert failure["error"]["kind"] == "configuration", case
        assert "groups.yml" in failure["msg"], case
    crew.hold("export", overwrite=True).succeeded()
    assert body(crew.planned()["plan"]) == [NOTHING]


def test_what_is_planned_is_what_is_applied_once(crew: CodeFolder, capsys: pytest.CaptureFixture[str]) -> None:
    before = crew.tenant.state()
    planned = crew.planned()
    show("plan", crew.cost(), capsys)
    assert body(planned["plan"]) == [
        "Members of Sales",
        f"  + {IRIS}",
        "  > opens access requests for Salesforce",
        "Members of Contractors",
        f"  - {OSCAR}",
        f"  + {IRIS}",
        "3 steps, 1 removal among them.",
    ]
    plan = crew.paths()["plan_path"]
    text = plan.read_bytes()
    assert planned["plan_hash"] in text.decode()
    assert is_private(plan)
    crew.planned()
    assert plan.read_bytes() == text
    approved = {"plan_hash": planned["plan_hash"]}
    foreseen = crew.result(crew.hold("apply", "--check", "--diff", **approved).succeeded())
    assert (crew.written(), crew.tenant.state()) == ([], before)
    assert not crew.paths()["record_path"].exists()

    crew.tenant.clear_log()
    done = crew.result(crew.hold("apply", "--diff", **approved).succeeded())
    show("apply", crew.cost(), capsys)
    assert (foreseen.changed, done.changed) == (True, True)
    assert foreseen.data["diff"] == done.data["diff"] != []
    assert foreseen.steps["pending"] == foreseeable(done.steps["done"])
    assert [method for method, _path in crew.written()] == ["POST", "POST", "DELETE"]
    assert crew.members("Contractors") == {CONNOR, IRIS}
    assert crew.statuses() == RECORDED
    assert {line["actor"] for line in crew.lines()} == {crew.tenant.acting_user}
    assert is_private(crew.paths()["record_path"])

    crew.tenant.clear_log()
    again = crew.result(crew.hold("apply", **approved).succeeded())
    assert (again.changed, body(again.data["plan"]), crew.written()) == (False, [NOTHING], [])
    assert body(crew.planned()["plan"]) == [NOTHING]


def test_what_was_not_approved_is_not_done(crew: CodeFolder) -> None:
    approved = crew.planned()["plan_hash"]
    other = crew.copied(
        "other", **{"groups.yml": yaml.safe_dump({"groups": [{"group": "Sales", "members": [IRIS, OWEN]}]})}
    )
    moved: dict[str, Data] = {
        "a hash that was never given": {"plan_hash": "0" * 64},
        "another rail": {"max_removals": 5},
        "another actor": {"acting_user": OLGA},
        "another file": {"folder": str(other)},
        "a member of a group that changes otherwise": {},
        "a member of a group that changes": {},
    }
    changes = {
        f"a member of a group that {what}": {"change": "add_member", "group": group, "user": PETRA}
        for what, group in (("changes otherwise", "Sales"), ("changes", "Contractors"))
    }

    failures = crew.refusals_by_mode(
        {case: ("apply", {"plan_hash": approved, **given}) for case, given in moved.items()}, changes
    )

    assert {case: failure["error"]["kind"] for case, failure in failures.items()} == dict.fromkeys(moved, "plan_moved")


def test_what_cannot_be_recorded_or_taken_back_is_not_done(crew: CodeFolder) -> None:
    approved = crew.planned()["plan_hash"]
    folder = crew.kept / "a folder"
    folder.mkdir()

    failures = crew.refusals_by_mode(
        {path: ("apply", {"plan_hash": approved, path: str(folder)}) for path in ("record_path", "inverse_path")}
    )

    for path, failure in failures.items():
        assert (failure["error"]["kind"], failure["changed"]) == ("file", False), path


@pytest.mark.slow
def test_no_two_runs_apply_with_one_record_at_once(crew: CodeFolder) -> None:
    approved = crew.planned()["plan_hash"]
    crew.tenant.fault("removeUserFromGroup", "slow", seconds=3)
    with ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(lambda _number: crew.hold("apply", plan_hash=approved), range(2)))
    assert [run.status for run in runs] == [0, 0]
    assert [method for method, _path in crew.written()] == ["POST", "POST", "DELETE"]
    assert crew.statuses() == RECORDED


@pytest.mark.slow
def test_the_record_names_who_acted_wherever_that_was_set(crew: CodeFolder, playbooks: Playbooks) -> None:
    approved = crew.planned(acting_user=OLGA)["plan_hash"]
    given = {"mode": "apply", "folder": str(crew.folder), "plan_hash": approved}
    given["journal_path"] = str(crew.paths()["record_path"])
    playbooks.run([of_module(given, environment={"CAKEWALK_ACTING_USER": OLGA})]).succeeded()
    assert [line.get("actor") for line in crew.lines()] == [OLGA] * RECORDED.total()


@pytest.mark.slow
def test_what_a_plan_does_not_touch_may_change(crew: CodeFolder) -> None:
    approved = crew.planned()["plan_hash"]
    crew.tenant.change("add_member", group="Engineering", user=SALLY)
    crew.write("groups.yml", "# a comment\n" + (crew.folder / "groups.yml").read_text(encoding="utf-8"))
    crew.hold("apply", plan_hash=approved).succeeded()
    assert crew.members("Contractors") == {CONNOR, IRIS}


@pytest.mark.slow
def test_an_interrupted_run_tells_how_far_it_came_and_is_planned_anew(crew: CodeFolder) -> None:
    planned = crew.planned()
    crew.tenant.fault("removeUserFromGroup", 500)

    run = crew.hold("apply", plan_hash=planned["plan_hash"], environment={"CAKEWALK_MAX_RETRIES": "0"})

    failed = crew.result(run)
    assert (run.status, failed.failed, failed.changed) == (2, True, True)
    assert [len(failed.steps[name]) for name in ("done", "errors", "pending")] == [2, 1, 0]
    assert crew.statuses() == {"begun": 1, "sending": 3, "done": 2, "unknown": 1, "ended": 1}
    assert len(failed.data["inverse"]["not_undoable"]) == 2, "what it opened, and what failed"
    inverse = crew.paths()["inverse_path"]
    earlier = inverse.read_bytes()
    assert body(crew.planned()["plan"])[:2] == ["Members of Contractors", f"  - {OSCAR}"]
    crew.applied()
    assert crew.members("Contractors") == {CONNOR, IRIS}
    (kept,) = [path for path in inverse.parent.iterdir() if path != inverse]
    assert kept.read_bytes() == earlier
    assert (kept.suffix.startswith(".before-"), is_private(kept)) == (True, True)


def test_an_inverse_plan_takes_back_what_was_done(crew: CodeFolder) -> None:
    before = {group: crew.members(group) for group in ("Sales", "Contractors")}
    crew.applied()
    assert {group: crew.members(group) for group in before} != before

    back = str(crew.paths()["inverse_path"].parent)
    kept = {"folder": back, "inverse_path": str(crew.kept / "again" / "inverse.yml"), "allow_inactive": True}
    crew.applied(**kept)

    assert {group: crew.members(group) for group in before} == before


@pytest.mark.slow
def test_who_left_by_the_role_leaver_is_told_with_file_and_line(
    crew: CodeFolder, tenant: Sandbox, playbooks: Playbooks
) -> None:
    leaver = Staff("leaver", tenant, playbooks)
    proofs = crew.kept / "proofs"
    given = {"user": CONNOR, "confirm": CONNOR, "purpose": "Left", "proof_dir": str(proofs), "wait_timeout": 0}
    leaver.run(**given, max_removal_percent=100)
    (proof,) = proofs.glob("leaver-*.json")
    approved = {"proof_dir": str(proofs)}

    done = crew.applied(**approved)

    (line,) = [line for line in done["plan"] if CONNOR in line]
    assert line.startswith(f"{CONNOR}: left, remove from the code (groups.yml:9); offboarded, see {proof.name} of 20")
    assert line.endswith(", but the status is Active: move the proof away if the person is back")
    assert crew.members("Contractors") == {IRIS}
    assert crew.result(crew.hold("drift", **approved).succeeded()).data["drift"]["left_alone"] == [line]
    assert f"  + {CONNOR}" in crew.planned()["plan"], "without the proofs nobody knows"

    spoilt, gone = crew.kept / "spoilt", crew.kept / "gone"
    spoilt.mkdir(mode=0o700)
    shutil.copy(proof, spoilt)
    (spoilt / "leaver-none.json").write_text("{}", encoding="utf-8")
    (spoilt / "leaver-none.json").chmod(0o600)
    crew.tenant.clear_log()
    failures = crew.refusals_by_mode(
        {name: ("plan", {"proof_dir": path}) for name, path in (("spoilt", str(spoilt)), ("gone", str(gone)))}
    )
    assert "it is not a proof about a person" in failures["spoilt"]["msg"]
    assert "there is no such folder" in failures["gone"]["msg"]
    assert crew.tenant.log() == []


def test_a_plan_for_a_comment_is_markdown_and_the_reason_replaces_it_if_there_is_no_plan(crew: CodeFolder) -> None:
    comment = crew.kept / "plan.md"
    given: Data = {"plan_path": str(comment)}
    planned = crew.planned(**given)
    text = comment.read_text(encoding="utf-8")
    assert text.startswith("### Access as code: plan\n\n**3 steps, 1 removal among them.**\n")
    assert f"\n```diff\n- {OSCAR}\n+ {IRIS}\n```\n" in text
    assert text.endswith(f"\nplan_hash: `{planned['plan_hash']}`\n")
    assert is_private(comment)

    crew.failure("plan", max_removals=0, **given)
    refused = comment.read_text(encoding="utf-8")
    assert refused.startswith("### Access as code: refused\n")
    assert "raise `max_removals`.</code></li>" in refused
    assert "plan_hash" not in refused

    crew.write("more.yml", "groups:\n  - group: <b>\n    member: []\n")
    crew.refused(crew.hold("plan", "--check", **given))
    assert comment.read_text(encoding="utf-8") == refused
    crew.failure("plan", **given)
    assert "<li><code>more.yml:2: " in comment.read_text(encoding="utf-8")


@pytest.mark.every_core
def test_a_workflow_goes_from_plan_to_apply_by_its_artifacts_alone(crew: CodeFolder) -> None:
    shown = {"ANSIBLE_SHOW_CUSTOM_STATS": "1"}
    artifacts = custom_stats(crew.hold("plan", environment=shown).succeeded())
    plan = crew.paths()["plan_path"].read_bytes()
    assert artifacts == {
        "access_as_code_complete": False,
        "access_as_code_plan_hash": plan.decode().splitlines()[-1].removeprefix("plan_hash: "),
        "access_as_code_plan_path": str(crew.paths()["plan_path"]),
        "access_as_code_plan_sha256": hashlib.sha256(plan).hexdigest(),
        "access_as_code_steps": 3,
        "access_as_code_removals": 1,
        "access_as_code_expired": 0,
    }
    file = crew.kept / "artifacts.json"
    file.write_text(json.dumps({**artifacts, "access_as_code_plan_path": "/elsewhere/on/another/node"}), "utf-8")

    drift = crew.hold("drift", "-e", f"@{file}", environment=shown)
    run = crew.hold("apply", "-e", f"@{file}", environment=shown).succeeded()

    counts = {"access_as_code_steps": 3, "access_as_code_removals": 1, "access_as_code_expired": 0}
    assert (drift.status, custom_stats(drift)) == (
        2,
        {**counts, "access_as_code_in_sync": False, "access_as_code_complete": False},
    )
    approved = {"access_as_code_plan_hash": artifacts["access_as_code_plan_hash"]}
    approved["access_as_code_code_digest"] = crew.result(drift).data["code_digest"]
    assert custom_stats(run) == {**counts, **approved, "access_as_code_complete": True}
    assert crew.members("Contractors") == {CONNOR, IRIS}
    moved = crew.hold("apply", plan_hash="0" * 64, folder=str(crew.folder), environment=shown)
    assert custom_stats(moved.succeeded())["access_as_code_steps"] == 0


@pytest.mark.every_core
@pytest.mark.parametrize("blank", ["", pytest.param(None, marks=pytest.mark.slow)])
def test_blank_answers_leave_what_the_play_says(crew: CodeFolder, playbooks: Playbooks, blank: str | None) -> None:
    of_play = {
        "folder": str(crew.folder),
        "protected_users": [OSCAR],
        "purpose": "Of the play",
        "max_removals": 7,
        "overwrite": False,
    }
    answers = {f"access_as_code_{name}": blank for name in crew.argument_names()}
    role = {"role": "cakewalk.access.access_as_code", "vars": answers}
    plays = play(module_defaults={MODULE: of_play}, roles=[role])

    planned = crew.result(playbooks.run(plays).succeeded()).data

    assert planned["plan"][2:4] == [
        "Purpose: Of the play",
        f"Guardrails: at most 7 removals, removals of at most 10 % of what is read, protected: {OSCAR}",
    ]
    assert planned["summary"] == {"steps": 2, "removals": 0, "expired": 0}


def test_drift_is_told_and_fails_unless_it_is_only_asked_for(crew: CodeFolder) -> None:
    failure = crew.failure("drift", max_removals=0)
    assert failure["error"]["kind"] == "drift"
    assert failure["drift"]["differing"] == ["Members of Contractors", "Members of Sales"]
    assert "Engineering" in failure["drift"]["not_in_code"]
    assert f"  + {IRIS}" in failure["plan"]
    told = crew.result(crew.hold("drift", fail_on_drift=False).succeeded())
    assert (told.changed, told.data["drift"]["in_sync"]) == (False, False)


def test_protected_people_stay_and_the_plan_says_so(crew: CodeFolder) -> None:
    planned = crew.planned(protected_users=[OSCAR])
    assert f"{OSCAR} stays in the group 'Contractors', being protected" in planned["plan"]
    assert planned["summary"]["removals"] == 0


def test_code_of_one_tenant_is_refused_by_another(crew: CodeFolder) -> None:
    crew.tenant.reset(seed=2)
    failure = crew.failure("plan")
    assert failure["error"]["kind"] == "wrong_tenant"


@pytest.mark.parametrize("in_process", ["true", pytest.param("false", marks=pytest.mark.slow)])
def test_nothing_that_people_write_in_the_tenant_is_executed(code: CodeFolder, tmp_path: Path, in_process: str) -> None:
    marker = tmp_path / "executed"
    live = f"{{{{ lookup('ansible.builtin.pipe', 'touch {marker}') }}}} $(touch {marker}) \u202e\n# \"'\u2028😀 "
    for group in code.tenant.state("groups")["groups"]:
        code.tenant.change("rename_group", group=group["id"], name=live + group["id"])
    for app in code.tenant.state("apps")["apps"]:
        code.tenant.change("rename_app", app=app["id"], name=live + app["id"])
    for app in code.tenant.state("apps")["apps"]:
        for level in app["levels"]:
            code.tenant.change("rename_level", app=app["id"], level=level["id"], name=live + level["id"])
    code.tenant.change("set_field", app=app["id"], field="Cost Center", value=live)
    here = {"environment": {"CAKEWALK_IN_PROCESS": in_process}}
    code.hold("export", **here).succeeded()
    assert body(code.planned(**here)["plan"]) == [NOTHING]
    groups = yaml.safe_load((code.folder / "groups.yml").read_text(encoding="utf-8"))["groups"]
    managed = [entry for entry in groups if entry["mode"] == "additive"]
    assert all(entry["group"].startswith(live) for entry in groups)
    managed[0]["members"] = [*managed[0]["members"], OWEN]
    code.say(groups=groups)

    done = code.applied("--diff", **here)

    assert done["summary"]["steps"] == 1
    assert OWEN in code.members(managed[0]["group"])
    code.hold("drift", **here).succeeded()
    assert not marker.exists()
    assert all("\u202e" not in line for line in done["plan"])


#: Options, the kind of error, words of the message.
RAILS: dict[str, tuple[Data, str, str]] = {
    "no removal allowed": ({"max_removals": 0}, "rail", "`max_removals` allows 0"),
    "a share below none": ({"max_removal_percent": -1}, "configuration", "max_removal_percent"),
    "nobody acts": ({"acting_user": "nobody@example.com"}, "lookup_failed", "nobody@example.com"),
    "a protected person who is gone": ({"protected_users": ["gone@example.com"]}, "lookup_failed", "gone@example.com"),
}


@pytest.mark.parametrize("mode", [pytest.param("plan", marks=pytest.mark.slow), "apply"])
def test_a_rail_stops_a_plan_and_an_application(crew: CodeFolder, mode: str) -> None:
    failures = crew.refusals_by_mode(
        {case: (mode, {"plan_hash": "0" * 64, **given}) for case, (given, *_rest) in RAILS.items()}
    )

    for case, (_given, kind, words) in RAILS.items():
        assert failures[case]["error"]["kind"] == kind, case
        assert words in failures[case]["msg"], case


@pytest.mark.slow
def test_the_share_is_one_of_all_that_is_read(code: CodeFolder) -> None:
    crowd = sorted(code.members("Engineering"))
    read = len(crowd) + 2
    assert read >= 20
    code.say(
        groups=[
            {"group": "Engineering", "absent": [one for one in crowd if one != ADA][: read // 10 + 1]},
            {"group": "Contractors", "members": [CONNOR]},
        ]
    )
    failure = code.failure("plan")
    assert (failure["error"]["kind"], failure["error"]["max_removal_percent"]) == ("rail", 10)
    assert code.planned(max_removal_percent=50)["summary"]["removals"] == read // 10 + 1


TENANT = "tenant:\n  anchors: [{anchor}]\n"
#: What stands in groups.yml below the line "groups:", the line that is at fault, words of the problem.
WRONG: dict[str, tuple[str, str, str]] = {
    "no YAML": ("- group: [\n", "groups.yml:3", ""),
    "an unknown key": ("- group: Sales\n  memebers: []\n", "groups.yml:2", "unknown: memebers. Supported"),
    "an unknown mode": ("- group: Sales\n  mode: own\n", "groups.yml:2", "own"),
    "a key twice": ("- group: Sales\n  members: []\n  members: []\n", "groups.yml:4", "on line 3"),
    "no name": ("- members: []\n", "groups.yml:2", "group"),
    "an alias": (f"- group: Sales\n  members: &all [{IRIS}]\n  absent: *all\n", "groups.yml:", "alias"),
    "a tag": ("- group: !!python/name:os.system Sales\n  members: []\n", "groups.yml:2", "tag"),
    "nothing": ("- group: Sales\n  members:\n", "groups.yml:", "nothing"),
    "an entry that is none": ("- Sales\n", "groups.yml:2", "mapping"),
    "a group twice": ("- group: Sales\n  members: []\n- group: Sales\n  absent: []\n", "groups.yml:4", "groups.yml:2"),
    "a person twice": (
        f"- group: Sales\n  members:\n    - {IRIS}\n    - {IRIS.upper()}\n",
        "groups.yml:5",
        "twice, groups.yml:4",
    ),
    "a person in conflict": (
        f"- group: Sales\n  members: [{IRIS}]\n  absent:\n    - {IRIS}\n",
        "groups.yml:5",
        "under members and absent, groups.yml:3",
    ),
    "nobody under exact": ("- group: Sales\n  mode: exact\n  members: []\n", "groups.yml:2", "allow_empty"),
    "no list under exact": ("- group: Sales\n  mode: exact\n", "groups.yml:2", "null or missing"),
    "absent under exact": (
        f"- group: Sales\n  mode: exact\n  members: [{SALLY}]\n  absent: [{IRIS}]\n",
        "groups.yml:2",
        "exact",
    ),
    "members of an unmanaged group": ("- group: Sales\n  mode: unmanaged\n  members: []\n", "groups.yml:2", "nobody"),
    "a blank person": ('- group: Sales\n  members: [" "]\n', "groups.yml:3", "blank"),
}


def test_what_is_wrong_in_a_file_is_told_with_its_line(code: CodeFolder) -> None:
    failures = code.failures(
        {case: {**code.said(), "groups.yml": f"groups:\n{text}"} for case, (text, *_rest) in WRONG.items()}
    )

    for case, (_text, at, words) in WRONG.items():
        assert failures[case]["error"]["kind"] == "code"
        problems = failures[case]["error"]["problems"]
        assert any(one["at"].startswith(at) and words in one["message"] for one in problems), problems


#: Entries, the kind of error, words of the message with the line of the culprit.
MEANT: dict[str, tuple[list[Data], str, str]] = {
    "somebody who does not exist": (
        [{"group": "Sales", "members": ["iris.invitd@example.com"]}],
        "lookup_failed",
        f"(did you mean '{IRIS}'?) (groups.yml:4)",
    ),
    "an address of two": ([{"group": "Contractors", "members": [SAM]}], "lookup_failed", "groups.yml:4"),
    "an unmanaged group that does not exist": (
        [{"group": "Slaes", "mode": "unmanaged"}],
        "lookup_failed",
        "(did you mean 'Sales'?) (groups.yml:2)",
    ),
    "a dynamic group": ([{"group": "Dynamic Berlin", "members": [IRIS]}], "rail", "a rule decides"),
    "the acting user is to go": ([{"group": "Sales", "absent": [ADA]}], "rail", "protected"),
}


def test_what_cannot_be_meant_is_told_with_its_line(code: CodeFolder) -> None:
    failures = code.failures({case: code.said(groups=groups) for case, (groups, *_rest) in MEANT.items()})

    for case, (_groups, kind, words) in MEANT.items():
        assert failures[case]["error"]["kind"] == kind
        assert words in failures[case]["msg"]


@pytest.mark.slow
def test_a_person_or_group_by_two_names_is_one(code: CodeFolder) -> None:
    ids = {row["name"]: row["id"] for row in code.tenant.state("groups")["groups"]}
    iris = code.tenant.find("users", IRIS)["id"]
    sales = {"group": "Sales", "members": [IRIS]}

    failures = code.failures(
        {
            "a person": code.said(groups=[{**sales, "absent": [iris]}]),
            "a group": code.said(groups=[sales, {"group": ids["Sales"], "members": [OWEN]}]),
        }
    )

    assert "should be a member and should not be one (groups.yml:6)" in failures["a person"]["msg"]
    assert failures["a group"]["error"]["problems"][0]["at"] == "groups.yml:5"


#: Where C(playbook_dir) is for a playbook of the collection.
OF_COLLECTION = str(COLLECTIONS / "ansible_collections" / "cakewalk" / "access" / "playbooks")
#: Options that are refused before anything is read.
OPTIONS: dict[str, tuple[str, Data, str]] = {
    "no hash": ("apply", {}, "plan_hash"),
    "no record": ("apply", {"plan_hash": "0", "record_path": ""}, "journal_path"),
    "a relative folder": ("plan", {"folder": "code"}, "the path is relative"),
    "a folder that is not there": ("plan", {"folder": "/no/where"}, "there is no such folder"),
    "a relative plan": ("plan", {"plan_path": "plan.txt"}, "the path is relative"),
    "a mode that is none": ("destroy", {}, "value of mode"),
    "a plan below a file": ("plan", {"plan_path": "/etc/passwd/plan.txt"}, "Not a directory"),
    "an export below a file": ("export", {"folder": "/etc/passwd/code"}, "Not a directory"),
    "a rollback below a file": ("apply", {"plan_hash": "0", "inverse_path": "/etc/passwd/back"}, "Not a directory"),
    "code in a collection": ("plan", {"folder": OF_COLLECTION}, "inside the installed collection cakewalk.access"),
    "an export into a collection": (
        "export",
        {"folder": OF_COLLECTION},
        "inside the installed collection cakewalk.access",
    ),
    "a plan in a collection": (
        "plan",
        {"plan_path": f"{OF_COLLECTION}/plan"},
        "inside the installed collection cakewalk.access",
    ),
}


def test_options_that_cannot_work_are_refused(crew: CodeFolder) -> None:
    failures = crew.refusals_by_mode({case: (mode, given) for case, (mode, given, _words) in OPTIONS.items()})
    dry_run = crew.refused(crew.hold("plan", "--check", plan_path="/etc/passwd/plan.txt"))

    assert "Not a directory" in dry_run["msg"]
    for case, (_mode, _given, words) in OPTIONS.items():
        assert words in failures[case]["msg"] + str(failures[case].get("argument_errors", "")), case
    assert crew.tenant.log() == []


#: Options of the module, keywords of the task, words of the message.
PAST_THE_ROLE: dict[str, tuple[Data, Data, str]] = {
    "a blank record": ({"mode": "apply", "plan_hash": "0", "journal_path": ""}, {}, "journal_path"),
    "a null record": ({"mode": "apply", "plan_hash": "0", "journal_path": None}, {}, "journal_path"),
    "a blank folder": ({"folder": ""}, {}, "folder"),
    "data of a task": ({"source": {"code": {"tenant": {"anchors": []}}}}, {}, "source"),
    "a task that is not waited for": ({}, {"async": 60, "poll": 0}, "async"),
    "a task that is waited for from beside": ({}, {"async": 60, "poll": 1}, "async"),
}


#: Paths beside the folder of code, words of the message.
IN_THE_WAY: dict[str, tuple[dict[str, str], str]] = {
    "one file for two things": (
        {"plan_path": "{folder}/../one", "record_path": "{folder}/more/../../one"},
        "journal_path and plan_path would be one file",
    ),
    "a plan in place of the ledger": (
        {"plan_path": "{folder}/../one", "ledger_path": "{folder}/../ONE"},
        "ledger_path and plan_path would be one file",
    ),
    "what would be read as code": ({"plan_path": "{folder}/more/plan.yml"}, "the next run would read it as code"),
    "code itself": ({"inverse_path": "{folder}/groups.yml"}, "the next run would read it as code"),
}


@pytest.mark.slow
def test_no_file_takes_the_place_of_another(crew: CodeFolder) -> None:
    one = crew.folder.parent / "one"
    one.touch(0o600)
    failures = crew.refusals_by_mode(
        {
            case: ("plan", {name: path.format(folder=crew.folder) for name, path in paths.items()})
            for case, (paths, _words) in IN_THE_WAY.items()
        }
    )
    of_environment = {"CAKEWALK_LEDGER": str(one)}
    failure = crew.refused(crew.hold("drift", expiry_report_path=str(one), environment=of_environment))

    assert "expiry_report_path and ledger_path would be one file" in failure["msg"]
    assert one.exists()
    for case, (_paths, words) in IN_THE_WAY.items():
        assert failures[case]["error"]["kind"] == "configuration", case
        assert words in failures[case]["msg"], case


def test_a_task_of_the_module_can_no_more_than_the_role(crew: CodeFolder, playbooks: Playbooks) -> None:
    tasks = [
        task(case, MODULE, {"folder": str(crew.folder), **given}, ignore_errors=True, **keywords)
        for case, (given, keywords, _words) in PAST_THE_ROLE.items()
    ]

    run = playbooks.run(play(*tasks)).succeeded()

    for case, (_given, _keywords, words) in PAST_THE_ROLE.items():
        assert run[case].failed, case
        assert run[case].data["error"]["kind"] == "configuration", case
        assert words in run[case].data["msg"], case
    assert crew.tenant.log() == []
    assert "Traceback" not in run.output


def test_code_without_anchors_and_links_are_refused(crew: CodeFolder) -> None:
    text = (crew.folder / "groups.yml").read_text(encoding="utf-8")
    link, linked_folder = crew.copied("link"), crew.copied("linked folder")
    (link / "groups.yml").unlink()
    (link / "groups.yml").symlink_to(link / "tenant.yml")
    (linked_folder / "more").symlink_to(crew.kept)
    no_section, no_anchors = crew.copied("no section", **{"groups.yaml": text}), crew.copied("no anchors")
    (no_section / "groups.yml").unlink()
    (no_section / "tenant.yml").unlink()
    (no_anchors / "tenant.yml").write_text("tenant:\n  anchors: []\n", encoding="utf-8")

    failures = crew.refusals_by_mode(
        {path.name: ("plan", {"folder": str(path)}) for path in (link, linked_folder, no_section, no_anchors)}
    )

    assert "groups.yml: it is a link" in failures["link"]["msg"]
    assert "more: it is a link" in failures["linked folder"]["msg"]
    assert "section tenant" in failures["no section"]["msg"]
    assert "tenant.anchors is empty" in failures["no anchors"]["msg"]
