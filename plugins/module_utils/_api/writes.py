# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes of the API: a function for each, which returns a step, or steps, as data.

Sources are the vendor's reference pages, as in C(catalog.py). None of them says what 400 and 409 mean.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .catalog import (
    APPS,
    GROUPS,
    INFERRED,
    REQUEST_TYPES,
    REQUESTS,
    REVIEWERS,
    ROOT,
    StatusTable,
    accesses,
    custom_fields,
    describe_target,
    is_synced,
    members,
    named,
    path,
    person,
    task,
)
from .operations import (
    Effect,
    Key,
    KeyedValue,
    Phase,
    Postcondition,
    Precondition,
    ReadResult,
    RowsPresent,
    Step,
    is_usable_id,
    member,
)
from .text import pluralize, printable, summarize

Row = Mapping[str, Any]

#: The page of the operation lists a conflict without a reason.
_CONFLICTS = {
    409: "The service does not document this conflict. If the policy is already assigned, use `enforce: on_change` "
    "with `ledger_path`, which skips such policies. If the policy is for another request type, name a different "
    "policy."
}
#: It is not documented which of the two forms the service accepts.
_FORMS = {
    400: "Correct what the server names. For people and choices it may accept only the name that Cakewalk shows, "
    "or only the id."
}


#: What to do about a refusal to change a synced group.
_SYNCED = {
    400: "Change it in the source directory of the group.",
    403: "Change it in the source directory of the group, unless the key is read-only.",
    409: "Change it in the source directory of the group.",
}


def add_members(group: Row, people: list[Row], acting_user: Row, implicitly_approve: bool) -> Step:
    """Add people to a group with a single request.

    The vendor does not say what happens to people who are members already, so 400 and 409 are confirmed by reading.
    C(implicitlyApproveRequests) is always sent, because its default is not documented.
    """
    ids = [user["id"] for user in people]
    approved = ", their access requests approved at once" if implicitly_approve else ""
    return Step(
        f"add {pluralize(len(ids), 'person', 'people')} to the group {named(group)}{approved}",
        "POST",
        path(GROUPS.path, group["id"], "Users"),
        {"userIds": ids, "triggeredByUserId": acting_user["id"], "implicitlyApproveRequests": implicitly_approve},
        users=tuple(person(user) for user in people),
        postcondition=RowsPresent(members(group), present=_keys(people)),
        hints=_SYNCED if is_synced(group) else {},
        effect=_effect("{people}{be} added to {groups}", people=people, groups=[group]),
    )


def remove_members(group: Row, people: Iterable[Row]) -> list[Step]:
    """Remove people from a group with a request for each person, through the only endpoint that exists.

    The vendor announced that this endpoint is temporary and will be replaced by a bulk endpoint. One day every removal
    may answer 404, so a 404 by itself proves nothing.
    """
    return [
        Step(
            f"remove {printable(person(user))} from the group {named(group)}",
            "DELETE",
            path(GROUPS.path, group["id"], "Users", user["id"]),
            users=(person(user),),
            phase=Phase.REMOVALS,
            postcondition=RowsPresent(members(group), absent=_keys([user])),
            hints=_SYNCED if is_synced(group) else {},
            effect=_effect("{people}{be} removed from {groups}", people=[user], groups=[group]),
        )
        for user in people
    ]


@dataclass(frozen=True)
class RequestExists(Postcondition):
    """A new request exists that asks for the same as the step.

    :param before: the ids of the earlier requests, in lower case.
    """

    request_type: str
    user_id: str
    app_id: str
    level_id: str | None
    before: frozenset[str]

    def holds(self, result: ReadResult) -> bool:
        """Return whether such a request exists, with any status."""
        return self.created_in(result) is not None

    def created_by(self, answer: Any) -> str | None:
        """Return C(requestId) of an answer, unless a request had that id before; it may be wrapped in C(data)."""
        parts = (answer, answer.get("data")) if isinstance(answer, Mapping) else ()
        ids = [
            str(part["requestId"])
            for part in parts
            if isinstance(part, Mapping) and is_usable_id(part.get("requestId"))
        ]
        return next((value for value in ids if value.lower() not in self.before), None)

    def created_in(self, result: ReadResult) -> str | None:
        """Return the id of such a request."""
        return next((row["id"] for row in result.rows if self._is_meant(row)), None)

    def _is_meant(self, row: Row) -> bool:
        return (
            str(row.get("id")).lower() not in self.before
            and row.get("requestType") == self.request_type
            and _same(row.get("targetUserId"), self.user_id)
            and _same(row.get("workAppId"), self.app_id)
            and (self.level_id is None or _same(row.get("permissionLevelId"), self.level_id))
        )


