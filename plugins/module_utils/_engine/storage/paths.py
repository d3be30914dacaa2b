# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths of files that are kept: which are one file, which lead into a collection, and who else can change the way."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..._api.errors import ConfigurationError
from ..._api.text import printable

#: What the names of the files end in that belong to a kept file.
LOCK, RUNS = ".lock", ".runs"
#: The rights of users other than the owner to change a file or folder.
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
#: The most links on the way to a file, as Linux has it.
_LINKS = 40


def collection_of(path: str) -> str | None:
    """Return the name of the installed collection that a path leads into; C(None) if it leads into no collection."""
    for spelling in (os.path.normpath(path), os.path.realpath(path)):
        parts = Path(spelling).parts
        place = parts.index("ansible_collections") if "ansible_collections" in parts else len(parts)
        if len(parts) > place + 2:
            return ".".join(parts[place + 1 : place + 3])
    return None


def check_distinct(paths: Mapping[str, str]) -> None:
    """Refuse two options that mean one file, or of which one means a file that belongs to the other, as its lock.

    :param paths: by option.
    :raises ConfigurationError: naming both options.
    """
    options: dict[tuple[int, int, str], str] = {}
    for option, path in sorted(paths.items()):
        for suffix in ("", LOCK, RUNS):
            other = options.setdefault(_identity(os.path.normpath(path) + suffix), option)
            if other != option:
                raise ConfigurationError(
                    f"use {option}",
                    f"{other} and {option} would be one file, or the lock of one ({printable(path + suffix)!r})",
                    "Give each a file of its own.",
                    option=option,
                )


def _identity(path: str) -> tuple[int, int, str]:
    """Return the device and inode of a file, or of the next folder above it that exists, and the rest of the path.

    Paths that differ by case are equal, as they are on some file systems.
    """
    place, rest = Path(os.path.realpath(path.replace("\0", ""))), ""
    while True:
        try:
            status = place.stat()
        except OSError:
            rest = f"{place.name}/{rest}"
            place = place.parent
        else:
            return status.st_dev, status.st_ino, rest.casefold()


def weak_place(folder: str) -> tuple[str, bool] | None:
    """Return the first place on the way to a folder that another user can change, or C(None).

    A user who can change a folder, or a link, can lead every path through it elsewhere. In a folder with the sticky
    bit, only owners can.

    :return: the place, and whether another user owns it.
    :raises OSError: the way cannot be followed. A way that ends early is no error.
    """
    for place, status in _way(folder):
        is_theirs = status.st_uid not in (os.geteuid(), 0)
        is_open = stat.S_ISDIR(status.st_mode) and status.st_mode & OTHERS_WRITE and not status.st_mode & stat.S_ISVTX
        if is_theirs or is_open:
            return place, is_theirs
    return None


def _way(folder: str) -> Iterator[tuple[str, os.stat_result]]:
    """Yield the folders and links on the way to a folder, from the root on, and the folder itself."""
    place, links = Path(os.sep), 0
    left = list(reversed(Path(folder).parts[1:]))
    yield str(place), place.lstat()
    while left:
        name = left.pop()
        if name == os.pardir:
            place = place.parent
            continue
        path = place / name
        try:
            status = path.lstat()
        except FileNotFoundError:
            return
        yield str(path), status
        if not stat.S_ISLNK(status.st_mode):
            place = path
            continue
        links += 1
        if links > _LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        target = path.readlink()
        place = Path(os.sep) if target.is_absolute() else place
        left += reversed(target.parts[1:] if target.is_absolute() else target.parts)
