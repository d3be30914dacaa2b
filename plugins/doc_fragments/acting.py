# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of C(ACTING) in C(_module/arguments.py): options of modules that act on behalf of a user."""

from __future__ import annotations


class ModuleDocFragment:
    """The acting user."""

    DOCUMENTATION = r"""
options:
  acting_user:
    description:
      - The person in whose name things are done, by e-mail address or id. The vendor demands an admin for most writes
        and shows this person as the one who did it; it does not check that the key belongs to this person.
      - Needed only where something is written that demands it.
      - Must exist, be active and, if given by e-mail address, be the only one with it.
      - The environment variable E(CAKEWALK_ACTING_USER) is used if this is not set.
    type: str
"""
