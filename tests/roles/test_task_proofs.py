# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must not pass for a proof that a task is carried out."""

from __future__ import annotations

import json
import re

from playbooks.harness import writes
from roles.fulfilment_env import LAST, OLGA, ROLE, TARGETS, FulfilmentEnv, outcomes, told
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


def test_no_extra_variable_takes_the_place_of_what_verify_registers(stage: FulfilmentEnv) -> None:
    seen = {"email": "petra.pending@example.com", "state": "present", "level": stage.ids["level_id"]["GitHub"]["Write"]}
    forged = json.dumps({"account_shown": {"stdout": json.dumps(seen)}})
    route = stage.route("GitHub", handler="failing.yml")

    run = stage.run("-e", forged, routes=[route], task=GRANT)
    assert "account_shown" in run["cakewalk.access.task_fulfilment : See that the options fit together"].data["msg"]
    named = json.dumps({"task_fulfilment_extra_variables": ["account_shown"]})
    again = stage.run("-e", forged, "-e", named, routes=[route], task=GRANT)

    assert (run.status, again.status, stage.decisions(), stage.status(GRANT)) == (2, 2, [], "Pending")


def test_extra_variables_may_be_allowed_where_nobody_can_add_to_them(stage: FulfilmentEnv) -> None:
    environment = {"ANSIBLE_ROLES_PATH": str(TARGETS / "roles")}
    options = {**stage.options(routes=[stage.route("GitHub")], task=GRANT), "task_fulfilment_extra_variables": ["own"]}
    run = stage.in_a_play(options, "-e", '{"own": 1, "ansible_own": 1, "awx_job_id": 7}', environment=environment)
    assert outcomes(run.succeeded()) == {GRANT: "approved"}


def test_no_extra_variable_takes_the_place_of_what_the_role_sets(stage: FulfilmentEnv) -> None:
    """The message names each of them that it found, so one run shows for each that it is refused."""
    names = ["item", "turn", "proved", "begun", "started", "approval", "outcomes"]
    forged = {"outcome": "due", "proceed": True, "expect": {}}
    extra = json.dumps({f"task_fulfilment_{name}": forged for name in names})

    run = stage.run("-e", extra, routes=[stage.route("GitHub")], task=GRANT)

    assert run.status == 2
    message = run[f"{ROLE} : See that the options fit together"].data["msg"]
    assert [name for name in names if not re.search(rf"task_fulfilment_{name}\b", message)] == []
    assert (stage.calls(), writes(stage.tenant.log())) == ([], [])
