# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the working tree importable as the collection, so that coverage sees the files that are edited."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent


def pytest_xdist_auto_num_workers() -> int:
    """Return one worker more than there are processors, since many tests wait: for a time limit, or a slow answer."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the random tasks first: they take a fixed time, an hour in C(make test-all), and others run beside them."""
    items.sort(key=lambda item: "properties/" not in item.nodeid)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Keep long values out of the names of tests: many are random, and all workers must use the same names."""
    return argname if isinstance(val, (str, bytes)) and len(val) > 60 else None


def _namespace(name: str, *path: Path) -> None:
    package = ModuleType(name)
    package.__path__ = [str(folder) for folder in path]
    sys.modules[name] = package


_namespace("ansible_collections")
_namespace("ansible_collections.cakewalk")
_namespace("ansible_collections.cakewalk.access", ROOT)
