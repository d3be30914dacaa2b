# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about a roster, from real files, over real sockets."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import ConfigurationError
from ansible_collections.cakewalk.access.plugins.module_utils._api.text import printable
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_as_code.plan import code_digest, code_of
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_as_code.roster import Roster
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_as_code.roster_changes import (
    RosterCopy,
    RosterShrank,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_as_code.schema import CODE
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_as_code.source import CodeRefused
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.apply import apply
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.clock import ClockRefused
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.plan import ApplyFailed, Plan
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.tenant import Tenant
from ansible_collections.cakewalk.access.plugins.module_utils._engine.storage.ledger import WrongTenant
from ansible_collections.cakewalk.access.plugins.modules import cakewalk_access_as_code, cakewalk_access_rules
from ansible_collections.cakewalk.access.plugins.plugin_utils import _code_reader
from contract.access_as_code.test_access_as_code import Example, body
from contract.fixtures import CONFIRM_DELAYS, CONNOR, ERIN, MAX, SALLY, members, validated
from sandbox.process import Sandbox

Data = dict[str, Any]
#: Where the options of the tests are about.
BASE_URL = "https://open-api.getcakewalk.io"
NOBODY, IRIS = "not.yet@example.com", "iris.invited@example.com"


def day(days: int) -> str:
    """Return the date of a day from today, in UTC."""
    return (datetime.now(timezone.utc) + timedelta(days=days)).date().isoformat()


@dataclass
class Code:
    """A folder with code and a roster."""

    example: Example
    folder: Path

    def write(self, text: str, file: str = "people.csv", **sections: Any) -> None:
        """Write the roster, and sections beside what tells the tenant."""
        (self.folder / "tenant.yml").write_text(self.example.files["tenant.yml"], encoding="utf-8")
        (self.folder / file).write_text(text, encoding="utf-8")
        whole = {"roster": {"file": file}, **sections}
        (self.folder / "code.yml").write_text(yaml.safe_dump(whole, sort_keys=False), encoding="utf-8")

    def source(self) -> Data:
        """Return what the action reads."""
        code, positions, roster = _code_reader.read(str(self.folder))
        complete = ArgumentSpecValidator(CODE).validate(code).validated_parameters
        return {"version": "1", "code": complete, "positions": positions, "roster": roster}

    def compare(self, mode: str, before: Data | None = None, asked: Tenant | None = None, **options: Any) -> Plan:
        """Return what a mode makes of the folder."""
        tenant = self.example.tenant
        given = {"mode": mode, "folder": "/code", "acting_user": tenant.acting_user, "purpose": "Roster"}
        given |= {
            "max_removals": 1000,
            "max_removal_percent": 100,
            "roster_copy_path": "/copy",
        }
        params = validated(cakewalk_access_as_code.SPEC, tenant, {**given, **options})
        params["source"] = {**self.source(), "roster_before": before}
        plan: Plan = cakewalk_access_as_code.plan(params, asked or Tenant(self.example.client))
        return plan

    def plan(self, **options: Any) -> list[str]:
        """Return the plan without its header."""
        return body(self.compare("plan", **options).result["plan"])

    def apply(self) -> Data:
        """Plan, approve and carry out; return the copy of the roster that the run keeps."""
        approved = self.compare("plan").result["plan_hash"]
        plan = self.compare("apply", plan_hash=approved, journal_path="/record")
        applied = apply(plan, self.example.client, CONFIRM_DELAYS)
        assert applied.goal_reached
        copy: Data = plan.report(applied)["roster_copy"]
        return copy

    def copy(self, days: int = 0) -> Data:
        """Return the copy that a run would have kept of this roster so many days ago."""
        time = datetime.now(timezone.utc) - timedelta(days=days)
        anchors = sorted(app["id"] for app in self.example.tenant.state("apps")["apps"])[:3]
        about = {"base_url": BASE_URL, "anchors": anchors, "time": time.isoformat(timespec="seconds")}
        return {**about, **self.source()["roster"]}


@pytest.fixture
def code(tenant: Sandbox, connect: Callable[..., Client], tmp_path: Path) -> Iterator[Code]:
    """A folder about a small tenant."""
    tenant.reset(seed=1, users=16, groups=5, apps=4, rate_limit=0)
    client = connect(requests_per_minute=0)
    yield Code(Example.of(tenant, client), tmp_path)
    tenant.reset()


def table(*rows: str) -> str:
    return "\n".join(["email,department,location,start,end", *rows]) + "\n"


def test_a_rule_gives_a_group_to_people_of_the_roster(code: Code) -> None:
    before = set(members(code.example.tenant, "Sales"))
    code.write(
        table(
            f"{ERIN},Sales,Wien,,",
            f"{CONNOR.upper()}, Sales ,Graz,,",
            f"{SALLY},Sales,Wien,,{day(-1)}",
            f"{IRIS},Sales,Wien,{day(3)},",
            f"{NOBODY},Sales,Berlin,,",
            "grace.general@example.com,Legal,Wien,,",
        ),
        groups=[{"group": "Sales", "members_where": {"department": "Sales", "location": ["Wien", "Berlin"]}}],
    )
    assert SALLY in before and ERIN not in before

    lines = code.plan()

    rule = "department Sales, location Wien or Berlin"
    assert lines[:3] == ["Members of Sales", f"  - {SALLY}", f"  + {ERIN}"]
    assert f"  > {ERIN} by {rule} (people.csv:2, by code.yml:6)" in lines
    assert f"Sales: 3 people by {rule} (code.yml:6)" in lines
    assert f"{NOBODY}: waits, not in the directory yet (people.csv:6)" in lines
    assert f"{IRIS} and the group 'Sales': starts in 3 days, on {day(3)} (people.csv:5, by code.yml:6)" in lines
    assert any(line.startswith("In the directory, not in the roster: ") for line in lines)

    code.apply()

    assert set(members(code.example.tenant, "Sales")) == before - {SALLY} | {ERIN}
    assert code.plan()[-1] == "Nothing to do; everything listed is left alone."


def test_people_in_the_list_or_absent_stay_as_the_entry_says(code: Code) -> None:
    code.write(
        table(f"{ERIN},Sales,Wien,,", f"{CONNOR},Sales,Wien,,"),
        groups=[
            {"group": "Sales", "members": [ERIN], "absent": [CONNOR], "members_where": {"location": {"not": "Graz"}}}
        ],
    )
    code.apply()
    now = members(code.example.tenant, "Sales")
    assert ERIN in now
    assert CONNOR not in now


def test_an_exact_group_follows_the_roster(code: Code) -> None:
    rule = {"group": "Contractors", "mode": "exact", "members_where": {"department": "Extern"}}
    code.write(table(f"{ERIN},Extern,Wien,,", f"{CONNOR},Extern,Wien,,"), groups=[rule])
    code.apply()
    assert members(code.example.tenant, "Contractors") == sorted([CONNOR, ERIN])

    code.write(table(f"{ERIN},Sales,Wien,,", f"{CONNOR},Extern,Wien,,"), groups=[rule])
    code.apply()
    assert members(code.example.tenant, "Contractors") == [CONNOR]

    code.write(table(f"{ERIN},Sales,Wien,,", f"{CONNOR},Sales,Wien,,"), groups=[rule])
    with pytest.raises(CodeRefused, match=r"code\.yml:\d+: nobody in the directory fits this rule"):
        code.compare("plan")


def test_a_rule_requests_access_to_an_app(code: Code) -> None:
    code.write(
        table(f"{CONNOR},Sales,Wien,,"),
        accesses=[{"app": "Figma", "members_where": {"department": "Sales"}}],
    )
    assert f"  > {CONNOR} by department Sales (people.csv:2, by code.yml:6)" in code.plan()
    code.apply()
    assert code.example.tenant.log("POST")[-1]["operation"] == "createGrantAccessRequest"


def test_a_roster_that_shrank_stops_everything(code: Code) -> None:
    groups = [{"group": "Sales", "members_where": {"department": "Sales"}}]
    people = [f"person{number}@example.com,Sales,Wien,," for number in range(20)]
    code.write(table(*people), groups=groups)
    before = code.copy()
    code.write(table(*people[:18]), groups=groups)
    assert code.compare("plan", before).result["roster"]["people"] == 18
    code.write(table(*people[:17]), groups=groups)
    for mode in ("plan", "drift"):
        with pytest.raises(
            RosterShrank, match="was applied last, 3 of 20 people are missing or end earlier, more than 10 %"
        ) as caught:
            code.compare(mode, before)
    assert caught.value.facts()["missing"] == [f"person{number}@example.com" for number in (17, 18, 19)]
    assert code.compare("plan", before, max_roster_shrink=15).result["roster"]["people"] == 17


def test_the_changes_of_a_day_are_lists_for_the_roles(code: Code) -> None:
    sections = {
        "groups": [
            {"group": "Sales", "members_where": {"department": "Sales"}},
            {"group": "Engineering", "members_where": {"department": "Engineering"}},
        ],
        "accesses": [{"app": "Figma", "members_where": {"location": "Wien"}}],
    }
    code.write(table(f"{ERIN},Sales,Wien,,", f"{CONNOR},Sales,Wien,,", f"{MAX},Sales,Graz,,"), **sections)
    before = code.copy()
    code.write(table(f"{ERIN},Engineering,Graz,,", f"{NOBODY},Sales,Wien,,", f"{MAX},Sales,Wien,,"), **sections)
    found = code.compare("plan", before, max_roster_shrink=100).result["roster"]
    assert found["joiners"] == [{"user": NOBODY, "groups": ["Sales"], "accesses": [{"app": "Figma"}]}]
    assert found["movers"] == [{"user": ERIN, "joins": ["Engineering"], "leaves": ["Sales"]}]
    assert found["leavers"] == [{"user": CONNOR, "confirm": CONNOR}]
    assert found["waiting"] == [NOBODY]


def test_how_far_a_roster_may_shrink_is_approved_with_the_plan(code: Code) -> None:
    code.write(table(PEOPLE), **SALES)
    strict, loose = (code.compare("plan", max_roster_shrink=limit).result for limit in (10, 11))
    assert strict["plan_hash"] != loose["plan_hash"]
    assert "Roster: at most 11 % of its people may be missing" in loose["plan"]
    for limit in (-1, 101):
        with pytest.raises(ConfigurationError, match=f"`max_roster_shrink`: it is {limit}. Give 0 to 100."):
            code.compare("plan", max_roster_shrink=limit)


def test_a_roster_may_be_yaml_with_columns_of_other_names(code: Code) -> None:
    people = [{"Mail": ERIN, "Abteilung": "Vertrieb", "Austritt": day(5)}, {"Mail": CONNOR}]
    code.write(
        yaml.safe_dump(people),
        "people.yml",
        roster={"file": "people.yml", "email_column": "Mail", "end_column": "Austritt"},
        groups=[{"group": "Sales", "members_where": {"Abteilung": "Vertrieb"}}],
    )
    lines = code.plan()
    assert f"  + {ERIN}" in lines
    assert any(line.startswith(f"{ERIN} and the group 'Sales': expires in 5 days") for line in lines)


def test_columns_of_a_roster_in_yaml_that_look_alike_are_refused(code: Code) -> None:
    people = [
        {"email": ERIN, "department": "Sales", "end": ""},
        {"email": CONNOR, "department": "Sales", "End ": day(-1)},
    ]
    code.write(yaml.safe_dump(people), "people.yml", **SALES)
    with pytest.raises(CodeRefused, match=r"people\.yml: the column 'End ' is there already, as 'end'"):
        code.compare("plan")


@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_a_roster_may_name_its_separator_as_excel_does(code: Code, separator: str) -> None:
    code.write(f"\ufeffsep={separator}\r\n" + table(PEOPLE).replace(",", separator).replace("\n", "\r\n"), **SALES)
    assert f"  > {ERIN} by department Sales (people.csv:3, by code.yml:6)" in code.plan()


def test_the_code_digest_covers_the_roster_and_not_the_directory(code: Code) -> None:
    groups = [{"group": "Sales", "members_where": {"department": "Sales"}}]
    code.write(table(f"{ERIN},Sales,Wien,,"), groups=groups)
    first = code.compare("plan").result["code_digest"]
    code.apply()
    assert code.compare("plan").result["code_digest"] == first
    code.write(table(f"{ERIN},Sales,Wien,,{day(9)}"), groups=groups)
    assert code.compare("plan").result["code_digest"] != first


PEOPLE = f"{ERIN},Sales,Wien,,"
SALES = {"groups": [{"group": "Sales", "members_where": {"department": "Sales"}}]}


@pytest.mark.parametrize(
    ("roster", "sections", "message"),
    [
        (table(PEOPLE, PEOPLE.upper()), SALES, f"people.csv:3: '{ERIN.upper()}' has a row already, people.csv:2"),
        (table("MU\u0308@x.example,,,,", "mü@x.example,,,,"), SALES, "people.csv:3: 'mü@x.example' has a row already"),
        ("sep=|\nemail|team\n", SALES, "people.csv:1: separate the columns by commas, semicolons or tabs, not '|'"),
        ("sep=;\nemail;team\nx@y.example,a\n", SALES, "people.csv:3: it has 1 columns, and the first line 2"),
        (table(), SALES, "people.csv: it has no people; an empty roster never removes anybody"),
        ("", SALES, "people.csv: it is empty; an empty roster never removes anybody"),
        (table(f"{ERIN},Sales"), SALES, "people.csv:2: it has 2 columns, and the first line 5"),
        (table(",Sales,Wien,,"), SALES, "people.csv:2: the column email is blank"),
        (table(f"{ERIN},Sales,Wien,,31.12.2026"), SALES, "people.csv:2: until '31.12.2026' is neither a date"),
        (table(f"{ERIN},Sales,Wien,2026-02-30,"), SALES, "people.csv:2: from '2026-02-30': there is no such day"),
        ("mail,team\nx,y\n", SALES, "people.csv:1: it has 2 columns, and none of them is 'email'"),
        ("email,email\nx,y\n", SALES, "people.csv:1: the column 'email' is there already, as 'email'"),
        *(
            (f"email,department,end,{near}\n{ERIN},Sales,,\n", SALES, "people.csv:1: the column '")
            for near in ("End", '"e nd"', "end\u200b", "de\u0301partment,d\u00e9partment")
        ),
        *(
            (f"email,department,{near}\n{ERIN},Sales,\n", SALES, "people.csv:1: there is no column 'end', there are")
            for near in ("End", '"e nd"', "e\u00adnd")
        ),
        ('email,team\n"x,y\n', SALES, "people.csv: it is no CSV"),
        (
            table(PEOPLE),
            {"groups": [{"group": "Sales", "members_where": {"team": "Sales"}}]},
            "code.yml:6: the roster has no column 'team', it has email, department, location, start, end",
        ),
        (
            table(PEOPLE),
            {"groups": [{"group": "Sales", "members_where": {"department": {"like": "S"}}}]},
            "code.yml:7: department: give a text, a list of texts, or not with one of these",
        ),
        (
            table(PEOPLE),
            {"groups": [{"group": "Sales", "members_where": {"department": []}}]},
            "code.yml:6: department: give a text",
        ),
        (
            table(PEOPLE),
            {"groups": [{"group": "Sales", "mode": "unmanaged", "members_where": {"department": "Sales"}}]},
            "an unmanaged group is left alone",
        ),
        *(
            (table(f"{NOBODY},,,,", f"{ERIN}{char},Sales,Wien,,"), SALES, f"{where}' has an invisible character")
            for char, where in (
                ("\u200b", f"people.csv:3: '{ERIN}\\\\u200b"),
                ("\u202e", f"people.csv:3: '{ERIN}\\\\u202e"),
                ("\x7f", f"people.csv:3: '{ERIN}\\\\x7f"),
                ("\u200c", f"people.csv:3: '{ERIN}\\\\u200c"),
                ("\ufe0f", f"people.csv:3: '{ERIN}\ufe0f"),
            )
        ),
        (
            table(f"{ERIN}\u00a0,Sales,Wien,,", "er\u00a0in@x.example,,,,"),
            SALES,
            ":3: the column email holds no",
        ),
        (
            table(PEOPLE, f"{MAX},Sales\u200b,Wi\u200ben,,"),
            SALES,
            "people.csv:3: the value of department has an invisible character. Nothing",
        ),
        (
            table(PEOPLE),
            {"groups": [{"group": "Sales", "members_where": {"department": {"not": ["Sales", "Le\u00adgal"]}}}]},
            "code.yml:7: department: a value has an invisible character",
        ),
        *(
            (
                table(PEOPLE),
                sections,
                f"{ERIN}\\\\u200b' has an invisible character; write the address again",
            )
            for sections in (
                {"groups": [{"group": "Sales", "absent": [f"{ERIN}\u200b"]}]},
                {"accesses": [{"app": "Figma", "state": "absent", "users": [f"{ERIN}\u200b"]}]},
            )
        ),
        (table(PEOPLE), {"accesses": [{"app": "Figma"}]}, "one of the following is required: users, members_where"),
    ],
)
def test_bad_rosters_and_rules_are_refused_with_file_and_line(
    code: Code, roster: str, sections: Data, message: str
) -> None:
    code.write(roster, **sections)
    with pytest.raises(CodeRefused) as caught:
        code.compare("plan")
    assert message in str(caught.value)
    assert not code.example.tenant.log("POST")


def about(people: Data) -> Data:
    """Return the section of access rules with a rule about people of the roster."""
    forbids = {"people": {"roster": people}, "to_hold": [{"group": "Sales"}]}
    return {"rules": [{"name": "R", "severity": "low", "reason": "Because", "forbids": forbids}]}


@pytest.mark.parametrize(
    ("asked", "held"),
    [
        ("Caf\u00e9", "Cafe\u0301"),
        ("CAF\u00c9", "Caf\u00e9"),
        ("Office", "O\ufb03ce"),
        ("Human  Resources", "Human Resources"),
    ],
)
@pytest.mark.parametrize(
    "sections",
    [
        lambda value: {"groups": [{"group": "Sales", "mode": "exact", "members_where": value}]},
        lambda value: {"accesses": [{"app": "Figma", "state": "absent", "members_where": value}]},
        about,
    ],
)
def test_a_value_that_only_looks_like_one_of_the_roster_is_refused(
    code: Code, sections: Callable[[Data], Data], asked: str, held: str
) -> None:
    roster = table(f"{ERIN},{asked},,,", f"{CONNOR},{held},,,")
    for condition in (asked, {"not": ["Sales", asked]}):
        code.write(roster, **sections({"department": condition}))
        words = f"department: {asked!a} is written {held!a} in people.csv:3; write both alike"
        with pytest.raises(CodeRefused, match=rf"code\.yml:\d+: {re.escape(words)}"):
            code.compare("drift")
    code.write(roster, **sections({"department": [asked, held]}))
    code_of({"source": code.source()})
    code.write(roster, **sections({"department": {"not": f" {held}"}}))
    with pytest.raises(CodeRefused, match="has blanks around it, and a roster is read without them"):
        code.compare("drift")


@pytest.mark.parametrize(
    ("asked", "value", "hint"),
    [
        ("Extren", "Extren", " Did you mean 'Extern'?"),
        ({"not": "Externe"}, "Externe", " Did you mean 'Extern'?"),
        (["", "Sales", "Legal"], "Legal", ""),
    ],
)
def test_a_value_that_no_row_has_is_a_warning(code: Code, asked: Any, value: str, hint: str) -> None:
    condition = {"department": asked}
    absent = {"app": "Figma", "state": "absent", "members_where": condition}
    code.write(table(PEOPLE, f"{MAX},Extern,,,"), accesses=[absent], **about(deepcopy(condition)))

    def of_value(lines: Iterable[str]) -> list[str]:
        return [re.sub(r":\d+", ":", line) for line in lines if line.startswith("Nobody in the roster")]

    words = [f"Nobody in the roster has the department {value!r} (code.yml:).{hint}"] * 2
    tenant = Tenant(code.example.client)
    assert of_value(code.compare("plan", asked=tenant).result["plan"]) == of_value(tenant.warnings) == words
    live = Tenant(code.example.client)
    params = validated(cakewalk_access_rules.SPEC, code.example.tenant, {"folder": "/code"})
    cakewalk_access_rules.plan({**params, "source": code.source()}, live)
    assert of_value(live.warnings) == words


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("zoe\u0308@example.com", "zo\u00eb@example.com"),
        ("zo\u00eb@example.com", "zoe\u0308@example.com"),
        ("ZO\u00cb@example.com", "zo\u00eb@example.com"),
        ("GROSS@example.com", "gro\u00df@example.com"),
        ("zoe@example.com", "zo\u200be@example.com"),
    ],
)
def test_an_address_that_only_looks_like_one_of_the_directory_is_refused(code: Code, here: str, there: str) -> None:
    """Somebody would wait for ever, and lose what the rules give, and no rule about access would see them."""
    groups = [{"group": "Contractors", "mode": "exact", "members_where": {"department": "Extern"}}]
    sections = {"groups": groups, **about({"department": "Extern"})}
    code.example.tenant.change("set_email", user=CONNOR, email=there)
    code.write(table(PEOPLE, f"{here},Extern,,,", f"{MAX},Extern,,,"), **sections)
    unlike = f"is not written as in the directory: here {here!a}, there {there!a}"
    words = f"people.csv:3: {printable(here)!r} {unlike}; write it as there"
    for mode in ("plan", "drift"):
        with pytest.raises(CodeRefused, match=re.escape(words)):
            code.compare(mode, fail_on_drift=False)
    params = validated(cakewalk_access_rules.SPEC, code.example.tenant, {"folder": "/code"})
    with pytest.raises(CodeRefused, match=re.escape(words)):
        cakewalk_access_rules.plan({**params, "source": code.source()}, Tenant(code.example.client))
    digest = code_digest(code_of({"source": code.source()}), {"source": code.source(), "base_url": BASE_URL})
    assert code.compare("expire", code_digest=digest, journal_path="/record").steps == (), "ends must not wait for it"


