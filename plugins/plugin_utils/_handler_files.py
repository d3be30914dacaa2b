# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of handlers and of what verifies their work: the variables that their tasks set, and what ends the run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.splitter import parse_kv
from ansible.playbook.role.definition import RoleDefinition

from ..module_utils._api.errors import ConfigurationError
from ..module_utils._api.text import printable
from ..module_utils._engine.storage.paths import collection_of

_TASK_INCLUDES = ("include_tasks", "import_tasks")
_ROLE_INCLUDES = ("include_role", "import_role")
_ROLE_FILES = ("tasks/**/*.y*ml", "handlers/**/*.y*ml", "meta/main.y*ml")
_SECTIONS = ("block", "rescue", "always")
#: What C(meta) ends. The role is that of the task, and a file that no role includes belongs to C(task_fulfilment).
_ENDINGS = ("end_play", "end_batch", "end_host")
_ROLE_ENDING = "end_role"


@dataclass(frozen=True)
class TaskFile:
    """A file of tasks or handlers, or C(meta/main.yml) of a role.

    :param is_of_role: whether a role has it or includes it, other than C(task_fulfilment).
    """

    path: Path
    content: Any
    is_of_role: bool


@dataclass(frozen=True)
class TaskFiles:
    """Finds the files of handlers, and of what verifies their work."""

    loader: DataLoader
    collections: Sequence[str]

    def of(self, part: Mapping[str, Any], option: str) -> Iterator[TaskFile]:
        """Yield the files of a part of a route, and those of files and roles that these include by a plain name.

        :param option: how messages call the part.
        :raises ConfigurationError: the path is relative, or there is no such file or role.
        """
        left, seen = self._named(part, option), set()
        while left:
            path, is_of_role = left.pop()
            if (path, is_of_role) not in seen and path.is_file():
                seen.add((path, is_of_role))
                file = TaskFile(path, self.loader.load_from_file(str(path)), is_of_role)
                yield file
                left += self._included(file)

    def _named(self, part: Mapping[str, Any], option: str) -> list[tuple[Path, bool]]:
        if part["role"]:
            try:
                return self._of_role(part["role"])
            except AnsibleError as error:
                raise ConfigurationError(
                    f"use {option}.role", printable(error), "Install the role, or correct its name.", option="routes"
                ) from None
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
        return [(file, False)]

    def _of_role(self, name: str) -> list[tuple[Path, bool]]:
        definition = RoleDefinition(loader=self.loader, collection_list=list(self.collections))
        # Without it, the error about a missing role is an AttributeError.
        definition._ds = name
        folder = Path(definition._load_role_path(name)[1])
        return [(path, True) for pattern in _ROLE_FILES for path in sorted(folder.glob(pattern))]

    def _included(self, file: TaskFile) -> Iterator[tuple[Path, bool]]:
        roles: list[str] = []
        for keyword, value in _keywords(file.content):
            if keyword in _TASK_INCLUDES:
                yield from ((file.path.parent / name, file.is_of_role) for name in _plain_names(value, "file"))
            elif keyword in _ROLE_INCLUDES:
                roles += _plain_names(value, "name", "role")
            elif keyword == "dependencies" and isinstance(value, list):
                roles += (name for role in value for name in _plain_names(role, "name", "role"))
        for role in roles:
            # Ansible may find it elsewhere, such as within the role that includes it, or says that it is missing.
            with suppress(AnsibleError):
                yield from self._of_role(role)


def names_set_by(files: Iterable[TaskFile]) -> set[str]:
    """Return the variables that tasks in files set: results, facts, and their C(vars)."""
    names: set[str] = set()
    for file in files:
        for keyword, value in _keywords(file.content):
            if keyword == "register" and isinstance(value, str):
                names.add(str(value))
            elif keyword in ("vars", "set_fact") and isinstance(value, Mapping):
                names.update(map(str, value))
    return names


def refuse_endings(files: Iterable[TaskFile], option: str) -> None:
    """Refuse files with tasks after which the role could neither verify, approve nor report anything.

    :param option: how messages call the part that the files belong to.
    :raises ConfigurationError: a file is refused.
    """
    for file in files:
        for action in map(_meta, _tasks(file.content)):
            if action in _ENDINGS or (action == _ROLE_ENDING and not file.is_of_role):
                raise ConfigurationError(
                    f"use {option}",
                    f"the file {printable(file.path)!r} has `meta: {action}`, after which nothing is approved or "
                    "reported",
                    "Use `when` to skip tasks, or `ansible.builtin.fail` to leave the approval task open.",
                    option="routes",
                )


def _tasks(node: Any) -> Iterator[Mapping[str, Any]]:
    """Yield each task and block of a list of tasks."""
    for task in node if isinstance(node, list) else ():
        if isinstance(task, Mapping):
            yield task
            for section in _SECTIONS:
                yield from _tasks(task.get(section))


def _meta(task: Mapping[str, Any]) -> str | None:
    """Return what a task has C(meta) do, C(None) for other tasks."""
    for keyword, value in task.items():
        words = [str(keyword), *str(value).split()]
        if words[0] in ("action", "local_action"):
            words = words[1:]
        if len(words) > 1 and words[0].rpartition(".")[2] == "meta":
            return words[1]
    return None


def _plain_names(value: Any, *options: str) -> list[str]:
    """Return the names that an include gives by one of its options, or without any, unless they are templates."""
    given = value if isinstance(value, Mapping) else parse_kv(str(value))
    names = (given.get(option) for option in (*options, "_raw_params"))
    return [str(name) for name in names if isinstance(name, str) and "{{" not in name]


def _keywords(node: Any) -> Iterator[tuple[str, Any]]:
    """Yield each key of each mapping at any depth, without the name of a collection, and its value."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield str(key).rpartition(".")[2], value
            yield from _keywords(value)
    elif isinstance(node, list):
        for item in node:
            yield from _keywords(item)
