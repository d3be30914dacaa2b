# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collects the text of all messages from the code, to be read as a whole: C(python -m gates.messages [--write]).

An error is shown as users see it, with its placeholders in braces. All other text of the code follows, so that no
message can be left out: a piece of a message begins with an ellipsis.
"""

from __future__ import annotations

import ast
import difflib
import itertools
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeGuard

import yaml

from .prose import ROOT, Text, findings

GOLDEN = Path(__file__).parent / "messages.txt"
COMMAND = "cd tests && ../.build/venv/bin/python -m gates.messages --write"
#: Documentation and reports, which are no messages.
DOCUMENTS = re.compile(r"plugins/doc_fragments/|_audit_report\.py|audit/tables\.py")
DOCUMENTATION = {"DOCUMENTATION", "EXAMPLES", "RETURN"}
#: Functions that show their first argument: the placeholder is named after it.
SHOWING = {
    "printable",
    "str",
    "repr",
    "named",
    "person",
    "label",
    "sorted",
    "list",
    "map",
    "summarize",
    "join",
    "shown",
}
#: The name of an option, a result or a module, which stands in backticks.
CODE_NAME = re.compile(r"(?<![\w/.$-])[a-z]+(?:_[a-z]+)+")
#: What a function that only completes a message is given.
PARAMETERS = {"cause", "reason", "why", "attempt", "hint"}
#: The most variants that one text is written out in.
VARIANTS = 8


class Message(NamedTuple):
    """A message or a piece of one, and the hint of an error."""

    text: str
    hint: str | None = None


class Factory(NamedTuple):
    """A function that returns an error: its parameters, the calls of the error's class, and constants of its module."""

    parameters: list[str]
    errors: list[ast.Call]
    constants: dict[str, ast.expr]


