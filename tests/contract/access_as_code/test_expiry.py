# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Code with terms, over real sockets: what begins later is only shown, and what expired is removed by name."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import hypothesis
import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import CakewalkError
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_as_code.plan import NotApproved, PlanMoved
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_as_code.source import CodeRefused
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.apply import apply
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.clock import ClockRefused
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.guardrails import LimitExceeded
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.tenant import Tenant
from contract.access_as_code.test_access_as_code import NOTHING, Example
from contract.fixtures import CONFIRM_DELAYS, CONNOR, ERIN, SALLY, members, writes
from examples import examples
from hypothesis import strategies as st
from sandbox.process import Sandbox

Data = dict[str, Any]

OSCAR = "oscar.offboarding@example.com"
IRIS, OWEN = "iris.invited@example.com", "owen.onboarding@example.com"
LEFT = "Nothing to do; everything listed is left alone."


def day(days: int) -> str:
    """Return the date of a day from today, in UTC."""
    return (datetime.now(timezone.utc) + timedelta(days=days)).date().isoformat()


def dated(user: str, since: int | None = None, until: int | None = None) -> Data:
    """Return a person of the code with a term in days from today."""
    terms = {"from": since, "until": until}
    return {"user": user, **{name: day(days) for name, days in terms.items() if days is not None}}


@pytest.fixture
def example(tenant: Sandbox, connect: Callable[..., Client]) -> Iterator[Example]:
    """A small tenant, with only its anchors as code."""
    tenant.reset(seed=1, users=16, groups=5, apps=4, rate_limit=0)
    client = connect(requests_per_minute=0)
    whole = Example.of(tenant, client)
    yield Example(tenant, client, {"tenant.yml": whole.files["tenant.yml"]})
    tenant.reset()


def code_of(example: Example, **sections: Any) -> Data:
    return {**example.code, **sections}


def expire(example: Example, code: Data, cakewalk: Tenant | None = None, **options: Any) -> Data:
    """Let time have its way with code that is approved as it stands, and return the result with what was done."""
    digest = example.compare(code, "plan").result["code_digest"]
    given = {"code_digest": digest, "journal_path": "/record", **options}
    plan = example.compare(code, "expire", cakewalk, **given)
    applied = apply(plan, example.client, CONFIRM_DELAYS)
    return {**plan.result, "steps": applied.as_result()}


def test_a_member_is_added_when_it_begins_and_removed_when_it_is_over(example: Example) -> None:
    example.tenant.change("add_member", group="Sales", user=ERIN)
    code = code_of(
        example,
        groups=[
            {
                "group": "Sales",
                "members": [dated(ERIN, -9, -1), dated(IRIS, 6), dated(OWEN, 0, 0), dated(SALLY, None, 14), CONNOR],
            }
        ],
    )
    assert SALLY in members(example.tenant, "Sales")
    place = "groups[0].members[{}]".format
    lines = [
        f"{IRIS} and the group 'Sales': starts in 6 days, on {day(6)} ({place(1)})",
        f"{OWEN} and the group 'Sales': expires today, {day(0)} ({place(2)})",
        f"{SALLY} and the group 'Sales': expires in 14 days, on {day(14)} ({place(3)})",
    ]
    assert example.plan(code) == [
        "Members of Sales",
        f"  - {ERIN}",
        f"  + {CONNOR}",
        f"  + {OWEN}",
        "  > opens access requests for Salesforce",
        "  > may open requests to remove access to Salesforce",
        f"  > {ERIN} expired on {day(-1)} ({place(0)})",
        f"{ERIN} and the group 'Sales': expired on {day(-1)} ({place(0)})",
        *lines,
        "2 steps, 1 removal among them.",
    ]
    drift = example.compare(code, "drift").result["drift"]
    assert drift["expired"] == [f"{ERIN} and the group 'Sales': expired on {day(-1)} ({place(0)})"]

    inverse = example.apply(code)

    assert {ERIN, IRIS}.isdisjoint(members(example.tenant, "Sales"))
    assert {OWEN, SALLY, CONNOR} <= set(members(example.tenant, "Sales"))
    assert inverse["not_undoable"][-1].endswith(
        f"it expired on {day(-1)}; with a later `until` ({place(0)}), a plan gives it back"
    )
    assert ERIN not in "\n".join(inverse["lines"]).split("tenant:")[1]
    over = f"{ERIN} and the group 'Sales': expired on {day(-1)}, remove it from the code ({place(0)})"
    cakewalk = Tenant(example.client)
    assert example.compare(code, "plan", cakewalk).result["plan"][-5:] == [over, *lines, NOTHING]
    assert not [warning for warning in cakewalk.warnings if "Not members" in warning]
    assert example.compare(code, "drift").result["drift"]["in_sync"]


