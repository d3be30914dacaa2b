#!/usr/bin/python
# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions of Cakewalk approval tasks."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cakewalk_task
short_description: Approve or decline approval tasks
version_added: 1.0.0
author: Contributors to the cakewalk.access collection (@cakewalk-access)
description:
  - Decides approval tasks. An access request goes through review tasks, then an action task to carry it out. A
    standalone task belongs to no request.
  - An approval must state in O(expect) what the task is about. If one task of a list differs, no task is decided, and
    the error lists every difference.
  - A task in the wanted state stays as it is. The opposite state is an error. Cancelled and snoozed tasks, tasks for
    the vendor's agent, and tasks that cannot be decided yet are skipped with a warning.
extends_documentation_fragment:
  - cakewalk.access.attributes
  - cakewalk.access.attributes.action_group_write
  - cakewalk.access.connection
  - cakewalk.access.acting
  - cakewalk.access.writing
  - cakewalk.access.journal
options:
  task:
    description:
      - The id of the task, from M(cakewalk.access.cakewalk_info) or an event. Excludes
        O(decisions).
    type: str
  state:
    description: The decision. Required, unless each entry of O(decisions) has its own.
    type: str
    choices: [approved, declined]
  expect:
    description:
      - What the task must be about. Everything given here must match.
      - An approval needs O(expect.request_type), and user, app and permission level as far as the request has them. For
        a standalone task, it needs O(expect.user) only.
    type: dict
    suboptions:
      user:
        description:
          - The person whose access is requested, by e-mail address or id.
          - For a standalone task, the leaver, or else the assignee.
        type: str
      app:
        description: The app, by exact name or id.
        type: str
      permission_level:
        description: The permission level, by exact name or id.
        type: str
      request_type:
        description: The type of the request.
        type: str
        choices: [grant_access, remove_access, change_permission, archive_app, add_app]
  decide:
    description:
      - The kind of the task. Another kind is refused. V(action) is the last step of a request, V(review) a step before
        it, and V(standalone) a task without a request.
      - V(review) and V(standalone) require O(acting_user).
    type: str
    choices: [action, review, standalone]
    default: action
  decisions:
    description: Many tasks at once, each of them once. Excludes O(task) and O(expect).
    type: list
    elements: dict
    suboptions:
      task:
        description: The id of the task.
        type: str
        required: true
      state:
        description: Like O(state), which is the default.
        type: str
        choices: [approved, declined]
      expect:
        description: Like O(expect).
        type: dict
        suboptions:
          user:
            description: Like O(expect.user).
            type: str
          app:
            description: Like O(expect.app).
            type: str
          permission_level:
            description: Like O(expect.permission_level).
            type: str
          request_type:
            description: Like O(expect.request_type).
            type: str
            choices: [grant_access, remove_access, change_permission, archive_app, add_app]
      decide:
        description: Like O(decide), which is the default.
        type: str
        choices: [action, review, standalone]
  allow_autoprovisioning:
    description: Whether to decide tasks that the vendor's agent should carry out.
    type: bool
    default: false
  allow_self_approval:
    description: Whether the O(acting_user) may decide their own requests and tasks about themselves.
    type: bool
    default: false
notes:
  - O(acting_user) is compared with the request to refuse self-approval, and is not sent. It is not documented which
    person Cakewalk records as the decider.
  - Each task is read directly before its decision and again after it. A change between this read and the decision
    cannot be excluded, since the API has no conditional write.
  - Whether a task is still snoozed depends on the C(Date) header of the API, whatever the clock of this machine says.
    Without this header, a task with a time to wake up is skipped as snoozed.
  - A task in an unknown status is refused. Use O(known_statuses) to explain the status.
  - Approval of a removal or of a change of permission level is refused for O(protected_users).
seealso:
  - module: cakewalk.access.cakewalk_info
"""

EXAMPLES = r"""
- name: Read the open tasks of Olga, with the names of the apps
  cakewalk.access.cakewalk_info:
    tasks_of: [olga.owner@example.com]
    task_statuses: [Pending]
    include: [task_details]
    gather: [apps]
  register: waiting

