# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Base classes of actions that handle files on the controller, where modules may not run."""

from __future__ import annotations

import json
import os
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.vars import load_extra_vars

from ..module_utils._api.errors import ConfigurationError
from ..module_utils._api.text import printable, summarize
from ..module_utils._engine.fulfilment.processes import Process
from ..module_utils._engine.fulfilment.task_lock import TaskLockRefused, TaskLocks
from ._given_options import given, is_of_role
from ._in_process import InProcessAction, failed_result

#: How the variables begin that Ansible, AWX and Automation Controller add themselves.
_OF_ANSIBLE = ("ansible_", "awx_", "tower_")
_ROOT = Path(__file__).parents[2]


def collection_version() -> str:
    """Return the version of the collection, from C(MANIFEST.json) or, before it is built, from C(galaxy.yml)."""
    built, source = _ROOT / "MANIFEST.json", _ROOT / "galaxy.yml"
    if built.exists():
        return str(json.loads(built.read_text(encoding="utf-8"))["collection_info"]["version"])
    return str(yaml.safe_load(source.read_text(encoding="utf-8"))["version"])


class ControllerAction(ActionBase):
    """An action that runs on the controller only, and sends no requests."""

    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = {**super().run(tmp, task_vars), "changed": False}
        self._task.args = given(self._task.args, self.options(), strip=is_of_role(self._task))
        _validation, params = self.validate_argument_spec(self.options())  # type: ignore[no-untyped-call] # of Ansible
        try:
            return {**result, **self.perform(params)}
        except AnsibleError:
            raise
        except Exception as error:
            return failed_result(self, error, result)

    @abstractmethod
    def options(self) -> dict[str, Any]:
        """Return the argument spec."""

    @abstractmethod
    def perform(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Do what the options say, and return the result."""

    @staticmethod
    def process_of_run() -> Process:
        """Return the process of the run that this action belongs to, which is its parent.

        :raises TaskLockRefused: the process has ended.
        """
        process = Process.running(os.getppid())
        if process is None:
            raise _run_ended()
        return process

    def locks(self, folder: str, run: Mapping[str, Any]) -> TaskLocks:
        """Return the locks in a folder, for a run.

        :param run: with the C(id) of the run, and its C(process) when it started.
        :raises TaskLockRefused: that process has ended, and another process, which does not end, has its children.
        """
        process = Process(**run["process"])
        if process != self.process_of_run():
            raise _run_ended()
        return TaskLocks(folder, process, run["id"])

    def refuse_all_but(self, prefix: str, options: Iterable[str], allowed: Iterable[str]) -> None:
        """Refuse all variables of the command line that a role does not know, since they override registered results.

        :param prefix: of all variables of the role.
        :param options: the options of the role, without the prefix.
        :param allowed: the names of other variables that are allowed.
        :raises ConfigurationError: a variable is refused.
        """
        known = {*(f"{prefix}{name}" for name in options), *allowed}
        others = [name for name in load_extra_vars(self._loader) if name not in known]
        unknown = sorted(name for name in others if not name.startswith(_OF_ANSIBLE))
        if unknown:
            raise ConfigurationError(
                f"run the role {prefix.rstrip('_')}",
                f"the extra variables {summarize(map(printable, unknown))} could replace what its tasks find",
                f"Set them elsewhere, such as in the inventory, or name them in {prefix}extra_variables there.",
            )

    def refuse_own_names(self, prefix: str, options: Iterable[str]) -> None:
        """Refuse variables of the command line that would replace a role's internal variables.

        :param prefix: of all variables of the role.
        :param options: the options of the role, with the prefix.
        :raises ConfigurationError: a variable is refused.
        """
        given = load_extra_vars(self._loader)
        taken = sorted(name for name in given if name.startswith(prefix) and name not in options)
        if taken:
            raise ConfigurationError(
                f"run the role {prefix.rstrip('_')}",
                f"the extra variables {summarize(map(printable, taken))} are none of its options, and could replace "
                "what the role itself sets",
                f"Leave them out; its options are {', '.join(sorted(options))}.",
            )


class FileKeepingAction(InProcessAction):
    """An action that runs its module, and reads and writes files on the controller before and after it."""

    def run_with(self, options: dict[str, Any], tmp: str | None, task_vars: dict[str, Any] | None) -> dict[str, Any]:
        result: dict[str, Any] = {"changed": False}

        def run_module(**more: Any) -> dict[str, Any]:
            result.update(super(FileKeepingAction, self).run_with({**options, **more}, tmp, task_vars))
            return result

        try:
            self._refuse_async()
            return self.keep_files(options, run_module)
        except AnsibleError:
            raise
        except Exception as error:
            return failed_result(self, error, result)
        finally:
            self._task.args = options

    @abstractmethod
    def keep_files(self, options: Mapping[str, Any], run_module: Callable[..., dict[str, Any]]) -> dict[str, Any]:
        """Run the module, handle its files, and return the result of the task.

        :param options: the options of the task, as they were given.
        :param run_module: runs the module with further options, and returns its result. What the result no longer
            holds is not reported if an error follows.
        """

    def _refuse_async(self) -> None:
        """Refuse C(async), since the files are written when the module ends.

        :raises ConfigurationError: the task uses it.
        """
        if self._task.async_val:
            raise ConfigurationError(
                "use async", "what the module returns is kept as files when it ends", "Leave out async, or set it to 0."
            )


def _run_ended() -> TaskLockRefused:
    return TaskLockRefused("go on", "the run that this belongs to has ended", "Nothing was approved. Run again.")
