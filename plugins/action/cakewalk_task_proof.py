# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps what was seen in a target system as the proof that an approval task is carried out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from ansible_collections.cakewalk.access.plugins.module_utils._engine.fulfilment.verification import STATES
from ansible_collections.cakewalk.access.plugins.plugin_utils._controller import ControllerAction, Result

_OPTIONS = {
    "turn": {
        "type": "dict",
        "required": True,
        "options": {
            "folder": {"type": "str", "required": True},
            "nonce": {"type": "str", "required": True, "no_log": False},
            "run": {"type": "dict", "required": True},
        },
    },
    "task": {"type": "str", "required": True},
    "user": {"type": "str", "required": True},
    "observed": {"type": "str", "required": True, "choices": list(STATES)},
    "permission_level": {"type": "str"},
}


class ActionModule(ControllerAction):
    """Writes the proof into the file that the run asked for it with; no variable of a playbook holds it."""

    def options(self) -> dict[str, Any]:
        return _OPTIONS

    def perform(self, params: Mapping[str, Any]) -> Result:
        turn = params["turn"]
        proof = {name: params[name] for name in ("task", "user", "observed", "permission_level")}
        if not self._task.check_mode:
            time = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
            turns = self.locks(turn["folder"], turn["run"])
            turns.prove(params["task"].lower(), turn["nonce"], {**proof, "time": time})
        return {"proof": proof}
