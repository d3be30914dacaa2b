#!/usr/bin/python
# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access as code."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cakewalk_access_as_code
short_description: Manage a tenant from YAML files
version_added: 1.0.0
author: Contributors to the cakewalk.access collection (@cakewalk-access)
description:
  - Compares a tenant with a folder of YAML files, and applies the difference after approval. The files describe group
    members, access to apps, approval policies and custom fields. People can come from a
    roster, and access can have a start and an end. Access rules say what no plan may lead to.
  - First run V(plan). Somebody reviews the plan and its hash. Then V(apply) with O(plan_hash) carries out exactly this
    plan.
  - Start with V(export), which writes files for the tenant as it is.
  - Files are data and never templates. Every problem in them is reported with file and line.
  - Approval policies are never bypassed. New members get access requests as usual.
  - The role C(cakewalk.access.access_as_code) wraps this module, and its README describes the files.
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
    description: Is refused, because files are written when the module ends.
options:
  mode:
    description:
      - V(plan) shows what would change, with a hash. It writes nothing to the tenant.
      - V(apply) plans again and continues only if the hash is O(plan_hash). Requires O(journal_path).
      - V(export) writes files that describe the tenant as it is.
      - V(drift) shows where the tenant and the files differ, and fails if they do.
      - V(expire) removes the people whose C(until) in the files is over, for a schedule. It needs no new approval, and
        continues only if the files have the approved O(code_digest). Everything else that the files demand is in
        RV(not_done), and is never done. Requires O(journal_path).
    type: str
    choices: [plan, apply, export, drift, expire]
    default: plan
  folder:
    description:
      - The folder of the files, an absolute path on the controller. All C(.yml) and C(.yaml) files in it and its
        subfolders are read, except hidden files. Links are an error.
      - V(export) writes here, and refuses a folder with other code.
    type: path
    required: true
  plan_hash:
    description:
      - The approved hash, which V(plan) returned as RV(plan_hash). Required with V(apply).
      - It covers the files, the state of what changes, the steps, the options that matter, O(base_url) and the version
        of this collection. If one of these changed, nothing is written.
    type: str
  code_digest:
    description:
      - The digest of the approved files, which V(apply) returned as RV(code_digest). Required with V(expire).
      - It covers the content of the files and O(base_url), but neither the tenant, the time nor the options. If the
        files changed, nothing is written.
    type: str
  expires_within:
    description:
      - The plan and the report show what expires within so many days. What is planned for later, or expired, always
        shows in the plan.
    type: int
    default: 14
  roster_copy_path:
    description:
      - A copy of the roster that V(apply) applied last, as an absolute path on the controller. Runs compare the roster
        with it. V(apply) requires it if the files have a roster, and writes it once the whole plan is done. A run that
        fails keeps the earlier copy, so the next plan names the same people as joined, moved and left.
      - It belongs to one tenant, and is refused for another one.
      - It holds personal data, and gets mode 0600.
    type: path
  max_roster_shrink:
    description:
      - How many percent of the people in the copy may be missing from the roster, or end earlier by it, from 0 to 100.
        If there are more, the task fails in every mode, because the file may be incomplete. People whose end was known
        already do not count. The same limit holds for people who lose a group or access by the rules.
      - O(plan_hash) covers this option.
    type: int
    default: 10
  expiry_report_path:
    description:
      - A file for a report of what expired, and what expires within O(expires_within) days, as an absolute path on the
        controller. What expires first comes first.
      - A name that ends in C(.json) gives JSON with RV(time) and RV(terms). C(.md) gives Markdown for a comment. Any
        other name gives text.
      - A run that fails without a report removes an earlier one, which could be taken for its own. V(export) writes no
        report, and leaves an earlier one as it is.
      - A file that holds anything other than such a report or a plan is refused, and stays as it is.
    type: path
  plan_path:
    description:
      - A file to write the plan to, as an absolute path on the controller. The same plan gives the same file, except
        for the time in it if the files have dates.
      - A name that ends in C(.md) gives Markdown for a comment on a pull request, of at most 60,000 characters. It says
        how much is left out. Names from the tenant are code, so none of them is a mention, a link or HTML. If no plan
        can be made, the file says why.
      - A file that holds anything other than a plan or report is refused, and stays as it is.
    type: path
  inverse_path:
    description:
      - A file for the code that undoes a run of V(apply), as an absolute path on the machine that runs the module. Plan
        and approve it like other code. It holds the access rules and time limits of the files, but no rule about a
        roster.
      - The file exists before the first write. An earlier file is kept under a name with C(.before-).
    type: path
  proof_dir:
    description:
      - The folder of the proofs of M(cakewalk.access.cakewalk_leaver), as an absolute path on the controller.
      - People with a proof are never added and never get access. RV(plan) shows where the files still name them. If a
        person returns, move the proof away.
    type: path
  overwrite:
    description: Whether V(export) may replace files of an earlier export.
    type: bool
    default: false
  fail_on_drift:
    description: Whether V(drift) fails if the tenant and the files differ.
    type: bool
    default: true
  allow_inactive:
    description:
      - Whether to add people in status V(Deactivated), V(Offboarding) or V(Ignored). By default they count as leavers.
        The plan shows where the files name them, and skips them.
    type: bool
    default: false
  purpose:
    description: The reason, for the approvers. Required if the run opens a request.
    type: str
  retry_declined:
    description: Whether to request again if the last request was declined.
    type: bool
    default: false
  max_removals:
    description:
      - How many removals the run may make. Above this, it fails before the first write.
      - The default is 10 if a group has the mode C(exact), and no limit otherwise.
    type: int
  max_removal_percent:
    description: The share of the memberships read that the run may remove. It applies from 20 memberships upwards.
    type: int
    default: 10
  enforce:
    description:
      - V(always) sends every policy assignment. This also reverts changes by other people, without noticing them. If
        nothing else changes, O(plan_hash) must be the current one.
      - V(on_change) skips assignments that the ledger shows and that are younger than O(ledger_max_age). Requires
        O(ledger_path).
    type: str
    choices: [always, on_change]
    default: always
  ledger_max_age:
    description: The age in hours from which O(enforce=on_change) sends an assignment again.
    type: int
    default: 24
  max_assignments:
    description:
      - How many policy assignments the run may send. Above this, it fails before the first write. Required if a policy
        entry has C(select).
    type: int
  strict_rules:
    description:
      - Whether access rules that are violated or unknown already stop the run as well. By default, the plan lists them.
      - A plan that would violate a rule, or add to a violation, always stops before the first write. What open requests
        ask for counts as held. Access to an app that the plan removes counts as unknown, since a request removes it
        later.
    type: bool
    default: false
  source:
    description: The content of the files, for internal use.
    type: dict
