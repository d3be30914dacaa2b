# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rules of a task mean in the tenant: which apps, which of their levels, which policies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..._api.catalog import APPS, named, permission_levels_of, policies
from ..._api.paging import broken
from ..core.lookup import Index, Resolver, Row
from ..core.tenant import Tenant
from .rules import PolicyEntry, Rule
from .selectors import Selector, selected

#: What a level shows of itself, by how rules mean it.
_MARKS = {"privileged": "isPrivileged", "default": "isDefault"}


@dataclass(frozen=True)
class ResolvedRules:
    """What was read: the apps, the policies by request type, and what the rules claim of the one for the other."""

    apps: Index
    policies: Mapping[str, Index]
    claims: list[PolicyEntry]


def targets_of(rules: Sequence[Rule], tenant: Tenant, all_apps: bool) -> ResolvedRules:
    """Return what the rules mean; a rule that means nothing is warned of.

    Reads the policies once for each request type, and the levels only of apps of which a rule wants levels.

    :param all_apps: whether the whole list of apps is needed, whatever the rules name.
    :raises LookupFailed: an app, a level, a policy, or what a selection asks for, does not exist or is ambiguous.
    :raises ProtocolError: the tenant does not tell what a rule hangs on.
    """
    finder = Resolver()
    selectors = [rule.app for rule in rules if isinstance(rule.app, Selector)]
    references = [rule.app for rule in rules if isinstance(rule.app, str)]
    apps = tenant.index(APPS, None if all_apps or selectors else references)
    types = list(dict.fromkeys(rule.request_type for rule in rules))
    compatible = dict(zip(types, tenant.indexes((policies(one), None) for one in types), strict=True))
    selections = selected(selectors, apps, tenant, finder)
    meant = [
        selections[rule.app] if isinstance(rule.app, Selector) else finder.find_all([rule.app], apps) for rule in rules
    ]
    asked = {app["id"]: app for rule, rows in zip(rules, meant, strict=True) if rule.asks_for_levels for app in rows}
    registers = tenant.indexes((permission_levels_of(app), None) for app in asked.values())
    levels = dict(zip(asked, registers, strict=True))
    claims = []
    for rule, rows in zip(rules, meant, strict=True):
        policy = finder.find(rule.policy, compatible[rule.request_type])
        places = _places(rule, rows, levels, finder)
        claims += [PolicyEntry(rule, app, level, policy) for app, level in places if policy is not None]
    finder.check()
    tenant.warnings += _vain(rules, claims)
    return ResolvedRules(apps, compatible, claims)


def _places(
    rule: Rule, apps: Sequence[Row], levels: Mapping[str, Index], finder: Resolver
) -> list[tuple[Row, Row | None]]:
    """Return the apps that a rule means, or those of their levels that it means.

    Of selected apps, one may well lack a level that is named; that all lack it is a problem.
    """
    if not rule.asks_for_levels:
        return [(app, None) for app in apps]
    registers = [levels[app["id"]] for app in apps]
    if rule.level is not None:
        called = "permission level" if isinstance(rule.app, Selector) else ""
        found = finder.find_each(rule.level, registers, called)
        return [(app, level) for app, level in zip(apps, found, strict=True) if level is not None]
    return [
        (app, level)
        for app, register in zip(apps, registers, strict=True)
        for level in register.by_id.values()
        if rule.levels == "all" or _has_mark(level, str(rule.levels), app)
    ]


def _has_mark(level: Row, kind: str, app: Row) -> bool:
    """Tell whether a level is privileged, or the default one; the contract lets both out, and nothing is guessed.

    :raises ProtocolError: the level does not tell.
    """
    mark = level.get(_MARKS[kind])
    if not isinstance(mark, bool):
        raise broken(
            f"the permission levels of the app {named(app)}", f"{named(level)} does not tell whether it is {kind}"
        )
    return mark


def _vain(rules: Sequence[Rule], claims: Sequence[PolicyEntry]) -> list[str]:
    """Return a warning for each rule that means nothing: that may be so, and may be a typing error."""
    claiming = {claim.rule.number for claim in claims}
    return [
        f"Entry {rule.number} of assignments assigns nothing, since nothing fits: {rule}."
        for rule in rules
        if rule.number not in claiming
    ]
