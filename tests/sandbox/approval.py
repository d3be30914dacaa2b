# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The approval engine: a request is reviewed step by step, then carried out, each step being a task.

Steps come from the policy in force. A step has one reviewer: the manager of whom it is about, the app's owner or an
admin, and an admin where the first two do not exist. A request about an app itself (archive it, manage it) has no
target user; there, as a guess, the manager is the asker's. Nobody reviews as manager of a General Manager: such a step
is approved by itself (concepts page on roles). The action step is the app owner's; without an owner it is nobody's.

The vendor's agent has the action steps of accesses to apps with automatic provisioning. What comes of them and when is
not known, so the dialect decides. Claims and snoozes only say who means to do a task, and when: it can be decided all
the same.
"""

from __future__ import annotations

from .problem import Problem
from .records import APPROVED, ARCHIVE, CANCELLED, CHANGE, DECLINED, GRANT, NEW_APP, PENDING, App, Request, Task, User
from .state import State


def start(state: State, request: Request) -> None:
    """Enter a request and ask its first reviewer."""
    state.add_request(request)
    _advance(state, request)


def approve(state: State, task: Task, by: str | None = None) -> None:
    """Approve a task: the next step follows, or the access changes when it was the last.

    :param by: who did it; the assignee where nobody is named, since whom the vendor records is not known.
    """
    _decide(state, task, APPROVED, by)
    if task.request_id:
        request = state.requests[task.request_id]
        if task.is_action:
            _close(state, request, APPROVED)
            _carry_out(state, request)
        else:
            _advance(state, request)


def decline(state: State, task: Task) -> None:
    """Decline a task, and with it its request."""
    _decide(state, task, DECLINED, None)
    if task.request_id:
        _close(state, state.requests[task.request_id], DECLINED)


def approve_at_once(state: State, request: Request, by: str, carry_out: bool) -> None:
    """Approve all that is left of a request; without C(carry_out) its action step stays to be done."""
    while request.status == PENDING:
        task = state.tasks[request.task_ids[-1]]
        if task.is_action and not carry_out:
            return
        approve(state, task, by)


def cancel(state: State, request: Request, by: str) -> None:
    """Withdraw a request; the API offers no way to, people do it in the interface."""
    if request.status != PENDING:
        raise Problem(409, f"The request is {request.status} already.")
    request.cancelled_by = by
    _close(state, request, CANCELLED)


def _decide(state: State, task: Task, verdict: str, by: str | None) -> None:
    if task.status != PENDING:
        raise Problem(409, f"The task is {task.status}; only a pending task can be decided.")
    task.status = verdict
    task.executed_by = by or task.assigned_id
    task.updated_at = state.now()


def _advance(state: State, request: Request) -> None:
    while request.steps_left:
        step = request.steps_left.pop(0)
        task = _add_step(state, request, _reviewer(state, request, step), is_action=False)
        if not (step == "Manager" and _subject(state, request).role == "General Manager"):
            return
        _decide(state, task, APPROVED, None)
    app = state.apps[request.app_id]
    task = _add_step(state, request, app.owner_id, is_action=True)
    is_the_agents = app.autoprovisions and request.target_id is not None
    task.is_autoprovisioning = is_the_agents and state.dialect.agent != "falls_back"
    state.events.append({"eventType": "action_task.actionable", "data": _event(state, request, task)})
    if is_the_agents and state.dialect.agent == "carries_out":
        approve(state, task)


def _add_step(state: State, request: Request, assigned_id: str | None, is_action: bool) -> Task:
    now = state.now()
    task = Task(
        id=state.identifier("task", request.id, len(request.task_ids)),
        type=f"{request.type.removesuffix('Request')}{'ActionTask' if is_action else 'ReviewTask'}",
        created_at=now,
        updated_at=now,
        is_action=is_action,
        assigned_id=assigned_id,
        request_id=request.id,
    )
    request.task_ids.append(task.id)
    request.updated_at = now
    state.add_task(task)
    return task


def _reviewer(state: State, request: Request, step: str) -> str | None:
    candidates = {
        "Manager": _subject(state, request).manager_id,
        "WorkAppOwner": state.apps[request.app_id].owner_id,
    }
    return candidates.get(step) or _first_admin(state)


def _subject(state: State, request: Request) -> User:
    return state.users[request.target_id or request.requested_by]


def _first_admin(state: State) -> str | None:
    return next((user.id for user in state.users.values() if user.role == "Admin" and user.status == "Active"), None)


def _close(state: State, request: Request, verdict: str) -> None:
    request.status = verdict
    request.updated_at = state.now()
    for task in (state.tasks[identifier] for identifier in request.task_ids):
        if task.status == PENDING:
            task.status = CANCELLED
            task.updated_at = request.updated_at


def _carry_out(state: State, request: Request) -> None:
    app = state.apps[request.app_id]
    if request.target_id:
        _change_access(state, request, app, request.target_id)
    else:
        app.status = {ARCHIVE: "Archived", NEW_APP: "Managed"}[request.type]


def _change_access(state: State, request: Request, app: App, user_id: str) -> None:
    """Give, replace or take levels. Only the new level is named in a request, so these are guesses about people with
    several: a grant adds one, a change puts one in the place of all, a removal takes all."""
    if state.dialect.access_delay == "late":
        state.late.keep(app, user_id)
    held = app.accesses.get(user_id, [])
    if request.type == GRANT:
        app.accesses[user_id] = [*held, *({request.level_id} - set(held))]
    elif request.type == CHANGE:
        app.accesses[user_id] = [request.level_id]
    else:
        app.accesses.pop(user_id, None)


def _event(state: State, request: Request, task: Task) -> dict[str, object]:
    """Return the data of an C(action_task.actionable) webhook."""
    app = state.apps[request.app_id]
    level = app.levels.get(request.level_id or "")
    group = state.groups.get(request.source_id or "")
    reviewers = {state.tasks[identifier].executed_by for identifier in request.task_ids if identifier != task.id}
    return {
        "taskId": task.id,
        "assignedTo": [_person(state.users[task.assigned_id])] if task.assigned_id else [],
        "requestMetadata": {
            "reviewedBy": [_person(state.users[identifier]) for identifier in sorted(filter(None, reviewers))],
            "requestType": request.type,
            "requestedBy": _person(state.users[request.requested_by]),
            "targetWorkApp": {"id": app.id, "name": app.name},
            "permissionLevel": {"id": level.id, "name": level.name} if level else None,
            "targetUser": _person(state.users[request.target_id]) if request.target_id else None,
            "triggeredByUsersGroup": {"id": group.id, "name": group.name} if group else None,
        },
    }


def _person(user: User) -> dict[str, str]:
    return {"id": user.id, "email": user.email, "fullName": user.name}
