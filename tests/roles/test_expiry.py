# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access that ends, by the role access_as_code: what time demands is done on a schedule, and nothing else ever is."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from playbooks.harness import Data, Playbooks
from playbooks.module_contract import foreseeable
from roles.code import CodeFolder, body
from roles.people import CONNOR, ERIN, OWEN, SALLY, is_private
from sandbox.process import Sandbox

IRIS, OSCAR = "iris.invited@example.com", "oscar.offboarding@example.com"
NOBODY = "Nothing to do: nobody has expired access."


@pytest.fixture
def code(tenant: Sandbox, playbooks: Playbooks) -> CodeFolder:
    """The role, with an empty folder of code."""
    return CodeFolder(tenant, playbooks)


def day(days: int) -> str:
    """Return the date of a day from today, in UTC."""
    return (datetime.now(timezone.utc) + timedelta(days=days)).date().isoformat()


def dated(name: str, days: int, until: int) -> Data:
    return {"user": name, "from": day(days), "until": day(until)}


def say(code: CodeFolder, **more: Any) -> str:
    """Write code by which two people are over, have it approved, and return its digest."""
    for user in (ERIN, OWEN):
        code.tenant.change("add_member", group="Contractors", user=user)
    code.say(
        groups=[
            {"group": "Contractors", "members": [dated(ERIN, -9, 9), CONNOR]},
            {"group": "Sales", "members": [dated(IRIS, 5, 9)]},
        ]
    )
    digest = code.applied()["stats"]["access_as_code_code_digest"]
    assert code.written() == []
    return str(digest)


def test_what_expires_is_removed_on_a_schedule_and_nothing_else_is(code: CodeFolder) -> None:
    people = [f"  - user: {user}\n    until: {until}\n" for user, until in ((ERIN, day(-1)), (OWEN, f'"{day(-2)}"'))]
    members = "".join(f"  {line}\n" for one in people for line in one.splitlines())
    for user in (ERIN, OWEN):
        code.tenant.change("add_member", group="Contractors", user=user)
    code.say()
    code.write("groups.yml", f"groups:\n- group: Contractors\n  members:\n{members}    - {IRIS}\n")
    report = code.kept / "expiry.json"
    planned = code.planned(expiry_report_path=str(report))
    assert body(planned["plan"]) == [
        "Members of Contractors",
        f"  - {ERIN}",
        f"  - {OWEN}",
        f"  + {IRIS}",
        f"  > {ERIN} expired on {day(-1)} (groups.yml:4)",
        f"  > {OWEN} expired on {day(-2)} (groups.yml:6)",
        f"{ERIN} and the group 'Contractors': expired on {day(-1)} (groups.yml:4)",
        f"{OWEN} and the group 'Contractors': expired on {day(-2)} (groups.yml:6)",
        "3 steps, 2 removals among them.",
    ]
    assert is_private(report)
    assert [row["user"] for row in json.loads(report.read_text(encoding="utf-8"))["terms"]] == [OWEN, ERIN]
    assert "access_as_code_code_digest" not in planned["stats"], "only approval makes it one"
    before = code.members("Contractors")

    foreseen = code.result(code.hold("expire", "--check", "--diff", code_digest=planned["code_digest"]).succeeded())
    assert (code.written(), code.members("Contractors")) == ([], before)
    done = code.result(code.hold("expire", "--diff", code_digest=planned["code_digest"]).succeeded())

    assert (foreseen.changed, done.changed) == (True, True)
    assert foreseen.data["diff"] == done.data["diff"] != []
    assert foreseen.steps["pending"] == foreseeable(done.steps["done"])
    assert [method for method, _path in code.written()] == ["DELETE", "DELETE"]
    assert code.members("Contractors") == before - {ERIN, OWEN}
    assert done.data["not_done"] == ["add 1 person to the group 'Contractors'"]
    stats = done.data["stats"]
    assert (stats["access_as_code_expired"], stats["access_as_code_not_done"]) == (2, 1)
    assert stats["access_as_code_complete"] is False
    assert {line["users"][0] for line in code.lines() if line["status"] == "done"} == {ERIN, OWEN}

    code.tenant.clear_log()
    again = code.result(code.hold("expire", code_digest=planned["code_digest"]).succeeded())
    assert (again.changed, code.written()) == (False, [])
    assert NOBODY in again.data["plan"]


