# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options of every module that writes, C(WRITING) in C(_module/arguments.py)."""

from __future__ import annotations


class ModuleDocFragment:
    """In whose name is written, and who is never touched."""

    DOCUMENTATION = r"""
options:
  acting_user:
    description:
      - The person in whose name things are done, by e-mail address or id. The vendor demands an admin for most writes
        and shows this person as the one who did it; it does not check that the key belongs to this person.
      - Needed only where a write demands it; to remove somebody from a group does not.
      - Must exist, be active and, if given by e-mail address, be the only one with it.
      - This person is always protected, see O(protected_users).
      - The environment variable E(CAKEWALK_ACTING_USER) is used if this is not set.
    type: str
  protected_users:
    description:
      - People who never lose anything through this task, by e-mail address or id.
      - To name one of them for removal is an error. As members of a group that is to be V(exact) they stay, and are
        reported.
      - An entry that matches nobody is an error as soon as something is to be removed, since a changed e-mail address
        must not end the protection.
    type: list
    elements: str
    default: []
"""
