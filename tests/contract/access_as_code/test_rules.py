# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access rules and plans, from real files, over real sockets: what a plan would violate is refused, with its cause."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import CakewalkError
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_as_code.source import CodeRefused
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_rules.report import RulesViolated
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.lookup import LookupFailed
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.plan import Plan
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.tenant import Tenant
from ansible_collections.cakewalk.access.plugins.modules import cakewalk_access_as_code
from ansible_collections.cakewalk.access.plugins.plugin_utils import _code_reader
from contract.access_as_code.test_access_as_code import Example
from contract.fixtures import CONNOR, OLGA, SALLY, members, validated, writes
from sandbox.process import Sandbox

SALES, ENGINEERS, CONTRACTORS = ({"group": name} for name in ("Sales", "Engineering", "Contractors"))
OSCAR, IRIS = "oscar.offboarding@example.com", "iris.invited@example.com"


def rule(name: str = "R", **data: Any) -> dict[str, Any]:
    """Return a rule, whose parts are in no other."""
    made: dict[str, Any] = json.loads(json.dumps({"name": name, "severity": "high", "reason": "Because", **data}))
    return made


@dataclass
class Ruled:
    """A folder with code and rules."""

    example: Example
    folder: Path
    tenant: Tenant | None = None

    def write(self, *rules: dict[str, Any], **sections: Any) -> None:
        """Write the rules, and other sections in files of their own."""
        files = {name: yaml.safe_dump({name: entries}, sort_keys=False) for name, entries in sections.items()}
        files |= {"tenant": self.example.files["tenant.yml"], "rules": yaml.safe_dump({"rules": list(rules)})}
        for path in self.folder.iterdir():
            path.unlink()
        for name, text in files.items():
            (self.folder / f"{name}.yml").write_text(text, encoding="utf-8")

    def compare(self, mode: str = "plan", **options: Any) -> Plan:
        """Return what a mode makes of the folder."""
        tenant = self.example.tenant
        given = {"mode": mode, "folder": "/code", "acting_user": tenant.acting_user, "purpose": "Rules"}
        params = validated(cakewalk_access_as_code.SPEC, tenant, {**given, **options})
        params["source"] = {"version": "1", "proofs": [], **_code_reader.source_of(str(self.folder))}
        self.tenant = Tenant(self.example.client)
        plan: Plan = cakewalk_access_as_code.plan(params, self.tenant)
        return plan

    def refusal(self, **options: Any) -> RulesViolated:
        """Return why rules refuse the plan, in both modes that have one."""
        with pytest.raises(RulesViolated) as error:
            self.compare(**options)
        with pytest.raises(RulesViolated):
            self.compare("apply", plan_hash="0" * 64, journal_path="/record", **options)
        assert not writes(self.example.tenant)
        return error.value


@pytest.fixture
def ruled(tenant: Sandbox, connect: Callable[..., Client], tmp_path: Path) -> Iterator[Ruled]:
    """A folder about a small tenant."""
    tenant.reset(seed=1, users=16, groups=5, apps=5, rate_limit=0)
    yield Ruled(Example.of(tenant, connect(requests_per_minute=0)), tmp_path)
    tenant.reset()


def test_a_plan_that_violates_a_rule_is_refused_with_the_entry_that_does(ruled: Ruled) -> None:
    ruled.write(
        rule("Selling or contracting", conflicts=[SALES, CONTRACTORS]),
        groups=[{"group": "Sales", "members": [IRIS, CONNOR.upper()]}],
    )
    error = ruled.refusal()
    assert "'Selling or contracting' (high, rules.yml:2) would be violated, because of groups.yml:5: " in str(error)
    assert f"{CONNOR} holds the group 'Sales' and the group 'Contractors'" in str(error)
    (facts,) = error.facts()["rules"]
    name = {"name": "Selling or contracting", "at": "rules.yml:2"}
    assert facts == {**name, "people": [CONNOR], "entries": ["groups.yml:5"]}


