# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lookups inside playbooks: what they return, what they read, and how they fail."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
import yaml
from contract.wire import Wire, answer, page
from playbooks.harness import INFO, Data, Playbooks, names, play, stable_pages, task
from sandbox.known import TWIN_GROUP
from sandbox.process import Sandbox

pytestmark = pytest.mark.every_core

DEBUG = "ansible.builtin.debug"
ERIN, OLGA = "erin.engineer@example.com", "olga.owner@example.com"
PLUGINS = [
    f"ansible_collections.cakewalk.access.plugins.{name}"
    for name in ("lookup.user", "lookup.app", "lookup.policy", "lookup.group_members", "filter.to_table")
]
#: The address of a member, which Ansible must not run as a template.
PAYLOAD = "{{lookup('pipe','id')}}@example.com"
#: A secret that quoting spells in another way.
SECRET = "pa\"ss'w\\Canary"
WEIRD = {"cakewalk_api_secret": "{{ weird }}"}
NOWHERE = {f"CAKEWALK_{name}": "" for name in ("BASE_URL", "API_KEY", "API_SECRET")}


def look(name: str, expression: str, **keywords: Any) -> Data:
    """Return a task that shows the value of an expression."""
    return task(name, DEBUG, {"msg": "{{ " + expression.replace("c.a.", "cakewalk.access.") + " }}"}, **keywords)


def test_what_lookups_return_and_read(playbooks: Playbooks, tenant: Sandbox) -> None:
    ids = names(tenant)
    state = tenant.state("users", "groups")
    group = next(row for row in state["groups"] if row["name"] == "Engineering")
    people = {row["id"]: row["email"] for row in state["users"]}
    renamed = next(one for one in group["members"] if people[one] not in (ERIN, OLGA, tenant.acting_user))
    tenant.change("set_email", user=renamed, email=PAYLOAD)
    people[renamed] = PAYLOAD
    tenant.clear_log()
    several = f"'{ERIN}', '{OLGA.upper()}', '{ids['person_id'][ERIN]}', '{ERIN}'"
    run = playbooks.run(
        play(
            look("one", f"lookup('c.a.user', '{ERIN}')"),
            look("several", f"query('c.a.user', {several})"),
            look("a list", f"query('c.a.user', ['{ERIN}', '{OLGA}'])"),
            look("none", "query('c.a.user', [])"),
            look("record", f"lookup('c.a.user', '{ERIN}', returns='record').status_name"),
            look("app", "lookup('c.a.app', 'GitHub')"),
            look("policy", "lookup('c.a.policy', 'Two approvals', request_type='grant_access')"),
            look("members", "query('c.a.group_members', 'Engineering', 'Sales', 'Engineering')"),
            look("ids", f"query('c.a.group_members', '{group['id']}', returns='id')"),
            look("loop", "item", **{"with_cakewalk.access.user": [ERIN, OLGA]}),
        )
    ).succeeded()
    shown = {result.task: result.data.get("msg") for result in run.results}
    erin, olga = ids["person_id"][ERIN], ids["person_id"][OLGA]
    assert shown["one"] == erin
    assert shown["several"] == [erin, olga, erin, erin]
    assert shown["a list"] == [erin, olga]
    assert shown["none"] == []
    assert shown["record"] == "Active"
    assert shown["app"] == ids["app_id"]["GitHub"]
    assert shown["policy"] == ids["policy_id"]["Two approvals (GrantAccessRequest)"]
    sales = next(row for row in state["groups"] if row["name"] == "Sales")
    assert len(shown["members"]) == len({*group["members"], *sales["members"]})
    assert set(shown["members"]) == {people[one] for one in {*group["members"], *sales["members"]}}
    assert PAYLOAD in shown["members"]
    assert sorted(shown["ids"]) == sorted(group["members"])
    assert [each["item"] for each in run["loop"].data["results"]] == [erin, olga]
    read = [entry["path"] for entry in tenant.log()]
    assert len([path for path in read if path.endswith("/Users")]) >= stable_pages(len(group["members"]))
    assert not [entry for entry in tenant.log() if entry["method"] != "GET"]


def failing(name: str, expression: str, **keywords: Any) -> Data:
    return look(name, expression, ignore_errors=True, **keywords)


