# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The section C(rules): access rules, evaluated over the tenant as it is, and as a plan would make it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timezone

from ..._api.errors import CakewalkError
from ..access_rules.reading import read_rules
from ..access_rules.rule import AccessRule, problems_of_rules
from ..core.tenant import Tenant
from .source import SourceCode, problem

SECTION = "rules"


def problems_of(code: SourceCode) -> Iterator[dict[str, str]]:
    """Yield the contradictions within the section; they do not depend on the tenant."""
    for at, message in problems_of_rules(code.entries(SECTION)):
        yield problem(at, message)


def rules_of(code: SourceCode, tenant: Tenant) -> list[AccessRule]:
    """Return the rules of the code, see C(read_rules); errors have the file and line."""
    try:
        return read_rules(code.entries(SECTION), tenant)
    except CakewalkError as error:
        raise code.with_positions(error) from None


def time_of(rules: Iterable[AccessRule], tenant: Tenant) -> datetime:
    """Return the time at which rules are evaluated, by the service if an exception ends at a time.

    :raises ClockRefused: the time of the service is not known well enough.
    """
    return tenant.time() if any(rule.exceptions for rule in rules) else datetime.now(timezone.utc)