notes:
  - Runs with the same journal wait for each other, up to 30 seconds.
  - People who have left are never added. If they are still members, they stay, also in groups of the mode C(exact).
    V(export) leaves them out and adds a comment.
  - People may have a C(from) and an C(until) in the files. Before C(from), they are shown and not added. After
    C(until), they are removed as if C(absent) named them, also from groups in additive mode.
  - If the files have such dates, the time is that of the C(Date) header of the API. If it differs from the clock of
    this machine by more than five minutes, the task fails.
  - Groups in additive mode show only the people named in the files, in V(plan) and in V(drift).
seealso:
  - module: cakewalk.access.cakewalk_group_member
  - module: cakewalk.access.cakewalk_app_policy
"""

EXAMPLES = r"""
- name: Export a tenant, change a group, plan, and apply
  hosts: localhost
  gather_facts: false
  module_defaults:
    group/cakewalk.access.write:
      acting_user: ada.admin@example.com
  vars:
    folder: "{{ lookup('ansible.builtin.env', 'HOME') }}/tenant"
  tasks:
    - name: Export the tenant as it is
      cakewalk.access.cakewalk_access_as_code:
        mode: export
        folder: "{{ folder }}"
        overwrite: true
      check_mode: false

    - name: Describe the group Sales only
      ansible.builtin.copy:
        dest: "{{ folder }}/groups.yml"
        mode: "0600"
        content: |
          groups:
            - group: Sales
              members:
                - iris.invited@example.com
      check_mode: false

    - name: Plan the changes
      cakewalk.access.cakewalk_access_as_code:
        folder: "{{ folder }}"
        plan_path: "{{ folder }}/plan.txt"
      register: planned

    - name: Apply the plan, usually in another run after approval
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
    - The plan as lines for people. The header shows the address of the tenant, the acting user, the purpose, the
      guardrails, and the time if the files have dates.
  returned: with mode plan, apply, drift and expire
  type: list
  elements: str
  sample:
    - "Tenant: https://open-api.getcakewalk.io"
    - "Acting user: ada.admin@example.com"
    - "Guardrails: removals of at most 10 % of what is read"
    - ""
    - Members of Engineering
    - "  + owen.onboarding@example.com"
    - "1 step, 0 removals among them."
