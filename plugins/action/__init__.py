# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Import the modules of this collection once per playbook.

Ansible imports this package in its main process when it looks for the action of a task, and forks that process for each
task. Without this file, each fork would import the modules again, which takes longer than the rest of a small task.
"""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from pathlib import Path

_MODULES = sorted(path.stem for path in Path(__file__).parents[1].glob("modules/cakewalk_*.py"))

for _name in ("plugin_utils._in_process", *(f"modules.{name}" for name in _MODULES)):
    # A module that cannot be imported fails in its own task.
    with suppress(Exception):
        import_module(f"ansible_collections.cakewalk.access.plugins.{_name}")