@pytest.mark.parametrize("before", ["zoe\u0308@example.com", "ZO\u00cb@example.com"])
def test_a_person_whose_address_is_written_differently_neither_joins_nor_leaves(code: Code, before: str) -> None:
    groups = [{"group": "Contractors", "mode": "exact", "members_where": {"department": "Extern"}}]
    code.write(table(PEOPLE, f"{before},Extern,,,"), groups=groups)
    copy = code.copy()
    code.write(table(PEOPLE, "zo\u00eb@example.com,Extern,,,"), groups=groups)
    code.example.tenant.change("set_email", user=CONNOR, email="zo\u00eb@example.com")
    found = code.compare("plan", copy, max_roster_shrink=0).result["roster"]
    assert [found[name] for name in ("joiners", "movers", "leavers")] == [[], [], []]


def test_a_rule_needs_a_roster(code: Code) -> None:
    code.write("", "notes.txt", **SALES)
    text = (code.folder / "code.yml").read_text(encoding="utf-8")
    (code.folder / "code.yml").write_text(text.partition("groups:")[1] + text.partition("groups:")[2], encoding="utf-8")
    with pytest.raises(CodeRefused, match="`members_where` needs a roster"):
        code.compare("plan")


@pytest.mark.slow
def test_five_months_of_a_company_of_two_thousand(
    tenant: Sandbox, connect: Callable[..., Client], tmp_path: Path
) -> None:
    """The groups are as each month's roster says, with as few requests as the API allows, and a second run is idle."""
    tenant.reset(seed=3, users=2000, groups=8, apps=6, rate_limit=0)
    client = connect(requests_per_minute=0)
    code = Code(Example.of(tenant, client), tmp_path)
    chance = random.Random(4)
    users = tenant.state("users")["users"]
    holders = Counter(user["email"] for user in users)
    active = [user["email"] for user in users if user["status"] == "Active" and holders[user["email"]] == 1]
    once = [email for email in active if email != tenant.acting_user]
    departments = ["Sales", "Engineering", "Contractors"]
    works = {email: chance.choice([*departments, "Other"]) for email in once[:1500]}
    rules = [{"group": name, "mode": "exact", "members_where": {"department": name}} for name in departments]
    for _month in range(5):
        code.write(table(*(f"{email},{department},Wien,," for email, department in works.items())), groups=rules)
        before = {name: set(members(tenant, name)) for name in departments}
        wanted = {name: {email for email, department in works.items() if department == name} for name in departments}
        tenant.clear_log()

        code.apply()

        protected = {tenant.acting_user}
        for name in departments:
            assert set(members(tenant, name)) - protected == wanted[name]
        sent = Counter(entry["operation"] for entry in tenant.log() if entry["method"] != "GET")
        removed = sum(len(before[name] - wanted[name] - protected) for name in departments)
        added = [name for name in departments if wanted[name] - before[name]]
        assert sent == Counter({"addUsersToGroup": len(added), "removeUserFromGroup": removed})
        tenant.clear_log()
        assert code.plan()[-1].startswith("Nothing to do")
        assert not [entry for entry in tenant.log() if entry["method"] != "GET"]
        leaving = chance.sample(sorted(works), 30)
        works = {email: name for email, name in works.items() if email not in leaving}
        works |= {email: chance.choice(departments) for email in chance.sample(sorted(works), 40)}
        works |= {email: chance.choice(departments) for email in chance.sample(once[1500:], 25)}


