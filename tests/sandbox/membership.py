# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Membership of groups, and the requests that it opens."""

from __future__ import annotations

from . import approval
from .accesses import default_level, is_requested, open_request
from .problem import Problem
from .records import GRANT, MANAGED_GROUP, REMOVE, Group, User
from .state import State


def add(state: State, group: Group, user_ids: list[str], triggered_by: str, implicitly_approve: bool) -> None:
    """Add members, all or none. Each new one gets grant requests for the group's default apps (our reading of the
    page on groups), unless they have or await that access."""
    _check_writable(group)
    users = [state.user(identifier) for identifier in user_ids]
    actor = state.actor(triggered_by)
    if state.dialect.readd_member != "201" and (members := [user.email for user in users if user.id in group.members]):
        raise Problem(400, f"Already members of {group.name}: {', '.join(members)}.", "readd_member")
    for user in users:
        if user.id not in group.members:
            group.members[user.id] = None
            _open_grants(state, group, user, actor, implicitly_approve)


def remove(state: State, group: Group, user: User) -> None:
    """Remove a member. Whether that opens removal requests is an open question; nobody is named as their author, so
    they are the leaver's own."""
    _check_writable(group)
    if user.id not in group.members:
        if state.dialect.remove_non_member == "404":
            raise Problem(404, f"{user.email} is not a member of {group.name}.", "remove_non_member")
        return
    del group.members[user.id]
    if state.dialect.removal_requests == "open":
        _open_removals(state, group, user)


def _check_writable(group: Group) -> None:
    if group.type != MANAGED_GROUP:
        raise Problem(400, f"The group {group.name} is {group.type.lower()} and cannot be edited.", "read_only_group")


def _open_grants(state: State, group: Group, user: User, actor: User, implicitly_approve: bool) -> None:
    for app in (state.apps[identifier] for identifier in group.default_apps):
        if user.id in app.accesses or is_requested(state, GRANT, app, user):
            continue
        purpose = f"Member of {group.name}"
        request = open_request(
            state, GRANT, app, user, default_level(app), requested_by=actor.id, purpose=purpose, source_id=group.id
        )
        if implicitly_approve:
            approval.approve_at_once(state, request, actor.id, carry_out=state.dialect.implicit_approval == "granted")


def _open_removals(state: State, group: Group, user: User) -> None:
    for app in (state.apps[identifier] for identifier in group.default_apps):
        if user.id in app.accesses and not is_requested(state, REMOVE, app, user):
            purpose = f"No longer a member of {group.name}"
            open_request(state, REMOVE, app, user, None, requested_by=user.id, purpose=purpose, source_id=group.id)