def test_time_makes_no_empty_list_of_an_exact_group(example: Example) -> None:
    example.tenant.change("add_member", group="Contractors", user=ERIN)
    others = set(members(example.tenant, "Contractors")) - {ERIN}
    assert others
    groups = [{"group": "Contractors", "mode": "exact", "members": [dated(ERIN, until=-1), dated(IRIS, 3)]}]
    stays = (
        "the group 'Contractors' stays as it is, apart from what expired: nobody that it lists should be in it now "
        "(groups[0])"
    )
    plan = example.plan(code_of(example, groups=groups))
    assert [line for line in plan if line.startswith("  -")] == [f"  - {ERIN}"]
    assert stays in plan
    assert stays in example.compare(code_of(example, groups=groups), "drift").result["drift"]["differing"]
    groups[0]["allow_empty"] = True
    plan = example.plan(code_of(example, groups=groups))
    assert [line for line in plan if line.startswith("  -")] == sorted(f"  - {one}" for one in {ERIN, *others})
    del groups[0]["allow_empty"]
    groups[0]["members"].append(CONNOR)
    plan = example.plan(code_of(example, groups=groups))
    assert [line for line in plan if line.startswith("  -")] == sorted(
        f"  - {one}" for one in {ERIN, *others} - {CONNOR}
    )


def test_access_is_requested_when_it_begins_and_its_removal_when_it_is_over(example: Example) -> None:
    change = example.tenant.change
    for app in ("Figma", "GitHub"):
        change("add_access", app=app, user=ERIN)
        change("add_access", app=app, user=SALLY)
    held = next(
        level["name"]
        for app in example.tenant.state("apps")["apps"]
        if app["name"] == "GitHub"
        for level in app["levels"]
        if level["id"] in {one.get("level_id") for one in app["accesses"]}
    )
    other = "Admin"
    assert held != other
    accesses = [
        {"app": "Figma", "users": [dated(ERIN, until=-1), dated(IRIS, 2), dated(OWEN, 0)]},
        {"app": "GitHub", "permission_level": other, "users": [ERIN], "until": day(-3)},
        {"app": "GitHub", "permission_level": held, "users": [SALLY, dated(CONNOR, until=9)], "until": day(-3)},
    ]
    code = code_of(example, accesses=accesses)
    assert example.plan(code) == [
        "Access to Figma",
        f"  - {ERIN}: access",
        f"  + {ERIN}: access (removal requested)",
        f"  + {OWEN}: access requested",
        f"  > {ERIN} expired on {day(-1)} (accesses[0].users[0])",
        "Access to GitHub",
        f"  - {SALLY}: {held}",
        f"  + {CONNOR}: {held} requested",
        f"  + {SALLY}: {held} (removal requested)",
        f"  > {SALLY} expired on {day(-3)} (accesses[2].users[0])",
        f"{ERIN} and the app 'Figma': expired on {day(-1)} (accesses[0].users[0])",
        f"{IRIS} and the app 'Figma': starts in 2 days, on {day(2)} (accesses[0].users[1])",
        f"{ERIN} and the app 'GitHub' ({other}): expired on {day(-3)}, remove it from the code (accesses[1].users[0])",
        f"{SALLY} and the app 'GitHub' ({held}): expired on {day(-3)} (accesses[2].users[0])",
        f"{CONNOR} and the app 'GitHub' ({held}): expires in 9 days, on {day(9)} (accesses[2].users[1])",
        "4 steps, 2 removals among them.",
    ]
    example.apply(code)
    assert example.plan(code)[-1] == LEFT


def test_an_expiry_between_plan_and_apply_is_another_plan(example: Example) -> None:
    end = datetime.now(timezone.utc) + timedelta(seconds=3)
    groups = [{"group": "Sales", "members": [{"user": SALLY, "until": end.isoformat(timespec="seconds")}, IRIS]}]
    code = code_of(example, groups=groups)
    planned = example.compare(code, "plan").result
    assert planned["summary"]["removals"] == 0
    time.sleep(3.1)
    with pytest.raises(PlanMoved):
        example.compare(code, "apply", plan_hash=planned["plan_hash"], journal_path="/record")
    again = example.compare(code, "plan").result
    assert (again["summary"]["removals"], again["code_digest"]) == (1, planned["code_digest"])
    assert not writes(example.tenant)


