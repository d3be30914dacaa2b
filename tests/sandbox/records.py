# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The records of a tenant."""

from __future__ import annotations

from dataclasses import dataclass, field

GRANT, REMOVE, CHANGE = "GrantAccessRequest", "RemoveAccessRequest", "ChangePermissionLevelRequest"
ARCHIVE, NEW_APP = "ArchiveWorkAppRequest", "AddNewManagedWorkAppRequest"
REQUEST_TYPES = (GRANT, REMOVE, ARCHIVE, CHANGE, NEW_APP)

#: Documented is C(Approved) for tasks only; the other words are ours.
PENDING, APPROVED, DECLINED, CANCELLED = "Pending", "Approved", "Declined", "Cancelled"

#: Ids by the order in the vendor's interface, which agrees with the documented C(Invited) = 2.
USER_STATUSES = {
    word: number
    for number, word in enumerate(
        ("Discovered", "Invited", "Onboarding", "Active", "Ignored", "Offboarding", "Deactivated"), start=1
    )
}
USER_ROLES = {word: number for number, word in enumerate(("User", "Admin", "General Manager"), start=1)}
APP_STATUSES = {
    word: number
    for number, word in enumerate(
        ("Discovered", "Requested", "Tracked", "Managed", "Restricted", "Ignored", "Archived"), start=1
    )
}
APP_CATEGORIES = {
    word: number
    for number, word in enumerate(
        (
            "CATEGORY_OFFICE_SUITE",
            "CATEGORY_DEVELOPMENT",
            "CATEGORY_DESIGN",
            "CATEGORY_SALES",
            "CATEGORY_FINANCE",
            "CATEGORY_SECURITY",
        ),
        start=1,
    )
}
MANAGED_GROUP, SYNCED_GROUP, DYNAMIC_GROUP = "Managed", "Synced", "Dynamic"


@dataclass(slots=True)
class User:
    """A person in the directory."""

    id: str
    name: str
    email: str
    status: str = "Active"
    role: str = "User"
    manager_id: str | None = None
    last_login: str | None = None


@dataclass(slots=True)
class Group:
    """A group of people; members, default and hidden apps are ordered sets of ids."""

    id: str
    name: str
    type: str = MANAGED_GROUP
    sync_source: str | None = None
    external_id: str | None = None
    members: dict[str, None] = field(default_factory=dict)
    default_apps: dict[str, None] = field(default_factory=dict)
    hidden_apps: dict[str, None] = field(default_factory=dict)


@dataclass(slots=True)
class Level:
    """A permission level of an app, with the policies of its own by request type."""

    id: str
    name: str
    description: str
    is_default: bool = False
    is_privileged: bool = False
    policies: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class App:
    """An app.

    :param accesses: by person the levels that they hold; the one level of an app without levels is None.
    :param policies: the app's own policies by request type.
    :param field_values: by custom field its value: text, or the id of a person or of an option.
    :param autoprovisions: whether the vendor's agent, not a person, carries out its action tasks.
    """

    id: str
    name: str
    category: str
    status: str
    owner_id: str | None = None
    url: str = ""
    description: str = ""
    tag_line: str = ""
    server_locations: list[str] = field(default_factory=list)
    certifications: list[str] = field(default_factory=list)
    ai_risk: tuple[int, str, str] | None = None
    is_bundle: bool = False
    autoprovisions: bool = False
    levels: dict[str, Level] = field(default_factory=dict)
    accesses: dict[str, list[str | None]] = field(default_factory=dict)
    policies: dict[str, str] = field(default_factory=dict)
    field_values: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class CustomField:
    """A custom field of all apps.

    :param kind: C(Text), C(Person), C(Select), or C(Priority), which is computed and cannot be written.
    :param options: by id the labels of a choice.
    """

    id: str
    name: str
    kind: str
    required: bool = False
    options: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Policy:
    """An approval policy for one request type.

    :param reviewers: who reviews, step by step: C(Manager), C(WorkAppOwner), C(Admin).
    :param is_global: whether it holds where neither level nor app has one of its own.
    """

    id: str
    name: str
    request_type: str
    reviewers: tuple[str, ...]
    is_global: bool = False


@dataclass(slots=True)
class Request:
    """A request and how far it has come.

    :param target_id: whose access it is about; None where it is about the app itself.
    :param policy_id: the policy that was in force when it was opened.
    :param source_id: the group whose membership opened it.
    :param steps_left: the reviewers who have yet to be asked.
    """

    id: str
    type: str
    requested_by: str
    target_id: str | None
    app_id: str
    level_id: str | None
    purpose: str | None
    policy_id: str
    created_at: str
    updated_at: str
    status: str = PENDING
    cancelled_by: str | None = None
    source_id: str | None = None
    steps_left: list[str] = field(default_factory=list)
    task_ids: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Task:
    """A task.

    :param is_action: true for the action step, false for a review, None for a task without a request.
    :param offboarding: for tasks about a leaver: person, source app and last day.
    """

    id: str
    type: str
    created_at: str
    updated_at: str
    status: str = PENDING
    is_action: bool | None = None
    is_autoprovisioning: bool = False
    assigned_id: str | None = None
    claimer_ids: list[str] = field(default_factory=list)
    executed_by: str | None = None
    request_id: str | None = None
    snoozed_till: str | None = None
    offboarding: tuple[str, str, str] | None = None


@dataclass(slots=True)
class Review:
    """An access review campaign."""

    id: str
    name: str
    description: str | None
    reviewer: str
    due_date: str
    app_ids: list[str]
    created_by: str
