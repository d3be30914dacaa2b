#!/usr/bin/python
# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Footprints of people who leave."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cakewalk_leaver_info
short_description: Tell what somebody who leaves has, and what is left of it
version_added: 0.1.0
author: Contributors to the cakewalk.access collection (@cakewalk-access)
description:
  - Reads the members of every group, the accesses and the record of every app, all requests and the person's tasks, and
    tells what of it is about one person. It changes nothing.
  - Tells what can be taken away, as M(cakewalk.access.cakewalk_group_member) and M(cakewalk.access.cakewalk_app_access)
    take it, and what stays because it needs a person.
  - Refuses what must not happen before anything does, which is what the role C(cakewalk.access.leaver) uses it for.
extends_documentation_fragment:
  - cakewalk.access.attributes.info
  - cakewalk.access.attributes.action_group_write
  - cakewalk.access.connection
  - cakewalk.access.acting
  - cakewalk.access.writing
options:
  user:
    description: Who leaves, by e-mail address or id. Where two accounts have the address, only an id tells which is
      meant.
    type: str
    required: true
  confirm:
    description: The e-mail address of the person, typed a second time.
    type: str
    required: true
  twice:
    description:
      - Whether to look until two looks in a row agree. A list that moves while it is read may skip a row, so one
        look does not prove that somebody has nothing.
    type: bool
    default: false
  purpose:
    description: The purpose that requests for removals would have. It is only checked here.
    type: str
  wait_timeout:
    description: How long the removals would be waited for, in seconds. It is only checked here.
    type: int
    default: 0
  retry_declined:
    description: Whether removals that were declined the last time count as such that are asked for again.
    type: bool
    default: false
  max_removals:
    description:
      - How many removals there may be, from groups and apps together. If there would be more, the module fails and
        lists them. There is no limit if this is not set.
    type: int
  max_removal_percent:
    description:
      - How large a share of all memberships and accesses that were read may be removed, if they are 20 or more.
    type: int
    default: 10
seealso:
  - module: cakewalk.access.cakewalk_group_member
  - module: cakewalk.access.cakewalk_app_access
  - module: cakewalk.access.cakewalk_info
"""

EXAMPLES = r"""
- name: What would be taken from Connor, and what would be left
  cakewalk.access.cakewalk_leaver_info:
    user: connor.contractor@example.com
    confirm: connor.contractor@example.com
  register: connor

- name: Show it
  ansible.builtin.debug:
    var: connor.shown

- name: Prove that nothing is left of somebody
  cakewalk.access.cakewalk_leaver_info:
    user: oscar.offboarding@example.com
    confirm: oscar.offboarding@example.com
    twice: true
  register: oscar
"""

RETURN = r"""
tenant:
  description: The address of the tenant's service, for the proof.
  returned: success
  type: str
  sample: https://open-api.getcakewalk.io
user:
  description: Who leaves.
  returned: success
  type: dict
  sample: {"id": "6c95576d-e21e-4b4b-a15f-2a3b507f44c3", "email": "connor.contractor@example.com", "status": "Active"}
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
other_accounts:
  description: Other accounts with the same e-mail address, with id, name and status. Nothing is told of what they have.
  returned: success
  type: list
  elements: dict
  sample: []
groups:
  description:
    - The groups that the person is in. C(synced) tells whether another directory decides about it, as far as the
      record of the group shows.
  returned: success
  type: list
  elements: dict
  sample: [{"id": "3c0cbb6e-5c6c-5d0e-8d1c-0f6f0d1c3a11", "name": "Engineering", "synced": false}]
accesses:
  description:
    - The apps that the person has access to. C(outcome) tells what comes of its removal, V(removal_requested) if it
      is or would be asked for, V(not_managed), V(conflicting_request), V(declined) or V(unclear_request);
      C(to_request) whether a request would be opened.
  returned: success
  type: list
  elements: dict
  sample:
    - id: 0e4fdb7f-3c0e-5a55-9f0f-7d1f1a7f2b22
      name: GitHub
      levels: [Write]
      outcome: removal_requested
      to_request: true
      request_id:
      request_status:
ownerships:
  description: The apps that the person owns.
  returned: success
  type: list
  elements: dict
  sample: [{"id": "0e4fdb7f-3c0e-5a55-9f0f-7d1f1a7f2b22", "name": "GitHub"}]
requests:
  description:
    - Requests about the person's access that are not decided, or may be, or were granted a moment ago and do not show
      in the accesses yet.
  returned: success
  type: list
  elements: dict
  sample: []
