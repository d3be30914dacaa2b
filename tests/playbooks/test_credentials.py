# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a connection and its credentials come from: options, module_defaults, variables, the environment."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
import yaml
from playbooks.harness import (
    ACCESS,
    CORE_BIN,
    INFO,
    MEMBERS,
    POLICY,
    REVIEW,
    TASK,
    Data,
    Playbooks,
    play,
    task,
    writes,
)
from sandbox.known import task_id
from sandbox.process import Sandbox

pytestmark = pytest.mark.every_core

READ = {"gather": ["groups"]}
EMPTY = {f"CAKEWALK_{name}": "" for name in ("BASE_URL", "API_KEY", "API_SECRET", "ACTING_USER")}
#: The value that is used, by what the task, the play, a variable and the environment (15) set.
ORDER: dict[str, tuple[Data, Data, Data, int]] = {
    "option": ({"timeout": 11}, {"timeout": 12}, {"cakewalk_timeout": 13}, 11),
    "defaults": ({}, {"timeout": 12}, {"cakewalk_timeout": 13}, 12),
    "omitted option": ({"timeout": "{{ omit }}"}, {"timeout": 12}, {"cakewalk_timeout": 13}, 12),
    "blank option": ({"timeout": " "}, {}, {"cakewalk_timeout": 13}, 13),
    "variable": ({}, {}, {"cakewalk_timeout": 13}, 13),
    "text": ({}, {}, {"cakewalk_timeout": " 13\n"}, 13),
    "template": ({}, {}, {"cakewalk_timeout": "{{ lookup('env', 'THIRTEEN') }}"}, 13),
    "blank variable": ({}, {}, {"cakewalk_timeout": " "}, 15),
    "blank template": ({}, {}, {"cakewalk_timeout": "{{ lookup('env', 'NOWHERE') }}"}, 15),
    "null": ({}, {}, {"cakewalk_timeout": None}, 15),
    "omitted variable": ({}, {}, {"cakewalk_timeout": "{{ omit }}"}, 15),
    "environment": ({}, {}, {}, 15),
}


#: What a variable for a key holds, and how the message says that it is wrong, without the value.
BROKEN: dict[str, tuple[Any, str]] = {
    "braces": ("{{ canary", "broken template"),
    "a tag": ("{% canary %}", "broken template"),
    "braces elsewhere": ("{{ elsewhere }}", "broken template"),
    "nothing": ("{{ nowhere }}", "its template failed (Ansible"),
    "texts around": ("canary{{ canary_between }}canary", "its template failed (Ansible"),
    "a lookup": ("{{ lookup('pipe', 'echo songbird; exit 3') }}", "its template failed (Ansible"),
    "a crash": ("canary{{ 'canary' / 0 }}", "its template failed ("),
    "a list": (["canary"], "it must be text, not a list"),
    "white space": ("canary canary", "white space"),
}
PROCESS = {"cakewalk_in_process": False}


