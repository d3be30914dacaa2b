#!/usr/bin/python
# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access of people to Cakewalk apps."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cakewalk_app_access
short_description: Manage who has access to apps, by requests
version_added: 0.1.0
author: Contributors to the cakewalk.access collection (@cakewalk-access)
description:
  - States who has access to an app, at which permission level, and who has none.
  - What is missing is asked for. Cakewalk then has each request approved by the policy that governs it, and carried
    out, so that access follows later, or is declined. A second run finds the request and changes nothing.
  - What is only requested is never reported as granted. RV(accesses[].users[].outcome) tells for each person how far
    it is.
extends_documentation_fragment:
  - cakewalk.access.attributes
  - cakewalk.access.attributes.action_group_write
  - cakewalk.access.connection
  - cakewalk.access.acting
  - cakewalk.access.writing
  - cakewalk.access.journal
options:
  app:
    description: The app, by id or exact name. Excludes O(accesses).
    type: str
  users:
    description:
      - The people, by e-mail address or id, never by display name. Needed with O(app).
      - Addresses are looked up in the directory, since only that shows whether two people have one. An id costs less.
    type: list
    elements: str
  permission_level:
    description:
      - The permission level, by id or exact name. Needed with V(present) where the app has levels, and only there.
      - For somebody who holds another level, the change to this one is requested. Who holds several others is refused,
        since it is not documented which of them a change replaces.
      - Cannot be used with V(absent), since access can only be removed as a whole.
    type: str
  state:
    description:
      - V(present) asks for access for those who lack it, and leaves everybody else alone.
      - V(absent) asks for the removal of all access that those named have. Addresses that nobody has are listed in
        RV(accesses[].not_found), with a warning, because they may be typing errors.
    type: str
    choices: [present, absent]
    default: present
  accesses:
    description:
      - Many apps in one task, which reads the directory and the requests once for all of them. Excludes O(app),
        O(users) and O(permission_level).
      - Entries for the same app are taken together.
    type: list
    elements: dict
    suboptions:
      app:
        description: The app, by id or exact name.
        type: str
        required: true
      users:
        description: The people, by e-mail address or id.
        type: list
        elements: str
        required: true
      permission_level:
        description: As O(permission_level).
        type: str
      state:
        description: As O(state), which is taken where this is not set.
        type: str
        choices: [present, absent]
  purpose:
    description:
      - Why, for those who approve, in 1 to 1024 characters. Needed as soon as something is requested.
    type: str
  method:
    description:
      - V(request) asks for access, and for its removal.
      - V(direct) records that people have access, past all approval, in one request for each app and level. It is meant
        for the takeover of access that exists. It cannot remove anything, is refused for people who hold another level
        or of whom something is requested, and is never undone by this collection. It needs O(acting_user), since nobody
        may record access for themselves.
    type: str
    choices: [request, direct]
    default: request
  bypass_approval:
    description: Says that the method V(direct) is meant to bypass approval. It is refused without this.
    type: bool
    default: false
  bypass_reason:
    description:
      - Why approval is bypassed. Stands in the warning and in the result, for the record; the service is not told.
    type: str
  allow_self_approval:
    description: Whether access may be recorded for the O(acting_user) too.
    type: bool
    default: false
  allow_inactive:
    description:
      - Whether people may be given access whose status is V(Deactivated), V(Offboarding) or V(Ignored).
      - Ids are then sent as given, since there is nothing left to look up; a wrong one is only noticed by the service.
    type: bool
    default: false
  max_removals:
    description:
      - How many removals the task may ask for, over all apps. If there would be more, nothing is written and the error
        lists them. There is no limit if this is not set.
    type: int
  retry_declined:
    description:
      - Whether to ask again for what was declined the last time. Otherwise it is reported as V(declined), with a
        warning.
    type: bool
    default: false
  wait:
    description:
      - Whether to wait until the lists of accesses show everything as it is asked for. The task fails when a request is
        declined or withdrawn, and when O(wait_timeout) is over. Nothing is waited for in check mode.
      - When O(wait_timeout) is over, the error names the people who must approve. Only then the task reads up to 20
        managers and 20 owners of apps, with their tasks.
    type: bool
    default: false
  wait_timeout:
    description: How long to wait, in seconds.
    type: int
    default: 300
