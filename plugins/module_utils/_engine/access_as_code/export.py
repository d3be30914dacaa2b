# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tenant as it is, as the code that changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._api.catalog import APPS
from ..core.tenant import Tenant
from .anchors import anchors_of
from .plan import SECTIONS
from .yaml_writer import emitted

_TENANT = "The ids of some apps, by which the tenant is known: the code is refused where none of them is."


def files_of(params: Mapping[str, Any], tenant: Tenant) -> dict[str, str]:
    """Return a file for each section, by name."""
    exported = {section.SECTION: section.exported(params, tenant) for section in SECTIONS}
    anchors = anchors_of(tenant.index(APPS).by_id)
    return {
        "tenant.yml": emitted({"tenant": {"anchors": anchors}}, [_TENANT]),
        **{f"{name}.yml": emitted({name: one.entries}, one.comments) for name, one in exported.items()},
    }