def test_how_lookups_fail_and_where_their_options_come_from(playbooks: Playbooks, tenant: Sandbox) -> None:
    """The key is in the variables only, as a template, and stays out of everything that is printed."""
    ada = f"lookup('c.a.user', '{tenant.acting_user}')"
    variables = {
        "cakewalk_api_key": "{{ vaulted.key }}",
        "cakewalk_api_secret": "{{ vaulted.secret }}",
        "cakewalk_base_url": tenant.url,
        "vaulted": {"key": tenant.api_key, "secret": tenant.api_secret},
    }
    tasks = [
        look("variables", ada),
        failing("keyword", ada.replace(")", ", timeout=0)"), vars={"cakewalk_timeout": 20}),
        failing("variable", ada, vars={"cakewalk_timeout": 0}),
        failing("environment", ada),
        look("blank", ada, vars={"cakewalk_max_retries": " "}),
        failing("typo", "query('c.a.user', 'erin.enginer@example.com', 'Erin', '0715')"),
        failing("twins", f"lookup('c.a.group_members', '{TWIN_GROUP}')"),
        failing("number", "lookup('c.a.app', 7)"),
        failing("policy", "lookup('c.a.policy', 'Two approvals')"),
        failing("unknown", "lookup('c.a.policy', 'Two approvals', request_types=['grant_access'])"),
        failing("no key", ada, vars={"cakewalk_api_key": ""}),
        failing("wrong key", ada.replace(")", ", api_key='canary-key')")),
        failing("secret as a variable", ada, vars={**WEIRD, "cakewalk_timeout": "{{ weird }}"}),
        failing("secret as a keyword", ada.replace(")", ", api_secret=weird, timeout=weird)")),
        failing("secret in the terms", "query('c.a.user', weird)", vars=WEIRD),
        failing("secret as an option", ada.replace(")", ", **{weird: 1})"), vars=WEIRD),
        look("ignored", "lookup('c.a.app', 'Gitlab', errors='ignore') or 'nothing'"),
        task("near", INFO, {"tasks_of": ["erin.enginer@example.com"], "timeout": 7}, ignore_errors=True),
    ]
    limits = {"CAKEWALK_REQUESTS_PER_MINUTE": "", "CAKEWALK_TIMEOUT": ""}
    run = playbooks.run(play(*tasks, vars=variables), "-vvvv", variables={"weird": SECRET}, **NOWHERE, **limits)
    texts = {result.task: str(result.data.get("msg")) for result in run.results}
    ada_id = texts["variables"]
    assert {texts[name] for name in ("environment", "blank")} == {ada_id}
    assert texts["ignored"] == "nothing"
    for name in ("keyword", "variable"):
        assert "Could not use `timeout`: it is 0" in texts[name]
    for address in ("near", "typo"):
        assert "the user 'erin.enginer@example.com' does not exist (did you mean 'erin.engineer@exa" in texts[address]
    assert "the user '0715' does not exist" in texts["typo"]
    assert "are called 'Twin Group': " in texts["twins"]
    assert "it must be text, not the number 7" in texts["number"]
    assert "missing required arguments: request_type" in texts["policy"]
    assert "unsupported options: request_types. Supported parameters include: " in texts["unknown"]
    assert "api_key is not set. Set `api_key` (variable `cakewalk_api_key`" in texts["no key"]
    assert "Could not read the users: the server answered 401 Unauthorized" in texts["wrong key"]
    for name in ("as a variable", "as a keyword"):
        assert "cannot be converted to an int" in texts[f"secret {name}"]
    assert "Traceback" not in run.output
    assert "Canary" not in run.output
    seen = [run.output, str(run.results), *(path.read_text(errors="replace") for path in playbooks.left_behind())]
    assert not [text for text in seen if tenant.api_key in text or tenant.api_secret in text]


def test_warnings_of_the_service_reach_the_user_and_examples_run(playbooks: Playbooks, tenant: Sandbox) -> None:
    examples = [example for plugin in PLUGINS for example in yaml.safe_load(import_module(plugin).EXAMPLES)]
    row = {"id": names(tenant)["person_id"][ERIN], "email": ERIN}
    marked = answer(200, page(row), {"deprecation": "@1767225600"})
    with Wire(lambda _request: marked) as wire:
        warned = look("warned", f"lookup('c.a.user', '{ERIN}', base_url='{wire.url}')")
        run = playbooks.run(play(*examples, warned)).succeeded()
    assert run["warned"].data["msg"] == row["id"]
    assert "Deprecation: @1767225600" in " ".join(run.output.split())
    assert run["Show the members of Engineering"].data["msg"]
    header, first, *_rows = run["Show them, a line for each"].data["msg"]
    assert header.split() == ["name", "status_name"]
    assert first.split()[-1] == "Managed"
