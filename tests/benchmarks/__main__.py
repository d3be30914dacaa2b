# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures everything, prints it, writes it as JSON into the folder that is given, and fails if a goal is missed."""

from __future__ import annotations

import sys

from benchmarks import burst, limit, scaling, side_by_side, single_tasks

if __name__ == "__main__":
    sys.exit(max([part.main() for part in (side_by_side, single_tasks, scaling, limit, burst)]))
