# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a release promises: versions, changelog, licences, and the workflows that make it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from release import Unfit, changelog
from release.artifact import build, digest
from release.fresh import FreshEnvironment
from release.importer import findings

from .conftest import BUILD, ROOT, Copy

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
