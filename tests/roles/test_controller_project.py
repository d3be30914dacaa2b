# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The project for AWX: answers to its surveys go through its playbooks, and its workflows hand on what jobs need."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.cakewalk.access.plugins.module_utils._engine.controller_setup.checks import LINKS
from awx.example import DEFINITIONS, PROJECT
from playbooks.harness import Data, Playbooks, Run, members, writes
from roles.people import CONNOR, ERIN, OWEN, approving, custom_stats, stays
from sandbox.known import task_id
from sandbox.process import Sandbox

IRIS, OLGA = "iris.invited@example.com", "olga.owner@example.com"
TEMPLATES = {template["name"]: template for template in DEFINITIONS["job_templates"]}
WORKFLOWS = {workflow["name"]: workflow for workflow in DEFINITIONS["workflow_job_templates"]}
#: What people type, with blanks and line ends that they do not mean.
ANSWERS: dict[str, Data] = {
    "Cakewalk onboard": {"onboard_group": "Engineering ", "onboard_users": f"{OWEN}\n\n {IRIS} \n"},
    "Cakewalk joiner": {
        "joiner_user": f"{OWEN} ",
        "joiner_groups": "Engineering\n Sales \n",
        "joiner_accesses": "Salesforce: Standard \r\nOrphan Wiki\n",
        "joiner_purpose": "Starts in May ",
    },
    "Cakewalk mover": {"mover_user": f" {ERIN}", "mover_joins": "Sales\n\n", "mover_leaves": " Engineering \n"},
    "Cakewalk leaver dry run": {
        "leaver_user": f"{CONNOR} ",
        "leaver_confirm": CONNOR,
        "leaver_purpose": "Last day is Friday\n",
    },
    "Cakewalk evidence": {"evidence_compare_with": "", "evidence_report_title": "Access in May "},
    "Cakewalk access review": {
        "review_name": "May 2099 ",
        "review_reviewer": "app_owner",
        "review_due_date": "2099-05-31 ",
        "review_description": "Please look closely.\nThank you.\n",
        "review_apps": "GitHub\nAWS \n",
        "review_all_apps": "no",
    },
    "Cakewalk fulfil task": {"task_fulfilment_task": f"{task_id('action')} "},
    "Cakewalk sweep tasks": {"task_fulfilment_assignees": f"{OLGA}\n"},
}
ALIKE = {"Cakewalk leaver": "Cakewalk leaver dry run", "Cakewalk leaver proof": "Cakewalk leaver dry run"}


class Controller:
    """Runs playbooks of a copy of the project with the variables that AWX would give them."""

    def __init__(self, playbooks: Playbooks, tenant: Sandbox) -> None:
        self._playbooks, self._tenant = playbooks, tenant
        self.project = playbooks.folder / "project"
        shutil.copytree(PROJECT, self.project)
        # The volume, with the folder that must be there before the first leaver.
        self.kept = playbooks.folder / "volume"
        (self.kept / "leavers").mkdir(mode=0o700, parents=True)
        self.kept.chmod(0o700)
        code = {
            "tenant": {"anchors": [app["id"] for app in tenant.state("apps")["apps"]][:3]},
            "groups": [{"group": "Contractors", "members": [IRIS]}],
        }
        (self.project / "tenant").mkdir()
        (self.project / "tenant" / "all.yml").write_text(yaml.safe_dump(code), encoding="utf-8")

    def files(self) -> list[Path]:
        """Return the files on the volume."""
        return [path for path in self.kept.rglob("*") if path.is_file()]

    def launch(self, names: list[str], variables: Data, *options: str, **environment: str) -> Run:
        """Run the playbooks of templates in one run of Ansible, with what the templates set."""
        paths = [str(self.project / TEMPLATES[name]["playbook"]) for name in names]
        given: Data = {"kept_files": str(self.kept)}
        for name in names:
            given |= TEMPLATES[name]["extra_vars"]
            given |= {question["variable"]: question["default"] for question in TEMPLATES[name]["survey"]}
        given |= variables
        if any("read-only" in credential for name in names for credential in TEMPLATES[name]["credentials"]):
            keys = {"KEY": self._tenant.read_only_key, "SECRET": self._tenant.read_only_secret}
            environment |= {f"CAKEWALK_API_{name}": value for name, value in keys.items()}
        check = ["--check"] if any(TEMPLATES[name]["job_type"] == "check" for name in names) else []
        environment |= {"ANSIBLE_SHOW_CUSTOM_STATS": "true"}
        imports = [{"name": path, "ansible.builtin.import_playbook": path} for path in paths]
        playbook = paths[0] if len(paths) == 1 else imports
        return self._playbooks.run(playbook, *check, *options, variables=given, **environment)

    def run_workflow(self, name: str, answers: Data, **environment: str) -> Iterator[tuple[str, Run]]:
        """Run the nodes of a workflow that succeed, with the facts of the jobs before."""
        nodes = {node["identifier"]: node for node in WORKFLOWS[name]["nodes"]}
        (following,) = nodes.keys() - {to for node in nodes.values() for link in LINKS for to in node[link]}
        facts: Data = {}
        while following:
            node = nodes[following]
            if node["job_template"]:
                run = self.launch([node["job_template"]], {**facts, **answers}, **environment)
                yield following, run
                facts |= custom_stats(run)
            following = next(iter(node["success_nodes"]), "")


