# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which approval policy governs a request: the level's beats the app's, which beats the global one."""

from __future__ import annotations

from .problem import Problem
from .records import App, Level, Policy
from .state import State


def governing(state: State, app: App, level_id: str | None, request_type: str) -> Policy:
    """Return the policy in force for a request (resolution order by the policies how-to guide)."""
    own = app.levels[level_id].policies.get(request_type) if level_id else None
    chosen = own or app.policies.get(request_type)
    if chosen:
        return state.policies[chosen]
    return next(policy for policy in compatible(state, request_type) if policy.is_global)


def compatible(state: State, request_type: str) -> list[Policy]:
    """Return the policies that may be assigned for a request type."""
    return [policy for policy in state.policies.values() if policy.request_type == request_type]


def assign(state: State, slot: App | Level, request_type: str, policy_id: str) -> None:
    """Assign a policy to an app or a level. One for another request type conflicts, which is a guess: no reason is
    documented for the 409."""
    policy = state.policy(policy_id)
    if policy.request_type != request_type:
        raise Problem(409, f"The policy {policy.name} is for {policy.request_type}.")
    if slot.policies.get(request_type) == policy.id and state.dialect.same_policy == "409":
        raise Problem(409, f"The policy {policy.name} is assigned already.", "same_policy")
    slot.policies[request_type] = policy.id
