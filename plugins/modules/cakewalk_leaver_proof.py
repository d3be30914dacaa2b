#!/usr/bin/python
# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of this name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cakewalk_leaver_proof
short_description: Keep what Cakewalk listed of a leaver, and fail if anything is left
version_added: 0.1.0
author: Contributors to the cakewalk.access collection (@cakewalk-access)
description:
  - The end of the role C(cakewalk.access.leaver), of no use without it.
  - Writes a file with what Cakewalk listed before and after, the times, the writes, and what is left. Each run has a
    file of its own, for the user who runs the role alone.
options:
  run:
    description: What M(cakewalk.access.cakewalk_run_record) returned at the start.
    type: dict
    required: true
  before:
    description: What M(cakewalk.access.cakewalk_leaver_info) returned before the first write.
    type: dict
    required: true
  after:
    description: What it returned after the last one, in check mode the same as before.
    type: dict
    required: true
  results:
    description: The results of the modules that wrote.
    type: list
    elements: dict
    required: true
  folder:
    description: The folder for the file, by its whole path.
    type: path
    required: true
requirements:
  - python >= 3.10
attributes:
  check_mode:
    support: full
    description: Keeps nothing in check mode, and tells what would be left.
  diff_mode:
    support: none
    description: Shows no diff.
  idempotent:
    support: full
    description: Writes a file of its own, and changes nothing else.
notes:
  - Runs on the controller, whatever the task is delegated to.
  - The file says what was listed. Whether somebody can still get into an app only the app can tell.
"""

EXAMPLES = r"""
- name: Keep the proof, and tell what is left
  cakewalk.access.cakewalk_leaver_proof:
    run: "{{ leaver_started.run }}"
    before: "{{ leaver_before }}"
    after: "{{ leaver_after }}"
    results: "{{ [leaver_groups, leaver_accesses] }}"
    folder: /var/lib/cakewalk/leavers
"""

RETURN = r"""
complete:
  description: Whether nothing is left, in check mode whether nothing would be. The task fails if something is.
  returned: always
  type: bool
  sample: false
left:
  description: What is left, as M(cakewalk.access.cakewalk_leaver_info) tells it.
  returned: always
  type: list
  elements: dict
  sample:
    - what: ownership
      id: 0e4fdb7f-3c0e-5a55-9f0f-7d1f1a7f2b22
      name: GitHub
      why: the app needs another owner
shown:
  description: The same as lines for people.
  returned: always
  type: list
  elements: str
  sample: ["ownership 'GitHub' (0e4fdb7f-3c0e-5a55-9f0f-7d1f1a7f2b22): the app needs another owner"]
proof_path:
  description: The file.
  returned: when it was written
  type: str
  sample: /var/lib/cakewalk/leavers/leaver-6c95576d-e21e-4b4b-a15f-2a3b507f44c3-20260601T1200090000-0123456789ab.json
error:
  description: What went wrong, for programs; C(kind) is V(file) if the proof cannot be kept.
  returned: failure, once the options have the right form
  type: dict
  sample: {"kind": "file", "path": "/var/lib/cakewalk/leavers"}
"""
