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
      - A file that records each write before it is sent, and then its outcome. See
        L(Files,https://github.com/cakewalk-access/cakewalk.access/blob/main/docs/files.md).
      - An absolute path on the machine that runs the module, or a path that starts with C(~). Missing folders are
        created.
    type: path
"""
