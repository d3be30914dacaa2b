#!/usr/bin/python
# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits for a person in the directory, and for access to apps."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cakewalk_wait_info
short_description: Wait until somebody is in Cakewalk, or has access to apps
version_added: 0.1.0
author: Contributors to the cakewalk.access collection (@cakewalk-access)
description:
  - Waits until the directory shows a person, whom a sync is to bring, or until the lists of accesses show that a
    person has access to some apps. It changes nothing.
  - Nothing is waited for in check mode. It then tells what is there now.
extends_documentation_fragment:
  - cakewalk.access.attributes.info
  - cakewalk.access.attributes.action_group_all
  - cakewalk.access.connection
options:
  user:
    description: The person, by e-mail address or id. An address that two people hold is an error.
    type: str
    required: true
  apps:
    description:
      - Apps, by id or exact name, to which the person is to have access, at whatever level. The person must be there
        then.
    type: list
    elements: str
    default: []
  wait_timeout:
    description:
      - How long to wait, in seconds. The module fails when the time is over. Between looks it pauses, at first for a
        second, later for up to a minute.
    type: int
    default: 300
seealso:
  - module: cakewalk.access.cakewalk_info
  - module: cakewalk.access.cakewalk_app_access
"""

EXAMPLES = r"""
- name: Wait until the sync has brought somebody
  cakewalk.access.cakewalk_wait_info:
    user: owen.onboarding@example.com
    wait_timeout: 7800
  register: owen

- name: Wait until Erin has what she was given
  cakewalk.access.cakewalk_wait_info:
    user: erin.engineer@example.com
    apps: [GitHub, Google Workspace]
    wait_timeout: 60
"""

RETURN = r"""
found:
  description: Whether the person is in the directory; false only in check mode.
  returned: success
  type: bool
  sample: true
user:
  description: The person, null if there is none.
  returned: success
  type: dict
  sample: {"id": "09bc9938-eb60-59d7-9d8b-12cc681ef669", "email": "owen.onboarding@example.com", "status": "Onboarding"}
waiting_for:
  description: The accesses that are not there, with the request that is to bring each; only in check mode there are
    any.
  returned: success
  type: list
  elements: str
  sample: []
error:
  description: What went wrong, for programs; C(kind) is V(wait_timed_out) if the time is over.
  returned: failure, once the options have the right form
  type: dict
  sample: {"kind": "wait_timed_out", "waiting_for": ["nobody has the address or id 'owen.onboarding@example.com'"]}
"""

from collections.abc import Sequence
from typing import Any

from ..module_utils._api.catalog import APPS, USERS, person
from ..module_utils._engine.core.lookup import Resolver, Row
from ..module_utils._engine.core.plan import Plan
from ..module_utils._engine.core.tenant import Tenant
from ..module_utils._engine.core.wait import check_timeout
from ..module_utils._engine.lifecycle.arrivals import AccessAppears, UserAppears
from ..module_utils._module.arguments import CONNECTION, spec
from ..module_utils._module.entry import run_module

SPEC = spec(
    CONNECTION,
    options={
        "user": {"type": "str", "required": True},
        "apps": {"type": "list", "elements": "str", "default": []},
        "wait_timeout": {"type": "int", "default": 300},
    },
)


def plan(params: dict[str, Any], tenant: Tenant) -> Plan:
    """Return a plan without steps that waits for the person, or for access to the apps."""
    check_timeout(params["wait_timeout"])
    return _for_access(params, tenant) if params["apps"] else _for_user(params, tenant)


def _for_user(params: dict[str, Any], tenant: Tenant) -> Plan:
    wait = UserAppears(params["user"], params["wait_timeout"])
    missing = wait.missing(tenant.read(wait.sources))
    return Plan(
        result=_result(wait.user),
        report=lambda applied: _result(wait.user) if applied.goal_reached else {},
        wait=wait if missing else None,
    )


def _for_access(params: dict[str, Any], tenant: Tenant) -> Plan:
    resolver = Resolver()
    people, app_index = tenant.indexes([(USERS, [params["user"]]), (APPS, params["apps"])])
    users = resolver.find_all([params["user"]], people)
    apps = resolver.find_all(params["apps"], app_index)
    resolver.check()
    wait = AccessAppears(users[0], apps, params["wait_timeout"], tenant.request_statuses)
    missing = wait.missing(tenant.read(wait.sources))
    return Plan(
        result=_result(users[0], missing),
        report=lambda applied: _result(users[0]) if applied.goal_reached else {},
        wait=wait if missing else None,
    )


def _result(user: Row | None, missing: Sequence[str] = ()) -> dict[str, Any]:
    found = {"id": user["id"], "email": person(user), "status": user.get("statusName")} if user else None
    return {"found": user is not None, "user": found, "waiting_for": list(missing)}


def main() -> None:
    run_module(SPEC, plan)


if __name__ == "__main__":
    main()