def request_access(
    app: Row, user: Row, level: Row | None, acting_user: Row, purpose: str, before: frozenset[str]
) -> Step:
    """Request access to an app, at a level if the app has any.

    :param purpose: the reason, 1 to 1,024 characters.
    :param before: the ids of all existing requests, to recognize the new one.
    """
    at = f" at the level {named(level)}" if level else ""
    return Step(
        f"request access to the app {named(app)}{at} for {printable(person(user))}",
        "POST",
        f"{ROOT}/Requests/GrantAccess",
        {
            "createdByUserId": acting_user["id"],
            "targetUserId": user["id"],
            "workAppId": app["id"],
            "grantAccessPurpose": purpose,
            **({"permissionLevelId": level["id"]} if level else {}),
        },
        users=(person(user),),
        postcondition=_opened("grant_access", app, user, level, before),
        effect=_effect(
            f"access to {{apps}}{' at {levels}' if level else ''}{{be}} requested for {{people}}",
            apps=[app],
            levels=[level] if level else [],
            people=[user],
        ),
    )


def request_level(app: Row, user: Row, level: Row, acting_user: Row, purpose: str, before: frozenset[str]) -> Step:
    """Request another level for a person who has access, see C(request_access)."""
    body = {"creator": acting_user["id"], "user": user["id"], "app": app["id"], "level": level["id"]}
    return Step(
        f"request the level {named(level)} of the app {named(app)} for {printable(person(user))}",
        "POST",
        f"{ROOT}/Requests/ChangePermission",
        _inferred("change", {**body, "purpose": purpose}),
        users=(person(user),),
        postcondition=_opened("change_permission", app, user, level, before),
        effect=_effect("{levels} of {apps}{be} requested for {people}", levels=[level], apps=[app], people=[user]),
    )


def request_removal(app: Row, user: Row, acting_user: Row, purpose: str, before: frozenset[str]) -> Step:
    """Request the removal of a person's access to an app, see C(request_access)."""
    body = {"creator": acting_user["id"], "user": user["id"], "app": app["id"], "purpose": purpose}
    return Step(
        f"request the removal of the access of {printable(person(user))} to the app {named(app)}",
        "POST",
        f"{ROOT}/Requests/RemoveAccess",
        _inferred("removal", body),
        users=(person(user),),
        phase=Phase.REMOVALS,
        postcondition=_opened("remove_access", app, user, None, before),
        effect=_effect("removal of access to {apps}{be} requested for {people}", apps=[app], people=[user]),
    )


def record_accesses(app: Row, people: Sequence[Row], level: Row | None) -> Step:
    """Record that people have access to an app, without any approval.

    The index page says "create or update", the page itself "create". The effect on another level is not documented.
    """
    at = f" at the level {named(level)}" if level else ""
    level_id = {"permissionLevelId": level["id"]} if level else {}
    return Step(
        f"record access to the app {named(app)}{at} for {pluralize(len(people), 'person', 'people')}, past approval",
        "POST",
        f"{ROOT}/WorkApps/Accesses",
        {"data": [{"workAppId": app["id"], "userId": user["id"], **level_id} for user in people]},
        users=tuple(person(user) for user in people),
        postcondition=RowsPresent(
            accesses(app),
            present=frozenset((user["id"].lower(), level["id"].lower() if level else "") for user in people),
        ),
        effect=_effect(
            f"access to {{apps}}{' at {levels}' if level else ''}{{be}} recorded for {{people}}",
            apps=[app],
            levels=[level] if level else [],
            people=people,
        ),
    )


