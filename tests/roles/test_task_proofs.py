# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must not pass for a proof that a task is carried out."""

from __future__ import annotations

import json
import re

import pytest
from playbooks.harness import writes
from roles.fulfilment_env import LAST, OLGA, ROLE, TARGETS, FulfilmentEnv, outcomes, report, told
from sandbox.known import task_id

GRANT = task_id("action")

#: How a proof is forged, as a file of C(targets/forged), and what the role makes of it.
FORGED = {
    "a_fact": "not_verified",
    "another_person": "not_verified",
    "another_state": "not_verified",
    "another_level": "not_verified",
    "another_task": "verify_failed",
    "a_boolean": "verify_failed",
    "an_old_turn": "verify_failed",
    "by_the_handler": "handler_failed",
}


def test_no_forged_proof_approves_a_task(stage: FulfilmentEnv) -> None:
    """In the same play a task was proved before as it should be, and left behind whatever it could."""
    people = [user["email"] for user in stage.strangers("GitHub")]
    forgeries = {stage.task(person, "GitHub", level="Read"): how for person, how in zip(people, FORGED, strict=False)}
    assert len(forgeries) == len(FORGED)
    parts = {name: stage.part(tasks=str(TARGETS / "forged" / f"{name}.yml")) for name in ("handler", "verify")}
    for part in parts.values():
        part["vars"] |= {"forgeries": forgeries, "first": GRANT}

    run = stage.one_after_another(
        {"task": GRANT, "routes": [stage.route("GitHub", verify="forged/leaving.yml")]},
        {"assignees": [OLGA], "routes": [{**stage.route("GitHub"), **parts}]},
    )

    assert run.status == 2
    first, second = (told(result) for result in run.results if result.task.endswith(LAST))
    assert first == {GRANT: "approved"}
    assert {how: second[task] for task, how in forgeries.items()} == FORGED
    assert stage.decisions() == [GRANT]
    assert all(line["outcome"] != "approved" or line["task"] == GRANT for line in stage.lines())


@pytest.mark.slow
def test_no_extra_variable_takes_the_place_of_what_verify_registers(stage: FulfilmentEnv) -> None:
    seen = {"email": "petra.pending@example.com", "state": "present", "level": stage.ids["level_id"]["GitHub"]["Write"]}
    forged = json.dumps({"account_shown": {"stdout": json.dumps(seen)}})

    run = stage.run("-e", forged, routes=[stage.route("GitHub")], task=GRANT)
    assert (run.status, stage.calls()) == (2, [])
    assert "the extra variables account_shown have the names" in report(run).data["msg"]

    # No file shows the name beforehand, and without the variable the account would not be there.
    hidden = stage.route("GitHub", handler="nothing.yml", verify="verify_by_template.yml")
    run = stage.run("-e", forged, routes=[hidden], task=GRANT)
    assert (run.status, outcomes(run)) == (2, {GRANT: "not_verified"})
    assert "the extra variables account_shown have the names" in report(run).data["msg"]
    assert (stage.decisions(), stage.status(GRANT)) == ([], "Pending")


@pytest.mark.slow
def test_other_extra_variables_are_ignored(stage: FulfilmentEnv) -> None:
    """Such as those that AWX adds, answers of surveys, and what earlier jobs of a workflow handed on."""
    others = {"own": 1, "ansible_own": 1, "awx_job_id": 7, "plan_hash": "x"}
    handed_on = {f"task_fulfilment_{name}": "x" for name in ("complete", "done", "left")}
    run = stage.run("-e", json.dumps({**others, **handed_on}), routes=[stage.route("GitHub")], task=GRANT)
    assert outcomes(run.succeeded()) == {GRANT: "approved"}
    facts = {"complete": True, "done": 1, "left": 0, "record_path": str(stage.record)}
    assert report(run).data["facts"] == {f"task_fulfilment_{name}": fact for name, fact in facts.items()}
    assert (
        run[f"{ROLE} : Publish the outcome, success or failure, for later nodes of a workflow"].data["ansible_stats"][
            "data"
        ]
        == report(run).data["facts"]
    )


@pytest.mark.slow
def test_no_extra_variable_takes_the_place_of_what_the_role_sets(stage: FulfilmentEnv) -> None:
    """The message names each of them that it found, so one run shows for each that it is refused."""
    names = ["item", "turn", "proved", "begun", "started", "approval", "outcomes"]
    forged = {"outcome": "due", "proceed": True, "expect": {}}
    extra = json.dumps({f"task_fulfilment_{name}": forged for name in names})

    run = stage.run("-e", extra, routes=[stage.route("GitHub")], task=GRANT)

    assert run.status == 2
    message = run[f"{ROLE} : Check the options"].data["msg"]
    assert [name for name in names if not re.search(rf"task_fulfilment_{name}\b", message)] == []
    assert (stage.calls(), writes(stage.tenant.log())) == ([], [])
