#!/usr/bin/python
# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Members of Cakewalk groups."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cakewalk_group_member
short_description: Add and remove group members
version_added: 1.0.0
author: Contributors to the cakewalk.access collection (@cakewalk-access)
description:
  - Manages the members of one group or of many groups.
  - A new member gets an access request for each app that the group gives by default. RV(memberships) lists these apps.
extends_documentation_fragment:
  - cakewalk.access.attributes
  - cakewalk.access.attributes.action_group_write
  - cakewalk.access.connection
  - cakewalk.access.acting
  - cakewalk.access.writing
  - cakewalk.access.journal
options:
  group:
    description: The group, by exact name or id. Excludes O(memberships).
    type: str
  users:
    description:
      - The people, by e-mail address or id. Required with O(group). Display names are not accepted.
      - If two people share an address, the task fails and shows both ids.
    type: list
    elements: str
  state:
    description:
      - V(present) adds people and removes nobody.
      - V(absent) removes people. A person who is not a member causes a warning, because it may be a typo.
      - V(exact) makes O(users) the complete list. It also removes everybody else, except O(protected_users).
    type: str
    choices: [present, absent, exact]
    default: present
  memberships:
    description:
      - Many groups in one task. Excludes O(group) and O(users).
      - A group may have several entries, unless one of them is V(exact).
    type: list
    elements: dict
    suboptions:
      group:
        description: The group, by exact name or id.
        type: str
        required: true
      users:
        description: The people, by e-mail address or id.
        type: list
        elements: str
        required: true
      state:
        description: Like O(state), which is the default.
        type: str
        choices: [present, absent, exact]
  implicitly_approve_requests:
    description:
      - Whether to approve the new members' access requests at once. This bypasses the approval policies.
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
  allow_empty:
    description: Whether O(users) may be empty under V(exact), which removes everybody.
    type: bool
    default: false
  allow_inactive:
    description:
      - Whether to add people in status V(Deactivated), V(Offboarding) or V(Ignored).
      - Ids are not checked before the write then.
    type: bool
    default: false
  max_removals:
    description:
      - How many people the task may remove from all groups together. Above this, the task fails before the first write.
      - The default is 10 if an entry is V(exact), and no limit otherwise. V(0) allows no removal.
    type: int
notes:
  - Additions require O(acting_user), removals do not.
  - A dynamic group is refused before the first write. A group that is synced from another directory causes a warning.
    The API does not document how it marks such groups, so neither is certain.
seealso:
  - module: cakewalk.access.cakewalk_info
  - module: cakewalk.access.cakewalk_app_access
"""

EXAMPLES = r"""
- name: Add two people to Engineering
  cakewalk.access.cakewalk_group_member:
    group: Engineering
    users:
      - owen.onboarding@example.com
      - connor.contractor@example.com
    acting_user: ada.admin@example.com

- name: Remove Oscar from Contractors
  cakewalk.access.cakewalk_group_member:
    group: Contractors
    users:
      - oscar.offboarding@example.com
    state: absent

- name: Make this the complete list of contractors
  cakewalk.access.cakewalk_group_member:
    group: Contractors
    users:
      - connor.contractor@example.com
      - iris.invited@example.com
    state: exact
    max_removals: 2
    protected_users:
      - olga.owner@example.com
    acting_user: ada.admin@example.com

- name: Change several groups in one task
  cakewalk.access.cakewalk_group_member:
    memberships:
      - group: Engineering
        users: [iris.invited@example.com]
      - group: Contractors
        users: [iris.invited@example.com]
        state: absent
    acting_user: ada.admin@example.com
"""

RETURN = r"""
memberships:
  description:
    - One entry per group, with what changes or in check mode would change.
    - With O(memberships), groups without a change or a remark are only counted in RV(summary).
  returned: success
  type: list
  elements: dict
  contains:
    group:
      description: The name of the group.
      type: str
      sample: Engineering
    group_id:
      description: The id of the group.
      type: str
      sample: 3c0cbb6e-5c6c-5d0e-8d1c-0f6f0d1c3a11
    added:
      description: People who are added, by e-mail address.
      type: list
      elements: str
      sample: [owen.onboarding@example.com]
    removed:
      description: People who are removed, by e-mail address.
      type: list
      elements: str
      sample: []
    kept:
      description: Protected people who stay under V(exact).
      type: list
      elements: str
      sample: []
    not_members:
      description: People under V(absent) who are not members, as written.
      type: list
      elements: str
      sample: []
    default_apps:
      description: Apps for which the additions probably open access requests.
      type: list
      elements: str
      sample: [Figma, GitHub]
