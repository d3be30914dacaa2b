# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Event filter that leaves nothing of an unverified webhook but task ids."""

from __future__ import annotations

import logging
import runpy
import time
from collections import deque
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from extensions.eda.plugins.event_source import _deliveries as deliveries
    from extensions.eda.plugins.event_source import _shared as shared
else:
    # ansible-rulebook runs this file by its path, outside any package.
    _SOURCES = Path(__file__).resolve().parent.parent / "event_source"
    deliveries = SimpleNamespace(**runpy.run_path(str(_SOURCES / "_deliveries.py")))
    shared = deliveries.shared

DOCUMENTATION = r"""
---
short_description: Keep only the task ids of a webhook that nobody verified
description:
  - Reads webhooks of Cakewalk that came through an event stream of EDA controller, or through the source
    C(eda.builtin.webhook). Neither can check the signature of Cakewalk.
  - Emits an event for each task, and drops everything else. An event has C(type), C(task_id) and C(source), which is
    V(hint). The other ids of the source C(cakewalk.access.webhook) are null, since nobody verified them.
  - A hint says only that a task may be due. Whatever acts on it must read the task again with its own credentials, as
    the playbook C(cakewalk.access.fulfil_task) does.
  - Drops a whole webhook if any part of it differs from the documentation of Cakewalk.
options:
  max_events:
    description: How many events a webhook may contain. Longer ones are dropped.
    type: int
    default: 100
  max_events_per_minute:
    description: How many events to emit in any 60 seconds. Further ones are dropped, so use a sweep as well.
    type: int
    default: 60
requirements:
  - ansible-rulebook 1.3 or newer, since the filter may turn one event into several
"""

EXAMPLES = r"""
- name: Start jobs for hints
  hosts: all
  sources:
    - name: Hints
      eda.builtin.webhook:
        host: 127.0.0.1
        port: 5000
        token: "{{ hint_token }}"
      filters:
        - cakewalk.access.task_hints:
            max_events_per_minute: 30
  rules:
    - name: Start a job for a task
      condition: event.type == "action_task.actionable"
      action:
        run_job_template:
          name: Cakewalk fulfil task
          organization: Default
          job_args:
            extra_vars:
              task_fulfilment_task: "{{ event.task_id }}"
"""

LOG = logging.getLogger("cakewalk.access.task_hints")

_MINUTE = 60
#: When the latest events were emitted. ansible-rulebook loads the filter again for each source.
_EMITTED: deque[float] = deque()


def main(event: dict[str, Any], max_events: int = 100, max_events_per_minute: int = 60) -> list[shared.Event]:
    """Return the hints in a webhook, as documented above."""
    try:
        found, _ignored = deliveries.read_events(_content(event), max_events, "hint")
    except deliveries.Malformed as error:
        LOG.warning("dropped a webhook: %s; a sweep finds its tasks", error)
        return []
    hints = [shared.make_event("hint", hint["type"], hint["task_id"]) for hint in found]
    free = _free(max_events_per_minute)
    if len(hints) > free:
        LOG.warning(
            "dropped %d hints: more than %d in a minute; a sweep finds their tasks",
            len(hints) - free,
            max_events_per_minute,
        )
    _EMITTED.extend([time.monotonic()] * min(len(hints), free))
    return hints[:free]


def _content(event: dict[str, Any]) -> Any:
    """Return the JSON of the webhook: an event stream puts a list below C(body)."""
    payload = event.get("payload")
    return payload["body"] if isinstance(payload, dict) and payload.keys() == {"body"} else payload


def _free(limit: int) -> int:
    """Return how many events may still be emitted in this minute."""
    while _EMITTED and _EMITTED[0] <= time.monotonic() - _MINUTE:
        _EMITTED.popleft()
    return max(limit - len(_EMITTED), 0)
