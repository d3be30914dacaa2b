# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The access rules of a folder, evaluated over the tenant as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._api.catalog import USERS
from ..._api.errors import ConfigurationError
from ..access_rules.evaluation import Evaluation, evaluate
from ..access_rules.reading import read_held
from ..core.tenant import Tenant
from .anchors import check_anchors
from .plan import code_of
from .roster import Roster, unknown_values
from .rules import SECTION, rules_of, time_of


def evaluate_live(params: Mapping[str, Any], tenant: Tenant, counts_requests: bool) -> Evaluation:
    """Return the results of the rules in the code of a task.

    :raises CakewalkError: the code has no rules or is about another tenant, or something cannot be read.
    """
    code = code_of(params)
    if not code.entries(SECTION):
        raise ConfigurationError(
            "check access rules", "no file has the section rules, or it is empty", "Write rules, or give their folder."
        )
    check_anchors(code.sections["tenant"]["anchors"], params["base_url"], tenant)
    roster = Roster.of(params["source"].get("roster"))
    rules = rules_of(code, tenant, roster)
    if roster:
        roster.check_spelling(tenant.index(USERS))
        tenant.warnings += unknown_values(code, roster)
    held = read_held(rules, tenant, counts_requests)
    return evaluate(rules, held, tenant.user_statuses, time_of(rules, tenant))
