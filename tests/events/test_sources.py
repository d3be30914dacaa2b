# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the sources are loaded: by a path, outside any package, with the files next to them."""

from __future__ import annotations

import asyncio
import runpy
import shutil
from pathlib import Path

import pytest
from events.sources import FOLDER


@pytest.mark.parametrize("name", ["tasks.py", "webhook.py"])
def test_a_source_finds_the_files_next_to_it(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(FOLDER, tmp_path / "copied", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / name).symlink_to(tmp_path / "copied" / name)
    monkeypatch.chdir(tmp_path)
    for path in (tmp_path / "copied" / name, f"copied/{name}", f"linked/{name}"):
        assert asyncio.iscoroutinefunction(runpy.run_path(str(path))["main"])
