# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every role as a job of AWX, in containers that are hostile: what it prints, hands on, and leaves behind."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml
from awx.example import FILE, PLAYBOOKS
from awx.server import Awx
from playbooks.harness import COLLECTIONS, ROOT, Data, Playbooks, writes
from roles.fulfilment_env import OLGA, FulfilmentEnv
from roles.jobs import (
    SURROUNDINGS,
    WITH_ENVIRONMENT,
    JobRun,
    Surroundings,
    Unavailable,
    Volume,
    strings,
    tenants_people,
)
from roles.people import CONNOR, ERIN, OWEN
from sandbox.process import Sandbox

#: AWX cuts events at some 700,000 bytes, and shows lines of a terminal.
LARGEST_EVENT, LONGEST_LINE = 64 * 1024, 160
_TABLE = ROOT / ".build" / "operators.txt"


@dataclass(frozen=True)
class Job:
    """A job template.

    :param playbook: of the collection.
    :param answers: returns the extra variables.
    :param facts: what it hands on, without the prefix of the role.
    :param kept: patterns of files that it keeps on the volume.
    :param service: what runs beside the tenant, and the variables that lead there.
    """

    playbook: str
    answers: Callable[[Volume, Sandbox], Data]
    facts: frozenset[str] = frozenset()
    kept: tuple[str, ...] = ()
    files: Callable[[Sandbox], dict[str, str]] | None = None
    service: Callable[[], AbstractContextManager[dict[str, str] | None]] = nullcontext


def _onboard(_volume: Volume, _tenant: Sandbox) -> Data:
    return {"onboard_memberships": [{"group": "Engineering", "users": [OWEN]}]}


def _joiner(volume: Volume, _tenant: Sandbox) -> Data:
    return {
        "joiner_user": OWEN,
        "joiner_groups": "Engineering\nSales",
        "joiner_accesses": "Salesforce: Standard\nOrphan Wiki",
        "joiner_wait_timeout": 0,
        "joiner_record_path": str(volume.folder / "joiners.jsonl"),
    }


def _mover(volume: Volume, _tenant: Sandbox) -> Data:
    return {
        "mover_user": ERIN,
        "mover_joins": "Sales",
        "mover_leaves": "Engineering",
        "mover_wait": False,
        "mover_record_path": str(volume.folder / "moves.jsonl"),
    }


def _leaver(volume: Volume, _tenant: Sandbox) -> Data:
    return {
        "leaver_user": ERIN,
        "leaver_confirm": ERIN,
        "leaver_wait_timeout": 0,
        "leaver_fail_on_left": False,
        "leaver_proof_dir": str(volume.folder / "leavers"),
    }


def _evidence(volume: Volume, _tenant: Sandbox) -> Data:
    return {"evidence_folder": str(volume.folder / "evidence")}


def _code(tenant: Sandbox) -> dict[str, str]:
    anchors = sorted(app["id"] for app in tenant.state("apps")["apps"])[:3]
    sections = {
        "tenant": {"anchors": anchors},
        "groups": [{"group": "Contractors", "members": [ERIN], "absent": [CONNOR]}],
        "accesses": [{"app": "GitHub", "permission_level": "Read", "users": [CONNOR]}],
        "custom_fields": [{"app": "Figma", "fields": {"Cost Center": "0815"}}],
    }
    return {"tenant/all.yml": yaml.safe_dump(sections)}


def _plan(volume: Volume, _tenant: Sandbox) -> Data:
    return {
        "access_as_code_folder": "{{ playbook_dir }}/tenant",
        "access_as_code_purpose": "As reviewed in git",
        "access_as_code_plan_path": str(volume.folder / "plan.txt"),
    }


def _export(volume: Volume, _tenant: Sandbox) -> Data:
    return {"access_as_code_mode": "export", "access_as_code_folder": str(volume.folder / "tenant")}


