# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run modules of this collection in Ansible's own process, where the result is the same as that of a new process.

A new process takes Ansible some tenths of a second, which a module that only sends requests does not need. Ansible's
interface to modules is kept: a module reads its options and prints its result, without secrets.
The collection ansible.netcommon does the same for network modules.
"""

from __future__ import annotations

import io
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from ansible import constants as C
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils import basic
from ansible.module_utils.common import json as ansible_json
from ansible.module_utils.common import warnings
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible.plugins.loader import module_loader
from ansible.utils.vars import merge_hash
from ansible.vars import clean

from ..module_utils._api.errors import ConfigurationError
from ..module_utils._api.text import redact
from ..module_utils._api.transport import REQUESTS_IMPORT_ERROR
from ..module_utils._module.entry import TIME_LIMIT, error_result
from ._given_options import completed, defaults_of, given, is_of_role, of_variables, refuse_fact

#: If this variable, or the environment variable in capitals, is false, every module starts a process.
SWITCH = "cakewalk_in_process"
#: The serialization profile of modules since ansible-core 2.19.
_PROFILE = "legacy"
#: How many seconds before the time limit a process ends, so that its result arrives in time.
_MARGIN = 5.0
_SECRETS = ("api_key", "api_secret", "mask_key")


def option_of(action: ActionBase, name: str, environment: str = "") -> str | None:
    """Return an option of a task as far as the controller can know it.

    It is set by the task, by a variable, by the environment of the task, or by that of this process if modules inherit
    it.

    :param environment: the name of its environment variable, if it is not that of the option.
    """
    environment = environment or f"CAKEWALK_{name.upper()}"
    inherited = dict(os.environ) if action._connection.transport == "local" else {}
    of_task: dict[str, Any] = {}
    action._compute_environment_string(of_task)
    spec = {name: {"fallback": (None, [environment])}}
    value = action._task.args.get(name) or of_variables(spec, action._templar).get(name)
    value = str(value or {**inherited, **of_task}.get(environment, ""))
    return value if value.strip() else None


def failed_result(action: ActionBase, error: Exception, result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result of a task that an error ended, scrubbed as C(AnsibleModule) does it for modules.

    :param result: what the task had returned until then.
    """
    secrets: list[str] = []
    for name in _SECRETS:
        # A variable that cannot be read hides no error, and its text is in none.
        with suppress(Exception):
            secrets += filter(None, [option_of(action, name)])
    progress = {name: result[name] for name in ("changed", "steps") if name in result}
    shown = {name: redact(value, secrets) for name, value in error_result(error, progress).items()}
    return {**result, **shown, "failed": True}


