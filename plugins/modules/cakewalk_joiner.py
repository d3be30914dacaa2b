#!/usr/bin/python
# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Onboarding of people."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cakewalk_joiner
short_description: Onboard people
version_added: 1.0.0
author: Contributors to the cakewalk.access collection (@cakewalk-access)
description:
  - Adds people to groups, and requests access besides what the groups give. The result shows which apps follow and what
    waits for approval.
  - People in the directory get everything at once. Then the task waits for the others to appear.
  - Wrong options fail the task before the first write. After that, a failure for one person does not stop the others.
  - The role C(cakewalk.access.joiner) wraps this module.
extends_documentation_fragment:
  - cakewalk.access.attributes
  - cakewalk.access.attributes.action_group_write
  - cakewalk.access.connection
  - cakewalk.access.acting
  - cakewalk.access.writing
  - cakewalk.access.journal
options:
  user:
    description: The person who joins, by e-mail address or id. Excludes O(people).
    type: str
  groups:
    description: The groups to join, by exact name or id. Used with O(user).
    type: list
    elements: str
  accesses:
    description:
      - "Access besides what the groups give. Instead of a list, a text with a line per app also works, such as
        C(GitHub: Admin). Used with O(user)."
      - If a group gives the same app, the request that follows from the group counts. At another permission level, the
        task fails with a conflict.
    type: list
    elements: dict
    suboptions:
      app:
        description: The app, by exact name or id.
        type: str
        required: true
      permission_level:
        description: The permission level, by exact name or id. Required if the app has levels.
        type: str
  purpose:
    description: The reason, for the approvers of the extra access, in 1 to 1024 characters.
    type: str
    default: Joins the company
  people:
    description:
      - Many people in one task, which is faster. If an entry is wrong, nothing changes for anybody.
    type: list
    elements: dict
    suboptions:
      user:
        description: Like O(user).
        type: str
        required: true
      groups:
        description: Like O(groups).
        type: list
        elements: str
      accesses:
        description: Like O(accesses).
        type: list
        elements: dict
        suboptions:
          app:
            description: The app, by exact name or id.
            type: str
            required: true
          permission_level:
            description: The permission level, by exact name or id. Required if the app has levels.
            type: str
      purpose:
        description: Like O(purpose), which is the default.
        type: str
  wait_timeout:
    description:
      - How long to wait for people who are not in the directory yet, in seconds. The directory syncs every two hours.
      - With V(0) the task does not wait, and missing people do not fail it. They are in RV(people[].waiting), so a
        scheduled run can add them later.
    type: int
    default: 7800
  implicitly_approve_requests:
    description:
      - Whether to approve the requests that follow from the groups at once. This bypasses the approval policies.
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
notes:
  - O(journal_path) is required.
  - Check mode does not wait. For a person who is not in the directory yet, it shows only what the options say.
  - Check mode cannot predict the requests that follow from the groups, and shows where they may follow.
  - If the API refuses to add several people to a group at once, they are added one by one.
  - A person in O(protected_users) cannot lose a permission level in exchange for another.
  - Approvers are named if a task of the person's manager or of an app owner shows the request.
seealso:
  - module: cakewalk.access.cakewalk_mover
  - module: cakewalk.access.cakewalk_leaver
  - module: cakewalk.access.cakewalk_group_member
"""

EXAMPLES = r"""
- name: Onboard Owen
  cakewalk.access.cakewalk_joiner:
    user: owen.onboarding@example.com
    groups:
      - Engineering
    accesses:
      - app: Salesforce
        permission_level: Standard
    journal_path: "{{ lookup('ansible.builtin.env', 'HOME') }}/joiners/writes.jsonl"
  register: owen

- name: Show what waits for approval
  ansible.builtin.debug:
    msg: "{{ owen.people[0].waiting }}"

- name: Onboard everybody who is in the directory by now, in a scheduled run
  cakewalk.access.cakewalk_joiner:
    people:
      - user: owen.onboarding@example.com
        groups: [Engineering]
      - user: nora.newcomer@example.com
        groups: [Sales]
        accesses:
          - app: Orphan Wiki
        purpose: Starts in June
    journal_path: "{{ lookup('ansible.builtin.env', 'HOME') }}/joiners/writes.jsonl"
    wait_timeout: 0
"""

RETURN = r"""
plan:
  description: The tenant, the acting user and the purpose, then what each person gets.
  returned: success, and when a person did not join
  type: list
  elements: str
  sample:
    - "Tenant: https://open-api.getcakewalk.io"
    - "Acting user: ada.admin@example.com"
    - "owen.onboarding@example.com: joins Engineering, which gives access to Figma, GitHub"
    - "owen.onboarding@example.com: requests Salesforce (Standard)"
complete:
  description:
    - Whether all people are in their groups and have all access. In check mode, whether a run would achieve that.
  returned: success, and when a person did not join
  type: bool
  sample: false
