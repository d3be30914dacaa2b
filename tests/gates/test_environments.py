# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images of AWX and EDA controller: what ansible-builder makes of the definitions. No image is built."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from matrix.cores import CORES
from playbooks.harness import COLLECTIONS

from .conftest import ROOT, Copy

IMAGES = ("execution", "decision")
REQUIREMENTS = ROOT / "docs/examples/awx/project/collections/requirements.yml"


def lines(path: Path) -> set[str]:
    """Return the lines of a file, without comments."""
    return {line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")}


@pytest.fixture(scope="module", params=IMAGES)
def context(request: pytest.FixtureRequest, tree: Copy, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The name of an image, and what ansible-builder writes to build it from."""
    folder = tmp_path_factory.mktemp(request.param)
    definition = f"{request.param}-environment/{request.param}-environment.yml"
    run = tree.run(
        *("ansible-builder", "create", "--file", definition, "--context", str(folder)),
        *("--output-filename", "Containerfile"),
    )
    assert run.returncode == 0, run.stdout
    return request.param, folder


def test_the_installed_collection_asks_for_what_the_modules_need(tree: Copy) -> None:
    run = tree.run("ansible-builder", "introspect", str(COLLECTIONS))

    assert run.returncode == 0, run.stdout
    assert yaml.safe_load(run.stdout) == {
        "python": ["requests>=2.31.0  # from collection cakewalk.access"],
        "system": [],
    }


def test_the_image_has_the_collection_and_a_tested_ansible(context: tuple[str, Path]) -> None:
    _image, folder = context
    containerfile = (folder / "Containerfile").read_text(encoding="utf-8")

    (core,) = re.findall(r"ansible-core~=(2\.\d+)\.0", containerfile)
    (python,) = set(re.findall(r"python(3\.\d+)", containerfile))
    assert python in next(tested.pythons for tested in CORES if tested.version == core)
    assert "ansible-galaxy collection install" in containerfile
    assert lines(folder / "_build" / "requirements.yml") == lines(REQUIREMENTS)


def test_the_decision_environment_has_what_the_event_sources_need(context: tuple[str, Path]) -> None:
    image, folder = context
    if image != "decision":
        assert not (folder / "_build" / "requirements.txt").exists()
        return
    python = lines(folder / "_build" / "requirements.txt")
    (tested,) = (line for line in lines(ROOT / "tests/requirements/events.txt") if "ansible-rulebook" in line)

    assert python == lines(ROOT / "extensions/eda/requirements.txt") | {tested.replace("==", "~=")}
    assert lines(folder / "_build" / "bindep.txt") == {"java-17-openjdk-headless [platform:rpm]"}


def test_projects_and_images_get_this_release() -> None:
    (collection,) = yaml.safe_load(REQUIREMENTS.read_text(encoding="utf-8"))["collections"]
    galaxy: dict[str, Any] = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))

    assert collection["name"] == f"{galaxy['namespace']}.{galaxy['name']}"
    lowest, next_major = re.fullmatch(r">=(\d+)\.0\.0,<(\d+)\.0\.0", collection["version"]).groups()  # type: ignore[union-attr]
    assert (lowest, int(next_major)) == (galaxy["version"].split(".")[0], int(lowest) + 1)
