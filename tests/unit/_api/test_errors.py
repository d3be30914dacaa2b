# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors: what they say to people and to programs."""

from __future__ import annotations

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import (
    ApiError,
    CakewalkError,
    ConfigurationError,
    ListMoved,
    NotFound,
    OutcomeUnknown,
    ProtocolError,
    TransportError,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.lookup import LookupFailed


def test_a_message_has_three_parts() -> None:
    error = CakewalkError("list the users", "nobody answered", "Run again.")
    assert str(error) == "Could not list the users: nobody answered. Run again."
    assert (error.action, error.cause, error.hint) == ("list the users", "nobody answered", "Run again.")


def test_facts_are_those_that_are_known() -> None:
    error = ConfigurationError("use it", "it is 0", "Correct it.", option="timeout", value=0, near=None, empty="")
    assert error.facts() == {"kind": "configuration", "option": "timeout", "value": 0, "empty": ""}


def test_restating_keeps_kind_and_facts_and_the_original() -> None:
    error = NotFound("remove Ada", "the server answered 404", "Check the id.", status=404, path="/x")
    other = error.restated("she is still there", "Look.")
    assert isinstance(other, NotFound)
    assert str(other) == "Could not remove Ada: she is still there. Look."
    assert other.facts() == error.facts() == {"kind": "not_found", "status": 404, "path": "/x"}
    assert str(error) == "Could not remove Ada: the server answered 404. Check the id."


def test_errors_of_other_layers_can_be_restated_too() -> None:
    problems = [{"reason": "not_found", "message": "the user 'x' does not exist"}]
    other = LookupFailed(problems).restated("nobody is", "Look.")
    assert str(other) == "Could not find what the task names: nobody is. Look."
    assert other.facts() == {"kind": "lookup_failed", "problems": problems}


@pytest.mark.parametrize(
    ("narrow", "wide"), [(OutcomeUnknown, TransportError), (ListMoved, ProtocolError), (NotFound, ApiError)]
)
def test_narrow_errors_are_caught_as_wide_ones(narrow: type[CakewalkError], wide: type[CakewalkError]) -> None:
    assert issubclass(narrow, wide)
    assert narrow.kind != wide.kind
