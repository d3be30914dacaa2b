# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pipelines that come as examples: from a pull request to an applied plan and back from drift, on both forges."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from gates.pinned import unpinned
from playbooks.harness import writes
from roles.forge_service import GITHUB_BOT, GITLAB_BOT, TOKEN, Forge
from roles.people import CONNOR, PETRA
from roles.pipelines import EXAMPLES, Job, Pipelines
from sandbox.process import Sandbox

WORKFLOWS = {
    path.name: yaml.safe_load(path.read_text(encoding="utf-8")) for path in (EXAMPLES / "github").glob("*.yml")
}
IRIS = "iris.invited@example.com"
#: Without a token, names in the output could be commands.
STOPPED = "token=$(python -c 'import uuid; print(uuid.uuid4())')\necho \"::stop-commands::$token\"\n"
MARK = "<!-- cakewalk.access plan -->\n"
PULL_REQUEST = {
    "repository": "example/access",
    "event.pull_request.head.repo.full_name": "example/access",
    "event.pull_request.number": "7",
    "token": TOKEN,
}
MERGE_REQUEST = {
    "CI_PIPELINE_SOURCE": "merge_request_event",
    "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "5",
    "CI_MERGE_REQUEST_IID": "7",
    "CI_PROJECT_ID": "5",
}
MAIN = {"CI_COMMIT_BRANCH": "main", "CI_DEFAULT_BRANCH": "main", "CI_PROJECT_ID": "5"}


@pytest.fixture
def forge() -> Iterator[Forge]:
    with Forge() as forge:
        yield forge


@pytest.fixture
def pipelines(tmp_path: Path, tenant: Sandbox, forge: Forge) -> Pipelines:
    """A repository whose folder C(tenant) has one change: Connor and Iris are the contractors."""
    reading = {"CAKEWALK_API_KEY": tenant.read_only_key, "CAKEWALK_API_SECRET": tenant.read_only_secret}
    writing = {"CAKEWALK_API_KEY": tenant.api_key, "CAKEWALK_API_SECRET": tenant.api_secret}
    (tmp_path / "pipelines").mkdir()
    pipelines = Pipelines(
        tmp_path / "pipelines",
        tenant,
        forge,
        {"access-plan": reading, "access-apply": writing, "access-expire": writing},
    )
    anchors = sorted(app["id"] for app in tenant.state("apps")["apps"])[:3]
    (pipelines.repository / "tenant").mkdir()
    contractors = {"group": "Contractors", "mode": "exact", "members": [CONNOR, IRIS]}
    _write(pipelines, tenant={"anchors": anchors}, groups=[contractors])
    return pipelines


def _write(pipelines: Pipelines, **sections: object) -> None:
    for name, section in sections.items():
        text = yaml.safe_dump({name: section}, sort_keys=False)
        (pipelines.repository / "tenant" / f"{name}.yml").write_text(text, encoding="utf-8")


def _members(tenant: Sandbox) -> set[str]:
    state = tenant.state("users", "groups")
    emails = {user["id"]: user["email"] for user in state["users"]}
    return {emails[one] for row in state["groups"] if row["name"] == "Contractors" for one in row["members"]}


def _hash(comment: str) -> str:
    return re.findall(r"^plan_hash: `([0-9a-f]{64})`$", comment, re.MULTILINE)[0]


def test_workflows_give_little_and_take_nothing_from_those_who_propose() -> None:
    assert unpinned(WORKFLOWS) == []
    for name, workflow in WORKFLOWS.items():
        assert workflow["permissions"] == {"contents": "read"}, name
        assert "pull_request_target" not in workflow["on"], name
        for job in workflow["jobs"].values():
            text = yaml.safe_dump(job)
            assert "secrets." not in text or "environment" in job
            assert "github.event.pull_request.number" in text or "github.event" not in yaml.safe_dump(job["steps"])
            for step in job["steps"]:
                # What somebody wrote gets into commands by the environment only.
                assert "${{" not in step.get("run", "")
                assert ("ansible-playbook" in step.get("run", "")) == step.get("run", "").startswith(STOPPED)
            of_cache = [step for step in job["steps"] if "actions/cache/" in step.get("uses", "")]
            for step in of_cache:
                cached = step["with"]
                assert (cached["path"], cached["key"].startswith("approved-$")) == ("approved", True)
                assert cached.get("restore-keys", "approved-") == "approved-"
            # What a branch has under this name must not lie under what the cache has.
            if of_cache:
                earlier = job["steps"][: job["steps"].index(of_cache[0])]
                assert any("rm -rf approved " in step.get("run", "") for step in earlier), name
    gitlab = yaml.safe_load((EXAMPLES / "gitlab" / "gitlab-ci.yml").read_text(encoding="utf-8"))
    caches = {job["cache"]["key"] for job in gitlab.values() if isinstance(job, dict) and "cache" in job}
    assert (caches, "unprotect" in str(gitlab)) == ({"approved"}, False)
    (applies,) = gitlab["apply"]["rules"]
    # A pipeline whose job failed is not passed.
    assert (applies["when"], applies["allow_failure"], "allow_failure" in gitlab["apply"]) == ("manual", False, False)
    used = {key for job in WORKFLOWS["apply.yml"]["jobs"].values() for key in [*re.findall(r"github\.\S+", str(job))]}
    assert used <= {"github.run_attempt", "github.run_id", "github.token"}
    assert [name for name, workflow in WORKFLOWS.items() if "access-apply" in str(workflow["jobs"])] == ["apply.yml"]


