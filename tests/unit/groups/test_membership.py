# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Members of groups: entries, changes and everything that is refused."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import CakewalkError, ConfigurationError
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.guardrails import LimitExceeded
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.lookup import LookupFailed
from ansible_collections.cakewalk.access.plugins.module_utils._engine.groups.membership import (
    MembershipChange,
    MembershipEntry,
    by_label,
    entries_of_task,
    remark_of,
    states_of,
)
from unit.people import MemoryTenant, PlannedMemberships, group, membership, options, uid, user, users

ADA = user(1, "ada@example.com")
BEN = user(2, "ben@example.com")
CAT = user(3, "cat@example.com")
DAN = user(4, "dan@example.com")
CREW = group(1, "Crew")
TEAM = group(2, "Team")


def tenant(*crew: Any, team: tuple[Any, ...] = (), others: tuple[Any, ...] = ()) -> MemoryTenant:
    """Return a tenant with two groups, in which ADA, BEN, CAT and DAN exist whether or not they are in one."""
    everybody = {row["id"]: row for row in (ADA, BEN, CAT, DAN, *crew, *team, *others)}
    return MemoryTenant(list(everybody.values()), [CREW, TEAM], {CREW["id"]: list(crew), TEAM["id"]: list(team)})


def crew(*references: str, state: str = "present", **given: Any) -> dict[str, Any]:
    """Return the options of a task for the members of CREW, in which ADA acts."""
    return options(**{"group": "Crew", "users": list(references), "state": state, "acting_user": ADA["email"], **given})


def bulk(*entries: dict[str, Any], **given: Any) -> dict[str, Any]:
    return options(**{"memberships": list(entries), "acting_user": ADA["email"], **given})


def only(plan: PlannedMemberships) -> MembershipChange:
    (change,) = plan.changes
    return change


def refused(where: MemoryTenant, params: dict[str, Any], kind: type[CakewalkError]) -> CakewalkError:
    with pytest.raises(kind) as stopped:
        where.decide(params)
    return stopped.value


def looked_up(where: MemoryTenant, params: dict[str, Any]) -> list[str]:
    """Return who is looked up for a task, which may be refused afterwards."""
    with suppress(CakewalkError):
        where.decide(params)
    return where.looked_up


# Entries


def test_the_single_form_is_one_entry() -> None:
    assert entries_of_task(crew("a", "b", state="absent")) == [MembershipEntry("Crew", ("a", "b"), "absent")]


def test_entries_of_the_bulk_form_inherit_the_state_of_the_task() -> None:
    params = bulk(membership(CREW, ["a"]), membership(TEAM, ["b"], "exact"), state="absent")
    assert entries_of_task(params) == [
        MembershipEntry(CREW["id"], ("a",), "absent"),
        MembershipEntry(TEAM["id"], ("b",), "exact"),
    ]


@pytest.mark.parametrize(
    ("params", "message", "option"),
    [
        (
            crew(users=None),
            "use the members given for the group 'Crew': users is null or missing. Give a list.",
            "users",
        ),
        (
            bulk({"group": "Crew", "users": None, "state": "exact"}, allow_empty=True),
            "use the members given for the group 'Crew': users is null or missing. Give a list.",
            "users",
        ),
        (
            crew(state="exact"),
            "use the members given for the group 'Crew': the list is empty and the state is exact, which would remove "
            "everybody. If that is meant, set `allow_empty: true`.",
            "users",
        ),
        *(
            (
                crew("ada@example.com", blank, state=state, allow_empty=True),
                "use the members given for the group 'Crew': an entry is blank. Remove it, or fill it in.",
                "users",
            )
            for blank, state in (("", "present"), (" ", "absent"), ("\t\n", "exact"))
        ),
        (
            crew("a", implicitly_approve_requests=True, bypass_reason=" "),
            "use `implicitly_approve_requests`: it bypasses approval and `bypass_reason` does not say why. "
            "Set `bypass_reason`, or leave approval to the policies.",
            "bypass_reason",
        ),
    ],
)
def test_entries_that_cannot_be_meant(params: dict[str, Any], message: str, option: str) -> None:
    with pytest.raises(ConfigurationError) as wrong:
        entries_of_task(params)
    assert str(wrong.value) == f"Could not {message}"
    assert wrong.value.facts() == {"kind": "configuration", "option": option}


