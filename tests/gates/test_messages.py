# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All messages are in a file that can be read from top to bottom, in plain English, and each error has a remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from .messages import COMMAND, GOLDEN, ROOT, check, collect, difference, written

GOOD = '''"""What is no message, told in vain."""

DOCUMENTATION = "What is no message either"
_HINT = "Give the id."


class CakewalkError(Exception):
    """An error."""


class Missing(CakewalkError):
    """Something is missing."""


def lacking(what, cause):
    return Missing(f"read {what}", cause, _HINT)


def plan(group, users, warnings, exact):
    if users is None:
        raise Missing(f"plan the group {named(group)}", "`users` is missing" if exact else "it is null", "Give a list.")
    if not users:
        raise lacking(f"the group {printable(group['name'])!r}", f"it has {pluralize(len(users), 'member', 'members')}")
    warnings.append(f"Left out: {summarize(printable(person(user)) for user in users)}. Set `allow_inactive`.")
    return [f"; {len(users)} of them left the company"]
'''
MESSAGES = """\
extensions/eda/plugins/event_source/groups.py
  Could not plan the group '{group}': `users` is missing. Give a list.
  Could not plan the group '{group}': it is null. Give a list.
  Could not read the group '{name}': it has {users} members. Give the id.
  Give the id.
  Left out: {user}, …. Set `allow_inactive`.
  … ; {users} of them left the company
"""


def planted(tmp_path: Path, source: str) -> Path:
    path = tmp_path / "extensions" / "eda" / "plugins" / "event_source" / "groups.py"
    path.parent.mkdir(parents=True)
    path.write_text(source, encoding="utf-8")
    return tmp_path


def test_messages_are_shown_as_users_see_them(tmp_path: Path) -> None:
    found = collect(planted(tmp_path, GOOD))

    assert written(found) == MESSAGES
    assert check(found) == []
    assert difference(found, MESSAGES) == ""
    assert "-  Left behind: {user}" in difference(found, MESSAGES.replace("Left out", "Left behind"))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("Give a list.", "", "an error without a hint"),
        ("Give a list.", "Nothing was changed.", "an error without a hint"),
        ("Give the id.", "Give the id..", "two signs in a row"),
        ("it is null", "there is none", "is none -> "),
        ("it is null", "a `exact` entry is null", "a -> an"),
        ("it is null", "no max_removals is set", "max_removals -> `max_removals`"),
        ("Left out", "Told to leave", "Told -> "),
        ("of them left the company", "of them hang on somebody", "hang on -> "),
        ("Left out", "Left " + "far " * 25, "Left far far far far … (27 words)"),
    ],
)
def test_a_planted_message_is_refused(old: str, new: str, problem: str, tmp_path: Path) -> None:
    assert old in GOOD

    assert problem in "\n".join(check(collect(planted(tmp_path, GOOD.replace(old, new)))))


def test_the_golden_file_holds_all_messages() -> None:
    changed = difference(collect(ROOT), GOLDEN.read_text(encoding="utf-8"))

    assert not changed, f"read what changed, then write it: {COMMAND}\n{changed}"


def test_messages_are_plain_english_with_a_remedy() -> None:
    assert check(collect(ROOT)) == []