people:
  description: The outcome for each person.
  returned: success, and when a person did not join
  type: list
  elements: dict
  contains:
    user:
      description: The person. C(id) is null until the directory shows the person.
      type: dict
      sample:
        id: 09bc9938-eb60-59d7-9d8b-12cc681ef669
        name: Owen Onboarding
        email: owen.onboarding@example.com
        status: Onboarding
    complete:
      description: Whether the person is in all groups and has all access.
      type: bool
      sample: false
    waiting:
      description:
        - What waits for approval, including access that follows from groups. C(what) is V(access), or V(person) if the
          person is not in the directory. C(since) is the time of the request. C(waits_for) lists the approvers that
          tasks show, by e-mail address.
      type: list
      elements: dict
      sample:
        - what: access
          id: 0e4fdb7f-3c0e-5a55-9f0f-7d1f1a7f2b22
          name: Salesforce (Standard)
          request_id: 6cb514c6-a6a9-597a-8ba8-20193a282b18
          why: its request is Pending
          since: "2026-06-01T12:00:00.000Z"
          waits_for: [olga.owner@example.com]
    by_hand:
      description:
        - Manual work, such as access whose request was declined. C(do) says what to do.
      type: list
      elements: dict
      sample: []
    errors:
      description: Messages of the steps that failed for this person.
      type: list
      elements: str
      sample: []
    groups:
      description: The groups with the apps that they give. C(outcome) is V(added), V(member) or V(not_added).
      type: list
      elements: dict
      sample:
        - id: 3c0cbb6e-5c6c-5d0e-8d1c-0f6f0d1c3a11
          name: Engineering
          outcome: added
          default_apps: [Figma, GitHub]
    accesses:
      description:
        - The extra access. C(outcome) is V(granted), V(requested), V(level_change_requested), V(declined),
          V(conflicting_request), V(failed) or V(not_requested).
      type: list
      elements: dict
      sample:
        - app: Salesforce
          app_id: 0e4fdb7f-3c0e-5a55-9f0f-7d1f1a7f2b22
          permission_level: Standard
          outcome: requested
          request_id: 6cb514c6-a6a9-597a-8ba8-20193a282b18
          request_status: Pending
summary:
  description: Counts for all people. C(missing) counts people who are not in the directory.
  returned: success, and when a person did not join
  type: dict
  sample: {"people": 1, "complete": 0, "failed": 0, "missing": 0, "waiting": 3, "by_hand": 0}
stats:
  description:
    - Results without personal data, which the role publishes with C(ansible.builtin.set_stats). In check mode,
      C(joiner_complete) is false if something would change or waits.
  returned: success, and when a person did not join
  type: dict
  sample:
    joiner_complete: false
    joiner_number_of_people: 1
    joiner_failed: 0
    joiner_missing: 0
    joiner_waiting: 3
    joiner_by_hand: 0
    joiner_record_path: /var/lib/cakewalk/joiners.jsonl
bypassed_approval:
  description: Whether the requests that follow are approved without the policies.
  returned: success, and when a person did not join
  type: bool
  sample: false
bypass_reason:
  description: The reason for the bypass.
  returned: when requests are approved past the policies
  type: str
  sample: Approved by the board, ticket 4711
msg:
  description: What changed, or in check mode would change, in one sentence; after a failure the error.
  returned: always
  type: str
  sample: "owen.onboarding@example.com added to Engineering; 2 things wait for others."
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
        - action: add 1 person to the group 'Engineering'
          method: POST
          path: /api/v1/UsersGroups/3c0cbb6e-5c6c-5d0e-8d1c-0f6f0d1c3a11/Users
          users: [owen.onboarding@example.com]
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
    refused:
      description: Refused additions of several people, who were then added one by one.
      type: list
      elements: dict
      sample: []
error:
  description:
    - The error, for programs. C(kind) is V(not_joined) if something failed for a person after the first write. Other
      kinds are those of M(cakewalk.access.cakewalk_group_member) and M(cakewalk.access.cakewalk_app_access).
  returned: failure, unless Ansible refuses the options
  type: dict
  sample: {"kind": "not_joined", "failed": 1}
"""

from typing import Any

from ..module_utils._engine.core.plan import Plan
from ..module_utils._engine.core.tenant import Tenant
from ..module_utils._engine.lifecycle.joiner import plan_joiners
from ..module_utils._module.arguments import ACTING, CONNECTION, JOURNAL, WRITING, bulk_spec
from ..module_utils._module.entry import run_module

SPEC = bulk_spec(
    "people",
    {
        "user": {"type": "str", "required": True},
        "groups": {"type": "list", "elements": "str"},
        "accesses": {
            "type": "list",
            "elements": "dict",
            "options": {"app": {"type": "str", "required": True}, "permission_level": {"type": "str"}},
        },
    },
    {"purpose": {"type": "str", "default": "Joins the company"}},
    CONNECTION,
    ACTING,
    WRITING,
    JOURNAL,
    options={
        "wait_timeout": {"type": "int", "default": 7800},
        "implicitly_approve_requests": {"type": "bool", "default": False},
        "bypass_reason": {"type": "str", "no_log": False},
        "allow_self_approval": {"type": "bool", "default": False},
    },
)


def plan(params: dict[str, Any], tenant: Tenant) -> Plan:
    """Return the plan for C(params), whose stages follow each other."""
    return plan_joiners(params, tenant)


def main() -> None:
    run_module(SPEC, plan)


if __name__ == "__main__":
    main()
