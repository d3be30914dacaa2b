# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the attributes of modules: check mode, diff mode, idempotence and action groups."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes of modules that write; C(INFO) for modules that only read."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    support: full
    description: Can run in check mode, sends no write then, and returns what it would do.
  diff_mode:
    support: full
    description: Returns what it changed, or in check mode would change, as the state before and after.
  idempotent:
    support: full
    description: A second run with the same options changes nothing.
"""

    INFO = r"""
options: {}
attributes:
  check_mode:
    support: full
    description: Can run in check mode, and returns the same as otherwise.
  diff_mode:
    support: N/A
    description: There is nothing that changes.
  idempotent:
    support: full
    description: Changes nothing.
"""

    ACTION_GROUP_ALL = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/cakewalk.access.all) in C(module_defaults) to set options for this module.
    support: full
    membership:
      - cakewalk.access.all
"""

    ACTION_GROUP_WRITE = r"""
options: {}
attributes:
  action_group:
    description:
      - Use C(group/cakewalk.access.all) in C(module_defaults) to set options for this module, and
        C(group/cakewalk.access.write) for those that only modules that write have.
    support: full
    membership:
      - cakewalk.access.all
      - cakewalk.access.write
"""
