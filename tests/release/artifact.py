# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The artifact: built from the last commit, with the same bytes wherever it is built."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from . import Unfit

_MANIFEST, _FILES = "MANIFEST.json", "FILES.json"


def build(root: Path, target: Path, tools: Path) -> Path:
    """Build the artifact from the last commit of a repository, and return its path.

    ansible-galaxy writes the time of the build, and files in the order of the disk. So the archive is packed again,
    with files sorted by name, and the time of the commit for all. Only another version of zlib may give other bytes.

    :param target: the folder that gets the artifact.
    :param tools: the folder of ansible-galaxy.
    :raises Unfit: the working tree has changes, which would not be in the artifact.
    """
    if changes := _git(root, "status", "--porcelain").decode():
        raise Unfit(f"Commit these changes first, since the artifact is built from a commit:\n{changes.rstrip()}")
    with TemporaryDirectory(prefix="cakewalk-release-") as temporary:
        source, archive = Path(temporary, "source"), Path(temporary, "source.tar")
        archive.write_bytes(_git(root, "archive", "HEAD"))
        shutil.unpack_archive(archive, source)
        command = [tools / "ansible-galaxy", "collection", "build", "--output-path", temporary, source]
        run = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if run.returncode:
            raise Unfit(run.stdout.rstrip())
        (built,) = Path(temporary).glob("*.tar.gz")
        target.mkdir(parents=True, exist_ok=True)
        return _packed_again(built, target / built.name, int(_git(root, "log", "-1", "--format=%ct")))


def contents(artifact: Path) -> dict[str, bytes]:
    """Return the files of an artifact, by path."""
    with tarfile.open(artifact) as archive:
        return {member.name: opened.read() for member in archive if (opened := archive.extractfile(member))}


def digest(artifact: Path) -> str:
    """Return the SHA-256 of an artifact, which Galaxy shows and ansible-galaxy compares."""
    return sha256(artifact.read_bytes()).hexdigest()


def _packed_again(built: Path, target: Path, time: int) -> Path:
    files = contents(built)
    listing = json.loads(files[_FILES])
    listing["files"].sort(key=lambda entry: entry["name"])
    files[_FILES] = _dumped(listing)
    manifest = json.loads(files[_MANIFEST])
    manifest["file_manifest_file"]["chksum_sha256"] = sha256(files[_FILES]).hexdigest()
    files[_MANIFEST] = _dumped(manifest)
    folders = [entry["name"] for entry in listing["files"] if entry["ftype"] == "dir" and entry["name"] != "."]
    with (
        target.open("wb") as file,
        gzip.GzipFile("", "wb", fileobj=file, mtime=time) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        # ansible-galaxy writes these two first, too.
        for name in (_MANIFEST, _FILES, *sorted({*files, *folders} - {_MANIFEST, _FILES})):
            member = tarfile.TarInfo(name)
            member.mtime = time
            member.type, member.mode = (tarfile.REGTYPE, 0o644) if name in files else (tarfile.DIRTYPE, 0o755)
            member.size = len(files.get(name, b""))
            archive.addfile(member, BytesIO(files.get(name, b"")))
    return target


def _dumped(document: Mapping[str, object]) -> bytes:
    return json.dumps(document, indent=1).encode()


def _git(root: Path, *arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=root, stdout=subprocess.PIPE, check=True).stdout
