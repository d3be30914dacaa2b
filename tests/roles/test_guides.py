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

RELEASE = re.compile(r"core (\d+\.\d+)")


@pytest.fixture(scope="module")
def same_core() -> None:
    """Skips on a release of ansible-core that prints results in another form than the one that the guides name."""
    version = subprocess.run([CORE_BIN / "ansible-playbook", "--version"], text=True, capture_output=True, check=True)
    if RELEASE.findall(version.stdout) != RELEASE.findall(SETUP.read_text(encoding="utf-8")):
        pytest.skip("the guides show another release of ansible-core")


@pytest.mark.usefixtures("same_core")
@pytest.mark.parametrize(
    "guide",
    [
        pytest.param(path, id=path.stem, marks=() if path.stem == "five_minutes" else pytest.mark.slow)
        for path in GUIDES
    ],
)
def test_a_guide_shows_what_its_commands_print(guide: Path) -> None:
    assert rewritten(guide) == guide.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("shown", "printed", "after"),
    [
        ("a\n…\nd\n", "a\nb\nc\nd\n", "a\n…\nd\n"),
        ("…\nc\n…\n", "a\nb\nc\nd\n", "…\nc\n…\n"),
        ("a\n…\nd\n", "a\nd\n", "a\nd\n"),
        ("a\n…\nd\n", "a\nb\nc\n", "a\nb\nc\n"),
        ("a\n…\nd\ne\n", "a\nb\nd\nE\n", "a\n…\nd\nE\n"),
        ("", "a\n", "a\n"),
        ("…\nat 2026-11-24T19:35:18Z\n", "a\nat 2027-01-02T03:04:05Z\n", "…\nat 2027-01-02T03:04:05Z\n"),
    ],
)
def test_what_is_left_out_stays_left_out_and_nothing_else(shown: str, printed: str, after: str) -> None:
    assert merged(shown, printed) == after


@pytest.mark.parametrize(
    ("printed", "is_kept"),
    [("at 2027-01-02T03:04:05Z in run 0d8710bd2c8d5d65\n", True), ("at 2027-01-02T03:04:05Z in run 7\n", False)],
)
def test_a_guide_stays_as_it_stands_where_only_times_and_runs_differ(
    tmp_path: Path, printed: str, is_kept: bool
) -> None:
    guide = tmp_path / "guide.md"
    shown = "at 2026-11-24T19:35:18Z in run 24ec7b3a21848c74\n"
    text = f"```text\n# said.txt\n{printed}```\n\n```console\n$ tail -1 said.txt\n"
    guide.write_text(f"{text}{shown}```\n", encoding="utf-8")
    assert rewritten(guide) == f"{text}{shown if is_kept else printed}```\n"
