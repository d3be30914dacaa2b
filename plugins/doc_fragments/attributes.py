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
    description: Predicts the result without writing.
  diff_mode:
    support: full
    description: Shows what changes, or in check mode what would change.
  idempotent:
    support: full
    description: A second run with the same options changes nothing.
"""

    INFO = r"""
options: {}
attributes:
  check_mode:
    support: full
    description: Returns the same result.
  diff_mode:
    support: N/A
    description: Changes nothing.
  idempotent:
    support: full
    description: Changes nothing.
"""

    ACTION_GROUP_ALL = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/cakewalk.access.all) in C(module_defaults) to set options once.
    support: full
    membership:
      - cakewalk.access.all
"""

    ACTION_GROUP_WRITE = r"""
options: {}
attributes:
  action_group:
    description:
      - Use C(group/cakewalk.access.all) and C(group/cakewalk.access.write) in C(module_defaults) to set options once.
    support: full
    membership:
      - cakewalk.access.all
      - cakewalk.access.write
"""
