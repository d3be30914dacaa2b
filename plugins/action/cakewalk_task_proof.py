# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the proof that an approval task was carried out in a target system."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from ..module_utils._engine.fulfilment.task_lock import TaskLocks
from ..module_utils._engine.fulfilment.verification import STATES
from ..plugin_utils._controller import ControllerAction

_OPTIONS: dict[str, Any] = {
    "turn": {
        "type": "dict",
        "required": True,
        "options": {
            "folder": {"type": "str", "required": True},
            "nonce": {"type": "str", "required": True, "no_log": False},
            "run": {"type": "str", "required": True},
        },
    },
    "task": {"type": "str", "required": True},
    "user": {"type": "str", "required": True},
    "observed": {"type": "str", "required": True, "choices": list(STATES)},
    "permission_level": {"type": "str"},
}


class ActionModule(ControllerAction):
    """Writes the proof to the file of task locks, since a variable of a playbook could be forged."""

    def options(self) -> dict[str, Any]:
        return _OPTIONS

    def perform(self, params: Mapping[str, Any]) -> dict[str, Any]:
        turn = params["turn"]
        proof = {name: params[name] for name in ("task", "user", "observed", "permission_level")}
        if not self._task.check_mode:
            time = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
            locks = TaskLocks(turn["folder"], turn["run"])
            locks.prove(params["task"].lower(), turn["nonce"], {**proof, "time": time})
        return {"proof": proof}
