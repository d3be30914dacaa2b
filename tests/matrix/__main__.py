# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs sanity and the playbook tests on each ansible-core since 2.16 for which a Python is found."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
BUILD = ROOT / ".build"


@dataclass(frozen=True)
class Core:
    """A release of ansible-core, the Pythons that run it, and sanity tests that cannot run for it, with why.

    The first Python that is found is taken; their order is such that together every supported Python is met.
    """

    version: str
    pythons: tuple[str, ...]
    skipped: tuple[str, ...] = ()
    reason: str = ""


CORES = (
    Core("2.16", ("3.10", "3.11", "3.12")),
    Core("2.17", ("3.12", "3.11", "3.10")),
    Core("2.18", ("3.13", "3.12", "3.11")),
    Core("2.19", ("3.11", "3.12", "3.13")),
    Core("2.20", ("3.12", "3.13", "3.14")),
    Core("2.21", ("3.13", "3.14", "3.12")),
    Core("2.22", ("3.14", "3.13"), ("pylint",), "its pins fetch a package from outside the package index"),
)


def main() -> int:
    """Run everything and return the exit status: 0 where nothing failed."""
    results = {core.version: run(core) for core in CORES}
    print()
    for version, result in results.items():
        print(f"ansible-core {version}: {result}")
    failed = sum(result.startswith("failed") for result in results.values())
    skipped = sum(result.startswith("skipped") for result in results.values())
    print(f"matrix: {len(results) - failed - skipped} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or skipped == len(results) else 0


def run(core: Core) -> str:
    """Test one release and return in words what came of it."""
    version, python = next(((one, path) for one in core.pythons if (path := interpreter(one))), ("", ""))
    if not python:
        return f"skipped, there is no Python {' or '.join(core.pythons)} here"
    venv = BUILD / "cores" / core.version
    print(f"\n=== ansible-core {core.version} on Python {version}", flush=True)
    if not (venv / "bin" / "ansible-test").exists():
        subprocess.run([python, "-m", "venv", "--clear", str(venv)], check=True)
        wanted = [f"ansible-core=={core.version}.*", "requests", "ansible-runner"]
        pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        # A pre-release only where there is nothing else yet.
        if all(subprocess.run([*pip, *pre, *wanted], check=False).returncode for pre in ([], ["--pre"])):
            return "failed: it cannot be installed here"
    environment = {
        **os.environ,
        "CAKEWALK_TEST_CORE_BIN": str(venv / "bin"),
        "CAKEWALK_TEST_CORE_PYTHON": version,
        "CAKEWALK_TEST_SKIP_SANITY": " ".join(core.skipped),
    }
    tests = ["tests/gates/test_sanity.py", "tests/playbooks", "tests/roles"]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--no-cov",
        "--quiet",
        "--numprocesses",
        "auto",
        "--dist",
        "loadgroup",
        *tests,
    ]
    if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode:
        return "failed"
    return "passed" + (f" without the sanity test {', '.join(core.skipped)}: {core.reason}" if core.skipped else "")


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


if __name__ == "__main__":
    sys.exit(main())
