#!/usr/bin/python
# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence for auditors."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cakewalk_evidence
short_description: Keep what a Cakewalk tenant lists as evidence for auditors
version_added: 0.1.0
author: Contributors to the cakewalk.access collection (@cakewalk-access)
description:
  - Reads who has access to what, and writes it as a bundle of files that can be handed over. It changes nothing in the
    tenant, so a read-only key is enough.
  - A bundle is a folder of its own. It holds the populations C(accesses), C(privileged_accesses), C(group_members),
    C(ownerless_apps), C(inactive_people) and C(open_requests), and C(account_counts) that holds the accesses against
    the number of accounts that each app's record tells; each as CSV and as JSON with columns in a fixed order and times
    in UTC. C(report.html) shows them all on one page that needs no network. C(manifest.json) tells how, when and by
    whom it was made, with the SHA-256 of each file.
  - The evidence is what Cakewalk B(listed) between two times. Every list of several pages is read until two readings
    in a row hold the same rows, since a list that changes while it is read may skip some.
  - A bundle is complete or not there. Its files are for the user of the run alone.
  - The service shows neither since when somebody has an access, nor who granted it, nor what access reviews came to.
    The report and the manifest say so.
extends_documentation_fragment:
  - cakewalk.access.attributes.action_group_all
  - cakewalk.access.connection
options:
  folder:
    description:
      - The folder of the controller in which the bundle is put, as a whole path. It is made if there is none.
      - The bundle is called C(cakewalk-evidence-) and the time in UTC.
    type: path
    required: true
  privileged:
    description:
      - What is privileged beside the levels that the service marks as such. An entry with an app only means all of its
        accesses, one with a permission level only means levels of that name in any app.
      - An app that does not exist, or whose name several apps have, is an error. A warning names entries that no access
        fits.
    type: list
    elements: dict
    default: []
    suboptions:
      app:
        description: An app, by exact name or id.
        type: str
      permission_level:
        description: A permission level, by id or by name, of any ASCII case.
        type: str
  include_purposes:
    description:
      - Whether to show what people wrote when they asked for access. It may tell more of them than an auditor needs.
    type: bool
    default: false
  mask_key:
    description:
      - If this or O(mask_key_path) is set, ids, e-mail addresses, names and free text are replaced in all files by an
        HMAC-SHA256 of them with this key. The same value has the same mask in all files and in all runs with the key.
      - At least 32 bytes, since who has the key can try addresses. It is in no file of the bundle.
    type: str
  mask_key_path:
    description: A file of the controller that holds the key, as a whole path, instead of O(mask_key).
    type: path
  compare_with:
    description:
      - An earlier bundle, as a whole path. What was gained and lost since is added as the population C(changes) and to
        the report.
      - Its files are held against its manifest first. It must be of the same O(base_url), and masked with the same key
        or not at all.
    type: path
requirements:
  - python >= 3.10
attributes:
  check_mode:
    support: full
    description: Reads everything in check mode and returns the same counts, and writes no file.
  diff_mode:
    support: none
    description: Shows no diff.
  idempotent:
    support: none
    description: Each run writes a bundle of its own. On a tenant that did not change, its rows are the same; the times
      are not, and with them the ages of requests.
notes:
  - The sums in the manifest show accidents, not tampering. Sign it, or keep RV(manifest_sha256) in another place.
  - Files are read and written on the controller, whatever the task is delegated to.
  - The task cannot use C(async), since the bundle is written when the module ends.
seealso:
  - module: cakewalk.access.cakewalk_info
"""

EXAMPLES = r"""
- name: Keep who has access to what
  cakewalk.access.cakewalk_evidence:
    folder: "{{ lookup('ansible.builtin.env', 'HOME') }}/evidence"
    privileged: &privileged
      - app: Google Workspace
      - permission_level: PowerUser
  register: first

- name: Show what was gained and lost since
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
  description: The names of the files in it.
  returned: success, not in check mode
  type: list
  elements: str
  sample: [accesses.csv, accesses.json, manifest.json, report.html]
manifest_sha256:
  description: The SHA-256 of the manifest, which holds those of all other files.
  returned: success, not in check mode
  type: str
  sample: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
listed_between:
  description: The times between which the tenant was read.
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
  description: Facts without personal data, which the role publishes with C(ansible.builtin.set_stats).
  returned: success
  type: dict
  sample: {"evidence_complete": true, "evidence_bundle": "/var/lib/evidence/cakewalk-evidence-20260131T080000Z"}
msg:
  description: The counts in words.
  returned: always
  type: str
  sample: "accesses: 512, ownerless apps: 2"
error:
  description: What went wrong, for programs; C(kind) names the kind of error, other fields depend on it.
  returned: failure, once the options have the right form
  type: dict
  sample: {"kind": "unauthorized", "method": "GET", "path": "/api/v1/Users", "status": 401, "title": "Unauthorized"}
"""

import json
from typing import Any

from ..module_utils._engine.audit.privileges import Privileged, check_rules
from ..module_utils._engine.audit.snapshot import take_snapshot
from ..module_utils._engine.audit.tables import Populations
from ..module_utils._engine.core.plan import Plan
from ..module_utils._engine.core.tenant import Tenant
from ..module_utils._module.arguments import CONNECTION, spec
from ..module_utils._module.entry import run_module

#: The options that only the action uses, for files on the controller.
FILES: dict[str, dict[str, Any]] = {
    "folder": {"type": "path", "required": True},
    "mask_key": {"type": "str", "no_log": True},
    "mask_key_path": {"type": "path", "no_log": False},
    "compare_with": {"type": "path"},
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
    },
    mutually_exclusive=[["mask_key", "mask_key_path"]],
)


def plan(params: dict[str, Any], tenant: Tenant) -> Plan:
    """Return a plan without steps, whose result is the evidence for the action.

    It is one text: Ansible looks through each value of a result, which would take longer than reading the tenant.
    """
    check_rules(params["privileged"])
    snapshot = take_snapshot(tenant)
    privileged = Privileged(params["privileged"], snapshot.apps)
    statuses = (tenant.user_statuses, tenant.request_statuses)
    populations = Populations(snapshot, *statuses, privileged, params["include_purposes"])
    tables = populations.tables()
    evidence = {
        "base_url": params["base_url"].rstrip("/"),
        "listed_between": [snapshot.begun, snapshot.ended],
        "purposes": params["include_purposes"],
        "privileged": params["privileged"],
        "queries": snapshot.queries,
        "rows": {table.name: [list(row.values()) for row in table.rows] for table in tables},
        "unknown_statuses": sorted(populations.unknown.items()),
        "unused_rules": list(privileged.unused.values()),
    }
    return Plan(result={"evidence": json.dumps(evidence)})


def main() -> None:
    run_module(SPEC, plan)


if __name__ == "__main__":
    main()
