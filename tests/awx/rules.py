# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX refuses: fields by C(options.json), and the rest as it answered in C(exchanges.json), or as its source says.

AWX ignores fields that it does not know. The stand-in refuses them, so that a misspelt one is found.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

Data = dict[str, Any]

OPTIONS: Data = json.loads((Path(__file__).parent / "options.json").read_text(encoding="utf-8"))["options"]
#: Fields that the modules send although the API does not list them, and ignores them.
IGNORED = {
    "credential_types": {"managed"},
    "job_templates": {"organization"},
    "workflow_job_template_nodes": {"type"},
}
#: The section that the id in a field belongs to.
REFERENCES = {
    "credential_type": "credential_types",
    "organization": "organizations",
    "inventory": "inventories",
    "project": "projects",
    "execution_environment": "execution_environments",
    "credential": "credentials",
    "webhook_credential": "credentials",
    "default_environment": "execution_environments",
    "workflow_job_template": "workflow_job_templates",
    "unified_job_template": "unified_job_templates",
}
_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "id": (int,),
    "json": (dict, list, str),
}
_ANSWERS = {"text": str, "textarea": str, "password": str, "multiplechoice": str, "multiselect": (str, list)}
_ANSWERS |= {"integer": int, "float": float}
_EVENTS = ("started", "success", "error", "workflow_approval")
_APPROVALS = ("running", "approved", "timed_out", "denied")
#: The fields of a notification and their types by its type, and the defaults of those that have one.
_NOTIFICATIONS: dict[str, tuple[dict[str, type], Data]] = {
    "webhook": (
        {
            "url": str,
            "http_method": str,
            "headers": dict,
            "disable_ssl_verification": bool,
            "username": str,
            "password": str,
        },
        {"http_method": "POST", "disable_ssl_verification": False, "username": "", "password": ""},
    ),
    "email": (
        {
            **dict.fromkeys(("host", "username", "password", "sender"), str),
            **dict.fromkeys(("use_tls", "use_ssl"), bool),
            **{"port": int, "timeout": int, "recipients": list},
        },
        {"timeout": 30},
    ),
}
#: What messages can name, with the values with which AWX tries them: there are no artifacts yet.
_CONTEXT: Data = {
    "job": {
        **dict.fromkeys(("id", "name", "description", "status", "playbook", "url", "started", "elapsed"), "a value"),
        "artifacts": {},
        "summary_fields": {"created_by": {"username": "admin"}},
    },
    **dict.fromkeys(("job_friendly_name", "url", "job_metadata"), "a value"),
    **dict.fromkeys(("approval_status", "approval_node_name", "workflow_url"), "a value"),
}


class Refused(Exception):
    """AWX answers 400 or another status; C(answer) says why."""

    def __init__(self, answer: Data, status: int = 400) -> None:
        super().__init__(json.dumps(answer))
        self.answer, self.status = answer, status


def check_fields(section: str, body: Data, exists: Callable[[str, Any], bool], partial: bool = False) -> Data:
    """Return the fields of a body that the API takes.

    :param exists: whether a section has an object of an id.
    :raises Refused: a field is missing, unknown, or has a value that the API does not take.
    """
    fields = OPTIONS[section]["post"]
    errors: Data = {}
    for name, field in fields.items():
        if field.get("required") and not partial and name not in body:
            errors[name] = ["This field is required."]
    for name in body.keys() - fields.keys() - IGNORED.get(section, set()):
        errors[name] = ["The API has no such field."]
    known = {name: value for name, value in body.items() if name in fields}
    for name, value in known.items():
        problem = _problem(name, fields[name], value, exists)
        if problem:
            errors[name] = [problem]
    if errors:
        raise Refused(errors)
    return known