@pytest.fixture
def controller(playbooks: Playbooks, tenant: Sandbox) -> Controller:
    return Controller(playbooks, tenant)


def blank(name: str) -> Data:
    """Return the answers of somebody who answers only what the survey requires."""
    required = {question["variable"]: question["required"] for question in TEMPLATES[name]["survey"]}
    return {variable: answer if required[variable] else "" for variable, answer in ANSWERS[name].items()}


def test_there_are_answers_to_every_survey() -> None:
    for name, template in TEMPLATES.items():
        if template["survey"] and "access_as_code" not in template["playbook"]:
            asked = {question["variable"] for question in template["survey"]}
            assert asked == ANSWERS[ALIKE.get(name, name)].keys(), name


#: Templates that run together, since no name of their variables is another's.
APART = ("Cakewalk sweep tasks", "Cakewalk fulfil task")


@pytest.mark.parametrize(
    "answered", [pytest.param("all", marks=pytest.mark.slow), pytest.param("only what is required")]
)
def test_answers_go_through_a_dry_run(answered: str, controller: Controller, tenant: Sandbox) -> None:
    of_tasks = APART[answered == "all"]
    names = [name for name in ANSWERS if name not in APART or name == of_tasks]
    answers = [ANSWERS[name] if answered == "all" else blank(name) for name in names]
    given = {variable: answer for of_one in answers for variable, answer in of_one.items()}
    if answered != "all":
        # The API would not know which apps to review.
        given["review_all_apps"] = "yes"
        given["mover_joins"] = "Sales"

    run = controller.launch([*names, "Cakewalk plan"], given, "--check").succeeded()

    assert writes(tenant.log()) == []
    assert controller.files() == []
    assert run["Add the people"].data["memberships"][0]["added"] == sorted([IRIS, OWEN])
    review = run["Start the review"].data["review"]
    assert (review["name"], review["all_apps"]) == ("May 2099", answered != "all")
    told = {result.task.partition(" : ")[0].rpartition(".")[2]: result.data for result in run.results}
    assert {"joiner", "mover", "leaver", "evidence", "task_fulfilment", "access_as_code"} <= told.keys()
    facts = custom_stats(run)
    assert facts["leaver_number_of_people"] == 1
    assert (facts["access_as_code_steps"], len(facts["access_as_code_plan_hash"])) == (1, 64)


