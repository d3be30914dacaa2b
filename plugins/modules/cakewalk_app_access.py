#!/usr/bin/python
# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access of people to Cakewalk apps."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cakewalk_app_access
short_description: Request or remove access to apps
version_added: 1.0.0
author: Contributors to the cakewalk.access collection (@cakewalk-access)
description:
  - Describes who should have access to an app. People without access get an access request, which is decided under the
    app's policy. So access follows later, or not at all.
  - RV(accesses[].users[].outcome) shows how far each person is. Requested access is never reported as granted. A second
    run finds the open request and changes nothing.
extends_documentation_fragment:
  - cakewalk.access.attributes
  - cakewalk.access.attributes.action_group_write
  - cakewalk.access.connection
  - cakewalk.access.acting
  - cakewalk.access.writing
  - cakewalk.access.journal
options:
  app:
    description: The app, by exact name or id. Excludes O(accesses).
    type: str
  users:
    description: The people, by e-mail address or id. Required with O(app). Display names are not accepted.
    type: list
    elements: str
  permission_level:
    description:
      - The permission level, by exact name or id. Required under V(present) if the app has levels.
      - A person who holds one other level gets a request to change it. A person who holds several is refused.
      - Not allowed under V(absent), since access can only be removed as a whole.
    type: str
  state:
    description:
      - V(present) requests access for people who lack it.
      - V(absent) requests the removal of all access that the people have to the app. An unknown address causes a
        warning, because it may be a typo.
    type: str
    choices: [present, absent]
    default: present
  accesses:
    description:
      - Many apps in one task. Excludes O(app), O(users) and O(permission_level). An app may have several entries.
    type: list
    elements: dict
    suboptions:
      app:
        description: The app, by exact name or id.
        type: str
        required: true
      users:
        description: The people, by e-mail address or id.
        type: list
        elements: str
        required: true
      permission_level:
        description: Like O(permission_level).
        type: str
      state:
        description: Like O(state), which is the default.
        type: str
        choices: [present, absent]
  purpose:
    description: The reason, for the approvers, in 1 to 1024 characters. Required if the task opens a request.
    type: str
  method:
    description:
      - V(request) opens requests.
      - V(direct) records existing access without any approval, for imports. It requires O(bypass_approval),
        O(bypass_reason) and O(acting_user). It removes nothing, and this collection never undoes it. People with
        another level or an open request are refused.
    type: str
    choices: [request, direct]
    default: request
  bypass_approval:
    description: Confirms that V(direct) bypasses approval.
    type: bool
    default: false
  bypass_reason:
    description: The reason for the bypass. It appears in the warning, the result and the journal, not in Cakewalk.
    type: str
  allow_self_approval:
    description: Whether V(direct) may record access for the O(acting_user).
    type: bool
    default: false
  allow_inactive:
    description:
      - Whether to give access to people in status V(Deactivated), V(Offboarding) or V(Ignored).
      - Ids are not checked before the write then.
    type: bool
    default: false
  max_removals:
    description:
      - How many removals the task may request for all apps together. Above this, the task fails before the first write.
        There is no limit by default.
    type: int
  retry_declined:
    description: Whether to request again if the last request was declined. Otherwise the task only warns.
    type: bool
    default: false
  wait:
    description:
      - Whether to wait until access is as described. The task fails if a request is declined or withdrawn, or after
        O(wait_timeout). Check mode does not wait.
    type: bool
    default: false
  wait_timeout:
    description: How long to wait, in seconds.
    type: int
    default: 300
notes:
  - The task reads all requests of the tenant, since the API documents no filter to rely on.
  - If an open request wants the opposite, nothing is sent for this person. The task fails with V(conflicting_request)
    after everything else is done, because the API cannot cancel a request.
  - A request in an unknown status could be open, so the task is refused. Use O(known_statuses) to explain the status.
  - A request that was approved in the last 15 minutes, and whose access does not show yet, counts as open. The time is
    that of the C(Date) header of the API, whatever the clock of this machine says. If the header or the time of the
    request is missing, the request counts as open, too.
  - A change of level takes the old level away, so it is refused for O(protected_users).
seealso:
  - module: cakewalk.access.cakewalk_group_member
  - module: cakewalk.access.cakewalk_task
  - module: cakewalk.access.cakewalk_info
"""

EXAMPLES = r"""
- name: Request access to GitHub for Connor
  cakewalk.access.cakewalk_app_access:
    app: GitHub
    users:
      - connor.contractor@example.com
    permission_level: Read
    purpose: Contract 4711, until the end of the year

- name: Request access to several apps, and remove access to another one
  cakewalk.access.cakewalk_app_access:
    accesses:
      - app: Figma
        users:
          - connor.contractor@example.com
          - erin.engineer@example.com
      - app: Salesforce
        users: [connor.contractor@example.com]
        permission_level: Standard
      - app: Google Workspace
        users: [erin.engineer@example.com]
        state: absent
    purpose: Project Aurora
    max_removals: 1

- name: Record existing access without approval
  cakewalk.access.cakewalk_app_access:
    app: Orphan Wiki
    users: [erin.engineer@example.com]
    method: direct
    bypass_approval: true
    bypass_reason: Import of the old wiki's accounts, change 4711
