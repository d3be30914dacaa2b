# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policies that cannot be read: what is sent, what the ledger makes of it, and what is refused."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playbooks.harness import POLICY, Data, Playbooks, Result, names, play, task, writes
from playbooks.module_contract import BadInput, refuse_all, rehearse
from sandbox.process import Sandbox

#: By option, how the wire and the sandbox call request types.
TYPES = {
    "grant_access": "GrantAccessRequest",
    "remove_access": "RemoveAccessRequest",
    "change_permission": "ChangePermissionLevelRequest",
    "archive_app": "ArchiveWorkAppRequest",
    "add_app": "AddNewManagedWorkAppRequest",
}
NOBODY = "00000000-0000-4000-8000-000000000000"
ADMIN_OF_GITHUB = {"app": "GitHub", "permission_level": "Admin"}
GRANT = {"request_type": "grant_access", "policy": "Two approvals"}
ONE = {**ADMIN_OF_GITHUB, **GRANT}
PRIVILEGED = {"select": {"status": "Managed"}, "permission_levels": "privileged", **GRANT}
FIELD, SET_POLICY, SET_LEVEL_POLICY = "Automation Ledger", "setWorkAppPolicy", "setPermissionLevelPolicy"
PATCH = "updateWorkAppCustomFields"
#: A task of the scenario.
RULES = "Rules over the tenant, of which the more specific one decides"

Slots = dict[tuple[str, str | None, str], str]
Received = tuple[Result, list[Data]]


def assigned(state: Data) -> Slots:
    """Return by app, level and request type which policy a tenant holds, all by id."""
    slots: Slots = {}
    for app in state["apps"]:
        for level in (None, *app["levels"]):
            own = level or app
            slots |= {(app["id"], level and level["id"], kind): one for kind, one in own["policies"].items()}
    return slots


def told(result: Result) -> Slots:
    """Return what a task says that it assigned, likewise."""
    return {
        (each["app_id"], each["permission_level_id"], TYPES[each["request_type"]]): each["policy_id"]
        for each in result.data["assignments"]
    }


def many(*entries: Mapping[str, Any], **options: Any) -> Data:
    """Return the options of a task with many assignments."""
    return {"assignments": [{**GRANT, **entry} for entry in entries], **options}


def bad_field(**options: Any) -> Data:
    """Return the options of a task with the ledger in a field."""
    return {**ONE, "ledger_field": FIELD, **options}


def runs(playbooks: Playbooks, tenant: Sandbox, options: Mapping[str, Any], *flags: str) -> Result:
    """Run a task, whatever comes of it."""
    plays = play(task("the task", POLICY, dict(options), ignore_errors=True))
    return playbooks.run(plays, *flags, variables=names(tenant)).succeeded()["the task"]


def run_each(playbooks: Playbooks, tenant: Sandbox, *given: Mapping[str, Any], **keywords: Any) -> list[Received]:
    """Run a task for each of these options, one after another in one playbook, whatever comes of them.

    :param keywords: of all tasks.
    :return: what came of each, and the requests that the tenant received for it.
    """
    tasks = []
    for number, options in enumerate(given):
        tasks += [
            task("before", "tenant", {"clear_log": True}),
            task(f"task {number}", POLICY, dict(options), ignore_errors=True, **keywords),
            task(f"log {number}", "tenant", {"log": True}),
        ]
    run = playbooks.run(play(*tasks), variables=names(tenant)).succeeded()
    return [(run[f"task {number}"], run[f"log {number}"].data["log"]) for number in range(len(given))]


def remembered(path: Path) -> dict[tuple[str, ...], str]:
    """Return what a ledger in a file holds: ids of policies by key."""
    return {tuple(one["key"]): one["value"]["policy_id"] for one in json.loads(path.read_text())["entries"]}


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """Where a ledger can be."""
    return tmp_path / "kept" / "ledger.json"


