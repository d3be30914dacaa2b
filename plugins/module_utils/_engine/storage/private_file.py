# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one way in which this collection keeps files: for one user alone, whole or not at all, never through a link."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ..._api.errors import CakewalkError
from ..._api.text import printable

#: How long the lock of a file is waited for, in seconds; whoever writes holds it for some milliseconds.
PATIENCE = 30.0
_PAUSE = 0.05
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
#: Links are not followed, pipes do not block, and what a module starts does not inherit what it has open.
_SAFELY = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class FileRefused(CakewalkError):
    """A file cannot be used, or must not be trusted; C(path) is the file."""

    kind = "file"


@dataclass(frozen=True)
class PrivateFile:
    """A file of UTF-8 text that this collection keeps between runs.

    :param path: absolute, since a relative one means another file wherever a run starts. Folders on the way may be
        links, the file and its lock may not.
    :param what: what it is, in words: C(the ledger).
    :param rebuild: what to do when it is damaged, as sentences.
    """

    path: str
    what: str
    rebuild: str

    def __post_init__(self) -> None:
        """Refuse a relative path.

        :raises FileRefused: it is one.
        """
        if not Path(self.path).is_absolute():
            raise self._refused(
                "use", "the path is relative, so it would be another file wherever a run starts", "Give a whole path."
            )

    def read(self) -> str | None:
        """Return what the file holds, C(None) where there is none.

        No lock is taken, and nothing is written: a file is only ever replaced as a whole.

        :raises FileRefused: it cannot be read, is a link or no file at all, belongs to somebody else, or can be written
            or replaced by others.
        """
        with self._explaining("read"):
            try:
                with (
                    self._folder() as folder,
                    self._opened(folder, self._name, os.O_RDONLY) as file,
                    os.fdopen(file, "rb", closefd=False) as stream,
                ):
                    content = stream.read()
            except FileNotFoundError:
                return None
        try:
            return content.decode()
        except UnicodeDecodeError:
            raise self.damaged("it is no UTF-8 text") from None

    def write(self, text: str) -> None:
        """Replace the file as a whole; when this fails or the machine stops, the old one is still there.

        :raises FileRefused: it cannot be written, or what is there must not be trusted, see C(read).
        """
        with self._explaining("write"):
            self._make_folder()
            with self._folder() as folder:
                with suppress(FileNotFoundError), self._opened(folder, self._name, os.O_RDONLY):
                    pass
                temporary = f".{self._name}.{secrets.token_hex(8)}"
                file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFELY, 0o600, dir_fd=folder)
                try:
                    with os.fdopen(file, "wb") as stream:
                        stream.write(text.encode())
                        stream.flush()
                        os.fsync(file)
                    os.replace(temporary, self._name, src_dir_fd=folder, dst_dir_fd=folder)
                except BaseException:
                    os.unlink(temporary, dir_fd=folder)
                    raise
                os.fsync(folder)

    def append(self, text: str) -> None:
        """Add text at the end of the file, which is made if there is none; each call adds lines of its own.

        Where the machine stopped in the middle of a line, that line is ended first, so that it spoils no other.

        :raises FileRefused: not all of it could be written, or what is there must not be trusted, see C(read).
        """
        with self._explaining("write"):
            self._make_folder()
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
            with self._folder() as folder, self._opened(folder, self._name, flags) as file:
                size = os.fstat(file).st_size
                is_torn = size and os.pread(file, 1, size - 1) != b"\n"
                content = ("\n" if text and is_torn else "").encode() + text.encode()
                if os.write(file, content) < len(content):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(file)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of the file, a file beside it, for the length of the block.

        :raises FileRefused: it cannot be had, or another process does not let go of it.
        """
        with ExitStack() as held:
            with self._explaining("lock"):
                self._make_folder()
                folder = held.enter_context(self._folder())
                self._take(held.enter_context(self._opened(folder, f"{self._name}.lock", os.O_RDWR | os.O_CREAT)))
            yield

    def damaged(self, why: str) -> FileRefused:
        """Return the error that the file does not hold what it should."""
        return self._refused("use", why, self.rebuild)

    @property
    def _name(self) -> str:
        return Path(self.path).name

    def _make_folder(self) -> None:
        """Make the folder of the file, and those above it, for this user alone; leave those that exist as they are."""
        folder = Path(self.path).parent
        for missing in reversed([one for one in (folder, *folder.parents) if not one.exists()]):
            missing.mkdir(0o700, exist_ok=True)

    @contextmanager
    def _folder(self) -> Iterator[int]:
        """Open the folder of the file: what is done under its descriptor cannot be led elsewhere meanwhile."""
        folder = os.open(Path(self.path).parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            found = os.fstat(folder)
            if found.st_uid not in (os.geteuid(), 0):
                raise self._refused("use", "its folder belongs to another user", "Move it into a folder of your own.")
            if found.st_mode & _OTHERS_WRITE and not found.st_mode & stat.S_ISVTX:
                raise self._refused(
                    "use", "others may write to its folder, and replace it", "Forbid that (chmod go-w), or move it."
                )
            yield folder
        finally:
            os.close(folder)

    @contextmanager
    def _opened(self, folder: int, name: str, flags: int) -> Iterator[int]:
        """Open a file of the folder, if it is one that nobody else can have written."""
        file = os.open(name, flags | _SAFELY, 0o600, dir_fd=folder)
        try:
            found = os.fstat(file)
            if not stat.S_ISREG(found.st_mode):
                raise self._refused("use", f"{name} is no regular file", "Move it away, or give another path.")
            if found.st_uid != os.geteuid():
                raise self._refused(
                    "use",
                    f"{name} belongs to another user (id {found.st_uid}, this one has {os.geteuid()})",
                    "Run as the user that it belongs to, or move it away if it is not yours.",
                )
            if found.st_mode & _OTHERS_WRITE:
                raise self._refused(
                    "use",
                    f"others may write to {name}",
                    "See that nobody changed it, then forbid that (chmod go-w).",
                )
            yield file
        finally:
            os.close(file)

    def _take(self, lock: int) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise self._refused(
                        "lock",
                        f"another process has held {self._name}.lock for {PATIENCE:.0f} seconds",
                        "Let it end, or end it, then run again.",
                    ) from None
            time.sleep(_PAUSE)

    @contextmanager
    def _explaining(self, doing: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            is_link = error.errno == errno.ELOOP
            raise self._refused(
                doing,
                "it, or its lock, is a link, and links are not followed" if is_link else f"{error.strerror}",
                "Give the path of the file itself."
                if is_link
                else "Give this user a folder that it may write to, with room in it, or another path.",
            ) from None

    def _refused(self, doing: str, why: str, remedy: str) -> FileRefused:
        return FileRefused(f"{doing} {self.what} {printable(self.path)!r}", printable(why), remedy, path=self.path)