def test_the_name_of_a_group_in_a_message_is_made_visible() -> None:
    with pytest.raises(ConfigurationError) as wrong:
        entries_of_task(crew(group="\x1b[2J", users=None))
    assert str(wrong.value).isprintable()


@pytest.mark.parametrize(
    "params",
    [crew(), crew(state="absent"), crew(state="exact", allow_empty=True), crew(" ada ", "Ada ")],
)
def test_lists_that_own_nothing_may_be_empty_and_are_not_trimmed(params: dict[str, Any]) -> None:
    assert entries_of_task(params) == [MembershipEntry("Crew", tuple(params["users"]), params["state"])]


# Merging


def test_one_group_in_every_spelling_is_one_change() -> None:
    entries = [
        membership(CREW, [ADA["id"], BEN["id"]]) | {"group": "Crew"},
        membership(TEAM, [ADA["id"]], "exact"),
        membership(CREW, [BEN["email"], CAT["email"]]),
        membership(CREW, [DAN["id"], DAN["id"]], "absent") | {"group": CREW["id"].upper()},
    ]
    crew_change, team_change = tenant(DAN, team=(BEN,)).decide(bulk(*entries)).changes
    assert (crew_change.group, crew_change.added, crew_change.removed) == (CREW, [ADA, BEN, CAT], [DAN])
    assert (team_change.group, team_change.added, team_change.removed) == (TEAM, [ADA], [BEN])


@pytest.mark.parametrize("state", ["present", "absent", "exact"])
def test_an_owned_group_has_one_entry(state: str) -> None:
    entries = membership(CREW, ["a"], state) | {"group": "Crew"}, membership(CREW, ["a"], "exact")
    assert str(refused(tenant(), bulk(*entries), ConfigurationError)) == (
        "Could not plan the group 'Crew': it is named 2 times, and one entry is exact. "
        "Let one entry own the group, or use present and absent only."
    )


def test_groups_that_nobody_knows_are_told_all_at_once() -> None:
    entries = [{"group": name, "users": [], "state": "present"} for name in ("crew", "Crew ", "", "Twin")]
    problems = refused(tenant(), bulk(*entries), LookupFailed).facts()["problems"]
    assert [problem["reference"] for problem in problems] == ["crew", "Crew ", "", "Twin"]


def test_a_group_name_that_two_hold_is_an_error() -> None:
    twins = MemoryTenant([ADA], [CREW, group(3, "Crew")])
    assert "are called 'Crew'" in str(refused(twins, crew(), LookupFailed))


# Changes


def test_present_adds_who_is_missing_and_leaves_everybody_else_alone() -> None:
    change = only(tenant(ADA, BEN).decide(crew("BEN@example.com", CAT["id"].upper(), "cat@example.com")))
    assert (change.added, change.removed, change.kept, change.not_members) == ([CAT], [], [], [])
    assert change.changed
    assert change.before() == ["ada@example.com", "ben@example.com"]
    assert change.after() == ["ada@example.com", "ben@example.com", "cat@example.com"]


def test_absent_removes_who_is_named() -> None:
    plan = tenant(ADA, BEN, CAT).decide(crew("BEN@example.com", BEN["id"], state="absent"))
    change = only(plan)
    assert (change.added, change.removed, change.kept, change.not_members) == ([], [BEN], [], [])
    assert change.after() == ["ada@example.com", "cat@example.com"]
    assert plan.actor is None
    assert plan.warnings == []


def test_absent_lists_who_is_no_member_with_a_warning() -> None:
    plan = tenant(BEN).decide(crew("bem@example.com", uid(99), state="absent"))
    assert only(plan).not_members == ["bem@example.com", uid(99)]
    assert not only(plan).changed
    (warning,) = plan.warnings
    assert warning.startswith("Not members, so there was nothing to remove: 'bem@example.com' ('Crew'), ")