def test_a_folder_that_changed_since_its_approval_is_refused(code: CodeFolder) -> None:
    digest = say(code)
    groups = (code.folder / "groups.yml").read_text(encoding="utf-8")
    over = groups.replace(day(9), day(-1), 1)
    cases = {
        "a date": code.copied("date", **{"groups.yml": over}),
        "another file": code.copied("more", **{"more.yml": f"groups:\n- group: Engineering\n  absent: [{SALLY}]\n"}),
        "nobody": code.copied("nobody", **{"groups.yml": "groups: []\n"}),
    }
    report = code.kept / "expiry.md"
    report.write_text("### Access as code: expiry\n", encoding="utf-8")
    report.chmod(0o600)
    approved = {"code_digest": digest, "expiry_report_path": str(report)}
    failures = code.refusals_by_mode(
        {
            **{case: ("expire", {"folder": str(folder), **approved}) for case, folder in cases.items()},
            "another digest": ("expire", {"code_digest": "0" * 64}),
            "no digest": ("expire", {}),
            "no journal": ("expire", {"code_digest": digest, "record_path": ""}),
            "days before today": ("plan", {"expires_within": -1}),
        }
    )
    kinds = {case: failure["error"]["kind"] for case, failure in failures.items()}
    assert kinds == {
        **dict.fromkeys((*cases, "another digest"), "not_approved"),
        "no digest": "configuration",
        "no journal": "configuration",
        "days before today": "configuration",
    }
    assert not report.exists()
    assert code.result(code.hold("expire", code_digest=digest).succeeded()).data["summary"]["expired"] == 0


#: What stands in groups.yml below the line "groups:", the line that is at fault, words of the problem.
WRONG: dict[str, tuple[str, str, str]] = {
    "no zone": (
        f"- group: Sales\n  members:\n  - user: {IRIS}\n    until: 2026-11-30T18:00\n",
        "groups.yml:4",
        "has no zone",
    ),
    "no zone, quoted": (
        f"- group: Sales\n  members: [{{user: {IRIS}, until: '2026-11-30 18:00'}}]\n",
        "groups.yml:3",
        "has no zone",
    ),
    "no such day": (
        f"- group: Sales\n  members: [{{user: {IRIS}, until: 2027-02-29}}]\n",
        "groups.yml:3",
        "no such day",
    ),
    "hour 24": (f"- group: Sales\n  members: [{{user: {IRIS}, until: 2026-11-30T24:00Z}}]\n", "groups.yml:3", "24:00"),
    "a number": (f"- group: Sales\n  members: [{{user: {IRIS}, until: 20261130}}]\n", "groups.yml:3", "neither a date"),
    "the wrong way round": (
        f"- group: Sales\n  members: [{{user: {IRIS}, from: 2026-12-01, until: 2026-11-30}}]\n",
        "groups.yml:3",
        "not after",
    ),
    "nothing": (f"- group: Sales\n  members:\n  - user: {IRIS}\n    until:\n", "groups.yml:5", "nothing"),
    "no user": ("- group: Sales\n  members:\n  - until: 2026-11-30\n", "groups.yml:4", "user"),
    "an unknown key": (
        f"- group: Sales\n  members:\n  - user: {IRIS}\n    untill: 2026-11-30\n",
        "groups.yml:4",
        "untill",
    ),
    "a list of dates": (
        f"- group: Sales\n  members: [{{user: {IRIS}, until: [2026-11-30]}}]\n",
        "groups.yml:3",
        "until must be a text",
    ),
    "a list in the list": (
        f"- group: Sales\n  members: [[{IRIS}]]\n",
        "groups.yml:2",
        "members must be a list of texts, or of mappings",
    ),
    "a user who is several": (
        f"- group: Sales\n  members: [{{user: [{IRIS}], until: 2026-11-30}}]\n",
        "groups.yml:3",
        "user must be a text",
    ),
    "a term of nobody": (
        f"- group: Sales\n  absent: [{{user: {IRIS}, until: 2026-11-30}}]\n",
        "groups.yml:2",
        "absent must be a list of texts",
    ),
    "a limit in months": (
        "[]\ntime_limits:\n- group: Sales\n  max_duration: P1M\n",
        "groups.yml:3",
        "months and years",
    ),
    "a limit of nothing": ("[]\ntime_limits:\n- group: Sales\n", "groups.yml:3", "max_duration, until_required"),
    "a limit of levels of a group": (
        "[]\ntime_limits:\n- group: Sales\n  permission_levels: all\n  until_required: true\n",
        "groups.yml:3",
        "mutually exclusive",
    ),
    "a limit that is exceeded": (
        f"- group: Sales\n  members:\n  - user: {IRIS}\n    from: 2026-11-01\n    until: 2026-12-01\n"
        "time_limits:\n- group: Sales\n  max_duration: P30D\n",
        "groups.yml:4",
        "longer than the `max_duration` P30D (time limit of groups.yml:8)",
    ),
}


