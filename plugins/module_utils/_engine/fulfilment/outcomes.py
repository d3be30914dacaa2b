# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What came of approval tasks that a run was to carry out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from .task_lock import TaskLock

#: After these nobody has to look at anything: it is done, or not for this run to do. All others end a run as failed.
_FINE = frozenset(
    (
        *("approved", "done", "declined", "cancelled", "snoozed", "autoprovisioning", "not_actionable"),
        *("not_an_action", "unroutable", "app_not_allowed", "left_for_later", "locked", "would_run"),
    )
)


def _told(outcome: str, why: str = "") -> dict[str, str]:
    return {"outcome": outcome, "why": why}


#: What it means that something failed, by how far the task was.
_FAILED_IN = {
    "handler": _told("handler_failed", "the handler failed; it may have done a part of the work"),
    "verify": _told("verify_failed", "the handler ended well, and verify failed"),
    "unproved": _told("not_verified", "the handler ended well, and nothing proves that the work is done"),
}
_NOT_BEGUN = _told("not_begun", "it could not be taken or read, or its approval would be refused; nothing was done")
#: Errors of an approval after which the task is not what it was when the handler began.
_ANOTHER_NOW = frozenset({"not_as_expected", "moved", "not_found", "refused"})


def outcome_of(task: str, outcome: str, why: str, about: Mapping[str, Any]) -> dict[str, Any]:
    """Return what came of a task as it is told; C(needs_attention) tells whether somebody has to look at it."""
    ids = {name: about.get(name) for name in ("request_type", "user_id", "app_id", "permission_level_id")}
    return {"task_id": task, "outcome": outcome, "why": why, "needs_attention": outcome not in _FINE, **ids}


def item_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a handler is told of a task: ids, closed words and a plain address, nothing that people wrote.

    :param entry: what C(cakewalk_task_route_info) returned.
    """
    names = ("task_id", "request_type", "user_id", "user_email", "app_id", "permission_level_id")
    return {name: entry[name] for name in names}


def expected(item: Mapping[str, Any]) -> dict[str, str]:
    """Return what the approval of a task must expect."""
    shown = {
        "request_type": item["request_type"],
        "user": item["user_id"],
        "app": item["app_id"],
        "permission_level": item["permission_level_id"],
    }
    return {name: value for name, value in shown.items() if value is not None}


def obstacle(entry: Mapping[str, Any], rehearsal: Mapping[str, Any]) -> dict[str, str] | None:
    """Return why a task is not to be begun now, if anything speaks against it.

    :param entry: what C(cakewalk_task_route_info) returned when the task was read again.
    :param rehearsal: what C(cakewalk_task) would do about it.
    """
    if entry["outcome"] != "due":
        return _told(entry["outcome"], entry["why"])
    decision = (rehearsal.get("decisions") or [{}])[0]
    if decision.get("outcome") == "approved" and decision.get("changed"):
        return None
    return _told("done") if decision.get("outcome") == "approved" else _told(decision.get("outcome", "not_begun"))


def after_approval(approval: Mapping[str, Any], task: str) -> dict[str, str]:
    """Return the outcome, and more about it, of a verified task by what C(cakewalk_task) returned."""
    for decision in approval.get("decisions") or ():
        if decision["task"] == task and decision["outcome"] == "approved":
            return _told("approved") if decision["changed"] else _told("done", "somebody approved it meanwhile")
        if decision["task"] == task:
            return _told("done_not_approved", "the work is done, and meanwhile the task cannot be approved any more")
    if (approval.get("error") or {}).get("kind") in _ANOTHER_NOW:
        return _told("done_not_approved", "the work is done, and meanwhile the task is another than it was")
    return _told("approval_failed", "the work is done, and approving the task failed")


def after_failure(
    turn: TaskLock | None, rehearsal: Mapping[str, Any], approval: Mapping[str, Any], task: str
) -> dict[str, str]:
    """Return the outcome of a task at which something failed, and why.

    :param rehearsal: what C(cakewalk_task) returned in check mode, maybe for an earlier task of the run.
    """
    if turn is not None and turn.phase == "approve":
        return after_approval(approval, task)
    problems = (rehearsal.get("error") or {}).get("problems") or ()
    if any(problem["task"] == task and problem["reason"] == "decided" for problem in problems):
        return _told("declined")
    return _FAILED_IN.get(turn.phase, _NOT_BEGUN) if turn else _NOT_BEGUN


def counted(outcomes: Iterable[Mapping[str, Any]]) -> str:
    """Return in words how many tasks came to what."""
    counts = Counter(one["outcome"] for one in outcomes)
    return ", ".join(f"{number} {outcome}" for outcome, number in sorted(counts.items())) or "No task is open"


def lines(outcomes: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return in words what came of each task, those first that somebody has to look at."""
    ordered = sorted(outcomes, key=lambda outcome: not outcome["needs_attention"])
    return [f"{one['task_id']} {one['outcome']}" + (f": {one['why']}" if one["why"] else "") for one in ordered]