- name: Show the tasks that belong to requests, a line for each
  ansible.builtin.debug:
    msg: "{{ (rows | cakewalk.access.to_table(columns)).splitlines() }}"
  vars:
    columns: [id, request_type, target_user_email, work_app_name]
    with_request: "{{ waiting.tasks | selectattr('request') }}"
    # The task comes second, so that its id wins over that of the request.
    rows: "{{ with_request | map(attribute='request') | zip(with_request) | map('combine') }}"

- name: Approve one of them after access was set up
  cakewalk.access.cakewalk_task:
    task: 26925e6a-e80a-5a48-8588-d59dccfbc9f0
    state: approved
    expect:
      request_type: grant_access
      user: petra.pending@example.com
      app: GitHub
      permission_level: Write

- name: Decline a review task
  cakewalk.access.cakewalk_task:
    task: e44068d7-5557-5c4b-9d00-3b109875bd73
    state: declined
    decide: review
    acting_user: max.manager@example.com

- name: Approve several tasks, all or none of them
  cakewalk.access.cakewalk_task:
    state: approved
    decisions:
      - task: 6cb514c6-a6a9-597a-8ba8-20193a282b18
        expect:
          request_type: remove_access
          user: petra.pending@example.com
          app: Google Workspace
      - task: a83ad033-2620-5366-9a67-8f0bb4313eae
        decide: standalone
        expect:
          user: petra.pending@example.com
    protected_users:
      - olga.owner@example.com
"""

RETURN = r"""
decisions:
  description:
    - One entry per task, with its outcome.
    - With O(decisions), tasks that are already in the wanted state are only counted in RV(summary).
  returned: success
  type: list
  elements: dict
  contains:
    task:
      description: The id of the task.
      type: str
      sample: 26925e6a-e80a-5a48-8588-d59dccfbc9f0
    state:
      description: The wanted state.
      type: str
      sample: approved
    outcome:
      description:
        - V(approved) or V(declined) if this is the state of the task, or in check mode would be.
        - V(cancelled), V(snoozed), V(autoprovisioning) or V(not_actionable) if the task is skipped.
      type: str
      sample: approved
    changed:
      description: Whether this run decides the task, or in check mode would.
      type: bool
      sample: true
    status:
      description: The status of the task before the run, as the API shows it.
      type: str
      sample: Pending
    kind:
      description: V(action), V(review) or V(standalone).
      type: str
      sample: action
    request_type:
      description: The type of the request. Null for a standalone task.
      type: str
      sample: grant_access
    user:
      description: The person whose access is requested, by e-mail address if known, or by id.
      type: str
      sample: petra.pending@example.com
    user_id:
      description: The id of that person.
      type: str
      sample: 0f2b7f5c-6e4f-5b7e-9f5b-3f0a3c1f6c21
    app:
      description: The name of the app if known, or its id.
      type: str
      sample: GitHub
    app_id:
      description: The id of the app.
      type: str
      sample: 7a0e6b0e-1f6d-5c0a-8f3e-2f7f4f1e9d55
    permission_level:
      description: The name of the permission level if known, or its id.
      type: str
      sample: Write
    snoozed_till:
      description: The time until which the task is snoozed.
      type: str
      sample: null
    assigned_to:
      description: The assignee, by e-mail address. Null without an assignee.
      type: str
      sample: olga.owner@example.com
summary:
  description: Counts over all tasks.
  returned: success
  type: dict
  contains:
    tasks:
      description: Tasks in the options.
      type: int
      sample: 3
    changed:
      description: Tasks that are decided.
      type: int
      sample: 1
    unchanged:
      description: Tasks already in the wanted state.
      type: int
      sample: 1
    left_alone:
      description: Tasks that are skipped, see RV(decisions[].outcome).
      type: int
      sample: 1
msg:
  description: What changed, or in check mode would change, in one sentence; after a failure the error.
  returned: always
  type: str
  sample: "The grant_access of GitHub (Write) for petra.pending@example.com approved."
