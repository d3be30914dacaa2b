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
from ansible_collections.cakewalk.access.plugins.module_utils._engine.plan import ApplyFailed, apply
from contract.deeds import DEEDS, Data, Deed, shape
from contract.scenes import SETTLING, writes
from sandbox.process import Sandbox

BEFORE = ["429", "500", "503", "drop_before"]
AFTER = ["drop_after", "truncated", "504 after", "html after"]
LISTS = ["empty_page", "repeat_cursor"]
_PAGE = 20


@pytest.fixture
def client(connect: Callable[..., Client]) -> Client:
    """A client that repeats nothing, so that each fault is felt, and does one thing at a time."""
    return connect(concurrency=1, max_retries=0, requests_per_minute=0)


def wanted_of(deed: Deed, tenant: Sandbox, client: Client, folder: Path) -> tuple[list[str], Data]:
    """Return the operations that a deed takes and what it makes of the tenant, and start the tenant over."""
    tenant.configure(page_size=_PAGE)
    deed.do(tenant, client, folder)
    operations = list(dict.fromkeys(entry["operation"] for entry in tenant.log()))
    wanted = shape(tenant.state())
    tenant.reset()
    return operations, wanted


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.name)
@pytest.mark.parametrize("fault", [*BEFORE, *AFTER, *LISTS])
def test_a_fault_ends_well_or_tells_how_far_it_came_and_a_second_run_converges(
    deed: Deed, fault: str, tenant: Sandbox, client: Client, tmp_path: Path
) -> None:
    operations, wanted = wanted_of(deed, tenant, client, tmp_path / "first")
    kind, _space, after = fault.partition(" ")
    options: dict[str, Any] = {"after": True} if after else {}
    for number, operation in enumerate(operations):
        if fault in LISTS and not operation.startswith("list"):
            continue
        folder = tmp_path / f"{number}"
        tenant.reset(page_size=_PAGE)
        before = shape(tenant.state())
        tenant.fault(operation, kind, **options)
        try:
            strike(deed, tenant, client, folder)
        except ApplyFailed:
            pass
        except CakewalkError:
            assert writes(tenant) == [], operation
            assert shape(tenant.state()) == before, operation
        else:
            assert shape(tenant.state()) == wanted, operation
        assert tenant.faults() == [], operation
        deed.do(tenant, client, folder)
        assert shape(tenant.state()) == wanted, operation


def strike(deed: Deed, tenant: Sandbox, client: Client, folder: Path) -> None:
    """Do a deed under a fault, and hold that a failure accounts for each step."""
    plan = deed.plan(tenant, client, folder)
    try:
        apply(plan, client, SETTLING)
    except ApplyFailed as error:
        outcome = error.outcome
        failed = [step for step, _error in outcome.failed]
        told = [*outcome.done, *failed, *outcome.pending, *(step for step, _error in outcome.refused)]
        assert sorted(map(id, told)) == sorted(map(id, plan.steps))
        assert failed or not outcome.pending
        raise
