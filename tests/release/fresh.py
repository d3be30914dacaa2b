# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An environment without anything but ansible-core, requests and the collection, as a new user has it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from demo import first_playbook
from demo.__main__ import QUIET, writes
from sandbox.process import Sandbox

from . import Unfit

NAME = "cakewalk.access"


class FreshEnvironment:
    """A virtual environment and a collection path in a folder, with an artifact installed.

    :ivar collection: the folder of the installed collection.
    """

    def __init__(self, folder: Path, artifact: Path) -> None:
        self._folder, self._bin = folder, folder / "venv" / "bin"
        self.collection = folder / "collections" / "ansible_collections" / Path(*NAME.split("."))
        (folder / "home").mkdir(parents=True)
        self._install([sys.executable, "-m", "venv", folder / "venv"])
        self._install([*self._pip("install"), "ansible-core"])
        self.run("ansible-galaxy", "collection", "install", "--offline", str(artifact))
        self._install([*self._pip("install"), "-r", self.collection / "meta" / "requirements.txt"])

    def versions(self) -> str:
        """Return the installed packages that the collection asks for, with their versions."""
        lines = self._install([*self._pip("freeze")]).splitlines()
        return ", ".join(line.replace("==", " ") for line in lines if line.startswith(("ansible-core=", "requests=")))

    def verify(self) -> str:
        """Compare every installed file with the checksum that the artifact lists for it.

        :raises Unfit: a file differs.
        """
        self.run("ansible-galaxy", "collection", "verify", "--offline", NAME)
        return "every file has the checksum that FILES.json lists, and FILES.json that of MANIFEST.json"

    def try_readme(self) -> str:
        """Run the first playbook of the artifact's README in a sandbox: as a dry run, for real, and again.

        :raises Unfit: a run failed, warned, or changed something else than the README says.
        """
        playbook = self._folder / "home" / "people.yml"
        playbook.write_text(first_playbook(self.collection / "README.md"), encoding="utf-8")
        sent = []
        with Sandbox() as tenant, TemporaryDirectory(dir=playbook.parent) as folder:
            environment = {**tenant.env, "CAKEWALK_LEDGER": f"{folder}/ledger.json"}
            for options in (["--check", "--diff"], [], []):
                tenant.clear_log()
                self.run("ansible-playbook", playbook.name, *options, **environment)
                sent.append(len(writes(tenant)))
        if sent != [0, 3, 0]:
            raise Unfit(f"The README's playbook sent {sent} writes as a dry run, for real and again, not 0, 3 and 0")
        return "its playbook sent no write as a dry run, 3 for real, and none when it ran again"

    def run(self, tool: str, *arguments: str, **variables: str) -> str:
        """Run a tool of the environment with no variables of this shell, and return what it prints.

        :raises Unfit: it failed or warned.
        """
        environment = {
            "PATH": f"{self._bin}{os.pathsep}{os.defpath}",
            "HOME": str(self._folder / "home"),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_COLLECTIONS_PATH": str(self._folder / "collections"),
            **QUIET,
            **variables,
        }
        return self._checked([self._bin / tool, *arguments], environment)

    def _pip(self, command: str) -> list[Path | str]:
        return [self._bin / "python", "-m", "pip", command, "--quiet", "--disable-pip-version-check"]

    def _install(self, command: list[Path | str]) -> str:
        # pip needs the settings of this machine.
        return self._checked(command, dict(os.environ))

    def _checked(self, command: list[Path | str], environment: dict[str, str]) -> str:
        run = subprocess.run(
            command,
            cwd=self._folder / "home",
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if run.returncode or "[WARNING]" in run.stdout or "[DEPRECATION" in run.stdout:
            words = " ".join(str(word) for word in command)
            raise Unfit(f"{words} ended with status {run.returncode}:\n{run.stdout.rstrip()}")
        return run.stdout
