# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report of what expired and what expires soon: as JSON or Markdown if the path ends so, or else as text."""

from __future__ import annotations

import json

from ..._api.text import pluralize
from ..core.tenant import Tenant
from ..core.terms import TermState
from .dated_access import ending
from .plan import TenantPlan
from .plan_markdown import Section, document, is_markdown


def expiry_report(plan: TenantPlan, tenant: Tenant) -> str:
    """Return the text for C(expiry_report_path), about C(expires_within) days from the time of the plan."""
    path, days, time = str(plan.params["expiry_report_path"]), plan.params["expires_within"], plan.code.time
    found = ending(plan.total.dated, time, days) if time else []
    if path.lower().endswith(".json"):
        rows = [access.as_result(time) for access in found if time]
        about = {"expires_within": days, **plan.terms_result, "terms": rows}
        return json.dumps(tenant.scrubbed(about), indent=1) + "\n"
    lines = {
        state: [access.line(time) for access in found if time and access.person.term.state_at(time) is state]
        for state in TermState
    }
    expired, soon = lines[TermState.EXPIRED], [*lines[TermState.ACTIVE], *lines[TermState.PLANNED]]
    within = f"within {pluralize(days, 'day', 'days')}"
    sentence = f"{len(expired)} expired, and {len(soon)} {'expires' if len(soon) == 1 else 'expire'} {within}."
    if is_markdown(path):
        sections = [Section("Expired", expired), Section(f"Expires {within}", soon)]
        return document("expiry", sentence, plan.header, sections, "", tenant.scrubbed)
    return tenant.scrubbed("\n".join([*plan.header, "", *expired, *soon, sentence, ""]))
