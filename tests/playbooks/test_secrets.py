# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Key and secret appear nowhere, whatever goes wrong and however much is printed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import ansible_runner
import pytest
from contract.wire import Request, Wire, answer, detour, path_of
from playbooks.harness import INFO, MEMBERS, Data, Playbooks, names, play, task
from sandbox.process import Sandbox

pytestmark = pytest.mark.every_core

ERIN, OSCAR = "erin.engineer@example.com", "oscar.offboarding@example.com"
#: What is looked for, and credentials around it that every kind of quoting spells in another way.
MARKS = ("KeyThatSings", "SecretThatSings")
KEY, SECRET = (f"a'b\"{mark}\\<&%2F+=~" for mark in MARKS)
LOUD = ("-vvvv", "--diff")
#: Given by variables, since Ansible quotes the lines of a playbook in its errors.
GIVEN = {name: f"{{{{ given.{name} }}}}" for name in ("base_url", "api_key", "api_secret")}
LEAKY_URL = "http://{{ given.api_key }}:{{ given.api_secret }}@service.example.com"


@pytest.fixture
def wire(tenant: Sandbox) -> Iterator[Wire]:
    """The tenant behind somebody who takes the canaries for the tenant's key, and repeats them in all that it says."""

    def own(request: Request) -> bytes | None:
        told = f"{request.headers['x-api-key']} and {request.headers['x-api-secret']}"
        problem = dict.fromkeys(("title", "detail", "instance", "type"), told)
        if request.method == "DELETE":
            return answer(204, headers={"Deprecation": told, "Sunset": told})
        if request.method == "POST":
            return answer(400, {**problem, "status": 400, "errors": {told: [told]}})
        if path_of(request) == "/api/v1/Users":
            return answer(403, {**problem, "status": 403}, {"WWW-Authenticate": told})
        if path_of(request) == "/api/v1/WorkApps":
            return answer(200, told.encode(), {"Content-Type": told})
        return None

    passed = detour(tenant.url, own)

    def reply(request: Request) -> bytes:
        sent = own(request)
        own_key = {"x-api-key": tenant.api_key, "x-api-secret": tenant.api_secret}
        if sent is None:
            return passed(Request(request.method, request.target, {**request.headers, **own_key}, request.body))
        return sent

    with Wire(reply) as wire:
        yield wire


@pytest.fixture
def canaries(wire: Wire) -> Data:
    """The variables that hand a run the canaries."""
    given = {"base_url": wire.url, "api_key": KEY, "api_secret": SECRET}
    return {"given": given, **{f"cakewalk_{name}": value for name, value in given.items()}}


def echoed(tenant: Sandbox) -> list[Data]:
    """Return tasks that end in each of the echoes, and hand on what they returned.

    Some are given the canaries by options, and some by variables.
    """
    joining, acting = (tenant.find("users", email)["id"] for email in (ERIN, tenant.acting_user))
    contractors = {"group": "Contractors", "max_retries": 0, "acting_user": acting}
    tasks = {
        "success": (INFO, {**GIVEN, "groups": ["Contractors"], "include": ["members"]}),
        "no success": (INFO, {"gather": ["users"]}),
        "no JSON": (INFO, {"gather": ["apps"]}),
        "no address": (INFO, {**GIVEN, "gather": ["users"], "base_url": LEAKY_URL}),
        "headers": (MEMBERS, {**contractors, **GIVEN, "users": [OSCAR], "state": "absent"}),
        "refusal": (MEMBERS, {**contractors, "users": [joining]}),
    }
    kept = [f"kept_{number}" for number in range(len(tasks))]
    everything = f"{{{{ [{', '.join(kept)}] | to_json }}}}"
    return [
        *(
            task(title, module, options, register=name, ignore_errors=True)
            for name, (title, (module, options)) in zip(kept, tasks.items(), strict=True)
        ),
        task("show", "ansible.builtin.debug", {"msg": everything}),
        task("keep", "ansible.builtin.copy", {"content": everything, "dest": "kept.json", "mode": "0600"}),
    ]


def held(text: str) -> list[str]:
    """Return the canaries that a text holds, in whatever quoting."""
    return [mark for mark in MARKS if mark in text]


@pytest.mark.parametrize(
    ("in_process", "options"),
    [
        ("true", LOUD),
        pytest.param("false", (*LOUD, "--check"), marks=pytest.mark.slow),
        pytest.param("true", (*LOUD, "--check"), marks=pytest.mark.slow),
        pytest.param("false", LOUD, marks=pytest.mark.slow),
    ],
)
def test_an_echo_is_silenced(
    playbooks: Playbooks, tenant: Sandbox, wire: Wire, canaries: Data, options: tuple[str, ...], in_process: str
) -> None:
    way = {"CAKEWALK_IN_PROCESS": in_process}
    run = playbooks.run(play(*echoed(tenant)), *options, variables=canaries, **way).succeeded()
    assert {request.headers["x-api-key"] for request in wire.requests} == {KEY}
    assert not run["success"].failed
    assert run["no success"].data["error"]["status"] == 403
    assert run["no JSON"].data["error"]["kind"] == "protocol"
    assert "holds a user name or password" in run["no address"].data["msg"]
    if "--check" not in options:
        assert any("as deprecated" in warning for warning in run["headers"].warnings), run["headers"].data
        assert run["refusal"].data["error"]["status"] == 400
    assert not held(run.output)
    assert not held(json.dumps([result.data for result in run.results]))
    # Ansible hands options to callbacks, as it templated them.
    assert not [result.task for result in run.results if "api_key" not in result.args and held(str(result.args))]
    assert not [path for path in playbooks.left_behind() if held(path.read_text(errors="replace"))]


