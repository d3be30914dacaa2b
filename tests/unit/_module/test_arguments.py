# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options: what the modules take is what their documentation says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.cakewalk.access.plugins.doc_fragments import acting as acting_fragment
from ansible_collections.cakewalk.access.plugins.doc_fragments import connection as connection_fragment
from ansible_collections.cakewalk.access.plugins.doc_fragments import journal as journal_fragment
from ansible_collections.cakewalk.access.plugins.doc_fragments import ledger as ledger_fragment
from ansible_collections.cakewalk.access.plugins.doc_fragments import writing as writing_fragment
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import ConfigurationError
from ansible_collections.cakewalk.access.plugins.module_utils._api.transport import Connection
from ansible_collections.cakewalk.access.plugins.module_utils._module.arguments import (
    ACTING,
    CONNECTION,
    JOURNAL,
    LEDGER,
    WRITING,
    connection_of,
    spec,
)
from ansible_collections.cakewalk.access.plugins.modules import (
    cakewalk_access_as_code,
    cakewalk_access_review,
    cakewalk_app_access,
    cakewalk_app_custom_field,
    cakewalk_group_member,
    cakewalk_info,
    cakewalk_task_route_info,
)
from ansible_collections.cakewalk.access.plugins.plugin_utils._lookup import TERMS
from unit.people import KEY, SECRET, options

ROOT = Path(__file__).parents[3]
GROUPS = [
    (CONNECTION, connection_fragment),
    (ACTING, acting_fragment),
    (WRITING, writing_fragment),
    (LEDGER, ledger_fragment),
    (JOURNAL, journal_fragment),
]
MODULES = [
    (cakewalk_access_review, {**CONNECTION, **ACTING, **LEDGER, **JOURNAL}),
    (cakewalk_app_access, {**CONNECTION, **ACTING, **WRITING, **JOURNAL}),
    (cakewalk_app_custom_field, {**CONNECTION, **JOURNAL}),
    (cakewalk_group_member, {**CONNECTION, **ACTING, **WRITING, **JOURNAL}),
    (cakewalk_info, CONNECTION),
    (cakewalk_task_route_info, CONNECTION),
    (cakewalk_access_as_code, {**CONNECTION, **ACTING, **WRITING, **LEDGER, **JOURNAL}),
]
#: A variable that is called otherwise than its option.
OTHER_NAMES = {"ledger_path": "CAKEWALK_LEDGER"}
SECRETS = ("api_key", "api_secret")
FACTS = ("type", "elements", "choices", "default", "required")

Facts = dict[str, dict[str, Any]]


