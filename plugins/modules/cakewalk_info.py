#!/usr/bin/python
# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts about a Cakewalk tenant."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cakewalk_info
short_description: Read people, groups, apps, access
version_added: 1.0.0
author: Contributors to the cakewalk.access collection (@cakewalk-access)
description:
  - Reads a Cakewalk tenant and changes nothing. A read-only key is enough.
  - Use O(gather) for complete lists, or select by name with O(users), O(groups) and O(apps). Maps such as
    RV(apps_by_name) lead from names to ids.
extends_documentation_fragment:
  - cakewalk.access.attributes.info
  - cakewalk.access.attributes.action_group_all
  - cakewalk.access.connection
options:
  gather:
    description: Which lists to read. By default those with a selector.
    type: list
    elements: str
    choices: [users, groups, apps]
  users:
    description:
      - Selects people, by e-mail address or id. An empty list selects nobody. Unknown people are in RV(not_found).
      - If two people share an address, the task fails and shows both ids.
    type: list
    elements: str
  groups:
    description:
      - Selects groups, by exact name or id. An empty list selects no group.
      - Unknown names are in RV(not_found), and names of several groups in RV(ambiguous).
    type: list
    elements: str
  apps:
    description:
      - Selects apps, by exact name or id. An empty list selects no app.
      - Unknown names are in RV(not_found), and names of several apps in RV(ambiguous).
    type: list
    elements: str
  policies:
    description:
      - Request types whose approval policies to read. The API does not show where a policy is assigned.
    type: list
    elements: str
    choices: [grant_access, remove_access, change_permission, archive_app, add_app]
  tasks:
    description: Selects approval tasks by id. Unknown ids are in RV(not_found).
    type: list
    elements: str
  tasks_of:
    description:
      - Lists the approval tasks of these people, by e-mail address or id. Tasks without an assignee cannot be listed.
    type: list
    elements: str
  task_statuses:
    description: Keeps only listed tasks in one of these statuses. Case is ignored.
    type: list
    elements: str
  requests:
    description: Reads access requests that match all of the filters given. An empty dictionary selects all of them.
    type: dict
    suboptions:
      statuses:
        description: Keeps only requests in one of these statuses. Case is ignored.
        type: list
        elements: str
      request_types:
        description: Keeps only requests of these types.
        type: list
        elements: str
        choices: [grant_access, remove_access, change_permission, archive_app, add_app]
      updated_since:
        description: Keeps only requests updated since this ISO 8601 time, in UTC by default.
        type: str
      users:
        description:
          - Keeps only requests for the access of these people, by e-mail address or id.
          - An unknown address is an error. Ids are not checked, since requests outlive people.
        type: list
        elements: str
      apps:
        description: Keeps only requests for these apps, by exact name or id. An unknown name is an error.
        type: list
        elements: str
  footprint:
    description:
      - Whether to add all groups and access of each user, as RV(users[].groups) and RV(users[].accesses).
      - This reads the members of every group and the access of every app once, for any number of users.
    type: bool
    default: false
  reports:
    description:
      - V(ownerless_apps) lists apps without an owner.
      - V(privileged_accesses) lists people with access at a privileged level.
      - Both cover the selected apps, or all apps without a selection.
    type: list
    elements: str
    choices: [ownerless_apps, privileged_accesses]
  explain:
    description:
      - Explains why people have access to apps, as RV(explanations). Give people, apps, or both.
      - The API does not record where access comes from. An explanation lists everything that can be the reason, and
        says what is not known.
    type: dict
    suboptions:
      users:
        description: The people, by e-mail address or id. Without apps, every app that they have, get or ask for.
        type: list
        elements: str
      apps:
        description: The apps, by exact name or id. Without people, everybody who has, gets or asks for access.
        type: list
        elements: str
      deciders:
        description:
          - Also reads the approval tasks of these people, to find who decided requests.
          - Those of managers and app owners are read anyway. At most 200 tasks are read, the newest first.
        type: list
        elements: str
      folder:
        description:
          - Also reads the files of M(cakewalk.access.cakewalk_access_as_code) in this folder, an absolute path on the
            controller, and shows the entries that decide, with file and line.
        type: path
      ledger_path:
        description:
          - Also reads this ledger of approval policies, see M(cakewalk.access.cakewalk_app_policy).
          - Environment variable E(CAKEWALK_LEDGER).
        type: path
  include:
    description:
      - Details to add to each row, under the same name. V(user_details) is for users. V(members), V(default_apps) and
        V(hidden_apps) are for groups. V(task_details) is for listed tasks, and the others are for apps.
      - Each costs at least one request per row.
    type: list
    elements: str
    choices:
      - user_details
      - members
      - default_apps
      - hidden_apps
      - app_details
      - accesses
      - permission_levels
      - custom_fields
      - task_details
    default: []
  path:
    description:
      - Writes the result to this file as JSON, on the machine that runs the module. The task then returns RV(counts),
        RV(sha256) and RV(not_found) only. Use it for large results. AWX stores no more than 700,000 bytes of one,
        which is about the footprint of 200 people.
      - The path must be absolute. The file gets mode 0600, and replaces an earlier result as a whole.
      - A file that holds anything else is refused, as are links, and files that other users can change.
      - Check mode does not write the file.
    type: path
  source:
    description: The content of the files, for internal use.
    type: dict
