# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that a task gives, before a module sees them.

A survey of AWX sends null or an empty text for a question that was left empty, and a text area for a list. Ansible
itself drops a play's C(module_defaults) where a task gives an option that comes to C(omit), as roles do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from typing import Any

from ansible.playbook.task import Task

from ..module_utils._api.errors import ConfigurationError
from ..module_utils._api.text import parse_json, printable, quote_hint, yaml_type

_COLLECTION = "cakewalk.access"
#: The form of options in a single line, which Ansible reads itself: C(app=GitHub permission_level=Admin).
_KEY_VALUE = re.compile(r"\w+=")
#: How releases of ansible-core begin their errors about the syntax of a template.
_BROKEN_TEMPLATE = re.compile("template error|syntax error", re.IGNORECASE)
_TEXTS = ("str", "path")
#: Dates, which YAML keeps as they are written.
_DATES = ("due_date", "updated_since")
#: Values of custom fields; only the tenant knows which of them are texts.
_FIELDS = "fields"
_LIMITS = ("max_removals", "max_removal_percent")
#: A guardrail that adds up: a task cannot take away the protection that its play gives.
_PROTECTED = "protected_users"
_GUARDRAILS = (_PROTECTED, *_LIMITS)

#: A blank value is refused: without it, a run would reach a tenant, or the levels of an app, that nobody meant.
_NEVER_BLANK = ("api_key", "api_secret", "base_url", "permission_level", "permission_levels")

Options = dict[str, Any]


def given(options: Mapping[str, Any], spec: Mapping[str, Mapping[str, Any]], strip: bool = False) -> Options:
    """Return options without those that are null or blank, and with lists where a text is given for a list.

    A text is split at line ends and commas. For a list of mappings it is split at line ends only. There the last colon
    of a line separates the values of the first two options: C(GitHub: Admin). The same holds within each mapping.

    :param spec: the argument spec of the module.
    :param strip: whether to strip the blanks around texts, as for everything that roles give.
    :raises ConfigurationError: something else is given for a text, or a boolean for a number, or a protected user is
        null or blank.
    """
    kept = {name: _value(name, value, spec.get(name, {"type": "raw"}), strip) for name, value in options.items()}
    if any(not str(user or "").strip() for user in _as_list(kept.get(_PROTECTED) or [])):
        raise ConfigurationError(
            f"use `{_PROTECTED}`",
            "an entry is null or blank, which protects nobody",
            "Leave the entry out, or name a person.",
            option=_PROTECTED,
        )
    return {
        name: value
        for name, value in kept.items()
        if value is not None and (name in _NEVER_BLANK or not isinstance(value, str) or value.strip())
    }


def defaults_of(task: Task, module: str, templar: Any, spec: Mapping[str, Mapping[str, Any]]) -> Options:
    """Return the C(module_defaults) of a task for a module, as Ansible merges them, except for guardrails.

    A guardrail holds wherever it is written. A block that replaces what its play gives to a group takes no protection
    away, nor does a module with defaults of its own.

    :param module: the fully qualified name.
    :param spec: the argument spec of the module.
    """
    layers = task.module_defaults or ()
    by_name: dict[str, Any] = {}
    for layer in layers:
        by_name |= layer
    groups = [f"group/{group}" for group in task.get_play()._action_groups.get(module, ())] if by_name else []
    names = [*(name for name in by_name if name in groups), module]
    # Before ansible-core 2.19, an omitted value is this text until Ansible removes it.
    omitted = templar.available_variables.get("omit")

    def options_of(defaults: Any) -> Options:
        options = {name: value for name, value in templar.template(defaults or {}).items() if value != omitted}
        return given(options, spec)

    merged: Options = {}
    for name in names:
        merged = completed(options_of(by_name.get(name)), merged)
    for name in names:
        for layer in layers:
            defaults = options_of(layer.get(name))
            merged = completed(merged, {key: value for key, value in defaults.items() if key in _GUARDRAILS})
    return merged


def of_variables(spec: Mapping[str, Mapping[str, Any]], templar: Any) -> Options:
    """Return the options that Ansible variables set: C(cakewalk_x) where the environment variable is C(CAKEWALK_X).

    :param spec: of the options that are not given otherwise.
    :raises ConfigurationError: a variable cannot be used.
    """
    variables = templar.available_variables
    options: Options = {}
    for name, option in spec.items():
        variable = option["fallback"][1][0].lower() if "fallback" in option else ""
        if variable in variables:
            refuse_fact(variable, variables)
            value = _templated(variable, variables[variable], templar, bool(option.get("no_log")))
            value = given({name: value}, {name: option}, strip=True).get(name)
            if value is not None and value != "":
                options[name] = value
    return options


def refuse_fact(variable: str, variables: Mapping[str, Any]) -> None:
    """Refuse a variable that a fact sets: a managed host must not decide where the key goes, or who acts.

    :raises ConfigurationError: it is a fact.
    """
    if variable in (variables.get("ansible_facts") or {}):
        raise ConfigurationError(
            f"read the variable {variable}",
            f"it is a fact of the host {printable(variables.get('inventory_hostname'))}, and any module on a managed "
            "host can set facts",
            "Find the task that returned this fact. Set the variable in the inventory or the play, or by `set_fact` "
            "without `cacheable`. Clear the fact cache if there is one.",
        )


