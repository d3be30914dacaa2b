# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documentation shows works as it stands."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from demo import README, first_playbook
from playbooks.harness import CORE_BIN, ROOT, Data, Playbooks, play, task, writes
from playbooks.module_contract import foreseeable
from sandbox.process import Sandbox

pytestmark = pytest.mark.every_core

#: What does not speak to the service is a step of a role, and shown by the tests of that role.
MODULES = sorted(
    path.stem
    for path in (ROOT / "plugins" / "modules").glob("*.py")
    if "cakewalk.access.connection" in path.read_text(encoding="utf-8")
)
#: How modules are called that change nothing in the tenant; evidence is files.
ONLY_READ = ("_info", "_evidence", "_access_rules")
#: What a terminal shows at once.
SCREEN = 40


def shown_examples(playbooks: Playbooks) -> dict[str, list[Data]]:
    """Return the examples of each module as plays, as ansible-doc shows them."""
    shown = subprocess.run(
        [str(CORE_BIN / "ansible-doc"), "--json", *(f"cakewalk.access.{module}" for module in MODULES)],
        env=playbooks.environment(),
        stdout=subprocess.PIPE,
        check=True,
    )
    examples = {
        module: yaml.safe_load(page["examples"])
        for module, page in zip(MODULES, json.loads(shown.stdout).values(), strict=True)
    }
    return {module: tasks if "hosts" in tasks[0] else play(*tasks) for module, tasks in examples.items()}


@pytest.mark.parametrize("mode", ["done", pytest.param("foreseen", marks=pytest.mark.slow)])
def test_the_examples_of_every_module_run(playbooks: Playbooks, tenant: Sandbox, mode: str) -> None:
    """All in one run, each on a fresh tenant."""
    plays = []
    for module, examples in shown_examples(playbooks).items():
        plays += [*play(task(module, "tenant", {"reset": {}})), *examples, *play(task("log", "tenant", {"log": True}))]

    run = playbooks.run(plays, "--diff", *(["--check"] if mode == "foreseen" else [])).succeeded()

    is_done = mode == "done"
    assert not is_done or all(warning.startswith("Approval is bypassed") for warning in run.warned_of())
    starts = [number for number, result in enumerate(run.results) if result.task in MODULES]
    assert [run.results[start].task for start in starts] == MODULES
    for module, start, end in zip(MODULES, starts, [*starts[1:], None], strict=True):
        *results, last = run.results[start:end]
        changes = not module.endswith("_info")
        assert any(result.changed for result in results) == changes or not is_done, module
        assert bool(writes(last.data["log"])) == (is_done and not module.endswith(ONLY_READ)), module


def test_the_playbook_of_the_readme_runs(playbooks: Playbooks, tenant: Sandbox, tmp_path: Path) -> None:
    plays, ledger = yaml.safe_load(first_playbook()), {"CAKEWALK_LEDGER": str(tmp_path / "ledger.json")}
    foreseen = playbooks.run(plays, "--check", "--diff", **ledger).succeeded()
    assert not writes(tenant.log())
    (shown,) = re.findall(
        r"^\$ ansible-playbook people\.yml --check .*?\n(.*?)^```$", README.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    printed = [line.rstrip() for line in foreseen.output.strip().splitlines()]
    assert shown.splitlines() == printed
    assert len(printed) <= SCREEN
    done = playbooks.run(plays, "--diff", **ledger).succeeded()
    writing = [[result.told for result in run.results if result.changed] for run in (foreseen, done)]
    assert foreseeable(writing[0]) == foreseeable(writing[1])
    assert len(writing[0]) == len(plays[0]["tasks"])
    tenant.clear_log()
    again = playbooks.run(plays, **ledger).succeeded()
    assert not any(result.changed for result in again.results)
    assert not writes(tenant.log())
    assert not foreseen.warned_of() | done.warned_of() | again.warned_of()


def test_the_demonstration_shows_what_it_says(playbooks: Playbooks) -> None:
    environment = {**playbooks.environment(), "PYTHONPATH": str(ROOT / "tests")}
    shown = subprocess.run([sys.executable, "-m", "demo"], env=environment, text=True, capture_output=True, check=False)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert shown.stdout.count("+owen.onboarding@example.com") == 1
    assert "make sandbox" in shown.stdout.partition("What to do next")[2]


def test_the_readme_lists_the_modules_that_are_not_internal() -> None:
    texts = {path.stem: path.read_text("utf-8") for path in (ROOT / "plugins" / "modules").glob("*.py")}
    modules = {name for name, text in texts.items() if 'short_description: "Internal: ' not in text}
    listed = re.findall(r"\[`(cakewalk_\w+)`\]\[\1\]", README.read_text("utf-8"))
    assert sorted(listed) == sorted(modules)


def test_the_playbook_for_onboarding_runs_by_its_name(playbooks: Playbooks, tenant: Sandbox) -> None:
    joins = [
        {"group": "Engineering", "users": ["erin.engineer@example.com", "owen.onboarding@example.com"]},
        {"group": "Sales", "users": ["iris.invited@example.com"]},
    ]
    command = ("cakewalk.access.onboard", "-e", json.dumps({"onboard_memberships": joins}), "--diff")
    title = "Add people to their groups"
    foreseen = playbooks.run(*command, "--check").succeeded()
    assert not writes(tenant.log())
    done = playbooks.run(*command).succeeded()
    assert done[title].changed
    assert foreseen[title].told == done[title].told
    assert len(writes(tenant.log())) == len(done[title].steps["done"]) > 0
    tenant.clear_log()
    again = playbooks.run(*command).succeeded()
    assert not again[title].changed
    assert not writes(tenant.log())
    assert not foreseen.warned_of() | done.warned_of() | again.warned_of()