def test_exact_adds_who_is_missing_and_removes_everybody_else_but_protected_people() -> None:
    params = crew("cat@example.com", state="exact", protected_users=["DAN@example.com"])
    change = only(tenant(ADA, BEN, DAN).decide(params))
    assert (change.added, change.removed, change.kept) == ([CAT], [BEN], [ADA, DAN])
    assert change.after() == ["ada@example.com", "cat@example.com", "dan@example.com"]


def test_exact_may_empty_a_group() -> None:
    change = only(tenant(BEN, CAT).decide(crew(state="exact", allow_empty=True)))
    assert change.removed == [BEN, CAT]
    assert change.after() == []


def test_exact_empties_nothing_of_protected_people() -> None:
    plan = tenant(ADA).decide(crew(state="exact", allow_empty=True))
    assert (only(plan).removed, only(plan).kept, only(plan).changed) == ([], [ADA], False)


def test_people_with_no_address_are_shown_by_id() -> None:
    nameless = {"id": uid(9), "statusName": "Active"}
    change = only(tenant(BEN, others=(nameless,)).decide(crew(uid(9))))
    assert change.added == [nameless]
    assert change.after() == [uid(9), "ben@example.com"]


@pytest.mark.parametrize(
    ("params", "members", "remark"),
    [
        (crew("ada@example.com", ADA["id"]), [ADA, BEN], "ada@example.com is in Crew"),
        (crew("ada@example.com", "ben@example.com"), [ADA, BEN, CAT], "Crew has these 2 people"),
        (crew("ben@example.com", state="exact", acting_user=None), [BEN], "ben@example.com is in Crew"),
        (crew("ben@example.com", "cat@example.com", state="absent"), [ADA], "Crew has none of these people"),
        (crew("ben@example.com", state="absent"), [ADA], "ben@example.com is not in Crew"),
        (crew(state="exact", allow_empty=True), [], "Crew has no members"),
        (crew(state="exact", allow_empty=True), [ADA], "ada@example.com stays, being protected"),
        (
            crew("ben@example.com", state="exact", protected_users=[CAT["email"]]),
            [ADA, BEN, CAT],
            "ben@example.com is in Crew; 2 people stay, being protected",
        ),
        (
            bulk(membership(CREW, ["ada@example.com"]), membership(CREW, ["ben@example.com"], "absent")),
            [ADA],
            "Crew is as asked for",
        ),
        (
            bulk(membership(CREW, ["ada@example.com"]), membership(TEAM, ["ben@example.com"], "absent")),
            [ADA],
            "2 groups are as asked for",
        ),
        (bulk(), [], ""),
    ],
)
def test_what_is_in_place_is_told_where_nothing_changes(
    params: dict[str, Any], members: list[Any], remark: str
) -> None:
    plan = tenant(*members).decide(params)
    assert not any(change.changed for change in plan.changes)
    assert remark_of(plan.changes, entries_of_task(params), {}, False) == remark


def test_the_header_of_a_diff_tells_which_requests_may_follow_from_additions() -> None:
    params = bulk(membership(CREW, ["ada@example.com"]), membership(TEAM, ["ben@example.com"], "absent"))
    changes = tenant(team=(BEN,)).decide(params).changes
    apps = [{"id": uid(50), "name": "GitHub"}, {"id": uid(51), "name": "Figma"}]
    given = {CREW["id"]: apps, TEAM["id"]: apps}
    headers = ["Members of Crew (requests for Figma, GitHub may follow)", "Members of Team"]
    assert [list(state) for state in states_of(changes, given, False)] == [headers, headers]
    assert [list(state.values()) for state in states_of(changes, given, False)] == [
        [[], ["ben@example.com"]],
        [["ada@example.com"], []],
    ]
    assert next(iter(states_of(changes, {CREW["id"]: apps[:1]}, True)[0])) == (
        "Members of Crew (requests for GitHub may follow, approved at once)"
    )
    assert next(iter(states_of(changes, {CREW["id"]: []}, True)[0])) == "Members of Crew"


