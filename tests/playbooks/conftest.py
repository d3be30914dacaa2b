# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tenant for the whole session, fresh for each test, and playbooks that run against it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playbooks.harness import Playbooks
from sandbox.process import Sandbox


@pytest.fixture(scope="session")
def running_tenant() -> Iterator[Sandbox]:
    """One process for all tests: starting costs a second, a reset some milliseconds."""
    with Sandbox(rate_limit=0) as tenant:
        yield tenant


@pytest.fixture
def tenant(running_tenant: Sandbox) -> Iterator[Sandbox]:
    """A fresh company of the default size, which holds ambiguous names too, without a rate limit.

    Nothing but what the contract knows may be asked of it.
    """
    running_tenant.reset()
    yield running_tenant
    assert [entry for entry in running_tenant.log() if entry["operation"] is None] == []


@pytest.fixture
def playbooks(tmp_path: Path, tenant: Sandbox) -> Playbooks:
    """Runs of ansible-playbook that point at the tenant."""
    return Playbooks(tmp_path, tenant)