"""

RETURN = r"""
accesses:
  description:
    - One entry per app, with the outcome for each person.
    - With O(accesses), people whose access is already as described are only counted in RV(summary).
  returned: success, and when everything was sent but access is not as described
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
    users:
      description: One row per person, sorted by e-mail address.
      type: list
      elements: dict
      contains:
        user:
          description: The e-mail address.
          type: str
          sample: connor.contractor@example.com
        user_id:
          description: The id.
          type: str
          sample: 6c95576d-e21e-4b4b-a15f-2a3b507f44c3
        outcome:
          description:
            - V(granted) and V(absent) if access is as described, and V(recorded) if it was recorded without approval.
            - V(requested), V(level_change_requested) or V(removal_requested) if a request is open, now or since before.
            - V(declined) if the last request was declined, and V(conflicting_request) if an open request wants the
              opposite.
          type: str
          sample: requested
        permission_level:
          description: The name of the wanted level. Null without a level.
          type: str
          sample: Read
        held:
          description:
            - The names of the levels that the person held before the task. Empty without access, and in apps without
              levels.
          type: list
          elements: str
          sample: []
        request_id:
          description:
            - The id of the request that the outcome depends on, old or new. After
              O(wait) it is the id of the request that brought the access.
          type: str
          sample: 6cb514c6-a6a9-597a-8ba8-20193a282b18
        request_status:
          description:
            - The status of this request, as the API shows it. Null if the task opened it or waited for it.
          type: str
          sample: Pending
    not_found:
      description: Unknown addresses under V(absent), as written.
      type: list
      elements: str
      sample: []
summary:
  description: How many people have each outcome.
  returned: success, and when everything was sent but access is not as described
  type: dict
  sample:
    granted: 12
    recorded: 0
    requested: 1
    level_change_requested: 0
    removal_requested: 0
    absent: 0
    declined: 0
    conflicting_request: 0
bypassed_approval:
  description: Whether access was recorded without approval.
  returned: when something is sent
  type: bool
  sample: false
bypass_reason:
  description: The reason for the bypass.
  returned: when approval is bypassed
  type: str
  sample: Import of the old wiki's accounts, change 4711
msg:
  description: What changed, or in check mode would change, in one sentence; after a failure the error.
  returned: always
  type: str
  sample: "Access to GitHub at Read requested for connor.contractor@example.com; 2 people have access to GitHub."
steps:
  description:
    - The writes. In check mode all of them are C(pending).
    - After a failure, C(done), C(errors) and C(pending) show what took effect, what failed and what was not tried.
      C(already) lists refused steps whose result a read shows anyway. They do not count as changed.
  returned: success, and when a step failed
  type: dict
  contains:
    done:
      description:
        - Steps that took effect, as a read shows. C(request_id) is the request that a step opened.
      type: list
      elements: dict
      sample:
        - action: request access to the app 'GitHub' at the level 'Read' for connor.contractor@example.com
          method: POST
          path: /api/v1/Requests/GrantAccess
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
    - The error, for programs. Other fields depend on C(kind). Kinds are those of
      M(cakewalk.access.cakewalk_group_member), and V(conflicting_request), V(declined) and V(wait_timed_out).
  returned: failure, unless Ansible refuses the options
  type: dict
  sample:
    kind: conflicting_request
    requests: [6cb514c6-a6a9-597a-8ba8-20193a282b18]
"""

from functools import partial
from typing import Any

from ..module_utils._engine.access import evaluation, planning, waiting
from ..module_utils._engine.access.approvers import approvers
from ..module_utils._engine.core.plan import Plan
from ..module_utils._engine.core.tenant import Tenant
from ..module_utils._module.arguments import ACTING, CONNECTION, JOURNAL, WRITING, bulk_spec
from ..module_utils._module.entry import run_module

SPEC = bulk_spec(
    "accesses",
    {
        "app": {"type": "str", "required": True},
        "users": {"type": "list", "elements": "str", "required": True},
        "permission_level": {"type": "str"},
    },
    {"state": {"type": "str", "choices": ["present", "absent"], "default": "present"}},
    CONNECTION,
    ACTING,
    WRITING,
    JOURNAL,
    options={
        "purpose": {"type": "str"},
        "method": {"type": "str", "choices": ["request", "direct"], "default": "request"},
        "bypass_approval": {"type": "bool", "default": False},
        "bypass_reason": {"type": "str", "no_log": False},
        "allow_self_approval": {"type": "bool", "default": False},
        "allow_inactive": {"type": "bool", "default": False},
        "max_removals": {"type": "int"},
        "retry_declined": {"type": "bool", "default": False},
        "wait": {"type": "bool", "default": False},
        "wait_timeout": {"type": "int", "default": 300},
    },
)


def plan(params: dict[str, Any], tenant: Tenant) -> Plan:
    """Return the plan for C(params); people are looked up only if the apps leave a question open."""
    planning.check_options(params)
    # What is recorded directly cannot be taken back.
    apps = planning.read_app_states(tenant, evaluation.entries_of_task(params))
    access = planning.plan_access(apps, params, tenant)
    tenant.warnings += access.warnings
    statuses = tenant.request_statuses
    wait = waiting.AccessWait(access.decisions, params["wait_timeout"], statuses, partial(approvers, tenant))
    waits = params["wait"] and wait.awaits
    return Plan(
        *evaluation.states_of(access.decisions),
        tuple(access.steps(params["purpose"])),
        access.result(params),
        report=lambda applied: access.report(params, applied, wait.awaited()),
        unmet=waiting.unmet_of(access.decisions, params["wait"], statuses),
        wait=wait if waits else None,
        remark=lambda applied: access.remark(waited=waits and not applied.is_dry_run),
    )


def main() -> None:
    run_module(SPEC, plan)


if __name__ == "__main__":
    main()
