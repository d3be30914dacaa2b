# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every operation that the contract describes can be used from a playbook."""

from __future__ import annotations

from pathlib import Path

import pytest
from playbooks.harness import (
    ACCESS,
    FIELD,
    INFO,
    MEMBERS,
    POLICY,
    REVIEW,
    TASK,
    Data,
    Playbooks,
    names,
    play,
    task,
)
from sandbox import contract
from sandbox.known import task_id
from sandbox.process import Sandbox

CONNOR, ERIN, PETRA = "connor.contractor@example.com", "erin.engineer@example.com", "petra.pending@example.com"
#: What is no business of modules: the key that signs webhooks.
ELSEWHERE = {"getWebhookPublicKey"}


@pytest.fixture
def tasks(tmp_path: Path) -> list[Data]:
    """A task of each module, or more, that together do all that the API offers."""
    expect = {"user": PETRA, "app": "GitHub", "permission_level": "Write", "request_type": "grant_access"}
    to_group = {"group": "Contractors", "users": [ERIN]}
    everything = [
        "members",
        "default_apps",
        "hidden_apps",
        "app_details",
        "accesses",
        "permission_levels",
        "custom_fields",
    ]
    review = {"name": "Spring", "reviewer": "manager", "due_date": "2099-12-31", "apps": ["GitHub"]}
    policy = {"app": "GitHub", "request_type": "grant_access", "policy": "Two approvals"}
    access = {
        "accesses": [
            {"app": "Figma", "users": [CONNOR]},
            {"app": "Google Workspace", "users": [ERIN], "state": "absent"},
            {"app": "GitHub", "users": ["{{ one_level }}"], "permission_level": "Admin"},
        ],
        "purpose": "Work",
    }
    recorded = {"method": "direct", "bypass_approval": True, "bypass_reason": "Import", "app": "Orphan Wiki"}
    return [
        task("one of each", INFO, {"users": ["{{ person_id[erin] }}"], "include": ["user_details"]}),
        task("a group", INFO, {"groups": ["{{ group_id['Engineering'] }}"]}),
        task("groups and apps", INFO, {"groups": ["Sales"], "apps": ["GitHub"], "include": everything}),
        task("tasks", INFO, {"tasks_of": [PETRA], "policies": ["grant_access"], "requests": {}}),
        task("join", MEMBERS, to_group),
        task("leave", MEMBERS, {**to_group, "state": "absent"}),
        task("ask", ACCESS, access),
        task("record", ACCESS, {**recorded, "users": [ERIN]}),
        task("approve", TASK, {"task": task_id("action"), "state": "approved", "expect": expect}),
        task("decline", TASK, {"task": task_id("removal"), "state": "declined"}),
        task("policy of an app", POLICY, policy),
        task("policy of a level", POLICY, {**policy, "permission_level": "Admin"}),
        task("fields", FIELD, {"app": "GitHub", "fields": {"Cost Center": "0815"}}),
        task("review", REVIEW, {**review, "ledger_path": str(tmp_path / "ledger.json")}),
    ]


def test_all_that_the_contract_describes_is_used(playbooks: Playbooks, tenant: Sandbox, tasks: list[Data]) -> None:
    state = tenant.state("users", "apps")
    emails = {user["id"]: user["email"] for user in state["users"]}
    github = tenant.find("apps", "GitHub")
    admin = next(level["id"] for level in github["levels"] if level["name"] == "Admin")
    holders = [access["user_id"] for access in github["accesses"]]
    asking = {request["target_id"] for request in tenant.state("requests")["requests"]}
    one_level = next(
        emails[access["user_id"]]
        for access in github["accesses"]
        if holders.count(access["user_id"]) == 1 and access["level_id"] != admin and access["user_id"] not in asking
    )
    variables = {**names(tenant), "erin": ERIN, "one_level": one_level}
    playbooks.run(play(*tasks), variables=variables).succeeded()
    used = {entry["operation"] for entry in tenant.log()}
    assert len(contract.operations()) == 29
    assert used == contract.operations().keys() - ELSEWHERE
    assert {entry["status"] for entry in tenant.log()} <= {200, 201, 204}