def _apply(volume: Volume, tenant: Sandbox) -> Data:
    planned = volume.run(_with_role("access_as_code"), _plan(volume, tenant), project=_code(tenant))
    return {
        **_plan(volume, tenant),
        **planned.facts,
        "access_as_code_mode": "apply",
        "access_as_code_record_path": str(volume.folder / "writes.jsonl"),
        "access_as_code_inverse_path": str(volume.folder / "back" / "inverse.yml"),
    }


def _drift(volume: Volume, tenant: Sandbox) -> Data:
    return {**_plan(volume, tenant), "access_as_code_mode": "drift", "access_as_code_fail_on_drift": False}


def _expire(volume: Volume, tenant: Sandbox) -> Data:
    applied = volume.run(_with_role("access_as_code"), _apply(volume, tenant), project=_code(tenant))
    record = str(volume.folder / "expired.jsonl")
    return {
        **_plan(volume, tenant),
        **applied.facts,
        "access_as_code_mode": "expire",
        "access_as_code_record_path": record,
    }


def _rules(tenant: Sandbox) -> dict[str, str]:
    limits = {"holders_of": [{"group": "Engineering"}], "at_least": 1}
    rules = [{"name": "Engineers", "severity": "low", "reason": "Continuity", "limits": limits}]
    return {**_code(tenant), "tenant/rules.yml": yaml.safe_dump({"rules": rules})}


def _check_rules(_volume: Volume, _tenant: Sandbox) -> Data:
    return {"access_rules_folder": "{{ playbook_dir }}/tenant"}


def _fulfilment(volume: Volume, tenant: Sandbox) -> tuple[str, Data]:
    """Return the id of a task that is due, and the options for it."""
    target = volume.folder / "target"
    stage = FulfilmentEnv(target, tenant, Playbooks(volume.folder / "unused", tenant))
    task = stage.task(CONNOR, "GitHub", level="Read")
    volume.own()
    return task, stage.options(routes=[stage.route("GitHub")])


def _fulfil(volume: Volume, tenant: Sandbox) -> Data:
    task, options = _fulfilment(volume, tenant)
    return {**options, "task_fulfilment_task": task}


def _sweep(volume: Volume, tenant: Sandbox) -> Data:
    return {**_fulfilment(volume, tenant)[1], "task_fulfilment_assignees": OLGA}


@contextmanager
def _awx() -> Iterator[dict[str, str]]:
    collections = ROOT / ".build" / "awx"
    if not (collections / "ansible_collections").is_dir():
        raise Unavailable("make test-all fetches awx.awx")
    with Awx(PLAYBOOKS) as awx:
        yield {**awx.env, "ANSIBLE_COLLECTIONS_PATH": f"{COLLECTIONS}{os.pathsep}{collections}"}


def _definitions(_tenant: Sandbox) -> dict[str, str]:
    return {"controller.yml": FILE.read_text(encoding="utf-8")}


def _set_up(_volume: Volume, _tenant: Sandbox) -> Data:
    secrets = {name: f"{{{{ lookup('env', 'CAKEWALK_{name.upper()}') }}}}" for name in ("api_key", "api_secret")}
    names = ("read-only", "read-write", "fulfilment")
    return {
        "controller_setup_path": "{{ playbook_dir }}/controller.yml",
        "controller_setup_secrets": {f"Cakewalk {name}": secrets for name in names},
    }


