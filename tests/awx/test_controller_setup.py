# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role C(controller_setup) with the real modules of C(awx.awx), against the stand-in.

Each module is a process, so all of this takes minutes, and runs in C(make test-all) only, which fetches the collection.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from playbooks.conftest import playbooks, running_tenant, tenant
from playbooks.harness import COLLECTIONS, Data, Playbooks, Run

from awx.example import FILE, PLAYBOOKS, ROOT
from awx.server import Awx

__all__ = ["playbooks", "running_tenant", "tenant"]

AWX = ROOT / ".build" / "awx"
CALLS = Path(__file__).parent / "calls.txt"
TASK = "cakewalk.access.controller_setup : Set up AWX"
SECRETS = {
    f"Cakewalk {name}": {"api_key": f"KEY-{name}", "api_secret": f"SECRET-{name}"}
    for name in ("read-only", "read-write", "fulfilment")
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (AWX / "ansible_collections").is_dir(), reason="make test-all fetches awx.awx"),
    pytest.mark.xdist_group("awx"),
]


class Setup:
    """Runs the role against a stand-in."""

    def __init__(self, playbooks: Playbooks, awx: Awx) -> None:
        self._playbooks, self.awx = playbooks, awx

    def run(self, path: Path, *options: str, collections: str = f"{COLLECTIONS}{os.pathsep}{AWX}", **given: Any) -> Run:
        """Run the role with a file and options without their prefix; the log then has its requests only."""
        self.awx.log.clear()
        variables = {f"controller_setup_{name}": value for name, value in {"path": str(path), **given}.items()}
        environment = {**self.awx.env, "ANSIBLE_COLLECTIONS_PATH": collections}
        return self._playbooks.run("cakewalk.access.controller_setup", *options, variables=variables, **environment)

    def saved(self, content: Data) -> Path:
        """Return a file with these definitions."""
        path = self._playbooks.folder / "controller.yml"
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
        return path


@pytest.fixture
def setup(playbooks: Playbooks) -> Iterator[Setup]:
    with Awx(PLAYBOOKS) as awx:
        yield Setup(playbooks, awx)


def outcomes(run: Run) -> dict[str, set[str]]:
    """Return the names of objects by their outcome."""
    by_outcome: dict[str, set[str]] = {}
    for one in run[TASK].data["objects"]:
        by_outcome.setdefault(one["outcome"], set()).add(f"{one['type']} {one['name']}")
    return by_outcome


def test_the_example_is_foreseen_set_up_once_and_left_alone(setup: Setup) -> None:
    foreseen = setup.run(FILE, "--check", secrets=SECRETS).succeeded()
    assert (setup.awx.writes(), foreseen[TASK].changed) == ([], True)

    done = setup.run(FILE, secrets=SECRETS).succeeded()
    calls = [f"{method} {path} {status}\n" for method, path, status in setup.awx.writes()]
    assert "".join(calls) == CALLS.read_text(encoding="utf-8")
    assert outcomes(foreseen) == outcomes(done)
    assert outcomes(done).keys() == {"created", "left_out"}
    assert outcomes(done)["left_out"] == {"credential Cakewalk plan webhook"}
    assert any("Cakewalk plan webhook" in warning for warning in done.warned_of())
    for run in (foreseen, done):
        assert not any(f"{kind}-{name}" in run.output for kind in ("KEY", "SECRET") for name in ("read-", "fulf"))

    world = setup.awx.world
    workflow = world.named("workflow_job_templates", "Cakewalk leaver with approval")
    nodes = {row["identifier"]: row for row in world.rows("workflow_job_template_nodes")}
    assert nodes["dry_run"]["workflow_job_template"] == workflow["id"]
    assert nodes["dry_run"]["success_nodes"] != [] == nodes["proof"]["success_nodes"]
    apply = world.named("job_templates", "Cakewalk apply")
    assert [row["variable"] for row in world.survey(apply)["spec"]] == ["access_as_code_plan_hash"]
    assert world.associated(apply, "credentials") == [world.named("credentials", "Cakewalk read-write")["id"]]
    kind = world.named("credential_types", "Cakewalk read-only")
    assert kind["injectors"]["env"]["CAKEWALK_API_KEY"] == "{{ api_key }}"

    again = setup.run(FILE, secrets=SECRETS).succeeded()
    assert (setup.awx.writes(), again[TASK].changed, outcomes(again).keys()) == ([], False, {"left_out"})
    # Without the secrets, AWX keeps those that it has.
    later = setup.run(FILE, "--check").succeeded()
    assert (setup.awx.writes(), later[TASK].changed) == ([], False)


SMALL: Data = {
    "execution_environments": [{"name": "E", "image": "image"}],
    "projects": [{"name": "P", "scm_url": "url"}],
    "inventories": [{"name": "I"}],
    "job_templates": [{"name": "T", "playbook": "leaver.yml"}],
}


