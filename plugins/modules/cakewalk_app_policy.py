#!/usr/bin/python
# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Approval policies of Cakewalk apps and their permission levels."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cakewalk_app_policy
short_description: Assign approval policies
version_added: 1.0.0
author: Contributors to the cakewalk.access collection (@cakewalk-access)
description:
  - Assigns approval policies, which decide who approves a request. A policy can apply to an app or to one of its
    permission levels, for each request type. The policy of a level wins over that of the app.
  - The API does not show which policies are assigned. So the task sends every assignment, and learns from a ledger
    whether anything changes, see O(ledger_path). Without a ledger, every assignment counts as changed.
  - Other assignments stay as they are. Cakewalk cannot remove an assignment, only replace it. Policies themselves are
    created in Cakewalk.
extends_documentation_fragment:
  - cakewalk.access.attributes
  - cakewalk.access.attributes.action_group_all
  - cakewalk.access.connection
  - cakewalk.access.ledger
  - cakewalk.access.journal
attributes:
  idempotent:
    support: partial
    details:
      - With a ledger, a second run reports no change, but sends the assignments again unless O(enforce) is
        V(on_change). Without a ledger every run reports a change.
options:
  app:
    description: The app, by exact name or id. Excludes O(assignments).
    type: str
  permission_level:
    description: The permission level, by exact name or id. By default the policy is assigned to the app itself.
    type: str
  request_type:
    description: The type of requests that the policy decides. Required with O(app).
    type: str
    choices: [grant_access, remove_access, change_permission, archive_app, add_app]
  policy:
    description:
      - The policy, by exact name or id. Required with O(app). It must be listed for the O(request_type).
      - An edit of a policy may change its id, so a name is safer.
    type: str
  assignments:
    description:
      - Many assignments in one task. Excludes O(app), O(permission_level), O(request_type) and O(policy).
      - If entries overlap, the most specific entry decides. An app wins over a selection, and more criteria win over
        fewer. After that, a named level wins over V(privileged) and V(default), and these win over V(all). A tie is an
        error.
      - An entry without a level concerns the app itself. It does not apply to levels that have their own policy.
    type: list
    elements: dict
    suboptions:
      app:
        description: The app, by exact name or id. Each entry needs this or C(select).
        type: str
      select:
        description:
          - Selects the apps that meet all of these criteria. Requires O(max_assignments).
          - A selection without any app causes a warning.
        type: dict
        suboptions:
          all:
            description: Selects every app. Excludes the other criteria.
            type: bool
            default: false
          status:
            description: The status of the app, such as V(Managed). A status that no app has is an error.
            type: str
          category:
            description:
              - The category of the app, such as V(CATEGORY_DEVELOPMENT). A category that no app has is an error.
            type: str
          custom_field:
            description: A custom field of the app and its value. Costs a request for each app.
            type: dict
            suboptions:
              name:
                description: The field, by exact name or id. A field that no app has is an error.
                type: str
                required: true
              value:
                description: The value that Cakewalk shows, or the id of the person or choice. Required.
                type: str
      permission_level:
        description:
          - The permission level, by exact name or id. Selected apps without this level are skipped. If all are skipped,
            it is an error.
        type: str
      permission_levels:
        description: A group of permission levels of each app. Excludes C(permission_level).
        type: str
        choices: [privileged, default, all]
      request_type:
        description: The type of requests that the policy decides.
        type: str
        required: true
        choices: [grant_access, remove_access, change_permission, archive_app, add_app]
      policy:
        description: The policy, by exact name or id.
        type: str
        required: true
  enforce:
    description:
      - V(always) sends every assignment. This also reverts changes by other people, without noticing them.
      - V(on_change) skips assignments that the ledger shows and that are younger than O(ledger_max_age). Requires
        O(ledger_path).
    type: str
    choices: [always, on_change]
    default: always
  ledger_max_age:
    description: The age in hours from which O(enforce=on_change) sends an assignment again.
    type: int
    default: 24
  ledger_field:
    description:
      - A text custom field of the apps that serves as ledger instead of O(ledger_path), for runs without lasting disks.
        Name or id. The field must have no other use.
      - It costs two requests per app, and five more for an app with changes.
      - Everybody who can edit the app can edit it, so it cannot be used with O(enforce=on_change). If two runs write at
        the same moment, a note can be lost.
      - Other text in the field is an error. Clear the field to start again.
    type: str
  max_assignments:
    description:
      - How many assignments the task may send. Above this, it fails before the first write.
      - Required if an entry has O(assignments[].select), since a selection can grow.
    type: int