tasks:
  description: Tasks that are assigned to the person and not decided. Somebody else has to do them.
  returned: success
  type: list
  elements: dict
  sample: []
memberships:
  description: What M(cakewalk.access.cakewalk_group_member) takes to end the memberships that can be ended; ids only.
  returned: success
  type: list
  elements: dict
  sample: []
removals:
  description: What M(cakewalk.access.cakewalk_app_access) takes to have accesses removed; ids only.
  returned: success
  type: list
  elements: dict
  sample: []
staying:
  description:
    - What no request takes away, with C(what) it is, its id and name, and C(why) it stays. V(synced_membership),
      V(unmanaged_access), V(access), V(ownership), V(open_grant) and V(unclear_request).
  returned: success
  type: list
  elements: dict
  sample:
    - what: ownership
      id: 0e4fdb7f-3c0e-5a55-9f0f-7d1f1a7f2b22
      name: GitHub
      why: the app needs another owner
left:
  description: All that is left now, in the same form; V(membership) and V(access) are what could be taken away.
  returned: success
  type: list
  elements: dict
  sample: []
shown:
  description: The groups, accesses, ownerships, requests and tasks as lines for people.
  returned: success
  type: list
  elements: str
  sample: ["connor.contractor@example.com: member of Contractors"]
looked_from:
  description: When the first of the looks that count began, in UTC.
  returned: success
  type: str
  sample: "2026-06-01T12:00:00Z"
looked_until:
  description: When the last one ended.
  returned: success
  type: str
  sample: "2026-06-01T12:00:09Z"
looks:
  description: How many looks agree, 1 or 2.
  returned: success
  type: int
  sample: 1
error:
  description: What went wrong, for programs; C(kind) names the kind of error, other fields depend on it.
  returned: failure, once the options have the right form
  type: dict
  sample: {"kind": "rail", "protected": ["ada.admin@example.com"]}
"""

from typing import Any

from ..module_utils._api.catalog import person
from ..module_utils._engine.access.planning import check_purpose
from ..module_utils._engine.core.lookup import candidate
from ..module_utils._engine.core.plan import Plan
from ..module_utils._engine.core.tenant import Tenant
from ..module_utils._engine.core.timestamps import now
from ..module_utils._engine.core.wait import check_timeout
from ..module_utils._engine.lifecycle import footprint, leaver
from ..module_utils._module.arguments import ACTING, CONNECTION, WRITING, spec
from ..module_utils._module.entry import run_module

SPEC = spec(
    CONNECTION,
    ACTING,
    WRITING,
    options={
        "user": {"type": "str", "required": True},
        "confirm": {"type": "str", "required": True},
        "twice": {"type": "bool", "default": False},
        "purpose": {"type": "str"},
        "wait_timeout": {"type": "int", "default": 0},
        "retry_declined": {"type": "bool", "default": False},
        "max_removals": {"type": "int"},
        "max_removal_percent": {"type": "int", "default": 10},
    },
)


def plan(params: dict[str, Any], tenant: Tenant) -> Plan:
    """Return a plan without steps, whose result is the footprint of the person and what a run can remove."""
    check_purpose(params["purpose"])
    check_timeout(params["wait_timeout"])
    user, actor, others = leaver.leaver(params, tenant)
    tenant.warnings += leaver.warnings_of(others)

    def read() -> footprint.Footprint:
        return footprint.read_footprint(tenant, user, params["retry_declined"])

    begun = now()
    found = footprint.read_until_stable(read) if params["twice"] else read()
    leaver.check_guardrails(user, found, params["max_removals"], params["max_removal_percent"])
    return Plan(
        result={
            "tenant": params["base_url"].rstrip("/"),
            "user": {"id": user["id"], "email": person(user), "status": user.get("statusName")},
            "actor_id": actor["id"],
            "actor": person(actor),
            "other_accounts": [candidate(other) for other in others],
            "groups": found.groups,
            "accesses": found.accesses,
            "ownerships": found.ownerships,
            "requests": found.requests,
            "tasks": found.tasks,
            "memberships": leaver.memberships(user, found),
            "removals": leaver.removals(user, found),
            "staying": leaver.staying(found),
            "left": leaver.left(found),
            "shown": footprint.lines(user, found),
            "looked_from": begun,
            "looked_until": now(),
            "looks": 2 if params["twice"] else 1,
        }
    )


def main() -> None:
    run_module(SPEC, plan)


if __name__ == "__main__":
    main()
