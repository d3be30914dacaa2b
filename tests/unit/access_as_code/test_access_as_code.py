# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of a tenant as code that ask nobody: places, words, hashes, what takes back what was done."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml
from ansible_collections.cakewalk.access.plugins.module_utils._api.catalog import GROUPS, USERS
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import CakewalkError, ConfigurationError
from ansible_collections.cakewalk.access.plugins.module_utils._api.operations import Phase, Step
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_as_code import source
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_as_code.plan import (
    GUARDRAILS,
    PlanMoved,
    TenantPlan,
    code_of,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_as_code.plan_text import (
    change_lines,
    summary,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_as_code.rollback import inverse_of
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_as_code.section import (
    ReversibleStep,
    SectionPlan,
    StateChange,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_as_code.sections import custom_fields
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_as_code.source import (
    CodeRefused,
    SourceCode,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.guardrails import LimitExceeded
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.lookup import (
    Index,
    LookupFailed,
    reference_to,
)
from unit.core.results import applied
from unit.people import group, uid, user

ADA = "ada@example.com"
CODE = SourceCode(
    {
        "tenant": {"anchors": [uid(9)]},
        "groups": [
            {"group": "Crew", "mode": "additive", "members": [ADA, uid(7)], "absent": None, "allow_empty": False},
            {"group": "Team", "mode": "exact", "members": ["ADA@example.com"], "absent": None, "allow_empty": False},
        ],
    },
    {"groups[0]": "a.yml:2", "groups[0].members[0]": "a.yml:4", "groups[0].members[1]": "a.yml:5"},
)
ADD, REMOVE, SEND = (
    Step("add", "POST", "/it", {"userIds": ["1"]}, users=(ADA,)),
    Step("remove", "DELETE", "/it/1", phase=Phase.REMOVALS),
    Step("send", "PUT", "/policy", {"policyId": "1"}, changes=False),
)


def plan_of(*steps: Step, touched: Any = None, code: SourceCode = CODE, **params: Any) -> TenantPlan:
    """Return a plan with these steps."""
    reversible = tuple(ReversibleStep(step) for step in steps)
    usual = {
        **dict.fromkeys(GUARDRAILS),
        "plan_hash": None,
        "base_url": "https://a.example.com",
        "source": {"version": "1"},
    }
    changes = (StateChange("group Crew", ["b", "c"], ["c", "d"]),)
    return TenantPlan(code, SectionPlan(changes, reversible, ({"1": touched},)), {**usual, **params})


def test_what_is_asked_for_is_found_wherever_it_stands_in_any_spelling() -> None:
    assert CODE.positions_of([ADA.upper()]) == ["a.yml:4", "groups[1].members[0]"]
    assert CODE.positions_of([uid(7).upper(), "Crew"]) == ["groups[0].group", "a.yml:5"]
    assert CODE.positions_of([uid(9)]) == []


def test_an_error_of_the_tenant_tells_where_the_code_asks_for_it() -> None:
    problem = {"reference": ADA, "reason": "not_found", "message": "there is no such user"}
    lookup = CODE.with_positions(LookupFailed([problem, {**problem, "reference": "x", "message": "nor x"}]))
    assert "there is no such user (a.yml:4, groups[1].members[0]); nor x." in str(lookup)
    assert lookup.facts()["problems"][0]["at"] == ["a.yml:4", "groups[1].members[0]"]
    both = CODE.with_positions(ConfigurationError("plan it", "it is both", "Choose.", references=[uid(7)]))
    assert str(both) == "Could not plan it: it is both (a.yml:5). Choose."
    plain = LimitExceeded("do it", "no", "Leave it.")
    assert CODE.with_positions(plain) is plain


def test_many_errors_are_located_in_much_code_by_reading_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    monkeypatch.setattr(source, "folded_reference", lambda reference: read.append(reference) or reference)
    people = [f"user{number}@example.com" for number in range(50)]
    code = SourceCode({"groups": [{"group": "Crew", "members": people}]}, {})
    problems = [{"reference": person, "reason": "not_found", "message": "no"} for person in people]
    located = code.with_positions(LookupFailed(problems)).facts()["problems"]
    assert [problem["at"] for problem in located] == [[f"groups[0].members[{number}]"] for number in range(50)]
    assert len(read) <= 1 + 2 * len(people)


def test_a_plan_is_told_thing_by_thing() -> None:
    changes = [
        StateChange("group A\n", ["x", "y"], ["y", "z\u202e"], ["opens two"]),
        StateChange("fields of B", ["Cost: 1", "Owner: x"], ["Cost: 2", "Owner: x"]),
        StateChange("app C", [], ["q"]),
    ]
    assert change_lines(changes) == [
        *("group A\\n", "  - x", "  + z\\u202e", "  > opens two"),
        *("fields of B", "  - Cost: 1", "  + Cost: 2"),
        *("app C", "  + q"),
    ]


@pytest.mark.parametrize(
    ("steps", "removals", "left", "words"),
    [
        ((), 0, 0, "Nothing to do: the tenant is as the code says."),
        ((), 0, 1, "Nothing to do; everything listed is left alone."),
        ((ADD, REMOVE), 1, 1, "2 steps, 1 removal among them."),
        ((ADD, SEND), 0, 0, "1 step, 0 removals among them. 1 assignment of policies would only be sent again."),
    ],
)
def test_a_plan_in_one_sentence(steps: tuple[Step, ...], removals: int, left: int, words: str) -> None:
    assert summary(steps, removals, left) == words


def test_the_message_of_a_plan_says_what_it_would_change_or_finds() -> None:
    assert plan_of(ADD, REMOVE).message == "The tenant would be changed."
    assert plan_of(SEND).message == (
        "1 policy would be sent again, as in the ledger (which the API cannot confirm); the rest of the "
        "tenant is as the code says."
    )
    left = TenantPlan(CODE, SectionPlan(left=("a", "b")), plan_of().params)
    assert left.message == "Nothing to change: 2 things are left alone, as 'plan' says."


def test_a_plan_that_hangs_on_anything_else_has_another_hash() -> None:
    base = plan_of(ADD, REMOVE, touched=["a"])
    other_code = SourceCode({**CODE.sections, "groups": []}, {})
    others = [
        plan_of(ADD, touched=["a"]),
        plan_of(replace(ADD, body={"userIds": ["2"]}), REMOVE, touched=["a"]),
        plan_of(ADD, REMOVE, touched=["b"]),
        plan_of(ADD, REMOVE, touched=["a"], code=other_code),
        plan_of(ADD, REMOVE, touched=["a"], base_url="https://b.example.com"),
        plan_of(ADD, REMOVE, touched=["a"], source={"version": "2"}),
        *(plan_of(ADD, REMOVE, touched=["a"], **{option: 1}) for option in GUARDRAILS),
    ]
    hashes = [base.hash, *(one.hash for one in others)]
    assert len(set(hashes)) == len(hashes)


def test_a_plan_is_the_same_in_whatever_order_it_was_found_and_wherever_it_stands_in_files() -> None:
    moved = SourceCode(CODE.sections, {})
    assert plan_of(ADD, REMOVE).hash == plan_of(REMOVE, ADD, code=moved, base_url="HTTPS://A.Example.com:443/").hash


def test_only_what_was_approved_goes_on() -> None:
    plan = plan_of(ADD, REMOVE)
    assert plan_of(ADD, REMOVE, plan_hash=plan.hash).approved() == (ADD, REMOVE)
    with pytest.raises(PlanMoved) as caught:
        plan_of(ADD, REMOVE, plan_hash="0" * 64).approved()
    assert caught.value.facts()["plan_hash"] == plan.hash


def test_where_nothing_would_change_nothing_is_approved_and_nothing_sent() -> None:
    assert plan_of(SEND, plan_hash="0" * 64).approved() == ()
    assert plan_of(SEND, plan_hash=plan_of(SEND).hash).approved() == (SEND,)


def reversible_steps() -> list[ReversibleStep]:
    """Return steps on two groups and an app, of which one cannot be taken back."""
    return [
        ReversibleStep(ADD, "groups", {"group": "1", "absent": ["a", "b"]}),
        ReversibleStep(REMOVE, "groups", {"group": "1", "members": ["c"]}),
        ReversibleStep(replace(REMOVE), "groups", {"group": "1", "members": ["d"]}),
        ReversibleStep(replace(ADD, action="ask"), reason="nothing cancels it"),
        ReversibleStep(SEND),
    ]


def test_what_was_done_is_taken_back_in_one_entry_for_each_thing() -> None:
    steps, code = reversible_steps(), {"tenant": {"anchors": ["x"]}, "rules": [], "roster": None}
    told = inverse_of(steps, applied(done=[item.step for item in steps]), code)["inverse"]
    assert yaml.safe_load(told["text"]) == {
        "tenant": {"anchors": ["x"]},
        "groups": [{"group": "1", "absent": ["a", "b"], "members": ["c", "d"]}],
    }
    assert told["not_undoable"] == ["ask: nothing cancels it"]
    assert "# Takes back: add (ada@example.com)\n" in told["text"]
    assert "# Cannot be taken back: ask: nothing cancels it\n" in told["text"]


#: A field before its change, by what becomes of it in the inverse, and why it is not there.
BEFORE: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"value": "old", "required": True}, {"fields": {uid(5): "old"}}, ""),
    ({"value": "Ada", "guidValue": uid(9)}, {"fields": {uid(5): uid(9)}}, ""),
    ({"value": "old", "guidValue": " "}, {"fields": {uid(5): "old"}}, ""),
    ({"value": 7}, {"fields": {uid(5): "7"}}, ""),
    ({"value": False}, {"fields": {uid(5): "false"}}, ""),
    *(({"value": value}, {"clear": [uid(5)]}, "") for value in (None, "", "  ", "\t\n", "\u3000")),
    *(
        ({**value, "required": True}, {}, "'Cost' is required and had no value, so it cannot be cleared")
        for value in ({}, {"value": None}, {"value": "  ", "guidValue": ""})
    ),
    *(({"value": value}, {}, "'Cost' had a value that code cannot give") for value in (["x"], {}, "\ud800")),
]


@pytest.mark.parametrize(("before", "back", "reason"), BEFORE)
def test_a_field_gets_its_value_back_unless_a_plan_would_refuse_that(
    before: dict[str, Any], back: dict[str, Any], reason: str
) -> None:
    app, field = {"id": uid(1)}, {"id": uid(5), "name": "Cost", **before}
    undo, told = custom_fields._undo(app, {uid(5): field})
    assert (undo, told) == ({"app": uid(1), **back} if back else None, reason)
    both, told = custom_fields._undo(app, {uid(5): field, uid(6): {"id": uid(6)}})
    assert (both, told) == ({"app": uid(1), **back, "clear": [*back.get("clear", []), uid(6)]}, reason)


#: Rules and a limit as the argument spec completes them, and as the inverse has them.
_RULE = {"name": "One or two", "severity": "low", "reason": "x", "requires": None, "limits": None, "exceptions": []}
_OF_ROSTER = {"people": {"roster": {"department": ["Sales"]}, "status": None}, "except_people": None, "to_hold": []}


def test_an_inverse_has_the_rules_and_limits_of_the_code_but_none_about_a_roster() -> None:
    conflict = {**_RULE, "conflicts": [{"app": "App", "group": None, "privileged": True}, {"group": "Crew"}]}
    forbidden = {**_RULE, "name": "Not for sales", "forbids": _OF_ROSTER}
    code = {
        "tenant": {"anchors": ["x"]},
        "time_limits": [{"group": "Crew", "app": None, "until_required": True, "max_duration": None}],
        "rules": [conflict, forbidden],
        "roster": {"file": "people.csv"},
    }
    told = inverse_of([ReversibleStep(REMOVE)], applied(done=[REMOVE]), code)["inverse"]
    assert yaml.safe_load(told["text"]) == {
        "tenant": {"anchors": ["x"]},
        "time_limits": [{"group": "Crew", "until_required": True}],
        "rules": [
            {
                "name": "One or two",
                "severity": "low",
                "reason": "x",
                "exceptions": [],
                "conflicts": [{"app": "App", "privileged": True}, {"group": "Crew"}],
            }
        ],
    }
    (line,) = told["not_undoable"]
    assert line.startswith("the access rule 'Not for sales': it asks for the roster")
    assert f"# Left out: {line}\n" in told["text"]


def test_each_policy_is_taken_back_by_an_entry_of_its_own() -> None:
    slots = [
        {"app": "1", "permission_level": "2", "request_type": "grant_access", "policy": "3"},
        {"app": "1", "request_type": "remove_access", "policy": "4"},
        {"app": "1", "request_type": "grant_access", "policy": "5"},
    ]
    steps = [ReversibleStep(replace(SEND), "policies", slot) for slot in slots]
    told = inverse_of(steps, applied(done=[item.step for item in steps]), {"tenant": {}})["inverse"]
    assert yaml.safe_load(told["text"])["policies"] == slots


def test_what_was_not_done_is_not_taken_back_and_what_may_have_been_is_told() -> None:
    steps = reversible_steps()
    error = CakewalkError("a", "b", "c")
    outcome = applied(done=[steps[1].step], failed=[(steps[2].step, error)], pending=[steps[0].step])
    told = inverse_of(steps, outcome, {"tenant": {}})["inverse"]
    assert yaml.safe_load(told["text"])["groups"] == [{"group": "1", "members": ["c"]}]
    assert told["not_undoable"] == ["remove: it failed, so it is not known whether there is something to take back"]
    assert inverse_of(steps, applied(pending=[item.step for item in steps]), {}) == {}


def test_somebody_is_named_by_what_nobody_else_has() -> None:
    people = Index(USERS, [user(1, ADA), user(2, "twin@example.com"), user(3, "TWIN@example.com")])
    assert [reference_to(row, people) for row in people.by_id.values()] == [ADA, uid(2), uid(3)]
    groups = Index(GROUPS, [group(1, "Crew"), group(2, "half \ud800"), {"id": uid(5)}, group(3, " ")])
    assert [reference_to(row, groups) for row in groups.by_id.values()] == ["Crew", uid(1002), uid(5), uid(1003)]
    assert reference_to(user(8, "gone@example.com"), people) == uid(8)


def listed(**options: Any) -> dict[str, Any]:
    """Return an entry of the section groups, complete as the argument spec makes it."""
    return {
        "group": "Crew",
        "mode": "additive",
        "members": None,
        "absent": None,
        "members_where": None,
        "allow_empty": False,
        **options,
    }


def reach(*users: Any, **options: Any) -> dict[str, Any]:
    """Return an entry of the section accesses, likewise."""
    return {"app": "App", "permission_level": None, "users": list(users), "state": "present", **options}


#: Sections, places and words of what is wrong in them.
WRONG: dict[str, tuple[dict[str, Any], list[tuple[str, str]]]] = {
    "a group twice": (
        {"groups": [listed(members=[]), listed(absent=[])]},
        [("groups[1]", "has an entry already, groups[0]")],
    ),
    "nobody": ({"groups": [listed()]}, [("groups[0]", "lists nobody")]),
    "a person twice": (
        {"groups": [listed(members=[ADA, "x", ADA.upper()])]},
        [("groups[0].members[2]", "twice, groups[0].members[0]")],
    ),
    "a person both ways, a blank one": (
        {"groups": [listed(members=[uid(1)], absent=[uid(1).upper(), " "])]},
        [("groups[0].absent[0]", "under members and absent, groups[0].members[0]"), ("groups[0].absent[1]", "blank")],
    ),
    "no list under exact": ({"groups": [listed(mode="exact")]}, [("groups[0]", "null or missing")]),
    "an empty list under exact": ({"groups": [listed(mode="exact", members=[])]}, [("groups[0]", "allow_empty")]),
    "absent under exact": ({"groups": [listed(mode="exact", members=["x"], absent=[])]}, [("groups[0]", "exact")]),
    "an unmanaged list": ({"groups": [listed(mode="unmanaged", absent=[])]}, [("groups[0]", "lists nobody")]),
    "a level of absence": (
        {"accesses": [reach("x", state="absent", permission_level="Read")]},
        [("accesses[0]", "permission level is named")],
    ),
    "an access twice": (
        {"accesses": [reach("x"), reach("X", state="absent")]},
        [("accesses[1].users[0]", "twice, accesses[0].users[0]")],
    ),
    **{
        f"an absence of {name!a}": (
            {
                "groups": [
                    listed(absent=[ADA, name], members=["Max Manager"]),
                    listed(group="Team", members=[{"user": name, "until": "2020-01-01"}]),
                ],
                "accesses": [
                    reach(name, state="absent"),
                    reach(name, app="Other", until="2020-01-01"),
                    reach(name, app="Third"),
                ],
            },
            [
                (place, flaw)
                for place in (
                    "accesses[0].users[0]",
                    "accesses[1].users[0]",
                    "groups[0].absent[1]",
                    "groups[1].members[0]",
                )
            ],
        )
        for name, flaw in (
            ("erin@example.com\u200b", "has an invisible character; write the address again"),
            ("erin@example.com ", "holds a blank; write the address again"),
            ("Erin Engineer", "holds a blank; write the address again"),
            (f" {uid(1)}", "holds a blank; write the address again"),
            ("erin@example.com, max@example.com", "looks like several people in one text; give an item for each"),
            (f"{uid(1)};{uid(2)}", "looks like several people in one text; give an item for each"),
            ("erin@example.com,", "is no e-mail address; write it again"),
        )
    },
    "conditions on no column": (
        {
            "roster": {"file": "people.csv"},
            "groups": [
                listed(members=[ADA], members_where={}),
                listed(group="Team", mode="exact", members_where={}),
                listed(group="Rest", mode="unmanaged", members_where={}),
            ],
            "accesses": [reach("x", state="absent", members_where={})],
        },
        [
            ("accesses[0].members_where", "`members_where` is empty"),
            ("groups[0].members_where", "`members_where` is empty"),
            ("groups[1].members_where", "`members_where` is empty"),
            ("groups[2]", "lists nobody"),
            ("groups[2].members_where", "`members_where` is empty"),
        ],
    ),
    "blanks": (
        {
            "custom_fields": [
                {"app": "App", "fields": {"Cost": "", "B": "x", "C.D": " "}, "clear": None},
            ],
            "accesses": [reach("x", "", {"user": " "})],
        },
        [
            ("accesses[0].users[1]", "a person is blank, for the app 'App'"),
            ("accesses[0].users[2]", "a person is blank, for the app 'App'"),
            ("custom_fields[0].fields.C.D", "the value of 'C.D' is blank; name it under clear"),
            ("custom_fields[0].fields.Cost", "the value of 'Cost' is blank; name it under clear"),
        ],
    ),
    "no field": (
        {"custom_fields": [{"app": "App", "fields": None, "clear": None}]},
        [("custom_fields[0]", "no fields")],
    ),
    "a selection of nothing": (
        {
            "policies": [
                {
                    **{"app": None, "permission_level": None, "permission_levels": None},
                    **{"request_type": "grant_access", "policy": "P"},
                    "select": {"all": False, "status": None, "category": None, "custom_field": None},
                }
            ]
        },
        [("policies[0]", "")],
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_in_itself_is_told_with_its_place(case: str) -> None:
    sections, wrong = WRONG[case]
    with pytest.raises(CodeRefused) as caught:
        code_of({"source": {"code": {"tenant": {}, **sections}, "positions": {}}})
    problems = caught.value.facts()["problems"]
    assert [one["at"] for one in problems] == [at for at, _words in wrong]
    assert all(words in one["message"] for one, (_at, words) in zip(problems, wrong, strict=True)), problems


def test_what_is_right_in_itself_passes() -> None:
    right = [
        listed(members=[ADA], absent=["x"]),
        listed(group="Team", mode="exact", members=[], allow_empty=True),
        listed(group="Rest", mode="unmanaged"),
    ]
    sections = {"tenant": {}, "groups": right, "accesses": [reach(ADA), reach(ADA, app="Other")]}
    assert len(code_of({"source": {"code": sections, "positions": {}}}).entries("groups")) == 3


def test_problems_of_the_code_come_by_file_and_line() -> None:
    places = ["b.yml:10", "b.yml:9, by a.yml:1", "a.yml:2", "the folder", "a.yml"]
    problems = [source.problem(at, f"problem {number}") for number, at in enumerate([*places, "b.yml:10"])]
    found = [problem["message"] for problem in CodeRefused(problems).facts()["problems"]]
    assert found == [f"problem {number}" for number in (4, 2, 1, 0, 5, 3)]
