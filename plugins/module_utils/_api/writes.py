# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be written: a function for each, which returns the step, or the steps, as data.

Sources are the vendor's reference pages, as in C(catalog.py). None of them says what 400 and 409 mean, so a step that
reading can prove takes them as doubtful.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
    members,
    named,
    path,
    slot_words,
    task,
    who,
)
from .operations import Key, KeyedValue, Phase, Postcondition, Precondition, ReadResult, RowsPresent, Step, member
from .text import pluralize, printable, summarize

Row = Mapping[str, Any]

_ALREADY = frozenset({400, 409})
_GONE_ALREADY = frozenset({400, 404, 409})
#: The page of the operation lists a conflict and does not say what it is.
_CONFLICTS = {
    409: "The service does not document this conflict. If it means that the policy is assigned already, let enforce: "
    "on_change with ledger_path skip what was assigned before. If the policy is for another request type, name another."
}
#: Which of the two forms the service takes is not documented.
_FORMS = {
    400: "Correct what the server names. It may take people and choices in one form only: as Cakewalk shows them, or "
    "by the id behind them."
}


def add_members(group: Row, people: list[Row], acting_user: Row, implicitly_approve: bool) -> Step:
    """Add people to a group, all in one request.

    The vendor does not say what happens to those who are members already, so 400 and 409 are confirmed by reading.
    C(implicitlyApproveRequests) is always sent, since its default is not documented.
    """
    ids = [person["id"] for person in people]
    approved = ", their access requests approved at once" if implicitly_approve else ""
    return Step(
        f"add {pluralize(len(ids), 'person', 'people')} to the group {named(group)}{approved}",
        "POST",
        path(GROUPS.path, group["id"], "Users"),
        {"userIds": ids, "triggeredByUserId": acting_user["id"], "implicitlyApproveRequests": implicitly_approve},
        users=tuple(who(person) for person in people),
        ambiguous_statuses=_ALREADY,
        postcondition=RowsPresent(members(group), present=_keys(people)),
    )


def remove_members(group: Row, people: Iterable[Row]) -> list[Step]:
    """Remove people from a group.

    One request each, through the only endpoint there is. The vendor announced it as temporary, to be replaced by one
    for many people at once; then this function returns one step. Because one day every removal may answer 404, that
    settles nothing by itself.
    """
    return [
        Step(
            f"remove {printable(who(person))} from the group {named(group)}",
            "DELETE",
            path(GROUPS.path, group["id"], "Users", person["id"]),
            users=(who(person),),
            phase=Phase.REMOVALS,
            ambiguous_statuses=_GONE_ALREADY,
            postcondition=RowsPresent(members(group), absent=_keys([person])),
        )
        for person in people
    ]


@dataclass(frozen=True)
class RequestExists(Postcondition):
    """The proof that a request was opened: one that was not there before asks for the same.

    :param before: the ids of the requests that were there, in lower case.
    """

    request_type: str
    user_id: str
    app_id: str
    level_id: str | None
    before: frozenset[str]

    def holds(self, result: ReadResult) -> bool:
        """Tell whether there is such a request, whatever became of it since."""
        return any(self._is_meant(row) for row in result.rows)

    def _is_meant(self, row: Row) -> bool:
        return (
            str(row.get("id")).lower() not in self.before
            and row.get("requestType") == self.request_type
            and _same(row.get("targetUserId"), self.user_id)
            and _same(row.get("workAppId"), self.app_id)
            and (self.level_id is None or _same(row.get("permissionLevelId"), self.level_id))
        )


def request_access(
    app: Row, person: Row, level: Row | None, acting_user: Row, purpose: str, before: frozenset[str]
) -> Step:
    """Ask for access to an app, at a level where the app has any.

    :param purpose: why, 1 to 1,024 characters.
    :param before: the ids of all requests that there are, by which a new one is told apart.
    """
    at = f" at the level {named(level)}" if level else ""
    return Step(
        f"request access to the app {named(app)}{at} for {printable(who(person))}",
        "POST",
        f"{ROOT}/Requests/GrantAccess",
        {
            "createdByUserId": acting_user["id"],
            "targetUserId": person["id"],
            "workAppId": app["id"],
            "grantAccessPurpose": purpose,
            **({"permissionLevelId": level["id"]} if level else {}),
        },
        users=(who(person),),
        ambiguous_statuses=_ALREADY,
        postcondition=_opened("grant_access", app, person, level, before),
    )


