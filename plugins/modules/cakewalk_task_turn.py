#!/usr/bin/python
# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of this name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cakewalk_task_turn
short_description: "Internal: steps of a fulfilment"
version_added: 1.0.0
author: Contributors to the cakewalk.access collection (@cakewalk-access)
description:
  - The steps of the role C(cakewalk.access.task_fulfilment). Use the role instead, since these options may change in
    any release.
  - Locks approval tasks, tracks their progress, compares the proof with the task, and records the outcome. It sends no
    requests.
options:
  step:
    description:
      - V(start) checks the options and the record. V(note) records tasks that are not due. V(report) reports all tasks,
        and fails if a task needs attention.
      - V(take), V(begin), V(ask), V(conclude) and V(end) concern one task, in this order. The handler runs after
        V(begin), and C(verify) after V(ask). The task is approved after V(conclude).
    type: str
    required: true
    choices: [start, note, take, begin, ask, conclude, end, report]
  run:
    description: The result of V(start), for all later steps except V(report).
    type: dict
  task:
    description: The id of the task.
    type: str
  assignees:
    description: For V(start) and V(report), the people whose tasks the run covers.
    type: list
    elements: str
  routes:
    description: For V(start), the routes of the role.
    type: list
    elements: dict
    suboptions:
      app:
        description: The app, by id.
        type: str
        required: true
      permission_level:
        description: The permission level, by id, or V(any).
        type: str
        required: true
      request_type:
        description: The type of the request.
        type: str
        required: true
        choices: [grant_access, remove_access, change_permission]
      handler:
        description: The role or tasks file that carries out a task.
        type: dict
        required: true
        suboptions: &part
          role:
            description: A role. Excludes C(tasks).
            type: str
          tasks:
            description: A file of tasks, as an absolute path.
            type: path
          vars:
            description: Additional variables.
            type: dict
      verify:
        description: The role or tasks file that reads the result in the target system.
        type: dict
        required: true
        suboptions: *part
  record_path:
    description: For V(start) and V(report), the file for the record.
    type: path
  lock_dir:
    description: For V(start), the folder for task locks.
    type: path
    default: ~/.cakewalk
  acting_user:
    description: For V(start), the acting user, for the record.
    type: str
  entries:
    description: For V(note), tasks as M(cakewalk.access.cakewalk_task_route_info) returns them.
    type: list
    elements: dict
  entry:
    description: For V(begin), the task as read again.
    type: dict
  rehearsal:
    description: For V(begin) and V(end), the result of M(cakewalk.access.cakewalk_task) in check mode.
    type: dict
  approval:
    description: For V(end), the result of M(cakewalk.access.cakewalk_task).
    type: dict
    default: {}
  outcome:
    description: For V(end), the outcome of a task that was not begun.
    type: str
    default: ""
  why:
    description: For V(end), the reason for this outcome.
    type: str
    default: ""
  subject:
    description: For V(end), the request and the person, by names.
    type: str
    default: ""
  failed:
    description: For V(end) and V(report), whether a step failed. Its message is in the variables that Ansible sets for
      C(rescue).
    type: bool
    default: false
  outcomes:
    description: For V(report), the outcome of each task.
    type: list
    elements: dict
requirements:
  - python >= 3.10
attributes:
  check_mode:
    support: full
    description: Writes nothing, and no handler runs.
  diff_mode:
    support: none
    description: Shows no diff.
  idempotent:
    support: N/A
    description: Each step runs once.
seealso:
  - module: cakewalk.access.cakewalk_task_proof
"""

EXAMPLES = r"""
- name: Take a task
  cakewalk.access.cakewalk_task_turn:
    step: take
    run: "{{ task_fulfilment_started.run }}"
    task: 26925e6a-e80a-5a48-8588-d59dccfbc9f0
  register: task_fulfilment_taken
"""

RETURN = r"""
run:
  description: The value of O(run) for all later steps.
  returned: after V(start)
  type: dict
  sample: {"id": "5d9b1e0c7a3f4e21"}
proceed:
  description: Whether to continue with the task.
  returned: after V(take) and V(begin)
  type: bool
  sample: true
item:
  description: The facts about the task for the handler.
  returned: after V(begin), if the task continues
  type: dict
  sample: {"task_id": "26925e6a-e80a-5a48-8588-d59dccfbc9f0", "request_type": "grant_access"}
turn:
  description: The value for O(cakewalk.access.cakewalk_task_proof#module:turn).
  returned: after V(ask)
  type: dict
  sample: {"folder": "/home/ada/.cakewalk", "nonce": "0c7a3f4e215d9b1e", "run": "5d9b1e0c7a3f4e21"}
expect:
  description: The value for O(cakewalk.access.cakewalk_task#module:expect).
  returned: after V(conclude)
  type: dict
  sample: {"request_type": "grant_access", "user": "0f2b7f5c-6e4f-5b7e-9f5b-3f0a3c1f6c21"}
outcome:
  description: The outcome of the task. A word after V(take) and V(begin), if the task does not continue.
  returned: after V(end), and if a task does not continue
  type: raw
  sample: {"task_id": "26925e6a-e80a-5a48-8588-d59dccfbc9f0", "outcome": "approved", "needs_attention": false}
outcomes:
  description: The outcome of each task.
  returned: after V(note) and V(report)
  type: list
  elements: dict
  sample: []
tasks:
  description: One line per task, with the request and the person by names.
  returned: after V(report)
  type: list
  elements: str
  sample: []
facts:
  description: The progress without personal data, which the role publishes.
  returned: after V(report)
  type: dict
  sample: {"task_fulfilment_complete": true, "task_fulfilment_done": 3, "task_fulfilment_left": 0}
error:
  description: The error, for programs.
  returned: failure, unless Ansible refuses the options
  type: dict
  sample: {"kind": "not_proved", "task": "26925e6a-e80a-5a48-8588-d59dccfbc9f0"}
"""
