# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes behind the client's back: what people do in the vendor's interface, or what directory sync brings.

People are named by id or e-mail, groups, apps, levels and custom fields by id or name, requests, tasks and policies by
id; where several bear a name, the first is meant.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from . import accesses, approval, contract, custom_fields
from .contract import Operation
from .problem import Problem
from .records import PENDING, USER_STATUSES, App, CustomField, Group, Level, User
from .state import State

Row = TypeVar("Row")


def add_member(state: State, group: str, user: str) -> None:
    """Make somebody a member of any group, also a synced one, without requests."""
    _group(state, group).members[_user(state, user).id] = None


def remove_member(state: State, group: str, user: str) -> None:
    """End a membership of any group."""
    _group(state, group).members.pop(_user(state, user).id, None)


def set_status(state: State, user: str, status: str) -> None:
    """Give somebody another status."""
    if status not in USER_STATUSES:
        raise ValueError(f"unknown status {status!r}; known are {', '.join(USER_STATUSES)}")
    _user(state, user).status = status


def set_email(state: State, user: str, email: str) -> None:
    """Give somebody another e-mail address."""
    _user(state, user).email = email


def insert_user(state: State, email: str, name: str = "Nora Newcomer", group: str | None = None) -> None:
    """Put a new person at the front of the directory, and of a group if one is named, so that all others move on."""
    newcomer = User(state.next_identifier("user"), name, email)
    state.users = {newcomer.id: newcomer, **state.users}
    if group:
        joined = _group(state, group)
        joined.members = {newcomer.id: None, **joined.members}


def delete_user(state: State, user: str) -> None:
    """Take somebody who has no requests, tasks, apps or reports out of the directory and of all groups and apps."""
    gone = _user(state, user)
    holds = (
        *(row.owner_id for row in state.apps.values()),
        *(row.manager_id for row in state.users.values()),
        *(identifier for row in state.requests.values() for identifier in (row.requested_by, row.target_id)),
        *(row.assigned_id for row in state.tasks.values()),
    )
    if gone.id in holds:
        raise ValueError(f"{gone.email} has requests, tasks, apps or reports and cannot be deleted")
    del state.users[gone.id]
    for one in state.groups.values():
        one.members.pop(gone.id, None)
    for app in state.apps.values():
        _take_access(state, app, gone)


def rename_group(state: State, group: str, name: str) -> None:
    """Give a group another name."""
    _group(state, group).name = name


def rename_user(state: State, user: str, name: str) -> None:
    """Give somebody another name."""
    _user(state, user).name = name


def rename_app(state: State, app: str, name: str) -> None:
    """Give an app another name."""
    _app(state, app).name = name


def rename_level(state: State, app: str, level: str, name: str) -> None:
    """Give a permission level another name."""
    _level(_app(state, app), level).name = name


def rename_field(state: State, field: str, name: str) -> None:
    """Give a custom field another name."""
    _field(state, field).name = name


def delete_group(state: State, group: str) -> None:
    """Delete a group."""
    del state.groups[_group(state, group).id]


def add_access(state: State, app: str, user: str) -> None:
    """Give somebody access at the app's default level."""
    target, receiver = _app(state, app), _user(state, user)
    target.accesses.setdefault(receiver.id, [accesses.default_level(target)])
    state.late.forget(target, receiver.id)


def remove_access(state: State, app: str, user: str) -> None:
    """Take access away."""
    _take_access(state, _app(state, app), _user(state, user))


def delete_level(state: State, app: str, level: str) -> None:
    """Delete a permission level that no open request is about; whoever holds it holds it no more."""
    owner = _app(state, app)
    gone = _level(owner, level)
    if any(row.level_id == gone.id and row.status == PENDING for row in state.requests.values()):
        raise ValueError(f"open requests are about {gone.name}, so it cannot be deleted")
    del owner.levels[gone.id]
    left = {user_id: [one for one in held if one != gone.id] for user_id, held in owner.accesses.items()}
    owner.accesses = {user_id: held for user_id, held in left.items() if held}


def delete_policy(state: State, policy: str) -> None:
    """Delete a policy that is not a global one; apps and levels go back to what holds without it."""
    gone = _named(state.policies.values(), lambda row: (row.id,), policy)
    if gone.is_global:
        raise ValueError(f"{gone.name} is the global policy of {gone.request_type} and cannot be deleted")
    del state.policies[gone.id]
    for app in state.apps.values():
        for slot in (app, *app.levels.values()):
            slot.policies = {kind: one for kind, one in slot.policies.items() if one != gone.id}


def set_field(state: State, app: str, field: str, value: str | None) -> None:
    """Give a custom field of an app another value, people and choices by id or label; null clears it."""
    custom_fields.update(state, _app(state, app), [{"id": _field(state, field).id, "value": value}], "either")


def open_request(
    state: State,
    kind: str,
    app: str,
    user: str,
    level: str | None = None,
    by: str | None = None,
    purpose: str = "Asked for in the interface",
) -> None:
    """Open a request the way the API does: C(grant), C(remove) or C(change), by somebody, or the person concerned.

    A grant without a level is for the default one.
    """
    opening = {"grant": accesses.request_grant, "remove": accesses.request_removal, "change": accesses.request_change}
    if kind not in opening or (kind == "change" and level is None):
        raise ValueError(f"the kind is one of {', '.join(opening)}, and change needs a level; not {kind!r}")
    about, target = _app(state, app), _user(state, user)
    level_id = _level(about, level).id if level else accesses.default_level(about)
    opening[kind](
        state,
        {
            "createdByUserId": _user(state, by).id if by else target.id,
            "targetUserId": target.id,
            "workAppId": about.id,
            "permissionLevelId": level_id,
            "grantAccessPurpose": purpose,
        },
    )


