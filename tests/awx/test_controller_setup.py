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
from awx.server import PASSWORD, TOKEN, USER, Awx

__all__ = ["playbooks", "running_tenant", "tenant"]

AWX = ROOT / ".build" / "awx"
CALLS = Path(__file__).parent / "calls.txt"
TASK = "cakewalk.access.controller_setup : Create and update what the file describes"
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

    def run(
        self,
        path: Path,
        *options: str,
        collections: str = f"{COLLECTIONS}{os.pathsep}{AWX}",
        env: dict[str, str] | None = None,
        **given: Any,
    ) -> Run:
        """Run the role with a file and options without their prefix; the log then has its requests only."""
        self.awx.log.clear()
        variables = {f"controller_setup_{name}": value for name, value in {"path": str(path), **given}.items()}
        environment = {**self.awx.env, "ANSIBLE_COLLECTIONS_PATH": collections, **(env or {})}
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


def test_a_password_stands_for_one_token_that_is_deleted(setup: Setup) -> None:
    env = {"CONTROLLER_OAUTH_TOKEN": "", "CONTROLLER_USERNAME": USER, "CONTROLLER_PASSWORD": PASSWORD}
    path = setup.saved(SMALL)
    for options, status in ((["--check"], 0), ([], 0), (["--check"], 2)):
        setup.awx.tokens.clear()
        if status:
            path = setup.saved({**SMALL, "organization": "O"})
        run = setup.run(path, *options, env=env)
        assert (run.status, setup.awx.tokens) == (status, ["POST", "DELETE"])
        assert (PASSWORD in run.output, TOKEN in run.output) == (False, False)


def test_what_a_module_did_before_it_failed_is_reported(setup: Setup) -> None:
    setup.run(setup.saved(SMALL)).succeeded()
    setup.awx.world.update_status = "failed"
    path = setup.saved({**SMALL, "projects": [{**SMALL["projects"][0], "scm_branch": "other"}]})
    failed = setup.run(path)
    assert (failed.status, failed[TASK].changed, outcomes(failed)) == (2, True, {"changed": {"project P"}})


PARTS = (("project", "projects"), ("inventory", "inventories"), ("execution_environment", "execution_environments"))
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
    "a project that AWX cannot fetch": (SMALL, "awx", "Could not set up the project 'P': Project update failed", 2),
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
    setup.awx.world.update_status = "failed" if "fetch" in case else "successful"

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


MAIL: Data = {
    **dict.fromkeys(("host", "username", "sender"), "x"),
    **{"port": 25, "use_tls": False, "use_ssl": False, "recipients": ["x@example.com"], "password": ""},
}
KEY: Data = {
    "name": "Key",
    "inputs": {"fields": [{"id": "key", "label": "Key", "secret": True}, {"id": "who", "label": "Who"}]},
    "injectors": {"env": {"KEY": "{{ key }}"}},
}
KEY["inputs"]["required"] = ["key"]


def with_secrets(who: str = "ada", **mail: Any) -> Data:
    """Return definitions of a credential and a notification whose secrets are given apart."""
    notification = {"name": "N", "notification_type": "email", "notification_configuration": {**MAIL, **mail}}
    notification["messages"] = {"success": {"message": "Ada's"} if who == "ada" else None}
    return {
        "credential_types": [KEY],
        "credentials": [{"name": "C", "credential_type": "Key", "inputs": {"who": who}}],
        "notification_templates": [notification],
    }


