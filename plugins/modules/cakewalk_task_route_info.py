#!/usr/bin/python
# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Approval tasks that a machine may carry out."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cakewalk_task_route_info
short_description: "Internal: match tasks with routes"
version_added: 1.0.0
author: Contributors to the cakewalk.access collection (@cakewalk-access)
description:
  - Reads approval tasks, and shows for each whether it is due and which route fits it. The role
    C(cakewalk.access.task_fulfilment) carries out the tasks that are due. This module changes nothing.
  - A task is due if a route fits it and M(cakewalk.access.cakewalk_task) would approve it.
  - Apart from RV(tasks[].subject), the result contains no text that people wrote in the tenant.
extends_documentation_fragment:
  - cakewalk.access.attributes.info
  - cakewalk.access.attributes.action_group_all
  - cakewalk.access.connection
options:
  tasks:
    description: The tasks, by id.
    type: list
    elements: str
  assignees:
    description:
      - People whose open action tasks to read, by e-mail address or id. Tasks without an assignee cannot be listed.
    type: list
    elements: str
  routes:
    description:
      - The tasks that can be carried out. A task without a route is not due. Two routes for the same task are an error.
    type: list
    elements: dict
    required: true
    suboptions:
      app:
        description: The app, by id.
        type: str
        required: true
      permission_level:
        description: The permission level, by id. V(any) matches all levels and apps without levels.
        type: str
        required: true
      request_type:
        description: The type of the request.
        type: str
        required: true
        choices: [grant_access, remove_access, change_permission]
  apps:
    description: The only apps whose tasks may be due, by id. By default the apps of the routes.
    type: list
    elements: str
    default: []
  max_due:
    description: How many tasks may be due. If there are more, the module picks at random.
    type: int
    default: 10
  with_names:
    description: Whether to add RV(tasks[].subject), which costs a few requests per app.
    type: bool
    default: false
seealso:
  - module: cakewalk.access.cakewalk_task
"""

EXAMPLES = r"""
- name: Read the id of GitHub
  cakewalk.access.cakewalk_info:
    apps: [GitHub]
  register: github

- name: Find the tasks of Olga that can be carried out
  cakewalk.access.cakewalk_task_route_info:
    assignees: [olga.owner@example.com]
    routes:
      - app: "{{ github.apps[0].id }}"
        permission_level: any
        request_type: grant_access
  register: found

- name: Show the tasks that are due
  ansible.builtin.debug:
    msg: "{{ found.tasks | selectattr('outcome', 'eq', 'due') }}"
"""

RETURN = r"""
tasks:
  description: The tasks, in a random order.
  returned: success
  type: list
  elements: dict
  contains:
    task_id:
      description: The id of the task.
      type: str
      sample: 26925e6a-e80a-5a48-8588-d59dccfbc9f0
    outcome:
      description:
        - V(due) if the task can be carried out now. V(left_for_later) if O(max_due) other tasks come first.
        - V(unroutable) if no route fits, and V(app_not_allowed) if the app is not in O(apps).
        - V(done) or V(declined) if the task is decided.
        - V(cancelled), V(snoozed), V(autoprovisioning) or V(not_actionable) as in M(cakewalk.access.cakewalk_task).
        - V(not_an_action) for a review or a task without a request.
        - V(unclear) if the task lacks something, or the status of the person who would get access is unknown.
        - V(inactive_user) if the person who would get access is inactive.
        - V(not_found) or V(unreadable) if the task does not exist or cannot be read.
        - V(unsafe_email) if the e-mail address starts with a hyphen, or has characters besides letters, digits, dots,
          hyphens, underscores, plus signs and the at sign.
        - V(conflicting) if another due task asks for something else for the same person and app.
      type: str
      sample: due
    why:
      description: The reason for the outcome.
      type: str
      sample: ""
    route:
      description: The number of the route in O(routes), from 0. Null without a route.
      type: int
      sample: 0
    request_type:
      description: The type of the request, as in O(routes[].request_type).
      type: str
      sample: grant_access
    user_id:
      description: The id of the person.
      type: str
      sample: 0f2b7f5c-6e4f-5b7e-9f5b-3f0a3c1f6c21
    user_email:
      description: The e-mail address of the person, for tasks that are due.
      type: str
      sample: petra.pending@example.com
    app_id:
      description: The id of the app.
      type: str
      sample: 7a0e6b0e-1f6d-5c0a-8f3e-2f7f4f1e9d55
    permission_level_id:
      description: The id of the permission level. Null without a level.
      type: str
      sample: 90c7a4b0-4a3e-5d24-8c52-7a1d6c1a9a53
    expect:
      description: The option O(cakewalk.access.cakewalk_task#module:expect) for the approval, by ids.
      type: dict
      sample:
        request_type: grant_access
        user: 0f2b7f5c-6e4f-5b7e-9f5b-3f0a3c1f6c21
        app: 7a0e6b0e-1f6d-5c0a-8f3e-2f7f4f1e9d55
    subject:
      description:
        - The request and the person, by names, if a route fits. This is text from the tenant, for people only.
        - Empty unless O(with_names) is set.
      type: str
      sample: grant_access of the level 'Write' of the app 'GitHub' for petra.pending@example.com
error:
  description:
    - The error, for programs. Kinds are those of M(cakewalk.access.cakewalk_group_member).
  returned: failure, unless Ansible refuses the options
  type: dict
  sample: {"kind": "configuration", "option": "routes"}
"""

from typing import Any

from ..module_utils._engine.core.plan import Plan
from ..module_utils._engine.core.tenant import Tenant
from ..module_utils._engine.fulfilment import routing
from ..module_utils._module.arguments import CONNECTION, spec
from ..module_utils._module.entry import run_module

_WORDS: dict[str, Any] = {"type": "list", "elements": "str"}

SPEC = spec(
    CONNECTION,
    options={
        "tasks": _WORDS,
        "assignees": _WORDS,
        "routes": {"type": "list", "elements": "dict", "required": True, "options": routing.ROUTE},
        "apps": {**_WORDS, "default": []},
        "max_due": {"type": "int", "default": 10},
        "with_names": {"type": "bool", "default": False},
    },
    mutually_exclusive=[("tasks", "assignees")],
    required_one_of=[("tasks", "assignees")],
)


def plan(params: dict[str, Any], tenant: Tenant) -> Plan:
    """Return a plan without steps, whose result is the route and outcome of each task."""
    return Plan(result={"tasks": [task.as_result() for task in routing.route_tasks(params, tenant)]})


def main() -> None:
    run_module(SPEC, plan)


if __name__ == "__main__":
    main()