def test_expire_does_only_what_time_demands(example: Example) -> None:
    example.tenant.change("add_member", group="Sales", user=ERIN)
    example.tenant.change("add_access", app="Figma", user=SALLY)
    code = code_of(
        example,
        groups=[
            {"group": "Sales", "members": [dated(ERIN, until=-1), IRIS], "absent": [SALLY]},
            {"group": "Contractors", "mode": "exact", "members": [OWEN, dated(IRIS, until=-1)]},
        ],
        accesses=[
            {"app": "Figma", "users": [dated(SALLY, until=-1), OWEN]},
        ],
        custom_fields=[{"app": "Figma", "fields": {"Cost Center": "4711"}}],
        policies=[{"app": "Figma", "request_type": "grant_access", "policy": "Admins"}],
    )
    before = example.tenant.state()

    done = expire(example, code)

    assert sorted(step["users"] for step in done["steps"]["done"]) == [[ERIN], [SALLY]]
    assert done["summary"] == {"steps": 2, "removals": 2, "expired": 2}
    assert sorted(method for method, _path in writes(example.tenant)) == ["DELETE", "POST"]
    contractors = members(example.tenant, "Contractors")
    assert done["not_done"] == [
        "add 1 person to the group 'Sales'",
        f"remove {SALLY} from the group 'Sales'",
        "add 1 person to the group 'Contractors'",
        *(f"remove {one} from the group 'Contractors'" for one in contractors),
        f"request access to the app 'Figma' for {OWEN}",
        "set 'Cost Center' of the app 'Figma'",
        "assign the policy 'Admins' to grant_access of the app 'Figma'",
    ]
    after = example.tenant.state()
    emails = {row["id"]: row["email"] for row in after["users"]}
    for group, then in zip(before["groups"], after["groups"], strict=True):
        gone = {emails[one] for one in {*group["members"]} - {*then["members"]}}
        assert ({*then["members"]} - {*group["members"]}, gone) == (
            set(),
            {ERIN} if group["name"] == "Sales" else set(),
        )
    example.tenant.clear_log()
    again = expire(example, code)
    assert (again["summary"]["steps"], writes(example.tenant)) == (0, [])


def test_expire_leaves_alone_who_gets_another_level_of_an_app(example: Example) -> None:
    app = example.tenant.find("apps", "GitHub")
    example.tenant.change("add_access", app="GitHub", user=CONNOR)
    read = {"app": "GitHub", "permission_level": "Read", "users": [dated(CONNOR, until=-1)]}
    write = {"app": app["id"], "permission_level": "Write", "users": [CONNOR]}
    code = code_of(example, accesses=[read, write])
    assert example.plan(code)[1:3] == [f"  - {CONNOR}: Read", f"  + {CONNOR}: Read (Write requested)"]
    digest = example.compare(code, "plan").result["code_digest"]
    plan = example.compare(code, "expire", code_digest=digest, journal_path="/record")
    assert plan.steps == ()
    assert plan.result["not_done"] == [f"request the level 'Write' of the app 'GitHub' for {CONNOR}"]
    assert plan.result["plan"][-4:-1] == [
        f"{CONNOR} and the app 'GitHub': 'Read' expired, and stays until a plan changes the level",
        f"{CONNOR} and the app 'GitHub' (Read): expired on {day(-1)} (accesses[0].users[0])",
        "Nothing to do: what expired is left alone.",
    ]
    assert expire(example, code_of(example, accesses=[read]))["summary"]["removals"] == 1


def test_expire_leaves_alone_who_is_in_a_second_entry_of_a_group(example: Example) -> None:
    sales = example.tenant.find("groups", "Sales")["id"]
    people = [dated(SALLY, until=-1), dated(CONNOR, until=-1)]
    example.tenant.change("add_member", group="Sales", user=CONNOR)
    code = code_of(
        example, groups=[{"group": "Sales", "members": people}, {"group": sales.upper(), "members": [SALLY]}]
    )
    with pytest.raises(NotApproved) as refusal:
        example.compare(code, "expire", code_digest="0", journal_path="/record")
    digest = refusal.value.facts()["code_digest"]
    plan = example.compare(code, "expire", code_digest=digest, journal_path="/record")
    assert [step.action for step in plan.steps] == [f"remove {CONNOR} from the group 'Sales'"]


