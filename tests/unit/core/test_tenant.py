# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be known of a tenant without asking it: the address below would not answer."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.catalog import (
    KINDS,
    USERS,
    ResourceType,
    UserStatuses,
)
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import ConfigurationError
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.tenant import Tenant
from unit.people import connection


def unreachable(**known_statuses: Any) -> Tenant:
    return Tenant(Client(connection("https://tenant.invalid", max_retries=0)), known_statuses)


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_to_select_nothing_costs_nothing(kind: ResourceType) -> None:
    register = unreachable().index(kind, [])
    assert register.by_id == {}
    assert not register.complete


def test_to_look_nobody_up_costs_nothing() -> None:
    register = unreachable().people([])
    assert (register.kind, register.by_id, register.complete) == (USERS, {}, False)


def test_no_lists_and_no_records_cost_nothing() -> None:
    assert unreachable().read([]) == []


@pytest.mark.parametrize(
    ("known_statuses", "extended"),
    [({}, {}), ({"user": None}, {}), ({"user": {"may_act": ["Chief"]}}, {"may_act": ["Chief"]})],
)
def test_known_statuses_are_taken_up(known_statuses: dict[str, Any], extended: dict[str, Any]) -> None:
    assert unreachable(**known_statuses).user_statuses == UserStatuses().extended(extended)


@pytest.mark.parametrize(
    ("known_statuses", "place", "cause", "hint"),
    [
        ({"tasks": {}}, "known_statuses.tasks", "does not exist", "user, task and request"),
        ({"task": {"opne": ["New"]}}, "known_statuses.task.opne", "does not exist", "actionable, open, approved"),
        ({"task": {1: ["New"]}}, "known_statuses.task.1", "does not exist", "actionable, open, approved"),
        ({"user": {"may_act\n": []}}, r"known_statuses.user.may_act\n", "does not exist", "may_receive_access"),
        ({"task": ["New"]}, "known_statuses.task", "must be a dictionary, not ['New']", "actionable, open, approved"),
        ({"request": {"open": "New"}}, "known_statuses.request.open", "must be a list of texts, not New", "[New]"),
        ({"request": {"open": [True]}}, "known_statuses.request.open", "must be a list of texts, not [True]", "quot"),
        ({"request": {"open": {"New": 1}}}, "known_statuses.request.open", "must be a list of texts", "quot"),
    ],
)
def test_known_statuses_of_another_form_are_refused(
    known_statuses: dict[str, Any], place: str, cause: str, hint: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        unreachable(**known_statuses)
    assert f"use {place}: " in str(refused.value)
    assert cause in refused.value.cause
    assert hint in refused.value.hint
    assert refused.value.facts() == {"kind": "configuration", "option": "known_statuses"}


def test_known_statuses_may_be_left_out() -> None:
    assert Tenant(Client(connection())).user_statuses == UserStatuses()
