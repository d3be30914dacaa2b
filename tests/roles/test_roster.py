# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The copy of the roster that runs of the role access_as_code compare it with."""

from __future__ import annotations

import json

import pytest
from playbooks.harness import Playbooks
from roles.code import CodeFolder
from roles.people import CONNOR, OWEN, SALLY, is_private
from sandbox.process import Sandbox


def hostile(code: CodeFolder) -> str:
    """Return the name of a department that is a formula, and a template that would make the file C(ran)."""
    return f"=cmd {{{{ lookup('pipe', 'touch {code.kept / 'ran'}') }}}}"


@pytest.fixture
def code(tenant: Sandbox, playbooks: Playbooks) -> CodeFolder:
    """The role, with code whose rule gives the group Sales to a department."""
    folder = CodeFolder(tenant, playbooks)
    rule = {"department": ["Sales", hostile(folder)]}
    folder.say(roster={"file": "people.csv"}, groups=[{"group": "Sales", "members_where": rule}])
    return folder


def table(*people: str) -> str:
    return "\n".join(["email;department", *people]) + "\n"


def test_a_roster_is_compared_with_the_copy_that_the_last_approved_run_kept(code: CodeFolder) -> None:
    copy, department = code.kept / "roster.json", hostile(code)
    code.write("people.csv", table(f"{CONNOR};Sales", f'{OWEN};"{department}"', f"{SALLY};Legal"))
    digest = code.planned()["plan_hash"]
    refused = code.failure("apply", plan_hash=digest)
    assert "`roster_copy_path` is missing" in refused["msg"]

    checked = code.result(code.hold("apply", "--check", plan_hash=digest, roster_copy_path=str(copy)).succeeded())
    assert checked.changed
    assert not copy.exists()
    done = code.result(code.hold("apply", plan_hash=digest, roster_copy_path=str(copy)).succeeded())
    assert "roster_copy" not in done.data
    assert done.data["msg"] == checked.data["msg"].replace("would be ", "")
    assert [row["email"] for row in json.loads(copy.read_text(encoding="utf-8"))["rows"]] == [CONNOR, OWEN, SALLY]
    assert is_private(copy)
    assert f"{OWEN} by department Sales or {department}" in str(done.data["plan"])

    code.tenant.clear_log()
    code.write("people.csv", table(f"{CONNOR};Sales"))
    before = copy.read_bytes()
    shrank = code.failure("plan", roster_copy_path=str(copy))
    assert (shrank["error"]["kind"], shrank["error"]["missing"]) == ("roster_shrank", sorted([OWEN, SALLY]))
    assert copy.read_bytes() == before

    code.write("people.csv", table(f"{CONNOR};Sales", f"{OWEN};Sales", f"{SALLY};Legal"))
    idle = code.result(code.hold("apply", plan_hash="0", roster_copy_path=str(copy)).succeeded())
    assert not idle.changed
    assert copy.read_bytes() == before
    kept = json.loads(before)
    assert (len(kept["anchors"]), kept["base_url"], kept["columns"]) == (3, code.tenant.url, ["email", "department"])
    for damage, message in (
        ("[]", "it is not a copy of a roster"),
        (json.dumps({**kept, "anchors": [code.tenant.find("groups", "Sales")["id"]]}), "it is about another tenant"),
    ):
        copy.write_text(damage, encoding="utf-8")
        assert message in code.failure("plan", roster_copy_path=str(copy))["msg"]
    assert not (code.kept / "ran").exists()
