# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the steps of the role C(task_fulfilment) that lock approval tasks, record them and verify proofs."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..module_utils._api.errors import ConfigurationError
from ..module_utils._api.text import printable, summarize
from ..module_utils._engine.core.timestamps import now
from ..module_utils._engine.fulfilment import outcomes, routing, verification
from ..module_utils._engine.fulfilment.task_lock import TaskLocks
from ..module_utils._engine.storage.journal import Journal
from ..plugin_utils._controller import ControllerAction

_PREFIX = "task_fulfilment_"
#: The variables of the role that the command line may set, without the prefix.
_OPTIONS = (
    *("task", "assignees", "routes", "apps", "max_tasks"),
    *("record_path", "lock_dir", "acting_user", "protected_users"),
)
_PART: dict[str, Any] = {
    "type": "dict",
    "required": True,
    "options": {"role": {"type": "str"}, "tasks": {"type": "path"}, "vars": {"type": "dict"}},
    "required_one_of": [("role", "tasks")],
    "mutually_exclusive": [("role", "tasks")],
}
_OF_A_TASK: dict[str, Any] = {"run": {"type": "dict", "required": True}, "task": {"type": "str", "required": True}}
#: The options of each step.
_STEPS: dict[str, dict[str, Any]] = {
    "start": {
        "task": {"type": "str"},
        "assignees": {"type": "list", "elements": "str"},
        "routes": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {**routing.ROUTE, "handler": _PART, "verify": _PART},
        },
        "record_path": {"type": "path", "required": True},
        "lock_dir": {"type": "path", "required": True},
        "acting_user": {"type": "str"},
        "extra_variables": {"type": "list", "elements": "str", "default": []},
    },
    "note": {
        "run": {"type": "dict", "required": True},
        "entries": {"type": "list", "elements": "dict", "required": True},
    },
    "take": _OF_A_TASK,
    "begin": {
        **_OF_A_TASK,
        "entry": {"type": "dict", "required": True},
        "rehearsal": {"type": "dict", "required": True},
    },
    "ask": _OF_A_TASK,
    "conclude": _OF_A_TASK,
    "end": {
        **_OF_A_TASK,
        "outcome": {"type": "str", "default": ""},
        "why": {"type": "str", "default": ""},
        "rehearsal": {"type": "dict", "default": {}},
        "approval": {"type": "dict", "default": {}},
        "stumbled": {"type": "bool", "default": False},
    },
    "report": {
        "assignees": {"type": "list", "elements": "str"},
        "outcomes": {"type": "list", "elements": "dict", "required": True},
    },
}


