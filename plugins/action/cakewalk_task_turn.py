# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the steps of the role C(task_fulfilment) that lock approval tasks, record them and verify proofs."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from ..module_utils._api.errors import ConfigurationError
from ..module_utils._api.text import summarize
from ..module_utils._engine.core.timestamps import now
from ..module_utils._engine.fulfilment import outcomes, routing, verification
from ..module_utils._engine.fulfilment.task_lock import TaskLocks
from ..module_utils._engine.storage.journal import Journal
from ..module_utils._engine.storage.private_file import PrivateFile
from ..plugin_utils._controller import ControllerAction
from ..plugin_utils._failed_step import failure_of
from ..plugin_utils._given_options import defaults_of
from ..plugin_utils._handler_files import TaskFiles, names_set_by, refuse_endings
from ..plugin_utils._in_process import option_of

_PREFIX = "task_fulfilment_"
_OPTIONS = (
    *("task", "assignees", "routes", "apps", "max_tasks"),
    *("record_path", "lock_dir", "acting_user", "protected_users"),
)
#: The facts that the role hands on, which AWX gives to later jobs of a workflow as extra variables.
_FACTS = ("complete", "done", "left")
_PARTS = ("handler", "verify")
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
        "lock_dir": {"type": "path", "default": "~/.cakewalk"},
        "acting_user": {"type": "str"},
    },
    "note": {
        "run": {"type": "dict", "required": True},
        # Without their elements, since blank values of a mapping would count as not given.
        "entries": {"type": "list", "required": True},
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
        "subject": {"type": "str", "default": ""},
        "rehearsal": {"type": "dict", "default": {}},
        "approval": {"type": "dict", "default": {}},
        "failed": {"type": "bool", "default": False},
    },
    "report": {
        "assignees": {"type": "list", "elements": "str"},
        "outcomes": {"type": "list", "required": True},
        "record_path": {"type": "path", "required": True},
        "failed": {"type": "bool", "default": False},
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
        self._refuse_own_names()
        if bool(params["task"]) == bool(params["assignees"]):
            raise ConfigurationError(
                "find tasks to carry out",
                f"`{_PREFIX}task` and `{_PREFIX}assignees` are both set, or both missing",
                "Set one of them.",
            )
        if not params["routes"]:
            raise ConfigurationError(
                "find tasks to carry out", f"`{_PREFIX}routes` is empty, so no task fits a route", "Name a route."
            )
        routing.routes_of(params["routes"])
        self._check_files(params["routes"])
        TaskLocks(params["lock_dir"], "").check()
        PrivateFile(params["record_path"], "the record", "").check_writable()
        self._journal.open(self._task.check_mode)
        run = {name: params[name] for name in ("record_path", "lock_dir")}
        # The approval is sent by cakewalk_task, which module_defaults of the play may tell who acts.
        of_approval = defaults_of(self._task, "cakewalk.access.cakewalk_task", self._templar, {})
        run["acting_user"] = params["acting_user"] or of_approval.get("acting_user") or option_of(self, "acting_user")
        routes = [{name: route[name] for name in routing.ROUTE} for route in params["routes"]]
        # The role must not read its own variable again: it is a template, which may have another value for each task.
        parts = [{name: route[name] for name in _PARTS} for route in params["routes"]]
        run |= {"id": secrets.token_hex(8), "routes": routes}
        return {"run": run, "parts": parts}

    def _locks(self) -> TaskLocks:
        return TaskLocks(self._run["lock_dir"], self._run["id"])

    def _refuse_own_names(self) -> None:
        self.refuse_own_names(_PREFIX, [f"{_PREFIX}{name}" for name in (*_OPTIONS, *_FACTS)])

    def _refuse_names(self, names: set[str]) -> None:
        """Refuse extra variables that hide what handlers and verify find out.

        :param names: the variables that their tasks set.
        :raises ConfigurationError: a variable is refused.
        """
        self.refuse_extra_variables(
            _PREFIX,
            names.__contains__,
            "have the names of variables that tasks of handlers or verify set, and would hide what these find out",
            "Leave them out, or give the variables in those tasks other names.",
        )

    def _check_files(self, routes: Sequence[Mapping[str, Any]]) -> None:
        """Refuse missing files, those that end the run, and extra variables that hide what their tasks find out."""
        task_files, names = TaskFiles(self._loader, self._task.collections), set()
        for number, route in enumerate(routes):
            for part in _PARTS:
                option = f"routes[{number}].{part}"
                files = list(task_files.of(route[part], option))
                refuse_endings(files, option)
                names |= names_set_by(files)
        self._refuse_names(names)

    def _note(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return the outcomes of tasks that are not due, and record those that need attention."""
        return {
            "outcomes": [
                {**self._outcome(entry["task_id"], entry, entry), "subject": entry["subject"]}
                for entry in params["entries"]
            ]
        }

    def _take(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Lock the task, unless another run has locked it, and warn of a run that began it and was ended."""
        # The pipe through which workers return results has a writer as long as the run or a worker lives.
        results = self._display._final_q._reader.fileno()  # type: ignore[union-attr] # set in every worker
        if self._task.check_mode:
            return {"proceed": True}
        locks, task = self._locks(), params["task"]
        holder = locks.take(task, now(), results)
        if holder:
            return {"proceed": False, "outcome": "locked", "why": holder}
        lock = locks.of(task)
        if lock and lock.interrupted:
            warning = (
                f"The task {task} is taken again: {lock.interrupted}, and did not get to its end. The work may be done "
                "already, or a part of it."
            )
            return {"proceed": True, "warnings": [warning]}
        return {"proceed": True}

    def _begin(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Enter the phase of the handler if the task is still due and its approval would be accepted."""
        entry, task = params["entry"], params["task"]
        obstacle = outcomes.obstacle(entry, params["rehearsal"])
        if obstacle:
            return {"proceed": False, **obstacle}
        if self._task.check_mode:
            why = f"route {entry['route']}"
            return {"proceed": False, "outcome": "would_run", "why": why, "changed": True}
        item, route = outcomes.item_of(entry), self._run["routes"][entry["route"]]
        self._locks().enter(task, "handler", after="taken", item=item, route=route)
        self._record(task, "begun", item, route=route)
        return {"proceed": True, "item": item, "route": entry["route"]}

    def _ask(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Enter the phase in which a proof is accepted, after the handler."""
        nonce = self._locks().ask(params["task"])
        return {"turn": {"folder": self._run["lock_dir"], "nonce": nonce, "run": self._run["id"]}}

    def _conclude(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Compare the proof with the task, record it, and return what the approval must expect."""
        task = params["task"]
        lock = self._locks().enter(task, "unproved", after="verify")
        item = lock.item or {}
        # Those that no file names beforehand, such as in files that are included by a template.
        variables = self.task_vars["hostvars"]._variable_manager
        self._refuse_names({name for facts in variables._nonpersistent_fact_cache.values() for name in facts})
        differences = list(verification.differences(lock.proof, item))
        if differences:
            raise verification.NotProved(
                f"see that the task {task} is carried out",
                summarize(differences),
                "It stays open. See that the verify part of its route proves what it finds, with "
                "`cakewalk_task_proof`.",
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
        if params["failed"]:
            outcome = outcomes.after_failure(lock, params["rehearsal"], approval, task)
        elif lock and lock.phase == "approve":
            outcome = outcomes.after_approval(approval, task)
        facts = {"route": lock.route, "proof": lock.proof} if lock else {}
        ended = self._outcome(task, outcome, (lock and lock.item) or {}, **facts)
        if lock:
            self._locks().end(task)
        # Only people read these, and the record has neither names nor what modules of a handler say.
        if ended["needs_attention"] and params["failed"]:
            ended["why"] = f"{ended['why']}: {failure_of(self.task_vars)}"
        return {"outcome": {**ended, "subject": params["subject"]}}

    def _report(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return all outcomes, and fail if one of them needs attention."""
        self._refuse_own_names()
        reported = params["outcomes"]
        to_do = outcomes.lines(outcome for outcome in reported if outcome["needs_attention"])
        sentences = [f"{outcomes.counted(reported)}."]
        if to_do:
            sentences.append(f"Somebody has to look at {summarize(to_do, 5, '; ')}.")
        if params["assignees"]:
            sentences.append("Tasks that are assigned to nobody cannot be listed, so none of them is among these.")
        if params["failed"]:
            sentences.insert(0, failure_of(self.task_vars))
        return {
            "msg": " ".join(sentences),
            "tasks": outcomes.lines(reported),
            "outcomes": reported,
            "facts": {
                f"{_PREFIX}{name}": fact
                for name, fact in {
                    **outcomes.progress(reported, params["failed"]),
                    "record_path": params["record_path"],
                }.items()
            },
            "failed": bool(to_do) or params["failed"],
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
