# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The apps, permission levels and policies of a tenant that rules mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..._api import catalog
from ..._api.catalog import APPS, named
from ..._api.paging import broken
from ..core.lookup import Index, Resolver, Row
from ..core.tenant import Tenant
from .rules import PolicyEntry, Rule
from .selectors import Selector, select_apps

#: The members of a level that show its kind.
_MARKS = {"privileged": "isPrivileged", "default": "isDefault"}


def resolve_rules(
    rules: Sequence[Rule], tenant: Tenant, all_apps: bool
) -> tuple[Index, dict[str, Index], list[PolicyEntry]]:
    """Return the apps, the policies by request type, and what the rules say about each target.

    A rule that fits no target gets a warning. Policies are read once for each request type, and levels only of apps
    whose levels a rule needs.

    :param all_apps: whether the whole list of apps is needed, whatever the rules name.
    :raises LookupFailed: an app, a level, a policy, or the value of a selector does not exist or is ambiguous.
    :raises ProtocolError: a record does not show what a rule needs.
    """
    resolver = Resolver()
    selectors = [rule.app for rule in rules if isinstance(rule.app, Selector)]
    references = [rule.app for rule in rules if isinstance(rule.app, str)]
    # A selector means every app that fits it, so a list that lacks an app is not enough.
    apps = tenant.index(APPS, references, is_whole=all_apps, is_stable=bool(selectors))
    types = list(dict.fromkeys(rule.request_type for rule in rules))
    indexes = tenant.indexes(
        (catalog.policies(request_type), [rule.policy for rule in rules if rule.request_type == request_type])
        for request_type in types
    )
    policies = dict(zip(types, indexes, strict=True))
    selected = select_apps(selectors, apps, tenant, resolver)
    apps_of = [
        selected[rule.app] if isinstance(rule.app, Selector) else resolver.find_all([rule.app], apps) for rule in rules
    ]
    with_levels = {app["id"]: app for rule, rows in zip(rules, apps_of, strict=True) if rule.has_levels for app in rows}
    indexes = tenant.indexes((catalog.permission_levels_of(app), None) for app in with_levels.values())
    levels = dict(zip(with_levels, indexes, strict=True))
    entries = []
    for rule, rows in zip(rules, apps_of, strict=True):
        policy = resolver.find(rule.policy, policies[rule.request_type])
        targets = _targets(rule, rows, levels, resolver)
        entries += [PolicyEntry(rule, app, level, policy) for app, level in targets if policy is not None]
    resolver.check()
    fitting = {entry.rule.number for entry in entries}
    tenant.warnings += [
        f"Entry {rule.number} of assignments assigns nothing. There is no match for {rule}."
        for rule in rules
        if rule.number not in fitting
    ]
    return apps, policies, entries


def _targets(
    rule: Rule, apps: Sequence[Row], levels: Mapping[str, Index], resolver: Resolver
) -> list[tuple[Row, Row | None]]:
    """Return the apps of a rule, or the levels of these apps that it means.

    Some selected apps may lack a named level; if all lack it, that is a problem.
    """
    if not rule.has_levels:
        return [(app, None) for app in apps]
    indexes = [levels[app["id"]] for app in apps]
    if rule.level is not None:
        called = "permission level" if isinstance(rule.app, Selector) else ""
        found = resolver.find_each(rule.level, indexes, called)
        return [(app, level) for app, level in zip(apps, found, strict=True) if level is not None]
    return [
        (app, level)
        for app, index in zip(apps, indexes, strict=True)
        for level in index.by_id.values()
        if rule.levels == "all" or is_of_kind(level, str(rule.levels), app)
    ]


def is_of_kind(level: Row, kind: str, app: Row) -> bool:
    """Return whether a level is privileged, or the default level; both members are optional in the contract.

    :raises ProtocolError: the level does not show it.
    """
    mark = level.get(_MARKS[kind])
    if not isinstance(mark, bool):
        raise broken(
            f"the permission levels of the app {named(app)}", f"{named(level)} does not show whether it is {kind}"
        )
    return mark