def test_expire_postpones_what_a_plan_postpones(example: Example) -> None:
    example.tenant.change("add_access", app="Salesforce", user=CONNOR)
    ended = {"app": "Salesforce", "permission_level": "Standard", "users": [dated(CONNOR, until=-1)]}
    code = code_of(example, groups=[{"group": "Sales", "members": [CONNOR]}], accesses=[ended])
    assert example.compare(code, "plan").result["summary"]["removals"] == 0
    done = expire(example, code)
    assert (done["summary"]["steps"], done["not_done"]) == (0, ["add 1 person to the group 'Sales'"])
    assert any("left to the group 'Sales'" in line for line in done["plan"])


def test_a_plan_ends_who_is_over_in_an_exact_group_of_leavers(example: Example) -> None:
    people = [dated(CONNOR, until=-1), "dora.deactivated@example.com"]
    code = code_of(example, groups=[{"group": "Contractors", "mode": "exact", "members": people}])
    plan = example.plan(code)
    assert [line for line in plan if line.startswith("  -")] == [f"  - {CONNOR}"]
    assert any("everybody that it lists has left" in line for line in plan)
    assert expire(example, code)["summary"]["removals"] == 1


#: Who may be named in random code, and terms in days from today.
_PEOPLE, _TERMS = (CONNOR, OSCAR), ((None, None), (-9, -1), (3, 9))
_GROUPS, _LEVELS = ("Sales", "Contractors"), {"Salesforce": ("Standard", "System Administrator"), "Figma": (None,)}


@st.composite
def _codes(draw: st.DrawFn, ids: Mapping[str, str]) -> Data:
    """Draw groups and accesses that name people by address or by id, with and without terms."""

    def named(name: str) -> str:
        return draw(st.sampled_from((name, ids[name])))

    def people() -> list[Data]:
        found = draw(st.lists(st.sampled_from(_PEOPLE), min_size=1, unique=True))
        return [dated(named(one), *draw(st.sampled_from(_TERMS))) for one in found]

    def access(app: str) -> Data:
        return {"app": named(app), "permission_level": draw(st.sampled_from(_LEVELS[app])), "users": people()}

    groups = draw(st.lists(st.sampled_from(_GROUPS), unique=True))
    apps = draw(st.lists(st.sampled_from([*_LEVELS, "Salesforce"]), max_size=3))
    modes = st.sampled_from(("additive", "exact"))
    return {
        "groups": [{"group": named(group), "mode": draw(modes), "members": people()} for group in groups],
        "accesses": [access(app) for app in apps],
    }


@examples(200)
@hypothesis.given(data=st.data())
def test_expire_takes_nothing_that_a_plan_of_the_same_files_leaves(example: Example, data: st.DataObject) -> None:
    example.tenant.reset(seed=1, users=16, groups=5, apps=4, rate_limit=0)
    state = example.tenant.state()
    ids = {row.get("email") or row["name"]: row["id"] for name in ("users", "groups", "apps") for row in state[name]}
    sections = data.draw(_codes(ids))
    for user in _PEOPLE:
        for name in data.draw(st.sets(st.sampled_from([*_GROUPS, *_LEVELS]))):
            change, kind = ("add_access", "app") if name in _LEVELS else ("add_member", "group")
            example.tenant.change(change, user=user, **{kind: name})
    code = code_of(example, **sections)
    try:
        planned = example.compare(code, "plan").result
    except CakewalkError:
        hypothesis.assume(False)
    hypothesis.assume("code_digest" in planned)
    given = {"journal_path": "/record", "plan_hash": planned["plan_hash"], "code_digest": planned["code_digest"]}
    whole, ending = (
        [(step.method, step.path, step.body) for step in example.compare(code, mode, **given).steps]
        for mode in ("apply", "expire")
    )
    assert [step for step in ending if step not in whole] == []


@pytest.mark.parametrize("unknown", ["conor.contractor@example.com", "00000000-0000-4000-8000-000000000000"])
def test_who_expired_and_is_not_found_is_told(example: Example, unknown: str) -> None:
    people = [dated(unknown, until=-1), dated(IRIS, until=-1)]
    code = code_of(
        example,
        groups=[
            {"group": "Sales", "members": people},
            {"group": "Contractors", "mode": "exact", "members": [*people, OSCAR, CONNOR]},
        ],
        accesses=[{"app": "Figma", "users": people}],
    )
    digest = example.compare(code, "plan").result["code_digest"]
    for mode in ("plan", "expire"):
        cakewalk = Tenant(example.client)
        plan = example.compare(code, mode, cakewalk, code_digest=digest, journal_path="/record")
        assert cakewalk.warnings == [
            f"Not members, so there was nothing to remove: '{unknown}' ('Sales'), '{unknown}' ('Contractors'). "
            "Check the spelling.",
            f"Nobody has these addresses, so there was nothing to remove: '{unknown}' ('Figma'). Check the spelling.",
        ]
        for line in (
            f"{unknown} and the group 'Sales': expired on {day(-1)}, not found in the directory (groups[0].members[0])",
            f"{IRIS} and the group 'Sales': expired on {day(-1)}, remove it from the code (groups[0].members[1])",
            f"{unknown} and the app 'Figma': expired on {day(-1)}, not found in the directory (accesses[0].users[0])",
            f"{IRIS} and the app 'Figma': expired on {day(-1)}, remove it from the code (accesses[0].users[1])",
        ):
            assert line in plan.result["plan"]
    found = apply(plan, example.client, CONFIRM_DELAYS)
    assert plan.result["plan"][-1] == "Nothing to do: 1 person whose access expired is not found in the directory."
    assert (found.as_result()["done"], plan.report(found)["stats"]["access_as_code_complete"]) == ([], False)