notes:
  - An assignment is never verified, since the API cannot show it. The ledger shows what this collection did.
  - An assignment whose answer is lost is sent again. If that fails too, the next run counts it as changed.
  - If the API refuses an assignment as a conflict (409), the task fails. If this means that the policy is assigned
    already, use O(enforce=on_change).
seealso:
  - module: cakewalk.access.cakewalk_info
"""

EXAMPLES = r"""
- name: Require two approvals for admin access to GitHub
  cakewalk.access.cakewalk_app_policy:
    app: GitHub
    permission_level: Admin
    request_type: grant_access
    policy: Two approvals
    ledger_path: ~/.cakewalk/ledger.json

- name: Assign policies by rules for the whole tenant
  cakewalk.access.cakewalk_app_policy:
    assignments:
      - select:
          status: Managed
        permission_levels: privileged
        request_type: grant_access
        policy: Two approvals
      - select:
          status: Managed
        request_type: remove_access
        policy: App owner
      - app: AWS
        permission_level: Administrator
        request_type: grant_access
        policy: Admins
    max_assignments: 200
    ledger_path: ~/.cakewalk/ledger.json

- name: Keep the ledger in a custom field of each app
  cakewalk.access.cakewalk_app_policy:
    assignments:
      - select:
          custom_field:
            name: Data Classification
            value: Confidential
        request_type: grant_access
        policy: Two approvals
    max_assignments: 100
    ledger_field: Automation Ledger

- name: Send only what is new or older than a week
  cakewalk.access.cakewalk_app_policy:
    app: Figma
    request_type: grant_access
    policy: Manager then app owner
    enforce: on_change
    ledger_max_age: 168
    ledger_path: ~/.cakewalk/ledger.json
"""

RETURN = r"""
assignments:
  description:
    - One entry per slot, with what changes or in check mode would change. A slot is a request type of an app or of a
      permission level.
    - With O(assignments), slots without a change are only counted in RV(summary).
  returned: success
  type: list
  elements: dict
  contains:
    app:
      description: The name of the app.
      type: str
      sample: GitHub
    app_id:
      description: The id of the app.
      type: str
      sample: 0e4fdb7f-3c0e-5a55-9f0f-7d1f1a7f2b22
    permission_level:
      description: The name of the permission level. Null for the app itself.
      type: str
      sample: Admin
    permission_level_id:
      description: The id of the permission level. Null for the app itself.
      type: str
      sample: 7f0e6c0b-1f0c-5a0e-8a3d-2f1b6f0c9d33
    request_type:
      description: The request type.
      type: str
      sample: grant_access
    policy:
      description: The name of the policy.
      type: str
      sample: Two approvals
    policy_id:
      description: The id of the policy.
      type: str
      sample: 5b0c7d0e-2f1d-5b1f-9b4e-3f2c7f1d0e44
    previous:
      description: The name of the previous policy in the ledger, or null.
      type: str
      sample: App owner
    sent:
      description: Whether the assignment is sent. False only with O(enforce=on_change).
      type: bool
      sample: true
    changed:
      description: Whether it differs from the ledger. True without an entry in the ledger.
      type: bool
      sample: true
    changed_basis:
      description: The basis of C(changed). V(ledger), or V(none) without an entry in the ledger.
      type: str
      sample: ledger
    verified:
      description: Always false, since the API cannot list assignments.
      type: bool
      sample: false
    decided_by:
      description: The entry of O(assignments) that decides, by number from 1 and in words.
      type: dict
      sample: {"entry": 1, "words": "every app with the status 'Managed', its privileged levels"}
    note:
      description: A remark.
      returned: for the app itself
      type: str
      sample: A permission level with a policy of its own goes by that one, which cannot be read.
