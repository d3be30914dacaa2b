# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs what may differ between releases on each ansible-core since 2.16 for which a Python is found.

C(python -m matrix 2.16 2.19) runs these releases only. All that a part prints is in C(.build/matrix).
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Collection, Sequence
from pathlib import Path

from .cores import CORES, Core
from .table import Outcome, Row, outcome, table

ROOT = Path(__file__).parent.parent.parent
BUILD = ROOT / ".build"
LOGS = BUILD / "matrix"

#: The parts and their tests. Units run on the Python of the release, the others run its commands.
PARTS = {
    "sanity": ("tests/gates/test_sanity.py",),
    # The rest of the engine knows nothing of Ansible: it is tested once for each Python.
    "units": ("tests/unit/_module", "tests/unit/plugin_utils"),
    # The scenarios of all modules, and all modules, in process and by a process.
    "in process": ("tests/playbooks/test_in_process.py", "tests/playbooks/test_every_module.py", "-m", "every_core"),
    "playbooks": (
        *("tests/playbooks", "-m", "every_core and not slow"),
        *("--ignore=tests/playbooks/test_in_process.py", "--ignore=tests/playbooks/test_every_module.py"),
    ),
    "roles": ("tests/roles", "-m", "every_core and not slow"),
}


def main(versions: Sequence[str]) -> int:
    """Run everything and return the exit status: 0 where nothing failed."""
    LOGS.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    for core in CORES:
        if not versions or core.version in versions:
            rows.append(run(core, {row.python for row in rows}))
    shown = table(rows, list(PARTS))
    (LOGS / "table.txt").write_text(f"{shown}\n", encoding="utf-8")
    print(f"\n{shown}")
    return 1 if any(row.failed for row in rows) or not any(row.outcomes for row in rows) else 0


def run(core: Core, met: Collection[str]) -> Row:
    """Run all parts on one release.

    :param met: the Pythons on which the unit tests have run.
    """
    found = core.python()
    if not found:
        return Row(core.version, "-", notes=[f"skipped: there is no Python {' or '.join(core.pythons)} here"])
    version, python = found
    venv = BUILD / "cores" / core.version
    row = Row(core.version, version)
    log = LOGS / f"{core.version} install.log"
    if not core.install(python, venv, log):
        row.outcomes["sanity"] = Outcome(failed=[f"it cannot be installed, see {log}"])
        return row
    row.core, row.python = (_said(venv, "ansible.release", "__version__"), _said(venv, "platform", "python_version()"))
    if core.skipped:
        row.notes.append(f"sanity without {', '.join(core.skipped)}: {core.reason}")
    environment = {
        **os.environ,
        "CAKEWALK_TEST_CORE_BIN": str(venv / "bin"),
        "CAKEWALK_TEST_CORE_PYTHON": version,
        "CAKEWALK_TEST_SKIP_SANITY": " ".join(core.skipped),
    }
    # The same tests in all breadth have run before, on one release; how broad they are is no matter of the release.
    environment.pop("CAKEWALK_TEST_THOROUGH", None)
    for part in PARTS:
        print(f"ansible-core {row.core} on Python {row.python}: {part} ", end="", flush=True)
        tests = ("tests/unit",) if part == "units" and row.python not in met else PARTS[part]
        row.outcomes[part] = _run(part, tests, core.version, venv, environment)
        print(row.outcomes[part].cell(), flush=True)
    return row


def _run(part: str, tests: Sequence[str], version: str, venv: Path, environment: dict[str, str]) -> Outcome:
    """Run one part; where it fails, print what it printed."""
    log, report = (LOGS / f"{version} {part}.{kind}" for kind in ("log", "xml"))
    report.unlink(missing_ok=True)
    mine = part == "units"
    command = [
        *(str(venv / "bin" / "python") if mine else sys.executable, "-m", "pytest", "--quiet"),
        *("--numprocesses", "auto", "--dist", "loadgroup", "-o", "junit_family=xunit1", f"--junitxml={report}"),
        *([] if mine else ["--no-cov"]),
        *tests,
    ]
    start = time.monotonic()
    with log.open("w", encoding="utf-8") as said:
        status = subprocess.run(command, cwd=ROOT, env=environment, stdout=said, stderr=said, check=False).returncode
    came = outcome(report.read_text(encoding="utf-8") if report.exists() else "", status, time.monotonic() - start)
    if came.failed:
        print(f"\n{log.read_text(encoding='utf-8')}\nThis was {log}:", end=" ")
    return came


def _said(venv: Path, module: str, expression: str) -> str:
    code = f"import {module} as it; print(it.{expression})"
    return subprocess.run(
        [venv / "bin" / "python", "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
