# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The linters of the ecosystem, and of Python."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import pytest
import yaml
from examples import THOROUGH
from release.artifact import contents
from release.importer import findings, import_log

from .conftest import BUILD, ROOT, Copy

MODULE = "plugins/modules/cakewalk_group_member.py"
CLIENT = "plugins/module_utils/_api/client.py"
PIPELINES = "docs/examples/pull_requests"
WORKFLOWS = [
    path.relative_to(ROOT).as_posix()
    for folder in (".github/workflows", f"{PIPELINES}/github")
    for path in sorted((ROOT / folder).glob("*.yml"))
]

LINT = ("ansible-lint", "--profile", "production", "--offline", "--strict")

#: What people write and read.
WRITTEN = (
    *("plugins", "extensions", "playbooks", "roles", "docs", "changelogs", "tests/demo"),
    *("README.md", "CONTRIBUTING.md", "GLOSSARY.md", "SECURITY.md", "MAINTAINERS.md"),
)

#: Tool: the command, then the file, the text and its replacement that the tool must object to.
TOOLS = {
    "ansible-lint": (
        (*LINT, "--exclude=tests"),
        ("playbooks/onboard.yml", "- name: Onboard people into their groups\n  hosts", "- hosts"),
    ),
    "antsibull-docs": (
        ("antsibull-docs", "lint-collection-docs", "--plugin-docs", "--validate-collection-refs", "all", "."),
        (MODULE, "RV(memberships)", "RV(membership)"),
    ),
    "antsibull-changelog": (
        ("antsibull-changelog", "lint"),
        ("changelogs/fragments/planted.yml", "", "bugfix: [all modules - no such section.]\n"),
    ),
    "antsibull-changelog of releases": (
        ("antsibull-changelog", "lint-changelog-yaml", "--strict", "changelogs/changelog.yaml"),
        ("changelogs/changelog.yaml", "release_date: '20", "release_date: '"),
    ),
    "check-jsonschema of GitHub": (
        # A schema that comes with the tool, so nothing is downloaded.
        ("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *WORKFLOWS),
        (f"{PIPELINES}/github/apply.yml", "needs: plan", "need: plan"),
    ),
    "check-jsonschema of GitLab": (
        ("check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", f"{PIPELINES}/gitlab/gitlab-ci.yml"),
        (f"{PIPELINES}/gitlab/gitlab-ci.yml", "when: manual", "when: sometimes"),
    ),
    "codespell": (("codespell", *WRITTEN), (CLIENT, "Return", "Retrun")),
    "ruff check": (
        ("ruff", "check", "--no-cache", "."),
        (CLIENT, "from typing import", "import os\nfrom typing import"),
    ),
    "ruff format": (("ruff", "format", "--no-cache", "--check", "."), (CLIENT, "REREADINGS = 3", "REREADINGS=3")),
    "reuse": (("reuse", "lint", "--lines"), (CLIENT, "# SPDX-", "# SPD-")),
    "mypy": (("mypy", "--cache-dir", str(BUILD / "mypy")), (CLIENT, "REREADINGS = 3", "REREADINGS: str = 3")),
}


@pytest.mark.parametrize("tool", TOOLS)
def test_the_tool_finds_nothing(tool: str, tree: Copy) -> None:
    command, _error = TOOLS[tool]

    run = tree.run(*command)

    assert run.returncode == 0, run.stdout


@pytest.mark.slow
def test_ansible_lint_finds_nothing_in_the_tests_either(tree: Copy) -> None:
    run = tree.run(*LINT)

    assert run.returncode == 0, run.stdout


@pytest.mark.slow
@pytest.mark.parametrize("tool", TOOLS)
def test_the_tool_finds_a_planted_error(tool: str, spoilt: Callable[[str, str, str], Copy]) -> None:
    command, error = TOOLS[tool]
    # It takes half a minute for all files.
    only = error[:1] if tool == "ansible-lint" else ()

    assert spoilt(*error).run(*command, *only).returncode != 0


def built(copy: Copy) -> Path:
    """Build the artifact of a copy, and return its path."""
    run = copy.run("ansible-galaxy", "collection", "build", "--force", "--output-path", str(copy.root))
    assert run.returncode == 0, run.stdout
    (artifact,) = copy.root.glob("cakewalk-access-*.tar.gz")
    return artifact


def importer_findings(copy: Copy) -> list[str]:
    """Return what Automation Hub would object to, but for ansible-lint: the test above demands more of that.

    Unless all is tested, so is what ansible-doc finds: ansible-test and antsibull-docs ask it about every plugin.
    """
    tools = {"RUN_ANSIBLE_LINT": False, "RUN_ANSIBLE_DOC": THOROUGH}
    return findings(import_log(built(copy), copy.root, BUILD / "gates" / "bin", **tools))


def test_galaxy_would_import_it(tree: Copy) -> None:
    assert importer_findings(tree) == []


@pytest.mark.slow
def test_galaxy_would_refuse_a_collection_without_the_tags_that_it_demands(
    spoilt: Callable[[str, str, str], Copy],
) -> None:
    copy = spoilt("galaxy.yml", "  - cloud\n", "")
    for tag in ("security", "tools"):
        copy.plant("galaxy.yml", f"  - {tag}\n", "")

    assert importer_findings(copy)


def test_each_module_is_in_the_action_groups_that_its_documentation_names(tree: Copy) -> None:
    groups = yaml.safe_load((tree.path / "meta/runtime.yml").read_text(encoding="utf-8"))["action_groups"]
    modules = {name: text for name, text in _modules(tree).items() if "cakewalk.access.connection" in text}

    assert sorted(groups["all"]) == sorted(modules)
    assert sorted(groups["write"]) == sorted(name for name, text in modules.items() if "action_group_write" in text)
    assert all("action_group_write" in text or "action_group_all" in text for text in modules.values())


def test_each_module_has_an_action_of_its_own_or_is_sent_to_one(tree: Copy) -> None:
    runtime = yaml.safe_load((tree.path / "meta/runtime.yml").read_text(encoding="utf-8"))
    routes = runtime["plugin_routing"]["modules"]
    actions = {path.stem for path in (tree.path / "plugins/action").glob("cakewalk_*.py")}

    assert not actions & routes.keys()
    assert actions | routes.keys() == _modules(tree).keys()
    assert {route["action_plugin"] for route in routes.values()} == {"cakewalk.access.cakewalk_group_member"}


def _modules(tree: Copy) -> dict[str, str]:
    return {path.stem: path.read_text(encoding="utf-8") for path in (tree.path / "plugins/modules").glob("*.py")}


def test_the_pages_in_docs_are_what_the_modules_say(tree: Copy, tmp_path: Path) -> None:
    run = tree.run("python", "-m", "pages", str(tmp_path), PYTHONPATH=str(tree.path / "tests"))

    assert run.returncode == 0, run.stdout
    for page in tmp_path.iterdir():
        assert page.read_text(encoding="utf-8") == (tree.path / "docs" / page.name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def artifact(tree: Copy) -> dict[str, str]:
    """The files of the artifact that Galaxy gets, and their text, by path."""
    return {name: content.decode() for name, content in contents(built(tree)).items()}


def test_the_artifact_holds_the_collection_and_nothing_else(artifact: dict[str, str]) -> None:
    metadata = {"FILES.json", "MANIFEST.json", "LICENSE"}
    pages = {"CHANGELOG.rst", "CODE_OF_CONDUCT.md", "MAINTAINERS.md", "README.md", "SECURITY.md"}
    parts = {"changelogs", "docs", "extensions", "meta", "playbooks", "plugins", "roles"}
    assert {name.split("/")[0] for name in artifact} <= metadata | pages | parts


REPOSITORY = "https://github.com/cakewalk-access/cakewalk.access"
LINK = re.compile(r"\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)", re.MULTILINE)
CODE_BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^(?=#{1,6} )", re.MULTILINE)
IN_REPOSITORY = re.compile(rf"{REPOSITORY}/(?:blob|tree)/main/([\w/.-]+\w)")
CLONE_ONLY = re.compile(
    r"\bmake (?:demo|sandbox|test|bench|docs|release|clean)\b[\w-]*"
    r"|(?<![\w/.])(?:tests|\.build|(?:execution|decision)-environment)/[\w/.-]+"
)


def dead_ends(name: str, text: str, artifact: Collection[str], root: Path) -> Iterator[str]:
    """Yield the links of a file that lead nowhere, and what only a clone has where no link says how to get a clone.

    Galaxy shows the README without the files next to it, so all its links are absolute.
    """
    prose = CODE_BLOCK.sub("", text) if name.endswith((".md", ".rst")) else ""
    for link in (path or reference for path, reference in LINK.findall(prose)):
        path = link.partition("#")[0]
        is_there = name != "README.md" and posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) in artifact
        if path and "://" not in path and not is_there:
            yield f"{name}: {link}"
    yield from (f"{name}: {link}" for link in IN_REPOSITORY.findall(text) if not (root / link).exists())
    for section in HEADING.split(text) if name.endswith(".md") else [text]:
        if REPOSITORY not in section:
            yield from (f"{name}: {match.group()}" for match in CLONE_ONLY.finditer(section))


def test_nothing_in_the_artifact_leads_to_what_it_lacks(artifact: dict[str, str], tree: Copy) -> None:
    found = [end for name, text in artifact.items() for end in dead_ends(name, text, artifact, tree.path)]

    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("docs/a.md", "[b](b.md#part) [r](../README.md) [x](https://example.com/x) [part](#part)", []),
        ("MAINTAINERS.md", "[b](docs/b.md) [c](docs/c.md)", ["docs/c.md"]),
        ("docs/a.md", "[b](c.md)\n```console\n[ERROR]: no link\n```", ["c.md"]),
        ("docs/a.md", "[b][b]\n\n[b]: ../tests/b.md", ["../tests/b.md"]),
        ("README.md", "[b](docs/b.md)", ["docs/b.md"]),
        ("README.md", f"[b]({REPOSITORY}/blob/main/README.md)", []),
        ("README.md", f"[b]({REPOSITORY}/blob/main/READTHIS.md)", ["READTHIS.md"]),
        (
            "docs/docsite/links.yml",
            f"url: {REPOSITORY}/tree/main/docs\nurl: {REPOSITORY}/blob/main/docs/no.md",
            ["docs/no.md"],
        ),
        ("README.md", f"# Clone\n[clone]({REPOSITORY})\n`make demo`", []),
        ("README.md", f"# Clone\n[clone]({REPOSITORY})\n# Try\n`make demo`", ["make demo"]),
        ("plugins/a.py", "# Written by make docs.", ["make docs"]),
        ("docs/a.md", "Edit `execution-environment/a.yml`.", ["execution-environment/a.yml"]),
        ("docs/a.md", "See `tests/demo/people.yml`, /x/tests/b and make sure.", ["tests/demo/people.yml"]),
    ],
)
def test_a_dead_end_is_found(name: str, text: str, found: list[str]) -> None:
    ends = dead_ends(name, text, {"README.md", "docs/a.md", "docs/b.md"}, ROOT)

    assert list(ends) == [f"{name}: {end}" for end in found]