@pytest.mark.parametrize(
    ("data", "sections", "people", "entries"),
    [
        pytest.param(
            {"requires": {"holders_of": [CONTRACTORS], "to_hold": [ENGINEERS]}},
            {"groups": [{"group": "Contractors", "members": [IRIS]}]},
            [IRIS],
            ["groups.yml:4"],
            id="requires",
        ),
        pytest.param(
            {"limits": {"holders_of": [CONTRACTORS], "at_least": 2}},
            {"groups": [{"group": "Contractors", "absent": [CONNOR]}]},
            [],
            ["groups.yml:4"],
            id="at least",
        ),
        pytest.param(
            {"limits": {"holders_of": [CONTRACTORS], "at_most": 2}},
            {"groups": [{"group": "Contractors", "members": [CONNOR, IRIS]}]},
            [CONNOR, IRIS, OSCAR],
            ["groups.yml:5"],
            id="at most",
        ),
        pytest.param(
            {"forbids": {"people": {"status": ["Invited"]}, "to_hold": [{"app": "GitHub"}]}},
            {"groups": [{"group": "Engineering", "members": [IRIS]}]},
            [IRIS],
            ["groups.yml:4"],
            id="an app that a group gives",
        ),
        pytest.param(
            {"conflicts": [CONTRACTORS, {"app": "GitHub", "permission_level": "Admin"}]},
            {"accesses": [{"app": "GitHub", "permission_level": "Admin", "users": [IRIS, CONNOR]}]},
            [CONNOR],
            ["accesses.yml:6"],
            id="a requested level",
        ),
        pytest.param(
            {"conflicts": [CONTRACTORS, {"privileged": True}]},
            {"accesses": [{"app": "GitHub", "permission_level": "Admin", "users": [CONNOR]}]},
            [CONNOR],
            ["accesses.yml:5"],
            id="a privileged level that nobody may hold yet",
        ),
    ],
)
def test_each_kind_of_rule_refuses_plans(
    ruled: Ruled, data: dict[str, Any], sections: dict[str, Any], people: list[str], entries: list[str]
) -> None:
    before = members(ruled.example.tenant, "Contractors")
    assert set(before) == {CONNOR, OSCAR}
    exceptions = [{"person": person, "reason": "Old", "until": "2099-01-01"} for person in (CONNOR, OSCAR)]
    old = {"exceptions": exceptions} if "requires" in data else {}
    ruled.write(rule(**data, **old), **sections)
    (facts,) = ruled.refusal().facts()["rules"]
    assert (sorted(facts["people"]), facts["entries"]) == (sorted(people), entries)


def test_access_of_open_requests_counts_as_held(ruled: Ruled) -> None:
    ruled.write(
        rule(conflicts=[SALES, {"app": "Figma"}]),
        groups=[{"group": "Sales", "members": [CONNOR]}],
    )
    (result,) = ruled.compare().result["rules"]
    assert CONNOR not in [finding["person"] for finding in result["findings"]]
    ruled.example.tenant.change("open_request", app="Figma", user=CONNOR, kind="grant")
    assert f"{CONNOR} holds the group 'Sales' and the app 'Figma' (requested)" in str(ruled.refusal())


def test_what_is_violated_already_is_listed_and_does_not_block(ruled: Ruled) -> None:
    forbidden = rule(forbids={"people": {"status": ["Offboarding"]}, "to_hold": [CONTRACTORS]})
    ruled.write(forbidden, groups=[{"group": "Sales", "members": [IRIS]}])
    plan = ruled.compare()
    line = f"violated already: 'R' (high, rules.yml:2): {OSCAR} (Offboarding) holds the group 'Contractors'"
    assert line in plan.result["plan"]
    assert [one["state"] for one in plan.result["rules"]] == ["violated"]
    error = ruled.refusal(strict_rules=True)
    assert f"'R' (high, rules.yml:2) is violated: {OSCAR} (Offboarding) holds" in str(error)
    # Whoever repairs it may go ahead, and an exception ends the matter.
    ruled.write(forbidden, groups=[{"group": "Contractors", "absent": [OSCAR]}])
    assert ruled.compare(strict_rules=True).result["rules"][0]["state"] == "kept"
    ruled.write({**forbidden, "exceptions": [{"person": OSCAR, "reason": "Handover", "until": "2099-01-01"}]})
    assert ruled.compare(strict_rules=True).result["rules"][0]["state"] == "excepted"


