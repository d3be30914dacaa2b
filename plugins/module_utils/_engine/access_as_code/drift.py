# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where tenant and code differ, and what nobody can tell."""

from __future__ import annotations

from typing import Any

from ..._api.errors import CakewalkError
from ..._api.text import pluralize
from ..core.tenant import Tenant
from .plan import TenantPlan
from .sections.groups import not_in_code


class Drifted(CakewalkError):
    """The tenant is not as the code says."""

    kind = "drift"


def drift_of(whole: TenantPlan, tenant: Tenant) -> dict[str, Any]:
    """Return what C(mode: drift) tells.

    What an additive entry does not name is no difference, nor is what was asked for and awaits its decision, nor a
    group that the code does not know: these are listed beside. Policies cannot be read; where the ledger remembers
    another one, that is a difference.
    """
    differing = whole.differing
    return {
        "in_sync": not differing,
        "differing": differing,
        "left_alone": whole.left,
        "not_in_code": not_in_code(whole.code, tenant),
        "not_verifiable": whole.unverifiable,
    }


def error_of(whole: TenantPlan) -> Drifted | None:
    """Return the error that they differ, if they do."""
    differing = whole.differing
    if not differing:
        return None
    return Drifted(
        "find the tenant as the code says",
        f"{pluralize(len(differing), 'thing differs', 'things differ')}; 'plan' shows each",
        "Bring the tenant back with mode: apply, or correct the code.",
        differing=differing,
    )
