# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the actions of this collection share: the way in, as C(entry.py) is the one of modules."""

from __future__ import annotations

import os

from ansible.plugins.action import ActionBase
from ansible.utils.vars import load_extra_vars
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import CakewalkError, ConfigurationError
from ansible_collections.cakewalk.access.plugins.module_utils._api.text import printable, summarize
from ansible_collections.cakewalk.access.plugins.module_utils._engine.fulfilment.processes import Process
from ansible_collections.cakewalk.access.plugins.module_utils._engine.fulfilment.task_lock import (
    TaskLockRefused,
    TaskLocks,
)

#: How the variables begin that Ansible, AWX and Automation Controller add themselves.
_OF_ANSIBLE = ("ansible_", "awx_", "tower_")


class ControllerAction(ActionBase):
    """An action that speaks to nobody: it runs in the controller's process and handles files there.

    C(options) tells what it takes; C(carry_out) takes it and returns the result.
    """

    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        _validation, params = self.validate_argument_spec(argument_spec=self.options(), **self.constraints())
        try:
            return {**result, "changed": False, **self.carry_out(params)}
        except CakewalkError as error:
            return {**result, "failed": True, "msg": str(error), "error": error.facts()}

    def options(self):
        """Return the argument spec."""
        raise NotImplementedError

    def constraints(self):
        """Return what binds options to each other, C(mutually_exclusive) and the like."""
        return {}

    def carry_out(self, params):
        """Do what the options say, and return the result.

        :raises CakewalkError: it cannot be done.
        """
        raise NotImplementedError

    @staticmethod
    def process_of_run():
        """Return the process of the run that this action belongs to: its parent."""
        return Process.running(os.getppid())

    def turns(self, folder, run):
        """Return the turns that are kept in a folder, for a run.

        :param run: with the C(id) of the run, and its C(process) when it started.
        :raises TurnRefused: that process has ended, and another one, which does not end, has its children.
        """
        process = Process(**run["process"])
        if process != self.process_of_run():
            raise TaskLockRefused("go on", "the run that this belongs to has ended", "Nothing was approved. Run again.")
        return TaskLocks(folder, process, run["id"])

    def refuse_all_but(self, prefix, options, allowed):
        """Refuse all variables of the command line that a role does not know, since they win over what tasks register.

        :param prefix: of all variables of the role.
        :param options: those of them that people may set.
        :param allowed: further names.
        :raises ConfigurationError: there are others.
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

    def refuse_own_names(self, prefix, options):
        """Refuse variables of the command line that would take the place of a role's own, whatever it sets them to.

        :param prefix: of all variables of the role.
        :param options: those of them that people may set.
        :raises ConfigurationError: there are such variables.
        """
        given = load_extra_vars(self._loader)
        taken = sorted(name for name in given if name.startswith(prefix) and name not in options)
        if taken:
            raise ConfigurationError(
                f"run the role {prefix.rstrip('_')}",
                f"the extra variables {summarize(map(printable, taken))} are none of its options, and could replace "
                "what the "
                "role itself sets",
                f"Leave them out; its options are {', '.join(sorted(options))}.",
            )
