# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The outcomes of approval tasks that a run carries out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from .task_lock import TaskLock

#: Outcomes that need no attention: the task is done, or this run need not do it. All others end a run as failed.
_FINE = frozenset(
    (
        *("approved", "done", "declined", "cancelled", "snoozed", "autoprovisioning", "not_actionable"),
        *("not_an_action", "unroutable", "app_not_allowed", "left_for_later", "locked", "would_run"),
    )
)
#: Those of them that another run has to carry out.
_LEFT = ("left_for_later", "locked", "would_run")


def _outcome(outcome: str, why: str = "") -> dict[str, str]:
    return {"outcome": outcome, "why": why}


#: Outcomes of failed tasks, by phase.
_FAILED_IN = {
    "handler": _outcome("handler_failed", "the handler failed; it may have done a part of the work"),
    "verify": _outcome("verify_failed", "the handler ended well, and verify failed"),
    "unproved": _outcome("not_verified", "the handler ended well, and nothing proves that the work is done"),
}
_NOT_BEGUN = _outcome("not_begun", "it could not be taken or read, or its approval would be refused; nothing was done")
#: Kinds of errors of an approval which mean that the task changed since its handler started.
_CHANGED = frozenset({"not_as_expected", "moved", "not_found", "refused"})


def outcome_of(task: str, outcome: str, why: str, about: Mapping[str, Any]) -> dict[str, Any]:
    """Return the outcome of a task as results show it; with C(needs_attention) the run fails."""
    ids = {name: about.get(name) for name in ("request_type", "user_id", "app_id", "permission_level_id")}
    return {"task_id": task, "outcome": outcome, "why": why, "needs_attention": outcome not in _FINE, **ids}


def item_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of a task for its handler: ids, known words and a plain address, no text of the tenant.

    :param entry: the result of C(cakewalk_task_route_info) for the task.
    """
    names = ("task_id", "request_type", "user_id", "user_email", "app_id", "permission_level_id")
    return {name: entry[name] for name in names}


def expected(item: Mapping[str, Any]) -> dict[str, str]:
    """Return C(expect) for the approval of a task."""
    members = {"user": "user_id", "app": "app_id", "permission_level": "permission_level_id"}
    expect = {"request_type": item["request_type"], **{name: item[member] for name, member in members.items()}}
    return {name: value for name, value in expect.items() if value is not None}


def obstacle(entry: Mapping[str, Any], rehearsal: Mapping[str, Any]) -> dict[str, str] | None:
    """Return why a task must not be started now, C(None) if it can be started.

    :param entry: the result of C(cakewalk_task_route_info) for the task, read again.
    :param rehearsal: the result of C(cakewalk_task) in check mode.
    """
    if entry["outcome"] != "due":
        return _outcome(entry["outcome"], entry["why"])
    decision = (rehearsal.get("decisions") or [{}])[0]
    if decision.get("outcome") == "approved" and decision.get("changed"):
        return None
    return _outcome("done") if decision.get("outcome") == "approved" else _outcome(decision.get("outcome", "not_begun"))


def after_approval(approval: Mapping[str, Any], task: str) -> dict[str, str]:
    """Return the outcome of a verified task, and why, by the result of C(cakewalk_task)."""
    for decision in approval.get("decisions") or ():
        if decision["task"] == task and decision["outcome"] == "approved":
            return _outcome("approved") if decision["changed"] else _outcome("done", "somebody approved it meanwhile")
        if decision["task"] == task:
            return _outcome("done_not_approved", "the work is done, and meanwhile the task cannot be approved any more")
    if (approval.get("error") or {}).get("kind") in _CHANGED:
        return _outcome("done_not_approved", "the work is done, and meanwhile the task is another than it was")
    return _outcome("approval_failed", "the work is done, and approving the task failed")


def after_failure(
    lock: TaskLock | None, rehearsal: Mapping[str, Any], approval: Mapping[str, Any], task: str
) -> dict[str, str]:
    """Return the outcome of a task at which something failed, and why.

    :param rehearsal: the result of C(cakewalk_task) in check mode, perhaps for an earlier task of the run.
    """
    if lock is not None and lock.phase == "approve":
        return after_approval(approval, task)
    if lock is not None and lock.phase in _FAILED_IN:
        return _FAILED_IN[lock.phase]
    problems = (rehearsal.get("error") or {}).get("problems") or ()
    if any(problem.get("task") == task and problem["reason"] == "decided" for problem in problems):
        return _outcome("declined")
    return _NOT_BEGUN


def counted(outcomes: Iterable[Mapping[str, Any]]) -> str:
    """Return the number of tasks with each outcome, as text."""
    counts = Counter(outcome["outcome"] for outcome in outcomes)
    return ", ".join(f"{number} {outcome}" for outcome, number in sorted(counts.items())) or "No task is open"


def lines(outcomes: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return a line about each task, those that need attention first."""
    ordered = sorted(outcomes, key=lambda outcome: not outcome["needs_attention"])
    return [
        ": ".join(filter(None, (f"{outcome['task_id']} {outcome['outcome']}", outcome.get("subject"), outcome["why"])))
        for outcome in ordered
    ]


def progress(outcomes: Iterable[Mapping[str, Any]], has_failed: bool) -> dict[str, Any]:
    """Return facts without personal data: the numbers of done and left tasks, and whether no run has to come back.

    :param has_failed: whether the run ended early, so that tasks may be missing.
    """
    outcomes = list(outcomes)
    left = sum(outcome["needs_attention"] or outcome["outcome"] in _LEFT for outcome in outcomes)
    done = sum(outcome["outcome"] in ("approved", "done") for outcome in outcomes)
    return {"complete": not has_failed and not left, "done": done, "left": left}
