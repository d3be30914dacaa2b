#!/usr/bin/python
# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts about a Cakewalk tenant."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cakewalk_info
short_description: Read users, groups and apps of a Cakewalk tenant
version_added: 0.1.0
author: Contributors to the cakewalk.access collection (@cakewalk-access)
description:
  - Reads users, groups and apps, all of them or those selected, and what hangs on each.
  - Returns maps from e-mail address and name to id beside the lists, so that later tasks need not search again.
  - Several requests are under way at a time, within O(requests_per_minute).
extends_documentation_fragment:
  - cakewalk.access.attributes.info
  - cakewalk.access.attributes.action_group_all
  - cakewalk.access.connection
options:
  gather:
    description:
      - What to read. If this is not set, the kinds that have a selector are read.
    type: list
    elements: str
    choices: [users, groups, apps]
  users:
    description:
      - Selects people, by e-mail address or id. An empty list selects nobody.
      - Who does not exist is listed in RV(not_found). An address that two people hold is an error that shows both ids.
    type: list
    elements: str
  groups:
    description:
      - Selects groups, by exact name or id, likewise.
    type: list
    elements: str
  apps:
    description:
      - Selects apps, by exact name or id, likewise.
    type: list
    elements: str
  include:
    description:
      - What to read beside each row, returned in the row under the same name.
      - V(user_details), V(app_details), V(accesses), V(permission_levels), V(custom_fields), V(members),
        V(default_apps) and V(hidden_apps) cost at least one request for each person, app or group.
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
    default: []
notes:
  - Up to 20 people, or one group or app, selected by id only, are read one by one. Everything else reads the whole
    list, because only that shows whether an e-mail address or name is held once. The maps and RV(ambiguous) are filled
    only from whole lists.
seealso:
  - module: cakewalk.access.cakewalk_group_member
"""

EXAMPLES = r"""
- name: Who is in Engineering, and what does it give
  cakewalk.access.cakewalk_info:
    groups: [Engineering]
    include: [members, default_apps]
  register: engineering

- name: Show the members
  ansible.builtin.debug:
    msg: "{{ engineering.groups[0].members | map(attribute='email') | sort }}"

- name: Everybody and every app
  cakewalk.access.cakewalk_info:
    gather: [users, apps]
  register: tenant

- name: Show the id of one app
  ansible.builtin.debug:
    msg: "{{ tenant.apps_by_name['GitHub'] }}"

- name: Who has access to GitHub, at which level
  cakewalk.access.cakewalk_info:
    apps: [GitHub]
    include: [accesses, permission_levels]
  register: github
"""

RETURN = r"""
users:
  description: People, with the fields that the service returns, in snake_case.
  returned: when users are read
  type: list
  elements: dict
  sample:
    - id: 6c95576d-e21e-4b4b-a15f-2a3b507f44c3
      name: Erin Engineer
      email: erin.engineer@example.com
      status_id: 4
      status_name: Active
groups:
  description: Groups, likewise. With O(include) each has the lists C(members), C(default_apps) or C(hidden_apps).
  returned: when groups are read
  type: list
  elements: dict
  sample:
    - id: 3c0cbb6e-5c6c-5d0e-8d1c-0f6f0d1c3a11
      name: Engineering
apps:
  description:
    - Apps, likewise. With O(include) each has C(accesses), C(permission_levels), C(custom_fields) as lists, or
      C(app_details).
  returned: when apps are read
  type: list
  elements: dict
  sample:
    - id: 0e4fdb7f-3c0e-5a55-9f0f-7d1f1a7f2b22
      name: GitHub
      category_name: CATEGORY_DEVELOPMENT
      status_name: Managed
users_by_email:
  description: From the e-mail address in lower case to the id, for the people returned.
  returned: when users are read
  type: dict
  sample: {"erin.engineer@example.com": "6c95576d-e21e-4b4b-a15f-2a3b507f44c3"}
