# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes behind the client's back: what people do in the vendor's interface, or what directory sync brings.

People are named by id or e-mail, groups and apps by id or name; where several bear a name, the first is meant.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from . import approval, contract
from .accesses import default_level
from .contract import Operation
from .records import USER_STATUSES, App, Group, User
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
        app.accesses.pop(gone.id, None)


def rename_group(state: State, group: str, name: str) -> None:
    """Give a group another name."""
    _group(state, group).name = name


def delete_group(state: State, group: str) -> None:
    """Delete a group."""
    del state.groups[_group(state, group).id]


def add_access(state: State, app: str, user: str) -> None:
    """Give somebody access at the app's default level."""
    target = _app(state, app)
    target.accesses.setdefault(_user(state, user).id, [default_level(target)])


def remove_access(state: State, app: str, user: str) -> None:
    """Take access away."""
    _app(state, app).accesses.pop(_user(state, user).id, None)


def cancel_request(state: State, request: str, user: str) -> None:
    """Withdraw a request in somebody's name."""
    approval.cancel(state, _named(state.requests.values(), lambda row: (row.id,), request), _user(state, user).id)


def snooze_task(state: State, task: str, until: str) -> None:
    """Put a task off until a time in ISO form."""
    state.task(task).snoozed_till = until


def claim_task(state: State, task: str, user: str) -> None:
    """Let somebody say that a task is theirs."""
    state.task(task).claimer_ids.append(_user(state, user).id)


_CHANGES: dict[str, Callable[..., None]] = {
    change.__name__: change
    for change in (
        add_member,
        remove_member,
        set_status,
        set_email,
        insert_user,
        delete_user,
        rename_group,
        delete_group,
        add_access,
        remove_access,
        cancel_request,
        snooze_task,
        claim_task,
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
        if change.name not in _CHANGES:
            raise ValueError(f"unknown change {change.name!r}; known are {', '.join(_CHANGES)}")
        if change.operation != "*" and change.operation not in contract.operations():
            raise ValueError(f"unknown operation {change.operation!r}")
        try:
            inspect.signature(_CHANGES[change.name]).bind(None, **change.arguments)
        except TypeError as error:
            raise ValueError(f"{change.name}: {error}") from None
        return change

    def make(self, state: State) -> None:
        """Make it.

        :raises ValueError: if its arguments name nothing.
        """
        _CHANGES[self.name](state, **self.arguments)


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
                change.make(state)


def _user(state: State, reference: str) -> User:
    return _named(state.users.values(), lambda user: (user.id, user.email), reference)


def _group(state: State, reference: str) -> Group:
    return _named(state.groups.values(), lambda group: (group.id, group.name), reference)


def _app(state: State, reference: str) -> App:
    return _named(state.apps.values(), lambda app: (app.id, app.name), reference)


def _named(rows: Iterable[Row], names: Callable[[Row], tuple[str, ...]], reference: str) -> Row:
    for row in rows:
        if reference in names(row):
            return row
    raise ValueError(f"nothing is named {reference!r}")