def _templated(variable: str, value: Any, templar: Any, is_secret: bool) -> Any:
    """Return the value of a variable, and C(None) for C(omit).

    :param is_secret: whether errors must not hold Ansible's text, which quotes parts of the template.
    :raises ConfigurationError: the value cannot be read.
    """
    try:
        result = templar.template({variable: value}).get(variable)
    except Exception as error:
        cause, hint = str(error).rstrip("."), "Correct it, or leave it out."
        # The error quotes the template, and a secret that holds braces is a broken template.
        is_broken = _BROKEN_TEMPLATE.search(cause)
        if is_broken or is_secret:
            cause = "it is a broken template" if is_broken else f"its template failed ({type(error).__name__})"
            hint = "Correct it, or write !unsafe before a text that holds braces."
        refusal = ConfigurationError(f"read the variable {variable}", cause, hint)
    else:
        return None if result == templar.available_variables.get("omit") else result
    # Without its context, which quotes the template, too.
    raise refusal


def completed(options: Mapping[str, Any], defaults: Mapping[str, Any]) -> Options:
    """Return options with the defaults of those that are not given.

    Guardrails that are written in both hold together: protected users add up, and the lowest limit counts.
    """
    both = {**defaults, **options}
    for name in _LIMITS:
        with suppress(ValueError, TypeError, KeyError):
            both[name] = min(int(defaults[name]), int(options[name]))
    if _PROTECTED in defaults and _PROTECTED in options:
        # What is not a list, or an entry that is not a text, is for Ansible to refuse.
        first, second = map(_as_list, (defaults[_PROTECTED], options[_PROTECTED]))
        both[_PROTECTED] = [*first, *(user for user in second if user not in first)]
    return both


def is_of_role(task: Task) -> bool:
    """Return whether a role of this collection gives the options of a task."""
    return task._role is not None and task._role._role_collection == _COLLECTION


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _value(name: str, value: Any, option: Mapping[str, Any], strip: bool) -> Any:
    kind = option.get("type", "str")
    # A vaulted text is no C(str) before ansible-core 2.19.
    if hasattr(value, "is_encrypted"):
        value = str(value)
    if kind == "list":
        return _list(name, value, option, strip)
    # Ansible would take how Python writes a list for the text, and C(true) for one.
    if kind in _TEXTS and isinstance(value, (list, tuple, Mapping)):
        form = "a dictionary" if isinstance(value, Mapping) else "a list"
        raise ConfigurationError(f"use {name}", f"it must be text, not {form}", "Give a single value.", option=name)
    if kind in _TEXTS and name not in _DATES:
        _refuse_unquoted(name, name, value, bool(option.get("no_log")))
    if kind == "dict" and isinstance(value, dict):
        suboptions = option.get("options") or {}
        value = {key: _value(key, item, suboptions.get(key, {"type": "raw"}), strip) for key, item in value.items()}
        for key, item in value.items() if name == _FIELDS else ():
            _refuse_unquoted(name, f"the name of a field in {name}", key)
            # Ansible hands a date to the module as text.
            if isinstance(item, date):
                _refuse_unquoted(name, f"the value of {printable(key)!r} in {name}", item)
    if kind == "int" and isinstance(value, bool):
        raise ConfigurationError(f"use {name}", "it must be a number, not a boolean", "Give a number.", option=name)
    return value.strip() if strip and isinstance(value, str) else value


def _refuse_unquoted(name: str, what: str, value: Any, is_secret: bool = False) -> None:
    """Refuse what YAML reads as something other than text, since 0715 becomes 461 and 1.10 becomes 1.1.

    :raises ConfigurationError: the value is refused.
    """
    form = yaml_type(value)
    if form:
        shown = f"a {form.split()[1]}" if is_secret else form
        raise ConfigurationError(
            f"use {what}", f"it must be text, not {shown}", quote_hint(value, is_secret), option=name
        )


def _list(name: str, value: Any, option: Mapping[str, Any], strip: bool) -> Any:
    of_mappings = option.get("elements") == "dict"
    if isinstance(value, str):
        value = _items(value, "\n" if of_mappings else "\n,")
    element = {"type": option.get("elements", "raw"), "no_log": option.get("no_log")}
    if not isinstance(value, list):
        return value if of_mappings else _value(name, value, element, strip) if yaml_type(value) else value
    if of_mappings:
        suboptions = option.get("options") or {}
        value = [_mapping(item, list(suboptions)) if isinstance(item, str) else item for item in value]
        return [given(item, suboptions, strip) if isinstance(item, dict) and suboptions else item for item in value]
    return [_value(f"an entry of {name}", item, element, strip) for item in value]


def _items(text: str, separators: str) -> list[Any] | None:
    """Return the items of a list that is given as a text, without blank ones; C(None) if there is no item."""
    if text.lstrip().startswith("["):
        try:
            items = parse_json(text)
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
    if not colon or len(names) < 2 or not second.strip():
        return {names[0]: (first or text).strip() if colon else text.strip()}
    return {names[0]: first.strip(), names[1]: second.strip()}