def test_which_of_the_places_counts_and_how_wrong_variables_are_refused(playbooks: Playbooks) -> None:
    """A secret that holds braces is a broken template, which Ansible itself would print."""
    tasks = [
        task(f"{name}{way}", INFO, {**READ, **option}, module_defaults={INFO: defaults}, vars={**variables, **process})
        for name, (option, defaults, variables, _timeout) in ORDER.items()
        for way, process in (("", {}), (" by a process", PROCESS))
        if not process or name in ("option", "template")
    ]
    others = {
        "cakewalk_acting_user": "nobody@example.com",
        "cakewalk_known_statuses": {"user": {"may_act": ["Boss"]}},
        "cakewalk_validate_certs": "no",
        "cakewalk_ledger": "{{ playbook_dir }}/ledger.json",
    }
    ledger = {"cakewalk_ledger": others["cakewalk_ledger"]}
    handler = playbooks.folder / "input" / "handler.yml"
    handler.write_text("[]", encoding="utf-8")
    parts = {key: {"tasks": str(handler)} for key in ("handler", "verify")}
    turn = {
        "step": "start",
        "task": task_id("action"),
        "routes": [{"app": task_id("action"), "permission_level": "any", "request_type": "grant_access", **parts}],
        "record_path": "{{ playbook_dir }}/record.jsonl",
    }
    policy = {"app": "GitHub", "request_type": "grant_access", "policy": "Two approvals"}
    tasks += [
        task("acting", MEMBERS, {"group": "Sales", "users": []}, vars=others),
        task("ledger", POLICY, policy, vars=others),
        task("explain", INFO, {"explain": {"apps": ["Orphan Wiki"]}}, vars=ledger),
        task("turn", "cakewalk.access.cakewalk_task_turn", turn, vars=others),
    ]
    blank = dict.fromkeys(("cakewalk_api_key", "cakewalk_api_secret"), "")
    none = dict.fromkeys(("CAKEWALK_API_KEY", "CAKEWALK_API_SECRET"), "")
    for way, process in (("here", {}), ("there", PROCESS)):
        tasks.append(
            task(f"missing {way}", INFO, READ, vars={**blank, **process}, environment=none, ignore_errors=True)
        )
    plays = play(*tasks)
    # In files, since Ansible quotes the lines of a playbook in its errors.
    for number, (name, (value, _words)) in enumerate(BROKEN.items()):
        file = playbooks.folder / "input" / f"{number}.yml"
        file.write_text(yaml.safe_dump({"cakewalk_api_key": value, "elsewhere": "{{ canary canary"}), encoding="utf-8")
        plays += play(task(name, INFO, READ, ignore_errors=True), vars_files=[str(file)])
    settings = {"CAKEWALK_TIMEOUT": "15", "THIRTEEN": "13", "ANSIBLE_INJECT_INVOCATION": "true"}
    run = playbooks.run(plays, "--check", "-vvvv", **settings).succeeded()

    def used(name: str) -> Data:
        return run[name].data["invocation"]["module_args"]

    assert {name: used(name)["timeout"] for name in ORDER} == {name: case[3] for name, case in ORDER.items()}
    assert [used(f"{name} by a process")["timeout"] for name in ("option", "template")] == [11, 13]
    assert used("acting")["acting_user"] == "nobody@example.com"
    assert used("acting")["known_statuses"]["user"]["may_act"] == ["Boss"]
    assert used("acting")["validate_certs"] is False
    assert used("ledger")["ledger_path"].endswith("/ledger.json")
    assert used("explain")["explain"]["ledger_path"].endswith("/ledger.json")
    assert run["turn"].data["run"]["acting_user"] == "nobody@example.com"
    for name, (_value, words) in BROKEN.items():
        message = run[name].data["msg"]
        assert words in message
        assert "api_key" in message
    assert "canary" not in run.output
    # With -vvvv, ansible-core 2.16 itself prints the error of a lookup.
    assert "songbird" not in str([result.data for result in run.results])
    for way in ("here", "there"):
        assert (
            run[f"missing {way}"]
            .data["msg"]
            .startswith(
                "Could not connect to Cakewalk: api_key and api_secret are not set. Set `api_key` (variable "
                "`cakewalk_api_key`, environment variable CAKEWALK_API_KEY) and `api_secret` ("
            )
        )


@pytest.fixture
def vaulted(playbooks: Playbooks, tenant: Sandbox) -> list[str]:
    """Return the options of a run that takes the key from an encrypted file, and the secret from an encrypted value."""
    folder = playbooks.folder / "input"
    (folder / "password").write_text("open sesame", encoding="utf-8")
    password = ["--vault-password-file", str(folder / "password")]

    def encrypt(*words: str, given: str = "") -> str:
        command = [str(CORE_BIN / "ansible-vault"), *words, *password]
        environment = playbooks.environment()
        return subprocess.run(command, env=environment, input=given, text=True, capture_output=True, check=True).stdout

    vault = folder / "vault.yml"
    vault.write_text(yaml.safe_dump({"cakewalk_api_key": tenant.api_key}), encoding="utf-8")
    encrypt("encrypt", str(vault))
    group_vars = folder / "group_vars"
    group_vars.mkdir()
    value = encrypt("encrypt_string", "--stdin-name", "cakewalk_api_secret", given=f"{tenant.api_secret}\n")
    address = f"cakewalk_base_url: {tenant.url}\ncakewalk_acting_user: {tenant.acting_user}\n"
    (group_vars / "all.yml").write_text(value + address, encoding="utf-8")
    return ["-e", f"@{vault}", *password]


