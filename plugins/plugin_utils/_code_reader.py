# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read access as code from files: as data, never as templates, and with the line of each value."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError

from ..module_utils._api.errors import ConfigurationError
from ..module_utils._api.text import is_reserved, printable, summarize
from ..module_utils._engine.access_as_code.schema import CODE
from ..module_utils._engine.access_as_code.source import CodeRefused, problem
from ..module_utils._engine.storage.paths import collection_of
from ._roster_reader import read_csv, roster_of, table_of

Problem = dict[str, str]
Code = dict[str, Any]
Positions = dict[str, str]

_NULL = "tag:yaml.org,2002:null"
#: The tags that YAML gives to plain text. Merge keys are not among them.
_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "timestamp", "null", "map", "seq", "value")
)
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
#: The types of values in the files, by the types of the argument spec, and their names in messages.
_SHAPES: dict[str, Any] = {"str": str, "bool": str, "dict": dict, "raw": (str, dict)}
_WORDS = {"str": "a text", "bool": "true or false", "dict": "a mapping"}
_ITEMS = {"str": "texts", "dict": "mappings", "raw": "texts, or of mappings with a user"}
#: How deep files may be nested, which is deeper than any code. Composing a file is recursive, and recursion that is too
#: deep in the C library ends the process.
_DEEPEST = 20
_NO_SECTIONS = "a file holds sections by name, or is the roster"
#: The place of the rows of a roster in YAML.
_ROWS = "roster.rows"
_CONSTRAINTS = ("mutually_exclusive", "required_one_of")


def files_in(folder: str) -> list[Path]:
    """Return the files of code in a folder and its subfolders, sorted by name, without hidden files.

    :param folder: an absolute path.
    :raises CodeRefused: there is no such folder, a file or folder is a link, or cannot be read.
    """
    root = Path(folder)
    if not root.is_absolute():
        raise CodeRefused([problem(printable(folder), "the path is relative")], "Give its absolute path.")
    if not root.is_dir():
        raise CodeRefused([problem(printable(folder), "there is no such folder")], "Correct the path, or make it.")
    collection = collection_of(folder)
    if collection:
        why = f"it is inside the installed collection {collection}, where `playbook_dir` leads for its playbooks"
        raise CodeRefused([problem(printable(folder), why)], "Give another folder.")
    files: list[Path] = []
    problems: list[Problem] = []
    for path in _visible_paths(root, root, problems):
        if path.is_symlink() and (is_code(path) or not path.is_file()):
            problems.append(problem(_relative(path, root), "it is a link"))
        elif is_code(path) and not path.is_file():
            problems.append(problem(_relative(path, root), "it is not a file"))
        elif is_code(path):
            files.append(path)
    if problems:
        raise CodeRefused(problems)
    return sorted(files)


def is_code(path: Path) -> bool:
    """Return whether a file has the suffix of code; other files in the folder are ignored."""
    return path.suffix.lower() in (".yml", ".yaml")


def _is_table(path: Path) -> bool:
    """Return whether a file has the suffix of a table.

    By the suffix, a file to write is known not to be the roster, also where the code that names the roster is damaged.
    """
    return path.suffix.lower() in (".csv", ".tsv")


def _visible_paths(folder: Path, root: Path, problems: list[Problem]) -> Iterator[Path]:
    """Return all paths in a folder and its subfolders that are not hidden; unreadable folders become problems."""
    try:
        with os.scandir(folder) as entries:
            paths = sorted(Path(entry) for entry in entries if not entry.name.startswith("."))
    except OSError as error:
        problems.append(problem(_relative(folder, root), f"it cannot be read: {error.strerror}"))
        return
    for path in paths:
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from _visible_paths(path, root, problems)


