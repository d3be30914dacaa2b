#!/usr/bin/python
# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access as code."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cakewalk_access_as_code
short_description: Keep a Cakewalk tenant as YAML files say, by plans that are approved
version_added: 0.1.0
author: Contributors to the cakewalk.access collection (@cakewalk-access)
description:
  - Reads a folder of YAML files that say who is to be in which group, who is to have access to which app, and what
    custom fields hold and which policies govern, and brings the tenant there in three steps, a plan, the approval of
    somebody, and the application of exactly that plan.
  - All files are one plan, read in one process with each list once, and held as a whole against the rails.
  - Files are data. Nothing in them is a template, and every problem in them is told with its file and line.
  - Approval policies are never bypassed. Whoever is added gets the access requests that follow, and these are decided
    as the policies say.
extends_documentation_fragment:
  - cakewalk.access.attributes
  - cakewalk.access.attributes.action_group_write
  - cakewalk.access.connection
  - cakewalk.access.acting
  - cakewalk.access.writing
  - cakewalk.access.ledger
  - cakewalk.access.journal
attributes:
  async:
    support: none
    description: Is refused, since what the module returns is recorded and kept as files when it ends.
options:
  mode:
    description:
      - V(plan) tells what would change, and the hash of that. It writes nothing to the tenant.
      - V(apply) plans again, from the files and from what the tenant shows now, and goes on only if that is the plan of
        O(plan_hash).
      - V(export) writes the files that fit the tenant as it is.
      - V(drift) tells where tenant and files differ, and fails if they do.
    type: str
    choices: [plan, apply, export, drift]
    default: plan
  folder:
    description:
      - The folder of the files, by its whole path, on the controller. All files in it and in folders below it whose
        names end in C(.yml) or C(.yaml), in any case, are read, but not hidden ones. Links are refused.
      - With V(export) the files are written there. A folder that holds other code is refused.
      - The files are described in the README of the role C(cakewalk.access.access_as_code).
    type: path
    required: true
  plan_hash:
    description:
      - What V(plan) returned as RV(plan_hash), from whoever approved it. Needed with V(apply).
      - It stands for the files, the state of what changes, the steps, the rails (O(acting_user), O(protected_users),
        O(max_removals), O(max_removal_percent), O(max_assignments), O(allow_inactive), O(retry_declined), O(enforce),
        O(ledger_max_age)), O(base_url), and the version of this collection. If any of these changed, nothing is
        written. Where nothing would change, it is not looked at, and nothing is sent.
    type: str
  plan_path:
    description: A file for the plan, by its whole path, on the controller. The same plan is the same file to the byte.
    type: path
  inverse_path:
    description:
      - A file for what would take back a run of V(apply), by its whole path, on the machine that runs the module. It is
        code itself, and is planned and approved as any other code.
      - It exists from before the first write, so that a run that was killed leaves one. An earlier file is kept under a
        name that ends in C(.before-) and a random part.
    type: path
  proof_dir:
    description:
      - The folder of the proofs that the role C(cakewalk.access.leaver) writes, by its whole path, on the controller.
        Its files C(leaver-*.json) are read.
      - Who was proved to have left is never added and never given access, and RV(plan) says where the files still name
        the person. A proof counts for the id of the person, and for the e-mail address once the directory no longer
        knows that address. Move the proof away when somebody is back.
    type: path
  overwrite:
    description: Whether V(export) may replace files of an earlier export.
    type: bool
    default: false
  fail_on_drift:
    description: Whether V(drift) fails where tenant and files differ.
    type: bool
    default: true
  allow_inactive:
    description:
      - Whether people may be added whose status is V(Deactivated), V(Offboarding) or V(Ignored). If not, they count as
        leavers. The plan says where the files name them, and goes on without them.
    type: bool
    default: false
  purpose:
    description:
      - Why access is asked for, or is to go, for those who decide the requests. Needed where a request is opened.
    type: str
  retry_declined:
    description: Whether to ask again for what was declined the last time.
    type: bool
    default: false
  max_removals:
    description:
      - How many removals the run may make, over all files. If there would be more, nothing is written and the error
        lists them.
      - If this is not set, a run with a group in the mode C(exact) may make 10, and others as many as they name.
    type: int
  max_removal_percent:
    description: How large a share of all memberships that are read the run may remove, if they are 20 or more.
    type: int
    default: 10
  enforce:
    description:
      - V(always) sends every assignment of a policy, also those that the ledger holds. That puts right what somebody
        changed by hand, though it cannot tell that it did. Where nothing else is to be done, nothing is sent unless
        O(plan_hash) is the one of this plan.
      - V(on_change) does not send what the ledger holds and is younger than O(ledger_max_age). Needs O(ledger_path).
    type: str
    choices: [always, on_change]
    default: always
  ledger_max_age:
    description: After how many hours O(enforce=on_change) sends again what the ledger holds.
    type: int
    default: 24
  max_assignments:
    description:
      - How many assignments of policies the run may send. If there would be more, nothing is written and the error
        lists them. Needed as soon as one of them has a C(select).
    type: int
  source:
    description: What was read from O(folder), for the module. A task cannot set it.
    type: dict
    suboptions:
      version:
        description: The version of the collection.
        type: str
      positions:
        description: The files and lines.
        type: dict
      proofs:
        description: Who was proved to have left.
        type: list
        elements: dict
        suboptions:
          id:
            description: The id of the person.
            type: str
            required: true
          email:
            description: The e-mail address of the person.
            type: str
            required: true
          file:
            description: The name of the proof.
            type: str
            required: true
          date:
            description: The day of the proof.
            type: str
      code:
        description: What the files say.
        type: dict
        suboptions:
          tenant:
            description: Which tenant the code is about.
            type: dict
            required: true
            suboptions:
              anchors:
                description: Ids of some apps of the tenant. Where none of them is, the code is refused.
                type: list
                elements: str
                required: true
          groups:
            description: The groups. One that has no entry is left alone.
            type: list
            elements: dict
            default: []
            suboptions:
              group:
                description: The group, by id or exact name.
                type: str
                required: true
              mode:
                description:
                  - With V(additive), C(members) are added and C(absent) are removed, and nobody else is touched. With
                    V(exact), C(members) are all there are to be. With V(unmanaged) the group is left alone.
                type: str
                choices: [additive, exact, unmanaged]
                default: additive
              members:
                description: Who is to be a member, by e-mail address or id.
                type: list
                elements: str
              absent:
                description: Who is not to be one, with V(additive).
                type: list
                elements: str
              allow_empty:
                description: Whether C(members) may be empty with V(exact), which removes everybody.
                type: bool
                default: false
          accesses:
            description: Who is to have access to which app. Nobody else is touched.
            type: list
            elements: dict
            default: []
            suboptions:
              app:
                description: The app, by id or exact name.
                type: str
                required: true
              permission_level:
                description: The level, by id or exact name. Needed for an app that has levels.
                type: str
              users:
                description: The people, by e-mail address or id.
                type: list
                elements: str
                required: true
              state:
                description: Whether they are to have access, or none.
                type: str
                choices: [present, absent]
                default: present
          custom_fields:
            description: What custom fields of apps are to hold. A field that is not named is left alone.
            type: list
            elements: dict
            default: []
            suboptions:
              app:
                description: The app, by id or exact name. It has one entry.
                type: str
                required: true
              fields:
                description: The values, by the id or exact name of the field.
                type: dict
              clear:
                description: Fields that are to have no value.
                type: list
                elements: str
          policies:
            description:
              - Which policies are to govern what, as M(cakewalk.access.cakewalk_app_policy) describes under
                C(assignments). What governs now cannot be read, so O(ledger_path) tells what changes.
            type: list
            elements: dict
            default: []
            suboptions:
              app:
                description: The app, by id or exact name. Each entry has either this or C(select).
                type: str
              select:
                description: Which apps. They must meet all of the criteria given here. Demands O(max_assignments).
                type: dict
                suboptions:
                  all:
                    description: Every app. Excludes the criteria.
                    type: bool
                    default: false
                  status:
                    description: The status of the app, for example V(Managed).
                    type: str
                  category:
                    description: The category of the app, as Cakewalk calls it.
                    type: str
                  custom_field:
                    description: A custom field of the app has this value.
                    type: dict
                    suboptions:
                      name:
                        description: The field, by exact name or id.
                        type: str
                        required: true
                      value:
                        description: Its value, as Cakewalk shows it, or the id of the person or choice behind it.
                        type: str
              permission_level:
                description: The permission level, by id or exact name. Without any the app itself is meant.
                type: str
              permission_levels:
                description: Which permission levels of each app. Excludes C(permission_level).
                type: str
                choices: [privileged, default, all]
              request_type:
                description: What the policy is to govern.
                type: str
                required: true
                choices: [grant_access, remove_access, change_permission, archive_app, add_app]
              policy:
                description: The policy, by id or exact name.
                type: str
                required: true
