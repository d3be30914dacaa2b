# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans of tasks about access: lookups, guardrails, steps and waits, by value."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import datetime, timezone
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.catalog import (
    REQUEST_STATUSES,
    REQUESTS,
    accesses,
)
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import CakewalkError, ConfigurationError
from ansible_collections.cakewalk.access.plugins.module_utils._api.operations import Phase, Step
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access.evaluation import (
    AccessDecision,
    AppState,
    entries_of_task,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access.planning import (
    AccessPlan,
    AccessWait,
    AppEntries,
    RequestDeclined,
    check_options,
    lookups,
    plan_access,
    unmet_of,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.access_requests import (
    CHANGE,
    GRANT,
    REMOVE,
    Requests,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.guardrails import (
    LimitExceeded,
    ProtectedUsers,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.lookup import LookupFailed, Row
from ansible_collections.cakewalk.access.plugins.modules import cakewalk_app_access
from unit.people import MemoryTenant, filled, uid, user

ADA, BEN, CAT, DAN = (user(number, f"{name}@example.com") for number, name in enumerate(("ada", "ben", "cat", "dan")))
GONE = user(9, "gone@example.com", "Offboarding")
GITHUB, FIGMA = {"id": uid(50), "name": "GitHub"}, {"id": uid(51), "name": "Figma"}
READ, WRITE = {"id": uid(60), "name": "Read"}, {"id": uid(61), "name": "Write"}
NOW = datetime(2026, 2, 1, tzinfo=timezone.utc)
DIRECT = {"method": "direct", "bypass_approval": True, "bypass_reason": "Import"}


def request(number: int, who: Row, app: Row, kind: str, level: Row | None = None, status: str = "Pending") -> Row:
    """Return a request as the service lists it; the higher the number, the newer."""
    return {
        "id": uid(100 + number),
        "requestType": kind,
        "requestStatus": status,
        "targetUserId": who["id"],
        "workAppId": app["id"],
        "permissionLevelId": level["id"] if level else None,
        "createdAt": f"2026-01-{number + 1:02}T00:00:00Z",
    }


class Scene:
    """Ben reads in GitHub and has Figma, Cat writes in GitHub; with requests, everybody in the directory."""

    def __init__(self, *asked: Row, **given: Any) -> None:
        self.params = filled(
            cakewalk_app_access.SPEC, {"acting_user": ADA["email"], "purpose": "Work", "state": "present", **given}
        )
        requests = Requests(asked, REQUEST_STATUSES, NOW)
        github = [{"user": BEN, "permissionLevel": READ}, {"user": CAT, "permissionLevel": WRITE}]
        app_states = {
            "GitHub": AppState(GITHUB, github, [READ, WRITE], requests),
            "Figma": AppState(FIGMA, [{"user": BEN, "permissionLevel": None}], [], requests),
        }
        entries = entries_of_task(self.params)
        self.apps: list[AppEntries] = [
            (state, its) for name, state in app_states.items() if (its := [one for one in entries if one.app == name])
        ]
        self.tenant = MemoryTenant([ADA, BEN, CAT, DAN, GONE])

    def decide(self) -> AccessPlan:
        """Return what the task plans."""
        check_options(self.params)
        return plan_access(self.apps, self.params, self.tenant)

    def looked_up(self) -> list[str]:
        """Return who is looked up for the task, which may be refused afterwards."""
        with suppress(CakewalkError):
            self.decide()
        return self.tenant.looked_up

    def steps(self) -> list[Step]:
        """Return the steps of the task."""
        return self.decide().steps(self.params["purpose"])

    def outcomes(self) -> list[tuple[str, str]]:
        """Return the outcome for each user."""
        return [(decision.user["id"], decision.outcome) for decision in self.decide().decisions]


def test_who_needs_no_step_is_told() -> None:
    asked = request(1, DAN, FIGMA, GRANT)
    scene = Scene(asked, accesses=[one("Figma", BEN, DAN), one("GitHub", CAT, permission_level="Write")])
    assert (
        scene.decide().remark(waited=False)
        == "2 people have access to 2 apps; dan@example.com has an open request for Figma"
    )
    assert Scene(**one("Figma", CAT)).decide().remark(waited=True) == "the access is as requested by now"


def one(app: str, *people: Row | str, **given: Any) -> dict[str, Any]:
    """Return the options that name people in an app, by e-mail unless they are written out."""
    users = [person if isinstance(person, str) else person["email"] for person in people]
    return {"app": app, "users": users, "permission_level": None, "state": None, **given}


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        (one("GitHub", CAT["id"], permission_level="Write", state="present"), []),
        (one("GitHub", CAT, permission_level="Write", state="present"), [CAT["email"], ADA["email"]]),
        (one("Figma", BEN["id"].upper(), state="present"), []),
        (one("Figma", DAN, state="present"), [DAN["email"], ADA["email"]]),
        (one("Figma", DAN["id"], state="present"), [DAN["id"], ADA["email"]]),
        (one("Figma", DAN["id"], state="present", allow_inactive=True), [ADA["email"]]),
        (one("GitHub", BEN["id"], permission_level="Write", state="present"), [ADA["email"]]),
        (one("Figma", DAN["id"], state="absent"), []),
        (one("Figma", DAN, state="absent"), [DAN["email"], ADA["email"]]),
        (one("Figma", BEN["id"], state="absent"), [ADA["email"]]),
        (
            one("Figma", BEN["id"], state="absent", protected_users=[CAT["email"], DAN["email"]]),
            [ADA["email"], CAT["email"], DAN["email"]],
        ),
        (one("Figma", DAN["id"], state="absent", protected_users=[CAT["email"]]), []),
    ],
)
def test_nobody_is_looked_up_who_need_not_be(given: dict[str, Any], asked: list[str]) -> None:
    assert sorted(Scene(**given).looked_up()) == sorted(asked)


def test_an_id_that_gains_access_is_looked_up_although_it_loses_access_to_another_app() -> None:
    entries = [one("GitHub", GONE["id"], state="absent"), one("Figma", GONE["id"])]
    with pytest.raises(LookupFailed, match="is Offboarding and would be given access"):
        Scene(accesses=entries, acting_user=ADA["id"]).decide()


@pytest.mark.parametrize("given", [{"state": "absent"}, {"state": "present", "allow_inactive": True}])
def test_ten_thousand_ids_take_no_seconds(given: dict[str, Any]) -> None:
    scene = Scene(**one("Figma", *(uid(1000 + number) for number in range(10_000)), **given), acting_user=ADA["id"])
    began = time.process_time()
    lookups(scene.apps, scene.params, ProtectedUsers([], []))
    assert time.process_time() - began < 1


def test_each_kind_of_request_says_what_it_is_for() -> None:
    known = request(1, DAN, GITHUB, GRANT, READ, "Cancelled")
    entries = [one("GitHub", BEN, DAN, permission_level="Write"), one("Figma", BEN, state="absent"), one("Figma", DAN)]
    steps = Scene(known, accesses=entries).steps()
    grant = {"createdByUserId": ADA["id"], "workAppId": GITHUB["id"], "targetUserId": DAN["id"]}
    assert [(step.path.rpartition("/")[2], step.phase is Phase.REMOVALS, step.body) for step in steps] == [
        (
            "ChangePermission",
            False,
            {
                **grant,
                "targetUserId": BEN["id"],
                "permissionLevelId": WRITE["id"],
                "changePermissionPurpose": "Work",
            },
        ),
        ("GrantAccess", False, {**grant, "permissionLevelId": WRITE["id"], "grantAccessPurpose": "Work"}),
        (
            "RemoveAccess",
            True,
            {**grant, "workAppId": FIGMA["id"], "targetUserId": BEN["id"], "removeAccessPurpose": "Work"},
        ),
        ("GrantAccess", False, {**grant, "workAppId": FIGMA["id"], "grantAccessPurpose": "Work"}),
    ]
    assert all(step.postcondition.before == {known["id"]} for step in steps)  # type: ignore[union-attr] # a request's proof


def test_recordings_are_one_request_for_each_app_and_level() -> None:
    entries = [
        one("GitHub", DAN, permission_level="Read"),
        one("GitHub", GONE["id"], permission_level="Write"),
        one("Figma", CAT, DAN),
    ]
    scene = Scene(accesses=entries, allow_inactive=True, purpose=None, **DIRECT)
    assert [[tuple(row.values()) for row in step.body["data"]] for step in scene.steps() if step.body] == [
        [(GITHUB["id"], DAN["id"], READ["id"])],
        [(GITHUB["id"], GONE["id"], WRITE["id"])],
        [(FIGMA["id"], CAT["id"]), (FIGMA["id"], DAN["id"])],
    ]
    assert scene.decide().warnings == [
        "Approval is bypassed by ada@example.com, reason 'Import': access to 'GitHub', 'Figma' is recorded for "
        "dan@example.com, gone@example.com, cat@example.com."
    ]


@pytest.mark.parametrize(
    ("given", "kind", "words"),
    [
        (one("Figma", DAN, method="direct"), ConfigurationError, "`bypass_approval` is not set"),
        (one("Figma", DAN, bypass_approval=True), ConfigurationError, "`bypass_approval` is set"),
        (one("Figma", DAN, **{**DIRECT, "bypass_reason": " "}), ConfigurationError, "does not say why"),
        (one("Figma", DAN, purpose="x" * 1025), ConfigurationError, "blank or too long"),
        (one("Figma", DAN, purpose=" "), ConfigurationError, "blank or too long"),
        (one("Figma", DAN, wait_timeout=-1), ConfigurationError, "it is -1"),
        (one("Figma", DAN, purpose=None), ConfigurationError, "`purpose` is not set, and approvers read it"),
        (
            one("Figma", BEN, state="absent", purpose=None),
            ConfigurationError,
            "`purpose` is not set, and approvers read it",
        ),
        (
            one("GitHub", BEN, permission_level="Write", purpose=None),
            ConfigurationError,
            "`purpose` is not set, and approvers read it",
        ),
        (one("Figma", DAN, acting_user=None), ConfigurationError, "`acting_user` is not set, and Cakewalk records"),
        (
            one("Figma", DAN, acting_user=None, **DIRECT),
            ConfigurationError,
            "`acting_user` is not set, and nobody may record access for themselves, so it must be known who does",
        ),
        (one("Figma", DAN, acting_user=GONE["email"]), ConfigurationError, "status of this person is Offboarding"),
        (one("Figma", GONE), LookupFailed, "is Offboarding and would be given access"),
        (one("Figma", GONE, **DIRECT), LookupFailed, "is Offboarding and would be given access"),
        (one("Figma", ADA, **DIRECT), LimitExceeded, "approve access for itself"),
        (one("Figma", ADA, state="absent"), LimitExceeded, "protected: ada@example.com"),
        (
            one("Figma", CAT["id"], state="absent", protected_users=[CAT["id"]]),
            LimitExceeded,
            f"protected: {CAT['id']}",
        ),
        (
            one("GitHub", BEN, permission_level="Write", protected_users=[BEN["id"].upper()]),
            LimitExceeded,
            "protected: ben@example.com",
        ),
        (one("Figma", BEN, state="absent", max_removals=0), LimitExceeded, "from 'Figma': ben@example.com"),
        (one("Figma", BEN, state="absent", protected_users=["old@example.com"]), LookupFailed, "old@example.com"),
    ],
)
def test_the_rails_hold(given: dict[str, Any], kind: type[CakewalkError], words: str) -> None:
    with pytest.raises(kind, match=words):
        Scene(**{**given, "state": given["state"] or "present"}).decide()


@pytest.mark.parametrize(
    "given",
    [
        one("Figma", ADA, allow_self_approval=True, **DIRECT),
        one("Figma", ADA),
        one("Figma", GONE, allow_inactive=True),
        one("Figma", BEN, purpose=None, acting_user=None),
        one("GitHub", CAT, permission_level="Write", protected_users=[CAT["email"]]),
        one("Figma", DAN, protected_users=["old@example.com"], max_removals=0),
    ],
)
def test_the_rails_stop_nothing_else(given: dict[str, Any]) -> None:
    Scene(**{**given, "state": "present"}).decide()


@pytest.mark.parametrize("protected", [BEN["id"], "renamed@example.com"])
@pytest.mark.parametrize(
    "given",
    [
        one("Figma", "renamed@example.com", state="absent"),
        one("GitHub", "renamed@example.com", state="present", permission_level="Write"),
    ],
)
def test_protection_holds_for_people_whom_the_accesses_show_under_another_address(
    protected: str, given: dict[str, Any]
) -> None:
    scene = Scene(**given, protected_users=[protected])
    scene.tenant.users = [ADA, {**BEN, "email": "renamed@example.com"}, CAT]
    with pytest.raises(LimitExceeded, match="protected"):
        scene.decide()
    assert set(scene.tenant.looked_up) >= {ADA["email"], "renamed@example.com"}


def test_a_change_of_level_is_no_removal_to_be_counted() -> None:
    scene = Scene(**one("GitHub", BEN, permission_level="Write", state="present", max_removals=0))
    assert scene.outcomes() == [(BEN["id"], "level_change_requested")]


def missing(wait: AccessWait, requests: list[Row], rows: list[Row]) -> list[str]:
    """Return what a wait about one app misses when it looks."""
    return wait.missing([requests, rows])


def waiting(*asked: Row, **given: Any) -> AccessWait:
    """Return the wait of a task."""
    return awaiting(Scene(*asked, **given).decide().decisions)


def awaiting(decisions: list[AccessDecision], **approvers: list[str]) -> AccessWait:
    """Return the wait for decisions; the approvers of a request are named by its id."""
    return AccessWait(decisions, 5, REQUEST_STATUSES, lambda ids, *_about: {one: approvers.get(one, []) for one in ids})


def test_nothing_is_waited_for_where_nothing_is_requested() -> None:
    decided = Scene(accesses=[one("GitHub", CAT, permission_level="Write"), one("Figma", CAT, state="absent")]).decide()
    assert not awaiting(decided.decisions).awaits
    assert decided.concluded() == decided
    assert unmet_of(decided.decisions, True, REQUEST_STATUSES) is None


def test_only_the_apps_with_something_to_wait_for_are_looked_at() -> None:
    entries = [one("GitHub", CAT, permission_level="Write"), one("Figma", CAT, DAN)]
    wait = waiting(accesses=entries)
    assert wait.awaits
    assert wait.sources == [REQUESTS, accesses(FIGMA)]
    assert not wait.proves_absence
    assert waiting(**one("Figma", BEN, state="absent")).proves_absence


def test_access_is_waited_for_until_it_is_listed() -> None:
    opened = request(5, DAN, GITHUB, GRANT, WRITE)
    approved = {**opened, "requestStatus": "Approved"}
    wait = waiting(**one("GitHub", DAN, permission_level="Write", state="present"))
    words = "to give dan@example.com access to 'GitHub' at the level 'Write'"
    facts = f"(request {opened['id']}, status"
    assert missing(wait, [], []) == [f"no request {words} is listed"]
    assert missing(wait, [opened], []) == [f"the request {words} still waits for approval {facts} Pending)"]
    assert missing(wait, [{**opened, "requestStatus": "Mystery"}], []) == [
        f"the request {words} has an unknown status {facts} Mystery)"
    ]
    at_another = {"user": DAN, "permissionLevel": READ}
    assert missing(wait, [approved], [at_another]) == [
        f"the request {words} is approved, and its effect is not listed yet {facts} Approved)"
    ]
    assert missing(wait, [opened], [at_another, {"user": DAN, "permissionLevel": WRITE}]) == []


def test_a_wait_that_times_out_names_the_approvers_of_what_is_undecided() -> None:
    opened, approved = request(5, DAN, GITHUB, GRANT, WRITE), request(6, BEN, GITHUB, CHANGE, WRITE, "Approved")
    wanted = Scene(**one("GitHub", DAN, BEN, ADA, permission_level="Write", state="present")).decide().decisions
    wait = awaiting(wanted, **{opened["id"]: ["olga@example.com", "max@\nexample.com"], approved["id"]: ["no@body"]})
    lines = missing(wait, [opened, approved], [{"user": BEN, "permissionLevel": READ}])
    explained = [
        lines[0].replace("for approval", "for approval by olga@example.com or max@\\nexample.com"),
        *lines[1:],
    ]
    assert wait.explained(lines) == explained
    assert explained[0] != lines[0]


def test_a_removal_is_waited_for_until_nothing_is_held() -> None:
    wait = waiting(**one("GitHub", BEN, state="absent"))
    opened = request(5, BEN, GITHUB, REMOVE)
    (line,) = missing(wait, [opened], [{"user": BEN, "permissionLevel": READ}])
    assert line.startswith("the request to remove the access of ben@example.com to 'GitHub' still waits for approval (")
    assert missing(wait, [opened], [{"user": CAT, "permissionLevel": WRITE}]) == []


@pytest.mark.parametrize("status", ["Declined", "cancelled"])
def test_what_will_not_come_is_not_waited_for(status: str) -> None:
    wait = waiting(**one("GitHub", BEN, permission_level="Write", state="present"))
    ended = request(5, BEN, GITHUB, CHANGE, WRITE, status)
    with pytest.raises(RequestDeclined) as refused:
        missing(wait, [ended], [{"user": BEN, "permissionLevel": READ}])
    told = "the request to give ben@example.com access to 'GitHub' at the level 'Write' was "
    told += f"{'declined' if status == 'Declined' else 'withdrawn'} (request {ended['id']}, status {status})"
    assert told in str(refused.value)
    assert refused.value.facts() == {"kind": "declined", "refused": [told]}
    assert missing(wait, [ended], [{"user": BEN, "permissionLevel": WRITE}]) == []


def test_an_earlier_request_that_was_declined_does_not_end_the_wait_for_a_new_one() -> None:
    """The list of requests may show the new one late."""
    earlier = request(5, DAN, GITHUB, GRANT, WRITE, "Declined")
    wait = waiting(earlier, **one("GitHub", DAN, permission_level="Write", state="present", retry_declined=True))
    assert missing(wait, [earlier], []) == [
        "no request to give dan@example.com access to 'GitHub' at the level 'Write' is listed"
    ]
    newer = {**earlier, "id": uid(700), "requestStatus": "Pending"}
    assert newer["id"] in missing(wait, [newer, earlier], [])[0]


def test_a_request_that_was_open_before_is_waited_for() -> None:
    opened = request(5, DAN, GITHUB, GRANT, WRITE)
    wait = waiting(opened, **one("GitHub", DAN, permission_level="Write", state="present"))
    assert opened["id"] in missing(wait, [opened], [])[0]
    with pytest.raises(RequestDeclined):
        missing(wait, [{**opened, "requestStatus": "Declined"}], [])


def test_what_was_seen_is_told_as_a_run_after_it_would() -> None:
    opened = request(5, DAN, GITHUB, GRANT, WRITE)
    entries = [one("GitHub", DAN, BEN, CAT, permission_level="Write"), one("Figma", BEN, state="absent")]
    decided = Scene(opened, accesses=entries).decide()
    assert [decision.outcome for decision in decided.decisions] == [
        "requested",
        "level_change_requested",
        "granted",
        "removal_requested",
    ]
    seen = decided.concluded().decisions
    assert [(decision.outcome, decision.request) for decision in seen] == [
        ("granted", {"id": opened["id"]}),
        *[("granted", None)] * 2,
        ("absent", None),
    ]


def test_what_is_recorded_is_waited_for_and_never_called_granted() -> None:
    decided = Scene(**one("Figma", DAN, state="present", **DIRECT)).decide()
    assert [decision.outcome for decision in decided.concluded().decisions] == ["recorded"]
    wait = awaiting(decided.decisions)
    assert missing(wait, [], []) == ["the access of dan@example.com to 'Figma' is recorded, and is not listed yet"]
    assert missing(wait, [], [{"user": DAN, "permissionLevel": None}]) == []


def test_to_wait_for_what_was_declined_fails() -> None:
    declined = request(5, DAN, FIGMA, GRANT, None, "Declined")
    decisions = Scene(declined, **one("Figma", DAN, state="present")).decide().decisions
    assert unmet_of(decisions, False, REQUEST_STATUSES) is None
    error = unmet_of(decisions, True, REQUEST_STATUSES)
    assert isinstance(error, RequestDeclined)
    assert f"access to 'Figma' was declined (request {declined['id']}, status Declined)" in str(error)


def test_whoever_is_named_in_vain_or_was_declined_is_warned_of() -> None:
    declined = request(5, DAN, FIGMA, GRANT, None, "Declined")
    entries = [one("Figma", DAN), one("Figma", "nobody@example.com", state="absent")]
    assert Scene(declined, accesses=entries).decide().warnings == [
        "Nobody has these addresses, so there was nothing to remove: 'nobody@example.com' ('Figma'). "
        "Check the spelling.",
        "Declined before, and not asked for again without `retry_declined`: dan@example.com ('Figma').",
    ]