def _roster_refusal(file: str, root: Path) -> str | None:
    """Return why a file cannot be the roster of the code in a folder, as a clause; C(None) if it can.

    Messages quote a roster, and the authors of code must not read other files of the machine by them. So a path that
    leads elsewhere has the same message as a missing file.
    """
    visible = {path.relative_to(root): path for path in _visible_paths(root, root, [])}
    path = visible.get(Path(file))
    if path is None:
        return "is not in the folder of the code, or it is hidden; give its path from there"
    if path.is_symlink():
        return "is a link"
    if not path.is_file():
        return "is no file"
    return None if is_code(path) or _is_table(path) else "must have a name that ends in .csv, .tsv, .yml or .yaml"


def read(
    folder: str, needs_roster: Callable[[Code], bool] = lambda _code: True
) -> tuple[Code, Positions, dict[str, Any] | None]:
    """Return the content of the files by section, the file and line of each value by its place, and the roster.

    :param needs_roster: whether the sections need the roster, which is not read otherwise.
    :raises CodeRefused: the files do not hold valid code; the error has all problems.
    """
    root = Path(folder)
    reader = _CodeReader()
    for path in files_in(folder):
        reader.add(_relative(path, root), path)
    sections, positions = reader.result(printable(folder))
    return sections, positions, reader.roster(root) if needs_roster(sections) else None


def check_options(options: Mapping[str, Any]) -> None:
    """Refuse options of a task with which code cannot be read.

    :raises ConfigurationError: the folder is missing or blank, or a task passes data in place of the files.
    """
    if "source" in options:
        raise ConfigurationError("use source", "it is read from folder, and nowhere else", "Leave it out.")
    # The argument spec accepts a blank value or null for a required option.
    if not options.get("folder"):
        raise ConfigurationError("use folder", "it is missing or blank", "Give an absolute path.", option="folder")


def source_of(folder: str, **options: Any) -> dict[str, Any]:
    """Return what a module must know about the code in a folder: the complete data, the positions, and the roster.

    :param options: see C(read).
    :raises CodeRefused: the files do not hold valid code.
    """
    code, positions, roster = read(folder, **options)
    complete = ArgumentSpecValidator(CODE).validate(code).validated_parameters
    return {"code": complete, "positions": positions, **({"roster": roster} if roster else {})}


def refuse_code_file(folder: str, option: str, path: str, what: str) -> None:
    """Refuse a file to write that the next run would read as code, or that may be the roster.

    :param what: what the file is, for messages.
    :raises ConfigurationError: the file is refused.
    """
    real = Path(os.path.realpath(path))
    if Path(os.path.realpath(folder)) in real.parents and (is_code(real) or _is_table(real)):
        raise ConfigurationError(
            f"keep {what}",
            "it is in the folder of the code, and the next run would read it as code, or as the roster",
            "Give another path.",
            option=option,
        )


