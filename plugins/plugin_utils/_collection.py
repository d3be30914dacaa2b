# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the installed collection knows of itself."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

_ROOT = Path(__file__).parents[2]


def version():
    """Return the version of the collection; it stands in another file before it is built."""
    built, source = _ROOT / "MANIFEST.json", _ROOT / "galaxy.yml"
    if built.exists():
        return json.loads(built.read_text(encoding="utf-8"))["collection_info"]["version"]
    return yaml.safe_load(source.read_text(encoding="utf-8"))["version"]
