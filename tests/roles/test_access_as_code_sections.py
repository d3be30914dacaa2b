# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role access_as_code where code says more than who is in which group: accesses, custom fields, policies."""

from __future__ import annotations

from time import sleep
from typing import Any

import pytest
from playbooks.harness import Data, Playbooks
from roles.code import CodeFolder, body
from roles.people import CONNOR, ERIN, OLGA, PETRA, SALLY, approving
from sandbox.process import Sandbox

NOTHING = "Nothing to do: the tenant is as the code says."
WORKSPACE = "Google Workspace"


@pytest.fixture
def code(tenant: Sandbox, playbooks: Playbooks) -> CodeFolder:
    """The role, with code that changes something in each section."""
    folder = CodeFolder(tenant, playbooks)
    folder.say(**sections())
    return folder


def sections(**other: Any) -> Data:
    """Return code that changes something in each section, or says something else there."""
    usual = {
        "groups": [{"group": "Contractors", "members": [ERIN], "absent": [CONNOR]}],
        "accesses": [
            {"app": "GitHub", "permission_level": "Read", "users": [CONNOR]},
            {"app": WORKSPACE, "users": [SALLY], "state": "absent"},
        ],
        "custom_fields": [{"app": "Figma", "fields": {"Cost Center": "0815"}, "clear": ["Risk Owner"]}],
        "policies": [
            {"app": "GitHub", "permission_level": "Admin", "request_type": "grant_access", "policy": "Two approvals"},
            {"select": {"category": "CATEGORY_SALES"}, "request_type": "remove_access", "policy": "Admins"},
        ],
    }
    return {**usual, **other}


def options(code: CodeFolder, **given: Any) -> Data:
    """Return the options of a run in which there is a purpose, a ledger, and a limit to selections."""
    kept = {"purpose": "As the code says", "ledger_path": str(code.kept / "ledger" / "ledger.json")}
    return {**kept, "max_assignments": 20, **given}


def operations(code: CodeFolder) -> list[str]:
    """Return what was written, in its order."""
    return [entry["operation"] for entry in code.tenant.log() if entry["method"] != "GET"]


def fields(code: CodeFolder, app: str) -> Data:
    """Return what the custom fields of an app hold."""
    return dict(code.tenant.find("apps", app)["field_values"])


def test_all_sections_are_one_plan_and_what_governs_goes_first(code: CodeFolder) -> None:
    given = options(code)
    planned = code.planned(**given)
    assert [line for line in body(planned["plan"]) if not line.startswith("  ")][:4] == [
        "Members of Contractors",
        "Access to GitHub",
        f"Access to {WORKSPACE}",
        "Custom fields of Figma",
    ]
    assert f"  + {CONNOR}: Read requested" in planned["plan"]
    assert "  + grant_access at Admin: Two approvals (before: unknown)" in planned["plan"]
    assert planned["summary"]["removals"] == 2

    code.tenant.clear_log()
    done = code.result(code.hold("apply", plan_hash=planned["plan_hash"], **given).succeeded())

    assert done.changed
    assert planned["summary"]["steps"] == len(done.steps["done"]) == len(operations(code))
    written = operations(code)
    policies = [number for number, operation in enumerate(written) if "Polic" in operation]
    assert policies == list(range(len(policies))) != []
    assert written[-2:] == ["removeUserFromGroup", "createRemoveAccessRequest"] or written[-2:] == [
        "createRemoveAccessRequest",
        "removeUserFromGroup",
    ]

    code.tenant.clear_log()
    again = code.result(code.hold("apply", plan_hash=planned["plan_hash"], **given).succeeded())
    assert (again.changed, code.written()) == (False, [])
    told = code.planned(**given)["plan"]
    assert any("is Pending" in line and CONNOR in line for line in told)
    assert told[-1].startswith("Nothing to do; everything listed is left alone. ")
    assert "would only be sent again" in told[-1]
    with approving(code.tenant):
        while any(row["status"] == "Pending" for row in code.tenant.state("requests")["requests"]):
            sleep(0.1)
    assert body(code.planned(**options(code, enforce="on_change"))["plan"]) == [NOTHING]