@pytest.mark.parametrize("in_process", ["true", pytest.param("false", marks=pytest.mark.slow)])
def test_a_name_like_a_secret_is_silenced(playbooks: Playbooks, tenant: Sandbox, in_process: str) -> None:
    group = names(tenant)["group_id"]["Sales"]
    tenant.change("rename_group", group=group, name=f"G {tenant.api_secret}")
    nobody = {"group": group, "users": ["nobody@example.com"], "state": "absent"}
    tasks = [task("warn", MEMBERS, nobody), task("read", INFO, {"gather": ["groups"]})]
    run = playbooks.run(play(*tasks), *LOUD, CAKEWALK_IN_PROCESS=in_process).succeeded()
    assert run["warn"].warnings
    assert "G ********" in run["read"].data["groups_by_name"]
    assert tenant.api_secret not in run.output + json.dumps([result.data for result in run.results])


@pytest.mark.parametrize("in_process", ["true", pytest.param("false", marks=pytest.mark.slow)])
def test_wrong_credentials_are_not_repeated(playbooks: Playbooks, in_process: str) -> None:
    variables = {"CAKEWALK_API_KEY": KEY, "CAKEWALK_API_SECRET": SECRET, "CAKEWALK_IN_PROCESS": in_process}
    run = playbooks.run(play(task("query", INFO, {"gather": ["users"]})), *LOUD, **variables)
    assert run["query"].data["error"]["kind"] == "unauthorized"
    assert "Check `api_key` and `api_secret` (CAKEWALK_API_KEY, CAKEWALK_API_SECRET)" in run["query"].data["msg"]
    assert not held(run.output)
    assert not [path for path in playbooks.left_behind() if held(path.read_text(errors="replace"))]


def test_real_credentials_are_not_repeated(playbooks: Playbooks, tenant: Sandbox) -> None:
    tasks = [
        task("change", MEMBERS, {"group": "Contractors", "users": [ERIN]}),
        task(
            "refused", MEMBERS, {"group": "Okta Everyone", "users": [OSCAR], "allow_inactive": True}, ignore_errors=True
        ),
    ]
    run = playbooks.run(play(*tasks), *LOUD).succeeded()
    assert run["change"].changed
    assert run["refused"].failed
    texts = [run.output, *(path.read_text(errors="replace") for path in playbooks.left_behind())]
    assert not [text for text in texts if tenant.api_key in text or tenant.api_secret in text]


def test_events_of_a_runner_hold_no_credentials(
    playbooks: Playbooks, tenant: Sandbox, canaries: Data, tmp_path: Path
) -> None:
    folder = tmp_path / "runner"
    folder.mkdir()
    tasks = echoed(tenant)
    done = ansible_runner.run(
        private_data_dir=str(folder),
        playbook=play(*tasks),
        extravars=canaries,
        envvars=playbooks.environment(),
        verbosity=4,
        cmdline="--diff",
        quiet=True,
    )
    printed = done.stdout.read()
    events = list(folder.rglob("job_events/*.json"))
    assert done.status == "successful", printed
    assert len(events) > len(tasks)
    assert not held(printed)
    assert not [path for path in events if held(path.read_text(encoding="utf-8"))]


def test_files_that_stay_hold_no_secret_however_it_is_quoted(playbooks: Playbooks, tenant: Sandbox) -> None:
    def reply(request: Request) -> bytes:
        own_key = {"x-api-key": tenant.api_key, "x-api-secret": tenant.api_secret}
        return passed(Request(request.method, request.target, {**request.headers, **own_key}, request.body))

    passed = detour(tenant.url, lambda _request: None)
    group = names(tenant)["group_id"]["Contractors"]
    tenant.change("rename_group", group=group, name=f"x {SECRET} y")
    tenant.change("set_field", app="GitHub", field="Cost Center", value=f"x {SECRET} y")
    folder = playbooks.folder / "kept"
    code = "cakewalk.access.cakewalk_access_as_code"
    joining = {"group": group, "users": [ERIN]}
    with Wire(reply) as wire:
        given = {"base_url": wire.url, "api_key": KEY, "api_secret": SECRET}
        tasks = [
            task("read", INFO, {"gather": ["groups", "apps"], "path": str(folder / "info.json")}),
            task("export", code, {"mode": "export", "folder": str(folder / "code")}),
            task("proof", "cakewalk.access.cakewalk_evidence", {"folder": str(folder / "evidence")}),
            task("join", MEMBERS, {**joining, "journal_path": str(folder / "journal.jsonl")}),
        ]
        variables = {f"cakewalk_{name}": value for name, value in given.items()}
        playbooks.run(play(*tasks), variables=variables).succeeded()
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {"info.json", "custom_fields.yml", "manifest.json", "journal.jsonl"} <= {path.name for path in files}
    assert not [path.name for path in files if held(path.read_text(errors="replace"))]
    assert "x ******** y" in json.loads((folder / "info.json").read_text())["groups_by_name"]
    assert "x ******** y" in (folder / "code" / "custom_fields.yml").read_text()
