# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run any module of this collection that has no action of its own; C(meta/runtime.yml) sends them all here.

ansible-test requires an action to have the name of a module. This action has the name of the module that most users
begin with.
"""

from __future__ import annotations

from ..plugin_utils._in_process import InProcessAction


class ActionModule(InProcessAction):
    """The action of every module that C(plugin_routing) names."""