def expired(code: Code) -> list[str]:
    """Return what the mode expire removes from files that are approved as they stand."""
    digest = code.compare("plan").result["code_digest"]
    plan = code.compare("expire", code_digest=digest, journal_path="/record")
    return [step.action for step in plan.steps]


def test_what_another_item_gives_does_not_expire(code: Code) -> None:
    sally = code.example.tenant.find("users", SALLY)["id"]
    ended = {"user": sally, "until": day(-1)}
    code.write(table(f"{ERIN},Sales,Wien,,"), groups=[{"group": "Sales", "mode": "exact", "members": [ended, SALLY]}])
    assert expired(code) == []
    assert f"  - {SALLY}" not in code.plan()
    figma = {"app": "Figma", "users": [{"user": ERIN, "until": day(-1)}]}
    code.write(table(f"{ERIN},Sales,Wien,,"), accesses=[figma, {"app": "Figma", "users": [MAX]}])
    code.example.tenant.change("add_access", app="Figma", user=ERIN)
    assert len(expired(code)) == 1
    code.write(
        table(f"{ERIN},Sales,Wien,,"), accesses=[figma, {"app": "Figma", "members_where": {"department": "Sales"}}]
    )
    assert expired(code) == []
    assert any(line.startswith(f"{ERIN}: expired on {day(-1)}") for line in code.plan())


