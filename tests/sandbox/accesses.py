# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access to apps: requests for it, and recording it directly."""

from __future__ import annotations

from collections.abc import Set
from typing import Any

from . import approval, policies
from .problem import Problem
from .records import APP_STATUSES, ARCHIVE, CHANGE, GRANT, NEW_APP, REMOVE, App, Request, User
from .state import State


def request_grant(state: State, body: dict[str, Any]) -> Request:
    """Open a grant request. What is held or asked for already conflicts: the natural reading of the documented 409."""
    app, target = _subject(state, body, missing=400)
    level_id = chosen_level(app, body.get("permissionLevelId"))
    if level_id in app.accesses.get(target.id, ()):
        raise Problem(409, f"{target.email} has this access already.")
    return _open(state, GRANT, body, level_id, body["grantAccessPurpose"])


def request_removal(state: State, body: dict[str, Any]) -> Request:
    """Open a removal request for all that a person holds of an app."""
    app, target = _subject(state, body, missing=404)
    if target.id not in app.accesses:
        raise Problem(404, f"{target.email} has no access to {app.name}.")
    return _open(state, REMOVE, body, None, body.get("removeAccessPurpose"))


def request_change(state: State, body: dict[str, Any]) -> Request:
    """Open a request for another level."""
    app, target = _subject(state, body, missing=404)
    if target.id not in app.accesses:
        raise Problem(404, f"{target.email} has no access to {app.name}.")
    level_id = chosen_level(app, body["permissionLevelId"])
    if app.accesses[target.id] == [level_id]:
        raise Problem(409, f"{target.email} holds this permission level already.")
    return _open(state, CHANGE, body, level_id, body.get("changePermissionPurpose"))


def request_archive(state: State, app: App, asker: User) -> Request:
    """Open a request to archive a managed app; only people in the interface can."""
    return _open_about_app(state, ARCHIVE, app, asker, {"Managed"})


def request_new_app(state: State, app: App, asker: User) -> Request:
    """Open a request to manage an app that is not managed yet; only people in the interface can."""
    return _open_about_app(state, NEW_APP, app, asker, APP_STATUSES.keys() - {"Managed"})


def open_request(
    state: State,
    request_type: str,
    app: App,
    target: User | None,
    level_id: str | None,
    *,
    requested_by: str,
    purpose: str | None,
    source_id: str | None = None,
    identifier: str | None = None,
) -> Request:
    """Open a request under the policy in force and ask its first reviewer.

    :param target: whose access it is about; None where it is about the app itself.
    :param identifier: its id, from which those of its tasks follow; a new one where none is given.
    """
    policy = policies.governing(state, app, level_id, request_type)
    now = state.now()
    request = Request(
        id=identifier or state.next_identifier("request"),
        type=request_type,
        requested_by=requested_by,
        target_id=target and target.id,
        app_id=app.id,
        level_id=level_id,
        purpose=purpose,
        policy_id=policy.id,
        created_at=now,
        updated_at=now,
        source_id=source_id,
        steps_left=list(policy.reviewers),
    )
    approval.start(state, request)
    return request


def is_requested(state: State, request_type: str, app: App, target: User | None) -> bool:
    """Tell whether an undecided request of this type exists for a person and an app, or about the app itself."""
    return any(request.type == request_type for request in state.open_requests(app, target))


def record(state: State, rows: list[dict[str, Any]]) -> None:
    """Record accesses without any approval, all or none. Whoever has access to the app already gets the new level
    instead, since the index page says create or update, or conflicts, since the operation's own page says create."""
    checked = []
    for row in rows:
        app, user = state.app(row["workAppId"]), state.user(row["userId"])
        level_id = chosen_level(app, row.get("permissionLevelId"))
        if state.dialect.existing_access == "409" and user.id in app.accesses:
            raise Problem(409, f"{user.email} has access to {app.name} already.")
        checked.append((app, user, level_id))
    for app, user, level_id in checked:
        app.accesses[user.id] = [level_id]
        state.late.forget(app, user.id)


def chosen_level(app: App, level_id: str | None) -> str | None:
    """Return the level that a call names; it is mandatory as soon as the app has any."""
    if level_id is None:
        if app.levels:
            raise Problem(400, f"{app.name} has permission levels, so permissionLevelId is mandatory.")
        return None
    if level_id.lower() not in app.levels:
        raise Problem(400, f"{app.name} has no permission level with the id {level_id}.")
    return level_id.lower()


def default_level(app: App) -> str | None:
    """Return the level that somebody gets who gets the app by default."""
    return next((level.id for level in app.levels.values() if level.is_default), next(iter(app.levels), None))


def _subject(state: State, body: dict[str, Any], missing: int) -> tuple[App, User]:
    """Return app and person of a request; C(missing) is the documented status for ids that name nothing."""
    try:
        return state.app(body["workAppId"]), state.user(body["targetUserId"])
    except Problem as problem:
        raise Problem(missing, problem.detail) from None


def _open(state: State, request_type: str, body: dict[str, Any], level_id: str | None, purpose: str | None) -> Request:
    app, target, creator = (
        state.app(body["workAppId"]),
        state.user(body["targetUserId"]),
        state.actor(body["createdByUserId"]),
    )
    _check_not_open(state, request_type, app, target)
    return open_request(state, request_type, app, target, level_id, requested_by=creator.id, purpose=purpose)


def _open_about_app(state: State, request_type: str, app: App, asker: User, statuses: Set[str]) -> Request:
    if app.status not in statuses:
        raise Problem(409, f"{app.name} is {app.status}.")
    _check_not_open(state, request_type, app, None)
    return open_request(state, request_type, app, None, None, requested_by=asker.id, purpose=None)


def _check_not_open(state: State, request_type: str, app: App, target: User | None) -> None:
    if is_requested(state, request_type, app, target):
        about = f"{target.email} and {app.name}" if target else app.name
        raise Problem(409, f"An open {request_type} for {about} exists already.", "duplicate_request")