notes:
  - C(changed) is always V(false), even if the file at O(path) changes, because it is about the tenant.
  - Up to 20 people, or one group or app, are read one by one if selected by id. Everything else reads the whole list,
    which alone shows whether a name is unique. Maps and RV(ambiguous) cover whole lists only.
  - A list may change while the module reads it, so O(footprint) does not prove that a person has nothing.
seealso:
  - module: cakewalk.access.cakewalk_group_member
  - module: cakewalk.access.cakewalk_app_access
  - module: cakewalk.access.cakewalk_task
"""

EXAMPLES = r"""
- name: Read the members of Engineering and the apps that it gives
  cakewalk.access.cakewalk_info:
    groups: [Engineering]
    include: [members, default_apps]
  register: engineering

- name: Show the members
  ansible.builtin.debug:
    msg: "{{ engineering.groups[0].members | map(attribute='email') | sort }}"

- name: Read all people and apps
  cakewalk.access.cakewalk_info:
    gather: [users, apps]
  register: tenant

- name: Show the id of GitHub
  ansible.builtin.debug:
    msg: "{{ tenant.apps_by_name['GitHub'] }}"

- name: Read who has access to GitHub, at which level
  cakewalk.access.cakewalk_info:
    apps: [GitHub]
    include: [accesses, permission_levels]
  register: github

- name: Read the groups and access of Erin
  cakewalk.access.cakewalk_info:
    users: [erin.engineer@example.com]
    footprint: true
  register: erin

- name: Show the names of Erin's apps
  ansible.builtin.debug:
    msg: "{{ erin.users[0].accesses | map(attribute='app') | unique }}"

- name: List the approval tasks that wait for Olga
  cakewalk.access.cakewalk_info:
    tasks_of: [olga.owner@example.com]
    task_statuses: [Pending]
    include: [task_details]

- name: List open requests, and the policies that may apply
  cakewalk.access.cakewalk_info:
    requests:
      statuses: [Pending]
      request_types: [grant_access]
    policies: [grant_access]

- name: List all requests for Petra and GitHub
  cakewalk.access.cakewalk_info:
    requests:
      users: [petra.pending@example.com]
      apps: [GitHub]

- name: List apps without an owner, and privileged access
  cakewalk.access.cakewalk_info:
    reports: [ownerless_apps, privileged_accesses]
  register: found

- name: Show who is privileged, a line for each
  ansible.builtin.debug:
    msg: "{{ (found.privileged_accesses | cakewalk.access.to_table(columns)).splitlines() }}"
  vars:
    columns: [app, permission_level, user, is_privileged]

