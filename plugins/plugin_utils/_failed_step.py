# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task whose failure a C(rescue) handles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..module_utils._api.text import printable

#: The most characters of a message that a report shows.
_LIMIT = 1000


def failure_of(variables: Mapping[str, Any]) -> str:
    """Return what the failed task says, as text, unless C(no_log) hides it.

    :param variables: those of a task in C(rescue). Ansible does not censor them.
    """
    task, result = variables.get("ansible_failed_task"), variables.get("ansible_failed_result")
    if not isinstance(task, Mapping) or not isinstance(result, Mapping):
        return "A step failed."
    # A template is left where Ansible did not get as far as to evaluate it.
    if task.get("no_log") is not False or result.get("_ansible_no_log"):
        return "A step failed, and its output is hidden (`no_log`)."
    said = result.get("msg")
    return ("" if said is None else printable(said, _LIMIT).strip()) or "A step failed."
