#!/usr/bin/python
# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence for auditors."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cakewalk_evidence
short_description: Write evidence for auditors
version_added: 1.0.0
author: Contributors to the cakewalk.access collection (@cakewalk-access)
description:
  - Reads who has access to which apps, and writes it to a folder of files that you can hand over. A read-only key is
    enough.
  - The folder holds a table as CSV and JSON for each population, C(report.html) for readers, and C(manifest.json) with
    the SHA-256 of each file. The populations are C(accesses), C(privileged_accesses), C(group_members),
    C(ownerless_apps), C(inactive_people), C(open_requests) and C(account_counts). With O(rules_folder), there is
    C(violations) too.
  - The evidence is what Cakewalk B(listed) between two times, after two reads that agree. It does not show who granted
    access or when, or the results of access reviews, because the API does not.
  - A bundle is complete or not written. Only your user can read its files.
extends_documentation_fragment:
  - cakewalk.access.attributes.action_group_all
  - cakewalk.access.connection
options:
  folder:
    description:
      - The folder in which to create the bundle, an absolute path on the controller. It is created if missing.
      - The name of the bundle is C(cakewalk-evidence-) and the time in UTC.
    type: path
    required: true
  privileged:
    description:
      - What is privileged in addition to the levels that Cakewalk marks. An entry with an app only means all access to
        it. An entry with a permission level only means that level of any app.
      - An unknown or ambiguous app is an error. An entry without any access causes a warning.
    type: list
    elements: dict
    default: []
    suboptions:
      app:
        description: An app, by exact name or id.
        type: str
      permission_level:
        description: A permission level, by name or id. Case is ignored.
        type: str
  include_purposes:
    description: Whether to include the reasons that people gave for their requests. These may be personal.
    type: bool
    default: false
  mask_key:
    description:
      - A key of at least 32 bytes. With it, names, addresses, ids and free text are replaced by an HMAC-SHA256 in all
        files. The same value has the same mask in all bundles with this key.
      - Keep the key secret, since it allows to test addresses. It is not in the bundle.
    type: str
  mask_key_path:
    description: A file on the controller with the key, as an absolute path. Excludes O(mask_key).
    type: path
  compare_with:
    description:
      - An earlier bundle, as an absolute path. Rows gained and lost since then are added as C(changes).
      - It must match its manifest, O(base_url) and the mask key.
    type: path
  rules_folder:
    description:
      - A folder with access rules, as M(cakewalk.access.cakewalk_access_rules) takes it, an absolute path on the
        controller. Its findings are added as C(violations). They do not fail the task.
    type: path
  source:
    description: The content of these files, for internal use.
    type: dict
  report_title:
    description: The title of the report. By default it is C(Access evidence).
    type: str
  report_company:
    description: The company, for the top of the report and of each printed page.
    type: str
  report_operator:
    description:
      - The person or team that answers for the report, for its top. By default the report names the user and host of
        the run, as the environment reports them.
      - The report shows this text unchecked. The manifest has both.
    type: str
requirements:
  - python >= 3.10
attributes:
  check_mode:
    support: full
    description: Reads everything and returns the counts, but writes no file.
  diff_mode:
    support: none
    description: Shows no diff.
  idempotent:
    support: none
    description: Each run writes a new bundle. If the tenant is unchanged, the rows are the same.
notes:
  - The checksums in the manifest show accidents, not tampering. Sign the manifest, or store RV(manifest_sha256)
    elsewhere.
  - Files are always on the controller.
  - C(async) is not supported.
seealso:
  - module: cakewalk.access.cakewalk_info
  - module: cakewalk.access.cakewalk_access_rules
"""

EXAMPLES = r"""
- name: Write down who has access to what
  cakewalk.access.cakewalk_evidence:
    folder: "{{ lookup('ansible.builtin.env', 'HOME') }}/evidence"
    report_company: Example Ltd
    privileged: &privileged
      - app: Google Workspace
      - permission_level: PowerUser
  register: first

- name: Show what changed since then
  cakewalk.access.cakewalk_evidence:
    folder: "{{ lookup('ansible.builtin.env', 'HOME') }}/evidence/later"
    privileged: *privileged
    compare_with: "{{ first.bundle }}"
  when: not ansible_check_mode
"""

RETURN = r"""
bundle:
  description: The folder of the bundle.
  returned: success, not in check mode
  type: str
  sample: /var/lib/evidence/cakewalk-evidence-20260131T080000Z
files:
  description: The names of the files in the bundle.
  returned: success, not in check mode
  type: list
  elements: str
  sample: [accesses.csv, accesses.json, manifest.json, report.html]
manifest_sha256:
  description: The SHA-256 of the manifest, which has the SHA-256 of all other files.
  returned: success, not in check mode
  type: str
  sample: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
