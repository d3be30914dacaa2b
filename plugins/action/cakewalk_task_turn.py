# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes approval tasks through the role C(task_fulfilment): who is at them, how far they are, what came of them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import ConfigurationError
from ansible_collections.cakewalk.access.plugins.module_utils._api.text import printable, summarize
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.timestamps import now
from ansible_collections.cakewalk.access.plugins.module_utils._engine.fulfilment import outcomes, routing, verification
from ansible_collections.cakewalk.access.plugins.module_utils._engine.storage.journal import Journal, refuse_relative
from ansible_collections.cakewalk.access.plugins.plugin_utils._controller import ControllerAction, Result

_PREFIX = "task_fulfilment_"
#: The variables of the role that the command line may set, without its prefix.
_OPTIONS = (
    *("task", "assignees", "routes", "apps", "max_tasks"),
    *("record_path", "lock_dir", "acting_user", "protected_users"),
)
_PART = {
    "type": "dict",
    "required": True,
    "options": {"role": {"type": "str"}, "tasks": {"type": "path"}, "vars": {"type": "dict"}},
    "required_one_of": [("role", "tasks")],
    "mutually_exclusive": [("role", "tasks")],
}
_ROUTE = {
    "app": {"type": "str", "required": True},
    "permission_level": {"type": "str", "required": True},
    "request_type": {"type": "str", "required": True, "choices": list(routing.ROUTED)},
}
_OF_A_TASK = {"run": {"type": "dict", "required": True}, "task": {"type": "str", "required": True}}
#: The options of each step.
_STEPS = {
    "start": {
        "task": {"type": "str"},
        "assignees": {"type": "list", "elements": "str"},
        "routes": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {**_ROUTE, "handler": _PART, "verify": _PART},
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
    """A step of the role; C(roles/task_fulfilment/tasks) shows them in their order."""

    def options(self) -> dict[str, Any]:
        """Return the options of the step that is asked for."""
        steps = {"step": {"type": "str", "required": True, "choices": list(_STEPS)}}
        return {**steps, **_STEPS.get(self._task.args.get("step"), {})}

    def perform(self, params: Mapping[str, Any]) -> Result:
        run = params.get("run") or {}
        self._run = run
        self._evidence = Journal(run.get("record_path") or params.get("record_path"))
        return getattr(self, f"_{params['step']}")(params)

    def _start(self, params):
        """See that the options fit together and that what is done can be recorded, before anything is done."""
        self.refuse_all_but(_PREFIX, _OPTIONS, params["extra_variables"])
        if bool(params["task"]) == bool(params["assignees"]):
            raise ConfigurationError(
                "find tasks to carry out",
                f"{_PREFIX}task and {_PREFIX}assignees are both set, or both not",
                "Set one of them.",
            )
        routing.routes_of(params["routes"])
        _refuse_relative(params["routes"])
        refuse_relative(params["record_path"])
        if not self._task.check_mode:
            self._evidence.open()
        run = {name: params[name] for name in ("record_path", "lock_dir", "acting_user")}
        routes = [{name: route[name] for name in _ROUTE} for route in params["routes"]]
        # Fixed here: a variable is a template, and could come to other routes for the next task.
        parts = [{name: route[name] for name in ("handler", "verify")} for route in params["routes"]]
        run |= {"id": secrets.token_hex(8), "process": asdict(self.process_of_run()), "routes": routes}
        return {"run": run, "parts": parts}

    def _turns(self):
        return self.locks(self._run["lock_dir"], self._run)

    def _note(self, params):
        """Tell of the tasks that are not due, and record those that somebody has to look at."""
        return {"outcomes": [self._came_of(entry["task_id"], entry, entry) for entry in params["entries"]]}

    def _take(self, params):
        """Take the task, unless another run is at it."""
        if self._task.check_mode or self._turns().take(params["task"], now()):
            return {"proceed": True}
        return {"proceed": False, "outcome": "locked", "why": "another run is at it"}

    def _begin(self, params):
        """Go on to the handler if the task, read again, is due, and its approval would be accepted."""
        entry, task = params["entry"], params["task"]
        obstacle = outcomes.obstacle(entry, params["rehearsal"])
        if obstacle:
            return {"proceed": False, **obstacle}
        if self._task.check_mode:
            return {"proceed": False, "outcome": "would_run", "why": f"by the route {entry['route']}"}
        item, route = outcomes.item_of(entry), self._run["routes"][entry["route"]]
        self._turns().enter(task, "handler", after="taken", item=item, route=route)
        self._record(task, "begun", item, route=route)
        return {"proceed": True, "item": item, "route": entry["route"]}

    def _ask(self, params):
        """Ask for a proof, now that the handler has ended."""
        run = {name: self._run[name] for name in ("id", "process")}
        return {"turn": {"folder": self._run["lock_dir"], "nonce": self._turns().ask(params["task"]), "run": run}}

    def _conclude(self, params):
        """Hold the proof against the task, record it, and return what the approval must expect."""
        task = params["task"]
        turn = self._turns().enter(task, "unproved", after="verify")
        differences = list(verification.differences(turn.proof, turn.item))
        if differences:
            raise verification.NotProved(
                f"see that the task {task} is carried out",
                summarize(differences),
                "It stays open. See that the verify part of its route proves what it finds, with cakewalk_task_proof.",
                task=task,
            )
        self._record(task, "verified", turn.item, route=turn.route, proof=turn.proof)
        self._turns().enter(task, "approve", after="unproved")
        return {"expect": outcomes.expected(turn.item)}

    def _end(self, params):
        """Record what came of the task, and let go of it."""
        task, approval = params["task"], params["approval"]
        turn = None if self._task.check_mode else self._turns().of(task)
        told = {"outcome": params["outcome"], "why": params["why"]}
        if params["stumbled"]:
            told = outcomes.after_failure(turn, params["rehearsal"], approval, task)
        elif turn and turn.phase == "approve":
            told = outcomes.after_approval(approval, task)
        facts = {"route": turn.route, "proof": turn.proof} if turn else {}
        outcome = self._came_of(task, told, (turn and turn.item) or {}, **facts)
        if turn:
            self._turns().end(task)
        return {"outcome": outcome}

    def _report(self, params):
        """Tell of all tasks, and fail if somebody has to look at one."""
        reported = params["outcomes"]
        words = f"{outcomes.counted(reported)}."
        if params["assignees"]:
            words += " Tasks that are assigned to nobody cannot be listed, so none of them is among these."
        # Shown without -v too, as what debug shows.
        shown = {"msg": words, "tasks": outcomes.lines(reported), "_ansible_verbose_always": True}
        return {**shown, "failed": any(one["needs_attention"] for one in reported)}

    def _came_of(self, task, told, about, **facts):
        """Return what came of a task; it is recorded if it was begun, or if somebody has to look at it."""
        outcome = outcomes.outcome_of(task, told["outcome"], told["why"], about)
        if not self._task.check_mode and (facts or outcome["needs_attention"]):
            self._record(task, outcome["outcome"], about, why=outcome["why"] or None, **facts)
        return outcome

    def _record(self, task, outcome, about, **facts):
        ids = {name: about.get(name) for name in ("request_type", "user_id", "app_id", "permission_level_id")}
        self._evidence.add(
            run=self._run["id"], actor=self._run["acting_user"], task=task, outcome=outcome, **ids, **facts
        )


def _refuse_relative(routes):
    """Refuse files that would be others wherever a run starts."""
    for number, route in enumerate(routes):
        for part in ("handler", "verify"):
            tasks = route[part]["tasks"]
            if tasks and not Path(tasks).is_absolute():
                raise ConfigurationError(
                    f"use routes[{number}].{part}.tasks",
                    f"the path {printable(tasks)!r} is relative",
                    "Give a whole path; {{ playbook_dir }} and {{ inventory_dir }} help with that.",
                )
