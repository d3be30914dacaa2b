# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example of the role C(controller_setup): the file with the objects of AWX, and the project for them."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.cakewalk.access.plugins.plugin_utils._awx_definitions import read

ROOT = Path(__file__).parent.parent.parent
EXAMPLE = ROOT / "docs" / "examples" / "awx"
FILE, PROJECT = EXAMPLE / "controller.yml", EXAMPLE / "project"
#: The content of the file, complete.
DEFINITIONS = read(str(FILE))
#: The names of the playbooks of the project.
PLAYBOOKS = sorted(path.name for path in PROJECT.glob("*.yml"))
