#!/usr/bin/python
# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves of people from groups to other groups."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cakewalk_mover
short_description: Move people from groups to other groups, the new ones first
version_added: 0.1.0
author: Contributors to the cakewalk.access collection (@cakewalk-access)
description:
  - Shows what people gain, keep and may lose, and adds them to the new groups. Each person leaves the old groups only
    once the access that the new groups give is listed.
  - Everything that can be refused is refused before the first write. After that a failure concerns only its own
    people. Those whose access does not come stay in their old groups and are listed under C(waiting), the others go on,
    and the task fails at the end.
  - A run goes on where the one before it stopped, so run it again once requests are decided.
  - People are identified once, and by their id from then on.
  - The role C(cakewalk.access.mover) is this module with role variables.
extends_documentation_fragment:
  - cakewalk.access.attributes
  - cakewalk.access.attributes.action_group_write
  - cakewalk.access.connection
  - cakewalk.access.acting
  - cakewalk.access.writing
  - cakewalk.access.journal
options:
  user:
    description: The person who moves, by e-mail address or id. Excludes O(people).
    type: str
  joins:
    description: The groups to join, by id or exact name. People without C(joins) of their own join these.
    type: list
    elements: str
  leaves:
    description: The groups to leave, by id or exact name. People without C(leaves) of their own leave these.
    type: list
    elements: str
  people:
    description:
      - Many people in one task, which reads the tenant once for all of them. The limits on removals apply to the sum.
        If one person cannot be identified, nothing is changed for anybody.
      - People who join the same group are added by one request. If the service refuses it, they are added one by one.
    type: list
    elements: dict
    suboptions:
      user:
        description: The person, as O(user).
        type: str
        required: true
      joins:
        description: The groups to join. By default O(joins).
        type: list
        elements: str
      leaves:
        description: The groups to leave. By default O(leaves).
        type: list
        elements: str
  wait:
    description:
      - Whether people leave their old groups only once the access that the new groups give is listed, at any level.
      - If it is V(false), they leave once they are in all new groups.
    type: bool
    default: true
  wait_timeout:
    description: How long to wait for all people together, in seconds. With V(0) the lists are read once.
    type: int
    default: 300
  implicitly_approve_requests:
    description:
      - Whether the access requests that follow from additions are approved at once, past the approval policies. This
        demands O(bypass_reason), is warned about, and marks the result.
    type: bool
    default: false
  bypass_reason:
    description: The reason for bypassing approval, for the warning, the result and the journal.
    type: str
  allow_self_approval:
    description: Whether the O(acting_user) may be among those added with O(implicitly_approve_requests).
    type: bool
    default: false
  max_removals:
    description:
      - How many removals the task may make, for all people and groups together. If there would be more, nothing is
        written and the error lists them. There is no limit if this is not set.
    type: int
  max_removal_percent:
    description: How large a share of the memberships of all named groups may end, if they are 20 or more.
    type: int
    default: 10
notes:
  - O(journal_path) must be set, so that every move is on record.
  - Somebody who is no member of a group to leave must be missing in two readings of its members that agree, if they
    take several pages.
  - Other groups may give the same apps. Groups that are not named are not read.
  - Whether Cakewalk removes access when somebody leaves a group is not documented. This module does not request it. See
    C(may_lose), and use M(cakewalk.access.cakewalk_app_access) for access that must go.
  - A declined or cancelled request ends the wait for its person only.
  - Approvers are named if a task of the person's manager or of an owner of the app shows the request.
  - Check mode assumes that requests are approved, and says so in a warning.
seealso:
  - module: cakewalk.access.cakewalk_group_member
  - module: cakewalk.access.cakewalk_leaver
"""

EXAMPLES = r"""
- name: Move Erin to sales, and approve the requests at once
  cakewalk.access.cakewalk_mover:
    user: erin.engineer@example.com
    joins: [Sales]
    leaves: [Engineering]
    implicitly_approve_requests: true
    bypass_reason: Change 4711
    journal_path: "{{ lookup('ansible.builtin.env', 'HOME') }}/cakewalk/moves.jsonl"
  register: erin

- name: Show the apps that Erin may lose
  ansible.builtin.debug:
    var: erin.people[0].may_lose

- name: Move several people to contractors without waiting
  cakewalk.access.cakewalk_mover:
    people:
      - user: erin.engineer@example.com
        leaves: [Sales]
      - user: sally.sales@example.com
    joins: [Contractors]
    wait: false
    max_removals: 2
    journal_path: "{{ lookup('ansible.builtin.env', 'HOME') }}/cakewalk/moves.jsonl"
"""

RETURN = r"""
plan:
  description: Tenant, acting user and guardrails, then what each person joins, leaves, gains, keeps and may lose.
  returned: success, and when a move is incomplete
  type: list
  elements: str
  sample:
    - "Tenant: https://open-api.getcakewalk.io"
    - "Acting user: ada.admin@example.com"
    - "erin.engineer@example.com: joins Sales"
    - "erin.engineer@example.com: leaves Engineering"
    - "erin.engineer@example.com: is to gain Salesforce"
    - "erin.engineer@example.com: may lose GitHub, which only old groups give"
complete:
  description: Whether all people moved. In check mode whether they would, once all requests are approved.
  returned: success, and when a move is incomplete
  type: bool
  sample: false
