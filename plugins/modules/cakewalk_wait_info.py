#!/usr/bin/python
# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for people and accesses in Cakewalk."""

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

from ansible_collections.cakewalk.access.plugins.module_utils._api.catalog import APPS, USERS
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.lookup import Resolver, person
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.plan import Plan
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.wait import check_timeout
from ansible_collections.cakewalk.access.plugins.module_utils._engine.lifecycle.arrivals import (
    AccessAppears,
    UserAppears,
)
from ansible_collections.cakewalk.access.plugins.module_utils._module.arguments import CONNECTION, spec
from ansible_collections.cakewalk.access.plugins.module_utils._module.entry import run_module

SPEC = spec(
    CONNECTION,
    options={
        "user": {"type": "str", "required": True},
        "apps": {"type": "list", "elements": "str", "default": []},
        "wait_timeout": {"type": "int", "default": 300},
    },
)


def plan(params, tenant):
    """Return a plan without steps that waits for what is not there yet."""
    check_timeout(params["wait_timeout"])
    return _for_accesses(params, tenant) if params["apps"] else _for_the_person(params, tenant)


def _for_the_person(params, tenant):
    wait = UserAppears(params["user"], params["wait_timeout"])
    missing = wait.missing(tenant.read(wait.sources))
    return Plan(
        result=_told(wait.who),
        report=lambda applied: _told(wait.who) if applied.goal_reached else {},
        wait=wait if missing else None,
    )


def _for_accesses(params, tenant):
    finder = Resolver()
    people, register = tenant.indexes([(USERS, [params["user"]]), (APPS, params["apps"])])
    who = finder.find(params["user"], people)
    apps = finder.find_all(params["apps"], register)
    finder.check()
    wait = AccessAppears(who, apps, params["wait_timeout"], tenant.request_statuses)
    missing = wait.missing(tenant.read(wait.sources))
    return Plan(
        result=_told(who, missing),
        report=lambda applied: _told(who) if applied.goal_reached else {},
        wait=wait if missing else None,
    )


def _told(who, missing=()):
    user = {"id": who["id"], "email": person(who), "status": who.get("statusName")} if who else None
    return {"found": who is not None, "user": user, "waiting_for": list(missing)}


def main():
    run_module(SPEC, plan)


if __name__ == "__main__":
    main()