def test_an_entry_and_the_roster_end_whichever_is_first(code: Code) -> None:
    code.write(
        table(f"{ERIN},Sales,Wien,,{day(900)}", f"{CONNOR},Sales,Wien,,{day(-30)}", f"{MAX},Sales,Wien,,"),
        accesses=[{"app": "Figma", "from": day(-5), "until": day(3), "members_where": {"department": "Sales"}}],
    )
    terms = {row["user"]: (row["state"], row["until"]) for row in code.compare("plan").result["terms"]}
    assert terms == {ERIN: ("active", day(3)), CONNOR: ("expired", day(-30)), MAX: ("active", day(3))}


def test_absent_people_and_people_who_do_not_work_yet_are_no_joiners(code: Code) -> None:
    sections = {
        "groups": [{"group": "Sales", "absent": [ERIN], "members_where": {"department": "Sales"}}],
        "accesses": [{"app": "Figma", "state": "absent", "members_where": {"department": "Sales"}}],
    }
    code.write(table(f"{CONNOR},Legal,Wien,,"), **sections)
    before = code.copy()
    rows = (f"{ERIN},Sales,Wien,,", f"{MAX},Sales,Wien,{day(9)},", f"{CONNOR},Legal,Wien,,{day(-1)}")
    code.write(table(*rows), **sections)
    found = code.compare("plan", before, max_roster_shrink=100).result["roster"]
    assert found["joiners"] == [{"user": ERIN, "groups": [], "accesses": []}]
    assert found["leavers"] == [{"user": CONNOR, "confirm": CONNOR}]
    # The end of a row says what becomes of somebody. Where the row is gone, the plan must.
    assert "No longer in the roster" not in "\n".join(
        code.compare("plan", before, max_roster_shrink=100).result["plan"]
    )
    code.write(table(*rows[:2]), **sections)
    plan = code.compare("plan", before, max_roster_shrink=100).result["plan"]
    assert any(f"No longer in the roster: {CONNOR}. They keep what no `exact` group takes" in line for line in plan)