def assign_policy(
    app: Row, level: Row | None, request_type: str, policy: Row, changes: bool, ledger_entry: KeyedValue | None = None
) -> Step:
    """Assign a policy to a request type of an app, or of one of its levels.

    The API cannot list assigned policies, so a refusal is a failure, whatever it means.

    :param request_type: its name in options.
    :param changes: whether another policy is assigned now, or the assigned policy is unknown.
    """
    under = ["PermissionLevels", level["id"]] if level else []
    target = f"{request_type} at {level.get('name') or level['id']}" if level else request_type
    return Step(
        f"assign the policy {named(policy)} to {describe_target(app, level, request_type)}",
        "PUT",
        path(APPS.path, app["id"], *under, "Policies", REQUEST_TYPES[request_type]),
        {"policyId": policy["id"]},
        phase=Phase.POLICIES,
        changes=changes,
        ledger_entry=ledger_entry,
        effect=_effect(
            "{policies}{be} assigned to {targets} of {apps}",
            policies=[policy],
            targets=[{"id": target, "name": target}],
            apps=[app],
        ),
        hints=_CONFLICTS,
    )


@dataclass(frozen=True)
class FieldsEqual(Postcondition):
    """Custom fields have these values: by field id a text, which is the label or the id behind it, or C(None)."""

    values: tuple[tuple[str, str | None], ...]

    def holds(self, result: ReadResult) -> bool:
        """Return whether every field has its value."""
        return not self._differing(result)

    def explain(self, result: ReadResult) -> str:
        """Return the values of the fields that differ."""
        return summarize(
            _shown(row) if row else f"the field {printable(identifier)} does not exist"
            for identifier, row in self._differing(result).items()
        )

    def _differing(self, result: ReadResult) -> dict[str, Row | None]:
        """Return the fields that differ, by id; C(None) for a missing field."""
        rows = {str(row["id"]).lower(): row for row in result.rows}
        found = [(identifier, rows.get(identifier.lower()), value) for identifier, value in self.values]
        return {identifier: row for identifier, row, value in found if row is None or not has_value(row, value)}


def _shown(field: Row) -> str:
    value = shown_value(field)
    return f"{named(field)} has no value" if value in (None, "") else f"{named(field)} is {printable(value)!r}"


def shown_value(field: Row) -> Any:
    """Return the text of a custom field, or the id behind it if it has no text."""
    value, identifier = field.get("value"), field.get("guidValue")
    return identifier if value in (None, "") and identifier is not None else value


def has_value(field: Row, value: str | None) -> bool:
    """Return whether a custom field has a value: its text, or the id behind it (of a person, of a choice).

    :param value: C(None) means no value.
    """
    shown = (field.get("value"), field.get("guidValue"))
    if value is None:
        return shown[0] in (None, "") and shown[1] is None
    return value == shown[0] or _same(shown[1], value)


def set_custom_fields(
    app: Row,
    values: Mapping[str, str | None],
    names: Collection[str],
    changes: bool = True,
) -> Step:
    """Set custom fields of an app with a single request, and read them back.

    :param values: by field id; C(None) clears a field.
    :param names: the names of the fields, for messages.
    """
    return Step(
        f"set {summarize(repr(printable(name, 80)) for name in names)} of the app {named(app)}",
        "PATCH",
        path(APPS.path, app["id"], "CustomFields"),
        {"customFields": [{"id": identifier, "value": value} for identifier, value in values.items()]},
        postcondition=FieldsEqual(custom_fields(app), tuple(values.items())),
        effect=_effect(
            "{fields} of {apps}{be} changed",
            fields=[{"id": f"{app['id']}/{name}", "name": name} for name in names],
            apps=[app],
        ),
        changes=changes,
        hints=_FORMS,
    )


@dataclass(frozen=True)
class TaskHasState(Postcondition):
    """A task has a status that means the wanted state."""

    state: str
    statuses: StatusTable

    def holds(self, result: ReadResult) -> bool:
        """Return whether the status means the wanted state."""
        return all(self.statuses.class_of(row.get("status")) == self.state for row in result.rows)

    def explain(self, result: ReadResult) -> str:
        """Return the status of the task, and how to make an unknown status word known."""
        (status,) = (row.get("status") for row in result.rows)
        if self.statuses.class_of(status) is None:
            where = f"known_statuses.{self.statuses.of}.{self.state}"
            return f"its status is {printable(status)!r}; if that counts as such, list it under `{where}`"
        return f"its status is {printable(status)!r}"


