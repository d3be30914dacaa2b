# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-test sanity, without a single ignored finding."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import pytest

from .conftest import Copy

#: ansible-test sets up its environments in the home that all share: one at a time.
pytestmark = pytest.mark.xdist_group("ansible-test")

#: On one Python only; the matrix names others, and tests that cannot run there.
PYTHON = os.environ.get("CAKEWALK_TEST_CORE_PYTHON", f"3.{sys.version_info.minor}")
SKIPPED = os.environ.get("CAKEWALK_TEST_SKIP_SANITY")
SANITY = ("ansible-test", "sanity", "--local", "--python", PYTHON, "--color", "no")
MODULE = "plugins/modules/cakewalk_group_member.py"


#: Most of the time is taken by three tests. What they find in the collection, mypy, ruff and all other tests find as
#: well, so make test-all is soon enough: there they run on each release of ansible-core, and on the tests.
@pytest.mark.parametrize(
    ("excluded", "skipped"),
    [
        pytest.param(("--exclude", "tests/"), "pylint import pep8" if SKIPPED is None else SKIPPED, id="collection"),
        pytest.param((), SKIPPED or "", id="all", marks=pytest.mark.slow),
    ],
)
def test_it_is_sane(excluded: tuple[str, ...], skipped: str, tree: Copy) -> None:
    run = tree.run(*SANITY, *(f"--skip-test={name}" for name in skipped.split()), *excluded)

    assert run.returncode == 0, run.stdout
    assert "All targets skipped" not in run.stdout
    assert 'Running sanity test "validate-modules"' in run.stdout


def test_nothing_is_ignored(tree: Copy) -> None:
    assert not list(tree.path.glob("tests/sanity/ignore*"))


@pytest.mark.slow
def test_a_wrong_default_in_the_documentation_is_found(spoilt: Callable[[str, str, str], Copy]) -> None:
    copy = spoilt(MODULE, "    default: present\n", "    default: absent\n")

    run = copy.run(*SANITY, "--test", "validate-modules", MODULE)

    assert run.returncode != 0
    assert "doc-default-does-not-match-spec" in run.stdout
