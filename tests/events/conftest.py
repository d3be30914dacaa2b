# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sandbox tenant for the whole session, fresh for each test, and the sources that are about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Protocol

import pytest
from events.sources import Running, free_port
from playbooks.conftest import running_tenant, tenant
from sandbox.process import Sandbox

__all__ = ["access", "listen", "poll", "running_tenant", "tenant"]


class Start(Protocol):
    """Starts a source with these options; it ends with the test."""

    def __call__(self, engine_stands: bool = False, **args: Any) -> Running: ...


@pytest.fixture
def access(tenant: Sandbox) -> dict[str, str]:
    """The options that reach the tenant."""
    return {"base_url": tenant.url, "api_key": tenant.read_only_key, "api_secret": tenant.read_only_secret}


@pytest.fixture
def listen(access: dict[str, str]) -> Iterator[Start]:
    """Start the webhook source on a free port."""
    with ExitStack() as started:

        def start(engine_stands: bool = False, **args: Any) -> Running:
            return started.enter_context(Running("webhook", engine_stands, **{**access, "port": free_port(), **args}))

        yield start


@pytest.fixture
def poll(access: dict[str, str]) -> Iterator[Start]:
    """Start the poller, every second."""
    with ExitStack() as started:

        def start(engine_stands: bool = False, **args: Any) -> Running:
            return started.enter_context(Running("tasks", engine_stands, **{**access, "interval": 1, **args}))

        yield start
