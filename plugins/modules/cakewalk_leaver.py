#!/usr/bin/python
# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Offboarding of people, with a proof."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cakewalk_leaver
short_description: Offboard people, and prove what is left
version_added: 0.1.0
author: Contributors to the cakewalk.access collection (@cakewalk-access)
description:
  - Removes people from all groups about which no other directory decides, requests the removal of all their access to
    managed apps, waits for it, reads everything twice, and writes a proof for each person.
  - Everything that can be refused is refused before the first write. After that a failure stops nothing else, so that
    as much as possible is removed. The task fails at the end if anything is left, see O(fail_on_left).
  - People are identified once, and by their id from then on. So a person who is renamed, deactivated or removed in the
    directory meanwhile is offboarded to the end.
  - The role C(cakewalk.access.leaver) is this module with role variables.
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
      - The person who leaves, by e-mail address or id. If two accounts have the address, the id is needed. Excludes
        O(people).
    type: str
  confirm:
    description: The e-mail address of the person, typed a second time. Needed with O(user).
    type: str
  purpose:
    description: The reason, for the people who approve the removals, in 1 to 1024 characters.
    type: str
    default: Leaves the company
  people:
    description:
      - Many people in one task, which reads the tenant once for all of them. The limits on removals apply to the sum.
        If one person cannot be identified, nothing is changed for anybody.
    type: list
    elements: dict
    suboptions:
      user:
        description: The person, as O(user).
        type: str
        required: true
      confirm:
        description: The e-mail address of the person, typed a second time.
        type: str
        required: true
      purpose:
        description: As O(purpose), which is used where this is not set.
        type: str
  proof_dir:
    description:
      - The folder for proofs, by its whole path. Each person gets a file of its own, which exists from before the first
        write. Without O(journal_path) the journal is C(writes.jsonl) in this folder.
      - It is on the machine that runs the module.
    type: path
    required: true
  wait_timeout:
    description: How long to wait for the removals, in seconds. With 0 they are only requested.
    type: int
    default: 300
  retry_declined:
    description: Whether removals that were declined the last time are requested again.
    type: bool
    default: false
  fail_on_left:
    description:
      - Whether the task fails if something is left, such as a request that waits for approval. Otherwise only a step
        that failed fails the task. RV(complete) tells what is left either way.
      - In check mode the task fails only if a run would be refused.
    type: bool
    default: true
  max_removals:
    description:
      - How many removals the task may make, from groups and apps together, for all people. If there would be more,
        nothing is written and the error lists them. There is no limit if this is not set.
    type: int
  max_removal_percent:
    description:
      - How large a share of all memberships and access rows of the tenant the task may remove, if they are 20 or more.
    type: int
    default: 10
notes:
  - Absence counts only if two reads in a row agree, since a list that changes while it is read may skip a row. The
    proof says what Cakewalk listed. Only an app itself can tell whether somebody can still sign in.
  - The requests are read again after the groups, so that a removal which the service opens by itself is not requested
    twice. Check mode cannot predict such requests.
  - A request that may still give access cannot be cancelled by the API. It is listed under C(by_hand).
  - Approvers are named if a task of the person's manager or of an owner of the app shows the request.
seealso:
  - module: cakewalk.access.cakewalk_group_member
  - module: cakewalk.access.cakewalk_app_access
  - module: cakewalk.access.cakewalk_info
"""

EXAMPLES = r"""
- name: Offboard Connor, and do not wait for the approvals
  cakewalk.access.cakewalk_leaver:
    user: connor.contractor@example.com
    confirm: connor.contractor@example.com
    proof_dir: "{{ lookup('ansible.builtin.env', 'HOME') }}/leavers"
    wait_timeout: 0
    fail_on_left: false
  register: connor

- name: Show what waits for others, and what somebody must do by hand
  ansible.builtin.debug:
    msg: "{{ connor.people[0].waiting + connor.people[0].by_hand }}"

- name: Offboard several people in one run
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
  description: Tenant, acting user, purpose and guardrails, then what each person had before the run.
  returned: success, and when something is left
  type: list
  elements: str
  sample:
    - "Tenant: https://open-api.getcakewalk.io"
    - "Acting user: ada.admin@example.com"
    - "connor.contractor@example.com: member of Contractors"
complete:
  description:
    - Whether nothing is left of all people. In check mode whether nothing would be left once all requests are approved.
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
      sample: {"id": "6c95576d-e21e-4b4b-a15f-2a3b507f44c3", "email": "connor@example.com", "status": "Active"}
    complete:
      description: Whether nothing is left of the person.
      type: bool
      sample: false
    waiting:
      description:
        - What waits for others. C(what) is V(access) or V(open_grant), C(since) the time of the request, and
          C(waits_for) the e-mail addresses of the people who must decide, as far as tasks show them.
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
        - What somebody must do by hand. C(what) is V(membership), V(access), V(unmanaged_access),
          V(synced_membership), V(ownership), V(open_grant) or V(unclear_request), and C(do) says what to do. An
          ownership says with C(is_only_owner) whether the app would have no owner.
      type: list
      elements: dict
      sample:
        - what: ownership
          id: 0e4fdb7f-3c0e-5a55-9f0f-7d1f1a7f2b22
          name: GitHub
          request_id:
          why: the person is the only owner
          do: Name another owner in Cakewalk.
          is_only_owner: true
    errors:
      description: The messages of the steps that failed for the person, and of reads that failed.
      type: list
      elements: str
      sample: []
    tasks:
      description: Open tasks of the person, which somebody else has to do. They do not count as left.
      type: list
      elements: dict
      sample: []
    other_accounts:
      description: Other accounts with the same e-mail address, with id, name and status. They are not touched.
      type: list
      elements: dict
      sample: []
summary:
  description: Counts over all people.
  returned: success, and when something is left
  type: dict
  sample: {"people": 1, "complete": 0, "failed": 0, "waiting": 1, "by_hand": 1, "tasks": 0}
listed_at:
  description: When the last read ended, in UTC.
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
  description: Facts without personal data, which the role publishes with C(ansible.builtin.set_stats).
  returned: success, and when something is left
  type: dict
  sample:
    leaver_complete: false
    leaver_number_of_people: 1
    leaver_failed: 0
    leaver_waiting: 1
    leaver_by_hand: 1
    leaver_tasks: 0
    leaver_proof_dir: /var/lib/cakewalk/leavers
    leaver_proofs_sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
steps:
  description: The writes. In check mode all of them are C(pending).
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
        - action: remove connor.contractor@example.com from the group 'Contractors'
          method: DELETE
          path: /api/v1/UsersGroups/3c0cbb6e-5c6c-5d0e-8d1c-0f6f0d1c3a11/Users/6c95576d-e21e-4b4b-a15f-2a3b507f44c3
          users: [connor.contractor@example.com]
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
    - What went wrong, for programs. C(kind) is V(left) if something is left, and else one of those that
      M(cakewalk.access.cakewalk_group_member) and M(cakewalk.access.cakewalk_app_access) have.
  returned: failure, once the options have the right form
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
