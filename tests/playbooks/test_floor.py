# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules send the requests that the work takes, and no more: the very ones that the floor of the benchmarks sends."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from benchmarks.cases import CASES
from playbooks.harness import Playbooks
from sandbox.process import Sandbox

#: How much work there is, by case, in a company of the default size.
NUMBERS = {"fill": 20, "converged": 10, "snapshot": 60, "slots": 300, "removals": 20}


def seen(tenant: Sandbox) -> tuple[Counter[Any], dict[str, Any]]:
    """Return the requests that the tenant received since its log was cleared, and what it holds now."""
    requests = Counter((one["method"], one["path"], str(one["query"])) for one in tenant.log())
    return requests, tenant.state("groups", "apps")


def test_every_case_is_tried() -> None:
    assert NUMBERS.keys() == CASES.keys()


@pytest.mark.slow
@pytest.mark.parametrize("name", NUMBERS)
def test_a_module_sends_no_more_than_the_floor_and_brings_about_the_same(
    name: str, tenant: Sandbox, playbooks: Playbooks
) -> None:
    work = CASES[name].work(tenant, NUMBERS[name])
    found = []
    for way in (lambda: work.by_us(playbooks), lambda: work.by_the_floor(tenant)):
        tenant.reset()
        if work.prepare:
            work.prepare()
        before = tenant.state("groups", "apps")
        tenant.clear_log()
        way()
        found.append(seen(tenant))
    ours, floor = found
    assert ours == floor
    writes = any(method != "GET" for method, _path, _query in ours[0])
    assert (ours[1] != before) == writes