listed_between:
  description: The times of the first and the last read.
  returned: success
  type: list
  elements: str
  sample: ["2026-01-31T07:59:58Z", "2026-01-31T08:00:00Z"]
counts:
  description: How many rows each population has.
  returned: success
  type: dict
  sample: {"accesses": 512, "ownerless_apps": 2}
changes:
  description: How many rows each population gained and lost.
  returned: with O(compare_with)
  type: dict
  sample: {"accesses": {"gained": 4, "lost": 1}}
stats:
  description: Results without personal data, which the role publishes with C(ansible.builtin.set_stats).
  returned: success
  type: dict
  sample: {"evidence_complete": true, "evidence_bundle": "/var/lib/evidence/cakewalk-evidence-20260131T080000Z"}
msg:
  description: The counts in one sentence; after a failure the error.
  returned: always
  type: str
  sample: "The evidence holds 3684 rows in 7 tables."
error:
  description: The error, for programs. Other fields depend on C(kind).
  returned: failure, unless Ansible refuses the options
  type: dict
  sample: {"kind": "unauthorized", "method": "GET", "path": "/api/v1/Users", "status": 401, "title": "Unauthorized"}
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ..module_utils._engine.access_as_code.live_rules import evaluate_live
from ..module_utils._engine.access_rules.evaluation import Evaluation
from ..module_utils._engine.access_rules.report import FindingWriter, counts_of, ended_warnings
from ..module_utils._engine.audit.privileges import Privileged, check_rules
from ..module_utils._engine.audit.snapshot import take_snapshot
from ..module_utils._engine.audit.tables import Populations
from ..module_utils._engine.core.plan import Plan
from ..module_utils._engine.core.tenant import Tenant
from ..module_utils._engine.core.timestamps import now
from ..module_utils._module.arguments import CONNECTION, spec
from ..module_utils._module.entry import run_module

#: The options that only the action uses, for files on the controller.
FILES: dict[str, dict[str, Any]] = {
    "folder": {"type": "path", "required": True},
    "mask_key": {"type": "str", "no_log": True},
    "mask_key_path": {"type": "path", "no_log": False},
    "compare_with": {"type": "path"},
    "rules_folder": {"type": "path"},
    **{f"report_{name}": {"type": "str"} for name in ("title", "company", "operator")},
}
SPEC = spec(
    CONNECTION,
    FILES,
    options={
        "privileged": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {"app": {"type": "str"}, "permission_level": {"type": "str"}},
        },
        "include_purposes": {"type": "bool", "default": False},
        "source": {"type": "dict"},
    },
    mutually_exclusive=[["mask_key", "mask_key_path"]],
)


def plan(params: dict[str, Any], tenant: Tenant) -> Plan:
    """Return a plan without steps, whose result is the evidence for the action.

    It is one text: Ansible looks through each value of a result, which would take longer than reading the tenant.
    """
    check_rules(params["privileged"])
    snapshot = take_snapshot(tenant)
    evaluation = evaluate_live(params, tenant, counts_requests=False) if params["source"] else None
    if evaluation:
        # The rules read more, such as permission levels.
        snapshot = replace(snapshot, ended=now())
        tenant.warnings += ended_warnings(evaluation.results)
    privileged = Privileged(params["privileged"], snapshot.apps)
    statuses = (tenant.user_statuses, tenant.request_statuses)
    findings = list(_findings(evaluation)) if evaluation else None
    populations = Populations(snapshot, *statuses, privileged, params["include_purposes"], findings)
    tables = populations.tables()
    evidence = {
        "base_url": params["base_url"].rstrip("/"),
        "listed_between": [snapshot.begun, snapshot.ended],
        "purposes": params["include_purposes"],
        "privileged": params["privileged"],
        "access_rules": counts_of(evaluation.results) if evaluation else None,
        "queries": tenant.queries(),
        "rows": {table.name: [list(row.values()) for row in table.rows] for table in tables},
        "unknown_statuses": sorted(populations.unknown.items()),
        "unused_rules": list(privileged.unused.values()),
    }
    return Plan(result={"evidence": json.dumps(tenant.scrubbed(evidence))})


def _findings(evaluation: Evaluation) -> Iterator[dict[str, Any]]:
    """Yield a row for each finding about access rules."""
    writer = FindingWriter(evaluation)
    for result in evaluation.results:
        rule = writer.data(result)
        for finding in rule["findings"]:
            exception = finding.get("exception") or {}
            yield {
                **{f"rule_{name}": rule[name] for name in ("reason", "at")},
                "rule": rule["name"],
                "severity": rule["severity"],
                "rule_state": finding["state"],
                "user_id": finding["person_id"],
                "finding": finding["message"],
                **{f"exception_{name}": exception.get(name) for name in ("reason", "until")},
            }


def main() -> None:
    run_module(SPEC, plan)


if __name__ == "__main__":
    main()
