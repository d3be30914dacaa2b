# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Anchors: some apps whose ids identify the tenant of the code, because all tenants share one address."""

from __future__ import annotations

from collections.abc import Sequence

from ..._api.catalog import APPS
from ..._api.errors import ConfigurationError
from ..._api.text import printable, summarize
from ..core.lookup import is_uuid
from ..core.tenant import Tenant
from ..storage.ledger import WrongTenant


def check_anchors(anchors: Sequence[str], base_url: str, tenant: Tenant) -> None:
    """Refuse a tenant without any of these apps, and warn about missing ones.

    :raises ConfigurationError: there are no anchors, or an anchor is not an id.
    :raises WrongTenant: the code belongs to another tenant.
    """
    wrong = [anchor for anchor in anchors if not is_uuid(anchor)]
    if wrong or not anchors:
        raise ConfigurationError(
            "identify the tenant of the code",
            f"tenant.anchors contains invalid ids: {summarize(map(printable, wrong))}"
            if wrong
            else "tenant.anchors is empty",
            "List the ids of some apps of the tenant; mode: export writes them.",
            option="tenant.anchors",
        )
    apps = tenant.index(APPS, anchors, is_whole=True).by_id
    missing = [anchor for anchor in anchors if anchor.lower() not in apps]
    if len(missing) == len(anchors):
        raise WrongTenant(
            "use the code with this tenant",
            f"{printable(base_url)} has none of the apps in tenant.anchors, so the code is about another tenant",
            "Nothing was changed. Use the key of the right tenant, or the code of this one.",
            anchors=list(anchors),
        )
    if missing:
        tenant.warnings.append(
            f"The tenant lacks some of the apps by which the code knows it: {summarize(missing)}. Replace them under "
            "tenant.anchors before the last one is gone."
        )
