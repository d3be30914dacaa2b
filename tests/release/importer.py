# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports an artifact as Galaxy and Automation Hub do."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

#: What Automation Hub demands beyond the defaults of galaxy-importer, and defaults that must not change silently.
#: It also runs C(ansible-test sanity), which C(make test) does. Its option for flake8 contradicts the format of ruff.
SETTINGS = {
    "CHECK_REQUIRED_TAGS": True,
    "REQUIRE_V1_OR_GREATER": True,
    "CHECK_CHANGELOG": True,
    "RUN_ANSIBLE_DOC": True,
    "RUN_ANSIBLE_LINT": True,
}


def import_log(artifact: Path, folder: Path, tools: Path, **settings: bool) -> str:
    """Return what galaxy-importer prints about an artifact.

    :param folder: a folder for its settings, its result and its cache.
    :param tools: the folder of galaxy-importer's Python, and of the tools that it runs.
    :param settings: settings that differ from C(SETTINGS).
    """
    config = folder / "galaxy-importer.cfg"
    options = [f"{name}={value}" for name, value in {**SETTINGS, **settings}.items()]
    config.write_text("\n".join(["[galaxy-importer]", *options]), encoding="utf-8")
    run = subprocess.run(
        [tools / "python", "-m", "galaxy_importer.main", artifact],
        cwd=folder,
        env={
            **os.environ,
            "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "PYTHONPATH": "",
            "GALAXY_IMPORTER_CONFIG": str(config),
        },
        text=True,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return run.stdout


def findings(log: str) -> list[str]:
    """Return the warnings and errors of an import, which the exit status hides, or its end if it did not succeed."""
    lines = log.splitlines()
    found = [line for line in lines if line.startswith(("WARNING", "ERROR"))]
    if "Importer processing completed successfully" not in lines:
        found += lines[-5:]
    return found
