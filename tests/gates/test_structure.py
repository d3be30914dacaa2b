# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports point one way, from room to room as the table here allows, and a class name means one thing."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
COLLECTION = "ansible_collections.cakewalk.access."
MODULE_UTILS = "plugins/module_utils"
ENTRY = f"{MODULE_UTILS}/_module/entry.py"
TRANSPORT = f"{MODULE_UTILS}/_api/transport.py"

SHARED = ("_api", "storage", "core")
ENGINE = (
    *("groups", "access", "policies", "tasks", "custom_fields", "access_reviews", "info", "audit"),
    *("lifecycle", "fulfilment", "access_rules", "access_as_code", "controller_setup"),
)
#: Which room may import which. A room is a folder of module_utils, or a file that is alone in its folder. A row names
#: rows above it only, so there is no circle.
ALLOWED: Mapping[str, tuple[str, ...]] = {
    "_api": (),
    "storage": ("_api",),
    # Applying a plan updates its ledger.
    "core": ("_api", "storage"),
    "groups": SHARED,
    "access": SHARED,
    "policies": SHARED,
    "tasks": SHARED,
    "custom_fields": SHARED,
    "access_reviews": SHARED,
    "access_rules": SHARED,
    # Findings about rules are a table of the evidence.
    "audit": (*SHARED, "access_rules"),
    # People who come and go are in groups and have access.
    "lifecycle": (*SHARED, "groups", "access"),
    # A task that a handler carries out is read like a task that a playbook decides.
    "fulfilment": (*SHARED, "tasks"),
    # Each section reuses the room of its module.
    "access_as_code": (*SHARED, "groups", "access", "policies", "custom_fields", "access_rules"),
    # It speaks to AWX, and not to the service.
    "controller_setup": ("_api",),
    # Access is explained by access rows, and by the entries of files.
    "info": (*SHARED, "access", "access_as_code"),
    "_module": SHARED,
    "modules": (*SHARED, *ENGINE, "_module"),
    "plugin_utils": (*SHARED, *ENGINE, "_module"),
    "action": (*SHARED, *ENGINE, "_module", "modules", "plugin_utils"),
    "lookup": (*SHARED, "_module", "plugin_utils"),
    "filter": ("_api",),
    "doc_fragments": (),
    # ansible-rulebook loads an event source or filter by its path, outside any package.
    "event_source": (),
    "event_filter": (),
}
#: Packages that only these files and rooms of plugins may import.
PACKAGES: Mapping[str, tuple[str, ...]] = {
    "requests": (TRANSPORT,),
    "urllib3": (TRANSPORT,),
    "ansible": ("_module", "plugin_utils", "action", "filter"),
}
#: Names that only these files and rooms of plugins may use.
NAMES = {
    **dict.fromkeys(("AnsibleModule", "exit_json", "fail_json"), (ENTRY, "plugin_utils", "action")),
    # Rules without exceptions depend on no time, and their report has one.
    "local_time": (f"{MODULE_UTILS}/_engine/core/timestamps.py", f"{MODULE_UTILS}/_engine/access_as_code/rules.py"),
}
#: Files that read the clock of this machine, and why none of them compares it with a time of the service. That would be
#: wrong by as much as the clock is: C(Tenant.time) and C(Tenant.time_or_none) have the time of the service.
LOCAL_CLOCK: Mapping[str, str] = {
    f"{MODULE_UTILS}/_engine/core/timestamps.py": "what a run writes down",
    f"{MODULE_UTILS}/_engine/storage/journal.py": "what a run writes down",
    f"{MODULE_UTILS}/_engine/storage/ledger.py": "what a run writes down",
    f"{MODULE_UTILS}/_engine/policies/assignments.py": "the age of what a ledger holds",
    f"{MODULE_UTILS}/_engine/fulfilment/task_lock.py": "the age of a lock",
    "plugins/modules/cakewalk_access_review.py": "a date that the options give",
}
#: What reads the clock of this machine: C(datetime.now), C(time.time) and the like.
CLOCKS = {"datetime": {"now", "utcnow", "today"}, "date": {"today"}, "time": {"time", "time_ns", "localtime", "gmtime"}}
#: Class names that Ansible dictates.
DICTATED = {"ActionModule", "ModuleDocFragment", "FilterModule", "LookupModule", "TestModule"}