- name: Find out why Erin has access to GitHub
  cakewalk.access.cakewalk_info:
    explain:
      users: [erin.engineer@example.com]
      apps: [GitHub]
  register: why

- name: Show the reasons
  ansible.builtin.debug:
    msg: "{{ why.explanations[0].text }}"

- name: Find out who can get into AWS, and why
  cakewalk.access.cakewalk_info:
    explain:
      apps: [AWS]

- name: Write a large result to a file
  cakewalk.access.cakewalk_info:
    gather: [users, groups, apps]
    include: [accesses]
    path: ~/.cakewalk/tenant.json
  register: written

- name: Show how much was written
  ansible.builtin.debug:
    var: written.counts
"""

RETURN = r"""
users:
  description: People, with the fields of the API in snake_case.
  returned: when users are read
  type: list
  elements: dict
  contains:
    groups:
      description: The groups that the person is in, with O(footprint).
      type: list
      elements: dict
      sample: [{"id": "3c0cbb6e-5c6c-5d0e-8d1c-0f6f0d1c3a11", "name": "Engineering"}]
    accesses:
      description: The access of the person, with O(footprint). One entry per permission level.
      type: list
      elements: dict
      sample:
        - app: GitHub
          app_id: 0e4fdb7f-3c0e-5a55-9f0f-7d1f1a7f2b22
          permission_level: {"id": "5b8ff0b6-6b35-5b51-8a9e-8e1dd2a1c001", "name": "Write", "is_privileged": false}
          is_owner: false
  sample:
    - id: 6c95576d-e21e-4b4b-a15f-2a3b507f44c3
      name: Erin Engineer
      email: erin.engineer@example.com
      status_id: 4
      status_name: Active
groups:
  description:
    - Groups, with the fields of the API in snake_case. O(include) adds C(members), C(default_apps) or C(hidden_apps).
  returned: when groups are read
  type: list
  elements: dict
  sample:
    - id: 3c0cbb6e-5c6c-5d0e-8d1c-0f6f0d1c3a11
      name: Engineering
apps:
  description:
    - Apps, with the fields of the API in snake_case. O(include) adds the lists C(accesses), C(permission_levels) and
      C(custom_fields), or C(app_details).
  returned: when apps are read
  type: list
  elements: dict
  sample:
    - id: 0e4fdb7f-3c0e-5a55-9f0f-7d1f1a7f2b22
      name: GitHub
      category_name: CATEGORY_DEVELOPMENT
      status_name: Managed
policies:
  description: Approval policies by request type, with the fields of the API in snake_case.
  returned: when policies are read
  type: dict
  sample:
    grant_access:
      - id: 8a5c7b46-3c32-5f39-9f6a-9ab4bd1ed111
        name: Two approvals
tasks:
  description:
    - Approval tasks, with the fields of the API in snake_case. O(tasks) and V(task_details) return full records. Listed
      tasks have C(listed_for), the person whose list shows them. C(request) has names like RV(requests).
  returned: when tasks are read
  type: list
  elements: dict
  sample:
    - id: 26925e6a-e80a-5a48-8588-d59dccfbc9f0
      type: GrantAccessActionTask
      status: Pending
      is_action_step: true
      is_autoprovisioning: false
      listed_for: olga.owner@example.com
requests:
  description:
    - Access requests, with the fields of the API in snake_case. Next to the ids are the names that the task reads
      anyway, and null otherwise.
    - Names cost no request of their own. O(gather) with V(users) and V(apps) reads all people and apps, and O(include)
      with V(permission_levels) all levels of the apps.
  returned: when requests are read
  type: list
  elements: dict
  sample:
    - id: 6cb514c6-a6a9-597a-8ba8-20193a282b18
      request_type: GrantAccessRequest
      request_status: Pending
      target_user_id: 6c95576d-e21e-4b4b-a15f-2a3b507f44c3
      target_user_name: Petra Pending
      target_user_email: petra.pending@example.com
      work_app_id: 0e4fdb7f-3c0e-5a55-9f0f-7d1f1a7f2b22
      work_app_name: GitHub
      permission_level_id:
      permission_level_name:
