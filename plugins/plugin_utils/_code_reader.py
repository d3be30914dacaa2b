# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the code of a tenant from files: as data, never as templates, and with the line on which everything stands."""

from __future__ import annotations

import os
from pathlib import Path

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError
from ansible_collections.cakewalk.access.plugins.module_utils._api.text import printable, summarize
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_as_code.schema import CODE
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_as_code.source import (
    CodeRefused,
    is_reserved,
    problem,
)

#: How files of code are called; others in the folder are left alone.
SUFFIXES = (".yml", ".yaml")
_NULL = "tag:yaml.org,2002:null"
#: What YAML takes a text for where nobody says otherwise; merge keys are not among them.
_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "timestamp", "null", "map", "seq", "value")
)
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
#: What the reader makes of a file, by the types of the argument spec, and how messages call it.
_SHAPES = {"str": str, "bool": str, "dict": dict}
_WORDS = {"str": "a text", "bool": "true or false", "dict": "a mapping"}
#: How deep files may be nested, which is deeper than any code; what puts them together goes down with the depth, and
#: the one written in C takes the process with it.
_DEEPEST = 20
_CONSTRAINTS = ("mutually_exclusive", "required_one_of")


def files_in(folder):
    """Return the files of code in a folder and those below it, in the order of their names, without hidden ones.

    :param folder: a whole path.
    :raises CodeRefused: there is no such folder, a file or folder is a link, or one cannot be read: then nobody knows
        what the code says.
    """
    root = Path(folder)
    if not root.is_absolute() or not root.is_dir():
        why = "the path is relative" if not root.is_absolute() else "there is no such folder"
        raise CodeRefused([problem(printable(folder), why)])
    found, wrong = [], []
    for path in _shown_in(root, root, wrong):
        if path.is_symlink() and (path.suffix in SUFFIXES or not path.is_file()):
            wrong.append(problem(_called(path, root), "it is a link"))
        elif path.suffix in SUFFIXES and not path.is_file():
            wrong.append(problem(_called(path, root), "it is no file"))
        elif path.suffix in SUFFIXES:
            found.append(path)
    if wrong:
        raise CodeRefused(wrong)
    return sorted(found)


def _shown_in(folder, root, wrong):
    """Return all that a folder and those below it hold, but what is hidden; C(wrong) gets what cannot be read."""
    try:
        with os.scandir(folder) as entries:
            paths = sorted(Path(entry) for entry in entries if not entry.name.startswith("."))
    except OSError as error:
        wrong.append(problem(_called(folder, root), f"it cannot be read: {error.strerror}"))
        return
    for path in paths:
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from _shown_in(path, root, wrong)


def read(folder):
    """Return what the files say, section by section, and the file and line of everything by its place.

    :raises CodeRefused: a file is not what code can be; all that is wrong is told at once.
    """
    root = Path(folder)
    reading = _CodeReader()
    for path in files_in(folder):
        reading.add(_called(path, root), path)
    return reading.finished(printable(folder))