def test_what_follows_from_additions_is_told() -> None:
    params = crew("ada@example.com", "ben@example.com")
    changes, entries = tenant(ADA).decide(params).changes, entries_of_task(params)
    apps = [{"id": uid(50), "name": "GitHub"}, {"id": uid(51), "name": "Figma"}]
    assert remark_of(changes, entries, {CREW["id"]: []}, False) == ""
    assert remark_of(changes, entries, {CREW["id"]: apps[:1]}, False) == "requests for GitHub may follow"
    assert remark_of(changes, entries, {CREW["id"]: apps}, True) == "requests for 2 apps may follow, approved at once"


def test_groups_keep_the_order_in_which_they_are_named() -> None:
    plan = tenant().decide(bulk(membership(TEAM, ["ben@example.com"]), membership(CREW, ["cat@example.com"])))
    assert [change.group for change in plan.changes] == [TEAM, CREW]
    assert plan.actor == ADA


# Lookups


@pytest.mark.parametrize(
    ("members", "params", "references"),
    [
        ([BEN], crew("ben@example.com", BEN["id"]), []),
        ([BEN], crew("bem@example.com", state="absent"), []),
        ([ADA, BEN], crew("ben@example.com", state="exact"), []),
        ([BEN], crew("ben@example.com", state="exact", protected_users=["gone@example.com"]), []),
        ([], crew("ben@example.com", "ben@example.com"), ["ben@example.com", "ada@example.com"]),
        ([], crew("ben@example.com", acting_user=None), ["ben@example.com"]),
        ([], crew("ben@example.com", protected_users=["dan@example.com"]), ["ben@example.com", "ada@example.com"]),
        ([BEN], crew("ben@example.com", state="absent"), ["ada@example.com"]),
        ([ADA, BEN], crew("ben@example.com", state="absent"), []),
        (
            [BEN],
            crew("cat@example.com", state="exact", protected_users=["dan@example.com", "BEN@example.com"]),
            ["cat@example.com", "ada@example.com"],
        ),
        (
            [BEN, CAT],
            crew("ben@example.com", state="exact", protected_users=["dan@example.com"], acting_user=None),
            ["dan@example.com"],
        ),
        ([], crew(CAT["id"], allow_inactive=True), ["ada@example.com"]),
        ([], crew(CAT["id"], "ben@example.com", allow_inactive=True), ["ben@example.com", "ada@example.com"]),
        ([], crew(CAT["id"]), [CAT["id"], "ada@example.com"]),
    ],
)
def test_only_open_questions_are_asked(members: list[Any], params: dict[str, Any], references: list[str]) -> None:
    assert looked_up(tenant(*members), params) == references


def test_given_ids_of_inactive_people_are_assumed() -> None:
    params = crew(CAT["id"], BEN["id"], "dan@example.com", allow_inactive=True)
    assert looked_up(tenant(BEN), params) == [DAN["email"], ADA["email"]]
    assert looked_up(tenant(BEN), {**params, "allow_inactive": False}) == [CAT["id"], DAN["email"], ADA["email"]]


def test_an_assumed_id_is_added_as_given() -> None:
    where = tenant()
    where.users.clear()
    unknown = uid(99).upper()
    params = crew(unknown, allow_inactive=True, acting_user=None)
    assert looked_up(where, params) == []
    with pytest.raises(ConfigurationError, match="`acting_user` is not set"):
        where.decide(params)


# Refusals


@pytest.mark.parametrize("status", ["Deactivated", "Offboarding", "Ignored"])
@pytest.mark.parametrize("reference", ["leaver@example.com", uid(8)])
def test_leavers_are_not_added(status: str, reference: str) -> None:
    leaver = user(8, "leaver@example.com", status)
    where = tenant(others=(leaver,))
    error = refused(where, crew(reference, "ben@example.com"), LookupFailed)
    assert f"the user 'leaver@example.com' is {status}" in str(error)
    assert "allow_inactive" in str(error)
    assert only(where.decide(crew("leaver@example.com", allow_inactive=True))).added == [leaver]


