# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How records look on the wire: each function returns what one schema of the contract describes."""

from __future__ import annotations

from typing import Any

from . import custom_fields
from .records import (
    APP_CATEGORIES,
    APP_STATUSES,
    USER_ROLES,
    USER_STATUSES,
    App,
    CustomField,
    Group,
    Level,
    Policy,
    Request,
    Task,
    User,
)
from .state import State

View = dict[str, Any]


def user(row: User) -> View:
    """UserSimplifiedViewModelV1."""
    return {
        "id": row.id,
        "name": row.name,
        "email": row.email,
        "statusId": USER_STATUSES[row.status],
        "statusName": row.status,
    }


def user_in_detail(row: User) -> View:
    """UserDetailedViewModelV1."""
    return {
        **user(row),
        "roleId": USER_ROLES[row.role],
        "roleName": row.role,
        "lastLogin": row.last_login,
        "managerId": row.manager_id,
    }


def group(row: Group) -> View:
    """UsersGroupViewModelV1; the members beside id and name are told by the index page, their names are ours."""
    return {
        "id": row.id,
        "name": row.name,
        "externalId": row.external_id,
        "syncSource": row.sync_source,
        "type": row.type,
    }


def app(row: App) -> View:
    """WorkAppSimplifiedViewModelV1."""
    return {
        "id": row.id,
        "name": row.name,
        "categoryId": APP_CATEGORIES[row.category],
        "categoryName": row.category,
        "statusId": APP_STATUSES[row.status],
        "statusName": row.status,
    }


def app_in_detail(state: State, row: App) -> View:
    """WorkAppDetailedViewModelV1."""
    values = (
        (custom_field, custom_fields.shown(state, row, custom_field)[0]) for custom_field in state.fields.values()
    )
    return {
        **app(row),
        "numberOfAccounts": len(row.accesses),
        "isBundle": row.is_bundle,
        "owner": user(state.users[row.owner_id]) if row.owner_id else None,
        "url": row.url,
        "imageUrl": f"{row.url}/logo.png",
        "description": row.description,
        "tagLine": row.tag_line,
        "serverLocations": row.server_locations,
        "certifications": row.certifications,
        "aiRisk": dict(zip(("id", "level", "reasoning"), row.ai_risk, strict=True)) if row.ai_risk else None,
        "customFields": {
            custom_field.name: {"type": custom_field.kind, "value": value} for custom_field, value in values if value
        },
        "defaultUsersGroups": [one.id for one in state.groups.values() if row.id in one.default_apps],
        "hiddenUsersGroups": [one.id for one in state.groups.values() if row.id in one.hidden_apps],
    }


def level(row: Level) -> View:
    """PermissionLevelViewModelV1."""
    return {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "isDefault": row.is_default,
        "isPrivileged": row.is_privileged,
    }


def access(state: State, row: App, user_id: str, level_id: str | None) -> View:
    """AccessViewModelV1."""
    return {
        "isOwner": row.owner_id == user_id,
        "user": user_in_detail(state.users[user_id]),
        "permissionLevel": level(row.levels[level_id]) if level_id else None,
    }


def custom_field(state: State, row: App, definition: CustomField) -> View:
    """WorkAppCustomFieldViewModelV1."""
    value, identifier = custom_fields.shown(state, row, definition)
    return {
        "id": definition.id,
        "name": definition.name,
        "type": definition.kind,
        "required": definition.required,
        "value": value,
        "guidValue": identifier,
    }


def policy(row: Policy) -> View:
    """PolicyViewModelV1."""
    return {"id": row.id, "name": row.name, "requestType": row.request_type}


def request(row: Request) -> View:
    """TaskRequestViewModelV1."""
    return {
        "id": row.id,
        "requestType": row.type,
        "requestStatus": row.status,
        "requestedByUserId": row.requested_by,
        "cancelledByUserId": row.cancelled_by,
        "workAppId": row.app_id,
        "permissionLevelId": row.level_id,
        "targetUserId": row.target_id,
        "requestPurpose": row.purpose,
        "sourceId": row.source_id,
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
    }


def task(row: Task) -> View:
    """TaskSimplifiedViewModelV1."""
    return {
        "id": row.id,
        "createdAt": row.created_at,
        "lastUpdatedAt": row.updated_at,
        "isAutoprovisioning": row.is_autoprovisioning,
        "isActionStep": row.is_action,
        "type": row.type,
        "status": row.status,
    }


def task_in_detail(state: State, row: Task) -> View:
    """TaskDetailedViewModelV1."""
    return {
        **task(row),
        "assignedUser": user(state.users[row.assigned_id]) if row.assigned_id else None,
        "claimers": [user(state.users[identifier]) for identifier in row.claimer_ids],
        "executedByUser": user(state.users[row.executed_by]) if row.executed_by else None,
        "request": request(state.requests[row.request_id]) if row.request_id else None,
        "snoozedTill": row.snoozed_till,
        "offboardingMetadata": _offboarding(state, *row.offboarding) if row.offboarding else None,
    }


def _offboarding(state: State, user_id: str, source: str, last_day: str) -> View:
    return {"targetUser": user(state.users[user_id]), "externalIntegrationAppName": source, "terminationDate": last_day}