notes:
  - Files are read and written on the controller, whatever the task is delegated to. Only O(journal_path),
    O(inverse_path) and O(ledger_path) are on the machine that runs the module.
  - V(apply) needs O(journal_path). Runs with the same journal wait for each other, for up to 30 seconds, by a lock, a
    file whose name ends in C(.lock).
  - People who have left, by their status or by a proof in O(proof_dir), are never added. Those who are named and still
    members stay members, also of a group in the mode C(exact). An exact list that names leavers only changes nothing.
    An export leaves them out, with a comment.
  - Everything in V(export) rests on what lists do not show, so each list of several pages is read twice. V(plan) and
    V(apply) read the members of exact groups twice, and V(drift) reads those lists twice that seem to lack somebody.
  - An additive list leaves alone whom it does not name, so that neither V(plan) nor V(drift) tells of them.
seealso:
  - module: cakewalk.access.cakewalk_group_member
"""

EXAMPLES = r"""
- name: A tenant as code, in one play what people do in several, with a review in between
  hosts: localhost
  gather_facts: false
  module_defaults:
    group/cakewalk.access.write:
      acting_user: ada.admin@example.com
  vars:
    folder: "{{ lookup('ansible.builtin.env', 'HOME') }}/tenant"
  tasks:
    - name: Adopt the tenant as it is
      cakewalk.access.cakewalk_access_as_code:
        mode: export
        folder: "{{ folder }}"
        overwrite: true
      check_mode: false

    - name: Say who is to be in Sales, and say nothing of other groups
      ansible.builtin.copy:
        dest: "{{ folder }}/groups.yml"
        mode: "0600"
        content: |
          groups:
            - group: Sales
              members:
                - iris.invited@example.com
      check_mode: false

    - name: Plan
      cakewalk.access.cakewalk_access_as_code:
        folder: "{{ folder }}"
        plan_path: "{{ folder }}/plan.txt"
      register: planned

    - name: Apply what was planned and approved
      cakewalk.access.cakewalk_access_as_code:
        mode: apply
        folder: "{{ folder }}"
        plan_hash: "{{ planned.plan_hash }}"
        journal_path: "{{ folder }}/writes.jsonl"
        inverse_path: "{{ folder }}/back/inverse.txt"
