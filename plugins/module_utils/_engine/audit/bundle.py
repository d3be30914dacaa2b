# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle of evidence: a folder of files with a manifest, complete or not written."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..._api.errors import CakewalkError
from ..._api.text import parse_json, printable
from ..storage.private_file import FileRefused, PrivateFile
from .table import Table

MANIFEST = "manifest.json"
#: Raised when a bundle of an earlier release can no longer be compared.
FORMAT = 1
_WHAT = "the evidence"
_HINT = "Take it from where it was kept first, or leave out `compare_with`."


class BundleRefused(CakewalkError):
    """A bundle cannot be trusted, or not be compared; C(path) is its folder."""

    kind = "bundle"


def write(folder: str, name: str, files: Mapping[str, str], facts: Mapping[str, Any]) -> str:
    """Write a bundle, and return the SHA-256 of its manifest.

    The files are written into a temporary folder next to it, which is renamed once all of them are written.

    :param folder: the folder for bundles, as an absolute path.
    :param name: the name of the new folder in it.
    :param files: the content of the files, by name.
    :param facts: the manifest without its list of files.
    :raises FileRefused: the bundle cannot be written, or exists already; no file is left then.
    """
    place = Path(folder)
    temporary = place / f".{name}.{secrets.token_hex(8)}"
    sums = {file: _sums(text) for file, text in files.items()}
    manifest = json.dumps({**facts, "files": sums}, indent=1) + "\n"
    # Refuses a folder in which other users could replace the bundle.
    PrivateFile(str(place / name), _WHAT, "").read()
    try:
        for file, text in {**files, MANIFEST: manifest}.items():
            PrivateFile(str(temporary / file), _WHAT, "").write(text)
        if (place / name).exists():
            raise FileRefused(f"write {_WHAT} {name!r}", "it is there already", "Run again.", path=str(place / name))
        temporary.rename(place / name)
        _sync(place)
    except OSError as error:
        raise FileRefused(
            f"write {_WHAT} {name!r}",
            f"{error.strerror}",
            "Give this user a folder that it may write to, with room in it, or another path.",
            path=str(place / name),
        ) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return hashlib.sha256(manifest.encode()).hexdigest()


@dataclass(frozen=True)
class Bundle:
    """A bundle that was written earlier, with files that match its manifest."""

    path: str
    manifest: Mapping[str, Any]
    texts: Mapping[str, str]

    def rows(self, table: Table) -> list[dict[str, Any]]:
        """Return the rows of the table of the same name in the bundle.

        :raises BundleRefused: the bundle does not hold them, or a row lacks its key.
        """
        file = f"{table.name}.json"
        rows = _object(self.path, file, self.texts.get(file)).get("rows")
        if not isinstance(rows, list) or not all(
            isinstance(row, dict) and row.keys() >= set(table.key) for row in rows
        ):
            raise refused(self.path, f"{file} does not hold the rows of that population")
        return rows


def read(path: str) -> Bundle:
    """Return a bundle after comparing its files with its manifest.

    :raises BundleRefused: there is no bundle, or a file is missing or does not match the manifest.
    :raises FileRefused: other users could have written to it, see C(PrivateFile.read).
    """
    manifest_text = _text(path, MANIFEST)
    manifest = _object(path, MANIFEST, manifest_text)
    if manifest.get("format") != FORMAT:
        raise refused(path, f"its format is {printable(manifest.get('format'))}, and this release reads {FORMAT}")
    files = manifest.get("files")
    if not isinstance(files, dict) or not all(file == Path(file).name for file in files):
        raise refused(path, "its manifest does not list its files")
    texts = {MANIFEST: str(manifest_text)}
    for file, sums in files.items():
        text = _text(path, file)
        if text is None:
            raise refused(path, f"{printable(file)} is missing")
        if _sums(text) != sums:
            raise refused(path, f"{printable(file)} does not match the manifest: it was changed afterwards")
        texts[file] = text
    return Bundle(path, manifest, texts)


def refused(path: str, why: str) -> BundleRefused:
    """Return the error for a bundle that cannot be used."""
    return BundleRefused(f"compare with the bundle {printable(path)!r}", why, _HINT, path=path)


def _text(path: str, file: str) -> str | None:
    return PrivateFile(str(Path(path) / file), _WHAT, _HINT).read()


def _object(path: str, file: str, text: str | None) -> Mapping[str, Any]:
    if text is None:
        raise refused(path, f"there is no {file} in it")
    try:
        content = parse_json(text)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise refused(path, f"{file} does not hold what it should")
    return content


def _sums(text: str) -> dict[str, Any]:
    content = text.encode()
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def _sync(folder: Path) -> None:
    """Write the entries of a folder to the disk, so that a new name survives a power failure."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
