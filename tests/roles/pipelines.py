# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the pipelines of C(docs/examples/pull_requests) on this machine: every command, in the environment of its file.

Each job gets a checkout of its own. What uses the network stays out: C(uses), and the installation, for which the
collection under test is in its place. Secrets are those of the environment that a job names, as on GitHub and GitLab.
Conditions are evaluated as far as the files need them.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from playbooks.harness import COLLECTIONS, CORE_BIN, ROOT
from roles.forge_service import COMMIT, TOKEN, Forge
from sandbox.process import Sandbox

EXAMPLES = ROOT / "docs" / "examples" / "pull_requests"
GATES = ROOT / ".build" / "gates" / "bin"

Secrets = Mapping[str, Mapping[str, str]]


@dataclass
class Job:
    """What a job did.

    :param status: 0, or that of the first command that failed; C(None) if the job was skipped.
    :param output: of its commands.
    :param secrets: the secrets that were in the environment of a command.
    """

    folder: Path
    status: int | None = 0
    output: str = ""
    secrets: set[str] = field(default_factory=set)
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""


class Pipelines:
    """A repository with the examples, and a forge that runs its pipelines.

    :param secrets: the secrets of each environment of the forge, by name.
    """

    def __init__(self, folder: Path, tenant: Sandbox, forge: Forge, secrets: Secrets) -> None:
        self.repository = folder / "repository"
        self.forge, self._tenant, self._secrets = forge, tenant, secrets
        self._jobs = folder / "jobs"
        self._home, self._cached = folder / "home", folder / "cache"
        for made in (self._home, self._cached):
            made.mkdir()
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(EXAMPLES, self.repository, ignore=ignored)
        (self.repository / ".collections").symlink_to(COLLECTIONS)
        self.git("init", "--quiet")

    def git(self, *command: str) -> None:
        """Run git in the repository."""
        subprocess.run(["git", *command], cwd=self.repository, check=True)

    def github(
        self,
        workflow: str,
        event: Mapping[str, str],
        before: Mapping[str, Callable[[], object]] | None = None,
        **inputs: str,
    ) -> dict[str, Job]:
        """Run a workflow, and return its jobs by name.

        :param event: what expressions of the workflow find under C(github).
        :param inputs: what somebody entered who started it by hand.
        :param before: what happens before a job, such as while its environment waits for reviewers.
        """
        text = (EXAMPLES / "github" / workflow).read_text(encoding="utf-8")
        content = yaml.safe_load(text)
        jobs: dict[str, Job] = {}
        for name, job in content["jobs"].items():
            (before or {}).get(name, lambda: None)()
            jobs[name] = done = Job(self._checkout(name))
            known = {f"github.{key}": value for key, value in {**event, "workspace": str(done.folder)}.items()}
            known |= {f"inputs.{key}": value for key, value in inputs.items()}
            known |= {f"secrets.{key}": value for key, value in self._secrets.get(job.get("environment"), {}).items()}
            needed = jobs.get(job.get("needs", ""), done)
            known |= {f"needs.{job.get('needs')}.outputs.{key}": value for key, value in needed.outputs.items()}
            if needed.status != 0 or not _holds(job.get("if", "always()"), known):
                done.status = None
                continue
            for step in job["steps"]:
                condition = step.get("if", "")
                # Without one of these functions, a condition also means that nothing failed.
                is_due = done.status == 0 or "cancelled()" in condition or "always()" in condition
                is_due = is_due and _holds(condition or "always()", known)
                if "run" in step and step["name"] != "Install" and is_due:
                    given = {**content.get("env", {}), **job.get("env", {}), **step.get("env", {})}
                    env = {key: _filled(str(value), known) for key, value in given.items()}
                    files = {key: str(self._home / key) for key in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
                    for file in files.values():
                        Path(file).write_text("", encoding="utf-8")
                    status = self._run(done, step["run"], {**_of_github(self.forge), **env, **files})
                    known[f"steps.{step.get('id')}.outcome"] = "failure" if status else "success"
                    if not step.get("continue-on-error"):
                        done.status = done.status or status
                    lines = Path(files["GITHUB_OUTPUT"]).read_text(encoding="utf-8").splitlines()
                    outputs = dict(line.split("=", 1) for line in lines)
                    known |= {f"steps.{step.get('id')}.outputs.{key}": value for key, value in outputs.items()}
                    done.summary += Path(files["GITHUB_STEP_SUMMARY"]).read_text(encoding="utf-8")
                elif step.get("uses", "").startswith("actions/cache/") and is_due:
                    self._cache(done, [step["with"]["path"]], saves="/save@" in step["uses"])
            done.outputs = {key: _filled(value, known) for key, value in job.get("outputs", {}).items()}
        return jobs

    def gitlab(
        self, variables: Mapping[str, str], before: Mapping[str, Callable[[], object]] | None = None
    ) -> dict[str, Job]:
        """Run a pipeline, manual jobs too, and return its jobs by name.

        :param variables: which GitLab sets for the pipeline.
        """
        content = yaml.safe_load((EXAMPLES / "gitlab" / "gitlab-ci.yml").read_text(encoding="utf-8"))
        known = {f"${key}": value for key, value in variables.items()}
        assert any(_holds(rule["if"], known) for rule in content["workflow"]["rules"])
        jobs: dict[str, Job] = {}
        for name, job in content.items():
            if not isinstance(job, dict) or "script" not in job:
                continue
            if not any(_holds(rule["if"], known) for rule in job["rules"]):
                continue
            (before or {}).get(name, lambda: None)()
            jobs[name] = done = Job(self._checkout(name))
            _open_to_everybody(done.folder.parent)
            handed = jobs[job["needs"][0]].outputs if job.get("needs") else {}
            secrets = self._secrets.get(job.get("environment", {}).get("name"), {})
            env = {**_of_gitlab(self.forge), **variables, **secrets, **handed}
            env |= {"CI_PROJECT_DIR": str(done.folder), "CI_BUILDS_DIR": str(self._jobs)}
            env |= {
                key: value.replace("$CI_PROJECT_DIR", str(done.folder)) for key, value in content["variables"].items()
            }
            installs = ("pip ", "ansible-galaxy ")
            before_script = [line for line in content["default"]["before_script"] if not line.startswith(installs)]
            cache = job.get("cache", {"policy": "", "paths": []})
            if "pull" in cache["policy"]:
                self._cache(done, cache["paths"], saves=False)
            done.status = self._run(done, "\n".join([*before_script, *job["script"]]), env)
            if "push" in cache["policy"] and done.status == 0:
                self._cache(done, cache["paths"], saves=True)
            file = job.get("artifacts", {}).get("reports", {}).get("dotenv")
            if file and done.status == 0:
                lines = (done.folder / file).read_text(encoding="utf-8").splitlines()
                done.outputs = dict(line.split("=", 1) for line in lines)
        return jobs

    def clear_cache(self) -> None:
        """Remove what jobs have kept for later ones."""
        shutil.rmtree(self._cached / "approved")

    def _cache(self, job: Job, paths: list[str], *, saves: bool) -> None:
        """Put files of a job into the cache of the main branch, or get those that are there."""
        source, target = (job.folder, self._cached) if saves else (self._cached, job.folder)
        for path in paths:
            if saves:
                shutil.rmtree(target / path, ignore_errors=True)
            if (source / path).exists():
                # As both forges do it: what is there and not in the cache stays.
                shutil.copytree(source / path, target / path, dirs_exist_ok=True)

    def _checkout(self, job: str) -> Path:
        folder = self._jobs / job
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.repository, folder, symlinks=True)
        return folder

    def _run(self, job: Job, script: str, env: Mapping[str, str]) -> int:
        """Run commands as both forges do, which end a script at the first error."""
        secrets = {value for environment in self._secrets.values() for value in environment.values()}
        job.secrets |= secrets & set(env.values())
        usual = {
            "PATH": os.pathsep.join([str(CORE_BIN), str(GATES), os.environ["PATH"]]),
            "HOME": str(self._home),
            "LANG": "C.UTF-8",
            # Where the tenant is; a real one is at the default address.
            "CAKEWALK_BASE_URL": self._tenant.url,
        }
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=job.folder,
            env={**usual, **env},
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        job.output += done.stdout
        return done.returncode


