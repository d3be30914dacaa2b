# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print what the demonstrations do and show."""

from __future__ import annotations

import sys


def title(words: str) -> None:
    """Print a headline."""
    print(f"\n=== {words}\n", flush=True)


def claim(true: bool, words: str) -> None:
    """Print what was shown, or end the demonstration because it was not."""
    if not true:
        sys.exit(f"NOT SHOWN: {words}")
    print(f"-> {words}", flush=True)
