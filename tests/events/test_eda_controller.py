# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook in C(docs/event_driven.md), which sets up EDA controller, fits the rulebooks and the event source."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from events.engine import ROOT, RULEBOOKS
from events.sources import load
from jinja2 import Environment, StrictUndefined

PAGE = (ROOT / "docs" / "event_driven.md").read_text(encoding="utf-8")
#: The modules of ansible.eda 2.13, with the options that the playbook may use.
OPTIONS: Mapping[str, set[str]] = {
    "credential_type": {"name", "description", "inputs", "injectors", "state"},
    "credential": {"name", "description", "inputs", "credential_type_name", "organization_name", "state"},
    "decision_environment": {"name", "description", "image_url", "credential", "organization_name", "state"},
    "project": {"name", "description", "url", "scm_branch", "credential", "organization_name", "state"},
    "event_stream": {"name", "credential_name", "organization_name", "headers", "forward_events", "state"},
    "rulebook_activation": {
        *("name", "description", "project_name", "rulebook_name", "decision_environment_name", "organization_name"),
        *("eda_credentials", "k8s_service_name", "event_streams", "extra_vars", "restart_policy", "state"),
    },
}
TASK_KEYWORDS = {"name", "no_log"}


class Loader(yaml.SafeLoader):
    """Reads playbooks, whose values may be marked as unsafe."""


Loader.add_constructor("!unsafe", Loader.construct_yaml_str)


@pytest.fixture(scope="module")
def play() -> dict[str, Any]:
    """The play of the page."""
    (text,) = re.findall(r"^```yaml\n(# eda\.yml\n.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    (play,) = yaml.load(text, Loader)
    return dict(play)


@pytest.fixture(scope="module")
def calls(play: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The modules that the play runs, and their options."""
    found = []
    for task in play["tasks"]:
        ((module, options),) = ((key, value) for key, value in task.items() if key not in TASK_KEYWORDS)
        assert module.startswith("ansible.eda.")
        found.append((module.removeprefix("ansible.eda."), options))
    return found


def of(module: str, calls: list[tuple[str, dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """Return the options of each call of a module, by the name of what it creates."""
    return {options["name"]: options for name, options in calls if name == module}


def test_the_playbook_uses_options_that_there_are_and_keeps_secrets(play: dict[str, Any], calls: list[Any]) -> None:
    for module, options in calls:
        assert options.keys() <= OPTIONS[module]
    assert all(task["no_log"] for task in play["tasks"] if "ansible.eda.credential" in task)


def test_the_credential_type_sets_what_the_event_source_reads(calls: list[Any]) -> None:
    (kind,) = of("credential_type", calls).values()
    fields = [field["id"] for field in kind["inputs"]["fields"]]
    (environment,) = kind["injectors"].values()
    given = dict.fromkeys(fields, "secret-of-this-test")
    variables = {
        name: Environment(undefined=StrictUndefined).from_string(value).render(given)
        for name, value in environment.items()
    }

    options = load("webhook")["WebhookOptions"].read({}, variables)

    assert (options.api_key, options.api_secret) == ("secret-of-this-test",) * 2
    assert kind["inputs"]["required"] == fields
    assert all(field["secret"] for field in kind["inputs"]["fields"])
    credential = of("credential", calls)["Cakewalk read-only"]
    assert (credential["credential_type_name"], [*credential["inputs"]]) == (kind["name"], fields)


def test_the_activations_run_rulebooks_of_the_collection_with_their_variables(
    play: dict[str, Any], calls: list[Any]
) -> None:
    credentials, streams = of("credential", calls), of("event_stream", calls)
    for activation in of("rulebook_activation", calls).values():
        (rulebook,) = yaml.safe_load((RULEBOOKS / activation["rulebook_name"]).read_text(encoding="utf-8"))
        (source,) = rulebook["sources"]
        streamed = activation.get("event_streams", [])
        replaced = {stream["source_name"] for stream in streamed}
        text = yaml.safe_dump(rulebook["rules"] if replaced else rulebook)
        demanded = set(re.findall(r"\{\{ (\w+) \}\}", text))
        variables = yaml.safe_load(Environment().from_string(activation["extra_vars"]).render(play["vars"]))

        assert replaced <= {source["name"]}
        assert {stream["event_stream"] for stream in streamed} <= streams.keys()
        assert demanded <= variables.keys() <= set(re.findall(r"\{\{ (\w+)", text))
        assert set(activation["eda_credentials"]) <= credentials.keys()
        assert activation["project_name"] in of("project", calls)
        assert activation["decision_environment_name"] in of("decision_environment", calls)
        assert "run_playbook" not in text
    assert {stream["credential_name"] for stream in streams.values()} <= credentials.keys()
