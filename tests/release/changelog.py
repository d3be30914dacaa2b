# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the changelog says of a version."""

from __future__ import annotations

from pathlib import Path

import yaml

from . import Unfit


def released(root: Path, version: str) -> str:
    """Return the day of a version in the changelog.

    :raises Unfit: the version has no section, or changes are not in it yet.
    """
    changelogs = root / "changelogs"
    releases = yaml.safe_load((changelogs / "changelog.yaml").read_text(encoding="utf-8"))["releases"]
    left = sorted(path.name for path in (changelogs / "fragments").glob("*.y*ml"))
    if version not in releases:
        raise Unfit(f"{version} has no section in the changelog: run antsibull-changelog release")
    if left:
        raise Unfit(f"These changes are not in the changelog yet: {', '.join(left)}. Run antsibull-changelog release")
    return str(releases[version]["release_date"])