def test_a_pull_request_of_a_fork_is_checked_and_gets_no_secret(
    pipelines: Pipelines, forge: Forge, tenant: Sandbox
) -> None:
    event = {**PULL_REQUEST, "event.pull_request.head.repo.full_name": "mallory/access"}
    jobs = pipelines.github("plan.yml", event)
    assert (jobs["check"].status, jobs["plan"].status) == (0, None), jobs["check"].output
    _write(pipelines, groups=[{"group": "Contractors", "member": [CONNOR]}])
    of_fork = {**MERGE_REQUEST, "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "6"}
    for checked in (pipelines.github("plan.yml", event), pipelines.gitlab(of_fork)):
        assert checked["check"].status != 0
        assert "groups.yml" in checked["check"].output
        assert {name for name, job in checked.items() if job.status is not None} == {"check"}
        assert not checked["check"].secrets
    assert (forge.comments, tenant.log()) == ([], [])


def through_everything(
    pipelines: Pipelines,
    forge: Forge,
    tenant: Sandbox,
    bot: str | int,
    proposed: Callable[[], Job],
    merged: Callable[..., dict[str, Job]],
    drifted: Callable[[], Job],
    ruled: Callable[[], Job],
    expired: Callable[[], Job],
) -> None:
    """Go from a pull request to an applied plan, and find drift.

    :param bot: the user whose comments are replaced.
    :param proposed: runs the pipeline of the pull request, and returns the job that plans.
    :param merged: runs the pipeline of the main branch, and returns its jobs; it takes what happens before the jobs.
    :param drifted: runs the pipeline of each night, and returns the job that looks for drift.
    :param ruled: does the same, and returns the job that checks the rules.
    :param expired: does the same, and returns the job that ends what is over.
    """
    # Somebody else's comment is never taken for the bot's, and comments of the bot fill the first page.
    forged = forge.add(forge.comments, "mallory", f"{MARK}plan_hash: `{'0' * 64}`")
    others = [forge.add(forge.comments, bot, "Something else") for _number in range(3)]
    tenant.change("rename_user", user=CONNOR, name="##[set-output name=plan_hash;]0 @everyone")
    before = tenant.state()
    assert proposed().status == 0
    (comment,) = [item for item in forge.comments if item not in (forged, *others)]
    assert comment.text.startswith(f"{MARK}### Access as code: plan\n")
    assert f"+ {IRIS}" in comment.text
    first = _hash(comment.text)

    # Nothing of the branch is shown as a plan, not even if there is none.
    playbook = (pipelines.repository / "access.yml").read_text(encoding="utf-8")
    (pipelines.repository / "access.yml").write_text("- [", encoding="utf-8")
    (pipelines.repository / "plan.md").write_text("### Access as code: plan\n\nforged", encoding="utf-8")
    assert proposed().status != 0
    assert comment.text.startswith(f"{MARK}### Access as code: no plan\n")
    (pipelines.repository / "access.yml").write_text(playbook, encoding="utf-8")

    (pipelines.repository / "tenant" / "groups.yml").write_text("groups: [", encoding="utf-8")
    assert proposed().status != 0
    assert comment.text.startswith(f"{MARK}### Access as code: refused\n")
    assert "<li><code>groups.yml:2: " in comment.text
    _write(pipelines, groups=[{"group": "Contractors", "mode": "exact", "members": [CONNOR]}])
    assert proposed().status == 0
    assert f"+ {IRIS}" not in comment.text
    _write(pipelines, groups=[{"group": "Contractors", "mode": "exact", "members": [CONNOR, IRIS]}])
    assert proposed().status == 0
    assert _hash(comment.text) == first
    assert len(forge.comments) == 5
    assert not any(item.edits for item in (forged, *others))
    assert tenant.state() == before

    # Whoever edits the comment changes nothing about what is applied.
    comment.text = f"{MARK}plan_hash: `{'0' * 64}`"

    def moved() -> None:
        tenant.change("add_member", group="Contractors", user=PETRA)

    jobs = merged(before={"apply": moved})
    assert (jobs["plan"].status, jobs["apply"].status != 0) == (0, True)
    assert "changed since it was approved" in jobs["apply"].output
    assert PETRA in _members(tenant)
    tenant.change("remove_member", group="Contractors", user=PETRA)

    jobs = merged()
    assert jobs["apply"].status == 0, jobs["apply"].output
    assert jobs["plan"].outputs["plan_hash"] == first
    assert _members(tenant) == {CONNOR, IRIS}
    assert "ended" in (jobs["apply"].folder / "kept" / "writes.jsonl").read_text(encoding="utf-8")
    assert (jobs["apply"].folder / "kept" / "inverse.yml").exists()
    assert {tenant.api_key, tenant.api_secret} == jobs["apply"].secrets
    assert {tenant.read_only_key, tenant.read_only_secret} == jobs["plan"].secrets
    tenant.clear_log()
    # A plan without steps approves the files, which the job that ends access needs.
    assert "No file has an end date." in expired().output
    files = pipelines.repository / "tenant"
    (files / "people.csv").write_text(f"email,team,end\n{IRIS},A,2099-01-01\n", encoding="utf-8")
    by_roster = [{"group": "Contractors", "mode": "exact", "members": [CONNOR], "members_where": {"team": "A"}}]
    _write(pipelines, roster={"file": "people.csv"}, groups=by_roster)
    assert "was approved" in expired().output, "a roster has end dates, too"
    # The roster that was applied last is kept with the digest, and shows that a later one is not complete.
    assert merged()["apply"].status == 0
    (files / "people.csv").write_text(f"email,team,end\n{CONNOR},A,\n", encoding="utf-8")
    refused = merged(is_planned=False)["plan"]
    assert (refused.status, "1 of 1 people is missing or ends earlier" in refused.output) == (2, True), refused.output
    for name in ("people.csv", "roster.yml"):
        (files / name).unlink()
    ends = {"user": IRIS, "until": "2099-01-01"}
    _write(pipelines, groups=[{"group": "Contractors", "mode": "exact", "members": [CONNOR, ends]}])
    done = expired()
    assert (done.status, "was approved" in done.output) == (2, True), done.output
    assert merged()["apply"].status == 0
    done = expired()
    assert (done.status, "nobody has expired access" in done.output) == (0, True), done.output
    assert {tenant.api_key, tenant.api_secret} == done.secrets
    assert not writes(tenant.log())

    assert (drifted().status, forge.issues) == (0, [])
    moved()
    for _night in range(2):
        assert drifted().status == 0
        (issue,) = forge.issues
        assert issue.text.startswith("<!-- cakewalk.access drift -->\n### Access as code: plan\n")
        assert f"- {PETRA}" in issue.text
    assert (issue.edits, issue.is_open) == (1, True)
    tenant.change("remove_member", group="Contractors", user=PETRA)
    assert drifted().status == 0
    assert not issue.is_open

    holders = {"holders_of": [{"group": "Contractors"}], "at_most": 1}
    listed = {"rules": [{"name": "Few <b>", "severity": "high", "reason": "Cost", "limits": holders}]}
    # In another style than elsewhere.
    (files / "rules.yml").write_text(json.dumps(listed), encoding="utf-8")
    rules = ruled()
    assert rules.status == 2, rules.output
    assert 'failures="1"' in (rules.folder / "rules.xml").read_text(encoding="utf-8")


@pytest.mark.slow
def test_github_goes_from_a_pull_request_to_the_tenant(pipelines: Pipelines, forge: Forge, tenant: Sandbox) -> None:
    def merged(is_planned: bool = True, **options: object) -> dict[str, Job]:
        jobs = pipelines.github("apply.yml", {"token": TOKEN}, **options)
        assert f"### Access as code: {'plan' if is_planned else 'refused'}" in jobs["plan"].summary
        assert re.match(r"::stop-commands::[0-9a-f-]{36}\n", jobs["plan"].output)
        return jobs

    # Without required reviewers, somebody must enter the hash.
    before = tenant.state()
    for entered in ({}, {"plan_hash": "0" * 64}):
        jobs = pipelines.github("apply.yml", {"token": TOKEN}, **entered)
        assert (jobs["plan"].status, jobs["apply"].status) == (0, None), jobs["plan"].output
    assert tenant.state() == before
    jobs = pipelines.github("apply.yml", {"token": TOKEN}, plan_hash=jobs["plan"].outputs["plan_hash"])
    assert jobs["apply"].status == 0
    assert _members(tenant) == {CONNOR, IRIS}

    tenant.reset()
    forge.has_reviewers = True
    through_everything(
        *(pipelines, forge, tenant, GITHUB_BOT),
        lambda: pipelines.github("plan.yml", PULL_REQUEST)["plan"],
        merged,
        *[lambda: pipelines.github("drift.yml", {"token": TOKEN})["drift"]] * 2,
        lambda: pipelines.github("expire.yml", {"token": TOKEN})["expire"],
    )


@pytest.mark.slow
def test_gitlab_goes_from_a_merge_request_to_the_tenant(pipelines: Pipelines, forge: Forge, tenant: Sandbox) -> None:
    through_everything(
        *(pipelines, forge, tenant, GITLAB_BOT),
        lambda: pipelines.gitlab(MERGE_REQUEST)["preview"],
        lambda is_planned=True, **options: pipelines.gitlab({**MAIN, "CI_PIPELINE_SOURCE": "push"}, **options),
        lambda: pipelines.gitlab({**MAIN, "CI_PIPELINE_SOURCE": "schedule"})["drift"],
        *[
            lambda name=name: pipelines.gitlab({**MAIN, "CI_PIPELINE_SOURCE": "schedule"})[name]
            for name in ("rules", "expire")
        ],
    )


def test_what_was_committed_is_not_taken_as_approved(pipelines: Pipelines, tenant: Sandbox) -> None:
    _write(pipelines, groups=[{"group": "Contractors", "members": [{"user": CONNOR, "until": "2026-01-01"}]}])
    jobs = pipelines.gitlab({**MAIN, "CI_PIPELINE_SOURCE": "push"})
    assert jobs["plan"].outputs["approved_digest"] == "", "a plan approves nothing"
    shutil.copytree(jobs["apply"].folder / "approved", pipelines.repository / "approved")
    pipelines.git("add", "--force", "approved")
    pipelines.clear_cache()
    tenant.reset()
    before = tenant.state()

    for done, words in (
        (pipelines.github("expire.yml", {"token": TOKEN})["expire"], "No approved digest is kept"),
        (pipelines.gitlab({**MAIN, "CI_PIPELINE_SOURCE": "schedule"})["expire"], "Remove the folder approved"),
    ):
        assert (done.status, words in done.output) == (1, True), done.output
    assert tenant.state() == before


def test_an_environment_that_is_not_there_has_no_reviewers(pipelines: Pipelines, forge: Forge) -> None:
    (pipelines.repository / "access.yml").unlink()
    forge.has_environment = False
    job = pipelines.github("apply.yml", {"token": TOKEN})["plan"]
    assert (job.outputs["has_reviewers"], "Traceback" in job.output) == ("false", False)


@pytest.mark.parametrize(
    ("changed", "value", "words"),
    [("head", "b" * 40, "There is a later commit."), ("visibility", "public", "Make the project private")],
)
def test_nothing_is_applied_if_the_project_changed_while_the_plan_waited(
    changed: str, value: str, words: str, pipelines: Pipelines, forge: Forge, tenant: Sandbox
) -> None:
    before, forge.has_reviewers, usual = tenant.state(), True, getattr(forge, changed)
    for run in (
        lambda **options: pipelines.github("apply.yml", {"token": TOKEN}, **options),
        lambda **options: pipelines.gitlab({**MAIN, "CI_PIPELINE_SOURCE": "push"}, **options),
    ):
        setattr(forge, changed, usual)
        jobs = run(before={"apply": lambda: setattr(forge, changed, value)})
        assert (jobs["plan"].status, jobs["apply"].status) == (0, 1)
        assert (words in jobs["apply"].output, "PLAY" in jobs["apply"].output) == (True, False)
    assert tenant.state() == before


def test_nothing_is_written_to_a_project_that_others_can_read(
    pipelines: Pipelines, forge: Forge, tenant: Sandbox
) -> None:
    """Not even the output of a job shows a plan there."""
    nightly = {**MAIN, "CI_PIPELINE_SOURCE": "schedule"}
    for visibility in ("public", "internal"):
        forge.visibility = visibility
        jobs = [
            pipelines.github("plan.yml", PULL_REQUEST)["plan"],
            pipelines.github("apply.yml", {"token": TOKEN})["plan"],
            pipelines.github("drift.yml", {"token": TOKEN})["drift"],
            pipelines.github("expire.yml", {"token": TOKEN})["expire"],
            pipelines.gitlab(MERGE_REQUEST)["preview"],
            pipelines.gitlab({**MAIN, "CI_PIPELINE_SOURCE": "push"})["plan"],
            *pipelines.gitlab(nightly).values(),
        ]
        for job in jobs:
            assert job.status != 0
            assert "Make the project private" in job.output
            assert "PLAY" not in job.output
    assert (forge.comments, tenant.log()) == ([], [])
