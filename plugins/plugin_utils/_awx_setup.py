# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Set up the objects of a file in AWX one after the other, or find out what that would do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.utils.display import Display

from ..module_utils._engine.controller_setup.calls import Call, node_calls
from ..module_utils._engine.controller_setup.checks import Definitions
from ..module_utils._engine.controller_setup.existing import Existing
from ..module_utils._engine.controller_setup.outcomes import Outcomes
from ..module_utils._engine.controller_setup.targets import Target
from ._awx import Awx


class AwxSetup:
    """One run over the objects of a file.

    :param task_vars: of the task whose run it is.
    :param check_mode: whether nothing may be written.
    """

    def __init__(
        self, awx: Awx, existing: Existing, outcomes: Outcomes, task_vars: dict[str, Any], check_mode: bool
    ) -> None:
        self._awx, self._existing, self._outcomes = awx, existing, outcomes
        self._task_vars, self._check_mode = task_vars, check_mode

    def set_up(self, call: Call, definitions: Definitions) -> None:
        """Set up an object; after a workflow, also its nodes.

        :raises AwxFailed: a module failed, or the API cannot be read.
        """
        self._run(self._existing.adjusted(call))
        for workflow in definitions["workflow_job_templates"]:
            if call.target == Target("workflow_job_templates", workflow["name"]):
                organization = definitions["organization"]
                nodes = self._awx.nodes(workflow["name"], organization)
                for of_node in node_calls(workflow, organization, nodes):
                    self._run(of_node)

    def _run(self, call: Call) -> None:
        Display().v(str(call.target))
        self._outcomes.begin(call)
        if self._check_mode:
            self._predict(call)
            return
        result = self._run_module(call)
        if result.get("changed"):
            # Only the answer to a creation has the name.
            self._outcomes.note(call, "created" if "name" in result else "changed")

    def _predict(self, call: Call) -> None:
        """Find out what a run would do. The modules fail at names of objects that do not exist yet."""
        if self._outcomes.is_new(call.target):
            return
        if not self._existing.find(call.target):
            self._outcomes.note(call, "created")
        elif any(map(self._outcomes.is_new, call.needs)) or self._run_module(call).get("changed"):
            self._outcomes.note(call, "changed")

    def _run_module(self, call: Call) -> Mapping[str, Any]:
        return self._awx.run(self._existing.with_ids(call), self._task_vars)
