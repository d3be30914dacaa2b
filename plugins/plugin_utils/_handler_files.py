# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of handlers and of what verifies their work, and the variables that their tasks set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.role.definition import RoleDefinition

from ..module_utils._api.errors import ConfigurationError
from ..module_utils._api.text import printable
from ..module_utils._engine.storage.paths import collection_of

_INCLUDES = ("include_tasks", "import_tasks")


def files_of(part: Mapping[str, Any], option: str, loader: DataLoader, collections: Sequence[str]) -> list[Path]:
    """Return the file of tasks, or the files of the role, that a part of a route names.

    :param option: how messages call the part.
    :raises ConfigurationError: the path is relative, or there is no such file or role.
    """
    if part["role"]:
        definition = RoleDefinition(loader=loader, collection_list=list(collections))
        # Without it, the error about a missing role is an AttributeError.
        definition._ds = part["role"]
        try:
            folder = Path(definition._load_role_path(part["role"])[1])
        except AnsibleError as error:
            raise ConfigurationError(
                f"use {option}.role", printable(error), "Install the role, or correct its name.", option="routes"
            ) from None
        return [file for kind in ("tasks", "handlers") for file in sorted((folder / kind).rglob("*.y*ml"))]
    file = Path(part["tasks"])
    if not file.is_absolute():
        raise ConfigurationError(
            f"use {option}.tasks",
            f"the path {printable(file)!r} is relative",
            "Give an absolute path; `inventory_dir` helps with that, and `playbook_dir` in a playbook of your own.",
            option="routes",
        )
    if not file.is_file():
        collection = collection_of(str(file))
        raise ConfigurationError(
            f"use {option}.tasks",
            f"there is no file {printable(file)!r}",
            f"Give a path outside of {collection}; `playbook_dir` is inside for a playbook of a collection."
            if collection
            else "Correct the path.",
            option="routes",
        )
    return [file]


def names_set_by(files: Iterable[Path], loader: DataLoader) -> set[str]:
    """Return the variables that tasks in files set: results, facts, and their C(vars).

    Files that they include by a plain name count as well.
    """
    names: set[str] = set()
    left, seen = list(files), set()
    while left:
        file = left.pop()
        if file not in seen and file.is_file():
            seen.add(file)
            for keyword, value in _keywords(loader.load_from_file(str(file))):
                if keyword == "register" and isinstance(value, str):
                    names.add(str(value))
                elif keyword in ("vars", "set_fact") and isinstance(value, Mapping):
                    names.update(map(str, value))
                elif keyword in _INCLUDES:
                    name = value.get("file") if isinstance(value, Mapping) else value
                    left.append(file.parent / str(name))
    return names


def _keywords(node: Any) -> Iterator[tuple[str, Any]]:
    """Yield each key of each mapping at any depth, without the name of a collection, and its value."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield str(key).rpartition(".")[2], value
            yield from _keywords(value)
    elif isinstance(node, list):
        for item in node:
            yield from _keywords(item)
