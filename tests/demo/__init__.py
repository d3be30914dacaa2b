# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demonstrations that C(make demo) and C(make demo-events) run."""

from __future__ import annotations

import re
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"


def first_playbook(readme: Path = README) -> str:
    """Return the first playbook of the README, or of another copy of it."""
    (playbook,) = re.findall(
        r"^```yaml\n# people\.yml\n(.*?)^```$", readme.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    return str(playbook)
