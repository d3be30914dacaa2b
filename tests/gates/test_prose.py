# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Docstrings and comments are plain English, in sentences of a readable length."""

from __future__ import annotations

from pathlib import Path

import pytest

from .prose import LONGEST, ROOT, check

GOOD = '''"""Groups of a tenant."""

DOCUMENTATION = r"""
description: Reads the groups of a tenant.
options:
  group:
    description:
      - A group of people, by C(name, or whoever is none).
"""

EXAMPLES = r"""
- name: Read all groups
  cakewalk.access.groups:
"""

#: An app has one URL, and a user with access to 3 apps.
LIMIT = 3


def read(path):
    """Return the rows of C(path, or whoever is none), read within an hour.

    :param path: what to read, as in https://example.com/in/vain
    :raises ReadFailed: the API refused the request.
    """
    return "what is meant is told in vain"  # One user at a time.
'''


def findings(tmp_path: Path, source: str, file: str = "plugins/modules/groups.py") -> list[str]:
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(source, encoding="utf-8")
    return check(tmp_path)


def test_plain_english_is_found_to_be_so(tmp_path: Path) -> None:
    assert findings(tmp_path, GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "phrase"),
    [
        ("Groups of a tenant", "What a tenant holds", 1, "What"),
        ("Reads the groups", "Tells of the groups", 4, "Tells of"),
        ("A group of people", "One of those that stand in a list", 8, "stand in"),
        ("Read all groups", "Read groups in vain", 12, "in vain"),
        ("Return the rows", "The rows", 21, "The"),
        ("An app has one URL", "A app has one URL", 16, "A"),
        ("An app has one URL", "An user has one URL", 16, "An"),
        ("has one URL", "hangs on one URL", 16, "hangs on"),
        ("access to 3 apps", "an access", 16, "an access"),
        ("access to 3 apps", "accesses", 16, "accesses"),
        ("within an hour", "in\n    vain", 21, "in vain"),
        ("what to read", "what is told", 23, "told"),
        ("the API refused the request", "there is none", 24, "is none"),
        ("the API refused the request", "it does", 24, ":raises ReadFailed: it does."),
        ("One user at a time", "Whoever comes first", 26, "Whoever"),
        ("One user at a time", "One that stands in a list beside others", 26, "beside"),
        ("One user at a time", " ".join(["A", *["very"] * LONGEST, "long sentence"]), 26, "A very very very very …"),
    ],
)
@pytest.mark.parametrize("file", ["plugins/modules/groups.py", "extensions/eda/plugins/event_source/groups.py"])
def test_a_planted_phrase_is_found(file: str, old: str, new: str, line: int, phrase: str, tmp_path: Path) -> None:
    assert old in GOOD

    found = findings(tmp_path, GOOD.replace(old, new), file)

    assert any(one.startswith(f"{file}:{line}: {phrase}") for one in found)


def test_docstrings_and_comments_are_plain_english() -> None:
    assert check(ROOT) == []
