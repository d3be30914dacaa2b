# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was granted a moment ago and what is snoozed, by the clock of the service, whatever that of the machine says."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api import client as client_module
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_rules.reading import read_held
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_rules.rule import AccessRule, Entitlement
from ansible_collections.cakewalk.access.plugins.module_utils._engine.audit.privileges import Privileged
from ansible_collections.cakewalk.access.plugins.module_utils._engine.audit.snapshot import take_snapshot
from ansible_collections.cakewalk.access.plugins.module_utils._engine.audit.tables import Populations
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.apply import dry_run
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.tenant import Tenant
from ansible_collections.cakewalk.access.plugins.modules import (
    cakewalk_app_access,
    cakewalk_leaver,
    cakewalk_task,
    cakewalk_task_route_info,
)
from contract.fixtures import CONNOR, validated
from sandbox.known import task_id
from sandbox.process import Sandbox

APP, TASK = "Figma", task_id("snoozed")
#: Longer than a grant may take to show, so that a clock that is so far off decides the opposite.
MINUTES = 20
Data = dict[str, Any]


def outcome_of_access(tenant: Sandbox, client: Client, state: str) -> str:
    """Return the outcome for access, and whether a request would be opened for it."""
    given = {"app": APP, "users": [CONNOR], "state": state, "purpose": "Work", "acting_user": tenant.acting_user}
    plan = cakewalk_app_access.plan(validated(cakewalk_app_access.SPEC, tenant, given), Tenant(client))
    (entry,) = plan.result["accesses"][0]["users"]
    return f"{entry['outcome']}{', asks' if plan.steps else ''}"


def awaited_of_leaver(tenant: Sandbox, client: Client, folder: Path) -> list[str]:
    """Return what the offboarding of a person would wait for, besides the removal of access."""
    given = {"user": CONNOR, "confirm": CONNOR, "acting_user": tenant.acting_user, "proof_dir": str(folder)}
    plan = cakewalk_leaver.plan(validated(cakewalk_leaver.SPEC, tenant, given), Tenant(client))
    (entry,) = dry_run(plan).stages[-1].result["people"]
    return [one["what"] for one in entry["waiting"] if one["what"] != "access"]


def counted_by_rules(tenant: Sandbox, client: Client) -> int:
    """Return how much access to the app counts for rules, because somebody asked for it."""
    app = tenant.find("apps", APP)["id"]
    rule = AccessRule("R", "high", "Because", "limits", (Entitlement(app),), "rules.yml:1", at_most=1)
    connor = tenant.find("users", CONNOR)["id"]
    return sum(one[:2] == (app, connor) for one in read_held([rule], Tenant(client), counts_requests=True).requested)


def outcomes_of_task(tenant: Sandbox, client: Client) -> tuple[str, str]:
    """Return what becomes of the task where a playbook approves it, and on a machine that carries it out."""
    level = {"app": "Salesforce", "permission_level": "Standard", "user": "petra.pending@example.com"}
    given = {"task": TASK, "state": "approved", "expect": {"request_type": "grant_access", **level}}
    params = validated(cakewalk_task.SPEC, tenant, {"acting_user": tenant.acting_user, **given})
    decided = cakewalk_task.plan(params, Tenant(client)).result["decisions"]
    app = tenant.find("apps", "Salesforce")["id"]
    routes = [{"app": app, "permission_level": "any", "request_type": "grant_access"}]
    params = validated(cakewalk_task_route_info.SPEC, tenant, {"routes": routes, "tasks": [TASK]})
    routed = cakewalk_task_route_info.plan(params, Tenant(client)).result["tasks"]
    return decided[0]["outcome"], routed[0]["outcome"]


def grant_without_effect(tenant: Sandbox) -> None:
    """Have a request approved whose access is not listed."""
    tenant.change("open_request", kind="grant", app=APP, user=CONNOR)
    tenant.change("decide_requests", app=APP, user=CONNOR, verdict="approve")
    tenant.change("remove_access", app=APP, user=CONNOR)


@pytest.mark.parametrize("ahead", [-MINUTES, 0, MINUTES])
def test_what_was_granted_a_moment_ago_is_no_older_by_another_clock(
    tenant: Sandbox, client: Client, tmp_path: Path, ahead: int
) -> None:
    """A service that is behind the machine is a machine that is ahead."""
    tenant.configure(clock_ahead=60 * ahead)
    grant_without_effect(tenant)
    assert outcome_of_access(tenant, client, "absent") == "conflicting_request"
    assert outcome_of_access(tenant, client, "present") == "requested"
    assert awaited_of_leaver(tenant, client, tmp_path) == ["open_grant"]
    assert counted_by_rules(tenant, client) == 1
    tenant.configure(clock_ahead=60 * (ahead + MINUTES))
    assert outcome_of_access(tenant, client, "absent") == "absent"
    assert outcome_of_access(tenant, client, "present") == "requested, asks"
    assert awaited_of_leaver(tenant, client, tmp_path) == []
    assert counted_by_rules(tenant, client) == 0


@pytest.mark.parametrize("ahead", [-MINUTES, 0, MINUTES])
def test_a_task_is_snoozed_no_shorter_and_no_longer_by_another_clock(
    tenant: Sandbox, client: Client, ahead: int
) -> None:
    tenant.configure(clock_ahead=60 * ahead)
    for minutes, outcomes in ((MINUTES // 2, ("snoozed", "snoozed")), (-MINUTES // 2, ("approved", "due"))):
        until = datetime.now(timezone.utc) + timedelta(minutes=ahead + minutes)
        tenant.change("snooze_task", task=TASK, until=until.isoformat())
        assert outcomes_of_task(tenant, client) == outcomes


def test_a_service_without_a_clock_grants_nothing_long_ago_and_ends_no_snooze(
    tenant: Sandbox, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant.configure(clock_ahead=-60 * MINUTES)
    grant_without_effect(tenant)
    tenant.change("snooze_task", task=TASK, until="2026-01-01T00:00:00Z")
    monkeypatch.setattr(client_module, "clock_of", lambda _response, earlier: earlier)
    assert outcome_of_access(tenant, client, "absent") == "conflicting_request"
    assert outcome_of_access(tenant, client, "present") == "requested"
    assert awaited_of_leaver(tenant, client, tmp_path) == ["open_grant"]
    assert counted_by_rules(tenant, client) == 1
    assert outcomes_of_task(tenant, client) == ("snoozed", "snoozed")
    cakewalk = Tenant(client)
    assert [cakewalk.time_or_none(), cakewalk.time_or_none()] == [None, None]
    assert len(cakewalk.warnings) == 1
    assert "sends no `Date`" in cakewalk.warnings[0]
    assert {row["age_days"] for row in open_requests(Tenant(client))} == {None}


def test_the_age_of_a_request_is_by_the_clock_of_the_service(tenant: Sandbox, client: Client) -> None:
    tenant.configure(clock_ahead=40 * 24 * 3600)
    tenant.change("open_request", kind="grant", app=APP, user=CONNOR)
    assert 0 in {row["age_days"] for row in open_requests(Tenant(client))}


def open_requests(cakewalk: Tenant) -> list[Data]:
    """Return the rows about open requests in the evidence."""
    snapshot = take_snapshot(cakewalk)
    privileged = Privileged([], snapshot.apps)
    tables = Populations(snapshot, cakewalk.user_statuses, cakewalk.request_statuses, privileged).tables()
    return next(list(table.rows) for table in tables if table.name == "open_requests")