def test_access_may_be_held_until_its_removal_is_done(ruled: Ruled) -> None:
    workspace = {"app": "Google Workspace"}
    taken = {**workspace, "users": [CONNOR], "state": "absent"}
    conflict = rule(conflicts=[SALES, CONTRACTORS, workspace])
    ruled.write(conflict, accesses=[taken], groups=[{"group": "Sales", "members": [CONNOR]}])
    error = str(ruled.refusal())
    assert "would be unknown, because of groups.yml:4, accesses.yml:4: " in error
    words = f"{CONNOR} may hold the group 'Sales' and the group 'Contractors' and the app 'Google Workspace' (removal"
    assert f"{words} requested)" in error
    assert error.endswith("Apply the removal of access alone, and plan the rest once the access is gone.")
    # A plan that only repairs may go ahead, though the rule is not kept yet.
    ruled.example.tenant.change("add_member", group="Sales", user=CONNOR)
    ruled.write(conflict, accesses=[taken])
    plan = ruled.compare(strict_rules=True)
    assert [one["state"] for one in plan.result["rules"]] == ["unknown"]
    assert f"unknown until access is removed: 'R' (high, rules.yml:2): {words} requested)" in plan.result["plan"]


def test_whoever_loses_an_app_may_no_longer_own_it(ruled: Ruled) -> None:
    ruled.write(
        rule(limits={"holders_of": [{"app": "Figma", "owner": True}], "at_least": 1}),
        accesses=[{"app": "Figma", "users": [OLGA], "state": "absent"}],
    )
    error = str(ruled.refusal())
    assert (
        "would be unknown, because of accesses.yml:4: it is not known whether at least 1 person owns 'Figma'" in error
    )
    assert error.endswith("See first that somebody else holds it, and then plan the removal.")


NO_BERLINER = {"to_hold": [{"group": "Dynamic Berlin"}]}
EVERYBODY = {"except_people": {"email_domain": ["other.example"]}}


@pytest.mark.parametrize(
    "data",
    [
        {"forbids": {**EVERYBODY, "to_hold": [CONTRACTORS, {"app": "GitHub"}]}},
        {"forbids": {**EVERYBODY, "to_hold": [CONTRACTORS, {"app": "GitHub", "permission_level": "Read"}]}},
        {"requires": {"holders_of": [CONTRACTORS, {"app": "GitHub"}], **NO_BERLINER}},
    ],
    ids=["forbids", "forbids a level", "requires"],
)
@pytest.mark.parametrize(
    "sections",
    [
        {"groups": [{"group": "Engineering", "members": [CONNOR]}]},
        {"accesses": [{"app": "GitHub", "permission_level": "Read", "users": [CONNOR]}]},
    ],
    ids=["by a group", "by a request"],
)
def test_a_plan_may_not_add_to_a_violation(ruled: Ruled, data: dict[str, Any], sections: dict[str, Any]) -> None:
    ruled.write(rule(**data), **sections)
    (facts,) = ruled.refusal().facts()["rules"]
    assert facts["people"] == [CONNOR]
    # What the rule does not name may be given nevertheless.
    ruled.write(rule(**data), groups=[{"group": "Sales", "members": [CONNOR]}])
    assert ruled.compare().result["rules"][0]["state"] == "violated"


def test_another_level_adds_to_a_violation(ruled: Ruled) -> None:
    ruled.example.tenant.change("add_access", app="GitHub", user=CONNOR)
    forbidden = rule(forbids={**EVERYBODY, "to_hold": [{"app": "GitHub"}]})
    ruled.write(forbidden, accesses=[{"app": "GitHub", "permission_level": "Admin", "users": [CONNOR]}])
    assert "would be violated, because of accesses.yml:5" in str(ruled.refusal())