def test_who_expired_and_is_deleted_after_a_proof_is_no_misspelling(example: Example) -> None:
    proof = {"id": "00000000-0000-4000-8000-000000000000", "email": "gone@example.com", "file": "p", "date": ""}
    people = [dated("gone@example.com", until=-1)]
    code = code_of(
        example, groups=[{"group": "Sales", "members": people}], accesses=[{"app": "Figma", "users": people}]
    )
    cakewalk = Tenant(example.client)
    source = {"version": "1", "positions": {}, "code": code, "proofs": [proof]}
    plan = example.compare(code, "plan", cakewalk, source=source)
    assert cakewalk.warnings == []
    place = f"expired on {day(-1)}, remove it from the code (groups[0].members[0])"
    assert f"gone@example.com and the group 'Sales': {place}" in plan.result["plan"]


def test_expire_goes_on_where_the_rest_of_the_code_cannot_be_planned(example: Example) -> None:
    example.tenant.change("add_member", group="Sales", user=ERIN)
    groups = [
        {"group": "Sales", "members": [dated(ERIN, until=-1)]},
        {"group": "Contractors", "members": [CONNOR]},
    ]
    code = code_of(example, groups=groups)
    digest = example.compare(code, "plan").result["code_digest"]
    example.tenant.change("rename_group", group="Contractors", name="Freelancers")
    plan = example.compare(code, "expire", code_digest=digest, journal_path="/record")
    assert len(plan.steps) == 1
    assert "'Contractors'" in plan.result["not_done"][0]


def test_expire_refuses_code_that_is_not_the_approved_one(example: Example) -> None:
    example.tenant.change("add_member", group="Sales", user=ERIN)
    code = code_of(example, groups=[{"group": "Sales", "members": [dated(ERIN, until=9)]}])
    digest = example.compare(code, "plan").result["code_digest"]
    other = code_of(example, groups=[{"group": "Sales", "members": [dated(ERIN, until=-1)]}])
    for wrong, given in ((other, digest), (code, "0" * 64), (code, "")):
        example.tenant.clear_log()
        with pytest.raises(NotApproved):
            example.compare(wrong, "expire", code_digest=given, journal_path="/record")
        assert example.tenant.log() == []


def test_guardrails_hold_for_what_expires(example: Example) -> None:
    example.tenant.change("add_member", group="Sales", user=ERIN)
    code = code_of(example, groups=[{"group": "Sales", "members": [dated(ERIN, until=-1), dated(SALLY, until=-1)]}])
    digest = example.compare(code, "plan").result["code_digest"]
    refused: list[tuple[Data, str]] = [
        ({"max_removals": 1}, "`max_removals` allows 1"),
        ({"protected_users": [ERIN]}, f"protected: {ERIN} (groups[0].members[0].user)"),
    ]
    for given, words in refused:
        with pytest.raises(LimitExceeded) as refusal:
            example.compare(code, "expire", code_digest=digest, journal_path="/record", **given)
        assert words in str(refusal.value)


@pytest.mark.parametrize(
    ("ahead", "words"), [(3600, "60 minutes ahead of"), (-3600, "60 minutes behind"), (301.5, "ahead")]
)
def test_a_clock_that_is_wrong_stops_terms_and_nothing_else(
    example: Example, connect: Callable[..., Client], ahead: float, words: str
) -> None:
    dated_code = code_of(example, groups=[{"group": "Sales", "members": [dated(SALLY, until=99)]}])
    plain = code_of(example, groups=[{"group": "Sales", "members": [SALLY]}])
    digest = example.compare(dated_code, "plan").result["code_digest"]
    example.tenant.configure(clock_ahead=ahead)
    for mode, given in (("plan", {}), ("drift", {}), ("expire", {"code_digest": digest, "journal_path": "/record"})):
        with pytest.raises(ClockRefused, match=words):
            example.compare(dated_code, mode, **given)
    assert example.plan(plain) == [NOTHING]
    example.tenant.configure(clock_ahead=298 if ahead > 0 else -298)
    example = replace(example, client=connect())
    shown = example.compare(dated_code, "plan").result["time"]
    difference = datetime.fromisoformat(shown.replace("Z", "+00:00")) - datetime.now(timezone.utc)
    assert 290 < abs(difference.total_seconds()) < 310


