# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a release promises: versions, changelog, licences, and the workflows that make it."""

from __future__ import annotations

import re

import yaml

from .conftest import ROOT

VERSION_ADDED = re.compile(r"^ *version_added: *(.+)$", re.MULTILINE)


def test_versions_that_are_named_are_released_or_about_to_be() -> None:
    texts = ((ROOT / name).read_text(encoding="utf-8") for name in ("galaxy.yml", "changelogs/changelog.yaml"))
    galaxy, changelog = map(yaml.safe_load, texts)
    files = [path for folder in ("plugins", "roles") for path in (ROOT / folder).rglob("*.*") if path.suffix != ".pyc"]
    named = {
        version.strip("'\""): path.relative_to(ROOT)
        for path in files
        for version in VERSION_ADDED.findall(path.read_text(encoding="utf-8"))
    }

    assert named
    assert named.keys() <= {galaxy["version"], *changelog["releases"]}, named
