# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look up approval policies."""

from __future__ import annotations

DOCUMENTATION = r"""
name: policy
short_description: Look up approval policies in Cakewalk
version_added: 1.0.0
author: Contributors to the cakewalk.access collection (@cakewalk-access)
description:
  - Returns the ids of approval policies for one request type, or their records.
  - If two policies share a name, the lookup fails and shows both ids.
extends_documentation_fragment:
  - cakewalk.access.connection
  - cakewalk.access.connection.lookup
  - cakewalk.access.connection.lookup_of_rows
options:
  _terms:
    description: Exact names or ids.
    type: list
    elements: str
    required: true
  request_type:
    description: The request type that the policies are for.
    type: str
    choices: [grant_access, remove_access, change_permission, archive_app, add_app]
    required: true
seealso:
  - module: cakewalk.access.cakewalk_info
"""

EXAMPLES = r"""
- name: Show the id of a policy
  ansible.builtin.debug:
    msg: "{{ lookup('cakewalk.access.policy', 'Two approvals', request_type='grant_access') }}"
"""

RETURN = r"""
_raw:
  description: The id or record of each policy, in the order of the terms.
  type: list
  elements: raw
  sample: [8a5c7b46-3c32-5f39-9f6a-9ab4bd1ed111]
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from ..module_utils._api.catalog import REQUEST_TYPES, policies
from ..module_utils._engine.core.tenant import Tenant
from ..module_utils._module.arguments import Options
from ..plugin_utils._lookup import RETURNS, TenantLookup, ids_or_records


class LookupModule(TenantLookup):
    """The lookup C(policy)."""

    own_options: ClassVar[Options] = {
        "request_type": {"type": "str", "choices": list(REQUEST_TYPES), "required": True},
        **RETURNS,
    }

    def find(self, params: Mapping[str, Any], tenant: Tenant) -> list[Any]:
        return ids_or_records(policies(params["request_type"]), params, tenant)