ownerless_apps:
  description:
    - Apps without an owner, by name. If the record of an app does not show the owner, C(owner_shown) is false.
  returned: when that report is asked for
  type: list
  elements: dict
  sample:
    - app: Orphan Wiki
      app_id: 0e4fdb7f-3c0e-5a55-9f0f-7d1f1a7f2b22
      status_name: Managed
      owner_shown: true
privileged_accesses:
  description:
    - Access at a privileged level, sorted by app, level and person. If a level does not show whether it is privileged,
      C(is_privileged) is null.
  returned: when that report is asked for
  type: list
  elements: dict
  sample:
    - app: GitHub
      app_id: 0e4fdb7f-3c0e-5a55-9f0f-7d1f1a7f2b22
      user: max.manager@example.com
      user_id: 6c95576d-e21e-4b4b-a15f-2a3b507f44c3
      permission_level: Admin
      is_privileged: true
explanations:
  description:
    - One entry per person and app, sorted by app. People with access come first.
    - C(has_access) and C(accesses) say what is listed. C(is_owner) is null if it is not shown. C(groups) give the app
      to their members. C(requests) include declined and cancelled ones, the newest last, with C(decisions) as tasks
      show them. C(policies) are from the ledger. C(code) are entries of the files. C(not_known) says what remains open,
      and C(text) has all of it as lines.
  returned: with O(explain)
  type: list
  elements: dict
  sample:
    - app: GitHub
      app_id: 0e4fdb7f-3c0e-5a55-9f0f-7d1f1a7f2b22
      user: erin.engineer@example.com
      user_id: 6c95576d-e21e-4b4b-a15f-2a3b507f44c3
      user_status: Active
      has_access: true
      is_owner: false
      accesses:
        - permission_level: {"id": "5b8ff0b6-6b35-5b51-8a9e-8e1dd2a1c001", "name": "Write", "is_privileged": false}
      groups:
        - id: 3c0cbb6e-5c6c-5d0e-8d1c-0f6f0d1c3a11
          name: Engineering
      requests: []
      policies: []
      code:
        - at: groups.yml:5
          group: Engineering
          app:
          permission_level:
          state: present
          rule:
          from:
          until:
      not_known: ["which policies apply. The API does not show it; if there is a ledger, give `ledger_path`."]
      text:
        - erin.engineer@example.com has access to GitHub, level Write.
        - "- Group: Engineering gives the app to its members."
        - "- Code: member of Engineering (groups.yml:5)."
        - "- Not known: which policies apply. The API does not show it; if there is a ledger, give `ledger_path`."
users_by_email:
  description: The id of each person returned, by e-mail address in lower case.
  returned: when users are read
  type: dict
  sample: {"erin.engineer@example.com": "6c95576d-e21e-4b4b-a15f-2a3b507f44c3"}
groups_by_name:
  description: The id of each group returned, by name.
  returned: when groups are read
  type: dict
  sample: {"Engineering": "3c0cbb6e-5c6c-5d0e-8d1c-0f6f0d1c3a11"}
apps_by_name:
  description: The id of each app returned, by name.
  returned: when apps are read
  type: dict
  sample: {"GitHub": "0e4fdb7f-3c0e-5a55-9f0f-7d1f1a7f2b22"}
ambiguous:
  description:
    - Shared e-mail addresses and names, by kind, with the ids and statuses of all holders. They are not in the maps.
  returned: success, without O(path)
  type: dict
  sample:
    users:
      sam.twin@example.com:
        - id: 1b0c1c9e-0a44-5b5f-8f6c-6a5a3f3f1d01
          name: Sam Twin
          status: Active
        - id: 9f1e7e0a-61d4-5f43-a7b1-2f0e6a1d3c02
          name: Sam Twin
          status: Deactivated
