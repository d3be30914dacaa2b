# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No keyword of Ansible undoes what a role promises: it needs a positive result, never the lack of a failure."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from examples import THOROUGH
from playbooks.harness import ROOT, Data, Playbooks, play, task, writes
from roles.people import CONNOR, ERIN, OWEN, custom_stats
from sandbox.process import Sandbox

pytestmark = pytest.mark.every_core

Log = list[tuple[str, str]]


@dataclass(frozen=True)
class Trial:
    """A role in a situation in which a keyword could undo the order of its steps.

    :param options: the variables of the role, from the folder that it may write to.
    :param holds: tells whether the promise is kept, from the writes, the tenant afterwards, and the folder.
    :param settings: how the tenant differs from others.
    :param faults: what fails in the tenant.
    :param first: options of a run before, without keywords.
    """

    options: Callable[[Path], Data]
    holds: Callable[[Log, Data, Path], bool]
    settings: Data = field(default_factory=dict)
    faults: list[Data] = field(default_factory=list)
    first: Data = field(default_factory=dict)


def _groups(state: Data, email: str) -> set[str]:
    (identifier,) = [user["id"] for user in state["users"] if user["email"] == email]
    return {group["name"] for group in state["groups"] if identifier in group["members"] and group["type"] == "Managed"}


def _lines(path: Path) -> list[Data]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


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
#: A group refuses the addition, so that the removal, which comes after it, must not be tried.
TRIALS["access_as_code"] = Trial(
    lambda folder: {
        "access_as_code_mode": "apply",
        "access_as_code_plan_hash": "{{ access_as_code_result.plan_hash }}",
        "access_as_code_record_path": str(folder / "writes.jsonl"),
        "access_as_code_inverse_path": str(folder / "inverse.yml"),
    },
    lambda log, state, folder: (
        [method for method, _path in log] == ["POST"]
        and _groups(state, CONNOR) == {"Contractors"}
        and [line["status"] for line in _lines(folder / "writes.jsonl")]
        == ["begun", "sending", "refused", "not_tried", "ended"]
    ),
    {"group_kind": "bare"},
    first={"access_as_code_mode": "plan"},
)
#: One list of many is broken off, so that there must be no bundle.
TRIALS["evidence"] = Trial(
    lambda folder: {"evidence_folder": str(folder)},
    lambda log, _state, folder: log == [] and not any(path.is_file() for path in folder.rglob("*")),
    faults=[{"operation": "listWorkAppAccesses", "kind": "truncated", "count": 100, "skip": 3}],
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
    KEYWORDS = {"ignore_errors": KEYWORDS["ignore_errors"]}


@pytest.fixture
def code(tenant: Sandbox, tmp_path: Path) -> Data:
    """Return variables for all plays: the folder of code, which one role has."""
    folder = tmp_path / "code"
    folder.mkdir()
    anchors = sorted(app["id"] for app in tenant.state("apps")["apps"])[:1]
    groups = [
        {"group": "Okta Everyone", "members": ["iris.invited@example.com"]},
        {"group": "Contractors", "absent": [CONNOR]},
    ]
    text = yaml.safe_dump({"tenant": {"anchors": anchors}, "groups": groups})
    (folder / "tenant.yml").write_text(text, encoding="utf-8")
    return {"access_as_code_folder": str(folder)}


def _runs(role: str, folder: Path, **keywords: Any) -> Data:
    """Return what a play consists of that runs a role under keywords."""
    trial = TRIALS[role]
    first = task("first", "ansible.builtin.include_role", {"name": f"cakewalk.access.{role}"}, vars=trial.first)
    given = {"role": f"cakewalk.access.{role}", "vars": trial.options(folder), "ignore_errors": True, **keywords}
    return {"pre_tasks": [first] if trial.first else [], "roles": [given]}


@pytest.mark.parametrize("mode", [(), ("--check",)], ids=["a run", "a dry run that a keyword makes real"])
def test_no_keyword_undoes_what_a_role_promises(
    playbooks: Playbooks, tenant: Sandbox, tmp_path: Path, code: Data, mode: tuple[str, ...]
) -> None:
    plays = []
    for keyword, (of_play, of_role) in KEYWORDS.items():
        for role, trial in TRIALS.items():
            runs = _runs(role, tmp_path / f"{keyword}-{role}", **of_role, **({"check_mode": False} if mode else {}))
            settings = {"group_kind": "type", **trial.settings}
            before = task("before", "tenant", {"reset": {}, "configure": settings, "faults": trial.faults})
            after = task(f"{keyword} {role}", "tenant", {"log": True, "state": ["users", "groups"]})
            plays += play(after, **of_play, **{**runs, "pre_tasks": [before, *runs["pre_tasks"]]})
    run = playbooks.run(plays, *mode, variables=code).succeeded()
    broken = []
    for keyword in KEYWORDS:
        for role, trial in TRIALS.items():
            after = run[f"{keyword} {role}"].data
            if not trial.holds(writes(after["log"]), after["state"], tmp_path / f"{keyword}-{role}"):
                broken.append((keyword, role, writes(after["log"]), _groups(after["state"], ERIN)))
    assert broken == []


def test_check_mode_writes_nothing_whatever_asks_for_it(
    playbooks: Playbooks, tenant: Sandbox, tmp_path: Path, code: Data
) -> None:
    plays = [one for role in TRIALS for one in play(**_runs(role, tmp_path / role, check_mode=True))]
    playbooks.run(plays, variables=code).succeeded()
    assert writes(tenant.log()) == []
    assert not any((tmp_path / role).exists() for role in TRIALS)


#: Facts that are options of the same name on purpose: the next job goes on with them.
_HANDED_ON = {"record_path", "proof_dir", "plan_hash", "plan_path", "code_digest"}


def test_what_a_role_publishes_is_no_option_of_the_next_run(playbooks: Playbooks, tmp_path: Path, code: Data) -> None:
    """A controller hands what a job publishes to the next one, as extra variables: of two hosts, that of the last."""
    here = {
        "ansible_connection": "ansible.builtin.local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
    }
    plays = [one for role in TRIALS for one in play(**_runs(role, tmp_path / role), hosts="one,other", vars=here)]
    inventory = ("--inventory", "one,other,")
    run = playbooks.run(plays, "--check", *inventory, variables=code, ANSIBLE_SHOW_CUSTOM_STATS="1").succeeded()
    stats = custom_stats(run)
    for role in TRIALS:
        published = [
            result.data["ansible_stats"]["data"]
            for result in run.results
            if result.task.startswith(f"cakewalk.access.{role} : Publish")
        ][-1]
        spec = yaml.safe_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
        options = spec["argument_specs"]["main"]["options"].keys()
        assert {name.removeprefix(f"{role}_") for name in published.keys() & options} <= _HANDED_ON
        assert isinstance(published[f"{role}_complete"], bool)
        # As texts, since two times C(false) adds up to 0.
        assert {name: repr(stats[name]) for name in published} == {name: repr(published[name]) for name in published}
