# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans of tasks about access: lookups, guardrails and steps, by value."""

from __future__ import annotations

import time
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import CakewalkError, ConfigurationError
from ansible_collections.cakewalk.access.plugins.module_utils._api.operations import Phase
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access.planning import (
    lookups,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.access_requests import (
    GRANT,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.guardrails import (
    LimitExceeded,
    ProtectedUsers,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.lookup import LookupFailed
from unit.access.samples import ADA, BEN, CAT, DAN, DIRECT, FIGMA, GITHUB, GONE, READ, WRITE, Scene, one, request
from unit.people import uid


def test_who_needs_no_step_is_told() -> None:
    asked = request(1, DAN, FIGMA, GRANT)
    scene = Scene(asked, accesses=[one("Figma", BEN, DAN), one("GitHub", CAT, permission_level="Write")])
    assert (
        scene.decide().remark(waited=False)
        == "2 people have access to 2 apps; dan@example.com has an open request for Figma"
    )
    assert Scene(**one("Figma", CAT)).decide().remark(waited=True) == "the access is as requested by now"


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


def test_whoever_is_named_in_vain_or_was_declined_is_warned_of() -> None:
    declined = request(5, DAN, FIGMA, GRANT, None, "Declined")
    entries = [one("Figma", DAN), one("Figma", "nobody@example.com", state="absent")]
    assert Scene(declined, accesses=entries).decide().warnings == [
        "Nobody has these addresses, so there was nothing to remove: 'nobody@example.com' ('Figma'). "
        "Check the spelling.",
        "Declined before, and not asked for again without `retry_declined`: dan@example.com ('Figma').",
    ]
