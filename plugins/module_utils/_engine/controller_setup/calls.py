# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls of the modules of C(awx.awx) that set up the objects of a file, in their order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .checks import LINKS, Definitions, Entry, Secrets, children_first, secret_fields
from .schema import SECTIONS

#: The modules that set up the objects of a section, if its name is not their plural.
_MODULES = {"inventories": "inventory"}
HOSTS, NODES = "hosts", "workflow_job_template_nodes"
CREDENTIALS, NOTIFICATIONS = "credentials", "notification_templates"
#: What a job template names, by its option.
_PARTS = {"project": "projects", "inventory": "inventories", "execution_environment": "execution_environments"}


@dataclass(frozen=True)
class Target:
    """An object of AWX: C(section) is its kind as the API has it in paths.

    :param within: the inventory of a host, the workflow of a node, or the template of a schedule.
    """

    section: str
    name: str
    within: str | None = None

    @property
    def module(self) -> str:
        """The module that sets the object up, without its collection; as a word, it is the kind."""
        return _MODULES.get(self.section, self.section.removesuffix("s"))


@dataclass(frozen=True)
class Call:
    """One call of a module.

    :param target: the object that it sets up.
    :param options: of the module, without those of the connection.
    :param needs: the objects that the options name.
    """

    target: Target
    options: Mapping[str, Any]
    needs: tuple[Target, ...] = field(default=())


def calls_of(definitions: Definitions, secrets: Secrets) -> list[Call]:
    """Return the calls for all objects except credentials without their secrets, and the nodes of workflows.

    :param definitions: complete, and without problems.
    :param secrets: the secret inputs by the name of their credential.
    """
    calls: list[Call] = []
    for section in SECTIONS:
        for entry in definitions[section]:
            calls += _calls_of_entry(section, entry, definitions, secrets)
    return calls


def _calls_of_entry(section: str, entry: Entry, definitions: Definitions, secrets: Secrets) -> Iterable[Call]:
    organization = definitions["organization"]
    if section == CREDENTIALS:
        return _credential(entry, definitions, secrets)
    if section == "inventories":
        return _inventory(entry, organization)
    if section == "job_templates":
        return [_job_template(entry, definitions)]
    if section == "workflow_job_templates":
        options = {**_given(entry, "survey", "nodes"), **_survey(entry), "organization": organization}
        return [Call(Target(section, entry["name"]), options, _notifications(entry))]
    if section == "schedules":
        return [_schedule(entry, definitions)]
    needs = (Target(CREDENTIALS, entry["credential"]),) if entry.get("credential") else ()
    shared = {} if section == "credential_types" else {"organization": organization}
    return [Call(Target(section, entry["name"]), {**_given(entry), **shared}, needs)]


def _given(entry: Entry, *without: str) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if value is not None and name not in without}


def _credential(entry: Entry, definitions: Definitions, secrets: Secrets) -> list[Call]:
    given = {**entry["inputs"], **secrets.get(entry["name"], {})}
    _secret, required = secret_fields(definitions, entry)
    if not given or required - given.keys():
        return []
    options = {**_given(entry), "inputs": given, "update_secrets": False, "organization": definitions["organization"]}
    return [Call(Target(CREDENTIALS, entry["name"]), options, (Target("credential_types", entry["credential_type"]),))]


def _inventory(entry: Entry, organization: str) -> Iterator[Call]:
    inventory = Target("inventories", entry["name"])
    # Without a kind, the module changes it at each run, since the API has a blank text for none.
    yield Call(inventory, {**_given(entry, "hosts"), "kind": "", "organization": organization})
    for host in entry["hosts"]:
        options = {**_given(host), "inventory": entry["name"]}
        yield Call(Target(HOSTS, host["name"], entry["name"]), options, (inventory,))


