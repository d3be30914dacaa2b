# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tenant, playbooks that run against it, and a target system."""

from __future__ import annotations

from pathlib import Path

import pytest
from playbooks.conftest import playbooks, running_tenant, tenant
from playbooks.harness import Playbooks
from roles.fulfilment_env import FulfilmentEnv
from sandbox.process import Sandbox

__all__ = ["playbooks", "running_tenant", "stage", "tenant"]


@pytest.fixture
def stage(tmp_path: Path, tenant: Sandbox, playbooks: Playbooks) -> FulfilmentEnv:
    """A target system without accounts, beside the tenant."""
    return FulfilmentEnv(tmp_path / "target", tenant, playbooks)
