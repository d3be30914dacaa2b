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
      - The person on whose behalf the module writes, by e-mail address or id. Usually an admin, and always active.
        Most writes need one. Check mode only warns if it is missing.
      - Cakewalk shows this person as the author, and does not check that the key belongs to them.
      - Environment variable E(CAKEWALK_ACTING_USER).
    type: str
"""
