# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Docstrings, comments, pages, options of roles and changelog are plain English, in sentences of a readable length."""

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
    path.parent.mkdir(parents=True, exist_ok=True)
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


PAGE = """# People in groups

Add people to groups. See [the page about
groups](whoever.md), or `in vain`, or [another one][in-vain].

    what is told is none

| Option | |
| --- | --- |
| `beside` | an option that has a default |

1. Install it.

       in vain

   Then run it:

   ```console
   $ beside the point
   ```

[in-vain]: https://example.com/in/vain
"""
SPECS = """---
# Options of a role.
#
#   told: in vain
argument_specs:
  main:
    short_description: Add people
    description:
      - Adds people.
    options:
      told:
        description: The people to add.
        default: whoever
"""
CHANGES = """---
bugfixes:
  - all modules - access to an app is found.
  - >-
    cakewalk_info - an ``access`` is
    listed again.
"""
REPORT = """<title>Evidence</title>
<style>p { beside: none }</style>
<p class="told">{{ whoever }} has access to {% for app in told %}an app{% endfor %}.</p>
"""
STRINGS = (
    'TITLE = "told"\n\n\ndef about(names):\n    """Return a title."""\n    return f"{names} have access to an app."\n'
)
SAMPLES = {
    "README.md": PAGE,
    "docs/guides/groups.md": PAGE,
    "roles/groups/README.md": PAGE,
    "roles/groups/meta/argument_specs.yml": SPECS,
    "changelogs/fragments/groups.yml": CHANGES,
    "plugins/plugin_utils/report/report.html.j2": REPORT,
    "plugins/module_utils/_engine/audit/groups.py": STRINGS,
}


@pytest.mark.parametrize("file", SAMPLES)
def test_code_data_and_addresses_are_no_prose(file: str, tmp_path: Path) -> None:
    assert findings(tmp_path, SAMPLES[file], file) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "line", "phrase"),
    [
        ("README.md", "People in groups", "Whoever is in groups", 1, "Whoever"),
        ("docs/guides/groups.md", "the page about\ngroups", "the page of\nwhoever", 4, "whoever"),
        ("roles/groups/README.md", "an option that has", "a option that has", 10, "a"),
        ("README.md", "Install it.", "Install it beside Ansible.", 12, "beside"),
        ("README.md", "Then run it:", "Then run it in vain:", 16, "in vain"),
        (
            "README.md",
            "Add people",
            " ".join(["Add", *["very"] * LONGEST, "many people"]),
            3,
            "Add very very very very",
        ),
        ("roles/groups/meta/argument_specs.yml", "Options of", "What is told of", 2, "told"),
        ("roles/groups/meta/argument_specs.yml", "Add people", "Add whoever", 7, "whoever"),
        ("roles/groups/meta/argument_specs.yml", "- Adds people", "- Adds people in vain", 9, "in vain"),
        ("roles/groups/meta/argument_specs.yml", "The people to add", "The people, if there is none", 12, "is none"),
        ("changelogs/fragments/groups.yml", "access to an app", "an access", 3, "an access"),
        ("changelogs/fragments/groups.yml", "listed again", "listed anew", 4, "anew"),
        ("plugins/plugin_utils/report/report.html.j2", "Evidence", "Accesses", 1, "Accesses"),
        ("plugins/plugin_utils/report/report.html.j2", "has access", "has accesses", 3, "accesses"),
        ("plugins/module_utils/_engine/audit/groups.py", "have access", "have an access", 6, "an access"),
        ("playbooks/groups.yml", "Options of", "Hold a tenant against", 2, "Hold a tenant against"),
        ("extensions/eda/rulebooks/groups.yml", "# Options of a role.", "# It is told.", 2, "told"),
    ],
)
def test_a_planted_phrase_is_found_in_pages_and_data(
    file: str, old: str, new: str, line: int, phrase: str, tmp_path: Path
) -> None:
    sample = SAMPLES.get(file, SPECS)
    assert old in sample

    found = findings(tmp_path, sample.replace(old, new), file)

    assert any(one.startswith(f"{file}:{line}: {phrase}") for one in found), found


def test_docstrings_comments_and_pages_are_plain_english() -> None:
    assert check(ROOT) == []