def test_less_of_what_is_forbidden_adds_nothing(ruled: Ruled) -> None:
    app, high, low, holder = next(
        (app["name"], level["name"], low["name"], row["user_id"])
        for app in ruled.example.tenant.state("apps")["apps"]
        for low in app["levels"]
        if not low["is_privileged"]
        for level in app["levels"]
        if level["is_privileged"]
        for row in app["accesses"]
        if row["level_id"] == level["id"] and [one["user_id"] for one in app["accesses"]].count(row["user_id"]) == 1
    )
    accesses = [{"app": app, "permission_level": low, "users": [holder]}]
    ruled.write(rule(forbids={**EVERYBODY, "to_hold": [{"app": app}]}), accesses=accesses)
    assert ruled.compare().result["summary"]["steps"] == 1
    # This rule names the lower level, and not the higher one.
    for named in (
        [{"app": app, "permission_level": low}],
        [{"app": app, "permission_level": one} for one in (low, high)],
    ):
        ruled.write(rule(forbids={**EVERYBODY, "to_hold": named}), accesses=accesses)
        assert "would be violated" in str(ruled.refusal())


def test_nobody_is_taken_further_from_what_a_rule_demands(ruled: Ruled) -> None:
    demanding = rule(requires={"holders_of": [CONTRACTORS], "to_hold": [SALES, {"group": "Engineering"}]})
    ruled.example.tenant.change("add_member", group="Sales", user=CONNOR)
    ruled.write(demanding, groups=[{"group": "Sales", "absent": [CONNOR]}])
    assert "would be violated, because of groups.yml:4" in str(ruled.refusal())
    # A step towards it is none away from it, also if more is asked for.
    ruled.example.tenant.change("open_request", app="Figma", user=CONNOR, kind="grant")
    demanding["requires"]["holders_of"].append({"app": "Figma"})
    demanding["requires"]["to_hold"].append({"group": "Dynamic Berlin"})
    ruled.write(demanding, groups=[{"group": "Engineering", "members": [CONNOR]}])
    assert ruled.compare().result["summary"]["steps"] == 1


def test_a_request_that_is_open_excuses_nothing(ruled: Ruled) -> None:
    ruled.example.tenant.change("open_request", app="GitHub", user=CONNOR, kind="grant")
    conflict = rule(conflicts=[CONTRACTORS, {"app": "GitHub"}])
    ruled.write(conflict, groups=[{"group": "Engineering", "members": [CONNOR]}])
    assert "would be violated, because of groups.yml:4" in str(ruled.refusal())
    # Other changes go on.
    ruled.write(conflict, groups=[{"group": "Sales", "members": [CONNOR]}])
    assert ruled.compare().result["summary"]["steps"] == 1


def test_what_nobody_certainly_has_fulfils_no_demand(ruled: Ruled) -> None:
    tenant, aws = ruled.example.tenant, {"app": "AWS"}
    for row in tenant.find("apps", "AWS")["accesses"]:
        tenant.change("remove_access", app="AWS", user=row["user_id"])
    for person in (SALLY, CONNOR):
        tenant.change("add_access", app="AWS", user=person)
    readers = {"holders_of": [{**aws, "permission_level": "ReadOnly"}], "at_least": 2}
    taken = {**aws, "users": [SALLY], "state": "absent"}
    given = {**aws, "permission_level": "ReadOnly", "users": ["erin.engineer@example.com"]}
    another_level = {**aws, "permission_level": "PowerUser", "users": [SALLY]}
    # An open request asks for it, too.
    for accesses in ([taken], [taken, given], [another_level], [another_level, given]):
        ruled.write(rule(limits=readers), accesses=accesses)
        refusal = str(ruled.refusal())
        assert "would be unknown, because of accesses.yml:" in refusal
        assert "See first that somebody else holds it" in refusal
    # A step towards what is not fulfilled stays possible.
    ruled.write(rule(limits={**readers, "at_least": 9}), accesses=[given])
    assert ruled.compare().result["summary"]["steps"] == 1
    # A group gives the app later, by requests.
    github = {"app": "GitHub"}
    for row in tenant.find("apps", "GitHub")["accesses"]:
        tenant.change("remove_access", app="GitHub", user=row["user_id"])
    tenant.change("add_access", app="GitHub", user=SALLY)
    swap = {
        "groups": [{"group": "Engineering", "members": [CONNOR]}],
        "accesses": [{**github, "users": [SALLY], "state": "absent"}],
    }
    ruled.write(rule(limits={"holders_of": [github], "at_least": 1}), **swap)
    assert "would be unknown, because of groups.yml:4, accesses.yml:4" in str(ruled.refusal())