def test_leavers_who_are_members_stay_and_can_be_removed() -> None:
    leaver = user(8, "leaver@example.com", "Deactivated")
    assert not only(tenant(leaver).decide(crew("leaver@example.com"))).changed
    assert only(tenant(leaver).decide(crew("leaver@example.com", state="absent"))).removed == [leaver]


def test_a_status_of_unknown_meaning_is_warned_about_and_can_be_listed() -> None:
    where = tenant(others=(user(8, "s@example.com", "Sabbatical"),))
    (warning,) = where.decide(crew("s@example.com")).warnings
    assert "s@example.com (Sabbatical)" in warning


def test_all_unknown_people_are_told_at_once() -> None:
    error = refused(tenant(), crew("x@example.com", "ben@example.com", uid(99), "Ada"), LookupFailed)
    problems = error.facts()["problems"]
    assert [problem["reference"] for problem in problems] == ["x@example.com", uid(99), "Ada"]


def test_an_address_that_two_hold_is_refused_whether_added_or_removed() -> None:
    twin = user(8, "BEN@example.com", "Deactivated")
    assert "2 users have" in str(refused(tenant(others=(twin,)), crew("ben@example.com"), LookupFailed))
    assert "2 users have" in str(refused(tenant(BEN, twin), crew("ben@example.com", state="absent"), LookupFailed))
    assert "2 users have" in str(refused(tenant(BEN, twin), crew("ben@example.com", state="exact"), LookupFailed))


def test_somebody_must_act_where_somebody_is_added_and_only_there() -> None:
    error = refused(tenant(), crew("ben@example.com", acting_user=None), ConfigurationError)
    assert error.facts()["option"] == "acting_user"
    assert tenant(BEN).decide(crew("ben@example.com", acting_user=None)).actor is None
    assert tenant(BEN).decide(crew("ben@example.com", acting_user=None, state="absent")).actor is None


def test_an_acting_user_must_exist_be_active_and_be_one() -> None:
    gone = crew("ben@example.com", acting_user="gone@example.com")
    assert "'gone@example.com' does not exist" in str(refused(tenant(), gone, LookupFailed))
    invited = tenant(others=(user(8, "new@example.com", "Invited"),))
    error = refused(invited, crew("ben@example.com", acting_user="new@example.com"), ConfigurationError)
    assert "the status of this person is Invited" in str(error)
    twins = tenant(others=(user(8, "ADA@example.com"),))
    assert "2 users have" in str(refused(twins, crew("ben@example.com"), LookupFailed))


@pytest.mark.parametrize("named", ["ben@example.com", "BEN@example.com", BEN["id"]])
@pytest.mark.parametrize("protected", ["Ben@example.com", BEN["id"].upper()])
def test_protected_people_cannot_be_named_for_removal(named: str, protected: str) -> None:
    params = crew(named, state="absent", protected_users=[protected])
    error = refused(tenant(BEN), params, LimitExceeded)
    assert "Could not remove people from the group 'Crew': protected: " in str(error)


def test_the_acting_user_is_protected() -> None:
    refused(tenant(ADA), crew("ada@example.com", state="absent"), LimitExceeded)
    refused(tenant(BEN), crew("ada@example.com", state="absent"), LimitExceeded)
    assert only(tenant(ADA, BEN).decide(crew("ben@example.com", state="exact"))).kept == [ADA]


def test_a_protected_person_who_cannot_be_found_stops_removals_and_nothing_else() -> None:
    protected = {"protected_users": ["renamed@example.com"]}
    for params in (
        crew("ben@example.com", state="absent", **protected),
        crew("cat@example.com", state="exact", **protected),
    ):
        error = refused(tenant(BEN, CAT), params, LookupFailed)
        assert "the protected user 'renamed@example.com' does not exist" in str(error)
    assert only(tenant(BEN).decide(crew("cat@example.com", **protected))).added == [CAT]


