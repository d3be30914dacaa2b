#!/usr/bin/python
# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access rules."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cakewalk_access_rules
short_description: Check access rules, such as separation of duties
version_added: 1.0.0
author: Contributors to the cakewalk.access collection (@cakewalk-access)
description:
  - Reads who has access to what, compares it with the rules in a folder of YAML files, and fails if a rule is violated.
    It changes nothing in the tenant, and a read-only key is enough.
  - Rules say what nobody may hold together (C(conflicts)), and what else holders need (C(requires)). They also say how
    many people may hold something (C(limits)), and what certain people may not hold (C(forbids)).
  - The folder is that of M(cakewalk.access.cakewalk_access_as_code), which refuses a plan that would violate a rule. A
    folder with only the sections C(tenant) and C(rules) works as well. The README of the role
    C(cakewalk.access.access_rules) describes them.
  - What cannot be seen is B(unknown), and fails like a violation.
extends_documentation_fragment:
  - cakewalk.access.attributes.action_group_all
  - cakewalk.access.connection
options:
  folder:
    description:
      - The folder of the files, an absolute path on the controller. Every C(.yml) and C(.yaml) file in it and its
        subfolders is read, as data and never as a template.
    type: path
    required: true
  fail_from:
    description: The lowest severity with which a rule fails the task. V(never) only reports.
    type: str
    choices: [low, medium, high, critical, never]
    default: low
  allow_unknown:
    description: Whether rules pass that cannot be decided, because the API does not show what they depend on.
    type: bool
    default: false
  count_requests:
    description: Whether access that open requests ask for counts as held. Plans of access as code always count it.
    type: bool
    default: false
  json_path:
    description: A file for the results as JSON, as an absolute path on the controller.
    type: path
  junit_path:
    description:
      - A file for the results as JUnit XML, as an absolute path on the controller. Each rule is a test case, which CI
        systems show.
      - A violated rule is a failure, an unknown rule an error. If it does not fail the task, it is skipped.
    type: path
  source:
    description: The content of the files, for internal use.
    type: dict
requirements:
  - python >= 3.10
attributes:
  check_mode:
    support: full
    description: Returns the same result, but writes no file.
  diff_mode:
    support: N/A
    description: Changes nothing.
  idempotent:
    support: full
    description: Changes nothing.
  async:
    support: none
    description: Is refused, because files are written when the module ends.
notes:
  - Apps that a group gives by default count as held by its members, at the default level of the app. If the app has no
    default level, their level is unknown.
  - The files are written also if a rule fails. Only your user can read them.
seealso:
  - module: cakewalk.access.cakewalk_access_as_code
  - module: cakewalk.access.cakewalk_evidence
"""

EXAMPLES = r"""
- name: Check a rule about a tenant
  hosts: localhost
  gather_facts: false
  vars:
    folder: "{{ lookup('ansible.builtin.env', 'HOME') }}/rules"
  tasks:
    - name: Find an app that identifies the tenant
      cakewalk.access.cakewalk_info:
        apps: [GitHub]
      register: tenant

    - name: Make a folder
      ansible.builtin.file:
        path: "{{ folder }}"
        state: directory
        mode: "0700"
      check_mode: false

    - name: Write a rule
      ansible.builtin.copy:
        dest: "{{ folder }}/rules.yml"
        mode: "0600"
        content: |
          tenant:
            anchors:
              - {{ tenant.apps[0].id }}
          rules:
            - name: Leavers have no access to code
              severity: critical
              reason: Code is confidential
              forbids:
                people:
                  status: [Deactivated]
                to_hold:
                  - app: GitHub
      check_mode: false

    - name: Check all rules, and fail from the severity high
      cakewalk.access.cakewalk_access_rules:
        folder: "{{ folder }}"
        fail_from: high
        junit_path: "{{ folder }}/junit.xml"
"""

RETURN = r"""
report:
  description:
    - The results as lines for people, the worst rules first. Each finding is a line below its rule. It begins with
      C(-) for a violation, and with C(?) if it is not known.
    - C(~) marks an exception, and C(!) an exception that has ended.
  returned: when the rules were evaluated
  type: list
  elements: str
  sample:
    - "violated (critical): Nobody pays what they ordered (rules.yml:6)"
    - "  - ada.admin@example.com holds the app 'Payroll' and the group 'Purchasing'"
