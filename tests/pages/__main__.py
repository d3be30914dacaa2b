# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes pages from documentation in the code, so that it can be read where the code is browsed.

C(docs/NAME.md) for each module, C(docs/lookup_NAME.md) and C(docs/filter_NAME.md) for the other plugins,
C(docs/connection.md) for the options that they share, C(docs/event_source_NAME.md) and C(docs/event_filter_NAME.md)
for the plugins of ansible-rulebook, which ansible-doc does not know, C(docs/access_as_code.schema.json) for the files
of the role C(access_as_code), and C(docs/answers.md) for the table of answers.
"""

from __future__ import annotations

import ast
import html
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import yaml
from antsibull_docs_parser import md, parser

from pages.schema import module_of, schema

ROOT = Path(__file__).parent.parent.parent
FOLDER = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs"
#: Fragments whose options come after those of the module itself.
SHARED = ("acting", "writing", "journal", "ledger")
#: Where ansible-doc leads to; the pages lead to the files next to them.
DOCS = "https://github.com/cakewalk-access/cakewalk.access/blob/main/docs/"


def main() -> None:
    """Write all pages into C(docs/), or the folder given."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters.update(prose=prose, flat=flat, sample=sample)
    template = environment.get_template("page.md.j2")
    modules = documentation(names_of("modules"), "module")
    connection = fragment("connection")
    shared = {name: option for part in SHARED for name, option in fragment(part)["options"].items()}
    for name, known in modules.items():
        doc, texts = known["doc"], constants(ROOT / "plugins" / "modules" / f"{name}.py")
        # Unlike ansible-doc, the file has options and results in an order for readers.
        own = yaml.safe_load(texts["DOCUMENTATION"])["options"]
        page = template.render(
            name=name,
            doc=doc,
            own={option: about for option, about in own.items() if option not in shared},
            shared={option: doc["options"][option] for option in shared if option in doc["options"]},
            connection=[option for option in connection["options"] if option in doc["options"] and option not in own],
            notes=[note for note in doc.get("notes", ()) if note not in connection["notes"]],
            examples=known["examples"],
            results=yaml.safe_load(texts["RETURN"]),
        )
        (FOLDER / f"{name}.md").write_text(page, encoding="utf-8")
    page = environment.get_template("connection.md.j2").render(options=connection["options"])
    (FOLDER / "connection.md").write_text(page, encoding="utf-8")
    policies = modules["cakewalk_app_policy"]["doc"]["options"]["assignments"]["suboptions"]
    scope = {name: policies[name] for name in ("app", "select", "permission_level", "permission_levels")}
    text = json.dumps(schema(ROOT, {"policies": policies, "time_limits": scope}, plain), indent=2, ensure_ascii=False)
    (FOLDER / "access_as_code.schema.json").write_text(f"{text}\n", encoding="utf-8")
    answers = module_of(ROOT, "module_utils._api.answers")
    page = environment.get_template("answers.md.j2").render(
        rules=[*answers.RULES, answers.LOST, answers.NEVER_SENT], after_loss=answers.AFTER_LOSS
    )
    (FOLDER / "answers.md").write_text(page, encoding="utf-8")
    template = environment.get_template("plugin.md.j2")
    for kind in ("lookup", "filter"):
        for name, known in documentation(names_of(kind), kind).items():
            doc, texts = known["doc"], constants(ROOT / "plugins" / kind / f"{name}.py")
            page = template.render(
                kind=kind,
                name=name,
                doc=doc,
                own={
                    option.removeprefix("_"): about
                    for option, about in doc["options"].items()
                    if option not in connection["options"]
                },
                connection=[option for option in connection["options"] if option in doc["options"]],
                notes=[note for note in doc.get("notes", ()) if note not in connection["notes"]],
                examples=known["examples"],
                results=yaml.safe_load(texts["RETURN"]),
            )
            (FOLDER / f"{kind}_{name}.md").write_text(page, encoding="utf-8")
    template = environment.get_template("source.md.j2")
    for path in (ROOT / "extensions" / "eda" / "plugins").glob("event_*/[!_]*.py"):
        kind, texts = path.parent.name, constants(path)
        doc = yaml.safe_load(texts["DOCUMENTATION"])
        page = template.render(kind=kind, name=path.stem, doc=doc, examples=texts["EXAMPLES"])
        (FOLDER / f"{kind}_{path.stem}.md").write_text(page, encoding="utf-8")


def fragment(name: str) -> dict[str, Any]:
    """Return a documentation fragment."""
    text = module_of(ROOT, f"doc_fragments.{name}").ModuleDocFragment.DOCUMENTATION
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def names_of(folder: str) -> list[str]:
    """Return the names of the plugins in a folder of C(plugins)."""
    return sorted(path.stem for path in (ROOT / "plugins" / folder).glob("[!_]*.py"))


def documentation(names: Sequence[str], kind: str) -> dict[str, Mapping[str, Any]]:
    """Return what ansible-doc knows about plugins of a kind, by name: C(doc), C(examples), C(return)."""
    ansible_doc = Path(sys.executable).with_name("ansible-doc")
    full_names = [f"cakewalk.access.{name}" for name in names]
    run = subprocess.run(
        [str(ansible_doc), "--json", "--type", kind, *full_names], capture_output=True, text=True, check=True
    )
    known = json.loads(run.stdout)
    return {name: known[full_name] for name, full_name in zip(names, full_names, strict=True)}


def constants(path: Path) -> dict[str, str]:
    """Return the texts that a file assigns to names of its own, without running it."""
    statements = ast.parse(path.read_text(encoding="utf-8")).body
    return {
        target.id: statement.value.value
        for statement in statements
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant)
        for target in statement.targets
        if isinstance(target, ast.Name) and isinstance(statement.value.value, str)
    }


def prose(text: str | list[str]) -> str:
    """Return documentation text as Markdown, on one line."""
    paragraphs = parser.parse([text] if isinstance(text, str) else text, parser.Context())
    markdown = " ".join(md.to_md([paragraph]).strip() for paragraph in paragraphs)
    markdown = re.sub(r"<code>(?:<strong>)?(.*?)(?:</strong>)?</code>", _code, markdown)
    return re.sub(r"\\([-.,;:()!_])", r"\1", markdown).replace("|", "\\|").replace(DOCS, "")


def _code(marked: re.Match[str]) -> str:
    text = re.sub(r"\\(.)", r"\1", marked[1])
    return f"`{html.unescape(text)}`"


def plain(text: str | list[str]) -> str:
    """Return documentation text without any marks."""
    return re.sub(r"</?\w+>|\\\\|`", "", prose(text))


def flat(
    options: Mapping[str, Any], below: str = "suboptions", path: str = ""
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Return options or results with those inside them, by their path."""
    for name, option in options.items():
        yield f"{path}{name}", option
        inside = option.get(below) or {}
        yield from flat(inside, below, f"{path}{name}[]." if option["type"] == "list" else f"{path}{name}.")


def sample(value: Any) -> str:
    """Return a sample as JSON on one line."""
    return json.dumps(value, ensure_ascii=False).replace("|", "\\|")


if __name__ == "__main__":
    main()
