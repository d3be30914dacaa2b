# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the module of this name without a process of its own, where that comes to the same."""

from __future__ import annotations

from ansible_collections.cakewalk.access.plugins.modules import cakewalk_access_review
from ansible_collections.cakewalk.access.plugins.plugin_utils._in_process import CakewalkModule


class ActionModule(CakewalkModule):
    """C(cakewalk_access_review)."""

    module = cakewalk_access_review