class _CodeReader:
    """Puts files together, and keeps what is wrong in them."""

    def __init__(self):
        self._sections = {}
        self._positions = {}
        self._problems = []
        #: What was looked at; kept, so that no other node gets the identity of one of them.
        self._nodes = {}

    def add(self, name, path):
        """Add a file."""
        try:
            text = path.read_text(encoding="utf-8")
            if _depth(text) > _DEEPEST:
                self._wrong(name, "it is nested too deeply")
                return
            node = yaml.compose(text, Loader=_LOADER)
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            mark = getattr(error, "problem_mark", None)
            why = getattr(error, "problem", None) or "it is no YAML in UTF-8"
            self._wrong(f"{name}:{mark.line + 1}" if mark else name, why)
            return
        except OSError as error:
            self._wrong(name, f"it cannot be read: {error.strerror}")
            return
        if node is None:
            return
        if not isinstance(node, yaml.MappingNode):
            self._wrong(_line(name, node), "a file holds sections by name")
            return
        for key, value in self._members(name, node):
            self._add_section(name, key, value)

    def finished(self, folder):
        """Return the sections and the positions.

        :raises CodeRefused: something is wrong.
        """
        if not self._problems and "tenant" not in self._sections:
            self._wrong(
                folder, "no file has the section tenant, which tells by its anchors which tenant the code is about"
            )
        if not self._problems:
            for section, value in self._sections.items():
                self._check(section, value)
        if self._problems:
            raise CodeRefused(self._problems)
        return self._sections, self._positions

    def _add_section(self, name, key, value):
        section, at = key.value, _line(name, key)
        form = CODE.get(section)
        if form is None:
            self._wrong(at, f"there is no section {printable(section)!r}, there are {summarize(CODE)}")
        elif form["type"] == "dict" and section in self._sections:
            self._wrong(at, f"the section {section} stands in {self._positions[section]} already")
        elif form["type"] == "dict":
            self._sections[section] = self._value(name, value, section)
        elif isinstance(value, yaml.SequenceNode):
            entries = self._sections.setdefault(section, [])
            for item in value.value:
                entries.append(self._value(name, item, f"{section}[{len(entries)}]"))
        else:
            self._wrong(at, f"the section {section} is a list of entries")

    def _value(self, name, node, place):
        """Return a node as plain data: a scalar is the text that stands there, so that a group may be called No.

        What stands in several places by an alias has no line of its own, and can grow without end.
        """
        at = self._positions[place] = _line(name, node)
        if id(node) in self._nodes:
            self._wrong(at, "an alias has no place in code; write out what it stands for")
            return None
        self._nodes[id(node)] = node
        if node.tag not in _TAGS:
            self._wrong(at, f"the tag {printable(node.tag)} has no place in code")
        elif node.tag == _NULL:
            self._wrong(at, "here is nothing; give a value, or leave out the name")
        elif isinstance(node, yaml.ScalarNode):
            return node.value
        elif isinstance(node, yaml.SequenceNode):
            return [self._value(name, one, f"{place}[{number}]") for number, one in enumerate(node.value)]
        else:
            members = self._members(name, node)
            return {key.value: self._value(name, value, f"{place}.{key.value}") for key, value in members}
        return None

    def _members(self, name, node):
        """Return the names and values of a mapping; YAML's loaders would let the last of two pass for both."""
        lines = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag not in _TAGS - {_NULL}:
                self._wrong(_line(name, key), "the name of something is a text")
            elif is_reserved(key.value):
                self._wrong(_line(name, key), f"{key.value!r} is a name of Ansible's own; name it by its id")
            elif key.value in lines:
                self._wrong(_line(name, key), f"{key.value!r} stands here already, on line {lines[key.value]}")
            else:
                lines[key.value] = key.start_mark.line + 1
                yield key, value

    def _check(self, section, value):
        """Hold entries against the argument spec, one by one, so that a problem has its line."""
        form = CODE[section]
        entries = [value] if form["type"] == "dict" else value
        places = [section] if form["type"] == "dict" else [f"{section}[{number}]" for number in range(len(entries))]
        constraints = {name: form[name] for name in _CONSTRAINTS if name in form}
        for place, entry in zip(places, entries, strict=True):
            if not isinstance(entry, dict):
                self._wrong(self._positions[place], f"an entry of {section} is a mapping")
                continue
            checked = ArgumentSpecValidator(form["options"], **constraints).validate(entry)
            for message in [*_shapes(form["options"], entry), *map(_message, checked.errors)]:
                self._wrong(self._positions[place], message)

    def _wrong(self, at, message):
        self._problems.append(problem(at, printable(message)))


def _depth(text):
    """Return how deep a file is nested, without putting it together.

    :raises yaml.YAMLError: it is no YAML.
    """
    depth = deepest = 0
    for event in yaml.parse(text, Loader=_LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        deepest = max(deepest, depth)
        if deepest > _DEEPEST:
            break
    return deepest


def _message(error):
    """Return what an error of an argument spec says; that of unknown names is made to stand behind such words."""
    return f"unknown: {error.msg}" if isinstance(error, UnsupportedError) else error.msg


def _called(path, root):
    return printable(path.relative_to(root).as_posix())


def _line(name, node):
    return f"{name}:{node.start_mark.line + 1}"


def _shapes(options, entry):
    """Return what has another shape than it should: the argument spec would make lists of texts, and the reverse."""
    for name, value in entry.items():
        option = options.get(name, {"type": None})
        if option["type"] == "list":
            fits = isinstance(value, list) and all(isinstance(one, _SHAPES[option["elements"]]) for one in value)
            yield from () if fits else [f"{name} is to be a list of texts"]
        elif not isinstance(value, _SHAPES.get(option["type"], object)):
            yield f"{name} is to be {_WORDS[option['type']]}"
        elif "options" in option:
            yield from _shapes(option["options"], value)
        elif option["type"] == "dict" and not all(isinstance(one, str) for one in value.values()):
            yield f"{name} is to hold texts by name"
