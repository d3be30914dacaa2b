# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of C(WRITING) in C(_module/arguments.py): options of modules that take something from people."""

from __future__ import annotations


class ModuleDocFragment:
    """Protection of people, together with the fragment C(acting)."""

    DOCUMENTATION = r"""
options:
  protected_users:
    description:
      - People who lose nothing through this task, by e-mail address or id. The O(acting_user) is always protected.
      - To name one of them for removal is an error. Under V(exact), they stay and are reported.
      - An entry that matches nobody is an error if the task removes something.
    type: list
    elements: str
    default: []
"""
