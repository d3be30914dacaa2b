# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Problems of definitions of AWX objects that are each well-formed: names, links, answers and secrets."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

from ..._api.text import printable, summarize
from .schema import SECTIONS
from .targets import Target

Definitions = Mapping[str, Any]
Entry = Mapping[str, Any]
Secrets = Mapping[str, Mapping[str, str]]

#: What runs jobs, all of which AWX finds by name alone.
RUNNABLE = ("projects", "job_templates", "workflow_job_templates")
#: What holds secrets.
HOLDERS = ("credentials", "notification_templates")
#: The fields of notifications that AWX encrypts, over all types.
_SECRET_FIELDS = {"password", "token", "account_token", "grafana_key", "aws_secret_access_key", "aws_session_token"}
#: Names for which the modules look among ids and addresses of all organizations, and could change another object.
_ID = re.compile(r"\s*[+-]?\d[\d_]*\s*|.*\+\+.*", re.DOTALL)
#: The types of questions whose answers are among choices. A default of several is a text with a line for each.
_CHOOSING = ("multiplechoice", "multiselect")
#: What AWX demands of the rule of a schedule.
_RULE = ("DTSTART", "RRULE:", "INTERVAL=")
LINKS = ("success_nodes", "failure_nodes", "always_nodes")
#: What a job template takes from the file if the file has only one of its kind, by its option.
PARTS = {"project": "projects", "inventory": "inventories", "execution_environment": "execution_environments"}


def problems_of(definitions: Definitions, secrets: Secrets) -> list[str]:
    """Return what AWX would refuse or misunderstand, a sentence for each.

    :param definitions: complete and checked by the argument specs.
    :param secrets: the secret inputs by the name of their credential.
    """
    return [
        *_name_problems(definitions),
        *_secret_problems(definitions, secrets),
        *_credential_problems(definitions, secrets),
        *_template_problems(definitions),
        *_workflow_problems(definitions),
        *_schedule_problems(definitions),
    ]


def secret_fields(definitions: Definitions, credential: Entry) -> tuple[set[str], set[str]]:
    """Return the secret and the required inputs of a credential; both are empty if the file lacks its type."""
    kinds = {kind["name"]: kind["inputs"] for kind in definitions["credential_types"]}
    inputs = kinds.get(credential["credential_type"], {})
    secret = {field["id"] for field in inputs.get("fields") or () if field.get("secret")}
    return secret, set(inputs.get("required") or ())


def _repeated(values: Iterable[Any]) -> list[Any]:
    return [value for value, count in Counter(values).items() if count > 1]


def _name_problems(definitions: Definitions) -> Iterator[str]:
    targets = [Target("organizations", definitions["organization"])]
    targets += [Target(section, entry["name"]) for section in SECTIONS for entry in definitions[section]]
    targets += [Target("hosts", host["name"]) for entry in definitions["inventories"] for host in entry["hosts"]]
    nodes = [(flow["name"], node) for flow in definitions["workflow_job_templates"] for node in flow["nodes"]]
    targets += [Target("workflow_job_template_nodes", node["identifier"], name) for name, node in nodes]
    approvals = [node["approval"]["name"] for _name, node in nodes if node["approval"]]
    targets += [Target("workflow_approval_templates", name) for name in approvals]
    for target in targets:
        # The modules take any object of the kind for one with a blank name, and AWX strips the others.
        if target.name != target.name.strip() or not target.name:
            yield f"the {target} has a name that is blank, or begins or ends with a blank"
        if _ID.fullmatch(target.name):
            yield f"the {target} has a name that the modules take for an id or address; choose another name"
    for section in SECTIONS:
        for name in _repeated(entry["name"] for entry in definitions[section]):
            yield f"the {Target(section, name)} is there twice"
    runnable = {section: {entry["name"] for entry in definitions[section]} for section in RUNNABLE}
    for name in _repeated(name for names in runnable.values() for name in names):
        yield (
            f"{printable(name)!r} is the name of more than one project, job template or workflow; "
            "give each its own name, because AWX finds them by name alone"
        )


def _secret_problems(definitions: Definitions, secrets: Secrets) -> Iterator[str]:
    holders = Counter(entry["name"] for section in HOLDERS for entry in definitions[section])
    for name in sorted(secrets):
        if holders[name] != 1:
            why = "is a name of both" if holders[name] else "the file does not have under"
            yield f"secrets are given for {printable(name)!r}, which {why} credentials and notifications"
    for entry in definitions["notification_templates"]:
        given = {name for name, value in entry["notification_configuration"].items() if value}
        for field in sorted(_SECRET_FIELDS & given):
            yield _in_file(Target("notification_templates", entry["name"]), field)


def _in_file(at: Target, field: str) -> str:
    return f"the {at} has the secret {field!r} in the file; give it with `secrets`"


def _credential_problems(definitions: Definitions, secrets: Secrets) -> Iterator[str]:
    for entry in definitions["credentials"]:
        at = Target("credentials", entry["name"])
        secret, required = secret_fields(definitions, entry)
        for field in sorted(secret & entry["inputs"].keys()):
            yield _in_file(at, field)
        given = secrets.get(entry["name"])
        missing = sorted(required - entry["inputs"].keys() - (given or {}).keys())
        if given and missing:
            yield f"the secrets of the {at} lack {summarize(missing)}"


