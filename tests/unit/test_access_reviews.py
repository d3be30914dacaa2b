# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access reviews: when they are due, what they are about, and how they differ from those that were started."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.catalog import APPS
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import CakewalkError, ConfigurationError
from ansible_collections.cakewalk.access.plugins.module_utils._engine import access_reviews
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_reviews import AccessReview, due_date
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.plan import (
    ApplyResult,
    StepResult,
    StepStatus,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.storage.ledger import LedgerEntry
from unit.people import MemoryTenant, uid, user

ADA = user(1, "ada@example.com")
GITHUB, AWS = {"id": uid(7), "name": "GitHub"}, {"id": uid(6), "name": "AWS"}
TENANT = MemoryTenant([], rows={APPS.listing: [GITHUB, AWS]})
DUE = datetime(2030, 12, 31, 23, 59, 59, tzinfo=timezone.utc)
SPRING = AccessReview("Spring", "manager", DUE, "Look through it", (GITHUB, AWS))
REMEMBERED = {
    "reviewer": "manager",
    "due_date": "2030-12-31T23:59:59Z",
    "description": "Look through it",
    "apps": [uid(6), uid(7)],
}


def options(**given: Any) -> dict[str, Any]:
    plain = {"name": "Spring", "reviewer": "manager", "due_date": "2030-12-31", "description": None}
    return {**plain, "apps": None, "all_apps": False, "ledger_path": None, **given}


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("2030-12-31", DUE),
        ("2032-02-29", datetime(2032, 2, 29, 23, 59, 59, tzinfo=timezone.utc)),
        ("2030-12-31T23:59:59Z", DUE),
        ("2030-12-31 23:59:59z", DUE),
        ("2031-01-01t00:59:59+01:00", DUE),
        ("2030-12-31T18:29:59-05:30", DUE),
        ("2030-12-31T12:00Z", datetime(2030, 12, 31, 12, tzinfo=timezone.utc)),
    ],
)
def test_when_a_campaign_is_due(text: str, due: datetime) -> None:
    assert due_date(text) == due
    assert due_date(text).utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "2030",
        "20301231",
        "2030-W01-1",
        "2030-1-1",
        "2030-02-30",
        "2030-13-01",
        "31.12.2030",
        "12/31/2030",
        "2030-12-31T10:00:00",
        "2030-12-31T24:00:01Z",
        "2030-12-31T10:00:00+0100",
        "2030-12-31T10:00:00 Europe/Berlin",
        "2030-12-31Z",
        " 2030-12-31",
        "2030-12-31\n",
        "\N{FULLWIDTH DIGIT TWO}030-12-31",
        "9999-12-31T23:59:59-01:00",
        "0000-01-01",
    ],
)
def test_what_is_no_due_date(text: str) -> None:
    with pytest.raises(ConfigurationError, match="it is neither a date nor a time with its zone") as caught:
        due_date(text)
    assert caught.value.facts()["option"] == "due_date"
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("now", "over"), [(DUE - timedelta(seconds=1), False), (DUE, True)])
def test_what_is_over_is_not_started(now: datetime, over: bool) -> None:
    if not over:
        return SPRING.check_due(now)
    with pytest.raises(ConfigurationError, match="'2030-12-31T23:59:59Z' as `due_date`: it is in the past"):
        SPRING.check_due(now)


