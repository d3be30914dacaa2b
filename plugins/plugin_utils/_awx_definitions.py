# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the file that describes the objects of AWX: as data, since its templates are for AWX and not for Ansible."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ..module_utils._api.errors import ConfigurationError
from ..module_utils._api.text import printable, summarize
from ..module_utils._engine.controller_setup.schema import KEYS, ORGANIZATION, SECTIONS, DefinitionsRefused


class _Loader(yaml.SafeLoader):
    """Loads plain data, and refuses a key that is there twice, of which YAML would ignore the first."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        lines: dict[Any, int] = {}
        for key, _value in node.value:
            line = key.start_mark.line + 1
            if key.tag != "tag:yaml.org,2002:merge" and lines.setdefault(key.value, line) != line:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{printable(key.value)!r} is on line {lines[key.value]} already", key.start_mark
                )
        return super().construct_mapping(node, deep)


def _refuse_vault(_loader: _Loader, node: yaml.Node) -> None:
    mark = node.start_mark
    raise yaml.constructor.ConstructorError(None, None, "give a value of Ansible Vault in `secrets` instead", mark)


for _tag in ("!vault", "!vault-encrypted"):
    _Loader.add_constructor(_tag, _refuse_vault)


def read(path: str) -> dict[str, Any]:
    """Return the sections of the file, complete with defaults, and the organization.

    :param path: an absolute path.
    :raises ConfigurationError: the file cannot be read.
    :raises DefinitionsRefused: the file does not have the form of definitions; the message has all problems.
    """
    content = _content(path)
    if not isinstance(content, dict):
        raise DefinitionsRefused([f"{path} holds no sections"])
    problems = [
        f"there is no section {printable(key)!r}, there are {summarize(KEYS, 20)}" for key in content if key not in KEYS
    ]
    organization = content.get(ORGANIZATION, "Default")
    if not isinstance(organization, str) or not organization.strip():
        problems.append("`organization` is a name")
    definitions: dict[str, Any] = {ORGANIZATION: organization}
    for section, spec in SECTIONS.items():
        entries = content.get(section) or []
        if not isinstance(entries, list):
            problems.append(f"the section {section} is a list")
            continue
        checked = [_checked(section, number, entry, spec) for number, entry in enumerate(entries, 1)]
        problems += [problem for _entry, found in checked for problem in found]
        definitions[section] = [entry for entry, _found in checked]
    if problems:
        raise DefinitionsRefused(problems)
    return definitions


def _content(path: str) -> Any:
    if not Path(path).is_absolute():
        raise ConfigurationError(
            "use `path`", f"{printable(path)!r} is relative", "Give an absolute path.", option="path"
        )
    try:
        text = Path(path).read_text(encoding="utf-8")
        if text.startswith("$ANSIBLE_VAULT"):
            raise DefinitionsRefused([f"{path} is encrypted; keep secrets in another file, and give them in `secrets`"])
        return yaml.load(text, Loader=_Loader)
    except OSError as error:
        raise ConfigurationError(
            f"read {printable(path)}",
            error.strerror or "it cannot be read",
            "Copy the example of the collection, and give the path of the copy.",
            option="path",
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        why = getattr(error, "problem", None) or "it is not YAML in UTF-8"
        raise DefinitionsRefused([f"line {mark.line + 1}: {why}" if mark else why]) from None


def _checked(section: str, number: int, entry: Any, spec: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return an entry with its defaults, and its problems."""
    at = f"{section}, entry {number}"
    if not isinstance(entry, dict):
        return {}, [f"{at}: it is not a mapping"]
    if entry.get("name"):
        at += f" ({printable(entry['name'])!r})"
    result = ArgumentSpecValidator(spec).validate(entry)
    unquoted = list(_not_texts(spec, entry))
    problems = [f"{at}: {message}" for message in [*result.error_messages, *unquoted]]
    return _stripped(spec, result.validated_parameters), problems


def _stripped(spec: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry with its texts as AWX strips them: others would differ at each run.

    Names stay as they are, since those with blanks are refused.
    """

    def stripped(name: str, value: Any) -> Any:
        option = spec.get(name, {})
        if isinstance(value, list):
            return [stripped(name, inner) for inner in value]
        if "options" in option and isinstance(value, dict):
            return _stripped(option["options"], value)
        is_text = option.get("type") == "str" and name not in ("name", "identifier")
        return value.strip() if is_text and isinstance(value, str) else value

    return {name: stripped(name, value) for name, value in entry.items()}


def _not_texts(spec: Mapping[str, Any], entry: Mapping[str, Any]) -> Iterator[str]:
    """Yield texts that YAML reads as something else, which the argument spec would turn into texts again."""
    for name, value in entry.items():
        option = spec.get(name, {})
        if option.get("type") == "str" and not isinstance(value, str):
            yield f"`{name}` is not a text; put it into quotes"
        if option.get("elements") == "str" and not all(isinstance(one, str) for one in _listed(value)):
            yield f"`{name}` has an item that is not a text; put it into quotes"
        for inner in _listed(value):
            if "options" in option and isinstance(inner, dict):
                yield from _not_texts(option["options"], inner)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