def test_a_plan_that_also_gives_what_a_rule_is_about_repairs_nothing(ruled: Ruled) -> None:
    apps = ("Figma", "GitHub")
    for app in apps:
        ruled.example.tenant.change("remove_access", app=app, user=CONNOR)
        ruled.example.tenant.change("add_access", app=app, user=CONNOR)
    conflict, taken = (
        rule(conflicts=[CONTRACTORS, *({"app": app} for app in apps)]),
        {"app": "Figma", "users": [CONNOR], "state": "absent"},
    )
    ruled.write(conflict, accesses=[taken])
    assert ruled.compare(strict_rules=True).result["summary"]["steps"] == 1
    ruled.write(conflict, accesses=[taken, {"app": "GitHub", "permission_level": "Write", "users": [CONNOR]}])
    assert "is unknown" in str(ruled.refusal(strict_rules=True))


def test_a_rule_may_be_about_people_of_the_roster(ruled: Ruled) -> None:
    contractors = {"roster": {"department": ["Contractor-Sales", "Agency"], "site": {"not": "Berlin"}}}
    forbidden = rule(forbids={"people": contractors, "to_hold": [SALES]})
    ruled.write(forbidden, roster={"file": "people.csv"}, groups=[{"group": "Sales", "members": [CONNOR, IRIS, SALLY]}])
    rows = ["email,department,site", f"{CONNOR.upper()},Agency,", f"{IRIS},Agency,Berlin", f"{SALLY},Sales,Wien"]
    (ruled.folder / "people.csv").write_text("\n".join(rows), encoding="utf-8")
    (facts,) = ruled.refusal().facts()["rules"]
    assert facts["people"] == [CONNOR]
    assert f"{CONNOR} (Active, department Agency, no site) holds the group 'Sales'" in str(ruled.refusal())
    # Of members who are in no row, nothing is known.
    ruled.write(forbidden, roster={"file": "people.csv"}, groups=[{"group": "Sales", "members": [IRIS]}])
    (ruled.folder / "people.csv").write_text("\n".join(rows), encoding="utf-8")
    (result,) = ruled.compare().result["rules"]
    found = {one["person"]: (one["state"], one["message"]) for one in result["findings"]}
    assert found.keys() == set(members(ruled.example.tenant, "Sales")) - {SALLY}
    assert set(found.values()) == {
        ("unknown", f"{person} (Active, not in the roster) may hold the group 'Sales'") for person in found
    }


def test_a_plan_may_not_make_a_rule_unknown(ruled: Ruled) -> None:
    ruled.write(rule(conflicts=[SALES, {"app": "GitHub"}]), groups=[{"group": "Sales", "members": [IRIS]}])
    ruled.example.tenant.fault("listWorkAppAccesses", 403, count=2)
    error = ruled.refusal()
    assert "would be unknown, because of groups.yml:4: " in str(error)
    assert f"{IRIS} may hold the group 'Sales' and the app 'GitHub' (cannot be seen: " in str(error)


def test_rules_change_neither_the_plan_of_others_nor_what_time_demands(ruled: Ruled) -> None:
    ruled.write(rule(conflicts=[SALES, CONTRACTORS]), groups=[{"group": "Sales", "members": [CONNOR]}])
    assert "rules" not in ruled.compare("drift", fail_on_drift=False).result