class ActionModule(ControllerAction):
    """A step of the role; C(roles/task_fulfilment/tasks) shows the steps in their order."""

    def options(self) -> dict[str, Any]:
        """Return the options of the requested step."""
        step = {"type": "str", "required": True, "choices": list(_STEPS)}
        return {"step": step, **_STEPS.get(str(self._task.args.get("step")), {})}

    def perform(self, params: Mapping[str, Any]) -> dict[str, Any]:
        self._run: Mapping[str, Any] = params.get("run") or {}
        self._journal = Journal(self._run.get("record_path") or params.get("record_path", ""))
        result: dict[str, Any] = getattr(self, f"_{params['step']}")(params)
        return result

    def _start(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Check the options and the journal before anything is done, and return the data of the run."""
        self.refuse_all_but(_PREFIX, _OPTIONS, params["extra_variables"])
        if bool(params["task"]) == bool(params["assignees"]):
            raise ConfigurationError(
                "find tasks to carry out",
                f"{_PREFIX}task and {_PREFIX}assignees are both set, or both not",
                "Set one of them.",
            )
        routing.routes_of(params["routes"])
        _refuse_relative(params["routes"])
        self._journal.open(self._task.check_mode)
        run = {name: params[name] for name in ("record_path", "lock_dir", "acting_user")}
        routes = [{name: route[name] for name in routing.ROUTE} for route in params["routes"]]
        # The role must not read its own variable again: it is a template, which may have another value for each task.
        parts = [{name: route[name] for name in ("handler", "verify")} for route in params["routes"]]
        run |= {"id": secrets.token_hex(8), "process": asdict(self.process_of_run()), "routes": routes}
        return {"run": run, "parts": parts}

    def _locks(self) -> TaskLocks:
        return self.locks(self._run["lock_dir"], self._run)

    def _note(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return the outcomes of tasks that are not due, and record those that need attention."""
        return {"outcomes": [self._outcome(entry["task_id"], entry, entry) for entry in params["entries"]]}

    def _take(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Lock the task, unless another run has locked it."""
        if self._task.check_mode or self._locks().take(params["task"], now()):
            return {"proceed": True}
        return {"proceed": False, "outcome": "locked", "why": "another run is at it"}

    def _begin(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Enter the phase of the handler if the task is still due and its approval would be accepted."""
        entry, task = params["entry"], params["task"]
        obstacle = outcomes.obstacle(entry, params["rehearsal"])
        if obstacle:
            return {"proceed": False, **obstacle}
        if self._task.check_mode:
            return {"proceed": False, "outcome": "would_run", "why": f"by the route {entry['route']}"}
        item, route = outcomes.item_of(entry), self._run["routes"][entry["route"]]
        self._locks().enter(task, "handler", after="taken", item=item, route=route)
        self._record(task, "begun", item, route=route)
        return {"proceed": True, "item": item, "route": entry["route"]}

    def _ask(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Enter the phase in which a proof is accepted, after the handler."""
        run = {name: self._run[name] for name in ("id", "process")}
        nonce = self._locks().ask(params["task"])
        return {"turn": {"folder": self._run["lock_dir"], "nonce": nonce, "run": run}}

    def _conclude(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Compare the proof with the task, record it, and return what the approval must expect."""
        task = params["task"]
        lock = self._locks().enter(task, "unproved", after="verify")
        item = lock.item or {}
        differences = list(verification.differences(lock.proof, item))
        if differences:
            raise verification.NotProved(
                f"see that the task {task} is carried out",
                summarize(differences),
                "It stays open. See that the verify part of its route proves what it finds, with cakewalk_task_proof.",
                task=task,
            )
        self._record(task, "verified", item, route=lock.route, proof=lock.proof)
        self._locks().enter(task, "approve", after="unproved")
        return {"expect": outcomes.expected(item)}

    def _end(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Record the outcome of the task, and unlock it."""
        task, approval = params["task"], params["approval"]
        lock = None if self._task.check_mode else self._locks().of(task)
        outcome = {"outcome": params["outcome"], "why": params["why"]}
        if params["stumbled"]:
            outcome = outcomes.after_failure(lock, params["rehearsal"], approval, task)
        elif lock and lock.phase == "approve":
            outcome = outcomes.after_approval(approval, task)
        if lock is None:
            return {"outcome": self._outcome(task, outcome, {})}
        recorded = self._outcome(task, outcome, lock.item or {}, route=lock.route, proof=lock.proof)
        self._locks().end(task)
        return {"outcome": recorded}

    def _report(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return all outcomes, and fail if one of them needs attention."""
        reported = params["outcomes"]
        message = f"{outcomes.counted(reported)}."
        if params["assignees"]:
            message += " Tasks that are assigned to nobody cannot be listed, so none of them is among these."
        return {
            "msg": message,
            "tasks": outcomes.lines(reported),
            "failed": any(outcome["needs_attention"] for outcome in reported),
            # Ansible shows the result without -v then, as it does for debug.
            "_ansible_verbose_always": True,
        }

    def _outcome(self, task: str, outcome: Mapping[str, str], about: Mapping[str, Any], **facts: Any) -> dict[str, Any]:
        """Return the outcome of a task, after recording it if the task was begun or needs attention."""
        result = outcomes.outcome_of(task, outcome["outcome"], outcome["why"], about)
        if not self._task.check_mode and (facts or result["needs_attention"]):
            self._record(task, result["outcome"], about, why=result["why"] or None, **facts)
        return result

    def _record(self, task: str, outcome: str, about: Mapping[str, Any], **facts: Any) -> None:
        ids = {name: about.get(name) for name in ("request_type", "user_id", "app_id", "permission_level_id")}
        self._journal.add(
            run=self._run["id"], actor=self._run["acting_user"], task=task, outcome=outcome, **ids, **facts
        )


def _refuse_relative(routes: Sequence[Mapping[str, Any]]) -> None:
    """Refuse relative paths, which depend on where a run starts.

    :raises ConfigurationError: there is a relative path.
    """
    for number, route in enumerate(routes):
        for part in ("handler", "verify"):
            tasks = route[part]["tasks"]
            if tasks and not Path(tasks).is_absolute():
                raise ConfigurationError(
                    f"use routes[{number}].{part}.tasks",
                    f"the path {printable(tasks)!r} is relative",
                    "Give a whole path; {{ playbook_dir }} and {{ inventory_dir }} help with that.",
                )