def test_what_is_foreseen_happens_and_is_only_enforced_afterwards(
    playbooks: Playbooks, tenant: Sandbox, ledger: Path
) -> None:
    done = rehearse(playbooks, tenant, "policies", again_warns="Entry 1 of|No app has", ledger=str(ledger))
    results = [done.done[title] for title in done.titles]
    expected = assigned(done.before)
    for result in results:
        expected |= told(result)
    assert assigned(done.after) == expected
    kept = {
        ("policy", app_id, level_id or "", kind): policy_id
        for result in results
        for (app_id, level_id, kind), policy_id in told(result).items()
    }
    assert remembered(ledger) == kept
    holds_the_more_specific(done.done[RULES], sum(len(app["levels"]) for app in done.before["apps"]))


def holds_the_more_specific(result: Result, levels: int) -> None:
    """Hold that of the four rules the most specific one decides each of all levels, and that each is counted."""
    decided = {
        (each["app"], each["permission_level"]): (each["policy"], each["decided_by"]["entry"])
        for each in result.data["assignments"]
    }
    examples = {
        ("GitHub", "Admin"): ("Admins", 4),
        ("GitHub", "Read"): ("Manager then app owner", 3),
        ("AWS", "Administrator"): ("Manager then app owner", 3),
        ("Salesforce", "System Administrator"): ("Two approvals", 2),
        ("Salesforce", "Standard"): ("App owner", 1),
    }
    assert examples.items() <= decided.items()
    counts = [(each["decides"], each["overruled"]) for each in result.data["entries"]]
    assert result.data["summary"]["slots"] == sum(decides for decides, _overruled in counts) == levels
    assert sum(counts[0]) == levels
    assert counts[0][1] >= sum(decides for decides, _overruled in counts[1:])
    (diff,) = result.data["diff"]
    apps = result.data["summary"]["apps"]
    assert diff["after_header"] == f"Policies of {apps} apps (the result lists them under `assignments`)"
    assert (diff["before"], diff["after"].count("before: unknown")) == ("", diff["after"].count("\n"))
    assert "GitHub, change_permission at Admin: Admins (before: unknown)\n" in diff["after"]
    assert diff["after"].count("\n") <= 10


def test_without_a_ledger_every_run_says_that_it_changes(playbooks: Playbooks, tenant: Sandbox) -> None:
    for result, log in run_each(playbooks, tenant, ONE, ONE):
        assert result.changed
        assert [(one["changed_basis"], one["previous"]) for one in result.data["assignments"]] == [("none", None)]
        assert len(writes(log)) == 1
    assert playbooks.left_behind() == []


@pytest.mark.slow
def test_the_ledger_can_come_from_the_environment(playbooks: Playbooks, tenant: Sandbox, ledger: Path) -> None:
    run = playbooks.run(play(task("the task", POLICY, ONE)), CAKEWALK_LEDGER=str(ledger)).succeeded()
    assert run["the task"].changed
    assert len(remembered(ledger)) == 1


@pytest.mark.slow
def test_another_policy_is_a_change_and_the_former_one_is_named(
    playbooks: Playbooks, tenant: Sandbox, ledger: Path
) -> None:
    options = {**ONE, "ledger_path": str(ledger)}
    _first, (result, _log) = run_each(playbooks, tenant, options, {**options, "policy": "Admins"}, diff=True)
    (entry,) = result.data["assignments"]
    assert (entry["changed"], entry["changed_basis"], entry["previous"]) == (True, "ledger", "Two approvals")
    (diff,) = result.data["diff"]
    assert diff["before_header"] == "Policy of GitHub"
    assert (diff["before"], diff["after"]) == (
        "grant_access at Admin: Two approvals\n",
        "grant_access at Admin: Admins\n",
    )


@pytest.mark.slow
def test_what_others_assigned_meanwhile_is_put_right_and_not_noticed(
    playbooks: Playbooks, tenant: Sandbox, ledger: Path
) -> None:
    options = {"app": "Figma", **GRANT, "ledger_path": str(ledger)}
    runs(playbooks, tenant, options)
    ours = assigned(tenant.state("apps"))
    known = names(tenant)
    path = f"/api/v1/WorkApps/{known['app_id']['Figma']}/Policies/GrantAccessRequest"
    assert tenant.call("PUT", path, json={"policyId": known["policy_id"]["Admins (GrantAccessRequest)"]}).ok
    assert assigned(tenant.state("apps")) != ours

    skipped = runs(playbooks, tenant, {**options, "enforce": "on_change"})
    assert [skipped.data["assignments"][0][name] for name in ("sent", "changed")] == [False, False]
    assert assigned(tenant.state("apps")) != ours
    enforced = runs(playbooks, tenant, options)
    assert not enforced.changed
    assert assigned(tenant.state("apps")) == ours