def _open_to_everybody(folder: Path) -> None:
    """Give a folder and all in it the permissions that GitLab's runners with containers give."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o777 if path.is_dir() else 0o666))


def _of_github(forge: Forge) -> dict[str, str]:
    of_run = {
        "GITHUB_SERVER_URL": "https://github.example",
        "GITHUB_RUN_ID": "11",
        "GITHUB_REF_NAME": "main",
        "GITHUB_SHA": COMMIT,
    }
    return {"GITHUB_ACTIONS": "true", "GITHUB_API_URL": forge.url, "GITHUB_REPOSITORY": "example/access", **of_run}


def _of_gitlab(forge: Forge) -> dict[str, str]:
    of_job = {"CI_JOB_URL": "https://gitlab.example/jobs/11", "FORGE_TOKEN": TOKEN, "CI_COMMIT_SHA": COMMIT}
    return {"GITLAB_CI": "true", "CI_API_V4_URL": forge.url, "CI_PROJECT_ID": "5", **of_job}


def _filled(text: str, known: Mapping[str, str]) -> str:
    return re.sub(r"\$\{\{ *(.*?) *\}\}", lambda found: _value(found[1], known), text)


def _holds(condition: str, known: Mapping[str, str]) -> bool:
    """Return whether a condition holds: comparisons with C(&&), some of them in brackets with C(||)."""
    terms = condition.removeprefix("${{").removesuffix("}}").split("&&")
    return all(any(_term(word.strip(" ()"), known) for word in term.split("||")) for term in terms)


def _term(term: str, known: Mapping[str, str]) -> bool:
    if term in ("always", "!cancelled"):
        return True
    left, sign, right = re.fullmatch(r"(\S+)(?: (==|!=) (\S+))?", term).groups()  # type: ignore[union-attr]
    if sign is None:
        return bool(_value(left, known))
    return (_value(left, known) == _value(right, known)) == (sign == "==")


def _value(word: str, known: Mapping[str, str]) -> str:
    """Return the value of a word, which is empty if nothing has this name, as on both forges."""
    return word[1:-1] if word[0] in "'\"" else known.get(word, "")
