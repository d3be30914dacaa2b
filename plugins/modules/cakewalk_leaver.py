#!/usr/bin/python
# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Offboarding of people, with a proof."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cakewalk_leaver
short_description: Offboard people and write a proof
version_added: 1.0.0
author: Contributors to the cakewalk.access collection (@cakewalk-access)
description:
  - Removes people from their groups and requests the removal of their access to managed apps. Then it waits for the
    removals, reads everything again, and writes a proof for each person.
  - Groups that are synced from another directory, and apps that Cakewalk does not manage, remain. They are listed as
    manual work.
  - Wrong options fail the task before the first write. After that, a failure stops nothing else. At the end the task
    fails if anything is left, see O(fail_on_left).
  - The role C(cakewalk.access.leaver) wraps this module.
extends_documentation_fragment:
  - cakewalk.access.attributes
  - cakewalk.access.attributes.action_group_write
  - cakewalk.access.connection
  - cakewalk.access.acting
  - cakewalk.access.writing
  - cakewalk.access.journal
options:
  user:
    description:
      - The person who leaves, by e-mail address or id. If two accounts share the address, use the id. Excludes
        O(people).
    type: str
  confirm:
    description: The e-mail address of the person again, as a safeguard. Required with O(user).
    type: str
  purpose:
    description: The reason, for the approvers of the removals, in 1 to 1024 characters.
    type: str
    default: Leaves the company
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
      confirm:
        description: Like O(confirm).
        type: str
        required: true
      purpose:
        description: Like O(purpose), which is the default.
        type: str
  proof_dir:
    description:
      - The folder for proofs, an absolute path on the machine that runs the module. Each person gets a file, which
        exists before the first write.
      - By default the journal is C(writes.jsonl) in this folder.
    type: path
    required: true
  wait_timeout:
    description: How long to wait for the removals, in seconds. With V(0) the task only requests them.
    type: int
    default: 300
  retry_declined:
    description: Whether to request a removal again if its last request was declined.
    type: bool
    default: false
  fail_on_left:
    description:
      - Whether the task fails if something is left, such as a request that waits for approval. With V(false), only a
        failed step fails it. RV(complete) shows the outcome in both cases.
      - Check mode fails only if a run would be refused.
    type: bool
    default: true
  max_removals:
    description:
      - How many removals the task may make, for all people together. Above this, it fails before the first write. There
        is no limit by default.
    type: int
  max_removal_percent:
    description:
      - The share of all memberships and access in the tenant that the task may remove. It applies from 20 rows upwards.
    type: int
    default: 10
notes:
  - People are identified once, then by id. A person who is renamed, deactivated or deleted during the run is still
    offboarded completely.
  - The proof shows what Cakewalk lists, after two reads that agree. Only the app itself shows whether a person can
    still sign in.
  - The API cannot cancel a request that may still give access. Such a request is in RV(people[].by_hand).
  - A request that was approved in the last 15 minutes may still give access, too. The time is that of the C(Date)
    header of the API, whatever the clock of this machine says.
  - Check mode cannot predict which removals Cakewalk requests by itself after a person left a group.
  - The owner of an app is optional in the API. If it is not shown whether somebody who leaves owns an app, a warning
    names the app, and so does RV(people[].unseen_ownerships).
  - Approvers are named if a task of the person's manager or of an app owner shows the request.
seealso:
  - module: cakewalk.access.cakewalk_joiner
  - module: cakewalk.access.cakewalk_mover
  - module: cakewalk.access.cakewalk_info
"""

EXAMPLES = r"""
- name: Offboard Connor without waiting for approvals
  cakewalk.access.cakewalk_leaver:
    user: connor.contractor@example.com
    confirm: connor.contractor@example.com
    proof_dir: "{{ lookup('ansible.builtin.env', 'HOME') }}/leavers"
    wait_timeout: 0
    fail_on_left: false
  register: connor

- name: Show what waits for approval, and what must be done by hand
  ansible.builtin.debug:
    msg: "{{ connor.people[0].waiting + connor.people[0].by_hand }}"

- name: Offboard several people
  cakewalk.access.cakewalk_leaver:
    people:
      - user: erin.engineer@example.com
        confirm: erin.engineer@example.com
      - user: sally.sales@example.com
        confirm: sally.sales@example.com
        purpose: End of contract 4711
    proof_dir: "{{ lookup('ansible.builtin.env', 'HOME') }}/leavers"
    max_removals: 20
    wait_timeout: 0
    fail_on_left: false
"""

RETURN = r"""
plan:
  description:
    - Tenant, acting user, purpose and guardrails, then a line for each thing that a person has, with what the run does
      about it.
  returned: success, and when something is left
  type: list
  elements: str
  sample:
    - "Tenant: https://open-api.getcakewalk.io"
    - "Acting user: ada.admin@example.com"
    - "connor.contractor@example.com: leaves the group Contractors"
complete:
  description:
    - Whether nothing is left of any person. In check mode, whether nothing would be left after all approvals.
  returned: success, and when something is left
  type: bool
  sample: false
