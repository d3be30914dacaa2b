# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look up apps."""

from __future__ import annotations

DOCUMENTATION = r"""
name: app
short_description: Look up apps in Cakewalk
version_added: 1.0.0
author: Contributors to the cakewalk.access collection (@cakewalk-access)
description:
  - Returns the ids of apps, or their records. Routes of the role C(task_fulfilment) need such ids.
  - If two apps share a name, the lookup fails and shows both ids.
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
seealso:
  - module: cakewalk.access.cakewalk_info
"""

EXAMPLES = r"""
- name: Show the id of GitHub
  ansible.builtin.debug:
    msg: "{{ lookup('cakewalk.access.app', 'GitHub') }}"

- name: Show the statuses of two apps
  ansible.builtin.debug:
    msg: "{{ query('cakewalk.access.app', 'GitHub', 'Figma', returns='record') | map(attribute='status_name') }}"
"""

RETURN = r"""
_raw:
  description: The id or record of each app, in the order of the terms.
  type: list
  elements: raw
  sample: [0e4fdb7f-3c0e-5a55-9f0f-7d1f1a7f2b22]
"""

from collections.abc import Mapping
from typing import Any

from ..module_utils._api.catalog import APPS
from ..module_utils._engine.core.tenant import Tenant
from ..plugin_utils._lookup import RETURNS, TenantLookup, ids_or_records


class LookupModule(TenantLookup):
    """The lookup C(app)."""

    own_options = RETURNS

    def find(self, params: Mapping[str, Any], tenant: Tenant) -> list[Any]:
        return ids_or_records(APPS, params, tenant)