def request_archive(state: State, app: str, user: str) -> None:
    """Have somebody ask that a managed app be archived."""
    accesses.request_archive(state, _app(state, app), _user(state, user))


def request_new_app(state: State, app: str, user: str) -> None:
    """Have somebody ask that an app be managed."""
    accesses.request_new_app(state, _app(state, app), _user(state, user))


def decide_task(state: State, task: str, verdict: str) -> None:
    """C(approve) or C(decline) a task."""
    deciding = {"approve": approval.approve, "decline": approval.decline}
    if verdict not in deciding:
        raise ValueError(f"the verdict is one of {', '.join(deciding)}, not {verdict!r}")
    deciding[verdict](state, state.task(task))


def decide_requests(state: State, app: str, user: str, verdict: str) -> None:
    """C(approve) all that is left of each open request about somebody and an app, or C(decline) it where it stands."""
    about = (_app(state, app).id, _user(state, user).id)
    for request in [row for row in state.requests.values() if (row.app_id, row.target_id) == about]:
        while request.status == PENDING:
            decide_task(state, request.task_ids[-1], verdict)


def cancel_request(state: State, request: str, user: str) -> None:
    """Withdraw a request in somebody's name."""
    approval.cancel(state, _named(state.requests.values(), lambda row: (row.id,), request), _user(state, user).id)


def snooze_task(state: State, task: str, until: str) -> None:
    """Put a task off until a time in ISO form."""
    state.task(task).snoozed_till = until


def share_task(state: State, task: str, user: str) -> None:
    """Assign a task to somebody else as well, whose list shows it then."""
    state.tasks_of.setdefault(_user(state, user).id, []).append(state.task(task).id)


def claim_task(state: State, task: str, user: str) -> None:
    """Let somebody say that a task is theirs."""
    state.task(task).claimer_ids.append(_user(state, user).id)


#: All changes by name.
CHANGES: dict[str, Callable[..., None]] = {
    change.__name__: change
    for change in (
        add_member,
        remove_member,
        set_status,
        set_email,
        insert_user,
        delete_user,
        rename_group,
        rename_user,
        rename_app,
        rename_level,
        rename_field,
        delete_group,
        add_access,
        remove_access,
        delete_level,
        delete_policy,
        set_field,
        open_request,
        request_archive,
        request_new_app,
        decide_task,
        decide_requests,
        cancel_request,
        snooze_task,
        claim_task,
        share_task,
    )
}


@dataclass
class Change:
    """A change that waits until C(after) requests of C(operation) (C(*) for any) have been answered."""

    name: str
    arguments: dict[str, Any]
    operation: str = "*"
    after: int = 0

    @classmethod
    def parse(cls, wish: dict[str, Any]) -> Change:
        """Read a change: C(change), C(operation), C(after), and the arguments of the change.

        :raises ValueError: for one that does not exist.
        """
        rest = dict(wish)
        change = cls(rest.pop("change", ""), rest, rest.pop("operation", "*"), rest.pop("after", 0))
        if change.name not in CHANGES:
            raise ValueError(f"unknown change {change.name!r}; known are {', '.join(CHANGES)}")
        if change.operation != "*" and change.operation not in contract.operations():
            raise ValueError(f"unknown operation {change.operation!r}")
        try:
            inspect.signature(CHANGES[change.name]).bind(None, **change.arguments)
        except TypeError as error:
            raise ValueError(f"{change.name}: {error}") from None
        return change

    def make(self, state: State) -> None:
        """Make it.

        :raises ValueError: if its arguments name nothing.
        """
        CHANGES[self.name](state, **self.arguments)


@dataclass
class Changes:
    """All changes that wait for requests."""

    waiting: list[Change] = field(default_factory=list)

    def add(self, wishes: list[dict[str, Any]], state: State) -> None:
        """Make changes now, or have them wait.

        :raises ValueError: for one that does not exist or whose arguments are wrong.
        """
        for change in [Change.parse(wish) for wish in wishes]:
            if change.after:
                self.waiting.append(change)
            else:
                change.make(state)

    def answered(self, operation: Operation, state: State) -> None:
        """Count an answered request, and make the changes that waited for it."""
        for change in [change for change in self.waiting if change.operation in ("*", operation.id)]:
            change.after -= 1
            if not change.after:
                self.waiting.remove(change)
                # Something that the service would refuse by now does not happen.
                with suppress(Problem):
                    change.make(state)


def _user(state: State, reference: str) -> User:
    return _named(state.users.values(), lambda user: (user.id, user.email), reference)


def _group(state: State, reference: str) -> Group:
    return _named(state.groups.values(), lambda group: (group.id, group.name), reference)


def _app(state: State, reference: str) -> App:
    return _named(state.apps.values(), lambda app: (app.id, app.name), reference)


def _field(state: State, reference: str) -> CustomField:
    return _named(state.fields.values(), lambda row: (row.id, row.name), reference)


def _level(app: App, reference: str) -> Level:
    return _named(app.levels.values(), lambda level: (level.id, level.name), reference)


def _take_access(state: State, app: App, user: User) -> None:
    app.accesses.pop(user.id, None)
    state.late.forget(app, user.id)


def _named(rows: Iterable[Row], names: Callable[[Row], tuple[str, ...]], reference: str) -> Row:
    for row in rows:
        if reference in names(row):
            return row
    raise ValueError(f"nothing is named {reference!r}")