@pytest.mark.slow
def test_what_is_older_than_its_age_is_sent_again(playbooks: Playbooks, tenant: Sandbox, ledger: Path) -> None:
    options = {**ONE, "ledger_path": str(ledger), "enforce": "on_change", "ledger_max_age": 5}
    runs(playbooks, tenant, options)
    for hours, sent in ((4, 0), (6, 1)):
        document = json.loads(ledger.read_text())
        at = datetime.fromisoformat(document["entries"][0]["at"])
        document["entries"][0]["at"] = (at - timedelta(hours=hours)).isoformat()
        ledger.write_text(json.dumps(document))
        tenant.clear_log()
        result = runs(playbooks, tenant, options)
        assert not result.changed
        assert result.data["summary"]["sent"] == sent == len(writes(tenant.log()))
    renewed = datetime.fromisoformat(json.loads(ledger.read_text())["entries"][0]["at"])
    assert renewed >= at, "the age counts from the last time that it was sent"


def test_a_run_over_the_tenant_takes_no_more_requests_than_it_must(
    playbooks: Playbooks, tenant: Sandbox, ledger: Path
) -> None:
    options = many(
        PRIVILEGED,
        {"select": {"status": "Managed"}, "policy": "App owner"},
        ADMIN_OF_GITHUB | {"policy": "Admins"},
        max_assignments=500,
        ledger_path=str(ledger),
    )
    managed = [app for app in tenant.state("apps")["apps"] if app["status"] == "Managed"]
    privileged = [level for app in managed for level in app["levels"] if level["is_privileged"]]
    reading = {"listWorkApps": 1, "listCompatiblePolicies": 1, "listWorkAppPermissionLevels": len(managed)}
    writing = {SET_POLICY: len(managed), SET_LEVEL_POLICY: len(privileged)}
    assert len(managed) > 20 < len(privileged)

    ran = run_each(playbooks, tenant, options, options, {**options, "enforce": "on_change"})
    for (result, log), requests in zip(ran, (reading | writing, reading | writing, reading), strict=True):
        assert not result.failed, result.data
        assert Counter(entry["operation"] for entry in log) == requests
        assert result.data["summary"]["sent"] == sum(requests.values()) - sum(reading.values())


@pytest.mark.slow
def test_a_lost_assignment_leaves_no_lie(playbooks: Playbooks, tenant: Sandbox, ledger: Path) -> None:
    options = {**ONE, "ledger_path": str(ledger), "max_retries": 1}
    runs(playbooks, tenant, options)
    tenant.fault(SET_LEVEL_POLICY, "drop_after", count=2)
    struck = runs(playbooks, tenant, {**options, "policy": "Admins"})
    assert (struck.failed, struck.data["error"]["kind"]) == (True, "outcome_unknown")
    assert remembered(ledger) == {}
    again = runs(playbooks, tenant, {**options, "policy": "Admins"})
    assert (again.changed, again.data["assignments"][0]["changed_basis"]) == (True, "none")
    assert len(remembered(ledger)) == 1


@pytest.mark.slow
def test_a_failure_tells_how_far_it_came_and_the_ledger_knows_it(
    playbooks: Playbooks, tenant: Sandbox, ledger: Path
) -> None:
    options = {
        **many({"app": "GitHub"}, {"app": "Figma"}, {"app": "Salesforce"}, ledger_path=str(ledger)),
        "concurrency": 1,
    }
    runs(playbooks, tenant, options)
    assert len(remembered(ledger)) == 3
    tenant.fault(SET_POLICY, "html", skip=1)
    struck = runs(playbooks, tenant, options)
    known = names(tenant)["app_id"]
    assert struck.failed
    assert not struck.changed, "the one that was sent was known before"
    actions = {part: [step["action"] for step in steps] for part, steps in struck.steps.items()}
    assert actions == {
        "done": ["assign the policy 'Two approvals' to grant_access of the app 'GitHub'"],
        "errors": ["assign the policy 'Two approvals' to grant_access of the app 'Figma'"],
        "pending": ["assign the policy 'Two approvals' to grant_access of the app 'Salesforce'"],
    }
    assert [one[1] for one in remembered(ledger)] == [known["GitHub"]]
    again = runs(playbooks, tenant, options)
    assert (again.failed, again.data["summary"]["changed"]) == (False, 2)
    assert len(remembered(ledger)) == 3


