# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of what was done: lines that are added, and never changed."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._engine.storage.journal import Journal
from ansible_collections.cakewalk.access.plugins.module_utils._engine.storage.private_file import FileRefused


def test_lines_are_added_with_their_time(tmp_path: Path) -> None:
    path = tmp_path / "kept" / "record"
    Journal(str(path)).open()
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"", 0o600)
    before = datetime.now(timezone.utc)
    Journal(str(path)).add(task="a\nb", why=None)
    Journal(str(path)).add(task="ä")
    first, second = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    assert first.keys() == {"time", "task"}
    assert (first["task"], second["task"]) == ("a\nb", "ä")
    assert abs((datetime.fromisoformat(first["time"]) - before).total_seconds()) < 5


def test_a_line_that_was_torn_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "record"
    path.write_text('{"time": "2026')
    path.chmod(0o600)
    Journal(str(path)).open()
    Journal(str(path)).add(task="a")
    torn, line = path.read_text(encoding="utf-8").splitlines()
    assert torn == '{"time": "2026'
    assert json.loads(line)["task"] == "a"


def test_a_record_that_cannot_be_written_is_an_error_before_anything_is_done(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="the journal"):
        Journal(str(tmp_path)).open()