class _CodeReader:
    """Combines files, and collects their problems."""

    def __init__(self) -> None:
        self._sections: Code = {}
        self._positions: Positions = {}
        self._problems: list[Problem] = []
        #: The nodes read so far. Keeping them guarantees that no other node gets the same id().
        self._nodes: dict[int, yaml.Node] = {}
        #: Files that hold a list, one of which may be the roster.
        self._lists: dict[str, yaml.SequenceNode] = {}

    def add(self, name: str, path: Path) -> None:
        """Add a file."""
        try:
            text = path.read_text(encoding="utf-8")
            if text.startswith("$ANSIBLE_VAULT"):
                self._add_problem(name, "it is encrypted by ansible-vault; code holds no secrets, so decrypt the file")
                return
            if _depth(text) > _DEEPEST:
                self._add_problem(name, "it is nested too deeply")
                return
            node = yaml.compose(text, Loader=_LOADER)
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            mark = getattr(error, "problem_mark", None)
            why = getattr(error, "problem", None) or "it is not YAML in UTF-8"
            self._add_problem(f"{name}:{mark.line + 1}" if mark else name, why)
            return
        except OSError as error:
            self._add_problem(name, f"it cannot be read: {error.strerror}")
            return
        if node is None:
            return
        if isinstance(node, yaml.SequenceNode):
            self._lists[name] = node
            return
        if not isinstance(node, yaml.MappingNode):
            self._add_problem(_line(name, node), _NO_SECTIONS)
            return
        for key, value in self._members(name, node):
            self._add_section(name, key, value)

    def result(self, folder: str) -> tuple[Code, Positions]:
        """Return the sections and the positions.

        :raises CodeRefused: there are problems.
        """
        file = self._sections.get("roster", {}).get("file") if isinstance(self._sections.get("roster"), dict) else None
        for name, node in self._lists.items():
            if name != file:
                self._add_problem(_line(name, node), _NO_SECTIONS)
        if not self._problems and "tenant" not in self._sections:
            self._add_problem(
                folder, "no file has the section tenant, which tells by its anchors which tenant the code is about"
            )
        if not self._problems:
            for section, value in self._sections.items():
                self._check(section, value)
        if self._problems:
            raise CodeRefused(self._problems)
        return self._sections, self._positions

    def roster(self, root: Path) -> dict[str, Any] | None:
        """Return the roster that the code names, or C(None).

        :param root: the folder of the code.
        :raises CodeRefused: the file does not hold a valid roster.
        """
        if "roster" not in self._sections:
            return None
        section = (
            ArgumentSpecValidator(CODE["roster"]["options"]).validate(self._sections["roster"]).validated_parameters
        )
        file, at = section["file"], self._positions["roster.file"]
        path, name = root / file, printable(file)
        why = _roster_refusal(file, root)
        if why:
            raise CodeRefused([problem(at, f"the roster {name} {why}")])
        if file in self._lists:
            rows = self._value(name, self._lists[file], _ROWS)
            table, columns = table_of(rows, self._positions, _ROWS, name)
        elif is_code(path):
            raise CodeRefused([problem(at, f"the roster {name} is no list of people")])
        else:
            table, columns = read_csv(path, name)
        if self._problems:
            raise CodeRefused(self._problems)
        return roster_of(table, columns, section, name)

    def _add_section(self, name: str, key: yaml.ScalarNode, value: yaml.Node) -> None:
        section, at = key.value, _line(name, key)
        form = CODE.get(section)
        if form is None:
            self._add_problem(at, f"there is no section {printable(section)!r}, there are {summarize(CODE)}")
        elif form["type"] == "dict" and section in self._sections:
            self._add_problem(at, f"the section {section} is in {self._positions[section]} already")
        elif form["type"] == "dict":
            self._sections[section] = self._value(name, value, section)
        elif isinstance(value, yaml.SequenceNode):
            entries = self._sections.setdefault(section, [])
            for item in value.value:
                entries.append(self._value(name, item, f"{section}[{len(entries)}]"))
        else:
            self._add_problem(at, f"the section {section} is a list of entries")

    def _value(self, name: str, node: yaml.Node, place: str) -> Any:
        """Return a node as plain data. A scalar is the text in the file, so that a group may have the name No.

        Aliases are refused: a value that is used several times has no line of its own, and can grow without limit.
        """
        at = self._positions[place] = _line(name, node)
        if id(node) in self._nodes:
            self._add_problem(at, "an alias has no place in code; write out what it stands for")
            return None
        self._nodes[id(node)] = node
        if node.tag not in _TAGS:
            self._add_problem(at, f"the tag {printable(node.tag)} has no place in code")
        elif node.tag == _NULL:
            self._add_problem(at, "here is nothing; give a value, or leave out the name")
        elif isinstance(node, yaml.ScalarNode):
            return node.value
        elif isinstance(node, yaml.SequenceNode):
            return [self._value(name, item, f"{place}[{number}]") for number, item in enumerate(node.value)]
        elif isinstance(node, yaml.MappingNode):
            members = self._members(name, node)
            return {key.value: self._value(name, value, f"{place}.{key.value}") for key, value in members}
        return None

    def _members(self, name: str, node: yaml.MappingNode) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
        """Return the names and values of a mapping; of two equal names, the loaders of YAML would ignore the first."""
        lines: dict[str, int] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag not in _TAGS - {_NULL}:
                self._add_problem(_line(name, key), "the name of something is a text")
            elif is_reserved(key.value):
                self._add_problem(_line(name, key), f"{key.value!r} is a name of Ansible's own; name it by its id")
            elif key.value in lines:
                self._add_problem(_line(name, key), f"{key.value!r} is here already, on line {lines[key.value]}")
            else:
                lines[key.value] = key.start_mark.line + 1
                yield key, value

    def _check(self, section: str, value: Any) -> None:
        """Compare entries with the argument spec, one at a time, so that each problem has its line."""
        form = CODE[section]
        entries = [value] if form["type"] == "dict" else value
        places = [section] if form["type"] == "dict" else [f"{section}[{number}]" for number in range(len(entries))]
        constraints = {name: form[name] for name in _CONSTRAINTS if name in form}
        for place, entry in zip(places, entries, strict=True):
            if not isinstance(entry, dict):
                self._add_problem(self._positions[place], f"an entry of {section} is a mapping")
                continue
            checked = ArgumentSpecValidator(_without_items(form["options"]), **constraints).validate(entry)
            for message in [*_shape_problems(form["options"], entry), *map(_message, checked.errors)]:
                self._add_problem(self._positions[place], message)
            for inside, message in _item_problems(place, form["options"], entry):
                self._add_problem(self._positions[inside], message)

    def _add_problem(self, at: str, message: str) -> None:
        self._problems.append(problem(at, printable(message)))


