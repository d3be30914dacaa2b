# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The current state of the tenant as code: its plan changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._api.catalog import APPS
from ..core.tenant import Tenant
from ..storage.ledger import ANCHORS
from .plan import SECTIONS
from .yaml_writer import dump_yaml

_TENANT = "The ids of some apps, by which the tenant is known: the code is refused where none of them is."


def files_of(params: Mapping[str, Any], tenant: Tenant) -> dict[str, str]:
    """Return the text of a file for each section, by file name."""
    exported = {section.SECTION: section.exported(params, tenant) for section in SECTIONS}
    anchors = sorted(tenant.index(APPS).by_id)[:ANCHORS]
    return {
        "tenant.yml": dump_yaml({"tenant": {"anchors": anchors}}, [_TENANT]),
        **{f"{name}.yml": dump_yaml({name: entries}, comments) for name, (entries, comments) in exported.items()},
    }
