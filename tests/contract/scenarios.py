# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One deed of each module that writes, to be done in every dialect and under every fault."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.apply import apply
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.plan import ApplyResult, Plan
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.tenant import Tenant
from ansible_collections.cakewalk.access.plugins.modules import (
    cakewalk_access_as_code,
    cakewalk_access_review,
    cakewalk_app_access,
    cakewalk_app_custom_field,
    cakewalk_app_policy,
    cakewalk_group_member,
    cakewalk_mover,
    cakewalk_task,
)
from contract.fixtures import CONFIRM_DELAYS, CONNOR, ERIN, validated
from sandbox.known import task_id
from sandbox.process import Sandbox

Data = dict[str, Any]

PETRA = "petra.pending@example.com"
#: A tenant whose people are on two pages.
SMALL = {"users": 30, "page_size": 20}
#: The words of the dialect C(status_words other).
KNOWN = {
    "request": {
        "open": ["AwaitingDecision"],
        "granted": ["Fulfilled"],
        "declined": ["Rejected"],
        "cancelled": ["Withdrawn"],
    }
}


@dataclass(frozen=True)
class Scenario:
    """What a task does.

    :param options: its options, from the tenant and a folder for files.
    :param refused: by "question word" of a dialect the kind of the error that refuses it.
    :param enforces: whether it writes in every run.
    """

    name: str
    module: ModuleType
    options: Callable[[Sandbox, Path], Data]
    refused: Mapping[str, str] = field(default_factory=dict)
    enforces: bool = False

    def plan(self, tenant: Sandbox, client: Client, folder: Path) -> Plan:
        """Plan it from a fresh look at the tenant."""
        return self._planned(tenant, client, self.options(tenant, folder))

    def _planned(self, tenant: Sandbox, client: Client, options: Data) -> Plan:
        given = {"acting_user": tenant.acting_user} if "acting_user" in self.module.SPEC["argument_spec"] else {}
        params = validated(self.module.SPEC, tenant, {**given, **options})
        plan: Plan = self.module.plan(params, Tenant(client, params["known_statuses"]))
        return plan

    def do(self, tenant: Sandbox, client: Client, folder: Path) -> ApplyResult:
        """Plan it and carry it out."""
        return apply(self.plan(tenant, client, folder), client, CONFIRM_DELAYS)


class ApprovedScenario(Scenario):
    """A deed that is planned, approved as it was planned, and only then carried out."""

    def plan(self, tenant: Sandbox, client: Client, folder: Path) -> Plan:
        """Plan it twice, the second time as approved."""
        options = self.options(tenant, folder)
        approved = self._planned(tenant, client, options).result["plan_hash"]
        record = str(folder / "record")
        return self._planned(
            tenant, client, {**options, "mode": "apply", "plan_hash": approved, "journal_path": record}
        )


def code_of(tenant: Sandbox) -> Data:
    """Return code for a tenant that changes something in each of its sections."""
    return {
        "tenant": {"anchors": sorted(app["id"] for app in tenant.state("apps")["apps"])[:3]},
        "groups": [
            {"group": "Contractors", "mode": "exact", "members": [CONNOR, ERIN]},
            {"group": "Sales", "members": [ERIN]},
        ],
        "accesses": [
            {"app": "Figma", "users": [CONNOR]},
            {"app": "Google Workspace", "users": [ERIN], "state": "absent"},
        ],
        "custom_fields": [{"app": "GitHub", "fields": {"Cost Center": "4711"}, "clear": ["Automation Ledger"]}],
        "policies": [{"app": "Figma", "request_type": "remove_access", "policy": "Admins"}],
    }