people:
  description: The outcome for each person.
  returned: success, and when a move is incomplete
  type: list
  elements: dict
  contains:
    user:
      description: The person, as listed before the run.
      type: dict
      sample: {"id": "6c95576d-e21e-4b4b-a15f-2a3b507f44c3", "email": "erin.engineer@example.com", "status": "Active"}
    complete:
      description: Whether the person is in all new groups and in no old group.
      type: bool
      sample: false
    joined:
      description: The groups to which the person was added, or in check mode would be.
      type: list
      elements: dict
      sample: [{"id": "3c0cbb6e-5c6c-5d0e-8d1c-0f6f0d1c3a11", "name": "Sales"}]
    left:
      description: The groups from which the person was removed, or in check mode would be.
      type: list
      elements: dict
      sample: []
    gains:
      description: Apps that only the new groups give, and that the person did not have.
      type: list
      elements: dict
      sample: [{"id": "0e4fdb7f-3c0e-5a55-9f0f-7d1f1a7f2b22", "name": "Salesforce"}]
    keeps:
      description: Apps that both the new and the old groups give.
      type: list
      elements: dict
      sample: []
    may_lose:
      description: Apps that only the old groups give, and that the person had.
      type: list
      elements: dict
      sample: [{"id": "5b0c1c0e-55a5-5d5f-8f5e-1f0a6c1b9d33", "name": "GitHub"}]
    required:
      description: All apps that the new groups give. Access to them is waited for.
      type: list
      elements: dict
      sample: [{"id": "0e4fdb7f-3c0e-5a55-9f0f-7d1f1a7f2b22", "name": "Salesforce"}]
    waiting:
      description:
        - What the person waits for. C(what) is V(access) or V(membership), C(since) the time of the request, and
          C(waits_for) the e-mail addresses of the people who must decide, as far as tasks show them.
        - In check mode the access that is assumed to come.
      type: list
      elements: dict
      sample:
        - what: access
          name: Salesforce
          id: 0e4fdb7f-3c0e-5a55-9f0f-7d1f1a7f2b22
          request_id: 6cb514c6-a6a9-597a-8ba8-20193a282b18
          request_status: Pending
          since: "2026-06-01T12:00:00.000Z"
          why: the request is Pending
          waits_for: [max.manager@example.com]
          do: Have the request decided and carried out, and run again.
    by_hand:
      description:
        - Access that does not come by waiting, because its request was declined or cancelled, or because there is no
          request. C(do) says what to do.
      type: list
      elements: dict
      sample: []
    errors:
      description: The messages of the steps that failed for the person, and of reads that failed.
      type: list
      elements: str
      sample: []
summary:
  description: Counts over all people.
  returned: success, and when a move is incomplete
  type: dict
  sample: {"people": 1, "complete": 0, "failed": 0, "joined": 1, "left": 0, "waiting": 1, "by_hand": 0}
stats:
  description: Facts without personal data, which the role publishes with C(ansible.builtin.set_stats).
  returned: success, and when a move is incomplete
  type: dict
  sample:
    mover_complete: false
    mover_number_of_people: 1
    mover_failed: 0
    mover_joined: 1
    mover_left: 0
    mover_waiting: 1
    mover_by_hand: 0
    mover_record_path: /var/lib/cakewalk/moves.jsonl
bypassed_approval:
  description: Whether requests that follow from the additions are approved past the policies.
  returned: when somebody is added
  type: bool
  sample: false
bypass_reason:
  description: The reason given for it.
  returned: when approval is bypassed
  type: str
  sample: Change 4711
steps:
  description:
    - The writes. In check mode all of them are C(pending). C(refused) lists refused additions of several people, which
      were repeated one by one.
  returned: success, and when a step failed
  type: dict
  contains:
    done:
      description:
        - Steps that were carried out, as a read after them shows. C(request_id) is the id of the request that a step
          opened.
      type: list
      elements: dict
      sample:
        - action: add 1 person to the group 'Sales'
          method: POST
          path: /api/v1/UsersGroups/3c0cbb6e-5c6c-5d0e-8d1c-0f6f0d1c3a11/Users
          users: [erin.engineer@example.com]
    errors:
      description: Steps that failed, each with C(msg), C(kind) and what the service said.
      type: list
      elements: dict
      sample: []
    pending:
      description: Steps that were not started.
      type: list
      elements: dict
      sample: []
error:
  description:
    - What went wrong, for programs. C(kind) is V(incomplete) if somebody did not move, and else one of those that
      M(cakewalk.access.cakewalk_group_member) has.
  returned: failure, once the options have the right form
  type: dict
  sample: {"kind": "incomplete", "waiting": 1, "by_hand": 0, "failed": 0}
"""

from typing import Any

from ..module_utils._engine.core.plan import Plan
from ..module_utils._engine.core.tenant import Tenant
from ..module_utils._engine.lifecycle.mover import plan_moves
from ..module_utils._module.arguments import ACTING, CONNECTION, JOURNAL, WRITING, bulk_spec
from ..module_utils._module.entry import run_module

SPEC = bulk_spec(
    "people",
    {"user": {"type": "str", "required": True}},
    {"joins": {"type": "list", "elements": "str"}, "leaves": {"type": "list", "elements": "str"}},
    CONNECTION,
    ACTING,
    WRITING,
    JOURNAL,
    options={
        "wait": {"type": "bool", "default": True},
        "wait_timeout": {"type": "int", "default": 300},
        "implicitly_approve_requests": {"type": "bool", "default": False},
        "bypass_reason": {"type": "str", "no_log": False},
        "allow_self_approval": {"type": "bool", "default": False},
        "max_removals": {"type": "int"},
        "max_removal_percent": {"type": "int", "default": 10},
    },
)


def plan(params: dict[str, Any], tenant: Tenant) -> Plan:
    """Return the plan for C(params), whose stages follow each other."""
    return plan_moves(params, tenant)


def main() -> None:
    run_module(SPEC, plan)


if __name__ == "__main__":
    main()
