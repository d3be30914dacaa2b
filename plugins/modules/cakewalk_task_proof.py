#!/usr/bin/python
# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of this name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cakewalk_task_proof
short_description: "Internal: prove a handler's work"
version_added: 1.0.0
author: Contributors to the cakewalk.access collection (@cakewalk-access)
description:
  - Use this module only in the C(verify) part of a route of the role C(cakewalk.access.task_fulfilment). It passes on
    what you read in the target system after the handler ran.
  - The role compares this with the approval task, and approves the task only if both agree. So pass what you read, not
    what you expect.
options:
  turn:
    description: The variable C(task_fulfilment_turn), which the role sets for C(verify).
    type: dict
    required: true
    suboptions:
      folder:
        description: The folder in which the role keeps its state.
        type: str
        required: true
      nonce:
        description: A random word, made after the handler ended.
        type: str
        required: true
  task:
    description: The id of the task.
    type: str
    required: true
  user:
    description: The owner of the account that you read, by e-mail address in the target system or by id in Cakewalk.
    type: str
    required: true
  observed:
    description: Whether the account exists.
    type: str
    required: true
    choices: [present, absent]
  permission_level:
    description:
      - The permission level of the account, by id in Cakewalk. Required if the task grants or changes a level.
    type: str
requirements:
  - python >= 3.10
attributes:
  check_mode:
    support: full
    description: Stores nothing.
  diff_mode:
    support: none
    description: Shows no diff.
  idempotent:
    support: full
    description: The last proof counts.
notes:
  - Runs on the controller.
  - Variables that an earlier task or C(-e) set do not count as proof. The role refuses to approve if an extra variable
    hides a registered result.
"""

EXAMPLES = r"""
- name: Read the account
  ansible.builtin.command:
    argv: [getent, passwd, "{{ task_fulfilment_item.user_email | split('@') | first }}"]
  register: account
  changed_when: false
  failed_when: account.rc not in [0, 2]

- name: Prove what was seen
  cakewalk.access.cakewalk_task_proof:
    turn: "{{ task_fulfilment_turn }}"
    task: "{{ task_fulfilment_item.task_id }}"
    user: "{{ task_fulfilment_item.user_email }}"
    observed: "{{ 'present' if account.rc == 0 else 'absent' }}"
"""

RETURN = r"""
proof:
  description: The proof that is stored.
  returned: success
  type: dict
  sample:
    task: 26925e6a-e80a-5a48-8588-d59dccfbc9f0
    user: petra.pending@example.com
    observed: present
    permission_level: null
error:
  description: The error, for programs. C(kind) is V(turn) if the role does not ask for a proof of this task.
  returned: failure, unless Ansible refuses the options
  type: dict
  sample: {"kind": "turn", "task": "26925e6a-e80a-5a48-8588-d59dccfbc9f0"}
"""