@pytest.mark.slow
def test_what_can_be_taken_back_is(code: CodeFolder) -> None:
    given = options(code)
    before = fields(code, "Figma")
    code.applied(**given)
    assert fields(code, "Figma") != before
    other = {"app": "GitHub", "permission_level": "Admin", "request_type": "grant_access", "policy": "App owner"}
    code.say(**sections(policies=[other]))
    done = code.applied(**given)
    assert done["inverse"]["not_undoable"] == []

    code.say(**sections(custom_fields=[{"app": "Figma", "fields": {"Cost Center": "1"}}], policies=[other]))
    code.applied(**given)
    back = str(code.paths()["inverse_path"].parent)
    code.applied(folder=back, **given, inverse_path=str(code.kept / "again" / "inverse.yml"))
    assert fields(code, "Figma")[code.tenant.find("fields", "Cost Center")["id"]] == "0815"


@pytest.mark.slow
def test_requests_cannot_be_taken_back_and_the_inverse_says_so(code: CodeFolder) -> None:
    done = code.applied(**options(code))

    stays = done["inverse"]["not_undoable"]

    assert any(line.startswith("request access to the app 'GitHub'") for line in stays)
    assert any("it is not known which policy governed before" in line for line in stays)
    inverse = code.paths()["inverse_path"].read_text(encoding="utf-8")
    assert all(f"# Cannot be taken back: {line}" in inverse for line in stays)


def test_a_rail_keeps_a_whole_run_from_starting(code: CodeFolder) -> None:
    failures = code.refusals_by_mode(
        {
            "the removals of all sections together": ("plan", options(code, max_removals=1)),
            "somebody is protected": ("plan", options(code, protected_users=[SALLY])),
        }
    )

    assert {case: failure["error"]["kind"] for case, failure in failures.items()} == dict.fromkeys(failures, "rail")
    assert len(failures["the removals of all sections together"]["error"]["would_remove"]) == 2
    assert SALLY in failures["somebody is protected"]["msg"]
    assert OLGA not in failures["somebody is protected"]["msg"]


@pytest.mark.slow
def test_drift_says_what_nobody_can_read(code: CodeFolder) -> None:
    drift = code.failure("drift", **options(code, ledger_path=""))["drift"]
    assert not any(name.startswith("policies") for name in drift["differing"])
    assert any("'GitHub': Two approvals" in line for line in drift["not_verifiable"])
    code.say(**sections(groups=[], accesses=[], custom_fields=[]))
    assert code.result(code.hold("drift", **options(code)).succeeded()).data["drift"]["in_sync"]
    code.applied(**options(code))
    other = {"app": "GitHub", "permission_level": "Admin", "request_type": "grant_access", "policy": "App owner"}
    code.say(**sections(groups=[], accesses=[], custom_fields=[], policies=[other]))
    code.tenant.clear_log()
    assert code.failure("drift", **options(code))["drift"]["differing"] == ["Policy of GitHub"]


@pytest.mark.slow
def test_an_export_takes_policies_from_the_ledger(code: CodeFolder) -> None:
    code.applied(**options(code))
    code.hold("export", overwrite=True, **options(code)).succeeded()
    text = (code.folder / "policies.yml").read_text(encoding="utf-8")
    assert "Two approvals" in text
    assert "ledger" in text.splitlines()[1]
    assert body(code.planned(**options(code, enforce="on_change"))["plan"]) == [NOTHING]
    code.hold("export", overwrite=True).succeeded()
    assert "unknown" in (code.folder / "policies.yml").read_text(encoding="utf-8")


def test_what_an_open_request_forbids_is_told_and_fails_only_at_the_end(code: CodeFolder) -> None:
    code.say(**sections(accesses=[{"app": WORKSPACE, "users": [PETRA]}], policies=[]))
    planned = code.planned(**options(code))
    assert any(PETRA in line for line in planned["plan"])

    run = code.hold("apply", plan_hash=planned["plan_hash"], **options(code))

    failed = code.result(run)
    assert (run.status, failed.data["error"]["kind"]) == (2, "conflicting_request")
    assert failed.steps["done"] != []
    assert code.members("Contractors") >= {ERIN}