def test_a_conflict_is_named_and_a_ledger_leads_past_it(playbooks: Playbooks, tenant: Sandbox, ledger: Path) -> None:
    tenant.configure(same_policy="409")
    options = {**ONE, "ledger_path": str(ledger)}
    assert runs(playbooks, tenant, options).changed
    skipped = runs(playbooks, tenant, {**options, "enforce": "on_change"})
    assert (skipped.failed, skipped.changed) == (False, False)
    before = tenant.state()
    refused = runs(playbooks, tenant, options)
    assert refused.failed
    assert not refused.changed
    assert {"kind": "refused", "status": 409}.items() <= refused.data["error"].items()
    for words in ("The policy Two approvals is assigned already", "does not document this conflict", "on_change"):
        assert words in refused.data["msg"]
    assert tenant.state() == before
    assert remembered(ledger) == {}


@pytest.mark.slow
def test_a_field_serves_as_ledger_where_disks_do_not_last(playbooks: Playbooks, tenant: Sandbox) -> None:
    options = many({"app": "GitHub"}, ADMIN_OF_GITHUB, {"app": "Figma"}, ledger_field=FIELD)
    foreseen = runs(playbooks, tenant, options, "--check")
    assert not writes(tenant.log())
    cases = [("Two approvals", 2), ("Two approvals", 0), ("Admins", 1), ("Admins", 0)]
    first, *others = options["assignments"]
    given = [{**options, "assignments": [{**first, "policy": policy}, *others]} for policy, _apps in cases]
    for (_policy, apps), (result, log) in zip(cases, run_each(playbooks, tenant, *given), strict=True):
        assert (result.failed, result.changed) == (False, apps > 0), result.data
        sent = Counter(entry["operation"] for entry in log)
        assert sent["listWorkAppCustomFields"] == 2 + 2 + 3 * apps, "for the plan, at the end, and around each write"
        assert sent[SET_POLICY] + sent[SET_LEVEL_POLICY] == 3
        assert sent[PATCH] == 2 * apps, "forgotten and kept in each app that changes"
        if apps == 2:
            assert foreseen.told == result.told
    (field,) = [one["id"] for one in tenant.state("fields")["fields"] if one["name"] == FIELD]
    text = json.loads(tenant.find("apps", "GitHub")["field_values"][field])
    known = names(tenant)
    assert text == {
        "cakewalk.access": 1,
        "app": known["app_id"]["GitHub"],
        "policies": {
            "app/GrantAccessRequest": known["policy_id"]["Admins (GrantAccessRequest)"],
            f"{known['level_id']['GitHub']['Admin']}/GrantAccessRequest": known["policy_id"][
                "Two approvals (GrantAccessRequest)"
            ],
        },
    }


@pytest.mark.slow
def test_a_selection_and_a_ledger_in_fields_share_one_reading(playbooks: Playbooks, tenant: Sandbox) -> None:
    tenant.change("set_field", app="GitHub", field="Data Classification", value="Confidential")
    select = {"custom_field": {"name": "Data Classification", "value": "Confidential"}}
    result = runs(playbooks, tenant, many({"select": select}, max_assignments=100, ledger_field=FIELD))
    apps = len(tenant.state("apps")["apps"])
    sent = Counter(entry["operation"] for entry in tenant.log())
    changed = result.data["summary"]["apps"]
    assert 0 < changed < apps
    assert (sent["listWorkAppCustomFields"], sent[PATCH]) == (apps + 4 * changed, 2 * changed)


