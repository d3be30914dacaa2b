#!/usr/bin/python
# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The access that a person gains and loses by a move between groups."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cakewalk_mover_info
short_description: Tell what somebody gains and loses by a move from some groups to others
version_added: 0.1.0
author: Contributors to the cakewalk.access collection (@cakewalk-access)
description:
  - Reads the groups that somebody is to join and to leave, their members and default apps, and who has access to
    these. Tells which memberships change, and which apps the person gains, keeps and may lose. It changes nothing.
  - Refuses what must not happen before anything does, which is what the role C(cakewalk.access.mover) uses it for.
extends_documentation_fragment:
  - cakewalk.access.attributes.info
  - cakewalk.access.attributes.action_group_write
  - cakewalk.access.connection
  - cakewalk.access.acting
  - cakewalk.access.writing
options:
  user:
    description: Who moves, by e-mail address or id.
    type: str
    required: true
  joins:
    description: The groups to join, by id or exact name.
    type: list
    elements: str
    default: []
  leaves:
    description: The groups to leave, by id or exact name.
    type: list
    elements: str
    default: []
  wait_timeout:
    description: How long the new access would be waited for, in seconds. It is only checked here.
    type: int
    default: 0
  implicitly_approve_requests:
    description: Whether the requests that follow would be approved past the policies. It is only checked here.
    type: bool
    default: false
  bypass_reason:
    description: Why approval would be bypassed.
    type: str
  max_removals:
    description: From how many groups the person may be removed. There is no limit if this is not set.
    type: int
  max_removal_percent:
    description: How large a share of the memberships of these groups may end, if they are 20 or more.
    type: int
    default: 10
notes:
  - Groups that are not named may give the same apps. They are not read.
seealso:
  - module: cakewalk.access.cakewalk_group_member
  - module: cakewalk.access.cakewalk_wait_info
"""

EXAMPLES = r"""
- name: What would change for Erin if she went to sales
  cakewalk.access.cakewalk_mover_info:
    user: erin.engineer@example.com
    joins: [Sales]
    leaves: [Engineering]
  register: erin

- name: Show it
  ansible.builtin.debug:
    var: erin.shown
"""

RETURN = r"""
user:
  description: Who moves.
  returned: success
  type: dict
  sample: {"id": "6c95576d-e21e-4b4b-a15f-2a3b507f44c3", "email": "erin.engineer@example.com"}
actor_id:
  description: The id of the acting user.
  returned: success
  type: str
  sample: 0a2f3c9e-0a44-4b5f-8f6c-6a5a3f3f1d01
actor:
  description: The e-mail address of the acting user.
  returned: success
  type: str
  sample: ada.admin@example.com
joining:
  description: What M(cakewalk.access.cakewalk_group_member) takes to add the person where that is missing; ids only.
  returned: success
  type: list
  elements: dict
  sample: [{"group": "3c0cbb6e-5c6c-5d0e-8d1c-0f6f0d1c3a11", "users": ["6c95576d-e21e-4b4b-a15f-2a3b507f44c3"]}]
leaving:
  description: What that module takes to remove the person; ids only.
  returned: success
  type: list
  elements: dict
  sample: []
gains:
  description: Apps that only the groups to join give, and that the person does not have.
  returned: success
  type: list
  elements: dict
  sample: [{"id": "0e4fdb7f-3c0e-5a55-9f0f-7d1f1a7f2b22", "name": "Salesforce"}]
shared:
  description: Apps that both the groups to join and those to leave give.
  returned: success
  type: list
  elements: dict
  sample: []
loses:
  description:
    - Apps that only the groups to leave give, and that the person has. Whether Cakewalk asks for their removal when
      somebody leaves a group is not documented.
  returned: success
  type: list
  elements: dict
  sample: [{"id": "0e4fdb7f-3c0e-5a55-9f0f-7d1f1a7f2b22", "name": "GitHub"}]
required:
  description: All apps that the groups to join give.
  returned: success
  type: list
  elements: dict
  sample: [{"id": "0e4fdb7f-3c0e-5a55-9f0f-7d1f1a7f2b22", "name": "Salesforce"}]
shown:
  description: The same as lines for people.
  returned: success
  type: list
  elements: str
  sample: ["erin.engineer@example.com: joins Sales"]
error:
  description: What went wrong, for programs; C(kind) names the kind of error, other fields depend on it.
  returned: failure, once the options have the right form
  type: dict
  sample: {"kind": "rail", "groups": ["Dynamic Berlin"]}
"""

from dataclasses import asdict
from typing import Any

from ..module_utils._api.catalog import person
from ..module_utils._engine.core.guardrails import check_bypass, check_share
from ..module_utils._engine.core.lookup import Resolver, Row
from ..module_utils._engine.core.people import acting_user
from ..module_utils._engine.core.plan import Plan
from ..module_utils._engine.core.tenant import Tenant
from ..module_utils._engine.core.wait import check_timeout
from ..module_utils._engine.groups.membership import not_members, plan_memberships, read_count, removals_of
from ..module_utils._engine.lifecycle import mover
from ..module_utils._module.arguments import ACTING, CONNECTION, WRITING, spec
from ..module_utils._module.entry import run_module

_GROUPS = {"type": "list", "elements": "str", "default": []}
#: Options of the other modules that a move never sets.
_STRICTLY = {"allow_inactive": False, "allow_self_approval": False}

SPEC = spec(
    CONNECTION,
    ACTING,
    WRITING,
    options={
        "user": {"type": "str", "required": True},
        "joins": _GROUPS,
        "leaves": _GROUPS,
        "wait_timeout": {"type": "int", "default": 0},
        "implicitly_approve_requests": {"type": "bool", "default": False},
        "bypass_reason": {"type": "str", "no_log": False},
        "max_removals": {"type": "int"},
        "max_removal_percent": {"type": "int", "default": 10},
    },
)


def plan(params: dict[str, Any], tenant: Tenant) -> Plan:
    """Return a plan without steps, whose result is what a move changes."""
    check_timeout(params["wait_timeout"])
    if params["implicitly_approve_requests"]:
        check_bypass("implicitly_approve_requests", params["bypass_reason"])
    user, actor = _people(params, tenant)
    given = {**params, **_STRICTLY, "user": user["id"], "acting_user": actor["id"]}
    changes, _actor, warnings = plan_memberships(mover.entries_of_move(given), given, tenant)
    mover.refuse_synced(changes)
    # The result shows groups that the person left before; a warning would appear in every second run.
    tenant.warnings += [warning for warning in warnings if warning not in not_members(changes)]
    check_share(removals_of(changes), read_count(changes), params["max_removal_percent"])
    delta = mover.read_access_delta(tenant, user, changes)
    return Plan(
        result={
            "user": {"id": user["id"], "email": person(user)},
            "actor_id": actor["id"],
            "actor": person(actor),
            "joining": [{"group": change.group["id"], "users": [user["id"]]} for change in changes if change.added],
            "leaving": [{"group": change.group["id"], "users": [user["id"]]} for change in changes if change.removed],
            **asdict(delta),
            "shown": mover.lines(user, changes, delta),
        }
    )


def _people(params: dict[str, Any], tenant: Tenant) -> tuple[Row, Row]:
    resolver = Resolver()
    people = tenant.people([reference for reference in (params["user"], params["acting_user"]) if reference])
    users = resolver.find_all([params["user"]], people)
    actor = acting_user(params["acting_user"], people, tenant.user_statuses, resolver)
    return users[0], actor


def main() -> None:
    run_module(SPEC, plan)


if __name__ == "__main__":
    main()