summary:
  description: Counts for the whole task.
  returned: success
  type: dict
  contains:
    groups:
      description: Groups in the task.
      type: int
      sample: 200
    changed:
      description: Groups that change.
      type: int
      sample: 1
    unchanged:
      description: Groups that need no change.
      type: int
      sample: 199
    added:
      description: Additions.
      type: int
      sample: 1
    removed:
      description: Removals.
      type: int
      sample: 0
    kept:
      description: Protected people who stay.
      type: int
      sample: 0
bypassed_approval:
  description: Whether the requests that follow are approved without the policies.
  returned: when a person is added
  type: bool
  sample: false
bypass_reason:
  description: The reason for the bypass.
  returned: when approval is bypassed
  type: str
  sample: Migration of the old directory, change 4711
msg:
  description: What changed, or in check mode would change, in one sentence; after a failure the error.
  returned: always
  type: str
  sample: >-
    2 people added to Engineering, oscar.offboarding@example.com removed; requests for 2 apps may follow.
steps:
  description:
    - The writes. In check mode all of them are C(pending).
    - After a failure, C(done), C(errors) and C(pending) show what took effect, what failed and what was not tried.
      C(already) lists refused steps whose result a read shows anyway. They do not count as changed.
  returned: success, and when a step failed
  type: dict
  contains:
    done:
      description: Steps that took effect, as a read shows.
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
error:
  description:
    - The error, for programs. Other fields depend on C(kind).
    - Kinds are V(configuration), V(lookup_failed), V(rail) for a guardrail, V(outcome_unknown), V(unauthorized),
      V(forbidden), V(not_found), V(rate_limited), V(server_error), V(protocol), V(list_moved), V(transport),
      V(redirected) and V(refused).
  returned: failure, unless Ansible refuses the options
  type: dict
  sample:
    kind: lookup_failed
    problems:
      - reference: owen.onbording@example.com
        reason: not_found
        near: [owen.onboarding@example.com]
"""

from typing import Any

from ..module_utils._engine.core.plan import Plan
from ..module_utils._engine.core.tenant import Tenant
from ..module_utils._engine.groups import membership
from ..module_utils._module.arguments import ACTING, CONNECTION, JOURNAL, WRITING, bulk_spec
from ..module_utils._module.entry import run_module

SPEC = bulk_spec(
    "memberships",
    {"group": {"type": "str", "required": True}, "users": {"type": "list", "elements": "str", "required": True}},
    {"state": {"type": "str", "choices": ["present", "absent", "exact"], "default": "present"}},
    CONNECTION,
    ACTING,
    WRITING,
    JOURNAL,
    options={
        "implicitly_approve_requests": {"type": "bool", "default": False},
        "bypass_reason": {"type": "str", "no_log": False},
        "allow_self_approval": {"type": "bool", "default": False},
        "allow_empty": {"type": "bool", "default": False},
        "allow_inactive": {"type": "bool", "default": False},
        "max_removals": {"type": "int"},
    },
)


def plan(params: dict[str, Any], tenant: Tenant) -> Plan:
    """Return the plan for C(params); people are looked up only if the members leave a question open."""
    entries = membership.entries_of_task(params)
    changes, actor, warnings = membership.plan_memberships(entries, params, tenant)
    tenant.warnings += warnings
    apps = membership.read_default_apps([change for change in changes if change.added], tenant)
    approve = params["implicitly_approve_requests"]
    return Plan(
        *membership.states_of(changes, apps, approve),
        tuple(step for change in changes for step in change.steps(actor, approve)),
        membership.result_of(changes, apps, params),
        remark=lambda _applied: membership.remark_of(changes, entries, apps, approve),
    )


def main() -> None:
    run_module(SPEC, plan)


if __name__ == "__main__":
    main()