rules:
  description: The results as data. After a failure, O(json_path) has them.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the rule.
      type: str
      sample: Nobody pays what they ordered
    kind:
      description: Which kind of rule it is, C(conflicts), C(requires), C(limits) or C(forbids).
      type: str
      sample: conflicts
    severity:
      description: The severity of the rule.
      type: str
      sample: critical
    reason:
      description: Why the rule exists.
      type: str
      sample: Separation of duties
    at:
      description: The file and line of the rule.
      type: str
      sample: rules.yml:6
    state:
      description:
        - V(kept), V(excepted) if all violations have an exception, V(unknown) if what decides cannot be seen, or
          V(violated).
      type: str
      sample: violated
    findings:
      description: Who violates the rule, or may do so.
      type: list
      elements: dict
      contains:
        state:
          description: V(violated), V(unknown) or V(excepted).
          type: str
          sample: violated
        person:
          description: The e-mail address or id. Null if the finding is not about one person.
          type: str
          sample: ada.admin@example.com
        person_id:
          description: The id, or null.
          type: str
          sample: 2b8ff2d1-5d7e-4c1a-9c50-0d6f2a1b7e11
        message:
          description: The finding as a clause.
          type: str
          sample: ada.admin@example.com holds the app 'Payroll' and the group 'Purchasing'
        exception:
          description: The exception of this person, with its C(reason), the end (C(until)) and the line (C(at)).
          type: dict
    ended_exceptions:
      description: Exceptions that have ended and no longer count.
      type: list
      elements: dict
counts:
  description: How many rules are in each state.
  returned: when the rules were evaluated
  type: dict
  sample: {"kept": 4, "excepted": 1, "unknown": 0, "violated": 1}
stats:
  description: Counts without personal data, which the role publishes with C(ansible.builtin.set_stats).
  returned: when the rules were evaluated
  type: dict
  sample: {"access_rules_passed": false, "access_rules_kept": 4, "access_rules_violated": 1}
msg:
  description: The counts in one sentence; after a failure the error.
  returned: always
  type: str
  sample: "6 access rules: 4 kept, 1 excepted, 0 unknown, 1 violated."
error:
  description:
    - The error, for programs. Other fields depend on C(kind). Kinds are those of M(cakewalk.access.cakewalk_info), and
      V(rules), V(code), V(wrong_tenant) and V(file).
    - V(rules) means that rules are violated or unknown. C(rules) has their names.
  returned: failure, unless Ansible refuses the options
  type: dict
  sample: {"kind": "rules", "rules": ["Nobody pays what they ordered"]}
"""

import json
from typing import Any

from ..module_utils._api.text import pluralize
from ..module_utils._engine.access_as_code.live_rules import evaluate_live
from ..module_utils._engine.access_rules.form import SEVERITIES
from ..module_utils._engine.access_rules.junit import junit_xml
from ..module_utils._engine.access_rules.report import (
    NEVER,
    FindingWriter,
    counts_of,
    ended_warnings,
    failing,
)
from ..module_utils._engine.core.plan import Plan
from ..module_utils._engine.core.tenant import Tenant
from ..module_utils._engine.core.timestamps import utc
from ..module_utils._module.arguments import CONNECTION, spec
from ..module_utils._module.entry import run_module

SPEC = spec(
    CONNECTION,
    options={
        "folder": {"type": "path", "required": True},
        "fail_from": {"type": "str", "choices": [*SEVERITIES, NEVER], "default": SEVERITIES[0]},
        "allow_unknown": {"type": "bool", "default": False},
        "count_requests": {"type": "bool", "default": False},
        "json_path": {"type": "path"},
        "junit_path": {"type": "path"},
        "source": {"type": "dict"},
    },
)
_HINT = "'report' shows each finding. Take the access away, or give the rule an exception with an end."


def plan(params: dict[str, Any], tenant: Tenant) -> Plan:
    """Return a plan without steps, whose result is that of the rules, with the texts of the files for the action."""
    evaluation = evaluate_live(params, tenant, params["count_requests"])
    writer = FindingWriter(evaluation)
    counts = counts_of(evaluation.results)
    failed = failing(evaluation.results, params["fail_from"], params["allow_unknown"])
    tenant.warnings += ended_warnings(evaluation.results)
    time = utc(evaluation.time)
    data = tenant.scrubbed([writer.data(result) for result in evaluation.results])
    document = {"base_url": params["base_url"], "evaluated_at": time, "counts": counts, "rules": data}
    number = pluralize(len(evaluation.results), "access rule", "access rules")
    return Plan(
        result={
            "msg": f"{number}: {', '.join(f'{count} {state}' for state, count in counts.items())}.",
            "report": list(writer.lines(evaluation.results)),
            # Ansible shows all of a failure, and the report has a line for each finding.
            **({} if failed else {"rules": data}),
            "counts": counts,
            "stats": {
                "access_rules_passed": not failed,
                **{f"access_rules_{state}": count for state, count in counts.items()},
            },
            "json_text": json.dumps(document, indent=1) + "\n",
            "junit_text": tenant.scrubbed(junit_xml(evaluation.results, failed, writer, time)),
        },
        unmet=writer.error(failed, _HINT),
    )


def main() -> None:
    run_module(SPEC, plan)


if __name__ == "__main__":
    main()