def test_vaulted_variables_reach_every_way_of_a_task_and_no_callback(
    playbooks: Playbooks, tenant: Sandbox, vaulted: list[str]
) -> None:
    asked = {"app": "Figma", "users": ["connor.contractor@example.com"], "purpose": "Work"}
    tasks = [
        task("read", INFO, READ),
        task("loop", INFO, {"groups": ["{{ item }}"]}, loop=["Sales", "Engineering"]),
        task("process", ACCESS, asked, vars=PROCESS),
        task("refused", ACCESS, {**asked, "users": ["nobody@example.com"]}, ignore_errors=True),
    ]
    run = playbooks.run(play(*tasks), "-vvvv", "--diff", *vaulted, **EMPTY).succeeded()
    assert run["process"].changed
    assert run["refused"].failed
    seen = [run.output, str(run.results), *(path.read_text(errors="replace") for path in playbooks.left_behind())]
    assert not [text for text in seen if tenant.api_key in text or tenant.api_secret in text]


def test_check_mode_warns_that_an_acting_user_is_missing_and_a_run_fails_before_it_writes(
    playbooks: Playbooks, tenant: Sandbox
) -> None:
    erin, connor = ("erin.engineer@example.com", "connor.contractor@example.com")
    review = {"name": "S", "reviewer": "manager", "due_date": "2099-12-31", "apps": ["GitHub"]}
    journal = {"journal_path": "{{ playbook_dir }}/journal.jsonl"}
    options = {
        MEMBERS: {"group": "Contractors", "users": [erin]},
        ACCESS: {"app": "Figma", "users": [connor], "purpose": "Work"},
        REVIEW: review,
        TASK: {"task": task_id("review"), "state": "declined", "decide": "review"},
        "cakewalk.access.cakewalk_joiner": {
            "user": "owen.onboarding@example.com",
            "groups": ["Sales"],
            "wait_timeout": 0,
            **journal,
        },
        "cakewalk.access.cakewalk_mover": {"user": erin, "joins": ["Sales"], "leaves": ["Engineering"], **journal},
        "cakewalk.access.cakewalk_leaver": {"user": connor, "confirm": connor, "proof_dir": "{{ playbook_dir }}/l"},
    }
    tasks = [task(name, name, given) for name, given in options.items()]
    tasks += [task(f"really {name}", name, options[name], check_mode=False, ignore_errors=True) for name in options]
    run = playbooks.run(play(*tasks), "--check", "--diff", CAKEWALK_ACTING_USER="").succeeded()
    for name in options:
        (warning,) = [text for text in run[name].warnings if "`acting_user` is not set" in text]
        assert warning.endswith("Without check mode, the task fails before its first write.")
        assert run[name].changed
        assert run[f"really {name}"].data["error"] == {"kind": "configuration", "option": "acting_user"}
        assert "(variable `cakewalk_acting_user`, environment variable CAKEWALK_ACTING_USER)" in warning
    assert writes(tenant.log()) == []


def test_what_a_managed_host_can_set_decides_nothing(playbooks: Playbooks, tenant: Sandbox) -> None:
    """Any module may return facts, and Ansible ranks them above the inventory; a cacheable C(set_fact) is one, too."""
    facts = {
        "cakewalk_base_url": "http://127.0.0.1:9",
        "cakewalk_acting_user": "olga.owner@example.com",
        "cakewalk_in_process": True,
    }
    change = {"group": "Contractors", "users": ["erin.engineer@example.com"]}
    tasks = [
        task("own", "ansible.builtin.set_fact", {"cakewalk_base_url": tenant.url}),
        task("of the play", INFO, READ),
        *(
            part
            for name, value in facts.items()
            for part in (
                task(f"set {name}", "ansible.builtin.set_fact", {name: value, "cacheable": True}),
                task(name, MEMBERS, change, ignore_errors=True),
                task("clear", "ansible.builtin.meta", "clear_facts"),
            )
        ),
        task(
            "set again",
            "ansible.builtin.set_fact",
            {"cakewalk_base_url": facts["cakewalk_base_url"], "cacheable": True},
        ),
        task(
            "look up",
            "ansible.builtin.debug",
            {"msg": "{{ query('cakewalk.access.app', 'GitHub') }}"},
            ignore_errors=True,
        ),
    ]
    run = playbooks.run(play(*tasks)).succeeded()
    assert not run["of the play"].failed
    for name in facts:
        assert f"Could not read the variable {name}: it is a fact of the host localhost" in run[name].data["msg"]
    assert "it is a fact of the host localhost" in str(run["look up"].data["msg"])
    assert not writes(tenant.log())
