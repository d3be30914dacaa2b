# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role access_rules: who violates which rule, in every form, and that nothing that cannot be seen is fine."""

from __future__ import annotations

import json
from collections import Counter
from copy import deepcopy
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from playbooks.harness import Data, Playbooks, Run, writes
from roles.code import CodeFolder
from roles.people import CONNOR, ERIN, OWEN, SALLY, custom_stats, is_private
from sandbox.process import Sandbox

TASK = "cakewalk.access.access_rules : Compare who has access to what with the rules"
OSCAR = "oscar.offboarding@example.com"
#: What XML, terminals and templates cannot bear.
HOSTILE = '{{ lookup("pipe", "touch CANARY") }} ]]> &amp; <b>"\x01\x1b[31m\u202e\ufffe\uffff\n'


def rule(name: str, severity: str = "high", **data: Any) -> Data:
    """Return a rule."""
    return {"name": name, "severity": severity, "reason": f"Because of {name}", **data}


class Rules(CodeFolder):
    """The role with its folder of rules, and a key that may only read."""

    def __init__(self, tenant: Sandbox, playbooks: Playbooks) -> None:
        super().__init__(tenant, playbooks)
        self.role = "access_rules"
        self.json, self.junit = self.kept / "rules.json", self.kept / "junit.xml"

    def check(self, *options: str, **given: Any) -> Run:
        """Check the rules."""
        key = {"CAKEWALK_API_KEY": self.tenant.read_only_key, "CAKEWALK_API_SECRET": self.tenant.read_only_secret}
        files = {"folder": str(self.folder), "json_path": str(self.json), "junit_path": str(self.junit)}
        return self.run(*options, environment={**key, "ANSIBLE_SHOW_CUSTOM_STATS": "1"}, **files, **given)

    def cases(self) -> dict[str, ElementTree.Element]:
        """Return the test cases of the file for CI, by the name of the rule."""
        suite = ElementTree.fromstring(self.junit.read_text(encoding="utf-8"))
        cases = list(suite)
        inside = Counter(element.tag for case in cases for element in case)
        assert [int(suite.attrib[name]) for name in ("tests", "failures", "errors", "skipped")] == [
            *(len(cases), inside["failure"], inside["error"], inside["skipped"])
        ]
        return {case.attrib["name"]: case for case in cases}


@pytest.fixture
def rules(tenant: Sandbox, playbooks: Playbooks) -> Rules:
    return Rules(tenant, playbooks)