def name_of(node: ast.expr) -> str:
    """Return the last name in an expression."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


class Code:
    """The modules of a tree, with the classes of errors and the functions that return errors."""

    def __init__(self, root: Path) -> None:
        paths = [path for folder in ("plugins", "extensions") for path in (root / folder).rglob("*.py")]
        sources = {str(path.relative_to(root)): path.read_text(encoding="utf-8") for path in paths}
        self.modules = {file: ast.parse(source) for file, source in sources.items() if not DOCUMENTS.search(file)}
        nodes = [node for module in self.modules.values() for node in ast.walk(module)]
        classes = [node for node in nodes if isinstance(node, ast.ClassDef)]
        errors = {"CakewalkError"}
        for _depth in range(4):
            errors |= {node.name for node in classes if errors & set(map(name_of, node.bases))}
        # A class that makes its own message does so from other parameters.
        own = {node.name for node in classes if any(getattr(it, "name", "") == "__init__" for it in node.body)}
        for _depth in range(4):
            own |= {node.name for node in classes if own & set(map(name_of, node.bases)) - {"CakewalkError"}}
        self.errors = errors - own | {"CakewalkError"}
        self.factories = {file: dict(self._factories(module)) for file, module in self.modules.items()}
        self.shared = {name: it for its in self.factories.values() for name, it in its.items() if name[0] != "_"}

    def _factories(self, module: ast.Module) -> Iterator[tuple[str, Factory]]:
        for node in ast.walk(module):
            if isinstance(node, ast.FunctionDef):
                calls = [call for call in ast.walk(node) if self.is_error(call)]
                parameters = [it.arg for it in node.args.args if it.arg not in ("self", "cls")]
                is_returned = any(isinstance(it, ast.Return) and it.value in calls for it in ast.walk(node))
                if is_returned and PARAMETERS & set(parameters):
                    yield node.name, Factory(parameters, calls, constants_of(module))

    def is_error(self, node: ast.AST) -> bool:
        """Return whether a node constructs an error with an action, a cause and a hint."""
        if not isinstance(node, ast.Call) or len(node.args) < 2 or isinstance(node.args[1], ast.Starred):
            return False
        inherited = ast.unparse(node.func) == "super().__init__" and len(node.args) > 2
        return inherited or name_of(node.func) in self.errors or name_of(node.func) == "restated"

    def messages(self, file: str) -> Iterator[Message]:
        """Yield the messages of a file, and the other text in it."""
        module = self.modules[file]
        factories = {**self.shared, **self.factories[file]}
        reader = Reader(constants_of(module))
        inner = [call for factory in self.factories[file].values() for call in factory.errors]
        seen = {id(node) for call in inner for node in ast.walk(call)}
        for node in ast.walk(module):
            if isinstance(node, ast.Call) and (factory := factories.get(name_of(node.func))):
                values = {name: reader.variants(it) for name, it in zip(factory.parameters, node.args, strict=False)}
                for call in factory.errors:
                    yield from errors(call, Reader(factory.constants, values))
            elif isinstance(node, ast.Call) and self.is_error(node) and id(node) not in seen:
                yield from errors(node, reader)
            else:
                continue
            seen |= {id(it) for it in ast.walk(node)} - {id(node)}
        yield from (Message(text) for text in others(module, reader, seen))


def constants_of(module: ast.Module) -> dict[str, ast.expr]:
    """Return the constant text of a module by name."""
    nodes = [node for node in module.body if isinstance(node, ast.Assign)]
    return {name_of(it.targets[0]): it.value for it in nodes if isinstance(it.value, ast.Constant | ast.JoinedStr)}


def is_text(node: ast.AST) -> TypeGuard[ast.expr]:
    """Return whether an expression is text, or a sum that may be one."""
    is_constant = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return (
        is_constant or isinstance(node, ast.JoinedStr) or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add))
    )


class Reader:
    """Reads text from expressions.

    :param constants: the constants of the module.
    :param bound: the text that is given for parameters.
    """

    def __init__(self, constants: dict[str, ast.expr], bound: dict[str, list[str]] | None = None) -> None:
        self.constants = constants
        self.bound = bound or {}

    def variants(self, node: ast.expr) -> list[str]:
        """Return the texts that an expression can be, with placeholders in braces."""
        if isinstance(node, ast.Constant):
            return [" ".join(node.value.split("\n")) if isinstance(node.value, str) else f"{node.value}"]
        if isinstance(node, ast.JoinedStr):
            return self._joined(node.values)
        if isinstance(node, ast.FormattedValue):
            quote = "'" if node.conversion == ord("r") else ""
            return [f"{quote}{text}{quote}" for text in self.variants(node.value)]
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return self._joined([node.left, node.right])
        if isinstance(node, ast.IfExp):
            return [*self.variants(node.body), *self.variants(node.orelse)]
        if isinstance(node, ast.Name) and node.id in self.bound:
            return self.bound[node.id]
        if isinstance(node, ast.Name) and node.id in self.constants:
            return self.variants(self.constants[node.id])
        if isinstance(node, ast.Call) and name_of(node.func) == "pluralize" and len(node.args) == 3:
            return self._joined([node.args[0], ast.Constant(" "), node.args[2]])
        if isinstance(node, ast.Call) and node.args and name_of(node.func) in SHOWING:
            return self._shown(node)
        if isinstance(node, ast.GeneratorExp | ast.ListComp):
            return [f"{text}, …" for text in self.variants(node.elt)]
        return [f"{{{self.placeholder(node)}}}"]

    def _joined(self, nodes: Sequence[ast.expr]) -> list[str]:
        products = itertools.product(*map(self.variants, nodes))
        return ["".join(parts) for parts in itertools.islice(products, VARIANTS)]

    def _shown(self, node: ast.Call) -> list[str]:
        shown = node.args[-1] if name_of(node.func) == "map" else node.args[0]
        quote = "'" if name_of(node.func) in ("repr", "named") else ""
        return [f"{quote}{text}{quote}" for text in self.variants(shown)]

    def placeholder(self, node: ast.expr) -> str:
        """Return the meaning of a value, as the code calls it."""
        if isinstance(node, ast.Name | ast.Attribute):
            return name_of(node).lstrip("_")
        if isinstance(node, ast.Subscript):
            is_key = isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str)
            return str(node.slice.value) if is_key else self.placeholder(node.value)  # type: ignore[attr-defined]
        if isinstance(node, ast.Call):
            key = node.args[0] if node.args and name_of(node.func) in ("get", "member", "len") else node.func
            return str(key.value) if isinstance(key, ast.Constant) else self.placeholder(key)
        if isinstance(node, ast.BoolOp):
            return self.placeholder(node.values[0])
        return next((self.placeholder(it) for it in ast.iter_child_nodes(node) if isinstance(it, ast.expr)), "value")


def errors(call: ast.Call, reader: Reader) -> Iterator[Message]:
    """Yield the messages of a call that constructs an error."""
    parts = [reader.variants(it) for it in call.args[:3]]
    if name_of(call.func) == "restated":
        parts = [["{action}"], *parts[:2]]
    for action, cause, hint in itertools.islice(itertools.product(*parts, *[[""]] * (3 - len(parts))), VARIANTS):
        yield Message(f"Could not {action}: {cause}. {hint}", hint)


def others(module: ast.Module, reader: Reader, seen: set[int]) -> Iterator[str]:
    """Yield all text of several words that is no documentation, and not among the nodes that were seen."""
    pending: list[ast.AST] = [module]
    while pending:
        node = pending.pop()
        is_documentation = isinstance(node, ast.Assign) and name_of(node.targets[0]) in DOCUMENTATION
        is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if id(node) in seen or is_documentation or is_docstring:
            continue
        if is_text(node):
            texts = [text for text in reader.variants(node) if len(re.findall(r"(?<!\S)[A-Za-z]{2,}\b", text)) > 1]
            if texts:
                yield from (
                    text.strip() if re.search(r"^\W*[A-Z{].*[.?!]$", text) else f"… {text.strip()}" for text in texts
                )
                continue
        pending += ast.iter_child_nodes(node)


def playbook_messages(root: Path) -> Iterator[tuple[str, str]]:
    """Yield the messages of roles and playbooks, each with its file."""

    def texts(node: object) -> Iterator[str]:
        if isinstance(node, dict):
            yield from (str(node[name]) for name in ("fail_msg", "msg") if name in node)
        for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            yield from texts(inner)

    for path in sorted([*root.glob("playbooks/*.yml"), *root.glob("roles/*/tasks/*.yml")]):
        for text in texts(yaml.safe_load(path.read_text(encoding="utf-8"))):
            yield str(path.relative_to(root)), " ".join(text.split())


def collect(root: Path) -> dict[str, list[Message]]:
    """Return the messages of a tree by file: errors first, then other sentences, and pieces last."""
    code = Code(root)
    by_file = {file: list(code.messages(file)) for file in code.modules}
    for file, text in playbook_messages(root):
        by_file.setdefault(file, []).append(Message(text))
    kept = {file: sorted(set(messages), key=_order) for file, messages in sorted(by_file.items())}
    return {file: messages for file, messages in kept.items() if messages}


def _order(message: Message) -> tuple[bool, bool, str]:
    return message.text.startswith("…"), message.hint is None, message.text


def written(by_file: dict[str, list[Message]]) -> str:
    """Return messages as the text of the golden file."""
    return "\n".join(
        f"{file}\n" + "".join(f"  {message.text}\n" for message in messages) for file, messages in by_file.items()
    )


def check(by_file: dict[str, list[Message]]) -> list[str]:
    """Return what is wrong with messages: phrases, long sentences, punctuation, or an error without a hint."""
    return [
        f"{file}: {problem}: {message.text}"
        for file, messages in by_file.items()
        for message in messages
        for problem in _problems(message)
    ]


def _problems(message: Message) -> Iterator[str]:
    prose = re.sub(r"\{[^}]*\}", "X", message.text).lstrip("… ")
    # Without the signs around code, so that an article before it is seen.
    yield from (f"{finding.phrase} -> {finding.suggestion}" for finding in findings(Text(0, prose.replace("`", ""))))
    if re.search(r"[.?!:;,][.:;,]| {2}|`\w+`s\b", prose.replace("...", "…")):
        yield "two signs in a row"
    yield from (f"{name} -> `{name}`" for name in CODE_NAME.findall(re.sub("`[^`]*`", "", prose)))
    # That nothing was changed is no remedy.
    if message.hint is not None and not re.sub(r"Nothing (was|is) [^.]*\.|\W", "", message.hint):
        yield "an error without a hint"


def difference(by_file: dict[str, list[Message]], golden: str) -> str:
    """Return the difference between messages and the golden file, empty if they are equal."""
    lines = difflib.unified_diff(golden.splitlines(), written(by_file).splitlines(), "messages.txt", "the code", n=0)
    return "\n".join(lines)


if __name__ == "__main__":
    found = collect(ROOT)
    if "--write" in sys.argv:
        GOLDEN.write_text(written(found), encoding="utf-8")
    print("\n".join(check(found)))
