# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look up people."""

from __future__ import annotations

DOCUMENTATION = r"""
name: user
short_description: Look up people in Cakewalk
version_added: 1.0.0
author: Contributors to the cakewalk.access collection (@cakewalk-access)
description:
  - Returns the ids of people, or their records.
  - People with any status are found. If two people share an address, the lookup fails and shows both ids.
extends_documentation_fragment:
  - cakewalk.access.connection
  - cakewalk.access.connection.lookup
  - cakewalk.access.connection.lookup_of_rows
options:
  _terms:
    description: E-mail addresses or ids.
    type: list
    elements: str
    required: true
seealso:
  - module: cakewalk.access.cakewalk_info
"""

EXAMPLES = r"""
- name: Show the id of Erin
  ansible.builtin.debug:
    msg: "{{ lookup('cakewalk.access.user', 'erin.engineer@example.com') }}"

- name: Show the ids of two people
  ansible.builtin.debug:
    msg: "{{ query('cakewalk.access.user', 'erin.engineer@example.com', 'olga.owner@example.com') }}"

- name: Show the status of Erin
  ansible.builtin.debug:
    msg: "{{ lookup('cakewalk.access.user', 'erin.engineer@example.com', returns='record').status_name }}"
"""

RETURN = r"""
_raw:
  description: The id or record of each person, in the order of the terms.
  type: list
  elements: raw
  sample: [6c95576d-e21e-4b4b-a15f-2a3b507f44c3]
"""

from collections.abc import Mapping
from typing import Any

from ..module_utils._api.catalog import USERS
from ..module_utils._engine.core.tenant import Tenant
from ..plugin_utils._lookup import RETURNS, TenantLookup, ids_or_records


class LookupModule(TenantLookup):
    """The lookup C(user)."""

    own_options = RETURNS

    def find(self, params: Mapping[str, Any], tenant: Tenant) -> list[Any]:
        return ids_or_records(USERS, params, tenant)