def test_dates_that_cannot_be_meant_are_told_with_their_line(code: CodeFolder) -> None:
    failures = code.failures(
        {
            case: {**code.said(), "groups.yml": f"groups:\n{text}".replace("groups:\n[]", "groups: []")}
            for case, (text, *_rest) in WRONG.items()
        }
    )

    for case, (_text, at, words) in WRONG.items():
        assert failures[case]["error"]["kind"] == "code", case
        problems = failures[case]["error"]["problems"]
        assert any(one["at"] == at and words in one["message"] for one in problems), (case, problems)


@pytest.mark.slow
def test_a_clock_that_is_an_hour_wrong_stops_what_time_demands(code: CodeFolder) -> None:
    digest = say(code)
    code.tenant.configure(clock_ahead=-3600)
    failures = code.refusals_by_mode(
        {mode: (mode, {"code_digest": digest, "plan_hash": "0"}) for mode in ("plan", "apply", "drift", "expire")}
    )
    assert {failure["error"]["kind"] for failure in failures.values()} == {"clock"}
    assert {round(failure["error"]["seconds"], -2) for failure in failures.values()} == {-3600}


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "fails"), [("drop_after", False), ("500", False), ("403", True)])
def test_a_removal_that_fails_in_the_middle_is_told_and_done_by_the_next_run(
    code: CodeFolder, kind: str, fails: bool
) -> None:
    people = sorted(code.members("Engineering") - {code.tenant.acting_user})[:4]
    code.say(groups=[{"group": "Engineering", "members": [{"user": user, "until": day(-1)} for user in people]}])
    digest = code.planned(max_removal_percent=100)["code_digest"]
    code.tenant.fault("removeUserFromGroup", kind, count=1)

    result = code.result(code.hold("expire", code_digest=digest, max_removal_percent=100))

    assert (result.failed, len(result.steps["errors"])) == (fails, fails)
    assert len(code.members("Engineering") & set(people)) == len(result.steps["errors"]) + len(result.steps["pending"])
    again = code.result(code.hold("expire", code_digest=digest, max_removal_percent=100).succeeded())
    assert again.changed is fails
    assert code.members("Engineering").isdisjoint(people)


@pytest.mark.slow
def test_nothing_that_is_written_in_names_or_dates_is_executed(code: CodeFolder, tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    live = f"{{{{ lookup('ansible.builtin.pipe', 'touch {marker}') }}}} $(touch {marker}) | <b>"
    code.tenant.change("rename_group", group="Contractors", name=live)
    code.tenant.change("add_member", group=live, user=ERIN)
    code.say(groups=[{"group": live, "members": [{"user": ERIN, "until": day(-1)}, {"user": CONNOR, "until": day(3)}]}])
    report = code.kept / "expiry.md"
    digest = code.planned(expiry_report_path=str(report))["code_digest"]
    done = code.result(code.hold("expire", "--diff", code_digest=digest, expiry_report_path=str(report)).succeeded())
    assert done.data["summary"]["expired"] == 1
    assert ERIN not in code.members(live)
    assert "<b>" not in report.read_text(encoding="utf-8")
    code.tenant.clear_log()
    code.say(groups=[{"group": live, "members": [{"user": ERIN, "until": live}]}])
    failure = code.failure("plan")
    assert "neither a date" in failure["msg"]
    assert not marker.exists()
