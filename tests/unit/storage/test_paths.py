# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths that meet, and ways to a file that somebody else can change."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import ConfigurationError
from ansible_collections.cakewalk.access.plugins.module_utils._engine.storage.paths import check_distinct
from ansible_collections.cakewalk.access.plugins.module_utils._engine.storage.private_file import (
    FileRefused,
    PrivateFile,
)
from unit.storage.test_private_file import NOBODY, USES, each_use, needs_root


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with files, links to them, and folders of other names."""
    (tmp_path / "real" / "deep").mkdir(parents=True)
    (tmp_path / "real" / "file").touch()
    (tmp_path / "real" / "hard").hardlink_to(tmp_path / "real" / "file")
    (tmp_path / "real" / "soft").symlink_to("file")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "chain").symlink_to(tmp_path / "link")
    (tmp_path / "loop").symlink_to("loop")
    return tmp_path


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("real/file", "real/file"),
        ("real/file", "real//./file"),
        ("real/file", "real/deep/../file"),
        ("real/file", "link/file"),
        ("real/file", "chain/deep/../file"),
        ("real/file", "real/hard"),
        ("real/file", "real/soft"),
        ("real/new", "link/new"),
        ("real/new", "real/missing/../new"),
        ("real/new/er/file", "chain/new/er/file"),
        ("real/new/er/file", "real/New/er/File"),
        ("real/new", "real/NEW"),
        ("real/new.lock", "real/new"),
        ("real/file", "link/file.lock"),
        ("real/file", "real/FILE.runs"),
        ("loop/file", "loop/file"),
    ],
)
def test_two_options_cannot_mean_one_file(place: Path, one: str, other: str) -> None:
    for paths in ((one, other), (other, one)):
        given = {name: f"{place}/{path}" for name, path in zip(("ledger_path", "plan_path"), paths, strict=True)}
        with pytest.raises(ConfigurationError, match="ledger_path and plan_path would be one file") as caught:
            check_distinct(given)
        assert caught.value.facts() == {"kind": "configuration", "option": "plan_path"}


def test_other_files_are_none_of_each_others(place: Path) -> None:
    names = (
        "real/file",
        "real/new",
        "real/deep/file",
        "real/deep/new",
        "real/new/file",
        "file",
        "real/file.json",
        "a\0",
    )
    check_distinct({name: f"{place}/{name}" for name in names})
    (place / "real" / "DEEP").mkdir()
    check_distinct({name: f"{place}/{name}" for name in ("real/deep/new", "real/DEEP/new")})


def refused(use: str, path: Path, *words: str) -> None:
    before = sorted(path.parents[2].rglob("*"))
    with pytest.raises(FileRefused) as caught:
        USES[use](path)
    for word in words:
        assert word in str(caught.value)
    assert sorted(path.parents[2].rglob("*")) == before


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file two folders deep, whose own folder is as it should be."""
    path = tmp_path / "above" / "own" / "list"
    path.parent.mkdir(parents=True)
    return path


@needs_root
@each_use
def test_a_folder_above_that_belongs_to_somebody_else_is_refused(path: Path, use: str) -> None:
    above = path.parents[1]
    os.chown(above, NOBODY, NOBODY)
    refused(use, path, f"{above}, on the way to it, belongs to another user", "a folder of your own")
    above.chmod(0o1777)
    refused(use, path, f"{above}, on the way to it, belongs to another user")
    refused(use, above / "new" / "list", "belongs to another user")


@each_use
@pytest.mark.parametrize("mode", [0o777, 0o775, 0o757])
def test_a_folder_above_that_others_may_write_to_is_refused(path: Path, use: str, mode: int) -> None:
    above = path.parents[1]
    above.chmod(mode)
    words = (
        f"others may write to {above}, on the way to it, and replace it",
        f"chmod go-w {above}",
        f"chmod +t {above}",
    )
    refused(use, path, *words, "In AWX everybody may write to the project", "a volume that outlives jobs")
    above.chmod(mode | 0o1000)
    USES[use](path)


def test_a_ledger_has_a_way_out_where_no_folder_is_safe(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(FileRefused, match=r"outlives jobs, or else\.$"):
        PrivateFile(str(tmp_path / "list"), "the list", "", ", or else").read()


@each_use
def test_the_way_is_followed_through_links(path: Path, tmp_path: Path, use: str) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    (tmp_path / "open" / "link").symlink_to(path.parent)
    (tmp_path / "first").symlink_to("open/link/../own")
    for way in (tmp_path / "open" / "link" / "list", tmp_path / "first" / "list"):
        with pytest.raises(FileRefused, match=r"open, on the way to it"):
            USES[use](way)
    (tmp_path / "safe").symlink_to(path.parent)
    USES[use](tmp_path / "safe" / "list")


@needs_root
def test_a_link_of_somebody_else_is_refused_where_only_owners_may_replace_it(path: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    link = tmp_path / "link"
    link.symlink_to(path.parent)
    PrivateFile(str(link / "list"), "the list", "").write("text")
    os.chown(link, NOBODY, NOBODY, follow_symlinks=False)
    with pytest.raises(FileRefused, match="belongs to another user"):
        PrivateFile(str(link / "list"), "the list", "").read()


def test_a_circle_of_links_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(FileRefused):
        PrivateFile(str(tmp_path / "loop" / "list"), "the list", "").read()
