#!/usr/bin/python
# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action of this name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cakewalk_controller_setup
short_description: Set up AWX or Automation Controller from a file
version_added: 1.0.0
author: Contributors to the cakewalk.access collection (@cakewalk-access)
description:
  - Creates and updates credential types, credentials, execution environments, projects, inventories, job templates
    with surveys, workflows with approvals, notifications and schedules, as a file describes them.
  - It runs the modules of the collection C(awx.awx) or C(ansible.controller), whichever is installed. The role
    C(cakewalk.access.controller_setup) uses it, and its README describes the file.
  - All problems of the file are reported before the first write. Among these are unknown keys, names that neither the
    file nor AWX has, secrets in the file, and workflows in a circle. So are schedules without answers that a survey
    requires, and job templates with two credentials that set the same variable.
  - Objects that the file does not have stay as they are, except nodes of the workflows that it has. Those are removed,
    because a node that nothing leads to starts with its workflow.
  - Objects are found by name, in the organization of the file. An object of the same name that somebody else created is
    updated too.
options:
  path:
    description: The file, as an absolute path on the controller.
    type: path
    required: true
  secrets:
    description:
      - The secret inputs of credentials, and the secrets in C(notification_configuration) of notifications, by the name
        of the object in the file. No message or result has them.
      - AWX keeps a secret that is not given. If another input of a credential changes, or the type, host, address or
        encryption of a notification, give the secrets again. The run is refused without them.
      - A new credential without its required secrets is left out, also from job templates, and a warning names it.
    type: dict
    default: {}
  update_secrets:
    description:
      - Whether to send the secrets of credentials and notifications that exist. AWX does not show secrets, so such a
        run always reports changes.
      - Set it after a key was replaced.
    type: bool
    default: false
  collection:
    description: The collection to use. By default C(ansible.controller) if it is installed, otherwise C(awx.awx).
    type: str
    choices: [ansible.controller, awx.awx]
  controller_host:
    description:
      - The address of AWX. The environment variable E(CONTROLLER_HOST) is the default.
      - Where this and the next options are not set, the configuration files of the collection apply.
    type: str
  controller_username:
    description: The user name. The environment variable E(CONTROLLER_USERNAME) is the default.
    type: str
  controller_password:
    description:
      - The password. The environment variable E(CONTROLLER_PASSWORD) is the default.
      - With user name and password, a run creates a token and deletes it at its end, also in check mode.
    type: str
  controller_oauthtoken:
    description: A token. The environment variable E(CONTROLLER_OAUTH_TOKEN) is the default.
    type: str
  validate_certs:
    description: Whether to check the certificate. The environment variable E(CONTROLLER_VERIFY_SSL) is the default.
    type: bool
requirements:
  - python >= 3.10
  - the collection awx.awx or ansible.controller
attributes:
  check_mode:
    support: full
    description: Says what would be created or changed, also on an empty AWX, and changes nothing.
  diff_mode:
    support: none
    description: Shows no diff.
  idempotent:
    support: full
    description: A second run changes nothing, unless O(update_secrets) is set.
notes:
  - Do not start a workflow while a run changes it.
  - Run it on C(localhost).
seealso:
  - name: Errors
    description: What each kind of error means, and what to do.
    link: https://github.com/cakewalk-access/cakewalk.access/blob/main/docs/errors.md
  - module: cakewalk.access.cakewalk_access_as_code
"""

EXAMPLES = r"""
- name: Set up AWX
  cakewalk.access.cakewalk_controller_setup:
    path: "{{ playbook_dir }}/controller.yml"
    secrets:
      Cakewalk read-only:
        api_key: "{{ vault_read_only_key }}"
        api_secret: "{{ vault_read_only_secret }}"
"""

RETURN = r"""
objects:
  description: The objects that are not as they were, in the order in which they are set up.
  returned: unless the file is refused
  type: list
  elements: dict
  contains:
    type:
      description: The kind, such as C(job_template).
      type: str
      sample: job_template
    name:
      description: The name.
      type: str
      sample: Cakewalk leaver
    within:
      description: The inventory of a host, the workflow of a node, or the template of a schedule.
      type: str
      sample: null
    outcome:
      description:
        - One of V(created), V(changed), V(removed) and V(left_out), also in check mode.
      type: str
      sample: created
summary:
  description: The number of objects by outcome, V(unchanged) among them.
  returned: unless the file is refused
  type: dict
  sample: {"changed": 2, "unchanged": 45}
stats:
  description: Counts, which the role publishes with C(ansible.builtin.set_stats).
  returned: success
  type: dict
  sample: {"controller_setup_complete": true, "controller_setup_created": 0, "controller_setup_changed": 2}
msg:
  description: The number of objects by outcome; after a failure the error.
  returned: always
  type: str
  sample: "47 objects of AWX: 2 changed, 45 unchanged."
error:
  description: The error, for programs.
  returned: failure, unless Ansible refuses the options
  type: dict
  sample: {"kind": "awx"}
"""
