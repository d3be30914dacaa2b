# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The releases of ansible-core that the collection supports, and how each gets an environment of its own."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

#: What the unit tests need, which run on the Python of the release. Newer versions than a Python runs are left out.
PACKAGES = ("requests", "ansible-runner", "pytest<9.2", "pytest-xdist", "hypothesis", "jsonschema", "markdown-it-py")


@dataclass(frozen=True)
class Core:
    """A release of ansible-core, the Pythons that run it, and sanity tests that cannot run for it, with why.

    The first Python that is found is taken; their order is such that together every supported Python is met.
    """

    version: str
    pythons: tuple[str, ...]
    skipped: tuple[str, ...] = ()
    reason: str = ""

    def python(self) -> tuple[str, str] | None:
        """Return the version and the path of the first Python that is found."""
        found = ((version, interpreter(version)) for version in self.pythons)
        return next(((version, path) for version, path in found if path), None)

    def install(self, python: str, venv: Path, log: Path) -> bool:
        """Install the release into an environment, if it is not there already, and return whether it is there.

        :param log: a file that gets what C(pip) says.
        """
        if (venv / "bin" / "pytest").exists():
            return True
        if subprocess.run([python, "-m", "venv", "--clear", str(venv)], check=False).returncode:
            return False
        pip = (str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        wanted = (f"ansible-core=={self.version}.*", *PACKAGES)
        with log.open("w", encoding="utf-8") as said:
            # A pre-release only where there is nothing else yet.
            return any(
                subprocess.run([*pip, *pre, *wanted], stdout=said, stderr=said, check=False).returncode == 0
                for pre in ((), ("--pre",))
            )


CORES = (
    Core("2.16", ("3.10", "3.11", "3.12")),
    Core("2.17", ("3.12", "3.11", "3.10")),
    Core("2.18", ("3.13", "3.12", "3.11")),
    Core("2.19", ("3.11", "3.12", "3.13")),
    Core("2.20", ("3.12", "3.13", "3.14")),
    Core("2.21", ("3.13", "3.14", "3.12")),
    Core("2.22", ("3.14", "3.13"), ("pylint",), "its pins fetch a package from outside the package index"),
)


def interpreter(version: str) -> str | None:
    """Return a Python of this version that runs, from the path or from pyenv, which hides those that are not chosen."""
    candidates = [shutil.which(f"python{version}")]
    pyenv = shutil.which("pyenv")
    if pyenv:
        root = subprocess.run([pyenv, "root"], capture_output=True, text=True, check=False).stdout.strip()
        candidates += sorted(map(str, Path(root).glob(f"versions/{version}.*/bin/python")))
    for candidate in filter(None, candidates):
        probe = [candidate, "-c", "import ensurepip"]
        if subprocess.run(probe, stderr=subprocess.DEVNULL, check=False).returncode == 0:
            return candidate
    return None
