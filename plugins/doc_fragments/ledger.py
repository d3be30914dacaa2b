# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of C(LEDGER) in C(_module/arguments.py): options of modules with a ledger."""

from __future__ import annotations


class ModuleDocFragment:
    """The ledger, which stores state that the service does not show."""

    DOCUMENTATION = r"""
options:
  ledger_path:
    description:
      - The ledger, a file in which this collection notes what it last did where the service cannot be asked, so that a
        later run can tell whether anything changes.
      - It is on the machine that runs the module. A whole path; the file and its folder are made when they do not
        exist. There is no default, and without a ledger nothing is remembered.
      - It is JSON, readable only for the user who runs the module, and holds no credentials. Each write replaces it as
        a whole, under a lock, so that runs side by side may share it. Two files beside it serve that, with names that
        end in C(.lock) and C(.runs). Check mode only reads it.
      - What two runs write at the same time counts as unknown, since no read shows which of them came last.
      - It is refused if it is a link or belongs to another user, if others may write to it, and if they may write to or
        own any folder on the way to it. A folder with the sticky bit, such as C(/tmp), is fine if its owner is.
      - In AWX everybody may write to the folder of the project, which ends with the job. Use a volume that outlives
        jobs there, or the option C(ledger_field) of M(cakewalk.access.cakewalk_app_policy).
      - It is about one tenant, which it knows by O(base_url) and by the ids of some of its apps. Another tenant is
        refused.
      - A damaged one is refused as well, and never taken for an empty one. To begin again, move it away.
      - The environment variable E(CAKEWALK_LEDGER) is used if this is not set.
    type: path
"""