def _survey_problems(at: Target, survey: Sequence[Entry], fixed: Mapping[str, Any]) -> Iterator[str]:
    variables = [question["variable"] for question in survey]
    for variable in _repeated(variables):
        yield f"the survey of the {at} asks for {printable(variable)!r} twice"
    for variable in sorted(fixed.keys() & set(variables)):
        yield f"the survey of the {at} asks for {printable(variable)!r}, which its `extra_vars` set: answers win"
    for question in survey:
        asked = f"the question for {printable(question['variable'])!r} of the {at}"
        default, kind = question["default"], question["type"]
        if kind in _CHOOSING and not question["choices"]:
            yield f"{asked} needs choices"
        elif kind in _CHOOSING and not set(str(default).splitlines()) <= set(question["choices"]):
            yield f"{asked} has a default that is not among its choices"
        if kind == "password" and default not in ("", None):
            yield f"{asked} has a password as its default, and secrets must not be in the file; leave it out"


def _variables_set_twice(definitions: Definitions, template: Entry) -> Iterator[str]:
    """Yield credentials of a job template that set the same variable, where AWX does not say which one wins."""
    injectors = {kind["name"]: kind["injectors"] for kind in definitions["credential_types"]}
    types = {entry["name"]: entry["credential_type"] for entry in definitions["credentials"]}
    setters: dict[str, list[str]] = {}
    for credential in template["credentials"]:
        injected = injectors.get(types.get(credential, ""), {})
        for name in [*(injected.get("env") or ()), *(injected.get("extra_vars") or ())]:
            setters.setdefault(name, []).append(credential)
    for name, credentials in setters.items():
        if len(credentials) > 1:
            yield (
                f"the {Target('job_templates', template['name'])} has several credentials that set {printable(name)}; "
                f"AWX takes any of them, so keep one of {summarize(credentials)}"
            )


def _template_problems(definitions: Definitions) -> Iterator[str]:
    types = {entry["name"]: entry["credential_type"] for entry in definitions["credentials"]}
    for entry in definitions["job_templates"]:
        at = Target("job_templates", entry["name"])
        for option, section in PARTS.items():
            if not entry[option] and len(definitions[section]) != 1:
                yield f"the {at} needs `{option}`, since the file does not have exactly one in {section}"
        for kind in _repeated(types[name] for name in entry["credentials"] if name in types):
            yield f"the {at} has several credentials of the {Target('credential_types', kind)}; AWX takes one"
        yield from _variables_set_twice(definitions, entry)
        yield from _survey_problems(at, entry["survey"], entry["extra_vars"])


def _workflow_problems(definitions: Definitions) -> Iterator[str]:
    for entry in definitions["workflow_job_templates"]:
        at = Target("workflow_job_templates", entry["name"])
        yield from _survey_problems(at, entry["survey"], {})
        nodes = [node["identifier"] for node in entry["nodes"]]
        for name in _repeated(nodes):
            yield f"the {at} has the node {printable(name)!r} twice"
        for name in sorted({to for node in entry["nodes"] for link in LINKS for to in node[link]} - set(nodes)):
            yield f"the {at} has no node {printable(name)!r}, to which another node leads"
        for node in entry["nodes"]:
            for name in _repeated(to for link in LINKS for to in node[link]):
                yield f"the node {printable(node['identifier'])!r} of the {at} leads to {printable(name)!r} twice"
        try:
            children_first(entry)
        except CycleError:
            yield f"the nodes of the {at} lead in a circle"


def children_first(workflow: Entry) -> list[Entry]:
    """Return the nodes of a workflow, each after the nodes that it leads to.

    :raises CycleError: they lead in a circle.
    """
    nodes = {node["identifier"]: node for node in workflow["nodes"]}
    links = {name: [to for link in LINKS for to in node[link]] for name, node in nodes.items()}
    return [nodes[name] for name in TopologicalSorter(links).static_order() if name in nodes]


def _schedule_problems(definitions: Definitions) -> Iterator[str]:
    templates = {entry["name"]: entry for section in RUNNABLE[1:] for entry in definitions[section]}
    for entry in definitions["schedules"]:
        at = Target("schedules", entry["name"])
        if lacking := [word for word in _RULE if word not in entry["rrule"]]:
            yield f"the `rrule` of the {at} lacks {summarize(lacking)}"
        template = templates.get(entry["unified_job_template"])
        if not template:
            yield f"the {at} runs {printable(entry['unified_job_template'])!r}, which is not a template of the file"
            continue
        asked = {question["variable"]: question["required"] for question in template["survey"]}
        missing = [name for name, required in asked.items() if required and name not in entry["extra_data"]]
        if missing:
            yield f"the {at} has no answer in `extra_data` for {summarize(missing)}, which the survey requires"
        kinds = {question["variable"]: question["type"] for question in template["survey"]}
        for name in (name for name in entry["extra_data"] if kinds.get(name) == "password"):
            yield f"the {at} has the secret {printable(name)!r} in the file; use a credential instead"
        unasked = sorted(entry["extra_data"].keys() - asked.keys())
        if unasked and not template.get("ask_variables_on_launch"):
            yield f"the {at} sets {summarize(unasked)} in `extra_data`, which the template does not ask for"
