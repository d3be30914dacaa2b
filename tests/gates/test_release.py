# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a release promises: versions, changelog, licences, and the workflows that make it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from matrix.cores import CORES
from release import Unfit, changelog
from release.artifact import build, digest
from release.fresh import FreshEnvironment
from release.importer import findings

from .conftest import BUILD, ROOT, Copy
from .pinned import unpinned

TOOLS = BUILD / "gates" / "bin"

VERSION_ADDED = re.compile(r"^ *version_added: *(.+)$", re.MULTILINE)


def test_versions_that_are_named_are_released_or_about_to_be() -> None:
    files = ("galaxy.yml", "changelogs/changelog.yaml")
    galaxy, known = (yaml.safe_load((ROOT / file).read_text(encoding="utf-8")) for file in files)
    paths = [path for folder in ("plugins", "roles") for path in (ROOT / folder).rglob("*.*") if path.suffix != ".pyc"]
    named = {
        version.strip("'\""): path.relative_to(ROOT)
        for path in paths
        for version in VERSION_ADDED.findall(path.read_text(encoding="utf-8"))
    }

    assert named
    assert named.keys() <= {galaxy["version"], *known["releases"]}, named


WORKFLOWS = {path.name: yaml.safe_load(path.read_text("utf-8")) for path in (ROOT / ".github/workflows").glob("*.yml")}
JOBS = {(name, job): spec for name, workflow in WORKFLOWS.items() for job, spec in workflow["jobs"].items()}


@pytest.mark.parametrize(("name", "job"), JOBS)
def test_a_job_runs_what_there_is_and_gets_no_secret_without_an_approval(name: str, job: str) -> None:
    spec = JOBS[name, job]
    commands = [step.get("run", "") for step in spec["steps"]]
    targets = {target for command in commands for target in re.findall(r"^make (\S+)", command, re.MULTILINE)}

    assert WORKFLOWS[name]["permissions"] == {"contents": "read"}
    assert targets <= set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    if "environment" not in spec:
        assert "secrets." not in str(spec)
        assert "permissions" not in spec
    # What others publish can change between two runs, so nothing of theirs gets the secret.
    else:
        assert all(step["uses"].startswith("actions/") for step in spec["steps"] if "uses" in step)


def test_what_workflows_use_is_pinned_and_keeps_no_token() -> None:
    assert unpinned(WORKFLOWS) == []
    checkout = {"uses": "actions/checkout@v5.0.0", "with": {"persist-credentials": False}}
    planted = [checkout, {"uses": "actions/cache@v4"}, {"uses": "actions/checkout@v5.0.1"}]
    steps = [*planted, {"run": "pipx install ansible-core\npipx run reuse==5.0.2 lint"}]
    assert unpinned({"ci.yml": {"jobs": {"test": {"steps": steps}}}}) == [
        "ci.yml: actions/cache@v4",
        "ci.yml: the checkout keeps its token",
        "ci.yml: ansible-core",
        "actions/checkout: ['v5.0.0', 'v5.0.1']",
    ]


def test_a_release_is_tested_whole() -> None:
    assert {"run": "make test-all"} in JOBS["release.yml", "build"]["steps"]


def test_the_workflows_test_every_release_of_ansible_core() -> None:
    supported = [core.version for core in CORES]
    tested = {job: JOBS["cores.yml", job]["strategy"]["matrix"] for job in ("sanity", "tests")}

    assert tested["tests"]["core"] == supported
    # The last is a pre-release, whose branch is devel.
    assert tested["sanity"]["ansible"] == [*(f"stable-{version}" for version in supported[:-1]), "devel"]


def test_a_tag_of_the_version_starts_the_release() -> None:
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    # YAML 1.1 reads the key "on" as true, unless it is quoted.
    (pattern,) = WORKFLOWS["release.yml"]["on"]["push"]["tags"]

    assert re.fullmatch(pattern.replace(".", r"\."), version)


def test_both_copies_of_the_licence_are_the_same() -> None:
    """GitHub and Galaxy look for the first, REUSE for the second."""
    assert (ROOT / "LICENSE").read_bytes() == (ROOT / "LICENSES" / "GPL-3.0-or-later.txt").read_bytes()


@pytest.mark.parametrize(
    ("fragments", "version", "reason"),
    [([], "1.0.0", ""), ([], "1.1.0", "1.1.0 has no section"), (["b.yml", "a.yaml"], "1.0.0", "yet: a.yaml, b.yml.")],
)
def test_a_version_is_released_once_all_changes_are_in_the_changelog(
    tmp_path: Path, fragments: list[str], version: str, reason: str
) -> None:
    folder = tmp_path / "changelogs" / "fragments"
    folder.mkdir(parents=True)
    (folder.parent / "changelog.yaml").write_text("releases: {1.0.0: {release_date: '2026-11-29'}}", encoding="utf-8")
    for name in fragments:
        (folder / name).touch()

    if not reason:
        assert changelog.released(tmp_path, version) == "2026-11-29"
        return
    with pytest.raises(Unfit, match=re.escape(reason)):
        changelog.released(tmp_path, version)


def test_an_import_has_no_finding_only_if_it_is_silent_and_ends_well() -> None:
    end = "Importer processing completed successfully"

    assert findings(f"Loading module a\n{end}") == []
    assert findings(f"WARNING: no tests\n{end}\nERROR: late") == ["WARNING: no tests", "ERROR: late"]
    assert findings("Loading\nAn exception: no manifest") == ["Loading", "An exception: no manifest"]


def test_nothing_is_built_while_changes_are_not_committed(tmp_path: Path) -> None:
    copy = Copy(tmp_path)
    (copy.path / "README.md").write_text("Not committed", encoding="utf-8")

    with pytest.raises(Unfit, match=r"Commit these changes first.*\n M README\.md"):
        build(copy.path, tmp_path, TOOLS)


@pytest.mark.slow
def test_the_artifact_is_the_same_when_built_again_and_works_where_nothing_else_is(tmp_path: Path) -> None:
    copy = Copy(tmp_path / "copy")
    first, second = (build(copy.path, tmp_path / name, TOOLS) for name in "ab")
    assert digest(first) == digest(second)

    environment = FreshEnvironment(tmp_path / "fresh", first)
    environment.verify()
    environment.try_readme()

    with (environment.collection / "plugins/modules/cakewalk_info.py").open("a", encoding="utf-8") as module:
        module.write("# Not what was released.\n")
    with pytest.raises(Unfit, match=r"cakewalk_info\.py"):
        environment.verify()
    readme = environment.collection / "README.md"
    readme.write_text(readme.read_text("utf-8").replace("enforce: on_change", "enforce: always"), encoding="utf-8")
    with pytest.raises(Unfit, match=r"sent \[0, 3, 1\] writes"):
        environment.try_readme()