ENTRY = {"holders_of": [SALES], "at_least": 1}
FLAWS: dict[str, tuple[dict[str, Any], str]] = {
    "two kinds": (
        {"conflicts": [SALES, CONTRACTORS], "limits": ENTRY},
        "rules.yml:2: parameters are mutually exclusive",
    ),
    "no kind": ({}, "rules.yml:2: one of the following is required: conflicts, requires, limits, forbids"),
    "one conflict": ({"conflicts": [SALES]}, "rules.yml:3: conflicts names one thing"),
    "nothing": ({"conflicts": []}, "conflicts is empty"),
    "a text for a list": ({"conflicts": "Sales"}, "conflicts must be a list of mappings"),
    "texts for mappings": ({"conflicts": ["Sales", "Contractors"]}, "conflicts must be a list of mappings"),
    "an unknown name": ({"limits": {**ENTRY, "at_last": 2}}, "unknown: limits.at_last"),
    "a severity": ({"limits": ENTRY, "severity": "urgent"}, "value of severity must be one of: low, medium"),
    "no number": ({"limits": {"holders_of": [SALES]}}, "limits needs `at_most`, `at_least` or both"),
    "no limit": ({"limits": {**ENTRY, "at_least": 0}}, "the rule would never be violated"),
    "numbers": ({"limits": {**ENTRY, "at_most": 0}}, "`at_least` is not above `at_most`"),
    "a level without an app": (
        {"limits": {**ENTRY, "holders_of": [{"permission_level": "Admin"}]}},
        "rules.yml:5: `permission_level` needs an app",
    ),
    "a group with an app": (
        {"limits": {**ENTRY, "holders_of": [{"group": "Sales", "app": "GitHub"}]}},
        "rules.yml:5: a group goes with nothing else",
    ),
    "nobody in particular": ({"forbids": {"to_hold": [SALES]}}, "forbids needs people"),
    "no roster": (
        {"forbids": {"to_hold": [SALES], "people": {"roster": {"team": "Red"}}}},
        "rules.yml:5: `roster` needs a roster, and no file has the section `roster`",
    ),
    "an empty roster": (
        {"forbids": {"to_hold": [SALES], "people": {"roster": {}}}},
        "rules.yml:4: roster is empty or holds a blank",
    ),
    "an operator": (
        {"forbids": {"to_hold": [SALES], "except_people": {"roster": {"team": {"like": "R"}}}}},
        "rules.yml:6: team: give a text, a list of texts, or not with one of these",
    ),
    "an empty status": (
        {"forbids": {"to_hold": [SALES], "people": {"status": []}}},
        "status is empty or holds a blank",
    ),
    **{
        f"the domain {domain!r}": (
            {"forbids": {"to_hold": [SALES], "people": {"email_domain": ["example.com", domain]}}},
            f"rules.yml:5: {domain!r} is no domain, such as example.com",
        )
        for domain in ("@example.com", "example.com ", "*.com", "example", "example.com.", "a@example.com")
    },
    "an unknown name in a list": (
        {"limits": {**ENTRY, "holders_of": [SALES, {"grup": "Sales"}]}},
        "unknown: grup. Supported parameters include: app, group, owner, permission_level, privileged. Nothing",
    ),
    "a list in a list": (
        {"limits": {**ENTRY, "holders_of": [{"group": ["Sales"]}]}},
        "rules.yml:5: group must be a text",
    ),
    "no end": (
        {"limits": ENTRY, "exceptions": [{"person": SALLY, "reason": "x"}]},
        "rules.yml:3: missing required arguments: until",
    ),
    "no date": (
        {"conflicts": [SALES, CONTRACTORS], "exceptions": [{"person": SALLY, "reason": "x", "until": "soon"}]},
        "until 'soon' is neither a date",
    ),
    "no zone": (
        {
            "conflicts": [SALES, CONTRACTORS],
            "exceptions": [{"person": SALLY, "reason": "x", "until": "2030-01-01T10:00"}],
        },
        "has no zone",
    ),
    "no effect": (
        {"limits": ENTRY, "exceptions": [{"person": SALLY, "reason": "x", "until": "2030-01-01"}]},
        "exceptions have no effect on `at_least`",
    ),
    "blank": ({"limits": ENTRY, "reason": " "}, "the reason of the rule is blank"),
}
MISSES: dict[str, tuple[dict[str, Any], str]] = {
    "a group": ({"limits": {**ENTRY, "holders_of": [{"group": "Sale"}]}}, "the group 'Sale' does not exist"),
    "an app": ({"limits": {**ENTRY, "holders_of": [{"app": "Git"}]}}, "the app 'Git' does not exist"),
    "a level": (
        {"limits": {**ENTRY, "holders_of": [{"app": "GitHub", "permission_level": "admin"}]}},
        "the app 'GitHub' has no permission level 'admin'",
    ),
    "a status": ({"forbids": {"to_hold": [SALES], "people": {"status": ["Gone"]}}}, "nobody has the status 'Gone'"),
    "a person": (
        {
            "conflicts": [SALES, CONTRACTORS],
            "exceptions": [{"person": "a@b.example", "reason": "x", "until": "2030-01-01"}],
        },
        "the user 'a@b.example' does not exist",
    ),
    **{
        f"a rule that everybody keeps, {number}": (data, "'R' would never be violated, whatever people hold")
        for number, data in enumerate(
            (
                {"requires": {"holders_of": [SALES], "to_hold": [SALES]}},
                {
                    "requires": {
                        "holders_of": [{"app": "GitHub", "permission_level": "Read"}],
                        "to_hold": [{"app": "GitHub"}],
                    }
                },
                {"requires": {"holders_of": [{"app": "Figma", "privileged": True}], "to_hold": [{"privileged": True}]}},
                {
                    "forbids": {
                        "people": {"email_domain": ["example.com"], "status": ["Active"]},
                        "except_people": {"email_domain": ["Example.com", "other.example"]},
                        "to_hold": [SALES],
                    }
                },
            )
        )
    },
    "a person with two exceptions": (
        {
            "conflicts": [SALES, CONTRACTORS],
            "exceptions": [{"person": one, "reason": "x", "until": "2030-01-01"} for one in (SALLY, "SALLY'S ID")],
        },
        f"'{SALLY}' has two exceptions, rules.yml:6 and rules.yml:9",
    ),
}