#: The members that define a task: if one of them changes, somebody else worked on the task.
TASK_FACTS = (
    "status",
    "type",
    "isActionStep",
    "isAutoprovisioning",
    "snoozedTill",
    "assignedUser.id",
    "offboardingMetadata.targetUser.id",
    "request.id",
    "request.requestType",
    "request.requestStatus",
    "request.cancelledByUserId",
    "request.targetUserId",
    "request.workAppId",
    "request.permissionLevelId",
    "request.requestedByUserId",
)


#: The last segment of the path, by state.
_DECISIONS = {"approved": "Approve", "declined": "Decline"}


def decide_task(
    row: Row, state: str, statuses: StatusTable, description: str, users: tuple[str, ...] = (), title: str = ""
) -> Step:
    """Approve or decline a task if it did not change since it was read, and read it again afterwards.

    The pages of these two operations show no body, so none is sent. It is not known which person the vendor records as
    the approver.

    :param row: the task as it was read.
    :param state: C(approved) or C(declined).
    :param statuses: the status words that mean these states.
    :param description: the subject of the task, for messages.
    :param title: the subject in few words.
    :param users: the people concerned.
    """
    resource = task(row["id"])
    removes = state == "approved" and member(row, "request.requestType") == REQUEST_TYPES["remove_access"]
    return Step(
        f"{_DECISIONS[state].lower()} {resource.what}, {description}",
        "POST",
        path(resource.path, _DECISIONS[state]),
        users=users,
        phase=Phase.REMOVALS if removes else Phase.ADDITIONS,
        postcondition=TaskHasState(resource, state, statuses),
        effect=_effect(f"{{tasks}}{{be}} {state}", tasks=[{"id": row["id"], "name": title}]),
        precondition=Precondition(resource, tuple((name, member(row, name)) for name in TASK_FACTS)),
    )


def start_review(
    name: str,
    description: str | None,
    reviewer: str,
    due: str,
    apps: Sequence[Row] | None,
    acting_user: Row,
    ledger_entry: KeyedValue | None,
) -> Step:
    """Start an access review.

    The API cannot list reviews. The page says that names are unique, so a conflict may mean this review or another one
    of the same name. Either way nothing was started, so the conflict is ignored.

    :param reviewer: its name in options.
    :param due: a time in ISO format.
    :param apps: C(None) means all apps, for which the vendor expects an empty list.
    """
    of = "all apps" if apps is None else pluralize(len(apps), "app", "apps")
    body = {
        "name": name,
        "accessReviewType": REVIEWERS[reviewer],
        "dueDate": due,
        "workAppIds": [app["id"] for app in apps or ()],
        "createdByUserId": acting_user["id"],
    }
    return Step(
        f"start the access review {printable(name)!r} of {of}",
        "POST",
        f"{ROOT}/AccessReviews",
        {**body, **({"description": description} if description is not None else {})},
        ignored_statuses=frozenset({409}),
        ledger_entry=ledger_entry,
        effect=_effect(
            f"the access review {{reviews}}{{be}} started for {'all apps' if apps is None else '{apps}'}",
            reviews=[{"id": name, "name": name}],
            apps=apps or (),
        ),
    )


def _effect(clause: str, **things: Iterable[Row]) -> Effect:
    """Return an effect on things; people are named by their addresses."""
    return Effect(
        clause,
        {
            kind: {
                row["id"].lower(): person(row) if kind == "people" else str(row.get("name") or row["id"])
                for row in rows
            }
            for kind, rows in things.items()
        },
    )


def _opened(request_type: str, app: Row, user: Row, level: Row | None, before: frozenset[str]) -> RequestExists:
    level_id = level["id"] if level else None
    return RequestExists(REQUESTS, REQUEST_TYPES[request_type], user["id"], app["id"], level_id, before)


def _inferred(body: str, values: Mapping[str, str]) -> dict[str, str]:
    return {INFERRED[f"{body}.{name}"].name: value for name, value in values.items()}


def _keys(rows: Iterable[Row]) -> frozenset[Key]:
    return frozenset((row["id"].lower(),) for row in rows)


def _same(one: object, other: str) -> bool:
    """Return whether two ids are equal; case is ignored."""
    return isinstance(one, str) and one.lower() == other.lower()