def _survey(entry: Entry) -> dict[str, Any]:
    """Return the options for a survey. A survey that the file no longer has is switched off."""
    spec = {"name": "", "description": "", "spec": [_given(question) for question in entry["survey"]]}
    return {"survey_enabled": bool(entry["survey"]), **({"survey_spec": spec} if entry["survey"] else {})}


def _notifications(entry: Entry) -> tuple[Target, ...]:
    return tuple(
        Target(NOTIFICATIONS, name)
        for option, names in entry.items()
        if option.startswith("notification_templates_")
        for name in names
    )


def _job_template(entry: Entry, definitions: Definitions) -> Call:
    named = {option: entry[option] or definitions[section][0]["name"] for option, section in _PARTS.items()}
    needs = (
        *(Target(_PARTS[option], name) for option, name in named.items()),
        *(Target(CREDENTIALS, name) for name in entry["credentials"]),
        *_notifications(entry),
    )
    options = {**_given(entry, "survey"), **named, **_survey(entry), "organization": definitions["organization"]}
    return Call(Target("job_templates", entry["name"]), options, needs)


def _schedule(entry: Entry, definitions: Definitions) -> Call:
    template = entry["unified_job_template"]
    names = {workflow["name"] for workflow in definitions["workflow_job_templates"]}
    runs = Target("workflow_job_templates" if template in names else "job_templates", template)
    options = {**_given(entry), "organization": definitions["organization"]}
    return Call(Target("schedules", entry["name"], template), options, (runs,))


def node_calls(workflow: Entry, organization: str, existing: Mapping[str, str | None]) -> Iterator[Call]:
    """Yield the calls for the nodes of a workflow.

    A node that nothing leads to starts with the workflow. So a node gets its template only when it is linked: first all
    nodes without templates, then the links, and then the templates. Between two nodes, a new one is linked to the later
    one before it takes the place of the link between them. Nodes that the file lacks go last.

    :param existing: the types of the templates of the nodes that AWX has, by identifier.
    """
    shared = {"workflow_job_template": workflow["name"], "organization": organization}
    of_workflow = Target("workflow_job_templates", workflow["name"])
    nodes = {node["identifier"]: node for node in children_first(workflow)}
    # The module would rename the job template of a node that becomes an approval.
    replaced = {
        name
        for name, node in nodes.items()
        if node["approval"] and existing.get(name) not in (None, "workflow_approval")
    }

    def call(name: str, options: Mapping[str, Any], needs: Iterable[Target] = ()) -> Call:
        return Call(_node(workflow, name), {**shared, "identifier": name, **options}, (of_workflow, *needs))

    for name in sorted(replaced):
        yield call(name, {"state": "absent"})
    for name in nodes:
        if name in replaced or name not in existing:
            yield call(name, {"success_nodes": []})
    for name, node in nodes.items():
        links = {link: node[link] for link in LINKS}
        yield call(name, links, (_node(workflow, to) for names in links.values() for to in names))
    for name, node in nodes.items():
        if node["approval"]:
            yield call(name, {"approval_node": _given(node["approval"])})
        else:
            runs = {"unified_job_template": node["job_template"], "lookup_organization": organization}
            yield call(name, runs, (Target("job_templates", node["job_template"]),))
    for name in sorted(existing.keys() - nodes.keys()):
        yield call(name, {"state": "absent"})


def _node(workflow: Entry, name: str) -> Target:
    return Target(NODES, name, workflow["name"])


def named_elsewhere(definitions: Definitions, calls: Iterable[Call]) -> list[Target]:
    """Return what the calls name and the file does not have, which AWX must have already."""
    own = {Target(section, entry["name"]) for section in SECTIONS for entry in definitions[section]}
    needed = {need for call in calls for need in call.needs}
    for workflow in definitions["workflow_job_templates"]:
        needed |= {Target("job_templates", node["job_template"]) for node in workflow["nodes"] if node["job_template"]}
    return sorted(needed - own, key=lambda target: (target.section, target.name))