def test_a_roster_of_others_or_without_a_column_stops_everything(code: Code) -> None:
    people = [f"person{number}@example.com" for number in range(20)]
    code.write(table(*(f"{email},Sales,Wien,," for email in people)), **SALES)
    before = code.copy()
    code.write(table(*(f"other{number}@example.com,Sales,Wien,," for number in range(20))), **SALES)
    with pytest.raises(RosterShrank, match="20 of 20 people are missing"):
        code.compare("plan", before)
    code.write(table(*(f"{email},,Wien,," for email in people)), **SALES)
    with pytest.raises(RosterShrank, match="its rules give 20 of 20 people less than before"):
        code.compare("plan", before)


@pytest.mark.parametrize(
    "entry",
    [
        {"state": "absent", "members_where": {"department": {"not": "Sales"}}},
        {"state": "absent", "members_where": {"department": ""}},
        {"members_where": {"department": "Sales"}},
    ],
)
def test_a_roster_by_which_people_lose_access_stops_everything(code: Code, entry: Data) -> None:
    people, joiner = [f"person{number}@example.com" for number in range(20)], "joiner@example.com,,Wien,,"
    sections = {"accesses": [{"app": "Figma", **entry}]}
    code.write(table(*(f"{email},Sales,Wien,," for email in people)), **sections)
    before = code.copy()

    def lacking(count: int, **options: Any) -> Data:
        """Return what a roster gives in which so many people have no department, and somebody is new."""
        cells = ["" if number < count else "Sales" for number in range(20)]
        rows = (f"{email},{cell},Wien,," for email, cell in zip(people, cells, strict=True))
        code.write(table(*rows, joiner), **sections)
        roster: Data = code.compare("drift", before, fail_on_drift=False, **options).result["roster"]
        return roster

    assert lacking(2)["movers"] == []
    with pytest.raises(RosterShrank, match="its rules give 3 of 20 people less than before, more than 10 %") as caught:
        lacking(3)
    assert caught.value.facts()["missing"] == people[:3]
    found = lacking(20, max_roster_shrink=100)
    assert (found["people"], len(found["joiners"])) == (21, 1)
    assert "losing" not in found
    # What is lost already by the earlier roster is no loss.
    assert code.compare("plan", code.copy(), max_roster_shrink=0).result["roster"]["leavers"] == []