Sources = Mapping[str, str]


@pytest.fixture(scope="module")
def sources() -> Sources:
    """The Python files of the collection, by their path."""
    paths = [path for folder in ("plugins", "extensions") for path in sorted((ROOT / folder).rglob("*.py"))]
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def room_of(file: str) -> str:
    parts = PurePosixPath(file).with_suffix("").parts
    if "_engine" in parts:
        return parts[parts.index("_engine") + 1]
    if parts[0] == "plugins":
        return parts[2] if parts[1] == "module_utils" else parts[1]
    return parts[-2]


@cache
def nodes(source: str, *kinds: type[ast.AST]) -> list[Any]:
    """Return the parts of these kinds in Python code."""
    return [node for node in ast.walk(ast.parse(source)) if isinstance(node, kinds)]


def imports_of(file: str, sources: Sources) -> Iterator[str]:
    """Yield what a file imports: files of the collection by path, everything else by name."""
    for node in nodes(sources[file], ast.Import, ast.ImportFrom):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
            continue
        module = node.module or ""
        if node.level:
            folder = PurePosixPath(file).parents[node.level - 1] / module.replace(".", "/")
        elif module.startswith(COLLECTION):
            folder = PurePosixPath(module.removeprefix(COLLECTION).replace(".", "/"))
        else:
            yield module
            continue
        for alias in node.names:
            path = f"{folder / alias.name}.py"
            yield path if path in sources else f"{folder}.py"


@cache
def names_in(source: str) -> set[str]:
    """Return the names that Python code uses or imports."""
    attributes = {ast.Name: "id", ast.Attribute: "attr", ast.alias: "name"}
    return {getattr(node, attributes[type(node)]) for node in nodes(source, *attributes)}


def wrong_imports(sources: Sources) -> list[str]:
    """Return imports that the table does not allow, and names in files that should not know them."""
    wrong = []
    for file in sources:
        room = room_of(file)
        imported = set(imports_of(file, sources))
        for path in imported & sources.keys():
            if room_of(path) not in (room, *ALLOWED[room]):
                wrong.append(f"{file} imports {path}")
        packages = {name.split(".")[0] for name in imported - sources.keys()}
        for known, reserved in ((packages, PACKAGES), (names_in(sources[file]), NAMES)):
            for name in known & reserved.keys():
                if file.startswith("plugins/") and not {file, room} & set(reserved[name]):
                    wrong.append(f"{file} uses {name}")
    return sorted(wrong)


def circles(sources: Sources) -> list[str]:
    """Return the files of circles and those that import them: what is left without files that import nothing."""
    left = {file: set(imports_of(file, sources)) & sources.keys() for file in sources}
    while free := {file for file, imported in left.items() if not imported & left.keys()}:
        left = {file: imported for file, imported in left.items() if file not in free}
    return sorted(left)


def repeated_classes(sources: Sources) -> list[str]:
    """Return the class names that two files, or one file twice, define."""
    places = defaultdict(list)
    for file, source in sources.items():
        for node in nodes(source, ast.ClassDef):
            if node.name not in DICTATED:
                places[node.name].append(f"{file}:{node.lineno}")
    return [f"{name}: {', '.join(lines)}" for name, lines in places.items() if len(lines) > 1]


def clock_readers(sources: Sources) -> list[str]:
    """Return the files of the engine and the modules that read the clock of this machine."""
    return [
        file
        for file, source in sources.items()
        if file.startswith((f"{MODULE_UTILS}/_engine/", "plugins/modules/"))
        if any(
            isinstance(node.value, ast.Name | ast.Attribute)
            and node.attr in CLOCKS.get(getattr(node.value, "id", getattr(node.value, "attr", "")), ())
            for node in nodes(source, ast.Attribute)
        )
        or any(
            alias.name in CLOCKS["time"]
            for node in nodes(source, ast.ImportFrom)
            for alias in node.names
            if node.module == "time"
        )
    ]


def planted(sources: Sources, file: str, line: str) -> Sources:
    return {**sources, file: f"{sources[file]}\n{line}\n"}