def test_each_kind_of_rule_names_who_violates_it(rules: Rules, tenant: Sandbox) -> None:
    tenant.change("add_member", group="Engineering", user=OWEN)
    tenant.change("add_member", group="Contractors", user=SALLY)
    ended = [{"person": OSCAR, "reason": "Handover", "until": "2020-01-31"}]
    excepted = [{"person": ERIN, "reason": "Builds the shop", "until": "2099-12-31"}]
    rules.say(
        rules=[
            rule("Selling or contracting", conflicts=[{"group": "Sales"}, {"group": "Contractors"}]),
            rule(
                "Engineers are synced",
                "medium",
                requires={"holders_of": [{"group": "Engineering"}], "to_hold": [{"group": "Okta Everyone"}]},
            ),
            rule("Two contractors", limits={"holders_of": [{"group": "Contractors"}], "at_most": 2, "at_least": 1}),
            rule(
                "No code before the first day",
                "critical",
                forbids={"people": {"status": ["Onboarding"]}, "to_hold": [{"app": "GitHub"}]},
            ),
            rule(
                "Nobody leaves as a contractor",
                "low",
                forbids={"people": {"status": ["Offboarding"]}, "to_hold": [{"group": "Contractors"}]},
                exceptions=ended,
            ),
            rule(
                "No engineers",
                forbids={"except_people": {"email_domain": ["other.example"]}, "to_hold": [{"group": "Engineering"}]},
                exceptions=excepted,
            ),
            rule(
                "No growth in sales",
                forbids={"people": {"roster": {"team": "Growth"}}, "to_hold": [{"group": "Sales"}]},
            ),
            rule("Somebody sells", limits={"holders_of": [{"group": "Sales"}], "at_least": 1}),
        ],
        roster={"file": "people.csv"},
    )
    sellers = rules.members("Sales")
    rows = [f"{person},{'Growth' if person == SALLY else 'Partners'}" for person in sorted(sellers)]
    rules.write("people.csv", "\n".join(["email,team", *rows]))
    foreseen = rules.check("--check", "--diff")
    assert not rules.kept.exists()
    run, repeated = rules.check(), rules.check("--diff")
    assert not writes(tenant.log())
    assert [one.status for one in (foreseen, run, repeated)] == [2, 2, 2]
    assert foreseen[TASK].told == run[TASK].told == repeated[TASK].told
    assert not run[TASK].changed
    assert "Traceback" not in run.output

    told = run[TASK].data
    # A failure is short. The rest is in the file.
    assert "rules" not in told
    document = json.loads(rules.json.read_text(encoding="utf-8"))
    found = {
        one["name"]: (one["state"], {finding["person"]: finding["state"] for finding in one["findings"]})
        for one in document["rules"]
    }
    for one in document["rules"]:
        people = [finding["person"] for finding in one["findings"]]
        assert people == sorted(people)
    contractors = rules.members("Contractors")
    assert contractors == {CONNOR, OSCAR, SALLY}
    engineers = rules.members("Engineering")
    not_synced = engineers - rules.members("Okta Everyone")
    assert OWEN in not_synced
    assert found == {
        "Selling or contracting": ("violated", {SALLY: "violated"}),
        "Engineers are synced": ("violated", dict.fromkeys(not_synced, "violated")),
        "Two contractors": ("violated", dict.fromkeys(contractors, "violated")),
        "No code before the first day": ("violated", {OWEN: "violated"}),
        "Nobody leaves as a contractor": ("violated", {OSCAR: "violated"}),
        "No engineers": ("violated", {**dict.fromkeys(engineers, "violated"), ERIN: "excepted"}),
        "No growth in sales": ("violated", {SALLY: "violated"}),
        "Somebody sells": ("kept", {}),
    }
    assert told["error"]["kind"] == "rules"
    assert set(told["error"]["rules"]) == found.keys() - {"Somebody sells"}
    assert f"'No code before the first day' (critical, rules.yml:24) is violated: {OWEN}" in told["msg"]
    assert f"  - {SALLY} holds the group 'Sales' and the group 'Contractors'" in told["report"]
    line = told["report"].index("  - 3 people hold the group 'Contractors', and at most 2 may:")
    assert told["report"][line + 1 : line + 4] == [
        f"    {person} holds the group 'Contractors'" for person in sorted(contractors)
    ]
    (counted,) = [one["findings"] for one in document["rules"] if one["name"] == "Two contractors"]
    assert counted[0]["message"] == f"{CONNOR} holds the group 'Contractors' (3 people do, and at most 2 may)"
    given = "the app 'GitHub' (given by the group 'Engineering')"
    assert f"  - {OWEN} (Onboarding) holds {given}" in told["report"]
    excepted_line = f"  ~ {ERIN} (Active) holds the group 'Engineering' (exception until 2099-12-31: Builds the shop)"
    assert excepted_line in told["report"]
    (lapsed,) = [one for result in document["rules"] for one in result["ended_exceptions"]]
    assert (lapsed["person"], lapsed["until"], lapsed["at"][:10]) == (OSCAR, "2020-01-31", "rules.yml:")
    ended_line = f"  ! the exception of {OSCAR} until 2020-01-31 has ended, and no longer counts ({lapsed['at']})"
    assert ended_line in told["report"]
    again = f"  - {OSCAR} (Offboarding) holds the group 'Contractors' (the exception until 2020-01-31 has ended)"
    assert again in told["report"]
    assert any("so the rules apply to these people again" in warning for warning in run[TASK].warnings)
    counts = {"kept": 1, "excepted": 0, "unknown": 0, "violated": 7}
    assert told["counts"] == counts
    stats = {f"access_rules_{state}": count for state, count in counts.items()}
    assert custom_stats(run) == {"access_rules_passed": False, **stats}

    assert is_private(rules.json)
    assert is_private(rules.junit)
    assert document["counts"] == counts
    assert {name: [part.tag for part in case] for name, case in rules.cases().items()} == {
        name: ["failure"] if state == "violated" else [] for name, (state, _people) in found.items()
    }


