# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the code of a tenant for the module of this name, and keeps what the module returns as files."""

from __future__ import annotations

from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import CakewalkError, ConfigurationError
from ansible_collections.cakewalk.access.plugins.plugin_utils._acting import acting_user
from ansible_collections.cakewalk.access.plugins.plugin_utils._code_storage import CodeStorage
from ansible_collections.cakewalk.access.plugins.plugin_utils._in_process import InProcessAction


class ActionModule(InProcessAction):
    """C(cakewalk_access_as_code): what is read from files gets to it as data, which nothing takes for a template."""

    def run(self, tmp=None, task_vars=None):
        given = dict(self._task.args)
        result = {"changed": False}
        try:
            self._refuse_async()
            files = CodeStorage(given, self._task.check_mode, acting_user(self))
            self._task.args = {**given, "source": files.source()}
            with files.begun():
                result = super().run(tmp, task_vars)
                return files.kept(result)
        except CakewalkError as error:
            return {**result, "failed": True, "msg": str(error), "error": error.facts()}
        finally:
            self._task.args = given

    def _refuse_async(self):
        """Refuse not to wait for the module: what it returns is to be recorded and kept.

        :raises ConfigurationError: the task does.
        """
        if self._task.async_val:
            raise ConfigurationError(
                "use async", "what the module returns is kept as files when it ends", "Leave out async, or set it to 0."
            )