def test_imports_follow_the_table(sources: Sources) -> None:
    assert wrong_imports(sources) == []
    assert circles(sources) == []


def test_the_table_has_no_circle_and_no_arrow_that_nothing_needs(sources: Sources) -> None:
    rooms = list(ALLOWED)
    used = {
        (room_of(file), room_of(path)) for file in sources for path in {*imports_of(file, sources)} & sources.keys()
    }

    def needless(room: str, allowed: Iterable[str]) -> list[str]:
        return [other for other in allowed if other not in SHARED and (room, other) not in used]

    assert all(rooms.index(other) < rooms.index(room) for room, allowed in ALLOWED.items() for other in allowed)
    assert not {room: found for room in ENGINE if (found := needless(room, ALLOWED[room]))}


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("plugins/module_utils/_api/client.py", "from .._engine.core.plan import Plan"),
        ("plugins/module_utils/_engine/core/plan.py", "from ..groups import membership"),
        ("plugins/module_utils/_engine/storage/ledger.py", "from ..core.plan import Plan"),
        ("plugins/module_utils/_engine/groups/membership.py", "from ..access.planning import plan_access"),
        ("plugins/module_utils/_engine/custom_fields.py", "from . import access_reviews"),
        ("plugins/module_utils/_engine/access_reviews.py", "from .._module.arguments import spec"),
        ("plugins/modules/cakewalk_info.py", f"from {COLLECTION}plugins.plugin_utils import _controller"),
        ("plugins/module_utils/_api/client.py", "import requests"),
        ("plugins/module_utils/_engine/core/plan.py", "from requests.adapters import HTTPAdapter"),
        ("plugins/module_utils/_engine/core/plan.py", "from ansible.module_utils.basic import env_fallback"),
        ("plugins/modules/cakewalk_info.py", "module.fail_json(msg='no')"),
        ("extensions/eda/plugins/event_source/tasks.py", f"from {COLLECTION}plugins.module_utils._api import text"),
    ],
)
def test_a_planted_import_is_found(file: str, line: str, sources: Sources) -> None:
    (found,) = set(wrong_imports(planted(sources, file, line))) - set(wrong_imports(sources))

    assert found.startswith(f"{file} ")


def test_a_planted_circle_is_found(sources: Sources) -> None:
    both = planted(sources, "plugins/module_utils/_api/errors.py", "from .text import printable")
    both = planted(both, "plugins/module_utils/_api/text.py", "from .errors import CakewalkError")

    assert {"plugins/module_utils/_api/errors.py", "plugins/module_utils/_api/text.py"} <= set(circles(both))


def test_a_class_name_means_one_thing(sources: Sources) -> None:
    assert repeated_classes(sources) == []


def test_a_second_class_of_a_name_is_found(sources: Sources) -> None:
    again = planted(sources, "plugins/module_utils/_engine/custom_fields.py", "class Plan: pass")

    (found,) = set(repeated_classes(again)) - set(repeated_classes(sources))

    assert found.startswith("Plan: ")


def test_only_what_knows_no_time_of_the_service_reads_the_clock_of_this_machine(sources: Sources) -> None:
    assert sorted(clock_readers(sources)) == sorted(LOCAL_CLOCK)


@pytest.mark.parametrize(
    "line",
    [
        "datetime.now(timezone.utc)",
        "datetime.datetime.utcnow()",
        "date.today()",
        "time.time()",
        "from time import time_ns",
    ],
)
def test_a_planted_clock_is_found(line: str, sources: Sources) -> None:
    file = f"{MODULE_UTILS}/_engine/core/plan.py"

    assert set(clock_readers(planted(sources, file, line))) - set(clock_readers(sources)) == {file}


def test_the_glossary_names_what_is_there(sources: Sources) -> None:
    text = (ROOT / "GLOSSARY.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w/.]+)`", text.split("| --- | --- | --- |")[1]))
    classes = {node.name for source in sources.values() for node in nodes(source, ast.ClassDef)}
    paths = {name for name in named if "/" in name}
    words = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")][2:]

    assert not [path for path in paths if not any((ROOT / place / path).exists() for place in ("", MODULE_UTILS))]
    assert not [name for name in named - paths if name[0].isupper() and name not in classes]
    assert words == sorted(words, key=str.lower)
