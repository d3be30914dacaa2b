# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What workflows of GitHub use: a version each, the same everywhere, and no token that stays in a checkout."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any


def unpinned(workflows: Mapping[str, Any]) -> list[str]:
    """Return what can change between two runs, and checkouts that keep their token."""
    jobs = [(name, job) for name, workflow in workflows.items() for job in workflow["jobs"].values()]
    steps = [(name, step) for name, job in jobs for step in job["steps"]]
    versions: dict[str, set[str]] = {}
    wrong = []
    for name, step in steps:
        action, _at, version = step.get("uses", "").partition("@")
        versions.setdefault(action, set()).add(version)
        if action and not re.fullmatch(r"v\d+\.\d+\.\d+|[0-9a-f]{40}", version):
            wrong.append(f"{name}: {action}@{version}")
        if action == "actions/checkout" and step.get("with", {}).get("persist-credentials") is not False:
            wrong.append(f"{name}: the checkout keeps its token")
        installed = re.findall(r"\bpipx (?:install|run) (\S+)", step.get("run", ""))
        wrong += [f"{name}: {package}" for package in installed if "==" not in package]
    return wrong + [f"{action}: {sorted(found)}" for action, found in versions.items() if len(found) > 1]
