# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Large and odd input: work that must not grow with its square, ids and names that are none."""

from __future__ import annotations

import time

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api import catalog
from ansible_collections.cakewalk.access.plugins.module_utils._api.operations import is_usable_id
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.guardrails import LimitExceeded
from ansible_collections.cakewalk.access.plugins.module_utils._engine.info.selection import select
from unit.people import MemoryTenant, group, options, uid, user, users

ADA, BEN = user(1, "ada@example.com"), user(2, "ben@example.com")
CREW = group(1, "Crew")


def test_ten_thousand_given_ids_take_no_seconds() -> None:
    ids = [uid(number) for number in range(10_000)]
    params = options(group="Crew", users=ids, allow_inactive=True, acting_user=ADA["id"])
    began = time.process_time()
    MemoryTenant([ADA], [CREW]).decide(params)
    assert time.process_time() - began < 1


def test_ten_thousand_misses_take_no_seconds() -> None:
    began = time.process_time()
    select(users(), [f"nobody{number}@example.com" for number in range(10_000)])
    assert time.process_time() - began < 1


def test_groups_without_a_name_are_told_by_id() -> None:
    nameless = {"id": uid(1009), "name": None, "type": "Dynamic"}
    tenant = MemoryTenant([ADA, BEN], [nameless])
    with pytest.raises(LimitExceeded) as stopped:
        tenant.decide(options(group=uid(1009), users=[BEN["email"]], acting_user=ADA["email"]))
    assert stopped.value.facts()["groups"] == [uid(1009)]


@pytest.mark.parametrize("identifier", ["\ud800", "..", ".", "a/b", "a b", "", None, 7, "x" * 65])
def test_an_id_that_cannot_be_one_segment_of_a_path_is_none(identifier: object) -> None:
    assert catalog.USERS.listing.key_of({"id": identifier}) is None
    assert not is_usable_id(identifier)