unmapped:
  description:
    - E-mail addresses and names that cannot be keys, by kind, with the ids that have them. They are not in the maps and
      not in RV(ambiguous).
    - Such a name is blank or longer than about 1,000 characters, has invisible characters, or begins with C(__ansible)
      or C(_ansible_), which Ansible reserves.
  returned: success, without O(path)
  type: dict
  sample: {"groups": [{"name": "__ansible_type", "ids": ["3c0cbb6e-5c6c-5d0e-8d1c-0f6f0d1c3a11"]}]}
not_found:
  description: Selected things that do not exist, as written, by kind. A warning names them, too.
  returned: success
  type: dict
  sample: {"users": ["nobody@example.com"]}
sha256:
  description: The SHA-256 of the file. It stays the same as long as the API returns the same.
  returned: with O(path)
  type: str
  sample: 4355a46b19d348dc2f57c046f8ef63d4538ebb936000f3c9ee954a27460dd865
counts:
  description: How many rows of each kind the file holds, and how many names are in its C(ambiguous) and C(unmapped).
  returned: with O(path)
  type: dict
  sample: {"users": 200, "apps": 40, "ambiguous": 1, "not_found": 0, "unmapped": 0}
error:
  description: The error, for programs. Other fields depend on C(kind).
  returned: failure, unless Ansible refuses the options
  type: dict
  sample: {"kind": "unauthorized", "method": "GET", "path": "/api/v1/Users", "status": 401, "title": "Unauthorized"}
"""

from typing import Any

from ..module_utils._api.catalog import KINDS, REQUEST_TYPES
from ..module_utils._engine.core.plan import Plan
from ..module_utils._engine.core.tenant import Tenant
from ..module_utils._engine.info.query import INCLUDES, query
from ..module_utils._engine.info.result_file import ResultFile
from ..module_utils._module import arguments, entry, results

_WORDS: dict[str, Any] = {"type": "list", "elements": "str"}
_TYPES = {**_WORDS, "choices": list(REQUEST_TYPES)}

SPEC = arguments.spec(
    arguments.CONNECTION,
    options={
        "gather": {**_WORDS, "choices": list(KINDS)},
        **dict.fromkeys([*KINDS, "tasks", "tasks_of", "task_statuses"], _WORDS),
        "policies": _TYPES,
        "requests": {
            "type": "dict",
            "options": {
                **dict.fromkeys(["statuses", "users", "apps"], _WORDS),
                "request_types": _TYPES,
                "updated_since": {"type": "str"},
            },
        },
        "footprint": {"type": "bool", "default": False},
        "reports": {**_WORDS, "choices": ["ownerless_apps", "privileged_accesses"]},
        "include": {
            **_WORDS,
            "choices": [*(name for includes in INCLUDES.values() for name in includes), "task_details"],
            "default": [],
        },
        "explain": {
            "type": "dict",
            "options": {
                **dict.fromkeys(["users", "apps", "deciders"], _WORDS),
                "folder": {"type": "path"},
                **arguments.LEDGER,
            },
            "required_one_of": [("users", "apps")],
        },
        "path": {"type": "path"},
        "source": {"type": "dict"},
    },
    required_one_of=[("gather", *KINDS, "policies", "tasks", "tasks_of", "requests", "reports", "explain")],
    required_by={"task_statuses": ["tasks_of"]},
)


def plan(params: dict[str, Any], tenant: Tenant) -> Plan:
    """Return a plan without steps, with the records in snake_case as its result, or in a file."""
    file = ResultFile(params["path"]) if params["path"] else None
    records, maps = query(params, tenant)
    rows = results.row(records)
    return file.plan_of(rows, maps, tenant) if file else Plan(result={**maps, **rows})


def main() -> None:
    entry.run_module(SPEC, plan)


if __name__ == "__main__":
    main()