def request_level(app: Row, person: Row, level: Row, acting_user: Row, purpose: str, before: frozenset[str]) -> Step:
    """Ask for another level for somebody who has access, see C(request_access)."""
    body = {"creator": acting_user["id"], "user": person["id"], "app": app["id"], "level": level["id"]}
    return Step(
        f"request the level {named(level)} of the app {named(app)} for {printable(who(person))}",
        "POST",
        f"{ROOT}/Requests/ChangePermission",
        _inferred("change", {**body, "purpose": purpose}),
        users=(who(person),),
        ambiguous_statuses=_ALREADY,
        postcondition=_opened("change_permission", app, person, level, before),
    )


def request_removal(app: Row, person: Row, acting_user: Row, purpose: str, before: frozenset[str]) -> Step:
    """Ask for the removal of all access to an app, see C(request_access)."""
    body = {"creator": acting_user["id"], "user": person["id"], "app": app["id"], "purpose": purpose}
    return Step(
        f"request the removal of the access of {printable(who(person))} to the app {named(app)}",
        "POST",
        f"{ROOT}/Requests/RemoveAccess",
        _inferred("removal", body),
        users=(who(person),),
        phase=Phase.REMOVALS,
        ambiguous_statuses=_ALREADY,
        postcondition=_opened("remove_access", app, person, None, before),
    )


def record_accesses(app: Row, people: Sequence[Row], level: Row | None) -> Step:
    """Record that people have access to an app, past all approval.

    The index page says create or update, the page itself create; what becomes of another level is not documented.
    """
    at = f" at the level {named(level)}" if level else ""
    level_id = {"permissionLevelId": level["id"]} if level else {}
    return Step(
        f"record access to the app {named(app)}{at} for {pluralize(len(people), 'person', 'people')}, past approval",
        "POST",
        f"{ROOT}/WorkApps/Accesses",
        {"data": [{"workAppId": app["id"], "userId": person["id"], **level_id} for person in people]},
        users=tuple(who(person) for person in people),
        ambiguous_statuses=_ALREADY,
        postcondition=RowsPresent(
            accesses(app),
            present=frozenset((person["id"].lower(), level["id"].lower() if level else "") for person in people),
        ),
    )


def assign_policy(
    app: Row, level: Row | None, request_type: str, policy: Row, changes: bool, ledger_entry: KeyedValue | None = None
) -> Step:
    """Have a policy govern a request type, for an app or for one of its levels.

    Nothing reads the assignment back (no page shows it), so a refusal is a failure, whatever it means.

    :param request_type: as options call it.
    :param changes: whether something else is known to govern it now, or nothing is known.
    """
    under = ["PermissionLevels", level["id"]] if level else []
    return Step(
        f"assign the policy {named(policy)} to {slot_words(app, level, request_type)}",
        "PUT",
        path(APPS.path, app["id"], *under, "Policies", REQUEST_TYPES[request_type]),
        {"policyId": policy["id"]},
        phase=Phase.POLICIES,
        changes=changes,
        ledger_entry=ledger_entry,
        hints=_CONFLICTS,
    )


@dataclass(frozen=True)
class FieldsEqual(Postcondition):
    """The proof that custom fields have values: by field id the text, found in the label or in the id behind it, or
    C(None) for none."""

    values: tuple[tuple[str, str | None], ...]

    def holds(self, result: ReadResult) -> bool:
        """Tell whether every field has its value."""
        return not self._otherwise(result)

    def explain(self, result: ReadResult) -> str:
        """Return what the fields show that do not have their values."""
        return summarize(
            _shown(row) if row else f"there is no field {printable(identifier)}"
            for identifier, row in self._otherwise(result).items()
        )

    def _otherwise(self, result: ReadResult) -> dict[str, Row | None]:
        """Return the fields that do not have their values, by id; C(None) for one that is not there."""
        rows = {str(row["id"]).lower(): row for row in result.rows}
        found = [(identifier, rows.get(identifier.lower()), value) for identifier, value in self.values]
        return {identifier: row for identifier, row, value in found if row is None or not has_value(row, value)}


def _shown(field: Row) -> str:
    value = field.get("value")
    return f"{named(field)} has no value" if value in (None, "") else f"{named(field)} is {printable(value)!r}"


