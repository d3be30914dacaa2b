# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects of the stand-in, and its answers to requests."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from copy import deepcopy
from itertools import count
from pathlib import Path
from typing import Any

from awx.rules import (
    OPTIONS,
    REFERENCES,
    Data,
    Refused,
    answers_missing,
    check_credential_type,
    check_fields,
    check_rrule,
    check_survey,
    complete_notification,
    merged_messages,
)

EXCHANGES: list[Data] = json.loads((Path(__file__).parent / "exchanges.json").read_text(encoding="utf-8"))
#: The sections of objects that are created by other paths.
_SECTIONS = {"workflow_nodes": "workflow_job_template_nodes", "create_approval_template": "workflow_approval_templates"}
#: An answer to a creation in each section, for the fields that nobody sets.
_BASE = {
    _SECTIONS.get(last, last): one["answer"]
    for one in reversed(EXCHANGES)
    for last in one["path"].strip("/").split("/")[-1:]
    if one["status"] == 201
}
_RUNNABLE = ("projects", "job_templates", "workflow_job_templates", "workflow_approval_templates")
#: The first ids, as on the AWX that the exchanges are from. What runs jobs shares its ids.
_FIRST = {"credential_types": 31, "credentials": 3, "execution_environments": 3, "inventories": 2, "hosts": 2}
#: The fields that together are unique, and what AWX says.
_UNIQUE = {
    "credential_types": (("name", "kind"), "Credential type with this Name and Kind already exists."),
    "credentials": (
        ("organization", "name", "credential_type"),
        "Credential with this (organization, name, credential_type) combination already exists.",
    ),
    "execution_environments": (("name",), "Execution environment with this Name already exists."),
    "job_templates": (
        ("organization", "name"),
        "JobTemplate with this (organization, name) combination already exists.",
    ),
}
_NODES, _APPROVALS = "workflow_job_template_nodes", "workflow_approval_templates"
_GROUPS = "instance_groups"
_LINKS = ("success_nodes", "failure_nodes", "always_nodes")
_ASSOCIATED = {"credentials": "credentials", "instance_groups": "instance_groups"}
_ASSOCIATED |= {
    f"notification_templates_{event}": "notification_templates"
    for event in ("started", "success", "error", "approvals")
}
_WITHIN = {("inventories", "hosts"): "inventory", ("workflow_job_templates", "workflow_nodes"): "workflow_job_template"}
_ENCRYPTED = "$encrypted$"
Answer = tuple[int, Any]


def _with_secrets(values: Data, old: Data) -> Data:
    """Return values with the old one where a secret is sent as AWX shows it."""
    return {name: old[name] if value == _ENCRYPTED else value for name, value in values.items()}


