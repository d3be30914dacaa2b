#!/usr/bin/python
# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of this name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cakewalk_task_proof
short_description: Prove that a Cakewalk approval task is carried out
version_added: 0.1.0
author: Contributors to the cakewalk.access collection (@cakewalk-access)
description:
  - Tells the role C(cakewalk.access.task_fulfilment) what was seen in the target system after the handler ran. The role
    approves a task only if its route's C(verify) part did this.
  - Give what was read from the target system, not what is wished. The role compares it with the task.
  - Works in the C(verify) part of a route only, and only for the task that the role is at.
options:
  turn:
    description: What the role hands to C(verify) in the variable C(task_fulfilment_turn), as it is.
    type: dict
    required: true
    suboptions:
      folder:
        description: The folder in which the role keeps what it is at.
        type: str
        required: true
      nonce:
        description: A random word that the proof must name, made after the handler ended.
        type: str
        required: true
  task:
    description: The id of the task.
    type: str
    required: true
  user:
    description: Whose account was looked at, by e-mail address as the target system shows it, or by id in Cakewalk.
    type: str
    required: true
  observed:
    description: Whether the account is there.
    type: str
    required: true
    choices: [present, absent]
  permission_level:
    description: The permission level that the account has, by id in Cakewalk. Needed if the task has one and grants or
      changes something.
    type: str
requirements:
  - python >= 3.10
attributes:
  check_mode:
    support: full
    description: Keeps nothing in check mode.
  diff_mode:
    support: none
    description: Shows no diff.
  idempotent:
    support: full
    description: The last proof counts.
notes:
  - Runs on the controller, whatever the task is delegated to.
  - A variable cannot stand for the proof, so one that an earlier task has set cannot pass for it. What a playbook hands
    to this module it must have read itself. The role approves nothing if an extra variable hides a registered result.
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
  description: What is kept.
  returned: success
  type: dict
  sample:
    task: 26925e6a-e80a-5a48-8588-d59dccfbc9f0
    user: petra.pending@example.com
    observed: present
    permission_level: null
error:
  description: What went wrong, for programs; C(kind) is V(turn) if no proof of this task is asked for.
  returned: failure, once the options have the right form
  type: dict
  sample: {"kind": "turn", "task": "26925e6a-e80a-5a48-8588-d59dccfbc9f0"}
"""