groups_by_name:
  description: From the name to the id, for the groups returned.
  returned: when groups are read
  type: dict
  sample: {"Engineering": "3c0cbb6e-5c6c-5d0e-8d1c-0f6f0d1c3a11"}
apps_by_name:
  description: From the name to the id, for the apps returned.
  returned: when apps are read
  type: dict
  sample: {"GitHub": "0e4fdb7f-3c0e-5a55-9f0f-7d1f1a7f2b22"}
ambiguous:
  description:
    - E-mail addresses and names that several hold, by kind, with the ids and statuses of all holders. They stand in no
      map.
  returned: success
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
not_found:
  description: What was selected and does not exist, as written, by kind.
  returned: success
  type: dict
  sample: {"users": ["nobody@example.com"]}
error:
  description: What went wrong, for programs; C(kind) names the kind of error, other fields depend on it.
  returned: failure, once the options have the right form
  type: dict
  sample: {"kind": "unauthorized", "method": "GET", "path": "/api/v1/Users", "status": 401, "title": "Unauthorized"}
"""

from ansible_collections.cakewalk.access.plugins.module_utils._api import catalog
from ansible_collections.cakewalk.access.plugins.module_utils._engine.plan import Plan
from ansible_collections.cakewalk.access.plugins.module_utils._engine.selection import Selection, kinds_of
from ansible_collections.cakewalk.access.plugins.module_utils._module.arguments import CONNECTION, spec
from ansible_collections.cakewalk.access.plugins.module_utils._module.entry import run_module
from ansible_collections.cakewalk.access.plugins.module_utils._module.results import row

#: What can hang on a row, by kind: another list, or with C(None) the full record.
_INCLUDES = {
    "users": {"user_details": None},
    "groups": {
        "members": catalog.members,
        "default_apps": catalog.default_apps,
        "hidden_apps": catalog.hidden_apps,
    },
    "apps": {
        "app_details": None,
        "accesses": catalog.accesses,
        "permission_levels": catalog.permission_levels,
        "custom_fields": catalog.custom_fields,
    },
}

SPEC = spec(
    CONNECTION,
    options={
        "gather": {"type": "list", "elements": "str", "choices": list(catalog.KINDS)},
        **{kind: {"type": "list", "elements": "str"} for kind in catalog.KINDS},
        "include": {
            "type": "list",
            "elements": "str",
            "choices": [name for includes in _INCLUDES.values() for name in includes],
            "default": [],
        },
    },
    required_one_of=[("gather", *catalog.KINDS)],
)


def plan(params, cakewalk):
    """Return a plan without steps whose result is what was read: first the lists, then what hangs on their rows."""
    kinds = kinds_of(params, _INCLUDES)
    registers = cakewalk.registers([(kind, params[kind.name]) for kind in kinds])
    result = {"ambiguous": {}, "not_found": {}}
    wanted = []
    for kind, register in zip(kinds, registers, strict=True):
        selection = Selection(register, params[kind.name])
        rows = [row(record) for record in selection.rows]
        result[kind.name] = rows
        result[f"{kind.name}_by_{kind.key}"] = selection.unique
        result["ambiguous"].update({kind.name: selection.ambiguous} if selection.ambiguous else {})
        result["not_found"].update({kind.name: selection.not_found} if selection.not_found else {})
        for name, listing in _INCLUDES[kind.name].items():
            if name in params["include"]:
                inside = [listing(record) if listing else kind.record(record["id"]) for record in selection.rows]
                wanted += [(each, name, what) for each, what in zip(rows, inside, strict=True)]
    for (each, name, _what), found in zip(wanted, cakewalk.read(what for *_place, what in wanted), strict=True):
        each[name] = row(found) if isinstance(found, dict) else [row(record) for record in found]
    return Plan(result=result)


def main():
    run_module(SPEC, plan)


if __name__ == "__main__":
    main()
