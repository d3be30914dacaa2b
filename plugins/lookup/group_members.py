# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look up the members of groups."""

from __future__ import annotations

DOCUMENTATION = r"""
name: group_members
short_description: Look up the members of groups in Cakewalk
version_added: 1.0.0
author: Contributors to the cakewalk.access collection (@cakewalk-access)
description:
  - Returns the members of groups. A member of several of the groups is returned once.
  - Member lists of several pages are read until two reads agree, so nobody is missing from the result.
extends_documentation_fragment:
  - cakewalk.access.connection
  - cakewalk.access.connection.lookup
options:
  _terms:
    description: Groups, by exact name or id.
    type: list
    elements: str
    required: true
  returns:
    description:
      - Whether to return e-mail addresses, ids, or whole records with the fields of the API in snake_case.
      - With V(email), people without an address are returned by id.
    type: str
    choices: [email, id, record]
    default: email
seealso:
  - module: cakewalk.access.cakewalk_info
"""

EXAMPLES = r"""
- name: Show the members of Engineering
  ansible.builtin.debug:
    msg: "{{ query('cakewalk.access.group_members', 'Engineering') | sort }}"

- name: Show the people who are in Sales but not in Engineering
  ansible.builtin.debug:
    msg: "{{ sales | difference(engineering) }}"
  vars:
    sales: "{{ query('cakewalk.access.group_members', 'Sales') }}"
    engineering: "{{ query('cakewalk.access.group_members', 'Engineering') }}"
"""

RETURN = r"""
_raw:
  description: The e-mail address, id or record of each member, in the order of the groups.
  type: list
  elements: raw
  sample: [erin.engineer@example.com, owen.onboarding@example.com]
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from ..module_utils._api.catalog import GROUPS, members, person
from ..module_utils._engine.core.tenant import Tenant
from ..module_utils._module import results
from ..module_utils._module.arguments import Options
from ..plugin_utils._lookup import TenantLookup, rows_of


class LookupModule(TenantLookup):
    """The lookup C(group_members)."""

    own_options: ClassVar[Options] = {
        "returns": {"type": "str", "choices": ["email", "id", "record"], "default": "email"}
    }

    def find(self, params: Mapping[str, Any], tenant: Tenant) -> list[Any]:
        groups = rows_of(GROUPS, params["_terms"], tenant)
        lists = tenant.read_stable(map(members, groups))
        people = {row["id"].lower(): row for rows in lists for row in rows}
        shown = {"email": person, "id": lambda row: row["id"], "record": results.row}[params["returns"]]
        return [shown(row) for row in people.values()]
