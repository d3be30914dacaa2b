# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private files: written atomically, readable and writable by one user only, never reached through a link."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

from ..._api.errors import CakewalkError
from ..._api.text import printable
from .paths import LOCK, OTHERS_WRITE, collection_of, weak_place

#: How long to wait for the lock of a file, in seconds; a write holds it for some milliseconds.
LOCK_TIMEOUT = 30.0
_PAUSE = 0.05
#: Links are not followed, pipes do not block, and child processes do not inherit the descriptor.
_SAFE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class FileRefused(CakewalkError):
    """A file cannot be used, or must not be trusted; C(path) is the file."""

    kind = "file"


@dataclass(frozen=True)
class PrivateFile:
    """A file of UTF-8 text that the collection keeps between runs.

    :param path: absolute, because a relative path depends on the working directory. Its folders may be links, the file
        and its lock may not.
    :param what: what the file is called in messages: C(the ledger).
    :param rebuild: what to do if the file is damaged, as sentences.
    :param instead: what else is possible where no place is safe, to follow "keep the file elsewhere".
    :raises FileRefused: the path is relative.
    """

    path: str
    what: str
    rebuild: str
    instead: str = ""

    def __post_init__(self) -> None:
        if self.path.startswith("~"):
            raise self._refused(
                "use", "the home folder of this user is not known", "Set HOME, or give an absolute path."
            )
        if not Path(self.path).is_absolute():
            raise self._refused(
                "use",
                "the path is relative, so it would be another file wherever a run starts",
                "Give an absolute path.",
            )
        if "\0" in self.path:
            raise self._refused("use", "the path holds a NUL character", "Correct the path.")
        collection = collection_of(self.path)
        if collection:
            raise self._refused(
                "use",
                f"it would be inside the installed collection {collection}, which the next installation replaces",
                "Give a path outside of it; `playbook_dir` is inside for a playbook of a collection.",
            )

    def read(self) -> str | None:
        """Return the text of the file, or C(None) if there is no file.

        Reading needs no lock and writes nothing, because a file is only ever replaced as a whole.

        :raises FileRefused: the file cannot be read, is not a regular file, belongs to another user, or other users can
            write to or replace it.
        """
        with self._reporting_errors("read"):
            try:
                with (
                    self._open_folder() as folder,
                    self._open(folder, self._name, os.O_RDONLY) as file,
                    os.fdopen(file, "rb", closefd=False) as stream,
                ):
                    content = stream.read()
            except FileNotFoundError:
                return None
        try:
            return content.decode()
        except UnicodeDecodeError:
            raise self.damaged("it is not UTF-8 text") from None

    def write(self, text: str) -> None:
        """Replace the file as a whole; after a failure or a crash the old file is still there.

        :raises FileRefused: the file cannot be written, or must not be trusted, see C(read).
        """
        with self._reporting_errors("write"):
            self._make_folder()
            with self._open_folder() as folder:
                with suppress(FileNotFoundError), self._open(folder, self._name, os.O_RDONLY):
                    pass
                temporary = f".{self._name}.{secrets.token_hex(8)}"
                file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFE, 0o600, dir_fd=folder)
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
        """Append text to the file, which is created if needed; each call appends whole lines.

        A line that a crash cut short is ended first, so that it damages no other line.

        :raises FileRefused: not all of the text could be written, or the file must not be trusted, see C(read).
        """
        with self._reporting_errors("write"):
            self._make_folder()
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
            with self._open_folder() as folder, self._open(folder, self._name, flags) as file:
                size = os.fstat(file).st_size
                is_torn = size and os.pread(file, 1, size - 1) != b"\n"
                content = ("\n" if text and is_torn else "").encode() + text.encode()
                if os.write(file, content) < len(content):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(file)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of the file, a second file with the suffix C(.lock), for the length of the block.

        :raises FileRefused: the lock cannot be taken, or another process does not release it.
        """
        with ExitStack() as stack:
            with self._reporting_errors("lock"):
                self._make_folder()
                folder = stack.enter_context(self._open_folder())
                lock = stack.enter_context(self._open(folder, f"{self._name}{LOCK}", os.O_RDWR | os.O_CREAT))
                self._acquire(lock, fcntl.LOCK_EX)
            yield

    @contextmanager
    def held(self, look: Callable[[], None], create: bool) -> Iterator[None]:
        """Hold the file for the length of the block, together with other runs.

        :param look: called first if no other run on this machine holds the file.
        :param create: whether to create a missing file; otherwise a missing file is not held.
        :raises FileRefused: the file cannot be opened, or must not be trusted, see C(read).
        """
        flags = os.O_RDWR | os.O_CREAT if create else os.O_RDONLY
        with ExitStack() as stack:
            with self._reporting_errors("use"), suppress(FileNotFoundError):
                folder = stack.enter_context(self._open_folder())
                file = stack.enter_context(self._open(folder, self._name, flags))
                with suppress(BlockingIOError):
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    look()
                self._acquire(file, fcntl.LOCK_SH)
            yield

    def try_lock(self) -> int | None:
        """Take the lock of the file without waiting, and return its descriptor; closing it releases the lock.

        Return C(None) if another process has the lock.

        :raises FileRefused: the lock cannot be taken, or must not be trusted.
        """
        with self._reporting_errors("lock"):
            self._make_folder()
            with self._open_folder() as folder:
                while True:
                    with self._open(folder, f"{self._name}{LOCK}", os.O_RDWR | os.O_CREAT) as lock:
                        try:
                            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        except BlockingIOError:
                            return None
                        # Otherwise its owner removed it after it was opened here, and others lock a new one.
                        if os.fstat(lock).st_nlink:
                            return os.dup(lock)

    def remove(self) -> None:
        """Remove the file, then its lock, for a process that holds the lock."""
        with self._reporting_errors("remove"), self._open_folder() as folder:
            for name in (self._name, f"{self._name}{LOCK}"):
                with suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=folder)

    def check_writable(self) -> None:
        """Check that the file could be written, without leaving anything behind.

        :raises FileRefused: the file cannot be written, or must not be trusted.
        """
        folder = Path(self.path).parent
        with self._reporting_errors("write"):
            self._check_way()
            existing = next(path for path in (folder, *folder.parents) if path.exists())
            with TemporaryFile(dir=existing) as file:
                fcntl.flock(file, fcntl.LOCK_EX)
            if existing == folder:
                with (
                    self._open_folder() as descriptor,
                    suppress(FileNotFoundError),
                    self._open(descriptor, self._name, os.O_RDWR),
                ):
                    pass

    def check_replaceable(self, is_own: Callable[[str], bool], content: str) -> None:
        """Check that the file could be written, and holds nothing but what an earlier run wrote, or nothing at all.

        :param is_own: whether a run wrote such a text.
        :param content: what a run writes, for the message.
        :raises FileRefused: the file cannot be written, must not be trusted, or holds anything else.
        """
        self.check_writable()
        text = self.read()
        if text and not is_own(text):
            raise self.damaged(f"it does not hold {content}")

    def damaged(self, cause: str) -> FileRefused:
        """Return the error for a file whose content is not valid."""
        return self._refused("use", cause, self.rebuild)

    @property
    def _name(self) -> str:
        return Path(self.path).name

    def _make_folder(self) -> None:
        """Create the missing folders of the path for this user only, and leave existing folders as they are."""
        self._check_way()
        folder = Path(self.path).parent
        for missing in reversed([parent for parent in (folder, *folder.parents) if not parent.exists()]):
            missing.mkdir(0o700, exist_ok=True)

    @contextmanager
    def _open_folder(self) -> Iterator[int]:
        """Open the folder of the file, so that operations on its descriptor cannot be redirected meanwhile."""
        self._check_way()
        folder = os.open(Path(self.path).parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            yield folder
        finally:
            os.close(folder)

    def _check_way(self) -> None:
        """Refuse a folder, or a folder or link above it, that another user can change."""
        folder = Path(self.path).parent
        weak = weak_place(str(folder))
        if weak is None:
            return
        place, is_theirs = weak
        what = "its folder" if os.path.realpath(place) == os.path.realpath(folder) else f"{place}, on the way to it,"
        if is_theirs:
            raise self._refused("use", f"{what} belongs to another user", "Move it into a folder of your own.")
        raise self._refused(
            "use",
            f"others may write to {what} and replace it",
            f"Forbid that (chmod go-w {place}), set the sticky bit (chmod +t {place}), or move the "
            "file into a folder of your own. In AWX everybody may write to the project, which ends with the job: keep "
            f"the file on a volume that outlives jobs{self.instead}.",
        )

    @contextmanager
    def _open(self, folder: int, name: str, flags: int) -> Iterator[int]:
        """Open a regular file in the folder that no other user can have written."""
        file = os.open(name, flags | _SAFE, 0o600, dir_fd=folder)
        try:
            status = os.fstat(file)
            if not stat.S_ISREG(status.st_mode):
                raise self._refused("use", f"{name} is not a regular file", "Move it away, or give another path.")
            if status.st_uid != os.geteuid():
                raise self._refused(
                    "use",
                    f"{name} belongs to another user (id {status.st_uid}, this one has {os.geteuid()})",
                    "Run as the user that it belongs to, or move it away if it is not yours.",
                )
            if status.st_mode & OTHERS_WRITE:
                raise self._refused(
                    "use", f"others may write to {name}", "See that nobody changed it, then forbid that (chmod go-w)."
                )
            yield file
        finally:
            os.close(file)

    def _acquire(self, lock: int, mode: int) -> None:
        deadline = time.monotonic() + LOCK_TIMEOUT
        while True:
            try:
                return fcntl.flock(lock, mode | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise self._refused(
                        "lock",
                        f"another process has held it for {LOCK_TIMEOUT:.0f} seconds",
                        "Let it end, or end it, then run again.",
                    ) from None
            time.sleep(_PAUSE)

    @contextmanager
    def _reporting_errors(self, action: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            is_link = error.errno == errno.ELOOP
            raise self._refused(
                action,
                "it, or its lock, is a link, and links are not followed" if is_link else f"{error.strerror}",
                "Give the path of the file itself."
                if is_link
                else "Give this user a folder that it may write to, with room in it, or another path.",
            ) from None

    def _refused(self, action: str, cause: str, hint: str) -> FileRefused:
        return FileRefused(f"{action} {self.what} {printable(self.path)!r}", printable(cause), hint, path=self.path)