@pytest.mark.slow
def test_a_ledger_that_cannot_be_written_is_told(playbooks: Playbooks, tenant: Sandbox) -> None:
    tenant.fault(PATCH, "503", count=6, skip=1)
    result = runs(playbooks, tenant, bad_field(max_retries=1))
    assert (result.failed, result.changed) == (True, True)
    assert "The policies were assigned, and the ledger does not record them: 'GitHub'" in result.data["msg"]
    assert [len(result.steps[part]) for part in ("done", "errors", "pending")] == [1, 0, 0]


BAD: list[BadInput] = [
    ("nothing", {}, None, ["one of the following is required: app, assignments"]),
    ("no policy", {"app": "GitHub", "request_type": "grant_access"}, None, ["required by 'app': policy"]),
    ("no request type", {"app": "GitHub", "policy": "Admins"}, None, ["required by 'app': request_type"]),
    ("both forms", {**ONE, "assignments": []}, None, ["mutually exclusive: app|assignments"]),
    ("another request type", {**ONE, "request_type": "GrantAccessRequest"}, None, ["value of request_type"]),
    ("neither app nor selection", many({}), None, ["one of the following is required: app, select"]),
    ("app and selection", many({"app": "GitHub", "select": {"all": True}}), None, ["mutually exclusive: app|select"]),
    (
        "level and levels",
        many({**ADMIN_OF_GITHUB, "permission_levels": "all"}),
        None,
        ["mutually exclusive: permission_level|permission_levels"],
    ),
    ("a null app", {**ONE, "app": None}, None, ["one of the following is required: app, assignments"]),
    ("a null policy", {**ONE, "policy": None}, None, ["required by 'app': policy"]),
    (
        "a null value",
        many({"select": {"custom_field": {"name": "Priority", "value": None}}}, max_assignments=1),
        "configuration",
        ["the value of the custom field 'Priority' is null or missing"],
    ),
    (
        "two ledgers",
        bad_field(ledger_path="/no/where/ledger.json"),
        "configuration",
        ["`ledger_path` is set too, perhaps by CAKEWALK_LEDGER", "Unset CAKEWALK_LEDGER"],
    ),
    (
        "a selection that says nothing",
        many({"app": "GitHub"}, {"select": {}}, max_assignments=1),
        "configuration",
        ["entry 2 of assignments", "select says nothing", "all: true"],
    ),
    (
        "all apps with criteria",
        many({"select": {"all": True, "status": "Managed"}}, max_assignments=1),
        "configuration",
        ["all and criteria are given"],
    ),
    ("a selection without a limit", many(PRIVILEGED), "configuration", ["`max_assignments` is not set"]),
    ("a limit below nothing", {**ONE, "max_assignments": -1}, "configuration", ["max_assignments", "Give 0 or more"]),
    ("an age below nothing", {**ONE, "ledger_max_age": -1}, "configuration", ["ledger_max_age", "Give 0 or more"]),
    ("on change without a ledger", {**ONE, "enforce": "on_change"}, "configuration", ["no ledger", "ledger_path"]),
    ("on change by a field", bad_field(enforce="on_change"), "configuration", ["anyone can edit", "ledger_path"]),
    (
        "one file for two",
        {**ONE, "ledger_path": "/no/where/one", "journal_path": "/no/where/else/../one"},
        "configuration",
        ["journal_path and ledger_path would be one file", "Give each a file of its own"],
    ),
    ("a relative ledger", {**ONE, "ledger_path": "ledger.json"}, "file", ["relative"]),
    ("an unknown app", {**ONE, "app": "Githubb"}, "lookup_failed", ["'Githubb' does not exist", "'GitHub'"]),
    ("an app with a space", {**ONE, "app": "GitHub "}, "lookup_failed", ["'GitHub ' does not exist", "'GitHub'"]),
    ("a blank app", {**ONE, "app": ""}, None, ["one of the following is required: app, assignments"]),
    ("an unknown app id", {**ONE, "app": NOBODY}, "lookup_failed", [f"'{NOBODY}' does not exist"]),
    ("a name of two apps", {"app": "Twin App", **GRANT}, "lookup_failed", ["are called 'Twin App'", "Give the id"]),
    (
        "an unknown level",
        {**ONE, "permission_level": "Admins"},
        "lookup_failed",
        ["the app 'GitHub' has no permission level 'Admins'", "'Admin'"],
    ),
    (
        "a level of no app",
        {**ONE, "app": "Figma"},
        "lookup_failed",
        ["'Figma' has no permission level 'Admin'"],
    ),
    (
        "a level of no selected app",
        many({"select": {"all": True}, "permission_level": "Emperor"}, max_assignments=9),
        "lookup_failed",
        ["the permission level 'Emperor' does not exist"],
    ),
    (
        "an unknown policy",
        {**ONE, "policy": "Two aprovals"},
        "lookup_failed",
        ["policy for grant_access is called 'Two aprovals'", "'Two approvals'"],
    ),
    (
        "a policy for another request type",
        {**ONE, "policy": "{{ policy_id['Two approvals (RemoveAccessRequest)'] }}"},
        "lookup_failed",
        ["no policy for grant_access is called"],
    ),
    (
        "an unknown status",
        many({"select": {"status": "managed"}}, max_assignments=9),
        "lookup_failed",
        ["no app has the status 'managed'", "'Managed'"],
    ),
    (
        "an unknown category",
        many({"select": {"category": "DESIGN"}}, max_assignments=9),
        "lookup_failed",
        ["no app has the category 'DESIGN'", "'CATEGORY_DESIGN'"],
    ),
    (
        "an unknown field",
        many({"select": {"custom_field": {"name": "Priorty", "value": "High"}}}, max_assignments=9),
        "lookup_failed",
        ["the custom field 'Priorty' does not exist", "'Priority'"],
    ),
    (
        "two entries that are equally specific",
        many({"app": "Figma"}, {"app": "{{ app_id['Figma'] }}"}),
        "configuration",
        ["entries 1 (the app 'Figma') and 2", "grant_access of the app 'Figma'"],
    ),
    (
        "more than allowed",
        many(PRIVILEGED, max_assignments=2),
        "rail",
        ["`max_assignments` allows 2", "'Two approvals' to grant_access of the level 'Admin' of the app 'GitHub'"],
    ),
    (
        "a field that is not there",
        bad_field(ledger_field="Automation Leger"),
        "lookup_failed",
        ["has no custom field 'Automation Leger'", f"'{FIELD}'"],
    ),
    ("a field of another kind", bad_field(ledger_field="Data Classification"), "ledger_field", ["is not for text"]),
    (
        "a field that serves something else",
        bad_field(ledger_field="Cost Center"),
        "ledger_field",
        ["'Cost Center' of the app 'GitHub'", "something other than a ledger", "Clear the field"],
    ),
]


