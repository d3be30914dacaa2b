# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a selection of apps says."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import ConfigurationError
from ansible_collections.cakewalk.access.plugins.module_utils._engine.policies.selectors import Selector, selector_of
from unit.policies.samples import entry

FIELD = {"name": "Priority", "value": "High"}


def of(select: dict[str, Any]) -> Selector:
    return selector_of(entry(select=select)["select"], "use it")


@pytest.mark.parametrize(
    ("select", "selector", "criteria"),
    [
        ({"all": True}, Selector(), 0),
        ({"status": "Managed"}, Selector((("status", "Managed"),)), 1),
        ({"all": False, "category": "DESIGN"}, Selector((("category", "DESIGN"),)), 1),
        ({"custom_field": FIELD}, Selector((), "Priority", "High"), 1),
        (
            {"category": "DESIGN", "custom_field": FIELD, "status": "Managed"},
            Selector((("status", "Managed"), ("category", "DESIGN")), "Priority", "High"),
            3,
        ),
    ],
)
def test_each_criterion_counts(select: dict[str, Any], selector: Selector, criteria: int) -> None:
    assert of(select) == selector
    assert of(select).criteria == criteria


@pytest.mark.parametrize("select", [{}, {"all": False}, {"status": None, "custom_field": None}])
def test_a_selection_must_say_something(select: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="Could not use it: select says nothing, which could mean every app"):
        of(select)


@pytest.mark.parametrize("more", [{"status": "Managed"}, {"category": ""}, {"custom_field": FIELD}])
def test_all_apps_excludes_criteria(more: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="all and criteria are given"):
        of({"all": True, **more})


def test_a_field_needs_a_value() -> None:
    with pytest.raises(ConfigurationError, match="the value of the custom field 'Priority' is null or missing"):
        of({"custom_field": {"name": "Priority", "value": None}})


@pytest.mark.parametrize(
    ("status", "category", "fits"),
    [("Managed", "DESIGN", True), ("Managed", "SALES", False), ("managed", "DESIGN", False), (" Managed", "X", False)],
)
def test_all_words_must_be_those_of_the_record(status: str, category: str, fits: bool) -> None:
    selector = of({"status": "Managed", "category": "DESIGN"})
    assert selector.fits({"id": "1", "statusName": status, "categoryName": category}) is fits
    assert Selector().fits({"id": "1"})