steps:
  description:
    - The writes. In check mode all of them are C(pending).
    - After a failure, C(done), C(errors) and C(pending) show what took effect, what failed and what was not tried.
      C(already) lists refused steps whose result a read shows anyway. They do not count as changed.
  returned: success, and when a step failed
  type: dict
  contains:
    done:
      description: Decisions that the tasks show.
      type: list
      elements: dict
      sample:
        - action: >-
            approve the task 26925e6a-e80a-5a48-8588-d59dccfbc9f0, kind action, request_type grant_access,
            user petra.pending@example.com, app GitHub, permission_level Write
          method: POST
          path: /api/v1/Tasks/26925e6a-e80a-5a48-8588-d59dccfbc9f0/Approve
          users: [petra.pending@example.com]
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
      M(cakewalk.access.cakewalk_group_member), and three more.
    - V(not_as_expected) if a task differs from O(expect). For its text, apps and levels that the task shows may be
      read. Its C(problems) have C(task), C(message) and C(reason), which
      is V(mismatch), V(missing), V(kind), V(unclear), V(unknown_status) or V(decided).
    - V(moved) if a task changed before its decision, and V(not_as_sent) if an accepted decision does not show.
  returned: failure, unless Ansible refuses the options
  type: dict
  sample:
    kind: not_as_expected
    problems:
      - task: 26925e6a-e80a-5a48-8588-d59dccfbc9f0
        reason: mismatch
        message: expect.permission_level is 'Read', the task shows 'Write'
"""

from typing import Any

from ..module_utils._api.catalog import REQUEST_TYPES, task
from ..module_utils._engine.core.plan import Plan
from ..module_utils._engine.core.tenant import Tenant
from ..module_utils._engine.tasks import evaluation, expectations
from ..module_utils._module.arguments import ACTING, CONNECTION, JOURNAL, WRITING, bulk_spec
from ..module_utils._module.entry import run_module

_TEXT = {"type": "str"}
_FLAG = {"type": "bool", "default": False}
_REQUEST_TYPE = {"type": "str", "choices": list(REQUEST_TYPES)}
_EXPECT = {"user": _TEXT, "app": _TEXT, "permission_level": _TEXT, "request_type": _REQUEST_TYPE}

SPEC = bulk_spec(
    "decisions",
    {"task": {"type": "str", "required": True}, "expect": {"type": "dict", "options": _EXPECT}},
    {
        "state": {"type": "str", "choices": ["approved", "declined"]},
        "decide": {"type": "str", "choices": ["action", "review", "standalone"], "default": "action"},
    },
    CONNECTION,
    ACTING,
    WRITING,
    JOURNAL,
    options={"allow_autoprovisioning": _FLAG, "allow_self_approval": _FLAG},
)


def plan(params: dict[str, Any], tenant: Tenant) -> Plan:
    """Return the plan for C(params); names are looked up only as far as C(expect) has any."""
    entries = evaluation.entries_of_task(params)
    evaluation.check_actor(entries, params, tenant)
    rows = tenant.read(task(entry.task) for entry in entries)
    tables = (tenant.task_statuses, tenant.request_statuses, tenant.time_or_none() if rows else None)
    assessments = [
        evaluation.assess(evaluation.TaskState(entry, row), *tables, params["allow_autoprovisioning"])
        for entry, row in zip(entries, rows, strict=True)
    ]
    names = expectations.NameLookup.read(assessments, params, tenant)
    expectations.check(assessments, names, params, tenant)
    tenant.warnings += evaluation.warnings(assessments, names.title)
    decided = [assessment for assessment in assessments if assessment.changes]
    return Plan(
        *expectations.states_of(decided, names),
        tuple(expectations.step_of(assessment, names, tenant.task_statuses) for assessment in decided),
        expectations.result_of(assessments, names, is_bulk=not params["task"]),
        remark=lambda _applied: expectations.remark_of(assessments),
    )


def main() -> None:
    run_module(SPEC, plan)


if __name__ == "__main__":
    main()