JOBS = {
    "onboard": Job("onboard", _onboard),
    "joiner": Job("joiner", _joiner, frozenset({"complete"}), ("joiners.jsonl",)),
    "mover": Job("mover", _mover, frozenset({"complete"}), ("moves.jsonl",)),
    "leaver": Job("leaver", _leaver, frozenset({"complete"}), ("leavers/leaver-*.json", "leavers/writes.jsonl")),
    "access_as_code plan": Job(
        "access_as_code", _plan, frozenset({"complete", "plan_hash", "plan_path"}), ("plan.txt",), files=_code
    ),
    "access_as_code apply": Job(
        "access_as_code",
        _apply,
        frozenset({"complete", "plan_hash"}),
        ("writes.jsonl", "back/inverse.yml"),
        files=_code,
    ),
    "access_as_code drift": Job("access_as_code", _drift, frozenset({"complete", "in_sync"}), files=_code),
    "access_as_code expire": Job("access_as_code", _expire, frozenset({"complete", "expired"}), files=_code),
    "access_rules": Job("access_rules", _check_rules, frozenset({"passed"}), files=_rules),
    "access_as_code export": Job("access_as_code", _export, frozenset({"complete"}), kept=("tenant/groups.yml",)),
    "evidence": Job("evidence", _evidence, frozenset({"complete"}), ("evidence/*/manifest.json",)),
    "controller_setup": Job(
        "controller_setup", _set_up, frozenset({"complete", "left_out"}), files=_definitions, service=_awx
    ),
    "fulfil_task": Job("fulfil_task", _fulfil, frozenset({"complete", "done", "left"}), ("target/kept/record",)),
    "sweep_tasks": Job("sweep_tasks", _sweep, frozenset({"complete", "done", "left"}), ("target/kept/record",)),
}


def _imported(playbook: str) -> str:
    return f"- ansible.builtin.import_playbook: cakewalk.access.{playbook}\n"


def _with_role(role: str) -> str:
    """Return a playbook of the project, so that C(playbook_dir) is in the project."""
    return yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "roles": [f"cakewalk.access.{role}"]}])


@dataclass(frozen=True)
class Cell:
    """What came of a job in its surroundings: how much it prints, and what was wrong."""

    done: JobRun
    wrong: list[str]

    def __str__(self) -> str:
        if self.wrong:
            return "; ".join(self.wrong)
        largest, widest = max(len(event.encode()) for event in self.done.events), max(map(len, self.done.lines))
        facts = f"{len(self.done.facts)} facts"
        return f"{len(self.done.events)} events to {largest / 1024:.0f} KB, lines to {widest}, {facts}"


def run(job: Job, tenant: Sandbox, around: Surroundings, *, rehearses: bool = False) -> Cell:
    """Run a job.

    :param rehearses: whether to run it in check mode before, which must leave nothing.
    """
    with job.service() as environment, Volume(tenant, around, environment or {}) as volume:
        answers = job.answers(volume, tenant)
        playbook = _with_role(job.playbook) if job.files else _imported(job.playbook)
        files = job.files(tenant) if job.files else {}
        wrong = []
        if rehearses:
            sent = writes(tenant.log())
            dry = volume.run(playbook, answers, "--check", "--diff", project=files)
            facts = job.facts & {"complete"}
            wrong += [f"in check mode: {fault}" for fault in _faults(replace(job, facts=facts), dry, tenant)]
            wrong += [f"in check mode: wrote {path}" for path in _kept(job, volume)]
            wrong += [f"in check mode: {write}" for write in writes(tenant.log())[len(sent) :]]
        done = volume.run(playbook, answers, "--diff", project=files)
        wrong += _faults(job, done, tenant)
        wrong += [f"{path} has the mode {mode:o}" for path, mode in _kept(job, volume).items() if mode != 0o600]
        wrong += [f"no {pattern}" for pattern in job.kept if not list(volume.folder.glob(pattern))]
        return Cell(done, wrong)


def _kept(job: Job, volume: Volume) -> dict[Path, int]:
    """Return the files that the job keeps, and their modes."""
    found = [path for pattern in job.kept for path in volume.folder.glob(pattern)]
    return {path: path.stat().st_mode & 0o777 for path in found}


