# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures everything, prints it, writes it as JSON into the folder that is given, and fails if a goal is missed.

Each part is a process of its own, so that none begins with the memory of the one before.
"""

from __future__ import annotations

import os
import subprocess
import sys

from playbooks.harness import COLLECTIONS, HERE

PARTS = ("access_rules", "side_by_side", "single_tasks", "scaling", "leavers", "limit", "burst")

if __name__ == "__main__":
    environment = {**os.environ, "PYTHONPATH": f"{HERE.parent}{os.pathsep}{COLLECTIONS}"}
    sys.exit(
        max(
            subprocess.call([sys.executable, "-m", f"benchmarks.{part}", *sys.argv[1:]], env=environment)
            for part in PARTS
        )
    )
