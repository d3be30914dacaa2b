# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pytest fixtures over one sandbox for the whole run; C(pytest_plugins = ["sandbox.fixtures"]) makes them known."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .process import Sandbox


@pytest.fixture(scope="session")
def running_vendor() -> Iterator[Sandbox]:
    """A sandbox of the default sizes; tests use :func:`vendor`."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def vendor(running_vendor: Sandbox) -> Sandbox:
    """A sandbox that has just been reset."""
    running_vendor.reset()
    return running_vendor