def _problem(name: str, field: Data, value: Any, exists: Callable[[str, Any], bool]) -> str | None:
    if value is None:
        return None if field["type"] == "id" or field.get("default", "") is None else "This field may not be null."
    if field["type"] == "choice":
        return None if value in field["choices"] else f'"{value}" is not a valid choice.'
    if not isinstance(value, _TYPES[field["type"]]) or (isinstance(value, bool) and field["type"] != "boolean"):
        return f"Not a valid {field['type']}."
    if field["type"] == "string" and not value.strip() and field.get("required"):
        return "This field may not be blank."
    if isinstance(value, str) and len(value) > field.get("max_length", len(value)):
        return f"Ensure this field has no more than {field['max_length']} characters."
    if field["type"] == "id" and name in REFERENCES and not exists(REFERENCES[name], value):
        return f'Invalid pk "{value}" - object does not exist.'
    return None


def check_credential_type(body: Data) -> Data:
    """Return inputs as AWX keeps them, after checking them and the injectors."""
    inputs = body.get("inputs") or {}
    problems = [
        f"{field['id']} is an invalid variable name"
        for field in inputs.get("fields", ())
        if not field["id"].isidentifier()
    ]
    problems += ["'label' is a required property" for field in inputs.get("fields", ()) if "label" not in field]
    names = {field["id"] for field in inputs.get("fields", ())}
    problems += [f"{name} is not a field" for name in inputs.get("required", ()) if name not in names]
    if problems:
        raise Refused({"inputs": problems})
    injectors = body.get("injectors") or {}
    for name in re.findall(r"{{\s*(\w+)\s*}}", json.dumps(injectors)):
        if name not in names:
            raise Refused({"injectors": [f"{name} uses an undefined field"]})
    if injectors.keys() - {"env", "file", "extra_vars"}:
        raise Refused({"injectors": ["Additional properties are not allowed"]})
    typed = {"fields": [{"type": "string", **field} for field in inputs["fields"]]} if "fields" in inputs else {}
    return {**inputs, **typed}


def check_survey(spec: Data) -> None:
    """Refuse a survey with words that AWX has for it, one at a time."""

    def refuse(message: str) -> None:
        raise Refused({"error": message})

    for name, kind in (("name", str), ("description", str), ("spec", list)):
        if not isinstance(spec.get(name), kind):
            refuse(f"Field '{name}' is missing from survey spec.")
    seen: set[str] = set()
    for number, question in enumerate(spec["spec"]):
        for name, kind in (("type", str), ("question_name", str), ("variable", str), ("required", bool)):
            if name not in question:
                refuse(f"'{name}' missing from survey question {number}")
            if not isinstance(question[name], kind):
                refuse(f"'{name}' in survey question {number} expected to be {kind.__name__}.")
        if question["variable"] in seen:
            refuse(f"'variable' '{question['variable']}' duplicated in survey question {number}.")
        seen.add(question["variable"])
        if question["type"] not in _ANSWERS:
            allowed = f"is not one of '{', '.join(_ANSWERS)}' allowed question types."
            refuse(f"'{question['type']}' in survey question {number} {allowed}")
        default = question.get("default", "")
        if default != "" and not isinstance(default, _ANSWERS[question["type"]]):
            refuse(f"Default value {default} in survey question {number} expected to be {question['type']}.")
        for limit in ("min", "max"):
            if not isinstance(question.get(limit, 0), int):
                refuse(f"The {limit} limit in survey question {number} expected to be integer.")
        if question["type"] in ("multiplechoice", "multiselect"):
            if "choices" not in question:
                refuse(f"Survey question {number} of type {question['type']} must specify choices.")
            if any(line not in question["choices"] for line in str(default).splitlines()):
                refuse("Default choice must be answered from the choices listed.")


def answers_missing(spec: Data, answers: Data) -> list[str]:
    """Return what AWX says of answers to a survey that it does not take."""
    said = []
    for question in spec.get("spec", ()):
        name = question["variable"]
        if name not in answers:
            said += [f"'{name}' value missing"] if question["required"] else []
            continue
        value = answers[name]
        if not isinstance(value, _ANSWERS[question["type"]]):
            said.append(f"Value {value} for '{name}' expected to be a {question['type']}.")
        elif isinstance(value, str) and question["type"] in ("text", "textarea", "password"):
            if len(value) < (question.get("min") or 0):
                said.append(f"'{name}' value {value} is too small")
            if len(value) > (question.get("max") or len(value)):
                said.append(f"'{name}' value {value} is too large")
        elif question["type"] == "multiplechoice" and value not in question["choices"]:
            said.append(f"Value {value} for '{name}' expected to be one of the choices.")
    return said