plan_hash:
  description: The hash of the plan, for its approval.
  returned: with mode plan and apply
  type: str
  sample: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
code_digest:
  description: The digest of the files, for O(code_digest). V(apply) publishes it in RV(stats) if the plan was approved.
  returned: with mode plan, apply, drift and expire
  type: str
  sample: 3b1f0c9a7d5e4f2b8a6c1d0e9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f00
time:
  description: The time by which people are planned, active or expired, from the C(Date) header of the API.
  returned: with mode plan, apply, drift and expire, if the files have dates
  type: str
  sample: "2026-11-29T07:30:12Z"
terms:
  description: Everything in the files that has a C(from) or an C(until).
  returned: with mode plan, apply, drift and expire, if the files have dates
  type: list
  elements: dict
  contains:
    user:
      description: The person, as the files name them.
      type: str
    group:
      description: The name of the group, for a member.
      type: str
    app:
      description: The name of the app, for access.
      type: str
    permission_level:
      description: The permission level, as the files name it.
      type: str
    from:
      description: The start, as a date or as a time in UTC.
      type: str
    until:
      description: The end, likewise.
      type: str
    days_left:
      description: The number of days until the last day, by the calendar in UTC. It is negative after the end.
      type: int
    state:
      description: One of V(planned), V(active) and V(expired).
      type: str
    held:
      description: Whether the person was a member, or had the access, before the run.
      type: bool
    at:
      description: The file and line.
      type: str
  sample:
    - {"user": "connor.contractor@example.com", "group": "Contractors", "until": "2026-12-05", "days_left": 6,
       "state": "active", "held": true, "at": "groups.yml:4"}