def test_wrong_rules_are_refused_with_file_and_line(ruled: Ruled) -> None:
    for name, (data, words) in FLAWS.items():
        ruled.write(rule(**data))
        with pytest.raises(CodeRefused) as error:
            ruled.compare()
        assert words in str(error.value), (name, str(error.value))
    ruled.write(
        rule(forbids={"to_hold": [SALES], "people": {"roster": {"team": "Red"}}}), roster={"file": "people.csv"}
    )
    (ruled.folder / "people.csv").write_text(f"email,Team\n{SALLY},Red\n", encoding="utf-8")
    with pytest.raises(CodeRefused, match=r"rules\.yml:5: the roster has no column 'team', it has email, Team"):
        ruled.compare()
    ruled.write(rule(limits=ENTRY), rule(limits=ENTRY))
    with pytest.raises(CodeRefused, match=r"there is a rule 'R' already, rules\.yml:2"):
        ruled.compare()
    assert not ruled.example.tenant.log("POST")


def test_names_in_rules_are_exact_and_found_before_access_is_read(ruled: Ruled) -> None:
    tenant = ruled.example.tenant
    sally = tenant.find("users", SALLY)["id"]
    for name, (data, words) in MISSES.items():
        ruled.write(json.loads(json.dumps(rule(**data)).replace("SALLY'S ID", sally)))
        tenant.clear_log()
        with pytest.raises((LookupFailed, CakewalkError)) as error:
            ruled.compare()
        assert words in str(error.value), (name, str(error.value))
        assert "(rules.yml:" in str(error.value), name
        assert not tenant.log(operation="listWorkAppAccesses")


def test_no_rule_keeps_access_from_ending_but_a_broken_one_is_a_warning(ruled: Ruled) -> None:
    before = members(ruled.example.tenant, "Sales")
    sections = {"groups": [{"group": "Sales", "members": [{"user": SALLY, "until": "2026-01-31"}]}]}

    def warnings(*rules: dict[str, Any]) -> list[str]:
        ruled.write(*rules, **sections)
        with pytest.raises(CakewalkError) as refused:
            ruled.compare("expire", code_digest="0", journal_path="/record")
        digest = refused.value.facts()["code_digest"]
        plan = ruled.compare("expire", code_digest=digest, journal_path="/record")
        assert len(plan.steps) == 1
        assert ruled.tenant
        return ruled.tenant.warnings

    enough = rule(limits={"holders_of": [SALES], "at_least": len(before)})
    (warning,) = warnings(enough)
    assert warning.startswith(
        "Once what expired is removed, the rule 'R' (high, rules.yml:2) will be violated, because"
    )
    assert "groups.yml:4" in warning
    assert warnings(rule(limits={"holders_of": [SALES], "at_least": len(before) - 1})) == []
    unknown = rule(limits={"holders_of": [{"group": "Nobodys"}], "at_least": 1})
    (warning,) = warnings(unknown)
    assert warning.startswith("It is not known whether the access rules still hold without the expired access. ")
