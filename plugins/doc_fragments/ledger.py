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
      - The ledger, a file that records what this module wrote, because the API cannot list it. It must outlive the job.
        See L(Files,https://github.com/cakewalk-access/cakewalk.access/blob/main/docs/files.md).
      - An absolute path on the machine that runs the module, or a path that starts with C(~). Missing folders are
        created.
      - Environment variable E(CAKEWALK_LEDGER).
    type: path
"""
