# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No keyword of Ansible undoes what a role promises: it needs a positive result, never the lack of a failure."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml
from examples import THOROUGH
from playbooks.harness import ROOT, Data, Playbooks, play, task, writes
from roles.people import ERIN, OWEN
from sandbox.process import Sandbox

Log = list[tuple[str, str]]


@dataclass(frozen=True)
class Trial:
    """A role in a situation in which a keyword could undo the order of its steps.

    :param options: the variables of the role, from the folder that it may write to.
    :param holds: tells whether the promise is kept, from the writes, the tenant afterwards, and the folder.
    :param settings: how the tenant differs from others.
    """

    options: Callable[[Path], Data]
    holds: Callable[[Log, Data, Path], bool]
    settings: Data = field(default_factory=dict)


def _groups(state: Data, email: str) -> set[str]:
    (identifier,) = [user["id"] for user in state["users"] if user["email"] == email]
    return {group["name"] for group in state["groups"] if identifier in group["members"] and group["type"] == "Managed"}


def _has_proof(folder: Path) -> bool:
    proofs = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("leaver-*.json")]
    return [proof["after"] is not None for proof in proofs] == [True]


TRIALS = {
    # A group refuses the removal, since its record does not show that another directory decides about it.
    "leaver": Trial(
        lambda folder: {
            "leaver_user": ERIN,
            "leaver_confirm": ERIN,
            "leaver_proof_dir": str(folder),
            "leaver_wait_timeout": 0,
        },
        lambda log, state, folder: (
            _has_proof(folder)
            and [method for method, _path in log].count("POST") == 2
            and [method for method, _path in log].count("DELETE") == 2
            and _groups(state, ERIN) == set()
        ),
        {"group_kind": "bare"},
    ),
}
TRIALS["mover"] = Trial(
    lambda folder: {
        "mover_user": ERIN,
        "mover_joins": ["Sales"],
        "mover_leaves": ["Engineering"],
        "mover_wait_timeout": 0,
        "mover_record_path": str(folder / "moves.jsonl"),
    },
    # The access of the new group has to be approved, which nobody does.
    lambda log, state, _folder: (
        [method for method, _path in log] == ["POST"] and _groups(state, ERIN) == {"Sales", "Engineering"}
    ),
)
TRIALS["joiner"] = Trial(
    lambda folder: {
        "joiner_user": OWEN,
        "joiner_groups": ["Engineering"],
        "joiner_accesses": [{"app": "Salesforce", "permission_level": "No such level"}],
        "joiner_record_path": str(folder / "joiners.jsonl"),
    },
    # A bad level is refused before anybody is in a group.
    lambda log, state, _folder: log == [] and _groups(state, OWEN) == set(),
)
#: Keywords of the play and of the role. The role's failure is ignored in all of them.
KEYWORDS: dict[str, tuple[Data, Data]] = {
    "ignore_errors": ({}, {}),
    "any_errors_fatal": ({"any_errors_fatal": True}, {}),
    "run_once": ({}, {"run_once": True}),
    "strategy": ({"strategy": "ansible.builtin.free"}, {}),
    "no_log": ({}, {"no_log": True}),
    "throttle": ({"serial": 1}, {"throttle": 1}),
}
if not THOROUGH:
    KEYWORDS = {name: KEYWORDS[name] for name in ("ignore_errors", "strategy")}


@pytest.mark.parametrize("mode", [(), ("--check",)], ids=["a run", "a dry run that a keyword makes real"])
def test_no_keyword_undoes_what_a_role_promises(
    playbooks: Playbooks, tenant: Sandbox, tmp_path: Path, mode: tuple[str, ...]
) -> None:
    plays = []
    for keyword, (of_play, of_role) in KEYWORDS.items():
        for role, trial in TRIALS.items():
            folder = tmp_path / f"{keyword}-{role}"
            given = {"role": f"cakewalk.access.{role}", "vars": trial.options(folder), "ignore_errors": True, **of_role}
            given |= {"check_mode": False} if mode else {}
            before = task("before", "tenant", {"reset": {}, "configure": {"group_kind": "type", **trial.settings}})
            after = task(f"{keyword} {role}", "tenant", {"log": True, "state": ["users", "groups"]})
            of_play = {**of_play, "pre_tasks": [before], "roles": [given]}
            plays += play(after, **of_play)
    run = playbooks.run(plays, *mode).succeeded()
    broken = []
    for keyword in KEYWORDS:
        for role, trial in TRIALS.items():
            after = run[f"{keyword} {role}"].data
            if not trial.holds(writes(after["log"]), after["state"], tmp_path / f"{keyword}-{role}"):
                broken.append((keyword, role, writes(after["log"]), _groups(after["state"], ERIN)))
    assert broken == []


def test_check_mode_writes_nothing_whatever_asks_for_it(playbooks: Playbooks, tenant: Sandbox, tmp_path: Path) -> None:
    plays = []
    for role, trial in TRIALS.items():
        given = {"role": f"cakewalk.access.{role}", "vars": trial.options(tmp_path / role), "check_mode": True}
        plays += play(roles=[{**given, "ignore_errors": True}])
    playbooks.run(plays).succeeded()
    assert writes(tenant.log()) == []
    assert not any((tmp_path / role).exists() for role in TRIALS)


#: Facts that are options of the same name on purpose: the next job goes on with them.
_HANDED_ON = {"record_path", "proof_dir", "plan_hash", "plan_path"}


def test_what_a_role_publishes_is_no_option_of_the_next_run(playbooks: Playbooks, tmp_path: Path) -> None:
    """A controller hands what a job publishes to the next one, as extra variables."""
    plays = []
    for role, trial in TRIALS.items():
        given = {"role": f"cakewalk.access.{role}", "vars": trial.options(tmp_path / role), "ignore_errors": True}
        plays += play(roles=[given])
    run = playbooks.run(plays, "--check").succeeded()
    for role in TRIALS:
        (published,) = [
            result.data["ansible_stats"]["data"]
            for result in run.results
            if result.task.startswith(f"cakewalk.access.{role} : Publish")
        ]
        spec = yaml.safe_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
        options = spec["argument_specs"]["main"]["options"].keys()
        assert {name.removeprefix(f"{role}_") for name in published.keys() & options} <= _HANDED_ON
        assert isinstance(published[f"{role}_complete"], bool)