def test_a_new_node_is_put_between_two_others_and_one_that_the_file_lacks_is_removed(setup: Setup) -> None:
    def workflow(*nodes: Data) -> Data:
        return {**SMALL, "workflow_job_templates": [{"name": "W", "nodes": list(nodes)}]}

    one, two = ({"identifier": name, "job_template": "T"} for name in ("one", "two"))
    setup.run(setup.saved(workflow({**one, "success_nodes": ["two"]}, two))).succeeded()
    approve = {"identifier": "approve", "approval": {"name": "Approve"}, "success_nodes": ["two"]}
    path = setup.saved(workflow({**one, "success_nodes": ["approve"]}, approve, two))

    foreseen = setup.run(path, "--check").succeeded()
    assert setup.awx.writes() == []
    done = setup.run(path).succeeded()
    assert outcomes(foreseen) == outcomes(done)
    assert outcomes(done)["created"] == {"workflow_job_template_node approve"}
    assert outcomes(done)["changed"] == {"workflow_job_template_node one"}
    rows = {row["identifier"]: row for row in setup.awx.world.rows("workflow_job_template_nodes")}
    assert rows["one"]["success_nodes"] == [rows["approve"]["id"]]
    assert rows["approve"]["success_nodes"] == [rows["two"]["id"]]

    gone = setup.run(setup.saved(workflow(one))).succeeded()
    assert outcomes(gone)["removed"] == {"workflow_job_template_node approve", "workflow_job_template_node two"}
    assert [row["identifier"] for row in setup.awx.world.rows("workflow_job_template_nodes")] == ["one"]


#: What goes wrong: the file, the kind of error, words of the message, and the writes before it.
FAILING: dict[str, tuple[Data, str, str, int]] = {
    "a misspelt key": (
        {**SMALL, "job_templates": [{"name": "T", "playbok": "leaver.yml"}]},
        "configuration",
        "job_templates, entry 1 ('T'): playbok. Supported parameters",
        0,
    ),
    "a credential that is nowhere": (
        {**SMALL, "job_templates": [{**SMALL["job_templates"][0], "credentials": ["C"]}]},
        "configuration",
        "neither the file nor AWX has the credential 'C'",
        0,
    ),
    "another organization": ({**SMALL, "organization": "O"}, "configuration", "has the organization 'O'", 0),
    "a playbook that the project lacks": (
        {**SMALL, "job_templates": [{"name": "T", "playbook": "absent.yml"}]},
        "awx",
        "Could not set up the job template 'T': Unable to create job_template T: "
        "{'playbook': ['Playbook not found for project.']}",
        3,
    ),
    "a name that is taken": (
        {**SMALL, "job_templates": [{"name": "Taken", "playbook": "leaver.yml"}]},
        "awx",
        "JobTemplate with this (organization, name) combination already exists",
        3,
    ),
}


@pytest.mark.parametrize("case", FAILING)
def test_what_goes_wrong_is_said_and_nothing_is_written_that_could_be_refused_before(case: str, setup: Setup) -> None:
    content, kind, words, written = FAILING[case]
    setup.awx.world.hidden.add("Taken")

    run = setup.run(setup.saved(content))

    (failed,) = [result for result in run.results if result.failed]
    assert (run.status, failed.data["error"]["kind"]) == (2, kind)
    assert words in failed.data["msg"]
    accepted = [one for one in setup.awx.writes() if one[2] < 400]
    assert (len(accepted), failed.changed) == (written, written > 0)


def test_without_a_collection_for_awx_the_run_says_which_to_install(setup: Setup) -> None:
    run = setup.run(setup.saved(SMALL), collections=str(COLLECTIONS))

    assert (run.status, setup.awx.log) == (2, [])
    assert "neither the collection awx.awx nor ansible.controller is installed" in run.output
    assert "ansible-galaxy collection install awx.awx" in run.output


def test_secrets_are_sent_again_only_if_asked_and_are_in_no_message(setup: Setup) -> None:
    kind = {
        "name": "Key",
        "inputs": {"fields": [{"id": "key", "label": "Key", "secret": True}], "required": ["key"]},
        "injectors": {"env": {"KEY": "{{ key }}"}},
    }
    mail: Data = dict.fromkeys(("host", "username", "sender"), "x")
    mail |= {"port": 25, "use_tls": False, "use_ssl": False, "recipients": ["x@example.com"], "password": "s3cret-mail"}
    notification = {"name": "N", "notification_type": "email", "notification_configuration": mail}
    path = setup.saved(
        {
            "credential_types": [kind],
            "credentials": [{"name": "C", "credential_type": "Key"}],
            "notification_templates": [notification],
        }
    )
    secrets = {"C": {"key": "s3cret-key"}}

    runs = [setup.run(path, secrets=secrets).succeeded(), setup.run(path, secrets=secrets).succeeded()]
    assert (setup.awx.writes(), runs[1][TASK].changed) == ([], False)
    runs.append(setup.run(path, secrets=secrets, update_secrets=True).succeeded())
    assert [one[:2] for one in setup.awx.writes()] == [
        ("PATCH", "/api/v2/credentials/3/"),
        ("PATCH", "/api/v2/notification_templates/1/"),
    ]
    assert not any("s3cret" in run.output for run in runs)