def test_a_run_fails_from_a_severity_on(rules: Rules) -> None:
    severities = {"A": "medium", "B": "low"}
    limits = {"holders_of": [{"group": "Sales"}], "at_most": 0}
    rules.say(
        rules=[rule(name, severity, limits=deepcopy(limits)) for name, severity in severities.items()],
        # No rule asks the roster, so its faults matter as little as what groups make of it.
        roster={"file": "people.csv"},
        groups=[{"group": "Sales", "members_where": {"team": "Growth"}}],
    )
    rules.write("people.csv", "email,team\nno address,Growth\n")
    assert rules.check(fail_from="high").succeeded()[TASK].data["stats"]["access_rules_passed"] is True
    assert {name: case[0].tag for name, case in rules.cases().items()} == {"A": "skipped", "B": "skipped"}
    assert rules.check(fail_from="never").succeeded()[TASK].data["counts"]["violated"] == 2
    failed = rules.check(fail_from="medium")[TASK]
    assert failed.data["error"]["rules"] == ["A"]
    assert {name: case[0].tag for name, case in rules.cases().items()} == {"A": "failure", "B": "skipped"}


def test_what_cannot_be_seen_is_never_fine(rules: Rules, tenant: Sandbox) -> None:
    github = {"app": "GitHub"}
    rules.say(
        rules=[
            rule("Unseen", forbids={"people": {"status": ["Ignored"]}, "to_hold": [github]}),
            rule("Seen", limits={"holders_of": [{"group": "Sales"}], "at_least": 1}),
        ]
    )
    tenant.fault("listWorkAppAccesses", 403)
    run = rules.check()
    told = run[TASK].data
    assert (run.status, told["counts"]["unknown"], told["counts"]["violated"]) == (2, 1, 0)
    assert "it is not known who holds the app 'GitHub' (cannot be seen: " in told["msg"]
    assert [element.tag for element in rules.cases()["Unseen"]] == ["error"]
    tenant.fault("listWorkAppAccesses", 403)
    assert rules.check(allow_unknown=True).succeeded()[TASK].data["counts"]["unknown"] == 1
    assert [element.tag for element in rules.cases()["Unseen"]] == ["skipped"]
    assert rules.check().succeeded()[TASK].data["counts"]["kept"] == 2


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("listWorkAppAccesses", "truncated"),
        *(
            pytest.param(*fault, marks=pytest.mark.slow)
            for fault in (
                ("listWorkAppAccesses", 500),
                ("getWorkApp", 404),
                ("listUsersGroupUsers", 404),
                ("listUsersGroupUsers", 403),
                ("listWorkAppPermissionLevels", 500),
                ("listUsers", "html"),
            )
        ),
    ],
)
def test_a_failed_read_is_no_kept_rule(rules: Rules, tenant: Sandbox, operation: str, kind: str | int) -> None:
    admins = [{"app": "GitHub", "permission_level": "Admin"}, {"group": "Sales"}]
    rules.say(rules=[rule("R", conflicts=admins)])
    tenant.fault(operation, kind, count=50)
    run = rules.check()
    told = run[TASK].data
    assert (run.status, "rules" in told, told["error"]["kind"] != "rules") == (2, False, True)
    assert custom_stats(run) == {"access_rules_passed": False}
    assert not rules.kept.exists()


def test_names_and_reasons_are_data_in_every_file(rules: Rules, tenant: Sandbox, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    hostile = HOSTILE.replace("CANARY", str(canary))
    tenant.change("rename_group", group="Sales", name=hostile)
    tenant.change("rename_app", app="GitHub", name=hostile)
    group = tenant.find("groups", hostile)["id"]
    holding = [{"group": group}, {"app": tenant.find("apps", hostile)["id"], "permission_level": "Read"}]
    excepted = [{"person": SALLY, "reason": hostile, "until": "2099-12-31"}]
    limits = {"holders_of": holding, "at_most": 0}
    rules.say(rules=[rule(hostile, limits=deepcopy(limits), exceptions=excepted), rule("Mine", limits=limits)])
    run = rules.check("-vvv")
    assert run[TASK].data["counts"]["violated"] == 2
    assert not canary.exists()
    assert "\x1b[31m" not in "".join(run[TASK].data["report"])
    document = json.loads(rules.json.read_text(encoding="utf-8"))
    assert document["rules"][0]["name"] == hostile
    first, _second = rules.cases()
    assert first.startswith("{{ lookup(")
    assert "\\x01\\x1b[31m\\u202e\ufffd\ufffd\\n" in first