entries:
  description: The effect of each entry of O(assignments).
  returned: success
  type: list
  elements: dict
  contains:
    entry:
      description: The number of the entry, from 1.
      type: int
      sample: 1
    words:
      description: The entry in words.
      type: str
      sample: every app with the status 'Managed', its privileged levels
    decides:
      description: How many slots the entry decides.
      type: int
      sample: 24
    overruled:
      description: For how many of its slots a more specific entry decides.
      type: int
      sample: 1
summary:
  description: Counts for the whole task.
  returned: success
  type: dict
  contains:
    slots:
      description: Slots of all entries.
      type: int
      sample: 25
    sent:
      description: Assignments that are sent.
      type: int
      sample: 25
    changed:
      description: Assignments that change something, according to the ledger.
      type: int
      sample: 1
    unchanged:
      description: Assignments that change nothing.
      type: int
      sample: 24
    apps:
      description: Apps of these slots.
      type: int
      sample: 20
msg:
  description: What changed, or in check mode would change, in one sentence; after a failure the error.
  returned: always
  type: str
  sample: "Two approvals assigned to grant_access of 22 apps (which the API cannot confirm)."
steps:
  description:
    - The writes. In check mode all of them are C(pending). Writes to O(ledger_field) are not included.
    - After a failure, C(done), C(errors) and C(pending) show what was sent, what failed and what was not tried.
  returned: success, and when a step failed
  type: dict
  contains:
    done:
      description: Steps that the API accepted. C(verified) is false, since the API does not show their result.
      type: list
      elements: dict
      sample:
        - action: assign the policy 'Two approvals' to grant_access of the level 'Admin' of the app 'GitHub'
          method: PUT
          path: "/api/v1/WorkApps/0e4fdb7f-3c0e-5a55-9f0f-7d1f1a7f2b22/PermissionLevels/\
            7f0e6c0b-1f0c-5a0e-8a3d-2f1b6f0c9d33/Policies/GrantAccessRequest"
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
  description: The error, for programs. Other fields depend on C(kind).
  returned: failure, unless Ansible refuses the options
  type: dict
  sample:
    kind: lookup_failed
    problems:
      - reference: Two aprovals
        reason: not_found
        near: [Two approvals]
"""

from typing import Any

from ..module_utils._api.catalog import REQUEST_TYPES
from ..module_utils._engine.core.plan import Plan
from ..module_utils._engine.core.tenant import Tenant
from ..module_utils._engine.policies import assignments, rules
from ..module_utils._module.arguments import CONNECTION, JOURNAL, LEDGER, spec
from ..module_utils._module.entry import run_module

SPEC = spec(
    CONNECTION,
    LEDGER,
    JOURNAL,
    options={
        "app": {"type": "str"},
        "permission_level": {"type": "str"},
        "request_type": {"type": "str", "choices": list(REQUEST_TYPES)},
        "policy": {"type": "str"},
        "assignments": {"type": "list", "elements": "dict", **rules.ASSIGNMENT},
        "enforce": {"type": "str", "choices": ["always", "on_change"], "default": "always"},
        "ledger_max_age": {"type": "int", "default": 24},
        "ledger_field": {"type": "str"},
        "max_assignments": {"type": "int"},
    },
    mutually_exclusive=[(option, "assignments") for option in ("app", "permission_level", "request_type", "policy")],
    required_one_of=[("app", "assignments")],
    required_by={"app": ("request_type", "policy")},
)


def plan(params: dict[str, Any], tenant: Tenant) -> Plan:
    """Return the plan for C(params): from rules to targets, and from targets and ledger to assignments."""
    assignments.check_options(params)
    of_task = rules.rules_of(params)
    planned, ledger = assignments.plan_assignments(of_task, params, tenant)
    return Plan(
        *assignments.folded_states_of(planned),
        tuple(assignment.step() for assignment in planned if assignment.sent),
        assignments.result_of(planned, of_task, is_bulk=params["app"] is None),
        ledger=ledger,
        remark=lambda _applied: assignments.remark_of(planned),
    )


def main() -> None:
    run_module(SPEC, plan)


if __name__ == "__main__":
    main()