def test_an_empty_exact_group_keeps_nobodys_access_from_ending(code: Code) -> None:
    rule = {"group": "Contractors", "mode": "exact", "members_where": {"department": "Extern"}}
    groups = [{"group": "Sales", "members": [{"user": SALLY, "until": day(-1)}]}, rule]
    code.write(table(f"{CONNOR},Extern,Wien,,"), groups=groups)
    digest = code.compare("plan").result["code_digest"]
    code.example.tenant.change("set_email", user=CONNOR, email="gone@example.com")
    plan = code.compare("expire", code_digest=digest, journal_path="/record")
    assert len(plan.steps) == 1


def test_whoever_ends_by_a_changed_date_is_missing_and_whoever_ends_as_known_is_not(code: Code) -> None:
    people = [f"person{number}@example.com" for number in range(20)]

    def rows(*terms: str) -> str:
        return table(*(f"{email},Sales,Wien,{term}" for email, term in zip(people, terms, strict=False)))

    known = [*[f",{day(-1)}"] * 3, *[f"{day(5)},"] * 3, *[","] * 14]
    code.write(rows(*known), **SALES)
    before = code.copy(days=9)
    # Three ended as the copy says, and are gone; three would have started later, and are gone.
    code.write(table(*(f"{email},Sales,Wien,," for email in people[6:])), **SALES)
    found = code.compare("plan", before, max_roster_shrink=0).result["roster"]
    assert [leaver["user"] for leaver in found["leavers"]] == people[:3]
    assert found["joiners"] == []
    for term in (f",{day(-2)}", f"{day(2)},"):
        code.write(rows(*known[:6], term, term, *[","] * 12), **SALES)
        with pytest.raises(RosterShrank, match="2 of 14 people are missing or end earlier, more than 14 %"):
            code.compare("plan", before, max_roster_shrink=14)
        leavers = code.compare("plan", before, max_roster_shrink=15).result["roster"]["leavers"]
        assert [leaver["user"] for leaver in leavers] == [*people[:3], *people[6:8]]


