#!/usr/bin/python
# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Onboarding of people."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cakewalk_joiner
short_description: Onboard people, with groups and extra access
version_added: 0.1.0
author: Contributors to the cakewalk.access collection (@cakewalk-access)
description:
  - Waits until the directory sync has brought people, adds them to groups, requests access besides what the groups
    give, and says which apps follow.
  - Everything that can be refused is refused before the first write, and before any waiting. After that the failure of
    one person does not stop the others.
  - People who are there get everything at once. The task waits for the others afterwards.
  - The role C(cakewalk.access.joiner) is this module with role variables.
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
      - The person who joins, by e-mail address or id. An address of two people is an error. Excludes O(people).
    type: str
  groups:
    description: The groups to join, by id or exact name. Goes with O(user).
    type: list
    elements: str
  accesses:
    description:
      - "Access besides what the groups give. It may be a text, in which each line is an app, or an app with
        a level: C(GitHub: Admin). Goes with O(user)."
      - An app that one of the groups gives counts only at the same level, since the request that follows from the
        group is found. At another level it is a conflict, which fails the task.
    type: list
    elements: dict
    suboptions:
      app:
        description: The app, by id or exact name.
        type: str
        required: true
      permission_level:
        description: The permission level, by id or exact name. Needed if the app has levels.
        type: str
  purpose:
    description: The reason, for the people who approve the extra access, in 1 to 1024 characters.
    type: str
    default: Joins the company
  people:
    description:
      - Many people in one task, which reads the tenant once for all of them, and adds all of them to a group with one
        request. If an entry cannot be right, nothing is changed for anybody.
    type: list
    elements: dict
    suboptions:
      user:
        description: The person, as O(user).
        type: str
        required: true
      groups:
        description: The groups to join, by id or exact name.
        type: list
        elements: str
      accesses:
        description: Access besides what the groups give, as O(accesses).
        type: list
        elements: dict
        suboptions:
          app:
            description: The app, by id or exact name.
            type: str
            required: true
          permission_level:
            description: The permission level, by id or exact name. Needed if the app has levels.
            type: str
      purpose:
        description: As O(purpose), which is used where this is not set.
        type: str
  wait_timeout:
    description:
      - How long to wait for the people who are not in the directory yet, in seconds. The vendor's directory syncs every
        two hours. A person who does not appear in time fails the task, after everything is done for the others.
      - With 0 the task does not wait. A person who is missing is then listed under RV(people[].waiting), and does not
        fail the task, so that a schedule can run it again.
    type: int
    default: 7800
  implicitly_approve_requests:
    description:
      - Whether to approve at once the access requests that follow from the groups, bypassing the policies of the apps.
    type: bool
    default: false
  bypass_reason:
    description: The reason for O(implicitly_approve_requests), which needs one. It is in the warning and the journal.
    type: str
  allow_self_approval:
    description: Whether O(implicitly_approve_requests) may approve access for the acting user.
    type: bool
    default: false
notes:
  - O(journal_path) is required.
  - Check mode does not wait. Someone who is not in the directory yet cannot be previewed, except by what the options
    say.
  - If the service refuses to add several people to a group with one request, they are added one by one.
  - The requests are read again after the groups, so that a request which follows from a group is not opened twice.
    Check mode cannot predict such requests. It says where they may follow.
  - Protected users cannot lose a permission level in exchange for another.
  - Approvers are named if a task of the person's manager or of an owner of the app shows the request.
seealso:
  - module: cakewalk.access.cakewalk_group_member
  - module: cakewalk.access.cakewalk_app_access
"""

EXAMPLES = r"""
- name: Onboard Owen, who is in the directory
  cakewalk.access.cakewalk_joiner:
    user: owen.onboarding@example.com
    groups: [Engineering]
    accesses:
      - app: Salesforce
        permission_level: Standard
    journal_path: "{{ lookup('ansible.builtin.env', 'HOME') }}/joiners/writes.jsonl"
  register: owen

- name: Show what waits for others
  ansible.builtin.debug:
    msg: "{{ owen.people[0].waiting }}"

- name: Onboard everybody who is there by now, as a schedule does
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
  description: Tenant, acting user and purpose, then what each person gets.
  returned: success, and when somebody did not join
  type: list
  elements: str
  sample:
    - "Tenant: https://open-api.getcakewalk.io"
    - "Acting user: ada.admin@example.com"
    - "owen.onboarding@example.com: joins Engineering, from which follows access to Figma, GitHub"
    - "owen.onboarding@example.com: requests Salesforce (Standard)"
complete:
  description:
    - Whether all people are in their groups, have their extra access, and nothing waits for others. In check mode
      whether a run would achieve that.
  returned: success, and when somebody did not join
  type: bool
  sample: false
people:
  description: The outcome for each person.
  returned: success, and when somebody did not join
  type: list
  elements: dict
  contains:
    user:
      description: The person. C(id) is null while the directory does not show the person.
      type: dict
      sample:
        id: 09bc9938-eb60-59d7-9d8b-12cc681ef669
        email: owen.onboarding@example.com
        status: Onboarding
    complete:
      description: Whether the person is in all groups, has all extra access, and nothing waits for others.
      type: bool
      sample: false
    waiting:
      description:
        - What waits for others. C(what) is V(access), or V(person) for someone who is not in the directory. C(since) is
          the time of the request, and C(waits_for) the e-mail addresses of the people who must decide, as far as tasks
          show them. Access that follows from groups is included.
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
        - What somebody must do by hand, such as access whose request was declined; C(do) says what to do.
      type: list
      elements: dict
      sample: []
    errors:
      description: The messages of the steps that failed for the person.
      type: list
      elements: str
      sample: []
    groups:
      description: The groups, each with the apps that it gives. C(outcome) is V(added), V(member) or V(not_added).
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
  description: Counts over all people. C(missing) counts those who are not in the directory.
  returned: success, and when somebody did not join
  type: dict
  sample: {"people": 1, "complete": 0, "failed": 0, "missing": 0, "waiting": 3, "by_hand": 0}
stats:
  description: Facts without personal data, which the role publishes with C(ansible.builtin.set_stats).
  returned: success, and when somebody did not join
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
  description: Whether requests that follow from additions are approved past the policies.
  returned: success, and when somebody did not join
  type: bool
  sample: false
bypass_reason:
  description: The reason of the bypass.
  returned: when requests are approved past the policies
  type: str
  sample: Approved by the board, ticket 4711
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
        - action: add 1 person to the group 'Engineering'
          method: POST
          path: /api/v1/UsersGroups/3c0cbb6e-5c6c-5d0e-8d1c-0f6f0d1c3a11/Users
          users: [owen.onboarding@example.com]
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
    refused:
      description: Requests for several people that the service refused, after which each was added alone.
      type: list
      elements: dict
      sample: []
error:
  description:
    - What went wrong, for programs. C(kind) is V(not_joined) if something failed for a person after the first write,
      and else one of those that M(cakewalk.access.cakewalk_group_member) and M(cakewalk.access.cakewalk_app_access)
      have.
  returned: failure, once the options have the right form
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
