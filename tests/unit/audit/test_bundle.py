# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bundles are complete or not there, and are read only as they were written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._engine.audit import bundle
from ansible_collections.cakewalk.access.plugins.module_utils._engine.audit.bundle import FORMAT, BundleRefused
from ansible_collections.cakewalk.access.plugins.module_utils._engine.storage.private_file import FileRefused

FACTS = {"format": FORMAT, "base_url": "https://t"}
FILES = {"a.json": '{"rows": []}', "b.csv": "\ufeffÄ\r\n"}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    place = tmp_path / "deep" / "down"
    sha256 = bundle.write(str(place), "one", FILES, FACTS)
    assert [path.name for path in place.iterdir()] == ["one"]
    assert (place / "one").stat().st_mode & 0o777 == place.stat().st_mode & 0o777 == 0o700
    assert (place / "one" / "b.csv").read_bytes() == FILES["b.csv"].encode()
    manifest = (place / "one" / "manifest.json").read_bytes()
    assert sha256 == hashlib.sha256(manifest).hexdigest()
    found = bundle.read(str(place / "one"))
    assert {name: found.texts[name] for name in FILES} == FILES
    assert found.manifest["base_url"] == "https://t"
    assert found.manifest["files"]["a.json"]["bytes"] == len(FILES["a.json"])


def test_what_cannot_be_written_as_a_whole_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(FileRefused):
        bundle.write(str(tmp_path), "one", {**FILES, "x" * 300: ""}, FACTS)
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_never_takes_the_place_of_another(tmp_path: Path) -> None:
    bundle.write(str(tmp_path), "one", FILES, FACTS)
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for name in ("one", "link"):
        with pytest.raises(FileRefused):
            bundle.write(str(tmp_path), name, {"a.json": "other"}, FACTS)
    assert bundle.read(str(tmp_path / "one")).texts["a.json"] == FILES["a.json"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "one"]


def test_a_folder_that_others_may_write_to_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(FileRefused, match="others may write to its folder"):
        bundle.write(str(tmp_path), "one", FILES, FACTS)
    assert list(tmp_path.iterdir()) == []


def _rewritten(place: Path, **changed: object) -> None:
    path = place / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))


SPOILT: dict[str, Callable[[Path], object]] = {
    "a.json does not match the manifest": lambda place: (place / "a.json").write_text('{"rows": [] }'),
    "b.csv is missing": lambda place: (place / "b.csv").unlink(),
    "no manifest.json": lambda place: (place / "manifest.json").unlink(),
    "manifest.json does not hold": lambda place: (place / "manifest.json").write_text("["),
    "manifest.json does not hold what": lambda place: (place / "manifest.json").write_text("[" * 100_000),
    "its format is 2": lambda place: _rewritten(place, format=2),
    "does not list its files": lambda place: _rewritten(place, files={"../a.json": {}}),
}


@pytest.mark.parametrize("why", SPOILT)
def test_what_was_changed_since_is_refused(tmp_path: Path, why: str) -> None:
    bundle.write(str(tmp_path), "one", FILES, FACTS)
    SPOILT[why](tmp_path / "one")
    with pytest.raises(BundleRefused, match=why):
        bundle.read(str(tmp_path / "one"))
