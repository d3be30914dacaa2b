# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that a task gives, before a module sees them.

A survey of AWX sends null or an empty text for a question that was left empty, and a text area for a list. Ansible
itself drops a play's C(module_defaults) where a task gives an option that comes to C(omit), as roles do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ansible.playbook.task import Task

_COLLECTION = "cakewalk.access"
#: The form of options in a single line, which Ansible reads itself: C(app=GitHub permission_level=Admin).
_KEY_VALUE = re.compile(r"\w+=")
#: A guardrail that adds up: a task cannot take away the protection that its play gives.
_PROTECTED = "protected_users"

#: A blank value is refused: without it, a run would reach a tenant that nobody meant.
_NEVER_BLANK = ("api_key", "api_secret", "base_url")

Options = dict[str, Any]


def given(options: Mapping[str, Any], spec: Mapping[str, Mapping[str, Any]], strip: bool = False) -> Options:
    """Return options without those that are null or blank, and with lists where a text is given for a list.

    A text is split at line ends and commas. For a list of mappings it is split at line ends only. There the last colon
    of a line separates the values of the first two options: C(GitHub: Admin).

    :param spec: the argument spec of the module.
    :param strip: whether to strip the blanks around texts, as for everything that roles give.
    """
    kept = {name: _value(value, spec.get(name, {}), strip) for name, value in options.items()}
    return {name: value for name, value in kept.items() if name in _NEVER_BLANK or not _is_missing(value)}


def defaults_of(task: Task, module: str, templar: Any) -> Options:
    """Return the C(module_defaults) of a task for a module, those of its groups first.

    :param module: the fully qualified name.
    """
    by_name: dict[str, Any] = {}
    for layer in task.module_defaults or ():
        by_name |= layer
    groups = task.get_play()._action_groups.get(module, ()) if by_name else ()
    named = [*(name for name in by_name if name.removeprefix("group/") in groups and name != module), module]
    options: Options = {}
    for name in named:
        options |= templar.template(by_name.get(name) or {})
    return options


def completed(options: Mapping[str, Any], defaults: Mapping[str, Any]) -> Options:
    """Return options with the defaults of those that are not given; protected users add up."""
    protected = [*(defaults.get(_PROTECTED) or ()), *(options.get(_PROTECTED) or ())]
    return {**defaults, **options, **({_PROTECTED: list(dict.fromkeys(protected))} if protected else {})}


def is_of_role(task: Task) -> bool:
    """Return whether a role of this collection gives the options of a task."""
    return task._role is not None and task._role._role_collection == _COLLECTION


def _value(value: Any, option: Mapping[str, Any], strip: bool) -> Any:
    if option.get("type") == "list":
        return _list(value, option, strip)
    return value.strip() if strip and isinstance(value, str) else value


def _list(value: Any, option: Mapping[str, Any], strip: bool) -> Any:
    of_mappings = option.get("elements") == "dict"
    if isinstance(value, str):
        value = _items(value, "\n" if of_mappings else "\n,")
    if not isinstance(value, list):
        return value
    if of_mappings:
        suboptions = option.get("options") or {}
        value = [_mapping(item, list(suboptions)) if isinstance(item, str) else item for item in value]
        return [_stripped(item, suboptions) if strip and isinstance(item, dict) else item for item in value]
    return [item.strip() if strip and isinstance(item, str) else item for item in value]


def _stripped(entry: Mapping[str, Any], suboptions: Mapping[str, Mapping[str, Any]]) -> Options:
    return {name: _value(value, suboptions.get(name, {}), strip=True) for name, value in entry.items()}


def _items(text: str, separators: str) -> list[Any] | None:
    """Return the items of a list that is given as a text, without blank ones; C(None) if there is no item."""
    if text.lstrip().startswith("["):
        try:
            items = json.loads(text)
        except ValueError:
            items = None
        if isinstance(items, list):
            return items
    return [item.strip() for item in re.split(f"[\r{separators}]", text) if item.strip()] or None


def _mapping(text: str, names: list[str]) -> Any:
    """Return the mapping that a line stands for, or a text that Ansible itself can read."""
    if text.startswith("{") or _KEY_VALUE.match(text) or not names:
        return text
    first, colon, second = text.rpartition(":")
    return {names[0]: first.strip(), names[1]: second.strip()} if colon and len(names) > 1 else {names[0]: text.strip()}


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())