def _depth(text: str) -> int:
    """Return how deep a file is nested, without composing it.

    :raises yaml.YAMLError: the file is not YAML.
    """
    depth = deepest = 0
    for event in yaml.parse(text, Loader=_LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        deepest = max(deepest, depth)
        if deepest > _DEEPEST:
            break
    return deepest


def _message(error: Any) -> str:
    """Return the message of an argument spec error as a clause; that of an unknown name has no words of its own."""
    message = str(error.msg).rstrip(".")
    return f"unknown: {message}" if isinstance(error, UnsupportedError) else message


def _relative(path: Path, root: Path) -> str:
    return printable(path.relative_to(root).as_posix())


def _line(name: str, node: yaml.Node) -> str:
    return f"{name}:{node.start_mark.line + 1}"


def _item_problems(place: str, options: Mapping[str, Any], entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the problems of mappings in lists, each with its place."""
    for name, option in options.items():
        if option["type"] == "dict" and "options" in option and isinstance(entry.get(name), dict):
            yield from _item_problems(f"{place}.{name}", option["options"], entry[name])
        form: Mapping[str, Any] = option.get("mapping") or (option["options"] if _has_items(option) else {})
        items = entry.get(name) if form else None
        for number, item in enumerate(items if isinstance(items, list) else ()):
            if isinstance(item, dict):
                checked = ArgumentSpecValidator(form).validate(item)
                for message in [*_shape_problems(form, item), *map(_message, checked.errors)]:
                    yield f"{place}.{name}[{number}]", message


def _without_items(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return a form in which mappings in lists may be of any form."""
    return {
        name: {**option, "options": None if _has_items(option) else _without_items(option["options"])}
        if "options" in option
        else option
        for name, option in options.items()
    }


def _has_items(option: Mapping[str, Any]) -> bool:
    """Return whether an option is a list of mappings."""
    return option.get("elements") == "dict" and "options" in option


def _shape_problems(options: Mapping[str, Any], entry: Mapping[str, Any]) -> Iterable[str]:
    """Return values of a wrong type that the argument spec would convert, such as a text for a list."""
    for name, value in entry.items():
        option = options.get(name, {"type": None})
        if option["type"] == "list":
            fits = isinstance(value, list) and all(isinstance(item, _SHAPES[option["elements"]]) for item in value)
            yield from () if fits else [f"{name} must be a list of {_ITEMS[option['elements']]}"]
        elif not isinstance(value, _SHAPES.get(option["type"], object)):
            yield f"{name} must be {_WORDS[option['type']]}"
        elif "options" in option:
            yield from _shape_problems(option["options"], value)
        elif (
            option["type"] == "dict"
            and "values" not in option
            and not all(isinstance(item, str) for item in value.values())
        ):
            yield f"{name} must hold texts by name"
