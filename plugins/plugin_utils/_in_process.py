# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs modules of this collection in the process of the controller, where that comes to the same.

Starting a process for a module costs Ansible some tenths of a second, and modules that only speak to a service gain
nothing by it. Ansible's own way to talk to a module is kept: it reads its options, and prints its result, from which
secrets are taken out. The collection ansible.netcommon does the same for network modules.
"""

from __future__ import annotations

import io
import json
import os
import sys
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from importlib import import_module
from pathlib import Path

from ansible import constants as C
from ansible.errors import AnsibleActionFail
from ansible.module_utils import basic
from ansible.module_utils.common import json as ansible_json
from ansible.module_utils.common import warnings
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.plugins.action.normal import ActionModule as InProcessOfItsOwn
from ansible.plugins.loader import module_loader
from ansible.utils.vars import merge_hash
from ansible.vars import clean
from ansible_collections.cakewalk.access.plugins.module_utils._api.transport import REQUESTS_IMPORT_ERROR

#: Set to false, this variable, or else that of the environment in capitals, has every module start a process.
SWITCH = "cakewalk_in_process"
#: How data between controller and modules is written since ansible-core 2.19; modules ask for no other way.
_PROFILE = "legacy"


class InProcessAction(InProcessOfItsOwn):
    """An action that runs the module of its task here or, where that would differ, by a process of its own."""

    def run(self, tmp=None, task_vars=None):
        reason = self._reason_for_a_process(task_vars or {})
        way = f"by a process of its own, because of {reason}" if reason else "in the process of Ansible"
        self._display.vvv(f"{self._task.action} runs {way}")
        if reason:
            return super().run(tmp, task_vars)
        result = ActionBase.run(self, tmp, task_vars)
        return merge_hash(result, self._run_here(task_vars or {}))

    def _module(self):
        """Return the Python module of the task's module.

        C(Task.resolved_action) would name the action instead before ansible-core 2.19.
        """
        found = module_loader.find_plugin_with_context(self._task.action, collection_list=self._task.collections)
        return import_module(found.plugin_resolved_name)

    def _reason_for_a_process(self, task_vars):
        """Return why the module would run elsewhere than here, or not in the same way; C(None) where it would not."""
        reasons = {
            SWITCH: not self._is_switched_on(task_vars),
            "the connection": self._connection.ansible_name != "ansible.builtin.local",
            "become": self._connection.become is not None,
            "async": self._task.async_val,
            "environment": any(self._task.environment or ()),
            "ansible_python_interpreter": self._wants_another_python(task_vars),
            # Where a process that was forked may not open connections.
            "macOS": sys.platform == "darwin",
            "requests, which Ansible's Python lacks": REQUESTS_IMPORT_ERROR,
        }
        return next((reason for reason, holds in reasons.items() if holds), None)

    def _is_switched_on(self, task_vars):
        value = self._templar.template(task_vars.get(SWITCH))
        if value is None:
            value = os.environ.get(SWITCH.upper()) or True
        try:
            return boolean(value)
        except TypeError:
            raise AnsibleActionFail(
                f"Could not use {SWITCH}, or {SWITCH.upper()} in the environment: it is {value!r}. Set true or false."
            ) from None

    def _wants_another_python(self, task_vars):
        """Tell whether a Python is named that has not the packages of this one."""
        variables = task_vars.get("ansible_delegated_vars", {}).get(self._task.delegate_to, task_vars)
        wanted = self._templar.template(C.config.get_config_value("INTERPRETER_PYTHON", variables=variables))
        return not wanted.startswith("auto") and Path(wanted).parent != Path(sys.executable).parent

    def _run_here(self, task_vars):
        """Return the result of the module: it reads its options and prints its result as in a process of its own."""
        options = dict(self._task.args)
        self._update_module_args(self._task.action, options, task_vars)
        printed, complained = io.StringIO(), io.StringIO()
        with ExitStack() as stack:
            stack.enter_context(_replaced(basic, "_ANSIBLE_ARGS", _written({"ANSIBLE_MODULE_ARGS": options})))
            # They are kept for the process: before ansible-core 2.19 an item of a loop would repeat those before it.
            for name in ("_global_warnings", "_global_deprecations"):
                kept = type(getattr(warnings, name))()
                stack.enter_context(_replaced(warnings, name, kept))
            if hasattr(basic, "_ANSIBLE_PROFILE"):
                stack.enter_context(_replaced(basic, "_ANSIBLE_PROFILE", _PROFILE))
            stack.enter_context(_folder(self._loader.get_basedir()))
            stack.enter_context(redirect_stdout(printed))
            stack.enter_context(redirect_stderr(complained))
            stack.enter_context(suppress(SystemExit))
            self._module().main()
        return self._read({"stdout": printed.getvalue(), "stderr": complained.getvalue(), "rc": 0})

    def _read(self, output):
        """Return what a module printed as the controller reads it, in the way of each release of ansible-core."""
        data = self._parse_returned_data(output, *([_PROFILE] if hasattr(basic, "_ANSIBLE_PROFILE") else []))
        if isinstance(data, dict):
            clean.remove_internal_keys(data)
            return data
        data.remove_internal_keys()
        return data.as_result_dict(for_round_trip=True)


@contextmanager
def _replaced(place, name, value):
    """Have another value under a name of a Python module."""
    before = getattr(place, name)
    setattr(place, name, value)
    try:
        yield
    finally:
        setattr(place, name, before)


@contextmanager
def _folder(path):
    """Work in a folder: processes of a local connection start in that of the playbook, and so relative paths do."""
    before = path
    # That of Ansible may be gone, or closed to who runs it, and must not cost a result.
    with suppress(OSError):
        before = Path.cwd()
    os.chdir(path)
    try:
        yield
    finally:
        with suppress(OSError):
            os.chdir(before)


def _written(options):
    """Return options as the controller writes them for a module."""
    if hasattr(ansible_json, "get_module_encoder"):
        encoder = ansible_json.get_module_encoder(_PROFILE, ansible_json.Direction.CONTROLLER_TO_MODULE)
        return json.dumps(options, cls=encoder).encode()
    return json.dumps(options, cls=ansible_json.AnsibleJSONEncoder, vault_to_text=True).encode()
