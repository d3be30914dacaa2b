# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON Schema of files of code, for editors and CI: the argument spec, with the words of the documentation."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Data = dict[str, Any]

#: What stands where text is wanted is taken as it stands, so that a group may be called 365.
_TEXT = {"type": ["string", "number", "boolean"]}
#: A condition on a column: a value, a list of values, or not with either.
_VALUES: list[Data] = [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}]
_NEGATED: Data = {
    "type": "object",
    "additionalProperties": False,
    "required": ["not"],
    "properties": {"not": {"anyOf": _VALUES}},
}
_CONDITION: Data = {"anyOf": [*_VALUES, _NEGATED]}


def schema(root: Path, documented: Mapping[str, Any], words: Callable[[Any], str]) -> Data:
    """Return the schema.

    :param root: the collection, whose argument spec is taken.
    :param documented: the options whose words are in the documentation of a module, by section.
    :param words: makes text of documentation.
    """
    code = module_of(root, "module_utils._engine.access_as_code.schema").CODE
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A Cakewalk tenant as code",
        "description": "A file of code for the role cakewalk.access.access_as_code.",
        **_object(code, {name: {"suboptions": options} for name, options in documented.items()}, words, required=()),
    }


def module_of(root: Path, name: str) -> Any:
    """Return a module of the collection, by its name below C(plugins)."""
    sys.path.insert(0, str(root))
    return importlib.import_module(f"plugins.{name}")


def _object(
    options: Mapping[str, Any], documented: Mapping[str, Any], words: Callable[[Any], str], required: Any = None
) -> Data:
    needed = [name for name, option in options.items() if option.get("required")] if required is None else required
    properties = {
        name: {
            "description": words({**option, **documented.get(name, {})}["description"]),
            **_value(option, documented.get(name, {}).get("suboptions", {}), words),
        }
        for name, option in options.items()
    }
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        **({"required": needed} if needed else {}),
    }


def _value(option: Mapping[str, Any], documented: Mapping[str, Any], words: Callable[[Any], str]) -> Data:
    """Return the schema of what an option takes."""
    if option["type"] == "list":
        return {"type": "array", "items": _value({**option, "type": option["elements"]}, documented, words)}
    if "choices" in option:
        return {"enum": list(option["choices"])}
    if option["type"] == "bool":
        return {"type": "boolean"}
    if option["type"] == "int":
        return {"type": "integer"}
    if option["type"] == "str":
        return _TEXT
    if "mapping" in option:
        return {"anyOf": [_TEXT, _object(option["mapping"], documented, words)]}
    if "options" not in option:
        return {"type": "object", "additionalProperties": _CONDITION if "values" in option else _TEXT}
    inside = _object(option["options"], documented, words)
    rules = [
        *({"not": {"required": list(names)}} for names in option.get("mutually_exclusive", ())),
        *({"anyOf": [{"required": [name]} for name in names]} for names in option.get("required_one_of", ())),
    ]
    return {**inside, **({"allOf": rules} if rules else {})}