def test_whatever_cannot_be_meant_fails_before_the_first_write(playbooks: Playbooks, tenant: Sandbox) -> None:
    refuse_all(playbooks, tenant, POLICY, BAD)


@pytest.mark.slow
def test_apps_of_one_name_are_told_apart_by_id(playbooks: Playbooks, tenant: Sandbox) -> None:
    twins = sorted(app["id"] for app in tenant.state("apps")["apps"] if app["name"] == "Twin App")
    result = runs(playbooks, tenant, many(*({"app": app_id} for app_id in twins)), "--diff")
    assert sorted(each["app_id"] for each in result.data["assignments"]) == twins
    (diff,) = result.data["diff"]
    assert [line.partition(",")[0] for line in diff["after"].splitlines()] == [f"Twin App ({one})" for one in twins]


@pytest.mark.slow
def test_a_ledger_of_another_tenant_is_refused(playbooks: Playbooks, tenant: Sandbox, ledger: Path) -> None:
    runs(playbooks, tenant, {**ONE, "ledger_path": str(ledger)})
    tenant.reset(seed=2)
    result = runs(playbooks, tenant, {**ONE, "ledger_path": str(ledger)})
    assert result.failed
    assert result.data["error"]["kind"] == "wrong_tenant"
    assert not writes(tenant.log())
    tenant.reset(seed=1)