def test_whoever_starts_or_ends_between_two_runs_is_in_the_lists_once(code: Code) -> None:
    code.write(table(f"{ERIN},Sales,Wien,,{day(-2)}", f"{MAX},Sales,Wien,{day(-2)},", f"{CONNOR},Sales,,,"), **SALES)
    found = code.compare("plan", code.copy(days=7)).result["roster"]
    assert found["joiners"] == [{"user": MAX, "groups": ["Sales"], "accesses": []}]
    assert (found["movers"], found["leavers"]) == ([], [{"user": ERIN, "confirm": ERIN}])
    found = code.compare("plan", code.copy()).result["roster"]
    assert (found["joiners"], found["movers"], found["leavers"]) == ([], [], [])


def test_a_run_keeps_a_copy_that_names_its_tenant_and_its_time(code: Code) -> None:
    never = "No earlier roster was given, so it is not known whether people are missing from this one."
    code.write(table(PEOPLE), **SALES)
    assert never in code.plan()
    copy = code.apply()
    expected = code.copy()
    start = datetime.now(timezone.utc) - timedelta(minutes=1)
    assert start < datetime.fromisoformat(copy.pop("time").replace("Z", "+00:00"))
    assert copy == {name: value for name, value in expected.items() if name != "time"}
    assert never not in body(code.compare("plan", expected).result["plan"])
    for other, message in (
        ({"anchors": ["00000000-0000-4000-8000-000000000000"]}, "has none of the apps that identify its tenant"),
        (
            {"base_url": "https://other.example"},
            f"it was begun at https://other.example, and this run is at {BASE_URL}",
        ),
    ):
        with pytest.raises(WrongTenant, match="Could not use the roster copy '/copy'") as caught:
            code.compare("plan", {**expected, **other})
        assert message in str(caught.value)


def test_an_end_in_the_roster_ends_access_on_a_schedule(code: Code) -> None:
    code.write(table(f"{SALLY},Sales,Wien,,", PEOPLE), **SALES)
    before = code.copy()
    code.write(table(f"{SALLY},Sales,Wien,,{day(-1)}", PEOPLE), **SALES)
    given = {"max_roster_shrink": 0, "journal_path": "/record"}
    with pytest.raises(RosterShrank):
        code.compare("plan", before, **given)
    # It was approved with this end, however old the copy is.
    plan = code.compare("expire", before, code_digest=code.compare("plan").result["code_digest"], **given)
    assert plan.result["roster"]["leavers"] == [{"user": SALLY, "confirm": SALLY}]
    applied = apply(plan, code.example.client, CONFIRM_DELAYS)
    assert [result.step.method for result in applied.steps] == ["DELETE"]
    assert SALLY not in members(code.example.tenant, "Sales")
    assert "roster_copy" not in plan.report(applied), "only approval makes it one"


