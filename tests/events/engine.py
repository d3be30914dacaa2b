# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs real C(ansible-rulebook) in the environment that the Makefile sets up for it."""

from __future__ import annotations

import ast
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import requests
import yaml
from events.killing import kill
from events.sources import Event, free_port, until
from sandbox.process import Sandbox

ROOT = Path(__file__).parents[2]
RULEBOOKS = ROOT / "extensions" / "eda" / "rulebooks"
COLLECTIONS = Path(os.environ.get("CAKEWALK_TEST_COLLECTIONS", ROOT / ".build" / "collections"))
ANSIBLE_RULEBOOK = ROOT / ".build" / "events" / "bin" / "ansible-rulebook"
#: Java and a busy machine take their time.
START = 90


def why_not() -> str | None:
    """Return what is missing to run the engine, if anything is."""
    if not shutil.which("java") and "JAVA_HOME" not in os.environ:
        return "ansible-rulebook needs Java, and there is no java on the PATH"
    return None


class Engine:
    """A running ansible-rulebook.

    :param folder: where it may write.
    :param rulebook: a name in the collection, or a file.
    :param collections: where the collection is installed.
    :param host: the variables of the host, which the playbooks that it runs find.
    :param environment: variables of its process, beside those that reach the tenant.
    :param variables: those of the rulebook; C(webhook_port) is a free one.
    """

    def __init__(
        self,
        folder: Path,
        tenant: Sandbox,
        rulebook: str,
        collections: Path = COLLECTIONS,
        host: Mapping[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
        **variables: Any,
    ) -> None:
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}/webhook"
        self._log = folder / "rulebook.log"
        inventory, given = folder / "inventory.yml", folder / "vars.yml"
        here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, **(host or {})}
        inventory.write_text(yaml.safe_dump({"all": {"hosts": {"localhost": here}}}))
        given.write_text(yaml.safe_dump({"webhook_port": self._port, **variables}))
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [ANSIBLE_RULEBOOK, "--rulebook", rulebook, "--inventory", inventory, "--vars", given, "--verbose"],
                cwd=folder,
                env={**self._environment(folder, tenant, collections), **(environment or {})},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_facts: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the engine and the playbooks that it runs."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def kill(self) -> None:
        """End the engine and the playbooks that it runs as a loss of power does."""
        kill(self._process.pid)
        self._process.wait()

    def listening(self) -> Engine:
        """Return the engine itself once it takes webhooks."""
        until(self._answers, START)
        return self

    @property
    def output(self) -> str:
        """All that it printed so far."""
        return self._log.read_text(errors="replace")

    @property
    def printed(self) -> list[Event]:
        """The events that rules printed so far."""
        return [ast.literal_eval(line) for line in self.output.splitlines() if line.startswith("{'")]

    def _answers(self) -> bool:
        assert self._process.poll() is None, self.output
        with suppress(requests.ConnectionError):
            return requests.get(self.url.replace("/webhook", "/healthz"), timeout=5).ok
        return False

    @staticmethod
    def _environment(folder: Path, tenant: Sandbox, collections: Path) -> dict[str, str]:
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
        (folder / "ansible.cfg").touch()
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PYTHON"))},
            **tenant.env,
            "PATH": path,
            "HOME": str(folder),
            "ANSIBLE_HOME": str(folder / ".ansible"),
            "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(collections),
        }
