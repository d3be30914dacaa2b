#!/usr/bin/python
# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Custom fields of Cakewalk apps."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cakewalk_app_custom_field
short_description: Set custom fields of apps
version_added: 1.0.0
author: Contributors to the cakewalk.access collection (@cakewalk-access)
description:
  - Sets and clears custom fields of one app or of many apps. Other fields stay as they are.
extends_documentation_fragment:
  - cakewalk.access.attributes
  - cakewalk.access.attributes.action_group_all
  - cakewalk.access.connection
  - cakewalk.access.journal
options:
  app:
    description: The app, by exact name or id. Excludes O(values).
    type: str
  fields:
    description:
      - The values, by name or id of the field. Quote numbers, booleans and dates, since YAML reads C(0715) as 461.
        Without quotes, they are an error, unless the field itself has such a type.
      - For a person or a choice, use the text that Cakewalk shows, or its id. The API does not list the choices, so
        check mode accepts any. The run reads the field again and fails if it holds something else.
      - A null or blank value is an error. Use O(clear) instead.
    type: dict
  clear:
    description: Fields to clear, by exact name or id.
    type: list
    elements: str
  values:
    description: Many apps in one task. Excludes O(app), O(fields) and O(clear).
    type: list
    elements: dict
    suboptions:
      app:
        description: The app, by exact name or id. Each app may appear once.
        type: str
        required: true
      fields:
        description: Like O(fields).
        type: dict
      clear:
        description: Like O(clear).
        type: list
        elements: str
notes:
  - Computed fields cannot be set, and required fields cannot be cleared. The task refuses both before the first write.
seealso:
  - module: cakewalk.access.cakewalk_info
"""

EXAMPLES = r"""
- name: Change the cost center of GitHub
  cakewalk.access.cakewalk_app_custom_field:
    app: GitHub
    fields:
      Cost Center: "0815"
      Data Classification: Confidential
    clear:
      - Risk Owner

- name: Set fields of several apps
  cakewalk.access.cakewalk_app_custom_field:
    values:
      - app: Figma
        fields: {Cost Center: "4711"}
      - app: Salesforce
        fields: {Cost Center: "4712"}
"""

RETURN = r"""
apps:
  description:
    - One entry per app, with what changes or in check mode would change.
    - With O(values), apps without a change are only counted in RV(summary).
  returned: success
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
    fields:
      description: The fields that change, by name, each with the values C(before) and C(after).
      type: dict
      sample: {"Cost Center": {"before": "2978", "after": "0815"}}
    unmapped:
      description:
        - Fields that change but whose names cannot be keys of RV(apps[].fields). Such a name is blank or very long, has
          invisible characters, or begins with C(__ansible) or C(_ansible_).
      type: list
      elements: dict
      sample: []
    unchanged:
      description: Names of the fields that already have their values.
      type: list
      elements: str
      sample: [Data Classification]
summary:
  description: Counts for the whole task.
  returned: success
  type: dict
  contains:
    apps:
      description: Apps in the task.
      type: int
      sample: 60
    changed:
      description: Apps that change.
      type: int
      sample: 1
    fields:
      description: Fields that change.
      type: int
      sample: 1
    unchanged:
      description: Fields that already have their values.
      type: int
      sample: 119
msg:
  description: What changed, or in check mode would change, in one sentence; after a failure the error.
  returned: always
  type: str
  sample: "3 custom fields of GitHub changed."
steps:
  description:
    - The writes. In check mode all of them are C(pending).
    - After a failure, C(done), C(errors) and C(pending) show what took effect, what failed and what was not tried.
      C(already) lists refused steps whose result a read shows anyway. They do not count as changed.
  returned: success, and when a step failed
  type: dict
  contains:
    done:
      description: Steps that took effect, as a read shows.
      type: list
      elements: dict
      sample:
        - action: set 'Cost Center' of the app 'GitHub'
          method: PATCH
          path: /api/v1/WorkApps/0e4fdb7f-3c0e-5a55-9f0f-7d1f1a7f2b22/CustomFields
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
      M(cakewalk.access.cakewalk_group_member), and V(not_as_sent) if a field holds something else after the write.
  returned: failure, unless Ansible refuses the options
  type: dict
  sample:
    kind: lookup_failed
    problems:
      - reference: Cost Centre
        reason: not_found
        near: [Cost Center]
"""

from typing import Any

from ..module_utils._engine import custom_fields
from ..module_utils._engine.core.plan import Plan
from ..module_utils._engine.core.tenant import Tenant
from ..module_utils._module.arguments import CONNECTION, JOURNAL, bulk_spec
from ..module_utils._module.entry import run_module

SPEC = bulk_spec(
    "values",
    {
        "app": {"type": "str", "required": True},
        "fields": {"type": "dict"},
        "clear": {"type": "list", "elements": "str"},
    },
    {},
    CONNECTION,
    JOURNAL,
)


def plan(params: dict[str, Any], tenant: Tenant) -> Plan:
    """Return the plan for C(params): one request for each app with a field to change."""
    changes = custom_fields.plan_fields(custom_fields.entries_of_task(params), tenant)
    return Plan(
        *custom_fields.states_of(changes),
        tuple(change.step() for change in changes if change.values),
        custom_fields.result_of(changes, params),
        remark=lambda _applied: custom_fields.remark_of(changes),
    )


def main() -> None:
    run_module(SPEC, plan)


if __name__ == "__main__":
    main()