@pytest.mark.parametrize("obstacle", ["everything fails", "the second write fails", "a conflict"])
def test_a_run_that_does_not_do_its_whole_plan_forgets_nobody(code: Code, obstacle: str) -> None:
    groups = [{"group": name, "members_where": {"department": "Sales"}} for name in ("Sales", "Contractors")]
    code.write(table(PEOPLE, f"{CONNOR},Legal,Wien,,"))
    before, tenant = code.copy(), code.example.tenant
    asked: Data = {}
    if obstacle == "a conflict":
        tenant.change("add_access", app="Figma", user=ERIN)
        tenant.change("open_request", kind="remove", app="Figma", user=ERIN)
        asked = {"accesses": [{"app": "Figma", "users": [ERIN]}]}
    code.write(table(PEOPLE), groups=groups, **asked)
    given = {"max_roster_shrink": 100}
    approved = code.compare("plan", before, **given).result
    assert [leaver["user"] for leaver in approved["roster"]["leavers"]] == [CONNOR]
    plan = code.compare("apply", before, plan_hash=approved["plan_hash"], journal_path="/record", **given)
    if not asked:
        tenant.fault("addUsersToGroup", "403", count=2, skip=int(obstacle == "the second write fails"))

    with pytest.raises(ApplyFailed) as failed:
        apply(plan, code.example.client, CONFIRM_DELAYS)

    assert failed.value.result.changed == (obstacle != "everything fails")
    # The copy of before stays, so the next plan names the same people again.
    assert "roster_copy" not in plan.report(failed.value.result)


def test_a_clock_that_is_an_hour_wrong_stops_a_roster(code: Code) -> None:
    code.write(table(PEOPLE), **SALES)
    code.example.tenant.configure(clock_ahead=3600)
    with pytest.raises(ClockRefused, match="60 minutes ahead of"):
        code.compare("plan")


@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [
        ("2028-02-29", "2028-02-29", "2028-02-29T00:00:00", "2028-02-29T23:59:59"),
        ("2026-03-29T02:30+01:00", "2026-03-29T03:30+02:00", "", ""),
        ("2026-10-25T02:30+02:00", "2026-10-25T02:30+01:00", "2026-10-25T00:30:00", "2026-10-25T01:29:59"),
        ("2026-12-31T19:00-05:00", "2027-01-01T09:00+09:00", "", ""),
        ("2026-12-31T18:59-05:00", "2027-01-01T09:00+09:00", "2026-12-31T23:59:00", "2026-12-31T23:59:59"),
    ],
)
def test_somebody_works_from_the_first_to_the_last_second(
    code: Code, start: str, end: str, first: str, last: str
) -> None:
    """On a leap day, in the hour that summer time skips and that comes twice, and in other zones."""
    code.write(table(f"{ERIN},Sales,Wien,{start},{end}", f"{MAX},Sales,,,"), **SALES)
    if not first:
        with pytest.raises(CodeRefused, match=r"people\.csv:2: until .* is not after from"):
            code.source()
        return
    roster = Roster.of(code.source()["roster"])
    assert roster
    begins, ends = (datetime.fromisoformat(f"{text}+00:00") for text in (first, last))
    second = timedelta(seconds=1)
    works = [ERIN in roster.working(time) for time in (begins - second, begins, ends, ends + second)]
    assert works == [False, True, True, False]


def test_a_damaged_copy_is_none(code: Code) -> None:
    code.write(table(PEOPLE), **SALES)
    copy = code.copy()
    row = copy["rows"][0]
    assert RosterCopy.of(copy).as_data() == {**copy, "time": copy["time"].replace("+00:00", "Z")}
    rows = [
        *({**row, "until": "soon"}, {**row, "until": 7}, {**row, "fields": []}, {**row, "fields": {"x": 1}}),
        *({**row, "email": None}, {**row, "more": ""}, {"email": ERIN}, "row"),
    ]
    wrong: list[tuple[str, list[Any]]] = [
        ("rows", [[], None, "rows", *([one] for one in rows)]),
        ("columns", [None, [1]]),
        ("time", [None, "soon", 1]),
        ("anchors", [None, [1]]),
        ("base_url", [None, 1]),
    ]
    for damaged in ([], None, "", {}, *({**copy, name: value} for name, values in wrong for value in values)):
        with pytest.raises(ValueError, match=r"^it is not a copy of a roster$"):
            RosterCopy.of(damaged)


def test_a_level_that_is_over_is_changed_by_a_plan_where_another_one_begins(code: Code) -> None:
    app = code.example.tenant.find("apps", "Salesforce")
    standard, admin = app["levels"]
    code.example.tenant.change("add_access", app="Salesforce", user=CONNOR)
    listed = [{"user": CONNOR, "until": day(-1)}]
    ended = {"app": "Salesforce", "permission_level": standard["name"], "users": listed}
    by_rule = {"app": "Salesforce", "members_where": {"department": "Sales"}}
    code.write(table(f"{CONNOR},Sales,,,"), accesses=[ended, {**by_rule, "permission_level": admin["name"]}])
    assert expired(code) == []
    assert code.plan()[1:3] == [f"  - {CONNOR}: Standard", f"  + {CONNOR}: Standard (System Administrator requested)"]
    for same in (standard["name"], standard["id"]):
        code.write(table(f"{CONNOR},Sales,,,"), accesses=[ended, {**by_rule, "permission_level": same}])
        assert expired(code) == []
