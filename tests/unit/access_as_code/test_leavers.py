# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who has left, by the directory and by proofs, and the line about each person whom the code still names."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.catalog import UserStatuses
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_as_code.leavers import (
    Leavers,
    leaver_lines,
)
from unit.people import uid, user, users

ADA, BEN, EVE = "ada@example.com", "ben@example.com", "eve@example.com"
PROOF = {"id": uid(2), "email": BEN, "file": "leaver-2.json", "date": "2026-10-01"}
BY_PROOF = "offboarded, see leaver-2.json of 2026-10-01"


def line(reference: str, *rows: dict[str, Any], proofs: Any = (PROOF,), allow_inactive: bool = False) -> list[str]:
    """Return the lines about a reference that stands at two places of the code."""
    leavers = Leavers(proofs, UserStatuses(), allow_inactive)
    leavers.has_left(reference, users(), users(*rows))
    return leaver_lines(leavers.named([(reference, "groups.yml:4"), (reference.upper(), "accesses.yml:9")]))


def told(name: str, reason: str) -> list[str]:
    return [f"{name}: left, remove from the code (groups.yml:4, accesses.yml:9); {reason}"]


@pytest.mark.parametrize("status", sorted(UserStatuses().inactive))
def test_an_inactive_person_has_left_unless_inactive_people_are_allowed(status: str) -> None:
    assert line(ADA, user(1, ADA, status)) == told(ADA, f"the status is {status}")
    assert line(uid(1), user(1, ADA, status)) == told(ADA, f"the status is {status}")
    assert line(ADA, user(1, ADA, status), allow_inactive=True) == []


@pytest.mark.parametrize("status", ["Active", "Invited", "Discovered", None])
def test_any_other_status_is_none_of_a_leaver(status: str | None) -> None:
    assert line(ADA, user(1, ADA, status)) == []


def test_a_proof_counts_for_its_person_whatever_the_address_and_whoever_is_allowed() -> None:
    back = ", but the status is Active: move the proof away if the person is back"
    for reference in (uid(2), uid(2).upper(), EVE):
        assert line(reference, user(2, EVE)) == told(EVE, BY_PROOF + back)
    assert line(BEN, user(2, BEN), allow_inactive=True) == told(BEN, BY_PROOF + back)
    assert line(BEN, user(2, BEN, "Deactivated")) == told(BEN, "the status is Deactivated")
    assert line(uid(2), {"id": uid(2)}) == told(uid(2), BY_PROOF)


def test_the_address_of_a_proof_counts_once_nobody_has_it() -> None:
    assert line(BEN) == told(BEN, BY_PROOF)
    assert line("Ben@Example.com") == told("Ben@Example.com", BY_PROOF)
    assert line(uid(2)) == told(uid(2), BY_PROOF)
    assert line(BEN, user(3, BEN)) == [], "somebody else has the address"
    assert line(BEN, proofs=()) == []


def test_an_address_of_two_is_left_to_the_lookup() -> None:
    assert line(ADA, user(1, ADA, "Deactivated"), user(3, ADA)) == []


def test_the_latest_proof_is_named() -> None:
    later = {**PROOF, "file": "leaver-3.json", "date": ""}
    assert line(uid(2), proofs=[PROOF, later]) == told(uid(2), "offboarded, see leaver-3.json")
