# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls of the modules of C(awx.awx) that set up the objects of a file, in their order."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .checks import LINKS, PARTS, Definitions, Entry, Secrets, children_first
from .schema import SECTIONS
from .targets import Target

HOSTS, NODES = "hosts", "workflow_job_template_nodes"
TYPES, CREDENTIALS, NOTIFICATIONS = "credential_types", "credentials", "notification_templates"
ENVIRONMENTS = "execution_environments"
#: The section whose objects an option of any module names. The modules look for some of them in all organizations.
REFERENCES = {
    **PARTS,
    "credential": CREDENTIALS,
    "credentials": CREDENTIALS,
    "credential_type": TYPES,
    "instance_groups": "instance_groups",
    **{f"notification_templates_{on}": NOTIFICATIONS for on in ("started", "success", "error", "approvals")},
}


@dataclass(frozen=True)
class Call:
    """One call of a module.

    :param target: the object that it sets up.
    :param options: of the module, without those of the connection.
    :param also: the objects that the options name beyond C(REFERENCES).
    """

    target: Target
    options: Mapping[str, Any]
    also: tuple[Target, ...] = ()

    @property
    def needs(self) -> set[Target]:
        """The objects that the options name."""
        named = ((section, self.options.get(option) or ()) for option, section in REFERENCES.items())
        listed = ((section, [names] if isinstance(names, str) else names) for section, names in named)
        return {Target(section, name) for section, names in listed for name in names} | set(self.also)


def calls_of(definitions: Definitions, secrets: Secrets) -> list[Call]:
    """Return the calls for all objects except the nodes of workflows.

    :param definitions: complete, and without problems.
    :param secrets: the secret values by the name of their credential.
    """
    calls: list[Call] = []
    for section in SECTIONS:
        for entry in definitions[section]:
            calls += _calls_of_entry(section, entry, definitions, secrets)
    return calls


def _calls_of_entry(section: str, entry: Entry, definitions: Definitions, secrets: Secrets) -> Iterable[Call]:
    target, options = Target(section, entry["name"]), {**_given(entry), "organization": definitions["organization"]}
    given = secrets.get(entry["name"], {})
    if section == TYPES:
        inputs = _given(entry["inputs"])
        fields = {"fields": [_given(one) for one in inputs["fields"]]} if "fields" in inputs else {}
        return [Call(target, {**_given(entry), "inputs": {**inputs, **fields}})]
    if section == CREDENTIALS:
        return [Call(target, {**options, "inputs": {**entry["inputs"], **given}})]
    if section == NOTIFICATIONS:
        held = {"notification_configuration": {**entry["notification_configuration"], **given}}
        return [Call(target, {**options, **held})]
    if section == "inventories":
        return _inventory(entry, options)
    if section == "job_templates":
        parts = {option: entry[option] or definitions[part][0]["name"] for option, part in PARTS.items()}
        return [Call(target, _with_survey({**options, **parts}))]
    if section == "workflow_job_templates":
        del options["nodes"]
        return [Call(target, _with_survey(options))]
    if section == "schedules":
        return [_schedule(entry, options, definitions)]
    return [Call(target, options)]


def _given(entry: Entry) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if value is not None}


def _inventory(entry: Entry, options: dict[str, Any]) -> Iterator[Call]:
    del options["hosts"]
    # Without a kind, the module changes it at each run, since the API has a blank text for none.
    yield Call(Target("inventories", entry["name"]), {**options, "kind": ""})
    for host in entry["hosts"]:
        yield Call(Target(HOSTS, host["name"], entry["name"]), {**_given(host), "inventory": entry["name"]})


def _with_survey(options: dict[str, Any]) -> dict[str, Any]:
    """Return options with the survey as the modules take it. A survey that the file lacks is switched off."""
    questions = [_given(question) for question in options.pop("survey")]
    spec = {"name": "", "description": "", "spec": questions}
    return {**options, "survey_enabled": bool(questions), **({"survey_spec": spec} if questions else {})}


def _schedule(entry: Entry, options: Mapping[str, Any], definitions: Definitions) -> Call:
    template = entry["unified_job_template"]
    names = {workflow["name"] for workflow in definitions["workflow_job_templates"]}
    runs = Target("workflow_job_templates" if template in names else "job_templates", template)
    return Call(Target("schedules", entry["name"], template), options, (runs,))


def node_calls(workflow: Entry, organization: str, existing: Collection[str]) -> Iterator[Call]:
    """Yield the calls for the nodes of a workflow.

    A node that nothing leads to starts with the workflow. So a node gets its template only when it is linked: first all
    nodes without templates, then the links, and then the templates. Between two nodes, a new one is linked to the later
    one before it takes the place of the link between them. Nodes that the file lacks go last.

    :param existing: the identifiers of the nodes that AWX has.
    """
    shared = {"workflow_job_template": workflow["name"], "organization": organization}
    of_workflow = Target("workflow_job_templates", workflow["name"])
    nodes = {node["identifier"]: node for node in children_first(workflow)}

    def call(name: str, options: Mapping[str, Any], needs: Iterable[Target] = ()) -> Call:
        return Call(node_of(workflow, name), {**shared, "identifier": name, **options}, (of_workflow, *needs))

    for name in nodes:
        if name not in existing:
            yield call(name, {"success_nodes": []})
    for name, node in nodes.items():
        links = {link: node[link] for link in LINKS}
        yield call(name, links, (node_of(workflow, to) for names in links.values() for to in names))
    for name, node in nodes.items():
        if node["approval"]:
            yield call(name, {"approval_node": _given(node["approval"])})
        else:
            runs = {"unified_job_template": node["job_template"], "lookup_organization": organization}
            yield call(name, runs, (Target("job_templates", node["job_template"]),))
    for name in sorted(set(existing) - nodes.keys()):
        yield call(name, {"state": "absent"})


def node_of(workflow: Entry, name: str) -> Target:
    """Return the target of a node by its identifier."""
    return Target(NODES, name, workflow["name"])


def named_elsewhere(definitions: Definitions, calls: Iterable[Call]) -> list[Target]:
    """Return what the calls name and the file does not have, which AWX must have already."""
    own = {Target(section, entry["name"]) for section in SECTIONS for entry in definitions[section]}
    needed = {need for call in calls for need in call.needs}
    for workflow in definitions["workflow_job_templates"]:
        needed |= {Target("job_templates", node["job_template"]) for node in workflow["nodes"] if node["job_template"]}
    return sorted(needed - own, key=lambda target: (target.section, target.name))