"""

RETURN = r"""
plan:
  description:
    - What would change, or with V(apply) was to change, as lines for people. The first lines are the header, with the
      address of the tenant, the acting user, the purpose and the guardrails.
  returned: with mode plan, apply and drift
  type: list
  elements: str
  sample:
    - "Tenant: https://open-api.getcakewalk.io"
    - "Acting user: ada.admin@example.com"
    - "Guardrails: removals of at most 10 % of what is read"
    - ""
    - group Engineering
    - "  + owen.onboarding@example.com"
    - "1 step, 0 removals among them."
plan_hash:
  description: The hash of the plan, by which it is approved.
  returned: with mode plan and apply
  type: str
  sample: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
summary:
  description: Counts over the whole plan.
  returned: with mode plan, apply and drift
  type: dict
  contains:
    steps:
      description: Writes to the tenant.
      type: int
      sample: 1
    removals:
      description: Removals among them.
      type: int
      sample: 0
inverse:
  description: What would take back what was done.
  returned: with mode apply, when something was done, or may have been
  type: dict
  contains:
    text:
      description: Code, as O(inverse_path) holds it.
      type: str
    not_undoable:
      description: What nothing takes back, and why.
      type: list
      elements: str
      sample: []
stats:
  description: Facts without personal data, which the role publishes with C(ansible.builtin.set_stats).
  returned: with mode plan, apply and drift
  type: dict
  sample: {"access_as_code_steps": 1, "access_as_code_removals": 0, "access_as_code_plan_hash": "9f86d081…"}
drift:
  description: Where tenant and files differ.
  returned: with mode drift
  type: dict
  contains:
    in_sync:
      description: Whether nothing differs.
      type: bool
      sample: true
    differing:
      description: What differs; RV(plan) tells how.
      type: list
      elements: str
      sample: []
    left_alone:
      description:
        - What is left alone, and leavers that the files still name. An access that was asked for and is not decided yet
          is no difference; people who stay in an exact group because they are protected are one, and so is a request
          that was declined or wants the opposite.
      type: list
      elements: str
      sample: []
    not_in_code:
      description: Groups that the files do not know. That is no difference.
      type: list
      elements: str
      sample: [Ebern Team 3]
    not_verifiable:
      description: What nobody can read, namely which policies govern; what the files say of it.
      type: list
      elements: str
      sample: ["grant_access of the app 'GitHub': Two approvals"]
files:
  description: The names of the files of an export.
  returned: with mode export
  type: list
  elements: str
  sample: [groups.yml, tenant.yml]
steps:
  description: The writes. In check mode all of them are C(pending).
  returned: with mode apply
  type: dict
  contains:
    done:
      description:
        - Steps that were carried out, as a read after them shows. C(verified) is false for policies, which cannot be
          read. C(request_id) is the id of the request that a step opened.
      type: list
      elements: dict
    errors:
      description: Steps that failed, each with C(msg), C(kind) and what the service said.
      type: list
      elements: dict
    pending:
      description: Steps that were not started.
      type: list
      elements: dict
