# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A secret that AWX has is kept only where it still goes to the place for which somebody gave it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._engine.controller_setup.calls import Call
from ansible_collections.cakewalk.access.plugins.module_utils._engine.controller_setup.kept import (
    ENCRYPTED,
    is_moved,
    problem_of_move,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.controller_setup.targets import Target

EMAIL = {
    "host": "h",
    "port": 25,
    "username": "u",
    "sender": "s",
    "recipients": ["r"],
    "use_tls": True,
    "use_ssl": False,
}
WEBHOOK = {"url": "https://example.com", "http_method": "POST", "disable_ssl_verification": False}
KEY = {"base_url": "https://example.com", "who": "ada"}


def notification(inputs: dict[str, Any], kind: str = "email") -> Call:
    options = {"notification_type": kind, "notification_configuration": inputs}
    return Call(Target("notification_templates", "N"), options)


def credential(inputs: dict[str, Any], kind: str = "Key") -> Call:
    return Call(Target("credentials", "C"), {"credential_type": kind, "inputs": inputs})


MAIL_IN_AWX = {
    "notification_type": "email",
    "notification_configuration": {**EMAIL, "password": ENCRYPTED, "timeout": 30},
}
WEBHOOK_IN_AWX = {"notification_type": "webhook", "notification_configuration": {**WEBHOOK, "password": ENCRYPTED}}
KEY_IN_AWX = {
    "summary_fields": {"credential_type": {"name": "Key"}},
    "inputs": {**KEY, "key": ENCRYPTED, "secret_url": ENCRYPTED},
}
SECRETLESS = {"notification_configuration": EMAIL}
#: A call, what AWX has, the secrets that are given, and what changes the place, or nothing.
CALLS: dict[str, tuple[Call, dict[str, Any], set[str], str]] = {
    "people who get mail": (notification({**EMAIL, "recipients": [], "username": "x"}), MAIL_IN_AWX, set(), ""),
    "off, left out": (notification({**EMAIL, "use_ssl": None}), MAIL_IN_AWX, set(), ""),
    "a host": (notification({**EMAIL, "host": "x", "password": ""}), MAIL_IN_AWX, set(), "'host'"),
    "no encryption": (notification({**EMAIL, "use_tls": False}), MAIL_IN_AWX, set(), "'use_tls'"),
    "an address": (notification({**WEBHOOK, "url": "x"}, "webhook"), WEBHOOK_IN_AWX, set(), "'url'"),
    "another type": (notification(WEBHOOK, "webhook"), MAIL_IN_AWX, set(), "'notification_type'"),
    "no secret": (
        notification({**EMAIL, "host": "x"}),
        {**MAIL_IN_AWX, "notification_configuration": EMAIL},
        set(),
        "",
    ),
    "who, by a name that says nothing": (credential({**KEY, "who": "olga"}), KEY_IN_AWX, set(), "'who'"),
    "one more secret": (credential({**KEY, "pin": "1"}), KEY_IN_AWX, {"pin"}, "'pin'"),
    "a host as a secret": (notification({**EMAIL, "host": "x"}), MAIL_IN_AWX, {"host"}, "'host'"),
    "an address as a secret": (credential({**KEY, "base_url": "x"}), KEY_IN_AWX, {"base_url"}, "'base_url'"),
    "an address of a key": (credential({**KEY, "base_url": "x"}), KEY_IN_AWX, {"key"}, "'base_url'"),
    "an address left out": (credential({"who": "ada"}), KEY_IN_AWX, set(), "'base_url'"),
}


@pytest.mark.parametrize("case", CALLS)
def test_a_secret_is_kept_only_for_the_place_it_was_given_for(case: str) -> None:
    call, found, given, where = CALLS[case]
    problem = problem_of_move(call, found, given)
    assert is_moved(call, found) == bool(problem) == bool(where)
    assert not where or f"elsewhere, because {where} changes" in (problem or "")
    # Whoever gives the secrets decides where they go.
    assert problem_of_move(call, found, {"password", "key", "secret_url"}) is None


def test_a_credential_of_another_type_is_not_put_next_to_the_one_that_awx_has() -> None:
    problem = problem_of_move(credential(KEY, "Other"), KEY_IN_AWX, {"key", "secret_url"})
    assert "has another type in AWX" in (problem or "")
