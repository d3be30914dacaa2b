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

#: The name of the department is a template that would run a command, and a formula.
HOSTILE = "=cmd {{ lookup('pipe', 'touch /tmp/roster-was-run') }}"


@pytest.fixture
def code(tenant: Sandbox, playbooks: Playbooks) -> CodeFolder:
    """The role, with code whose rule gives the group Sales to a department."""
    folder = CodeFolder(tenant, playbooks)
    folder.say(
        roster={"file": "people.csv"}, groups=[{"group": "Sales", "members_where": {"department": ["Sales", HOSTILE]}}]
    )
    return folder


def table(*people: str) -> str:
    return "\n".join(["email;department", *people]) + "\n"


def test_a_roster_is_compared_with_the_copy_that_the_last_approved_run_kept(code: CodeFolder) -> None:
    copy = code.kept / "roster.json"
    code.write("people.csv", table(f"{CONNOR};Sales", f'{OWEN};"{HOSTILE}"', f"{SALLY};Legal"))
    digest = code.planned()["plan_hash"]
    refused = code.failure("apply", plan_hash=digest)
    assert "`roster_copy_path` is missing" in refused["msg"]

    checked = code.result(code.hold("apply", "--check", plan_hash=digest, roster_copy_path=str(copy)).succeeded())
    assert checked.changed
    assert not copy.exists()
    done = code.result(code.hold("apply", plan_hash=digest, roster_copy_path=str(copy)).succeeded())
    assert done.data["msg"] == checked.data["msg"].replace("would be ", "")
    assert [row["email"] for row in json.loads(copy.read_text(encoding="utf-8"))["rows"]] == [CONNOR, OWEN, SALLY]
    assert is_private(copy)
    assert f"{OWEN} by department Sales or {HOSTILE}" in str(done.data["plan"])

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
    copy.write_text("[]", encoding="utf-8")
    assert "it is not a copy of a roster" in code.failure("plan", roster_copy_path=str(copy))["msg"]