#: Members of a group, words of the problem.
WRONG: dict[str, tuple[Any, str]] = {
    "no zone": ({"user": ERIN, "until": "2026-11-30T18:00"}, "has no zone"),
    "no date": ({"user": ERIN, "until": "soon"}, "neither a date"),
    "the wrong way round": ({"user": ERIN, "from": "2026-11-30", "until": "2026-11-29"}, "is not after"),
    "a person twice": ({"user": SALLY.upper(), "until": "2026-11-30"}, "twice"),
    "a blank person": ({"user": " ", "until": "2026-11-30"}, "blank"),
}


def test_dates_that_cannot_be_meant_are_named_with_their_place(example: Example) -> None:
    for case, (item, words) in WRONG.items():
        for sections in (
            {"groups": [{"group": "Sales", "members": [SALLY, item]}]},
            {"accesses": [{"app": "Figma", "users": [SALLY, item]}]},
        ):
            with pytest.raises(CodeRefused) as refusal:
                example.compare(code_of(example, **sections), "plan")
            assert words in str(refusal.value), case
    with pytest.raises(CodeRefused, match="no effect with the state absent"):
        entry = {"app": "Figma", "state": "absent", "users": [dated(ERIN, until=1)]}
        example.compare(code_of(example, accesses=[entry]), "plan")


def test_an_open_grant_of_what_expired_is_a_conflict(example: Example) -> None:
    example.tenant.change("open_request", kind="grant", app="Figma", user=IRIS)
    code = code_of(example, accesses=[{"app": "Figma", "users": [dated(IRIS, until=-1)]}])
    plan = example.compare(
        code, "apply", plan_hash=example.compare(code, "plan").result["plan_hash"], journal_path="/r"
    )
    assert plan.unmet is not None
    assert isinstance(plan.unmet, CakewalkError)
    assert plan.unmet.kind == "conflicting_request"


#: A custom field of apps, and an id that one of its values could have.
FIELD, OPTION = "Data Classification", "00000000-0000-4000-8000-000000000001"
#: Limits, groups and access, the places of the problems with words of each.
LIMITED: dict[str, tuple[list[Data], Data, dict[str, str]]] = {
    "nobody without an end": (
        [{"group": "Sales", "until_required": True}],
        {
            "groups": [
                {"group": "Sales", "members": [SALLY, dated(IRIS, until=900)]},
                {"group": "Contractors", "members": [CONNOR]},
            ]
        },
        {"groups[0].members[0]": "has no until, and the time limit of time_limits[0] demands one"},
    ),
    "nobody for too long": (
        [{"group": "Sales", "max_duration": "P30D"}],
        {
            "groups": [
                {
                    "group": "Sales",
                    "members": [
                        SALLY,
                        dated(IRIS, until=3),
                        dated(OWEN, 0, 29),
                        dated(CONNOR, 0, 30),
                        dated(ERIN, -90, -60),
                    ],
                }
            ]
        },
        {
            "groups[0].members[0]": "has no until",
            "groups[0].members[1]": "has no from, from which the `max_duration` P30D counts",
            "groups[0].members[3]": "is named for longer than the `max_duration` P30D",
            "groups[0].members[4]": "is named for longer",
        },
    ),
    "an app, all its levels": (
        [{"app": "GitHub", "until_required": True}],
        {
            "accesses": [
                {"app": "GitHub", "permission_level": "Read", "users": [ERIN]},
                {"app": "Figma", "users": [ERIN]},
            ]
        },
        {"accesses[0].users[0]": "has no until"},
    ),
    "a level, not the others": (
        [{"app": "GitHub", "permission_level": "Admin", "max_duration": "P1W"}],
        {
            "accesses": [
                {"app": "GitHub", "permission_level": "Read", "users": [ERIN]},
                {"app": "GitHub", "permission_level": "Admin", "users": [CONNOR, dated(SALLY, 0, 6)], "from": day(0)},
            ]
        },
        {"accesses[1].users[0]": "has no until"},
    ),
    "privileged levels of every app": (
        [{"select": {"all": True}, "permission_levels": "privileged", "until_required": True}],
        {
            "accesses": [
                {"app": "Figma", "users": [IRIS]},
                {"app": "GitHub", "permission_level": "Read", "users": [ERIN]},
                {"app": "GitHub", "permission_level": "Admin", "users": [CONNOR]},
            ]
        },
        {"accesses[2].users[0]": "has no until"},
    ),
    "a level by name, wherever it is": (
        [{"select": {"all": True}, "permission_level": "Admin", "until_required": True}],
        {"accesses": [{"app": "GitHub", "permission_level": "Admin", "users": [CONNOR]}]},
        {"accesses[0].users[0]": "has no until"},
    ),
    "apps by the value of a custom field that the same code sets": (
        [
            {"select": {"custom_field": {"name": FIELD, "value": "Confidential"}}, "until_required": True},
            {"select": {"custom_field": {"name": FIELD, "value": OPTION}}, "max_duration": "P30D"},
            {"select": {"custom_field": {"name": FIELD, "value": "Secret"}}, "until_required": True},
        ],
        {
            "custom_fields": [{"app": "Figma", "fields": {FIELD: "Confidential"}}],
            "accesses": [
                {"app": "Figma", "users": [IRIS, dated(ERIN, until=900)]},
                {"app": "GitHub", "permission_level": "Read", "users": [ERIN]},
            ],
        },
        {"accesses[0].users[0]": "has no until", "accesses[0].users[1]": "has no from"},
    ),
    "what does not last": (
        [{"group": "Sales", "max_duration": "P1M"}],
        {},
        {"time_limits[0]": "months and years differ"},
    ),
    "a limit of nothing": (
        [{"group": "Sales", "until_required": False}],
        {},
        {"time_limits[0]": "it limits nothing"},
    ),
    "a selector of nothing": (
        [{"select": {"all": False}, "until_required": True}],
        {},
        {"time_limits[0]": "select says nothing"},
    ),
}