@pytest.mark.parametrize(
    ("given", "option"),
    [
        ({"name": "", "all_apps": True}, "name"),
        ({"name": " \t", "all_apps": True}, "name"),
        ({"name": "None", "all_apps": True}, "name"),
        ({"name": " Spring", "all_apps": True}, "name"),
        ({"name": "Spring\n", "all_apps": True}, "name"),
        ({"due_date": "soon", "all_apps": True}, "due_date"),
        ({"apps": []}, "apps"),
        ({"apps": [], "all_apps": False}, "apps"),
        ({"all_apps": False}, "apps"),
        ({"apps": ["GitHub", " "]}, "apps"),
    ],
)
def test_options_that_cannot_be_meant(given: dict[str, Any], option: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        access_reviews.check_options(options(**given))
    assert caught.value.facts()["option"] == option


@pytest.mark.parametrize("given", [{"apps": ["GitHub"]}, {"all_apps": True}, {"apps": ["GitHub"], "all_apps": False}])
def test_options_that_can_be_meant(given: dict[str, Any]) -> None:
    access_reviews.check_options(options(**given))


def test_an_app_is_meant_once_however_often_it_is_named() -> None:
    params = options(apps=["GitHub", uid(7).upper(), "AWS", "GitHub"])
    review, ledger, resolver = access_reviews.read_review(params, TENANT)
    resolver.check()
    assert review.apps == (GITHUB, AWS)
    assert review.due_date == DUE
    assert ledger is None


def test_all_apps_are_not_listed() -> None:
    assert access_reviews.read_review(options(all_apps=True), TENANT)[0].apps is None


def test_a_campaign_is_one_step_that_is_remembered_by_its_name() -> None:
    step = SPRING.start(ADA)
    assert (step.action, step.method, step.path) == (
        "start the access review 'Spring' of 2 apps",
        "POST",
        "/api/v1/AccessReviews",
    )
    assert step.body == {
        "name": "Spring",
        "description": "Look through it",
        "accessReviewType": "Manager",
        "dueDate": "2030-12-31T23:59:59Z",
        "workAppIds": [uid(7), uid(6)],
        "createdByUserId": ADA["id"],
    }
    assert step.ledger_entry == (("review", "Spring"), REMEMBERED)
    assert step.ignored_statuses == {409}
    assert step.postcondition is None


def test_a_campaign_over_all_apps() -> None:
    step = replace(SPRING, apps=None, description=None).start(ADA)
    assert step.action == "start the access review 'Spring' of all apps"
    assert step.body is not None
    assert step.body["workAppIds"] == []
    assert "description" not in step.body


def test_a_campaign_as_data() -> None:
    described = {
        "name": "Spring",
        "reviewer": "manager",
        "due_date": "2030-12-31T23:59:59Z",
        "description": "Look through it",
        "all_apps": False,
        "apps": ["AWS", "GitHub"],
    }
    assert SPRING.described() == described
    assert replace(SPRING, apps=None).described() == {**described, "all_apps": True, "apps": []}


@pytest.mark.parametrize(
    ("wanted", "differing"),
    [
        (SPRING, []),
        (replace(SPRING, apps=(AWS, {**GITHUB, "name": "Renamed", "id": uid(7).upper()})), []),
        (replace(SPRING, apps=(AWS,)), ["apps"]),
        (replace(SPRING, apps=None), ["apps"]),
        (replace(SPRING, reviewer="app_owner", due_date=DUE + timedelta(days=1)), ["reviewer", "due_date"]),
        (replace(SPRING, description=None), ["description"]),
    ],
)
def test_what_differs_from_the_campaign_that_was_started(wanted: AccessReview, differing: list[str]) -> None:
    entry = LedgerEntry(REMEMBERED, datetime(2030, 10, 1, 8, tzinfo=timezone.utc))
    warnings = access_reviews.changed_since(wanted, entry)
    assert len(warnings) == bool(differing)
    for warning in warnings:
        assert f"'Spring' was started on 2030-10-01 with other values for {', '.join(differing)}." in warning
        assert "An access review cannot be changed" in warning


def test_names_cannot_forge_what_is_told() -> None:
    odd = replace(SPRING, name="Spring\n\u202e")
    refusal = CakewalkError("start it", "the server answered 409", "Nothing.")
    told = [
        *access_reviews.changed_since(replace(odd, apps=None), LedgerEntry(REMEMBERED, DUE)),
        access_reviews.sent_blindly(odd),
        odd.refusal(ApplyResult([StepResult(odd.start(ADA), StepStatus.REFUSED, refusal)]), None)["warnings"][0],
        odd.start(ADA).action,
    ]
    assert all("Spring\\\\n\\\\u202e" in text or "Spring\\n\\u202e" in text for text in told), told
    assert not any("\n" in text or "\u202e" in text for text in told)