@contextmanager
def receiving() -> Iterator[tuple[str, list[Data]]]:
    """Run a server that keeps what it receives."""
    received: list[Data] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_what: object) -> None:
            """Keep the output of the tests clean."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook", received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.slow
def test_a_workflow_applies_the_plan_that_the_approver_got(controller: Controller, tenant: Sandbox) -> None:
    with receiving() as (url, received):
        for node, run in controller.run_workflow("Cakewalk plan and apply", {}, CAKEWALK_PLAN_WEBHOOK=url):
            run.succeeded()
            if node == "plan":
                assert writes(tenant.log()) == []
                assert "  + iris.invited@example.com" in received[0]["text"].splitlines()
            if node == "apply":
                assert [method for method, _path in writes(tenant.log())] == ["POST"]
            if node == "evidence":
                assert list((controller.kept / "evidence").iterdir())
    assert len(received) == 1
    # The digest of what was applied is on the volume.
    controller.launch(["Cakewalk expire"], {}).succeeded()
    groups = controller.project / "tenant" / "all.yml"
    groups.write_text(groups.read_text(encoding="utf-8").replace(IRIS, ERIN), encoding="utf-8")
    assert "was approved" in controller.launch(["Cakewalk expire"], {}).output
    contractors = tenant.find("groups", "Contractors")["id"]
    assert IRIS in members(tenant.state())[contractors]


@pytest.mark.slow
def test_a_workflow_offboards_after_a_dry_run_and_proves_it(controller: Controller, tenant: Sandbox) -> None:
    tenant.change("remove_member", group="Okta Everyone", user=ERIN)
    answers = {"leaver_user": ERIN, "leaver_confirm": ERIN, "leaver_purpose": ""}
    with receiving() as (url, received):
        for node, run in controller.run_workflow("Cakewalk leaver with approval", answers, CAKEWALK_PLAN_WEBHOOK=url):
            run.succeeded()
            if node == "dry_run":
                assert (writes(tenant.log()), controller.files()) == ([], [])
                assert "leaves the group Engineering" in received[0]["text"]
            if node == "leave":
                assert custom_stats(run)["leaver_complete"] is False
                now = {**answers, "leaver_wait_timeout": 0}
                pending = controller.launch(["Cakewalk leaver proof"], now)
                assert (pending.status, "Pending, because it waits for approvals: 2." in pending.output) == (2, True)
                tenant.change("add_member", group="Okta Everyone", user=ERIN)
                failed = controller.launch(["Cakewalk leaver proof"], now)
                assert (failed.status, "this is left to do by hand: 1." in failed.output) == (2, True)
                tenant.change("remove_member", group="Okta Everyone", user=ERIN)
                with approving(tenant):
                    while tenant.state("requests")["requests"][-1]["status"] == "Pending":
                        pass
            if node == "proof":
                assert custom_stats(run)["leaver_complete"] is True
    assert stays(tenant, ERIN) == {"groups": [], "apps": []}
    assert len(received) == 1
    assert len(list((controller.kept / "leavers").glob("leaver-*.json"))) == 4


@pytest.mark.slow
def test_what_is_exported_is_committed_and_has_no_drift(controller: Controller, tenant: Sandbox) -> None:
    export = str(controller.kept / "export")
    controller.launch(["Cakewalk export"], {"access_as_code_folder": export}).succeeded()
    shutil.rmtree(controller.project / "tenant")
    shutil.copytree(export, controller.project / "tenant")

    assert custom_stats(controller.launch(["Cakewalk drift"], {}).succeeded())["access_as_code_in_sync"] is True

    rules = [{"name": "Two engineers", "severity": "low", "reason": "Continuity"}]
    rules[0] |= {"limits": {"holders_of": [{"group": "Engineering"}], "at_least": 1}}
    (controller.project / "tenant" / "rules.yml").write_text(yaml.safe_dump({"rules": rules}), encoding="utf-8")
    controller.launch(["Cakewalk access rules"], {}).succeeded()
    tenant.change("remove_member", group="Engineering", user=ERIN)
    drift = controller.launch(["Cakewalk drift"], {})
    assert (drift.status, custom_stats(drift)["access_as_code_in_sync"]) == (2, False)


@pytest.mark.slow
def test_a_report_compares_with_an_earlier_bundle(controller: Controller) -> None:
    answers: dict[str, Any] = {"evidence_compare_with": "", "evidence_report_title": ""}
    first = custom_stats(controller.launch(["Cakewalk evidence"], answers).succeeded())["evidence_bundle"]
    answers["evidence_compare_with"] = f"{first} "

    assert Path(first).is_dir()
    controller.launch(["Cakewalk evidence"], answers, "--check").succeeded()
