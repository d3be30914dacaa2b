#!/usr/bin/python
# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of this name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cakewalk_run_record
short_description: Keep the record of a run of the roles joiner, mover and leaver
version_added: 0.1.0
author: Contributors to the cakewalk.access collection (@cakewalk-access)
description:
  - A part of the roles C(cakewalk.access.joiner), C(cakewalk.access.mover) and C(cakewalk.access.leaver), of no use
    without them.
  - Adds lines of JSON to a file that only grows, one for each write, with its time, who acted and what became of it.
    The file is opened before the first write, and for the user who runs the role alone.
options:
  step:
    description:
      - V(start) opens the record, V(begin) notes what is intended, V(note) what a module wrote. V(tell) writes
        nothing, and tells people what follows for somebody who joins.
    type: str
    required: true
    choices: [start, begin, note, tell]
  role:
    description: Which role runs. For V(start).
    type: str
    choices: [joiner]
  record_path:
    description: The file, by its whole path. For V(start).
    type: path
  acting_user:
    description:
      - Who acts, for the record. For V(start). Without it, whoever the environment of the task names in
        C(CAKEWALK_ACTING_USER).
    type: str
  run:
    description: What V(start) returned. For V(begin) and V(note).
    type: dict
  user:
    description: The id of the person whom the run is about. For V(begin) and V(note).
    type: str
  intended:
    description: What is about to be done, by ids. For V(begin).
    type: dict
  result:
    description: The result of a module. For V(note).
    type: dict
  person:
    description: The person, with the C(email). For V(tell).
    type: dict
  joined:
    description: The result of M(cakewalk.access.cakewalk_group_member). For V(tell).
    type: dict
  asked:
    description: The result of M(cakewalk.access.cakewalk_app_access). For V(tell).
    type: dict
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
    description: Adds lines of its own, and changes nothing else.
notes:
  - Runs on the controller, whatever the task is delegated to.
"""

EXAMPLES = r"""
- name: Open the record
  cakewalk.access.cakewalk_run_record:
    step: start
    role: leaver
    record_path: /var/lib/cakewalk/leavers/writes.jsonl
  register: leaver_started
"""

RETURN = r"""
shown:
  description: What follows, as lines for people, with V(tell).
  returned: success
  type: list
  elements: str
  sample: ["owen.onboarding@example.com: joins Engineering, from which follows access to Figma, GitHub"]
run:
  description: What the other steps need, with V(start).
  returned: success
  type: dict
  sample:
    id: 0123456789abcdef
    role: leaver
    record_path: /var/lib/cakewalk/leavers/writes.jsonl
    acting_user: ada.admin@example.com
error:
  description: What went wrong, for programs; C(kind) is V(file) if the record cannot be kept.
  returned: failure, once the options have the right form
  type: dict
  sample: {"kind": "file", "path": "/var/lib/cakewalk/leavers/writes.jsonl"}
"""