def _faults(job: Job, done: JobRun, tenant: Sandbox) -> Iterator[str]:
    """Yield what is wrong with a job, whether it wrote anything or not."""
    if done.status != "successful":
        yield f"{done.status}: {done.messages or done.lines}"
    yield from (f"an event of {len(event)} characters" for event in done.events if len(event.encode()) >= LARGEST_EVENT)
    yield from (f"a line of {len(line)} columns: {line}" for line in done.lines if len(line) >= LONGEST_LINE)
    secrets = (tenant.api_key, tenant.api_secret)
    holding = [name for name, text in done.files.items() if any(secret in text for secret in secrets)]
    yield from (f"a secret in {name}" for name in holding if Path(name).name != WITH_ENVIRONMENT)
    role = "task_fulfilment" if "task" in job.playbook else job.playbook
    yield from (f"no fact {fact}" for fact in sorted({f"{role}_{fact}" for fact in job.facts} - done.facts.keys()))
    for person in tenants_people(tenant):
        yield from (f"{person} in a fact" for text in strings(done.facts) if person in text)
    for name in done.files:
        # Ansible itself makes the folder ~/.ansible.
        if name.startswith(("home/", "tmp/")) and "ansible/" not in name:
            yield f"left behind: {name}"


@pytest.mark.parametrize(
    ("name", "around"),
    [
        ("leaver", "no passwd entry"),
        ("access_as_code apply", "HOME read-only"),
        ("fulfil_task", "HOME unset"),
    ],
)
def test_a_role_runs_in_a_hostile_container(tenant: Sandbox, name: str, around: str) -> None:
    try:
        cell = run(JOBS[name], tenant, SURROUNDINGS[around])
    except Unavailable as reason:
        pytest.skip(str(reason))
    assert not cell.wrong, str(cell)


@pytest.mark.slow
def test_each_role_runs_in_each_hostile_container(tenant: Sandbox) -> None:
    """Each role runs, and the first time it is rehearsed. C(.build/operators.txt) has the table."""
    wrong, reasons = [], []
    with _TABLE.open("w", encoding="utf-8") as table:
        for name, job in JOBS.items():
            for number, (around, surroundings) in enumerate(SURROUNDINGS.items()):
                tenant.reset()
                try:
                    cell: Cell | str = run(job, tenant, surroundings, rehearses=number == 0)
                    wrong += [f"{name}, {around}: {fault}" for fault in cell.wrong]
                except Unavailable as reason:
                    cell = f"skipped: {reason}"
                    reasons.append(str(reason))
                print(f"{name:22}{around:22}{cell}", file=table, flush=True)
    assert not wrong, "\n".join(wrong)
    if len(reasons) == len(JOBS) * len(SURROUNDINGS):
        pytest.skip(reasons[0])


def _without_lock_dir(volume: Volume, tenant: Sandbox) -> Data:
    answers = _fulfil(volume, tenant)
    del answers["task_fulfilment_lock_dir"]
    return answers


#: By case the job, its surroundings and extra variables, and words of the refusal.
REFUSALS: dict[str, tuple[Job, str, dict[str, str], str]] = {
    "unknown home": (Job("fulfil_task", _without_lock_dir), "HOME unset", {}, "Set HOME, or give an absolute path"),
    "home that is read-only": (Job("fulfil_task", _without_lock_dir), "HOME read-only", {}, "Give this user a folder"),
    "project that all may write to": (
        JOBS["joiner"],
        "project of mode 0777",
        {"joiner_record_path": "PROJECT/joiners.jsonl"},
        "keep the file on a volume that outlives jobs",
    ),
    "folder inside the collection": (
        JOBS["evidence"],
        "no passwd entry",
        {"evidence_folder": "{{ playbook_dir }}/evidence"},
        "it would be inside the installed collection cakewalk.access",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", REFUSALS)
def test_a_dry_run_names_a_place_that_is_not_fit_for_files_before_it_asks_the_service(
    tenant: Sandbox, case: str
) -> None:
    job, around, variables, words = REFUSALS[case]
    try:
        with Volume(tenant, SURROUNDINGS[around]) as volume:
            given = {name: value.replace("PROJECT", str(volume.project)) for name, value in variables.items()}
            answers = {**job.answers(volume, tenant), **given}
            done = volume.run(_imported(job.playbook), answers, "--check")
    except Unavailable as reason:
        pytest.skip(str(reason))
    assert done.status == "failed"
    assert any(words in message for message in done.messages), done.messages
    assert tenant.log() == []
