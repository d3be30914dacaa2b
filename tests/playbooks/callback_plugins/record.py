# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes what callbacks see of each task as a line of JSON, so that tests need not read what is printed for people."""

from __future__ import annotations

import json
import time
from pathlib import Path

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: record
type: notification
short_description: Write the result of each task as a line of JSON
description: For tests; stands beside whatever callback prints the run.
options:
  path:
    description: The file to append to.
    type: path
    required: true
    env:
      - name: CAKEWALK_TEST_RECORD
"""


class CallbackModule(CallbackBase):
    """One line for each task and host; the items of a loop stand inside the line of their task."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "record"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_task_start(self, task, is_conditional):
        self._start = time.monotonic()

    def v2_runner_on_ok(self, result):
        self._record("ok", result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._record("failed", result)

    def v2_runner_on_skipped(self, result):
        self._record("skipped", result)

    def v2_runner_on_unreachable(self, result):
        self._record("unreachable", result)

    def _record(self, status, result):
        seconds = time.monotonic() - self._start
        task = result._task
        line = {"task": task.get_name(), "status": status, "data": result._result, "seconds": seconds}
        line["args"] = task.args
        with Path(self.get_option("path")).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, default=str) + "\n")