class World:
    """All objects of an AWX.

    :param playbooks: the playbooks of every project.
    """

    def __init__(self, playbooks: Collection[str]) -> None:
        self._playbooks = playbooks
        self._tables: dict[str, dict[int, Data]] = {section: {} for section in (*OPTIONS, _APPROVALS, _GROUPS)}
        self._associations: dict[tuple[str, int, str], list[int]] = {}
        self._surveys: dict[tuple[str, int], Data] = {}
        self._ids = {section: count(_FIRST.get(section, 1)) for section in (*OPTIONS, _GROUPS)}
        shared, self._changes = count(3), count(1)
        self._ids |= dict.fromkeys(_RUNNABLE, shared)
        self._add("organizations", {"name": "Default"})
        self._add(_GROUPS, {"name": "default"})
        #: How updates of projects end, for which the modules wait.
        self.update_status = "successful"
        #: Names that are taken by objects that this user may not see.
        self.hidden: set[str] = set()

    def rows(self, section: str) -> list[Data]:
        """Return the objects of a section as the API shows them."""
        sections = _RUNNABLE[:3] if section == "unified_job_templates" else (section,)
        return [self._shown(one, row) for one in sections for row in self._tables[one].values()]

    def named(self, section: str, name: str) -> Data:
        """Return the only object of a name."""
        (row,) = [row for row in self.rows(section) if name in (row.get("name"), row.get("identifier"))]
        return row

    def kept(self, section: str, name: str) -> Data:
        """Return the only object of a name, with its secrets."""
        return self._tables[section][self.named(section, name)["id"]]

    def survey(self, template: Data) -> Data:
        """Return the survey of a template."""
        return self._surveys.get((f"{template['type']}s", template["id"]), {})

    def associated(self, row: Data, association: str) -> list[int]:
        """Return the ids of what is associated with an object."""
        return self._associations.get((f"{row['type']}s", row["id"], association), [])

    def answer(self, method: str, path: str, query: Data, body: Data) -> Answer:
        """Return status and answer of a request."""
        parts = path.removeprefix("/api/v2/").strip("/").split("/")
        section = parts[0]
        if section == "project_updates" and len(parts) == 2:
            return 200, {"id": int(parts[1]), "status": self.update_status}
        if section not in self._tables and section != "unified_job_templates":
            return 404, {"detail": "The requested resource could not be found."}
        try:
            if len(parts) == 1:
                return (200, self._listed(section, query)) if method == "GET" else self._create(section, body)
            row = self._tables[section].get(int(parts[1]))
            if row is None:
                name = "".join(word.title() for word in section.removesuffix("s").split("_"))
                return 404, {"detail": f"No {name} matches the given query."}
            if len(parts) == 2:
                return self._one(method, section, row, body)
            return self._sub(method, section, row, parts[2], body)
        except Refused as refused:
            return refused.status, refused.answer

    def _listed(self, section: str, query: Data) -> Data:
        rows = self.rows(section)
        query = {name: value for name, value in query.items() if name not in ("page_size", "page")}
        either = {name.removeprefix("or__"): query.pop(name) for name in [*query] if name.startswith("or__")}

        def fits(row: Data, name: str, value: str) -> bool:
            return str(self._field(section, row, name)) == value

        rows = [row for row in rows if all(fits(row, name, value) for name, value in query.items())]
        if either:
            rows = [row for row in rows if any(fits(row, name, value) for name, value in either.items())]
        return {"count": len(rows), "next": None, "previous": None, "results": rows}

    def _field(self, section: str, row: Data, name: str) -> Any:
        """Return what a filter compares: a field, or the field of an object that it names."""
        first, _dots, rest = name.partition("__")
        if first not in row:
            raise Refused({"detail": f"{section} has no field named '{first}'"})
        if not rest:
            return row[first]
        named = next((one for one in self.rows(REFERENCES[first]) if one["id"] == row[first]), None)
        return named and self._field(REFERENCES[first], named, rest)

    def _updating(self, shown: Data) -> Data:
        """Return an object as AWX answers a change of it: a project with a source is fetched at once."""
        if shown.get("scm_type"):
            shown["summary_fields"]["current_update"] = {"id": shown["id"], "status": "pending", "failed": False}
        return shown

    def _exists(self, section: str, identifier: Any) -> bool:
        sections = _RUNNABLE if section == "unified_job_templates" else (section,)
        return any(identifier in self._tables[one] for one in sections)

    def _create(self, section: str, body: Data) -> Answer:
        fields = check_fields(section, body, self._exists)
        return 201, self._updating(self._shown(section, self._add(section, self._checked(section, fields, {}))))

    def _add(self, section: str, fields: Data) -> Data:
        known = OPTIONS.get(section, {"post": {}, "get": ()})
        defaults = {name: field.get("default") for name, field in known["post"].items()}
        shown = dict.fromkeys(known["get"])
        base = {name: value for name, value in _BASE.get(section, {}).items() if name not in defaults}
        own = {
            name: _BASE.get(section, {}).get(name) if value is None else value
            for name, value in defaults.items()
            if name in shown and name not in fields
        }
        own = {name: None if name in REFERENCES else value for name, value in own.items()}
        identifier = next(self._ids[section])
        kind = re.sub("ies$", "y", section).removesuffix("s")
        row = {**shown, **deepcopy(base), **deepcopy(own), **fields, "id": identifier, "type": kind}
        row["url"] = f"/api/v2/{section}/{identifier}/"
        row["modified"] = f"change {next(self._changes)}"
        self._tables[section][identifier] = row
        return row

    def _checked(self, section: str, fields: Data, old: Data) -> Data:
        """Return fields as AWX keeps them.

        :raises Refused: they do not fit together, or with other objects.
        """
        new = {**old, **fields}
        if section == "job_templates":
            project = self._tables["projects"].get(new.get("project") or 0)
            fields["organization"] = new["organization"] = project and project["organization"]
            if not project or new["playbook"] not in self._playbooks:
                raise Refused({"playbook": ["Playbook not found for project."]})
        if section == "credential_types":
            fields |= {"inputs": check_credential_type(new)} if "inputs" in fields else {}
            used = any(row["credential_type"] == old.get("id") for row in self._tables["credentials"].values())
            if used and fields.get("inputs", old["inputs"]) != old["inputs"]:
                words = "Modifications to inputs are not allowed for credential types that are in use"
                raise Refused({"detail": words}, 403)
        if (
            section == "execution_environments"
            and old
            and fields.get("organization") not in (None, old["organization"])
        ):
            raise Refused({"organization": ["Cannot change the organization of an execution environment"]})
        if section == "credentials":
            kind = self._tables["credential_types"][new["credential_type"]]
            known = {field["id"] for field in kind["inputs"]["fields"]}
            if new["inputs"].keys() - known:
                raise Refused({"inputs": [f"Additional properties: {sorted(new['inputs'].keys() - known)}"]})
            fields["inputs"] = _with_secrets(new["inputs"], old.get("inputs", {}))
        if section == "notification_templates":
            configuration = complete_notification(new)
            fields["notification_configuration"] = _with_secrets(
                configuration, old.get("notification_configuration", {})
            )
            if old and fields.get("messages"):
                fields["messages"] = merged_messages(old["messages"] or {}, fields["messages"])
        if section == "schedules":
            self._check_schedule(new)
        self._check_unique(section, new)
        return fields

    def _check_schedule(self, new: Data) -> None:
        check_rrule(new["rrule"])
        template = next(row for row in self.rows("unified_job_templates") if row["id"] == new["unified_job_template"])
        survey, answers = self.survey(template), new.get("extra_data") or {}
        missing = answers_missing(survey, answers)
        if missing:
            raise Refused({"variables_needed_to_start": missing})
        unasked = sorted(answers.keys() - {question["variable"] for question in survey.get("spec", ())})
        if unasked and not template.get("ask_variables_on_launch"):
            raise Refused({"extra_data": [f"Variables {', '.join(unasked)} are not allowed on launch."]})

    def _check_unique(self, section: str, new: Data) -> None:
        words = f"{section} with this (organization, name) combination already exists."
        names, message = _UNIQUE.get(section, (("organization", "name", "inventory", "unified_job_template"), words))
        if section == _NODES:
            names, message = ("workflow_job_template", "identifier"), "Node with this identifier already exists."
        same = [
            row
            for row in self._tables[section].values()
            if row["id"] != new.get("id") and all(row.get(name) == new.get(name) for name in names)
        ]
        if same or new.get("name") in self.hidden:
            raise Refused({"__all__": [message]})

    def _one(self, method: str, section: str, row: Data, body: Data) -> Answer:
        if method == "DELETE":
            del self._tables[section][row["id"]]
            return 204, None
        if method == "PATCH":
            if section == _APPROVALS:
                row.update(body)
            else:
                row.update(self._checked(section, check_fields(section, body, self._exists, partial=True), row))
                row["modified"] = f"change {next(self._changes)}"
                return 200, self._updating(self._shown(section, row))
        return 200, self._shown(section, row)

    def _sub(self, method: str, section: str, row: Data, sub: str, body: Data) -> Answer:
        if (section, sub) in _WITHIN:
            return self._create(_SECTIONS.get(sub, sub), {**body, _WITHIN[section, sub]: row["id"]})
        if sub == "survey_spec":
            return self._survey(method, section, row, body)
        if sub == "create_approval_template":
            row["unified_job_template"] = self._add(_APPROVALS, body)["id"]
            return 201, self._shown(_APPROVALS, self._tables[_APPROVALS][row["unified_job_template"]])
        if sub not in _ASSOCIATED and not (section == _NODES and sub in _LINKS):
            return 404, {"detail": "The requested resource could not be found."}
        return self._association(method, section, row, sub, body)

    def _survey(self, method: str, section: str, row: Data, body: Data) -> Answer:
        if method == "GET":
            return 200, self._surveys.get((section, row["id"]), {})
        check_survey(body)
        self._surveys[section, row["id"]] = body
        return 200, None

    def _association(self, method: str, section: str, row: Data, sub: str, body: Data) -> Answer:
        other = _ASSOCIATED.get(sub, _NODES)
        ids = self._associations.setdefault((section, row["id"], sub), [])
        ids[:] = [one for one in ids if one in self._tables[other]]
        if method == "GET":
            rows = [self._shown(other, self._tables[other][one]) for one in ids]
            return 200, {"count": len(rows), "next": None, "previous": None, "results": rows}
        if not self._exists(other, body["id"]):
            return 400, {"detail": "Object does not exist."}
        if body.get("disassociate"):
            ids.remove(body["id"])
            return 204, None
        kinds = [self._tables[other][one].get("credential_type") for one in ids]
        if sub == "credentials" and self._tables[other][body["id"]]["credential_type"] in kinds:
            return 400, {"error": "Cannot assign multiple credentials of one type."}
        if sub in _LINKS and row["id"] in self._reached(body["id"]):
            return 400, {"Error": "Cycle detected."}
        linked = [self._associations.get((_NODES, row["id"], link), []) for link in _LINKS if sub in _LINKS]
        if any(body["id"] in others for others in linked):
            return 400, {"Error": "Relationship not allowed."}
        ids.append(body["id"])
        return 204, None

    def _reached(self, node: int) -> set[int]:
        """Return the node and all nodes to which it leads."""
        reached, left = set(), [node]
        while left:
            one = left.pop()
            reached.add(one)
            linked = [to for link in _LINKS for to in self._associations.get((_NODES, one, link), [])]
            left += [to for to in linked if to not in reached]
        return reached

    def _shown(self, section: str, row: Data) -> Data:
        """Return an object as the API shows it: secrets are hidden, and what it names is summarized."""
        shown = deepcopy(row)
        summary = {}
        for name, other in REFERENCES.items():
            for one in _RUNNABLE if other == "unified_job_templates" else (other,):
                if shown.get(name) in self._tables[one]:
                    summary[name] = {"id": shown[name], "name": self._tables[one][shown[name]]["name"]}
                    kind = {"job_templates": "job", "workflow_approval_templates": "workflow_approval"}.get(one)
                    summary[name] |= {"unified_job_type": kind} if name == "unified_job_template" else {}
        shown["summary_fields"] = summary
        url = shown["url"]
        shown["related"] = {"survey_spec": f"{url}survey_spec/"} if section in _RUNNABLE[1:3] else {}
        if section == "projects":
            shown["related"]["update"] = f"{url}update/"
        if section == _NODES:
            shown |= {link: list(self._associations.get((_NODES, row["id"], link), [])) for link in _LINKS}
            if row["unified_job_template"] in self._tables[_APPROVALS]:
                approval = f"/api/v2/{_APPROVALS}/{row['unified_job_template']}/"
                shown["related"]["unified_job_template"] = approval
        if section == "credentials":
            kind = self._tables["credential_types"][row["credential_type"]]
            secret = {field["id"] for field in kind["inputs"].get("fields", ()) if field.get("secret")}
            shown["inputs"] = {name: _ENCRYPTED if name in secret else value for name, value in row["inputs"].items()}
        if section == "notification_templates" and row["notification_configuration"].get("password"):
            shown["notification_configuration"]["password"] = _ENCRYPTED
        return shown