notes:
  - All requests of the tenant are read, since the service documents no filter that could be relied upon.
  - Requests on several pages are read again where access is to be requested, changed or removed. The list of who has
    access is read again, too, unless it shows all the people.
  - An open request that wants the opposite is a V(conflicting_request). Nothing in the API can cancel it, so nothing is
    sent about this person, and the task fails once everything else is done.
  - A request whose answer was lost is looked for and not sent a second time.
  - A request that was approved within the last quarter of an hour, and does not show in the accesses yet, counts as one
    that is on its way.
  - A request in a status that is not known could be open. The task is refused then, and O(known_statuses) can tell what
    it means.
  - A change of level takes the old level away, so it is refused for O(protected_users).
seealso:
  - module: cakewalk.access.cakewalk_group_member
  - module: cakewalk.access.cakewalk_task
  - module: cakewalk.access.cakewalk_info
"""

EXAMPLES = r"""
- name: Somebody is to work with GitHub
  cakewalk.access.cakewalk_app_access:
    app: GitHub
    users: [connor.contractor@example.com]
    permission_level: Read
    purpose: Contract 4711, until the end of the year

- name: Many apps in one task, some access to be removed
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

- name: Take over the access that people have already, past approval
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
    - What becomes of people's access, an entry for each app.
    - The single form always returns one entry. The bulk form leaves out those who have, or lack, access as wanted, and
      counts them in RV(summary).
  returned: success, and when everything was sent but something is not as asked for
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
      description: A row for each person, sorted by e-mail address.
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
            - V(granted), has access as wanted; V(recorded), recorded past approval; V(requested),
              V(level_change_requested) and V(removal_requested), asked for now or before; V(absent), has no access;
              V(declined), asked for before and declined; V(conflicting_request), an open request wants the opposite.
          type: str
          sample: requested
        permission_level:
          description: The name of the wanted level, null where there is none.
          type: str
          sample: Read
        held:
          description:
            - The names of the levels that the person held when the task looked. Empty where there was no access, and in
              apps without levels.
          type: list
          elements: str
          sample: []
        request_id:
          description:
            - The id of the request that the outcome depends on. It was there already, or the task opened it. After
              O(wait) it is the id of the request that brought the access.
          type: str
          sample: 6cb514c6-a6a9-597a-8ba8-20193a282b18
        request_status:
          description:
            - The status of that request, in the words of the service; null if the task opened it or waited for it.
          type: str
          sample: Pending
    not_found:
      description: Whom V(absent) names but nobody knows, as written.
      type: list
      elements: str
      sample: []
summary:
  description: How many people there are of each outcome, over the whole task.
  returned: success, and when everything was sent but something is not as asked for
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
  description: Whether access was recorded past approval.
  returned: when something is sent
  type: bool
  sample: false
bypass_reason:
  description: The reason given for it.
  returned: when approval is bypassed
  type: str
  sample: Import of the old wiki's accounts, change 4711
steps:
  description:
    - The writes. In check mode all of them are C(pending).
    - After a failure they tell what was done, what failed, and what was not tried. C(already) lists
      steps that the service refused and that a read shows as done, by somebody else or by this step. They do not count
      as changed.
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
        - action: request access to the app 'GitHub' at the level 'Read' for connor.contractor@example.com
          method: POST
          path: /api/v1/Requests/GrantAccess
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
    - What went wrong, for programs. C(kind) tells apart V(configuration), V(lookup_failed), V(rail),
      V(conflicting_request), V(declined), V(wait_timed_out), V(outcome_unknown) and the refusals of the service; other
      fields depend on it.
  returned: failure, once the options have the right form
  type: dict
  sample:
    kind: conflicting_request
    requests: [6cb514c6-a6a9-597a-8ba8-20193a282b18]
"""

from functools import partial
from typing import Any

from ..module_utils._engine.access import evaluation, planning
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
    wait = planning.AccessWait(access.decisions, params["wait_timeout"], statuses, partial(approvers, tenant))
    waits = params["wait"] and wait.awaits
    return Plan(
        *evaluation.diff_of(access.decisions),
        tuple(access.steps(params["purpose"])),
        access.result(params),
        report=lambda applied: access.report(params, applied),
        unmet=planning.unmet_of(access.decisions, params["wait"], statuses),
        wait=wait if waits else None,
    )


def main() -> None:
    run_module(SPEC, plan)


if __name__ == "__main__":
    main()
