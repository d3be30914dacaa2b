# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may receive access and who may act."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.catalog import UserStatuses
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import ConfigurationError
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.lookup import LookupFailed, Resolver
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.people import (
    NOBODY,
    acting_user,
    check_receivers,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.tenant import Tenant
from unit.people import MemoryTenant, connection, uid, user, users

STATUSES = UserStatuses()


@pytest.mark.parametrize("status", ["Active", "Invited", "Onboarding"])
def test_people_who_may_receive_access(status: str) -> None:
    finder = Resolver()
    assert check_receivers([user(1, status=status)], STATUSES, finder) == []
    finder.check()


@pytest.mark.parametrize("status", ["Deactivated", "Offboarding", "Ignored"])
def test_people_on_their_way_out_are_refused(status: str) -> None:
    finder = Resolver()
    assert check_receivers([user(1, "ada@example.com", status), user(2)], STATUSES, finder) == []
    with pytest.raises(LookupFailed) as failed:
        finder.check()
    assert failed.value.facts()["problems"] == [
        {
            "reference": "ada@example.com",
            "reason": "inactive",
            "message": f"the user 'ada@example.com' is {status} and would be given access (`allow_inactive` permits "
            "it)",
            "status": status,
        }
    ]


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        *(("Sabbatical", "Sabbatical"), ("active", "active"), (None, "None"), ("", ""), ("a\x1bb", r"a\x1bb")),
        *((["Active"], "['Active']"), ({"name": "Active"}, "{'name': 'Active'}")),
    ],
)
def test_a_status_of_unknown_meaning_is_a_warning_that_names_the_remedy(status: Any, shown: str) -> None:
    finder = Resolver()
    (warning,) = check_receivers([user(1, "ada@example.com", status)], STATUSES, finder)
    finder.check()
    assert f"ada@example.com ({shown})" in warning
    assert "known_statuses.user.may_receive_access" in warning


def test_a_status_that_is_listed_is_known() -> None:
    statuses = STATUSES.extended({"may_receive_access": ["Sabbatical"]})
    assert check_receivers([user(1, status="Sabbatical")], statuses, Resolver()) == []


def test_many_people_make_one_warning() -> None:
    crowd = [user(number, status="Sabbatical") for number in range(30)]
    (warning,) = check_receivers(crowd, STATUSES, Resolver())
    assert "p9@example.com" in warning
    assert "and 20 more" in warning


@pytest.mark.parametrize("reference", ["ADA@example.com", uid(1), uid(1).upper()])
def test_an_active_person_may_act(reference: str) -> None:
    ada = user(1, "ada@example.com")
    assert acting_user(reference, users(ada, user(2)), MemoryTenant([]), Resolver()) == ada


@pytest.mark.parametrize("reference", [None, ""])
def test_somebody_must_act(reference: str | None) -> None:
    with pytest.raises(ConfigurationError) as refused:
        acting_user(reference, users(), MemoryTenant([]), Resolver())
    assert str(refused.value).endswith(
        "(variable `cakewalk_acting_user`, environment variable CAKEWALK_ACTING_USER) to the e-mail address or id of "
        "an admin."
    )
    assert refused.value.facts() == {"kind": "configuration", "option": "acting_user"}


def test_a_dry_run_warns_once_that_somebody_must_act() -> None:
    tenant = Tenant(Client(connection()), is_dry_run=True)
    assert [acting_user(None, users(), tenant, Resolver()) for _time in range(2)] == [NOBODY, NOBODY]
    (warning,) = tenant.warnings
    assert "`acting_user` is not set, and Cakewalk records an admin" in warning
    assert warning.endswith("Without check mode, the task fails before its first write.")


@pytest.mark.parametrize("status", ["Invited", "Onboarding", "Offboarding", "Deactivated", "Ignored", "Chief", None])
def test_who_is_not_known_to_be_active_may_not_act(status: str | None) -> None:
    with pytest.raises(ConfigurationError) as refused:
        acting_user(uid(1), users(user(1, status=status)), MemoryTenant([]), Resolver())
    assert str(refused.value).startswith(f"Could not act as {uid(1)}: the status of this person is {status}. ")
    assert "known_statuses.user.may_act" in refused.value.hint
    assert refused.value.facts()["option"] == "acting_user"


def test_a_status_that_is_listed_lets_act() -> None:
    chief = user(1, status="Chief")
    tenant = Tenant(Client(connection()), {"user": {"may_act": ["Chief"]}})
    assert acting_user(uid(1), users(chief), tenant, Resolver()) == chief


def test_an_acting_user_who_does_not_exist_is_told_with_all_other_problems() -> None:
    finder = Resolver()
    finder.find("nobody@example.com", users())
    with pytest.raises(LookupFailed) as failed:
        acting_user("gone@example.com", users(), MemoryTenant([]), finder)
    assert [problem["reference"] for problem in failed.value.facts()["problems"]] == [
        "nobody@example.com",
        "gone@example.com",
    ]


def test_an_acting_user_must_be_unambiguous() -> None:
    twins = users(user(1, "ada@example.com"), user(2, "Ada@example.com", "Deactivated"))
    with pytest.raises(LookupFailed, match="2 users have the address"):
        acting_user("ada@example.com", twins, MemoryTenant([]), Resolver())
