# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who acts in a task, as far as the controller can tell."""

from __future__ import annotations

import os


def acting_user(action):
    """Return who acts by the task, its environment, or that of this process if modules inherit it.

    :param action: the action plugin of the task.
    """
    inherited = dict(os.environ) if action._connection.transport == "local" else {}
    of_task = {}
    action._compute_environment_string(of_task)
    return action._task.args.get("acting_user") or {**inherited, **of_task}.get("CAKEWALK_ACTING_USER")
