# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write what Cakewalk listed about a leaver before and after a run, and fail if anything is left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..module_utils._engine.lifecycle import leaver, leaver_report
from ..module_utils._engine.storage.journal import Journal
from ..plugin_utils._controller import ControllerAction

_OPTIONS: dict[str, dict[str, Any]] = {
    "run": {"type": "dict", "required": True},
    "before": {"type": "dict", "required": True},
    "after": {"type": "dict", "required": True},
    "results": {"type": "list", "elements": "dict", "required": True},
    "folder": {"type": "path", "required": True},
}


class ActionModule(ControllerAction):
    """The end of the role C(leaver); check mode reports what would be left, and writes nothing."""

    def options(self) -> dict[str, Any]:
        return _OPTIONS

    def perform(self, params: Mapping[str, Any]) -> dict[str, Any]:
        before, after = params["before"], params["after"]
        foreseen = bool(self._task.check_mode)
        left = before["staying"] if foreseen else after["left"]
        told: dict[str, Any] = {"complete": not left, "left": left, "shown": leaver.lines(left)}
        if not foreseen:
            proof = leaver_report.proof_of(params["run"], before, after, params["results"])
            told["proof_path"] = leaver_report.keep(params["folder"], proof)
            self._record(params["run"], after["user"]["id"], told)
        failures = leaver_report.failures(params["results"])
        seen = before if foreseen else after
        words = leaver_report.summary(seen["looked_until"], left, foreseen, len(seen["tasks"]))
        # Ansible shows the result without -v then, as it does for debug.
        return {
            "msg": " ".join([words, *failures]),
            **told,
            "failed": bool(left or failures),
            "_ansible_verbose_always": True,
        }

    @staticmethod
    def _record(run: Mapping[str, Any], user: str, told: Mapping[str, Any]) -> None:
        about = {"run": run["id"], "role": run["role"], "actor": run["acting_user"], "user": user}
        ended = {
            "status": "ended",
            "complete": told["complete"],
            "left": len(told["left"]),
            "proof": told["proof_path"],
        }
        Journal(run["record_path"]).add(**about, **ended)
