# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds phrases that are not plain English, and sentences that are too long: C(python -m gates.prose [paths])."""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import yaml

ROOT = Path(__file__).parent.parent.parent
#: About 20 words are the aim; from here on, it takes two sentences.
LONGEST = 25
#: Patterns, in any case, and what to write instead. A space matches a line break too.
PHRASES = [
    (re.compile(pattern.replace(" ", r"\s+"), re.IGNORECASE), suggestion)
    for line in (Path(__file__).parent / "phrases.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
    for pattern, suggestion in [line.split(" -> ")]
]
#: What a docstring cannot begin with: of anything, and of a function besides. A property may be a noun or "Whether".
OPENINGS = r"(What|Who|Whom|Whose|Why|Of|Have|Let|See that)\b"
FUNCTION_OPENINGS = rf"{OPENINGS}|(The|An?|Whether|How|When|Where|Each|Every|All|Both|No)\b"
#: One word in a sentence, whatever is in it.
CODE = re.compile(r"(`+)[^`]+\1|\b[A-Z]{1,3}\((?:[^()]|\([^()]*\))*\)|https?://\S+")
#: Where a text begins anew without a full stop.
BREAK = re.compile(r"\n[ \t]*\n|\n[ \t]*(?=:(?:param|returns?|raises)\b|[-*] |\d+\. )|(?<=[.!?])[)\"'*]*\s+(?=\S)")
#: Comments that are no prose.
DIRECTIVE = re.compile(r"#:?\s*(!|noqa|type:|mypy:|pylint:|pragma|Copyright|GNU General|SPDX|-\*-)")

#: Code blocks, comments and addresses of Markdown, as whole lines.
NOT_PROSE = re.compile(r"^[ \t]*```.*?^[ \t]*```$|<!--.*?-->|^\[[^\]\n]+\]:.*?$", re.MULTILINE | re.DOTALL)
LIST_ITEM = re.compile(r"[ \t]*([-*]|\d+\.) +")
LINK = re.compile(r"\[([^\]]+)\](?:\([^)]*\)|\[[^\]]*\])")
YAML_COMMENT = re.compile(r"(?:^[ \t]*#.*\n)+", re.MULTILINE)
#: What a changelog entry is about, as in C(all modules - ).
CHANGED_PART = re.compile(r"^[\w, ]+ - ")
TEMPLATE = re.compile(r"<(style|script)\b.*?</\1>|\{[{%#].*?[}%#]\}", re.DOTALL)


class Text(NamedTuple):
    """A piece of prose, the line that it begins in, and what it must not begin with."""

    line: int
    prose: str
    forbidden_opening: str = ""


class Finding(NamedTuple):
    """A phrase or sentence, and what to write instead."""

    line: int
    phrase: str
    suggestion: str


def python_texts(source: str) -> Iterator[Text]:
    """Yield the docstrings and comments of Python code."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if (docstring := ast.get_docstring(node, clean=False)) is not None:
            is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            is_property = is_function and "property" in " ".join(map(ast.unparse, node.decorator_list))
            opening = FUNCTION_OPENINGS if is_function and not is_property else OPENINGS
            yield Text(node.body[0].lineno, docstring, opening)
    comment = Text(0, "")
    last = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT or DIRECTIVE.match(token.string):
            continue
        (line, column), words = token.start, token.string.lstrip("#: ")
        if line == last + 1 and not token.line[:column].strip():
            comment = comment._replace(prose=f"{comment.prose}\n{words}")
        else:
            yield comment
            comment = Text(line, words)
        last = line
    yield comment


def markdown_texts(source: str) -> Iterator[Text]:
    """Yield the paragraphs, list items and table cells of a page, without code, comments and addresses of links.

    A page that is generated is checked where its words come from.
    """
    if source.startswith("<!-- Generated from"):
        return
    source = LINK.sub(r"\1", NOT_PROSE.sub(lambda block: "\n" * block.group().count("\n"), source))
    paragraph, code_indent, is_new = Text(0, ""), 4, True
    for number, line in enumerate([*source.splitlines(), ""], 1):
        indent = len(line) - len(line.lstrip())
        item = LIST_ITEM.match(line)
        if line.startswith(("#", "|")) or item or not line.strip():
            yield paragraph
            paragraph = Text(number, "")
        if line.startswith("|"):
            yield from (Text(number, cell) for cell in line.split("|"))
        elif item or line[:1].strip():
            code_indent = 4 + len(item.group() if item else "")
        if not line.startswith("|") and not (is_new and indent >= code_indent):
            words = line.lstrip("#> ")
            paragraph = Text(paragraph.line, f"{paragraph.prose}\n{words}") if paragraph.prose else Text(number, words)
            is_new = not line.strip()
    yield paragraph


def yaml_texts(*keys: str) -> Callable[[str], Iterator[Text]]:
    """Return a function that yields the comments of a YAML file, and the text below some keys; without keys, all text.

    Commands and data in comments are indented.
    """

    def texts(source: str) -> Iterator[Text]:
        for comment in YAML_COMMENT.finditer(source):
            prose = re.sub(r"^[ \t]*#(?:   .*| ?)", "", comment.group(), flags=re.MULTILINE)
            yield Text(source.count("\n", 0, comment.start()) + 1, prose)
        nodes: list[tuple[yaml.Node, bool]] = [(node, not keys) for node in [yaml.compose(source)] if node]
        while nodes:
            node, is_prose = nodes.pop()
            if isinstance(node, yaml.MappingNode):
                nodes += [(value, is_prose or key.value in keys) for key, value in node.value]
            elif isinstance(node, yaml.SequenceNode):
                nodes += [(value, is_prose) for value in node.value]
            elif is_prose and isinstance(node, yaml.ScalarNode):
                yield Text(node.start_mark.line + 1, CHANGED_PART.sub("", node.value))

    return texts


def documentation_texts(source: str) -> Iterator[Text]:
    """Yield what ansible-doc shows of a Python file: the descriptions, and the titles of examples."""
    texts = yaml_texts("short_description", "description", "details", "notes", "returned", "name")
    for node in ast.walk(ast.parse(source)):
        value = node.value if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).isupper() else None
        if isinstance(value, ast.Constant) and "\n" in str(value.value):
            yield from (text._replace(line=text.line + value.lineno - 1) for text in texts(str(value.value)))


def html_texts(source: str) -> Iterator[Text]:
    """Yield the text of each element of an HTML template."""
    words = TEMPLATE.sub(lambda code: "X" + "\n" * code.group().count("\n"), source)
    for text in re.finditer(r"(?<=>)[^<>]+(?=<)", words):
        yield Text(words.count("\n", 0, text.start()) + 1, text.group())


def string_texts(source: str) -> Iterator[Text]:
    """Yield the phrases in Python code that are not docstrings, each placeholder as one word."""
    tree = ast.parse(source)
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if id(node) in docstrings | parts:
            continue
        if isinstance(node, ast.JoinedStr):
            words = (str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
            yield Text(node.lineno, "".join(words))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield Text(node.lineno, node.value)


def findings(text: Text) -> Iterator[Finding]:
    """Yield what is not plain English in a text."""
    prose = CODE.sub(lambda code: "X" + "\n" * code.group().count("\n"), text.prose)

    def line(offset: int) -> int:
        return text.line + prose.count("\n", 0, offset)

    if text.forbidden_opening and (opening := re.match(text.forbidden_opening, prose)):
        yield Finding(text.line, opening.group(), "begin with a verb (functions) or a noun (classes, modules)")
    for pattern, suggestion in PHRASES:
        for match in pattern.finditer(prose):
            yield Finding(line(match.start()), " ".join(match.group().split()), suggestion)
    start = 0
    for end in [*BREAK.finditer(prose), None]:
        sentence = prose[start : end.start() if end else None]
        words = re.findall(r"[\w'/.-]*\w", re.sub(r"^\s*:\w+[^:]*:", "", sentence))
        if len(words) > LONGEST:
            yield Finding(line(start), f"{' '.join(words[:5])} … ({len(words)} words)", f"at most {LONGEST} words")
        start = end.end() if end else 0


#: Files, and how their prose is taken out of them.
SOURCES: tuple[tuple[str, Callable[[str], Iterator[Text]]], ...] = (
    ("plugins/**/*.py", python_texts),
    ("extensions/**/*.py", python_texts),
    ("plugins/doc_fragments/*.py", documentation_texts),
    ("plugins/modules/*.py", documentation_texts),
    ("plugins/lookup/*.py", documentation_texts),
    ("plugins/filter/*.py", documentation_texts),
    ("extensions/eda/plugins/event_*/[!_]*.py", documentation_texts),
    ("tests/demo/*.py", python_texts),
    ("*.md", markdown_texts),
    ("docs/**/*.md", markdown_texts),
    ("roles/*/README.md", markdown_texts),
    ("roles/*/meta/argument_specs.yml", yaml_texts("description", "short_description")),
    ("roles/*/tasks/*.yml", yaml_texts("name")),
    ("playbooks/*.yml", yaml_texts("name")),
    ("extensions/eda/rulebooks/*.yml", yaml_texts("name")),
    ("changelogs/fragments/*.yml", yaml_texts()),
    ("plugins/plugin_utils/report/*.j2", html_texts),
    ("plugins/plugin_utils/_audit_report.py", string_texts),
    ("plugins/module_utils/_engine/audit/*.py", string_texts),
)


def check(root: Path) -> list[str]:
    """Return what is not plain English in the files of a tree, as C(file:line: phrase -> suggestion)."""
    return [
        f"{path.relative_to(root)}:{finding.line}: {finding.phrase} -> {finding.suggestion}"
        for pattern, extract in SOURCES
        for path in sorted(root.glob(pattern))
        for text in extract(path.read_text(encoding="utf-8"))
        for finding in findings(text)
    ]


if __name__ == "__main__":
    wanted = [str(Path(path).resolve().relative_to(ROOT)) for path in sys.argv[1:]]
    lines = [line for line in check(ROOT) if not wanted or line.startswith(tuple(wanted))]
    print("\n".join(lines))
    sys.exit(1 if lines else 0)