@pytest.mark.parametrize("members", [[], [BEN]])
@pytest.mark.parametrize("said", ["ben@example.com", BEN["id"].upper()])
@pytest.mark.parametrize("unsaid", ["BEN@example.com", BEN["id"]])
def test_nobody_is_to_be_a_member_and_not(members: list[Any], said: str, unsaid: str) -> None:
    params = bulk(membership(CREW, [said]), membership(CREW, [unsaid], "absent"))
    error = refused(tenant(*members), params, ConfigurationError)
    assert str(error) == (
        f"Could not plan the group 'Crew': {unsaid} should be a member and should not be one. "
        "Take the person out of one of the lists."
    )


def test_removals_count_over_the_whole_task() -> None:
    crowd = tuple(user(number) for number in range(20, 32))
    where = tenant(*crowd[:6], team=crowd[6:])
    everybody = [row["id"] for row in crowd]
    entries = [
        membership(CREW, [], "exact"),
        membership(TEAM, [row["email"] for row in crowd[6:11]], "absent"),
    ]
    error = refused(where, bulk(*entries, allow_empty=True), LimitExceeded)
    assert str(error).startswith(
        "Could not carry out 11 removals: `max_removals` allows 10; these would be removed: p20@example.com "
    )
    assert len(error.facts()["would_remove"]) == 11
    assert len(where.decide(bulk(*entries, allow_empty=True, max_removals=11)).changes) == 2
    without_exact = [membership(CREW, everybody[:6], "absent"), membership(TEAM, everybody[6:], "absent")]
    assert sum(len(change.removed) for change in where.decide(bulk(*without_exact)).changes) == 12
    error = refused(where, bulk(*without_exact, max_removals=0), LimitExceeded)
    assert "`max_removals` allows 0" in str(error)


def test_dynamic_groups_are_refused_where_they_would_change() -> None:
    rule = {**group(3, "Everybody"), "type": "Dynamic"}
    where = MemoryTenant([ADA, BEN], [rule], {rule["id"]: [ADA]})
    params = {"acting_user": ADA["email"], "group": "Everybody"}
    error = refused(where, options(users=[BEN["email"]], **params), LimitExceeded)
    assert str(error) == (
        "Could not change the members of 'Everybody': a rule decides who is a member of a dynamic group. "
        "Nothing was changed. Change the rule in Cakewalk, or leave the group out."
    )
    assert error.facts() == {"kind": "rail", "groups": ["Everybody"]}
    assert not only(where.decide(options(users=[ADA["email"]], **params))).changed


def test_a_change_of_a_synced_group_is_warned_about() -> None:
    synced = {**group(3, "Everybody"), "type": "Synced"}
    where = MemoryTenant([ADA, BEN], [synced], {synced["id"]: [ADA]})
    params = {"acting_user": ADA["email"], "group": "Everybody"}
    warning = (
        "Synced from another directory, so Cakewalk may refuse to change the members: 'Everybody'. "
        "Change them in the source directory."
    )
    assert where.decide(options(users=[BEN["email"]], **params)).warnings == [warning]
    assert where.decide(options(users=[ADA["email"]], **params)).warnings == []
    removal = options(users=[ADA["email"]], group="Everybody", state="absent", acting_user=None)
    assert where.decide(removal).warnings == [warning]


APPROVED = {"implicitly_approve_requests": True, "bypass_reason": "Change 4711"}


def test_bypassing_approval_is_warned_about_where_somebody_is_added() -> None:
    params = bulk(membership(CREW, ["ben@example.com"]), membership(TEAM, ["cat@example.com"]), **APPROVED)
    assert tenant(team=(CAT,)).decide(params).warnings == [
        "Approval is bypassed by ada@example.com, reason 'Change 4711': "
        "the access requests that follow from additions to 'Crew' are approved at once."
    ]
    assert tenant(BEN, team=(CAT,)).decide(params).warnings == []


