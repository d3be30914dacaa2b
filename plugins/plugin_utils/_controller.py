# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Base classes of actions that handle files on the controller, where modules may not run."""

from __future__ import annotations

import json
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
from ._given_options import given, is_of_role
from ._in_process import InProcessAction, failed_result

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
        self.task_vars = task_vars or {}
        try:
            self._task.args = given(self._task.args, self.options(), strip=is_of_role(self._task))
            _validation, params = self.validate_argument_spec(self.options())  # type: ignore[no-untyped-call] # of Ansible
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

    def refuse_own_names(self, prefix: str, options: Iterable[str]) -> None:
        """Refuse variables of the command line that would replace a role's internal variables.

        :param prefix: of all variables of the role.
        :param options: the options of the role, with the prefix.
        :raises ConfigurationError: a variable is refused.
        """
        self.refuse_extra_variables(
            prefix,
            lambda name: name.startswith(prefix) and name not in options,
            "are not among its options, and could replace what the role itself sets",
            f"Leave them out; its options are {', '.join(sorted(options))}.",
        )

    def refuse_extra_variables(self, prefix: str, refused: Callable[[str], bool], cause: str, hint: str) -> None:
        """Refuse variables of the command line, which win over all others.

        :param prefix: of all variables of the role.
        :param refused: whether a variable of this name is refused.
        :raises ConfigurationError: a variable is refused.
        """
        taken = sorted(filter(refused, load_extra_vars(self._loader)))
        if taken:
            names = summarize(map(printable, taken))
            raise ConfigurationError(f"run the role {prefix.rstrip('_')}", f"the extra variables {names} {cause}", hint)


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
