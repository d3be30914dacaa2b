# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of C(JOURNAL) in C(_module/arguments.py): options of modules that write."""

from __future__ import annotations


class ModuleDocFragment:
    """The journal, which records every write."""

    DOCUMENTATION = r"""
options:
  journal_path:
    description:
      - The journal, a file of JSON lines that only grows. A line is added before the first write, as each write is
        about to leave, when its outcome is known, and at the end of the run. If a line cannot be added, nothing more
        is written. A removal whose answer was lost may be sent again under its line.
      - It is on the machine that runs the module. A whole path; the file and its folder are made when they do not
        exist. Without it there is no journal, unless the module says otherwise.
      - A run that was killed leaves a journal without an end. The next run with the same journal warns about it, and
        names the writes whose outcome is not known.
      - It is readable only for the user who runs the module. Runs side by side may share it. Check mode only reads it.
    type: path
"""