def check_rrule(rule: str) -> None:
    """Refuse a rule without a start, a frequency or an interval."""
    problems = []
    if not re.match(r"DTSTART(;TZID=[^:\s]+:\d{8}T\d{6}|:\d{8}T\d{6}Z)", rule):
        problems.append("Valid DTSTART required in rrule. Value should start with: DTSTART:YYYYMMDDTHHMMSSZ")
    if "RRULE:" not in rule:
        problems.append("One or more rule required in rrule.")
        problems.append("rrule parsing failed validation: not enough values to unpack (expected 2, got 1)")
    elif "INTERVAL=" not in rule:
        problems.append("INTERVAL required in rrule.")
    if problems:
        raise Refused({"rrule": problems})


def complete_notification(body: Data) -> Data:
    """Return the configuration of a notification with its defaults, after checking it and the messages."""
    fields, defaults = _NOTIFICATIONS[body["notification_type"]]
    configuration = {**defaults, **body["notification_configuration"]}
    missing = sorted(fields.keys() - configuration.keys())
    if missing:
        raise Refused({"notification_configuration": [f"Missing required fields: {missing}."]})
    if configuration.keys() - fields.keys():
        raise Refused({"notification_configuration": [f"Unknown: {sorted(configuration.keys() - fields.keys())}"]})
    wrong = [name for name, kind in fields.items() if configuration[name].__class__ is not kind]
    if wrong:
        raise Refused(
            {"notification_configuration": [f"Configuration field '{name}' incorrect type" for name in wrong]}
        )
    for event, message in (body.get("messages") or {}).items():
        if event not in _EVENTS:
            raise Refused({"messages": [f"Event '{event}' invalid, must be one of {', '.join(_EVENTS)}"]})
        of_event = message or {}
        for texts in of_event.values() if event == "workflow_approval" else [of_event]:
            _check_texts(texts or {}, body["notification_type"])
        if event == "workflow_approval" and of_event.keys() - set(_APPROVALS):
            raise Refused({"messages": ["Workflow Approval event invalid"]})
    return configuration


def merged_messages(old: Data, new: Data) -> Data:
    """Return messages as AWX keeps them: what is not sent stays as it was."""
    merged = {**new}
    for event in _EVENTS:
        before, after = old.get(event) or {}, new.get(event) or {}
        if event == "workflow_approval" and before:
            of_approval = {name: _merged_texts(before.get(name) or {}, after.get(name) or {}) for name in _APPROVALS}
            merged[event] = {name: texts for name, texts in of_approval.items() if texts}
        else:
            merged[event] = _merged_texts(before, after) or None
    return merged


def _merged_texts(old: Data, new: Data) -> Data:
    return {**{name: text for name, text in old.items() if text}, **new} if new else old


def _check_texts(texts: Data, kind: str) -> None:
    if texts.keys() - {"message", "body"}:
        raise Refused({"messages": [f"Invalid key in {sorted(texts)}"]})
    if "\n" in (texts.get("message") or ""):
        raise Refused({"messages": ["Messages cannot contain newlines"]})
    for text in filter(None, texts.values()):
        try:
            shown = ImmutableSandboxedEnvironment(undefined=StrictUndefined).from_string(text).render(**_CONTEXT)
        except TemplateError as error:
            raise Refused({"messages": [f"Unable to render message '{text}': {error}"]}) from None
    if kind == "webhook" and texts.get("body"):
        try:
            json.loads(shown)
        except ValueError:
            raise Refused({"messages": ["Webhook body should be a json dictionary."]}) from None
