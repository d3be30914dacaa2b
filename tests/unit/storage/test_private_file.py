# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are kept: for one user alone, whole or not at all, never through a link."""

from __future__ import annotations

import os
import resource
import signal
import socket
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._engine.storage import private_file
from ansible_collections.cakewalk.access.plugins.module_utils._engine.storage.private_file import (
    FileRefused,
    PrivateFile,
)
from unit.children import error_in_child, in_children

NOBODY = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


def kept(path: Path) -> PrivateFile:
    return PrivateFile(str(path), "the list", "Write it again.")


def locked(path: Path) -> None:
    with kept(path).locked():
        pass


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a file is to be, in a folder that is not there yet."""
    return tmp_path / "new" / "er" / "list"


USES: dict[str, Callable[[Path], object]] = {
    "read": lambda path: kept(path).read(),
    "write": lambda path: kept(path).write("new"),
    "append": lambda path: kept(path).append("new"),
    "lock": locked,
    "check": lambda path: kept(path).check_writable(),
}
each_use = pytest.mark.parametrize("use", USES)


def beside(path: Path) -> set[str]:
    """Return the files in the folder, but for locks, which stay."""
    return {entry.name for entry in path.parent.iterdir()} - {"list.lock"}


def refused(use: str, path: Path, *words: str) -> FileRefused:
    """Hold that a use is refused with the path and these words, and leaves no other file than there was."""
    before = beside(path)
    with pytest.raises(FileRefused) as caught:
        USES[use](path)
    assert caught.value.facts() == {"kind": "file", "path": str(path)}
    assert all(word in str(caught.value) for word in ("the list", repr(str(path)), *words)), str(caught.value)
    assert beside(path) == before
    return caught.value


def test_what_is_written_is_read_again(path: Path) -> None:
    kept(path).write("Žofie\n\N{SNOWMAN}")
    assert kept(path).read() == "Žofie\n\N{SNOWMAN}"
    assert path.read_bytes() == "Žofie\n☃".encode()
    kept(path).write("")
    assert kept(path).read() == ""


def test_a_file_that_is_not_there_is_none_and_is_not_made(path: Path) -> None:
    assert kept(path).read() is None
    assert not path.parent.exists()
    path.parent.mkdir(parents=True)
    assert kept(path).read() is None
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_files_and_their_folders_are_for_one_user_alone(path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        locked(path)
        kept(path).write("text")
        kept(path).write("text again")
    finally:
        os.umask(before)
    assert [mode(folder) for folder in (path.parent, path.parent.parent)] == [0o700, 0o700]
    assert {entry.name: mode(entry) for entry in path.parent.iterdir()} == {"list": 0o600, "list.lock": 0o600}


def test_a_folder_that_exists_stays_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    kept(tmp_path / "list").write("text")
    assert mode(tmp_path) == 0o755


@each_use
def test_a_link_is_refused_and_what_it_points_at_stays(path: Path, use: str) -> None:
    path.parent.mkdir(parents=True)
    target = path.with_name("target")
    target.write_text("old", encoding="utf-8")
    (path.with_name("list.lock") if use == "lock" else path).symlink_to(target)
    refused(use, path, "is a link, and links are not followed", "Give the path of the file itself")
    assert target.read_text(encoding="utf-8") == "old"


@each_use
def test_a_link_to_nothing_is_refused(path: Path, use: str) -> None:
    path.parent.mkdir(parents=True)
    (path.with_name("list.lock") if use == "lock" else path).symlink_to(path.with_name("target"))
    refused(use, path, "links are not followed")
    assert not path.with_name("target").exists()


def test_the_way_to_a_file_may_hold_links(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    kept(tmp_path / "link" / "list").write("text")
    assert kept(tmp_path / "real" / "list").read() == "text"


@needs_root
@each_use
def test_a_file_of_somebody_else_is_refused(path: Path, use: str) -> None:
    path.parent.mkdir(parents=True)
    theirs = path.with_name("list.lock") if use == "lock" else path
    theirs.touch(0o600)
    os.chown(theirs, NOBODY, NOBODY)
    refused(use, path, f"{theirs.name} belongs to another user (id 65534, this one has 0)", "Run as the user")


@each_use
@pytest.mark.parametrize("others", [0o620, 0o602])
def test_a_file_that_others_may_write_to_is_refused(path: Path, use: str, others: int) -> None:
    path.parent.mkdir(parents=True)
    open_one = path.with_name("list.lock") if use == "lock" else path
    open_one.touch()
    open_one.chmod(others)
    refused(use, path, f"others may write to {open_one.name}", "chmod go-w")


def test_a_file_that_others_may_read_is_used_and_closed_to_them(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("text", encoding="utf-8")
    path.chmod(0o644)
    assert kept(path).read() == "text"
    kept(path).write("text")
    assert mode(path) == 0o600


@each_use
@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
def test_a_folder_in_which_others_may_replace_files_is_refused(path: Path, use: str, mode: int) -> None:
    path.parent.mkdir(parents=True)
    path.parent.chmod(mode)
    refused(use, path, "others may write to its folder", "chmod go-w")
    path.parent.chmod(mode | 0o1000)
    USES[use](path)


@pytest.mark.parametrize("use", ["read", "write"])
def test_a_folder_in_place_of_a_file_is_refused(path: Path, use: str) -> None:
    path.mkdir(parents=True)
    refused(use, path, "list is not a regular file", "Move it away")


def test_a_folder_in_place_of_a_lock_is_refused(path: Path) -> None:
    path.with_name("list.lock").mkdir(parents=True)
    refused("lock", path, "Is a directory")


@each_use
def test_a_pipe_is_refused_at_once(tmp_path: Path, use: str) -> None:
    path = tmp_path / "list"
    os.mkfifo(tmp_path / ("list.lock" if use == "lock" else "list"), 0o600)
    began = time.monotonic()
    refused(use, path, "is not a regular file")
    assert time.monotonic() - began < 1


def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("list")
        refused("read", tmp_path / "list", "No such device or address")


@each_use
def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path, use: str) -> None:
    (tmp_path / "folder").touch()
    with pytest.raises(FileRefused, match="Not a directory"):
        USES[use](tmp_path / "folder" / "list")


@each_use
def test_a_folder_without_the_right_to_use_it_is_an_error_not_an_empty_one(path: Path, use: str) -> None:
    path.parent.mkdir(parents=True)
    path.parent.chmod(0o000)

    def use_it() -> None:
        if os.geteuid() == 0:
            os.setuid(NOBODY)
        USES[use](path)

    message = error_in_child(use_it, FileRefused)
    path.parent.chmod(0o700)
    assert "Permission denied" in message
    assert "Give this user a folder that it may write to" in message


def test_text_of_another_encoding_is_damaged(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\xff\xfe")
    refused("read", path, "it is not UTF-8 text", "Write it again.")


def test_a_relative_path_is_refused() -> None:
    with pytest.raises(FileRefused, match="the path is relative"):
        kept(Path("list"))


def test_whether_a_file_can_be_written_is_seen_without_a_trace(path: Path, tmp_path: Path) -> None:
    kept(path).check_writable()
    assert list(tmp_path.iterdir()) == []
    kept(path).write("old")
    kept(path).check_writable()
    assert (kept(path).read(), beside(path)) == ("old", {"list"})
    (tmp_path / "file").touch()
    with pytest.raises(FileRefused, match="Not a directory"):
        kept(tmp_path / "file" / "more" / "list").check_writable()


@pytest.mark.parametrize("inside", ["list", "playbooks/tenant/list", "playbooks/../list"])
def test_a_path_inside_a_collection_is_refused_by_the_name_of_the_collection(tmp_path: Path, inside: str) -> None:
    collection = tmp_path / "ansible_collections" / "my" / "tools"
    collection.mkdir(parents=True)
    (tmp_path / "link").symlink_to(collection)
    for folder in (collection, tmp_path / "link"):
        with pytest.raises(FileRefused, match=r"inside the installed collection my\.tools"):
            kept(folder / inside)
    kept(tmp_path / "ansible_collections" / "list")
    kept(tmp_path / "ansible_collections.d" / "more" / "er" / "list")
    kept(collection / ".." / ".." / ".." / "list")


def test_a_path_cannot_forge_a_message() -> None:
    with pytest.raises(FileRefused) as caught:
        kept(Path("list\nok: \u202e"))
    assert "\n" not in str(caught.value) and "\u202e" not in str(caught.value)


def test_a_disk_without_room_leaves_the_old_file_and_no_rest(path: Path) -> None:
    kept(path).write("old")

    def fill() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
        kept(path).write("new" * 100)

    assert "File too large" in error_in_child(fill, FileRefused)
    assert list(path.parent.iterdir()) == [path]
    assert kept(path).read() == "old"


def test_a_line_that_is_not_written_as_a_whole_is_an_error(path: Path) -> None:
    kept(path).append("old")

    def fill() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
        kept(path).append("new" * 100)

    assert "No space left" in error_in_child(fill, FileRefused)
    kept(path).append("newer\n")
    assert kept(path).read() == "old\nnewnew\nnewer\n"


def test_a_crash_before_the_new_file_takes_its_place_leaves_the_old_one(path: Path) -> None:
    kept(path).write("old")

    def crash() -> None:
        os.replace = lambda *_paths, **_folders: os._exit(9)  # type: ignore[assignment]
        kept(path).write("new")

    assert in_children([crash]) == [9]
    assert kept(path).read() == "old"
    assert [mode(entry) for entry in path.parent.iterdir()] == [0o600, 0o600]
    kept(path).write("newer")
    assert kept(path).read() == "newer"


def test_a_reader_never_sees_half_a_file(path: Path) -> None:
    kept(path).write("0" * 100_000)
    seen: set[str | None] = set()

    def write() -> None:
        for number in range(100):
            kept(path).write(f"{number % 10}" * 100_000)

    def read() -> None:
        for _reading in range(300):
            text = kept(path).read()
            assert text is not None and len(text) == 100_000 and len(set(text)) == 1
            seen.add(text)
        assert len(seen) > 1

    assert in_children([write, read]) == [0, 0]


def test_a_lock_lets_one_process_in_at_a_time(path: Path) -> None:
    kept(path).write("0")

    def count() -> None:
        for _round in range(25):
            with kept(path).locked():
                kept(path).write(str(int(kept(path).read() or "") + 1))

    assert in_children([count] * 4) == [0] * 4
    assert kept(path).read() == "100"


def test_a_lock_that_is_not_let_go_of_is_an_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private_file, "LOCK_TIMEOUT", 0.1)
    with kept(path).locked():
        refused("lock", path, "another process has held it for")
    locked(path)


def test_a_process_that_dies_lets_go_of_its_lock(path: Path) -> None:
    def die() -> None:
        with kept(path).locked():
            os._exit(9)

    assert in_children([die]) == [9]
    locked(path)


def test_what_goes_wrong_under_a_lock_passes_through_and_lets_go(path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="mine"), kept(path).locked():
        raise FileNotFoundError("mine")
    locked(path)