def test_nobody_is_named_without_an_end_or_for_longer_than_a_limit_allows(example: Example) -> None:
    for case, (limits, sections, problems) in LIMITED.items():
        with pytest.raises(CodeRefused) as refusal:
            example.compare(code_of(example, time_limits=limits, **sections), "plan")
        found = {one["at"]: one["message"] for one in refusal.value.facts()["problems"]}
        assert found.keys() == problems.keys(), case
        assert all(words in found[at] for at, words in problems.items()), (case, found)
    assert not writes(example.tenant)


def test_terms_that_touch_count_as_one_however_the_person_or_the_app_is_written(example: Example) -> None:
    connor, github = example.tenant.find("users", CONNOR)["id"], example.tenant.find("apps", "GitHub")["id"]

    def members_of(*people: Data) -> Data:
        return {"groups": [{"group": "Sales", "members": [*people, dated(ERIN, 0, 29)]}]}

    def apps_of(**levels: str) -> Data:
        spelt = {"GitHub": (0, 29), github: (30, 59), github.upper(): (59, 88)}
        return {
            "accesses": [
                {"app": app, "permission_level": levels.get(app[0], "Read"), "users": [dated(CONNOR, *term)]}
                for app, term in spelt.items()
            ]
        }

    sales, of_app = {"group": "Sales", "max_duration": "P30D"}, {"app": "GitHub", "max_duration": "P30D"}
    admins = {"select": {"all": True}, "permission_level": "Admin", "max_duration": "P30D"}
    kept = (sales, members_of(dated(CONNOR, 0, 29), dated(connor, 31, 60)), {})
    together = "together with groups[0].members[0]"
    three = {
        "accesses[1].users[0]": "together with accesses[0].users[0]",
        "accesses[2].users[0]": "together with accesses[0].users[0], accesses[1].users[0]",
    }
    cases: dict[str, tuple[Data, Data, dict[str, str]]] = {
        "a gap": kept,
        "a person renewed after a gap": (sales, members_of(dated(CONNOR, -40, -20), dated(connor, -9, 9)), {}),
        "touching": (
            sales,
            members_of(dated(CONNOR, 0, 29), dated(connor, 30, 59)),
            {"groups[0].members[1]": together},
        ),
        "overlapping": (
            sales,
            members_of(dated(CONNOR, 9, 35), dated(connor, 0, 20)),
            {"groups[0].members[0]": "together with groups[0].members[1]"},
        ),
        "renewed": (
            sales,
            members_of(dated(CONNOR, -30, -1), dated(connor, 0, 1)),
            {"groups[0].members[1]": together},
        ),
        "one is too long already": (
            sales,
            members_of(dated(CONNOR, 0, 30), dated(connor, 31, 32)),
            {
                "groups[0].members[0]": "is named for longer than the `max_duration` P30D",
                "groups[0].members[1]": together,
            },
        ),
        "three spellings": (
            of_app,
            apps_of(),
            three,
        ),
        "a level each": (
            of_app,
            apps_of(G="Write"),
            three,
        ),
        "only one of a limited level": (admins, apps_of(G="Admin"), {}),
    }
    for case, (limit, sections, problems) in cases.items():
        found: dict[str, str] = {}
        try:
            example.compare(code_of(example, time_limits=[limit], **sections), "plan")
        except CodeRefused as refusal:
            found = {one["at"]: one["message"] for one in refusal.facts()["problems"]}
        except CakewalkError as error:
            assert "asked for twice" in str(error), case
        assert found.keys() == problems.keys(), (case, found)
        assert all(words in found[at] for at, words in problems.items()), (case, found)


