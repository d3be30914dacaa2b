# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run over the objects of a file: what is called, and what check mode says without it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._engine.controller_setup.calls import Call, calls_of
from ansible_collections.cakewalk.access.plugins.module_utils._engine.controller_setup.existing import Existing
from ansible_collections.cakewalk.access.plugins.module_utils._engine.controller_setup.outcomes import Outcomes
from ansible_collections.cakewalk.access.plugins.module_utils._engine.controller_setup.schema import SECTIONS
from ansible_collections.cakewalk.access.plugins.module_utils._engine.controller_setup.targets import Target
from ansible_collections.cakewalk.access.plugins.plugin_utils._awx_setup import AwxSetup

PARTS = {"project": "P", "inventory": "I", "execution_environment": "E"}
TEMPLATE = {"name": "T", "playbook": "leaver.yml", **PARTS, "credentials": [], "survey": [], "extra_vars": {}}
LINKS: dict[str, Any] = {"success_nodes": [], "failure_nodes": [], "always_nodes": []}
WORKFLOW = {
    "name": "W",
    "survey": [],
    "nodes": [
        {"identifier": "one", "approval": None, "job_template": "T", **LINKS, "success_nodes": ["ask"]},
        {"identifier": "ask", "approval": {"name": "Approve"}, "job_template": None, **LINKS},
    ],
}
FILE = {
    "projects": [{"name": "P", "scm_url": "url"}],
    "job_templates": [TEMPLATE],
    "workflow_job_templates": [WORKFLOW],
}


class Controller:
    """AWX that has these objects, and answers as its modules do; what it is told to refuse fails."""

    def __init__(self, has: set[str], nodes: dict[str, str | None], refuses: str = "") -> None:
        self.has, self._nodes, self._refuses = has, nodes, refuses
        self.ran: list[str] = []

    def find(self, target: Target, organization: str, shared: bool = False) -> dict[str, Any] | None:
        return {"id": 7} if target.name in self.has else None

    def has_credentials(self, kind: Mapping[str, Any]) -> bool:
        return False

    def nodes(self, workflow: str, organization: str) -> dict[str, str | None]:
        return self._nodes

    def run(self, call: Call) -> Mapping[str, Any]:
        self.ran.append(f"{'-' if call.options.get('state') == 'absent' else ''}{call.target.name}")
        if call.target.name == self._refuses:
            raise RuntimeError(call.target.name)
        if call.options.get("state") == "absent":
            self.has.discard(call.target.name)
            return {"changed": True}
        if call.target.name in self.has:
            return {"changed": call.target.name == "P"}
        self.has.add(call.target.name)
        return {"changed": True, "name": call.target.name}


def outcomes_of(controller: Controller, check_mode: bool) -> Outcomes:
    """Return the outcomes of a run over the file, also if it failed in the middle."""
    definitions = {**dict.fromkeys(SECTIONS, ()), "organization": "Default", **FILE}
    outcomes, existing = Outcomes([]), Existing(controller, definitions, {}, False)
    setup = AwxSetup(controller, existing, outcomes, definitions, check_mode)
    try:
        for call in calls_of(definitions, {}):
            setup.set_up(call)
    except RuntimeError:
        pass
    return outcomes


def shown(outcomes: Outcomes) -> dict[str, str]:
    return {one["name"]: one["outcome"] for one in outcomes.result(check_mode=False, warnings=[])["objects"]}


NEW = dict.fromkeys(("P", "T", "W", "one", "ask"), "created")
ALL = {"P", "T", "W", "one", "ask"}
NODES: dict[str, str | None] = {"one": "job", "ask": "workflow_approval"}
#: What AWX has, the nodes of the workflow, what a run does, what check mode says beyond it, and what it runs to know.
STATES: dict[str, tuple[set[str], dict[str, str | None], dict[str, str], dict[str, str], set[str]]] = {
    "nothing": (set(), {}, NEW, {}, set()),
    # Its module would fail, since there is no such project yet.
    "a template that names what is new": (
        {"T"},
        {},
        {name: outcome for name, outcome in NEW.items() if name != "T"},
        {"T": "changed"},
        set(),
    ),
    "everything": (ALL, NODES, {"P": "changed"}, {}, ALL),
    "another node": (
        {*ALL, "old"},
        {**NODES, "old": "job"},
        {"P": "changed", "old": "removed"},
        {},
        {*ALL, "-old"},
    ),
}


@pytest.mark.parametrize("case", STATES)
def test_check_mode_says_what_a_run_does_and_runs_only_what_can_be_found(case: str) -> None:
    has, nodes, expected, predicted, asked = STATES[case]
    controller = Controller(set(has), nodes)

    assert shown(outcomes_of(Controller(set(has), nodes), check_mode=False)) == expected
    assert shown(outcomes_of(controller, check_mode=True)) == {**expected, **predicted}
    assert set(controller.ran) == asked


def test_what_was_done_before_a_failure_is_reported() -> None:
    controller = Controller({"T", "W", "ask"}, {"ask": "workflow_approval"}, refuses="W")

    assert shown(outcomes_of(controller, check_mode=False)) == {"P": "created"}
    assert controller.ran == ["P", "T", "W"]
