# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Speaks to the sandbox's control API from within a playbook, so that one playbook can hold many cases.

Options, each a call, made in this order: C(reset) and C(configure) take settings and dialect fields, C(faults) and
C(changes) lists, C(clear_log) true; C(log) and C(state) (a list of tables) return what they name.
"""

from __future__ import annotations

import json
import os
import urllib.request

from ansible.plugins.action import ActionBase

_CALLS = {
    "reset": ("POST", "reset"),
    "configure": ("PATCH", "settings"),
    "changes": ("POST", "change"),
    "faults": ("POST", "faults"),
    "clear_log": ("DELETE", "log"),
}
_PATIENCE = 60


class ActionModule(ActionBase):
    """Runs in the controller's process: a few milliseconds for each call."""

    _supports_check_mode = True

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        self._base = os.environ["CAKEWALK_TEST_TENANT"]
        for name, (method, path) in _CALLS.items():
            if name in self._task.args:
                self._call(method, path, None if method == "DELETE" else self._task.args[name])
        if "log" in self._task.args:
            result["log"] = self._call("GET", "log")
        if "state" in self._task.args:
            result["state"] = self._call("GET", f"state?only={','.join(self._task.args['state'])}")
        return result

    def _call(self, method, path, body=None):
        request = urllib.request.Request(
            f"{self._base}/_sandbox/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=_PATIENCE) as answer:
            content = answer.read()
        return json.loads(content) if content else None
