# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of several files need: rows of the tenant, memberships as they are, tasks as Ansible passes them."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_as_code.schema import CODE
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.apply import apply
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.plan import ApplyResult, Plan
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.tenant import Tenant
from ansible_collections.cakewalk.access.plugins.modules import cakewalk_group_member
from sandbox.process import Sandbox

ERIN, SALLY, CONNOR = "erin.engineer@example.com", "sally.sales@example.com", "connor.contractor@example.com"
GRACE, MAX, OLGA = "grace.general@example.com", "max.manager@example.com", "olga.owner@example.com"
#: Waits that a test can afford; the second one is for writes that are still under way.
CONFIRM_DELAYS = (0.0, 0.1)


def members(tenant: Sandbox, name: str) -> list[str]:
    """Return who is in a group, as a sorted list of e-mail addresses."""
    emails = {row["id"]: row["email"] for row in tenant.state("users")["users"]}
    return sorted(emails[identifier] for identifier in tenant.find("groups", name)["members"])


def leavers(tenant: Sandbox, name: str, number: int) -> list[str]:
    """Return some members of a group, without the acting user, who is protected."""
    return [email for email in members(tenant, name) if email != tenant.acting_user][:number]


def validated(specification: dict[str, Any], tenant: Sandbox, given: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of a module's task, checked and completed as Ansible does it."""
    constraints = dict(specification)
    credentials = {"api_key": tenant.api_key, "api_secret": tenant.api_secret}
    result = ArgumentSpecValidator(constraints.pop("argument_spec"), **constraints).validate({**credentials, **given})
    assert not result.error_messages, result.error_messages
    params: dict[str, Any] = result.validated_parameters
    if (params.get("source") or {}).get("code"):
        code = ArgumentSpecValidator(CODE).validate(params["source"]["code"])
        assert not code.error_messages, code.error_messages
        params["source"] = {**params["source"], "code": code.validated_parameters}
    return params


def task(tenant: Sandbox, *memberships: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Return the parameters of a task of cakewalk_group_member, in which an admin acts unless it says otherwise."""
    bulk = {"memberships": list(memberships)} if memberships else {}
    return validated(cakewalk_group_member.SPEC, tenant, {"acting_user": tenant.acting_user, **bulk, **options})


def planned(client: Client, params: dict[str, Any]) -> Plan:
    """Return the plan of a task, from a fresh look at the tenant."""
    return cakewalk_group_member.plan(params, Tenant(client))


def run(client: Client, params: dict[str, Any]) -> ApplyResult:
    """Plan a task and carry it out."""
    return apply(planned(client, params), client, CONFIRM_DELAYS)


def received(tenant: Sandbox, operation: str) -> list[Any]:
    """Return what the tenant answered to each request of an operation; C(None) where it answered nothing."""
    return [entry["status"] for entry in tenant.log(operation=operation)]


def writes(tenant: Sandbox) -> list[tuple[str, str]]:
    """Return method and path of each write that the tenant received."""
    return [(entry["method"], entry["path"]) for entry in tenant.log() if entry["method"] != "GET"]