people:
  description: The outcome for each person.
  returned: success, and when something is left
  type: list
  elements: dict
  contains:
    user:
      description: The person, as listed before the run.
      type: dict
      sample:
        id: 6c95576d-e21e-4b4b-a15f-2a3b507f44c3
        name: Connor Contractor
        email: connor@example.com
        status: Active
    complete:
      description: Whether nothing is left of the person. In check mode, whether that would be so after all approvals.
      type: bool
      sample: false
    waiting:
      description:
        - What waits for approval. C(what) is V(access) or V(open_grant), and C(since) the time of the request.
          C(waits_for) lists the approvers that tasks show, by e-mail address.
      type: list
      elements: dict
      sample:
        - what: access
          id: 0e4fdb7f-3c0e-5a55-9f0f-7d1f1a7f2b22
          name: GitHub (Write)
          request_id: 6cb514c6-a6a9-597a-8ba8-20193a282b18
          why: the request to remove it is Pending
          since: "2026-06-01T12:00:00.000Z"
          waits_for: [olga.owner@example.com]
    by_hand:
      description:
        - Manual work. C(do) says what to do, and C(what) is V(membership), V(access), V(unmanaged_access),
          V(synced_membership), V(ownership), V(open_grant) or V(unclear_request).
        - C(is_only_owner) shows whether an app would lose its only owner. It is null if the API does not show all
          owners.
      type: list
      elements: dict
      sample:
        - what: ownership
          id: 0e4fdb7f-3c0e-5a55-9f0f-7d1f1a7f2b22
          name: GitHub
          request_id:
          why: the person is the only owner
          do: "Name another owner of 'GitHub' in Cakewalk: the person is the only one."
          is_only_owner: true
    errors:
      description: Messages of steps and reads that failed for this person.
      type: list
      elements: str
      sample: []
    tasks:
      description: Open approval tasks of the person, which need another assignee. They do not count as left.
      type: list
      elements: dict
      sample: []
    unseen_ownerships:
      description:
        - Apps that the person may own, because the API does not show it. Look in Cakewalk. They do not count as left.
      type: list
      elements: dict
      sample:
        - id: 3c0cbb6e-5c6c-5d0e-8d1c-0f6f0d1c3a11
          name: Figma
    other_accounts:
      description: Other accounts with the same e-mail address. They stay as they are.
      type: list
      elements: dict
      sample: []
summary:
  description: Counts for all people.
  returned: success, and when something is left
  type: dict
  sample:
    people: 1
    complete: 0
    failed: 0
    waiting: 1
    by_hand: 1
    tasks: 0
    unseen_ownerships: 1
listed_at:
  description: The time of the last read, in UTC.
  returned: success, and when something is left
  type: str
  sample: "2026-06-01T12:00:09Z"
proofs:
  description: The path and the SHA-256 of each proof.
  returned: success, and when something is left, except in check mode
  type: list
  elements: dict
  sample:
    - path: /var/lib/cakewalk/leavers/leaver-6c95576d-e21e-4b4b-a15f-2a3b507f44c3-20260601T120000Z-0123456789ab.json
      sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
stats:
  description:
    - Results without personal data, which the role publishes with C(ansible.builtin.set_stats). In check mode,
      C(leaver_complete) is false if something would change or waits.
  returned: success, and when something is left
  type: dict
  sample:
    leaver_complete: false
    leaver_number_of_people: 1
    leaver_failed: 0
    leaver_waiting: 1
    leaver_by_hand: 1
    leaver_tasks: 0
    leaver_unseen_ownerships: 1
    leaver_proof_dir: /var/lib/cakewalk/leavers
    leaver_proofs_sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
msg:
  description: What changed, or in check mode would change, in one sentence; after a failure the error.
  returned: always
  type: str
  sample: "connor.contractor@example.com removed from 2 groups; 1 thing waits for others."
steps:
  description: The writes. In check mode all of them are C(pending).
  returned: success, and when a step failed
  type: dict
  contains:
    done:
      description:
        - Steps that took effect, as a read shows. C(request_id) is the request that a step opened.
      type: list
      elements: dict
      sample:
        - action: remove connor.contractor@example.com from the group 'Contractors'
          method: DELETE
          path: /api/v1/UsersGroups/3c0cbb6e-5c6c-5d0e-8d1c-0f6f0d1c3a11/Users/6c95576d-e21e-4b4b-a15f-2a3b507f44c3
          users: [connor.contractor@example.com]
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
    - The error, for programs. C(kind) is V(left) if something is left. Other kinds are those of
      M(cakewalk.access.cakewalk_group_member) and M(cakewalk.access.cakewalk_app_access).
  returned: failure, unless Ansible refuses the options
  type: dict
  sample: {"kind": "left", "waiting": 1, "by_hand": 1}
"""

from typing import Any

from ..module_utils._engine.core.plan import Plan
from ..module_utils._engine.core.tenant import Tenant
from ..module_utils._engine.lifecycle.leaver import plan_leavers
from ..module_utils._module.arguments import ACTING, CONNECTION, JOURNAL, WRITING, bulk_spec
from ..module_utils._module.entry import run_module

SPEC = bulk_spec(
    "people",
    {"user": {"type": "str", "required": True}, "confirm": {"type": "str", "required": True}},
    {"purpose": {"type": "str", "default": "Leaves the company"}},
    CONNECTION,
    ACTING,
    WRITING,
    JOURNAL,
    options={
        "proof_dir": {"type": "path", "required": True},
        "wait_timeout": {"type": "int", "default": 300},
        "retry_declined": {"type": "bool", "default": False},
        "fail_on_left": {"type": "bool", "default": True},
        "max_removals": {"type": "int"},
        "max_removal_percent": {"type": "int", "default": 10},
    },
)


def plan(params: dict[str, Any], tenant: Tenant) -> Plan:
    """Return the plan for C(params), whose stages follow each other."""
    return plan_leavers(params, tenant)


def main() -> None:
    run_module(SPEC, plan, lambda params: params["journal_path"] or f"{params['proof_dir']}/writes.jsonl")


if __name__ == "__main__":
    main()
