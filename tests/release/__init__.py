# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the artifact of a release, and tries it as its users will: C(make release)."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]


class Unfit(Exception):
    """A reason not to release, in words for the person who releases."""
