# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run over the objects of a file: what is called, and what check mode says without it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import CakewalkError
from ansible_collections.cakewalk.access.plugins.module_utils._engine.controller_setup.calls import Call, calls_of
from ansible_collections.cakewalk.access.plugins.module_utils._engine.controller_setup.existing import Existing
from ansible_collections.cakewalk.access.plugins.module_utils._engine.controller_setup.outcomes import Outcomes
from ansible_collections.cakewalk.access.plugins.module_utils._engine.controller_setup.schema import SECTIONS
from ansible_collections.cakewalk.access.plugins.module_utils._engine.controller_setup.targets import Node, Target
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
    """AWX that has these objects, and answers as its modules do.

    :param refuses: the name of an object that it sends, and at what belongs to it the module fails.
    """

    def __init__(self, has: set[str], nodes: set[str], refuses: str = "") -> None:
        self.modified, self._nodes, self._refuses = dict.fromkeys(has, 0), nodes, refuses
        self.ran: list[str] = []

    def find(self, target: Target, organization: str, shared: bool = False) -> dict[str, Any] | None:
        modified = self.modified.get(target.name)
        if modified is not None and target.section == "organizations":
            return {"id": 1}
        return None if modified is None else {"id": 7, "modified": modified}

    def has_credentials(self, kind: Mapping[str, Any]) -> bool:
        return False

    def nodes(self, workflow: str, organization: str) -> dict[str, Node]:
        return {name: Node(None, LINKS) for name in self._nodes}

    def run(self, call: Call) -> Mapping[str, Any]:
        name, is_gone = call.target.name, call.options.get("state") == "absent"
        self.ran.append(f"{'-' if is_gone else ''}{name}")
        before = self.modified.pop(name, None)
        if not is_gone:
            # Only the project is not as AWX has it.
            self.modified[name] = before if before is not None and name not in ("P", self._refuses) else len(self.ran)
        if name == self._refuses:
            raise CakewalkError(f"set up {name}", "it is refused", "Correct it.")
        return {"changed": self.modified.get(name) != before}


def outcomes_of(controller: Controller, check_mode: bool) -> Outcomes:
    """Return the outcomes of a run over the file, also if it failed in the middle."""
    definitions = {**dict.fromkeys(SECTIONS, ()), "organization": "Default", **FILE}
    existing = Existing(controller, definitions, {}, False)
    calls = existing.check(calls_of(definitions, {}))
    outcomes = Outcomes(existing.left_out)
    setup = AwxSetup(controller, existing, outcomes, definitions, check_mode)
    try:
        for call in calls:
            setup.set_up(call)
    except CakewalkError:
        pass
    return outcomes


def shown(outcomes: Outcomes) -> dict[str, str]:
    return {one["name"]: one["outcome"] for one in outcomes.result(check_mode=False, warnings=[])["objects"]}


NEW = dict.fromkeys(("P", "T", "W", "one", "ask"), "created")
ALL = {"P", "T", "W", "one", "ask"}
#: What AWX has, the nodes, what a run does, what check mode says beyond it, and what it runs to know.
STATES: dict[str, tuple[set[str], set[str], dict[str, str], dict[str, str], set[str]]] = {
    "nothing": (set(), set(), NEW, {}, set()),
    # Its module would fail, since there is no such project yet.
    "a template that names what is new": (
        {"T"},
        set(),
        {name: outcome for name, outcome in NEW.items() if name != "T"},
        {"T": "changed"},
        set(),
    ),
    "everything": (ALL, {"one", "ask"}, {"P": "changed"}, {}, ALL),
    "another node": (
        {*ALL, "old"},
        {"one", "ask", "old"},
        {"P": "changed", "old": "removed"},
        {},
        {*ALL, "-old"},
    ),
}


@pytest.mark.parametrize("case", STATES)
def test_check_mode_says_what_a_run_does_and_runs_only_what_can_be_found(case: str) -> None:
    has, nodes, expected, predicted, asked = STATES[case]
    has = {*has, "Default", "I", "E"}
    controller = Controller(has, nodes)

    assert shown(outcomes_of(Controller(has, nodes), check_mode=False)) == expected
    assert shown(outcomes_of(controller, check_mode=True)) == {**expected, **predicted}
    assert set(controller.ran) == asked


@pytest.mark.parametrize(("has", "outcome"), [(set(), "created"), ({"W"}, "changed")])
def test_what_was_done_before_and_by_a_failure_is_reported(has: set[str], outcome: str) -> None:
    controller = Controller({"T", "Default", "I", "E", *has}, set(), refuses="W")

    assert shown(outcomes_of(controller, check_mode=False)) == {"P": "created", "W": outcome}
    assert controller.ran == ["P", "T", "W"]
