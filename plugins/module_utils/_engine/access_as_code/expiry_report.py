# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report of what expired and what expires soon: as JSON or Markdown if the path ends so, or else as text."""

from __future__ import annotations

import json
import re

from ..._api.text import parse_json, pluralize
from ..core.tenant import Tenant
from ..core.terms import TermState
from .dated_access import ending
from .plan import TenantPlan
from .plan_markdown import Section, document, is_markdown

#: A plan or report as Markdown begins so. As text, it begins with its header, and ends with a hash or a count.
_OWN = re.compile(
    r"###\sAccess\sas\scode:\s|Tenant:\s.*\n(plan_hash:\s[0-9a-f]{64}|\d+\sexpired,[^\n]*\swithin\s\d+\sdays?\.)\n\Z",
    re.DOTALL,
)


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


def is_plan_or_report(text: str) -> bool:
    """Return whether a run could have written a text to C(plan_path) or C(expiry_report_path)."""
    if _OWN.match(text):
        return True
    try:
        document = parse_json(text)
    except ValueError:
        return False
    return isinstance(document, dict) and document.keys() >= {"expires_within", "terms"}