roster:
  description: What the roster says.
  returned: with mode plan, apply, drift and expire, if the files have a roster
  type: dict
  contains:
    people:
      description: How many people the roster has.
      type: int
    waiting:
      description: People who fit a rule, and are not in the directory yet.
      type: list
      elements: str
    not_in_roster:
      description: People in the directory who are not in the roster. Inactive people do not count.
      type: list
      elements: str
    joiners:
      description:
        - With a copy, people who are new or started since then, as O(cakewalk.access.cakewalk_joiner#module:people).
      type: list
      elements: dict
    movers:
      description:
        - With a copy, people who get other groups by the rules, as O(cakewalk.access.cakewalk_mover#module:people).
      type: list
      elements: dict
    leavers:
      description:
        - With a copy, people who are gone or ended since then, as O(cakewalk.access.cakewalk_leaver#module:people).
      type: list
      elements: dict
  sample:
    people: 203
    waiting: [nora.newcomer@example.com]
    not_in_roster: [connor.contractor@example.com]
    joiners: [{"user": "nora.newcomer@example.com", "groups": ["Sales"], "accesses": []}]
    movers: [{"user": "erin.engineer@example.com", "joins": ["Sales"], "leaves": ["Engineering"]}]
    leavers: [{"user": "oscar.offboarding@example.com", "confirm": "oscar.offboarding@example.com"}]
not_done:
  description:
    - What else the files demand, which V(expire) does not do. If they cannot be planned, the reason is here.
  returned: with mode expire
  type: list
  elements: str
  sample: ["add 1 person to the group 'Sales'"]
summary:
  description: Counts for the whole plan.
  returned: with mode plan, apply, drift and expire
  type: dict
  contains:
    steps:
      description: Writes to the tenant.
      type: int
      sample: 1
    removals:
      description: How many of them are removals.
      type: int
      sample: 0
    expired:
      description: How many of the removals are of people whose C(until) is over.
      type: int
      sample: 0
inverse:
  description: How to undo what was done.
  returned: with mode apply and expire, if something was or may have been done
  type: dict
  contains:
    lines:
      description: The lines of the code, as in O(inverse_path).
      returned: without O(inverse_path)
      type: list
      elements: str
    not_undoable:
      description: What cannot be undone, and access rules that the inverse leaves out, each with the reason.
      type: list
      elements: str
      sample: []
stats:
  description: Results without personal data, which the role publishes with C(ansible.builtin.set_stats).
  returned: success, and with mode drift
  type: dict
  sample: {"access_as_code_steps": 1, "access_as_code_removals": 0, "access_as_code_plan_hash": "9f86d081…"}
drift:
  description: Where the tenant and the files differ.
  returned: with mode drift
  type: dict
  contains:
    in_sync:
      description: Whether nothing differs.
      type: bool
      sample: true
    differing:
      description: What differs. RV(plan) shows how.
      type: list
      elements: str
      sample: []
    left_alone:
      description:
        - What stays as it is, and leavers that the files still name.
        - Access with an open request is not a difference. Protected people in an exact group are a difference. So is
          access whose request was declined or wants the opposite.
      type: list
      elements: str
      sample: []
    expired:
      description: People whose C(until) is over, and who still have what it was about.
      type: list
      elements: str
      sample: []
    not_in_code:
      description: Groups that are not in the files. They are not a difference.
      type: list
      elements: str
      sample: [Ebern Team 3]
    not_verifiable:
      description: Policies in the files, which the API cannot confirm.
      type: list
      elements: str
      sample: ["grant_access of the app 'GitHub': Two approvals"]
files:
  description: The names of the files of an export.
  returned: with mode export
  type: list
  elements: str
  sample: [groups.yml, tenant.yml]
msg:
  description: What changed, or would change by the plan, in one sentence; after a failure the error.
  returned: always
  type: str
  sample: "2 people would be added to 2 groups; Cost Center of GitHub would be changed."
steps:
  description: The writes. In check mode all of them are C(pending).
  returned: with mode apply and expire
  type: dict
  contains:
    done:
      description:
        - Steps that took effect, as a read shows. C(verified) is false for policies, which cannot be
          read. C(request_id) is the id of the request that a step opened.
      type: list
      elements: dict
    errors:
      description: Steps that failed, each with C(msg), C(kind) and the answer of the API.
      type: list
      elements: dict
    pending:
      description: Steps that were not tried.
      type: list
      elements: dict
rules:
  description:
    - The results of the access rules once the plan is applied. M(cakewalk.access.cakewalk_access_rules) describes them.
  returned: with mode plan and apply, if the files have rules
  type: list
  elements: dict
error:
  description:
    - The error, for programs. Other fields depend on C(kind). Kinds are those of
      M(cakewalk.access.cakewalk_group_member), and V(code), V(wrong_tenant), V(plan_moved), V(not_approved), V(clock),
      V(drift) and V(file).
    - V(code) means problems in the files. Each of its C(problems) has C(at), the file and line, and C(message).
  returned: failure, unless Ansible refuses the options
  type: dict
  sample: {"kind": "code", "problems": [{"at": "groups.yml:4", "message": "the group 'Sales' has an entry already"}]}
"""

from typing import Any

from ..module_utils._api.errors import out_of_range
from ..module_utils._engine.access_as_code.expiry_report import expiry_report
from ..module_utils._engine.access_as_code.plan import code_digest, expiry_plan, exported_files, tenant_plan
from ..module_utils._engine.access_as_code.plan_markdown import plan_file
from ..module_utils._engine.access_as_code.rollback import RollbackFile, check_rollback_path
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
        "mode": {"type": "str", "choices": ["plan", "apply", "export", "drift", "expire"], "default": "plan"},
        "folder": {"type": "path", "required": True},
        "plan_hash": {"type": "str"},
        "code_digest": {"type": "str"},
        "expires_within": {"type": "int", "default": 14},
        "expiry_report_path": {"type": "path"},
        "plan_path": {"type": "path"},
        "inverse_path": {"type": "path"},
        "roster_copy_path": {"type": "path"},
        "max_roster_shrink": {"type": "int", "default": 10},
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
        "strict_rules": {"type": "bool", "default": False},
        "source": {"type": "dict"},
    },
    required_if=[
        ("mode", "apply", ("plan_hash", "journal_path")),
        ("mode", "expire", ("code_digest", "journal_path")),
    ],
)

_NOT_AGAIN = "What the plan would only send again is not sent again, since `plan_hash` is not the hash of this plan."


def plan(params: dict[str, Any], tenant: Tenant) -> Plan:
    """Return the plan for the mode; only C(apply) has steps."""
    if params["mode"] == "export":
        return Plan(result={"files": exported_files(params, tenant)})
    if params["expires_within"] < 0:
        raise out_of_range("expires_within", params["expires_within"], "Give 0 or more.")
    if not 0 <= params["max_roster_shrink"] <= 100:
        raise out_of_range("max_roster_shrink", params["max_roster_shrink"], "Give 0 to 100.")
    rollback_path = params["inverse_path"] if params["mode"] == "apply" else None
    check_rollback_path(rollback_path)
    is_expiry = params["mode"] == "expire"
    code_plan, not_done, read = expiry_plan(params, tenant) if is_expiry else (tenant_plan(params, tenant), [], 0)
    total = code_plan.total
    result: dict[str, Any] = {
        "plan": [*code_plan.lines, *(f"Not done: {line}" for line in not_done)],
        "code_digest": code_digest(code_plan.code, params),
        "summary": {"steps": len(total.steps), "removals": len(total.removals), "expired": len(total.expired)},
        **code_plan.terms_result,
        **code_plan.roster_result,
        **(code_plan.rules.as_result() if code_plan.rules else {}),
        **({"expiry_text": expiry_report(code_plan, tenant)} if params["expiry_report_path"] else {}),
    }
    stats: dict[str, Any] = {f"access_as_code_{name}": count for name, count in result["summary"].items()}
    if params["mode"] == "drift":
        error = code_plan.drifted() if params["fail_on_drift"] else None
        stats["access_as_code_in_sync"] = stats["access_as_code_complete"] = not code_plan.differing
        facts = {"msg": code_plan.message, "drift": code_plan.drift(tenant), "stats": stats}
        return Plan(result={**result, **facts}, unmet=error)
    code_plan.check_guardrails(read)
    stats["access_as_code_complete"] = not any(step.changes for step in code_plan.steps) and not total.errors
    # Whether those who are not found still have something is not known.
    left_undone = bool(not_done or (is_expiry and code_plan.not_found))
    if is_expiry:
        stats["access_as_code_complete"] = stats["access_as_code_complete"] and not left_undone
        result |= {"not_done": not_done, "stats": stats}
        stats["access_as_code_not_done"] = len(not_done)
    else:
        stats["access_as_code_plan_hash"] = code_plan.hash
        result |= {"plan_hash": code_plan.hash, "stats": stats}
    if params["mode"] == "plan":
        return Plan(result={**result, "msg": code_plan.message, "plan_text": plan_file(code_plan, tenant)})
    steps = code_plan.steps if is_expiry else code_plan.approved()
    copy: dict[str, Any] = {}
    if params["plan_hash"] == code_plan.hash:
        if code_plan.roster and code_plan.roster.copy:
            copy = {"roster_copy": code_plan.roster.copy.as_data()}
        # Only now the code is approved, and the job that follows may use its digest.
        stats["access_as_code_code_digest"] = result["code_digest"]
    if steps != code_plan.steps:
        tenant.warnings.append(_NOT_AGAIN)
    rollback = RollbackFile(rollback_path, total.steps, code_plan.code.sections, tenant.scrubbed)
    return Plan(
        before={change.name: change.before for change in total.changes},
        after={change.name: change.after for change in total.changes},
        steps=steps,
        result=result,
        unmet=next(iter(total.errors), None),
        ledger=next(iter(total.ledgers), None),
        report=lambda applied: {
            **rollback.report(applied),
            # The next plan reports again who joined or left, unless this one was done as a whole.
            **(copy if applied.goal_reached else {}),
            "stats": {**stats, "access_as_code_complete": applied.goal_reached and not left_undone},
        },
        remark=code_plan.remark,
        file=rollback,
    )


def main() -> None:
    run_module(SPEC, plan, lambda params: params["journal_path"] if params["mode"] in ("apply", "expire") else None)


if __name__ == "__main__":
    main()
