# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Set up the objects of a file in AWX one after the other, or find out what that would do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from ansible.utils.display import Display

from ..module_utils._api.errors import CakewalkError
from ..module_utils._engine.controller_setup.calls import Call, node_calls
from ..module_utils._engine.controller_setup.checks import Definitions
from ..module_utils._engine.controller_setup.existing import Existing
from ..module_utils._engine.controller_setup.outcomes import Outcomes
from ..module_utils._engine.controller_setup.targets import Target


class Runner(Protocol):
    """Runs the modules that set up AWX."""

    def run(self, call: Call) -> Mapping[str, Any]:
        """Run a module, and return its result."""


class AwxSetup:
    """One run over the objects of a file.

    :param definitions: complete, and without problems.
    :param check_mode: whether nothing may be written.
    """

    def __init__(
        self, runner: Runner, existing: Existing, outcomes: Outcomes, definitions: Definitions, check_mode: bool
    ) -> None:
        self._runner, self._existing, self._outcomes, self._check_mode = runner, existing, outcomes, check_mode
        self._organization = definitions["organization"]
        workflows = definitions["workflow_job_templates"]
        self._workflows = {Target("workflow_job_templates", workflow["name"]): workflow for workflow in workflows}

    def set_up(self, call: Call) -> None:
        """Set up an object; after a workflow, also its nodes.

        :raises AwxFailed: a module failed, or the API cannot be read.
        """
        self._run(self._existing.adjusted(call))
        if workflow := self._workflows.get(call.target):
            for of_node in node_calls(workflow, self._organization, self._existing.nodes[workflow["name"]]):
                self._run(of_node)

    def _run(self, call: Call) -> None:
        Display().v(str(call.target))
        self._outcomes.begin(call)
        if self._check_mode:
            self._predict(call)
            return
        before = self._existing.find(call.target)
        try:
            is_changed = self._run_module(call).get("changed")
        except CakewalkError:
            # A module may have sent the object, and failed at what belongs to it.
            self._note_difference(call, before)
            raise
        if is_changed:
            self._outcomes.note(call, "changed" if before else "created")

    def _note_difference(self, call: Call, before: Mapping[str, Any] | None) -> None:
        try:
            after = self._existing.read_again(call.target)
        except CakewalkError:
            # Nobody knows, and what may have changed is no proof that nothing did.
            self._outcomes.note(call, "changed")
            return
        if (after or {}).get("modified") != (before or {}).get("modified"):
            self._outcomes.note(call, "changed" if before else "created")

    def _predict(self, call: Call) -> None:
        """Find out what a run would do. The modules fail at names of objects that do not exist yet."""
        if self._outcomes.is_new(call.target):
            return
        if not self._existing.find(call.target):
            self._outcomes.note(call, "created")
        elif any(map(self._outcomes.is_new, call.needs)) or self._run_module(call).get("changed"):
            self._outcomes.note(call, "changed")

    def _run_module(self, call: Call) -> Mapping[str, Any]:
        return self._runner.run(self._existing.with_ids(call))