SCENARIOS = [
    ApprovedScenario(
        "a tenant as code",
        cakewalk_access_as_code,
        lambda tenant, folder: {
            "folder": str(folder),
            "purpose": "Project Aurora",
            "known_statuses": KNOWN,
            "ledger_path": str(folder / "ledger" / "ledger.json"),
            "source": {"version": "1", "positions": {}, "code": code_of(tenant)},
        },
        refused={
            "unknown_values some": "configuration",
            "unknown_values all": "configuration",
        },
        enforces=True,
    ),
    Scenario(
        "group members",
        cakewalk_group_member,
        lambda _tenant, _folder: {
            "state": "exact",
            "memberships": [
                {"group": "Contractors", "users": [CONNOR, ERIN]},
                {"group": "Sales", "users": [ERIN], "state": "present"},
            ],
        },
        refused={"unknown_values some": "configuration", "unknown_values all": "configuration"},
    ),
    Scenario(
        "moves",
        cakewalk_mover,
        lambda _tenant, folder: {
            "people": [{"user": ERIN, "joins": ["Contractors", "Sales"]}, {"user": CONNOR, "leaves": ["Contractors"]}],
            "joins": ["Engineering", "Sales"],
            "wait": False,
            "max_removal_percent": 100,
            "journal_path": str(folder / "journal"),
        },
        refused={"unknown_values some": "configuration", "unknown_values all": "configuration"},
    ),
    Scenario(
        "app accesses",
        cakewalk_app_access,
        lambda _tenant, _folder: {
            "accesses": [
                {"app": "GitHub", "users": [CONNOR, PETRA], "permission_level": "Write"},
                {"app": "Figma", "users": [ERIN, PETRA]},
                {"app": "Google Workspace", "users": [ERIN, CONNOR], "state": "absent"},
            ],
            "purpose": "Project Aurora",
        },
        refused={
            "unknown_values some": "lookup_failed",
            "unknown_values all": "lookup_failed",
            "status_words other": "lookup_failed",
        },
    ),
    Scenario(
        "app accesses in words that were made known",
        cakewalk_app_access,
        lambda tenant, _folder: {
            "app": "GitHub",
            "users": [PETRA, CONNOR],
            "permission_level": "Write",
            "purpose": "Project Aurora",
            "known_statuses": KNOWN,
        },
        refused={"unknown_values some": "lookup_failed", "unknown_values all": "lookup_failed"},
    ),
    Scenario(
        "recorded accesses",
        cakewalk_app_access,
        lambda _tenant, _folder: {
            "accesses": [
                {"app": "GitHub", "users": [CONNOR], "permission_level": "Admin"},
                {"app": "Figma", "users": [CONNOR, ERIN]},
            ],
            "method": "direct",
            "bypass_approval": True,
            "bypass_reason": "Import",
        },
        refused={"unknown_values some": "configuration", "unknown_values all": "configuration"},
    ),
    Scenario(
        "custom fields",
        cakewalk_app_custom_field,
        lambda _tenant, _folder: {
            "values": [
                {"app": "GitHub", "fields": {"Cost Center": "4711"}, "clear": ["Automation Ledger"]},
                {"app": "Figma", "fields": {"Automation Ledger": "line\nbreak"}},
            ]
        },
    ),
    Scenario(
        "policies",
        cakewalk_app_policy,
        lambda _tenant, folder: {
            "assignments": [
                {
                    "app": "GitHub",
                    "permission_levels": "privileged",
                    "request_type": "grant_access",
                    "policy": "Two approvals",
                },
                {"app": "Figma", "request_type": "remove_access", "policy": "Admins"},
            ],
            "ledger_path": str(folder / "ledger" / "ledger.json"),
        },
        enforces=True,
    ),
    Scenario(
        "policies, remembered in a field",
        cakewalk_app_policy,
        lambda _tenant, _folder: {
            "app": "GitHub",
            "request_type": "grant_access",
            "policy": "Two approvals",
            "ledger_field": "Automation Ledger",
        },
        enforces=True,
    ),
    Scenario(
        "task decisions",
        cakewalk_task,
        lambda _tenant, _folder: {
            "state": "approved",
            "decisions": [
                {
                    "task": task_id("action"),
                    "expect": {
                        "user": PETRA,
                        "app": "GitHub",
                        "permission_level": "Write",
                        "request_type": "grant_access",
                    },
                },
                {"task": task_id("review"), "state": "declined", "decide": "review"},
            ],
        },
        refused={
            "status_words other": "not_as_expected",
            "unknown_values some": "configuration",
            "unknown_values all": "configuration",
            "action_step hidden": "not_as_expected",
            "action_step null": "not_as_expected",
        },
    ),
    Scenario(
        "an access review",
        cakewalk_access_review,
        lambda _tenant, folder: {
            "name": "Spring",
            "reviewer": "manager",
            "due_date": "2099-12-31",
            "apps": ["GitHub", "Figma"],
            "ledger_path": str(folder / "ledger" / "ledger.json"),
        },
        refused={"unknown_values some": "configuration", "unknown_values all": "configuration"},
    ),
]


def shape(state: Data) -> Data:
    """Return what deeds are about, by names and without times, so that runs can be held against each other."""
    users = {row["id"]: row["email"] for row in state["users"]}
    apps = {row["id"]: row["name"] for row in state["apps"]}
    levels = {level["id"]: level["name"] for app in state["apps"] for level in app["levels"]}
    policies = {row["id"]: row["name"] for row in state["policies"]}
    return {
        "members": {row["id"]: sorted(row["members"]) for row in state["groups"]},
        "accesses": {
            row["id"]: sorted((users[one["user_id"]], levels.get(one["level_id"], "")) for one in row["accesses"])
            for row in state["apps"]
        },
        "policies": {
            slot["id"]: {kind: policies[one] for kind, one in slot["policies"].items()}
            for app in state["apps"]
            for slot in (app, *app["levels"])
        },
        "fields": {row["id"]: row["field_values"] for row in state["apps"]},
        "requests": sorted(
            (
                row["type"],
                users.get(row["target_id"], ""),
                apps.get(row["app_id"], ""),
                levels.get(row["level_id"], ""),
                row["status"],
                row["purpose"] or "",
            )
            for row in state["requests"]
        ),
        "tasks": sorted((row["type"], row["status"], users.get(row["assigned_id"], "")) for row in state["tasks"]),
        "reviews": sorted(
            (row["name"], row["reviewer"], row["due_date"], len(row["app_ids"])) for row in state["reviews"]
        ),
    }
