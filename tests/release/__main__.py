# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds and checks the artifact: C(python -m release FOLDER). The exit status is 0 if it can be published."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory

import yaml

from . import ROOT, Unfit, changelog
from .artifact import build, contents, digest
from .fresh import FreshEnvironment
from .importer import findings, import_log

TOOLS = ROOT / ".build" / "gates" / "bin"


def main(folder: Path) -> int:
    """Build and check the artifact, print what came of it, and return the exit status."""
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    rmtree(folder, ignore_errors=True)
    try:
        artifact = build(ROOT, folder, TOOLS)
    except Unfit as reason:
        print(f"Nothing was built. {reason}")
        return 1
    files = contents(artifact)
    print(f"Files of {artifact.name}:", *sorted(files), sep="\n  ", end="\n\n")
    folders = Counter(name.split("/")[0] if "/" in name else "." for name in files)
    with TemporaryDirectory(prefix="cakewalk-release-") as temporary:
        checks: dict[str, Callable[[], str]] = {
            "Changelog": lambda: f"{version} of {changelog.released(ROOT, version)}, and no change is missing",
            "Digest": lambda: build_again(artifact, Path(temporary, "again")),
            "Importer": lambda: imported(artifact, folder, Path(temporary)),
            "Installed": lambda: installed(artifact, Path(temporary, "fresh")),
        }
        faults = sum(not told(title, check) for title, check in checks.items())
    told("Files", lambda: f"{len(files)}: {', '.join(f'{count} in {name}' for name, count in sorted(folders.items()))}")
    print(
        f"\n{artifact}: "
        + (f"{faults} of {len(checks)} checks failed. Do not publish it." if faults else "fit to publish")
    )
    return 1 if faults else 0


def told(title: str, check: Callable[[], str]) -> bool:
    """Print what a check found, and return whether all is well."""
    try:
        print(f"{title:<12} {check()}", flush=True)
    except Unfit as reason:
        print(f"{title:<12} FAILED. {reason}", flush=True)
        return False
    return True


def build_again(artifact: Path, folder: Path) -> str:
    """Build the artifact a second time, write its digest next to it, and return the digest.

    :raises Unfit: the second artifact differs.
    """
    sha256 = digest(artifact)
    if digest(build(ROOT, folder, TOOLS)) != sha256:
        raise Unfit("A second build from the same commit has other bytes")
    artifact.with_name(f"{artifact.name}.sha256").write_text(f"{sha256}  {artifact.name}\n", encoding="utf-8")
    return f"sha256 {sha256}, the same when built again"


def imported(artifact: Path, folder: Path, temporary: Path) -> str:
    """Import the artifact as Automation Hub does, and keep the log next to it.

    :raises Unfit: the importer warns of something.
    """
    log = import_log(artifact, temporary, TOOLS)
    path = folder / "galaxy-importer.log"
    path.write_text(log, encoding="utf-8")
    if found := findings(log):
        raise Unfit("\n".join(found))
    return f"{log.splitlines()[0]}: no finding. Its log is {path}"


def installed(artifact: Path, folder: Path) -> str:
    """Install the artifact into an empty environment, verify it there, and run the README's playbook.

    :raises Unfit: something fails or warns.
    """
    environment = FreshEnvironment(folder, artifact)
    return f"\n{'':<12} ".join(
        (
            f"the artifact, with nothing else than {environment.versions()}",
            f"verified: {environment.verify()}",
            f"README: {environment.try_readme()}",
        )
    )


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).absolute()))