def test_what_two_organizations_have_under_one_name_is_told_apart(setup: Setup) -> None:
    template = {**SMALL["job_templates"][0], "credentials": ["C"], "notification_templates_error": ["N"]}
    content = {**SMALL, **with_secrets(), "job_templates": [{**template, "instance_groups": ["default"]}]}
    content["inventories"] = [{"name": "I", "hosts": [{"name": "localhost"}]}]
    content["execution_environments"] = [{"name": "E", "image": "image", "credential": "C"}]
    setup.awx.request("POST", "/api/v2/organizations/", {"name": "Other"})
    secrets = {"C": {"key": "k"}}
    setup.run(setup.saved({**content, "organization": "Other"}), secrets=secrets).succeeded()

    for options in ([], ["--check"]):
        refused = setup.run(setup.saved(content), *options, secrets=secrets)
        assert "the execution environment 'E' belongs to the organization 'Other'" in refused[TASK].data["msg"]
        assert (refused.status, setup.awx.writes()) == (2, [])

    path = setup.saved({**content, "execution_environments": [{**content["execution_environments"][0], "name": "D"}]})
    setup.run(path, secrets=secrets).succeeded()
    assert setup.run(path, secrets=secrets).succeeded()[TASK].changed is False
    world = setup.awx.world
    for row in world.rows("job_templates"):
        named = {name: row["summary_fields"][name]["id"] for name in ("project", "inventory", "execution_environment")}
        rows = {name: next(one for one in world.rows(section) if one["id"] == named[name]) for name, section in PARTS}
        assert {one["organization"] for one in rows.values()} == {row["organization"]}
        for section, association in (
            ("credentials", "credentials"),
            ("notification_templates", "notification_templates_error"),
        ):
            (used,) = world.associated(row, association)
            assert next(one for one in world.rows(section) if one["id"] == used)["organization"] == row["organization"]
        assert world.associated(row, "instance_groups") == [1]


def test_secrets_are_sent_again_only_if_asked_and_are_in_no_message(setup: Setup) -> None:
    secrets = {"C": {"key": "s3cret-key"}, "N": {"password": "s3cret-mail"}}
    path = setup.saved(with_secrets())

    runs = [setup.run(path, "-vvv", secrets=secrets).succeeded(), setup.run(path, secrets=secrets).succeeded()]
    assert (setup.awx.writes(), runs[1][TASK].changed) == ([], False)
    # AWX keeps those that it has, but not for another host, nor in a credential that changes.
    refused = setup.run(setup.saved(with_secrets("olga", host="y")))
    for secret, cause in (("password", "host"), ("key", "who")):
        assert f"could send its '{secret}' elsewhere, because '{cause}' changes" in refused[TASK].data["msg"]
    assert setup.awx.writes() == []
    edited = setup.saved(with_secrets("olga", sender="y"))
    of_credential = {"C": secrets["C"]}
    runs += [setup.run(edited, *options, secrets=of_credential).succeeded() for options in (["--check"], [], [])]
    assert [run[TASK].data["summary"].get("changed") for run in runs[2:]] == [2, 2, None]
    credential, mail = (setup.awx.world.kept(*one) for one in (("credentials", "C"), ("notification_templates", "N")))
    # A message that is left out becomes blank, which is AWX's own text.
    assert mail["messages"]["success"] == {"message": "", "body": ""}
    assert credential["inputs"] == {"who": "olga", "key": "s3cret-key"}
    assert (mail["notification_configuration"]["sender"], mail["notification_configuration"]["password"]) == (
        "y",
        "s3cret-mail",
    )

    secrets["C"]["key"] = secrets["N"]["password"] = "s3cret-new"
    moved = setup.saved(with_secrets("olga", sender="y", host="y"))
    runs.append(setup.run(moved, secrets=secrets).succeeded())
    assert [one[:2] for one in setup.awx.writes()] == [("PATCH", "/api/v2/notification_templates/1/")]
    assert mail["notification_configuration"]["password"] == "s3cret-new"
    runs.append(setup.run(moved, secrets=secrets, update_secrets=True).succeeded())
    assert [one[:2] for one in setup.awx.writes()] == [
        ("PATCH", "/api/v2/credentials/3/"),
        ("PATCH", "/api/v2/notification_templates/1/"),
    ]
    assert credential["inputs"]["key"] == mail["notification_configuration"]["password"] == "s3cret-new"
    assert not any("s3cret" in run.output for run in runs)

    content = with_secrets("olga", sender="y", host="y")
    content["credential_types"] = [{**KEY, "inputs": {"fields": [*KEY["inputs"]["fields"], {"id": "x", "label": "X"}]}}]
    refused = setup.run(setup.saved(content))
    assert "AWX does not change the `inputs` of the credential type 'Key'" in refused[TASK].data["msg"]
    other = {"name": "D", "organization": 1, "credential_type": 31, "inputs": {"key": "k"}}
    setup.awx.request("POST", "/api/v2/credentials/", other)
    refused = setup.run(
        setup.saved({**SMALL, "job_templates": [{**SMALL["job_templates"][0], "credentials": ["C", "D"]}]})
    )
    assert "the job template 'T' has several credentials that set KEY" in refused[TASK].data["msg"]
    assert setup.awx.writes() == []
