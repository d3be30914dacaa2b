# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module against answers in which a member has a value of another type: a plan or a named refusal, no defect."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import CakewalkError
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.apply import dry_run
from ansible_collections.cakewalk.access.plugins.modules import (
    cakewalk_evidence,
    cakewalk_info,
    cakewalk_task_route_info,
)
from contract.fixtures import OLGA
from contract.read_scenarios import READ_SCENARIOS, ReadScenario
from contract.scenarios import PETRA, SCENARIOS, SMALL, Data
from contract.wire import Request, Wire, answer, detour
from sandbox.known import task_id
from sandbox.process import Sandbox

TASKS = [task_id(name) for name in ("action", "removal", "review")]
ODD = ({}, [["x"]], 5)

Run = Callable[[Sandbox, Client, Path], Any]


def routes_of(tenant: Sandbox) -> list[Data]:
    """Return routes for the tasks of Petra."""
    apps = (("GitHub", "grant_access"), ("Google Workspace", "remove_access"))
    return [
        {"app": tenant.find("apps", name)["id"], "permission_level": "any", "request_type": request_type}
        for name, request_type in apps
    ]


READS = [
    *READ_SCENARIOS,
    ReadScenario(
        "all records",
        cakewalk_info,
        lambda _tenant: {
            "gather": ["users", "groups", "apps"],
            "include": ["user_details", "members", "app_details", "accesses", "permission_levels", "custom_fields"],
            "reports": ["ownerless_apps", "privileged_accesses"],
            "policies": ["grant_access"],
            "requests": {"statuses": ["Pending"], "users": [PETRA], "apps": ["GitHub"], "updated_since": "2020-01-01"},
            "tasks": TASKS,
        },
    ),
    ReadScenario("a footprint", cakewalk_info, lambda _tenant: {"users": [OLGA, PETRA], "footprint": True}),
    ReadScenario(
        "tasks of a person",
        cakewalk_info,
        lambda _tenant: {"tasks_of": [OLGA], "task_statuses": ["Pending"], "include": ["task_details"]},
    ),
    ReadScenario(
        "evidence",
        cakewalk_evidence,
        lambda _tenant: {
            "folder": "/evidence",
            "privileged": [{"app": "GitHub"}, {"permission_level": "Admin"}],
            "include_purposes": True,
        },
    ),
    ReadScenario(
        "routes of tasks",
        cakewalk_task_route_info,
        lambda tenant: {"tasks": TASKS, "with_names": True, "routes": routes_of(tenant)},
    ),
]
RUNS: dict[str, Run] = {
    **{
        scenario.name: lambda tenant, client, folder, scenario=scenario: dry_run(scenario.plan(tenant, client, folder))
        for scenario in SCENARIOS
    },
    **{
        f"read {scenario.name}": lambda tenant, client, _folder, scenario=scenario: scenario.answer(tenant, client)
        for scenario in READS
    },
}


class OddAnswers:
    """The answers of a tenant, each kept, in which a member may have another value."""

    def __init__(self, tenant: Sandbox) -> None:
        self._pass_on = detour(tenant.url, lambda _request: None)
        self._kept: dict[str, bytes] = {}
        self.member, self.value = "", None
        self.members: set[str] = set()

    def __call__(self, request: Request) -> bytes:
        """Return the answer to a read."""
        if request.target not in self._kept:
            self._kept[request.target] = self._pass_on(request)
        head, _end, body = self._kept[request.target].partition(b"\r\n\r\n")
        document = json.loads(body)
        document["data"] = self._bent(document["data"])
        return answer(int(head.split()[1]), document)

    def _bent(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._bent(item) for item in value]
        if not isinstance(value, dict):
            return value
        self.members |= value.keys()
        return {name: self.value if name == self.member else self._bent(inner) for name, inner in value.items()}


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNS)
def test_a_value_of_another_type_is_no_defect(
    name: str, tenant: Sandbox, connect: Callable[..., Client], tmp_path: Path
) -> None:
    tenant.reset(**SMALL)
    answers, folders = OddAnswers(tenant), folders_in(tmp_path)
    with Wire(answers) as wire:
        client = connect(base_url=wire.url, concurrency=1, max_retries=0, requests_per_minute=0)
        RUNS[name](tenant, client, next(folders))
        for member in sorted(answers.members):
            for value in ODD:
                answers.member, answers.value = member, value
                try:
                    RUNS[name](tenant, client, next(folders))
                except CakewalkError as error:
                    assert json.dumps(error.facts())
                except Exception as error:
                    raise AssertionError(f"{member}: {value}") from error


def folders_in(path: Path) -> Iterator[Path]:
    """Return new folders, one after the other."""
    return (path / str(number) for number in range(10**6))
