# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apps, levels, policies and rules to test with, and the options of a task as Ansible hands them over."""

from __future__ import annotations

from typing import Any

from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.lookup import Row
from ansible_collections.cakewalk.access.plugins.module_utils._engine.policies.rules import PolicyEntry, Rule
from ansible_collections.cakewalk.access.plugins.module_utils._engine.policies.selectors import Selector
from ansible_collections.cakewalk.access.plugins.modules import cakewalk_app_policy
from unit.people import uid

WIRE = "GrantAccessRequest"


def app(number: int, name: str | None = None) -> dict[str, Any]:
    """Return an app as the service lists it."""
    return {"id": uid(2000 + number), "name": name or f"App {number}"}


def level(number: int, name: str | None = None) -> dict[str, Any]:
    """Return a permission level as the service lists it."""
    return {"id": uid(3000 + number), "name": name or f"Level {number}"}


def policy(number: int, name: str | None = None) -> dict[str, Any]:
    """Return a policy as the service lists it."""
    return {"id": uid(4000 + number), "name": name or f"Policy {number}"}


def rule(
    number: int = 1,
    what: str | Selector = "GitHub",
    level: str | None = None,
    levels: str | None = None,
    request_type: str = "grant_access",
) -> Rule:
    """Return what an entry says."""
    return Rule(number, what, level, levels, request_type, "Policy 1")


def entry_of(the_rule: Rule, the_app: Row, the_level: Row | None = None, the_policy: Row | None = None) -> PolicyEntry:
    """Return what a rule says about a target."""
    return PolicyEntry(the_rule, the_app, the_level, the_policy or policy(1))


def options(**given: Any) -> dict[str, Any]:
    """Return the parameters of a cakewalk_app_policy task: those given, defaults for the rest."""
    return _completed(cakewalk_app_policy.SPEC["argument_spec"], given)


def entry(**given: Any) -> dict[str, Any]:
    """Return an entry of the option assignments, with what Ansible completes."""
    spec = cakewalk_app_policy.SPEC["argument_spec"]["assignments"]["options"]
    completed = _completed(spec, {"request_type": "grant_access", "policy": "Policy 1", **given})
    if completed["select"] is not None:
        completed["select"] = _completed(spec["select"]["options"], completed["select"])
    return completed


def _completed(spec: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    assert given.keys() <= spec.keys(), "an option that the module does not have"
    return {name: given.get(name, option.get("default")) for name, option in spec.items()}
