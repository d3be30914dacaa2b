# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No random run breaks a promise: for a quarter of a minute, or for an hour in C(make test-all)."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from properties.machine import Promises
from sandbox.process import Sandbox

SECONDS = float(os.environ.get("CAKEWALK_TEST_SECONDS", "3600" if "CAKEWALK_TEST_THOROUGH" in os.environ else "15"))


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Start a tenant for the machine."""
    with Sandbox(users=20, groups=4, apps=5, rate_limit=0) as sandbox:
        yield sandbox


def test_no_run_breaks_a_promise(sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    Promises.sandbox = sandbox
    end = time.monotonic() + SECONDS
    examples = settings(
        max_examples=4,
        stateful_step_count=20,
        deadline=None,
        database=None,
        print_blob=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    while time.monotonic() < end:
        run_state_machine_as_test(Promises, settings=examples)
    with capsys.disabled():
        print(f"\n{Promises.runs['runs']} runs, {Promises.runs['writes']} writes", end=" ")