def in_code(spec_options: dict[str, Any], above: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Return the options of an argument spec with what a user sees of them, suboptions by dotted name."""
    for name, option in spec_options.items():
        yield above + name, {fact: option[fact] for fact in FACTS if fact in option}
        yield from in_code(option.get("options", {}), f"{above}{name}.")


def in_words(documented: dict[str, Any], above: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Return the same of documented options."""
    for name, option in documented.items():
        yield above + name, {fact: option[fact] for fact in FACTS if fact in option}
        yield from in_words(option.get("suboptions", {}), f"{above}{name}.")


def documented_by(fragment: ModuleType) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(fragment.ModuleDocFragment.DOCUMENTATION)["options"]
    return found


def environment_of(option: dict[str, Any]) -> list[str]:
    return list(option["fallback"][1]) if "fallback" in option else []


@pytest.mark.parametrize(("group", "fragment"), GROUPS)
def test_each_group_of_options_is_what_its_fragment_documents(group: dict[str, Any], fragment: ModuleType) -> None:
    assert dict(in_code(group)) == dict(in_words(documented_by(fragment)))


@pytest.mark.parametrize(("module", "shared"), MODULES)
def test_the_options_of_a_module_are_what_it_documents(module: ModuleType, shared: dict[str, Any]) -> None:
    own = {name: option for name, option in module.SPEC["argument_spec"].items() if name not in shared}
    assert dict(in_code(own)) == dict(in_words(yaml.safe_load(module.DOCUMENTATION)["options"]))
    assert {name: module.SPEC["argument_spec"][name] for name in shared} == shared


@pytest.mark.parametrize(("group", "fragment"), GROUPS)
def test_environment_variables_are_documented(group: dict[str, Any], fragment: ModuleType) -> None:
    for name, documented in documented_by(fragment).items():
        words = " ".join(documented["description"])
        mentioned = re.findall(r"Environment variable E\((CAKEWALK_\w+)\)", words)
        assert mentioned == environment_of(group[name]), name
        assert mentioned in ([], [OTHER_NAMES.get(name, f"CAKEWALK_{name.upper()}")])


def test_lookups_document_the_variables_of_each_option() -> None:
    documented = yaml.safe_load(connection_fragment.ModuleDocFragment.LOOKUP)["options"]
    assert documented == {
        name: {"env": [{"name": variable}], "vars": [{"name": variable.lower()}]}
        for name, option in CONNECTION.items()
        for variable in environment_of(option)
    }


@pytest.mark.parametrize("lookup", ["user", "app", "policy", "group_members"])
def test_the_options_of_a_lookup_are_what_it_documents(lookup: str) -> None:
    module = import_module(f"ansible_collections.cakewalk.access.plugins.lookup.{lookup}")
    documentation = yaml.safe_load(module.DOCUMENTATION)
    documented = documentation["options"]
    if "cakewalk.access.connection.lookup_of_rows" in documentation["extends_documentation_fragment"]:
        documented |= yaml.safe_load(connection_fragment.ModuleDocFragment.LOOKUP_OF_ROWS)["options"]
    assert dict(in_words(documented)) == dict(in_code({**TERMS, **module.LookupModule.own_options}))


def test_what_has_an_environment_variable() -> None:
    with_one = {name for group, _fragment in GROUPS for name in group if environment_of(group[name])}
    assert with_one == {*CONNECTION, "acting_user", "ledger_path"}


@pytest.mark.parametrize("blank", ["", " "])
def test_a_blank_environment_variable_is_not_set(monkeypatch: pytest.MonkeyPatch, blank: str) -> None:
    arguments = {name: option for group, _fragment in GROUPS for name, option in group.items()}
    given = {"api_key": KEY, "api_secret": SECRET}
    names = [name for option in arguments.values() for name in environment_of(option)]
    for name in names:
        monkeypatch.delenv(name, raising=False)
    unset = ArgumentSpecValidator(arguments).validate(given)
    for name in names:
        monkeypatch.setenv(name, blank)
    result = ArgumentSpecValidator(arguments).validate(given)
    assert not result.error_messages
    assert result.validated_parameters == unset.validated_parameters


def test_secrets_are_hidden_and_nothing_else() -> None:
    for module, _shared in MODULES:
        hidden = [name for name, option in module.SPEC["argument_spec"].items() if option.get("no_log")]
        assert hidden == list(SECRETS)


def test_a_spec_is_its_groups_and_its_own_options() -> None:
    assert spec({"a": {}}, {"b": {}}, options={"c": {}}, mutually_exclusive=[("a", "c")]) == {
        "argument_spec": {"a": {}, "b": {}, "c": {}},
        "mutually_exclusive": [("a", "c")],
    }


def test_the_options_make_a_connection_with_the_same_defaults() -> None:
    params = options(api_key=KEY, api_secret=SECRET)
    assert connection_of(params) == Connection(params["base_url"], KEY, SECRET)


def test_options_that_cannot_work_make_none() -> None:
    with pytest.raises(ConfigurationError, match="Could not use `timeout`"):
        connection_of(options(api_key=KEY, api_secret=SECRET, timeout=0))


def test_the_modules_of_an_action_group_take_the_same_options() -> None:
    groups = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))["action_groups"]
    modules = "ansible_collections.cakewalk.access.plugins.modules"
    specs = {name: import_module(f"{modules}.{name}").SPEC["argument_spec"] for name in groups["all"]}
    assert all(options.items() >= CONNECTION.items() for options in specs.values())
    assert set(groups["write"]) == {name for name, options in specs.items() if options.items() >= ACTING.items()}
    assert all(specs[name].items() >= WRITING.items() for name in groups["write"])
