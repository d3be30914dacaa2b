#!/usr/bin/python
# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves of people from groups to other groups."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cakewalk_mover
short_description: Move people between groups
version_added: 1.0.0
author: Contributors to the cakewalk.access collection (@cakewalk-access)
description:
  - Adds people to their new groups, waits for the access that these groups give, and only then removes the people from
    their old groups. The result shows which apps they gain, keep and may lose.
  - A person whose access does not arrive stays in the old groups, and the task fails at the end. Run it again once the
    requests are decided. It continues where it stopped.
  - Wrong options fail the task before the first write. After that, a failure affects only its own people.
  - The role C(cakewalk.access.mover) wraps this module.
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
    description: The groups to join, by exact name or id. The default for O(people).
    type: list
    elements: str
  leaves:
    description: The groups to leave, by exact name or id. The default for O(people).
    type: list
    elements: str
  people:
    description:
      - Many people in one task, which is faster. O(max_removals) and O(max_removal_percent) apply to the sum. If an
        entry is wrong, nothing changes for anybody.
    type: list
    elements: dict
    suboptions:
      user:
        description: Like O(user).
        type: str
        required: true
      joins:
        description: Like O(joins), which is the default.
        type: list
        elements: str
      leaves:
        description: Like O(leaves), which is the default.
        type: list
        elements: str
  wait:
    description:
      - Whether to wait until the access that the new groups give is listed, at any permission level.
      - With V(false), people leave their old groups as soon as they are in the new groups.
    type: bool
    default: true
  wait_timeout:
    description: How long to wait for all people together, in seconds. With V(0) the lists are read once.
    type: int
    default: 300
  implicitly_approve_requests:
    description:
      - Whether to approve the requests that follow from the new groups at once. This bypasses the approval policies.
      - Requires O(bypass_reason). The task warns, and its result shows the bypass.
    type: bool
    default: false
  bypass_reason:
    description: The reason for the bypass. It appears in the warning, the result and the journal, not in Cakewalk.
    type: str
  allow_self_approval:
    description: Whether O(implicitly_approve_requests) may approve access for the O(acting_user).
    type: bool
    default: false
  max_removals:
    description:
      - How many removals the task may make, for all people together. Above this, it fails before the first write. There
        is no limit by default.
    type: int
  max_removal_percent:
    description: The share of the memberships in all named groups that the task may end. It applies from 20 upwards.
    type: int
    default: 10
notes:
  - O(journal_path) is required.
  - It is not documented whether Cakewalk removes access when a person leaves a group. This module does not request it.
    See RV(people[].may_lose), and use M(cakewalk.access.cakewalk_app_access) for access that must end.
  - Other groups may give the same apps. Only the named groups are read.
  - Check mode assumes that all requests are approved, and warns about that. It also warns about people who would stay
    because of RV(people[].by_hand).
  - If the API refuses to add several people to a group at once, they are added one by one.
  - Approvers are named if a task of the person's manager or of an app owner shows the request.
seealso:
  - module: cakewalk.access.cakewalk_joiner
  - module: cakewalk.access.cakewalk_leaver
  - module: cakewalk.access.cakewalk_group_member
"""

EXAMPLES = r"""
- name: Move Erin to Sales, and approve the requests at once
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

- name: Move several people to Contractors without waiting
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
  description:
    - The tenant, the acting user and the guardrails, then what each person joins, leaves, gains, keeps and may lose.
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
  description: Whether all people moved. In check mode, whether they would after all approvals.
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
      sample:
        id: 6c95576d-e21e-4b4b-a15f-2a3b507f44c3
        name: Erin Engineer
        email: erin.engineer@example.com
        status: Active
    complete:
      description:
        - Whether the person is in all new groups and in no old group. In check mode, whether that would be so after all
          approvals.
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
      description: Apps that only the new groups give, and that the person does not have yet.
      type: list
      elements: dict
      sample: [{"id": "0e4fdb7f-3c0e-5a55-9f0f-7d1f1a7f2b22", "name": "Salesforce"}]
    keeps:
      description: Apps that both the new and the old groups give.
      type: list
      elements: dict
      sample: []
    may_lose:
      description: Apps that only the old groups give, and that the person has.
      type: list
      elements: dict
      sample: [{"id": "5b0c1c0e-55a5-5d5f-8f5e-1f0a6c1b9d33", "name": "GitHub"}]
    required:
      description: All apps that the new groups give, for which the task waits.
      type: list
      elements: dict
      sample: [{"id": "0e4fdb7f-3c0e-5a55-9f0f-7d1f1a7f2b22", "name": "Salesforce"}]
    waiting:
      description:
        - What the person waits for. C(what) is V(access) or V(membership), and C(since) the time of the request.
          C(waits_for) lists the approvers that tasks show, by e-mail address.
        - In check mode, the access that should arrive.
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
        - Access that will not arrive by itself, because its request was declined or cancelled, has an unknown status,
          or does not exist. An approved request does not count if its access was removed since. C(do) says what to do.
      type: list
      elements: dict
      sample: []
    errors:
      description: Messages of steps and reads that failed for this person.
      type: list
      elements: str
      sample: []
summary:
  description: Counts for all people.
  returned: success, and when a move is incomplete
  type: dict
  sample: {"people": 1, "complete": 0, "failed": 0, "joined": 1, "left": 0, "waiting": 1, "by_hand": 0}
stats:
  description:
    - Results without personal data, which the role publishes with C(ansible.builtin.set_stats). In check mode,
      C(mover_complete) is false if something would change or waits.
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
  description: Whether the requests that follow are approved without the policies.
  returned: when a person is added
  type: bool
  sample: false
bypass_reason:
  description: The reason for the bypass.
  returned: when approval is bypassed
  type: str
  sample: Change 4711
msg:
  description: What changed, or in check mode would change, in one sentence; after a failure the error.
  returned: always
  type: str
  sample: >-
    erin.engineer@example.com added to Sales; erin.engineer@example.com removed from Engineering; nothing is left to do.
steps:
  description:
    - The writes. In check mode all of them are C(pending). C(refused) lists refused additions of several people, who
      were then added one by one.
  returned: success, and when a step failed
  type: dict
  contains:
    done:
      description:
        - Steps that took effect, as a read shows. C(request_id) is the request that a step opened.
      type: list
      elements: dict
      sample:
        - action: add 1 person to the group 'Sales'
          method: POST
          path: /api/v1/UsersGroups/3c0cbb6e-5c6c-5d0e-8d1c-0f6f0d1c3a11/Users
          users: [erin.engineer@example.com]
    errors:
      description: Steps that failed, each with C(msg), C(kind) and the answer of the API.
      type: list
      elements: dict
      sample: []
    pending:
      description: Steps that were not tried.
      type: list
      elements: dict
      sample: []
error:
  description:
    - The error, for programs. C(kind) is V(incomplete) if a person did not move. Other kinds are those of
      M(cakewalk.access.cakewalk_group_member).
  returned: failure, unless Ansible refuses the options
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
