# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guides show what their commands print: C(make docs) writes it, and nobody else."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from pages.guides import GUIDES, SETUP, merged, rewritten
from playbooks.harness import CORE_BIN

TOLD = re.compile(r"core (\d+\.\d+)")


def core() -> str:
    """Return the release of ansible-core that the tests run."""
    version = subprocess.run([CORE_BIN / "ansible-playbook", "--version"], text=True, capture_output=True, check=True)
    return TOLD.search(version.stdout)[1]


@pytest.mark.skipif(core() not in TOLD.findall(SETUP.read_text("utf-8")), reason="the guides show another ansible-core")
@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.stem)
def test_a_guide_shows_what_its_commands_print(guide: Path) -> None:
    assert rewritten(guide) == guide.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("shown", "printed", "after"),
    [
        ("a\n…\nd\n", "a\nb\nc\nd\n", "a\n…\nd\n"),
        ("a\n…\nd\n", "a\nd\n", "a\nd\n"),
        ("a\n…\nd\n", "a\nb\nc\n", "a\nb\nc\n"),
        ("a\n…\nd\ne\n", "a\nb\nd\nE\n", "a\n…\nd\nE\n"),
        ("", "a\n", "a\n"),
        ("at 2026-11-24T19:35:18Z\n", "at 2027-01-02T03:04:05Z\n", "at 2026-11-24T19:35:18Z\n"),
        ("run 24ec7b3a21848c74\nb\n", "run 0d8710bd2c8d5d65\nB\n", "run 24ec7b3a21848c74\nB\n"),
        ("in 2 days\n", "in 3 days\n", "in 3 days\n"),
    ],
)
def test_what_is_shown_stays_only_where_it_is_what_was_printed(shown: str, printed: str, after: str) -> None:
    assert merged(shown, printed) == after