def has_value(field: Row, value: str | None) -> bool:
    """Tell whether a custom field has a value: its text, or the id behind it (of a person, of a choice).

    :param value: C(None) for none at all.
    """
    shown = (field.get("value"), field.get("guidValue"))
    if value is None:
        return shown[0] in (None, "") and shown[1] is None
    return value == shown[0] or _same(shown[1], value)


def set_custom_fields(
    app: Row,
    values: Mapping[str, str | None],
    names: Iterable[str],
    needs_confirmation: bool = True,
    changes: bool = True,
) -> Step:
    """Set custom fields of an app, all in one request, and read them back.

    :param values: by field id; C(None) clears one.
    :param names: what the fields are called.
    """
    return Step(
        f"set {summarize(repr(printable(name, 80)) for name in names)} of the app {named(app)}",
        "PATCH",
        path(APPS.path, app["id"], "CustomFields"),
        {"customFields": [{"id": identifier, "value": value} for identifier, value in values.items()]},
        ambiguous_statuses=_ALREADY,
        postcondition=FieldsEqual(custom_fields(app), tuple(values.items())),
        needs_confirmation=needs_confirmation,
        changes=changes,
        hints=_FORMS,
    )


@dataclass(frozen=True)
class TaskHasState(Postcondition):
    """The proof that a task was decided: its status means the wanted state."""

    state: str
    statuses: StatusTable

    def holds(self, result: ReadResult) -> bool:
        """Tell whether it does."""
        return all(self.statuses.class_of(row.get("status")) == self.state for row in result.rows)

    def explain(self, result: ReadResult) -> str:
        """Return the status that the task has; the word for a decision may be one that nobody listed yet."""
        (status,) = (row.get("status") for row in result.rows)
        if self.statuses.class_of(status) is None:
            where = f"known_statuses.{self.statuses.of}.{self.state}"
            return f"its status is {printable(status)!r}, to be listed under {where} if that is what it means"
        return f"its status is {printable(status)!r}"


#: What decides what a task is about: if one of these changes, somebody else was at it.
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


#: The last segment of the path by the state that it brings about.
_VERDICTS = {"approved": "Approve", "declined": "Decline"}


def decide_task(row: Row, state: str, statuses: StatusTable, description: str, users: tuple[str, ...] = ()) -> Step:
    """Approve or decline a task as it was read, and read it again afterwards.

    The pages of these two operations show no body, so none is sent; whom the vendor records as the one who decided is
    not known.

    :param row: the task as it was read, which it must still be.
    :param state: C(approved) or C(declined).
    :param statuses: which status words show it as decided so.
    :param description: what it is about, in words.
    :param users: whom it concerns.
    """
    resource = task(row["id"])
    removes = state == "approved" and member(row, "request.requestType") == REQUEST_TYPES["remove_access"]
    return Step(
        f"{_VERDICTS[state].lower()} {resource.what}, {description}",
        "POST",
        path(resource.path, _VERDICTS[state]),
        users=users,
        phase=Phase.REMOVALS if removes else Phase.ADDITIONS,
        ambiguous_statuses=_GONE_ALREADY,
        postcondition=TaskHasState(resource, state, statuses),
        needs_confirmation=True,
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

    Nothing reads reviews back. The page says that the name is unique, so a conflict may mean that this very review was
    started before, and may mean another one: it is harmless, and nothing was done.

    :param reviewer: as options call it.
    :param due: a time in ISO form.
    :param apps: which apps; C(None) means all of them, which is an empty list to the vendor.
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
    )


def _opened(request_type: str, app: Row, person: Row, level: Row | None, before: frozenset[str]) -> RequestExists:
    level_id = level["id"] if level else None
    return RequestExists(REQUESTS, REQUEST_TYPES[request_type], person["id"], app["id"], level_id, before)


def _inferred(body: str, values: Mapping[str, str]) -> dict[str, str]:
    return {INFERRED[f"{body}.{name}"].name: value for name, value in values.items()}


def _keys(rows: Iterable[Row]) -> frozenset[Key]:
    return frozenset((row["id"].lower(),) for row in rows)


def _same(one: object, other: str) -> bool:
    """Tell whether two ids are the same; their case does not count."""
    return isinstance(one, str) and one.lower() == other.lower()