def test_nobody_approves_the_own_access_by_accident() -> None:
    error = refused(tenant(), crew("ada@example.com", "ben@example.com", **APPROVED), LimitExceeded)
    assert str(error) == (
        "Could not add ada@example.com to 'Crew': the acting user would approve access for itself. "
        "Nothing was changed. Let another admin act, or set `allow_self_approval` if that is meant."
    )
    allowed = tenant().decide(crew("ada@example.com", allow_self_approval=True, **APPROVED))
    assert only(allowed).added == [ADA]
    assert len(allowed.warnings) == 1
    assert only(tenant().decide(crew("ada@example.com"))).added == [ADA]
    assert not only(tenant(ADA).decide(crew("ada@example.com", **APPROVED))).changed


# Names of what changes


def test_changes_are_told_by_the_name_of_their_group() -> None:
    where = tenant(BEN)
    changing, idle = where.decide(
        bulk(membership(TEAM, ["cat@example.com"]), membership(CREW, ["ben@example.com"]))
    ).changes
    assert by_label([changing, idle]) == {"Team": changing}


def test_groups_of_one_name_are_told_apart_by_id() -> None:
    nameless = {"id": uid(1009), "name": None}
    twin = group(5, "Crew")
    where = MemoryTenant([ADA, BEN], [CREW, twin, nameless])
    changes = where.decide(bulk(*(membership(each, [BEN["email"]]) for each in (CREW, twin, nameless)))).changes
    assert by_label(changes) == {
        f"Crew ({CREW['id']})": changes[0],
        f"Crew ({twin['id']})": changes[1],
        uid(1009): changes[2],
    }


def test_no_change_is_lost_to_a_group_that_is_named_like_a_twin() -> None:
    twin, mimic = group(5, "Crew"), group(6, f"Crew ({CREW['id']})")
    for groups in ([CREW, twin, mimic], [mimic, twin, CREW]):
        where = MemoryTenant([ADA, BEN], groups)
        params = bulk(*(membership(each, [BEN["email"]]) for each in groups))
        changes = where.decide(params).changes
        assert list(by_label(changes).values()) == changes


def test_holders_of_one_address_are_told_apart_by_id() -> None:
    twin = user(8, "ben@example.com")
    change = only(tenant(BEN, CAT, others=(twin,)).decide(crew(twin["id"], CAT["id"], state="exact")))
    assert change.before() == [f"ben@example.com ({BEN['id']})", "cat@example.com"]
    assert change.after() == [f"ben@example.com ({twin['id']})", "cat@example.com"]


def test_a_blank_reference_means_nobody() -> None:
    service_account = {"id": uid(9), "email": "", "statusName": "Active"}
    assert users(service_account).matches("") == []


def test_protected_people_are_known_by_what_other_groups_show() -> None:
    entries = membership(CREW, [BEN["id"]], "absent"), membership(TEAM, [])
    refused(tenant(team=(BEN,)), bulk(*entries, protected_users=["ben@example.com"]), LimitExceeded)


def test_an_acting_user_given_by_id_may_be_added_by_id() -> None:
    plan = tenant().decide(crew(ADA["id"], acting_user=ADA["id"], allow_inactive=True))
    assert (plan.actor, only(plan).added) == (ADA, [ADA])


def test_ids_compare_without_regard_to_case_between_members_and_directory() -> None:
    shouted = {**BEN, "id": BEN["id"].upper()}
    where = MemoryTenant([ADA, BEN], [CREW], {CREW["id"]: [shouted]})
    assert not only(where.decide(crew(BEN["id"], state="exact"))).changed
    assert only(where.decide(crew(BEN["id"], state="absent"))).removed == [shouted]


def test_a_member_is_recognised_by_an_address_that_only_the_directory_tells() -> None:
    bare = {"id": BEN["id"]}
    where = MemoryTenant([ADA, BEN], [CREW], {CREW["id"]: [bare]})
    change = only(where.decide(crew("ben@example.com", state="exact")))
    assert not change.changed
    assert users(bare).matches("ben@example.com") == []
