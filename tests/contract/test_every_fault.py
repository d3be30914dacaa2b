# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module under every fault: the wanted state, or an error that tells how far it came; then a run converges."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import CakewalkError
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.apply import apply
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.plan import ApplyFailed, StepStatus
from contract.fixtures import CONFIRM_DELAYS, writes
from contract.scenarios import SCENARIOS, SMALL, Data, Scenario, shape
from examples import THOROUGH
from sandbox.process import Sandbox

BEFORE = ["429", "500", "503", "drop_before"]
AFTER = ["drop_after", "truncated", "504 after", "html after"]
LISTS = ["empty_page", "repeat_cursor"]
#: What a read meets: one fault of each class of error. The others end a read in the same way, to which test_retrying
#: and test_broken_answers hold the client, and nothing above the client looks closer than the class.
CLASSES = ["429", "500", "drop_before", "truncated"]


@pytest.fixture
def client(connect: Callable[..., Client]) -> Client:
    """A client that repeats nothing, so that each fault is felt, and does one thing at a time."""
    return connect(concurrency=1, max_retries=0, requests_per_minute=0)


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, tuple[Data, Data]]:
    """By deed: the method of each operation that it takes where nothing goes wrong, and what becomes of the tenant."""
    return {}


@pytest.fixture
def wanted_of(
    tenant: Sandbox, client: Client, tmp_path: Path, undisturbed: dict[str, tuple[Data, Data]]
) -> Callable[[Scenario], tuple[Data, Data]]:
    """Returns what a deed takes and makes; it is done once, and the tenant starts over."""

    def wanted_of(deed: Scenario) -> tuple[Data, Data]:
        if deed.name not in undisturbed:
            deed.do(tenant, client, tmp_path / "undisturbed")
            operations = {entry["operation"]: entry["method"] for entry in tenant.log()}
            undisturbed[deed.name] = operations, shape(tenant.state())
            tenant.reset(**SMALL)
        return undisturbed[deed.name]

    return wanted_of


@pytest.mark.parametrize("deed", SCENARIOS, ids=lambda deed: deed.name)
@pytest.mark.parametrize("fault", [*BEFORE, *AFTER, *LISTS])
def test_a_fault_ends_well_or_tells_how_far_it_came_and_a_second_run_converges(
    deed: Scenario, fault: str, tenant: Sandbox, client: Client, tmp_path: Path, wanted_of: Callable[[Scenario], Any]
) -> None:
    tenant.reset(**SMALL)
    operations, wanted = wanted_of(deed)
    struck = [operation for operation, method in operations.items() if strikes(fault, operation, method, deed)]
    kind, _space, after = fault.partition(" ")
    options: dict[str, Any] = {"after": True} if after else {}
    before = shape(tenant.state())
    folder = tmp_path / "first"
    for operation in struck:
        tenant.fault(operation, kind, **options)
        try:
            strike(deed, tenant, client, folder)
        except ApplyFailed:
            pass
        except CakewalkError:
            assert writes(tenant) == [], operation
            assert shape(tenant.state()) == before, operation
            if operation != struck[-1]:
                # The tenant is as it was: the second run is the one that meets the next fault.
                assert tenant.faults() == [], operation
                continue
        else:
            assert shape(tenant.state()) == wanted, operation
        assert tenant.faults() == [], operation
        deed.do(tenant, client, folder)
        assert shape(tenant.state()) == wanted, operation
        tenant.reset(**SMALL)
        folder = tmp_path / operation


def strikes(fault: str, operation: str, method: str, deed: Scenario) -> bool:
    """Tell whether an operation is to meet a fault."""
    if fault in LISTS:
        return operation.startswith("list")
    return method != "GET" or fault in read_faults(deed)


def read_faults(deed: Scenario) -> list[str]:
    """Return what the reads of a deed meet: one class, in turn, and all classes in C(make test-all)."""
    return CLASSES if THOROUGH else [CLASSES[SCENARIOS.index(deed) % len(CLASSES)]]


def strike(deed: Scenario, tenant: Sandbox, client: Client, folder: Path) -> None:
    """Do a deed under a fault, and hold that a failure accounts for each step."""
    plan = deed.plan(tenant, client, folder)
    try:
        apply(plan, client, CONFIRM_DELAYS)
    except ApplyFailed as error:
        # Further stages may follow the first one.
        assert [each.step for each in error.result.steps][: len(plan.steps)] == list(plan.steps)
        assert not error.result.having(StepStatus.SENT)
        # Where the ledger cannot forget, no step is tried.
        pending = error.result.having(StepStatus.PENDING)
        assert error.result.having(StepStatus.FAILED) or pending in ([], error.result.steps)
        raise
