# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of the file that describes the objects of AWX, as argument specs by section."""

from __future__ import annotations

from typing import Any

from ..._api.errors import ConfigurationError
from ..._api.text import printable, summarize

_NAME: dict[str, Any] = {"name": {"type": "str", "required": True}}
_NAMED: dict[str, Any] = {**_NAME, "description": {"type": "str", "default": ""}}
_TEXT: dict[str, Any] = {"type": "str"}
_MAPPING: dict[str, Any] = {"type": "dict"}
_ON: dict[str, Any] = {"type": "bool", "default": True}
_OFF: dict[str, Any] = {"type": "bool", "default": False}
_NAMES: dict[str, Any] = {"type": "list", "elements": "str", "default": []}

#: A question in the form of the API, which refuses other types.
_QUESTION: dict[str, Any] = {
    "variable": {"type": "str", "required": True},
    "question_name": {"type": "str", "required": True},
    "question_description": {"type": "str", "default": ""},
    "type": {
        "type": "str",
        "choices": ["text", "textarea", "password", "multiplechoice", "multiselect", "integer", "float"],
        "default": "text",
    },
    "required": _OFF,
    "default": {"type": "raw", "default": ""},
    "min": {"type": "int"},
    "max": {"type": "int"},
    "choices": {"type": "list", "elements": "str"},
}
_SURVEY: dict[str, Any] = {"type": "list", "elements": "dict", "default": [], "options": _QUESTION}
_NODE: dict[str, Any] = {
    "identifier": {"type": "str", "required": True},
    "job_template": _TEXT,
    "approval": {
        "type": "dict",
        "options": {**_NAMED, "timeout": {"type": "int", "default": 0}},
    },
    **dict.fromkeys(("success_nodes", "failure_nodes", "always_nodes"), _NAMES),
}
#: An input of a credential type. AWX keeps the type that it falls back to, so it would differ in the next run.
_FIELD: dict[str, Any] = {
    **{name: {"type": "str", "required": True} for name in ("id", "label")},
    "type": {"type": "str", "choices": ["string", "boolean"], "default": "string"},
    **dict.fromkeys(("format", "help_text"), _TEXT),
    **{name: {"type": "bool"} for name in ("secret", "multiline", "ask_at_runtime")},
    "choices": {"type": "list", "elements": "str"},
    "default": {"type": "raw"},
}


def _messages(*events: str) -> dict[str, Any]:
    # AWX keeps the old text for an event that it does not get.
    blank = {"type": "str", "default": ""}
    texts = {"type": "dict", "apply_defaults": True, "options": {"message": blank, "body": blank}}
    return dict.fromkeys(events, texts)


def _notifications(*events: str) -> dict[str, Any]:
    return {f"notification_templates_{event}": _NAMES for event in events}


#: The sections in the order in which their objects are set up, since later ones name earlier ones. Names and values are
#: those of the API of AWX 24, where it has them.
SECTIONS: dict[str, dict[str, Any]] = {
    "credential_types": {
        **_NAMED,
        "kind": {"type": "str", "choices": ["cloud", "net"], "default": "cloud"},
        "inputs": {
            "type": "dict",
            "required": True,
            "options": {
                "fields": {"type": "list", "elements": "dict", "options": _FIELD},
                "required": {"type": "list", "elements": "str"},
            },
        },
        "injectors": {"type": "dict", "required": True},
    },
    "credentials": {
        **_NAMED,
        "credential_type": {"type": "str", "required": True},
        "inputs": {"type": "dict", "default": {}},
    },
    "execution_environments": {
        **_NAMED,
        "image": {"type": "str", "required": True},
        "credential": _TEXT,
        "pull": {"type": "str", "choices": ["always", "missing", "never"], "default": "missing"},
    },
    "projects": {
        **_NAMED,
        "scm_type": {"type": "str", "choices": ["git", "svn", "archive", "manual"], "default": "git"},
        **dict.fromkeys(("scm_url", "scm_branch", "local_path", "credential"), _TEXT),
        "scm_update_on_launch": _OFF,
    },
    "inventories": {
        **_NAMED,
        "variables": _MAPPING,
        "hosts": {"type": "list", "elements": "dict", "default": [], "options": {**_NAMED, "variables": _MAPPING}},
    },
    "notification_templates": {
        **_NAMED,
        "notification_type": {
            "type": "str",
            "choices": [
                *("awssns", "email", "grafana", "irc", "mattermost"),
                *("pagerduty", "rocketchat", "slack", "twilio", "webhook"),
            ],
            "required": True,
        },
        "notification_configuration": {"type": "dict", "required": True},
        "messages": {
            "type": "dict",
            "options": {
                **_messages("started", "success", "error"),
                "workflow_approval": {
                    "type": "dict",
                    "apply_defaults": True,
                    "options": _messages("running", "approved", "timed_out", "denied"),
                },
            },
        },
    },
    "job_templates": {
        **_NAMED,
        "playbook": {"type": "str", "required": True},
        "job_type": {"type": "str", "choices": ["run", "check"], "default": "run"},
        **dict.fromkeys(("project", "inventory", "execution_environment"), _TEXT),
        "credentials": _NAMES,
        "instance_groups": {"type": "list", "elements": "str"},
        "extra_vars": {"type": "dict", "default": {}},
        "survey": _SURVEY,
        "ask_job_type_on_launch": _ON,
        "ask_diff_mode_on_launch": _ON,
        "ask_variables_on_launch": _OFF,
        "allow_simultaneous": _OFF,
        "diff_mode": _OFF,
        "timeout": {"type": "int", "default": 0},
        **_notifications("started", "success", "error"),
    },
    "workflow_job_templates": {
        **_NAMED,
        "survey": _SURVEY,
        "allow_simultaneous": _OFF,
        "nodes": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": _NODE,
            "mutually_exclusive": [("job_template", "approval")],
            "required_one_of": [("job_template", "approval")],
        },
        **_notifications("started", "success", "error", "approvals"),
    },
    "schedules": {
        **_NAMED,
        "unified_job_template": {"type": "str", "required": True},
        "rrule": {"type": "str", "required": True},
        "extra_data": {"type": "dict", "default": {}},
        "enabled": _ON,
    },
}
#: The keys at the top of the file.
ORGANIZATION = "organization"
KEYS = (ORGANIZATION, *SECTIONS)


class DefinitionsRefused(ConfigurationError):
    """The file with the objects of AWX cannot be used; the message has all problems."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(
            "use the definitions of AWX",
            summarize(map(printable, problems), separator="; "),
            "Nothing was changed. Correct the file.",
            option="path",
        )