class InProcessAction(NormalAction):
    """An action that runs the module of its task in this process if the result is the same, else in a new process."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        of_task = self._task.args
        try:
            options = self._given_options()
        except AnsibleError:
            raise
        except Exception as error:
            return failed_result(self, error, ActionBase.run(self, tmp, task_vars))
        try:
            return self.run_with(options, tmp, task_vars)
        finally:
            # Callbacks get the options of the task, and would see what variables add.
            self._task.args = of_task

    def run_with(self, options: dict[str, Any], tmp: str | None, task_vars: dict[str, Any] | None) -> dict[str, Any]:
        """Run the module with these options, and return its result."""
        self._task.args = options
        reason = self._reason_for_a_process(task_vars or {})
        way = f"by a process of its own, because of {reason}" if reason else "in the process of Ansible"
        self._display.vvv(f"{self._task.action} runs {way}")
        if reason:
            self._pass_time_limit()
            return _shown(super().run(tmp, task_vars))  # type: ignore[no-untyped-call] # of Ansible
        result = ActionBase.run(self, tmp, task_vars)
        try:
            return _shown(merge_hash(result, self._run_in_process(task_vars or {})))
        except AnsibleError:
            raise
        except Exception as error:
            return failed_result(self, error, result)

    def _given_options(self) -> dict[str, Any]:
        """Return the options of the task, else those of C(module_defaults), else those that variables set."""
        context = self._module_context()
        spec = import_module(str(context.plugin_resolved_name)).SPEC["argument_spec"]
        options = given(self._task.args, spec, strip=is_of_role(self._task))
        defaults = defaults_of(self._task, str(context.resolved_fqcn), self._templar, spec)
        options = completed(options, defaults)
        rest = {name: option for name, option in spec.items() if name not in options}
        if "people" in spec and is_of_role(self._task) and not {"user", "people"} & options.keys():
            role = self._task._role._role_name
            raise ConfigurationError(
                f"run the role {role}",
                f"neither `{role}_user` nor `{role}_people` is set",
                "Set one of them.",
                option="user",
            )
        for name, given_here in options.items():
            if isinstance(given_here, Mapping) and "options" in spec.get(name, {}):
                inside = {key: option for key, option in spec[name]["options"].items() if key not in given_here}
                options[name] = {**given_here, **of_variables(inside, self._templar)}
        return {**options, **of_variables(rest, self._templar)}

    def _pass_time_limit(self) -> None:
        """Make a module that runs by a process of its own end before the time limit of the task.

        Ansible stops waiting for the process then, and the process would go on writing.
        """
        # Ansible ends an asynchronous process itself, after other seconds.
        limit = self._task.async_val or self._task.timeout
        if limit:
            # Another host may have another clock, so there the seconds count from the start of the module.
            start = f" {time.time()}" if self._connection.transport == "local" else ""
            value = f"{max(limit / 2, limit - _MARGIN)}{start}"
            self._task.environment = [*(self._task.environment or ()), {TIME_LIMIT: value}]

    def _reason_for_a_process(self, task_vars: Mapping[str, Any]) -> str | None:
        """Return why the module cannot run in this process with the same result, or C(None)."""
        reasons = {
            SWITCH: not self._is_switched_on(task_vars),
            "the connection": self._connection.ansible_name != "ansible.builtin.local",
            "become": self._connection.become is not None,
            "async": self._task.async_val,
            "environment": any(self._task.environment or ()),
            "ansible_python_interpreter": self._has_another_python(task_vars),
            # A forked process may not open connections there.
            "macOS": sys.platform == "darwin",
            "requests, which Ansible's Python lacks": REQUESTS_IMPORT_ERROR,
        }
        return next((reason for reason, holds in reasons.items() if holds), None)

    def _is_switched_on(self, task_vars: Mapping[str, Any]) -> bool:
        try:
            refuse_fact(SWITCH, task_vars)
        except ConfigurationError as error:
            raise AnsibleActionFail(str(error)) from None
        value = self._templar.template(task_vars.get(SWITCH))
        if value is None:
            value = os.environ.get(SWITCH.upper(), "").strip() or True
        try:
            return bool(boolean(value))
        except TypeError:
            raise AnsibleActionFail(
                f"Could not use `{SWITCH}`, or {SWITCH.upper()} in the environment: it is {value!r}. Set true or false."
            ) from None

    def _has_another_python(self, task_vars: Mapping[str, Any]) -> bool:
        """Return whether the task sets a Python that does not have the packages of this Python."""
        variables = task_vars.get("ansible_delegated_vars", {}).get(self._task.delegate_to, task_vars)
        python = str(self._templar.template(C.config.get_config_value("INTERPRETER_PYTHON", variables=variables)))
        return not python.startswith("auto") and Path(python).parent != Path(sys.executable).parent

    def _run_in_process(self, task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """Run the module as in a process of its own: it reads its options, and prints its result."""
        options = dict(self._task.args)
        self._update_module_args(self._task.action, options, task_vars)
        stdout, stderr = io.StringIO(), io.StringIO()
        with ExitStack() as stack:
            stack.enter_context(_replaced(basic, "_ANSIBLE_ARGS", _serialized({"ANSIBLE_MODULE_ARGS": options})))
            # Both are global: before ansible-core 2.19, an item of a loop would repeat those of the items before.
            for name in ("_global_warnings", "_global_deprecations"):
                stack.enter_context(_replaced(warnings, name, type(getattr(warnings, name))()))
            if hasattr(basic, "_ANSIBLE_PROFILE"):
                stack.enter_context(_replaced(basic, "_ANSIBLE_PROFILE", _PROFILE))
            stack.enter_context(_working_directory(self._loader.get_basedir()))
            stack.enter_context(redirect_stdout(stdout))
            stack.enter_context(redirect_stderr(stderr))
            stack.enter_context(suppress(SystemExit))
            self._module().main()
        return self._parsed({"stdout": stdout.getvalue(), "stderr": stderr.getvalue(), "rc": 0})

    def _module(self) -> ModuleType:
        """Return the Python module of the task's module.

        Before ansible-core 2.19, C(Task.resolved_action) is the name of the action.
        """
        return import_module(str(self._module_context().plugin_resolved_name))

    def _module_context(self) -> Any:
        return module_loader.find_plugin_with_context(self._task.action, collection_list=self._task.collections)

    def _parsed(self, output: dict[str, Any]) -> dict[str, Any]:
        """Return the result that a module printed, parsed as this release of ansible-core does it."""
        data = self._parse_returned_data(output, *([_PROFILE] if hasattr(basic, "_ANSIBLE_PROFILE") else []))
        if isinstance(data, dict):
            clean.remove_internal_keys(data)
            return data
        data.remove_internal_keys()
        return dict(data.as_result_dict(for_round_trip=True))


def _shown(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return a result that Ansible shows without -v if it holds a plan for people, as it does for debug."""
    return {**result, **({"_ansible_verbose_always": True} if "plan" in result else {})}


@contextmanager
def _replaced(module: ModuleType, name: str, value: Any) -> Iterator[None]:
    """Replace a name in a Python module for the length of the block."""
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)


@contextmanager
def _working_directory(path: str) -> Iterator[None]:
    """Change to the folder of the playbook for the length of the block, where local processes start, too."""
    before = path
    # Ansible's own may be deleted, or closed to the user, which must not cost the result.
    with suppress(OSError):
        before = str(Path.cwd())
    os.chdir(path)
    try:
        yield
    finally:
        with suppress(OSError):
            os.chdir(before)


def _serialized(options: Mapping[str, Any]) -> bytes:
    """Return options as the controller serializes them for modules."""
    if hasattr(ansible_json, "get_module_encoder"):
        direction = ansible_json.Direction.CONTROLLER_TO_MODULE
        encoder = ansible_json.get_module_encoder(_PROFILE, direction)
        return json.dumps(options, cls=encoder).encode()
    legacy: Any = ansible_json.AnsibleJSONEncoder
    return json.dumps(options, cls=legacy, vault_to_text=True).encode()
