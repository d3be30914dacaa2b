# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drift: where a tenant and its code differ, and what the API does not show."""

from __future__ import annotations

from typing import Any

from ..._api.errors import CakewalkError
from ..._api.text import pluralize
from ..core.tenant import Tenant
from .plan import TenantPlan
from .sections.groups import not_in_code


class Drifted(CakewalkError):
    """The tenant differs from its code."""

    kind = "drift"


def drift_of(plan: TenantPlan, tenant: Tenant) -> dict[str, Any]:
    """Return the drift, as modules return it.

    These are no differences: members that an additive entry does not name, undecided requests, and groups without an
    entry. Policies cannot be read; they differ if the ledger has another policy.
    """
    return {
        "in_sync": not plan.differing,
        "differing": plan.differing,
        "left_alone": list(plan.total.left),
        "not_in_code": not_in_code(plan.code, tenant),
        "not_verifiable": list(plan.total.unverifiable),
    }


def error_of(plan: TenantPlan) -> Drifted | None:
    """Return the error for a plan with differences."""
    if not plan.differing:
        return None
    return Drifted(
        "find the tenant as the code says",
        f"{pluralize(len(plan.differing), 'thing differs', 'things differ')}; 'plan' shows each",
        "Bring the tenant back with mode: apply, or correct the code.",
        differing=plan.differing,
    )
