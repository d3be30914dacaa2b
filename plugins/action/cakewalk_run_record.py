# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the journal of a run of the roles C(joiner), C(mover) and C(leaver)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from ..module_utils._engine.lifecycle.joiner import lines_of as lines_of_joiner
from ..module_utils._engine.storage.journal import Journal, lines_of
from ..plugin_utils._controller import ControllerAction
from ..plugin_utils._in_process import option_of

#: The options of each role, without the prefix; all other variables with the prefix are internal.
OPTIONS = {
    "joiner": (
        *("user", "groups", "accesses", "purpose", "record_path", "acting_user", "wait_timeout"),
        *("implicitly_approve_requests", "bypass_reason"),
    ),
}
_RUN: dict[str, Any] = {"type": "dict", "required": True}
#: The options of each step.
_STEPS: dict[str, dict[str, Any]] = {
    "start": {
        "role": {"type": "str", "required": True, "choices": list(OPTIONS)},
        "record_path": {"type": "path", "required": True},
        "acting_user": {"type": "str"},
    },
    "begin": {"run": _RUN, "user": {"type": "str", "required": True}, "intended": _RUN},
    "note": {"run": _RUN, "user": {"type": "str", "required": True}, "result": _RUN},
    "tell": {"person": _RUN, "joined": _RUN, "asked": _RUN},
}


class ActionModule(ControllerAction):
    """A step of a role: C(start) opens the journal, C(begin) and C(note) add lines, C(tell) returns a summary."""

    def options(self) -> dict[str, Any]:
        """Return the options of the requested step."""
        step = {"type": "str", "required": True, "choices": list(_STEPS)}
        return {"step": step, **_STEPS.get(str(self._task.args.get("step")), {})}

    def perform(self, params: Mapping[str, Any]) -> dict[str, Any]:
        result: dict[str, Any] = getattr(self, f"_{params['step']}")(params)
        return result

    def _start(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Check that the journal can be written, before anything is done."""
        prefix = f"{params['role']}_"
        self.refuse_own_names(prefix, [f"{prefix}{name}" for name in OPTIONS[params["role"]]])
        Journal(params["record_path"]).open(self._task.check_mode)
        kept = {name: params[name] for name in ("role", "record_path")}
        return {"run": {"id": secrets.token_hex(8), **kept, "acting_user": option_of(self, "acting_user")}}

    def _begin(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Record what is intended, so that a killed run leaves that behind."""
        self._add(params, status="begun", intended=params["intended"])
        return {}

    def _note(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Record each write of a module, with its outcome."""
        for line in lines_of(params["result"]):
            self._add(params, **line)
        return {}

    def _tell(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return a summary for a person who joins."""
        # Ansible shows the result without -v then, as it does for debug.
        shown = lines_of_joiner(params["person"], params["joined"], params["asked"])
        return {"shown": shown, "_ansible_verbose_always": True}

    def _add(self, params: Mapping[str, Any], **facts: Any) -> None:
        if not self._task.check_mode:
            run = params["run"]
            about = {"run": run["id"], "role": run["role"], "actor": run["acting_user"], "user": params["user"]}
            Journal(run["record_path"]).add(**about, **facts)