#: Sections, words of the message, the places that it names.
WRONG: dict[str, tuple[Data, str, list[str]]] = {
    "a level of absence": (
        {"accesses": [{"app": "GitHub", "permission_level": "Read", "users": [CONNOR], "state": "absent"}]},
        "a permission level is named",
        ["accesses.yml:2"],
    ),
    "a person twice": (
        {"accesses": [{"app": "Figma", "users": [CONNOR]}, {"app": "Figma", "users": [CONNOR], "state": "absent"}]},
        "is named for the app 'Figma' twice",
        ["accesses.yml:4", "accesses.yml:7"],
    ),
    "an unknown level": (
        {"accesses": [{"app": "GitHub", "permission_level": "Raed", "users": [CONNOR]}]},
        "did you mean 'Read'",
        ["accesses.yml:3"],
    ),
    "an unknown app": (
        {"custom_fields": [{"app": "Fgima", "clear": ["Cost Center"]}]},
        "Fgima",
        ["custom_fields.yml:2"],
    ),
    "an app twice": (
        {
            "custom_fields": [
                {"app": "Figma", "fields": {"Cost Center": "1"}},
                {"app": "Figma", "fields": {"Cost Center": "2"}},
            ]
        },
        "two entries are about it",
        ["custom_fields.yml:2", "custom_fields.yml:5"],
    ),
    "a field with a list": (
        {"custom_fields": [{"app": "Figma", "fields": {"Cost Center": ["1"]}}]},
        "texts by name",
        ["custom_fields.yml:2"],
    ),
    "a name of Ansible's own": (
        {"custom_fields": [{"app": "Figma", "fields": {"Cost Center": "1", "__ansible_type": "datetime"}}]},
        "name it by its id",
        ["custom_fields.yml:5"],
    ),
    "a computed field": ({"custom_fields": [{"app": "Figma", "fields": {"Priority": "High"}}]}, "computed", []),
    "an app and a selection": (
        {"policies": [{"app": "Figma", "select": {"all": True}, "request_type": "grant_access", "policy": "Admins"}]},
        "mutually exclusive",
        ["policies.yml:2"],
    ),
    "a draw": (
        {
            "policies": [
                {"app": "Figma", "request_type": "grant_access", "policy": "Admins"},
                {"app": "Figma", "request_type": "grant_access", "policy": "App owner"},
            ]
        },
        "equally specific",
        ["policies.yml:2", "policies.yml:5"],
    ),
    "an unknown policy": (
        {"policies": [{"app": "Figma", "request_type": "grant_access", "policy": "Adminds"}]},
        "did you mean 'Admins'",
        ["policies.yml:4"],
    ),
}


def test_what_cannot_be_meant_is_told_with_its_line(code: CodeFolder) -> None:
    cases = {case: code.said(**sections(**given)) for case, (given, *_rest) in WRONG.items()}

    failures = code.failures(cases, **options(code))

    for case, (_given, words, places) in WRONG.items():
        message = failures[case]["msg"]
        assert words in message
        assert all(place in message for place in places), message


#: Options that do not fit the code.
OPTIONS: dict[str, tuple[Data, str]] = {
    "no purpose": ({"purpose": ""}, "`purpose` is not set, and approvers read it"),
    "a selection without a limit": ({"max_assignments": None}, "`max_assignments` is not set"),
    "more assignments than allowed": ({"max_assignments": 1}, "`max_assignments` allows 1"),
    "nothing to compare with": ({"enforce": "on_change", "ledger_path": ""}, "no ledger records what was assigned"),
}


def test_options_that_do_not_fit_the_code_are_refused(code: CodeFolder) -> None:
    cases = {}
    for case, (given, _words) in OPTIONS.items():
        left = {name: value for name, value in options(code, **given).items() if value is not None}
        cases[case] = ("plan", left)

    failures = code.refusals_by_mode(cases)

    for case, (_given, words) in OPTIONS.items():
        assert words in failures[case]["msg"], case
