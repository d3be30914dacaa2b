# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file with the objects of AWX: what is wrong with it is said before the first write, and the example fits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import ConfigurationError
from ansible_collections.cakewalk.access.plugins.module_utils._engine.controller_setup.calls import (
    Call,
    calls_of,
    named_elsewhere,
    node_calls,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.controller_setup.checks import LINKS, problems_of
from ansible_collections.cakewalk.access.plugins.module_utils._engine.controller_setup.schema import (
    SECTIONS,
    DefinitionsRefused,
)
from ansible_collections.cakewalk.access.plugins.plugin_utils._awx_definitions import read
from awx.example import DEFINITIONS, PROJECT, ROOT

KIND: dict[str, Any] = {
    "name": "Key",
    "inputs": {
        "fields": [{"id": "key", "label": "Key", "secret": True}, {"id": "url", "label": "URL"}],
        "required": ["key", "url"],
    },
    "injectors": {},
}
TEMPLATE: dict[str, Any] = {"name": "T", "playbook": "t.yml", "project": "P", "inventory": "I"}
TEMPLATE |= {"execution_environment": "E"}
NOTIFICATION: dict[str, Any] = {"name": "N", "notification_type": "email", "notification_configuration": {"host": "h"}}
QUESTION: dict[str, Any] = {"variable": "who", "question_name": "Who", "required": True}


def node(identifier: str, *leads_to: str, **more: Any) -> dict[str, Any]:
    return {"identifier": identifier, "job_template": "T", "success_nodes": list(leads_to), **more}


def saved(folder: Path, content: Any) -> str:
    path = folder / "controller.yml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content), encoding="utf-8")
    return str(path)


#: What is wrong: the file, the secrets, words of what is said.
WRONG: dict[str, tuple[Any, dict[str, Any], str]] = {
    "no YAML": ("a: [", {}, "line 1"),
    "a key twice": ("projects: []\nprojects: []", {}, "line 2: 'projects' is on line 1 already"),
    "a list": ([1], {}, "holds no sections"),
    "an encrypted file": ("$ANSIBLE_VAULT;1.1;AES256\n3132\n", {}, "is encrypted; keep secrets in another file"),
    "a misspelt section": ({"job_template": []}, {}, "there is no section 'job_template', there are organization,"),
    "a section that is a mapping": ({"projects": {"name": "P"}}, {}, "the section projects is a list"),
    "an entry that is a text": ({"projects": ["P"]}, {}, "projects, entry 1: it is not a mapping"),
    "a misspelt key": (
        {"job_templates": [{**TEMPLATE, "playbok": "t.yml"}]},
        {},
        "job_templates, entry 1 ('T'): playbok. Supported parameters include: allow_simultaneous,",
    ),
    "a misspelt key of a question": (
        {"job_templates": [{**TEMPLATE, "survey": [{**QUESTION, "requird": True}]}]},
        {},
        "survey.requird",
    ),
    "a missing key": ({"job_templates": [{"name": "T"}]}, {}, "missing required arguments: playbook"),
    "a number for a text": ({"job_templates": [{**TEMPLATE, "name": 5}]}, {}, "`name` is not a text"),
    "an unknown type of question": (
        {"job_templates": [{**TEMPLATE, "survey": [{**QUESTION, "type": "nonsense"}]}]},
        {},
        "nonsense",
    ),
    "a node that runs nothing": (
        {"workflow_job_templates": [{"name": "W", "nodes": [{"identifier": "one"}]}]},
        {},
        "one of the following is required: job_template, approval",
    ),
    "a name like an id": (
        {"job_templates": [{**TEMPLATE, "name": "17"}]},
        {},
        "the job template '17' has a name that the modules take for an id",
    ),
    "a name like an address": (
        {"inventories": [{"name": "I", "hosts": [{"name": "a++b"}]}]},
        {},
        "the host 'a++b' has a name that the modules take for an id or address",
    ),
    "a name twice": ({"job_templates": [TEMPLATE, TEMPLATE]}, {}, "the job template 'T' is there twice"),
    "a name of a workflow and a template": (
        {"job_templates": [TEMPLATE], "workflow_job_templates": [{"name": "T", "nodes": [node("one")]}]},
        {},
        "'T' is the name of more than one project, job template or workflow",
    ),
    "secrets of nothing": (
        {},
        {"Key": {"key": "k"}},
        "secrets are given for 'Key', which the file does not have under credentials and notifications",
    ),
    "secrets of two": (
        {"credentials": [{"name": "N", "credential_type": "Key"}], "notification_templates": [NOTIFICATION]},
        {"N": {"password": "p"}},
        "secrets are given for 'N', which is a name of both credentials and notifications",
    ),
    "a secret of a notification in the file": (
        {"notification_templates": [{**NOTIFICATION, "notification_configuration": {"host": "h", "password": "p"}}]},
        {},
        "the notification template 'N' has the secret 'password' in the file; give it with `secrets`",
    ),
    "a value of Ansible Vault": (
        "projects:\n  - name: P\n    scm_url: !vault |\n      $ANSIBLE_VAULT;1.1;AES256\n",
        {},
        "line 3: give a value of Ansible Vault in `secrets` instead",
    ),
    "an unknown event of a message": (
        {"notification_templates": [{**NOTIFICATION, "messages": {"finished": {"message": "m"}}}]},
        {},
        "messages.finished",
    ),
    "a secret in the file": (
        {"credential_types": [KIND], "credentials": [{"name": "C", "credential_type": "Key", "inputs": {"key": "k"}}]},
        {},
        "the credential 'C' has the secret 'key' in the file",
    ),
    "half of the secrets": (
        {"credential_types": [KIND], "credentials": [{"name": "C", "credential_type": "Key"}]},
        {"C": {"key": "k"}},
        "the secrets of the credential 'C' lack url",
    ),
    "no project": (
        {"job_templates": [{"name": "T", "playbook": "t.yml"}]},
        {},
        "the job template 'T' needs `project`, since the file does not have exactly one in projects",
    ),
    "two credentials of a type": (
        {
            "credentials": [{"name": name, "credential_type": "Key"} for name in "AB"],
            "job_templates": [{**TEMPLATE, "credentials": ["A", "B"]}],
        },
        {},
        "the job template 'T' has several credentials of the credential type 'Key'",
    ),
    "two credentials that set a variable": (
        {
            "credential_types": [{**KIND, "name": name, "injectors": {"env": {"KEY": "{{ key }}"}}} for name in "KL"],
            "credentials": [{"name": name, "credential_type": name} for name in "KL"],
            "job_templates": [{**TEMPLATE, "credentials": ["K", "L"]}],
        },
        {},
        "the job template 'T' has several credentials that set KEY; AWX takes any of them, so keep one of K, L",
    ),
    "a question twice": (
        {"job_templates": [{**TEMPLATE, "survey": [QUESTION, QUESTION]}]},
        {},
        "the survey of the job template 'T' asks for 'who' twice",
    ),
    "a question for what is fixed": (
        {"job_templates": [{**TEMPLATE, "survey": [QUESTION], "extra_vars": {"who": "me"}}]},
        {},
        "asks for 'who', which its `extra_vars` set: answers win",
    ),
    "a blank name": ({"inventories": [{"name": ""}]}, {}, "the inventory '' has a name that is blank"),
    "a blank name of a host": (
        {"inventories": [{"name": "I", "hosts": [{"name": " "}]}]},
        {},
        "the host ' ' has a name that is blank",
    ),
    "a name with a blank at its end": ({"projects": [{"name": "P "}]}, {}, "the project 'P ' has a name that is blank"),
    "a blank identifier": (
        {"workflow_job_templates": [{"name": "W", "nodes": [node("")]}]},
        {},
        "the workflow node '' of 'W' has a name that is blank",
    ),
    "a node in two cases": (
        {"workflow_job_templates": [{"name": "W", "nodes": [node("one", "two", failure_nodes=["two"]), node("two")]}]},
        {},
        "the node 'one' of the workflow 'W' leads to 'two' twice",
    ),
    "a password as a default": (
        {"job_templates": [{**TEMPLATE, "survey": [{**QUESTION, "type": "password", "default": "p"}]}]},
        {},
        "the question for 'who' of the job template 'T' has a password as its default",
    ),
    "a default that nobody can choose": (
        {
            "job_templates": [
                {**TEMPLATE, "survey": [{**QUESTION, "type": "multiselect", "choices": ["a", "b"], "default": "a\nc"}]}
            ]
        },
        {},
        "the question for 'who' of the job template 'T' has a default that is not among its choices",
    ),
    "a choice without quotes": (
        {"job_templates": [{**TEMPLATE, "survey": [{**QUESTION, "type": "multiplechoice", "choices": [True, "a"]}]}]},
        {},
        "`choices` has an item that is not a text",
    ),
    "no choices": (
        {"job_templates": [{**TEMPLATE, "survey": [{**QUESTION, "type": "multiplechoice"}]}]},
        {},
        "the question for 'who' of the job template 'T' needs choices",
    ),
    "a link to nowhere": (
        {"workflow_job_templates": [{"name": "W", "nodes": [node("one", "two")]}]},
        {},
        "the workflow 'W' has no node 'two'",
    ),
    "a circle": (
        {"workflow_job_templates": [{"name": "W", "nodes": [node("one", "two"), node("two", "one")]}]},
        {},
        "the nodes of the workflow 'W' lead in a circle",
    ),
    "a schedule of nothing": (
        {"schedules": [{"name": "S", "unified_job_template": "X", "rrule": "R"}]},
        {},
        "the schedule 'S' runs 'X', which is not a template of the file",
    ),
    "a schedule without an answer": (
        {
            "job_templates": [{**TEMPLATE, "survey": [QUESTION]}],
            "schedules": [{"name": "S", "unified_job_template": "T", "rrule": "R"}],
        },
        {},
        "the schedule 'S' has no answer in `extra_data` for who, which the survey requires",
    ),
    "a schedule with an answer to nothing": (
        {
            "job_templates": [TEMPLATE],
            "schedules": [{"name": "S", "unified_job_template": "T", "rrule": "R", "extra_data": {"what": 1}}],
        },
        {},
        "the schedule 'S' sets what in `extra_data`, which the template does not ask for",
    ),
    "a schedule without a start": (
        {"job_templates": [TEMPLATE], "schedules": [{"name": "S", "unified_job_template": "T", "rrule": "RRULE:X"}]},
        {},
        "the `rrule` of the schedule 'S' lacks DTSTART, INTERVAL=",
    ),
    "a schedule with a password": (
        {
            "job_templates": [{**TEMPLATE, "survey": [{**QUESTION, "type": "password"}]}],
            "schedules": [{"name": "S", "unified_job_template": "T", "rrule": "R", "extra_data": {"who": "p"}}],
        },
        {},
        "the schedule 'S' has the secret 'who' in the file; use a credential instead",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said(case: str, tmp_path: Path) -> None:
    content, secrets, words = WRONG[case]

    try:
        problems = problems_of(read(saved(tmp_path, content)), secrets)
    except DefinitionsRefused as refused:
        problems = [refused.cause]

    assert words in "; ".join(problems)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is relative"):
        read("controller.yml")
    with pytest.raises(ConfigurationError, match=r"No such file .* Copy the example"):
        read(str(tmp_path / "absent.yml"))


def test_texts_are_stripped_as_awx_strips_them(tmp_path: Path) -> None:
    (project,) = read(saved(tmp_path, "projects:\n  - name: P\n    scm_url: ' url '\n    description: |\n      D\n"))[
        "projects"
    ]
    assert (project["scm_url"], project["description"]) == ("url", "D")
    hosts = {"inventories": [{"name": "I", "hosts": [{"name": "h", "description": "D\n"}]}]}
    assert read(saved(tmp_path, hosts))["inventories"][0]["hosts"][0]["description"] == "D"


def test_the_example_has_no_problems_and_names_only_itself() -> None:
    assert problems_of(DEFINITIONS, {}) == []
    assert named_elsewhere(DEFINITIONS, calls_of(DEFINITIONS, {})) == []


def test_secrets_are_among_the_options_of_credentials_and_notifications() -> None:
    secrets = {"Cakewalk read-only": {"api_key": "k", "api_secret": "s"}, "Cakewalk approvers": {"password": "p"}}

    options = {call.target.name: call.options for call in calls_of(DEFINITIONS, secrets) if call.target.name in secrets}

    given = DEFINITIONS["credentials"][0]["inputs"]
    assert options["Cakewalk read-only"]["inputs"] == {**given, **secrets["Cakewalk read-only"]}
    assert options["Cakewalk approvers"]["notification_configuration"]["password"] == "p"


def test_what_awx_would_fill_in_or_keep_is_sent(tmp_path: Path) -> None:
    """A field without a type would differ in the next run, and an event without a message would keep its old one."""
    notification = {**NOTIFICATION, "messages": {"success": {"message": "m"}, "error": None}}
    content = {"credential_types": [KIND], "notification_templates": [notification, {**NOTIFICATION, "name": "M"}]}

    calls = calls_of(read(saved(tmp_path, content)), {})

    key = {"id": "key", "label": "Key", "type": "string", "secret": True}
    assert calls[0].options["inputs"] == {
        **KIND["inputs"],
        "fields": [key, {"id": "url", "label": "URL", "type": "string"}],
    }
    blank = {"message": "", "body": ""}
    approval = dict.fromkeys(("running", "approved", "timed_out", "denied"), blank)
    messages = {"started": blank, "success": {**blank, "message": "m"}, "error": blank, "workflow_approval": approval}
    assert calls[1].options["messages"] == messages
    assert "messages" not in calls[2].options


def _options_of(role: str) -> set[str]:
    spec = yaml.safe_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    return set(spec["argument_specs"]["main"]["options"])


def _play_of(template: dict[str, Any]) -> dict[str, Any]:
    (play,) = yaml.safe_load((PROJECT / template["playbook"]).read_text(encoding="utf-8"))
    return dict(play)


def test_surveys_and_extra_vars_set_options_of_the_role_that_the_project_does_not_set() -> None:
    """An answer, even a blank one, wins over what the project sets, and limits are for those who review it."""
    fixed = yaml.safe_load((PROJECT / "vars" / "cakewalk.yml").read_text(encoding="utf-8"))
    for template in DEFINITIONS["job_templates"]:
        asked = {question["variable"] for question in template["survey"]}
        play = _play_of(template)
        roles = [role["role"].rpartition(".")[2] for role in play.get("roles", ())]
        known = set().union(*map(_options_of, roles)) if roles else asked & set(_names_in(play))
        assert asked | template["extra_vars"].keys() <= known, template["name"]
        assert not asked & fixed.keys(), template["name"]
        assert template["ask_variables_on_launch"] is template["allow_simultaneous"] is False


def _names_in(play: Any) -> Iterator[str]:
    """Yield the words in the templates of a play."""
    for text in yaml.safe_dump(play).split():
        yield text.strip("\"'{}")


def test_every_option_that_the_project_sets_is_one_of_a_role() -> None:
    fixed = yaml.safe_load((PROJECT / "vars" / "cakewalk.yml").read_text(encoding="utf-8"))
    roles = [path.name for path in (ROOT / "roles").iterdir()]
    options = set().union(*map(_options_of, roles))
    of_plays = {"kept_files", "onboard_record_path", "review_ledger_path"}

    assert fixed.keys() <= options | of_plays


def test_only_templates_of_a_read_only_key_run_before_an_approval() -> None:
    templates = {template["name"]: template for template in DEFINITIONS["job_templates"]}
    for workflow in DEFINITIONS["workflow_job_templates"]:
        nodes = {node["identifier"]: node for node in workflow["nodes"]}
        reached = {to for node in nodes.values() for link in LINKS for to in node[link]}
        ahead = [name for name in nodes if name not in reached]
        while ahead:
            node = nodes[ahead.pop()]
            if not node["approval"]:
                assert "Cakewalk read-only" in templates[node["job_template"]]["credentials"]
                assert templates[node["job_template"]]["ask_job_type_on_launch"] is False
                ahead += [to for link in LINKS for to in node[link]]


def test_a_job_of_a_schedule_that_fails_notifies_people() -> None:
    notified = {one["name"] for one in DEFINITIONS["job_templates"] if one["notification_templates_error"]}

    assert {schedule["unified_job_template"] for schedule in DEFINITIONS["schedules"]} <= notified


def test_the_readme_lists_every_key_of_the_file() -> None:
    readme = (ROOT / "roles" / "controller_setup" / "README.md").read_text(encoding="utf-8")
    for section, spec in SECTIONS.items():
        (row,) = [line for line in readme.splitlines() if line.startswith(f"| `{section}` |")]
        text = row if section != "workflow_job_templates" else f"{row} {readme}"
        assert [key for key in spec if f"`{key}`" not in text and key not in ("name", "description")] == []


def _run(calls: Iterable[Call], nodes: dict[str, str | None], links: dict[str, list[str]]) -> Iterator[set[str]]:
    """Carry out calls on nodes and their links, and yield after each one what would start with the workflow."""
    for call in calls:
        name, options = call.target.name, call.options
        if options.get("state") == "absent":
            del nodes[name]
            links.pop(name, None)
            for leads_to in links.values():
                leads_to[:] = [to for to in leads_to if to != name]
        else:
            nodes.setdefault(name, None)
            if "success_nodes" in options:
                links[name] = [to for link in LINKS for to in options.get(link, ())]
                assert set(links[name]) <= nodes.keys()
            if "approval_node" in options:
                nodes[name] = "workflow_approval"
            nodes[name] = "job" if "unified_job_template" in options else nodes[name]
        reached = {to for leads_to in links.values() for to in leads_to}
        yield {name for name, kind in nodes.items() if kind == "job" and name not in reached}


#: Workflows as AWX has them before: the types of the nodes, and their links.
BEFORE: dict[str, tuple[dict[str, str | None], dict[str, list[str]]]] = {
    "none": ({}, {}),
    "interrupted": ({"leave": None, "approve": None}, {}),
    "without an approval": (
        {"dry_run": "job", "leave": "job", "proof": "job"},
        {"dry_run": ["leave"], "leave": ["proof"]},
    ),
    "the same": (
        {
            **{"dry_run": "job", "approve": "workflow_approval", "leave": "job", "proof": "job"},
            **{"again": "workflow_approval", "prove_again": "job"},
        },
        {
            **{"dry_run": ["approve"], "approve": ["leave"], "leave": ["proof"]},
            **{"proof": ["again"], "again": ["prove_again"]},
        },
    ),
}


@pytest.mark.parametrize("before", BEFORE)
def test_no_job_ever_starts_without_what_leads_to_it(before: str) -> None:
    """A node that nothing leads to starts with its workflow, and offboarding must not."""
    nodes, links = ({**BEFORE[before][0]}, {name: [*to] for name, to in BEFORE[before][1].items()})
    workflow = DEFINITIONS["workflow_job_templates"][1]

    for starts in _run(node_calls(workflow, "Default", [*nodes]), nodes, links):
        assert starts <= {"dry_run"}

    assert nodes == BEFORE["the same"][0]
    assert {name: to for name, to in links.items() if to} == BEFORE["the same"][1]


def test_nodes_that_the_file_lacks_are_removed_last() -> None:
    nodes: dict[str, str | None] = {"approve": "workflow_approval", "old": "job", "older": "job"}
    workflow = DEFINITIONS["workflow_job_templates"][1]
    calls = list(node_calls(workflow, "Default", [*nodes]))

    assert [call.target.name for call in calls[-2:]] == ["old", "older"]
    assert [call.target.name for call in calls if call.options.get("state") == "absent"] == ["old", "older"]
    list(_run(calls, nodes, {}))
    assert nodes == BEFORE["the same"][0]
