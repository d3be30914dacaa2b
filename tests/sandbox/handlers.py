# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operations of the contract, by their ids in snake case. Parsing, checking and serialising are the framework's.

A handler returns a page, a record, the body of a write or nothing; :mod:`sandbox.app` makes the answer of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from . import accesses, approval, membership, paging, policies, reviews, views
from .custom_fields import update
from .dialect import spelt
from .paging import Page
from .problem import Problem
from .records import Request
from .state import State
from .world import World

Row = TypeVar("Row")
Body = dict[str, Any]


@dataclass(frozen=True)
class Record:
    """A single record as the wire shows it."""

    row: dict[str, Any]


class Handlers:
    """All 29 operations over one world."""

    def __init__(self, world: World) -> None:
        self._world = world

    @property
    def _state(self) -> State:
        return self._world.state

    def list_users(self, cursor: str | None = None) -> Page:
        """The directory."""
        return self._page(self._state.users.values(), views.user, cursor)

    def get_user(self, user_id: str) -> Record:
        """One person."""
        return Record(views.user_in_detail(self._state.user(user_id)))

    def list_users_groups(self, cursor: str | None = None) -> Page:
        """All groups."""
        return self._page(self._state.groups.values(), views.group, cursor)

    def get_users_group(self, users_group_id: str) -> Record:
        """One group."""
        return Record(views.group(self._state.group(users_group_id)))

    def list_users_group_default_work_apps(self, users_group_id: str, cursor: str | None = None) -> Page:
        """Apps that members get."""
        return self._apps_page(self._state.group(users_group_id).default_apps, cursor)

    def list_users_group_hidden_work_apps(self, users_group_id: str, cursor: str | None = None) -> Page:
        """Apps that members do not see."""
        return self._apps_page(self._state.group(users_group_id).hidden_apps, cursor)

    def list_users_group_users(self, users_group_id: str, cursor: str | None = None) -> Page:
        """The members of a group."""
        users = self._state.users
        members = self._state.group(users_group_id).members
        return self._page(members, lambda identifier: views.user(users[identifier]), cursor)

    def add_users_to_group(self, users_group_id: str, body: Body | None = None) -> None:
        """Add members. The default of C(implicitlyApproveRequests) is not documented; false is the safe reading."""
        given = _required(body)
        membership.add(
            self._state,
            self._state.group(users_group_id),
            given["userIds"],
            given["triggeredByUserId"],
            given.get("implicitlyApproveRequests", False),
        )

    def remove_user_from_group(self, users_group_id: str, user_id: str) -> None:
        """Remove one member."""
        group, user = self._state.group(users_group_id), self._state.user(user_id)
        membership.remove(self._state, group, user)

    def list_work_apps(self, cursor: str | None = None) -> Page:
        """All apps."""
        return self._page(self._state.apps.values(), views.app, cursor)

    def get_work_app(self, work_app_id: str) -> Record:
        """One app."""
        return Record(views.app_in_detail(self._state, self._state.app(work_app_id)))

    def list_work_app_accesses(self, work_app_id: str, cursor: str | None = None) -> Page:
        """Who has access to an app, a row for each level held."""
        app = self._state.app(work_app_id)
        listed = self._state.late.listed(app, anew=cursor is None)
        rows = ((user_id, level_id) for user_id, level_ids in listed.items() for level_id in level_ids)
        return self._page(rows, lambda row: views.access(self._state, app, *row), cursor)

    def list_work_app_permission_levels(self, work_app_id: str, cursor: str | None = None) -> Page:
        """The levels of an app."""
        return self._page(self._state.app(work_app_id).levels.values(), views.level, cursor)

    def create_work_app_accesses(self, body: Body | None = None) -> None:
        """Record accesses without approval."""
        accesses.record(self._state, _required(body)["data"])

    def set_work_app_policy(self, work_app_id: str, request_type: str, body: Body | None = None) -> None:
        """Assign an app's policy."""
        app = self._state.app(work_app_id)
        policies.assign(self._state, app, request_type, _required(body)["policyId"])

    def set_permission_level_policy(
        self, work_app_id: str, permission_level_id: str, request_type: str, body: Body | None = None
    ) -> None:
        """Assign a level's policy."""
        level = self._state.level(self._state.app(work_app_id), permission_level_id)
        policies.assign(self._state, level, request_type, _required(body)["policyId"])

    def list_work_app_custom_fields(self, work_app_id: str, cursor: str | None = None) -> Page:
        """Custom fields of an app with their values."""
        app = self._state.app(work_app_id)
        return self._page(self._state.fields.values(), lambda row: views.custom_field(self._state, app, row), cursor)

    def update_work_app_custom_fields(self, work_app_id: str, body: Body | None = None) -> None:
        """Write custom field values."""
        app, changes = self._state.app(work_app_id), _required(body)["customFields"]
        update(self._state, app, changes, self._state.dialect.field_by)

    def list_requests(
        self,
        status: str | None = None,
        request_type: str | None = None,
        last_updated_from: str | None = None,
        cursor: str | None = None,
    ) -> Page:
        """Requests, filtered by what the index page names; statuses in the words that answers show."""
        since = datetime.fromisoformat(last_updated_from) if last_updated_from else None
        rows = (
            row
            for row in self._state.requests.values()
            if status in (None, spelt(self._state.dialect, "requestStatus", row.status))
            and request_type in (None, row.type)
            and (since is None or datetime.fromisoformat(row.updated_at) >= since)
        )
        return self._page(rows, views.request, cursor)

    def create_grant_access_request(self, body: Body) -> Body:
        """Ask for access."""
        return _created(accesses.request_grant(self._state, body))

    def create_remove_access_request(self, body: Body) -> Body:
        """Ask for the removal of an access."""
        return _created(accesses.request_removal(self._state, body))

    def create_change_permission_request(self, body: Body) -> Body:
        """Ask for another level."""
        return _created(accesses.request_change(self._state, body))

    def list_tasks(self, user_id: str, status: str | None = None, cursor: str | None = None) -> Page:
        """The tasks assigned to a person; those of nobody are in no list."""
        tasks = (
            self._state.tasks[identifier] for identifier in self._state.tasks_of.get(self._state.user(user_id).id, ())
        )
        rows = (row for row in tasks if status in (None, spelt(self._state.dialect, "status", row.status)))
        return self._page(rows, views.task, cursor)

    def get_task(self, task_id: str) -> Record:
        """One task."""
        return Record(views.task_in_detail(self._state, self._state.task(task_id)))

    def approve_task(self, task_id: str) -> None:
        """Approve a task; the body is unknown and not read."""
        approval.approve(self._state, self._state.task(task_id))

    def decline_task(self, task_id: str) -> None:
        """Decline a task; the body is unknown and not read."""
        approval.decline(self._state, self._state.task(task_id))

    def list_compatible_policies(self, request_type: str, cursor: str | None = None) -> Page:
        """Policies for a request type."""
        return self._page(policies.compatible(self._state, request_type), views.policy, cursor)

    def create_access_review(self, body: Body | None = None) -> None:
        """Start an access review."""
        reviews.create(self._state, _required(body))

    def get_webhook_public_key(self) -> str:
        """The public key of webhook signatures."""
        return self._world.signing_key.public_pem

    def _page(self, rows: Iterable[Row], view: Callable[[Row], dict[str, Any]], cursor: str | None) -> Page:
        chosen, following = paging.cut(rows, cursor, self._world.settings.page_size)
        return Page([view(row) for row in chosen], following)

    def _apps_page(self, app_ids: Iterable[str], cursor: str | None) -> Page:
        return self._page(app_ids, lambda identifier: views.app(self._state.apps[identifier]), cursor)


def _required(body: Body | None) -> Body:
    """Return a body that the contract marks as optional although it has mandatory members; the framework shows a
    missing one as an empty object."""
    if not body:
        raise Problem(400, "A body is required.")
    return body


def _created(request: Request) -> Body:
    return {"requestId": request.id}