error:
  description:
    - What went wrong, for programs. C(kind) tells apart V(code) (the files; C(problems) lists C(at) and C(message)),
      V(wrong_tenant), V(plan_moved), V(drift), V(rail), V(lookup_failed), V(configuration) and V(file), and those of
      requests that M(cakewalk.access.cakewalk_group_member) lists.
  returned: failure, once the options have the right form
  type: dict
  sample: {"kind": "code", "problems": [{"at": "groups.yml:4", "message": "the group 'Sales' has an entry already"}]}
"""

from typing import Any

from ..module_utils._engine.access_as_code.plan import exported_files, tenant_plan
from ..module_utils._engine.access_as_code.rollback import RollbackFile, check_rollback_path, inverse_of
from ..module_utils._engine.access_as_code.schema import SOURCE
from ..module_utils._engine.core.plan import Plan
from ..module_utils._engine.core.tenant import Tenant
from ..module_utils._module.arguments import ACTING, CONNECTION, JOURNAL, LEDGER, WRITING, spec
from ..module_utils._module.entry import run_module

SPEC = spec(
    CONNECTION,
    ACTING,
    WRITING,
    LEDGER,
    JOURNAL,
    options={
        "mode": {"type": "str", "choices": ["plan", "apply", "export", "drift"], "default": "plan"},
        "folder": {"type": "path", "required": True},
        "plan_hash": {"type": "str"},
        "plan_path": {"type": "path"},
        "inverse_path": {"type": "path"},
        "proof_dir": {"type": "path"},
        "overwrite": {"type": "bool", "default": False},
        "fail_on_drift": {"type": "bool", "default": True},
        "allow_inactive": {"type": "bool", "default": False},
        "purpose": {"type": "str"},
        "retry_declined": {"type": "bool", "default": False},
        "max_removals": {"type": "int"},
        "max_removal_percent": {"type": "int", "default": 10},
        "enforce": {"type": "str", "choices": ["always", "on_change"], "default": "always"},
        "ledger_max_age": {"type": "int", "default": 24},
        "max_assignments": {"type": "int"},
        "source": SOURCE,
    },
    required_if=[("mode", "apply", ("plan_hash", "journal_path"))],
)

_NOT_AGAIN = "What the plan would only send again is not sent again, since plan_hash is not the hash of this plan."


def plan(params: dict[str, Any], tenant: Tenant) -> Plan:
    """Return the plan for the mode; only C(apply) has steps."""
    if params["mode"] == "export":
        return Plan(result={"files": exported_files(params, tenant)})
    rollback_path = params["inverse_path"] if params["mode"] == "apply" else None
    check_rollback_path(rollback_path)
    code_plan = tenant_plan(params, tenant)
    total = code_plan.total
    result: dict[str, Any] = {
        "plan": code_plan.lines,
        "summary": {"steps": len(total.steps), "removals": len(total.removals)},
    }
    stats: dict[str, Any] = {f"access_as_code_{name}": count for name, count in result["summary"].items()}
    if params["mode"] == "drift":
        error = code_plan.drifted() if params["fail_on_drift"] else None
        stats["access_as_code_in_sync"] = stats["access_as_code_complete"] = not code_plan.differing
        return Plan(result={**result, "drift": code_plan.drift(tenant), "stats": stats}, unmet=error)
    code_plan.check_guardrails()
    stats["access_as_code_plan_hash"] = code_plan.hash
    stats["access_as_code_complete"] = not any(step.changes for step in code_plan.steps) and not total.errors
    result |= {"plan_hash": code_plan.hash, "stats": stats}
    if params["mode"] == "plan":
        return Plan(result={**result, "plan_text": code_plan.text})
    steps = code_plan.approved()
    if steps != code_plan.steps:
        tenant.warnings.append(_NOT_AGAIN)
    return Plan(
        before={change.name: change.before for change in total.changes},
        after={change.name: change.after for change in total.changes},
        steps=steps,
        result=result,
        unmet=next(iter(total.errors), None),
        ledger=next(iter(total.ledgers), None),
        report=lambda applied: {
            **inverse_of(total.steps, applied, code_plan.code.sections["tenant"]),
            "stats": {**stats, "access_as_code_complete": applied.goal_reached},
        },
        file=RollbackFile(rollback_path, total.steps, code_plan.code.sections["tenant"]),
    )


def main() -> None:
    run_module(SPEC, plan, lambda params: params["journal_path"] if params["mode"] == "apply" else None)


if __name__ == "__main__":
    main()