def test_a_limit_that_means_nothing_is_refused_and_one_that_is_kept_changes_nothing(example: Example) -> None:
    missing: list[tuple[Data, str]] = [
        ({"group": "Slaes"}, "(did you mean 'Sales'?) (time_limits[0].group)"),
        ({"app": "Figmaa"}, "did you mean 'Figma'?"),
        ({"app": "GitHub", "permission_level": "Amdin"}, "Amdin"),
        ({"select": {"all": True}, "permission_level": "Amdin"}, "Amdin"),
        ({"select": {"category": "CATEGORY_NONE"}}, "CATEGORY_NONE"),
    ]
    for limit, words in missing:
        with pytest.raises(CakewalkError) as refusal:
            example.compare(code_of(example, time_limits=[{**limit, "until_required": True}]), "plan")
        assert (refusal.value.kind, words in str(refusal.value)) == ("lookup_failed", True), str(refusal.value)
    groups = [{"group": "Sales", "members": [dated(SALLY, -9, 20)]}]
    limits = [{"group": "Sales", "max_duration": "P30D", "until_required": True}]
    assert example.plan(code_of(example, groups=groups, time_limits=limits)) == [NOTHING]


def test_a_limit_keeps_nobody_from_losing_in_time_what_lasted_too_long(example: Example) -> None:
    code = code_of(
        example,
        groups=[{"group": "Sales", "members": [dated(SALLY, -90, -1)]}],
        time_limits=[{"group": "Sales", "max_duration": "P30D"}],
    )
    with pytest.raises(NotApproved) as refusal:
        example.compare(code, "expire", code_digest="0", journal_path="/record")
    digest = refusal.value.facts()["code_digest"]
    plan = example.compare(code, "expire", code_digest=digest, journal_path="/record")
    assert (plan.result["summary"]["expired"], len(plan.steps)) == (1, 1)
    assert "is named for longer" in plan.result["not_done"][0]


def test_a_report_tells_what_expires_in_the_form_of_its_name(example: Example) -> None:
    hostile = "{{ 7*7 }} @all <b>|#1\u202e"
    example.tenant.change("rename_group", group="Contractors", name=hostile)
    people = [dated(SALLY, None, 15), dated(ERIN, -9, -1), dated(IRIS, 6, 14), dated(OWEN, 0, 3), CONNOR]
    code = code_of(
        example,
        groups=[{"group": "Sales", "members": people}, {"group": hostile, "members": [dated(CONNOR, None, 4)]}],
    )
    order = [ERIN, OWEN, CONNOR, IRIS]
    for days, expected in ((14, order), (3, order[:2]), (0, order[:1])):
        texts = {
            form: example.compare(code, "plan", expires_within=days, expiry_report_path=f"/report{form}").result[
                "expiry_text"
            ]
            for form in (".txt", ".json", ".MD")
        }
        document = json.loads(texts[".json"])
        assert [row["user"] for row in document["terms"]] == expected
        assert (document["expires_within"], document["terms"][0]["state"]) == (days, "expired")
        lines = [line for line in texts[".txt"].splitlines() if " and the group " in line]
        assert [line.partition(" ")[0] for line in lines] == expected
        assert [texts[".MD"].count(user) > 0 for user in order] == [user in expected for user in order]
        for text in texts.values():
            assert "\u202e" not in text
        assert "<b>" not in texts[".MD"]
    empty = example.compare(example.code, "plan", expiry_report_path="/report.json").result["expiry_text"]
    assert json.loads(empty) == {"expires_within": 14, "terms": []}
